"""Real writes: what they cost, what a killed process loses, and who wins a race."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import rounded
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.processes import Child
from helpers.foundations.statistics import Interval, agrees, mean_interval, verdict
from helpers.foundations.traffic.streams import streams

_CHILD = Path(__file__).with_name("_batching_child.py")
_WAVE = 8  # processes alive at once
_LIFE_INTERVALS = 5  # between flushes, that a process lives at most
_PIPE_BYTES = 60_000  # that a pipe surely holds; an acknowledgement is a byte


# --- write-behind, killed -------------------------------------------------------------------------


class MeasuredWriteBehindResult(Result):
    """Acknowledged writes that were gone after each kill."""

    write_rps: float
    flush_s: float
    #: Writes acknowledged, and rows found in the database afterwards; shape (kills,).
    acknowledged: np.ndarray
    stored: np.ndarray
    #: How late timers were on average, seconds.
    late_s: float

    @property
    def lost(self) -> np.ndarray:
        """Acknowledged writes that are gone, for each kill."""
        return self.acknowledged - self.stored

    @property
    def interval(self) -> Interval:
        """95 % interval for the mean loss."""
        return mean_interval(self.lost)

    @property
    def theory(self) -> float:
        """Mean loss that theory expects."""
        return theory.theory_write_behind(self.write_rps, self.flush_s).lost_mean

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        busy = no_verdict(self.late_s, self.flush_s)
        return busy or verdict(self.interval, self.theory, unit="writes")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "kills": self.lost.size,
            "acknowledged": int(self.acknowledged.sum()),
            "lost_mean": rounded(self.lost.mean()),
            "lost_mean_theory": rounded(self.theory),
            "lost_max": int(self.lost.max()),
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: {self.lost.size} killed processes had acknowledged "
            f"{self.acknowledged.sum():,} writes and lost {significant(self.lost.mean())} each on "
            f"average, at most {self.lost.max()} (theory: {significant(self.theory)} on average)."
        )


def measure_write_behind(
    *,
    write_rps: float = 2_000.0,
    flush_s: float = 0.1,
    kills: int = 24,
    seed: int = 1,
    timeout_s: float = 20.0,
) -> MeasuredWriteBehindResult:
    """Kill real processes that batch acknowledged writes into sqlite3, and count what is left.

    Each process acknowledges evenly spaced writes, keeps them in memory and inserts them every
    `flush_s` seconds. It is killed without warning (SIGKILL, on Windows TerminateProcess), two to
    five flush intervals after its start. Takes about ``kills / 8 x (0.1 + 5 x flush)`` seconds.

    Parameters
    ----------
    write_rps : float
        Writes per second; 10 to 20,000, and at most 12,000 / `flush_s`.
    flush_s : float
        Time between flushes, seconds; 0.01 to 1.
    kills : int
        Processes to kill; 2 to 200.
    seed : int
        Seed of the moments of death.
    timeout_s : float
        The measurement is given up after this long, seconds; > 0.

    Returns
    -------
    MeasuredWriteBehindResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.
    """
    write_rps = validation.number(
        "write_rps", write_rps, at_least=10, at_most=20_000, unit="writes/s"
    )
    flush_s = validation.number("flush_s", flush_s, at_least=0.01, at_most=1, unit="s")
    most = _PIPE_BYTES / (_LIFE_INTERVALS * flush_s)
    if write_rps > most:
        raise ValueError(
            f"write_rps must be at most {most:,.0f} writes/s with flush_s = {flush_s:g} s, got "
            f"{write_rps:g}: acknowledgements that do not fit into the pipe would be waited for"
        )
    kills = validation.integer("kills", kills, at_least=2, at_most=200)
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    deadline = time.monotonic() + timeout_s
    # Over a whole number of intervals each phase of the interval is as likely as any other.
    phases = streams(seed, "kills")["kills"].random(kills)
    lives = flush_s * (2 + (_LIFE_INTERVALS - 2) * phases)
    counts: list[tuple[int, int]] = []
    with (
        TemporaryDirectory(prefix="write-behind-", ignore_cleanup_errors=True) as folder,
        Lateness() as lateness,
    ):
        for first in range(0, kills, _WAVE):
            counts += _kill_wave(Path(folder), first, lives[first:][:_WAVE], write_rps, flush_s)
            if time.monotonic() > deadline:
                raise TimeoutError(f"killing {kills} processes took longer than {timeout_s:g} s")
    acknowledged, stored = np.array(counts).T
    return MeasuredWriteBehindResult(write_rps, flush_s, acknowledged, stored, lateness.mean_s)


def _kill_wave(
    folder: Path, first: int, lives: np.ndarray, write_rps: float, flush_s: float
) -> list[tuple[int, int]]:
    """Start processes together, kill each at its time; return acknowledged and stored writes."""
    paths = [folder / f"{first + number}.sqlite3" for number in range(lives.size)]
    options = (str(write_rps), str(flush_s))
    with ExitStack() as stack:
        processes = [stack.enter_context(Child(str(_CHILD), str(path), *options)) for path in paths]
        # The first acknowledgement says that a process has begun.
        begun = []
        for path, process in zip(paths, processes, strict=True):
            if process.read(1) != b".":
                raise RuntimeError(f"the process writing to {path.name} did not start")
            begun.append(time.monotonic())
        acknowledged = np.ones(lives.size, dtype=int)
        moments = begun + lives
        for number in np.argsort(moments).tolist():
            time.sleep(max(0.0, moments[number] - time.monotonic()))
            code = processes[number].returncode
            if code is not None:
                raise RuntimeError(f"a process ended by itself, with code {code}")
            acknowledged[number] += len(processes[number].kill())
        return list(zip(acknowledged.tolist(), map(_rows, paths), strict=True))


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT count(*) FROM write").fetchone()[0]
    finally:
        database.close()


# --- latency of the write strategies --------------------------------------------------------------


class MeasuredWriteLatencyResult(Result):
    """What one write costs, with a dictionary as the cache and sqlite3 on disk as the database."""

    #: Seconds for each write; shape (writes,).
    cache_s: np.ndarray
    database_s: np.ndarray
    through_s: np.ndarray
    behind_s: np.ndarray
    #: Seconds per row when all are committed at once.
    batched_row_s: float

    @property
    def ratio(self) -> float:
        """Median write-through time over the sum of its parts' medians."""
        parts = theory.theory_write_through(
            float(np.median(self.cache_s)), float(np.median(self.database_s))
        )
        return float(np.median(self.through_s)) / parts

    @property
    def verdict(self) -> str:
        """Whether write-through costs the sum of its parts, in one line."""
        word = "agrees" if 2 / 3 < self.ratio < 3 / 2 else "disagrees"
        return (
            f"write-through takes {significant(self.ratio)} times cache + database "
            f"(medians; within a factor of 1.5 counts): {word}"
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "cache_us": rounded(1e6 * float(np.median(self.cache_s))),
            "database_us": rounded(1e6 * float(np.median(self.database_s))),
            "write_through_us": rounded(1e6 * float(np.median(self.through_s))),
            "write_behind_us": rounded(1e6 * float(np.median(self.behind_s))),
            "batched_row_us": rounded(1e6 * self.batched_row_s),
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured medians: write-through {duration(float(np.median(self.through_s)))}, "
            f"write-behind {duration(float(np.median(self.behind_s)))} per write; committed in "
            f"one batch a row costs {duration(self.batched_row_s)}."
        )


