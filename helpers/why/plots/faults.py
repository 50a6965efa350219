"""Pictures of what is kept, what is lost and what is done twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    error_bars,
    here,
    log_axis,
    marks,
    named_axis,
    note,
    plain,
    time_axis,
)
from helpers.foundations.prose import significant
from helpers.why.measurement import MeasuredBooks, MeasuredDurability
from helpers.why.plots.kit import categories
from helpers.why.simulation import POLICIES, BooksResult, DurabilityResult

_NOTHING = 0.2  # where a loss of 0 is drawn on a logarithmic axis
_KILL: dict[str, Any] = {"color": style.BLUE, "marker": "o", "linestyle": "none", "markersize": 7}
# A bar, under the marks of theory.
_REACH: dict[str, Any] = {
    "color": style.FAINT,
    "linewidth": 5,
    "zorder": 1,
}
_POWER: dict[str, Any] = {
    "color": style.VERMILION,
    "marker": "X",
    "linestyle": "none",
    "markersize": 8,
}


_SHOWN = (
    "in the process's memory",
    "in a file, no sync",
    "in a file, sync each",
    "in a file, sync them together",
)


@style.panels(2)
def plot_durability(result: DurabilityResult | MeasuredDurability, axes: tuple[Axes, Axes]) -> None:
    """Draw what a write costs, and what a crash takes, for each way of keeping it."""
    if isinstance(result, MeasuredDurability):
        _plot_measured_durability(result, *axes)
        return
    cost, loss = axes
    rows = [result.rows[name] for name in POLICIES]
    y = categories(cost, _SHOWN)
    cost.set_title("What a write costs")
    time_axis(cost, "x", 2e-7, 3.0)
    cost.set_xlabel("mean time until it is acknowledged")
    for place, row in zip(y, rows, strict=True):
        if np.isfinite(row.latency_s):
            cost.plot([2e-7, row.latency_s], [place] * 2, **_REACH)
            cost.plot([row.latency_s], [place], **_KILL)
            marks(cost, place, row.theory.latency_s, 0.56, along="x")
        else:
            style.label(cost, 3e-7, place, "cannot keep up", style.VERMILION)
    categories(loss, _SHOWN)
    _frame_loss(loss)
    loss.set_title("What a crash takes")
    loss.set_xlabel("acknowledged writes lost, on average")
    for place, row in zip(y, rows, strict=True):
        _dumbbell(loss, place, row.lost_kill, row.lost_power)
        marks(loss, place, max(row.theory.lost_power, _NOTHING), 0.56, along="x")
    _loss_key(loss)


def _frame_loss(ax: Axes) -> None:
    log_axis(
        ax, "x", 0.1, 3e8, ticks=(_NOTHING, 1e1, 1e3, 1e5, 1e7),
        text=lambda lost: "none" if lost == _NOTHING else plain(lost),
    )  # fmt: skip


def _dumbbell(ax: Axes, place: float, kill: float, power: float) -> None:
    ends = [max(kill, _NOTHING), max(power, _NOTHING)]
    ax.plot(ends, [place, place], **_REACH)
    ax.plot(ends[1:], [place - 0.14], **_POWER)
    ax.plot(ends[:1], [place + 0.06], **_KILL)


def _loss_key(ax: Axes) -> None:
    note(ax, 0.28, 0.1, "● process killed", style.BLUE)
    note(ax, 0.62, 0.1, "✖ power cut", style.VERMILION)


def _plot_measured_durability(result: MeasuredDurability, cost: Axes, loss: Axes) -> None:
    names = list(result.modes)
    short = [name.replace("synchronous ", "").replace(" in memory", "") for name in names]
    y = categories(cost, short)
    cost.set_title("What a write costs, for real")
    time_axis(cost, "x", 2e-7, 3.0)
    cost.set_xlabel("time per write")
    categories(loss, short)
    loss.set_title("Which acknowledged writes are safe")
    loss.set_xlim(-5, 105)
    loss.set_xlabel("% of the acknowledged writes")
    for place, mode in zip(y, result.modes.values(), strict=True):
        cost.plot([2e-7, mode.write_s], [place] * 2, **_REACH)
        cost.plot([mode.write_s], [place], marker="o", markersize=7, color=style.VERMILION)
        total = max(mode.acknowledged, 1)
        share = [100 * min(n, total) / total for n in (mode.survived, mode.certain)]
        loss.plot(share, [place, place], **_REACH)
        loss.plot(share[1:], [place - 0.16], **_POWER)
        loss.plot(share[:1], [place + 0.06], **_KILL)
    place = y[names.index("WAL, synchronous FULL")]
    marks(cost, place, result.predicted_full_s, 0.6, along="x")
    note(loss, 0.05, 0.075, "● survived the kill", style.BLUE)
    note(loss, 0.47, 0.075, "✖ certain after a power cut", style.VERMILION)
    note(cost, 0.3, 0.075, "- - no sync + one fsync", style.BLACK)


_CLIENT = (("ok", style.GREEN, ""), ("failed", style.ORANGE, "//"), ("lost", style.VERMILION, "xx"))
_SERVER = (
    ("once", style.GREEN, ""),
    ("more than once", style.PURPLE, "\\\\"),
    ("never", style.MUTED, ".."),
)


@style.panels(2, width_ratios=[1.25, 1])
def plot_books(result: BooksResult | MeasuredBooks, axes: tuple[Axes, Axes]) -> None:
    """Draw what goes wrong against the timeout, and the two books side by side."""
    ax, books = axes
    if isinstance(result, MeasuredBooks):
        _plot_measured_books(result, ax, books)
        return
    ax.set_title("Shorter timeouts, more duplicates")
    time_axis(ax, "x", 0.022, 1.8, ticks=(0.03, 0.1, 0.3, 1.0))
    ax.set_ylim(0, 100)
    ax.set_xlabel("timeout")
    ax.set_ylabel("% of the requests")
    here(ax, result.timeout_s)
    series = (
        (result.duplicated_share, 0, style.PURPLE, "^", "▲ done more than once"),
        (result.lost_share, 1, style.VERMILION, "o", "● lost: no answer"),
        (result.late_share, 2, style.BLUE, "s", "■ lost, but done"),
    )
    for i, (share, column, shade, mark, name) in enumerate(series):
        ax.plot(result.grid_s, 100 * result.curves[:, column], **(style.THEORY | {"color": shade}))
        ax.plot(
            result.grid_s, 100 * share, color=shade, marker=mark, linestyle="none", markersize=5,
            markerfacecolor="none" if mark == "o" else shade,
        )  # fmt: skip
        note(ax, 0.97, 0.95 - 0.075 * i, name, shade, ha="right")
    done = (result.done_once, result.duplicated, result.not_done)
    _draw_books(
        books,
        {"client: answered?": (result.ok, result.failed, result.lost), "server: done?": done},
        result.sent,
    )
    books.set_title("Two books about the same requests")


def _draw_books(ax: Axes, stacks: dict[str, tuple[int, ...]], sent: int) -> None:
    ax.set_xlim(-0.5, 2 * len(stacks) - 0.45)
    ax.set_ylim(0, 118)
    ax.set_yticks(range(0, 101, 20))
    named_axis(ax, "x", list(stacks), range(0, 2 * len(stacks), 2))
    ax.set_ylabel("% of the requests")
    for i, (name, counts) in enumerate(stacks.items()):
        kinds = _CLIENT if name.startswith("client") else _SERVER
        bottom = 0.0
        level = -np.inf
        for count, (kind, shade, hatch) in zip(counts, kinds, strict=True):
            height = 100 * count / max(sent, 1)
            look: dict[str, Any] = {
                "facecolor": shade,
                "edgecolor": "white",
                "linewidth": 0.6,
                "hatch": hatch,
            }
            bars(ax, 2 * i, height, 0.62, start=bottom, alpha=0.75, **look)
            if count:
                level = max(bottom + height / 2, level + 7)
                text = f"{kind}\n{count:,}" if height > 14 else f"{kind} {count:,}"
                ax.text(2 * i + 0.38, level, text, fontsize=8.5, va="center", color=style.INK)
            bottom += height


def _plot_measured_books(result: MeasuredBooks, ax: Axes, books: Axes) -> None:
    ax.set_title("Tries cut off by a kill: was the work done?")
    ax.set_xlim(0, 100)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.set_xlabel("% of the tries cut off whose work had been done")
    rate = result.done_interval
    error_bars(ax, 0, rate, 100, along="x", **style.MEASUREMENT)
    ax.axvline(100 * result.theory_done, **style.THEORY)
    note(
        ax, 0.02, 0.95, f"● measured, {result.cut_off} tries, {rate.samples} kills", style.VERMILION
    )
    note(ax, 0.02, 0.87, "- - theory, from undisturbed requests", style.BLACK)
    one = result.plain
    twice = one.duplicated
    done = (len(one.done) - twice, twice, one.sent - len(one.done))
    _draw_books(
        books,
        {"client: answered?": (one.ok, one.failed, one.lost), "server: done?": done},
        one.sent,
    )
    books.set_title("Two books about real requests")
    note(ax, 0.02, 0.12, f"done twice with keys: {significant(result.keyed.duplicated)}", style.INK)
