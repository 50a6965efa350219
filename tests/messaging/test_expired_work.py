"""Work that expires: the limit of what mends itself, the report's times, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.messaging import expired_work
from tests import drawn
from tests.checks import assert_columns, assert_legible, drawn_by

Setting = expired_work.Setting


@pytest.mark.parametrize("values", [{}, {"good_min": 10.0}, {"lapse_min": 30.0, "all_min": 150.0}])
def test_below_the_limit_it_mends_itself_and_above_it_never_does(values):
    limit = expired_work.theory(Setting(**values))
    for seed in range(5):  # what has lapsed by chance is a few per cent more or less
        below = expired_work.simulate(help_=False, outage_min=0.88 * limit, seed=seed, **values)
        above = expired_work.simulate(help_=False, outage_min=1.12 * limit, seed=seed, **values)
        assert math.isfinite(below.over_min)
        assert math.isinf(above.over_min)


def test_a_shorter_patience_than_said_is_caught(monkeypatch):
    true = expired_work.theory
    monkeypatch.setattr(expired_work, "theory", lambda at: 1.5 * true(at))
    with pytest.raises(AssertionError):
        test_below_the_limit_it_mends_itself_and_above_it_never_does({})


def test_the_times_of_the_report():
    # AWS, "Summary of the Amazon DynamoDB Service Disruption ...", 2025: 23:48, 2:25, 4:14, 5:28.
    assert expired_work.clock(0) == "23:48"
    assert expired_work.clock(expired_work.BACK_MIN) == "2:25"
    assert expired_work.clock(expired_work.HELP_MIN) == "4:14"
    assert expired_work.clock(expired_work.DONE_MIN) == "5:28"
    # The model is set so that its recovery takes as long, give or take a quarter of an hour.
    assert abs(expired_work.simulate().over_min - expired_work.DONE_MIN) < 15


def test_help_is_what_ends_it():
    assert math.isinf(expired_work.simulate(help_=False).over_min)
    run = expired_work.simulate()
    assert run.done.size == run.lapsed
    assert np.all(run.wasted < expired_work.HELP_MIN + 1)
    assert np.all(np.diff(np.sort(np.concatenate([run.done, run.wasted]))) > 0)


@pytest.mark.parametrize(
    "values",
    [{}, {"help_": False}, {"outage_min": 0.0}, {"outage_min": 240.0, "good_min": 5.0},
     {"good_min": 60.0}, {"outage_min": 20.0}],
)  # fmt: skip
def test_the_page(values):
    run = expired_work.simulate(**values)
    at, limit = run.at, expired_work.theory(run.at)
    by_itself = f"up to {duration(60 * limit)}" if math.isfinite(limit) else "of any length"
    assert by_itself in run.reading
    if run.lapsed:
        assert f"{percent(run.lapsed / 2_000)} of the leases had lapsed" in run.reading
        attempts = run.done.size + run.wasted.size
        assert f"{percent(run.wasted.size / attempts)} of all attempts" in run.reading
        end = expired_work.clock(run.over_min) if math.isfinite(run.over_min) else "still not"
        assert end in run.reading
    else:
        assert run.reading.startswith("No lease has lapsed.")
    time = np.arange(0, 481, 20)
    assert_columns(
        run,
        time=[expired_work.clock(minute) for minute in time.tolist()],
        established=[(run.done <= minute).sum() for minute in time],
        in_vain=[(run.wasted <= minute).sum() for minute in time],
    )
    ax, _ = drawn_by(expired_work, run)
    points = drawn.curve(ax, **style.SIMULATION)
    assert points[-1, 1] == pytest.approx(100 * (run.lapsed - run.done.size) / 2_000)
    assert drawn.bands(ax) == [(0, at.outage_min)]
    assert_legible(*drawn_by(expired_work, run))
