"""The query of `query_time` for real: a table in SQLite that grows, with and without an index.

Where that stops being true: the table is in memory, so that no page is read from a disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import is_blank, whiskers
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.scaling import power_law, query_time
from helpers.scaling.query_time import LARGE_ROWS, LARGE_S, SMALL_ROWS, SMALL_S, frame
from helpers.scaling.sqlite_table import time_queries


class Trial(Parameters):
    """A table in SQLite that grows from 1,000 rows by about three at each step."""

    most_rows: int = integer(
        1_000_000, "Rows of the largest table", at_least=10_000, at_most=1_000_000
    )
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredQueryTime:
    """Grow a table in SQLite, in memory, and time a query for one key at each size.

    Keys are a permutation of the row numbers, so the index is not in the order of the table. Each
    size is queried nine times, after one query that is not counted; an indexed query is too quick
    for one reading of the clock and is timed twenty at a time.
    """
    steps = max(3, round(2 * math.log10(at.most_rows / 1_000)) + 1)
    rows = np.unique(np.geomspace(1_000, at.most_rows, steps).round().astype(int))
    scans, lookups = time_queries(rows.tolist(), Draws(at.seed)("keys"))
    return MeasuredQueryTime(at, rows, scans, lookups)


class MeasuredQueryTime(Measured):
    """Times of one query in SQLite, at each of `rows`.

    Attributes
    ----------
    rows : numpy.ndarray of int, shape (k,)
    scans_s, lookups_s : numpy.ndarray, shape (9, k)
        Time of each query without and with an index, seconds.
    """

    at: Trial
    rows: np.ndarray
    scans_s: np.ndarray
    lookups_s: np.ndarray

    @property
    def scan_s(self) -> np.ndarray:
        """Median time of a query without an index, seconds."""
        return np.asarray(np.median(self.scans_s, axis=0))

    @property
    def index_s(self) -> np.ndarray:
        """Median time of a query with an index, seconds."""
        return np.asarray(np.median(self.lookups_s, axis=0))

    @property
    def scan_law(self) -> power_law.PowerLaw:
        """The power law fitted to the scan's medians."""
        return power_law.fit(self.rows, self.scan_s)

    @property
    def index_law(self) -> power_law.PowerLaw:
        """The power law fitted to the index's medians."""
        return power_law.fit(self.rows, self.index_s)

    @property
    def local_slopes(self) -> np.ndarray:
        """Exponent of the scan between each size and the next, shape (k - 1,)."""
        return np.asarray(np.diff(np.log(self.scan_s)) / np.diff(np.log(self.rows)))

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
        two_points = power_law.exponent(SMALL_ROWS, SMALL_S, LARGE_ROWS, LARGE_S)
        inside = "inside" if scan.contains(two_points) else "outside"
        return (
            f"Verdict: SQLite's scan grows with exponent {scan.estimate:.2f} (95 % interval "
            f"{scan.low:.2f} to {scan.high:.2f}) and its index with {index.estimate:.2f} "
            f"({index.low:.2f} to {index.high:.2f}); {two_points:.2f} lies {inside} the scan's "
            f"interval. At {significant(self.rows[-1])} rows the scan takes "
            f"{duration(self.scan_s[-1])}, the index {duration(self.index_s[-1])}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "rows": self.rows,
            "scan (ms)": 1e3 * self.scan_s,
            "index (ms)": 1e3 * self.index_s,
            "scan slope to the next": [*self.local_slopes, np.nan],
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = query_time.plot


def plot_measured(run: MeasuredQueryTime, ax: Axes) -> None:
    """Draw medians, quartiles and fitted laws, alone or on top of the simulation."""
    if is_blank(ax):
        frame(ax)
        ax.set_title("SQLite: with and without an index")
    rows = run.rows
    for times, law, marker, name, at, place in (
        (run.scans_s, run.scan_law, "o", "SQLite, scan", 2, (-8, 7)),
        (run.lookups_s, run.index_law, "s", "SQLite, index", -1, (0, -12)),
    ):
        low, middle, high = np.quantile(times, (0.25, 0.5, 0.75), axis=0)
        whiskers(ax, rows, middle, low, high, **(style.MEASUREMENT | {"marker": marker}))
        fitted = law.coefficient * rows.astype(float) ** law.exponent.estimate
        ax.plot(rows, fitted, color=style.VERMILION, linewidth=1.0)
        style.label(ax, rows[at], middle[at], name, style.VERMILION, xytext=place, ha="right")
