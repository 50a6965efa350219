"""One thread, many threads, one event loop and many processes, for real."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from helpers.foundations.servers.loopback import run_apart
from helpers.foundations.servers.processes import Child, usable_cores
from helpers.foundations.statistics import Interval, mean_interval
from helpers.why.worker_process import spin, work

_CHILD = Path(__file__).with_name("worker_process.py")
_LIMIT_S = 20.0

#: What is measured.
WAYS = ("one thread", "threads", "asyncio", "processes")


def serve(
    cpu_s: float, io_s: float, workers: int, run_s: float
) -> tuple[float, float, int, dict[str, Interval], float]:
    """Serve the same requests in each of :data:`WAYS`, three times over.

    Every repetition tries all four ways, one after the other, so that a machine that slows down
    meanwhile does less harm. Threads and processes are started beforehand, and what is counted is
    requests done in a window in which all workers are at work.

    Parameters
    ----------
    cpu_s, io_s : float
        Computing time of a request, in a loop of Python, which holds the interpreter's lock; and
        its waiting time, a sleep; seconds.
    workers : int
        Threads, tasks and processes.
    run_s : float
        How long each repetition of each way lasts, seconds.

    Returns
    -------
    cpu_s, io_s : float
        Both times as measured on one thread alone, seconds.
    cores : int
        Cores that this process may use.
    throughput : dict of str to Interval
        Requests per second for each way.
    late_s : float
        How long one thread alone had to wait for a core for each request, seconds: other programs
        had it.

    Raises
    ------
    RuntimeError
        If a worker process ends before its time.
    """
    # Everybody starts at once; after two rounds at most the workers have fallen into step.
    warm_s = min(run_s, 2 * (cpu_s * workers + io_s))
    loops = _loops_for(cpu_s)
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    computing: list[float] = []
    waiting: list[float] = []
    late: list[float] = []
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        command = (str(_CHILD), str(loops), str(io_s))
        children = [stack.enter_context(Child(*command)) for _ in range(workers)]
        for child in children:
            child.hear()  # ready
        for _ in range(3):
            _alone(loops, io_s, run_s / 2, computing, waiting, late)
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
    return (
        float(np.median(computing)),
        float(np.median(waiting)),
        usable_cores(),
        {way: mean_interval(values) for way, values in rates.items()},
        float(np.mean(late)),
    )


def _alone(
    loops: int,
    io_s: float,
    run_s: float,
    computing: list[float],
    waiting: list[float],
    late: list[float],
) -> None:
    """Serve requests on one thread, and note for each the seconds it computed and it waited.

    Time in which the thread could have computed but other programs did is neither: it is `late`.
    """
    end = time.perf_counter() + run_s
    while time.perf_counter() < end:
        began, before = time.perf_counter(), time.thread_time()
        spin(loops)
        computing.append(time.thread_time() - before)
        slept = time.perf_counter()
        late.append(max(slept - began - computing[-1], 0.0))
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
