"""A table moved under writes: theory, the open model and its edits, real files, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import real_move, table_move
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


# --- real files ---------------------------------------------------------------------------------


def move(seed: int, protocol: str = SAFE, **parameters) -> table_move.MeasuredMove:
    settings = {"rows": 300, "chunk_rows": 20, "workload": "mixed", "schedule": "seeded"}
    return table_move.measure(protocol=protocol, seed=seed, **{**settings, **parameters})


@pytest.mark.usefixtures("leaves_nothing_behind")
class TestRealFiles:
    def test_twenty_online_moves_under_load_lose_and_double_nothing(self) -> None:
        for seed in range(1, 21):
            run = move(seed)
            assert (run.lost, run.stale, run.resurrected, run.in_both) == (0, 0, 0, 0)
            assert run.writes > 100

    def test_a_seeded_move_repeats_exactly(self) -> None:
        one, two = (move(3, "dual write") for _ in range(2))
        assert one.summary == two.summary

    @pytest.mark.parametrize("protocol", ["copy, then switch", "dual write"])
    def test_unsafe_moves_lose_writes_as_predicted(self, protocol: str) -> None:
        for seed in (1, 2, 3):
            run = move(seed, protocol, rows=2_000, chunk_rows=100, workload="updates")
            assert run.wrong > 0
            # Five standard deviations: a right formula is refused less than once in a million runs.
            assert abs(run.wrong - run.expected.sum()) < 5 * run.expected_sd

    def test_moving_in_real_threads(self) -> None:
        good = move(1, schedule="threads", run_s=0.3)
        assert good.wrong == 0
        assert good.writes > 0
        bad = move(1, "copy, then switch", schedule="threads", run_s=0.3)
        assert bad.wrong > 0

    def test_an_error_in_a_thread_reaches_the_caller(self, monkeypatch) -> None:
        def broken(state, row, version):
            raise RuntimeError("disk full")
            yield

        monkeypatch.setitem(real_move._WRITE, SAFE, broken)
        with pytest.raises(RuntimeError, match="disk full"):
            move(1, schedule="threads", run_s=0.1)


def forgets_the_log(state):
    yield from real_move._copy(state)
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    state.route = "new"


def forgets_the_last_replay(state):
    yield from real_move._copy(state)
    real_move._replay(state, real_move._changes_after(state, 0))
    yield
    yield
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    state.route = "new"


def forgets_the_fence(state):
    yield from real_move._copy(state)
    real_move._replay(state, real_move._changes_after(state, 0))
    yield
    state.route = "new"


def begins_one_row_late(state):
    last = state.old.rows("SELECT max(id) FROM users")[0][0]
    rows = state.old.rows("SELECT id, version FROM users WHERE id > 0 AND id <= ?", (last,))
    with state.new.transaction() as connection:
        connection.executemany("INSERT INTO users VALUES (?, ?)", rows)
    yield
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    real_move._replay(state, real_move._changes_after(state, 0))
    state.route = "new"


@pytest.mark.parametrize(
    "mutant", [forgets_the_log, forgets_the_last_replay, forgets_the_fence, begins_one_row_late]
)
def test_faulty_movers_are_caught(monkeypatch, mutant) -> None:
    monkeypatch.setitem(real_move._MOVE, SAFE, mutant)
    assert sum(move(seed).wrong for seed in range(1, 21)) > 0


def test_a_client_that_ignores_the_fence_is_caught(monkeypatch) -> None:
    def write(state, row, version):
        shard = state.old if state.route == "old" else state.new
        yield
        with shard.transaction() as connection:
            real_move._put(connection, row, version)
            if shard is state.old:
                connection.execute("INSERT INTO changes (id) VALUES (?)", (row,))

    monkeypatch.setitem(real_move._WRITE, SAFE, write)
    assert sum(move(seed).wrong for seed in range(1, 21)) > 0


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


def made_up(**changes) -> table_move.MeasuredMove:
    """A measurement with round numbers, for what is said of it."""
    at = table_move.Trial(rows=1_000, **{k: changes.pop(k) for k in ("workload", "protocol")
                                         if k in changes})  # fmt: skip
    counts = {"writes": 500, "lost": 1, "stale": 20, "resurrected": 3, "in_both": 0}
    parts = {
        "wrong_by_tenth": np.linspace(0.1, 0, 10),
        "writes_in_gap": np.full(1_000, 0.01),
        "writes_after": np.full(1_000, 0.02),
    }
    return table_move.MeasuredMove(at, **(counts | parts | changes))


def test_what_is_said_and_drawn_of_a_measurement() -> None:
    run = made_up()
    p = 1 - math.exp(-0.03)
    sd = math.sqrt(1_000 * p * (1 - p))
    assert run.expected == pytest.approx(p)
    assert run.wrong == 24
    told = ("500 acknowledged", "1,000 real rows moved", "1 row lost", "20 stale", "3 deleted rows")
    assert_tells(run.reading, *told)
    off = significant((1_000 * p - 24) / sd, 2)
    assert_tells(run.verdict, f"expects {significant(1_000 * p)} ± {significant(sd, 2)} wrong",
                 "24 are wrong", f"{off} standard", "agrees (tolerance 3)")  # fmt: skip
    assert "disagrees" in made_up(stale=200).verdict
    one = made_up(writes=1, lost=0, stale=0, resurrected=1, in_both=2)
    assert_tells(one.reading, "1 acknowledged write while", "1,000", "0 rows", "0 stale",
                 "1 deleted row back from the dead, 2 on both shards")  # fmt: skip
    assert "1 is wrong" in made_up(lost=0, stale=0, resurrected=1).verdict
    assert "nothing lost" in made_up(lost=0, stale=0, resurrected=0).reading
    dual = made_up(protocol="dual write")
    assert dual.expected == pytest.approx((1 - math.exp(-0.01)) * math.exp(-0.02))
    none = made_up(protocol=SAFE)
    assert none.verdict == "theory expects no wrong row, 24 are wrong: disagrees"
    assert made_up(protocol=SAFE, lost=0, stale=0, resurrected=0).verdict.endswith(": agrees")
    assert "no formula" in made_up(workload="mixed").verdict
    assert list(run.summary.values()) == [1_000, 500, 1, 20, 3, 0]
    assert_columns(run, np.arange(1, 11), run.wrong_by_tenth, np.full(10, p))
    (ax,) = drawn_by(table_move, run)
    seen = drawn.error_bars(ax, **style.MEASUREMENT)
    share = run.wrong_by_tenth
    reach = 2 * np.sqrt(share * (1 - share) / 100)
    np.testing.assert_allclose(seen, [np.arange(10) + 0.5, share, share - reach, share + reach])


def test_one_row_and_one_write_are_singular() -> None:
    at = table_move.Setting(rows=10, chunk_rows=1)
    run = table_move.TableMove(at, writes=1, stale_by_tenth=np.eye(10)[0], stale=1)
    expected = significant(table_move.theory(at).sum())
    assert_tells(run.reading, "1 write arrives while 10 rows", "1 row ends without its last write",
                 f"({expected} expected)")  # fmt: skip
