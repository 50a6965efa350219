"""Kinesis: the vendor's hours, a thread for each peer, the edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.studio import thread_per_peer as page
from helpers.studio.thread_per_peer import VENDOR
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited

MODEL = "helpers.studio.thread_per_peer:everybody_talks"


def test_the_vendors_hours():
    # Amazon, November 2020: from 2:44 AM PST to 3:47, alarms 5:15, cause 9:39, normal 10:23 PM.
    clock = [2 * 60 + 44 + VENDOR[name] for name in ("added_min", "alarm_min", "cause_min",
                                                      "restart_min", "normal_min")]  # fmt: skip
    assert clock == [3 * 60 + 47, 5 * 60 + 15, 9 * 60 + 39, 10 * 60 + 7, 22 * 60 + 23]
    run = page.simulate()
    assert run.normal_min == pytest.approx(VENDOR["normal_min"], rel=0.02)
    took = VENDOR["normal_min"] - VENDOR["restart_min"]
    assert page.theory(run.at).restart_min == pytest.approx(took, rel=0.03)
    assert VENDOR["added_min"] < run.first_min < VENDOR["alarm_min"]
    assert run.all_min < VENDOR["added_min"] + VENDOR["learn_min"]


def test_the_limit_on_threads_is_a_limit_on_the_fleet():
    at = page.Setting()
    room = page.theory(at).largest - at.fleet
    assert at.own + at.fleet - 1 + room == at.limit
    assert page.simulate(added=room).first_min == math.inf
    over = page.simulate(added=room + 1)
    assert over.all_min < 123.5  # by then everybody knows everybody
    assert over.normal_min > VENDOR["restart_min"]


def test_all_learn_of_all_in_the_end():
    run = page.simulate(limit=40_000)
    assert run.threads[0] == pytest.approx(280 + 3_599, abs=1)
    assert run.threads[124] == 280 + 3_599 + 150
    assert run.threads[443] == 280 + 3_599
    assert run.normal_min == 0


def test_a_fleet_that_is_too_large_without_them_does_not_come_back():
    run = page.simulate(limit=3_800)
    assert run.first_min == 0
    assert run.normal_min == math.inf
    assert "not all work again" in run.reading


@pytest.mark.parametrize(
    "change",
    [("at.fleet - 1", "at.fleet // 2 - 1"), ("at.own + peers", "at.own + peers / 10")],
)
def test_fewer_peers_are_far_from_the_limit(change):
    assert min(runs_of(page.everybody_talks, page.Setting, 1)["working"]) == 0
    run = runs_of(edited(MODEL, *change), page.Setting, 1)
    assert min(run["working"]) == 1
    assert max(run["threads"]) < 0.6 * page.Setting().limit


@pytest.mark.parametrize("setting", [{}, {"added": 0}, {"added": 400, "restart_ph": 100.0},
                                     {"limit": 3_700}, {"limit": 4_500},
                                     {"restart_ph": 2_000.0}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at, exact = run.at, page.theory(run.at)
    assert f"a fleet of {exact.largest:,}" in run.reading
    if math.isinf(run.first_min):
        assert run.reading.endswith("Nobody comes over it.")
    else:
        assert f"after {duration(60 * run.first_min)}," in run.reading
        assert f"at worst {percent(1 - run.working.min())} of them" in run.reading
    took = (VENDOR["normal_min"] - VENDOR["restart_min"]) / 60
    assert_columns(
        run,
        what=["first trouble (min)", "restart of the fleet (h)", "normal after (h)"],
        this_model=[run.first_min, 60 * at.fleet / at.restart_ph / 60, run.normal_min / 60],
        Amazon=[151.0, took, VENDOR["normal_min"] / 60],
    )
    ax, day = drawn_by(page, run, mine={"working": [0.5] * 1_440, "threads": [3_900.0] * 1_440})
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION)[:, 1], run.threads[:300])
    assert drawn.levels(ax, **style.THEORY) == [at.limit]
    np.testing.assert_allclose(drawn.curve(day, **style.SIMULATION)[:, 1], run.working)
    back = drawn.curve(day, **style.THEORY)
    assert back[1, 0] - back[0, 0] == pytest.approx(at.fleet / at.restart_ph)
    vendor = drawn.curve(day, **style.MEASUREMENT)
    np.testing.assert_allclose(vendor, [[151 / 60, 0], [443 / 60, 0], [1_179 / 60, 1]])
    assert set(diamonds(day)[:, 1]) == {0.5}
    assert set(diamonds(ax)[:, 1]) == {3_900.0}
    assert_legible(*drawn_by(page, run))
