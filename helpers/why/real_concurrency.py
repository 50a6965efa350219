"""The workers of `concurrency` for real: one thread, threads, asyncio and processes.

Requests compute in a loop of Python and then sleep. Where that stops being true: work that leaves
Python, in numpy or in a database's library, lets other threads compute meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, marks, note, spans
from helpers.foundations.drawing.rows import named_rows
from helpers.foundations.experiment import Measured, Parameters, integer, number, takes
from helpers.foundations.prose import amount, counted, duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval
from helpers.why.concurrency import amdahl_rps, best_rps
from helpers.why.real_workers import serve


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
            f"{way} {amount(rate.estimate / alone, 'time')} "
            f"({significant(100 * rate.estimate / self.best_rps[way], 2)} % of the bound)"
            for way, rate in self.throughput.items()
            if way != "one thread"
        )
        return (
            f"Verdict: with {duration(self.cpu_s)} of computing and {duration(self.io_s)} of "
            f"waiting, {counted(self.at.workers, 'worker')} did, compared with one thread: {told}. "
            f"Amdahl expects {amount(self.amdahl_rps * (self.cpu_s + self.io_s), 'time')} on one "
            "core."
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
