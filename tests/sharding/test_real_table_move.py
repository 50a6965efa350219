"""Real rows moved between SQLite files, beside theory for the writes that came."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import real_move, real_table_move
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns

SAFE = "copy, replay, fenced switch"


def move(seed: int, protocol: str = SAFE, **parameters) -> real_table_move.MeasuredMove:
    settings = {"rows": 300, "chunk_rows": 20, "workload": "mixed", "schedule": "seeded"}
    return real_table_move.measure(protocol=protocol, seed=seed, **{**settings, **parameters})


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


def made_up(**changes) -> real_table_move.MeasuredMove:
    """A measurement with round numbers, for what is said of it."""
    at = real_table_move.Trial(rows=1_000, **{k: changes.pop(k) for k in ("workload", "protocol")
                                         if k in changes})  # fmt: skip
    counts = {"writes": 500, "lost": 1, "stale": 20, "resurrected": 3, "in_both": 0}
    parts = {
        "wrong_by_tenth": np.linspace(0.1, 0, 10),
        "writes_in_gap": np.full(1_000, 0.01),
        "writes_after": np.full(1_000, 0.02),
    }
    return real_table_move.MeasuredMove(at, **(counts | parts | changes))


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
    (ax,) = drawn_by(real_table_move, run)
    seen = drawn.error_bars(ax, **style.MEASUREMENT)
    share = run.wrong_by_tenth
    reach = 2 * np.sqrt(share * (1 - share) / 100)
    np.testing.assert_allclose(seen, [np.arange(10) + 0.5, share, share - reach, share + reach])
