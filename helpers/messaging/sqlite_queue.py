"""A queue in an sqlite3 file with three rules, and consumers of it that are killed."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.servers.processes import Child

#: When a message that was handed out is handed out again.
RULES = ("visibility timeout", "connection lost", "offset not committed")

_CHILD = Path(__file__).with_name("consuming_process.py")
_VISIBILITY_S = 0.25
_LIMIT_S = 60.0


def kill_consumers(
    lives_s: np.ndarray, rule: str, messages: int, batch: int, keyed: bool, step_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fill a queue, kill consumers of it one after the other, and let the last one finish.

    Killed by SIGKILL, on Windows by TerminateProcess.

    Parameters
    ----------
    lives_s : numpy.ndarray, shape (kills,)
        How long each lives, seconds, from its first message on.
    rule : {"visibility timeout", "connection lost", "offset not committed"}
        When a message is handed out again: after a quarter of a second, when its consumer has
        died, or because the consumer's position in the log was not yet committed.
    messages, batch : int
        How many, and how many are taken and acknowledged together.
    keyed : bool
        Whether an effect carries the message's key, which is kept only once.
    step_s : float
        What a consumer does between taking a message and its effect: it sleeps, seconds.

    Returns
    -------
    effects : numpy.ndarray of int, shape (messages,)
        How often each message took effect.
    doubled : numpy.ndarray of int, shape (kills,)
        Of each killed consumer, the messages that it had done and not acknowledged.

    Raises
    ------
    RuntimeError
        If a consumer died of its own accord, or did not finish in time.
    """
    with TemporaryDirectory(prefix="queue-", ignore_cleanup_errors=True) as folder:
        queue, effects = Path(folder, "queue.sqlite3"), Path(folder, "effects.sqlite3")
        _fill(queue, effects, messages)
        options = (str(queue), str(effects), rule, str(batch), str(int(keyed)), str(step_s))
        doubled = []
        for number, life_s in enumerate(lives_s.tolist()):
            with Child(str(_CHILD), *options, str(number), str(_VISIBILITY_S)) as consumer:
                consumer.hear()
                time.sleep(life_s)
                if consumer.returncode not in (None, 0):
                    raise RuntimeError(f"a consumer ended by itself, with {consumer.returncode}")
            doubled.append(_unacknowledged(queue, effects, number))
            if rule == "connection lost":  # the broker sees that, and puts its messages back
                _run(queue, "UPDATE messages SET taken_by = NULL WHERE taken_by = ?", number)
        with Child(str(_CHILD), *options, "-1", str(_VISIBILITY_S)) as consumer:
            consumer.hear()
            deadline = time.monotonic() + _LIMIT_S
            while consumer.returncode is None:
                if time.monotonic() > deadline:
                    raise RuntimeError("the last consumer did not finish in time")
                time.sleep(0.01)
            if consumer.returncode:
                raise RuntimeError(f"a consumer ended by itself, with {consumer.returncode}")
        counts: dict[int, int] = {}
        for message, times in _run(effects, "SELECT message, times FROM effects"):
            counts[message] = counts.get(message, 0) + times
    return np.array([counts.get(each, 0) for each in range(1, messages + 1)]), np.array(doubled)


def _fill(queue: Path, effects: Path, messages: int) -> None:
    with closing(sqlite3.connect(queue)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, done INTEGER DEFAULT 0, "
            "visible_at REAL DEFAULT 0, taken_by INTEGER)"
        )
        file.execute("CREATE TABLE position (committed INTEGER)")
        file.execute("INSERT INTO position VALUES (0)")
        file.executemany("INSERT INTO messages (id) VALUES (?)",
                         [(each,) for each in range(1, messages + 1)])  # fmt: skip
        file.commit()
    with closing(sqlite3.connect(effects)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE effects (message INTEGER, times INTEGER)")
        file.execute("CREATE TABLE keys (message INTEGER PRIMARY KEY)")
        file.execute("CREATE TABLE log (message INTEGER, consumer INTEGER)")
        file.commit()


def _unacknowledged(queue: Path, effects: Path, number: int) -> int:
    """How many of a consumer's messages were done and stand in the queue as not done."""
    done = {message for (message,) in _run(effects, "SELECT message FROM log WHERE consumer = ?",
                                           number)}  # fmt: skip
    open_ = {message for (message,) in _run(queue, "SELECT id FROM messages WHERE done = 0")}
    ((committed,),) = _run(queue, "SELECT committed FROM position")
    return sum(message in open_ and message > committed for message in done)


def _run(path: Path, statement: str, *values: int) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute(statement, values).fetchall()
        file.commit()
        return rows
