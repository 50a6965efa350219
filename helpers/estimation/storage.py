"""Bytes per record, weighed: what a hundred-byte URL takes in a real database file.

Where that stops being true: other databases have other overheads, deleted rows leave holes, and a
file that is a week old is larger than a new one.
"""

from __future__ import annotations

import math
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, seed, takes
from helpers.foundations.prose import significant

if TYPE_CHECKING:
    import pandas as pd

_LETTERS = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8
)
_PAGE, _HEADER, _POINTER = 4_096, 8, 2


class Trial(Parameters):
    """URLs under short keys in a database file."""

    rows: int = integer(
        20_000,
        "Rows",
        at_least=10_000,
        at_most=200_000,
        note="With fewer the file's first pages would count.",
    )
    url_bytes: int = integer(100, "Length of each URL", unit="bytes", at_least=1, at_most=1_000)
    key_bytes: int = integer(7, "Length of each key", unit="bytes", at_least=1, at_most=50)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> Storage:
    """Store URLs under random keys in a real SQLite file and weigh it."""
    letters = _LETTERS[Draws(at.seed)("keys").integers(len(_LETTERS), size=(at.rows, at.key_bytes))]
    keys = [row.tobytes().decode() for row in letters]
    url = ("https://example.com/" + "x" * at.url_bytes)[: at.url_bytes]
    with tempfile.TemporaryDirectory(prefix="sd-storage-") as folder:
        bare = _weigh(Path(folder) / "bare.db", keys, url, indexed=False)
        indexed = _weigh(Path(folder) / "indexed.db", keys, url, indexed=True)
    return Storage(at, table_bytes=bare / at.rows, index_bytes=(indexed - bare) / at.rows)


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


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Trial) -> float:
    """Bytes per row of the table without an index, by the published file format.

    A cell is the payload's length and the row id as variable-length integers of 7 bits a byte, a
    record header with one such integer for each column, and the columns; a creation time takes 4
    bytes here. Each page of 4,096 bytes has a header of 8 and 2 for each cell's pointer. Rows in
    order fill their leaf pages. "Database File Format", the SQLite documentation, sections 1.6
    and 2.1. Interior pages, one in some hundreds, are left out.
    """
    header = 1 + _varint(2 * at.key_bytes + 13) + _varint(2 * at.url_bytes + 13) + 1
    payload = header + at.key_bytes + at.url_bytes + 4
    pages, left = 0, at.rows
    # Row ids grow, and with them the cells: count page by page in blocks of equal length.
    done = 0
    for digits in range(1, 10):
        block = min(left, 128**digits - 1 - done)
        if block <= 0:
            continue
        cell = _varint(payload) + digits + payload
        pages += block / math.floor((_PAGE - _HEADER) / (cell + _POINTER))
        done, left = done + block, left - block
        if not left:
            break
    return pages * _PAGE / at.rows


def _varint(value: int) -> int:
    """Bytes of a variable-length integer."""
    return max(1, math.ceil(value.bit_length() / 7))


# --- what it says ---------------------------------------------------------------------------------


class Storage(Measured):
    """Bytes per row as weighed, of the table and of a unique index on the key."""

    at: Trial
    table_bytes: float
    index_bytes: float

    @property
    def total_bytes(self) -> float:
        """Table and index together, bytes per row."""
        return self.table_bytes + self.index_bytes

    @property
    def error(self) -> float:
        """Measured table over theory, less 1."""
        return self.table_bytes / theory(self.at) - 1

    @property
    def agrees(self) -> bool:
        """Whether the measured table is within 2 % of the file format's arithmetic."""
        return abs(self.error) <= 0.02

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.at.rows,
            "url_bytes": self.at.url_bytes,
            "table_bytes_per_row": self.table_bytes,
            "theory_table_bytes_per_row": theory(self.at),
            "index_bytes_per_row": self.index_bytes,
            "times_the_url": self.total_bytes / self.at.url_bytes,
        }

    @property
    def reading(self) -> str:
        verdict = "agrees" if self.agrees else "disagrees"
        return (
            f"A URL of {self.at.url_bytes} bytes takes {significant(self.table_bytes)} in the "
            f"table and {significant(self.index_bytes)} in the index that finds it, "
            f"{significant(self.total_bytes / self.at.url_bytes)} times its length. Verdict: the "
            f"file format's arithmetic says {significant(theory(self.at))} for the table, "
            f"{significant(100 * abs(self.error), 1)} % away: {verdict} (limit 2 %)."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "bytes per row": {
                    "the URL itself": float(self.at.url_bytes),
                    "table, by the file format": theory(self.at),
                    "table, measured": self.table_bytes,
                    "index on the key, measured": self.index_bytes,
                    "table and index, measured": self.total_bytes,
                }
            }
        )


def plot(run: Storage, ax: Axes) -> None:
    """Draw what a URL takes in a file, beside what the envelope and the file format say."""
    ax.set_title("A hundred-byte record does not take a hundred bytes")
    rows = (
        ("the URL itself", run.at.url_bytes, style.GHOST, ""),
        ("table, by the format", theory(run.at), "white", "////"),
        ("table, measured", run.table_bytes, style.VERMILION, ""),
        ("with index, measured", run.total_bytes, style.VERMILION, ""),
    )
    ax.set_xlim(0, 1.25 * run.total_bytes)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("bytes per row")
    for y, (name, value, fill, hatch) in enumerate(rows):
        look: dict[str, Any] = {
            "facecolor": fill,
            "hatch": hatch,
            "edgecolor": style.INK,
            "linewidth": 0.8,
        }
        bars(ax, y, value, 0.6, along="x", **look)
        ax.text(value + 0.015 * run.total_bytes, y, f"{value:.0f}", va="center", fontsize=10)
        ax.text(2, y, name, va="center", fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 2.5})  # fmt: skip
