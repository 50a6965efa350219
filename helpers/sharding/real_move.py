"""A mover and two clients on two SQLite files: how rows are moved, and how clients write meanwhile.

A protocol is two functions whose steps are a generator's: between two of them anyone else may run.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from helpers.sharding.shard_files import ShardFile

#: Tables of a shard: its rows, the log of changes, and the fence that refuses writes.
SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE changes (number INTEGER PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE fence (up INTEGER NOT NULL);
INSERT INTO fence VALUES (0);
"""

#: Clients that write while rows move.
CLIENTS = 2

_SMALL_LOG = 20  # so few changes are left to the replay behind the fence
_PATIENCE_S = 10.0

#: A generator of steps; between two steps anyone else may run.
Steps = Iterator[None]


@dataclass
class Move:
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


def _write_routed(move: Move, row: int, version: int | None) -> Steps:
    shard = move.old if move.route == "old" else move.new
    yield
    with shard.transaction() as connection:
        _put(connection, row, version)


def _write_both(move: Move, row: int, version: int | None) -> Steps:
    if move.route == "old":
        with move.old.transaction() as connection:
            _put(connection, row, version)
        yield
    with move.new.transaction() as connection:
        _put(connection, row, version)


def _write_logged(move: Move, row: int, version: int | None) -> Steps:
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


def _copy(move: Move) -> Steps:
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


def _copy_and_switch(move: Move) -> Steps:
    yield from _copy(move)
    move.route = "new"


def _copy_replay_and_switch(move: Move) -> Steps:
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


def _changes_after(move: Move, at: int) -> list[tuple]:
    return move.old.rows("SELECT number, id FROM changes WHERE number > ? ORDER BY number", (at,))


def _replay(move: Move, changes: list[tuple]) -> int:
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


_WRITE: dict[str, Callable[[Move, int, int | None], Steps]] = {
    "copy, then switch": _write_routed,
    "dual write": _write_both,
    "copy, replay, fenced switch": _write_logged,
}
_MOVE: dict[str, Callable[[Move], Steps]] = {
    "copy, then switch": _copy_and_switch,
    "dual write": _copy_and_switch,
    "copy, replay, fenced switch": _copy_replay_and_switch,
}


#: Ways of moving a table while it is written to.
PROTOCOLS = tuple(_MOVE)


def act(
    move: Move,
    protocol: str,
    mixed: bool,
    luck: Callable[[str], np.random.Generator],
    *,
    mover_odds: float = 0.0,
    gap_s: float = 0.0,
) -> None:
    """Let a mover and two clients do their steps until the move is finished.

    Parameters
    ----------
    move : Move
        The shards; the old one holds the rows.
    protocol : str
        One of :data:`PROTOCOLS`.
    mixed : bool
        Whether clients insert and delete as well as update.
    luck : callable
        Named random numbers.
    mover_odds : float
        Steps of the mover for each of a client, where one thread draws who is next.
    gap_s : float
        Seconds from one write of a client to its next, where each has a thread of its own; used
        if `mover_odds` is 0.
    """
    rows = len(move.told)
    clients = [
        _client(move, _WRITE[protocol], number, rows, mixed, luck(f"client {number}"))
        for number in range(CLIENTS)
    ]
    mover = _MOVE[protocol](move)
    if mover_odds:
        _run_seeded(move, mover, clients, mover_odds, luck("schedule"))
    else:
        _run_threads(move, mover, clients, gap_s)


def _client(
    move: Move,
    write: Callable[[Move, int, int | None], Steps],
    number: int,
    rows: int,
    mixed: bool,
    rng: np.random.Generator,
) -> Steps:
    """Write to rows of this client's own, one after the other, until the move is finished.

    Clients own different rows, so the order of a row's writes is the order of acknowledgement.
    """
    mine = list(range(number, rows, CLIENTS))
    fresh, version = rows + number, number + 1
    while not move.finished:
        kind = rng.random() if mixed else 1.0
        row = mine[int(rng.integers(len(mine)))]
        if kind < 0.1:
            row, fresh = fresh, fresh + CLIENTS
            mine.append(row)
        version += CLIENTS
        value = None if 0.1 <= kind < 0.2 else version
        yield from write(move, row, value)
        move.told[row] = value
        if move.route == "old":
            move.writes += 1
        yield


def _run_threads(move: Move, mover: Steps, clients: list[Steps], gap_s: float) -> None:
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
    move: Move, mover: Steps, clients: list[Steps], mover_odds: float, rng: np.random.Generator
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
