"""Pieces that several pictures of this chapter share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import FuncFormatter, NullLocator

from helpers.caching._scales import round_up
from helpers.foundations import style
from helpers.foundations.result import significant

#: Light versions for what is not the subject: bars of other designs, areas under curves.
PALE_BLUE = "#a8cbe4"
PALE_RED = "#f6d3bf"


def bars(
    ax: Axes,
    names: Sequence[str],
    values: Mapping[str, float],
    theory: Mapping[str, float],
    *,
    chosen: str | None = None,
    unit: str = "",
    scale: float = 1.0,
    left: float = 0.0,
    shown: Sequence[str] | None = None,
) -> None:
    """Draw a horizontal bar for each name, its value beside it, and a tick where theory puts it.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
        From top to bottom.
    values, theory : mapping of str to float
        Theory may lack names or hold NaN.
    chosen : str, optional
        The one bar drawn in full colour; all are, without it.
    unit : str
        Printed after each value.
    scale : float
        Factor for the values printed and drawn.
    left : float
        Where bars begin: above 0 on a logarithmic axis.
    shown : sequence of str, optional
        What stands beside the bars, if not the names.
    """
    # One collection for all bars and one for all ticks: an artist for each of them would make
    # drawing several times slower.
    corners, colors, ticks = [], [], []
    for row, name in enumerate(names):
        value = max(scale * values[name], left)
        top, bottom = row - 0.28, row + 0.28
        corners.append([(left, top), (value, top), (value, bottom), (left, bottom)])
        colors.append(style.SIMULATION["color"] if chosen in (None, name) else PALE_BLUE)
        beside = value
        expected = theory.get(name, np.nan) * scale
        if np.isfinite(expected):
            ticks.append([(expected, row - 0.4), (expected, row + 0.4)])
            beside = max(value, expected)
        text = f"{significant(scale * values[name])} {unit}".rstrip()
        style.label(ax, beside, row, text, style.INK)
    ax.add_collection(PolyCollection(corners, facecolors=colors, linewidths=0), autolim=False)
    ax.add_collection(
        LineCollection(
            ticks, colors=style.THEORY["color"], linewidths=2, linestyles=[(0, (2, 1))], zorder=4
        ),
        autolim=False,
    )
    ax.set_yticks(range(len(names)), names if shown is None else shown)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(False, axis="y")


def plain_log_ticks(axis) -> None:
    """Write 0.01, 1, 1,000 at the decades of a logarithmic axis, and mark nothing in between.

    Minor ticks would cost half of the time that drawing the axes takes.
    """
    axis.set_major_formatter(FuncFormatter(_plain))
    axis.set_minor_locator(NullLocator())


def _plain(value: float, _: int) -> str:
    return significant(value)


def headroom(largest: float, least: float = 1.0) -> float:
    """Return the end of an axis that starts at 0 and holds `largest` with room to spare."""
    return round_up(max(1.08 * largest, least))
