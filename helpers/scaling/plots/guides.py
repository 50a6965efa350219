"""Small drawing helpers that several plots of the chapter share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import style
from helpers.foundations.statistics import Interval

#: Ticks of an axis of times over many decades, and what a person would call them.
_TIME_TICKS = {
    1e-7: "100 ns",
    1e-6: "1 µs",
    1e-5: "10 µs",
    1e-4: "100 µs",
    1e-3: "1 ms",
    1e-2: "10 ms",
    1e-1: "100 ms",
    1.0: "1 s",
    10.0: "10 s",
    100.0: "100 s",
    3_600.0: "1 h",
    86_400.0: "1 day",
    31_557_600.0: "1 year",
}


def time_axis(ax: Axes, low: float, high: float, wanted: Sequence[float] = ()) -> None:
    """Make y a logarithmic axis of times from `low` to `high` seconds with readable ticks."""
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ticks = [t for t in _TIME_TICKS if low <= t <= high and (not wanted or t in wanted)]
    ax.set_yticks(ticks, [_TIME_TICKS[t] for t in ticks])
    ax.set_yticks([], minor=True)


def count_axis(ax: Axes, low: float, high: float) -> None:
    """Make x a logarithmic axis of counts with ticks such as 1,000 and 10 million."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    exponents = range(round(np.ceil(np.log10(low))), round(np.floor(np.log10(high))) + 1)
    ax.set_xticks([10.0**e for e in exponents], [_count(10**e) for e in exponents])
    ax.set_xticks([], minor=True)


def _count(number: int) -> str:
    return f"{number // 10**6:,} million" if number >= 10**6 else f"{number:,}"


def plain_ticks(ax: Axes, axis: str, ticks: Sequence[float]) -> None:
    """Write ticks of a logarithmic axis as plain numbers."""
    texts = [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks]
    if axis == "x":
        ax.set_xticks(ticks, texts)
        ax.set_xticks([], minor=True)
    else:
        ax.set_yticks(ticks, texts)
        ax.set_yticks([], minor=True)


def error_bars(ax: Axes, x: np.ndarray, interval: Interval, scale: float = 1.0, **kwargs) -> None:
    """Draw points with the ends of their intervals."""
    estimate = np.atleast_1d(interval.estimate) * scale
    reach = np.stack(
        [
            estimate - np.atleast_1d(interval.low) * scale,
            np.atleast_1d(interval.high) * scale - estimate,
        ]
    )
    ax.errorbar(x, estimate, yerr=reach, **kwargs)


def here(ax: Axes, x: float, **kwargs) -> None:
    """Mark where the learner stands with a thin vertical line."""
    ax.axvline(x, color=style.MUTED, linewidth=1.0, linestyle=":", **kwargs)


def is_blank(ax: Axes) -> bool:
    """Return whether nothing has been drawn on the axes yet."""
    return not (ax.lines or ax.collections or ax.patches or ax.texts)


#: Simulated points: the colour of simulations, as dots with caps.
SIMULATED_POINTS = {
    "color": style.BLUE,
    "marker": "o",
    "markersize": 5,
    "linestyle": "none",
    "capsize": 2.5,
    "elinewidth": 1.3,
}
