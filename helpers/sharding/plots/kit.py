"""What several figures of this chapter share."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import style
from helpers.foundations.result import duration


def time_axis(ax: Axes, low_s: float, high_s: float, name: str, *, which: str = "y") -> None:
    """Make one axis a logarithmic time axis, with ticks that read 10 ms, 100 ms, 1 s.

    There are no ticks beyond 100 s: what is above them is room for a legend.
    """
    axis = ax.yaxis if which == "y" else ax.xaxis
    (ax.set_yscale if which == "y" else ax.set_xscale)("log")
    (ax.set_ylim if which == "y" else ax.set_xlim)(low_s, high_s)
    decades = 10.0 ** np.arange(np.ceil(np.log10(low_s) - 1e-9), np.log10(min(high_s, 100)) + 1e-9)
    axis.set_ticks(decades, [duration(decade) for decade in decades])
    axis.set_ticks([], minor=True)
    axis.set_label_text(name)


def shard_axis(ax: Axes, shards: int, name: str = "Shard") -> None:
    """Make the x axis one place per shard, numbered from 1."""
    step = 1 if shards <= 12 else 4 if shards <= 32 else 8
    ticks = np.arange(0, shards, step)
    ax.set_xlim(-0.6, shards - 0.4)
    ax.set_xticks(ticks, [str(tick + 1) for tick in ticks])
    ax.set_xlabel(name)
    ax.grid(False, axis="x")


def marks(ax: Axes, x: np.ndarray, y: np.ndarray, width: float = 0.8) -> None:
    """Draw theory as a short black line across each bar or point."""
    shown = np.isfinite(y)
    ax.hlines(
        y[shown],
        x[shown] - width / 2,
        x[shown] + width / 2,
        color=style.THEORY["color"],
        linewidth=1.8,
        linestyle=(0, (2.2, 1)),
        zorder=4,
    )


def step_up(value: float, steps: tuple[float, ...]) -> float:
    """Return the first of `steps` that `value` does not exceed: limits that rarely change."""
    return next((step for step in steps if value <= step), steps[-1])


def key(
    ax: Axes,
    entries: list[tuple[str, str, str]],
    x: float = 0.98,
    y: float = 0.97,
    *,
    left: bool = False,
) -> None:
    """Write a small legend of (symbol, text, colour) lines, from the top down."""
    for row, (symbol, text, color) in enumerate(entries):
        ax.text(
            1 - x if left else x,
            y - 0.068 * row,
            f"{symbol} {text}" if left else f"{text} {symbol}",
            transform=ax.transAxes,
            ha="left" if left else "right",
            va="top",
            fontsize=9,
            color=color,
            zorder=6,
        )