def measure_write_latency(*, writes: int = 150) -> MeasuredWriteLatencyResult:
    """Time writes to a dictionary, to sqlite3 with a commit each, to both, and batched.

    The four kinds are interleaved, so that a slow moment of the machine hits all alike.

    Parameters
    ----------
    writes : int
        Writes of each kind; 10 to 10,000.

    Returns
    -------
    MeasuredWriteLatencyResult

    Raises
    ------
    TypeError, ValueError
        If `writes` has the wrong type or is out of range.
    """
    writes = validation.integer("writes", writes, at_least=10, at_most=10_000)
    cache: dict[int, int] = {}
    buffered: dict[int, int] = {}
    with TemporaryDirectory(prefix="write-latency-", ignore_cleanup_errors=True) as folder:
        database = sqlite3.connect(Path(folder) / "database.sqlite3", isolation_level=None)
        try:
            database.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, value INTEGER)")
            insert = "INSERT OR REPLACE INTO item VALUES (?, ?)"

            def to_cache(key: int) -> None:
                cache[key] = key

            def to_database(key: int) -> None:
                database.execute(insert, (key, key))

            def through(key: int) -> None:
                to_database(key)
                to_cache(key)

            def behind(key: int) -> None:
                to_cache(key)
                buffered[key] = key

            times = np.empty((4, writes))
            for key in range(writes):
                for row, write in enumerate((to_cache, to_database, through, behind)):
                    began = time.perf_counter()
                    write(key)
                    times[row, key] = time.perf_counter() - began
            began = time.perf_counter()
            database.execute("BEGIN")
            database.executemany(insert, buffered.items())
            database.execute("COMMIT")
            batched = (time.perf_counter() - began) / writes
        finally:
            database.close()
    return MeasuredWriteLatencyResult(*times, batched)


