"""What several figures of this chapter share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style


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
