"""One thread, many threads, one event loop, many processes: what overlaps, and what cannot.

Workers compute, wait for something else, answer, and take the next request. In CPython threads and
tasks share one core for computing; processes have a core each as long as there are cores. Where
that stops being true: workers who share a lock or a row get slower the more of them there are.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    log_axis,
    marks,
    note,
    ring,
    spans,
    yours,
)
from helpers.foundations.drawing.rows import named_rows
from helpers.foundations.experiment import (
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, Intervals
from helpers.why.closed_station import run_closed, steady_state
from helpers.why.real_workers import serve

#: Numbers of workers at which the curves are simulated.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

_STEPS = 200


class Setting(Parameters):
    """What a request needs, and who serves it."""

    cpu_ms: float = number(
        2.0, "Computing", unit="ms", above=0, note="Mean time for a request, exponential."
    )
    io_ms: float = number(
        18.0, "Waiting", unit="ms", above=0, note="Mean time for a request, exponential."
    )
    workers: int = integer(
        8,
        "Threads, tasks, processes",
        at_least=1,
        at_most=64,
        note="Requests in progress at a time.",
    )
    cores: int = integer(
        4, "Cores", at_least=1, at_most=64, note="For processes; threads and asyncio use one."
    )
    replications: int = replications(48)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def threads(at, draw):
    """Let threads wait side by side, and compute one at a time; count what they get done."""
    cpu_s, io_s = at.cpu_ms / 1000, at.io_ms / 1000
    wants_core = [draw("waiting").exponential(io_s) for _ in range(at.workers)]
    heapq.heapify(wants_core)
    core_free = 0.0
    for _ in range(2_000):
        now = heapq.heappop(wants_core)  # the thread that is first in line
        start = max(now, core_free)  # one core, one lock
        core_free = start + draw("computing").exponential(cpu_s)
        answered = core_free
        heapq.heappush(wants_core, answered + draw("waiting").exponential(io_s))
    return {"throughput_rps": 2_000 / answered}


# --- the same, fast: all numbers of workers and all replications at once --------------------------


@takes(Setting)
def simulate(at: Setting) -> Concurrency:
    """Observe 1 to 64 workers, and as many as asked for, on one core and on several.

    Every run begins in the steady state and is 200 events long; all meet the same draws.
    """
    cpu_s, k = at.cpu_ms * 1e-3, len(WORKERS)
    seen = run_closed(
        (*WORKERS, at.workers) * 2,
        at.io_ms * 1e-3 / cpu_s,
        (1,) * (k + 1) + (at.cores,) * (k + 1),
        _STEPS,
        at.replications,
        at.seed,
    ).scaled(cpu_s)
    x = seen.throughput_rps
    return Concurrency(
        at,
        shared=x[:k],
        spread=x[k + 1 : 2 * k + 1],
        shared_here=x[k],
        spread_here=x[2 * k + 1],
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, workers: int | None = None, cores: int = 1) -> float:
    """Requests per second of N workers on so many cores, for exponential times.

    Workers who compute, wait and take the next request are users of a station of `cores` servers;
    see :func:`helpers.why.closed_station.steady_state`.
    """
    count = at.workers if workers is None else workers
    return steady_state(count, at.io_ms * 1e-3, at.cpu_ms * 1e-3, cores).throughput_rps


def best_rps(workers: npt.ArrayLike, cpu_s: float, io_s: float, cores: int = 1) -> Any:
    """Largest possible throughput: ``X <= min(N / (S + Z), c / S)``, whatever the distributions.

    The first term says that nobody ever queues for the core, the second that the cores never
    idle. Lazowska, Zahorjan, Graham and Sevcik, *Quantitative System Performance*, 1984, chapter
    5, for one core.
    """
    count, cpu_s, io_s = _checked(workers, cpu_s, io_s)
    cores = validation.integer("cores", cores, at_least=1)
    result = np.minimum(count / (cpu_s + io_s), cores / cpu_s)
    return result if result.ndim else float(result)


def amdahl_rps(workers: npt.ArrayLike, cpu_s: float, io_s: float) -> Any:
    """Amdahl's throughput for one core, where only the I/O of N workers overlaps.

    ``X = X(1) / (s + (1 - s) / N)`` with ``s = S / (S + Z)``, the share of a request that must be
    computed on the one core. Amdahl, "Validity of the single processor approach to achieving
    large scale computing capabilities", *AFIPS Conference Proceedings* 30, 1967. Multiplied out it
    is ``N / (N S + Z)``: the asymptotic *lower* bound of Lazowska et al., chapter 5, in which each
    request waits for the computing of all the others.
    """
    count, cpu_s, io_s = _checked(workers, cpu_s, io_s)
    serial = cpu_s / (cpu_s + io_s)
    result = 1 / (cpu_s + io_s) / (serial + (1 - serial) / count)
    return result if result.ndim else float(result)


def _checked(workers: npt.ArrayLike, cpu_s: float, io_s: float) -> tuple[np.ndarray, float, float]:
    return (
        validation.numbers("workers", workers, at_least=1),
        validation.number("cpu_s", cpu_s, above=0, unit="s"),
        validation.number("io_s", io_s, above=0, unit="s"),
    )


# --- what it says ---------------------------------------------------------------------------------


class Concurrency(Result):
    """Throughput of the ways to serve many users at once, requests per second.

    Attributes
    ----------
    shared, spread : Intervals
        With :data:`WORKERS` on one core (threads, asyncio), and with a core each as long as there
        are cores (processes).
    shared_here, spread_here : Interval
        The same with the workers asked for.
    """

    at: Setting
    shared: Intervals
    spread: Intervals
    shared_here: Interval
    spread_here: Interval

    @property
    def single_rps(self) -> float:
        """What one worker does: 1 / (S + Z)."""
        return 1e3 / (self.at.cpu_ms + self.at.io_ms)

    @property
    def _times_s(self) -> tuple[float, float]:
        return self.at.cpu_ms * 1e-3, self.at.io_ms * 1e-3

    @property
    def summary(self) -> dict[str, float | int | str]:
        workers = self.at.workers
        return {
            "one_thread_rps": self.single_rps,
            "threads_rps": self.shared_here.estimate,
            "threads_theory_rps": theory(self.at),
            "amdahl_rps": amdahl_rps(workers, *self._times_s),
            "bound_rps": best_rps(workers, *self._times_s),
            "processes_rps": self.spread_here.estimate,
            "processes_theory_rps": theory(self.at, cores=self.at.cores),
        }

    @property
    def reading(self) -> str:
        at = self.at
        gain = self.shared_here.estimate / self.single_rps
        more = self.spread_here.estimate / self.single_rps
        share = 100 * at.cpu_ms / (at.cpu_ms + at.io_ms)
        do = "does" if at.workers == 1 else "do"
        return (
            f"{significant(share)} % of a request is computing: {counted(at.workers, 'thread')} "
            f"on one core {do} {_times(gain)} the work of one, at most "
            f"{_times(100 / share)} however many there are; "
            f"{counted(at.workers, 'process', 'processes')} on {counted(at.cores, 'core')} {do} "
            f"{_times(more)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "workers": WORKERS,
            "threads or asyncio (1/s)": self.shared.estimate,
            "theory (1/s)": [theory(self.at, n) for n in WORKERS],
            "Amdahl (1/s)": amdahl_rps(WORKERS, *self._times_s),
            "bound (1/s)": best_rps(WORKERS, *self._times_s),
            "processes (1/s)": self.spread.estimate,
            "processes, theory (1/s)": [theory(self.at, n, self.at.cores) for n in WORKERS],
        }


def _times(factor: float) -> str:
    """Return a factor in words: 1 time, 7.06 times."""
    return f"{significant(factor)} {'time' if significant(factor) == '1' else 'times'}"


@style.panels(2)
def plot(run: Concurrency, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw throughput against the number of workers: on one core, and on several."""
    shared, spread = axes
    at, one = run.at, run.single_rps
    for ax in axes:
        ticks = (1, 2, 4, 8, 16, 32, 64)
        log_axis(ax, "x", 0.9, 75, ticks=ticks)
        log_axis(ax, "y", 0.7, 80, ticks=ticks)
        ax.set_ylabel("times one thread's throughput")
        here(ax, at.workers)
    shared.set_title("Threads or asyncio: one core")
    shared.set_xlabel("threads or tasks")
    low, high = (law(WORKERS, *run._times_s) / one for law in (amdahl_rps, best_rps))
    shared.fill_between(WORKERS, low, high, color=style.FAINT, linewidth=0)
    shared.plot(WORKERS, high, color=style.MUTED, linewidth=1.2)
    shared.plot(WORKERS, low, color=style.MUTED, linewidth=1.2)
    shared.plot(WORKERS, [theory(at, n) / one for n in WORKERS], **style.THEORY)
    error_bars(shared, WORKERS, run.shared, 1 / one, **style.DOTS)
    ring(shared, at.workers, run.shared_here.estimate / one)
    note(shared, 0.03, 0.97, "top of the band: the bound")
    note(shared, 0.03, 0.91, "its bottom: Amdahl")
    spread.set_title("Processes: every core")
    spread.set_xlabel("processes")
    spread.plot(WORKERS, [theory(at, n, at.cores) / one for n in WORKERS], **style.THEORY)
    error_bars(spread, WORKERS, run.spread, 1 / one, **style.DOTS)
    ring(spread, at.workers, run.spread_here.estimate / one)
    if mine is not None:
        yours(shared, at.workers, mine["throughput_rps"] / one)


