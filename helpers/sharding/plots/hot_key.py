"""Figures of the hot key: its shard, the ceiling it sets, real queues, fan-out to followers."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    here,
    key,
    log_axis,
    marks,
    note,
    short,
    time_axis,
    whiskers,
)
from helpers.foundations.drawing.scales import step_up
from helpers.sharding.plots.kit import shard_axis
from helpers.sharding.simulation.fan_out import FanOutResult
from helpers.sharding.simulation.hot_key import HotKeyResult, ShardCeilingResult
from helpers.sharding.simulation.worker_queues import WorkerQueuesResult


@style.panels(2)
def plot_hot_key(result: HotKeyResult, axes: tuple[Axes, Axes]) -> None:
    """Draw load, with the hot key's part, and response time of every shard."""
    load, latency = axes
    shards = np.arange(len(result.hot_load))
    total = result.hot_load + result.other_load
    bars(load, shards, result.other_load, 0.74, facecolor=style.BLUE)
    hot = {"facecolor": style.ORANGE, "edgecolor": "white", "hatch": "///"}
    bars(load, shards, result.hot_load, 0.74, start=result.other_load, **hot)
    load.plot(
        shards,
        result.seen_load,
        linestyle="none",
        marker="o",
        markersize=5,
        markerfacecolor="white",
        markeredgecolor=style.INK,
        zorder=4,
    )
    load.axhline(1, color=style.VERMILION, linewidth=1.4)
    top = step_up(1.2 * float(total.max()), (1.5, 3.0, 6.0, 12.0, 30.0, 70.0))
    key(
        load,
        [
            ("▨", "hot key", style.ORANGE_INK),
            ("■", "all other keys", style.BLUE),
            ("○", "in this run", style.INK),
            ("—", "all a shard can do", style.VERMILION),
        ],
    )
    load.set_ylim(0, top)
    shard_axis(load, len(shards))
    load.set_ylabel("Utilisation")
    load.set_title("Which shard is hot")

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
    latency.set_title("What waiting there is like")


def plot_shard_ceiling(result: ShardCeilingResult, ax: Axes) -> None:
    """Draw what n shards carry, and the ceiling that the hottest key sets."""
    ax.plot(result.shards, result.shards, color=style.MUTED, linewidth=1)
    ax.plot(result.shards, result.unmended, color=style.VERMILION, linewidth=2)
    ax.axhline(result.unmended_ceiling, **style.THEORY)
    style.label(ax, 1.04, result.unmended_ceiling, "1 / hot key's share", style.INK, xytext=(0, 7))
    if result.fix != "none":
        ax.plot(result.shards, result.capacity, **style.SIMULATION)
        if result.ceiling != result.unmended_ceiling:
            ax.axhline(result.ceiling, **style.THEORY)
            style.label(ax, 1.04, result.ceiling, "ceiling with the fix", style.INK, xytext=(0, 7))
    entries = [("—", "if load were even", style.MUTED), ("—", "as it is", style.VERMILION)]
    if result.fix != "none":
        entries.append(("—", "with the fix", style.BLUE))
    key(ax, entries, y=0.26)
    ticks = [1, 2, 4, 8, 16, 32, 64]
    log_axis(ax, "x", 1, 66, ticks=ticks)
    log_axis(ax, "y", 0.5, 130, ticks=[0.5, *ticks, 128])
    ax.set_xlabel("Shards bought")
    ax.set_ylabel("Load carried, in shards' worth")
    ax.set_title("More shards do not cool a hot key")


def plot_worker_queues(result: WorkerQueuesResult, ax: Axes) -> None:
    """Draw the mean response time at every worker; a measurement is drawn over a simulation."""
    workers = np.arange(len(result.mean_s))
    measured = result.kind == "measurement"
    if measured:
        ax.plot(workers + 0.12, result.mean_s, zorder=5, **style.MEASUREMENT)
    else:
        ax.plot(
            workers - 0.12,
            result.mean_s,
            linestyle="none",
            marker="D",
            color=style.BLUE,
            markersize=7,
        )
        marks(ax, workers, result.theory_s, 0.6)
        ax.axvspan(
            result.hot_worker - 0.5, result.hot_worker + 0.5, color=style.ORANGE, alpha=0.15, lw=0
        )
        ax.text(
            result.hot_worker, 2.15e-3, "has the hot key", ha="center", va="bottom", color=style.INK
        )
        key(ax, [("◆", "simulated", style.BLUE), ("- -", "theory", style.BLACK)])
    if measured:
        key(ax, [("●", "measured", style.VERMILION)], y=0.834)
    shard_axis(ax, len(workers), "Worker")
    time_axis(ax, "y", 2e-3, 1.0)
    ax.set_ylabel("Mean response time")
    ax.set_title("Four workers, four queues, one hot key" if len(workers) == 4 else "One hot key")


@style.panels(2)
def plot_fan_out(result: FanOutResult, axes: tuple[Axes, Axes]) -> None:
    """Draw delivery delay and work by the size at which an author is pulled."""
    delay, work = axes
    x = result.thresholds
    for ax in axes:
        log_axis(ax, "x", 4_000, 1_250_000)
        here(ax, result.threshold)
        ax.set_xlabel("Authors with more followers are pulled")
    shown = np.isfinite(result.wait_s)
    delay.plot(x, result.theory_s, **style.THEORY)
    whiskers(delay, x[shown], *(part[shown] for part in (result.wait_s, result.low_s,
             result.high_s)), **style.DOTS)  # fmt: skip
    note(delay, 0.03, 0.95, "simulated, 95 % interval ●\ntheory - -", style.BLUE)
    time_axis(delay, "y", 1e-5, 30)
    delay.set_ylabel("Mean wait of a post")
    delay.set_title("How long posts wait")

    work.plot(x, result.writes_rps, color=style.BLUE, linestyle="-", linewidth=2)
    work.plot(x, result.reads_rps, color=style.VERMILION, linestyle="--", linewidth=2)
    work.plot(x, result.writes_rps + result.reads_rps, color=style.INK, linestyle=":", linewidth=2)
    key(
        work,
        [
            ("—", "insertions, when posts are pushed", style.BLUE),
            ("- -", "queries, when timelines are read", style.VERMILION),
            ("···", "both", style.INK),
        ],
        left=True,
    )
    log_axis(work, "y", 1e4, 1e7, text=short)
    work.set_ylabel("Operations per second")
    work.set_title("Who does the work")
