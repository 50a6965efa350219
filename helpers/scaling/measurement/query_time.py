"""A real table: one query with and without an index, from a thousand to a million rows."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import PowerLaw, fit_power_law, power_exponent

if TYPE_CHECKING:
    import pandas as pd

_REPEATS = 9
_INDEXED_PER_REPEAT = 20
_FILL = """
WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last)
INSERT INTO account SELECT i, (i * 2654435761) % 4294967296, 'somebody' FROM n
"""


class MeasuredQueryTime(Result):
    """Time of one query in SQLite against the number of rows.

    Attributes
    ----------
    rows : numpy.ndarray of int, shape (k,)
        Rows in the table.
    scan_s, index_s : numpy.ndarray, shape (k,)
        Median time of a query without and with an index, seconds.
    scan_spread_s, index_spread_s : numpy.ndarray, shape (2, k)
        Lower and upper quartile of the repetitions, seconds.
    scan_law, index_law : PowerLaw
        Power laws fitted to the medians.
    """

    rows: np.ndarray
    scan_s: np.ndarray
    index_s: np.ndarray
    scan_spread_s: np.ndarray
    index_spread_s: np.ndarray
    scan_law: PowerLaw
    index_law: PowerLaw

    @property
    def local_slopes(self) -> np.ndarray:
        """Exponent of the scan between each size and the next, shape (k - 1,)."""
        return np.diff(np.log(self.scan_s)) / np.diff(np.log(self.rows))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "most_rows": int(self.rows[-1]),
            "scan_ms_at_most_rows": 1e3 * float(self.scan_s[-1]),
            "index_ms_at_most_rows": 1e3 * float(self.index_s[-1]),
            "scan_exponent": float(self.scan_law.exponent.estimate),
            "index_exponent": float(self.index_law.exponent.estimate),
            "scan_slope_first_step": float(self.local_slopes[0]),
            "scan_slope_last_step": float(self.local_slopes[-1]),
        }

    @property
    def reading(self) -> str:
        scan, index = self.scan_law.exponent, self.index_law.exponent
        two_points = power_exponent(1_000, 0.010, 10_000_000, 10.0)
        inside = "inside" if scan.contains(two_points) else "outside"
        return (
            f"Verdict: SQLite's scan grows with exponent {scan.estimate:.2f} (95 % interval "
            f"{scan.low:.2f} to {scan.high:.2f}) and its index with {index.estimate:.2f} "
            f"({index.low:.2f} to {index.high:.2f}); {two_points:.2f} lies {inside} the scan's "
            f"interval. At {significant(self.rows[-1])} rows the scan takes "
            f"{duration(self.scan_s[-1])}, the index {duration(self.index_s[-1])}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "rows": self.rows,
                "scan (ms)": 1e3 * self.scan_s,
                "index (ms)": 1e3 * self.index_s,
                "scan slope to the next": [*self.local_slopes, np.nan],
            }
        ).set_index("rows")


def measure_query_time(*, most_rows: int = 1_000_000, seed: int = 1) -> MeasuredQueryTime:
    """Grow a table in SQLite, in memory, and time a query for one key at each size.

    Parameters
    ----------
    most_rows : int
        Rows of the largest table; 10,000 to 1,000,000. Sizes go up from 1,000 by about three.
    seed : int
        Seed of the keys looked up; >= 0.

    Returns
    -------
    MeasuredQueryTime

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Keys are a permutation of the row numbers, so the index is not in the order of the table. Each
    size is queried nine times, after one query that is not counted; an indexed query is too quick
    for one reading of the clock and is timed twenty at a time.
    """
    most_rows = validation.integer("most_rows", most_rows, at_least=10_000, at_most=1_000_000)
    rng = streams(seed, "keys")["keys"]
    steps = max(3, round(2 * math.log10(most_rows / 1_000)) + 1)
    sizes = np.unique(np.geomspace(1_000, most_rows, steps).round().astype(int))
    scans, lookups = [], []
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, handle INT, name TEXT)")
        have = 0
        for size in sizes.tolist():
            database.execute("DROP INDEX IF EXISTS by_handle")
            database.execute(_FILL, {"first": have, "last": size})
            have = size
            handles = (rng.integers(size, size=_REPEATS + 1) * 2654435761) % 4294967296
            scans.append(_time(database, handles.tolist(), 1))
            database.execute("CREATE INDEX by_handle ON account (handle)")
            lookups.append(_time(database, handles.tolist(), _INDEXED_PER_REPEAT))
    scan, index = np.array(scans).T, np.array(lookups).T
    return MeasuredQueryTime(
        rows=sizes,
        scan_s=np.median(scan, axis=0),
        index_s=np.median(index, axis=0),
        scan_spread_s=np.quantile(scan, (0.25, 0.75), axis=0),
        index_spread_s=np.quantile(index, (0.25, 0.75), axis=0),
        scan_law=fit_power_law(sizes, np.median(scan, axis=0)),
        index_law=fit_power_law(sizes, np.median(index, axis=0)),
    )


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
