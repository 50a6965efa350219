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
from helpers.foundations.drawing.axes import error_bars, here, log_axis, note, ring, yours
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, significant
from helpers.foundations.statistics import Interval, Intervals
from helpers.why.closed_station import run_closed, steady_state

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
            f"on one core {do} {amount(gain, 'time')} the work of one, at most "
            f"{amount(100 / share, 'time')} however many there are; "
            f"{counted(at.workers, 'process', 'processes')} on {counted(at.cores, 'core')} {do} "
            f"{amount(more, 'time')}."
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
