"""Clerks at a real database: threads, each with a connection of its own to one SQLite file."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

AUTOCOMMIT, DEFERRED, IMMEDIATE = "no transaction", "deferred", "immediate"
WAYS = (AUTOCOMMIT, DEFERRED, IMMEDIATE)

ACCOUNTS, OPENING = 4, 1_000
_MEET_S = 0.05  # clerks who cannot meet since one holds the lock give up after that


class Books:
    """A bank's accounts in a file, and how its clerks get at them.

    Parameters
    ----------
    folder : Path
        Where the file is made.
    way : str
        One of :data:`WAYS`.
    timeout_s : float
        How long a clerk waits for the lock before it is an error, seconds.
    """

    def __init__(self, folder: Path, way: str, timeout_s: float) -> None:
        self._file, self.way, self._timeout_s = folder / "bank.db", way, timeout_s
        with closing(self.connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INT NOT NULL)")
            rows = [(i, OPENING) for i in range(ACCOUNTS)]
            database.executemany("INSERT INTO account VALUES (?, ?)", rows)

    def connect(self) -> sqlite3.Connection:
        """Return a connection that begins and ends transactions only when told to."""
        database = sqlite3.connect(self._file, timeout=self._timeout_s, isolation_level=None)
        database.execute("PRAGMA synchronous = OFF")  # what a power cut would take is not the point
        if self.way == DEFERRED:
            # A transaction that read an old state must not wait: waiting cannot help it. Opening
            # the file may: somebody else may be closing it.
            database.execute("PRAGMA busy_timeout = 0")
        return database

    def balances(self) -> list[int]:
        """Return what the accounts hold."""
        with closing(self.connect()) as database:
            return [row[0] for row in database.execute("SELECT balance FROM account ORDER BY id")]

    def work(self, database: sqlite3.Connection, task: Callable[[], None], give_up: float) -> int:
        """Do a task in a transaction, again and again until it is not refused.

        Returns
        -------
        int
            How often it was refused.

        Raises
        ------
        TimeoutError
            If it is still refused at `give_up`, a time of ``time.monotonic``.
        """
        refused = 0
        while True:
            try:
                if self.way == AUTOCOMMIT:
                    task()
                    return refused
                database.execute(f"BEGIN {self.way.upper()}")
                task()
                database.execute("COMMIT")
                return refused
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                if database.in_transaction:
                    database.execute("ROLLBACK")
                refused += 1
                if time.monotonic() > give_up:
                    raise TimeoutError("a clerk was refused until the time was over") from error
                time.sleep(0.0005 * (1 + refused % 7))


def read(database: sqlite3.Connection, account: int) -> int:
    """Return what an account holds."""
    row = database.execute("SELECT balance FROM account WHERE id = ?", (account,)).fetchone()
    return int(row[0])


def write(database: sqlite3.Connection, account: int, balance: int) -> None:
    """Set what an account holds."""
    database.execute("UPDATE account SET balance = ? WHERE id = ?", (balance, account))


def transfer_at_once(
    way: str, clerks: int, transfers: int, rng: np.random.Generator, timeout_s: float
) -> tuple[list[int], list[int], int]:
    """Let clerks move money between accounts, all at once.

    Each reads two balances, computes, and writes both. For the first transfer all take the same two
    accounts, and nobody writes before everybody has read, if that is possible.

    Returns
    -------
    list of int, list of int, int
        What the accounts hold, what they should hold, and how often a clerk was refused.
    """
    moves = [
        [(*rng.choice(ACCOUNTS, 2, replace=False).tolist(), int(rng.integers(1, 50)))
         for _ in range(transfers)]
        for _ in range(clerks)
    ]  # fmt: skip
    for mine in moves:
        mine[0] = (0, 1, mine[0][2])
    meeting = threading.Barrier(clerks)
    refused = [0] * clerks

    def clerk(books: Books, me: int) -> None:
        give_up = time.monotonic() + timeout_s
        with closing(books.connect()) as database:
            for number, (source, to, amount) in enumerate(moves[me]):

                def task(first: bool = number == 0, s: int = source, t: int = to,
                         m: int = amount) -> None:  # fmt: skip
                    have, there = read(database, s), read(database, t)
                    if first:
                        _meet(meeting, way, timeout_s)
                    time.sleep(0)  # it is somebody else's turn
                    write(database, s, have - m)
                    write(database, t, there + m)

                refused[me] += books.work(database, task, give_up)

    holds = _open_bank(way, clerks, clerk, timeout_s)
    should = [OPENING] * ACCOUNTS
    for mine in moves:
        for source, to, amount in mine:
            should[source] -= amount
            should[to] += amount
    return holds, should, sum(refused)


def withdraw_at_once(way: str, rounds: int, timeout_s: float) -> tuple[int, int]:
    """Let two clerks withdraw from two accounts that must not be below zero together.

    Each looks at both accounts and, if they hold enough together, takes 1,500 from its own.

    Returns
    -------
    int, int
        After how many of the rounds the accounts were below zero together, and how often a clerk
        was refused.
    """
    broken = 0
    refused = [0, 0]
    for _ in range(rounds):
        meeting = threading.Barrier(2)

        def clerk(books: Books, me: int, meeting: threading.Barrier = meeting) -> None:
            give_up = time.monotonic() + timeout_s
            with closing(books.connect()) as database:

                def task() -> None:
                    mine, other = read(database, me), read(database, 1 - me)
                    _meet(meeting, way, timeout_s)
                    if mine + other >= 1_500:
                        write(database, me, mine - 1_500)

                refused[me] += books.work(database, task, give_up)

        holds = _open_bank(way, 2, clerk, timeout_s)
        broken += holds[0] + holds[1] < 0
    return broken, sum(refused)


def _meet(meeting: threading.Barrier, way: str, timeout_s: float) -> None:
    """Wait until everybody has read, once; nobody can while one holds the lock."""
    if meeting.broken:
        return
    try:
        meeting.wait(_MEET_S if way == IMMEDIATE else timeout_s)
    except threading.BrokenBarrierError:
        return
    meeting.abort()


def _open_bank(
    way: str, clerks: int, clerk: Callable[[Books, int], None], timeout_s: float
) -> list[int]:
    failed: list[BaseException] = []

    def guarded(books: Books, me: int) -> None:
        try:
            clerk(books, me)
        except Exception as error:  # told below, in the thread that asked
            failed.append(error)

    with tempfile.TemporaryDirectory() as folder:
        books = Books(Path(folder), way, timeout_s)
        threads = [threading.Thread(target=guarded, args=(books, me)) for me in range(clerks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        return books.balances()
