"""Draw a plot function fast, again and again, on one persistent figure.

Redrawing everything costs far more than most simulations. While a slider moves, the axes, ticks,
labels and title rarely change, so they are drawn once, kept as a bitmap, and only what shows data
is drawn on top; a text that was drawn before is stamped again. When the slider rests, the whole
figure is drawn once more at twice the resolution, so what a learner looks at for longer than a
moment was drawn afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from helpers.explore.png import Backdrop, quick_png, small_png
from helpers.foundations.drawing import style
from helpers.foundations.drawing.style import DRAWING
from helpers.foundations.drawing.words import Words
from helpers.foundations.experiment import Result

__all__ = ["DRAWING", "Canvas"]

_DPI = 100
_PAPER = 255
_SHARP = 2  # a settled picture has this many pixels per CSS pixel, a moving one has 1
_MARGINS_IN = {"left": 0.78, "right": 0.3, "bottom": 0.62, "top": 0.48}
_PANEL_GAP_IN = {"wspace": 0.85, "hspace": 0.85}
_PANELS_IN = 4.2 - _MARGINS_IN["bottom"] - _MARGINS_IN["top"]  # height of panels side by side
# On a narrow page a title may need a second line. With JupyterLab's side bar open on a page of
# 800 px there are 430 px for a picture: small letters, of 8 points, are 10 px high there.
_NARROW_PX, _WIDE_PANELS_PX = 472, 640
_READABLE = 0.9  # of its size: no narrower is a picture shown there
_NARROW_MARGINS_IN = {**_MARGINS_IN, "top": 0.66}
_NARROW_GAP_IN = {"wspace": 0.0, "hspace": 1.1}


class Canvas:
    """A figure on which one plot function is drawn for one result after another.

    Parameters
    ----------
    plot : callable
        ``plot(result, ax)``, or ``plot(result, axes)`` if declared with ``style.panels``.
    narrow : bool
        For a narrow page: a smaller picture, so that its letters are not; panels stand below one
        another, and a long title has two lines.
    """

    def __init__(self, plot: Callable[..., None], *, narrow: bool = False) -> None:
        self._plot = plot
        self.narrow, self._readable = narrow, _READABLE
        grid_given = grid = style.grid_of(plot)
        self.width_px, height_in = (720, 4.0) if grid["ncols"] == 1 else (960, 4.2)
        height_in += 3.0 * (grid["nrows"] - 1)
        margins, gap = _MARGINS_IN, _PANEL_GAP_IN
        if narrow:
            wide_px = self.width_px if grid["ncols"] == 1 else _WIDE_PANELS_PX
            grid, self.width_px, height_in = _stacked(**grid)
            if hasattr(plot, "wide"):
                self.width_px, self._readable = wide_px, 1.0
            margins, gap = _NARROW_MARGINS_IN, _NARROW_GAP_IN
        self.height_px = round(height_in * _DPI)
        size = (self.width_px / _DPI, height_in)
        with style.context():
            self.figure = Figure(figsize=size, dpi=_DPI, layout="none")  # type: ignore[arg-type]
            self._agg = _StampingAgg(self.figure)
            axes = self.figure.subplots(squeeze=False, **grid)
            rows, columns = axes.shape
            self.figure.subplots_adjust(**_fractions(size, columns, rows, margins, gap))
            self.axes: tuple[Axes, ...] = tuple(axes.ravel())
            self._headings = [ax.set_title("", loc="left") for ax in self.axes]
        self._titles = [""] * len(self.axes)
        self._places = [""] * len(self.axes)
        if axes.shape != (given := (grid_given["nrows"], grid_given["ncols"])):
            self._places = _places(*given)
        self._fixed = {id(child) for ax in self.axes for child in ax.get_children()}
        self._layers = [_Layer(ax) for ax in self.axes]
        self._backdrop: Backdrop
        self._sharp = False  # whether the pixels are those of the whole figure, without a caption

    @property
    def least_px(self) -> int:
        """How wide the picture is at least to be shown, for its letters to be read."""
        return ceil(self._readable * self.width_px) if self.narrow else 0

    @property
    def title(self) -> str:
        """What the plot is called, in one line."""
        return self._titles[0]

    def draw(self, results: Sequence[Result], pinned: Sequence[Result] = ()) -> None:
        """Replace what the figure shows; nothing is rendered yet.

        Parameters
        ----------
        results : sequence of Result
            Drawn one after the other on the same axes.
        pinned : sequence of Result
            Drawn underneath as grey ghosts, to compare with.
        """
        self._sharp = False
        with style.context():
            self._plot_all(results, pinned)

    def _plot_all(self, results: Sequence[Result], pinned: Sequence[Result]) -> None:
        for heading, said in zip(self._headings, self._titles, strict=True):
            heading.set_text(said)  # a plot may leave it as it is
        for ax in self.axes:
            for artist in self._data_artists(ax):
                artist.remove()
            ax.containers.clear()  # of bars and error bars that are gone
            ax.relim()
            ax.set_autoscale_on(True)
            ax.set_prop_cycle(None)
        target = self.axes if hasattr(self._plot, "panels") else self.axes[0]
        for result in pinned:
            self._plot(result, target)
        for ax in self.axes:
            for artist in self._data_artists(ax):
                _fade(artist)
        for result in results:
            self._plot(result, target)
        self._titles = [heading.get_text() for heading in self._headings]
        if self.narrow:
            for ax, heading, place in zip(self.axes, self._headings, self._places, strict=True):
                _fit_title(heading, place, self.width_px * (1 - ax.get_position().x0) - 4)
        if len(self.figure.axes) != len(self.axes):
            raise RuntimeError(
                f"{self._plot.__name__} added axes to the figure; declare panels with style.panels"
            )

    def moving_png(self) -> bytes:
        """Return the picture quickly, reusing everything that is not data."""
        self._sharp = False
        with style.context():
            self.figure.set_dpi(_DPI)
            data = [(ax, artist) for ax in self.axes for artist in self._data_artists(ax)]
            renderer = self._agg.get_renderer()
            pixels = np.asarray(renderer.buffer_rgba())
            self._draw_backdrop(renderer, [artist for _, artist in data if artist.get_visible()])
            self._backdrop.copy_to(pixels)
            for ax, artist in sorted(data, key=lambda pair: pair[1].get_zorder()):
                ax.draw_artist(artist)
            return self._backdrop.png(pixels)

    def settled_png(self, caption: str = "") -> bytes:
        """Return the whole figure at twice the resolution, drawn once.

        Parameters
        ----------
        caption : str
            Small print at the bottom, for pictures seen without a kernel.
        """
        with style.context():
            if not self._sharp:
                self.figure.set_dpi(_DPI * _SHARP)
                self._agg.draw()  # type: ignore[no-untyped-call]
            self._sharp = not caption
            pixels = np.asarray(self._agg.buffer_rgba())  # type: ignore[no-untyped-call]
            if not caption:
                return quick_png(pixels)
            note = self.figure.text(0.995, 0.012, caption, ha="right", fontsize=7.5)
            note.set_color(style.MUTED)
            note.draw(self._agg.renderer)  # above all else, as the figure would have it
            note.remove()
            png = small_png(pixels)
            self._agg.let_go()
            return png

    def _draw_backdrop(self, renderer: RendererAgg, data: Sequence[Artist]) -> None:
        """Draw what changed of everything that is not data."""
        changed = [layer for layer in self._layers if layer.is_stale()]
        if not changed:
            return
        for artist in data:
            artist.set_visible(False)
        for layer in changed:
            layer.draw(renderer)
        for artist in data:
            artist.set_visible(True)
        pixels = np.asarray(renderer.buffer_rgba())
        pixels[:] = _PAPER
        for layer in self._layers:
            layer.add_to(pixels)
        self._backdrop = Backdrop(pixels)

    def _data_artists(self, ax: Axes) -> list[Artist]:
        return [child for child in ax.get_children() if id(child) not in self._fixed]


class _Layer:
    """What axes look like without their data: ticks, grid, spines, labels and title."""

    def __init__(self, ax: Axes) -> None:
        self._ax = ax
        self._shows: tuple[Any, ...] = ()

    def is_stale(self) -> bool:
        """Return whether the axes have changed since they were drawn."""
        return self._shows != _scenery(self._ax)

    def draw(self, renderer: RendererAgg) -> None:
        """Draw the axes alone; data must be invisible."""
        pixels = np.asarray(renderer.buffer_rgba())
        pixels[:] = _PAPER
        self._ax.draw(renderer)
        ink = pixels.view("<u4")[:, :, 0] != 0xFFFFFFFF
        rows, columns = (np.flatnonzero(ink.any(axis=across)) for across in (1, 0))
        ends = [(used[0], used[-1] + 1) if used.size else (0, 0) for used in (rows, columns)]
        self._where = tuple(slice(*pair) for pair in ends)
        self._pixels = pixels[self._where].copy()
        self._shows = _scenery(self._ax)

    def add_to(self, pixels: np.ndarray) -> None:
        """Put the axes on paper, where no other axes have ink."""
        np.minimum(pixels[self._where], self._pixels, out=pixels[self._where])


class _StampingAgg(FigureCanvasAgg):
    """Draws with stamped texts, and keeps what it draws moving pictures on."""

    _moving: _StampingRenderer | None = None

    def get_renderer(self) -> RendererAgg:
        size, dpi = self.get_width_height(physical=True), self.figure.dpi
        renderer = self._moving if dpi == _DPI else None
        if renderer is None:
            renderer = _StampingRenderer(*size, dpi)
        if dpi == _DPI:
            self._moving = renderer
        self.renderer = renderer
        return renderer

    def let_go(self) -> None:
        """Give back the megabytes of a sharp picture: each text keeps who drew it last."""
        if self.renderer is not self._moving:
            RendererAgg.__init__(self.renderer, 1, 1, _DPI)
            self.renderer = None


class _StampingRenderer(RendererAgg):
    """Keeps the picture of every text and puts it on whole pixels.

    Matplotlib rasterises letter by letter, each time, which takes half of the time of a picture.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        RendererAgg.__init__(self, width, height, dpi)

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | str = False,
        mtext: Text | None = None,
    ) -> None:
        if ismath or angle not in (0, 90) or not s.strip():
            RendererAgg.draw_text(self, gc, x, y, s, prop, angle, ismath, mtext)
            return
        *colour, alpha = to_rgba(gc.get_rgb(), gc.get_alpha() if gc.get_forced_alpha() else None)
        letters, left, below = _written(s, prop, self.dpi, angle, tuple(colour))
        ours = self.new_gc()
        ours.copy_properties(gc)
        ours.set_alpha(alpha)
        # The place of a text is counted down from the top, that of an image up from the bottom.
        self.draw_image(ours, round(x) - left, self.height - round(y) - below, letters)
        ours.restore()

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | str
    ) -> tuple[float, float, float]:
        if not ismath:
            return _size(s, prop, self.dpi)
        text_size = RendererAgg.get_text_width_height_descent(self, s, prop, ismath)
        width, height, descent = text_size
        return width, height, descent


