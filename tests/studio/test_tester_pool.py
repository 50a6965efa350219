"""A clock that starts too late: exposed by Little's law."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.studio import tester_pool as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.tester_pool:pool_of_threads"


def little(run):
    return bool(abs(run["rate_rps"] * run["mean_s"] - run["waiting"]) <= 0.1 * run["waiting"])


def test_littles_law_exposes_it_and_order_does_not():
    assert_exposes(page, "tester", little)
    assert_not_fooled(page, "tester", lambda run: bool(run["p99_s"] >= 0))
    assert_alike(page)


@pytest.mark.parametrize("stall_s", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("threads", [10, 1_000])
def test_the_repair_counts_from_when_they_are_due(stall_s, threads):
    at = page.Setting(stall_s=stall_s, threads=threads)
    run = page.tester_on_time(at, page.Draws(1))
    assert run["p99_s"] == pytest.approx(page.theory(at), abs=0.03)


def test_nobody_is_sent_late_where_threads_abound():
    claimed, honest = (
        runs_of(model, page.Setting, 1, threads=300)
        for model in (page.pool_of_threads, page.tester_on_time)
    )
    assert claimed == honest


def test_a_clock_that_starts_when_it_is_due_is_the_repair():
    due = edited(MODEL, "answer - sent", "answer - due")
    honest = runs_of(page.tester_on_time, page.Setting, 1)
    assert runs_of(due, page.Setting, 1) == honest
    assert honest["p99_s"] > 50 * runs_of(page.pool_of_threads, page.Setting, 1)["p99_s"]


@pytest.mark.parametrize("setting", [{}, {"stall_s": 0.0}, {"stall_s": 5.0, "threads": 1},
                                     {"stall_s": 5.0, "threads": 1_000}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at = run.at
    for said in (duration(run.claimed_here[0]), duration(run.honest_here[0]),
                 f"means {significant(run.claimed_here[2])} users",
                 f"counted are {significant(run.claimed_here[3])}."):  # fmt: skip
        assert said in run.reading
    assert run.claimed_here[2] == pytest.approx(100 * run.claimed_here[1])
    assert_columns(
        run,
        stall=page.STALLS_S,
        suspect_p99=run.claimed[:, 0],
        repaired_p99=run.honest[:, 0],
        theory_p99=[page.theory(at, stall) for stall in page.STALLS_S],
        **{"suspect:_waiting": run.claimed[:, 2], "repaired:_waiting": run.honest[:, 2]},
        waiting=run.claimed[:, 3],
    )
    mine = {"p99_s": 0.5, "rate_rps": 100, "mean_s": 0.07}
    ax, waiting = drawn_by(page, run, mine=mine)
    for one, column in ((ax, 0), (waiting, 2)):
        np.testing.assert_allclose(drawn.curve(one, **CLAIMED)[:, 1], run.claimed[:, column])
        np.testing.assert_allclose(drawn.curve(one, **HONEST)[:, 1], run.honest[:, column])
    assert drawn.curve(ax, **style.THEORY)[-1].tolist() == [5, page.theory(at, 5.0)]
    np.testing.assert_allclose(drawn.curve(waiting, **style.THEORY)[:, 1], run.claimed[:, 3])
    assert diamonds(ax).tolist() == [[at.stall_s, 0.5]]
    np.testing.assert_allclose(diamonds(waiting), [[at.stall_s, 7.0]])
    assert_legible(*drawn_by(page, run))
