"""Sessions, autoscaling and caches."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.measurement import (
    PUBLISHED_S,
    MeasuredCacheLoad,
    MeasuredLadder,
    MeasuredSessions,
)
from helpers.anatomy.simulation import (
    AutoscalerResult,
    CacheLoadResult,
    HitRatioResult,
    SessionsResult,
)
from helpers.anatomy.simulation.elasticity import FLEETS
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, ring, short, time_axis
from helpers.foundations.drawing.scales import step_up


def plot_sessions(result: SessionsResult | MeasuredSessions, ax: Axes) -> None:
    """Draw the share of sessions that an event costs, against the number of servers."""
    if isinstance(result, MeasuredSessions):
        lost = 100 * result.lost_memory / result.users
        ax.plot([result.servers], [lost], **(style.MEASUREMENT | {"markersize": 9}))
        ax.plot([result.servers], [100 * result.lost_store / result.users], color=style.GREEN,
                marker="D", markersize=8, linestyle="none")  # fmt: skip
        style.label(
            ax, result.servers, lost, "measured: real processes", style.VERMILION, xytext=(10, 4)
        )
        style.label(
            ax, result.servers, 0, "measured: the shared file", style.GREEN, xytext=(10, 11)
        )
        return
    ax.set(
        title="Sessions lost with a server's memory",
        xlim=(1.5, 20.5),
        ylim=(-3, 108),
        xlabel="servers before the event",
        ylabel="sessions lost (%)",
    )
    ax.set_xticks(range(2, 21, 2))
    ax.plot(FLEETS, 100 * result.theory, **style.THEORY)
    error_bars(ax, FLEETS, result.lost, 100, **(style.DOTS | {"markersize": 4}))
    ax.axhline(0, color=style.GREEN, linewidth=2.2)
    here(ax, result.servers)
    ring(ax, result.servers, 100 * result.lost.estimate[result.here])
    key(
        ax,
        [
            ("●", "sticky: the session lives in one server", style.BLUE),
            ("--", "theory", style.INK),
            ("—", "stateless: the session lives in a store", style.GREEN),
        ],
        y=0.86,
    )


def plot_autoscaler(result: AutoscalerResult, ax: Axes) -> None:
    """Draw demand, capacity, and the area between them."""
    top = step_up(
        1.15 * float(max(result.capacity_rps.max(), result.demand_rps.max())),
        (600, 1_200, 1_800, 2_500, 5_000, 10_000, 18_000),
    )
    ax.set(
        title="Demand, and capacity that comes later",
        xlim=(0, 900),
        ylim=(0, top),
        xlabel="time (s)",
        ylabel="requests per second",
    )
    ax.plot(result.time_s, result.arrivals_rps, color=style.SKY, linewidth=0.7, alpha=0.6)
    ax.plot(result.time_s, result.demand_rps, color=style.BLUE, linewidth=2.2)
    ax.step(
        result.time_s, result.capacity_rps, color=style.GREEN, linewidth=2.2, where="post",
        linestyle=(0, (6, 1.5)),
    )  # fmt: skip
    ax.fill_between(
        result.time_s,
        result.capacity_rps,
        result.demand_rps,
        where=result.demand_rps > result.capacity_rps,
        color=style.VERMILION,
        alpha=0.35,
        linewidth=0,
        step="post",
    )
    key(
        ax,
        [
            ("—", "demand", style.BLUE),
            ("--", "capacity", style.GREEN),
            ("■", "deficit: requests beyond capacity", style.VERMILION),
        ],
        left=True,
    )


def plot_ladder(result: MeasuredLadder, ax: Axes) -> None:
    """Draw the time of each rung on a logarithmic axis, with published orders of magnitude."""
    names = list(result.times_s)
    time_axis(ax, "x", 5e-9, 1.0)
    ax.set_title("The same small value, fetched or kept in other ways")
    ax.set_xlabel("time of one operation")
    ax.set_ylim(len(names) - 0.4, -1.3)
    ax.set_yticks(range(len(names)), [""] * len(names))
    ax.tick_params(axis="y", length=0)
    for row, (name, value) in enumerate(PUBLISHED_S.items()):
        ax.axvline(value, color=style.MUTED, linewidth=1.0, linestyle=":")
        text = name.replace("packet California-Netherlands-California", "Atlantic and back")
        ax.text(
            value, -1.25 + 0.38 * (row % 2), text, fontsize=7.6, color=style.MUTED, va="top",
            ha="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    for i, name in enumerate(names):
        low, high = result.spread_s[name]
        ax.plot([low, high], [i, i], color=style.VERMILION, linewidth=3, alpha=0.4)
        ax.plot([result.times_s[name]], [i], color=style.VERMILION, marker="o", markersize=7)
        left = result.times_s[name] > 1e-4
        ax.annotate(
            name, (low if left else high, i), xytext=(-9 if left else 9, 0), fontsize=9,
            textcoords="offset points", ha="right" if left else "left", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
        )  # fmt: skip


@style.panels(2)
def plot_cache_load(result: CacheLoadResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the database's load and the read time against the hit ratio."""
    load, read = axes
    load.set(
        title="What is left for the database",
        xlim=(-2, 102),
        xlabel="hit ratio (%)",
        ylabel="reads per second at the database",
    )
    log_axis(load, "y", 1, 1e5, text=short)
    x = 100 * result.hit_ratio
    shown = result.theory_rps > 0
    load.plot(100 * result.grid[shown], result.theory_rps[shown], **style.THEORY)
    load.axhline(result.capacity_rps, color=style.VERMILION, linewidth=1.4)
    load.text(
        0, 1.12 * result.capacity_rps, "what the database can do", color=style.VERMILION,
        fontsize=9, va="bottom",
    )  # fmt: skip
    here(load, x)
    if result.database.estimate > 0:
        error_bars(load, x, result.database, **style.DOTS)
    key(
        load,
        [("●", "simulated", style.BLUE), ("--", "(1 − h) × rate", style.INK)],
        left=True,
        y=0.15,
    )
    read.set(
        title="How long a read takes",
        xlim=(-2, 102),
        ylim=(0, 16),
        xlabel="hit ratio (%)",
        ylabel="mean read time (ms)",
    )
    possible = np.isfinite(result.theory_read_s)
    read.plot(100 * result.grid[possible], 1e3 * result.theory_read_s[possible], **style.THEORY)
    if result.needed_hit_ratio > 0:
        read.axvspan(-2, 100 * result.needed_hit_ratio, color=style.VERMILION, alpha=0.13, lw=0)
        read.text(
            0, 15.2, "the database cannot keep up", color=style.VERMILION, fontsize=9, va="top"
        )
    here(read, x)
    if result.read is not None:
        error_bars(read, x, result.read, 1e3, **style.DOTS)


