"""Prefetch: the published arithmetic, a closed network, the open model, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, percent
from helpers.messaging import prefetch
from tests import drawn
from tests.checks import (
    assert_legible,
    assert_mean,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.messaging.prefetch:one_consumer"
Setting = prefetch.Setting


def test_what_rabbitmq_s_authors_published():
    # Sackman 2012: 50 ms each way and 4 ms of work: busy 3.8 % of the time; 26 messages fill it.
    run = prefetch.simulate()
    assert f"{100 * run.busy_here:.1f}" == "3.8"
    assert prefetch.enough(run.at) == 26
    assert prefetch.simulate(prefetch=26).busy_here == pytest.approx(1.0)
    assert prefetch.simulate(prefetch=25).busy_here == pytest.approx(25 / 26)


def check_network(**values):
    at = Setting(work="exponential", **values)
    exact = prefetch.theory(at)
    runs = [prefetch.simulate(at.but(seed=seed)) for seed in range(40)]
    # The rate is what the network has; the share busy also carries the luck of the work.
    assert_mean([run.busy_here for run in runs], exact.busy, allowance=0.002)
    assert_mean(
        [run.held_here_s for run in runs], exact.held_s, allowance=0.01 * exact.held_s + 1e-12
    )


@pytest.mark.parametrize(
    "values", [{"prefetch": 26}, {"prefetch": 5, "one_way_ms": 4.0}, {"prefetch": 1}]
)
def test_random_work_makes_a_closed_network(values):
    check_network(**values)


def test_one_message_more_on_its_way_is_caught(monkeypatch):
    followed = prefetch._followed
    monkeypatch.setattr(
        prefetch, "_followed", lambda at, count, work: followed(at, count + 1, work)
    )
    with pytest.raises(AssertionError):
        check_network(prefetch=5, one_way_ms=4.0)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 26, 60])
def test_the_open_model_agrees(count):
    at = Setting(prefetch=count)
    mine, run = prefetch.one_consumer(at, Draws(1)), prefetch.simulate(at)
    # Neither run need end with a whole number of rounds.
    assert mine["busy"] == pytest.approx(run.busy_here, rel=0.01)
    assert mine["held_ms"] == pytest.approx(1e3 * run.held_here_s, abs=1e-6)
    random = runs_of(prefetch.one_consumer, Setting, prefetch=count, work="exponential")
    exact = prefetch.theory(at.but(work="exponential"))
    assert random["busy"] == pytest.approx(exact.busy, rel=0.06)


def test_acknowledging_every_tenth_needs_nine_more():
    tenth = edited(
        MODEL,
        "acknowledged[n - at.prefetch] if n >= at.prefetch else 0.0",
        "acknowledged[(n - at.prefetch) // 10 * 10 + 9] if n >= at.prefetch else 0.0",
    )
    many = runs_of(tenth, Setting, prefetch=40)
    assert many["busy"] == pytest.approx(1.0)
    few = runs_of(tenth, Setting, prefetch=26)
    assert few["busy"] < 0.8
    assert runs_of(prefetch.one_consumer, Setting, prefetch=26)["busy"] == pytest.approx(1.0)


def test_one_message_in_a_hundred_that_takes_long_starves_nobody_and_holds_all():
    slow = edited(
        MODEL,
        "        done = start + takes_s\n",
        "        if n % 100 == 0:\n            takes_s = 1.0\n        done = start + takes_s\n",
    )
    after = runs_of(slow, Setting, prefetch=50)
    assert after["held_ms"] > 300
    assert runs_of(prefetch.one_consumer, Setting, prefetch=50)["held_ms"] < 100


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"prefetch": 200, "work": "exponential"},
        {"one_way_ms": 0.0, "prefetch": 13},
        {"one_way_ms": 500.0, "work_ms": 1.0, "prefetch": 200},
    ],
)
def test_the_page(values):
    run = prefetch.simulate(**values)
    at, exact = run.at, prefetch.theory(run.at)
    assert (
        f"busy {percent(run.busy_here)} of the time (theory: {percent(exact.busy)})" in run.reading
    )
    assert f"for {duration(run.held_here_s)} before" in run.reading
    assert f"{prefetch.enough(at):,} message" in run.reading
    each = [prefetch.theory(at, count) for count in prefetch.COUNTS]
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[1], 100 * run.busy)
    np.testing.assert_allclose(columns[2], [100 * one.busy for one in each])
    np.testing.assert_allclose(columns[3], 1e3 * run.held_s)
    ax, held = drawn_by(prefetch, run, mine={"busy": 0.5, "held_ms": 1.0})
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY)[:, 1], [100 * one.busy for one in each]
    )
    np.testing.assert_allclose(drawn.curve(ax, **style.DOTS)[:, 1], 100 * run.busy)
    np.testing.assert_allclose(drawn.curve(held, **style.DOTS)[:, 1], 1e3 * run.held_s)
    assert drawn.rings(ax).tolist() == [[at.prefetch, 100 * run.busy_here]]
    assert diamonds(ax).tolist() == [[at.prefetch, 50.0]]
    assert_legible(*drawn_by(prefetch, run))
