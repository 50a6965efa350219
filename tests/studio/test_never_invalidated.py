"""A hit ratio that is too good: exposed by a limit, and what the limit presumes."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent
from helpers.studio import never_invalidated as page
from helpers.studio import questions
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_mean, diamonds, drawn_by, runs_of
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.never_invalidated:read_through"
UPDATE = "            database += 1"


def misses_after_updates(run):
    pairs = list(zip(run["events"][:-1], run["events"][1:], strict=True))
    needed = sum(a == "update" and b == "read" for a, b in pairs)
    return bool(run["reads"] - run["hits"] >= needed)


def in_the_long_run(run):
    updates = len(run["events"]) - run["reads"]
    return bool(run["hits"] / run["reads"] <= 1.15 * run["reads"] / (run["reads"] + updates) + 0.01)


def test_a_limit_exposes_it_and_bounds_do_not():
    assert_exposes(page, "fresh", misses_after_updates, in_the_long_run)
    assert_not_fooled(page, "fresh", lambda run: run["hits"] < run["reads"])
    assert_alike(page)


@pytest.mark.parametrize("updates", [0.01, 0.1, 1.0, 10.0])
def test_the_repair_hits_as_theory_says(updates):
    at = page.Setting(updates=updates)
    runs = [page.invalidated(at, page.Draws(s)) for s in range(40)]
    # The very first read misses, too: less than 1 % of the reads, except where reads are few.
    hits = [run["hits"] / run["reads"] for run in runs]
    assert_mean(hits, page.theory(updates), allowance=2 / min(run["reads"] for run in runs))


def test_forgetting_is_the_repair():
    forgets = edited(MODEL, UPDATE, f"{UPDATE}\n            cache = None")
    run = page.Setting(), page.Draws(1)
    assert forgets(*run) == page.invalidated(page.Setting(), page.Draws(1))


def test_writing_to_both_breaks_the_law_and_is_fresh():
    both = edited(MODEL, UPDATE, f"{UPDATE}\n            cache = database")
    run = both(page.Setting(), page.Draws(1))
    assert run["hits"] >= run["reads"] - 1
    assert not misses_after_updates(run)
    # It is fresh and hits more than theory allows: what is said of theory says "filled by reads".
    fresh = edited(MODEL, UPDATE, f"{UPDATE}\n            cache = database",
                   "hits += 1", "hits += cache == database")  # fmt: skip
    assert fresh(page.Setting(), page.Draws(1))["hits"] == run["hits"]
    assert run["hits"] / run["reads"] > page.theory(page.Setting().updates) + 0.05
    (ax,) = drawn_by(page, page.simulate())
    legend = " ".join(drawn.written(ax))
    for said in (page.simulate().reading, legend, questions.PREDICTIONS["fresh"].question,
                 questions.GOALS["fresh"].asked):  # fmt: skip
        assert "filled by reads" in said


def test_the_suspect_gives_old_values():
    watched = edited(MODEL, "hits += 1", "hits += cache == database")
    fresh = runs_of(watched, page.Setting)
    assert fresh["hits"] < 0.1 * runs_of(page.read_through, page.Setting)["hits"]


@pytest.mark.parametrize("setting", [{}, {"updates": 0.005}, {"updates": 20.0}])
def test_the_page(setting):
    run = page.simulate(**setting)
    for share in (run.claimed_here, run.honest_here, page.theory(run.at.updates)):
        assert percent(share) in run.reading
    assert_columns(
        run,
        updates=page.UPDATES,
        suspect_hits=run.claimed,
        repaired_hits=run.honest,
        highest_fresh=[page.theory(updates) for updates in page.UPDATES],
    )
    (ax,) = drawn_by(page, run, mine={"hits": 30, "reads": 60})
    np.testing.assert_allclose(drawn.curve(ax, **CLAIMED)[:, 1], run.claimed)
    np.testing.assert_allclose(drawn.curve(ax, **HONEST)[:, 1], run.honest)
    exact = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(exact[:, 1], 1 / (1 + exact[:, 0]))
    assert diamonds(ax).tolist() == [[run.at.updates, 0.5]]
    assert_legible(*drawn_by(page, run))
