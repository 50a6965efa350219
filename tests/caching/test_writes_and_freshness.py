"""Writes, times to live and refreshing against their closed forms."""

from __future__ import annotations

import bisect
import math

import numpy as np
import pytest

from helpers import caching
from helpers.caching.simulation import writes
from helpers.foundations.traffic.keys import zipf_weights
from tests.caching.statistics import assert_mean, assert_share

# --- the race -------------------------------------------------------------------------------------


def check_race(simulate):
    for seed, (write_rps, delay_s) in enumerate(((5, 0.01), (20, 0.05), (100, 0.05), (100, 0.2))):
        result = simulate(
            write_rps=float(write_rps), delay_s=delay_s, replications=4_000, seed=seed
        )
        stale = round(result.stale_here * 4_000)
        assert_share(stale, 4_000, caching.theory_write_race(write_rps, delay_s))


def test_write_through_ends_stale_as_often_as_theory_says():
    check_race(caching.simulate_write_race)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_race_at_another_rate_is_caught(factor):
    def mutant(*, write_rps, **others):
        return caching.simulate_write_race(write_rps=factor * write_rps, **others)

    with pytest.raises(AssertionError):
        check_race(mutant)


def test_the_whole_curve_of_the_race():
    result = caching.simulate_write_race(replications=4_000, seed=3)
    for share, expected in zip(result.stale_share, result.stale_theory, strict=True):
        assert_share(round(4_000 * share), 4_000, expected)


def test_a_literal_burst_gives_the_same_probability():
    # Another way: commit in order, store in the cache in order of arrival, look at the end.
    rng = np.random.default_rng(2)
    rate, delay, trials = 60.0, 0.05, 4_000
    wrong = 0
    for _ in range(trials):
        commits = np.cumsum(rng.exponential(1 / rate, 60))
        arrivals = commits + rng.exponential(delay, 60)
        wrong += int(arrivals.argmax()) != 59
    assert_share(wrong, trials, caching.theory_write_race(rate, delay))


@pytest.mark.parametrize("change", [{"delay": "constant"}, {"fix": "compare versions"}])
def test_no_variation_or_versions_no_race(change):
    result = caching.simulate_write_race(write_rps=100.0, delay_s=0.2, **change)
    assert result.stale_here == 0
    assert not result.stale_share.any()
    assert result.stale_here_theory == 0


def test_the_burst_shown_is_a_stale_one():
    result = caching.simulate_write_race()
    assert result.kept != result.commit_s.size - 1
    assert np.all(np.diff(result.commit_s) > 0)
    assert np.all(result.cached_s > result.commit_s)


# --- write-behind ---------------------------------------------------------------------------------


def check_loss(lost, write_rps, flush_s):
    theory = caching.theory_write_behind(write_rps, flush_s)
    assert_mean(lost, theory.lost_mean, what="mean loss")
    assert lost.std() == pytest.approx(theory.lost_sd, rel=0.06)


@pytest.mark.parametrize(("write_rps", "flush_s"), [(500.0, 1.0), (50.0, 0.1), (2_000.0, 3.0)])
def test_write_behind_loses_half_an_interval(write_rps, flush_s):
    for seed in range(3):
        result = caching.simulate_write_behind(write_rps=write_rps, flush_s=flush_s, seed=seed)
        check_loss(result.lost, write_rps, flush_s)


def test_a_wrong_loss_is_caught():
    lost = caching.simulate_write_behind().lost
    for wrong in (2 * lost, lost + 20, np.full(lost.size, 250)):
        with pytest.raises(AssertionError):
            check_loss(wrong, 500.0, 1.0)


def test_a_literal_crash_loses_as_much():
    rng = np.random.default_rng(4)
    lost = []
    for _ in range(3_000):
        crash = rng.uniform(0, 7 * 0.4)  # seven intervals
        written = np.cumsum(rng.exponential(1 / 50, 400))
        flushed = math.floor(crash / 0.4) * 0.4
        lost.append(np.count_nonzero((written > flushed) & (written <= crash)))
    check_loss(np.array(lost), 50.0, 0.4)


