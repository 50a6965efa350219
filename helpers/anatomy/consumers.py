"""Real consumer threads that go away: called directly, by queue.Queue, by an sqlite queue."""

from __future__ import annotations

import queue
import sqlite3
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.foundations.servers.lateness import Lateness

WAYS = ("direct call", "queue.Queue", "sqlite queue")

#: Seconds before the consumers go away.
BEFORE_S = 0.3


class Driven(NamedTuple):
    """What happened to the requests of one of :data:`WAYS`.

    Attributes
    ----------
    sent, failed : int
        Requests.
    accept_s : float
        Median time until a request was accepted.
    waiting : int
        Jobs waiting when the consumer came back; 0 for the direct call.
    sent_in_outage : int
        Requests sent while it was away.
    drained_s : float
        Seconds from its return until the queue was empty.
    """

    sent: int
    failed: int
    accept_s: float
    waiting: int
    sent_in_outage: int
    drained_s: float


def drive_all(
    due_s: list[float], outage_s: float, drain_rps: float, run_s: float
) -> tuple[list[Driven], float]:
    """Send requests by each of :data:`WAYS` at the same time, and take the consumers away.

    Parameters
    ----------
    due_s : list of float
        When requests are sent, ascending.
    outage_s, drain_rps : float
        For how long a consumer is away, and jobs per second that it can do.
    run_s : float
        How long it should take.

    Returns
    -------
    list of Driven, float
        And how late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer.
    """
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        # A sleep takes a little longer than it should; jobs are made that much shorter.
        work_s = max(1 / drain_rps - _oversleep(), 1e-4)
        ways = [_Direct(work_s), _InMemory(work_s), _InFile(work_s, Path(folder) / "queue.db")]
        found: list[list[Driven]] = [[] for _ in ways]
        threads = [
            threading.Thread(target=_drive, args=(way, due_s, outage_s, into), daemon=True)
            for way, into in zip(ways, found, strict=True)
        ]
        with Lateness() as lateness:
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(timeout=4 * run_s + 5)
            finally:
                for way in ways:
                    way.stop.set()
        if not all(found):
            raise TimeoutError("the queues were not empty in time: give the machine a rest")
        for way in ways:
            way.close()
    return [one for (one,) in found], lateness.mean_s


class _ConsumerAwayError(Exception):
    """The consumer that was called is not there."""


class _Way(ABC):
    """One way to give the consumer its work; the consumer's thread takes it from `take`."""

    def __init__(self, work_s: float) -> None:
        self.work_s = work_s
        self.away = threading.Event()
        self.stop = threading.Event()

    @abstractmethod
    def give(self, number: int) -> None:
        """Hand a job over, or raise if that cannot be done."""

    @abstractmethod
    def take(self) -> bool:
        """Do one job if there is one; say whether there was."""

    @abstractmethod
    def waiting(self) -> int:
        """Jobs not yet taken."""

    def consume(self) -> None:
        """Work until told to stop; do nothing while away."""
        while not self.stop.is_set():
            if self.away.is_set() or not self.take():
                time.sleep(0.0005)

    def close(self) -> None:  # noqa: B027 - most ways hold nothing
        """Release what is held."""


class _Direct(_Way):
    def give(self, number: int) -> None:
        if self.away.is_set():
            raise _ConsumerAwayError
        time.sleep(self.work_s)

    def take(self) -> bool:
        return False

    def waiting(self) -> int:
        return 0


class _InMemory(_Way):
    def __init__(self, work_s: float) -> None:
        super().__init__(work_s)
        self.jobs: queue.Queue[int] = queue.Queue()

    def give(self, number: int) -> None:
        self.jobs.put(number)

    def take(self) -> bool:
        try:
            self.jobs.get_nowait()
        except queue.Empty:
            return False
        time.sleep(self.work_s)
        return True

    def waiting(self) -> int:
        return self.jobs.qsize()


class _InFile(_Way):
    """A table as a queue: a job is deleted when it has been done."""

    def __init__(self, work_s: float, path: Path) -> None:
        super().__init__(work_s)
        self.path = path
        self.producer = self._open()
        self.producer.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, number INTEGER)")
        self.consumer = self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=10
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def give(self, number: int) -> None:
        self.producer.execute("INSERT INTO jobs (number) VALUES (?)", (number,))

    def take(self) -> bool:
        row = self.consumer.execute("SELECT id FROM jobs ORDER BY id LIMIT 1").fetchone()
        if row is None:
            return False
        time.sleep(self.work_s)
        self.consumer.execute("DELETE FROM jobs WHERE id = ?", row)
        return True

    def waiting(self) -> int:
        return int(self.producer.execute("SELECT count(*) FROM jobs").fetchone()[0])

    def close(self) -> None:
        self.producer.close()
        self.consumer.close()


def _oversleep() -> float:
    began = time.perf_counter()
    for _ in range(20):
        time.sleep(0.002)
    return (time.perf_counter() - began) / 20 - 0.002


def _drive(way: _Way, due: list[float], outage_s: float, found: list[Driven]) -> None:
    """Send requests on time, take the consumer away meanwhile, and write down what happens."""
    consumer = threading.Thread(target=way.consume, daemon=True)
    consumer.start()
    began = time.perf_counter()
    failed = during = backlog = 0
    back_s = empty_s = None
    took = []
    for number, when in enumerate(due):
        while (now := time.perf_counter() - began) < when:
            if way.away.is_set() and now >= BEFORE_S + outage_s:
                backlog = way.waiting()
                way.away.clear()
                back_s = time.perf_counter() - began
            elif back_s is not None and empty_s is None and way.waiting() == 0:
                empty_s = time.perf_counter() - began
            time.sleep(min(max(when - now, 0), 0.001))
        if back_s is None and now >= BEFORE_S:
            way.away.set()
        during += way.away.is_set()
        start = time.perf_counter()
        try:
            way.give(number)
            took.append(time.perf_counter() - start)
        except _ConsumerAwayError:
            failed += 1
    way.stop.set()
    consumer.join(timeout=5)
    drained_s = (empty_s or time.perf_counter() - began) - (back_s or 0.0)
    accept_s = float(np.median(took))
    found.append(Driven(len(due), failed, accept_s, backlog, during, drained_s))
