"""Intervals cover what they claim to cover, and the naive ones are shown not to."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers.foundations.statistics import (
    Interval,
    Intervals,
    agrees,
    batch_means,
    fewer_than,
    mean_interval,
    mean_intervals,
    quantile_interval,
    skewed_interval,
    skewed_intervals,
    t_quantile,
    verdict,
    wilson_interval,
)

from . import checks

# --- Student's t --------------------------------------------------------------------------------


def t_central(t: float, df: int) -> float:
    """P(|T| < t) as a finite sum; Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(df))
    term, total = (math.cos(angle), 0.0) if df % 2 else (1.0, 0.0)
    for k in range(1, (df - 1) // 2 + 1 if df % 2 else df // 2 + 1):
        total += term
        term *= math.cos(angle) ** 2 * ((2 * k) / (2 * k + 1) if df % 2 else (2 * k - 1) / (2 * k))
    if df % 2:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 10, 29, 200, 9_999, 10_001, 100_000])
@pytest.mark.parametrize("p", [0.5001, 0.6, 0.9, 0.975, 0.9995])
def test_t_quantile_inverts_the_finite_sum(df, p) -> None:
    t = t_quantile(p, df)
    slope = (t_central(t * (1 + 1e-4), df) - t_central(t * (1 - 1e-4), df)) / 2e-4  # dP / dlog t
    assert abs(t_central(t, df) - (2 * p - 1)) / slope < 1e-8
    assert t_quantile(1 - p, df) == pytest.approx(-t, rel=1e-9)


@pytest.mark.parametrize(
    ("p", "df", "published"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 5, 2.571),
        (0.975, 10, 2.228),
        (0.975, 30, 2.042),
        (0.975, 120, 1.980),
        (0.995, 4, 4.604),
        (0.995, 60, 2.660),
        (0.9995, 3, 12.924),
        (0.95, 15, 1.753),
        (0.90, 8, 1.397),
    ],
)
def test_t_quantile_reads_as_the_printed_table(p, df, published) -> None:
    assert t_quantile(p, df) == pytest.approx(published, abs=0.0006)


def test_t_quantile_has_the_known_closed_forms_and_limit() -> None:
    for p in (0.51, 0.9, 0.999, 1 - 1e-9):
        assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-7)
        two = (2 * p - 1) * math.sqrt(1 / (2 * p * (1 - p)))
        assert t_quantile(p, 2) == pytest.approx(two, rel=1e-7)
    assert t_quantile(0.5, 3) == 0
    assert t_quantile(0.975, 1e15) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-12)
    # Where the expansion takes over from the exact inversion there is no step.
    assert t_quantile(0.995, 10_000) == pytest.approx(t_quantile(0.995, 10_000.001), rel=1e-9)
    assert t_quantile(0.975, 3.5) < t_quantile(0.975, 3)


# --- intervals for means ------------------------------------------------------------------------


def test_mean_interval_by_hand() -> None:
    interval = mean_interval([1, 2, 3, 4, 5])
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert interval.mean == interval.estimate == 3
    assert_allclose([interval.low, interval.high], [3 - half, 3 + half], rtol=1e-6)
    assert_allclose(interval.half_width, half, rtol=1e-6)
    assert (interval.samples, interval.confidence) == (5, 0.95)
    assert isinstance(interval.low, float)
    assert interval.contains(3.0)
    assert interval.contains(interval.low)
    assert not interval.contains(interval.high + 1e-9)
    assert mean_interval([1, 2, 3, 4, 5], 0.99).half_width > half


def test_mean_interval_of_curves_is_an_interval_a_point() -> None:
    curves = np.random.default_rng(0).random((12, 4))
    bands = mean_intervals(curves)
    assert bands.shape == bands.low.shape == (4,)
    for point, band in enumerate(bands):
        single = mean_interval(curves[:, point])
        assert_allclose([band.low, band.high], [single.low, single.high])
        assert (band.mean, band.half_width) == (bands.mean[point], bands.half_width[point])
    assert bands.contains(bands.mean).all()
    assert bands.contains(bands.low[::-1]).tolist() == [
        one.contains(low) for one, low in zip(bands, bands.low[::-1], strict=True)
    ]
    assert str(bands) == "(4,) 95 % intervals"


