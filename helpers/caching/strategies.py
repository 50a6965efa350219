"""The four caching strategies on the same reads and writes.

Two hundred keys of Zipf popularity get 200 operations a second; some writes go straight to the
database, from a batch job that does not know there is a cache. Where that stops being true:
operations take effect at once and one at a time, so no two of them race. What goes wrong when they
do is ``interleavings``' subject.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.entry_lives import (
    fresh_share,
    hits_if_dropped,
    hits_if_renewed,
    refreshed_ahead,
)
from helpers.caching.mixed_traffic import CRASHES, EXPONENT, KEYS, RATE_RPS, Happening, traffic
from helpers.caching.zipf import popularity
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import yours
from helpers.foundations.drawing.labelled_bars import labelled_bars
from helpers.foundations.drawing.scales import coarse, headroom
from helpers.foundations.experiment import Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import amount, listed, rounded, significant

#: The strategies, in the order they are shown.
STRATEGIES = ("cache-aside", "write-through", "write-behind", "refresh-ahead")


class Setting(Parameters):
    """An application that reads and writes through a cache."""

    write_share: float = number(
        0.1, "Operations that write", at_least=0, at_most=0.99, note="The others read."
    )
    bypass_share: float = number(0.1, "Writes past the cache", at_least=0, at_most=1)
    ttl_s: float = number(5.0, "Time to live", unit="s", above=0, at_most=20)
    flush_s: float = number(
        0.5, "Flush every", unit="s", above=0, note="Write-behind's; at most the time to live."
    )
    threshold: float = number(
        0.8,
        "Refresh from",
        above=0,
        at_most=1,
        note="Share of the time to live after which refresh-ahead reloads on access.",
    )
    cache_s: float = number(0.001, "Time of a cache operation", unit="s", at_least=0)
    database_read_s: float = number(0.01, "Time of a database read", unit="s", at_least=0)
    database_write_s: float = number(0.02, "Time of a database write", unit="s", at_least=0)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse entries that expire before they are in the database."""
        if self.flush_s > self.ttl_s:
            raise ValueError(
                f"flush_s must be at most ttl_s = {self.ttl_s:g} s, got {self.flush_s:g}"
            )


# --- the model: what the page shows, and a learner changes ----------------------------------------


# A value is represented by its version, the number of the operation that wrote it, so that a stale
# read shows itself: its version is not the key's newest.


class CacheAside:
    """Reads ask the cache, then the database. Writes go to the database and drop the entry."""

    waits_for_database = True  # before a write is acknowledged

    def __init__(self, at):
        self.at = at
        self.cache, self.database = {}, {}  # key: (version, since when) and key: version
        self.misses = self.loads = self.rows = self.unsaved = 0

    def read(self, key, now):
        version, since = self.cache.get(key, (0, -math.inf))
        if now < since + self.at.ttl_s:
            return version
        self.misses += 1
        return self.load(key, now)

    def load(self, key, now):
        self.loads += 1
        self.cache[key] = self.database.get(key, 0), now
        return self.cache[key][0]

    def write(self, key, version, now):
        self.store(key, version)
        self.cache.pop(key, None)

    def store(self, key, version):
        self.rows += 1
        self.database[key] = version

    def flush(self):
        pass


class WriteThrough(CacheAside):
    """A write goes to the database and to the cache before it is acknowledged."""

    def write(self, key, version, now):
        self.store(key, version)
        self.cache[key] = version, now


class WriteBehind(CacheAside):
    """A write goes to the cache, and to the database with the next flush."""

    waits_for_database = False

    def __init__(self, at):
        super().__init__(at)
        self.dirty = {}

    def write(self, key, version, now):
        self.cache[key] = version, now
        self.dirty[key] = version  # replaces an earlier write to the key
        self.unsaved += 1

    def flush(self):
        for key, version in self.dirty.items():
            self.store(key, version)
        self.dirty.clear()
        self.unsaved = 0


class RefreshAhead(CacheAside):
    """Cache-aside; and a read that finds the entry ageing reloads it in the background."""

    def read(self, key, now):
        entry, misses = self.cache.get(key), self.misses
        version = super().read(key, now)
        if self.misses == misses and now >= entry[1] + self.at.threshold * self.at.ttl_s:
            self.load(key, now)
        return version


def four_strategies(at):
    """Send the same operations through each, one at a time; return four numbers of each kind."""
    strategies = (CacheAside(at), WriteThrough(at), WriteBehind(at), RefreshAhead(at))
    return side_by_side([outcome_of(strategy, at) for strategy in strategies])


