"""Traffic has the moments, the distributions and the independence it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.traffic.arrivals import (
    ARRIVALS,
    arrival_scv,
    arrival_times,
    interarrival_times,
    unit_gaps,
)
from helpers.foundations.traffic.draws import hyperexponential_share
from helpers.foundations.traffic.keys import (
    _guide_table,
    _look_up,
    _zipf_cumulative,
    zipf_keys,
    zipf_weights,
)
from helpers.foundations.traffic.services import SERVICES, service_scv, service_times, unit_services
from helpers.foundations.traffic.streams import streams

from . import checks

SHAPE = (400, 5_000)


def test_streams_depend_on_name_and_seed_only() -> None:
    checks.check_streams(streams)
    assert list(streams(1, "b", "a")) == ["b", "a"]
    assert streams(1) == {}


def test_streams_are_uncorrelated() -> None:
    draws = np.stack([g.random(10_000) for g in streams(1, "a", "b", "c").values()])
    correlations = np.corrcoef(draws)[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 3.5 / math.sqrt(10_000)).all()


def streams_by_position(seed: int, *names: str) -> dict[str, np.random.Generator]:
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {n: np.random.default_rng(c) for n, c in zip(names, children, strict=True)}


def streams_by_letters(seed: int, *names: str) -> dict[str, np.random.Generator]:
    return {name: np.random.default_rng([seed, sum(name.encode())]) for name in names}


def streams_all_alike(seed: int, *names: str) -> dict[str, np.random.Generator]:
    return {name: np.random.default_rng(seed) for name in names}


@pytest.mark.parametrize("mutant", [streams_by_position, streams_by_letters, streams_all_alike])
def test_stream_check_catches(mutant) -> None:
    with pytest.raises(AssertionError):
        checks.check_streams(mutant)


# --- arrivals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ARRIVALS)
@pytest.mark.parametrize("burstiness", [1.0, 4.0, 10.0])
def test_gaps_have_unit_mean_and_the_scv_promised(kind, burstiness) -> None:
    gaps = unit_gaps(kind, SHAPE, np.random.default_rng(1), burstiness=burstiness)
    assert gaps.shape == SHAPE
    checks.check_moments(gaps, arrival_scv(kind, burstiness))


def test_poisson_counts_are_poisson() -> None:
    checks.check_poisson(lambda shape, rng: unit_gaps("poisson", shape, rng))
    checks.check_poisson(lambda shape, rng: unit_gaps("bursty", shape, rng, burstiness=1.0))


@pytest.mark.parametrize(
    "mutant",
    [
        lambda shape, rng: np.ones(shape),
        lambda shape, rng: rng.uniform(0, 2, shape),
        lambda shape, rng: unit_gaps("bursty", shape, rng, burstiness=1.5),
        lambda shape, rng: rng.standard_exponential(shape) / 1.03,  # a rate a little wrong
        lambda shape, rng: np.repeat(rng.standard_exponential(shape)[:, ::2], 2, axis=1),
    ],
)
def test_poisson_check_catches(mutant) -> None:
    with pytest.raises(AssertionError):
        checks.check_poisson(mutant)


def test_burstiness_is_the_index_of_dispersion_over_long_windows() -> None:
    """Var N(t) / E N(t) tends to the scv of the gaps; over 2000 mean gaps it is within 1 %."""
    rng, counts = np.random.default_rng(2), []
    for _ in range(5):
        times = np.cumsum(unit_gaps("bursty", (1_000, 2_600), rng, burstiness=4.0), axis=1)
        counts.append(((times > 100) & (times <= 2_100)).sum(axis=1))
        assert times[:, -1].min() > 2_100
    counts = np.concatenate(counts)
    checks.assert_agrees(counts, 2_000)
    # The estimate has a standard error of sqrt(2 / 5,000) = 2 %; 3.3 of them and the limit's 1 %.
    assert counts.var() / counts.mean() == pytest.approx(4.0, rel=0.076)


def test_arrival_times_are_the_running_sum_of_gaps_over_the_rate() -> None:
    for size in (10, (3, 10)):
        gaps = unit_gaps("bursty", size, np.random.default_rng(5), burstiness=2.0)
        times = arrival_times("bursty", 8.0, size, np.random.default_rng(5), burstiness=2.0)
        spaced = interarrival_times("bursty", 8.0, size, np.random.default_rng(5), burstiness=2.0)
        np.testing.assert_allclose(spaced, gaps / 8.0)
        np.testing.assert_allclose(times, np.cumsum(gaps, axis=-1) / 8.0)
    np.testing.assert_array_equal(
        arrival_times("constant", 4.0, 3, np.random.default_rng(0)), [0.25, 0.5, 0.75]
    )


# --- services -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "scv"),
    [
        ("exponential", 7.0),
        ("deterministic", 7.0),
        ("hyperexponential", 1.0),
        ("hyperexponential", 4.0),
        ("bimodal", 0.0),
        ("bimodal", 4.0),
        ("bimodal", 19.0),
        ("lognormal", 0.25),
        ("lognormal", 2.0),
    ],
)
def test_services_have_unit_mean_and_the_scv_promised(kind, scv) -> None:
    draws = unit_services(kind, SHAPE, np.random.default_rng(3), scv=scv)
    assert draws.shape == SHAPE
    assert (draws >= 0).all()
    checks.check_moments(draws, service_scv(kind, scv))


@pytest.mark.parametrize("scv", [1.0, 1.7, 4.0, 100.0])
def test_hyperexponential_has_exactly_balanced_means_and_its_scv(scv) -> None:
    p = hyperexponential_share(scv)
    short, long = 1 / (2 * p), 1 / (2 * (1 - p))
    assert p * short == pytest.approx((1 - p) * long) == pytest.approx(0.5)
    second_moment = 2 * (p * short**2 + (1 - p) * long**2)
    assert second_moment - 1 == pytest.approx(scv)


@pytest.mark.parametrize(("scv", "share"), [(4.0, 0.05), (99.0, 0.01), (0.3, 0.5), (9.0, 0.1)])
def test_bimodal_has_exactly_two_values_with_its_moments(scv, share) -> None:
    draws = unit_services("bimodal", 50_000, np.random.default_rng(3), scv=scv, slow_share=share)
    fast, slow = np.unique(draws)
    assert fast * (1 - share) + slow * share == pytest.approx(1)
    assert fast**2 * (1 - share) + slow**2 * share - 1 == pytest.approx(scv)
    assert fast >= 0
    error = math.sqrt(share * (1 - share) / draws.size)
    assert abs((draws == slow).mean() - share) < 3.5 * error


def test_service_times_are_unit_draws_times_the_mean() -> None:
    for kind in SERVICES:
        unit = unit_services(kind, (4, 7), np.random.default_rng(6), scv=2.0)
        times = service_times(kind, 0.02, (4, 7), np.random.default_rng(6), scv=2.0)
        np.testing.assert_allclose(times, 0.02 * unit)


def test_moment_check_catches_a_wrong_mean_and_a_wrong_variance() -> None:
    rng = np.random.default_rng(3)
    with pytest.raises(AssertionError, match="theory 1,"):
        checks.check_moments(0.995 * unit_services("exponential", SHAPE, rng), 1.0)
    with pytest.raises(AssertionError, match="theory 4,"):
        checks.check_moments(unit_services("hyperexponential", SHAPE, rng, scv=3.8), 4.0)

    def lognormal_with_median_one(shape):
        return np.exp(math.sqrt(math.log(3)) * rng.standard_normal(shape))

    with pytest.raises(AssertionError):
        checks.check_moments(lognormal_with_median_one(SHAPE), 2.0)


@pytest.mark.parametrize("draw", [unit_gaps, unit_services])
def test_replications_of_one_customer_lie_side_by_side(draw) -> None:
    kinds = ARRIVALS if draw is unit_gaps else SERVICES
    for kind in kinds:
        assert draw(kind, (64, 10), np.random.default_rng(0)).T.flags.c_contiguous
        assert draw(kind, 10, np.random.default_rng(0)).shape == (10,)


def test_same_stream_same_uniform_numbers_at_every_setting() -> None:
    """Common random numbers: a parameter moves each draw a little, it does not shuffle them."""
    for kind in ("hyperexponential", "lognormal"):
        near = unit_services(kind, 1_000, np.random.default_rng(1), scv=4.0)
        moved = unit_services(kind, 1_000, np.random.default_rng(1), scv=4.04)
        assert np.median(np.abs(moved / near - 1)) < 0.02


# --- keys ---------------------------------------------------------------------------------------


def test_zipf_weights() -> None:
    checks.check_zipf_weights(zipf_weights)
    harmonic = sum(1 / k for k in range(1, 101))
    assert zipf_weights(100, 1.0)[0] == pytest.approx(1 / harmonic)


def test_zipf_keys_come_as_often_as_they_should() -> None:
    checks.check_zipf_keys(zipf_keys)


@pytest.mark.parametrize("keys", [1, 2, 3, 1_000, 70_000, 1_500_000])
@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 2.0])
def test_zipf_keys_invert_the_distribution_function_exactly(keys, exponent) -> None:
    cumulative = np.cumsum(zipf_weights(keys, exponent))
    cumulative[-1] = 1.0
    for size in (1_000, 40_000):  # by bisection, by guide table
        found = zipf_keys(size, keys, exponent, np.random.default_rng(7))
        expected = np.searchsorted(cumulative, np.random.default_rng(7).random(size), "right")
        np.testing.assert_array_equal(found, expected)


def test_zipf_look_up_at_the_very_edges_of_its_cells_and_ranks() -> None:
    for keys, exponent in ((3, 0.0), (8, 0.0), (1_000, 1.0), (200_000, 0.9)):
        cumulative = _zipf_cumulative(keys, exponent)
        guide = _guide_table(keys, exponent)
        edges = np.concatenate([np.arange(0, 1, 1 / 4_096), cumulative[:-1][:5_000]])
        uniform = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1)])
        uniform = uniform[(uniform >= 0) & (uniform < 1)]
        found = _look_up(uniform, cumulative, guide)
        np.testing.assert_array_equal(found, np.searchsorted(cumulative, uniform, side="right"))


def test_zipf_keys_have_the_shape_asked_for_and_leave_the_stream_where_expected() -> None:
    for size in (10, (3, 5), (200, 150)):
        rng, twin = np.random.default_rng(2), np.random.default_rng(2)
        keys = zipf_keys(size, 50, 1.0, rng)
        assert keys.shape == (size if isinstance(size, tuple) else (size,))
        assert keys.dtype == np.int64
        twin.random(keys.size)
        assert rng.random() == twin.random()  # one uniform number a key, no more


def not_normalised(keys: int, exponent: float) -> np.ndarray:
    return np.arange(1, keys + 1) ** -float(exponent)


def ranks_from_zero(keys: int, exponent: float) -> np.ndarray:
    weights = (np.arange(keys) + 0.5) ** -float(exponent)
    return weights / weights.sum()


@pytest.mark.parametrize("mutant", [not_normalised, ranks_from_zero])
def test_weights_check_catches(mutant) -> None:
    with pytest.raises(AssertionError):
        checks.check_zipf_weights(mutant)


@pytest.mark.parametrize(
    "mutant",
    [
        lambda size, keys, s, rng: zipf_keys(size, keys, s, rng) + 1,
        lambda size, keys, s, rng: zipf_keys(size, keys, s + 0.02, rng),
        lambda size, keys, s, rng: np.searchsorted(
            not_normalised(keys, s).cumsum(), rng.random(size)
        ),
        lambda size, keys, s, rng: rng.integers(0, keys, size),
        lambda size, keys, s, rng: np.minimum(rng.zipf(max(s, 1.01), size) - 1, keys - 1),
    ],
)
def test_key_check_catches(mutant) -> None:
    with pytest.raises(AssertionError):
        checks.check_zipf_keys(mutant)
