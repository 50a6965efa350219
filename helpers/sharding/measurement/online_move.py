"""Rows moved from one SQLite file to another while clients write to them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.sharding.measurement.files import ShardFile, shard_files
from helpers.sharding.theory.resharding import MOVE_PROTOCOLS, theory_stale_row

_SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE changes (number INTEGER PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE fence (up INTEGER NOT NULL);
INSERT INTO fence VALUES (0);
"""
_CLIENTS = 2
_TENTHS = 10
_SMALL_LOG = 20  # so few changes are left to the replay behind the fence
_PATIENCE_S = 10.0

#: What clients do to the rows.
WORKLOADS = ("updates", "mixed")

#: How the steps of mover and clients are interleaved.
SCHEDULES = ("threads", "seeded")

#: A generator of steps; between two steps anyone else may run.
Steps = Iterator[None]


class MeasuredOnlineMoveResult(Result):
    """What the new shard holds after the move, against what clients were told.

    Attributes
    ----------
    protocol, schedule : str
        How rows were moved and steps interleaved.
    rows, writes : int
        Rows at the start, and writes acknowledged until the switch.
    lost : int
        Rows that the clients' writes left in existence and the new shard does not have.
    stale : int
        Rows it has with an older version than the last one acknowledged.
    resurrected : int
        Rows it has although their deletion was acknowledged.
    in_both : int
        Rows that are still on the old shard as well after cleaning up.
    stale_by_tenth, theory_by_tenth : numpy.ndarray, shape (10,)
        Fraction of rows wrong in any of these ways, by place in the copying order, of the rows
        there at the start; and its expectation, given when each chunk was read and written, for
        updates only (NaN for ``"mixed"``).
    theory_wrong, theory_sd : float
        Expected number of them and its standard deviation; NaN for ``"mixed"``.
    """

    protocol: str
    schedule: str
    rows: int
    writes: int
    lost: int
    stale: int
    resurrected: int
    in_both: int
    stale_by_tenth: np.ndarray
    theory_by_tenth: np.ndarray
    theory_wrong: float
    theory_sd: float

    @property
    def wrong(self) -> int:
        """Number of rows for which a client was told something that is no longer true."""
        return self.lost + self.stale + self.resurrected + self.in_both

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.rows,
            "writes_during_move": self.writes,
            "lost_rows": self.lost,
            "stale_rows": self.stale,
            "resurrected_rows": self.resurrected,
            "rows_on_both_shards": self.in_both,
        }

    @property
    def reading(self) -> str:
        start = f"{self.writes:,} acknowledged writes while {self.rows:,} real rows moved"
        if not self.wrong:
            return f"{start}: nothing lost, nothing stale, nothing on both shards."
        return (
            f"{start}: {self.lost:,} rows lost, {self.stale:,} stale, "
            f"{self.resurrected:,} deleted rows back from the dead."
        )

    @property
    def verdict(self) -> str:
        """Theory against the measured number of wrong rows, in one line."""
        expected = self.theory_wrong
        if not np.isfinite(expected):
            return f"{self.wrong:,} rows are wrong; there is no formula for a mixed workload."
        if expected == 0:
            agrees = "agrees" if self.wrong == 0 else "disagrees"
            return f"theory expects no wrong row, {self.wrong:,} are wrong: {agrees}"
        off = abs(self.wrong - expected) / self.theory_sd
        agrees = "agrees" if off <= 3 else "disagrees"
        return (
            f"theory expects {significant(expected)} ± {significant(self.theory_sd, 2)} wrong "
            f"rows, {self.wrong:,} are wrong, {significant(off, 2)} standard deviations away: "
            f"{agrees} (tolerance 3)"
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "tenth": np.arange(1, _TENTHS + 1),
                "wrong": self.stale_by_tenth,
                "theory": self.theory_by_tenth,
            }
        ).set_index("tenth")


@dataclass
class _Move:
    """The two shards, the route, and what clients were told."""

    old: ShardFile
    new: ShardFile
    chunk_rows: int
    pause: Callable[[], None]  # how long the copy is throttled between reading and writing
    route: str = "old"
    finished: bool = False
    told: dict[int, int | None] = field(default_factory=dict)  # id -> version, None is deleted
    writes: int = 0
    read_at: list[int] = field(default_factory=list)  # writes acknowledged when a chunk was read
    written_at: list[int] = field(default_factory=list)


def _put(connection: sqlite3.Connection, row: int, version: int | None) -> None:
    if version is None:
        connection.execute("DELETE FROM users WHERE id = ?", (row,))
    else:
        connection.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", (row, version))


# --- how a client writes under each protocol; the steps end when the write is acknowledged ------


def _write_routed(move: _Move, row: int, version: int | None) -> Steps:
    shard = move.old if move.route == "old" else move.new
    yield
    with shard.transaction() as connection:
        _put(connection, row, version)


def _write_both(move: _Move, row: int, version: int | None) -> Steps:
    if move.route == "old":
        with move.old.transaction() as connection:
            _put(connection, row, version)
        yield
    with move.new.transaction() as connection:
        _put(connection, row, version)