@lru_cache(maxsize=2_000)
def _size(text: str, prop: FontProperties, dpi: float) -> tuple[float, float, float]:
    """Return a text's width, height and descent in pixels."""
    width, height, descent = RendererAgg(1, 1, dpi).get_text_width_height_descent(text, prop, False)
    return width, height, descent


@lru_cache(maxsize=2_000)
def _written(
    text: str,
    prop: FontProperties,
    dpi: float,
    angle: float,
    colour: tuple[float, float, float],
) -> tuple[npt.NDArray[np.uint8], int, int]:
    """Return a text's picture, and how far left of and below its origin that begins, in pixels.

    Shape (height, width, 4), from the bottom row up, as ``draw_image`` takes it.
    """
    width, height, descent = (ceil(side) for side in _size(text, prop, dpi))
    room = ceil(dpi / 20)  # letters may lean out of their boxes
    columns, rows = width + 2 * room, height + 2 * room
    right, up = room, room + descent
    if angle == 90:  # upwards: what was above the line is left of it
        columns, rows = rows, columns
        right, up = room + height - descent, room
    paper = RendererAgg(columns, rows, dpi)
    gc = paper.new_gc()
    gc.set_foreground(colour)
    paper.draw_text(gc, right, rows - up, text, prop, angle)
    return np.asarray(paper.buffer_rgba())[::-1].copy(), right, up


