"""A real job that has a serial part and a part spread over processes, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from helpers.foundations.servers.processes import Child

# A worker reads how many loops to do, does them, and says so.
_WORKER = """
import sys
for line in sys.stdin:
    x = 0
    for i in range(int(line)):
        x += i * i % 7
    print(x, flush=True)
"""
_REPETITIONS = 3


def time_job(serial: float, work_s: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Time the job on 1, 2, ..., `most` processes, again and again.

    The workers are started beforehand and closed at the end; starting them is not timed.

    Parameters
    ----------
    serial : float
        Share of the loops that one process does alone.
    work_s : float
        About how long the job takes on one process, seconds.
    most : int
        Largest number of processes.

    Returns
    -------
    times_s : numpy.ndarray, shape (3, most)
        Time of the job, in each repetition and for each number of processes.
    shares : numpy.ndarray, shape (3,)
        Share of the one-process time that the serial part took.
    """
    # The measured share decides what Amdahl predicts, so the loops need not be calibrated well.
    with ExitStack() as stack:
        workers = [stack.enter_context(Child("-c", _WORKER)) for _ in range(most)]
        share_out(workers, 1_000)
        loops = _loops_for(workers[0], work_s)
        alone = round(loops * serial)
        times = np.empty((_REPETITIONS, most))
        shares = np.empty(_REPETITIONS)
        for repetition in range(_REPETITIONS):
            for count in range(1, most + 1):
                began = time.perf_counter()
                share_out(workers[:1], alone)
                middle = time.perf_counter()
                share_out(workers[:count], loops - alone)
                ended = time.perf_counter()
                times[repetition, count - 1] = ended - began
                if count == 1:
                    shares[repetition] = (middle - began) / (ended - began)
    return times, shares


def share_out(workers: Sequence[Child], loops: int) -> None:
    """Spread loops evenly over workers and wait for all of them."""
    for i, worker in enumerate(workers):
        worker.say(str(loops * (i + 1) // len(workers) - loops * i // len(workers)))
    for worker in workers:
        worker.hear()


def _loops_for(worker: Child, work_s: float) -> int:
    """About how many loops take `work_s` seconds."""
    trial = 50_000
    began = time.perf_counter()
    share_out([worker], trial)
    return max(1_000, round(trial * work_s / (time.perf_counter() - began)))
