"""How every figure of the course looks: colours with a meaning, figure defaults, direct labels.

A colour means the same thing in every chapter: what a simulation says is blue, what theory says
is a black dashed line, what a real component did is vermilion points. The colours are Okabe and
Ito's, which people with any kind of colour vision can tell apart.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

# Okabe & Ito (2008), "Color Universal Design".
BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

INK = "#1f2328"  # text and axes
MUTED = "#6a737d"  # secondary text, guides; 4.8:1 on white
FAINT = "#d8dee4"  # grid
SKY_INK = "#2b7bab"  # text about what is drawn in SKY, which is too light for letters
ORANGE_INK = "#9a6a00"  # the same for ORANGE
GHOST = "#8c959f"  # a pinned curve, kept to compare with
PALE_BLUE = "#a8cbe4"  # a simulation that is not the subject: another design's bar or curve
PALE_RED = "#f6d3bf"  # the area of what goes wrong, under a curve

#: Colours for designs compared side by side, in the order to use them.
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)

#: Keyword arguments for the three kinds of evidence.
SIMULATION: dict[str, Any] = {"color": BLUE, "linewidth": 2.2}
THEORY: dict[str, Any] = {"color": BLACK, "linewidth": 1.4, "linestyle": (0, (4, 2))}
MEASUREMENT: dict[str, Any] = {
    "color": VERMILION,
    "marker": "o",
    "markersize": 6,
    "linestyle": "none",
}
#: A simulation at single points, as dots, often with error bars.
DOTS: dict[str, Any] = MEASUREMENT | {"color": BLUE}

_DEFAULTS: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.titley": 1.0,  # finding a place for it would take a fifth of drawing the axes
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=SERIES),
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "text.color": INK,
}


def context() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws in the course's style.

    Global defaults are never touched, so a learner's own plots look the way they like them.
    """
    return mpl.rc_context(_DEFAULTS)


def panels(
    columns: int = 1, rows: int = 1, **gridspec: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare that a plot function draws on several axes; it then gets a tuple of them.

    Parameters
    ----------
    columns, rows : int
        The grid of panels, handed to the function row by row.
    **gridspec
        ``width_ratios``, ``height_ratios`` and the like for ``Figure.subplots``.
    """

    def declare(plot: Callable[..., None]) -> Callable[..., None]:
        plot.panels = {"ncols": columns, "nrows": rows, "gridspec_kw": gridspec}  # type: ignore[attr-defined]
        return plot

    return declare


def label(ax: Axes, x: float, y: float, text: str, color: str, **kwargs: Any) -> None:
    """Write a label next to a curve, in the curve's colour: quicker to read than a legend.

    The label is clipped to nothing when its point lies outside the axes' limits.
    """
    placement = {"xytext": (5, 0), "va": "center", "ha": "left", "fontsize": 9} | kwargs
    ax.annotate(
        text, (x, y), textcoords="offset points", color=color, annotation_clip=True, **placement
    )
