"""Chaos engineering: two clocks, the edits, and what a learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import amount, duration
from helpers.studio import latent_faults as page
from tests import drawn
from tests.checks import (
    assert_bars,
    assert_columns,
    assert_legible,
    assert_mean,
    caught,
    diamonds,
    drawn_by,
    each_of,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.studio.latent_faults:five_years"
SETTINGS = [{}, {"every_days": 0.5, "unseen": 1.0}, {"every_days": 1_000.0, "contained": 0.0},
            {"fails_days": 5.0, "unseen": 0.0}]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_theory(setting):
    exact = page.theory(page.Setting(**setting))
    runs = each_of(page.five_years, page.Setting, 60, **setting)
    for name in ("outages", "by_day", "open"):
        samples = [run[name] for run in runs]
        assert_mean(samples, float(getattr(exact, name)), what=name)
        if name != "by_day" or not setting:
            caught(assert_mean, samples, 0.85 * float(getattr(exact, name)) - 1e-3)


def test_more_often_is_never_worse_and_ends_at_what_it_cannot_find():
    at = page.Setting()
    curve = page.theory(at, np.geomspace(0.001, 1e6, 100)).outages
    assert (np.diff(curve) > 0).all()
    assert curve[0] == pytest.approx(12 * 4 * 0.2 * page.NIGHT * 0.5, rel=0.01)


def test_at_the_right_end_hardly_anybody_terminates_anything():
    usual, rare = (float(page.theory(page.Setting(every_days=days)).by_day) for days in (2, 1_000))
    assert 1 < rare < 0.06 * usual


def test_a_game_day_a_quarter():
    before = page.theory(page.Setting())
    rare = edited(MODEL, ".exponential(at.every_days * 7 / 5, number)", ".uniform(0, 90, number)")
    run = runs_of(rare, page.Setting)
    assert run["outages"] == pytest.approx(2.5 * float(before.outages), rel=0.15)
    assert run["open"] == pytest.approx(2.5 * float(before.open), rel=0.1)


def test_if_it_found_everything():
    run = runs_of(edited(MODEL, "inside[fault] >= at.unseen", "True"), page.Setting)
    assert run["outages"] < 0.25 * float(page.theory(page.Setting()).outages)


@pytest.mark.parametrize("setting", [*SETTINGS, {"faults": 0.1}, {"contained": 1.0}])
def test_the_page(setting):
    run = page.simulate(**setting)
    at, exact = run.at, page.theory(run.at)
    for count, thing in zip(run.here.estimate, ("outage", "latent fault", "fault"), strict=True):
        assert amount(count, thing) in run.reading
    assert f"theory {amount(float(exact.outages), 'outage')}" in run.reading
    each = duration(86_400 * float(exact.open) / (12 * at.faults / 365))
    assert f"wait, {each} each on average." in run.reading
    curve = page.theory(at, page.EVERY_DAYS)
    assert_columns(
        run,
        every=page.EVERY_DAYS,
        outages=run.outages.estimate,
        **{"from": run.outages.low, "to": run.outages.high},
        in_theory=curve.outages,
        latent_faults=run.open.estimate,
        latent_in=curve.open,
    )
    axes = drawn_by(page, run, mine={"outages": 3.0, "open": 1.0})
    for ax, seen, name, mine in zip(axes, (run.outages, run.open), ("outages", "open"), (3, 1),
                                    strict=True):  # fmt: skip
        assert_bars(drawn.error_bars(ax, **style.DOTS), page.EVERY_DAYS, seen)
        line = drawn.curve(ax, **style.THEORY)
        np.testing.assert_allclose(line[:, 1], getattr(page.theory(at, line[:, 0]), name))
        assert diamonds(ax).tolist() == [[at.every_days, mine]]
    assert_legible(*drawn_by(page, run))
