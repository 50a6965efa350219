"""A counter in pieces: waits against M/M/1, staleness, the simpy model, the edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.consistency import sharded_counter
from helpers.consistency.sharded_counter import MANY, ROWS
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    caught,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.consistency.sharded_counter:like_it"
SEEDS = range(30)
SETTINGS = [{}, {"rows": 8}, {"likes_rps": 500.0, "refresh_s": 5.0}, {"rows": 64},
            {"likes_rps": 1.0, "refresh_s": 0.1}]  # fmt: skip


@pytest.mark.parametrize("setting", [{}, {"rows": 2, "likes_rps": 300.0}, {"rows": 5}])
def test_each_row_is_a_queue_of_its_own(setting):
    runs = [sharded_counter.simulate(**setting, seed=seed) for seed in SEEDS]
    at = runs[0].at
    warm = slice(MANY // 10, None)
    for place, k in enumerate((*ROWS, at.rows)):
        expected = float(sharded_counter.theory(at, np.array([k])).took_s[0])
        if math.isfinite(expected):
            took = [run.took_s[place, warm].mean() for run in runs]
            assert_mean(took, expected)
            caught(assert_mean, took, 1.1 * expected)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_sum_is_half_a_period_old(setting):
    behind = [sharded_counter.simulate(**setting, seed=seed).behind.mean() for seed in SEEDS]
    at = sharded_counter.Setting(**setting)
    assert_mean(behind, sharded_counter.theory(at, ROWS).behind)


def test_rows_that_cannot_keep_up_have_no_mean():
    at = sharded_counter.Setting(likes_rps=500.0)
    assert at.utilisation == pytest.approx(2.5)
    took = sharded_counter.theory(at, np.array([1, 2, 3])).took_s
    assert [math.isinf(one) for one in took] == [True, True, False]
    run = sharded_counter.simulate(at)
    assert run.took_s[-1, -100:].mean() > 5 * run.took_s[-1, :1000].mean()


@pytest.mark.parametrize("setting", [{"rows": 8}, {"rows": 2, "refresh_s": 0.5}])
def test_the_model_is_the_simulation(setting):
    took = [
        runs_of(sharded_counter.like_it, sharded_counter.Setting, 2, **setting, seed=seed)
        for seed in range(12)
    ]
    at = sharded_counter.Setting(**setting)
    # A short run begins with empty rows, which makes likes a little quicker.
    expected = float(sharded_counter.theory(at, np.array([at.rows])).took_s[0])
    assert_mean([one["took_s"] for one in took], expected, allowance=0.02 * expected)
    behind = sharded_counter.theory(at, ROWS).behind
    assert_mean([one["behind"] for one in took], behind, allowance=0.1 * behind)


def took_ms(model, **setting):
    return 1e3 * runs_of(model, sharded_counter.Setting, 8, **setting)["took_s"]


def test_one_lock_for_all_rows_is_one_row():
    one = edited(MODEL, "with rows[mine].request()", "with rows[0].request()")
    assert took_ms(one, rows=8) == took_ms(sharded_counter.like_it, rows=1)
    assert took_ms(one, rows=8) > 3 * took_ms(sharded_counter.like_it, rows=8)


def test_rows_that_are_not_chosen_evenly():
    hot = edited(MODEL, 'int(draw("rows").integers(at.rows))',
                 'int(at.rows * draw("rows").random() ** 3)')  # fmt: skip
    usual = took_ms(sharded_counter.like_it, rows=8)
    assert took_ms(hot, rows=8) == pytest.approx(1.2 * usual, rel=0.06)
    busy = took_ms(hot, rows=8, likes_rps=300.0)
    assert busy > 1.7 * took_ms(sharded_counter.like_it, rows=8, likes_rps=300.0)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_page(setting):
    run = sharded_counter.simulate(**setting)
    at, said = run.at, run.reading
    exact = sharded_counter.theory(at, np.array([at.rows]))
    assert f"(theory {significant(exact.behind)})" in said
    assert f"behind by {significant(round(run.behind.mean(), 6))} like" in said
    if at.utilisation >= 1:
        assert f"locked {significant(at.utilisation)} times" in said
    else:
        assert duration(round(run.here_s, 7)) in said
        assert f"(theory {duration(float(exact.took_s[0]))})" in said
    late = run.took_s[:-1, MANY // 10 :].mean(axis=1)
    every = sharded_counter.theory(at, ROWS).took_s
    assert_columns(run, rows=ROWS, a_like_takes=1e3 * late, theory=1e3 * every)
    waits, stale = drawn_by(sharded_counter, run, mine={"took_s": 0.01, "behind": 30.0})
    dots = drawn.curve(waits, color=style.BLUE, marker="o")
    np.testing.assert_allclose(dots, np.column_stack([ROWS, np.minimum(late, 20.0)]))
    line = drawn.curve(waits, **style.THEORY)
    np.testing.assert_allclose(line[:, 1], sharded_counter.theory(at, line[:, 0]).took_s)
    (point,) = drawn.curve(stale, color=style.BLUE, marker="o")
    np.testing.assert_allclose(point, [at.refresh_s, max(run.behind.mean(), 0.05)])
    line = drawn.curve(stale, **style.THEORY)
    rate = min(at.likes_rps, 1e3 * at.rows / at.hold_ms)
    np.testing.assert_allclose(line[:, 1], rate * line[:, 0] / 2)
    assert drawn.here(waits) == at.rows
    assert drawn.here(stale) == at.refresh_s
    np.testing.assert_allclose(diamonds(waits), [[at.rows, 0.01]])
    np.testing.assert_allclose(diamonds(stale), [[at.refresh_s, 30.0]])
    assert_legible(waits, stale)
