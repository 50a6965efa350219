"""The four strategies against theory, and operation by operation against their written out form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers import caching
from helpers.caching.simulation import strategies
from tests.caching import written_out
from tests.caching.statistics import assert_mean


@pytest.fixture(scope="module")
def strategy_runs():
    return [
        caching.simulate_strategies(write_share=0.3, ttl_s=2.0, seed=seed) for seed in range(40)
    ]


@pytest.mark.parametrize("strategy", caching.STRATEGIES)
@pytest.mark.parametrize(
    "quantity",
    ["hit_ratio", "read_s", "write_s", "database_read_rps", "database_write_rps", "stale_share",
     "lost_writes"],
)  # fmt: skip
def test_a_strategy_does_what_theory_says(strategy_runs, strategy, quantity):
    expected = getattr(strategy_runs[0].theory[strategy], quantity)
    samples = [getattr(run.outcomes[strategy], quantity) for run in strategy_runs]
    if math.isnan(expected):
        assert (strategy, quantity) == ("write-behind", "stale_share")
    else:
        # The first and the last flush interval are cut: up to a row in a hundred.
        allowance = 0.01 * expected if quantity == "database_write_rps" else 1e-9
        assert_mean(samples, expected, allowance=allowance)


def test_the_strategies_differ_where_they_should(strategy_runs):
    run = strategy_runs[0].outcomes
    aside, through, behind, ahead = (run[name] for name in caching.STRATEGIES)
    assert behind.write_s < through.write_s == aside.write_s == ahead.write_s
    assert through.hit_ratio > aside.hit_ratio
    assert ahead.hit_ratio > aside.hit_ratio
    assert ahead.database_read_rps > aside.database_read_rps
    assert behind.database_write_rps < through.database_write_rps
    assert behind.lost_writes > 0 == through.lost_writes


def test_without_writes_past_the_cache_one_writer_at_a_time_is_never_stale():
    run = caching.simulate_strategies(write_share=0.4, bypass_share=0.0)
    assert all(outcome.stale_share == 0 for outcome in run.outcomes.values())
    assert all(theory.stale_share == pytest.approx(0, abs=1e-12) for theory in run.theory.values())


# --- operation by operation -----------------------------------------------------------------------

TTL_S, FLUSH_S, THRESHOLD = 2.0, 0.7, 0.6


def check_against(written, answer, seeds=range(5)):
    for seed in seeds:
        operations, order, traffic = written_out.some_traffic(seed)
        expected, _ = written_out.run(written(), operations, FLUSH_S)
        got = answer(traffic, traffic.first_after(TTL_S))
        np.testing.assert_array_equal(
            np.stack([got.missed, got.loaded, got.stale], axis=1), np.array(expected)[order]
        )
        for happened in (got.missed, got.loaded, got.stale):
            assert 0 < happened.sum() < happened.size


def drop(traffic, expiry):
    return strategies.drop_on_write(traffic, expiry, expiry)


def drop_and_reload(traffic, expiry):
    return strategies.drop_on_write(traffic, expiry, traffic.first_after(THRESHOLD * TTL_S))


def fill_and_flush(traffic, expiry):
    return strategies.fill_on_write(traffic, expiry, FLUSH_S)


WRITTEN_OUT = {
    "cache-aside": (lambda: written_out.CacheAside(TTL_S), drop),
    "write-through": (lambda: written_out.WriteThrough(TTL_S), strategies.fill_on_write),
    "write-behind": (lambda: written_out.WriteBehind(TTL_S), fill_and_flush),
    "refresh-ahead": (lambda: written_out.RefreshAhead(TTL_S, THRESHOLD), drop_and_reload),
}


@pytest.mark.parametrize("strategy", caching.STRATEGIES)
def test_a_strategy_answers_as_it_does_written_out(strategy):
    check_against(*WRITTEN_OUT[strategy])


class Forgetful(written_out.CacheAside):
    """Forgets to drop what was written."""

    def write(self, key, version, now):
        self.store(key, version)


class Versioned(written_out.WriteBehind):
    """Does not overwrite what is newer."""

    def store(self, key, version):
        if version > self.database.get(key, 0):
            super().store(key, version)


@pytest.mark.parametrize(
    ("mutant", "strategy"),
    [
        (lambda: Forgetful(TTL_S), "cache-aside"),
        (lambda: written_out.CacheAside(0.9 * TTL_S), "cache-aside"),
        (lambda: written_out.WriteThrough(TTL_S), "write-behind"),
        (lambda: Versioned(TTL_S), "write-behind"),
        (lambda: written_out.RefreshAhead(TTL_S, 0.9 * THRESHOLD), "refresh-ahead"),
    ],
)
def test_a_strategy_that_does_something_else_is_caught(mutant, strategy):
    with pytest.raises(AssertionError):
        check_against(mutant, WRITTEN_OUT[strategy][1])


def test_write_behind_overwrites_a_newer_value_that_came_past_it():
    cache = written_out.WriteBehind(ttl_s=1.0)
    cache.write(0, 1, now=0.0)
    cache.store(0, 2)
    cache.flush()
    assert cache.database[0] == 1  # version 2 is gone, and nobody was told


@pytest.mark.parametrize(("ttl_s", "flush_s"), [(7.3, 3.1), (1.0, 1.0), (5.0, 0.02)])
def test_database_writes_are_counted_from_the_end_of_the_warm_up(ttl_s, flush_s, monkeypatch):
    made, traffic_of = [], strategies.Traffic
    monkeypatch.setattr(
        strategies, "Traffic", lambda *parts: made.append(traffic_of(*parts)) or made[-1]
    )
    result = caching.simulate_strategies(write_share=0.4, ttl_s=ttl_s, flush_s=flush_s)
    (traffic,) = made
    order = np.argsort(traffic.times_s)
    times = traffic.times_s[order].tolist()
    kinds = np.select([traffic.reads, traffic.writes], ["read", "write"], "past")[order]
    operations = zip(times, traffic.keys[order].tolist(), kinds.tolist(), strict=True)
    _, written = written_out.run(written_out.WriteBehind(ttl_s), operations, flush_s)
    warm = int(np.searchsorted(times, 2 * ttl_s)) - 1
    assert result.outcomes["write-behind"].database_write_rps == pytest.approx(
        (written[-1] - written[warm]) / (times[-1] - times[warm])
    )
