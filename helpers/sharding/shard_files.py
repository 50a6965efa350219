"""Shards that are real: SQLite files in a temporary folder, each with one writer at a time."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class ShardFile:
    """One SQLite file, one connection, and the lock that makes callers take turns.

    Parameters
    ----------
    path : pathlib.Path
        Where the file is made.
    schema : str
        SQL that creates its tables.

    Notes
    -----
    ``synchronous = OFF``: what is measured here is contention and lost updates, not the disk. The
    lock is Python's rather than SQLite's, because SQLite's waiting callers sleep for fixed times
    and would leave the file idle in between.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = MEMORY")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the file for a transaction; commit at the end, roll back on an error."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, parameters: tuple = ()) -> list[tuple]:
        """Return the rows of a query, while holding the file."""
        with self.lock:
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        with suppress(sqlite3.ProgrammingError):
            self._connection.close()


@contextmanager
def shard_files(count: int, schema: str) -> Iterator[list[ShardFile]]:
    """Make `count` shard files, and remove them at the end whatever happened."""
    with tempfile.TemporaryDirectory(prefix="shards-") as folder:
        files: list[ShardFile] = []
        try:
            for number in range(count):
                files.append(ShardFile(Path(folder) / f"shard{number}.sqlite", schema))
            yield files
        finally:
            for file in files:
                file.close()
