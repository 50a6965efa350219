"""Refresh-ahead: theory against event by event, lives and the open model; and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.caching import refresh_ahead
from helpers.foundations.drawing import style
from helpers.foundations.prose import percent, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
)


def event_by_event(rate, ttl_s, threshold, reads, seed):
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
def test_one_key_three_ways(rate, threshold):
    reads, ttl_s = 4_000, 2.0
    one = {"rate_rps": rate, "keys": 1, "ttl_s": ttl_s, "threshold": threshold}
    exact = refresh_ahead.theory(refresh_ahead.Setting(**one))
    runs = [event_by_event(rate, ttl_s, threshold, reads, seed) for seed in range(20)]
    misses, loads, refreshes, wasted = np.array(runs).T
    assert_mean(misses / reads, exact.miss_ratio, allowance=5e-4)
    assert_mean(loads / reads, exact.loads_rps / rate, allowance=5e-4)
    if threshold < 1:
        assert_mean(1 - wasted / refreshes, exact.useful[0], allowance=2e-3)
    lives = [refresh_ahead.simulate(**one, seed=seed) for seed in range(60)]
    assert_mean([each.miss_ratio for each in lives], exact.miss_ratio, allowance=3e-3)
    assert_mean([each.useful[0] for each in lives], exact.useful[0])


def test_many_keys_in_the_open_model():
    exact = refresh_ahead.theory(refresh_ahead.Setting())
    mine = each_of(refresh_ahead.refreshing_cache, refresh_ahead.Setting, 16)
    assert_mean([each["miss_ratio"] for each in mine], exact.miss_ratio, allowance=1e-3)
    assert_mean([each["loads_rps"] for each in mine], exact.loads_rps, allowance=0.1)
    lives = [refresh_ahead.simulate(seed=seed) for seed in range(16)]
    assert_mean([each.wasted_rps for each in lives], exact.wasted_rps)


def test_refreshing_by_the_clock_never_misses_and_wastes_the_tail():
    run = refresh_ahead.simulate(mode="timer")
    exact = refresh_ahead.theory(run.at)
    assert run.miss_ratio == exact.miss_ratio == 0
    assert run.loads_rps == exact.loads_rps == pytest.approx(500 / 10)
    # 200 lives of each of 500 keys.
    error = math.sqrt(float(((1 - exact.useful) * exact.useful).sum()) / 200) / 10
    assert abs(run.wasted_rps - exact.wasted_rps) < 4.5 * error


def test_usefulness_is_judged_against_the_right_exponent():
    run, lives = refresh_ahead.simulate(), 200

    def check(expected):
        used = lives * run.useful
        error = math.sqrt(lives * float((expected * (1 - expected)).sum()))
        assert abs(used.sum() - lives * expected.sum()) < 4.5 * error

    check(refresh_ahead.theory(run.at).useful)
    with pytest.raises(AssertionError):
        check(-np.expm1(-run.at.rates_rps * 0.8 * 10.0))  # only up to the threshold


def test_at_threshold_one_nothing_is_refreshed():
    at = refresh_ahead.Setting(threshold=1.0)
    assert refresh_ahead.theory(at)[1:] == refresh_ahead.without(at)[1:]
    assert refresh_ahead.theory(at).wasted_rps == 0
    assert refresh_ahead.simulate(at).wasted_rps == 0


def test_what_the_chapter_says_of_popular_and_rare_keys():
    useful = refresh_ahead.theory(refresh_ahead.Setting()).useful
    assert useful[:30].min() > 0.99
    assert useful[49] == pytest.approx(0.95, abs=0.005)
    assert 1 - useful[-1] == pytest.approx(0.75, abs=0.01)


CORNERS = [
    {},
    {"rate_rps": 10.0, "ttl_s": 1.0, "threshold": 0.1},
    {"rate_rps": 1_000.0, "ttl_s": 60.0, "mode": "timer"},
    {"threshold": 1.0},
    {"rate_rps": 1_000.0, "ttl_s": 60.0, "threshold": 1.0},
    {"rate_rps": 802.581, "ttl_s": 44.4088, "threshold": 0.474562},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = refresh_ahead.simulate(**setting)
    at, plain = run.at, refresh_ahead.theory(run.at.but(mode="on access", threshold=1.0))
    if at.mode == "on access" and at.threshold == 1:
        assert_tells(run.reading, percent(run.miss_ratio), significant(run.loads_rps))
    else:
        wasted = significant(run.wasted_rps)
        assert_tells(
            run.reading,
            percent(plain.miss_ratio),
            percent(run.miss_ratio),
            significant(plain.loads_rps),
            significant(run.loads_rps),
            "no refresh" if wasted == "0" else f"{wasted} refreshes a second bring",
        )
    summary = run.summary
    assert summary["miss_ratio_without"] == pytest.approx(plain.miss_ratio, rel=6e-3)
    assert summary["database_loads_without_rps"] == pytest.approx(plain.loads_rps, rel=6e-3)
    rank, useful = np.arange(1, at.keys + 1), refresh_ahead.theory(at).useful
    assert_columns(
        run, rank=rank, reads_per_s=at.rates_rps, refreshes_read=run.useful, theory=useful
    )
    left, right = drawn_by(refresh_ahead, run, mine={"loads_rps": 20.0, "miss_ratio": 0.2})
    np.testing.assert_allclose(
        drawn.curve(left, marker="."), np.column_stack([rank, 100 * run.useful])
    )
    np.testing.assert_allclose(
        drawn.curve(left, **style.THEORY), np.column_stack([rank, 100 * useful])
    )
    bargain = [
        refresh_ahead.theory(at.but(mode="on access", threshold=float(each)))
        for each in refresh_ahead.THRESHOLDS
    ]
    np.testing.assert_allclose(
        drawn.curve(right, **style.THEORY),
        [(each.loads_rps, 100 * each.miss_ratio) for each in bargain],
    )
    np.testing.assert_allclose(
        drawn.curve(right, color=style.MUTED, marker="o"),
        [(plain.loads_rps, 100 * plain.miss_ratio)],
    )
    marker = "s" if at.mode == "timer" else "o"
    np.testing.assert_allclose(
        drawn.curve(right, color=style.BLUE, marker=marker), [(run.loads_rps, 100 * run.miss_ratio)]
    )
    np.testing.assert_allclose(diamonds(right), [(20.0, 20.0)])
    near = abs(run.miss_ratio - plain.miss_ratio) < 0.1 * run.miss_ratio
    assert (at.mode in drawn.written(right)) == (not near)
    assert_legible(left, right)