def test_an_interval_is_taken_from_several_by_its_place() -> None:
    surface = mean_intervals(np.random.default_rng(0).random((12, 4, 3)))
    assert len(surface) == 4
    assert surface[2, 1] == Interval(
        surface.estimate[2, 1], surface.low[2, 1], surface.high[2, 1], 0.95, 12
    )
    assert isinstance(surface[2, 1].estimate, float)
    for part, shape in (((2, slice(None)), (3,)), (slice(1, None), (3, 3)), ([3, 0], (2, 3))):
        assert surface[part].shape == shape
        assert (surface[part].high == surface.high[part]).all()
    with pytest.raises(IndexError):
        surface[4, 0]


def test_one_row_of_samples_and_several_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match=r"samples must have 1 dimension.*got shape \(5, 3\)"):
        mean_interval(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"samples must have 2 or more .*got shape \(5,\)"):
        mean_intervals(np.ones(5))
    with pytest.raises(ValueError, match="samples must hold at least 2 values"):
        mean_intervals(np.ones((1, 3)))


def test_mean_interval_covers_as_often_as_it_says() -> None:
    checks.check_coverage_of_few_samples(mean_intervals)


def normal_quantile_for_students(samples):
    t = mean_intervals(samples)
    half = NormalDist().inv_cdf(0.975) * samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    return Intervals(t.mean, t.mean - half, t.mean + half, 0.95, len(samples))


def divided_by_n(samples):
    t = mean_intervals(samples)
    half = t_quantile(0.975, len(samples) - 1) * samples.std(axis=0) / math.sqrt(len(samples))
    return Intervals(t.mean, t.mean - half, t.mean + half, 0.95, len(samples))


def one_tail_for_two(samples):
    return mean_intervals(samples, 0.90)


@pytest.mark.parametrize("mutant", [normal_quantile_for_students, divided_by_n, one_tail_for_two])
def test_coverage_check_catches(mutant) -> None:
    with pytest.raises(AssertionError, match="coverage"):
        checks.check_coverage_of_few_samples(mutant)


def test_intervals_of_skewed_samples_solve_their_equation() -> None:
    samples = np.random.default_rng(7).standard_exponential(25) ** 2
    interval = skewed_interval(samples, 0.9)
    mean, spread = samples.mean(), samples.std(ddof=1)
    g = ((samples - mean) ** 3).mean() / samples.std() ** 3 / 5
    t = t_quantile(0.95, 24)
    for truth, expected in ((interval.low, t), (interval.high, -t)):
        far = 5 * (mean - truth) / spread
        assert far + g * far**2 / 3 + g**2 * far**3 / 27 + g / 6 == pytest.approx(expected)
    assert (interval.estimate, interval.confidence, interval.samples) == (mean, 0.9, 25)
    assert interval.high - mean > mean - interval.low


def test_intervals_of_samples_without_skewness_are_students() -> None:
    for samples in ([1, 2, 3, 4, 5], [7, 7, 7, 7], [-1, 1, -1.0, 1 + 1e-9]):
        skewed, student = skewed_interval(samples), mean_interval(samples)
        assert_allclose((skewed.low, skewed.high), (student.low, student.high), rtol=1e-6)


def test_a_curve_of_skewed_intervals_is_one_a_point() -> None:
    curves = np.random.default_rng(1).standard_exponential((30, 4, 2))
    bands = skewed_intervals(curves)
    for place in np.ndindex(4, 2):
        single = skewed_interval(curves[:, *place])
        assert_allclose((bands.low[place], bands.high[place]), (single.low, single.high))


def test_skewed_intervals_cover_where_students_do_not() -> None:
    """Of 20 histories with few outages each: their number is Poisson, their lengths exponential."""
    rng = np.random.default_rng(5)
    for expected in (6, 12, 25):
        many = rng.poisson(expected / 20, (20, 20_000))
        total = np.where(many > 0, rng.standard_gamma(np.maximum(many, 1)), 0.0)
        held = skewed_intervals(total).contains(expected / 20).mean()
        # 20,000 tries are good to 0.5 %, three standard errors.
        assert 0.93 < held < 0.97
        assert mean_intervals(total).contains(expected / 20).mean() < 0.93


def test_batch_means_cover_though_the_run_is_correlated() -> None:
    checks.check_coverage_of_correlated_run(batch_means)


def test_intervals_that_take_a_correlated_run_for_independent_are_caught() -> None:
    for naive in (mean_interval, lambda run: batch_means(run, 1_000)):
        with pytest.raises(AssertionError, match="contain the true mean"):
            checks.check_coverage_of_correlated_run(naive)


