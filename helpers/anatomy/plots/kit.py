"""What several figures of this chapter share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import style
from helpers.foundations.result import duration
from helpers.foundations.statistics import Interval

#: Simulated points: the colour of simulations, as dots with caps.
POINTS: dict[str, Any] = {
    "color": style.BLUE,
    "marker": "o",
    "markersize": 6,
    "linestyle": "none",
    "capsize": 3,
    "elinewidth": 1.4,
}


def frame(
    ax: Axes, title: str, x: tuple[float, float], y: tuple[float, float], xlabel: str, ylabel: str
) -> None:
    """Set title, limits and labels."""
    ax.set_title(title)
    ax.set_xlim(*x)
    ax.set_ylim(*y)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)


def error_bars(ax: Axes, x: Any, interval: Interval, scale: float = 1.0, **kwargs: Any) -> None:
    """Draw points with the ends of their intervals."""
    estimate, low, high = (
        np.atleast_1d(part) * scale for part in (interval.estimate, interval.low, interval.high)
    )
    ax.errorbar(np.atleast_1d(x), estimate, yerr=[estimate - low, high - estimate], **kwargs)


def here(ax: Axes, x: float) -> None:
    """Mark where the learner stands with a thin vertical line."""
    ax.axvline(x, color=style.MUTED, linewidth=1.0, linestyle=":")


def key(
    ax: Axes,
    entries: Sequence[tuple[str, str, str]],
    x: float = 0.98,
    y: float = 0.97,
    *,
    left: bool = False,
    step: float = 0.068,
) -> None:
    """Write a small legend of (symbol, text, colour) lines, from the top down."""
    for row, (symbol, text, color) in enumerate(entries):
        ax.text(
            1 - x if left else x,
            y - step * row,
            f"{symbol} {text}" if left else f"{text} {symbol}",
            transform=ax.transAxes,
            ha="left" if left else "right",
            va="top",
            fontsize=9,
            color=color,
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
        )


def step_up(value: float, steps: Sequence[float]) -> float:
    """Return the first of `steps` that `value` does not exceed: limits that rarely change."""
    return next((step for step in steps if value <= step), steps[-1])


def ticks(ax: Axes, axis: str, places: Sequence[float], texts: Sequence[str] | None = None) -> None:
    """Write ticks as plain numbers, without minor ones."""
    names = texts or [f"{place:,.0f}" if place >= 1 else f"{place:g}" for place in places]
    which = ax.xaxis if axis == "x" else ax.yaxis
    which.set_ticks(list(places), list(names))
    which.set_ticks([], minor=True)


def counts(low: int, high: int) -> tuple[list[float], list[str]]:
    """Return the powers of ten from ``10^low`` to ``10^high``, and short names for them."""
    places = [10.0**e for e in range(low, high + 1)]
    names = [
        f"{place / 1e6:g}M"
        if place >= 1e6
        else f"{place / 1e3:g}k"
        if place >= 1e3
        else f"{place:g}"
        for place in places
    ]
    return places, names


def time_ticks(ax: Axes, axis: str, low_s: float, high_s: float) -> None:
    """Make one axis a logarithmic axis of times with a tick for each decade."""
    (ax.set_yscale if axis == "y" else ax.set_xscale)("log")
    (ax.set_ylim if axis == "y" else ax.set_xlim)(low_s, high_s)
    decades = 10.0 ** np.arange(np.ceil(np.log10(low_s) - 1e-9), np.log10(high_s) + 1e-9)
    ticks(ax, axis, decades.tolist(), [duration(decade) for decade in decades])
