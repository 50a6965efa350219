"""What one write costs: to memory, to a database, to both, and behind.

A dictionary is the cache and sqlite3 on this machine's disk the database; there is nothing to
simulate. Where that stops being true: a cache and a database across a network both cost
milliseconds, and the sum looks less lopsided.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import marks, time_axis, whiskers
from helpers.foundations.experiment import Measured, Parameters, integer, takes
from helpers.foundations.prose import duration, rounded, significant

#: The kinds of write, in the order they are shown.
KINDS = ("cache alone", "database alone", "write-through", "write-behind")


class Trial(Parameters):
    """Writes of four kinds, interleaved, so that a slow moment of the machine hits all alike."""

    writes: int = integer(150, "Writes of each kind", at_least=10, at_most=10_000)


def theory(cache_s: float, database_s: float) -> float:
    """Write-through's latency, seconds: both are written before the answer, so it is a sum."""
    return cache_s + database_s


@takes(Trial)
def measure(at: Trial) -> MeasuredWriteLatency:
    """Time writes to a dictionary, to sqlite3 with a commit each, to both, and batched."""
    cache: dict[int, int] = {}
    buffered: dict[int, int] = {}
    with TemporaryDirectory(prefix="write-latency-", ignore_cleanup_errors=True) as folder:
        database = sqlite3.connect(Path(folder) / "database.sqlite3", isolation_level=None)
        try:
            database.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, value INTEGER)")
            insert = "INSERT OR REPLACE INTO item VALUES (?, ?)"

            def to_cache(key: int) -> None:
                cache[key] = key

            def to_database(key: int) -> None:
                database.execute(insert, (key, key))

            def through(key: int) -> None:
                to_database(key)
                to_cache(key)

            def behind(key: int) -> None:
                to_cache(key)
                buffered[key] = key

            times = np.empty((4, at.writes))
            for key in range(at.writes):
                for row, write in enumerate((to_cache, to_database, through, behind)):
                    began = time.perf_counter()
                    write(key)
                    times[row, key] = time.perf_counter() - began
            began = time.perf_counter()
            database.execute("BEGIN")
            database.executemany(insert, buffered.items())
            database.execute("COMMIT")
            batched_row_s = (time.perf_counter() - began) / at.writes
        finally:
            database.close()
    return MeasuredWriteLatency(at, times, batched_row_s)


class MeasuredWriteLatency(Measured):
    """What one write costs, with a dictionary as the cache and sqlite3 on disk as the database.

    Attributes
    ----------
    times_s : numpy.ndarray, shape (4, writes)
        Seconds for each write of each of :data:`KINDS`.
    batched_row_s : float
        Seconds per row when all are committed at once.
    """

    at: Trial
    times_s: np.ndarray
    batched_row_s: float

    @property
    def quartiles_s(self) -> np.ndarray:
        """Lower quartile, median and upper quartile of each kind, seconds, shape (3, 4)."""
        return np.quantile(self.times_s, [0.25, 0.5, 0.75], axis=1)

    @property
    def medians_s(self) -> list[float]:
        """Median of each of :data:`KINDS`, seconds."""
        medians: list[float] = self.quartiles_s[1].tolist()
        return medians

    @property
    def ratio(self) -> float:
        """Median write-through time over the sum of its parts' medians."""
        cache_s, database_s, through_s, _ = self.medians_s
        return through_s / theory(cache_s, database_s)

    @property
    def verdict(self) -> str:
        """Whether write-through costs the sum of its parts, in one line."""
        word = "agrees" if 2 / 3 < self.ratio < 3 / 2 else "disagrees"
        return (
            f"write-through takes {significant(self.ratio)} times cache + database "
            f"(medians; within a factor of 1.5 counts): {word}"
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        cache_s, database_s, through_s, behind_s = self.medians_s
        return {
            "cache_us": rounded(1e6 * cache_s),
            "database_us": rounded(1e6 * database_s),
            "write_through_us": rounded(1e6 * through_s),
            "write_behind_us": rounded(1e6 * behind_s),
            "batched_row_us": rounded(1e6 * self.batched_row_s),
        }

    @property
    def reading(self) -> str:
        *_, through_s, behind_s = self.medians_s
        return (
            f"Measured medians: write-through {duration(through_s)}, write-behind "
            f"{duration(behind_s)} per write; committed in one batch a row costs "
            f"{duration(self.batched_row_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        low, middle, high = 1e6 * self.quartiles_s
        return {"write": KINDS, "median (µs)": middle, "quarter below": low, "quarter above": high}


def plot_measured(run: MeasuredWriteLatency, ax: Axes) -> None:
    """Draw the median cost of one write of each kind, with its middle half."""
    low, middle, high = run.quartiles_s
    rows = np.arange(len(KINDS))
    whiskers(ax, rows, middle, low, high, along="x", **style.MEASUREMENT)
    for row in rows.tolist():
        style.label(ax, high[row], row, duration(middle[row], 2), style.INK, xytext=(8, 0))
    cache_s, database_s, *_ = run.medians_s
    expected, through = theory(cache_s, database_s), KINDS.index("write-through")
    marks(ax, through, expected, along="x")
    style.label(
        ax, expected, through + 0.4, "cache + database", style.INK, xytext=(0, -8), ha="center"
    )
    time_axis(ax, "x", 1e-8, 1, ticks=(1e-8, 1e-6, 1e-4, 1e-2, 1))
    ax.set_yticks(rows, [kind.replace(" ", "\n").replace("-", "-\n") for kind in KINDS])
    ax.set_ylim(len(KINDS) - 0.4, -0.6)
    ax.set_title("What one write costs on this machine")
    ax.set_xlabel("time per write (median and middle half)")


#: There is nothing to draw but the measurement.
plot = plot_measured