def _places(rows: int, columns: int) -> list[str]:
    """Return where panels would stand with more room: texts speak of left and right."""
    across = ("left", "right") if columns == 2 else ("left", "middle", "right")
    up = ("upper ", "lower ") if rows == 2 else ("",)
    return [f"{row}{column}" for row in up for column in across]


def _fit_title(title: Text, place: str, room_px: float) -> None:
    """Say in a title where its panel would stand, and give it the lines that it needs."""
    words = [*title.get_text().split(), *([f"({place})"] if place else [])]
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _size(longer, title.get_fontproperties(), _DPI)[0] > room_px:
            lines.append(word)
        else:
            lines[-1] = longer
    title.set_text("\n".join(lines))


def _stacked(ncols: int, nrows: int, **more: Any) -> tuple[dict[str, Any], int, float]:
    """Return a grid of one column, its width in pixels and its height in inches.

    Each panel is as high as it was.
    """
    panel_in = (_PANELS_IN + 3.0 * (nrows - 1) - _PANEL_GAP_IN["hspace"] * (nrows - 1)) / nrows
    rows = ncols * nrows
    height_in = rows * panel_in + _NARROW_GAP_IN["hspace"] * (rows - 1)
    height_in += _NARROW_MARGINS_IN["bottom"] + _NARROW_MARGINS_IN["top"]
    kept = more if ncols == 1 else {}  # shares of heights; those of widths mean nothing now
    return {"ncols": 1, "nrows": rows, **kept}, _NARROW_PX, height_in


