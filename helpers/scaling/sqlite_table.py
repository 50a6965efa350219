"""A table in SQLite that grows, and queries that are timed with and without an index."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing

import numpy as np

_REPEATS = 9
_INDEXED_PER_REPEAT = 20
_FILL = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last)
INSERT INTO account SELECT i, (i * 2654435761) % 4294967296, 'somebody' FROM n
"""


def time_queries(sizes: Sequence[int], keys: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Seconds that a query for one row takes without and with an index, each of shape (9, k).

    Parameters
    ----------
    sizes : sequence of int, length k
        Rows in the table, ascending.
    keys : numpy.random.Generator
        Chooses the rows that are looked for.
    """
    scans, lookups = [], []
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, handle INT, name TEXT)")
        have = 0
        for size in sizes:
            database.execute("DROP INDEX IF EXISTS by_handle")
            database.execute(_FILL, {"first": have, "last": size})
            have = size
            handles = (keys.integers(size, size=_REPEATS + 1) * 2654435761) % 4294967296
            scans.append(_time(database, handles.tolist(), 1))
            database.execute("CREATE INDEX by_handle ON account (handle)")
            lookups.append(_time(database, handles.tolist(), _INDEXED_PER_REPEAT))
    return np.array(scans).T, np.array(lookups).T


def _time(database: sqlite3.Connection, handles: list[int], times: int) -> list[float]:
    """Seconds per query for each handle but the first, which warms up."""
    taken = []
    for handle in handles:
        began = time.perf_counter()
        for _ in range(times):
            found = database.execute(
                "SELECT id FROM account WHERE handle = ?", (handle,)
            ).fetchall()
        taken.append((time.perf_counter() - began) / times)
        if len(found) != 1:
            raise RuntimeError(f"expected one row with handle {handle}, found {len(found)}")
    return taken[1:]
