"""Real threads that work apart and then take turns at one lock, of one kind or another."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import Executor
from contextlib import AbstractContextManager

import numpy as np


class HerdLock:
    """A lock whose release wakes all waiting threads, of which one gets it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = False

    def __enter__(self) -> None:
        with self._changed:
            while self._held:
                self._changed.wait()
            self._held = True

    def __exit__(self, *exception: object) -> None:
        with self._changed:
            self._held = False
            self._changed.notify_all()


def alone(computes_s: np.ndarray, holds_s: np.ndarray) -> tuple[float, float]:
    """Mean times a sleep outside and inside the lock really takes, with nobody else about.

    A sleep overshoots by about the same whatever its length, so short ones overshoot most.
    """
    late = []
    for seconds in holds_s[:40].tolist():
        began = time.perf_counter()
        time.sleep(seconds)
        late.append(time.perf_counter() - began - seconds)
    usual = float(np.median(late))
    return float(computes_s.mean()) + usual, float(holds_s.mean()) + usual


def throughput(
    pool: Executor,
    lock: AbstractContextManager[object],
    workers: int,
    times_s: np.ndarray,
    run_s: float,
) -> float:
    """Requests per second that `workers` threads finish, after a warm-up.

    Parameters
    ----------
    pool : Executor
        Has that many threads, or more; to start new ones each time takes longer than a run.
    lock : context manager
        The threads share it.
    workers : int
        Number of threads.
    times_s : numpy.ndarray, shape (2, workers or more, k)
        Times of each thread's requests outside and inside the lock, seconds; in turn, again and
        again.
    run_s : float
        How long, seconds; the first three tenths are the warm-up.
    """
    start = threading.Barrier(workers + 1)
    deadline = [0.0]

    def work(me: int) -> list[float]:
        ends: list[float] = []
        start.wait(timeout=10)
        for compute_s, hold_s in itertools.cycle(times_s[:, me].T.tolist()):
            time.sleep(compute_s)
            with lock:
                time.sleep(hold_s)
            ends.append(time.perf_counter())
            if ends[-1] >= deadline[0]:
                break
        return ends

    working = [pool.submit(work, me) for me in range(workers)]
    began = time.perf_counter()
    deadline[0] = began + run_s
    start.wait(timeout=10)
    ends = [each.result(timeout=10) for each in working]
    first = began + 0.3 * run_s
    done = sum(share_done(np.array([began, *mine]), first, deadline[0]) for mine in ends)
    return done / (deadline[0] - first)


def share_done(marks: np.ndarray, first: float, last: float) -> float:
    """Requests done between two times, a request begun before or finished after in proportion.

    Whole requests would make one slow thread in a short run a matter of luck.
    """
    inside = np.clip(marks, first, last)
    return float((np.diff(inside) / np.diff(marks)).sum())
