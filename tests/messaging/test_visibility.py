"""The visibility timeout: theory, the open model and its edits, the replay, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.messaging import visibility
from tests import drawn
from tests.checks import (
    assert_legible,
    assert_mean,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.messaging.visibility:seen_again"
Setting = visibility.Setting


def check_timeouts(**values):
    runs = [visibility.simulate(seed=seed, **values) for seed in range(12)]
    for i, timeout in enumerate(visibility.TIMEOUTS):
        exact = visibility.theory(runs[0].at, timeout)
        assert_mean([run.twice.estimate[i] for run in runs], exact.twice, allowance=1e-3)
        assert_mean([run.took_s.estimate[i] for run in runs], exact.took_s)


@pytest.mark.parametrize("values", [{}, {"dies": 0.0}, {"dies": 0.5, "work_s": 2.0}])
def test_what_is_done_twice_and_how_long_it_takes(values):
    check_timeouts(**values)


def test_a_delivery_that_comes_too_early_is_caught(monkeypatch):
    true = visibility._followed
    monkeypatch.setattr(visibility, "_followed", lambda work, timeout: true(work, 0.9 * timeout))
    with pytest.raises(AssertionError):
        check_timeouts()


def test_theory_where_it_can_be_worked_out_by_hand():
    # Nobody dies and the timeout is long: done twice if work outlasts it and a second one starts.
    assert visibility.theory(Setting(dies=0.0), 3.0).twice == pytest.approx(math.exp(-3), rel=1e-3)
    # A timeout so long that nobody is ever overtaken: 1 / (1 - p) deliveries, the last one done.
    slow = visibility.theory(Setting(dies=0.5), 200.0)
    assert slow.took_s == pytest.approx(10 * (200 + 1))
    assert slow.twice == pytest.approx(0, abs=1e-9)


def test_the_defaults_of_sqs():
    assert Setting().visibility_s == 30
    with pytest.raises(ValueError, match=r"visibility_s must be .*<= 43200"):
        Setting(visibility_s=43_201)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, {"visibility_s": 10.0}, {"dies": 0.3}])
def test_the_open_model_tells_the_same_story(values):
    mine = runs_of(visibility.seen_again, Setting, **values)
    exact = visibility.theory(Setting(**values))
    error = math.sqrt(exact.twice * (1 - exact.twice) / 2_400)
    assert mine["twice"] == pytest.approx(exact.twice, abs=4.5 * error + 0.01)
    assert mine["took_s"] == pytest.approx(exact.took_s, rel=0.12)
    assert mine["never"] == 0


def test_a_heartbeat_ends_the_double_work_and_still_notices_a_death():
    beating = edited(
        MODEL,
        "        yield world.timeout(at.visibility_s)\n",
        "        yield world.timeout(at.visibility_s)\n"
        "        while message in in_hand:\n"
        "            yield world.timeout(at.visibility_s)\n",
    )
    after = runs_of(beating, Setting, visibility_s=5.0)
    assert runs_of(visibility.seen_again, Setting, visibility_s=5.0)["twice"] > 0.4
    assert after["twice"] == 0
    assert after["never"] == 0
    assert after["took_s"] < 12


def test_deleting_first_loses_what_its_consumer_takes_along():
    early = edited(
        MODEL,
        "            world.process(hidden(message))\n",
        "            world.process(hidden(message))\n            deleted.add(message)\n",
    )
    after = runs_of(early, Setting, dies=0.2)
    assert after["never"] == pytest.approx(0.2, abs=0.04)
    assert after["twice"] == 0


def test_who_looks_before_the_effect_does_nothing_twice():
    careful = edited(
        MODEL,
        "            effects[message] = effects.get(message, 0) + 1\n",
        "            if message in deleted:\n                continue\n"
        "            effects[message] = effects.get(message, 0) + 1\n",
    )
    after = runs_of(careful, Setting, visibility_s=5.0)
    assert after["twice"] == after["never"] == 0


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"visibility_s": 2.0},
        {"visibility_s": 100.0, "dies": 0.0},
        {"dies": 0.5, "work_s": 1.0, "visibility_s": 10.0},
    ],
)
def test_the_page(values):
    run = visibility.simulate(**values)
    at, exact = run.at, visibility.theory(run.at)
    twice, took = run.twice_here[0].estimate, run.took_here_s[0].estimate
    assert f"{percent(twice)} of the messages are done more than once" in run.reading
    assert f"(theory: {percent(exact.twice)})" in run.reading
    assert f"after {duration(took)} on average (theory: {duration(exact.took_s)})." in run.reading
    each = [visibility.theory(at, timeout) for timeout in visibility.TIMEOUTS]
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[0], at.work_s * np.array(visibility.TIMEOUTS))
    np.testing.assert_allclose(columns[1], 100 * run.twice.estimate)
    np.testing.assert_allclose(columns[2], [100 * one.twice for one in each])
    np.testing.assert_allclose(columns[3], run.took_s.estimate)
    np.testing.assert_allclose(columns[4], [one.took_s for one in each])
    ax, time = drawn_by(visibility, run, mine={"twice": 0.25, "took_s": 3.0})
    for panel, interval, scale in ((ax, run.twice, 100), (time, run.took_s, 1)):
        bar = drawn.error_bars(panel, **style.DOTS)
        np.testing.assert_allclose(bar.middle, scale * interval.estimate)
        np.testing.assert_allclose(bar.low, scale * interval.low)
        np.testing.assert_allclose(bar.high, scale * interval.high)
    points = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(
        points[:, 1], [100 * visibility.theory(at, v).twice for v in points[:, 0].tolist()]
    )
    assert drawn.rings(ax).tolist() == [[at.visibility_s / at.work_s, 100 * twice]]
    assert diamonds(ax).tolist() == [[at.visibility_s / at.work_s, 25.0]]
    assert_legible(*drawn_by(visibility, run))
    assert len(run.columns) == 5


def test_the_replay_shows_a_message_done_twice():
    log = visibility.watch(visibility_s=5.0)
    told = [log.told(row) for row in range(len(log.rows))]
    assert any("is done a second time" in each for each in told)
    assert any("again" in each for each in told)
    patient = visibility.watch(visibility_s=200.0, dies=0.0)
    assert not any("again" in patient.told(row) for row in range(len(patient.rows)))
