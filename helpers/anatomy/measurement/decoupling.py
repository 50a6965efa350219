"""A real consumer thread that goes away: called directly, by queue.Queue, by an sqlite queue."""

from __future__ import annotations

import queue
import sqlite3
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.anatomy.theory import theory_outage
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("direct call", "queue.Queue", "sqlite queue")

_BEFORE_S = 0.3


class _ConsumerAwayError(Exception):
    """The consumer that was called is not there."""


class MeasuredOutage(Result):
    """What happened to real requests while a real consumer was away.

    Attributes
    ----------
    rate_rps, outage_s, drain_rps
        The parameters it was made with.
    sent, failed : numpy.ndarray of int, shape (3,)
        Requests sent, and failed, by each of `WAYS`.
    accept_s : numpy.ndarray, shape (3,)
        Median time until a request was accepted, seconds.
    backlog : numpy.ndarray of int, shape (3,)
        Jobs waiting when the consumer came back; 0 for the direct call.
    drain_s : numpy.ndarray, shape (3,)
        Seconds from then until the queue was empty.
    sent_in_outage : numpy.ndarray of int, shape (3,)
        Requests sent while the consumer was away.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    rate_rps: float
    outage_s: float
    drain_rps: float
    sent: np.ndarray
    failed: np.ndarray
    accept_s: np.ndarray
    backlog: np.ndarray
    drain_s: np.ndarray
    sent_in_outage: np.ndarray
    late_s: float

    @property
    def range95(self) -> tuple[float, float]:
        """Where 95 % of the Poisson numbers with the theory's backlog as mean would lie."""
        mean = self.expected["backlog"]
        return mean - 1.96 * np.sqrt(mean), mean + 1.96 * np.sqrt(mean)

    @property
    def expected(self) -> dict[str, float]:
        """The fluid model for these parameters."""
        return theory_outage(
            rate_rps=self.rate_rps, outage_s=self.outage_s, drain_rps=self.drain_rps
        )

    @property
    def agrees(self) -> bool:
        """Whether both backlogs lie there and only direct calls failed."""
        low, high = self.range95
        return bool(
            ((low <= self.backlog[1:]) & (self.backlog[1:] <= high)).all()
            and self.failed[0] > 0
            and not self.failed[1:].any()
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for i, way in enumerate(WAYS):
            name = way.replace("queue.Queue", "memory queue").replace(" ", "_")
            values[f"{name}_failed"] = int(self.failed[i])
            values[f"{name}_accept_us"] = 1e6 * float(self.accept_s[i])
            if i:
                values[f"{name}_backlog"] = int(self.backlog[i])
                values[f"{name}_drain_s"] = float(self.drain_s[i])
        values["theory_backlog"] = self.expected["backlog"]
        values["theory_drain_s"] = self.expected["drain_s"]
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1 / self.drain_rps):
            return busy
        low, high = self.range95
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: in an outage of {duration(self.outage_s)} {self.failed[0]} direct calls "
            f"failed and {int(self.failed[1:].sum())} queued ones; the queues grew to "
            f"{self.backlog[1]} and {self.backlog[2]} jobs, where theory expects "
            f"{significant(self.expected['backlog'])} ({significant(low, 2)} to "
            f"{significant(high, 2)} in 95 % of such runs): {word}. They were empty after "
            f"{duration(self.drain_s[1], 2)} and {duration(self.drain_s[2], 2)} (fluid model "
            f"{duration(self.expected['drain_s'], 2)}). Accepting took "
            f"{', '.join(duration(float(t), 2) for t in self.accept_s)}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "sent": self.sent,
                "failed": self.failed,
                "accepted in (µs)": 1e6 * self.accept_s,
                "backlog": self.backlog,
                "drained in (s)": self.drain_s,
            },
            index=list(WAYS),
        )


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
        return self.producer.execute("SELECT count(*) FROM jobs").fetchone()[0]

    def close(self) -> None:
        self.producer.close()
        self.consumer.close()


def measure_outage(
    *, rate_rps: float = 150.0, outage_s: float = 0.4, drain_rps: float = 350.0, seed: int = 1
) -> MeasuredOutage:
    """Send real requests while a consumer thread is away, in three ways at the same time.

    Parameters
    ----------
    rate_rps : float
        Requests per second, Poisson; 20 to 200.
    outage_s : float
        How long the consumer is away, seconds; 0.1 to 1.
    drain_rps : float
        Jobs per second that it can do; 1.5 times `rate_rps` to 500.
    seed : int
        Seed of the traffic; >= 0.

    Returns
    -------
    MeasuredOutage

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, at_least=20, at_most=200, unit="requests/s")
    outage_s = validation.number("outage_s", outage_s, at_least=0.1, at_most=1, unit="s")
    drain_rps = validation.number(
        "drain_rps", drain_rps, at_least=1.5 * rate_rps, at_most=500, unit="jobs/s"
    )
    drain_s = rate_rps * outage_s / (drain_rps - rate_rps)
    run_s = _BEFORE_S + outage_s + 2 * drain_s + 0.3
    gaps = unit_gaps("poisson", int(2 * rate_rps * run_s) + 50, streams(seed, "gaps")["gaps"])
    due = np.cumsum(gaps) / rate_rps
    due = due[due < run_s].tolist()
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        # A sleep takes a little longer than it should; jobs are made that much shorter.
        work_s = max(1 / drain_rps - _oversleep(), 1e-4)
        ways = [
            _Direct(work_s), _InMemory(work_s), _InFile(work_s, Path(folder) / "queue.db")
        ]  # fmt: skip
        results: list[dict] = [{} for _ in ways]
        threads = [
            threading.Thread(target=_drive, args=(way, due, outage_s, found), daemon=True)
            for way, found in zip(ways, results, strict=True)
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
        if any("drain_s" not in found for found in results):
            raise TimeoutError("the queues were not empty in time: give the machine a rest")
        for way in ways:
            way.close()
    gathered = {name: np.array([found[name] for found in results]) for name in results[0]}
    return MeasuredOutage(
        rate_rps=rate_rps,
        outage_s=outage_s,
        drain_rps=drain_rps,
        late_s=lateness.mean_s,
        **gathered,
    )


def _oversleep() -> float:
    began = time.perf_counter()
    for _ in range(20):
        time.sleep(0.002)
    return (time.perf_counter() - began) / 20 - 0.002


def _drive(way: _Way, due: list[float], outage_s: float, found: dict) -> None:
    """Send requests on time, take the consumer away meanwhile, and write down what happens."""
    consumer = threading.Thread(target=way.consume, daemon=True)
    consumer.start()
    began = time.perf_counter()
    failed = during = backlog = 0
    back_s = empty_s = None
    took = []
    for number, when in enumerate(due):
        while (now := time.perf_counter() - began) < when:
            if way.away.is_set() and now >= _BEFORE_S + outage_s:
                backlog = way.waiting()
                way.away.clear()
                back_s = time.perf_counter() - began
            elif back_s is not None and empty_s is None and way.waiting() == 0:
                empty_s = time.perf_counter() - began
            time.sleep(min(max(when - now, 0), 0.001))
        if back_s is None and now >= _BEFORE_S:
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
    found |= {
        "sent": len(due),
        "failed": failed,
        "accept_s": float(np.median(took)),
        "backlog": backlog,
        "sent_in_outage": during,
        "drain_s": (empty_s or time.perf_counter() - began) - (back_s or 0.0),
    }
