"""Customers who give up: the published example, theory, the open model, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.messaging import impatience
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited

MODEL = "helpers.messaging.impatience:callers"
Setting = impatience.Setting


@pytest.mark.parametrize(
    "values",
    [{}, {"agents": 8}, {"calls_per_h": 600.0, "agents": 28, "patience_min": 2.0}, {"agents": 1}],
)
def test_the_formulas_that_mandelbaum_and_zeltyn_give(values):
    # "The Palm/Erlang-A queue", 2005: the chance of waiting from Erlang's B and the function
    # A(x, y) = 1 + y / (x + 1) + y^2 / ((x + 1) (x + 2)) + ..., and from it who gives up.
    at = Setting(**values)
    x = at.agents * at.patience_min / at.call_min
    y = at.calls_per_h / 60 * at.patience_min
    terms = np.cumprod(y / (x + np.arange(1, 4_000)))
    a, blocked = 1 + terms.sum(), queueing.erlang_b(at.load, at.agents)
    wait = a * blocked / (1 + (a - 1) * blocked)
    rho = at.load / at.agents
    give_up = wait * (1 / (rho * a) + 1 - 1 / rho)
    exact = impatience.theory(at)
    assert exact.wait == pytest.approx(wait)
    assert exact.give_up == pytest.approx(give_up)
    assert exact.utilisation == pytest.approx(rho * (1 - give_up))


@pytest.mark.parametrize(
    "values",
    [{}, {"agents": 8}, {"calls_per_h": 600.0, "agents": 28, "patience_min": 2.0}],
)
def test_callers_do_what_erlang_a_says(values):
    check_callers(**values)


def check_callers(**values):
    run = impatience.simulate(replications=60, **values)
    exact = impatience.theory(run.at)
    z = 4.5 / 2.0
    for interval, expected in ((run.wait, exact.wait), (run.give_up, exact.give_up)):
        assert abs(interval.estimate - expected) < z * interval.half_width + 0.002
    assert run.utilisation == pytest.approx(exact.utilisation, rel=0.02)
    assert run.waited_min == pytest.approx(exact.waited_min, rel=0.15)


def test_callers_of_twice_the_patience_are_caught(monkeypatch):
    true = impatience._followed

    def patient(agents, settled, gaps, talks, patience):
        return true(agents, settled, gaps, talks, [2 * each for each in patience])

    monkeypatch.setattr(impatience, "_followed", patient)
    with pytest.raises(AssertionError):
        check_callers(agents=8)


def test_with_endless_patience_it_is_erlang_c_and_with_none_erlang_b():
    at = Setting(patience_min=60.0)
    assert impatience.theory(at).wait == pytest.approx(impatience.patient(at), abs=0.006)
    assert impatience.patient(at) == pytest.approx(queueing.erlang_c(10.0, 14))
    hasty = impatience.theory(Setting(patience_min=1e-6))
    assert hasty.wait == pytest.approx(queueing.erlang_b(10.0, 14), abs=1e-5)
    assert hasty.give_up == pytest.approx(hasty.wait, abs=1e-4)


def test_the_largest_crowd_fits():
    at = Setting(calls_per_h=2_000.0, agents=1, patience_min=60.0)
    exact = impatience.theory(at)
    assert exact.utilisation == pytest.approx(1)
    assert exact.give_up == pytest.approx(1 - 20 / 2_000)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, {"agents": 8}])
def test_the_open_model_tells_the_same_story(values):
    mine = runs_of(impatience.callers, Setting, **values)
    exact = impatience.theory(Setting(**values))
    assert mine["wait"] == pytest.approx(exact.wait, abs=0.05)
    assert mine["give_up"] == pytest.approx(exact.give_up, abs=0.02)


def test_without_patience_s_end_everybody_waits_and_overload_is_a_queue_without_end():
    endless = edited(MODEL, "yield my_turn | patience", "yield my_turn")
    after = runs_of(endless, Setting)
    assert after["give_up"] == 0
    assert after["wait"] == pytest.approx(impatience.patient(Setting()), abs=0.06)
    assert runs_of(endless, Setting, agents=8)["wait"] > 0.97


def test_those_who_call_again_undo_half_of_what_giving_up_had_mended():
    again = edited(
        MODEL,
        "            if answered:\n",
        "            if not answered:\n"
        "                world.process(call_again())\n"
        "            if answered:\n",
        "    def traffic():\n",
        "    def call_again():\n"
        "        yield world.timeout(draw(\"pause\").exponential(5))\n"
        "        world.process(call())\n\n"
        "    def traffic():\n",
    )  # fmt: skip
    before = runs_of(impatience.callers, Setting, agents=10)
    after = runs_of(again, Setting, agents=10)
    assert after["give_up"] > 1.15 * before["give_up"]
    assert after["wait"] > before["wait"] + 0.04


def test_whoever_is_told_the_queue_is_long_leaves_at_once():
    told = edited(
        MODEL,
        "        with agents.request()",
        "        if len(agents.queue) >= 2:\n"
        "            fates.append((0, False))\n"
        "            return\n"
        "        with agents.request()",
    )
    before = runs_of(impatience.callers, Setting, agents=8)
    after = runs_of(told, Setting, agents=8)
    assert after["wait"] < before["wait"] - 0.2
    assert after["give_up"] > before["give_up"]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"agents": 1},
        {"agents": 40, "calls_per_h": 20.0},
        {"calls_per_h": 600.0, "agents": 30, "patience_min": 30.0},
        {"agents": 10},
    ],
)
def test_the_page(values):
    run = impatience.simulate(**values)
    at, exact = run.at, impatience.theory(run.at)
    assert f"{percent(run.wait.estimate)} of the callers wait (theory: {percent(exact.wait)})" in (
        run.reading
    )
    assert f"{percent(run.give_up.estimate)} give up (theory: {percent(exact.give_up)})" in (
        run.reading
    )
    assert f"(theory: {percent(exact.utilisation)})" in run.reading
    assert f"mean wait is {duration(60 * run.waited_min)}." in run.reading
    assert ("without end" in run.reading) == (at.load >= at.agents)
    agents, *columns = run.columns.values()
    each = [impatience.theory(at, n) for n in agents]
    np.testing.assert_allclose(columns[0], [100 * one.wait for one in each])
    np.testing.assert_allclose(columns[1], [100 * one.give_up for one in each])
    np.testing.assert_allclose(columns[3], [100 * one.utilisation for one in each])
    wait, give_up = drawn_by(impatience, run, mine={"wait": 0.5, "give_up": 0.1})
    for panel, interval, column in ((wait, run.wait, 0), (give_up, run.give_up, 1)):
        bar = drawn.error_bars(panel, **style.DOTS)
        assert [*bar.middle, *bar.low, *bar.high] == pytest.approx(
            [100 * interval.estimate, 100 * interval.low, 100 * interval.high]
        )
        np.testing.assert_allclose(drawn.curve(panel, **style.THEORY)[:, 1], columns[column])
    assert diamonds(give_up).tolist() == [[at.agents, 10.0]]
    assert_legible(*drawn_by(impatience, run))
