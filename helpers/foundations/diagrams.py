"""Boxes, arrows and words for pictures of systems, however many of them as a few artists.

``FancyBboxPatch`` and ``FancyArrowPatch`` make one artist each and split curves to find out where
they end, and every ``Text`` is laid out anew each time it is drawn: that takes most of the time of
a picture with twenty of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist, allow_rasterization
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba_array
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path

from helpers.foundations import style, validation

#: How far letters reach below the line, as a share of their size, in DejaVu Sans.
_DESCENT = 0.24


def arrows(
    ax: Axes,
    tails: npt.ArrayLike,
    tips: npt.ArrayLike,
    *,
    head_pt: tuple[float, float] = (8.0, 3.8),
    head_zorder: float | None = None,
    **look: Any,
) -> None:
    """Draw straight arrows as two artists. Set the limits of the axes before.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    tails, tips : array_like, shape (n, 2)
        Where they begin and end.
    head_pt : (float, float)
        Length of a head and half of its width, in points.
    head_zorder : float, optional
        That of the lines by default.
    **look
        For ``LineCollection``: ``colors``, ``linewidths``, ``linestyles``, one or one for each,
        and ``zorder``.
    """
    to_points = 72 / ax.figure.dpi
    start, end = (ax.transData.transform(np.asarray(ends, float)) for ends in (tails, tips))
    way = end - start
    along = way / np.linalg.norm(way, axis=1, keepdims=True) / to_points
    across = along[:, ::-1] * (-1, 1)
    length, half = head_pt
    heads = np.stack([end, end - length * along + half * across,
                      end - length * along - half * across], axis=1)  # fmt: skip
    # A line ends within its head, or its corners would show beside the tip.
    lines = np.stack([start, end - 0.7 * length * along], axis=1)
    back = ax.transData.inverted().transform
    as_data = [back(points.reshape(-1, 2)).reshape(points.shape) for points in (lines, heads)]
    ax.add_collection(LineCollection(as_data[0], **look), autolim=False)
    zorder = look.get("zorder", 1) if head_zorder is None else head_zorder
    ax.add_collection(
        PolyCollection(as_data[1], facecolors=look.get("colors"), linewidths=0, zorder=zorder),
        autolim=False,
    )


def round_boxes(
    ax: Axes,
    middles: Sequence[tuple[float, float]],
    width: float,
    height: float,
    rounding: float | tuple[float, float],
    **look: Any,
) -> None:
    """Draw boxes of one size with round corners as one artist.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    middles : sequence of (float, float)
    width, height : float
        In the units of the axes.
    rounding : float or (float, float)
        Radius of the corners, in the same units; two where the axes have unlike ones.
    **look
        For ``PathCollection``: ``facecolors``, ``edgecolors``, ``linewidths``, ``linestyles``, one
        or one for each, and ``zorder``.
    """
    box = _round_box(width / 2, height / 2, *np.broadcast_to(rounding, 2))
    paths = [Path(box.vertices + middle, box.codes) for middle in middles]
    ax.add_collection(PathCollection(paths, **look), autolim=False)


def _round_box(x: float, y: float, round_x: float, round_y: float) -> Path:
    """Return a box around the origin that reaches from -x to x and from -y to y."""
    vertices, codes = [], []
    for right, up in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        corner = np.array((right * x, up * y))
        before, after = corner - (right * round_x, 0), corner - (0, up * round_y)
        if right * up > 0:  # where an upright side comes before a level one
            before, after = after, before
        vertices += [before, corner, after]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    codes[0] = Path.MOVETO
    return Path([*vertices, vertices[0]], [*codes, Path.CLOSEPOLY])


def words(
    ax: Axes,
    places: npt.ArrayLike,
    texts: Sequence[str],
    *,
    offset_pt: tuple[float, float] = (0.0, 0.0),
    color: Any = style.INK,
    fontsize: float = 9.0,
    weight: str = "normal",
    ha: str = "center",
    va: str = "center",
    linespacing: float = 1.2,
    zorder: float = 3.0,
) -> None:
    """Write many texts of one size as one artist, each where ``Axes.text`` would put it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like, shape (n, 2)
        In the units of the axes.
    texts : sequence of str
        Of one or more lines; no mathematics.
    offset_pt : (float, float)
        How far to the right of the places and above them, points.
    color : colour or sequence of colours
        One for all, or one for each.
    fontsize, weight, linespacing, zorder
        As for ``Axes.text``.
    ha : {"left", "center", "right"}
    va : {"bottom", "center", "top"}

    Raises
    ------
    TypeError, ValueError
        If `ha` or `va` is none of these, or there are not as many places as texts.
    """
    ha = validation.one_of("ha", ha, ("left", "center", "right"))
    va = validation.one_of("va", va, ("bottom", "center", "top"))
    at = np.asarray(places, float).reshape(-1, 2)
    if len(at) != len(texts):
        raise ValueError(f"places must be one for each of the {len(texts)} texts, got {len(at)}")
    colors = np.broadcast_to(to_rgba_array(color), (len(texts), 4))
    font = FontProperties(size=fontsize, weight=weight)
    ax.add_artist(_Words(at, texts, offset_pt, colors, font, ha, va, linespacing)).set_zorder(
        zorder
    )


class _Words(Artist):
    def __init__(
        self,
        places: npt.NDArray[np.float64],
        texts: Sequence[str],
        offset_pt: tuple[float, float],
        colors: npt.NDArray[np.float64],
        font: FontProperties,
        ha: str,
        va: str,
        linespacing: float,
    ) -> None:
        super().__init__()
        self._places, self._offset_pt, self._colors = places, offset_pt, colors
        self._lines = [text.split("\n") for text in texts]
        self._font, self._ha, self._va, self._linespacing = font, ha, va, linespacing

    @allow_rasterization
    def draw(self, renderer: RendererBase) -> None:
        if not self.get_visible():
            return
        places = self.axes.transData.transform(self._places)
        places += np.array(self._offset_pt) * self.figure.dpi / 72
        canvas_height = renderer.get_canvas_width_height()[1]
        gc = renderer.new_gc()
        self._set_gc_clip(gc)
        for (x, y), lines, color in zip(places, self._lines, self._colors, strict=True):
            gc.set_foreground(color, isRGBA=True)
            for line, right, up in self._laid_out(renderer, lines):
                down = canvas_height - (y + up) if renderer.flipy() else y + up
                renderer.draw_text(gc, x + right, down, line, self._font, 0)
        gc.restore()

    def _laid_out(
        self, renderer: RendererBase, lines: Sequence[str]
    ) -> list[tuple[str, float, float]]:
        """Return each line with where its baseline begins, pixels to the right and up."""

        size = self._font.get_size_in_points() * self.figure.dpi / 72
        pitch = size * (self._linespacing if len(lines) > 1 else 1.0)
        top = {"top": 0.0, "center": 0.5, "bottom": 1.0}[self._va] * pitch * len(lines)
        first = top - (pitch - size) / 2 - (1 - _DESCENT) * size
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[self._ha]
        widths = [
            renderer.get_text_width_height_descent(line, self._font, False)[0] for line in lines
        ]
        return [
            (line, -share * width, first - row * pitch)
            for row, (line, width) in enumerate(zip(lines, widths, strict=True))
        ]