def _fractions(
    size: tuple[float, float],
    columns: int,
    rows: int,
    margins: dict[str, float],
    gap: dict[str, float],
) -> dict[str, float]:
    """Turn margins in inches into the fractions that ``subplots_adjust`` wants."""
    width, height = size
    edges = {
        "left": margins["left"] / width,
        "right": 1 - margins["right"] / width,
        "bottom": margins["bottom"] / height,
        "top": 1 - margins["top"] / height,
    }
    # wspace and hspace count in units of the average panel.
    free_width = width * (edges["right"] - edges["left"]) - gap["wspace"] * (columns - 1)
    free_height = height * (edges["top"] - edges["bottom"]) - gap["hspace"] * (rows - 1)
    edges["wspace"] = gap["wspace"] * columns / free_width
    edges["hspace"] = gap["hspace"] * rows / free_height
    return edges


def _scenery(ax: Axes) -> tuple[Any, ...]:
    """Everything that decides how the axes look without their data."""
    ticks: list[Any] = []
    for axis in (ax.xaxis, ax.yaxis):
        locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
        if isinstance(locator, FixedLocator):
            places = list(locator.tick_values(0, 1))
            ticks += [tuple(places), tuple(formatter.format_ticks(places))]
        else:
            ticks += [type(locator), type(formatter)]
        ticks.append(axis.get_visible())
    return (
        ax.get_xlim(),
        ax.get_ylim(),
        ax.get_xscale(),
        ax.get_yscale(),
        ax.get_xlabel(),
        ax.get_ylabel(),
        ax.get_title(loc="left"),
        ax.get_title(loc="center"),
        ax.axison,
        *ticks,
    )


def _fade(artist: Artist) -> None:
    """Make a ghost: grey lines, outlines of what was filled, and no words.

    A filled ghost would lie like mud over the picture, and over other ghosts.
    """
    if isinstance(artist, Text | Words):
        artist.remove()
        return
    artist.set_zorder(artist.get_zorder() - 1)
    if isinstance(artist, Patch | Collection) and len(np.atleast_1d(artist.get_facecolor())):
        artist.set(facecolor="none", edgecolor=style.GHOST, linewidth=1.0, hatch=None, alpha=0.55)
        return
    strength = _ink(artist.get_color()) if hasattr(artist, "get_color") else 1.0
    artist.set_alpha(0.55 * max(strength * (artist.get_alpha() or 1.0), 0.3))
    if hasattr(artist, "set_color"):
        artist.set_color(style.GHOST)


def _ink(colours: Any) -> float:
    """Return how far a colour is from white, or the darkest of several, 0 to 1."""
    rgba = to_rgba_array(colours)
    return float(((1 - rgba[:, :3].min(axis=1)) * rgba[:, 3]).max(initial=0.0))