def test_batch_means_by_hand() -> None:
    series = np.repeat([1.0, 2.0, 4.0], 10)
    assert_allclose(batch_means(series, 3).mean, 7 / 3)
    assert_allclose(batch_means(series, 3).half_width, mean_interval([1, 2, 4]).half_width)
    # What fills no batch, and the warm-up, are dropped from the start.
    padded = np.concatenate([[100.0] * 7, series])
    assert batch_means(padded, 3, warmup=7).mean == batch_means(series, 3).mean
    assert batch_means(padded[5:], 3).mean == batch_means(series, 3).mean


# --- quantiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("q", "size"), [(0.5, 30), (0.9, 200), (0.99, 1_000)])
def test_quantile_intervals_cover_at_least_as_often_as_they_say(q, size) -> None:
    rng, true, trials = np.random.default_rng(5), -math.log(1 - q), 2_000
    covered = sum(
        quantile_interval(rng.standard_exponential(size), q).contains(true) for _ in range(trials)
    )
    # 0.95 less 3.1 standard errors: a correct interval falls below one time in a thousand.
    assert covered / trials > 0.95 - 3.1 * math.sqrt(0.95 * 0.05 / trials)
    assert covered / trials < 0.99  # nor wastefully wide


def test_quantile_interval_uses_the_ranks_of_the_textbook() -> None:
    """For the median of 10 samples, ranks 2 and 9 cover 97.85 %, ranks 3 and 8 only 89.06 %."""
    interval = quantile_interval(np.arange(1.0, 11.0), 0.5, 0.95)
    assert (interval.low, interval.high, interval.estimate) == (2, 9, 5.5)
    interval = quantile_interval(np.arange(1.0, 11.0)[::-1], 0.5, 0.89)
    assert (interval.low, interval.high) == (3, 8)


def test_quantile_interval_refuses_what_it_cannot_know() -> None:
    with pytest.raises(ValueError, match=r"at least 368 values .* 0\.99 quantile, got 367"):
        quantile_interval(np.arange(367.0), 0.99)
    assert quantile_interval(np.arange(368.0), 0.99).high == 367


# --- verdicts -----------------------------------------------------------------------------------


def test_verdicts_say_what_is_the_case() -> None:
    interval = Interval(0.01245, 0.0119, 0.013, 0.95, 20)
    assert verdict(interval, 0.0123, unit="s") == (
        "theory 12.3 ms lies inside the 95 % interval 11.9 ms to 13 ms: agrees"
    )
    assert verdict(interval, 0.0125, name="M/M/1", unit="s").startswith("M/M/1 12.5 ms lies inside")
    assert verdict(interval, 0.0125 * 2, unit="s") == (
        "theory 25 ms lies outside the 95 % interval 11.9 ms to 13 ms by 48 %: disagrees"
    )
    assert verdict(interval, 0.01) == (
        "theory 0.01 lies outside the 95 % interval 0.0119 to 0.013 by 19 %: disagrees"
    )
    assert verdict(interval, 0, unit="rps") == (
        "theory 0 rps lies outside the 95 % interval 0.0119 rps to 0.013 rps by 0.0119 rps: "
        "disagrees"
    )
    assert agrees(interval, 0.0119)
    assert not agrees(interval, 0.0131)
    assert str(interval) == "0.0124 (95 % interval 0.0119 to 0.013)"


def test_wilsons_interval_is_the_tabulated_one() -> None:
    none, half = wilson_interval(0, 10), wilson_interval(50, 100)
    assert none.low == 0
    assert none.high == pytest.approx(0.2775, abs=1e-4)
    assert (half.low, half.high) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(3, 2)


def test_fewer_than_is_binomial_where_all_are_alike_and_counts_where_they_are_not() -> None:
    share = np.array([0.0, 0.3, 1.0])
    assert_allclose(fewer_than(2, [share] * 3), [1, 0.7**3 + 3 * 0.3 * 0.7**2, 0])
    one, other = np.array([0.2]), np.array([0.5])
    assert_allclose(fewer_than(1, [one, other]), 0.8 * 0.5)
    assert_allclose(fewer_than(3, [one, other]), 1)
    assert_allclose(fewer_than(0, [one, other]), 0)
    with pytest.raises(ValueError, match="k must be"):
        fewer_than(-1, [one])
