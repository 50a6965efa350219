"""Texts that move where they would be cut, or where they would stand on each other.

A plot writes a label where its curve ends, and a slider takes that anywhere: to the edge of the
picture, or onto another label. These texts look, each time they are drawn, whether they can be
read where they were put, and otherwise stand as near to that place as they can be read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Annotation, Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, Bbox

#: How far from the edge of the picture letters stay, points.
_EDGE_PT = 1.5
#: How far beyond their axes labels may reach: to the right, into the margin, and above, points.
_BESIDE_PT, _ABOVE_PT = 20.0, 6.0
#: How far apart texts in one row stand at least, points.
_GAP_PT = 3.0
#: A label moves by at most this many times its height: farther away, nobody would know whose it is.
_FARTHEST = 2.5


class Note(Annotation):
    """A text at a fixed place, kept in the picture and off the numbers beside its axes."""

    def update_positions(self, renderer: RendererBase) -> None:
        """Find the place where the text can be read."""
        super().update_positions(renderer)
        right, up = self._way(Text.get_window_extent(self, renderer), renderer)
        if right or up:
            self.set_transform(self.get_transform() + Affine2D().translate(right, up))

    def _way(self, box: Bbox, renderer: RendererBase) -> tuple[float, float]:
        """Return how far right and up a text goes that would stand in `box`, pixels."""
        x, y = self.xy
        return into(room_of(axes_of(self), renderer, left=x < 0, below=y < 0, above=y > 1), box)


class Label(Note):
    """A text beside what it names; it also makes way for other texts.

    These are notes, words, and labels that were drawn before.
    """

    def _way(self, box: Bbox, renderer: RendererBase) -> tuple[float, float]:
        room = room_of(axes_of(self), renderer)
        right, up = into(room, box)
        self._stands = box.translated(right, up)
        up += self._clear(room, renderer)
        self._stands = box.translated(right, up)
        return right, up

    def _clear(self, room: Bbox, renderer: RendererBase) -> float:
        """Return how far up a text goes to be clear of others, pixels."""
        box, gap = self._stands, pixels(renderer, _GAP_PT)
        others = [
            other
            for other in self._others(renderer)
            if other.x0 < box.x1 + gap and box.x0 < other.x1 + gap
        ]
        ways = [0.0]
        for other in others:
            ways += [other.y1 - box.y0, other.y0 - box.y1]
        for way in sorted(ways, key=abs):
            low, high = box.y0 + way, box.y1 + way
            free = all(other.y1 <= low + 0.5 or other.y0 >= high - 0.5 for other in others)
            fits = low >= room.y0 - 0.5 and high <= room.y1 + 0.5
            if free and (fits or not way) and abs(way) <= _FARTHEST * box.height:
                return way
        return 0.0

    def _others(self, renderer: RendererBase) -> list[Bbox]:
        """Return the boxes around the texts that this one makes way for."""
        boxes: list[Bbox] = []
        ax = axes_of(self)
        for artist in ax.artists:
            if hasattr(artist, "extents") and artist.get_visible():
                boxes += artist.extents(renderer)
        before = True
        for text in ax.texts:
            if text is self:
                before = False
            elif text.get_visible() and text.get_text():
                if not isinstance(text, Label):
                    boxes.append(text.get_window_extent(renderer))
                elif before:
                    boxes.append(text._stands)
        return boxes

    _stands = Bbox.null()


def write(ax: Axes, kind: type[Note], text: str, place: tuple[float, float], **look: Any) -> None:
    """Add a note or a label to the axes."""
    ax.add_artist(kind(text, place, **({"clip_on": False} | look)))


def room_of(
    ax: Axes,
    renderer: RendererBase,
    *,
    left: bool = False,
    below: bool = False,
    above: bool = False,
) -> Bbox:
    """Return where texts of the axes can be read, in pixels.

    That is in the picture, on no other panel, and not on the axes' own numbers and title, unless a
    text is meant to stand `left` of, `below` or `above` the axes.
    """
    picture, panel = picture_of(ax, renderer), ax.bbox
    if not ax.axison:
        return picture
    beside, over = (pixels(renderer, points) for points in (_BESIDE_PT, _ABOVE_PT))
    return Bbox.from_extents(
        picture.x0 if left else max(picture.x0, panel.x0),
        picture.y0 if below else max(picture.y0, panel.y0),
        min(picture.x1, panel.x1 + beside),
        picture.y1 if above else min(picture.y1, panel.y1 + over),
    )


def picture_of(ax: Axes, renderer: RendererBase) -> Bbox:
    """Return where texts of the axes may stand: in the picture, and on no other panel, pixels."""
    edge = pixels(renderer, _EDGE_PT)
    width, height = renderer.get_canvas_width_height()
    left, right, own = edge, width - edge, ax.bbox
    for other in figure_of(ax).axes:
        box = other.bbox
        if other is not ax and box.y0 < own.y1 and own.y0 < box.y1:
            if box.x0 >= own.x1:
                right = min(right, box.x0 - edge)
            elif box.x1 <= own.x0:
                left = max(left, box.x1 + edge)
    return Bbox.from_extents(left, edge, right, height - edge)


def axes_of(artist: Artist) -> Axes:
    """Return the axes that an artist is on."""
    if not isinstance(artist.axes, Axes):
        raise RuntimeError(f"{artist} is on no axes")
    return artist.axes


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes are on."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise RuntimeError(f"{ax} are on no figure")
    return figure


def pixels(renderer: RendererBase, points: float) -> float:
    """Return a length in pixels."""
    return float(np.asarray(renderer.points_to_pixels(points)))


def into(room: Bbox, box: Bbox) -> tuple[float, float]:
    """Return how far right and up `box` must go to be in `room`, or to begin there if too big."""
    right = max(min(0.0, room.x1 - box.x1), room.x0 - box.x0)
    up = min(max(0.0, room.y0 - box.y0), room.y1 - box.y1)
    return right, up


def broken(text: str, room_pt: float, size_pt: float) -> str:
    """Return a text in two lines if it is wider than the room, and narrower so.

    Parameters
    ----------
    text : str
        Broken at a blank or behind a hyphen; left as it is if it has lines already.
    room_pt, size_pt : float
        How wide it may be, and the size of its letters, in points.
    """
    if "\n" in text or width_pt(text, size_pt) <= room_pt:
        return text
    ways = [
        f"{text[: cut.end()].rstrip()}\n{text[cut.end() :]}"
        for cut in re.finditer(r"[ -](?=\S)", text)
    ]
    return min([text, *ways], key=lambda way: max(width_pt(s, size_pt) for s in way.split("\n")))


@lru_cache(maxsize=1_000)
def width_pt(text: str, size_pt: float) -> float:
    """Return how wide a line of text is, in points."""
    font = FontProperties(family="DejaVu Sans", size=size_pt)
    return float(TextPath((0, 0), text, prop=font).get_extents().width) if text.strip() else 0.0
