"""Fleets, layers of defence, spares: theory against simulation, and the page."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from helpers.failure import defence, fleet, spares
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent, significant
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_share, drawn_by


@pytest.mark.parametrize("machines", [1, 30, 1_000, 100_000])
def test_days_with_a_failure(machines):
    runs = [fleet.simulate(machines=machines, seed=seed) for seed in range(8)]
    days = [run.at.years * fleet.YEAR for run in runs]
    bad = sum(round(run.bad_days.estimate * n) for run, n in zip(runs, days, strict=True))
    assert_share(bad, sum(days), float(fleet.theory(runs[0].at).bad_days))
    expected = sum(days) * machines / 3 / fleet.YEAR
    assert abs(sum(run.failures for run in runs) - expected) < 4.5 * np.sqrt(expected)


@pytest.mark.parametrize("setting", [{}, {"machines": 1}, {"machines": 100_000, "mtbf_years": 1.0}])
def test_the_page_of_a_fleet(setting):
    run = fleet.simulate(**setting)
    exact = fleet.theory(run.at)
    for words in (f"{run.at.machines:,} machine", duration(exact.between_s),
                  percent(run.bad_days.estimate), percent(float(exact.bad_days))):  # fmt: skip
        assert words in run.reading
    sizes = 10 ** np.arange(6)
    many = fleet.theory(run.at, sizes)
    assert_columns(run, machines=sizes, hours=many.between_s / 3600, share=many.bad_days)
    days, month = drawn_by(fleet, run)
    curve = drawn.curve(days, **style.THEORY)
    np.testing.assert_allclose(curve[:, 1], fleet.theory(run.at, curve[:, 0]).bad_days)
    bar = drawn.error_bars(days, **style.DOTS)
    assert [*bar.middle, *bar.low, *bar.high] == [
        run.bad_days.estimate, run.bad_days.low, run.bad_days.high]  # fmt: skip
    marks = drawn.curve(month, marker="x")
    np.testing.assert_allclose(marks[:, 0], run.month_days)
    np.testing.assert_allclose(marks[:, 1], run.month_machines)
    assert_legible(*drawn_by(fleet, run))


# --- layers of defence ----------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{}, {"cells": 3, "worth": 0.3, "spare_works": 0.5}])
def test_every_combination_of_layers_costs_what_theory_says(setting):
    runs = [defence.simulate(**setting, seed=seed) for seed in range(10)]
    for on in itertools.product((False, True), repeat=4):
        values = np.array([run.lost[on].estimate for run in runs])
        error = values.std(ddof=1) / np.sqrt(values.size)
        assert abs(values.mean() - defence.theory(runs[0].at, on)) < 4.5 * error


def test_a_layer_that_is_forgotten_is_caught():
    run = defence.simulate()
    for place in range(4):
        on = tuple(place != other for other in range(4))
        assert defence.theory(run.at, (True,) * 4) < 0.9 * defence.theory(run.at, on)


ALL = dict.fromkeys(defence.LAYERS, True)


@pytest.mark.parametrize("setting", [{}, ALL, {"isolation": True}, {"degradation": True,
                                     "worth": 1.0}, ALL | {"faults": 1.0}])  # fmt: skip
def test_the_page_of_a_defence(setting):
    run = defence.simulate(**setting)
    left, exact = run.lost[run.at.on].estimate, defence.theory(run.at, run.at.on)
    assert duration(60 * left) in run.reading
    assert duration(60 * exact) in run.reading
    if any(run.at.on) and left:
        nothing = run.lost[(False,) * 4].estimate
        assert significant(nothing / left) in run.reading
    assert list(run.columns["theory"]) == [defence.theory(run.at, on) for on in run.rows.values()]
    (ax,) = drawn_by(defence, run)
    places, values = drawn.marks(ax, "x")
    shown = [(row, defence.theory(run.at, on)) for row, on in enumerate(run.rows.values())
             if defence.theory(run.at, on)]  # fmt: skip
    np.testing.assert_allclose(np.column_stack([places, values]), shown)
    if left:
        bar = drawn.error_bars(ax, **style.DOTS | {"color": style.GREEN})
        lost = run.lost[run.at.on]
        assert [*bar.middle, *bar.low, *bar.high] == [lost.estimate, lost.low, lost.high]
    assert_legible(ax)


# --- spares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("servers", "needed", "deploying"), [(3, 2, 1), (4, 2, 1), (5, 5, 2),
                                                              (2, 3, 0)])  # fmt: skip
def test_too_few_are_up_as_often_as_the_binomial_says(servers, needed, deploying):
    at = spares.Setting(servers=servers, needed=needed, deploying=deploying, up=0.95)
    run = spares.simulate(at)
    for interval, out in ((run.quiet, 0), (run.during, deploying)):
        expected = spares.theory(at, deploying=out)
        assert_share(round(interval.estimate * 40_000), 40_000, expected)


def test_two_of_three_by_hand():
    at = spares.Setting()
    assert spares.theory(at) == pytest.approx(3 * 0.99 * 0.01**2 + 0.01**3)
    assert spares.theory(at, deploying=1) == pytest.approx(1 - 0.99**2)
    assert spares.theory(at, deploying=2) == 1


@pytest.mark.parametrize("needed", [1, 2, 8])
@pytest.mark.parametrize("deploying", [0, 1, 3])
def test_even_the_rarest_share_is_exact(needed, deploying):
    at, n = spares.Setting(servers=12, needed=needed, up=0.999), 12 - deploying
    up = Fraction(0.999)
    exact = sum(math.comb(n, j) * up**j * (1 - up) ** (n - j) for j in range(needed))
    assert spares.theory(at, deploying=deploying) == pytest.approx(float(exact), rel=1e-9, abs=0)


@pytest.mark.parametrize("setting", [{}, {"servers": 1}, {"deploying": 0}, {"servers": 2},
                                     {"servers": 12, "up": 0.5, "deploying": 4},
                                     {"servers": 12, "up": 0.999}, {"servers": 5, "deploying": 3},
                                     {"servers": 12, "deploying": 0}])  # fmt: skip
def test_the_page_of_spares(setting):
    run = spares.simulate(**setting)
    at = run.at
    quiet, during = spares.theory(at), spares.theory(at, deploying=at.deploying)
    assert "e-" not in run.reading
    seldom = "less than a millionth of a percent"
    if quiet < 1:
        often = (percent(quiet), f"({duration(quiet * 30 * 86_400)} a month)")
        rare = (seldom, "(less than 25.9 ms a month)")
        assert (
            "are up for {} of the time {}".format(*rare if quiet < 1e-8 else often) in run.reading
        )
        if at.deploying and during < 1:
            assert f"and for {seldom if during < 1e-8 else percent(during)} while" in run.reading
    (ax,) = drawn_by(spares, run)
    for color, out in ((style.DOTS["color"], 0), (style.PURPLE, at.deploying)):
        curve = drawn.curve(ax, **style.THEORY | {"color": color})
        expected = [spares.theory(at, n, deploying=out) for n in range(1, 13)]
        np.testing.assert_allclose(curve[:, 1], np.maximum(expected, 1e-7))
    names = list(run.columns)
    expected = [spares.theory(at, n, deploying=at.deploying) for n in range(1, 13)]
    np.testing.assert_allclose(run.columns[names[2]], expected)
    assert_legible(ax)
