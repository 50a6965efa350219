"""Pictures of writes: a race, a crash, and what a write costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from helpers.caching.measurement.writes import (
    MeasuredWriteBehindResult,
    MeasuredWriteLatencyResult,
    MeasuredWriteRaceResult,
)
from helpers.caching.plots.kit import PALE_BLUE, dot
from helpers.caching.simulation.writes import WriteBehindResult, WriteRaceResult
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    log_axis,
    marks,
    named_axis,
    time_axis,
    whiskers,
)
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.prose import duration


@style.panels(2, width_ratios=[1.15, 1])
def plot_write_race(
    result: WriteRaceResult | MeasuredWriteRaceResult, axes: tuple[Axes, Axes]
) -> None:
    """Draw one burst on its way from database to cache, and how often bursts end stale.

    Measured bursts are points on the second.
    """
    burst, share = axes
    if isinstance(result, MeasuredWriteRaceResult):
        error_bars(share, result.crowd, result.intervals, 100, **style.MEASUREMENT)
        return
    scale = 1e3  # to milliseconds
    last = result.commit_s.size - 1
    kept = result.kept
    lines = [
        [(scale * commit, 0.0), (scale * cached, 1.0)]
        for commit, cached in zip(result.commit_s, result.cached_s, strict=True)
    ]
    colors = [PALE_BLUE] * len(lines)
    colors[last] = style.BLUE
    if kept != last:
        colors[kept] = style.VERMILION
    burst.add_collection(LineCollection(lines, colors=colors, linewidths=2.2))
    for index, (start, end) in enumerate(lines):
        burst.plot(*start, "o", color=colors[index], markersize=6, zorder=4)
        burst.plot(*end, "s", color=colors[index], markersize=6, zorder=4)
    style.label(burst, *lines[last][0], "last in\nthe database", style.BLUE, xytext=(7, -1))
    words = "last in the cache too" if kept == last else "last in the cache"
    style.label(burst, *lines[kept][1], words, colors[kept], xytext=(4, 13), ha="center")
    before = scale * 4 / result.write_rps
    after = scale * max(5 * result.delay_s, 1 / result.write_rps)
    burst.set_xlim(-headroom(before), headroom(after))
    burst.set_ylim(-0.2, 1.3)
    named_axis(burst, "y", ["database", "cache"])
    burst.set_title("Writes to one key, on their way")
    burst.set_xlabel("time since the last commit (ms)")

    share.plot(result.crowd, 100 * result.stale_share, **style.SIMULATION)
    share.plot(result.crowd, 100 * result.stale_theory, **style.THEORY)
    dot(
        share,
        np.clip(result.write_rps * result.delay_s, result.crowd[0], result.crowd[-1]),
        100 * result.stale_here,
    )
    log_axis(share, "x", result.crowd[0], result.crowd[-1])
    share.set_ylim(-2, 104)
    share.set_title("Bursts that leave the cache wrong")
    share.set_xlabel("writes under way at once (rate × delay)")
    share.set_ylabel("stale until the TTL ends (% of bursts)")


@style.panels(2)
def plot_write_behind(
    result: WriteBehindResult | MeasuredWriteBehindResult, axes: tuple[Axes, Axes]
) -> None:
    """Draw what crashes lose, and the rows that coalescing saves.

    Measured losses are points along the first axis, with the interval of their mean.
    """
    loss, rows = axes
    if isinstance(result, MeasuredWriteBehindResult):
        low, high = loss.get_ylim()
        row = low + 0.9 * (high - low)
        loss.plot(
            result.lost,
            np.full(result.lost.size, row),
            marker="|",
            markersize=9,
            linestyle="none",
            color=style.MEASUREMENT["color"],
        )
        row -= 0.09 * (high - low)
        error_bars(loss, row, result.interval, along="x", **style.MEASUREMENT)
        style.label(
            loss,
            result.interval.high,
            row,
            "measured mean",
            style.MEASUREMENT["color"],
        )
        return
    pending = 2 * result.lost_mean_theory
    right = headroom(1.15 * pending, 4)
    step = max(1.0, pending / 25)
    edges = np.arange(-0.5 if step == 1 else 0.0, right + step, step)
    counts, _ = np.histogram(result.lost, edges)
    share = 100 * counts / result.lost.size
    top = min(headroom(160 * step / pending), 110.0)  # of an even spread, with room for labels
    loss.fill_between(edges, np.append(share, 0.0), step="post", color=PALE_BLUE, linewidth=0)
    loss.axvline(float(result.lost.mean()), **style.SIMULATION)
    loss.axvline(result.lost_mean_theory, **style.THEORY)
    loss.set_xlim(0, right)
    loss.set_ylim(0, top)
    style.label(
        loss,
        result.lost_mean_theory,
        top,
        "rate × T / 2",
        style.INK,
        va="top",
        xytext=(6, -6),
    )
    loss.set_title("Acknowledged writes that a crash loses")
    loss.set_xlabel("writes lost")
    loss.set_ylabel("crashes (%)")

    rows.axhline(result.write_rps, color=style.MUTED, linewidth=1)
    style.label(
        rows,
        result.intervals_s[0],
        result.write_rps,
        "one row per write",
        style.MUTED,
        xytext=(4, 7),
    )
    rows.plot(result.intervals_s, result.rows_rps, **style.SIMULATION)
    rows.plot(result.intervals_s, result.rows_theory_rps, **style.THEORY)
    dot(rows, result.flush_s, result.rows_here_rps)
    log_axis(rows, "x", 0.05, 60)
    rows.set_ylim(0, headroom(1.1 * result.write_rps))
    rows.set_title("Coalescing: fewer rows to write")
    rows.set_xlabel("time between flushes T (s)")
    rows.set_ylabel("rows written (per second)")


def plot_write_latency(result: MeasuredWriteLatencyResult, ax: Axes) -> None:
    """Draw the median cost of one write of each kind, with its middle half."""
    kinds = {
        "cache\nalone": result.cache_s,
        "database\nalone": result.database_s,
        "write-\nthrough": result.through_s,
        "write-\nbehind": result.behind_s,
    }
    for row, (_, times) in enumerate(kinds.items()):
        low, middle, high = np.quantile(times, [0.25, 0.5, 0.75])
        whiskers(ax, row, middle, low, high, along="x", **style.MEASUREMENT)
        style.label(ax, high, row, duration(middle, 2), style.INK, xytext=(8, 0))
    expected = float(np.median(result.cache_s)) + float(np.median(result.database_s))
    marks(ax, 2, expected, along="x")
    style.label(ax, expected, 2.4, "cache + database", style.INK, xytext=(0, -8), ha="center")
    time_axis(ax, "x", 1e-8, 1, ticks=(1e-8, 1e-6, 1e-4, 1e-2, 1))
    ax.set_yticks(range(len(kinds)), list(kinds))
    ax.set_ylim(len(kinds) - 0.4, -0.6)
    ax.set_title("What one write costs on this machine")
    ax.set_xlabel("time per write (median and middle half)")