def test_coalescing_writes_each_dirty_key_once():
    for keys in (1, 50, 5_000):
        rows = []
        for seed in range(12):
            result = caching.simulate_write_behind(keys=keys, flush_s=0.5, seed=seed)
            rows.append(result.rows_here_rps / 500.0)
        theory = caching.theory_write_behind(500.0, 0.5, zipf_weights(keys, 0.9)).database_rps
        # A ratio of two counts of about 4,000 writes: a bias below one in a thousand.
        assert_mean(rows, theory / 500.0, allowance=1e-3)


def test_rows_per_write_by_hand():
    written = np.array([0.1, 0.2, 0.9, 1.5, 1.6, 1.7]) * 1_000
    key = np.array([3, 3, 5, 3, 3, 3])
    # Two intervals within reach of the four flushes looked at: {3, 5} and {3}.
    assert writes._rows_per_write(written, key, 10, 1_000.0) == pytest.approx(3 / 6)


def test_one_key_is_one_row_a_flush():
    theory = caching.theory_write_behind(1_000.0, 1.0, [1.0])
    assert theory.database_rps == pytest.approx(1)
    assert caching.theory_write_behind(1_000.0, 1.0).database_rps == 1_000


def test_write_through_adds_up():
    assert caching.theory_write_through(0.001, 0.02) == pytest.approx(0.021)


# --- time to live ---------------------------------------------------------------------------------


def literal_staleness(update_rps, read_rps, ttl_s, delivered, reads, seed):
    """Read and update one key event by event; return stale hits, hits and loads."""
    rng = np.random.default_rng(seed)
    read_at = np.cumsum(rng.exponential(1 / read_rps, reads)).tolist()
    count = int(read_at[-1] * update_rps * 1.5) + 50
    update_at = np.cumsum(rng.exponential(1 / update_rps, count)).tolist()
    arrives = rng.random(count) < delivered
    invalid_at = [at for at, ok in zip(update_at, arrives, strict=True) if ok]
    loaded, dies = -math.inf, -math.inf
    stale = hits = loads = 0
    for now in read_at:
        if now < dies:
            hits += 1
            stale += bisect.bisect(update_at, now) > bisect.bisect(update_at, loaded)
        else:
            loads += 1
            loaded = now
            following = bisect.bisect(invalid_at, now)
            dies = now + ttl_s
            if following < len(invalid_at):
                dies = min(dies, invalid_at[following])
    return stale, hits, loads


@pytest.mark.parametrize("delivered", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("update_rps", "read_rps", "ttl_s"), [(0.05, 2.0, 20.0), (0.5, 0.7, 3.0)])
def test_staleness_three_ways(update_rps, read_rps, ttl_s, delivered):
    parameters = {"update_rps": update_rps, "read_rps": read_rps, "ttl_s": ttl_s}
    hit_ratio = caching.theory_ttl_hit_ratio(
        read_rps, ttl_s, invalidation_rps=delivered * update_rps
    )
    of_hits = caching.theory_staleness(update_rps, ttl_s, delivered=delivered)
    literal, cycles = [], []
    for seed in range(20):
        stale, hits, loads = literal_staleness(
            **parameters, delivered=delivered, reads=3_000, seed=seed
        )
        literal.append((stale / (hits + loads), loads / (hits + loads)))
        result = caching.simulate_staleness(**parameters, delivered=delivered, seed=seed)
        cycles.append((result.stale_here, result.loads_here))
    for samples in (literal, cycles):
        # Ratios of sums over some hundreds of lives: a bias of the order of one in a thousand.
        assert_mean([each[0] for each in samples], hit_ratio * of_hits, allowance=2e-3)
        assert_mean([each[1] for each in samples], 1 - hit_ratio, allowance=2e-3)


def test_staleness_formula_and_its_limits():
    for x in (1e-6, 1e-3, 0.1, 1.0, 30.0):
        exact = 1 - (1 - math.exp(-x)) / x if x > 1e-3 else x / 2 - x * x / 6
        assert caching.theory_staleness(x, 1.0) == pytest.approx(exact, rel=1e-6)
    assert caching.theory_staleness(0.0, 1.0) == 0
    assert caching.theory_staleness(1.0, 1.0, delivered=1.0) == pytest.approx(0, abs=1e-12)
    nearly_none = caching.theory_staleness(0.3, 5.0, delivered=1e-9)
    assert nearly_none == pytest.approx(caching.theory_staleness(0.3, 5.0), rel=1e-6)


