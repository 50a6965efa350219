"""Bars across, each with its number beside it and a tick where theory puts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, marks, named_axis
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import significant


def labelled_bars(
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
    ax : matplotlib.axes.Axes
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
    named_axis(ax, "y", names if shown is None else shown)
    ax.set_ylim(len(names) - 0.4, -0.6)  # before anything is drawn: nothing looks for limits then
    drawn = np.maximum([scale * values[name] for name in names], left)
    expected = np.array([scale * theory.get(name, np.nan) for name in names])
    full = np.array([chosen in (None, name) for name in names])
    for color, these in ((style.BLUE, full), (style.PALE_BLUE, ~full)):
        if these.any():
            length = drawn[these] - left
            bars(ax, np.flatnonzero(these), length, 0.56, start=left, along="x", facecolor=color)
    marks(ax, range(len(names)), expected, along="x")
    beside = np.column_stack([np.fmax(drawn, expected), range(len(names))])
    texts = [f"{significant(scale * values[name])} {unit}".rstrip() for name in names]
    words(ax, beside, texts, offset_pt=(5, 0), ha="left")
