"""One thread, many threads, one event loop and many processes, for real."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.loopback import run_apart
from helpers.foundations.servers.processes import Child, usable_cores
from helpers.foundations.statistics import Interval, mean_interval
from helpers.why.measurement._worker_child import spin, work
from helpers.why.theory import amdahl_throughput, best_throughput

if TYPE_CHECKING:
    import pandas as pd

_CHILD = Path(__file__).with_name("_worker_child.py")
_LIMIT_S = 20.0

#: What is measured.
WAYS = ("one thread", "threads", "asyncio", "processes")


class MeasuredConcurrency(Result):
    """Requests per second of four ways to serve.

    Attributes
    ----------
    cpu_ms, io_ms : float
        Computing and waiting time of a request as measured on one thread alone, milliseconds.
    workers, cores : int
        Threads, tasks or processes; cores that this process may use.
    throughput : dict of str to Interval
        Requests per second for each of :data:`WAYS`.
    """

    cpu_ms: float
    io_ms: float
    workers: int
    cores: int
    throughput: dict[str, Interval]

    @property
    def best_rps(self) -> dict[str, float]:
        """What theory allows at most, for each way."""
        cpu_s, io_s = self.cpu_ms * 1e-3, self.io_ms * 1e-3
        limits = {
            "one thread": (1, 1),
            "threads": (self.workers, 1),
            "asyncio": (self.workers, 1),
            "processes": (self.workers, self.cores),
        }
        return {way: float(best_throughput(n, cpu_s, io_s, c)) for way, (n, c) in limits.items()}

    @property
    def amdahl_rps(self) -> float:
        """Amdahl's throughput for the workers on one core."""
        return float(amdahl_throughput(self.workers, self.cpu_ms * 1e-3, self.io_ms * 1e-3))

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "cpu_ms": self.cpu_ms,
            "io_ms": self.io_ms,
            "workers": self.workers,
            "cores": self.cores,
        }
        for way, rate in self.throughput.items():
            short = way.replace(" ", "_")
            found[f"{short}_rps"] = rate.estimate
            found[f"{short}_bound_rps"] = self.best_rps[way]
        return found

    @property
    def reading(self) -> str:
        alone = self.throughput["one thread"].estimate
        told = ", ".join(
            f"{way} {significant(rate.estimate / alone)} times "
            f"({significant(100 * rate.estimate / self.best_rps[way], 2)} % of the bound)"
            for way, rate in self.throughput.items()
            if way != "one thread"
        )
        return (
            f"Verdict: with {duration(self.cpu_ms * 1e-3)} of computing and "
            f"{duration(self.io_ms * 1e-3)} of waiting, {self.workers} workers did, compared with "
            f"one thread: {told}. Amdahl expects "
            f"{significant(self.amdahl_rps * (self.cpu_ms + self.io_ms) * 1e-3)} times on one core."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            [
                {
                    "way": way,
                    "requests/s": rate.estimate,
                    "from": rate.low,
                    "to": rate.high,
                    "bound": self.best_rps[way],
                }
                for way, rate in self.throughput.items()
            ]
        ).set_index("way")


def measure_concurrency(
    *, cpu_ms: float = 2.0, io_ms: float = 18.0, workers: int = 8, run_s: float = 0.08
) -> MeasuredConcurrency:
    """Serve the same requests with one thread, threads, asyncio and processes.

    Parameters
    ----------
    cpu_ms : float
        Computing time of a request, milliseconds; 0.1 to 50. A loop in Python, which holds the
        interpreter's lock.
    io_ms : float
        Waiting time of a request, milliseconds; 0.1 to 200. A sleep.
    workers : int
        Threads, tasks and processes; 1 to 16.
    run_s : float
        How long each of three repetitions of each way lasts, seconds; 0.05 to 2.

    Returns
    -------
    MeasuredConcurrency

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    RuntimeError
        If a worker process ends before its time.

    Notes
    -----
    Every repetition tries all four ways, one after the other, so that a machine that slows down
    meanwhile does less harm. Threads and processes are started beforehand, and what is counted is
    requests done in a window in which all workers are at work.
    """
    cpu_ms = validation.number("cpu_ms", cpu_ms, at_least=0.1, at_most=50, unit="ms")
    io_ms = validation.number("io_ms", io_ms, at_least=0.1, at_most=200, unit="ms")
    workers = validation.integer("workers", workers, at_least=1, at_most=16)
    run_s = validation.number("run_s", run_s, at_least=0.05, at_most=2, unit="s")
    # Everybody starts at once; after two rounds at most the workers have fallen into step.
    warm_s = min(run_s, 2e-3 * (cpu_ms * workers + io_ms))
    loops, io_s = _loops_for(cpu_ms * 1e-3), io_ms * 1e-3
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    computing: list[float] = []
    waiting: list[float] = []
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        command = (str(_CHILD), str(loops), str(io_s))
        children = [stack.enter_context(Child(*command)) for _ in range(workers)]
        for child in children:
            child.hear()  # ready
        for _ in range(3):
            _alone(loops, io_s, run_s / 2, computing, waiting)
            job = (loops, io_s)
            counts = {"one thread": [work(*job, *_window(0.0, run_s))]}  # in step with itself
            window = _window(warm_s, run_s)
            futures = [pool.submit(work, *job, *window) for _ in children]
            counts["threads"] = [future.result() for future in futures]
            counts["asyncio"] = _tasks(*job, *_window(warm_s, run_s), workers)
            window = _window(warm_s, run_s)
            for child in children:
                child.say(f"{window[0]!r} {window[1]!r}")
            counts["processes"] = [int(child.hear()) for child in children]
            for way, done in counts.items():
                rates[way].append(sum(done) / run_s)
    return MeasuredConcurrency(
        cpu_ms=1e3 * float(np.median(computing)),
        io_ms=1e3 * float(np.median(waiting)),
        workers=workers,
        cores=usable_cores(),
        throughput={way: mean_interval(values) for way, values in rates.items()},
    )


def _alone(
    loops: int, io_s: float, run_s: float, computing: list[float], waiting: list[float]
) -> None:
    """Serve requests on one thread, and note for each the seconds it computed and it waited.

    Time in which the thread could have computed but other programs did is neither.
    """
    end = time.perf_counter() + run_s
    while time.perf_counter() < end:
        before = time.thread_time()
        spin(loops)
        computing.append(time.thread_time() - before)
        slept = time.perf_counter()
        time.sleep(io_s)
        waiting.append(time.perf_counter() - slept)


def _window(warm_s: float, run_s: float) -> tuple[float, float]:
    """When counting begins and ends, by the machine's clock."""
    begin = time.perf_counter() + warm_s
    return begin, begin + run_s


def _tasks(loops: int, io_s: float, begin: float, end: float, workers: int) -> list[int]:
    async def one() -> int:
        count = 0
        while True:
            spin(loops)
            await asyncio.sleep(io_s)
            now = time.perf_counter()
            if now >= end:
                return count
            count += now >= begin

    async def main() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(workers)))

    return run_apart(main, limit_s=_LIMIT_S)


def _loops_for(cpu_s: float) -> int:
    """About how many loops compute for `cpu_s` seconds on this machine."""
    trial = 100_000
    best = min(_time(spin, trial) for _ in range(3))
    return max(1, round(trial * cpu_s / best))


def _time(function, *arguments) -> float:
    began = time.thread_time()
    function(*arguments)
    return max(time.thread_time() - began, 1e-9)
