"""How every figure of the course looks: colours with a meaning, figure defaults, direct labels.

A colour means the same thing in every chapter: what a simulation says is blue, what theory says
is a black dashed line, what a real component did is vermilion points. The colours are Okabe and
Ito's, which people with any kind of colour vision can tell apart.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.rcsetup import cycler

from helpers.foundations.drawing import letters

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

_STYLE: dict[str, Any] = {
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
    "axes.prop_cycle": cycler(color=SERIES),
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


#: Every setting there is: matplotlib's own defaults, nothing of a user's, and the course's style.
_SETTINGS: dict[str, Any] = dict(mpl.rcParamsDefault.items()) | dict(mpl.RcParams(_STYLE).items())
del _SETTINGS["backend"]  # whoever asks for that is not drawing

#: Held while anything is drawn. Cells run in one thread of the kernel and sliders move in another,
#: and matplotlib's settings and fonts belong to all of them.
DRAWING = threading.RLock()

_here = threading.local()  # `settings` are those of a thread that draws for the course


class _ByThread(mpl.RcParams):
    """Settings that are the course's for a thread that draws for it, and the user's for others.

    Another thread may be in here while the table becomes the user's alone again, so nothing in here
    asks what class it is of, as ``super()`` would.
    """

    def __getitem__(self, key: Any) -> Any:
        ours = getattr(_here, "settings", None)
        if ours is not None and key in ours:
            return ours[key]
        return mpl.RcParams.__getitem__(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        ours = getattr(_here, "settings", None)
        if ours is None:
            mpl.RcParams.__setitem__(self, key, value)
        else:
            ours[key] = mpl.RcParams({key: value})[key]  # checked


@contextmanager
def context() -> Iterator[None]:
    """Draw in the course's style, whatever the user's settings are, and leave those alone.

    Matplotlib reads its settings whenever an artist is made, and now and then while it is drawn,
    and it has one table of them for all threads. Within the context, this thread reads the course's
    table instead. What is set meanwhile is forgotten at the end. Nothing that belongs to the user
    is written, so what other threads draw looks as they like it. One thread at a time is within.
    """
    with DRAWING:
        if getattr(_here, "settings", None) is not None:
            yield
        elif _can_be_told_apart():
            with _apart():
                yield
        else:
            with _for_all():
                yield


@contextmanager
def _apart() -> Iterator[None]:
    """Give this thread the course's settings."""
    usual = type(mpl.rcParams)
    try:
        _here.settings = dict(_SETTINGS)
        mpl.rcParams.__class__ = _ByThread
        yield
    finally:  # also when the cell is interrupted
        _here.settings = None
        mpl.rcParams.__class__ = mpl.RcParams if usual is _ByThread else usual


@contextmanager
def _for_all() -> Iterator[None]:
    """Give all threads the course's settings, and then their own again."""
    settings: Any = mpl.rcParams
    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore")  # about settings that are going to be dropped
        settings.update(_SETTINGS)
        yield


@cache
def _can_be_told_apart() -> bool:
    """Whether a thread can have settings of its own with the matplotlib that is installed."""
    theirs = mpl.rcParams["lines.linewidth"]
    ours = 2 * theirs + 1
    seen: dict[str, Any] = {}

    def look() -> None:
        seen["there"] = Line2D([], []).get_linewidth()

    try:
        with _apart():
            mpl.rcParams["lines.linewidth"] = ours
            seen["here"] = Line2D([], []).get_linewidth()
            other = threading.Thread(target=look)
            other.start()
            other.join()
    except Exception:  # whatever it is, it would stand in the way of a picture
        return False
    seen["after"] = Line2D([], []).get_linewidth()
    return seen == {"here": ours, "there": theirs, "after": theirs}


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


def grid_of(plot: Callable[..., None]) -> dict[str, Any]:
    """Return the grid of panels that a plot function has declared, or that of one panel."""
    grid: dict[str, Any] = getattr(plot, "panels", {"ncols": 1, "nrows": 1})
    return grid


def wide(plot: Callable[..., None]) -> Callable[..., None]:
    """Declare that what a plot function draws needs the room: a diagram with words in its boxes.

    On a narrow page other pictures become smaller, so that their letters do not; this one is as
    large as it was, and can be pushed to and fro.
    """
    plot.wide = True  # type: ignore[attr-defined]
    return plot


def label(ax: Axes, x: float, y: float, text: str, color: str, **kwargs: Any) -> None:
    """Write a label next to a curve, in the curve's colour: quicker to read than a legend.

    There is no label when its point lies outside the axes' limits. One that would be cut, or stand
    on another text, moves to where it can be read: see :class:`.letters.Label`.
    """
    placement = {"xytext": (5, 0), "va": "center", "ha": "left", "fontsize": 9} | kwargs
    look = {"textcoords": "offset points", "color": color, "annotation_clip": True} | placement
    letters.write(ax, letters.Label, text, (x, y), **look)
