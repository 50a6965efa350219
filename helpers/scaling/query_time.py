"""One query against a growing table, with and without an index, in a limited memory.

A scan reads every page of the table in order; a lookup touches one random page on each level of a
B-tree. Both pay a fixed cost that has nothing to do with the rows. Where that stops being true: a
query whose answer grows with the table has rows to read that no index can save.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, time_axis
from helpers.foundations.experiment import Draws, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import duration, significant

#: The two observations that the chapter examines: rows, seconds.
SMALL_ROWS, SMALL_S = 1_000, 0.010
LARGE_ROWS, LARGE_S = 10_000_000, 10.0

#: Rows of the tables simulated.
SIZES = tuple(round(10 ** (exponent / 4)) for exponent in range(8, 33))  # 10^2 .. 10^8

#: Rows that fit on one page of the table, and entries on one page of its index.
ROWS_PER_PAGE = 100
FANOUT = 200

#: Times of one page access: found in memory; read at random, and read in sequence, from an SSD.
#: Orders of magnitude, not a product's data sheet.
MEMORY_PAGE_S = 0.2e-6
RANDOM_READ_S = 100e-6
SEQUENTIAL_READ_S = 10e-6

_LOOKUPS = 200
_LEVELS = 6  # more than any table here has


class Setting(Parameters):
    """A table, a machine, and one query for one row."""

    rows: int = integer(100_000, "Rows in the table", at_least=1, at_most=10**9)
    overhead_ms: float = number(1.0, "Fixed cost of any query", unit="ms", at_least=0)
    row_us: float = number(1.0, "Time for one row", unit="µs", above=0, note="In memory.")
    memory_rows: int = integer(
        10_000_000, "Rows that fit in memory", note="With their pages.", at_least=1
    )
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> QueryTime:
    """Time one query for one row, page by page, on tables of 100 to 100 million rows."""
    luck = _page_luck(at.seed)
    return QueryTime(
        at,
        scan_s=np.array([_scan(at, rows) for rows in SIZES]),
        index_s=np.array([_lookups(at, rows, luck[i]) for i, rows in enumerate(SIZES)]),
    )


@lru_cache(maxsize=8)
def _page_luck(seed: int) -> np.ndarray:
    """Uniform numbers for every table, lookup and level, shape (25, 200, 6)."""
    luck = Draws(seed)("pages").random((len(SIZES), _LOOKUPS, _LEVELS))
    luck.setflags(write=False)
    return luck


def _scan(at: Setting, rows: int) -> float:
    """Read every page of the table, from disk unless all of them fit into memory."""
    pages = -(-rows // ROWS_PER_PAGE)
    read_s = SEQUENTIAL_READ_S if rows > at.memory_rows else 0.0
    return 1e-3 * at.overhead_ms + pages * read_s + rows * (1e-6 * at.row_us)


def _lookups(at: Setting, rows: int, luck: np.ndarray) -> float:
    """Mean time of lookups that touch one page on each level, each in memory or not."""
    shares = np.array(resident_shares(rows, at.memory_rows))
    misses = luck[:, : shares.size] >= shares
    times = 1e-3 * at.overhead_ms + shares.size * MEMORY_PAGE_S + misses.sum(axis=1) * RANDOM_READ_S
    return float(times.mean())


def index_depth(rows: int) -> int:
    """Pages a B-tree lookup touches from the root to the row: index levels, then the row's page."""
    levels, reach = 1, FANOUT
    while reach < rows:
        levels, reach = levels + 1, reach * FANOUT
    return levels + 1


def index_pages(rows: int) -> list[int]:
    """Pages on each level of the path to a row: root first, then leaves, then the table."""
    levels = index_depth(rows) - 1
    entries = [math.ceil(rows / FANOUT**level) for level in range(levels, 0, -1)]
    return [*entries, math.ceil(rows / ROWS_PER_PAGE)]


