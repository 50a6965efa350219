"""Real writers that race, beside theory."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from helpers.caching import real_write_race, write_race
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_columns, assert_tells, drawn_by
from tests.measurements import had_time


def test_real_writers_race(tidy):
    run = real_write_race.measure(bursts=10)
    assert run.stale.shape == (5,)
    assert np.all(run.stale <= 10)
    assert run.stale[-1] > 0  # theory: 7.5 of 10; none at all, one time in a million
    if had_time(run.verdict):
        spread = np.sqrt(run.expected * (1 - run.expected) / 10)
        assert (np.abs(run.stale / 10 - run.expected) < 4.5 * spread).all()


def test_writers_that_take_too_long_are_given_up(tidy):
    with pytest.raises(TimeoutError):
        real_write_race.measure(bursts=100, timeout_s=0.2)


def measured(stale, late_s=0.0001):
    return real_write_race.MeasuredWriteRace(
        real_write_race.Trial(bursts=80), np.array(stale), late_s
    )


def test_a_verdict_can_be_bad():
    good = measured([9, 17, 29, 45, 60])
    assert good.verdict == "theory lies inside 5 of 5 95 % intervals: agrees"
    bad = measured([60, 17, 29, 45, 0])
    assert bad.verdict == "theory lies inside 3 of 5 95 % intervals: disagrees"
    assert dataclasses.replace(good, late_s=0.001).verdict.startswith("No verdict")


def test_the_page_of_a_measurement():
    run = measured([9, 17, 29, 45, 60])
    assert_tells(run.reading, "400 bursts", "160 left")
    assert run.summary["stale_share_at_0.25"] == pytest.approx(9 / 80, rel=6e-3)
    assert run.summary["stale_share_at_4"] == pytest.approx(60 / 80, rel=6e-3)
    share = np.array([9, 17, 29, 45, 60]) / 80
    crowds = [0.25, 0.5, 1, 2, 4]
    assert_columns(
        run,
        writes_under_way=crowds,
        measured=share,
        **{"from": [each.low for each in run.intervals]},
        to=[each.high for each in run.intervals],
        theory=[1 - (1 - np.exp(-x)) / x for x in crowds],
    )
    simulated = write_race.simulate()
    *_, ax = drawn_by(real_write_race, simulated, run)
    bars = drawn.error_bars(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(bars.places, crowds)
    np.testing.assert_allclose(bars.middle, 100 * share)
    np.testing.assert_allclose(bars.low, [100 * each.low for each in run.intervals])
    np.testing.assert_allclose(bars.high, [100 * each.high for each in run.intervals])