# --- the same with real workers -------------------------------------------------------------------


class Trial(Parameters):
    """A request that computes in a loop of Python and then sleeps."""

    cpu_ms: float = number(2.0, "Computing", unit="ms", at_least=0.1, at_most=50)
    io_ms: float = number(18.0, "Waiting", unit="ms", at_least=0.1, at_most=200)
    workers: int = integer(8, "Threads, tasks, processes", at_least=1, at_most=16)
    run_s: float = number(
        0.08, "Time of each of three repetitions", unit="s", at_least=0.05, at_most=2
    )


@takes(Trial)
def measure(at: Trial) -> MeasuredConcurrency:
    """Serve the same requests with one thread, threads, asyncio and processes.

    Raises
    ------
    RuntimeError
        If a worker process ends before its time.
    """
    return MeasuredConcurrency(at, *serve(at.cpu_ms * 1e-3, at.io_ms * 1e-3, at.workers, at.run_s))


class MeasuredConcurrency(Measured):
    """Requests per second of four ways to serve.

    Attributes
    ----------
    cpu_s, io_s : float
        Computing and waiting time of a request as measured on one thread alone, seconds.
    cores : int
        Cores that this process may use.
    throughput : dict of str to Interval
        Requests per second for each of :data:`helpers.why.real_workers.WAYS`.
    late_s : float
        How long one thread alone waited for a core that other programs had, seconds a request.
    """

    at: Trial
    cpu_s: float
    io_s: float
    cores: int
    throughput: dict[str, Interval]
    late_s: float

    @property
    def best_rps(self) -> dict[str, float]:
        """What theory allows at most, for each way."""
        workers = self.at.workers
        limits = {
            "one thread": (1, 1),
            "threads": (workers, 1),
            "asyncio": (workers, 1),
            "processes": (workers, self.cores),
        }
        return {way: best_rps(n, self.cpu_s, self.io_s, c) for way, (n, c) in limits.items()}

    @property
    def amdahl_rps(self) -> float:
        """Amdahl's throughput for the workers on one core."""
        return float(amdahl_rps(self.at.workers, self.cpu_s, self.io_s))

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "cpu_ms": 1e3 * self.cpu_s,
            "io_ms": 1e3 * self.io_s,
            "workers": self.at.workers,
            "cores": self.cores,
        }
        for way, rate in self.throughput.items():
            short = way.replace(" ", "_")
            found[f"{short}_rps"] = rate.estimate
            found[f"{short}_bound_rps"] = self.best_rps[way]
        return found

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.cpu_s + self.io_s):
            return busy
        alone = self.throughput["one thread"].estimate
        told = ", ".join(
            f"{way} {_times(rate.estimate / alone)} "
            f"({significant(100 * rate.estimate / self.best_rps[way], 2)} % of the bound)"
            for way, rate in self.throughput.items()
            if way != "one thread"
        )
        return (
            f"Verdict: with {duration(self.cpu_s)} of computing and {duration(self.io_s)} of "
            f"waiting, {counted(self.at.workers, 'worker')} did, compared with one thread: {told}. "
            f"Amdahl expects {_times(self.amdahl_rps * (self.cpu_s + self.io_s))} on one core."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        rates = self.throughput.values()
        return {
            "way": list(self.throughput),
            "requests/s": [rate.estimate for rate in rates],
            "from": [rate.low for rate in rates],
            "to": [rate.high for rate in rates],
            "bound": [self.best_rps[way] for way in self.throughput],
        }


@style.panels(2)
def plot_measured(run: MeasuredConcurrency, axes: tuple[Axes, Axes]) -> None:
    """Draw what real workers got done, and how much of the bound that is."""
    rates, kept = axes
    ways = list(run.throughput)
    rates.set_title("Real workers, and the bound")
    highest = max(*run.best_rps.values(), *(rate.high for rate in run.throughput.values()))
    rates.set_xlim(0, 1.25 * highest)
    y = named_rows(rates, ways)
    rates.set_xlabel("requests per second")
    kept.set_title("How much of the bound is reached")
    kept.set_xlim(0, 150)
    named_rows(kept, ways)
    kept.set_xlabel("% of the bound")
    kept.axvline(100, **style.THEORY)
    for place, way in zip(y, ways, strict=True):
        rate, bound = run.throughput[way], run.best_rps[way]
        marks(rates, place, bound, 0.64, along="x")
        for ax, scale in ((rates, 1.0), (kept, 100 / bound)):
            error_bars(ax, place, rate, scale, along="x", **style.MEASUREMENT)
    shared = np.array([y[ways.index(way)] for way in ("threads", "asyncio")])
    spans(rates, [run.amdahl_rps] * 2, shared - 0.22, shared + 0.22, color=style.MUTED)
    note(rates, 0.97, 0.075, "stroke: bound, grey: Amdahl", style.INK, ha="right")
