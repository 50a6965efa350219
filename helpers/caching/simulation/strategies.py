"""The four caching strategies on identical traffic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant

#: The strategies, in the order they are shown.
STRATEGIES = ("cache-aside", "write-through", "write-behind", "refresh-ahead")

_REQUESTS = 12_000
_KEYS = 200
_EXPONENT = 0.9
_RATE_RPS = 200.0
_CRASHES = 500


# --- the strategies ------------------------------------------------------------------------------
#
# An entry lives from the operation that filled it to the next write or the end of its time to
# live, so the operation that fills the cache next depends on the last that filled it and on
# nothing else. With each key's operations in a row, all these successors are found at once, and
# only the chain of fills is followed one by one.


@dataclass(frozen=True, eq=False)
class Traffic:
    """Reads and writes in the order of their keys, those of a key in the order of time.

    Attributes
    ----------
    keys, times_s : ndarray, shape (operations,)
    reads, writes, past : ndarray of bool, shape (operations,)
        What each operation is: a read, a write, or a write that goes straight to the database.
    """

    keys: np.ndarray
    times_s: np.ndarray
    reads: np.ndarray
    writes: np.ndarray
    past: np.ndarray

    @cached_property
    def next_read(self) -> np.ndarray:
        """Place of the first read at or after each place, shape (operations + 1,)."""
        return _next(self.reads)

    @cached_property
    def following_write(self) -> np.ndarray:
        """Place of the first write after each operation, shape (operations,)."""
        return _next(self.writes)[1:]

    @cached_property
    def last_past(self) -> np.ndarray:
        """Place of the last write past the cache up to each operation, shape (operations,)."""
        return _last(self.past)

    def first_after(self, delay_s: float) -> np.ndarray:
        """Return the place of the key's first operation `delay_s` after each, or of its end."""
        apart = self.keys * (2 * float(self.times_s.max()) + delay_s) + self.times_s
        return np.searchsorted(apart, apart + delay_s)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a strategy did with each operation of a :class:`Traffic`.

    Attributes
    ----------
    missed, loaded, stale : ndarray of bool, shape (operations,)
        Whether the reader waited for the database, whether the database was read, and whether
        the reader got a version that was not the newest.
    """

    missed: np.ndarray
    loaded: np.ndarray
    stale: np.ndarray


def drop_on_write(traffic: Traffic, expiry: np.ndarray, reload: np.ndarray) -> Answers:
    """Let reads fill the cache and writes empty it: cache-aside, and refresh-ahead.

    Parameters
    ----------
    traffic : Traffic
    expiry, reload : ndarray of int, shape (operations,)
        For an entry filled by each operation, the place of the key's first operation that finds
        it expired, and that reloads it if it reads. The same for cache-aside.
    """
    loaded = _chain(
        traffic.next_read[0], traffic.next_read[np.minimum(reload, traffic.following_write)]
    )
    # A read that reloads an entry which has not expired is answered from it.
    filled = _last(loaded)
    reloads = np.flatnonzero(loaded)[1:]
    before = filled[reloads - 1]
    alive = reloads < np.minimum(expiry, traffic.following_write)[before]
    missed = loaded.copy()
    missed[reloads[alive]] = False
    filled[reloads[alive]] = before[alive]
    return Answers(missed, loaded, stale=traffic.reads & (traffic.last_past > filled))


def fill_on_write(traffic: Traffic, expiry: np.ndarray, flush_s: float = 0.0) -> Answers:
    """Let reads and writes fill the cache: write-through, and write-behind.

    Parameters
    ----------
    traffic : Traffic
    expiry : ndarray of int, shape (operations,)
        For an entry filled by each operation, the place of the key's first operation that finds
        it expired.
    flush_s : float
        Time between flushes to the database, seconds, at most the time to live; 0 is at once.
    """
    fills = np.minimum(traffic.next_read[expiry], traffic.following_write)
    filling = _chain(int(np.argmax(traffic.reads | traffic.writes)), fills)
    loaded, filled = filling & traffic.reads, _last(filling)
    stale = traffic.last_past > filled
    if flush_s:
        # A flush overwrites what came past the cache in the meantime, and then that is loaded.
        written, past = _last(traffic.writes), traffic.last_past
        own = (written >= 0) & (traffic.keys[written] == traffic.keys)
        flushed_s = (traffic.times_s[written] // flush_s + 1) * flush_s
        older = loaded & own & (past > written) & (traffic.times_s[past] < flushed_s)
        stale |= older[filled]
    return Answers(missed=loaded, loaded=loaded, stale=traffic.reads & stale)


def _next(where: np.ndarray) -> np.ndarray:
    """Return the first true place at or after each, shape (n + 1,); n where there is none."""
    places = np.append(np.where(where, np.arange(where.size), where.size), where.size)
    return np.minimum.accumulate(places[::-1])[::-1]


def _last(where: np.ndarray) -> np.ndarray:
    """Return the last true place up to each, shape (n,); -1 where there is none."""
    return np.maximum.accumulate(np.where(where, np.arange(where.size), -1))


def _chain(first: int, following: np.ndarray) -> np.ndarray:
    """Return which places are reached from `first`, going from each to the following one."""
    steps, end = following.tolist(), following.size
    reached = bytearray(end)
    place = int(first)
    while place < end:
        reached[place] = True
        place = steps[place]
    return np.frombuffer(reached, bool)


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
        Share of the 200 operations per second that write; 0 to 0.99, so that some read.
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
    write_share = validation.number("write_share", write_share, at_least=0, at_most=0.99)
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
    writing = unit_draws("uniform", "writes", _REQUESTS, seed) < write_share
    past = writing & (unit_draws("uniform", "past the cache", _REQUESTS, seed) < bypass_share)
    start = int(np.searchsorted(times, min(2 * ttl_s, times[-1] / 2)))
    measured = np.arange(_REQUESTS) >= start
    warm_s = float(times[start - 1]) if start else 0.0
    span_s = float(times[-1]) - warm_s

    order = np.argsort(keys.astype(np.int16), kind="stable")  # short numbers: a radix sort
    reads, writes = ~writing, writing & ~past
    traffic = Traffic(*(each[order] for each in (keys, times, reads, writes, past)))
    expiry = traffic.first_after(ttl_s)
    answers = {
        "cache-aside": drop_on_write(traffic, expiry, expiry),
        "write-through": fill_on_write(traffic, expiry),
        "write-behind": fill_on_write(traffic, expiry, flush_s),
        "refresh-ahead": drop_on_write(traffic, expiry, traffic.first_after(threshold * ttl_s)),
    }

    # A flush writes a row for each key written to since the last one.
    last_flush = times[-1] // flush_s
    flushes = times // flush_s + 1
    flushed = writes & (flushes > warm_s // flush_s) & (flushes <= last_flush)
    rows = np.unique(flushes[flushed] * _KEYS + keys[flushed]).size
    database_writes = dict.fromkeys(STRATEGIES, int((writing & measured).sum()))
    database_writes["write-behind"] = rows + int((past & measured).sum())
    # Acknowledged through the cache and not yet flushed, at instants of no importance.
    crash = unit_draws("uniform", "crash", _CRASHES, seed) * last_flush * flush_s
    buffered = times[writes]
    lost = np.searchsorted(buffered, crash) - np.searchsorted(buffered, crash // flush_s * flush_s)

    asked, counted = int((reads & measured).sum()), measured[order]
    outcomes = {}
    for name, answer in answers.items():
        missed, loaded, stale = (
            int((each & counted).sum()) for each in (answer.missed, answer.loaded, answer.stale)
        )
        miss_ratio, behind = missed / asked, name == "write-behind"
        outcomes[name] = StrategyOutcome(
            hit_ratio=1 - miss_ratio,
            read_s=cache_s + miss_ratio * (database_read_s + cache_s),
            write_s=cache_s if behind else cache_s + database_write_s,
            database_read_rps=loaded / span_s,
            database_write_rps=database_writes[name] / span_s,
            stale_share=stale / asked,
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
