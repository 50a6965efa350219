"""A table moved under writes: theory, the open model and its edits, real files, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import table_move
from tests import drawn
from tests.checks import assert_tells, drawn_by, runs_of
from tests.models import edited
from tests.sharding.checks import SEEDS, assert_columns, within

MODEL = "helpers.sharding.table_move:dual_write"
SAFE = "copy, replay, fenced switch"


def by_tenth(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows).reshape(10, -1).mean(axis=1)


# --- theory and simulation ----------------------------------------------------------------------


def test_stale_rows_limits() -> None:
    at = table_move.Setting(chunk_rows=1)
    rows = table_move.theory(at)
    assert rows[0] == pytest.approx(1 - math.exp(-1), abs=1e-3)
    assert rows[5_000] == pytest.approx(1 - math.exp(-0.5), abs=1e-3)
    assert rows[-1] < 0.002
    whole = at.but(protocol="dual write", writes_per_row=3.0, chunk_rows=10_000)
    assert table_move.theory(whole) == pytest.approx(1 - math.exp(-3))
    assert table_move.theory(at.but(protocol=SAFE)).max() == 0


@pytest.mark.parametrize("protocol", table_move.PROTOCOLS[:2])
def test_stale_rows_follow_the_formula_by_place(protocol: str) -> None:
    setting = {"protocol": protocol, "chunk_rows": 500, "rows": 5_000}
    runs = [table_move.simulate(**setting, seed=s) for s in SEEDS]
    exact = by_tenth(table_move.theory(runs[0].at))
    for tenth in range(10):
        assert within([run.stale_by_tenth[tenth] for run in runs], exact[tenth])


def test_replaying_the_log_leaves_nothing_stale() -> None:
    for seed in SEEDS:
        run = table_move.simulate(protocol=SAFE, seed=seed)
        assert run.stale == 0
        assert run.writes > 9_000


def test_a_chunk_larger_than_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk_rows"):
        table_move.Setting(rows=100)


# --- the open model -----------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_rows", [40, 500])
def test_the_open_model_is_the_fast_one_and_the_formula(chunk_rows: int) -> None:
    setting = {"protocol": "dual write", "rows": 2_000, "chunk_rows": chunk_rows}
    at = table_move.Setting(**setting)
    runs = [runs_of(table_move.dual_write, table_move.Setting, runs=1, **setting, seed=s)
            for s in range(1, 13)]  # fmt: skip
    exact = by_tenth(table_move.theory(at))
    for tenth in range(10):
        assert within([run["stale_by_tenth"][tenth] for run in runs], exact[tenth])
    assert within([run["stale"] for run in runs], 2_000 * exact.mean())


HARD = {"protocol": "dual write", "rows": 2_000, "chunk_rows": 1_000, "writes_per_row": 3.0}


def test_the_newest_wins() -> None:
    newest = edited(
        MODEL,
        "            new[chunk] = copy\n",
        "            new[chunk] = [max(pair) for pair in zip(copy, new[chunk])]\n",
    )
    assert runs_of(table_move.dual_write, table_move.Setting, **HARD)["stale"] > 500
    assert runs_of(newest, table_move.Setting, **HARD)["stale"] == 0


def test_writing_once_is_copy_then_switch() -> None:
    once = edited(MODEL, "            new[row] = old[row]\n", "")
    at = table_move.Setting(**HARD | {"protocol": "copy, then switch"})
    runs = [runs_of(once, table_move.Setting, runs=1, **at.but(seed=s).values()) for s in range(12)]
    exact = by_tenth(table_move.theory(at))
    for tenth in range(10):
        assert within([run["stale_by_tenth"][tenth] for run in runs], exact[tenth])


def test_a_log_that_is_replayed_loses_nothing() -> None:
    logged = edited(
        MODEL,
        "    chunks = ",
        "    log = []\n    chunks = ",
        "            new[row] = old[row]\n",
        "            log.append(row)\n",
        "            new[chunk] = copy\n",
        "            new[chunk] = copy\n        for row in log:\n            new[row] = old[row]\n",
    )
    assert runs_of(logged, table_move.Setting, **HARD)["stale"] == 0


# --- what the learner sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [{}, {"protocol": "dual write", "writes_per_row": 5.0}, {"protocol": SAFE, "chunk_rows": 9_999},
     {"writes_per_row": 0.0}],
)  # fmt: skip
def test_what_is_said_and_drawn_of_a_simulation(setting: dict) -> None:
    run = table_move.simulate(**setting)
    exact = table_move.theory(run.at)
    (ax,) = drawn_by(table_move, run, mine={"stale_by_tenth": run.stale_by_tenth / 3})
    seen = drawn.bars(ax, facecolor=style.BLUE)
    assert seen.places.tolist() == [0.5 + tenth for tenth in range(10)]
    assert seen.ends == pytest.approx(run.stale_by_tenth)
    steps = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(steps[:-1, 1], by_tenth(exact))
    mine = drawn.curve(ax, label="your model")
    np.testing.assert_allclose(mine, np.column_stack((seen.places, run.stale_by_tenth / 3)))
    phrases = [f"{run.writes:,} writes arrive while {run.at.rows:,} rows move"]
    phrases += [f"{run.stale:,} rows end"] if run.stale else []
    assert_tells(run.reading, *phrases, f"({significant(exact.sum())} expected)")
    assert ("not one row ends stale" in run.reading) == (run.stale == 0)
    assert list(run.summary.values()) == [10_000, run.writes, run.stale, pytest.approx(exact.sum())]
    assert_columns(run, np.arange(1, 11), run.stale_by_tenth, by_tenth(exact))


def test_one_row_and_one_write_are_singular() -> None:
    at = table_move.Setting(rows=10, chunk_rows=1)
    run = table_move.TableMove(at, writes=1, stale_by_tenth=np.eye(10)[0], stale=1)
    expected = significant(table_move.theory(at).sum())
    assert_tells(run.reading, "1 write arrives while 10 rows", "1 row ends without its last write",
                 f"({expected} expected)")  # fmt: skip
