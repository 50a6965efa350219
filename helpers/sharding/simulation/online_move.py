"""A whole table moved in chunks while clients write to it: which rows end stale."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.sharding.theory.resharding import MOVE_PROTOCOLS, theory_online_move

_TENTHS = 10


class OnlineMoveResult(Result):
    """Rows that are stale on the new shard after the move, by their place in the table.

    Attributes
    ----------
    protocol : str
        One of ``MOVE_PROTOCOLS``.
    rows, chunk_rows, writes : int
        Rows moved, rows per chunk, writes made meanwhile.
    stale_by_tenth : numpy.ndarray, shape (10,)
        Fraction of stale rows in each tenth of the table, in the order of copying.
    theory_by_tenth : numpy.ndarray, shape (10,)
        Its expectation, from :func:`theory_online_move`.
    stale : int
        Rows whose last acknowledged write is missing.
    theory_stale : float
        Expected number of them.
    """

    protocol: str
    rows: int
    chunk_rows: int
    writes: int
    stale_by_tenth: np.ndarray
    theory_by_tenth: np.ndarray
    stale: int
    theory_stale: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.rows,
            "writes_during_move": self.writes,
            "stale_rows": self.stale,
            "stale_rows_theory": self.theory_stale,
        }

    @property
    def reading(self) -> str:
        start = f"{self.writes:,} writes arrive while {self.rows:,} rows move"
        if self.stale == 0:
            return (
                f"{start}, and not one row ends stale ({significant(self.theory_stale)} expected)."
            )
        return (
            f"{start}; {self.stale:,} rows end without their last write "
            f"({significant(self.theory_stale)} expected)."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "tenth": np.arange(1, _TENTHS + 1),
                "stale": self.stale_by_tenth,
                "theory": self.theory_by_tenth,
            }
        ).set_index("tenth")


def simulate_online_move(
    *,
    protocol: str,
    writes_per_row: float = 1.0,
    chunk_rows: int = 200,
    rows: int = 10_000,
    seed: int = 1,
) -> OnlineMoveResult:
    """Move a table in chunks under Poisson writes to random rows, and count the stale ones.

    A chunk is read in one instant and written at the next chunk's reading; that is the window in
    which dual writes can be overwritten by an old copy.

    Parameters
    ----------
    protocol : {"copy, then switch", "dual write", "copy, replay, fenced switch"}
        How the move is made.
    writes_per_row : float
        Mean number of writes to a row during the move; 0 to 20.
    chunk_rows : int
        Rows per chunk; 1 to `rows`.
    rows : int
        Rows to move; 10 to 100,000.
    seed : int
        Seed of the writes.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("protocol", protocol, MOVE_PROTOCOLS)
    writes_per_row = validation.number("writes_per_row", writes_per_row, at_least=0, at_most=20)
    rows = validation.integer("rows", rows, at_least=10, at_most=100_000)
    chunk_rows = validation.integer("chunk_rows", chunk_rows, at_least=1, at_most=rows)
    rng = streams(seed, "count", "rows", "times")
    count = int(rng["count"].poisson(writes_per_row * rows))
    row = rng["rows"].integers(0, rows, count)
    time = np.sort(rng["times"].random(count))

    chunks = -(-rows // chunk_rows)
    chunk = np.arange(rows) // chunk_rows
    read_at, written_at = chunk / chunks, (chunk + 1) / chunks
    version = np.arange(1, count + 1)  # 0 is the row as it was before the move
    newest = _latest(row, version, rows)
    copied = _latest(row, np.where(time <= read_at[row], version, 0), rows)
    if protocol == "copy, then switch":
        arrived = copied
    elif protocol == "dual write":  # the copy overwrites what clients wrote before it
        arrived = np.maximum(
            copied, _latest(row, np.where(time > written_at[row], version, 0), rows)
        )
    else:  # every write is in the log, and the log is replayed over the copy
        arrived = copied.copy()
        np.maximum.at(arrived, row, version)
    stale = arrived != newest
    theory = theory_online_move(protocol, (chunk + 0.5) / chunks, writes_per_row, 1 / chunks)
    tenth = np.arange(rows) * _TENTHS // rows
    return OnlineMoveResult(
        protocol=protocol,
        rows=rows,
        chunk_rows=chunk_rows,
        writes=count,
        stale_by_tenth=np.bincount(tenth, weights=stale) / np.bincount(tenth),
        theory_by_tenth=np.bincount(tenth, weights=theory) / np.bincount(tenth),
        stale=int(stale.sum()),
        theory_stale=float(theory.sum()),
    )


def _latest(row: np.ndarray, version: np.ndarray, rows: int) -> np.ndarray:
    """Return the highest version given for each row, 0 where none is."""
    latest = np.zeros(rows, dtype=np.int64)
    np.maximum.at(latest, row, version)
    return latest
