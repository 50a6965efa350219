"""What several figures of this chapter share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import style
from helpers.foundations.statistics import Interval

#: Ticks of an axis of times over many decades, and what a person would call them.
_TIMES = {
    1e-6: "1 µs",
    1e-5: "10 µs",
    1e-4: "100 µs",
    1e-3: "1 ms",
    1e-2: "10 ms",
    1e-1: "100 ms",
    1.0: "1 s",
    10.0: "10 s",
    100.0: "100 s",
    3_600.0: "1 hour",
    86_400.0: "1 day",
}

#: Simulated points: the colour of simulations, as dots with caps.
DOTS = {
    "color": style.BLUE,
    "marker": "o",
    "markersize": 5,
    "linestyle": "none",
    "capsize": 2.5,
    "elinewidth": 1.3,
}


def time_axis(ax: Axes, low_s: float, high_s: float, *, which: str = "y") -> None:
    """Make one axis a logarithmic axis of times with readable ticks."""
    (ax.set_yscale if which == "y" else ax.set_xscale)("log")
    (ax.set_ylim if which == "y" else ax.set_xlim)(low_s, high_s)
    axis = ax.yaxis if which == "y" else ax.xaxis
    ticks = [t for t in _TIMES if low_s <= t <= high_s]
    axis.set_ticks(ticks, [_TIMES[t] for t in ticks])
    axis.set_ticks([], minor=True)


def log_axis(ax: Axes, ticks: Sequence[float], which: str = "x") -> None:
    """Make one axis logarithmic with its ticks written as plain numbers."""
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    axis = ax.xaxis if which == "x" else ax.yaxis
    texts = [_count(t) for t in ticks]
    axis.set_ticks(list(ticks), texts)
    axis.set_ticks([], minor=True)


def _count(number: float) -> str:
    if number >= 1e6:
        return f"{number / 1e6:g} million"
    return f"{number:,.0f}" if number >= 1 else f"{number:g}"


def bars(ax: Axes, x: np.ndarray, interval: Interval, scale: float = 1.0, **kwargs) -> None:
    """Draw points with the ends of their intervals."""
    estimate = np.atleast_1d(interval.estimate) * scale
    low, high = (np.atleast_1d(end) * scale for end in (interval.low, interval.high))
    # On a logarithmic axis an end below 0 has no place.
    low = np.maximum(low, np.minimum(estimate, 1e-9))
    reach = np.stack([np.maximum(estimate - low, 0.0), np.maximum(high - estimate, 0.0)])
    ax.errorbar(x, estimate, yerr=reach, **kwargs)


def here(ax: Axes, x: float) -> None:
    """Mark where the learner stands with a thin vertical line."""
    ax.axvline(x, color=style.MUTED, linewidth=1.0, linestyle=":")


def ring(ax: Axes, x: float, y: float) -> None:
    """Mark the point where the learner stands with a ring."""
    ax.plot(
        [x], [y], marker="o", markersize=11, markerfacecolor="none", markeredgewidth=1.7,
        color=style.INK, linestyle="none",
    )  # fmt: skip


def is_blank(ax: Axes) -> bool:
    """Return whether nothing has been drawn on the axes yet."""
    return not (ax.lines or ax.collections or ax.patches or ax.texts)


def note(ax: Axes, x: float, y: float, text: str, color: str = style.MUTED, **kwargs) -> None:
    """Write on the axes, in axes fractions."""
    placement = {"fontsize": 9, "va": "top", "ha": "left"} | kwargs
    ax.text(x, y, text, color=color, transform=ax.transAxes, **placement)


def step_up(value: float, steps: Sequence[float]) -> float:
    """Return the first of `steps` that `value` does not exceed: limits that rarely change."""
    return next((step for step in steps if value <= step), steps[-1])


def categories(ax: Axes, names: Sequence[str]) -> np.ndarray:
    """Give each name a row, written above it inside the axes; return the rows' heights."""
    y = np.arange(len(names))[::-1].astype(float)
    ax.set_ylim(-0.75, len(names) - 0.2)
    ax.set_yticks([])
    ax.grid(False, axis="y")
    for place, name in zip(y, names, strict=True):
        ax.annotate(
            name, (0, place), xycoords=("axes fraction", "data"), xytext=(5, 13),
            textcoords="offset points", fontsize=9, color=style.INK, va="center",
        )  # fmt: skip
    return y
