"""A mean of percentiles: exposed by counting who is slower."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.studio import daily_p99 as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_mean, diamonds, drawn_by, runs_of
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.daily_p99:report_of_the_hour"


def one_in_a_hundred(run):
    return bool((run["times_ms"] > run["p99_ms"]).mean() <= 0.0101)


def test_counting_exposes_it_and_bounds_do_not():
    assert_exposes(page, "report", one_in_a_hundred)
    bounds = [lambda run: bool(run["times_ms"].min() <= run["p99_ms"] <= run["times_ms"].max())]
    assert_not_fooled(page, "report", *bounds)
    assert_alike(page)


@pytest.mark.parametrize("busy", [0, 1, 4, 30, 60])
def test_the_repair_is_the_percentile_of_a_mixture(busy):
    at = page.Setting(busy=busy)
    found = [page.pooled_p99(at, page.Draws(s))["p99_ms"] for s in range(30)]
    # Between two of some thousand times lies a little of the tail: within 1 %.
    assert_mean(found, page.theory(at).true_ms, allowance=0.01 * page.theory(at).true_ms)


def test_theory_at_its_ends_is_one_exponential():
    for busy, mean in ((0, 10.0), (60, 200.0)):
        exact = page.theory(page.Setting(busy=busy))
        assert exact.true_ms == pytest.approx(mean * math.log(100), rel=1e-6)
        assert exact.mean_ms == pytest.approx(mean * math.log(100), rel=1e-6)


def test_weights_are_not_enough_and_the_worst_minute_is_too_much():
    true = page.theory(page.Setting()).true_ms
    weights = "np.average(each, weights=[len(minute) for minute in minutes])"
    weighed = runs_of(edited(MODEL, "np.mean(each)", weights), page.Setting)["p99_ms"]
    worst = runs_of(edited(MODEL, "np.mean(each)", "np.max(each)"), page.Setting)["p99_ms"]
    assert runs_of(page.report_of_the_hour, page.Setting)["p99_ms"] < weighed < 0.6 * true
    assert worst > 1.1 * true


def test_pooled_it_is_the_repair():
    pooled = edited(MODEL, "np.mean(each)", "np.percentile(np.concatenate(minutes), 99)")
    assert runs_of(pooled, page.Setting, 1)["p99_ms"] == page.simulate().honest_here


@pytest.mark.parametrize("setting", [{}, {"busy": 0}, {"busy": 60, "slower": 100.0},
                                     {"busy": 1, "crowd": 30.0},
                                     {"crowd": 1.0, "slower": 1.0}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    for said in (duration(1e-3 * run.claimed_here), percent(run.beyond),
                 duration(1e-3 * run.honest_here)):  # fmt: skip
        assert said in run.reading
    exact = [page.theory(run.at, busy) for busy in page.BUSY]
    assert_columns(
        run,
        busy_minutes=page.BUSY,
        suspect=run.claimed,
        mean_of_minutes=[one.mean_ms for one in exact],
        repaired=run.honest,
        theory=[one.true_ms for one in exact],
    )
    (ax,) = drawn_by(page, run, mine={"p99_ms": 333.0})
    np.testing.assert_allclose(drawn.curve(ax, **CLAIMED)[:, 1], run.claimed)
    np.testing.assert_allclose(drawn.curve(ax, **HONEST)[:, 1], run.honest)
    assert drawn.curve(ax, **style.THEORY)[30, 1] == page.theory(run.at, 30).true_ms
    assert diamonds(ax).tolist() == [[run.at.busy, 333.0]]
    assert_legible(*drawn_by(page, run))