# --- writers that race ----------------------------------------------------------------------------


class MeasuredWriteRaceResult(Result):
    """Bursts of real write-through writes, and how many ended with the wrong value cached."""

    delay_s: float
    #: Writes under way at once; bursts and stale bursts at each; shape (crowds,).
    crowd: np.ndarray
    bursts: np.ndarray
    stale: np.ndarray
    #: Share of stale bursts that theory expects.
    theory: np.ndarray
    #: How late timers were on average, seconds.
    late_s: float

    @property
    def intervals(self) -> list[Interval]:
        """95 % interval (Wilson's) for the stale share at each crowd."""
        return [
            wilson_interval(int(stale), int(bursts))
            for stale, bursts in zip(self.stale, self.bursts, strict=True)
        ]

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        if busy := no_verdict(self.late_s, self.delay_s):
            return busy
        inside = sum(map(agrees, self.intervals, self.theory.tolist()))
        total = self.crowd.size
        # With 5 intervals of 95 % two or more miss a true theory one time in 40.
        word = "agrees" if inside >= total - 1 else "disagrees"
        return f"theory lies inside {inside} of {total} 95 % intervals: {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"stale_share_at_{crowd:g}": rounded(stale / bursts)
            for crowd, stale, bursts in zip(self.crowd, self.stale, self.bursts, strict=True)
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: of {self.bursts.sum():,} bursts written by real threads, "
            f"{self.stale.sum():,} left the cache with another value than the database's last."
        )


