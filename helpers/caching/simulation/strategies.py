"""The four caching strategies, written out, on identical traffic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import (
    popularity,
    rounded,
    unit_arrivals,
    unit_draws,
    zipf_draws,
)
from helpers.foundations import validation
from helpers.foundations.result import Result, significant

#: The strategies, in the order they are shown.
STRATEGIES = ("cache-aside", "write-through", "write-behind", "refresh-ahead")

_REQUESTS = 12_000
_KEYS = 200
_EXPONENT = 0.9
_RATE_RPS = 200.0
_CRASHES = 500


# --- the strategies ------------------------------------------------------------------------------
#
# A value is represented by its version, the number of the write that made it, so that the newest
# value is the one with the highest version and a stale read shows itself.


class CacheAside:
    """The application asks the cache, then the database; a write drops the cached entry.

    Parameters
    ----------
    keys : int
        Number of keys.
    ttl_s : float
        Time to live of an entry, seconds.
    """

    def __init__(self, keys: int, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self.database = [0] * keys  # version of each key
        self.cache: dict[int, tuple[int, float]] = {}  # key -> version, when it was loaded
        self.hits = 0
        self.database_reads = 0
        self.database_writes = 0

    def read(self, key: int, now: float) -> int:
        """Return the version that a reader gets."""
        entry = self.cache.get(key)
        if entry is not None and now < entry[1] + self.ttl_s:
            self.hits += 1
            return entry[0]
        return self.load(key, now)

    def load(self, key: int, now: float) -> int:
        """Read the database and fill the cache."""
        self.database_reads += 1
        version = self.database[key]
        self.cache[key] = (version, now)
        return version

    def write(self, key: int, version: int, now: float) -> None:
        """Take a write from the application."""
        self.database_writes += 1
        self.database[key] = version
        self.cache.pop(key, None)

    def write_past(self, key: int, version: int) -> None:
        """Take a write that goes straight to the database: a batch job, another service."""
        self.database_writes += 1
        self.database[key] = version

    def flush(self) -> None:
        """Do what the strategy does at regular intervals."""


class WriteThrough(CacheAside):
    """A write goes to the database and to the cache before it is acknowledged."""

    def write(self, key: int, version: int, now: float) -> None:
        self.database_writes += 1
        self.database[key] = version
        self.cache[key] = (version, now)


class WriteBehind(CacheAside):
    """A write goes to the cache, and to the database with the next flush."""

    def __init__(self, keys: int, ttl_s: float) -> None:
        super().__init__(keys, ttl_s)
        self.dirty: dict[int, int] = {}

    def write(self, key: int, version: int, now: float) -> None:
        self.cache[key] = (version, now)
        self.dirty[key] = version  # replaces an earlier write to the key: coalescing

    def flush(self) -> None:
        self.database_writes += len(self.dirty)
        for key, version in self.dirty.items():
            self.database[key] = version
        self.dirty.clear()


class RefreshAhead(CacheAside):
    """Cache-aside, and a hit on an ageing entry reloads it without making the reader wait."""

    def __init__(self, keys: int, ttl_s: float, threshold: float) -> None:
        super().__init__(keys, ttl_s)
        self.refresh_age_s = threshold * ttl_s

    def read(self, key: int, now: float) -> int:
        entry = self.cache.get(key)
        if entry is None or now >= entry[1] + self.ttl_s:
            return self.load(key, now)
        self.hits += 1
        if now >= entry[1] + self.refresh_age_s:
            self.load(key, now)
        return entry[0]


# --- behind the sliders ---------------------------------------------------------------------------


@dataclass(frozen=True)
class StrategyOutcome:
    """What one strategy did with the traffic."""

    hit_ratio: float
    read_s: float
    write_s: float
    database_read_rps: float
    database_write_rps: float
    stale_share: float
    lost_writes: float


@dataclass(frozen=True, eq=False)
class StrategiesResult(Result):
    """Four strategies on the same reads and writes."""

    write_share: float
    bypass_share: float
    ttl_s: float
    flush_s: float
    rate_rps: float
    #: Latencies of a single operation, seconds.
    cache_s: float
    database_read_s: float
    database_write_s: float
    outcomes: dict[str, StrategyOutcome]
    theory: dict[str, theory.StrategyTheory]

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for name in STRATEGIES:
            outcome = self.outcomes[name]
            word = name.replace("-", "_")
            values[f"{word}_read_ms"] = rounded(1e3 * outcome.read_s)
            values[f"{word}_stale_share"] = rounded(outcome.stale_share, 2)
        values["write_behind_lost_writes"] = rounded(self.outcomes["write-behind"].lost_writes)
        return values

    @property
    def reading(self) -> str:
        def best(quantity: str) -> str:
            # Within 5 % of each other is a tie: chance decides who is ahead.
            figures = {name: getattr(self.outcomes[name], quantity) for name in STRATEGIES}
            least = min(figures.values())
            winners = [name for name, figure in figures.items() if figure <= 1.05 * least]
            return " and ".join(winners) if len(winners) < len(STRATEGIES) else "all alike"

        behind = self.outcomes["write-behind"]
        through = self.outcomes["write-through"]
        return (
            f"Quickest to read: {best('read_s')}; fewest database reads: "
            f"{best('database_read_rps')}; fewest stale reads: {best('stale_share')}. "
            f"Write-behind acknowledges in {significant(1e3 * behind.write_s)} ms instead of "
            f"{significant(1e3 * through.write_s)} ms, and a crash costs it "
            f"{significant(behind.lost_writes)} writes."
        )


def simulate_strategies(
    *,
    write_share: float = 0.1,
    bypass_share: float = 0.1,
    ttl_s: float = 5.0,
    flush_s: float = 0.5,
    threshold: float = 0.8,
    cache_s: float = 0.001,
    database_read_s: float = 0.01,
    database_write_s: float = 0.02,
    seed: int = 1,
) -> StrategiesResult:
    """Run the four strategies over the same 12,000 reads and writes of 200 Zipf keys.

    Parameters
    ----------
    write_share : float
        Share of the 200 operations per second that write; 0 <= write_share < 1.
    bypass_share : float
        Share of the writes that go straight to the database, past the cache; 0 to 1.
    ttl_s : float
        Time to live, seconds; 0 < ttl_s <= 20.
    flush_s : float
        Time between write-behind's flushes, seconds; 0 < flush_s <= ttl_s, so that no entry
        expires before it is in the database.
    threshold : float
        Share of the time to live after which refresh-ahead reloads on access; 0 < threshold <= 1.
    cache_s, database_read_s, database_write_s : float
        Time of one operation, seconds; >= 0.
    seed : int
        Seed of the traffic.

    Returns
    -------
    StrategiesResult
        Measured after a warm-up of twice the time to live, at most half of the run.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Operations take effect at once and one at a time: latencies are counted, not waited for, so no
    two of them race. What goes wrong when they do is `simulate_interleavings`' subject.
    """
    write_share = validation.number("write_share", write_share, at_least=0, below=1)
    bypass_share = validation.number("bypass_share", bypass_share, at_least=0, at_most=1)
    ttl_s = validation.number("ttl_s", ttl_s, above=0, at_most=20, unit="s")
    flush_s = validation.number("flush_s", flush_s, above=0, at_most=ttl_s, unit="s")
    threshold = validation.number("threshold", threshold, above=0, at_most=1)
    cache_s = validation.number("cache_s", cache_s, at_least=0, unit="s")
    database_read_s = validation.number("database_read_s", database_read_s, at_least=0, unit="s")
    database_write_s = validation.number("database_write_s", database_write_s, at_least=0, unit="s")

    weights = popularity(_KEYS, _EXPONENT)
    times = unit_arrivals("operations", _REQUESTS, seed) / _RATE_RPS
    keys = zipf_draws("keys", _REQUESTS, _KEYS, _EXPONENT, seed)
    writes = unit_draws("uniform", "writes", _REQUESTS, seed) < write_share
    past = writes & (unit_draws("uniform", "past the cache", _REQUESTS, seed) < bypass_share)
    kinds = (writes.astype(int) + past).tolist()
    versions = range(1, _REQUESTS + 1)
    operations = list(zip(versions, times.tolist(), keys.tolist(), kinds, strict=True))
    start = int(np.searchsorted(times, min(2 * ttl_s, times[-1] / 2)))

    # Acknowledged through the cache and not yet flushed, at instants of no importance.
    crash = unit_draws("uniform", "crash", _CRASHES, seed) * (times[-1] // flush_s) * flush_s
    buffered = times[writes & ~past]
    lost = np.searchsorted(buffered, crash) - np.searchsorted(buffered, crash // flush_s * flush_s)

    strategies: dict[str, CacheAside] = {
        "cache-aside": CacheAside(_KEYS, ttl_s),
        "write-through": WriteThrough(_KEYS, ttl_s),
        "write-behind": WriteBehind(_KEYS, ttl_s),
        "refresh-ahead": RefreshAhead(_KEYS, ttl_s, threshold),
    }
    span_s = float(times[-1] - (times[start - 1] if start else 0.0))
    outcomes = {}
    for name, strategy in strategies.items():
        newest = [0] * _KEYS
        _run(strategy, operations[:start], newest, flush_s)
        strategy.hits = strategy.database_reads = strategy.database_writes = 0
        stale, reads = _run(strategy, operations[start:], newest, flush_s)
        miss_ratio = 1 - strategy.hits / reads
        behind = name == "write-behind"
        outcomes[name] = StrategyOutcome(
            hit_ratio=1 - miss_ratio,
            read_s=cache_s + miss_ratio * (database_read_s + cache_s),
            write_s=cache_s if behind else cache_s + database_write_s,
            database_read_rps=strategy.database_reads / span_s,
            database_write_rps=strategy.database_writes / span_s,
            stale_share=stale / reads,
            lost_writes=float(lost.mean()) if behind else 0.0,
        )
    return StrategiesResult(
        write_share=write_share,
        bypass_share=bypass_share,
        ttl_s=ttl_s,
        flush_s=flush_s,
        rate_rps=_RATE_RPS,
        cache_s=cache_s,
        database_read_s=database_read_s,
        database_write_s=database_write_s,
        outcomes=outcomes,
        theory=dict(
            theory.theory_strategies(
                weights,
                rate_rps=_RATE_RPS,
                write_share=write_share,
                bypass_share=bypass_share,
                ttl_s=ttl_s,
                flush_s=flush_s,
                threshold=threshold,
                cache_s=cache_s,
                database_read_s=database_read_s,
                database_write_s=database_write_s,
            )
        ),
    )


def _run(
    strategy: CacheAside,
    operations: Sequence[tuple[int, float, int, int]],
    newest: list[int],
    flush_s: float,
) -> tuple[int, int]:
    """Feed a strategy its operations; return how many reads were stale, and how many there were.

    An operation is its version, its time, its key, and 0 for a read, 1 for a write, 2 for a write
    past the cache. `newest` holds each key's latest version and is kept up to date.
    """
    next_flush = flush_s * (math.floor(operations[0][1] / flush_s) + 1) if operations else math.inf
    stale = reads = 0
    for version, now, key, kind in operations:
        while now >= next_flush:
            strategy.flush()
            next_flush += flush_s
        if kind == 0:
            reads += 1
            stale += strategy.read(key, now) < newest[key]
        else:
            newest[key] = version
            if kind == 1:
                strategy.write(key, version, now)
            else:
                strategy.write_past(key, version)
    return stale, reads
