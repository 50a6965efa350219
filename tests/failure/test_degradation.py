"""Degradation and shedding: theory, the edits of the model, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.failure import degradation, shedding
from helpers.failure.shedding import LOADS, ORDERS
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import percent, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_share,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.failure.degradation:some_pages"


@pytest.mark.parametrize("setting", [{}, {"hard": 2}, {"hard": 0, "up": 0.7}, {"parts": 1},
                                     {"parts": 3, "hard": 20, "up": 0.9}])  # fmt: skip
def test_pages_are_served_and_worth_what_theory_says(setting):
    at = degradation.Setting(**setting)
    runs = [degradation.simulate(at.but(seed=seed)) for seed in range(20)]
    exact = degradation.theory(at)
    served = sum(round(run.served.estimate * 4_000) for run in runs)
    assert_share(served, 20 * 4_000, float(exact.served))
    assert_mean([run.quality.estimate for run in runs], float(exact.worth))


def test_ten_parts_by_hand():
    at = degradation.Setting()
    assert degradation.theory(at).served == pytest.approx(0.99**10)
    assert degradation.theory(at, 1).served == pytest.approx(0.99)
    assert degradation.theory(at, 0).worth == pytest.approx(0.99 + 0.01 * 0.6)


@pytest.mark.parametrize("setting", [{}, {"hard": 2}, {"hard": 0, "parts": 1}])
def test_the_open_model_is_the_simulation_on_the_same_draws(setting):
    at = degradation.Setting(**setting)
    run, mine = degradation.simulate(at), degradation.some_pages(at, Draws(at.seed))
    assert mine["served"] == run.served.estimate
    assert mine["worth"] == pytest.approx(run.quality.estimate)


def test_a_second_try_squares_what_is_missing():
    again = edited(
        MODEL,
        'draw("parts").random((4_000, at.parts)) < at.up',
        'draw("parts").random((4_000, at.parts)) < 1 - (1 - at.up) ** 2',
    )
    assert runs_of(again, degradation.Setting)["served"] == pytest.approx(0.999, abs=0.001)


def test_a_fallback_that_can_fail_as_well():
    frail = edited(MODEL, "np.where(soft, 1.0, at.worth)",
                   "np.where(soft, 1.0, at.worth * (draw('fallback').random(soft.size) < 0.5))"
                   )  # fmt: skip
    out = runs_of(frail, degradation.Setting, hard=0, up=0.9)
    assert out["worth"] == pytest.approx(0.9 + 0.1 * 0.3, abs=0.003)


@pytest.mark.parametrize("setting", [{}, {"hard": 1}, {"hard": 0, "parts": 1, "up": 0.5},
                                     {"parts": 20, "hard": 20, "up": 0.5}, {"up": 1.0},
                                     {"parts": 3, "hard": 20}])  # fmt: skip
def test_the_page_of_a_page(setting):
    run = degradation.simulate(**setting)
    at, exact = run.at, degradation.theory(run.at)
    for share in (
        run.served.estimate,
        run.quality.estimate,
        float(exact.served),
        float(exact.worth),
    ):
        assert percent(share) in run.reading
    assert ("parts that each answer " if at.parts > 1 else "part that answers ") in run.reading
    (ax,) = drawn_by(degradation, run, mine={"served": 0.97, "worth": 0.96})
    for color, name in ((style.BLACK, "served"), (style.GREEN, "worth")):
        curve = drawn.curve(ax, **style.THEORY | {"color": color})
        expected = getattr(degradation.theory(at, curve[:, 0]), name)
        np.testing.assert_allclose(curve[:, 1], expected)
    for look, interval in (
        (style.DOTS, run.served),
        (style.DOTS | {"color": style.GREEN, "marker": "s"}, run.quality),
    ):
        bar = drawn.error_bars(ax, **look)
        assert [*bar.middle, *bar.low, *bar.high] == [
            interval.estimate, interval.low, interval.high]  # fmt: skip
    assert diamonds(ax)[:, 1].tolist() == [0.97, 0.96]
    hard = np.arange(at.parts + 1)
    every = degradation.theory(at, hard)
    assert_columns(run, hard=hard, served=every.served, worth=every.worth)
    assert_legible(*drawn_by(degradation, run))


# --- shedding -------------------------------------------------------------------------------------


def goodput(order, load, seeds=6):
    runs = [shedding.simulate(order=order, load=load, seed=seed) for seed in range(seeds)]
    return float(np.mean([run.here for run in runs]))


def test_whoever_serves_in_turn_helps_nobody_beyond_the_capacity():
    assert goodput("first come, first served", 1.3) < 0.01
    assert goodput("first come, first served", 3.0) == 0
    assert goodput("first come, first served", 0.6) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("order", list(ORDERS)[1:])
def test_the_others_use_what_they_have(order):
    # Newest first wastes what it spends on old ones when nobody new has come.
    assert goodput(order, 1.5) > 0.97
    assert goodput(order, 3.0) > 0.99
    assert goodput(order, 0.6) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("order", ORDERS)
def test_the_page_of_an_order(order):
    for load in (0.1, 1.5, 3.0):
        run = shedding.simulate(order=order, load=load)
        assert f"At {significant(load)} times" in run.reading
        assert f"“{order}” spends {percent(run.here)} of its capacity" in run.reading
        assert percent(min(1.0, run.here / load)) in run.reading
        assert 0 <= run.goodput.min() <= run.goodput.max() <= 1
        assert_columns(run, load=LOADS, goodput=run.goodput, theory=shedding.theory(run.at, LOADS))
        (ax,) = drawn_by(shedding, run)
        curve = drawn.curve(ax, **style.THEORY)
        np.testing.assert_allclose(curve[:, 1], shedding.theory(run.at, curve[:, 0]))
        points, here = (line.get_xydata() for line in drawn.lines(ax, **style.DOTS))
        np.testing.assert_allclose(points, np.column_stack([LOADS, run.goodput]))
        np.testing.assert_allclose(here, [[load, run.here]])
        assert_legible(ax)
