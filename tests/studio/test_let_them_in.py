"""Roblox, the return: the vendor's steps, what fits, the edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.studio import let_them_in as page
from helpers.studio.let_them_in import VENDOR
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.studio.let_them_in:steps_back_in"


def load_of(model, **setting):
    return np.array(model(page.Setting(**setting))["load"])


def test_the_vendors_steps():
    # Roblox, January 2022: from 10:00 to 16:45, in roughly 10 % increments.
    run = page.simulate()
    assert run.columns["this model"] == [10, 6.75]
    assert run.columns["Roblox"] == [10, 6.75]
    assert VENDOR["open_min"] == (16 * 60 + 45) - 10 * 60
    assert run.over_min == 0
    assert run.done_min > VENDOR["open_min"]


@pytest.mark.parametrize("step", [0.09, 0.1, 0.13, 0.18, 0.25])
@pytest.mark.parametrize("warm", [0.2, 0.5, 0.7])
def test_the_last_step_is_the_highest(step, warm):
    run = page.simulate(step=step, warm=warm, every_min=60.0)
    exact = page.theory(run.at)
    if exact.peak <= 1:  # those before are warm by then, all but a hundredth of their step
        assert run.peak == pytest.approx(exact.peak, abs=0.01)
    assert (run.peak > 1) == (step > exact.largest)


def test_all_are_in_and_warm_in_the_end():
    run = page.simulate()
    assert run.from_caches[-1] == pytest.approx(1, abs=1e-3)
    assert (np.diff(run.from_caches) >= -1e-12).all()
    assert run.load[-1] == pytest.approx(run.at.warm, abs=1e-3)


def test_all_at_once_stays_down():
    run = page.simulate(step=1.0)
    assert run.done_min == math.inf
    assert "Twelve hours later warm caches serve 0 % of them." in run.reading


def test_without_time_outs_it_heals():
    patient = edited(MODEL, "1.0 if asked <= 1 else max(0.0, 1 - 2 * (asked - 1))", "1.0")
    warm = np.array(patient(page.Setting(step=1.0))["warm"])
    assert np.flatnonzero(warm > 0.99)[0] < 60


def test_looking_first():
    look = edited(MODEL, "1 - ahead * at.step - inside",
                  "min(at.step, 1 - inside) if cold < 0.02 else 0.0")  # fmt: skip
    setting = {"step": 0.15, "every_min": 5.0}
    assert load_of(page.steps_back_in, **setting).max() > 1.5
    assert load_of(look, **setting).max() < 1
    assert look(page.Setting(**setting))["warm"][-1] > 0.99


@pytest.mark.parametrize("setting", [{}, {"step": 0.02, "every_min": 5.0}, {"step": 1.0},
                                     {"step": 0.3, "warm": 0.95},
                                     {"step": 0.02, "every_min": 120.0},
                                     {"warm": 0.05}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    assert f"steps of {percent(run.at.step)}. The load comes to {percent(run.peak)}" in run.reading
    over = f"for {duration(60 * run.over_min)} more" if run.over_min else "never more"
    assert over in run.reading
    if math.isfinite(run.done_min):
        assert f"After {duration(60 * run.done_min)} warm caches serve nearly all" in run.reading
    else:
        assert f"warm caches serve {percent(run.from_caches[-1])} of them" in run.reading
    assert f"a step of {percent(page.theory(run.at).largest)} fits." in run.reading
    assert_columns(
        run,
        what=["steps", "all in after (h)"],
        this_model=run.columns["this model"],
        Roblox=[10, 6.75],
    )
    ax, warm = drawn_by(page, run, mine={"load": [0.5] * 720, "warm": [0.25] * 720})
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION)[:, 1], run.load)
    assert drawn.levels(ax, **style.THEORY) == [1]
    np.testing.assert_allclose(drawn.curve(warm, **style.SIMULATION)[:, 1], run.from_caches)
    assert drawn.curve(warm, **style.MEASUREMENT).tolist() == [[6.75, 1]]
    assert set(diamonds(ax)[:, 1]) == {0.5}
    assert set(diamonds(warm)[:, 1]) == {0.25}
    assert_legible(*drawn_by(page, run))
