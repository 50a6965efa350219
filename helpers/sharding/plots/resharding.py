"""Figures of resharding: keys on their way, the copy's price, the orders of steps, stale rows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, key, note, ring, time_axis, whiskers
from helpers.foundations.drawing.diagrams import round_boxes
from helpers.foundations.drawing.words import words
from helpers.sharding.measurement.online_move import MeasuredOnlineMoveResult
from helpers.sharding.simulation.interleaving import InterleavingsResult
from helpers.sharding.simulation.migration import MigrationResult
from helpers.sharding.simulation.online_move import OnlineMoveResult
from helpers.sharding.simulation.resharding import ReshardingResult


@style.panels(2, width_ratios=(1.5, 1))
def plot_resharding(result: ReshardingResult, axes: tuple[Axes, Axes]) -> None:
    """Draw keys as dots that travel from shard to shard, and how many do."""
    keys, moved = axes
    abreast = max(2, round(20 / (result.shards + 1)))
    from_x, from_y = _stack(result.before, np.zeros(len(result.before)), abreast)
    moving = result.before != result.after
    to_x, to_y = _stack(result.after, moving, abreast)
    eased = result.travelled**2 * (3 - 2 * result.travelled)
    # Those that stay close the gaps as the others leave.
    eased = np.where(moving, eased, result.progress)
    height = max(from_y.max(), to_y.max()) + 1
    arc = np.where(moving, 4 * eased * (1 - eased), 0) * 0.35 * height
    keys.scatter(
        from_x + (to_x - from_x) * eased,
        from_y + (to_y - from_y) * eased + arc,
        s=17,
        marker="o",
        color=np.where(moving, style.VERMILION, style.SKY),
        edgecolor="white",
        linewidth=0.3,
    )
    names = [str(n + 1) for n in range(result.shards)] + ["new"]
    keys.set_xlim(-0.6, result.shards + 0.6)
    keys.set_xticks(range(result.shards + 1), names)
    keys.set_ylim(-1, 1.42 * height)
    keys.set_yticks([])
    keys.grid(False)
    keys.spines["left"].set_visible(False)
    note(keys, 0.01, 0.97, "● changes shard", style.VERMILION)
    note(keys, 0.29, 0.97, "● stays", style.BLUE)
    keys.set_xlabel("Shard")
    keys.set_title("One shard is added: which keys move")

    sizes = np.arange(1, len(result.moved_by_size) + 1)
    spread = 2 * result.spread_by_size
    moved.fill_between(
        sizes,
        np.maximum(result.theory_by_size - spread, 0),
        result.theory_by_size + spread,
        color=style.FAINT,
        linewidth=0,
    )
    moved.plot(sizes, 1 / (sizes + 1), color=style.GREEN, linewidth=1.2)
    moved.plot(sizes, result.theory_by_size, **style.THEORY)
    moved.plot(
        sizes, result.moved_by_size, linestyle="none", marker="o", color=style.BLUE, markersize=5
    )
    ring(moved, result.shards, result.moved)
    style.label(moved, 16, 1 / 17, "fair share", style.GREEN, xytext=(4, 9), ha="right")
    moved.set_xlim(0.4, 16.6)
    moved.set_xticks([1, 4, 8, 12, 16])
    moved.set_ylim(0, 1)
    moved.yaxis.set_major_formatter(PercentFormatter(1))
    moved.set_xlabel("Shards before")
    moved.set_ylabel("Keys that move")
    moved.set_title("How many do")


def _stack(shard: np.ndarray, last: np.ndarray, abreast: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places for keys piled up on their shards, `abreast` to a row, flagged ones on top."""
    order = np.lexsort((np.arange(len(shard)), last, shard))
    sorted_shard = shard[order]
    first = np.searchsorted(sorted_shard, sorted_shard)
    rank = np.empty(len(shard), dtype=int)
    rank[order] = np.arange(len(shard)) - first
    return shard + 0.72 * ((rank % abreast + 0.5) / abreast - 0.5), rank // abreast + 0.0