def _write_logged(move: _Move, row: int, version: int | None) -> Steps:
    while True:
        if move.route == "new":
            with move.new.transaction() as connection:
                _put(connection, row, version)
            return
        yield
        with move.old.transaction() as connection:
            if not connection.execute("SELECT up FROM fence").fetchone()[0]:
                _put(connection, row, version)
                connection.execute("INSERT INTO changes (id) VALUES (?)", (row,))
                return
        yield  # refused: the move is about to switch, ask again where to write


# --- how rows are moved under each protocol -----------------------------------------------------


def _copy(move: _Move) -> Steps:
    """Copy in chunks, in the order of ids, whatever was there when the copy began."""
    last = move.old.rows("SELECT coalesce(max(id), -1) FROM users")[0][0]
    at = -1
    while True:
        move.read_at.append(move.writes)
        chunk = move.old.rows(
            "SELECT id, version FROM users WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (at, last, move.chunk_rows),
        )
        if not chunk:
            return
        at = chunk[-1][0]
        move.pause()
        yield
        with move.new.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO users VALUES (?, ?)", chunk)
        move.written_at.append(move.writes)


def _copy_and_switch(move: _Move) -> Steps:
    yield from _copy(move)
    move.route = "new"


def _copy_replay_and_switch(move: _Move) -> Steps:
    yield from _copy(move)
    at = 0
    while True:
        changes = _changes_after(move, at)
        if len(changes) <= _SMALL_LOG:
            break
        at = _replay(move, changes)
        yield
    with move.old.transaction() as connection:
        connection.execute("UPDATE fence SET up = 1")
    yield
    _replay(move, _changes_after(move, at))
    yield
    move.route = "new"


def _changes_after(move: _Move, at: int) -> list[tuple]:
    return move.old.rows("SELECT number, id FROM changes WHERE number > ? ORDER BY number", (at,))


def _replay(move: _Move, changes: list[tuple]) -> int:
    """Bring every changed row on the new shard to its present state on the old one.

    Copying states rather than repeating operations makes a replay harmless to repeat.
    """
    if not changes:
        return 0
    ids = sorted({row for _, row in changes})
    marks = ",".join("?" * len(ids))
    now = dict(move.old.rows(f"SELECT id, version FROM users WHERE id IN ({marks})", tuple(ids)))
    with move.new.transaction() as connection:
        for row in ids:
            _put(connection, row, now.get(row))
    return changes[-1][0]


_WRITE = {
    "copy, then switch": _write_routed,
    "dual write": _write_both,
    "copy, replay, fenced switch": _write_logged,
}
_MOVE = {
    "copy, then switch": _copy_and_switch,
    "dual write": _copy_and_switch,
    "copy, replay, fenced switch": _copy_replay_and_switch,
}


def _client(
    move: _Move,
    write: Callable[[_Move, int, int | None], Steps],
    number: int,
    rows: int,
    mixed: bool,
    rng: np.random.Generator,
) -> Steps:
    """Write to rows of this client's own, one after the other, until the move is finished.

    Clients own different rows, so the order of a row's writes is the order of acknowledgement.
    """
    mine = list(range(number, rows, _CLIENTS))
    fresh, version = rows + number, number + 1
    while not move.finished:
        kind = rng.random() if mixed else 1.0
        row = mine[int(rng.integers(len(mine)))]
        if kind < 0.1:
            row, fresh = fresh, fresh + _CLIENTS
            mine.append(row)
        version += _CLIENTS
        value = None if 0.1 <= kind < 0.2 else version
        yield from write(move, row, value)
        move.told[row] = value
        if move.route == "old":
            move.writes += 1
        yield


