"""Many words as one artist.

Every ``Text`` is laid out anew each time it is drawn, and one with a background lays out and draws
a patch as well: that takes most of the time of a picture with twenty of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba_array
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.letters import axes_of, into, picture_of, pixels

#: How far letters reach below the line, as a share of their size, in DejaVu Sans.
_DESCENT = 0.24
#: How far the paper reaches beyond the words.
_PAD_PT = 1.0


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
    in_axes: bool = False,
    paper: float = 0.0,
) -> None:
    """Write many texts of one size as one artist.

    Each stands where ``Axes.text`` would put it, or as near to that as the picture holds all of it.
    One whose place is not on the axes is left out.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : array_like, shape (n, 2)
        In the units of the axes, or in fractions of them with `in_axes`.
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
    paper : float
        Opacity of the white behind each text, 0 to 1.

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
    artist = Words(at, texts, offset_pt, colors, font, (ha, va), linespacing, paper)
    artist.set_zorder(zorder)
    artist.set_transform(ax.transAxes if in_axes else ax.transData)
    artist.set_clip_on(False)  # letters that reach over the edge of the axes are not cut
    ax.add_artist(artist)


class Words(Artist):
    """What :func:`words` adds to the axes."""

    def __init__(
        self,
        places: npt.NDArray[np.float64],
        texts: Sequence[str],
        offset_pt: tuple[float, float],
        colors: npt.NDArray[np.float64],
        font: FontProperties,
        alignment: tuple[str, str],
        linespacing: float,
        paper: float,
    ) -> None:
        super().__init__()
        self._places, self._offset_pt, self._colors = places, offset_pt, colors
        self._lines = [text.split("\n") for text in texts]
        self._font, self._linespacing, self._paper = font, linespacing, paper
        self._ha, self._va = alignment

    @property
    def texts(self) -> list[str]:
        """What is written, in the order given."""
        return ["\n".join(lines) for lines in self._lines]

    @property
    def colors(self) -> npt.NDArray[np.float64]:
        """Of the texts, red, green, blue and opacity; shape (n, 4)."""
        return self._colors

    def draw(self, renderer: RendererBase) -> None:
        """Write everything."""
        if not self.get_visible():
            return
        canvas_height = renderer.get_canvas_width_height()[1]
        gc = renderer.new_gc()
        gc.set_linewidth(0)
        for which, (x, y), laid_out, extent in self._placed(renderer):
            if self._paper:
                behind = extent.padded(pixels(renderer, _PAD_PT))
                corner = Affine2D().scale(*behind.size).translate(*behind.min)
                renderer.draw_path(gc, Path.unit_rectangle(), corner, (1, 1, 1, self._paper))
            gc.set_foreground(self._colors[which], isRGBA=True)
            for line, right, up in laid_out:
                down = canvas_height - (y + up) if renderer.flipy() else y + up
                renderer.draw_text(gc, x + right, down, line, self._font, 0)
        gc.restore()

    def extents(self, renderer: RendererBase) -> list[Bbox]:
        """Return the box around each text that is written, pixels right and up."""
        return [extent for *_, extent in self._placed(renderer)]

    def _placed(
        self, renderer: RendererBase
    ) -> Iterator[tuple[int, npt.NDArray[np.float64], list[tuple[str, float, float]], Bbox]]:
        """Yield each text that is written: its number, its place, its lines and the box around it.

        In pixels right and up; see :meth:`_laid_out`.
        """
        places = self.get_transform().transform(self._places)
        offset = np.array([pixels(renderer, points) for points in self._offset_pt])
        ax = axes_of(self)
        picture, on_axes = picture_of(ax, renderer), ax.bbox.padded(1)
        everywhere = self.get_transform() == ax.transAxes
        for which, (place, lines) in enumerate(zip(places, self._lines, strict=True)):
            if everywhere or on_axes.contains(*place):
                laid_out, around = self._laid_out(renderer, lines)
                box = around.translated(*(place + offset))
                way = into(picture, box)
                yield which, place + offset + way, laid_out, box.translated(*way)

    def _laid_out(
        self, renderer: RendererBase, lines: Sequence[str]
    ) -> tuple[list[tuple[str, float, float]], Bbox]:
        """Return each line with where it begins, and the box around them, pixels right and up."""
        size = pixels(renderer, self._font.get_size_in_points())
        pitch = size * (self._linespacing if len(lines) > 1 else 1.0)
        height = pitch * len(lines)
        top = {"top": 0.0, "center": 0.5, "bottom": 1.0}[self._va] * height
        first = top - (pitch - size) / 2 - (1 - _DESCENT) * size
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[self._ha]
        widths = [
            renderer.get_text_width_height_descent(line, self._font, False)[0] for line in lines
        ]
        laid_out = [
            (line, -share * width, first - row * pitch)
            for row, (line, width) in enumerate(zip(lines, widths, strict=True))
        ]
        width = max(widths)
        extent = Bbox([[-share * width, top - height], [(1 - share) * width, top]])
        return laid_out, extent
