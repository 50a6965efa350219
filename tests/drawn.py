"""What a learner sees on drawn axes, read back as numbers and words.

Tests compare these with the arrays of a result: a curve that is drawn at 85 %, or from the wrong
field, is noticed. Our drawing helpers draw many things as one artist; each has a ``gid`` that says
what it is (``bars``, ``whiskers``, ``marks``, ``spans``, ``curves``, ``ring``, ``here``, ``dot``;
``boxes``, ``fills``, ``arrows``, ``heads``), and a ``label`` where a plot gives one.

Artists are found by their look: any of color, label, gid, linestyle, linewidth, marker, alpha and
whatever else has a getter. A style of the course is a look, so ``curve(ax, **style.THEORY)`` is the
one dashed black line.

The second half is for letters. A figure is drawn once more, on a renderer that writes down what is
written where, so what it says of texts is what is on the page: text that is clipped, left out or
drawn later is seen as such. Each fault is a sentence, so that ``assert not text_faults(figure)``
says what is wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from helpers.foundations.drawing import style
from helpers.foundations.drawing.words import Words

# --- lines and points -------------------------------------------------------------------------


def lines(ax: Axes, **look: Any) -> list[Line2D]:
    """Return every line that looks like this, in the order in which they were drawn."""
    return [line for line in ax.lines if _looks(line, look)]


def line(ax: Axes, **look: Any) -> Line2D:
    """Return the one line that looks like this; an AssertionError names what there is."""
    return _only(lines(ax, **look), ax.lines, look)


def curve(ax: Axes, **look: Any) -> np.ndarray:
    """Return the points of the one line that looks like this, shape (n, 2): x and y as drawn."""
    return np.asarray(line(ax, **look).get_xydata(), float)


def curves(ax: Axes, **look: Any) -> list[np.ndarray]:
    """Return the points of each piece of the one line that looks like this, cut at its gaps."""
    points = curve(ax, **look)
    gaps = np.isnan(points).any(axis=1)
    starts = np.flatnonzero(~gaps & np.append(True, gaps[:-1]))
    ends = np.flatnonzero(~gaps & np.append(gaps[1:], True)) + 1
    return [points[start:end] for start, end in zip(starts, ends, strict=True)]


def rings(ax: Axes) -> np.ndarray:
    """Return where the learner stands, shape (n, 2)."""
    return curve(ax, gid="ring")


def here(ax: Axes) -> float:
    """Return the place of the thin upright line that says where the learner stands."""
    return float(curve(ax, gid="here")[0, 0])


def levels(ax: Axes, **look: Any) -> list[float]:
    """Return the heights of ``axhline`` that look like this."""
    across = [line for line in lines(ax, **look) if list(line.get_xdata()) == [0, 1]]
    return [float(one.get_ydata()[0]) for one in across if one.get_ydata()[0] == one.get_ydata()[1]]


class Bars(NamedTuple):
    """Bars as drawn, a number for each: the middle on one axis, both ends on the other."""

    places: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Signed: negative for a bar that reaches down, or to the left."""
        return self.ends - self.starts


def bars(ax: Axes, **look: Any) -> Bars:
    """Return the bars that look like this (facecolor, alpha, label ...), of all calls together."""
    found = [patch for patch in ax.patches if patch.get_gid() == "bars" and _looks(patch, look)]
    assert found, f"no bars like {look} among {_named(ax.patches)}"
    corners = np.concatenate([patch.get_path().vertices.reshape(-1, 5, 2) for patch in found])
    upright = corners[:, 1, 1] == corners[:, 2, 1]  # from the second corner on, it goes across
    reach, across = np.where(upright, 1, 0), np.where(upright, 0, 1)
    each = np.arange(len(corners))
    starts, ends = corners[each, 0, reach], corners[each, 1, reach]
    return Bars((corners[each, 0, across] + corners[each, 2, across]) / 2, starts, ends)


class Whiskers(NamedTuple):
    """Error bars as drawn, a number for each: place, what the point says, and both ends."""

    places: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


