"""Real threads with ``queue.Queue`` between them: one makes jobs, one does them."""

from __future__ import annotations

import queue
import threading
import time
from typing import NamedTuple

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness

_SPARE_S = 10.0


class Seen(NamedTuple):
    """What was measured; arrays have one number for each queue."""

    offered: np.ndarray
    undone: np.ndarray
    gap_s: float
    work_s: float
    late_s: float


class _Pair:
    """A producer, a queue and a worker, each of the two in a thread of its own."""

    def __init__(self, gaps_s: np.ndarray, work_s: np.ndarray, room: int, push_back: bool) -> None:
        self._line: queue.Queue[float | None] = queue.Queue(maxsize=room - 1)  # and one in work
        self._gaps_s, self._work_s, self._push_back = gaps_s, work_s, push_back
        self.refused, self.held_s, self.slept_s, self.worked = 0, 0.0, 0.0, [0, 0.0]
        self.threads = [
            threading.Thread(target=run, daemon=True) for run in (self._produce, self._work)
        ]

    def _produce(self) -> None:
        due = time.perf_counter()
        for gap_s, work_s in zip(self._gaps_s.tolist(), self._work_s.tolist(), strict=True):
            before = time.perf_counter()
            due += gap_s
            time.sleep(max(0.0, due - before))
            made = time.perf_counter()
            self.slept_s += made - before
            if self._push_back:
                self._line.put(work_s)
                due = time.perf_counter()
                self.held_s += due - made
            else:
                try:
                    self._line.put_nowait(work_s)
                except queue.Full:
                    self.refused += 1
        self._line.put(None)

    def _work(self) -> None:
        while (work_s := self._line.get()) is not None:
            began = time.perf_counter()
            time.sleep(work_s)
            self.worked[0] += 1
            self.worked[1] += time.perf_counter() - began


def run_queues(
    pairs: int, jobs: int, work_s: float, load: float, room: int, push_back: bool, seed: int
) -> Seen:
    """Let pairs of threads exchange jobs through bounded queues, all at the same time.

    Parameters
    ----------
    pairs, jobs : int
        How many pairs, and how many jobs each producer makes.
    work_s : float
        Mean work of a job, seconds; exponential.
    load : float
        Mean work over mean gap between jobs.
    room : int
        Jobs that a queue and its worker hold together; >= 2.
    push_back : bool
        Whether a producer waits for room; else its job is dropped.
    seed : int
        Of gaps and work.

    Raises
    ------
    TimeoutError
        If it takes far longer than it should.
    """
    draw = Draws(seed)
    gaps_s = draw("gaps").exponential(work_s / load, (pairs, jobs))
    works_s = draw("work").exponential(work_s, (pairs, jobs))
    several = [_Pair(gaps_s[n], works_s[n], room, push_back) for n in range(pairs)]
    threads = [thread for pair in several for thread in pair.threads]
    deadline = time.monotonic() + _SPARE_S + 3 * float((gaps_s + works_s).sum(axis=1).max())
    with Lateness() as lateness:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError("queues between threads took far longer than they should")
    slept_s = np.array([pair.slept_s for pair in several])
    held_s = np.array([pair.held_s for pair in several])
    worked, busy_s = np.array([pair.worked for pair in several]).sum(axis=0)
    refused = np.array([pair.refused for pair in several], dtype=float)
    return Seen(
        offered=slept_s + held_s if push_back else np.full(pairs, float(jobs)),
        undone=held_s if push_back else refused,
        gap_s=float(slept_s.sum() / (pairs * jobs)),
        work_s=float(busy_s / worked),
        late_s=lateness.mean_s,
    )
