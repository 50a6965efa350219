"""One query against a growing table, with and without an index, in a limited memory."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory.growth import (
    MEMORY_PAGE_S,
    RANDOM_READ_S,
    ROWS_PER_PAGE,
    SEQUENTIAL_READ_S,
    resident_shares,
    theory_query_time,
)

if TYPE_CHECKING:
    import pandas as pd

#: The two observations that the chapter examines: rows, seconds.
SMALL_ROWS, SMALL_S = 1_000, 0.010
LARGE_ROWS, LARGE_S = 10_000_000, 10.0

_SIZES = tuple(round(10 ** (exponent / 4)) for exponent in range(8, 33))  # 10^2 .. 10^8
_LOOKUPS = 200
_LEVELS = 6  # more than any table here has


class QueryTimeResult(Result):
    """Mean time of one query against the size of the table.

    Attributes
    ----------
    rows, overhead_ms, row_us, memory_rows
        The parameters it was made with.
    sizes : numpy.ndarray, shape (25,)
        Rows of the tables simulated.
    scan_s, index_s : numpy.ndarray, shape (25,)
        Mean simulated time with a full scan, and with an index.
    scan_theory_s, index_theory_s : numpy.ndarray, shape (25,)
        Their expected values.
    """

    rows: int
    overhead_ms: float
    row_us: float
    memory_rows: int
    sizes: np.ndarray
    scan_s: np.ndarray
    index_s: np.ndarray
    scan_theory_s: np.ndarray
    index_theory_s: np.ndarray

    def expected_s(self, access: str, rows: int) -> float:
        """Return the expected time of one query at these parameters, seconds."""
        return theory_query_time(
            rows,
            access,
            overhead_s=self.overhead_ms * 1e-3,
            row_s=self.row_us * 1e-6,
            memory_rows=self.memory_rows,
        )

    @property
    def misfit(self) -> float:
        """Largest factor by which the scan misses the two observations; 1 is a perfect fit."""
        ratios = (
            self.expected_s("scan", SMALL_ROWS) / SMALL_S,
            self.expected_s("scan", LARGE_ROWS) / LARGE_S,
        )
        return max(max(ratio, 1 / ratio) for ratio in ratios)

    @property
    def local_slope(self) -> float:
        """Exponent of the scan's time at `rows`: what a tenth more rows do, on logarithmic axes."""
        more = math.ceil(self.rows * 1.1)
        grown = self.expected_s("scan", more) / self.expected_s("scan", self.rows)
        return math.log(grown) / math.log(more / self.rows)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.rows,
            "scan_ms": 1e3 * self.expected_s("scan", self.rows),
            "index_ms": 1e3 * self.expected_s("index", self.rows),
            "scan_slope_here": float(f"{self.local_slope:.2f}"),
            "scan_at_1000_rows_ms": 1e3 * self.expected_s("scan", SMALL_ROWS),
            "scan_at_10_million_rows_s": self.expected_s("scan", LARGE_ROWS),
        }

    @property
    def reading(self) -> str:
        scan, index = (self.expected_s(kind, self.rows) for kind in ("scan", "index"))
        fit = (
            "its curve passes through both observations"
            if self.misfit <= 1.05
            else f"its curve misses an observation by a factor of {significant(self.misfit)}"
        )
        return (
            f"At {significant(self.rows)} rows the scan takes {duration(scan)} and the index "
            f"{duration(index)}; the scan's slope here is {self.local_slope:.2f}, and {fit}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "rows": self.sizes,
                "scan (s)": self.scan_s,
                "scan, theory (s)": self.scan_theory_s,
                "index (s)": self.index_s,
                "index, theory (s)": self.index_theory_s,
            }
        ).set_index("rows")


def simulate_query_time(
    *,
    rows: int = 100_000,
    overhead_ms: float = 1.0,
    row_us: float = 1.0,
    memory_rows: int = 10_000_000,
    seed: int = 1,
) -> QueryTimeResult:
    """Time one query for one row, page by page, on tables of 100 to 100 million rows.

    Parameters
    ----------
    rows : int
        Where to read the curves off; 1 <= rows <= 10^9.
    overhead_ms : float
        What every query costs whatever the table, milliseconds; >= 0.
    row_us : float
        Time to examine one row in memory, microseconds; > 0.
    memory_rows : int
        Memory, as the number of rows whose pages fit into it; >= 1.
    seed : int
        Seed of which pages the lookups touch; >= 0.

    Returns
    -------
    QueryTimeResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A lookup by index touches one random page on each level of the tree; the page is in memory
    with the probability of its level, and otherwise costs a random read. A scan reads all pages
    in order. Page sizes and read times are constants of ``theory.growth``.
    """
    rows = validation.integer("rows", rows, at_least=1, at_most=10**9)
    overhead_ms = validation.number("overhead_ms", overhead_ms, at_least=0, unit="ms")
    row_us = validation.number("row_us", row_us, above=0, unit="µs")
    memory_rows = validation.integer("memory_rows", memory_rows, at_least=1)
    luck = _page_luck(validation.integer("seed", seed, at_least=0))
    overhead_s, row_s = overhead_ms * 1e-3, row_us * 1e-6
    model = {"overhead_s": overhead_s, "row_s": row_s, "memory_rows": memory_rows}
    return QueryTimeResult(
        rows=rows,
        overhead_ms=overhead_ms,
        row_us=row_us,
        memory_rows=memory_rows,
        sizes=np.array(_SIZES),
        scan_s=np.array([_scan(n, overhead_s, row_s, memory_rows) for n in _SIZES]),
        index_s=np.array(
            [_lookups(n, overhead_s, memory_rows, luck[i]) for i, n in enumerate(_SIZES)]
        ),
        scan_theory_s=np.array([theory_query_time(n, "scan", **model) for n in _SIZES]),
        index_theory_s=np.array([theory_query_time(n, "index", **model) for n in _SIZES]),
    )


@lru_cache(maxsize=8)
def _page_luck(seed: int) -> np.ndarray:
    """Uniform numbers for every table, lookup and level, shape (25, 200, 6)."""
    luck = streams(seed, "pages")["pages"].random((len(_SIZES), _LOOKUPS, _LEVELS))
    luck.setflags(write=False)
    return luck


def _scan(rows: int, overhead_s: float, row_s: float, memory_rows: int) -> float:
    """Read every page of the table, from disk unless all of them fit into memory."""
    pages = -(-rows // ROWS_PER_PAGE)
    read_s = SEQUENTIAL_READ_S if rows > memory_rows else 0.0
    return overhead_s + pages * read_s + rows * row_s


def _lookups(rows: int, overhead_s: float, memory_rows: int, luck: np.ndarray) -> float:
    """Mean time of lookups that touch one page on each level, each in memory or not."""
    shares = np.array(resident_shares(rows, memory_rows))
    misses = luck[:, : shares.size] >= shares
    times = overhead_s + shares.size * MEMORY_PAGE_S + misses.sum(axis=1) * RANDOM_READ_S
    return float(times.mean())
