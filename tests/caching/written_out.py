"""The four strategies as an application would have them, one operation at a time.

A value is represented by its version, the number of the write that made it, so that the newest
value is the one with the highest version and a stale read shows itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from helpers.caching.simulation.strategies import Traffic


class CacheAside:
    """The application asks the cache, then the database; a write drops the cached entry."""

    def __init__(self, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self.database: dict[int, int] = {}  # key -> version
        self.cache: dict[int, tuple[int, float]] = {}  # key -> version, when it was loaded
        self.misses = self.database_reads = self.database_writes = 0

    def read(self, key: int, now: float) -> int:
        """Return the version that a reader gets."""
        entry = self.cache.get(key)
        if entry is not None and now < entry[1] + self.ttl_s:
            return entry[0]
        self.misses += 1
        return self.load(key, now)

    def load(self, key: int, now: float) -> int:
        """Read the database and fill the cache."""
        self.database_reads += 1
        version = self.database.get(key, 0)
        self.cache[key] = (version, now)
        return version

    def write(self, key: int, version: int, now: float) -> None:
        """Take a write from the application."""
        self.store(key, version)
        self.cache.pop(key, None)

    def store(self, key: int, version: int) -> None:
        """Take a write that goes straight to the database: a batch job, another service."""
        self.database_writes += 1
        self.database[key] = version

    def flush(self) -> None:
        """Do what the strategy does at regular intervals."""


class WriteThrough(CacheAside):
    """A write goes to the database and to the cache before it is acknowledged."""

    def write(self, key: int, version: int, now: float) -> None:
        self.store(key, version)
        self.cache[key] = (version, now)


class WriteBehind(CacheAside):
    """A write goes to the cache, and to the database with the next flush."""

    def __init__(self, ttl_s: float) -> None:
        super().__init__(ttl_s)
        self.dirty: dict[int, int] = {}

    def write(self, key: int, version: int, now: float) -> None:
        self.cache[key] = (version, now)
        self.dirty[key] = version  # replaces an earlier write to the key: coalescing

    def flush(self) -> None:
        for key, version in self.dirty.items():
            self.store(key, version)
        self.dirty.clear()


class RefreshAhead(CacheAside):
    """Cache-aside, and a hit on an ageing entry reloads it without making the reader wait."""

    def __init__(self, ttl_s: float, threshold: float) -> None:
        super().__init__(ttl_s)
        self.refresh_age_s = threshold * ttl_s

    def read(self, key: int, now: float) -> int:
        loads, entry = self.database_reads, self.cache.get(key)
        version = super().read(key, now)
        if self.database_reads == loads and now >= entry[1] + self.refresh_age_s:
            self.load(key, now)
        return version


def run(
    strategy: CacheAside, operations: Iterable[tuple[float, int, str]], flush_s: float
) -> tuple[list[tuple[bool, bool, bool]], list[int]]:
    """Feed a strategy its operations: times, keys, and "read", "write" or "past".

    Returns
    -------
    answers : list of (bool, bool, bool)
        For each operation whether the reader missed, whether the database was read and whether
        the answer was stale.
    database_writes : list of int
        How many there had been after each operation.
    """
    newest: dict[int, int] = {}
    answers, database_writes, flushes = [], [], 0
    for version, (now, key, kind) in enumerate(operations, start=1):
        while now >= (flushes + 1) * flush_s:
            strategy.flush()
            flushes += 1
        misses, loads, stale = strategy.misses, strategy.database_reads, False
        if kind == "read":
            stale = strategy.read(key, now) < newest.get(key, 0)
        else:
            newest[key] = version
            if kind == "write":
                strategy.write(key, version, now)
            else:
                strategy.store(key, version)
        answers.append((strategy.misses > misses, strategy.database_reads > loads, stale))
        database_writes.append(strategy.database_writes)
    return answers, database_writes


def some_traffic(
    seed: int,
    keys: int = 12,
    count: int = 3_000,
    rate_rps: float = 20.0,
    shares: tuple[float, float, float] = (0.7, 0.2, 0.1),
) -> tuple[list[tuple[float, int, str]], np.ndarray, Traffic]:
    """Return operations in the order of time, that of their keys, and what the simulation wants.

    `shares` are those of reads, writes and writes past the cache.
    """
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate_rps, count))
    asked = rng.integers(keys, size=count)
    kinds = rng.choice(["read", "write", "past"], count, p=shares)
    order = np.argsort(asked, kind="stable")
    traffic = Traffic(
        asked[order], times[order], *(kinds[order] == kind for kind in ("read", "write", "past"))
    )
    return list(zip(times.tolist(), asked.tolist(), kinds.tolist(), strict=True)), order, traffic