def plot_hit_ratio(result: HitRatioResult | MeasuredCacheLoad, ax: Axes) -> None:
    """Draw the hit ratio of LRU against its size, with Che's curve and the best there is."""
    if isinstance(result, MeasuredCacheLoad):
        ax.plot(
            100 * result.shares, 100 * result.hit_ratio, **(style.MEASUREMENT | {"marker": "D"})
        )
        style.label(
            ax, 100 * result.shares[1], 100 * result.hit_ratio[1], "measured before sqlite",
            style.VERMILION, xytext=(8, -12),
        )  # fmt: skip
        return
    ax.set(
        title="A little memory goes a long way",
        ylim=(0, 100),
        xlabel="room in the cache (% of the keys)",
        ylabel="hit ratio (%)",
    )
    log_axis(ax, "x", 0.1, 60, ticks=(0.1, 0.3, 1, 3, 10, 30, 60))
    ax.plot(100 * result.grid, 100 * result.best, color=style.GREEN, lw=1.6, ls=(0, (1, 1.2)))
    ax.plot(100 * result.grid, 100 * result.che, **style.THEORY)
    here(ax, 100 * result.share)
    ax.plot(
        100 * result.shares, 100 * result.simulated, color=style.BLUE, marker="o", markersize=6,
        linestyle="none",
    )  # fmt: skip
    ring(ax, 100 * result.share, 100 * result.simulated[0])
    key(
        ax,
        [
            ("··", "the most popular keys: no policy beats it", style.GREEN),
            ("--", "LRU by Che's approximation", style.INK),
            ("●", "LRU, run", style.BLUE),
        ],
        left=True,
    )