@style.panels(2)
def plot_migration(result: MigrationResult, axes: tuple[Axes, Axes]) -> None:
    """Draw live latency and duration by the share of the disk that the copy takes."""
    latency, length = axes
    for ax in axes:
        here(ax, result.copy_share)
        ax.axvspan(1 - result.live_utilisation, 1, color=style.FAINT, linewidth=0)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("Disk time that the copy may take")
    latency.plot(
        result.copy_shares,
        result.p99_s,
        linestyle="none",
        marker="^",
        color=style.SKY,
        markersize=6,
    )
    latency.plot(result.copy_shares, result.theory_s, **style.THEORY)
    latency.plot(result.copy_shares, result.mean_s, linestyle="none", marker="o", color=style.BLUE)
    latency.axhline(result.now["alone_s"], color=style.GREEN, linewidth=1.2)
    latency.text(
        0.99, result.now["alone_s"] * 0.93, "mean without a copy", color=style.GREEN, fontsize=9,
        ha="right", va="top",
    )  # fmt: skip
    note(latency, 0.98, 0.08, "p99 ▲   mean ●   theory - -", style.BLUE, ha="right")
    time_axis(latency, "y", 1e-3, 30)
    latency.set_ylabel("Response time of live requests")
    latency.set_title("What users feel")

    length.plot(result.copy_shares, result.theory_duration_s, **style.THEORY)
    length.plot(
        result.copy_shares, result.duration_s, linestyle="none", marker="o", color=style.BLUE
    )
    hour, day = 3_600, 86_400
    time_axis(length, "y", 60, 7 * day, ticks=(60, 600, hour, 10 * hour, day, 3 * day))
    length.set_ylabel("Time until both shards agree")
    length.set_title("How long it lasts")


def plot_interleavings(result: InterleavingsResult, ax: Axes) -> None:
    """Draw every order of the steps as a column, the ones that lose the write first."""
    order = sorted(range(len(result.lost)), key=lambda k: not result.lost[k])
    steps = len(result.schedules[0])
    colors = {"mover": style.BLUE, "client": style.ORANGE}
    cells = {
        (column, row): step
        for column, k in enumerate(order)
        for row, step in enumerate(result.schedules[k])
    }
    faces = [colors[actor] for actor, _ in cells.values()]
    round_boxes(ax, list(cells), 0.8, 0.76, 0.12, facecolors=faces, linewidths=0)
    words(
        ax, list(cells), [step.replace(" ", "\n") for _, step in cells.values()], fontsize=7,
        color=["white" if actor == "mover" else style.INK for actor, _ in cells.values()],
    )  # fmt: skip
    lost = [bool(result.lost[k]) for k in order]
    words(
        ax, [(column, steps - 0.1) for column in range(len(order))],
        ["✗\nlost" if bad else "✓\nkept" for bad in lost], weight="bold",
        color=[style.VERMILION if bad else style.GREEN for bad in lost],
    )  # fmt: skip
    ax.text(-0.45, -0.62, "■ mover", color=style.BLUE, fontsize=9, va="bottom")
    ax.text(1.4, -0.62, "■ client", color=style.ORANGE, fontsize=9, va="bottom")
    ax.set_xlim(-0.6, max(len(order), 10) - 0.4)
    ax.set_ylim(steps + 0.45, -1.0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xlabel("Each column is one possible order, first step on top")
    ax.set_title("Every way the steps can interleave")


def plot_online_move(result: OnlineMoveResult | MeasuredOnlineMoveResult, ax: Axes) -> None:
    """Draw the fraction of stale rows by place; a measurement is drawn over a simulation."""
    tenth = np.arange(len(result.stale_by_tenth)) + 0.5
    if isinstance(result, MeasuredOnlineMoveResult):
        rows = result.rows / len(tenth)
        p = result.stale_by_tenth
        reach = 2 * np.sqrt(p * (1 - p) / rows)
        whiskers(ax, tenth, p, p - reach, p + reach, zorder=5, **style.MEASUREMENT)
        key(ax, [("●", "measured, ± 2 standard errors", style.VERMILION)], y=0.834)
    else:
        bars(ax, tenth, result.stale_by_tenth, 0.86, facecolor=style.BLUE, alpha=0.85)
        ax.step(
            np.arange(len(tenth) + 1),
            np.append(result.theory_by_tenth, result.theory_by_tenth[-1]),
            where="post",
            **style.THEORY,
        )
        key(ax, [("■", "simulated", style.BLUE), ("- -", "theory", style.BLACK)])
    ax.set_xlim(0, 10)
    ax.set_xticks(range(0, 11, 2), ["first", "20 %", "40 %", "60 %", "80 %", "last"])
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_xlabel("Place in the table, in the order of copying")
    ax.set_ylabel("Rows without their last write")
    ax.set_title("Rows that end stale on the new shard")
