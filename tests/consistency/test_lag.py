"""Replication lag: closed forms, the open model on the checkers, its edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import lag
from helpers.consistency.lag import ANY, ASK_LEADER, KEEPS, SAME, WAIT
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent, significant
from tests import drawn
from tests.checks import assert_legible, assert_mean, diamonds, drawn_by, each_of
from tests.models import edited

MODEL = "helpers.consistency.lag:sessions"
SETTINGS = [{}, {"writes_per_s": 50.0}, {"followers": 2, "pause_ms": 10.0, "writes_per_s": 20.0},
            {"lag_ms": 1_000.0, "gap_ms": 5.0}, {"followers": 1}]  # fmt: skip
SEEDS = range(12)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_anomalies_are_those_of_the_closed_forms(setting):
    runs = [lag.simulate(seed=seed, **setting) for seed in SEEDS]
    exact = lag.theory(runs[0].at)
    for keeps in KEEPS:
        own, back = exact[keeps]
        assert_mean([run.each[keeps].own for run in runs], own, what=f"own, {keeps}")
        assert_mean([run.each[keeps].back for run in runs], back, what=f"back, {keeps}")
    missed = np.mean([run.missed for run in runs], axis=0)
    by_theory = lag.misses(runs[0].at, lag.moments(runs[0].at))
    assert np.abs(missed - by_theory).max() < 0.01  # 240,000 sessions, which are not independent


@pytest.mark.parametrize("setting", SETTINGS[:3], ids=str)
def test_waiting_takes_what_is_left_of_the_lag(setting):
    # Both reads wait for the own write alone if nobody else writes: the second no more.
    quiet = {**setting, "writes_per_s": 0.1, "gap_ms": 1_000.0}
    runs = [lag.simulate(seed=seed, **quiet) for seed in SEEDS]
    waited = [2 * run.each[WAIT].waited_ms for run in runs]
    assert_mean(waited, lag.waits_ms(runs[0].at), allowance=0.02)


def test_the_leader_answers_whoever_would_have_waited():
    for seed in SEEDS:
        run = lag.simulate(seed=seed, followers=1)
        first = run.missed[np.searchsorted(lag.moments(run.at), run.at.pause_ms)]
        assert run.each[ASK_LEADER].led >= first / 2 - 0.01
        assert run.each[ANY].waited_ms == run.each[ANY].led == 0


def means(model, runs=24, **setting):
    """What a model says on average: own writes missed, and second reads that go back."""
    outcomes = each_of(model, lag.Setting, runs, **setting)
    return {name: [one[name] for one in outcomes] for name in ("own", "back")}


@pytest.mark.parametrize("keeps", KEEPS)
def test_the_model_says_the_same_by_asking_the_checkers(keeps):
    own, back = lag.theory(lag.Setting())[keeps]
    seen = means(lag.sessions, keeps=keeps)
    assert_mean(seen["own"], own)
    assert_mean(seen["back"], back)


def test_the_edits():
    setting = {"pause_ms": 60.0, "gap_ms": 60.0}
    drawn_lags = "rng.exponential(1e-3 * at.lag_ms, (at.followers, FEW))"
    constant = edited(MODEL, drawn_lags, "1e-3 * at.lag_ms * np.ones((at.followers, FEW))")
    seen = means(constant, writes_per_s=0.1, **setting)
    assert np.mean(seen["own"]) == pytest.approx(0.5, abs=0.01)
    assert set(means(constant, **setting)["back"]) == {0.0}
    busy = means(constant, **setting)["own"]
    assert np.mean(busy) == pytest.approx(0.5, abs=0.01)
    newer = "np.minimum(arrives[follower], arrives[follower - 1])"
    two = edited(MODEL, "there = arrives[follower]", f"there = {newer}")
    assert (
        0
        < np.mean(means(two, **setting)["own"])
        < 0.8 * np.mean(means(lag.sessions, **setting)["own"])
    )
    forgets = edited(MODEL, "            seen = max(seen, -1 if value is None else value)\n", "")
    seen = means(forgets, keeps=WAIT, writes_per_s=50.0, **setting)
    assert set(seen["own"]) == {0.0}
    assert np.mean(seen["back"]) > 0
    assert set(means(lag.sessions, keeps=WAIT, writes_per_s=50.0, **setting)["back"]) == {0.0}


@pytest.mark.parametrize("keeps", KEEPS)
@pytest.mark.parametrize("setting", [SETTINGS[0], SETTINGS[4], {"lag_ms": 10.0, "pause_ms": 900.0}])
def test_the_page(keeps, setting):
    run = lag.simulate(keeps=keeps, **setting)
    at, exact = run.at, lag.theory(run.at)
    own, back = exact[keeps]
    words = run.reading
    assert words.startswith(f"{percent(run.kept.own)} of the reads miss")
    assert f"(theory {significant(100 * own)} %), and {percent(run.kept.back)} of" in words
    assert f"older than the first (theory {significant(100 * back)} %)" in words
    waits = f"A read waits {duration(round(1e-3 * run.kept.waited_ms, 6))}"
    assert (waits in words) == (keeps == WAIT)
    assert (f"answers {percent(run.kept.led)} of" in words) == (keeps == ASK_LEADER)
    soon, each = drawn_by(lag, run, mine={"own": 0.31, "back": 0.07})
    np.testing.assert_allclose(drawn.curve(soon, **style.SIMULATION)[:, 1], 100 * run.missed)
    np.testing.assert_allclose(
        drawn.curve(soon, **style.THEORY)[:, 1], 100 * lag.misses(at, lag.moments(at))
    )
    for color, part, which in ((style.BLUE, "own", 0), (style.ORANGE, "back", 1)):
        bars = drawn.bars(each, facecolor=color)
        shares = [100 * getattr(run.each[name], part) for name in KEEPS]
        np.testing.assert_allclose(bars.lengths, shares)
        table = run.table().iloc[:, 2 * which : 2 * which + 2].to_numpy()
        np.testing.assert_allclose(table[:, 0], shares)
        np.testing.assert_allclose(table[:, 1], [100 * exact[name][which] for name in KEEPS])
    assert sorted(diamonds(each)[:, 0]) == pytest.approx([7.0, 31.0])
    assert [t for t in drawn.ticks(each, "y").values() if t.startswith("▸")] != []
    waited = run.table()["waited (ms)"]
    np.testing.assert_allclose(waited, [run.each[name].waited_ms for name in KEEPS])
    assert_legible(*drawn_by(lag, run))


def test_the_theory_in_the_picture_is_the_theory():
    run = lag.simulate()
    _, each = drawn_by(lag, run)
    lines = [line for line in each.lines if line.get_gid() == "marks"]
    assert len(lines) == 2
    for line, which in zip(lines, (0, 1), strict=True):
        at = line.get_xdata().reshape(-1, 3)[:, 0]
        exact = [100 * lag.theory(run.at)[name][which] for name in KEEPS]
        np.testing.assert_allclose(at, exact)
    assert lag.theory(run.at)[SAME][1] == 0
