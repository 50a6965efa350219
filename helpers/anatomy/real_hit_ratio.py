"""The cache of `hit_ratio` in front of a real sqlite3 file, which counts the queries it gets.

Where that stops being true: the file is in the operating system's cache, so that a miss costs less
than a disk would.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy import hit_ratio
from helpers.anatomy.hit_ratio import KEYS, lru
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, seed, takes
from helpers.foundations.prose import duration, percent, significant
from helpers.foundations.traffic.keys import zipf_keys

#: Sizes that are measured, as shares of the keys, and the exponent of their popularity.
MEASURED_SHARES, MEASURED_EXPONENT = (0.005, 0.03, 0.1, 0.3), 0.9

#: Che's approximation and the sampling of so many reads are good to this much, in hit ratio.
TOLERANCE = 0.02


class Trial(Parameters):
    """Reads of an sqlite file through ``functools.lru_cache`` of four sizes."""

    reads: int = integer(
        12_000,
        "Reads at each size",
        at_least=2_000,
        at_most=50_000,
        note="After as many that fill the cache.",
    )
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredHitRatio:
    """Read Zipf keys through caches of four sizes from an sqlite file, and count its queries."""
    keys = zipf_keys(2 * at.reads, KEYS, MEASURED_EXPONENT, Draws(at.seed)("keys")).tolist()
    counts, times = [], []
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        connection = sqlite3.connect(Path(folder) / "values.db")
        try:
            connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
            rows = ((key, f"value-{key}") for key in range(KEYS))
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            connection.commit()
            queries = 0

            def query(key: int) -> str:
                nonlocal queries
                queries += 1
                found = connection.execute("SELECT v FROM t WHERE k = ?", (key,)).fetchone()
                return str(found[0])

            began = time.perf_counter()
            for each in keys[:2_000]:
                query(each)
            bare_s = (time.perf_counter() - began) / 2_000
            for share in MEASURED_SHARES:
                fetch = lru_cache(maxsize=round(share * KEYS))(query)
                for each in keys[: at.reads]:
                    fetch(each)
                queries, began = 0, time.perf_counter()
                for each in keys[at.reads :]:
                    fetch(each)
                times.append((time.perf_counter() - began) / at.reads)
                counts.append(queries)
        finally:
            connection.close()
    return MeasuredHitRatio(at, np.array(counts), np.array(times), bare_s)


class MeasuredHitRatio(Measured):
    """Reads of a real sqlite file behind a real ``functools.lru_cache``.

    Attributes
    ----------
    database_reads : numpy.ndarray of int, shape (4,)
        Queries that sqlite really got, for each of :data:`MEASURED_SHARES`.
    read_s, bare_s : numpy.ndarray and float
        Mean time of a read at each size, and without a cache, seconds.
    """

    at: Trial
    database_reads: np.ndarray
    read_s: np.ndarray
    bare_s: float

    @property
    def hit_ratio(self) -> np.ndarray:
        """Measured hit ratios."""
        return 1 - self.database_reads / self.at.reads

    @property
    def che(self) -> np.ndarray:
        """Che's approximation."""
        return lru(KEYS, MEASURED_EXPONENT, KEYS * np.array(MEASURED_SHARES))

    @property
    def agrees(self) -> bool:
        """Whether Che is within the tolerance everywhere."""
        return bool((np.abs(self.hit_ratio - self.che) <= TOLERANCE).all())

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"reads": self.at.reads}
        rows = zip(MEASURED_SHARES, self.hit_ratio, self.che, self.database_reads, strict=True)
        for share, hit, che, count in rows:
            size = f"{significant(100 * share)}_percent_of_keys"
            values[f"hit_percent_at_{size}"] = 100 * float(hit)
            values[f"che_percent_at_{size}"] = 100 * float(che)
            values[f"database_reads_at_{size}"] = int(count)
        return values

    @property
    def reading(self) -> str:
        gap = float(np.abs(self.hit_ratio - self.che).max())
        word = "agree" if self.agrees else "disagree"
        return (
            f"Verdict: real caches and Che {word}, the widest gap being "
            f"{significant(100 * gap, 2)} points of hit ratio (allowed: "
            f"{significant(100 * TOLERANCE)}). With room for "
            f"{percent(MEASURED_SHARES[-1])} of the keys sqlite got "
            f"{self.database_reads[-1]:,} of {self.at.reads:,} reads, and a read took "
            f"{duration(float(self.read_s[-1]), 2)} instead of {duration(self.bare_s, 2)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "room (% of the keys)": 100 * np.array(MEASURED_SHARES),
            "hit ratio (%)": 100 * self.hit_ratio,
            "Che (%)": 100 * self.che,
            "reads at sqlite": self.database_reads,
            "time of a read (µs)": 1e6 * self.read_s,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = hit_ratio.plot


def plot_measured(run: MeasuredHitRatio, ax: Axes) -> None:
    """Draw measured hit ratios over the simulation."""
    shares = 100 * np.array(MEASURED_SHARES)
    ax.plot(shares, 100 * run.hit_ratio, **(style.MEASUREMENT | {"marker": "D"}))
    name, y = "measured before sqlite", 100 * run.hit_ratio[1]
    style.label(ax, shares[1], y, name, style.VERMILION, xytext=(8, -12))
