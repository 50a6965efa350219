"""Where designs stand: marks without a run, the front by two ways, the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.foundations.drawing import style
from helpers.foundations.year import YEAR_S
from helpers.studio import place
from helpers.studio.deck import brief
from helpers.studio.judge import judge, monthly_usd, up
from helpers.studio.references import reference, usual
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by, frames_once


def last(**setting):
    *_, run = place.simulate(**setting)
    return run


def test_marks_are_the_bill_the_load_and_the_outage():
    rides = brief("rides")
    marks = place.marks(rides, reference(rides))
    assert marks.usd == round(monthly_usd(rides, reference(rides)))
    capacity = blueprint.bounds(reference(rides)).capacity_rps
    assert marks.load == pytest.approx(rides.rate_rps / capacity, abs=0.005)
    assert marks.outage_min == round((1 - up(rides, reference(rides))) * YEAR_S / 60)


def test_the_front_cannot_tell_who_hangs():
    """The same machines, the same point, and only one of the two keeps what the brief asks."""
    rides = brief("rides")
    assert place.marks(rides, usual(rides)) == place.marks(rides, reference(rides))
    assert judge(rides, usual(rides), rides.traces).misses != ()
    assert judge(rides, reference(rides), rides.traces).misses == ()


@pytest.mark.parametrize("key", ["rides", "payments", "video"])
def test_the_front_is_that_of_the_definition(key):
    run = last(brief=key, drawn=60)
    np.testing.assert_array_equal(run.front, place.theory(run.found))
    assert len(run.found) == 63


def test_it_becomes_finer():
    frames = frames_once(place.simulate(drawn=100))
    assert [len(one.found) for one in frames] == [23, 63, 103, 103]
    assert {len(one.found) for one in place.simulate(drawn=10)} == {13}
    for one in frames[:-1]:  # three numbers that need no run; what does comes last
        assert "On all traces" not in one.reading
        assert one.summary["misses"] == "not run yet" == one.columns["misses"][0]
        drawn_by(place, one)


@pytest.mark.parametrize("setting", [{}, {"design": "first idea"}, {"brief": "video"},
                                     {"brief": "metrics", "design": "usual"}])  # fmt: skip
def test_the_page(setting):
    run = last(drawn=40, **setting)
    row = list(place.NAMED).index(run.at.design)
    usd, load, outage = run.found[row]
    assert f"costs {usd:,.0f} US$ a month" in run.reading
    better = [(other <= run.found[row]).all() and (other < run.found[row]).any()
              for other in run.found]  # fmt: skip
    assert run.better == sum(better)
    assert ("no design beats it" in run.reading) == (not run.better)
    assert ("keeps what the brief asks" in run.reading) == (run.misses[row] == 0)
    one = run.at.the_brief
    for build, misses in zip(place.NAMED.values(), run.misses, strict=True):
        assert misses == len(judge(one, build(one), one.traces).misses)
    axes = drawn_by(place, run)
    for ax, heights in zip(axes, (np.minimum(run.found[:, 1], 10), np.maximum(run.found[:, 2], 1)),
                           strict=True):  # fmt: skip
        on = drawn.curve(ax, color=style.BLUE)
        np.testing.assert_allclose(on[:, 0], run.found[run.front, 0])
        np.testing.assert_allclose(on[:, 1], heights[run.front])
        np.testing.assert_allclose(drawn.rings(ax), [[usd, heights[row]]])
    assert run.columns["misses"] == list(run.misses)
    assert load == run.columns["load (%)"][row] / 100
    assert outage == run.columns["outage (min a year)"][row]
    assert_legible(*axes)


def test_a_learners_design_is_marked():
    run = last(drawn=20)
    rides = brief("rides")
    left, right = drawn_by(place, run, mine={"design": usual(rides)})
    marks = place.marks(rides, usual(rides))
    assert diamonds(left).tolist() == [[marks.usd, marks.load]]
    assert diamonds(right).tolist() == [[marks.usd, marks.outage_min]]
