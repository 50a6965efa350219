"""Real files and threads: nothing is lost, faults lose something, everything is cleaned up."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from helpers import sharding
from helpers.sharding.measurement import online_move
from tests.measurements import had_time

SAFE = "copy, replay, fenced switch"


@pytest.fixture(autouse=True)
def leaves_nothing_behind():
    """Every measurement must remove its files and end its threads."""
    folder = Path(tempfile.gettempdir())
    files, threads = set(folder.glob("shards-*")), threading.active_count()
    yield
    assert set(folder.glob("shards-*")) <= files
    assert threading.active_count() <= threads


def move(seed, protocol=SAFE, **parameters):
    settings = {"rows": 300, "chunk_rows": 20, "workload": "mixed", "schedule": "seeded"}
    return sharding.measure_online_move(protocol=protocol, seed=seed, **{**settings, **parameters})


def test_twenty_online_moves_under_load_lose_and_double_nothing():
    for seed in range(1, 21):
        run = move(seed)
        assert (run.lost, run.stale, run.resurrected, run.in_both) == (0, 0, 0, 0)
        assert run.writes > 100


def test_a_seeded_move_repeats_exactly():
    one, two = (move(3, "dual write") for _ in range(2))
    assert one.summary == two.summary


@pytest.mark.parametrize("protocol", ["copy, then switch", "dual write"])
def test_unsafe_moves_lose_writes_as_predicted(protocol):
    for seed in (1, 2, 3):
        run = move(seed, protocol, rows=2_000, chunk_rows=100, workload="updates")
        assert run.wrong > 0
        # Five standard deviations: a right formula is refused less than once in a million runs.
        assert abs(run.wrong - run.theory_wrong) < 5 * run.theory_sd


def forgets_the_log(state):
    yield from online_move._copy(state)
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    state.route = "new"


def forgets_the_last_replay(state):
    yield from online_move._copy(state)
    online_move._replay(state, online_move._changes_after(state, 0))
    yield
    yield
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    state.route = "new"


def forgets_the_fence(state):
    yield from online_move._copy(state)
    online_move._replay(state, online_move._changes_after(state, 0))
    yield
    state.route = "new"


def begins_one_row_late(state):
    last = state.old.rows("SELECT max(id) FROM users")[0][0]
    rows = state.old.rows("SELECT id, version FROM users WHERE id > 0 AND id <= ?", (last,))
    state.read_at.append(0)
    with state.new.transaction() as connection:
        connection.executemany("INSERT INTO users VALUES (?, ?)", rows)
    state.written_at.append(0)
    yield
    with state.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    online_move._replay(state, online_move._changes_after(state, 0))
    state.route = "new"


@pytest.mark.parametrize(
    "mutant", [forgets_the_log, forgets_the_last_replay, forgets_the_fence, begins_one_row_late]
)
def test_faulty_movers_are_caught(monkeypatch, mutant):
    monkeypatch.setitem(online_move._MOVE, SAFE, mutant)
    assert sum(move(seed).wrong for seed in range(1, 21)) > 0


def test_a_client_that_ignores_the_fence_is_caught(monkeypatch):
    def write(state, row, version):
        shard = state.old if state.route == "old" else state.new
        yield
        with shard.transaction() as connection:
            online_move._put(connection, row, version)
            if shard is state.old:
                connection.execute("INSERT INTO changes (id) VALUES (?)", (row,))

    monkeypatch.setitem(online_move._WRITE, SAFE, write)
    assert sum(move(seed).wrong for seed in range(1, 21)) > 0


def test_moving_in_real_threads():
    good = move(1, schedule="threads", seconds=0.3)
    assert good.wrong == 0
    assert good.writes > 0
    bad = move(1, "copy, then switch", schedule="threads", seconds=0.3)
    assert bad.wrong > 0


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch):
    def broken(state, row, version):
        raise RuntimeError("disk full")
        yield

    monkeypatch.setitem(online_move._WRITE, SAFE, broken)
    with pytest.raises(RuntimeError, match="disk full"):
        move(1, schedule="threads", seconds=0.1)


def test_writers_fill_one_file_or_all():
    run = sharding.measure_shard_writers(design="range", writers=(8,), seconds=0.3)
    assert run.rows[0, :-1].sum() == 0
    even = sharding.measure_shard_writers(design="hash", writers=(8,), seconds=0.3)
    assert (even.rows[0] > 0).all()
    if had_time(run.verdict) and had_time(even.verdict):
        # Four files against one: 8 writers get 8 * 4 / 11 = 2.9 times as much done.
        assert even.throughput[0].mean > 1.5 * run.throughput[0].mean
        assert even.throughput[0].mean == pytest.approx(float(even.theory_rps[0]), rel=0.35)


def test_worker_queues_obey_lindley():
    run = sharding.measure_worker_queues(seconds=0.6)
    assert run.requests == int(400 * 0.6)
    # The recursion is exact; what is left is the time it takes a thread to wake.
    assert np.nanmin(run.mean_s - run.replay_s) > -1e-9
    if had_time(run.verdict):
        assert np.nanmax(run.mean_s - run.replay_s) < 0.005
    planned = sharding.simulate_worker_queues(seconds=0.6)
    assert run.hot_worker == planned.hot_worker
    assert run.utilisation.argmax() == planned.utilisation.argmax()


def test_gathered_sums_are_right_and_later_with_more_shards():
    run = sharding.measure_scatter_gather(fan_outs=(1, 16), queries=25, single_queries=200)
    assert run.correct
    if had_time(run.verdict):
        assert run.median[1].estimate > 1.5 * run.median[0].estimate
    assert run.predicted_s[15] > run.predicted_s[0]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: sharding.measure_online_move(protocol="hope"), "protocol"),
        (lambda: sharding.measure_online_move(protocol=SAFE, rows=5), "rows"),
        (lambda: sharding.measure_online_move(protocol=SAFE, chunk_rows=9_999), "chunk_rows"),
        (lambda: sharding.measure_online_move(protocol=SAFE, schedule="fair"), "schedule"),
        (lambda: sharding.measure_shard_writers(design="hash", writers=(0,)), "writers"),
        (lambda: sharding.measure_shard_writers(design="hash", seconds=60.0), "seconds"),
        (lambda: sharding.measure_worker_queues(workers=1), "workers"),
        (lambda: sharding.measure_scatter_gather(fan_outs=(2, 4)), "fan_outs"),
        (lambda: sharding.measure_scatter_gather(pause_ms=-1.0), "pause_ms"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()
