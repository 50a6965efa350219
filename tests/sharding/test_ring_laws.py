"""The exact laws of a ring against classical special cases, and against many rings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.sharding import ring_laws
from helpers.sharding.router import Ring, hash64
from tests.sharding.checks import within


@pytest.mark.parametrize("shards", [2, 3, 8, 50])
def test_one_virtual_node_gives_the_classical_spacings(shards: int) -> None:
    # k-th largest of n spacings: (1/n)(1/k + ... + 1/n), the largest H_n / n.
    classical = np.cumsum(1 / np.arange(shards, 0, -1))[::-1] / shards
    assert ring_laws.ordered_shares(shards, 1) == pytest.approx(classical, rel=1e-6)


@pytest.mark.parametrize(("shards", "virtual_nodes"), [(2, 1), (5, 10), (12, 100), (30, 1000)])
def test_ordered_shares_sum_to_one_and_fall(shards: int, virtual_nodes: int) -> None:
    ordered = ring_laws.ordered_shares(shards, virtual_nodes)
    assert ordered.sum() == pytest.approx(1, abs=1e-6)
    assert (np.diff(ordered) < 0).all()


def test_two_shards_have_a_largest_share_in_closed_form() -> None:
    # Two shards: share ~ Beta(V, V), so E max = 1/2 + E|share - 1/2|
    #           = 1/2 + C(2V, V) / 4^V / 2 (mean deviation of the symmetric beta).
    for v in (1, 2, 10, 100):
        exact = 0.5 + math.comb(2 * v, v) / 4**v / 2
        assert ring_laws.ordered_shares(2, v)[0] == pytest.approx(exact, rel=1e-6)
        assert ring_laws.imbalance(2, v) == pytest.approx(2 * exact, rel=1e-6)


def test_share_cdf_has_the_mean_and_variance_of_the_beta() -> None:
    for n, v, end, points in ((2, 1, 1, 200_001), (8, 1, 1, 200_001), (8, 10, 1, 200_001),
                              (8, 1000, 0.25, 4_001)):  # fmt: skip
        x = np.linspace(0, end, points)
        survival = 1 - ring_laws.share_cdf(x, n, v)
        mean = np.trapezoid(survival, x)
        second = 2 * np.trapezoid(x * survival, x)
        assert mean == pytest.approx(1 / n, rel=1e-3)
        cv = math.sqrt(second / mean**2 - 1)
        assert cv == pytest.approx(ring_laws.variation(n, v), rel=2e-3)


RINGS = {1: 2_000, 10: 1_000, 100: 500, 1_000: 120}


@pytest.fixture(scope="module")
def shares() -> dict[int, np.ndarray]:
    """Shares of many independent rings of eight shards, by the number of virtual nodes."""
    return {
        v: np.array([Ring(8, v, seed).shares() for seed in range(count)])
        for v, count in RINGS.items()
    }


def check_share_law(samples: np.ndarray, virtual_nodes: int, shards: int = 8) -> None:
    """Raise AssertionError unless rings of independent seeds follow the exact law of a share."""
    # One share per ring, as a ring's shares depend on each other. Dvoretzky-Kiefer-Wolfowitz with
    # Massart's constant: P(D > e) <= 2 exp(-2 m e^2), so 1e-6 at e = sqrt(ln(2e6) / 2m).
    one = np.sort(samples[:, 0])
    count = len(one)
    law = ring_laws.share_cdf(one, shards, virtual_nodes)
    steps = np.arange(count + 1) / count
    distance = max((steps[1:] - law).max(), (law - steps[:-1]).max())
    assert distance < math.sqrt(math.log(2e6) / (2 * count))
    # The other two statements about a whole ring; 7e-6 each.
    largest = samples.max(axis=1) * shards
    assert within(largest, ring_laws.imbalance(shards, virtual_nodes))
    squared = ((samples * shards - 1) ** 2).mean(axis=1)
    assert within(squared, ring_laws.variation(shards, virtual_nodes) ** 2)


@pytest.mark.parametrize("virtual_nodes", sorted(RINGS))
def test_rings_follow_their_exact_law(shares: dict, virtual_nodes: int) -> None:
    check_share_law(shares[virtual_nodes], virtual_nodes)


def test_ring_law_catches_faulty_rings(shares: dict) -> None:
    def repeated(seed: int) -> np.ndarray:  # virtual nodes that are not distinct
        return Ring(8, 1, seed).shares()

    def modulo(seed: int) -> np.ndarray:  # hash % N shown as a ring: every share the same
        keys = hash64(np.arange(20_000), seed) % np.uint64(8)
        return np.bincount(keys.astype(int), minlength=8) / 20_000

    for mutant in (repeated, modulo):
        with pytest.raises(AssertionError):
            check_share_law(np.array([mutant(seed) for seed in range(300)]), 10)
    with pytest.raises(AssertionError):  # one virtual node too few or too many
        check_share_law(shares[1], 2)
    with pytest.raises(AssertionError):
        check_share_law(shares[10], 9)


def test_overload_probability_of_single_points(shares: dict) -> None:
    # Two shards: the larger share exceeds 3/4 when the smaller is in an outer quarter.
    assert ring_laws.overload(2, 1.5) == pytest.approx(0.5)
    assert ring_laws.overload(8, 1.0) == pytest.approx(1)
    for factor in (2.0, 3.0):
        over = shares[1].max(axis=1) > factor / 8
        assert within(over, ring_laws.overload(8, factor))


def test_load_varies_with_keys_as_well() -> None:
    # Squared deviations of 200 keys on 400 rings, against the law with its binomial part.
    keys = hash64(np.arange(200), seed=5)
    squared = []
    for seed in range(400):
        load = np.bincount(Ring(6, 5, seed).locate(keys), minlength=6) * 6 / 200
        squared.append(((load - 1) ** 2).mean())
    assert within(squared, ring_laws.variation(6, 5, keys=200) ** 2)
    assert not within(squared, ring_laws.variation(6, 5) ** 2)