def resident_shares(rows: int, memory_rows: int) -> list[float]:
    """Share of the pages of each level of :func:`index_pages` that is in memory.

    A page near the root is touched by many more lookups than a page of the table, so a cache that
    keeps what is used most fills up from the root down.
    """
    free = memory_rows / ROWS_PER_PAGE
    shares = []
    for pages in index_pages(rows):
        kept = min(float(pages), free)
        shares.append(kept / pages)
        free -= kept
    return shares


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Expected time of one query, seconds."""

    scan_s: float
    index_s: float


def theory(at: Setting, rows: int | None = None) -> Theory:
    """Expected times at the setting, or with other rows.

    Scan: ``overhead + rows * row``, and when the table does not fit into memory every page is
    read from disk, because a cache that evicts the least recently used page has always just
    evicted the next one. Index: ``overhead`` plus, for each level, a page access that goes to disk
    with one minus the level's resident share. B-tree height: Bayer and McCreight, "Organization
    and maintenance of large ordered indexes", *Acta Informatica* 1, 1972.
    """
    rows = at.rows if rows is None else rows
    overhead_s, pages = 1e-3 * at.overhead_ms, math.ceil(rows / ROWS_PER_PAGE)
    from_disk_s = pages * SEQUENTIAL_READ_S if rows > at.memory_rows else 0
    shares = resident_shares(rows, at.memory_rows)
    return Theory(
        overhead_s + rows * (1e-6 * at.row_us) + from_disk_s,
        overhead_s + sum(MEMORY_PAGE_S + (1 - share) * RANDOM_READ_S for share in shares),
    )


# --- what it says ---------------------------------------------------------------------------------


class QueryTime(Result):
    """Mean time of one query at :data:`SIZES`, with a full scan and with an index, seconds."""

    at: Setting
    scan_s: np.ndarray
    index_s: np.ndarray

    @property
    def misfit(self) -> float:
        """Largest factor by which the scan misses the two observations; 1 is a perfect fit."""
        ratios = (
            theory(self.at, SMALL_ROWS).scan_s / SMALL_S,
            theory(self.at, LARGE_ROWS).scan_s / LARGE_S,
        )
        return max(max(ratio, 1 / ratio) for ratio in ratios)

    @property
    def local_slope(self) -> float:
        """Exponent of the scan's time at `rows`: what a tenth more rows do, on logarithmic axes."""
        more = math.ceil(self.at.rows * 1.1)
        grown = theory(self.at, more).scan_s / theory(self.at).scan_s
        return math.log(grown) / math.log(more / self.at.rows)

    @property
    def summary(self) -> dict[str, float | int | str]:
        here = theory(self.at)
        return {
            "rows": self.at.rows,
            "scan_ms": 1e3 * here.scan_s,
            "index_ms": 1e3 * here.index_s,
            "scan_slope_here": float(f"{self.local_slope:.2f}"),
            "scan_at_1000_rows_ms": 1e3 * theory(self.at, SMALL_ROWS).scan_s,
            "scan_at_10_million_rows_s": theory(self.at, LARGE_ROWS).scan_s,
        }

    @property
    def reading(self) -> str:
        here = theory(self.at)
        fit = (
            "its curve passes through both diamonds"
            if self.misfit <= 1.05
            else f"its curve misses a diamond by a factor of {significant(self.misfit)}"
        )
        slope = f"the scan's slope here is {self.local_slope:.2f}"
        if self.at.rows <= self.at.memory_rows < math.ceil(self.at.rows * 1.1):
            slope = "a few more rows would no longer fit in memory"
        return (
            f"At {significant(self.at.rows)} rows the scan takes {duration(here.scan_s)} and the "
            f"index {duration(here.index_s)}; {slope}, and {fit}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, rows) for rows in SIZES]
        return {
            "rows": SIZES,
            "scan (s)": self.scan_s,
            "scan, theory (s)": [each.scan_s for each in exact],
            "index (s)": self.index_s,
            "index, theory (s)": [each.index_s for each in exact],
        }


@style.wide
def plot(run: QueryTime, ax: Axes) -> None:
    """Draw a query's time against the size of the table."""
    frame(ax)
    ax.set_title("One query, a growing table: where do the two observations lie?")
    power = np.array([1e2, 1e8])
    ax.plot(power, SMALL_S * (power / SMALL_ROWS) ** 0.75, color=style.GHOST, linewidth=1.2)
    style.label(ax, 1e6, 10**0.25, "exponent 0.75", style.MUTED, ha="right", xytext=(-2, 9))
    here(ax, run.at.rows)
    exact = [theory(run.at, rows) for rows in SIZES]
    ax.plot(SIZES, run.scan_s, **style.SIMULATION)
    ax.plot(SIZES, [each.scan_s for each in exact], **style.THEORY)
    ax.plot(SIZES, run.index_s, color=style.GREEN, linewidth=2.2)
    ax.plot(SIZES, [each.index_s for each in exact], **style.THEORY)
    style.label(ax, SIZES[-7], run.scan_s[-7], "scan", style.BLUE, ha="left", xytext=(9, -8))
    index_s = theory(run.at, 3_000_000).index_s
    style.label(ax, 3e6, index_s, "index", style.GREEN, xytext=(0, -10))
    seen: dict[str, Any] = {"color": style.INK, "marker": "D", "ls": "none", "ms": 8}
    ax.plot([SMALL_ROWS, LARGE_ROWS], [SMALL_S, LARGE_S], **seen)
    style.label(ax, SMALL_ROWS, SMALL_S, "10 ms", style.INK, ha="right", xytext=(-8, 6))
    style.label(ax, LARGE_ROWS, LARGE_S, "10 s", style.INK, ha="right", xytext=(-9, 6))


def frame(ax: Axes) -> None:
    """Set the axes that simulation and measurement share."""
    log_axis(ax, "x", 80, 1.3e8)
    time_axis(ax, "y", 3e-7, 1e3)
    ax.set_xlabel("rows in the table")
    ax.set_ylabel("time of one query")
