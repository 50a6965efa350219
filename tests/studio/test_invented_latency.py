"""The invented response time: exposed by a limit and not by Little's law, and cured by a line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.suspects import tried
from helpers.studio import invented_latency as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.invented_latency:by_formula"
CORNERS = [{}, {"load": 0.1, "servers": 1}, {"load": 2.0, "servers": 32}, {"load": 1.0}]


def limit(run):
    return run["work_s"] <= run["servers"] * run["run_s"]


def little(run):  # over a record in which all have left, the beginning and the end left out
    rate = run["came"] / run["run_s"]
    return abs(run["inside"] - rate * run["mean_s"]) <= 0.1 * run["inside"]


def test_a_limit_exposes_it_and_littles_law_does_not():
    assert_exposes(page, "formula", limit)
    assert_not_fooled(page, "formula", little, lambda run: run["answered"] <= run["came"])
    assert all(tried(page.SUSPECT, little).claimed)
    assert_alike(page)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.9])
def test_the_repair_is_a_queue(load):
    exact = page.theory(page.Setting(load=load))
    runs = [page.waiting_in_line(page.Setting(load=load), page.Draws(s)) for s in range(30)]
    means = np.array([run["mean_s"] for run in runs])
    error = means.std(ddof=1) / math.sqrt(means.size)
    # It begins empty, which makes it a little too quick: 4 % at 90 % of the load.
    assert abs(means.mean() - exact.mean_s) < 4.5 * error + 0.04 * exact.mean_s
    assert page.theory(page.Setting(load=1.0)).mean_s == math.inf


def test_the_repair_is_the_engine_of_the_foundations():
    at, draw = page.Setting(), page.Draws(1)
    comes = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, page.REQUESTS))
    work = draw("work").exponential(1e-3 * at.service_ms, page.REQUESTS)
    waits = fifo_waits(comes, work, at.servers)
    mine = page.waiting_in_line(at, page.Draws(1))
    assert mine["mean_s"] == pytest.approx((waits + work).mean())


def test_another_formula_does_no_less():
    steeper = edited(MODEL, "1 + at.load**2", "1 + 2 * at.load**4")
    for load in (1.01, 1.2, 2.0):
        before, after = (runs_of(model, page.Setting, 2, load=load)
                         for model in (page.by_formula, steeper))  # fmt: skip
        assert after["mean_s"] > before["mean_s"]
        assert load < 1.2 or not limit(after)


def test_a_line_makes_it_honest():
    engine = "from helpers.foundations.queueing import fifo_waits\n\n\ndef by_formula"
    cured = edited(MODEL, "def by_formula", engine, "work * (1 + at.load**2)",
                   "work + fifo_waits(comes, work, at.servers)")  # fmt: skip
    mine = runs_of(cured, page.Setting, 1)
    assert mine["mean_s"] == pytest.approx(page.simulate().honest_here[0])
    assert limit(mine)


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = page.simulate(**setting)
    at, exact = run.at, page.theory(run.at)
    for said in (percent(at.load), duration(run.claimed_here[0]), duration(run.honest_here[0]),
                 percent(run.claimed_here[1]), percent(run.honest_here[1])):  # fmt: skip
        assert said in run.reading
    long_run = duration(exact.mean_s) if at.load < 1 else "it grows for as long"
    assert long_run in run.reading
    assert_columns(
        run,
        load=page.LOADS,
        suspect_=1e3 * run.claimed[:, 0],
        repaired_=1e3 * run.honest[:, 0],
        theory=[1e3 * page.theory(at, load).mean_s for load in page.LOADS],
        suspect_busy=run.claimed[:, 1],
        repaired_busy=run.honest[:, 1],
    )
    mine = {"mean_s": 0.05, "work_s": 8.0, "run_s": 2.0}
    ax, work = drawn_by(page, run, mine=mine)
    for one, column, scale in ((ax, 0, 1e3), (work, 1, 1)):
        np.testing.assert_allclose(
            drawn.curve(one, **CLAIMED)[:, 1], scale * run.claimed[:, column]
        )
        np.testing.assert_allclose(drawn.curve(one, **HONEST)[:, 1], scale * run.honest[:, column])
    curve = drawn.curve(ax, **style.THEORY)
    assert curve[20, 1] == pytest.approx(1e3 * page.theory(at, curve[20, 0]).mean_s)
    assert drawn.curve(work, **style.THEORY)[:2].tolist() == [[0, 0], [1, 1]]
    assert diamonds(ax).tolist() == [[at.load, 50.0]]
    assert diamonds(work).tolist() == [[at.load, 4.0 / at.servers]]
    assert_legible(*drawn_by(page, run))
