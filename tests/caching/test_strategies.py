"""The four strategies: theory, the open model and its edits, faults, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.caching import mixed_traffic, strategies
from helpers.caching.strategies import STRATEGIES, CacheAside, RefreshAhead, WriteBehind
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn
from tests.checks import (
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
    sampled,
)
from tests.models import edited

MODEL = (
    "helpers.caching.strategies:CacheAside, WriteThrough, WriteBehind, RefreshAhead, "
    "four_strategies"
)
QUANTITIES = strategies.Outcome._fields


SETTINGS = [strategies.Setting(write_share=0.3, ttl_s=2.0, seed=seed) for seed in range(24)]


@pytest.fixture(scope="module")
def runs():
    return [strategies.simulate(at).numbers for at in SETTINGS]


def check(samples, strategy, quantity):
    expected = getattr(strategies.theory(SETTINGS[0])[strategy], quantity)
    if math.isnan(expected):
        assert (strategy, quantity) == ("write-behind", "stale_share")
    else:
        # The first and the last flush interval are cut: up to a row in a hundred.
        allowance = 0.01 * expected if quantity == "database_write_rps" else 1e-9
        assert_mean(samples, expected, allowance=allowance)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_strategy_does_what_theory_says(runs, strategy, quantity):
    check([run[quantity][STRATEGIES.index(strategy)] for run in runs], strategy, quantity)


def test_the_strategies_differ_where_they_should():
    run = strategies.simulate(write_share=0.3, ttl_s=2.0)
    aside, through, behind, ahead = (
        {quantity: run.of(quantity)[name] for quantity in QUANTITIES} for name in STRATEGIES
    )
    assert behind["write_s"] < through["write_s"] == aside["write_s"] == ahead["write_s"]
    assert through["hit_ratio"] > aside["hit_ratio"]
    assert ahead["hit_ratio"] > aside["hit_ratio"]
    assert ahead["database_read_rps"] > aside["database_read_rps"]
    assert behind["database_write_rps"] < through["database_write_rps"]
    assert behind["lost_writes"] > 0 == through["lost_writes"]


def test_without_writes_past_the_cache_one_writer_at_a_time_is_never_stale():
    run = strategies.simulate(write_share=0.4, bypass_share=0.0)
    assert run.numbers["stale_share"] == [0, 0, 0, 0]
    for outcome in strategies.theory(run.at).values():
        assert outcome.stale_share == pytest.approx(0, abs=1e-12)


def test_flushes_slower_than_the_time_to_live_are_refused():
    with pytest.raises(ValueError, match="flush_s must be at most ttl_s = 5 s"):
        strategies.Setting(flush_s=9.0)


# --- faults ---------------------------------------------------------------------------------------


class Hasty(CacheAside):
    """Lets entries live a little shorter."""

    def __init__(self, at):
        super().__init__(at.but(ttl_s=0.9 * at.ttl_s))


class Eager(RefreshAhead):
    """Refreshes too early."""

    def __init__(self, at):
        super().__init__(at.but(threshold=0.6))


class Amnesiac(WriteBehind):
    """Flushes every write, and forgets none: no coalescing."""

    def flush(self):
        self.rows += self.unsaved - len(self.dirty)
        super().flush()


class Lossy(WriteBehind):
    """Counts what is dirty, and not what was acknowledged."""

    def write(self, key, version, now):
        known = key in self.dirty
        super().write(key, version, now)
        self.unsaved -= known


@pytest.mark.parametrize(
    ("fault", "strategy", "quantity"),
    sampled([
        (Hasty, "cache-aside", "hit_ratio"),
        (Eager, "refresh-ahead", "database_read_rps"),
        (Amnesiac, "write-behind", "database_write_rps"),
        (Lossy, "write-behind", "lost_writes"),
        (CacheAside, "write-through", "hit_ratio"),
    ], every=3),
)  # fmt: skip
def test_a_strategy_that_does_something_else_is_caught(fault, strategy, quantity):
    wrong = [getattr(strategies.outcome_of(fault(at), at), quantity) for at in SETTINGS]
    with pytest.raises(AssertionError):
        check(wrong, strategy, quantity)


# --- the rules, step by step ----------------------------------------------------------------------

AT = strategies.Setting(ttl_s=2.0, flush_s=0.5, threshold=0.5)


def test_cache_aside_by_hand():
    cache = CacheAside(AT)
    assert cache.read(7, now=0.0) == 0  # a miss
    cache.store(7, 3)  # past the cache
    assert cache.read(7, now=1.9) == 0  # alive, and stale
    assert cache.read(7, now=2.0) == 3  # its time is up
    cache.write(7, 4, now=2.1)
    assert 7 not in cache.cache
    assert cache.read(7, now=2.2) == 4
    assert (cache.misses, cache.loads, cache.rows, cache.unsaved) == (3, 3, 2, 0)


def test_write_through_by_hand():
    cache = strategies.WriteThrough(AT)
    cache.write(7, 1, now=0.0)
    assert cache.database[7] == cache.read(7, now=1.0) == 1
    assert (cache.misses, cache.rows) == (0, 1)


def test_write_behind_overwrites_a_newer_value_that_came_past_it():
    cache = WriteBehind(AT)
    cache.write(0, 1, now=0.0)
    cache.write(0, 2, now=0.1)
    assert cache.unsaved == 2
    cache.store(0, 3)
    cache.flush()
    assert cache.database[0] == 2  # version 3 is gone, and nobody was told
    assert (cache.rows, cache.unsaved) == (2, 0)


def test_refresh_ahead_by_hand():
    cache = RefreshAhead(AT)
    cache.read(7, now=0.0)
    cache.store(7, 1)
    assert cache.read(7, now=0.9) == 0
    assert cache.loads == 1
    assert cache.read(7, now=1.0) == 0  # answered from the cache, and reloaded
    assert cache.read(7, now=2.5) == 1
    assert (cache.misses, cache.loads) == (1, 3)


def test_what_happens_is_counted_from_the_end_of_the_warm_up():
    at = strategies.Setting(write_share=0.4, ttl_s=7.3, flush_s=3.1)
    warming, counted, span_s = mixed_traffic.traffic(0.4, at.bypass_share, 7.3, 3.1, at.seed)
    assert warming[-1][0] <= counted[0][0]
    assert counted[-1][0] - span_s == pytest.approx(warming[-1][0], abs=0.2)
    everything = warming + counted
    assert [now for now, *_ in everything] == sorted(now for now, *_ in everything)
    flushes = [now for now, what, *_ in everything if what == "flush"]
    np.testing.assert_allclose(flushes, 3.1 * np.arange(1, len(flushes) + 1))
    cache = WriteBehind(at)
    outcome = strategies.outcome_of(cache, at)
    early = WriteBehind(at)
    strategies._happen(early, warming)
    assert outcome.database_write_rps == pytest.approx((cache.rows - early.rows) / span_s)
    newest = {}
    for _, what, key, version in everything:
        if what in ("write", "past"):
            newest[key] = version
        elif what == "read":
            assert version == newest.get(key, 0)


# --- the edits that the page proposes -------------------------------------------------------------


def test_the_open_model_is_the_simulation():
    at = strategies.Setting(write_share=0.4)
    assert edited(MODEL)(at) == strategies.simulate(at).numbers


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_forgetting_to_delete_is_quicker_and_stale(seed):
    forget = edited(
        MODEL,
        "        self.store(key, version)\n        self.cache.pop(key, None)\n",
        "        self.store(key, version)\n",
    )
    at = strategies.Setting(seed=seed)
    before, after = strategies.four_strategies(at), forget(at)
    assert after["read_s"][0] < before["read_s"][0]
    assert before["stale_share"][0] < 0.07
    assert after["stale_share"][0] > 0.4
    assert after["stale_share"][3] > 0.4  # refresh-ahead inherits it
    assert after["stale_share"][1:3] == before["stale_share"][1:3]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_life_that_every_hit_prolongs_saves_misses_and_keeps_stale_values(seed):
    slide = edited(
        MODEL,
        "            return version\n",
        "            self.cache[key] = version, now\n            return version\n",
    )
    at = strategies.Setting(seed=seed)
    before, after = strategies.four_strategies(at), slide(at)
    assert 1 - after["hit_ratio"][1] < 0.5 * (1 - before["hit_ratio"][1])
    assert after["stale_share"][1] > 1.3 * before["stale_share"][1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_looking_before_a_flush_makes_write_behind_as_fresh_as_write_through(seed):
    look = edited(
        MODEL,
        "            self.store(key, version)\n        self.dirty",
        "            if version > self.database.get(key, 0):\n"
        "                self.store(key, version)\n        self.dirty",
    )
    for setting in ({}, {"write_share": 0.4, "bypass_share": 0.5}):
        at = strategies.Setting(seed=seed, **setting)
        before, after = strategies.four_strategies(at)["stale_share"], look(at)["stale_share"]
        assert after[2] == after[1] == before[1] < before[2]


# --- the page -------------------------------------------------------------------------------------

CORNERS = [
    {},
    {"write_share": 0.0, "bypass_share": 0.0, "ttl_s": 1.0, "flush_s": 0.05},
    {"write_share": 0.6, "bypass_share": 0.5, "ttl_s": 20.0, "flush_s": 1.0},
    {"write_share": 0.5, "bypass_share": 0.0},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = strategies.simulate(**setting)
    exact = strategies.theory(run.at)
    words = [1e3 * run.of("write_s")[name] for name in ("write-behind", "write-through")]
    lost = run.of("lost_writes")["write-behind"]
    if run.at.write_share:
        assert_tells(run.reading, *(f"{significant(word)} ms" for word in words), significant(lost))
    else:
        assert_tells(run.reading)
        assert run.reading.endswith("Nothing is written, so nothing can be stale or lost.")
    fewest = min(run.of("database_read_rps"), key=run.of("database_read_rps").get)
    said = run.reading.split("fewest database reads: ")[1].split(";")[0]
    assert fewest in said or said == "all alike"
    for place, name in enumerate(STRATEGIES):
        word = name.replace("-", "_")
        read_ms = 1e3 * run.numbers["read_s"][place]
        assert run.summary[f"{word}_read_ms"] == pytest.approx(read_ms, rel=6e-3)
        stale = run.numbers["stale_share"][place]
        assert run.summary[f"{word}_stale_share"] == pytest.approx(stale, rel=6e-2)
    panels = {
        "read_s": 1e3,
        "database_read_rps": 1,
        "stale_share": 100,
        "write_s": 1e3,
        "database_write_rps": 1,
        "lost_writes": 1,
    }
    table = list(run.columns.values())
    assert list(table[0]) == list(STRATEGIES)
    mine = {name: [1.0, 2.0, 3.0, 4.0] for name in panels}
    axes = drawn_by(strategies, run, mine=mine)
    for place, (ax, (quantity, scale)) in enumerate(zip(axes, panels.items(), strict=True)):
        values = scale * np.array(run.numbers[quantity])
        expected = scale * np.array([getattr(exact[name], quantity) for name in STRATEGIES])
        np.testing.assert_allclose(table[1 + 2 * place], values)
        np.testing.assert_allclose(table[2 + 2 * place], expected)
        np.testing.assert_allclose(drawn.bars(ax).ends, values)
        rows, marks = drawn.marks(ax, "x")
        known = np.isfinite(expected)
        np.testing.assert_allclose(marks, expected[known])
        np.testing.assert_allclose(rows, np.flatnonzero(known))
        assert drawn.written(ax) == [significant(value) for value in values]
        np.testing.assert_allclose(
            diamonds(ax), np.column_stack([scale * np.array([1, 2, 3, 4]), range(4)])
        )
    assert drawn.ticks(axes[0], "y")[0] == "cache-\naside"
    assert_legible(*drawn_by(strategies, run))
    assert len(run.table()) == 4
    for ax in axes:  # numbers stand beside the bars
        assert ax.get_xlim()[0] == 0
        assert ax.get_xlim()[1] >= 1.2 * max(drawn.bars(ax).ends)
    assert all(len(drawn.bars(ax, facecolor=style.BLUE).ends) == 4 for ax in axes)


def test_axes_stand_still_while_a_slider_moves():
    ends = []
    for percentage in range(0, 61, 3):
        run = strategies.simulate(write_share=percentage / 100)
        ends.append([ax.get_xlim()[1] for ax in drawn_by(strategies, run)])
    moved = np.diff(ends, axis=0) != 0
    assert not moved[:, :4].any()
    assert moved[:, 4].sum() == 3
    np.testing.assert_array_equal(moved[:, 4], moved[:, 5])
