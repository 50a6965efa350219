"""What the figures of all chapters share: readable axes, error bars, marks and keys.

Everything here draws on the axes it is given. Ticks are fixed ones, and minor ticks are left out:
they would cost half of the time that drawing the axes takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, Locator, NullLocator
from matplotlib.transforms import Bbox, TransformedBbox

from helpers.foundations import validation
from helpers.foundations.drawing import letters, style
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, Intervals
from helpers.foundations.year import YEAR_S

#: Times that people call by another name than :func:`duration` does.
_NAMED_S = {60.0: "1 min", 3_600.0: "1 h", 86_400.0: "1 day", YEAR_S: "1 year"}
#: Where an axis of times has ticks: decades while seconds are what people count in.
_TIMES_S = (*(float(f"1e{exponent}") for exponent in range(-9, 3)), 3_600.0, 86_400.0, YEAR_S)

#: The corners of a rectangle, the first one at the end again.
_RECTANGLE = (Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY)
#: What a line of a key begins with, and what it stands on.
_SYMBOLS = ("—", "- -", "●", "○", "◆", "dotted", "stroke")
_ON_PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
_WHISKERS: dict[str, Any] = {"linewidth": 1.4, "markersize": 6, "markeredgewidth": 1.0}

#: Of the names on an axis; and what a tick takes beside one, or what keeps two apart.
_NAMES_PT, _TICK_PT = 9.0, 8.0
_SYMBOL_PT = 12.0  # that a symbol of a key takes, with the blank beside it

#: Axes, and so much around them that a mark on their edge is whole.
_WITH_EDGES = Bbox.from_extents(-0.03, -0.04, 1.03, 1.04)


def plain(value: float) -> str:
    """Return a number as people write it: 0.01, 1,000, 10 million."""
    return f"{_exact(value / 1e6)} million" if abs(value) >= 1e6 else _exact(value)


def short(value: float) -> str:
    """Return a number in few letters, for axes without room: 0.01, 100, 10 k, 1 M."""
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{_exact(value / limit)} {letter}"
    return _exact(value)


def percent(value: float) -> str:
    """Return a share as a percentage: 0.1 %, 100 %."""
    return f"{_exact(100 * value)} %"


def _exact(value: float) -> str:
    return significant(value, 6)  # a tick at 1,024 must not say 1,020


def log_axis(
    ax: Axes,
    which: str,
    low: float,
    high: float,
    *,
    ticks: Iterable[float] | None = None,
    text: Callable[[float], str] = plain,
) -> None:
    """Make one axis logarithmic, with few ticks that can be read.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    which : {"x", "y"}
    low, high : float
        The limits; 0 < low < high.
    ticks : iterable of float, optional
        The powers of ten between the limits by default.
    text : callable
        Number to text for the ticks: :func:`plain`, :func:`short`, :func:`percent` or another.

    Raises
    ------
    TypeError, ValueError
        If `which` is neither axis, or the limits are not finite, positive and ascending.
    """
    which = validation.one_of("which", which, ("x", "y"))
    low = validation.number("low", low, above=0)
    high = validation.number("high", high, above=low)
    if ticks is None:
        exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        decades = [float(f"1e{exponent}") for exponent in exponents]
        ticks = [place for place in decades if low * (1 - 1e-9) <= place <= high * (1 + 1e-9)]
    places = [float(place) for place in ticks]
    axis, scale, limit = (
        (ax.xaxis, ax.set_xscale, ax.set_xlim)
        if which == "x"
        else (ax.yaxis, ax.set_yscale, ax.set_ylim)
    )
    if axis.get_scale() != "log":  # setting a scale takes longer than drawing a curve
        scale("log")
    _fix_ticks(axis, places, [text(place) for place in places])
    limit(low, high)  # last: ticks widen the limits


def shares_axis(ax: Axes, parts: int = 2) -> None:
    """Give the vertical axis ticks from 0 % to 100 %, though it may reach further for a key.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    parts : int
        Into which the ticks divide the whole; at least 1.
    """
    parts = validation.integer("parts", parts, at_least=1)
    places = [part / parts for part in range(parts + 1)]
    _fix_ticks(ax.yaxis, places, [percent(place) for place in places])


def named_axis(
    ax: Axes, which: str, names: Sequence[str], places: npt.ArrayLike | None = None
) -> None:
    """Name places on an axis, which then has no grid lines.

    A name that would be cut, or touch its neighbour, is broken into two lines where it can be.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where it will be on the figure, with the neighbours that it will have.
    which : {"x", "y"}
    names : sequence of str
    places : array_like, optional
        One for each name; 0, 1, 2 ... by default.

    Raises
    ------
    TypeError, ValueError
        If `which` is neither axis.
    """
    which = validation.one_of("which", which, ("x", "y"))
    axis = ax.xaxis if which == "x" else ax.yaxis
    at = list(range(len(names)) if places is None else np.asarray(places).tolist())
    room_pt = _room_below_pt(ax, at) if which == "x" else _room_beside_pt(ax)
    if _fix_ticks(axis, at, [letters.broken(name, room_pt, _NAMES_PT) for name in names]):
        axis.grid(False)


def _room_beside_pt(ax: Axes) -> float:
    """Return how wide a name left of the axes may be, in points."""
    picture, panel = letters.figure_of(ax), ax.bbox
    beside = [other.bbox.x1 for other in picture.axes if other.bbox.x1 <= panel.x0]
    return float(panel.x0 - max(beside, default=0.0)) * 72 / picture.dpi - _TICK_PT


def _room_below_pt(ax: Axes, places: Sequence[float]) -> float:
    """Return how wide a name may be of which each has its share of the axis, in points."""
    if len(places) < 2:
        return math.inf
    gaps = np.diff(np.sort(places))
    share = gaps.min() / (gaps.sum() + gaps.min())
    return float(share * ax.bbox.width) * 72 / letters.figure_of(ax).dpi - _TICK_PT


def _fix_ticks(axis: Axis, places: list[float], labels: list[str]) -> bool:
    """Set major ticks and no minor ones, unless that is how they are: it takes a while.

    Returns
    -------
    bool
        Whether they were others before.
    """
    locator = axis.get_major_locator()
    if (
        isinstance(locator, FixedLocator)
        and list(locator.tick_values(0, 1)) == places
        and axis.get_major_formatter().format_ticks(places) == labels
        and _is_without_ticks(axis.get_minor_locator())
    ):
        return False
    axis.set_ticks(places, labels)
    axis.set_ticks([], minor=True)
    return True


def _is_without_ticks(locator: Locator) -> bool:
    """Whether a locator finds none wherever it looks; to let it look takes a while."""
    if isinstance(locator, FixedLocator):
        return not len(locator.tick_values(0, 1))
    return isinstance(locator, NullLocator)


def time_axis(
    ax: Axes, which: str, low_s: float, high_s: float, *, ticks: Iterable[float] | None = None
) -> None:
    """Make one axis a logarithmic axis of times, with ticks that read 10 ms, 1 s, 1 h.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    which : {"x", "y"}
    low_s, high_s : float
        The limits, seconds; 0 < low_s < high_s.
    ticks : iterable of float, optional
        In seconds. By default the powers of ten from 1 ns to 100 s, then 1 h, 1 day and 1 year,
        those between the limits.

    Raises
    ------
    TypeError, ValueError
        If `which` is neither axis, or the limits are not finite, positive and ascending.
    """
    if ticks is None:
        ticks = [t for t in _TIMES_S if low_s * (1 - 1e-9) <= t <= high_s * (1 + 1e-9)]
    log_axis(ax, which, low_s, high_s, ticks=ticks, text=_time)


def _time(seconds: float) -> str:
    return _NAMED_S.get(seconds) or duration(seconds)


def error_bars(
    ax: Axes,
    places: npt.ArrayLike,
    interval: Interval | Intervals | Sequence[Interval],
    scale: float = 1.0,
    *,
    along: str = "y",
    **look: Any,
) -> None:
    """Draw points with the ends of their intervals.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like
        Where the points stand on the other axis.
    interval : Interval, Intervals or sequence of Interval
        Of as many numbers as there are places.
    scale : float
        Factor for what is drawn, such as 1e3 from seconds to milliseconds.
    along : {"y", "x"}
        The axis on which the numbers are drawn.
    **look
        Of the points, for ``Axes.plot``: ``**style.DOTS`` or ``**style.MEASUREMENT``.

    Raises
    ------
    TypeError, ValueError
        If `along` is neither axis.
    """
    several = [interval] if isinstance(interval, Interval | Intervals) else interval
    middle, low, high = (
        np.concatenate([np.atleast_1d(getattr(one, part)) for one in several]) * scale
        for part in ("estimate", "low", "high")
    )
    whiskers(ax, places, middle, low, high, along=along, **look)


def whiskers(
    ax: Axes,
    places: npt.ArrayLike,
    middle: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    along: str = "y",
    **look: Any,
) -> None:
    """Draw points and a line with caps through each, from `low` to `high`.

    Two artists, however many points; ``Axes.errorbar`` makes five and takes eight times as long.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places, middle, low, high : array_like
        One number for each point: where it stands on the other axis, what it says, and the ends.
    along : {"y", "x"}
        The axis on which `middle`, `low` and `high` are drawn.
    **look
        Of the points, for ``Axes.plot``: ``**style.DOTS`` or ``**style.MEASUREMENT``.

    Raises
    ------
    TypeError, ValueError
        If `along` is neither axis.
    """
    along = validation.one_of("along", along, ("y", "x"))
    places, middle, low, high = _alike(places, middle, low, high)
    lines = _WHISKERS | {"color": look["color"], "marker": "_" if along == "y" else "|"}
    lines["gid"] = "whiskers"
    if "zorder" in look:
        lines["zorder"] = look["zorder"]
    spans(ax, places, low, high, along=along, **lines)
    ax.plot(*((places, middle) if along == "y" else (middle, places)), **look)


def marks(
    ax: Axes,
    places: npt.ArrayLike,
    values: npt.ArrayLike,
    length: float = 0.8,
    *,
    along: str = "y",
) -> None:
    """Draw theory as a short black line across each bar or point.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like
        Where the bars stand on the other axis.
    values : array_like
        What theory says for each of them; those that are not finite get no line.
    length : float
        Of each line, in units of the other axis.
    along : {"y", "x"}
        The axis on which the values are drawn.

    Raises
    ------
    TypeError, ValueError
        If `along` is neither axis.
    """
    along = validation.one_of("along", along, ("y", "x"))
    places, values = _alike(places, values)
    shown = np.isfinite(values)
    places, values = places[shown], values[shown]
    spans(
        ax,
        values,
        places - length / 2,
        places + length / 2,
        along="x" if along == "y" else "y",
        color=style.THEORY["color"],
        linewidth=1.8,
        linestyle=(0, (2.2, 1)),
        zorder=1.5,  # over bars, under points
        gid="marks",
    )


def spans(
    ax: Axes,
    places: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    along: str = "y",
    **look: Any,
) -> None:
    """Draw a line from `low` to `high` at each place, all of them as one artist.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places, low, high : array_like
        One number for each line.
    along : {"y", "x"}
        The axis along which they reach.
    **look
        For ``Axes.plot``.

    Raises
    ------
    TypeError, ValueError
        If `along` is neither axis.
    """
    along = validation.one_of("along", along, ("y", "x"))
    places, low, high = _alike(places, low, high)
    across = np.repeat(places, 3)
    ends = np.stack([low, high, np.full(low.shape, np.nan)], axis=1).ravel()  # a gap after each
    look = {"solid_capstyle": "butt", "gid": "spans"} | look
    ax.plot(*((across, ends) if along == "y" else (ends, across)), **look)


def curves(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, **look: Any) -> None:
    """Draw many curves over the same places as one artist.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : array_like, shape (n,)
    y : array_like, shape (curves, n)
    **look
        For ``Axes.plot``. Where curves cross, a transparent colour does not get darker.
    """
    y = np.asarray(y, float)
    gap = np.full((len(y), 1), np.nan)
    look = {"gid": "curves"} | look
    ax.plot(np.tile(np.append(x, np.nan), len(y)), np.hstack([y, gap]).ravel(), **look)


def bars(
    ax: Axes,
    places: npt.ArrayLike,
    lengths: npt.ArrayLike,
    width: float = 0.8,
    *,
    start: npt.ArrayLike = 0.0,
    along: str = "y",
    **look: Any,
) -> None:
    """Draw bars of one colour as one artist; ``Axes.bar`` makes one of each, and takes longer.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like
        Of their middles, on the other axis.
    lengths : array_like
    width : float
        In units of the other axis.
    start : array_like
        Where they begin.
    along : {"y", "x"}
        The axis along which they reach: "y" for upright ones.
    **look
        For ``PathPatch``: ``facecolor``, ``alpha``, ``hatch``.

    Raises
    ------
    TypeError, ValueError
        If `along` is neither axis.
    """
    along = validation.one_of("along", along, ("y", "x"))
    places, lengths, start = _alike(places, lengths, start)
    end, left, right = start + lengths, places - width / 2, places + width / 2
    corners = np.stack([left, start, left, end, right, end, right, start, left, start], axis=1)
    corners = corners.reshape(-1, 2)
    outline = Path(corners if along == "y" else corners[:, ::-1], np.tile(_RECTANGLE, places.size))
    ax.add_artist(PathPatch(outline, **({"linewidth": 0, "gid": "bars"} | look)))
    ax.update_datalim(outline.vertices)  # `add_patch` would look for it anew, bend by bend
    ax.autoscale(None)  # type: ignore[arg-type]  # when somebody asks for the limits


def _alike(*parts: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
    return np.broadcast_arrays(*(np.atleast_1d(np.asarray(part, float)) for part in parts))


def here(ax: Axes, x: float) -> None:
    """Mark where the learner stands with a thin vertical line."""
    ax.axvline(x, color=style.MUTED, linewidth=1.0, linestyle=":", gid="here")


def ring(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
    """Mark the point, or the points, where the learner stands with a ring."""
    ax.plot(
        *np.broadcast_arrays(np.atleast_1d(x), np.atleast_1d(y)),
        color=style.INK,
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgewidth=1.6,
        linestyle="none",
        gid="ring",
    )


def dot(
    ax: Axes, x: float, y: float, marker: str = "o", color: str = style.BLUE, size: float = 9
) -> None:
    """Mark the point of a simulated curve that the sliders stand at."""
    ax.plot(
        x,
        y,
        marker,
        color=color,
        markersize=size,
        markeredgecolor="white",
        zorder=5,
        clip_on=False,
        gid="dot",
    )


def guessed(ax: Axes, axis: str, value: float) -> None:
    """Mark what was predicted, as a line across the panel at a number of its x or y axis."""
    look: dict[str, Any] = {"color": style.VERMILION, "linewidth": 1.6, "linestyle": (0, (1, 1.2))}
    look["label"] = "your guess"
    place: tuple[float, float]
    if axis == "x":
        ax.axvline(value, **look)
        place, transform, offset = (value, 0.98), ax.get_xaxis_transform(), (4, -6)
    else:
        up = -13 if _level(ax, value, 0, 20) and not _level(ax, value, -20, 0) else 7
        ax.axhline(value, **look)
        place, transform, offset = (0.0, value), ax.get_yaxis_transform(), (6, up)
    letters.write(
        ax,
        letters.Label,
        "your guess",
        place,
        xycoords=transform,
        xytext=offset,
        textcoords="offset points",
        color=style.VERMILION,
        fontsize=9,
        annotation_clip=True,
    )


def _level(ax: Axes, value: float, low_pt: float, high_pt: float) -> bool:
    """Whether a level line stands so many points above a height of the panel."""
    heights = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    levels = [value, *(float(ys[0]) for ys in heights if ys.size == 2 and ys[0] == ys[1])]
    places = [(0.0, level) for level in levels]
    at, *others = 72 / ax.figure.dpi * ax.get_yaxis_transform().transform(places)[:, 1]
    return any(low_pt < other - at < high_pt for other in others)


def yours(ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
    """Mark what a learner's own model says: vermilion diamonds, on top of everything."""
    heights = np.atleast_1d(np.asarray(y, dtype=float))
    places = np.broadcast_to(np.asarray(x, dtype=float), heights.shape)
    (line,) = ax.plot(
        places,
        heights,
        color=style.VERMILION,
        marker="D",
        markersize=7.5,
        markeredgecolor="white",
        markeredgewidth=1.2,
        linestyle="none",
        label="your model",
        zorder=9,
    )
    line.set_clip_path(None)
    line.set_clip_box(TransformedBbox(_WITH_EDGES, ax.transAxes))


