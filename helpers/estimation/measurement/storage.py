"""Bytes per record, weighed: what a hundred-byte URL takes in a real database file."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.storage import theory_storage
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_KEY_BYTES = 7
_LETTERS = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8
)


class MeasuredStorage(Result):
    """Bytes per row of a table of URLs in an SQLite file.

    Attributes
    ----------
    rows, url_bytes : int
        The parameters it was made with.
    table_bytes, index_bytes : float
        Measured bytes per row, of the table and of a unique index on the key.
    theory_bytes : float
        What the file format says of the table.
    """

    rows: int
    url_bytes: int
    table_bytes: float
    index_bytes: float
    theory_bytes: float

    @property
    def total_bytes(self) -> float:
        """Table and index together, bytes per row."""
        return self.table_bytes + self.index_bytes

    @property
    def error(self) -> float:
        """Measured table over theory, less 1."""
        return self.table_bytes / self.theory_bytes - 1

    @property
    def agrees(self) -> bool:
        """Whether the measured table is within 2 % of the file format's arithmetic."""
        return abs(self.error) <= 0.02

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.rows,
            "url_bytes": self.url_bytes,
            "table_bytes_per_row": self.table_bytes,
            "theory_table_bytes_per_row": self.theory_bytes,
            "index_bytes_per_row": self.index_bytes,
            "times_the_url": self.total_bytes / self.url_bytes,
        }

    @property
    def reading(self) -> str:
        verdict = "agrees" if self.agrees else "disagrees"
        return (
            f"A URL of {self.url_bytes} bytes takes {significant(self.table_bytes)} in the table "
            f"and {significant(self.index_bytes)} in the index that finds it, "
            f"{significant(self.total_bytes / self.url_bytes)} times its length. Verdict: the file "
            f"format's arithmetic says {significant(self.theory_bytes)} for the table, "
            f"{significant(100 * abs(self.error), 1)} % away: {verdict} (limit 2 %)."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "bytes per row": {
                    "the URL itself": float(self.url_bytes),
                    "table, by the file format": self.theory_bytes,
                    "table, measured": self.table_bytes,
                    "index on the key, measured": self.index_bytes,
                    "table and index, measured": self.total_bytes,
                }
            }
        )


def measure_storage(*, rows: int = 20_000, url_bytes: int = 100, seed: int = 1) -> MeasuredStorage:
    """Store URLs under random keys in a real SQLite file and weigh it.

    Parameters
    ----------
    rows : int
        How many; 10,000 to 200,000. With fewer the file's first pages would count.
    url_bytes : int
        Length of each URL; 1 to 1,000.
    seed : int
        Seed of the keys; >= 0.

    Returns
    -------
    MeasuredStorage

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rows = validation.integer("rows", rows, at_least=10_000, at_most=200_000)
    url_bytes = validation.integer("url_bytes", url_bytes, at_least=1, at_most=1_000)
    rng = streams(seed, "keys")["keys"]
    letters = _LETTERS[rng.integers(len(_LETTERS), size=(rows, _KEY_BYTES))]
    keys = [row.tobytes().decode() for row in letters]
    url = ("https://example.com/" + "x" * url_bytes)[:url_bytes]
    with tempfile.TemporaryDirectory(prefix="sd-storage-") as folder:
        bare = _weigh(Path(folder) / "bare.db", keys, url, indexed=False)
        indexed = _weigh(Path(folder) / "indexed.db", keys, url, indexed=True)
    return MeasuredStorage(
        rows=rows,
        url_bytes=url_bytes,
        table_bytes=bare / rows,
        index_bytes=(indexed - bare) / rows,
        theory_bytes=theory_storage(rows=rows, url_bytes=url_bytes, key_bytes=_KEY_BYTES),
    )


def _weigh(path: Path, keys: list[str], url: str, *, indexed: bool) -> int:
    """Size of a file that the keys were stored in one by one, bytes."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = OFF")  # the file is thrown away
        connection.execute("CREATE TABLE url (key TEXT, long TEXT, created INTEGER)")
        if indexed:
            connection.execute("CREATE UNIQUE INDEX by_key ON url (key)")
        connection.execute("BEGIN")
        rows = ((key, url, 1_700_000_000) for key in keys)
        connection.executemany("INSERT INTO url VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return path.stat().st_size
