"""Closed forms against enumeration, classical special cases and simulation.

Random checks are seeded, so they pass or fail for good. The rate given beside each is how often a
right formula would be refused if the seed were drawn anew.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers import sharding

Z = 4.5  # standard errors; a normal estimate of a true value strays further 7 times in a million


def within(samples, expected, slack=0.0):
    """Whether the mean of independent samples is within Z standard errors of `expected`."""
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    return abs(samples.mean() - expected) <= Z * error + slack * abs(expected)


# --- C72: placement -----------------------------------------------------------------------------


@pytest.mark.parametrize(("shards", "length"), [(2, 1), (2, 5), (3, 4), (4, 6)])
def test_hash_scan_equals_enumeration_of_all_placements(shards, length):
    placements = itertools.product(range(shards), repeat=length)
    exact = np.mean([len(set(placement)) for placement in placements])
    assert sharding.theory_range_scan("hash", shards, length, 10) == pytest.approx(exact)


@pytest.mark.parametrize(
    ("shards", "length", "width"), [(3, 1, 4), (3, 5, 4), (4, 9, 4), (4, 16, 4), (2, 7, 5)]
)
def test_range_scan_equals_enumeration_of_all_starts(shards, length, width):
    starts = range(shards * width - length + 1)
    exact = np.mean([(start + length - 1) // width - start // width + 1 for start in starts])
    assert sharding.theory_range_scan("range", shards, length, width) == pytest.approx(exact)


def test_placement_theory_is_mm1_below_and_fluid_above_saturation():
    below, edge, above = sharding.theory_placement([0.5, 1.0, 4.0], 0.005, 20.0)
    assert below == pytest.approx(0.010)
    assert math.isnan(edge)
    assert above == pytest.approx(30.005)


# --- C73: the ring ------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [2, 3, 8, 50])
def test_one_virtual_node_gives_the_classical_spacings(shards):
    # k-th largest of n spacings: (1/n)(1/k + ... + 1/n), the largest H_n / n.
    classical = np.cumsum(1 / np.arange(shards, 0, -1))[::-1] / shards
    assert sharding.theory_ring_ordered_shares(shards, 1) == pytest.approx(classical, rel=1e-6)


@pytest.mark.parametrize(("shards", "virtual_nodes"), [(2, 1), (5, 10), (12, 100), (30, 1000)])
def test_ordered_shares_sum_to_one_and_fall(shards, virtual_nodes):
    ordered = sharding.theory_ring_ordered_shares(shards, virtual_nodes)
    assert ordered.sum() == pytest.approx(1, abs=1e-6)
    assert (np.diff(ordered) < 0).all()


def test_two_shards_have_a_largest_share_in_closed_form():
    # Two shards: share ~ Beta(V, V), so E max = 1/2 + E|share - 1/2|
    #           = 1/2 + C(2V, V) / 4^V / 2 (mean deviation of the symmetric beta).
    for v in (1, 2, 10, 100):
        exact = 0.5 + math.comb(2 * v, v) / 4**v / 2
        assert sharding.theory_ring_ordered_shares(2, v)[0] == pytest.approx(exact, rel=1e-6)


def test_share_cdf_has_the_mean_and_variance_of_the_beta():
    for n, v in ((2, 1), (8, 1), (8, 10), (8, 1000)):
        x = np.linspace(0, 1, 200_001)
        survival = 1 - sharding.theory_ring_share_cdf(x, n, v) if v < 1000 else None
        if survival is None:  # the whole of [0, 1] would be slow with 1,000 terms
            x = np.linspace(0, 0.25, 4_001)
            survival = 1 - sharding.theory_ring_share_cdf(x, n, v)
        mean = np.trapezoid(survival, x)
        second = 2 * np.trapezoid(x * survival, x)
        assert mean == pytest.approx(1 / n, rel=1e-3)
        cv = math.sqrt(second / mean**2 - 1)
        assert cv == pytest.approx(sharding.theory_ring_cv(n, v), rel=2e-3)


RINGS = {1: 2_000, 10: 1_000, 100: 500, 1_000: 120}


@pytest.fixture(scope="module")
def shares():
    """Shares of many independent rings of eight shards, by the number of virtual nodes."""
    return {
        v: np.array([sharding.Ring(8, v, seed).shares() for seed in range(count)])
        for v, count in RINGS.items()
    }


def check_share_law(samples, virtual_nodes, shards=8):
    """Raise AssertionError unless rings of independent seeds follow the exact law of a share."""
    # One share per ring, as a ring's shares depend on each other. Dvoretzky-Kiefer-Wolfowitz with
    # Massart's constant: P(D > e) <= 2 exp(-2 m e^2), so 1e-6 at e = sqrt(ln(2e6) / 2m).
    one = np.sort(samples[:, 0])
    count = len(one)
    law = sharding.theory_ring_share_cdf(one, shards, virtual_nodes)
    steps = np.arange(count + 1) / count
    distance = max((steps[1:] - law).max(), (law - steps[:-1]).max())
    assert distance < math.sqrt(math.log(2e6) / (2 * count))
    # The other two statements about a whole ring; 7e-6 each.
    largest = samples.max(axis=1) * shards
    assert within(largest, sharding.theory_ring_imbalance(shards, virtual_nodes))
    squared = ((samples * shards - 1) ** 2).mean(axis=1)
    assert within(squared, sharding.theory_ring_cv(shards, virtual_nodes) ** 2)


@pytest.mark.parametrize("virtual_nodes", sorted(RINGS))
def test_rings_follow_their_exact_law(shares, virtual_nodes):
    check_share_law(shares[virtual_nodes], virtual_nodes)


def test_ring_law_catches_faulty_rings(shares):
    def repeated(seed):  # virtual nodes that are not distinct: all ten in one place
        return sharding.Ring(8, 1, seed).shares()

    def modulo(seed):  # hash % N shown as a ring: every share the same
        keys = sharding.hash64(np.arange(20_000), seed) % np.uint64(8)
        return np.bincount(keys.astype(int), minlength=8) / 20_000

    for mutant in (repeated, modulo):
        with pytest.raises(AssertionError):
            check_share_law(np.array([mutant(seed) for seed in range(300)]), 10)
    with pytest.raises(AssertionError):  # one virtual node too few or too many
        check_share_law(shares[1], 2)
    with pytest.raises(AssertionError):
        check_share_law(shares[10], 9)


def test_overload_probability_of_single_points(shares):
    # Two shards: the larger share exceeds 3/4 when the smaller is in an outer quarter.
    assert sharding.theory_ring_overload(2, 1.5) == pytest.approx(0.5)
    assert sharding.theory_ring_overload(8, 1.0) == pytest.approx(1)
    for factor in (2.0, 3.0):
        over = shares[1].max(axis=1) > factor / 8
        assert within(over, sharding.theory_ring_overload(8, factor))


def test_load_cv_counts_keys():
    # Squared deviations of 200 keys on 400 rings, against the law with its binomial part.
    keys = sharding.hash64(np.arange(200), seed=5)
    squared = []
    for seed in range(400):
        load = np.bincount(sharding.Ring(6, 5, seed).locate(keys), minlength=6) * 6 / 200
        squared.append(((load - 1) ** 2).mean())
    assert within(squared, sharding.theory_ring_cv(6, 5, keys=200) ** 2)
    assert not within(squared, sharding.theory_ring_cv(6, 5) ** 2)


# --- C73: resharding ----------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(1, 2), (4, 5), (4, 8), (6, 4), (12, 13), (9, 12)])
def test_modulo_moves_what_enumeration_says(before, after):
    hashes = np.arange(before * after)  # a whole number of periods
    exact = (hashes % before != hashes % after).mean()
    assert sharding.theory_resharding("mod N", before, after) == pytest.approx(exact)
    if after == before + 1:
        assert exact == pytest.approx(before / (before + 1))


def test_ring_moves_the_newcomers_share_with_the_stated_spread():
    moved = np.array([sharding.Ring(5, 8, seed).shares()[4] for seed in range(800)])
    assert within(moved, sharding.theory_resharding("ring", 4, 5))
    assert within((moved - 0.2) ** 2, sharding.theory_resharding_sd(4, 8) ** 2)


def test_stale_rows_limits():
    first, middle, last = sharding.theory_online_move(
        "copy, then switch", [0, 0.5, 1], writes_per_row=1.0, chunk_share=0.001
    )
    assert first == pytest.approx(1 - math.exp(-1), abs=1e-3)
    assert middle == pytest.approx(1 - math.exp(-0.5), abs=1e-3)
    assert last < 0.002
    assert (sharding.theory_online_move("dual write", [0, 1], 3.0, 1.0) > 0.9).all()


def test_migration_time_is_the_sum_of_its_rounds():
    left, total = 200e3, 0.0
    for _ in range(200):
        total += left / 40
        left = 5 * left / 40
    assert sharding.theory_migration_time(200, 40, 5) == pytest.approx(total)
    assert sharding.theory_migration_time(200, 5, 5) == math.inf


# --- C74 ----------------------------------------------------------------------------------------


def test_top_key_share_and_ceiling():
    assert sharding.theory_top_key_share(2, 1.0) == pytest.approx(2 / 3)
    assert sharding.theory_top_key_share(10, 0.0) == pytest.approx(0.1)
    assert sharding.theory_shard_ceiling(0.1) == pytest.approx(10)
    # Salting pays only for writes, copies only for reads, a cache only for reads.
    assert sharding.theory_shard_ceiling(0.1, "salt", 4, 0.0) == pytest.approx(40)
    assert sharding.theory_shard_ceiling(0.1, "salt", 4, 1.0) == pytest.approx(10)
    assert sharding.theory_shard_ceiling(0.1, "copies", 4, 1.0) == pytest.approx(40)
    assert sharding.theory_shard_ceiling(0.1, "copies", 4, 0.0) == pytest.approx(10)
    assert sharding.theory_shard_ceiling(0.1, "cache", 4, 0.75) == pytest.approx(40)
    assert sharding.theory_shard_ceiling(0.1, "cache", 4, 1.0) == math.inf


# --- C75 ----------------------------------------------------------------------------------------


def test_tail_at_scale_has_the_papers_number():
    # Dean and Barroso 2013: 1 % slow servers, 100 of them, 63 % slow requests.
    assert sharding.theory_any_slow([0.01], [100])[0] == pytest.approx(0.634, abs=5e-4)


def test_gather_quantile_inverts_the_distribution():
    leaf = (0.01, 0.02, 0.5)
    for q in (0.5, 0.9, 0.999):
        at = sharding.theory_scatter_gather(q, [1, 7, 100], *leaf)
        for t, n in zip(at, (1, 7, 100), strict=True):
            assert (1 - sharding.leaf_survival(t, *leaf)) ** n == pytest.approx(q, abs=1e-9)


def test_exponential_maximum_is_harmonic():
    # The mean of the slowest by integrating the survival 1 - F^n.
    t = np.linspace(0, 0.4, 200_001)
    for n in (1, 2, 10, 100):
        survival = 1 - (1 - sharding.leaf_survival(t, 0.01, 0.0, 0.0)) ** n
        exact = sharding.theory_mean_of_slowest(n, 0.01)
        assert np.trapezoid(survival, t) == pytest.approx(exact, rel=1e-5)


def test_hedging_limits():
    t = np.linspace(0, 2, 50)
    leaf = (0.01, 0.05, 1.0)
    never = sharding.theory_hedging(t, 100.0, 3, *leaf)
    plain = 1 - (1 - sharding.leaf_survival(t, *leaf)) ** 3
    assert never == pytest.approx(plain, abs=1e-12)
    # At once: the smaller of two independent answers. Wholly shared cause: only the quick part.
    both = sharding.theory_hedging(t, 0.0, 1, *leaf)
    assert both == pytest.approx(sharding.leaf_survival(t, *leaf) ** 2, abs=1e-12)
    shared = sharding.theory_hedging([0.9], 0.0, 1, *leaf, 1.0)[0]
    assert shared == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("name", sharding.JOINS)
def test_join_on_one_shard_is_free_and_complete(name):
    sent, found = sharding.theory_join(name, [1], 1_000, 100)
    assert sent[0] == 0
    assert found[0] == 1


# --- C76 ----------------------------------------------------------------------------------------


def test_vertical_ceiling_and_response():
    shares = [0.5, 0.3, 0.2]
    assert sharding.theory_vertical_ceiling(shares) == pytest.approx(2)
    assert sharding.theory_vertical_ceiling(shares, 1) == 1
    assert sharding.theory_vertical_ceiling(shares, 100) == pytest.approx(2)
    one = sharding.theory_vertical([100.0], [1.0], 0.005)[0]
    assert one == pytest.approx(0.01)
    assert sharding.theory_vertical([399.0, 400.0], shares, 0.005)[1] == math.inf


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: sharding.theory_range_scan("ring", 2, 1, 1), "scheme"),
        (lambda: sharding.theory_range_scan("hash", 2, 0, 1), "length"),
        (lambda: sharding.theory_ring_cv(1, 1), "shards"),
        (lambda: sharding.theory_ring_share_cdf([1.2], 2, 1), "share"),
        (lambda: sharding.theory_ring_overload(60, 2.0), "shards"),
        (lambda: sharding.theory_resharding("mod N", 0, 1), "before"),
        (lambda: sharding.theory_resharding("range", 2, 5), "after"),
        (lambda: sharding.theory_migration(0.6, 0.4, 0.002, 0.02), "copy_share"),
        (lambda: sharding.theory_stale_row("hope", [0], [0]), "protocol"),
        (lambda: sharding.theory_shard_ceiling(0.0), "hot_share"),
        (lambda: sharding.theory_fan_out([0.0], 1, 1.0, 1.0), "followers"),
        (lambda: sharding.theory_any_slow([1.5], [2]), "slow_probability"),
        (lambda: sharding.theory_scatter_gather(1.0, [2], 0.1, 0.1, 1.0), "quantile"),
        (lambda: sharding.theory_hedging([1.0], -1.0, 2, 0.1, 0.1, 1.0), "hedge_after_s"),
        (lambda: sharding.theory_join("hope", [2], 10, 10), "strategy"),
        (lambda: sharding.theory_vertical([1.0], [0.5, 0.4], 0.005), "shares"),
        (lambda: sharding.empirical_quantile_of_max([], 0.5, [2]), "samples_s"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()