def measure_write_race(
    *, delay_s: float = 0.01, bursts: int = 60, seed: int = 1, timeout_s: float = 20.0
) -> MeasuredWriteRaceResult:
    """Let real threads write through to sqlite3 and a dictionary, with a random delay in between.

    Every burst has a key of its own; bursts overlap, so that the whole takes two or three
    seconds. sqlite3 decides in which order the writes of a key are committed.

    Parameters
    ----------
    delay_s : float
        Mean delay from commit to cache, seconds, exponential; 0.005 to 0.1.
    bursts : int
        Bursts at each of five crowds (writes under way at once): 0.25, 0.5, 1, 2 and 4; 5 to 200.
    seed : int
        Seed of the moments and delays asked for; the threads keep to them as well as they can.
    timeout_s : float
        The measurement is given up after this long, seconds; > 0.

    Returns
    -------
    MeasuredWriteRaceResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If it took longer than `timeout_s`.
    """
    delay_s = validation.number("delay_s", delay_s, at_least=0.005, at_most=0.1, unit="s")
    bursts = validation.integer("bursts", bursts, at_least=5, at_most=200)
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    rng = streams(seed, "gaps", "delays", "starts")
    crowds = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    jobs: list[tuple[float, int, float]] = []  # when, which key, delay
    key = 0
    for crowd in crowds.tolist():
        writes = int(6 * crowd) + 5  # earlier ones arrive long before the last
        for _ in range(bursts):
            gaps = rng["gaps"].exponential(delay_s / crowd, writes)
            begin = rng["starts"].random() * bursts * delay_s * 2
            delays = rng["delays"].exponential(delay_s, writes)
            moments = begin + np.cumsum(gaps)
            jobs += zip(moments.tolist(), [key] * writes, delays.tolist(), strict=True)
            key += 1
    with Lateness() as lateness:
        cached, stored = _race(sorted(jobs), key, timeout_s)
    wrong = np.array([cached[each] != stored[each] for each in range(key)])
    return MeasuredWriteRaceResult(
        delay_s=delay_s,
        crowd=crowds,
        bursts=np.full(crowds.size, bursts),
        stale=wrong.reshape(crowds.size, bursts).sum(axis=1),
        theory=np.array([theory.theory_write_race(crowd, 1.0) for crowd in crowds.tolist()]),
        late_s=lateness.mean_s,
    )


def _race(
    jobs: list[tuple[float, int, float]], keys: int, timeout_s: float
) -> tuple[dict[int, int], dict[int, int]]:
    """Perform write-through writes on time; return what cache and database hold for each key."""
    waiting: queue.SimpleQueue[tuple[float, int, float]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    cache: dict[int, int] = {}
    failures: list[BaseException] = []
    began = time.perf_counter() + 0.05
    stop = began + timeout_s
    with TemporaryDirectory(prefix="write-race-", ignore_cleanup_errors=True) as folder:
        database = sqlite3.connect(
            Path(folder) / "database.sqlite3", isolation_level=None, check_same_thread=False
        )
        one_at_a_time = threading.Lock()  # sqlite3 has one writer; the queue for it is fair here

        def write_through() -> None:
            try:
                while time.perf_counter() < stop:
                    moment, key, delay = waiting.get_nowait()
                    time.sleep(max(0.0, began + moment - time.perf_counter()))
                    with one_at_a_time:
                        (version,) = database.execute(
                            "UPDATE item SET version = version + 1 WHERE key = ? RETURNING version",
                            (key,),
                        ).fetchone()
                    time.sleep(delay)
                    cache[key] = version
            except queue.Empty:
                pass
            except BaseException as error:
                failures.append(error)

        try:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA journal_mode = MEMORY")
            database.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, version INTEGER)")
            database.executemany("INSERT INTO item VALUES (?, 0)", [(key,) for key in range(keys)])
            threads = [threading.Thread(target=write_through, daemon=True) for _ in range(64)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0.0, stop + 1 - time.perf_counter()))
            if failures:
                raise failures[0]
            if not waiting.empty() or any(thread.is_alive() for thread in threads):
                raise TimeoutError(f"the writes took longer than {timeout_s:g} s")
            return cache, dict(database.execute("SELECT key, version FROM item"))
        finally:
            database.close()


def wilson_interval(successes: int, trials: int) -> Interval:
    """Return Wilson's 95 % interval for a probability.

    Parameters
    ----------
    successes, trials : int
        0 <= successes <= trials, trials >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", *Journal of
    the American Statistical Association* 22, 1927.
    """
    trials = validation.integer("trials", trials, at_least=1)
    successes = validation.integer("successes", successes, at_least=0, at_most=trials)
    z = 1.959964
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z
        * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
        / (1 + z * z / trials)
    )
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half), 0.95, trials)
