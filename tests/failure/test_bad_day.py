"""The bad day: the vendor's numbers, the fluid, the edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.failure import bad_day
from helpers.failure.bad_day import VENDOR
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.failure.bad_day:one_day"


def test_the_vendors_numbers():
    # GitHub, 30 October 2018: more than 5 million hook events waited at 16:45, all were processed
    # at 23:03, 24 h 11 min after the cut, and about 200,000 had outlived their time to live.
    run = bad_day.simulate()
    assert run.peak == pytest.approx(VENDOR["backlog"], rel=0.01)
    assert run.gone_min == pytest.approx(VENDOR["degraded_min"], rel=0.005)
    assert run.dropped == pytest.approx(VENDOR["dropped"], rel=0.02)
    assert run.at.resumed_min == VENDOR["resumed_min"]
    assert VENDOR["degraded_min"] * 60 / VENDOR["partition_s"] > 2_000


@pytest.mark.parametrize("capacity_rps", [120.0, 300.0, 2_000.0])
@pytest.mark.parametrize("resumed_h", [2.0, 17.88])
def test_it_drains_as_a_fluid_does(capacity_rps, resumed_h):
    run = bad_day.simulate(capacity_rps=capacity_rps, resumed_h=resumed_h)
    exact = bad_day.theory(run.at)
    assert run.peak == pytest.approx(exact.backlog, rel=0.02)
    if exact.gone_min < 4_320:
        assert run.gone_min == pytest.approx(exact.gone_min, abs=2)
    else:
        assert run.gone_min == math.inf


def test_every_event_is_delivered_dropped_or_waiting():
    for setting in ({}, {"capacity_rps": 85.0}, {"ttl_h": 1.0, "noticed_min": 600.0}):
        out = bad_day.one_day(bad_day.Setting(**setting))
        came = 80 * 60 * 4_320
        assert out["delivered"] + out["dropped"] + out["backlog"][-1] == pytest.approx(came)


def test_nobody_drops_what_is_young():
    assert bad_day.simulate(ttl_h=24.0).dropped == 0
    assert bad_day.simulate(noticed_min=0.0).dropped == 0


def test_the_time_to_live_hardly_matters_to_who_notices_soon():
    dropped = [bad_day.simulate(ttl_h=ttl_h).dropped for ttl_h in (1.0, 12.0, 16.9, 17.0, 17.5)]
    assert dropped[0] == dropped[1] == dropped[2] > dropped[3] > dropped[4] == 0
    late = [bad_day.simulate(ttl_h=ttl_h, noticed_min=600.0).dropped for ttl_h in (1, 6, 12, 17)]
    assert sorted(late, reverse=True) == late
    assert len(set(late)) == 4


# --- the edits ------------------------------------------------------------------------------------


def run(model, **setting):
    return model(bad_day.Setting(**setting))


def test_newest_first_delivers_the_fresh_ones_at_once():
    newest = edited(MODEL, "line[0]", "line[-1]", "line.popleft()", "line.pop()")
    late = run(newest, noticed_min=0.0)
    assert late["backlog"][-1] == pytest.approx(run(bad_day.one_day)["backlog"][-1], abs=5_000)
    assert run(newest, noticed_min=11.0)["dropped"] == 0  # the old ones come last
    assert run(newest, noticed_min=600.0)["dropped"] > 1e6


def test_a_trickle_during_the_pause():
    trickle = edited(MODEL, "room = 0.0 if paused", "room = 60 * 40.0 if paused")
    before, after = run(bad_day.one_day), run(trickle)
    assert max(after["backlog"]) == pytest.approx(max(before["backlog"]) / 2, rel=0.01)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{}, {"noticed_min": 600.0}, {"capacity_rps": 80.0},
                                     {"capacity_rps": 85.0}, {"ttl_h": 24.0},
                                     {"resumed_h": 1.0, "capacity_rps": 2_000.0}])  # fmt: skip
def test_the_page(setting):
    result = bad_day.simulate(**setting)
    at, exact = result.at, bad_day.theory(result.at)
    assert f"{significant(result.peak)} events wait" in result.reading
    if math.isfinite(result.gone_min):
        assert duration(60 * result.gone_min) in result.reading
    else:
        assert "it is not gone" in result.reading
    dropped = f"{significant(result.dropped)} events are" if result.dropped else "none is dropped"
    assert dropped in result.reading
    assert result.columns["GitHub"] == [5e6, 1_451 / 60, 200e3]
    np.testing.assert_allclose(
        result.columns["this model"], [result.peak, result.gone_min / 60, result.dropped]
    )
    (ax,) = drawn_by(bad_day, result, mine={"backlog": np.full(4_320, 2e6)})
    curve = drawn.curve(ax, **style.SIMULATION)
    np.testing.assert_allclose(curve[:, 1], 1e-6 * result.backlog[: len(curve)])
    fluid = drawn.curve(ax, **style.THEORY)
    assert fluid[1].tolist() == [at.resumed_min / 60, 1e-6 * exact.backlog]
    if math.isfinite(exact.gone_min):
        assert fluid[2].tolist() == [exact.gone_min / 60, 0]
    vendor = drawn.curve(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(vendor, [[1_073 / 60, 5.0], [1_451 / 60, 0.0]])
    assert set(diamonds(ax)[:, 1]) == {2.0}
    assert_legible(*drawn_by(bad_day, result))