def error_bars(ax: Axes, **look: Any) -> Whiskers:
    """Return the error bars whose points look like this, of all calls together."""
    parts = []
    for before, points in itertools.pairwise(ax.lines):
        if before.get_gid() == "whiskers" and _looks(points, look):
            along = 1 if before.get_marker() == "_" else 0
            ends = before.get_xydata().reshape(-1, 3, 2)[:, :2]
            at = points.get_xydata()
            assert np.array_equal(ends[:, 0, 1 - along], at[:, 1 - along], equal_nan=True)
            parts.append((at[:, 1 - along], at[:, along], *ends[:, :, along].T))
    assert parts, f"no error bars like {look} among {_named(ax.lines)}"
    return Whiskers(*(np.concatenate(part) for part in zip(*parts, strict=True)))


class Spans(NamedTuple):
    """Lines as drawn, a number for each: where it stands on one axis, its ends on the other."""

    places: np.ndarray
    low: np.ndarray
    high: np.ndarray


def spans(ax: Axes, along: str = "y", **look: Any) -> Spans:
    """Return the lines of ``axes.spans`` that look like this and reach along that axis."""
    reach = "xy".index(along)
    parts = []
    for one in lines(ax, **({"gid": "spans"} | look)):
        ends = one.get_xydata().reshape(-1, 3, 2)[:, :2]
        if np.array_equal(ends[:, 0, 1 - reach], ends[:, 1, 1 - reach]):
            parts.append((ends[:, 0, 1 - reach], *ends[:, :, reach].T))
    assert parts, f"no spans along {along} like {look} among {_named(ax.lines)}"
    return Spans(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def marks(ax: Axes, along: str = "y", **look: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the places and the values of theory's short lines; `along` as in ``axes.marks``."""
    drawn = spans(ax, "x" if along == "y" else "y", **({"gid": "marks"} | look))
    return (drawn.low + drawn.high) / 2, drawn.places


# --- filled things ----------------------------------------------------------------------------


class Area(NamedTuple):
    """What ``fill_between`` filled: from `low` to `high` at each of `x`."""

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray


def area(ax: Axes, color: Any = None, **look: Any) -> Area:
    """Return the one area of this colour, between the lowest and highest edge at each place."""
    look = look if color is None else look | {"facecolor": color}
    filled = [each for each in ax.collections if isinstance(each, PolyCollection)]
    found = _only([each for each in filled if _looks(each, look)], filled, look)
    corners = np.concatenate([path.vertices for path in found.get_paths()])
    x = np.unique(corners[:, 0])
    edges = [corners[corners[:, 0] == place, 1] for place in x]
    return Area(x, np.array([e.min() for e in edges]), np.array([e.max() for e in edges]))


def bands(ax: Axes, along: str = "x", **look: Any) -> list[tuple[float, float]]:
    """Return both ends of each ``axvspan`` (along "x") or ``axhspan`` (along "y")."""
    blended = ax.get_xaxis_transform() if along == "x" else ax.get_yaxis_transform()
    found = []
    for patch in ax.patches:
        flat = isinstance(patch, Rectangle) and _looks(patch, look)
        if flat and patch.get_data_transform() == blended:
            box = patch.get_bbox()
            found.append((box.x0, box.x1) if along == "x" else (box.y0, box.y1))
    return found


def dots(ax: Axes, **look: Any) -> np.ndarray:
    """Return the middles of what ``scatter`` drew like this, shape (n, 2)."""
    scattered = [each for each in ax.collections if isinstance(each, PathCollection)]
    return np.asarray(_only([d for d in scattered if _looks(d, look)], scattered, look)
                      .get_offsets(), float)  # fmt: skip


def boxes(ax: Axes, gid: str = "boxes") -> np.ndarray:
    """Return left, bottom, right and top of each box of a diagram, shape (n, 4)."""
    found = [each for each in ax.collections if each.get_gid() == gid]
    assert found, f"no {gid} among {_named(ax.collections)}"
    extents = [path.get_extents().extents for each in found for path in each.get_paths()]
    return np.array(extents)


def _only(found: Sequence[Any], among: Sequence[Artist], look: dict[str, Any]) -> Any:
    assert len(found) == 1, f"{len(found)} artists like {look} among {_named(among)}"
    return found[0]


def _named(artists: Sequence[Artist]) -> list[str]:
    return [
        f"{type(each).__name__}(gid={each.get_gid()!r}, label={each.get_label()!r}, "
        f"color={_value(each, 'color' if hasattr(each, 'get_color') else 'facecolor')!r})"
        for each in artists
    ]


def _looks(artist: Artist, look: dict[str, Any]) -> bool:
    return all(_value(artist, name) == _wanted(name, value) for name, value in look.items())


def _value(artist: Artist, name: str) -> Any:
    value = getattr(artist, f"get_{name}")()
    if "color" in name:
        shades = np.atleast_2d(value) if not isinstance(value, str) else [value]
        return to_hex(shades[0]) if len(shades) else None
    return _wanted(name, value)


def _wanted(name: str, value: Any) -> Any:
    if "color" in name:
        return to_hex(value)
    if name == "linestyle":  # matplotlib calls every row of dashes that
        return {"": "none", " ": "none", "solid": "-"}.get(value, value).lower() if isinstance(
            value, str) else "--"  # fmt: skip
    return value


# --- axes and words ---------------------------------------------------------------------------


def ticks(ax: Axes, which: str) -> dict[float, str]:
    """Return place and text of each tick of an axis."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    labels = [text.get_text() for text in axis.get_ticklabels()]
    return dict(zip(map(float, axis.get_ticklocs()), labels, strict=True))


def title(ax: Axes) -> str:
    """Return the title, wherever it stands."""
    return ax.get_title(loc="left") or ax.get_title() or ax.get_title(loc="right")


def written(ax: Axes) -> list[str]:
    """Return what is written among the data: labels, notes, keys, words."""
    several = [text for each in ax.artists if isinstance(each, Words) for text in each.texts]
    return [text.get_text() for text in ax.texts if text.get_visible()] + several


# --- letters ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of text as it is drawn; pixels count to the right and down, from the figure's corner.

    Attributes
    ----------
    text : str
    ink : ndarray of bool
        Where its letters are.
    left, top : int
        Of `ink`.
    shown : (float, float, float, float)
        Left, top, right and bottom of where it may show: the figure, or what it is clipped to.
    whole : int
        Which text it belongs to: texts have several lines.
    panel : int
        Which axes drew it, -1 for the figure.
    size_pt : float
        The size of its letters.
    """

    text: str
    ink: np.ndarray
    left: int
    top: int
    shown: tuple[float, float, float, float]
    whole: int
    panel: int
    size_pt: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the ink."""
        height, width = self.ink.shape
        return self.left, self.top, self.left + width, self.top + height

    def pixels(self) -> np.ndarray:
        """Return column and row of each pixel with ink, shape (n, 2)."""
        rows, columns = np.nonzero(self.ink)
        return np.column_stack([columns + self.left, rows + self.top])


def texts_of(figure: Figure) -> list[Line]:
    """Return every line that is written on a figure, in the order of drawing."""
    return _drawn(figure).lines


def text_faults(figure: Figure) -> list[str]:
    """Say which texts are cut, on each other, hidden, or written into another panel."""
    drawn = _drawn(figure)
    return [*_cut(drawn), *_overlapping(drawn), *_hidden(drawn), *_astray(drawn)]


def texts_cut(figure: Figure) -> list[str]:
    """Say which texts reach beyond the picture, or beyond what they are clipped to."""
    return list(_cut(_drawn(figure)))


def texts_overlap(figure: Figure) -> list[str]:
    """Say which texts touch: letters on letters, or so close in a row that they read as one."""
    return list(_overlapping(_drawn(figure)))


def texts_hidden(figure: Figure) -> list[str]:
    """Say which texts something opaque was drawn over: a box, a bar, a dot, another's paper."""
    return list(_hidden(_drawn(figure)))


def texts_astray(figure: Figure) -> list[str]:
    """Say which texts of one panel stand on another panel."""
    return list(_astray(_drawn(figure)))


#: What may be lost of the letters before it is a fault: shades at their edges.
_LOST = 0.02
#: The share of the letters that may lie under something: a corner of one of them.
_COVERED = 0.05
#: How near letters of two texts may come, in CSS pixels: to the side, and above one another.
_ROOM_PX = (3, 0)
_CSS_DPI = 100


def _cut(drawn: _Recorder) -> Iterator[str]:
    for one in drawn.lines:
        left, top, right, bottom = one.shown
        x, y = one.pixels().T
        lost = (x < left - 1) | (x > right) | (y < top - 1) | (y > bottom)
        if lost.mean() > _LOST:
            yield f"{one.text!r} is cut: {lost.mean():.0%} of its letters do not show"


def _overlapping(drawn: _Recorder) -> Iterator[str]:
    scale = drawn.dpi / _CSS_DPI
    across, up = (round(scale * room) for room in _ROOM_PX)
    for one, other in itertools.combinations(drawn.lines, 2):
        if one.whole == other.whole or not _near(one.box, other.box, across, up):
            continue
        width = int(other.box[2] + 2 * across + 1)
        ours = {(x + dx) + width * y for x, y in one.pixels() for dx in range(-across, across + 1)}
        if not ours.isdisjoint(x + width * y for x, y in other.pixels()):
            yield f"{one.text!r} and {other.text!r} touch"


def _hidden(drawn: _Recorder) -> Iterator[str]:
    for position, one in enumerate(drawn.lines):
        points = one.pixels().astype(float) + 0.5
        under = np.zeros(len(points), bool)
        for cover in drawn.covers:
            if cover.after > position and _near(one.box, cover.box):
                left, top, right, bottom = cover.box
                x, y = points.T
                inside = (x > left) & (x < right) & (y > top) & (y < bottom)
                under |= inside & cover.path.contains_points(points)
        if under.mean() > _COVERED:
            yield f"{one.text!r} is hidden: {under.mean():.0%} of its letters lie under something"


def _astray(drawn: _Recorder) -> Iterator[str]:
    for one in drawn.lines:
        for panel, box in enumerate(drawn.panels):
            if one.panel not in (-1, panel) and _near(one.box, box):
                yield f"{one.text!r} of one panel stands on another"


def _near(one: Sequence[float], other: Sequence[float], across: float = 0, up: float = 0) -> bool:
    return (
        one[0] < other[2] + across
        and other[0] < one[2] + across
        and one[1] < other[3] + up
        and other[1] < one[3] + up
    )


class _Cover(NamedTuple):
    """Something opaque, in pixels right and down, and how many lines were written before it."""

    path: Path
    box: tuple[float, float, float, float]  # of what shows of it
    after: int


def _drawn(figure: Figure) -> _Recorder:
    recorder = _Recorder(figure)
    with style.context():  # ticks are made while they are drawn
        figure.draw(recorder)
    return recorder


class _Recorder(RendererBase):
    """Draws nothing, and writes down what is drawn."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self.dpi = figure.dpi
        self._size = tuple(float(each) for each in figure.bbox.size)
        self._agg = RendererAgg(1, 1, figure.dpi)
        self._whole, self._within_a_text = 0, False
        self._panel = -1
        #: Left, top, right and bottom of each axes, in the order of drawing.
        self.panels: list[tuple[float, float, float, float]] = []
        self.lines: list[Line] = []
        self.covers: list[_Cover] = []
        in_order = sorted(figure.axes, key=lambda ax: ax.get_zorder())
        self._waiting = [ax for ax in in_order if ax.get_visible()]

    def open_group(self, s: str, gid: str | None = None) -> None:
        if s == "axes":
            left, bottom, right, top = self._waiting[len(self.panels)].bbox.extents
            self._panel = len(self.panels)
            self.panels.append((left, self._size[1] - top, right, self._size[1] - bottom))
        elif s == "text":
            self._whole += 1
            self._within_a_text = True

    def close_group(self, s: str) -> None:
        if s == "axes":
            self._panel = -1
        elif s == "text":
            self._within_a_text = False

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None) -> None:
        ink, (right, down) = _letters(s, prop, self.dpi, angle, bool(ismath))
        rgb = gc.get_rgb()
        alpha = rgb[3] if len(rgb) == 4 else gc.get_alpha()
        if not ink.size or not alpha:
            return
        shown = self._shown(gc)
        self._whole += not self._within_a_text  # each of many words
        left, top, size_pt = round(x) + right, round(y) + down, prop.get_size_in_points()
        self.lines.append(Line(s, ink, left, top, shown, self._whole, self._panel, size_pt))

    def draw_path(self, gc, path, transform, rgbFace=None) -> None:  # noqa: N803
        if rgbFace is None or not _opaque(gc, rgbFace):
            return
        flip = Affine2D().scale(1, -1).translate(0, self._size[1])
        outline = (transform + flip).transform_path(path)
        self._cover(gc, outline, outline.get_extents().extents)

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None) -> None:  # noqa: N803
        if rgbFace is None or not _opaque(gc, rgbFace):
            return
        shape = (marker_trans + Affine2D().scale(1, -1)).transform_path(marker_path)
        extents = shape.get_extents().extents  # of one for all: there may be hundreds
        for x, up in trans.transform(path.vertices):
            if np.isfinite(x) and np.isfinite(up):
                here = np.array([x, self._size[1] - up])
                self._cover(
                    gc, Path(shape.vertices + here, shape.codes), extents + np.tile(here, 2)
                )

    def _cover(self, gc: Any, outline: Path, extents: np.ndarray) -> None:
        if len(outline.vertices) > 2:
            left, top, right, bottom = extents
            clip = self._shown(gc)
            box = max(left, clip[0]), max(top, clip[1]), min(right, clip[2]), min(bottom, clip[3])
            self.covers.append(_Cover(outline, box, len(self.lines)))

    def _shown(self, gc: Any) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of where something drawn may show."""
        width, height = self._size
        if (clip := gc.get_clip_rectangle()) is None:
            return 0.0, 0.0, width, height
        left, bottom, right, top = clip.extents
        return (
            max(0.0, left),
            max(0.0, height - top),
            min(width, right),
            min(height, height - bottom),
        )

    def draw_image(self, gc, x, y, im, transform=None) -> None:
        pass

    def get_text_width_height_descent(self, s, prop, ismath):
        return self._agg.get_text_width_height_descent(s, prop, ismath)

    def get_canvas_width_height(self) -> tuple[float, ...]:
        return self._size

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def flipy(self) -> bool:
        return True


def _opaque(gc: Any, face: Sequence[float]) -> bool:
    alpha = face[3] if len(face) > 3 and not gc.get_forced_alpha() else gc.get_alpha()
    return alpha >= 0.5


@lru_cache(maxsize=4_000)
def _letters(
    text: str, prop: FontProperties, dpi: float, angle: float, ismath: bool
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return where a text has ink, and how far right of and below its origin that begins."""
    size = RendererAgg(1, 1, dpi).get_text_width_height_descent(text, prop, ismath)
    reach = int(np.ceil(np.hypot(size[0], size[1]))) + round(dpi / 10)
    paper = RendererAgg(2 * reach, 2 * reach, dpi)
    gc = paper.new_gc()
    gc.set_foreground("black")
    paper.draw_text(gc, reach, reach, text, prop, angle, ismath)
    ink = np.asarray(paper.buffer_rgba())[:, :, 3] > 100
    if not ink.any():
        return np.zeros((0, 0), bool), (0, 0)
    rows, columns = (np.flatnonzero(ink.any(axis=across)) for across in (1, 0))
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return part, (int(columns[0]) - reach, int(rows[0]) - reach)
