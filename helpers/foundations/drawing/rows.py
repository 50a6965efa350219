"""Rows of a panel, each with its name above it inside the axes: there is no room beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style


def named_rows(ax: Axes, names: Sequence[str]) -> np.ndarray:
    """Give each name a row, the first on top, and write it above the row, inside the axes.

    A name stands on paper of its own, over whatever lines cross it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its y axis loses its ticks and gets limits that hold the rows.
    names : sequence of str

    Returns
    -------
    numpy.ndarray, shape (names,)
        Heights of the rows on the y axis: ``len(names) - 1`` down to 0.
    """
    y = np.arange(len(names))[::-1].astype(float)
    ax.set_ylim(-0.75, len(names) - 0.2)
    ax.set_yticks([])
    ax.grid(False, axis="y")
    for place, name in zip(y, names, strict=True):
        ax.annotate(
            name, (0, place), xycoords=("axes fraction", "data"), xytext=(5, 13),
            textcoords="offset points", fontsize=9, color=style.INK, va="center", zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )  # fmt: skip
    return y