def measure_online_move(
    *,
    protocol: str,
    rows: int = 2_000,
    chunk_rows: int = 100,
    writes_per_row: float = 1.0,
    workload: str = "updates",
    schedule: str = "threads",
    seconds: float = 0.8,
    seed: int = 1,
) -> MeasuredOnlineMoveResult:
    """Move real rows between two SQLite files under load, and compare with what clients were told.

    Parameters
    ----------
    protocol : {"copy, then switch", "dual write", "copy, replay, fenced switch"}
        How the move is made. The last one logs every change in the transaction that makes it,
        replays the log, and raises a fence that refuses writes for the last of it.
    rows : int
        Rows to move; 20 to 20,000.
    chunk_rows : int
        Rows per chunk; 1 to `rows`.
    writes_per_row : float
        Mean number of writes per row during the copy; 0.01 to 10. In threads it is aimed at by
        throttling the copy and the clients, and what really came is what the theory is given.
    workload : {"updates", "mixed"}
        Updates of random rows, or 80 % updates, 10 % insertions and 10 % deletions.
    schedule : {"threads", "seeded"}
        A thread for the mover and for each of two clients, or one thread that picks the next to
        take a step at random from `seed`, the same way each time.
    seconds : float
        Length of the copy in threads; 0.1 to 3.
    seed : int
        Seed of rows, operations and schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    RuntimeError
        If the move has not ended after ten seconds.
    """
    validation.one_of("protocol", protocol, MOVE_PROTOCOLS)
    rows = validation.integer("rows", rows, at_least=20, at_most=20_000)
    chunk_rows = validation.integer("chunk_rows", chunk_rows, at_least=1, at_most=rows)
    per_row = validation.number("writes_per_row", writes_per_row, at_least=0.01, at_most=10)
    validation.one_of("workload", workload, WORKLOADS)
    validation.one_of("schedule", schedule, SCHEDULES)
    seconds = validation.number("seconds", seconds, at_least=0.1, at_most=3, unit="s")
    chunks = -(-rows // chunk_rows)
    chunk_s = seconds / chunks if schedule == "threads" else 0.0
    rng = streams(seed, "schedule", *(f"client {number}" for number in range(_CLIENTS)))

    with shard_files(2, _SCHEMA) as (old, new):
        move = _Move(old, new, chunk_rows, lambda: time.sleep(chunk_s))
        with old.transaction() as connection:
            connection.executemany(
                "INSERT INTO users VALUES (?, ?)", ((row, 0) for row in range(rows))
            )
        move.told.update(dict.fromkeys(range(rows), 0))
        clients = [
            _client(
                move, _WRITE[protocol], number, rows, workload == "mixed", rng[f"client {number}"]
            )
            for number in range(_CLIENTS)
        ]
        mover = _MOVE[protocol](move)
        if schedule == "threads":
            _run_threads(move, mover, clients, seconds / (per_row * rows / _CLIENTS))
        else:
            _run_seeded(move, mover, clients, chunks / (2 * per_row * rows), rng["schedule"])
        with old.transaction() as connection:
            connection.execute("DELETE FROM users")
        found = dict(new.rows("SELECT id, version FROM users"))
        left = {row for (row,) in old.rows("SELECT id FROM users")}
    return _judge(protocol, schedule, rows, workload, move, found, left)


def _run_threads(move: _Move, mover: Steps, clients: list[Steps], gap_s: float) -> None:
    """Run every actor in a thread of its own; each client begins a write every `gap_s`."""
    errors: list[BaseException] = []

    def guarded(target: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                target()
            except BaseException as error:  # a thread's error must reach the caller
                errors.append(error)
                move.finished = True

        return run

    def act_as_client(client: Steps) -> None:
        start = time.perf_counter()
        for begun, _ in enumerate(client, 1):
            if time.perf_counter() - start > _PATIENCE_S:
                raise RuntimeError("the move has not ended after 10 s")
            due = start + begun * gap_s / 2  # a write takes two steps or so
            time.sleep(max(due - time.perf_counter(), 0))

    def act_as_mover() -> None:
        for _ in mover:
            if move.finished:
                return
        move.finished = True

    targets = [lambda c=client: act_as_client(c) for client in clients]
    threads = [threading.Thread(target=guarded(target)) for target in [*targets, act_as_mover]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _run_seeded(
    move: _Move, mover: Steps, clients: list[Steps], mover_odds: float, rng: np.random.Generator
) -> None:
    """Let one actor after the other take a step, drawn at random, until all have ended."""
    odds = mover_odds / (1 + mover_odds)
    running = list(clients)
    while running:
        if not move.finished and rng.random() < odds:
            if next(mover, "end") == "end":
                move.finished = True
            continue
        client = running[int(rng.integers(len(running)))]
        if next(client, "end") == "end":
            running.remove(client)


def _judge(
    protocol: str,
    schedule: str,
    rows: int,
    workload: str,
    move: _Move,
    found: dict[int, int],
    left: set[int],
) -> MeasuredOnlineMoveResult:
    exist = {row: version for row, version in move.told.items() if version is not None}
    lost = {row for row in exist if row not in found}
    stale = {row for row in exist if row in found and found[row] != exist[row]}
    resurrected = {row for row in found if row not in exist}
    wrong = np.zeros(rows)
    wrong[[row for row in lost | stale | resurrected if row < rows]] = 1
    tenth = np.arange(rows) * _TENTHS // rows
    theory = np.full(rows, np.nan)
    if workload == "updates":  # then rows stay, and chunk k holds rows of k * chunk_rows and on
        read, written = (
            np.array(at[: len(move.written_at)]) for at in (move.read_at, move.written_at)
        )
        chunk = np.arange(rows) // move.chunk_rows
        theory = theory_stale_row(
            protocol, (written - read)[chunk] / rows, (move.writes - written)[chunk] / rows
        )
    return MeasuredOnlineMoveResult(
        protocol=protocol,
        schedule=schedule,
        rows=rows,
        writes=move.writes,
        lost=len(lost),
        stale=len(stale),
        resurrected=len(resurrected),
        in_both=len(left & set(found)),
        stale_by_tenth=np.bincount(tenth, weights=wrong) / np.bincount(tenth),
        theory_by_tenth=np.bincount(tenth, weights=theory) / np.bincount(tenth),
        theory_wrong=float(theory.sum()),
        theory_sd=float(np.sqrt((theory * (1 - theory)).sum())),
    )