def note(ax: Axes, x: float, y: float, text: str, color: str = style.MUTED, **kwargs: Any) -> None:
    """Write on the axes at `x` and `y` in fractions of them, the text's top left corner there.

    A text that would be cut moves into the picture. One that begins with a symbol is part of a key,
    and stands on paper, over whatever lines cross it.
    """
    look = {"fontsize": 9, "va": "top", "ha": "left", "color": color} | kwargs
    if text.startswith(_SYMBOLS):
        look = {"zorder": 6, "bbox": _ON_PAPER} | look
    letters.write(ax, letters.Note, text, (x, y), xycoords="axes fraction", **look)


def key(
    ax: Axes,
    entries: Sequence[tuple[str, str, str] | tuple[str, str, str, str]],
    x: float = 0.98,
    y: float = 0.97,
    *,
    left: bool = False,
) -> None:
    """Write a small legend, quicker to draw than a real one.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    entries : sequence of (symbol, text, colour) or (symbol, text, colour, colour of the symbol)
        From the top down. An area that is too light for letters has a symbol in its own colour.
    x, y : float
        The top right corner, in fractions of the axes.
    left : bool
        Put the symbols first and the top left corner at ``1 - x``.
    """
    places = [(1 - x if left else x, y - 0.068 * row) for row in range(len(entries))]
    look: dict[str, Any] = {
        "va": "top",
        "zorder": 6,
        "in_axes": True,
        "ha": "left" if left else "right",
    }
    for apart in (False, True):
        some = [i for i, entry in enumerate(entries) if (len(entry) == 4) == apart]
        if not some:
            continue
        at = [places[i] for i in some]
        symbols, texts, colors = zip(*(entries[i][:3] for i in some), strict=True)
        if apart:
            own = [entries[i][-1] for i in some]
            words(ax, at, symbols, color=own, paper=0.75, **look)
            beside = (_SYMBOL_PT if left else -_SYMBOL_PT, 0.0)
            words(ax, at, texts, color=colors, paper=0.75, offset_pt=beside, **look)
        else:
            both = zip(symbols, texts, strict=True)
            lines = [f"{sign} {text}" if left else f"{text} {sign}" for sign, text in both]
            words(ax, at, lines, color=colors, paper=0.75, **look)


def is_blank(ax: Axes) -> bool:
    """Return whether nothing has been drawn on the axes yet."""
    return not (ax.lines or ax.collections or ax.patches or ax.texts)
