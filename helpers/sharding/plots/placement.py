"""Figures of placement: load and latency of every shard, range scans, writers on files."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, key, log_axis, marks, ring, time_axis
from helpers.foundations.drawing.scales import step_up
from helpers.sharding.measurement.writers import MeasuredShardWritersResult
from helpers.sharding.plots.kit import shard_axis
from helpers.sharding.simulation.placement import PlacementResult, RangeScanResult
from helpers.sharding.simulation.writers import ShardWritersResult


@style.panels(2)
def plot_placement(result: PlacementResult, axes: tuple[Axes, Axes]) -> None:
    """Draw load and response time of every shard."""
    load, latency = axes
    shards = np.arange(len(result.utilisation))
    top = step_up(1.1 * float(result.utilisation.max()), (1.5, 3.0, 6.0, 12.0))
    bars(load, shards, result.seen_utilisation, 0.74, facecolor=style.SIMULATION["color"])
    marks(load, shards, result.utilisation)
    load.axhline(1, color=style.VERMILION, linewidth=1.4)
    load.text(
        0, 1 + 0.012 * top, "all a shard can do", color=style.VERMILION, fontsize=9, va="bottom"
    )
    load.set_ylim(0, top)
    shard_axis(load, len(shards))
    load.set_ylabel("Utilisation")
    load.set_title("Where the load lands")

    latency.plot(shards, result.p99_s, linestyle="none", marker="^", color=style.SKY, markersize=6)
    latency.plot(
        shards, result.mean_s, linestyle="none", marker="o", color=style.BLUE, markersize=7
    )
    marks(latency, shards, result.theory_s)
    key(
        latency,
        [
            ("▲", "p99", style.SKY),
            ("●", "mean, simulated", style.BLUE),
            ("- -", "theory", style.BLACK),
        ],
    )
    shard_axis(latency, len(shards))
    time_axis(latency, "y", 2e-3, 3e3)
    latency.set_ylabel("Response time")
    latency.set_title("What its users wait")


def plot_range_scan(result: RangeScanResult, ax: Axes) -> None:
    """Draw the number of shards that a range scan visits."""
    for scheme, color, marker in (("range", style.BLUE, "o"), ("hash", style.VERMILION, "s")):
        ax.plot(result.lengths, result.theory[scheme], **style.THEORY)
        ax.plot(
            result.lengths,
            result.visited[scheme],
            linestyle="none",
            marker=marker,
            color=color,
            markersize=6,
        )
        ring(ax, result.length, result.now[scheme])
    half = int(np.searchsorted(result.theory["hash"], 0.6 * result.shards))
    style.label(
        ax,
        result.lengths[half],
        result.theory["hash"][half],
        "hashed ids",
        style.VERMILION,
        xytext=(-10, 6),
        ha="right",
    )
    style.label(
        ax, 30, result.theory["range"][5], "ids in ranges", style.BLUE, xytext=(0, 12), ha="center"
    )
    log_axis(ax, "x", 0.9, 1_150)
    ax.set_ylim(0, result.shards * 1.08)
    ax.set_xlabel("Consecutive ids asked for")
    ax.set_ylabel("Shards that must answer")
    ax.set_title("A range scan finds its rows together, or everywhere")


def plot_shard_writers(result: ShardWritersResult | MeasuredShardWritersResult, ax: Axes) -> None:
    """Draw writes per second by the number of writers; a measurement is drawn as points."""
    if isinstance(result, MeasuredShardWritersResult):
        error_bars(ax, result.writers, result.throughput, zorder=5, **style.MEASUREMENT)
        key(ax, [("●", "measured", style.VERMILION)], x=0.82, left=True)
    else:
        ax.plot(result.curve_writers, result.theory_rps, **style.THEORY)
        ax.plot(
            result.writers,
            result.throughput_rps,
            linestyle="none",
            marker="D",
            markersize=6,
            color=style.BLUE,
        )
        ax.axhline(result.ceiling_rps, color=style.MUTED, linewidth=1)
        style.label(
            ax,
            20,
            result.ceiling_rps,
            f"{result.design}: the busiest file never idle",
            style.MUTED,
            xytext=(-4, 7),
            ha="right",
        )
        key(ax, [("◆", "simulated", style.BLUE), ("- -", "theory", style.BLACK)], left=True)
    ax.set_xlim(0, 20)
    ax.set_xticks([1, 2, 4, 8, 12, 16, 20])
    ax.set_ylim(0, _writes_limit(result))
    ax.set_xlabel("Writers, each waiting for its own write")
    ax.set_ylabel("Writes per second")
    ax.set_title("What a number of writers gets done")


def _writes_limit(result: ShardWritersResult | MeasuredShardWritersResult) -> float:
    if isinstance(result, MeasuredShardWritersResult):
        most = 1 / float(result.service_s.min() * result.shares.max())
    else:
        most = result.ceiling_rps
    return step_up(1.12 * most, (400.0, 800.0, 1_600.0, 3_200.0, 6_400.0, 50_000.0))