# --- the traffic, and what is counted -------------------------------------------------------------


class Outcome(NamedTuple):
    """What one strategy did with the traffic, or should have done; NaN where nobody knows."""

    hit_ratio: float
    read_s: float
    write_s: float
    database_read_rps: float
    database_write_rps: float
    stale_share: float
    lost_writes: float


def outcome_of(strategy: Any, at: Setting) -> Outcome:
    """Let everything happen to one strategy, and count what it did once the cache was warm."""
    luck = (at.write_share, at.bypass_share, at.ttl_s, at.flush_s, at.seed)
    warming, counted, span_s = traffic(*luck)
    _, _, lost = _happen(strategy, warming)
    before = np.array([strategy.misses, strategy.loads, strategy.rows])
    reads, stale, lost_later = _happen(strategy, counted)
    after = np.array([strategy.misses, strategy.loads, strategy.rows])
    misses, loads, rows = (after - before).tolist()
    miss_ratio = misses / reads
    return Outcome(
        hit_ratio=1 - miss_ratio,
        # A miss asks the cache, then the database, then fills the cache.
        read_s=at.cache_s + miss_ratio * (at.database_read_s + at.cache_s),
        write_s=at.cache_s + at.database_write_s * strategy.waits_for_database,
        database_read_rps=loads / span_s,
        database_write_rps=rows / span_s,
        stale_share=stale / reads,
        lost_writes=(lost + lost_later) / CRASHES,
    )


def _happen(strategy: Any, happenings: list[Happening]) -> tuple[int, int, int]:
    """Return how many reads there were, how many were stale, and what all crashes would take."""
    read, reads, stale, lost = strategy.read, 0, 0, 0
    for now, what, key, version in happenings:
        if what == "read":
            reads += 1
            if read(key, now) != version:
                stale += 1
        elif what == "write":
            strategy.write(key, version, now)
        elif what == "past":
            strategy.store(key, version)
        elif what == "flush":
            strategy.flush()
        else:
            lost += strategy.unsaved
    return reads, stale, lost


def side_by_side(outcomes: list[Outcome]) -> dict[str, list[float]]:
    """Return each quantity of several outcomes as a row of numbers."""
    return {name: [getattr(each, name) for each in outcomes] for name in Outcome._fields}


@takes(Setting)
def simulate(at: Setting) -> Strategies:
    """Run the model itself: it is quick enough for a slider."""
    return Strategies(at, four_strategies(at))


# --- theory ---------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def theory(at: Setting) -> Mapping[str, Outcome]:
    """What each strategy should do with Poisson traffic.

    Key by key, by the renewal arguments of `entry_lives`.
    """
    weights = popularity(KEYS, EXPONENT)
    read_rate = RATE_RPS * (1 - at.write_share)
    reads = weights * read_rate
    writes = weights * RATE_RPS * at.write_share * (1 - at.bypass_share)
    past = weights * RATE_RPS * at.write_share * at.bypass_share
    fresh = fresh_share(writes, past, at.ttl_s)
    dropped = hits_if_dropped(reads, writes, at.ttl_s)
    renewed = hits_if_renewed(reads, writes, at.ttl_s)
    ahead, ahead_fresh, refreshes = refreshed_ahead(reads, writes, past, at.ttl_s, at.threshold)

    def outcome(hit: np.ndarray, fresh: np.ndarray, extra_reads: float = 0.0) -> Outcome:
        ratio = float(weights @ hit)
        return Outcome(
            hit_ratio=ratio,
            read_s=at.cache_s + (1 - ratio) * (at.database_read_s + at.cache_s),
            write_s=at.cache_s + at.database_write_s,
            database_read_rps=read_rate * (1 - ratio) + extra_reads,
            database_write_rps=RATE_RPS * at.write_share,
            stale_share=float(weights @ (hit * (1 - fresh))),
            lost_writes=0.0,
        )

    through = outcome(renewed, fresh)
    rows = float(-np.expm1(-writes * at.flush_s).sum()) / at.flush_s
    behind = through._replace(
        write_s=at.cache_s,
        database_write_rps=rows + float(past.sum()),
        # A flush may overwrite a newer value that came past the cache: no closed form.
        stale_share=math.nan if past.any() else 0.0,
        lost_writes=float(writes.sum()) * at.flush_s / 2,
    )
    each = (
        outcome(dropped, fresh),
        through,
        behind,
        outcome(ahead, ahead_fresh, float(refreshes.sum())),
    )
    return dict(zip(STRATEGIES, each, strict=True))


