"""Canaries: the test by counting, how many requests it needs, peeking; faults are noticed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.why import binomial_test, canary
from helpers.why.binomial_test import judgement, requests_needed, rule_of_thumb, threshold
from helpers.why.canary import LOOKS, SIZES
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.why.checks import assert_agrees


@pytest.mark.parametrize(("m", "p0", "p1"), [(20, 0.2, 0.5), (300, 0.01, 0.03), (900, 0.02, 0.03)])
def test_judgement_by_counting(m: int, p0: float, p1: float) -> None:
    def tail(k: int, p: float) -> float:
        return math.fsum(math.comb(m, j) * p**j * (1 - p) ** (m - j) for j in range(k, m + 1))

    found = judgement(m, p0, p1)
    assert tail(found.threshold, p0) <= 0.05 < tail(found.threshold - 1, p0)
    assert found.false_alarm == pytest.approx(tail(found.threshold, p0), rel=1e-9)
    assert found.power == pytest.approx(tail(found.threshold, p1), rel=1e-9)


@pytest.mark.parametrize(
    ("p0", "p1"), [(0.01, 0.02), (0.05, 0.1), (0.05, 0.5), (0.02, 0.1), (0.005, 0.05), (0.3, 0.9)]
)
def test_the_requests_that_are_needed_are_found_by_trying_all(p0: float, p1: float) -> None:
    needed = requests_needed(p0, p1)
    powers = np.array([judgement(m, p0, p1).power for m in range(1, 3 * needed + 200)])
    assert needed == 1 + np.flatnonzero(powers < 0.9)[-1] + 1


def test_the_rule_of_thumb_is_too_low() -> None:
    for p0, p1 in ((0.01, 0.02), (0.05, 0.06), (0.001, 0.003), (0.02, 0.1)):
        needed = requests_needed(p0, p1)
        assert 0.66 * needed < rule_of_thumb(p0, p1) < needed
    assert judgement(1_235, 0.01, 0.02).power >= 0.9, "for the first time, and not for good"
    assert judgement(1_236, 0.01, 0.02).power > 0.9
    assert requests_needed(0.01, 0.02) == 1_349


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ValueError, match="bad_error"):
        judgement(100, 0.02, 0.01)
    with pytest.raises(ValueError, match="power"):
        requests_needed(0.01, 0.02, 0.05, 0.01)
    with pytest.raises(ValueError, match="times_worse"):
        canary.Setting(base_percent=20.0, times_worse=5.0)


def check(seeds: int = 20) -> None:
    runs = [canary.simulate(requests=2_000, seed=s) for s in range(seeds)]
    at = runs[0].at
    for i, size in enumerate(SIZES):
        assert_agrees((run.power[i] for run in runs), canary.theory(at, size).power, f"{size}")
    assert_agrees((run.alarms[0] for run in runs), canary.theory(at).false_alarm, "alarm")


@pytest.fixture(autouse=True)
def _fresh():
    for cached in (canary._power, canary._alarms):
        cached.cache_clear()
    yield
    for cached in (canary._power, canary._alarms):
        cached.cache_clear()


def test_simulation_and_theory() -> None:
    check()


def test_a_threshold_one_too_high_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(canary, "threshold", lambda m, p: threshold(m, p) + 1)
    caught(check, 10)


def test_more_looks_blame_more_good_versions() -> None:
    alarms = np.mean([canary.simulate(seed=s).alarms for s in range(10)], axis=0)
    assert alarms[0] <= 0.05 < alarms[2] < alarms[4]
    assert 2 * 0.05 < alarms[-1] < 3 * 0.05, "as the page says of twenty looks"
    longer = np.mean([canary.simulate(requests=30_000, seed=s).alarms[-1] for s in range(10)])
    assert 3.6 * 0.05 < longer < 4 * 0.05


AT = [
    canary.Setting(),
    canary.Setting(base_percent=0.1, times_worse=10.0, requests=30, canary_rps=0.01, seed=2),
    canary.Setting(base_percent=5.0, times_worse=1.2, requests=30_000, canary_rps=100.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: canary.Setting) -> None:
    run = canary.simulate(at)
    good, bad = at.base_percent / 100, at.base_percent * at.times_worse / 100
    exact, needed = judgement(at.requests, good, bad), requests_needed(good, bad)
    assert_summary(
        run,
        {
            "rolled_back_from_errors": exact.threshold,
            "power_percent": 100 * exact.power,
            "false_alarm_percent": 100 * exact.false_alarm,
            "false_alarm_20_looks_percent": 100 * run.alarms[-1],
            "requests_for_90_percent_power": needed,
            "minutes_for_90_percent_power": needed / at.canary_rps / 60,
        },
    )
    assert run.reading == (
        f"After {at.requests:,} requests ({duration(at.requests / at.canary_rps)}) a version that "
        f"fails {significant(100 * bad)} % instead of {significant(100 * good)} % is caught "
        f"{significant(100 * exact.power)} % of the time; nine times in ten takes {needed:,} "
        f"requests, {duration(needed / at.canary_rps)}. A good version is rolled back "
        f"{significant(100 * run.alarms[0], 2)} % of the time if you look once, "
        f"{significant(100 * run.alarms[-1], 2)} % if you look 20 times."
    )
    powers = [judgement(size, good, bad).power for size in SIZES]
    assert_table(run, {"requests": SIZES, "caught": run.power, "caught, theory": powers})


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: canary.Setting) -> None:
    run = canary.simulate(at)
    ax, alarms = axes_of(canary.plot, run)
    exact = [100 * judgement(size, *at.errors).power for size in SIZES]
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY), np.stack([SIZES, exact], 1))
    seen = drawn.curve(ax, color=style.BLUE, marker="o")
    np.testing.assert_allclose(seen, np.stack([SIZES, 100 * run.power], 1))
    here = (at.requests, 100 * judgement(at.requests, *at.errors).power)
    np.testing.assert_allclose(drawn.rings(ax), [here])
    assert drawn.here(ax) == at.requests
    assert drawn.levels(ax, linestyle=":", color=style.MUTED) == [90]
    shown = drawn.curve(alarms, color=style.VERMILION)
    np.testing.assert_allclose(shown, np.stack([LOOKS, 100 * run.alarms], 1))
    assert drawn.levels(alarms, **style.THEORY) == [100 * binomial_test.ALARM]
