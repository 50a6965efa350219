"""Pictures of how cost grows with size."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, is_blank, log_axis, ring, time_axis, whiskers
from helpers.scaling.measurement import MeasuredQueryTime
from helpers.scaling.simulation import FEATURES, GrowthResult, QueryTimeResult
from helpers.scaling.simulation.query_time import LARGE_ROWS, LARGE_S, SMALL_ROWS, SMALL_S
from helpers.scaling.theory import GROWTH_KINDS

_MARKERS = ("o", "s", "^", "D")
# Where each curve has room for its name: number of users, and offset in points.
_NAMES_AT = {
    "constant": (1.2e6, (0, -11)),
    "logarithmic": (1.2e6, (0, 10)),
    "linear": (1.2e6, (-8, 7)),
    "quadratic": (4e3, (-8, 7)),
}


def plot_growth(result: GrowthResult, ax: Axes) -> None:
    """Draw the time of four features against the number of users, on logarithmic axes."""
    ax.set_title("Four features, one site: which one leaves the budget first?")
    log_axis(ax, "x", 80, 1.3e7)
    time_axis(ax, "y", 8e-9, 1e6)
    ax.set_xlabel("users")
    ax.set_ylabel("time to answer one request")
    ax.axhspan(result.budget_ms * 1e-3, 1e6, color=style.FAINT, alpha=0.45, linewidth=0)
    ax.text(100, 3e5, "slower than the budget", color=style.MUTED, fontsize=9, va="top")
    here(ax, result.users)
    every = np.unique(np.geomspace(100, 1e7, 60).astype(int))
    for kind, color, marker in zip(GROWTH_KINDS, style.SERIES, _MARKERS, strict=False):
        curve = [result.time_at(kind, int(n)) for n in every]
        ax.plot(every, curve, color=color, linewidth=1.3, linestyle=(0, (4, 2)))
        ax.plot(
            result.sizes, result.times_s[kind], color=color, marker=marker, markersize=5.5, lw=0
        )
        x, offset = _NAMES_AT[kind]
        placed = {"xytext": offset, "ha": "right" if offset[0] else "center"}
        style.label(ax, x, result.time_at(kind, int(x)), FEATURES[kind], color, **placed)
    ring(ax, result.users, [result.time_at(kind, result.users) for kind in GROWTH_KINDS])


def plot_query_time(result: QueryTimeResult | MeasuredQueryTime, ax: Axes) -> None:
    """Draw a query's time against the size of the table, simulated or measured."""
    if isinstance(result, MeasuredQueryTime):
        _plot_measured_queries(result, ax)
        return
    _frame_queries(ax)
    ax.set_title("One query, a growing table: where do the two observations lie?")
    power = np.array([1e2, 1e8])
    ax.plot(power, SMALL_S * (power / SMALL_ROWS) ** 0.75, color=style.GHOST, linewidth=1.2)
    style.label(ax, 1e6, 10**0.25, "exponent 0.75", style.MUTED, ha="right", xytext=(-2, 9))
    here(ax, result.rows)
    ax.plot(result.sizes, result.scan_s, **style.SIMULATION)
    ax.plot(result.sizes, result.scan_theory_s, **style.THEORY)
    ax.plot(result.sizes, result.index_s, color=style.GREEN, linewidth=2.2)
    ax.plot(result.sizes, result.index_theory_s, **style.THEORY)
    end = result.sizes[-7], result.scan_s[-7]
    style.label(ax, *end, "scan", style.BLUE, ha="left", xytext=(9, -8))
    style.label(
        ax, 3e6, result.expected_s("index", 3_000_000), "index", style.GREEN, xytext=(0, -10)
    )
    ax.plot(
        [SMALL_ROWS, LARGE_ROWS], [SMALL_S, LARGE_S], color=style.INK, marker="D", ls="none", ms=8
    )
    style.label(ax, SMALL_ROWS, SMALL_S, "10 ms", style.INK, ha="right", xytext=(-8, 6))
    style.label(ax, LARGE_ROWS, LARGE_S, "10 s", style.INK, ha="right", xytext=(-9, 6))


def _frame_queries(ax: Axes) -> None:
    log_axis(ax, "x", 80, 1.3e8)
    time_axis(ax, "y", 3e-7, 1e3)
    ax.set_xlabel("rows in the table")
    ax.set_ylabel("time of one query")


def _plot_measured_queries(result: MeasuredQueryTime, ax: Axes) -> None:
    alone = is_blank(ax)
    if alone:
        _frame_queries(ax)
        ax.set_title("SQLite: with and without an index")
    rows = result.rows
    for times, spread, law, marker, name, below in (
        (result.scan_s, result.scan_spread_s, result.scan_law, "o", "SQLite, scan", False),
        (result.index_s, result.index_spread_s, result.index_law, "s", "SQLite, index", True),
    ):
        whiskers(ax, rows, times, *spread, **(style.MEASUREMENT | {"marker": marker}))
        fitted = law.coefficient * rows.astype(float) ** law.exponent.estimate
        ax.plot(rows, fitted, color=style.VERMILION, linewidth=1.0)
        at, place = (
            (-1, {"xytext": (0, -12), "ha": "right"})
            if below
            else (2, {"xytext": (-8, 7), "ha": "right"})
        )
        style.label(ax, rows[at], times[at], name, style.VERMILION, **place)
