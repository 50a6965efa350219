"""How long it takes to fetch a small value, from a dictionary down to a disk that must sync."""

from __future__ import annotations

import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd

#: Published orders of magnitude, seconds. Jeff Dean, "Designs, Lessons and Advice from Building
#: Large Distributed Systems", keynote at LADIS 2009: "Numbers Everyone Should Know".
PUBLISHED_S = {
    "main memory reference": 1e-7,
    "round trip within a data centre": 5e-4,
    "disk seek": 1e-2,
    "packet California-Netherlands-California": 0.15,
}

_KEYS = 1_000


class MeasuredLadder(Result):
    """Median times of single operations on this machine.

    Attributes
    ----------
    times_s : dict of str to float
        Median time of each rung, seconds, the quickest way to a value first.
    spread_s : dict of str to tuple of float
        10th and 90th percentile.
    """

    times_s: dict[str, float]
    spread_s: dict[str, tuple[float, float]]

    def ratio(self, slow: str, fast: str) -> float:
        """Return how many times longer one rung takes than another."""
        return self.times_s[slow] / self.times_s[fast]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {name: duration(value) for name, value in self.times_s.items()}

    @property
    def reading(self) -> str:
        names = list(self.times_s)
        query, network = "sqlite, in a file", "round trip on loopback"
        faster = self.times_s[network] > self.times_s[query]
        compared = "slower" if faster else "quicker"
        return (
            f"Verdict: {names[0]} takes {duration(self.times_s[names[0]])}, a query of a file that "
            f"is in memory {significant(self.ratio(query, names[0]), 2)} times as long, a write "
            f"that must reach the disk {significant(self.ratio(names[-1], names[0]), 2)} times; a "
            f"bare round trip between two threads is {compared} than the query."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "median (µs)": {name: 1e6 * t for name, t in self.times_s.items()},
                "10 % below (µs)": {name: 1e6 * s[0] for name, s in self.spread_s.items()},
                "10 % above (µs)": {name: 1e6 * s[1] for name, s in self.spread_s.items()},
            }
        )


def measure_ladder(*, seed: int = 1) -> MeasuredLadder:
    """Time the ways to a small value with ``perf_counter_ns``; under a second and a half.

    Parameters
    ----------
    seed : int
        Seed of the keys asked for; >= 0.

    Returns
    -------
    MeasuredLadder

    Notes
    -----
    Quick operations are timed in batches and the empty loop is taken off. The operating system
    keeps the files in memory, so "in a file" means a system call, not a disk; only the last two
    rungs wait for the disk, as far as the machine's disk tells the truth about it.
    """
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, _KEYS, 2_000).tolist()
    table = {key: f"value-{key}" for key in range(_KEYS)}
    cached = lru_cache(maxsize=_KEYS)(table.__getitem__)
    found: dict[str, np.ndarray] = {}
    empty = float(np.median(_batches(lambda key: None, keys)))
    found["dict"] = np.maximum(_batches(table.__getitem__, keys) - empty, 1e-9)
    found["lru_cache"] = np.maximum(_batches(cached, keys) - empty, 1e-9)
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        found["sqlite, in memory"], _ = _sqlite_times(":memory:", table, keys)
        found["sqlite, in a file"], commits = _sqlite_times(
            str(Path(folder) / "values.db"), table, keys
        )
        found["round trip on loopback"] = _round_trips(400)
        found["write and fsync"] = _synced_writes(Path(folder) / "log", 40)
        found["sqlite, commit to disk"] = commits
    return MeasuredLadder(
        times_s={name: float(np.median(times)) for name, times in found.items()},
        spread_s={
            name: (float(np.percentile(times, 10)), float(np.percentile(times, 90)))
            for name, times in found.items()
        },
    )


def _sqlite_times(
    where: str, table: dict[int, str], keys: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of queries by key, and of commits that wait for the disk."""
    connection = sqlite3.connect(where, isolation_level=None)
    try:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", table.items())
        connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        select, update = "SELECT v FROM t WHERE k = ?", "UPDATE t SET v = 'new' WHERE k = ?"
        queries = _single(lambda key: connection.execute(select, (key,)).fetchone(), keys[:800])
        commits = _single(lambda key: connection.execute(update, (key,)), keys[:15])
    finally:
        connection.close()
    return queries, commits


def _batches(fetch: Callable[[int], object], keys: list[int], batches: int = 30) -> np.ndarray:
    """Seconds of one operation, from batches of many."""
    times = []
    for _ in range(batches):
        began = time.perf_counter_ns()
        for key in keys:
            fetch(key)
        times.append((time.perf_counter_ns() - began) / len(keys))
    return 1e-9 * np.array(times)


def _single(fetch: Callable[[int], object], keys: list[int]) -> np.ndarray:
    """Seconds of each operation."""
    times = []
    for key in keys:
        began = time.perf_counter_ns()
        fetch(key)
        times.append(time.perf_counter_ns() - began)
    return 1e-9 * np.array(times)


def _round_trips(count: int) -> np.ndarray:
    """Seconds of round trips over a TCP connection of this machine to another thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def echo() -> None:
            link, _ = listener.accept()
            with link:
                while data := link.recv(64):
                    link.sendall(data)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=5) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def ask(_: int) -> None:
                link.sendall(b"get")
                link.recv(64)

            times = _single(ask, [0] * count)
        thread.join(timeout=5)
    return times


def _synced_writes(path: Path, count: int) -> np.ndarray:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:

        def write(_: int) -> None:
            os.write(descriptor, b"x" * 100)
            os.fsync(descriptor)

        return _single(write, [0] * count)
    finally:
        os.close(descriptor)
