"""Herds against their closed forms, the readable engines against the quick ones, and mutants."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers import caching
from helpers.caching.simulation import cold_restart, herd
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.traffic.keys import zipf_weights
from tests.caching.statistics import assert_mean, assert_share

SEEDS = range(150)


# --- the queue ------------------------------------------------------------------------------------


@pytest.mark.parametrize("servers", [1, 2, 7, 50, 400])
def test_equal_service_starts_are_those_of_the_fifo_engine(servers):
    arrivals = np.cumsum(np.random.default_rng(1).exponential(0.01, 300))
    starts = herd.equal_service_starts(arrivals, 0.1, servers)
    waits = fifo_waits(arrivals, np.full(300, 0.1), servers)
    np.testing.assert_allclose(starts - arrivals, waits, atol=1e-12)
    both = herd.equal_service_starts(np.stack([arrivals, arrivals + 1]), 0.1, servers)
    np.testing.assert_allclose(both, [starts, starts + 1])


def test_saturated_time_by_hand():
    arrivals, departures = np.array([0.0, 1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    assert herd.saturated_time(arrivals, departures, 1) == 5
    assert herd.saturated_time(arrivals, departures, 2) == 3
    assert herd.saturated_time(arrivals, departures, 3) == 1
    assert herd.saturated_time(arrivals, departures, 4) == 0


# --- one hot key ----------------------------------------------------------------------------------


def check_herd(fix, rate_rps=200.0, recompute_s=0.25):
    sizes = [
        caching.simulate_expiry_herd(
            rate_rps=rate_rps, recompute_s=recompute_s, fix=fix, seed=seed
        ).queries[fix]
        for seed in SEEDS
    ]
    expected = caching.theory_expiry_herd(rate_rps, recompute_s, fix)
    if fix == "single-flight":
        assert set(sizes) == {1}
    else:
        assert_mean(sizes, expected, what=fix)


@pytest.mark.parametrize("fix", caching.FIXES)
def test_a_herd_is_as_large_as_theory_says(fix):
    check_herd(fix)


def test_xfetch_at_rates_too_low_to_be_in_time():
    # The second and third case of the theory: the answer is back after the expiry, or nobody
    # refreshed before it.
    for rate_rps, recompute_s in ((2.0, 0.3), (10.0, 0.3)):
        check_herd("early refresh", rate_rps, recompute_s)


def let_two_through(fix, rate_rps, recompute_s, seed):
    queries = _original(fix, rate_rps, recompute_s, seed)
    if fix == "single-flight":
        return _original("none", rate_rps, recompute_s, seed)[:2]
    return queries


def count_half_of_the_recompute_time(fix, rate_rps, recompute_s, seed):
    return _original(fix, rate_rps, recompute_s / 2, seed)


_original = herd._herd_queries


@pytest.mark.parametrize(
    ("fix", "mutant"),
    [
        ("single-flight", let_two_through),
        ("none", count_half_of_the_recompute_time),
        ("jitter", count_half_of_the_recompute_time),
    ],
)
def test_a_wrong_herd_is_caught(monkeypatch, fix, mutant):
    monkeypatch.setattr(herd, "_herd_queries", mutant)
    with pytest.raises(AssertionError):
        check_herd(fix)


@pytest.mark.parametrize(
    "coins",
    [
        lambda *args: -_coins(*args),  # the sign of the logarithm flipped
        lambda *args: 0 * _coins(*args),  # nobody ever refreshes early
        lambda *args: 2 * _coins(*args),  # beta 2
        lambda *args: np.ones(args[1]),  # all refresh at the same fixed age
    ],
    ids=["sign flipped", "never early", "beta doubled", "no randomness"],
)
def test_a_wrong_coin_in_xfetch_is_caught(monkeypatch, coins):
    monkeypatch.setattr(herd, "_coins", coins)
    with pytest.raises(AssertionError):
        check_herd("early refresh")


_coins = herd._coins


def test_the_database_is_saturated_as_long_as_the_fluid_says():
    # The fluid ignores that connections fill and empty one by one: one recompute time.
    for rate_rps, recompute_s, connections in ((500.0, 0.4, 10), (2_000.0, 0.2, 5), (50.0, 1, 3)):
        results = [
            caching.simulate_expiry_herd(
                rate_rps=rate_rps, recompute_s=recompute_s, connections=connections, seed=seed
            )
            for seed in range(40)
        ]
        assert_mean(
            [result.saturated_s for result in results],
            results[0].saturated_theory_s,
            allowance=recompute_s,
        )


def test_what_each_fix_leaves():
    results = {fix: caching.simulate_expiry_herd(fix=fix) for fix in caching.FIXES}
    assert results["single-flight"].saturated_s == 0
    assert results["single-flight"].waiting_requests == results["none"].queries["none"]
    assert results["early refresh"].cached_s < 0
    assert results["jitter"].saturated_s > 0.8 * results["none"].saturated_s
    for result in results.values():
        assert result.at_database[0] == 0
        assert result.at_database.max() <= result.queries[result.fix]
        assert result.queries == results["none"].queries  # the same traffic for every fix


# --- XFetch over the rates ------------------------------------------------------------------------


def test_xfetch_stampede_does_not_depend_on_the_rate():
    result = caching.simulate_xfetch(replications=4_000)
    assert result.rate_rps[-1] / result.rate_rps[0] == pytest.approx(10_000)
    for sizes, expected in zip(result.queries, result.queries_theory, strict=True):
        assert abs(sizes - expected) < 4.5 * result.queries_error.max() / 1.96
    # From 100 requests per second on, within 10 % of e; the unfixed herd grows a thousandfold.
    frequent = result.rate_rps >= 99
    assert np.all(np.abs(result.queries[frequent] / math.e - 1) < 0.1)
    assert result.unfixed[-1] / result.unfixed[frequent][0] > 900


def test_xfetch_stampede_limit():
    for beta in (0.5, 1.0, 2.0):
        theory = caching.theory_xfetch(1e5, 0.5, beta)
        assert theory.queries == pytest.approx(math.exp(1 / beta), rel=1e-9)
        assert theory.limit == pytest.approx(math.exp(1 / beta))


def test_xfetch_theory_joins_the_plain_herd_at_low_rates():
    theory = caching.theory_xfetch(1e-6, 0.5)
    assert theory.queries == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("beta", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("rate", [1.0, 5.0, 30.0, 300.0])
def test_xfetch_theory_is_the_integral_it_came_from(rate, beta):
    recompute = 0.4
    at_expiry = rate * beta * recompute
    # The count x at the first refresh is exponential; given it, the mean number that follow.
    x = (np.arange(2_000_000) + 0.5) * 40 / 2_000_000
    scale = beta * recompute
    first = np.where(x < at_expiry, scale * np.log(x / at_expiry), (x - at_expiry) / rate)
    back = first + recompute
    by_then = np.where(
        back < 0, at_expiry * np.exp(np.minimum(back, 0) / scale), at_expiry + rate * back
    )
    integral = np.sum((1 + by_then - x) * np.exp(-x)) * 40 / 2_000_000
    assert caching.theory_xfetch(rate, recompute, beta).queries == pytest.approx(integral, rel=1e-4)


def test_the_quick_xfetch_is_the_one_that_tosses_every_coin():
    rate, recompute = 40.0, 0.3
    quick, leads = herd.xfetch_stampedes(np.array([rate]), recompute, 1.0, 4_000, seed=5)
    tossed = [
        caching.simulate_expiry_herd(
            rate_rps=rate, recompute_s=recompute, fix="early refresh", seed=seed
        )
        for seed in range(400)
    ]
    sizes = np.array([each.queries["early refresh"] for each in tossed])
    assert_mean(sizes, quick.mean(), allowance=4.5 * quick.std() / math.sqrt(4_000))
    assert_mean(
        [recompute - each.cached_s for each in tossed],
        leads.mean(),
        allowance=4.5 * leads.std() / math.sqrt(4_000),
    )
    for size in (1, 2, 4):  # not only the mean
        assert_share(int((sizes <= size).sum()), 400, float((quick <= size).mean()))


def test_xfetch_lead_grows_with_the_logarithm_of_the_rate():
    result = caching.simulate_xfetch(replications=4_000, recompute_s=0.4)
    # A Gumbel distribution with scale 0.4 has a standard deviation of 0.4 pi / sqrt(6).
    error = 0.4 * math.pi / math.sqrt(6 * 4_000)
    late = result.rate_rps >= 99
    assert np.all(np.abs(result.lead_s - result.lead_theory_s)[late] < 4.5 * error)
    assert np.diff(result.lead_theory_s) == pytest.approx(0.4 * math.log(10_000) / 12)


# --- many keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter_s", [0.0, 0.5, 2.0, 4.0, 6.0])
def test_the_longest_wait_of_synchronised_keys(jitter_s):
    waits = [
        caching.simulate_synchronised_expiry(jitter_s=jitter_s, seed=seed).worst_wait_s
        for seed in range(40)
    ]
    # A fluid has no fluctuations; 2,000 arrivals have: sqrt(2,000) queries of 2.5 ms each.
    expected = caching.theory_synchronised_expiry(2_000, 5_000.0, 0.05, 20, jitter_s)
    assert_mean(waits, expected, allowance=math.sqrt(2_000) * 0.0025)


def test_synchronised_theory_meets_its_limits():
    dense = 1e9
    for jitter_s in (0.0, 1.0, 4.9):
        wait = caching.theory_synchronised_expiry(2_000, dense, 0.05, 20, jitter_s)
        assert wait == pytest.approx(5 - jitter_s, abs=1e-3)
    assert caching.theory_synchronised_expiry(2_000, dense, 0.05, 20, 5.0) == 0
    nearly, none = (
        caching.theory_synchronised_expiry(2_000, 5_000.0, 0.05, 20, jitter) for jitter in (1e-5, 0)
    )
    assert nearly == pytest.approx(none, abs=1e-4)


def test_jitter_does_not_change_the_work():
    spread = caching.simulate_synchronised_expiry(jitter_s=3.0)
    together = caching.simulate_synchronised_expiry(jitter_s=0.0)
    assert spread.saturated_s == pytest.approx(together.saturated_s, rel=0.1)
    assert spread.worst_wait_s < 0.5 * together.worst_wait_s
    assert np.array_equal(spread.at_database_unfixed, together.at_database)


# --- cold restart ---------------------------------------------------------------------------------


def test_a_cold_restart_multiplies_the_load_by_one_over_the_miss_ratio():
    for capacity in (500, 3_000):
        result = caching.simulate_cold_restart(exponent=1.1, capacity=capacity)
        # Nothing is back yet, so every request misses: exact.
        assert result.multiplier == pytest.approx(1 / (1 - result.hit_ratio))
        assert result.multiplier_theory == pytest.approx(
            caching.theory_cold_restart(result.hit_ratio)
        )


def test_prewarming_takes_the_popular_keys_out_of_the_load():
    multipliers = [
        caching.simulate_cold_restart(
            exponent=1.0, prewarmed=0.1, rate_rps=20_000.0, seed=seed
        ).multiplier
        for seed in range(40)
    ]
    theory = caching.simulate_cold_restart(exponent=1.0, prewarmed=0.1).multiplier_theory
    assert_mean(multipliers, theory)


def test_the_load_falls_as_theory_says_if_the_database_answers_at_once(monkeypatch):
    monkeypatch.setattr(cold_restart, "_QUERY_S", 1e-7)
    loads = np.array(
        [
            caching.simulate_cold_restart(
                headroom=1_000.0, fix="single-flight", seed=seed
            ).queries_rps
            for seed in range(30)
        ]
    )
    result = caching.simulate_cold_restart(headroom=1_000.0)
    weights = zipf_weights(10_000, 0.9)
    missing = 1 - caching.theory_warm_up(weights, result.rate_rps * result.time_s)
    expected = result.rate_rps * np.maximum(missing, 1 - result.hit_ratio)
    # Within a bin the curve bends: the first is left out, and 2 % allowed for the others and Che.
    for bin_, theory in list(enumerate(expected))[1::7]:
        assert_mean(loads[:, bin_], theory, allowance=0.02 * theory)


def test_the_cache_is_warm_after_its_characteristic_time():
    # The warm-up curve read sideways is Che's.
    weights = zipf_weights(2_000, 1.0)
    for capacity in (20, 300, 1_500):
        time = caching.theory_characteristic_time(weights, capacity)
        assert caching.theory_warm_up(weights, [time])[0] == pytest.approx(
            float(caching.theory_lru(weights, capacity))
        )


def test_single_flight_spares_duplicates_and_headroom_spares_trouble():
    plain = caching.simulate_cold_restart(exponent=1.2, capacity=3_000)
    single = caching.simulate_cold_restart(exponent=1.2, capacity=3_000, fix="single-flight")
    assert plain.duplicates > 1_000
    assert single.duplicates == 0
    assert single.recovered_s < plain.recovered_s
    ample = caching.simulate_cold_restart(exponent=1.2, capacity=3_000, headroom=25.0)
    assert ample.recovered_s < 0.2