# --- what it says ---------------------------------------------------------------------------------


class Strategies(Result):
    """Four strategies on the same reads and writes.

    Attributes
    ----------
    numbers : mapping of str to list of float
        Each quantity of :class:`Outcome` for each of :data:`STRATEGIES`.
    """

    at: Setting
    numbers: Mapping[str, list[float]]

    def of(self, quantity: str) -> dict[str, float]:
        """Return one quantity by strategy."""
        return dict(zip(STRATEGIES, self.numbers[quantity], strict=True))

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for name in STRATEGIES:
            word = name.replace("-", "_")
            values[f"{word}_read_ms"] = rounded(1e3 * self.of("read_s")[name])
            values[f"{word}_stale_share"] = rounded(self.of("stale_share")[name], 2)
        values["write_behind_lost_writes"] = rounded(self.of("lost_writes")["write-behind"])
        return values

    @property
    def reading(self) -> str:
        def best(quantity: str) -> str:
            # Within 5 % of each other is a tie: chance decides who is ahead.
            figures = self.of(quantity)
            least = min(figures.values())
            winners = [name for name, figure in figures.items() if figure <= 1.05 * least]
            return listed(winners) if len(winners) < len(STRATEGIES) else "all alike"

        reads = (
            f"Quickest to read: {best('read_s')}; fewest database reads: "
            f"{best('database_read_rps')}; fewest stale reads: {best('stale_share')}."
        )
        if self.at.write_share == 0:
            return f"{reads} Nothing is written, so nothing can be stale or lost."
        behind, through = (
            f"{significant(1e3 * self.of('write_s')[name])} ms"
            for name in ("write-behind", "write-through")
        )
        lost = amount(self.of("lost_writes")["write-behind"], "write")
        return (
            f"{reads} Write-behind acknowledges in {behind} instead of {through}, and a crash "
            f"costs it {lost} on average."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        columns: dict[str, Any] = {"strategy": STRATEGIES}
        for quantity, (_, name, scale) in _PANELS.items():
            columns[name] = [scale * each for each in self.numbers[quantity]]
            columns[f"{name}, theory"] = [scale * getattr(exact[s], quantity) for s in STRATEGIES]
        return columns


#: Title, unit and scale of each panel.
_PANELS = {
    "read_s": ("Reading", "mean latency (ms)", 1e3),
    "database_read_rps": ("Load: reads", "database reads (per s)", 1.0),
    "stale_share": ("Staleness", "stale reads (%)", 100.0),
    "write_s": ("Writing", "latency (ms)", 1e3),
    "database_write_rps": ("Load: writes", "database writes (per s)", 1.0),
    "lost_writes": ("Loss", "writes lost in a crash", 1.0),
}


@style.panels(3, 2, width_ratios=[1, 1, 1])
def plot(run: Strategies, axes: tuple[Axes, ...], mine: Mine | None = None) -> None:
    """Draw latency, database load, staleness and loss of each strategy; dashed is theory."""
    at, exact = run.at, theory(run.at)
    # Writes reach from none to all: two panels change their axes at the same few steps.
    write_load = coarse(1.4 * max(RATE_RPS * at.write_share, 15.0))
    ends = {
        "read_s": 1e3 * max(at.database_read_s, 1e-6),
        "database_read_rps": 150.0,
        "stale_share": 30.0,
        "write_s": 1.5e3 * max(at.database_write_s, 1e-6),
        "database_write_rps": write_load,
        "lost_writes": write_load * at.flush_s / 2,
    }
    for position, (ax, (quantity, (title, unit, scale))) in enumerate(
        zip(axes, _PANELS.items(), strict=True)
    ):
        values = run.of(quantity)
        expected = {name: getattr(exact[name], quantity) for name in STRATEGIES}
        names = [name.replace("-", "-\n") if position % 3 == 0 else "" for name in STRATEGIES]
        largest = scale * max(*values.values(), 0.0)
        fits = 1.2 * largest <= ends[quantity]
        ax.set_xlim(0, ends[quantity] if fits else headroom(1.3 * largest, 1e-3))
        labelled_bars(ax, STRATEGIES, values, expected, scale=scale, shown=names)
        ax.set_title(title)
        ax.set_xlabel(unit)
        if mine is not None:
            yours(ax, scale * np.array(mine[quantity]), np.arange(len(STRATEGIES)))