def test_a_staleness_that_forgets_the_one_half_is_caught():
    # mu T instead of mu T / 2 for a short life: every hit as old as the entry can get.
    stale = [
        caching.simulate_staleness(update_rps=0.002, seed=seed).stale_here for seed in range(20)
    ]
    with pytest.raises(AssertionError):
        assert_mean(stale, 1 - math.exp(-0.002 * 60.0), allowance=2e-3)


# --- refresh-ahead --------------------------------------------------------------------------------


def literal_refresh_ahead(rate, ttl_s, threshold, reads, seed):
    """One key, event by event; return misses, loads, refreshes and refreshes nobody read."""
    rng = np.random.default_rng(seed)
    now, loaded, refreshed, used = 0.0, -math.inf, False, True
    misses = loads = refreshes = wasted = 0
    for gap in rng.exponential(1 / rate, reads).tolist():
        now += gap
        age = now - loaded
        if age < ttl_s:
            used = True
            if age >= threshold * ttl_s:
                loads, refreshes = loads + 1, refreshes + 1
                loaded, refreshed, used = now, True, False
        else:
            wasted += refreshed and not used
            misses, loads = misses + 1, loads + 1
            loaded, refreshed, used = now, False, False
    return misses, loads, refreshes, wasted


@pytest.mark.parametrize("threshold", [0.3, 0.8, 1.0])
@pytest.mark.parametrize("rate", [0.2, 1.0, 4.0])
def test_refresh_ahead_three_ways(rate, threshold):
    reads, ttl_s = 4_000, 2.0
    theory = caching.theory_refresh_ahead([rate], ttl_s, threshold)
    runs = [literal_refresh_ahead(rate, ttl_s, threshold, reads, seed) for seed in range(20)]
    misses, loads, refreshes, wasted = np.array(runs).T
    assert_mean(misses / reads, 1 - theory.hit_ratio[0], allowance=5e-4)
    assert_mean(loads / reads, theory.loads_rps[0] / rate, allowance=5e-4)
    if threshold < 1:
        assert_mean(1 - wasted / refreshes, theory.useful[0], allowance=2e-3)
    simulated = [
        caching.simulate_refresh_ahead(
            rate_rps=rate, keys=1, ttl_s=ttl_s, threshold=threshold, seed=seed
        )
        for seed in range(60)
    ]
    assert_mean([each.miss_ratio for each in simulated], 1 - theory.hit_ratio[0], allowance=3e-3)
    assert_mean([each.useful[0] for each in simulated], theory.useful[0])


def test_refreshing_by_the_clock_never_misses_and_wastes_the_tail():
    result = caching.simulate_refresh_ahead(mode="timer")
    assert result.miss_ratio == 0
    assert result.loads_rps == pytest.approx(500 / 10)
    # 200 lives of each of 500 keys.
    wasted = 1 - result.useful_theory
    error = math.sqrt(float((wasted * result.useful_theory).sum()) / 200) / 10
    assert abs(result.wasted_rps - wasted.sum() / 10) < 4.5 * error


def test_usefulness_is_judged_against_the_right_exponent():
    result = caching.simulate_refresh_ahead()
    lives = 200

    def check(expected):
        used = lives * result.useful
        error = math.sqrt(lives * float((expected * (1 - expected)).sum()))
        assert abs(used.sum() - lives * expected.sum()) < 4.5 * error

    check(result.useful_theory)
    with pytest.raises(AssertionError):
        check(-np.expm1(-result.rates_rps * 0.8 * 10.0))  # only up to the threshold


def test_mean_decay():
    np.testing.assert_allclose(caching.mean_decay([0, 1, 50]), [1, 1 - math.exp(-1), 0.02])
    assert caching.mean_decay(1e-12) == pytest.approx(1)
