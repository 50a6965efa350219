"""The page a result is read from: picture, sentence and table, with three faces at once.

A live front end shows widgets. Where no kernel runs (GitHub, nbviewer, PDF, a notebook just
opened) the PNG is shown, and programs and strict notebook tests read the plain text.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
from IPython.display import display

from helpers.explore import cells, page
from helpers.explore.canvas import DRAWING, Canvas
from helpers.explore.clicks import Clicks
from helpers.explore.front import module, styles
from helpers.explore.models import ModelError, describe
from helpers.explore.png import dark
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import guessed
from helpers.foundations.drawing.clicks import Spot, clickables
from helpers.foundations.experiment import Measured, Mine, Result
from helpers.foundations.prose import significant

_VIEW = "application/vnd.jupyter.widget-view+json"
RUN_ME = "Run this cell to bring the controls to life."
_MAX_TABLE_ROWS = 500


class Plot:
    """How the results of an experiment are drawn, and a learner's own model on top of them.

    Parameters
    ----------
    experiment : module or callable
        A module with ``plot(result, ax)``, and with ``plot_measured(result, ax)`` for what was
        measured; or a plot function.
    results : sequence of Result
        What will be drawn, where that is known: measurements alone have their own panels.
    """

    def __init__(
        self, experiment: ModuleType | Callable[..., None], results: Sequence[Result] = ()
    ) -> None:
        plot = experiment.plot if isinstance(experiment, ModuleType) else experiment
        self._plot: Callable[..., None] = plot
        self._measured: Callable[..., None] = getattr(experiment, "plot_measured", plot)
        real = results and all(isinstance(result, Measured) for result in results)
        leading = self._measured if real else self._plot
        self.__name__ = leading.__name__
        for declared in ("panels", "wide"):
            if hasattr(leading, declared):
                setattr(self, declared, getattr(leading, declared))
        #: The result to draw on top of, and what the learner's model says there.
        self.mine: tuple[Result, Mine] | None = None
        #: What the learner guessed: the axis ("x", "y", "x2", ...) and the number on it.
        self.guess: tuple[str, float] | None = None

    def __call__(self, result: Result, target: Any) -> None:
        if self.guess is not None:
            axis, value = self.guess
            panels = target if isinstance(target, tuple) else (target,)
            guessed(panels[int(axis[1:] or 1) - 1], axis[0], value)
        if self.mine is not None and self.mine[0] is result:
            self._plot(result, target, mine=self.mine[1])
        elif isinstance(result, Measured):
            self._measured(result, target)
        else:
            self._plot(result, target)


@dataclass(frozen=True)
class Drawing:
    """Results and the picture of them.

    `pinned` results are drawn underneath, as ghosts, and `mine`, what a learner's model says, on
    top.
    """

    results: tuple[Result, ...]
    pinned: tuple[Result, ...]
    title: str
    png: bytes
    mine: Mine | None = None
    spots: tuple[Spot, ...] = ()


class View:
    """A picture of one or more results with its sentence and its table.

    Parameters
    ----------
    plot : Plot
        How they are drawn; see :class:`helpers.explore.canvas.Canvas`.
    title : str, optional
        Name for the text face and the alt text; by default the title that the plot sets.
    """

    def __init__(self, plot: Plot, title: str | None = None) -> None:
        self._plot = plot
        self.canvas = Canvas(plot, narrow=_lacks_room(plot))
        self._title = title
        self._shown = Drawing((), (), "", b"")
        self._drawn: Drawing | None = None  # what the canvas has on it
        self._blamed = ""
        self._failed = False
        self._image = widgets.HTML()
        self._reading = widgets.HTML(layout={"margin": "0"})
        self._reading.add_class("sd-reading")
        self._table = widgets.HTML(layout={"display": "none"}, tabbable=True)
        self._table.add_class("sd-table")
        self.table_button = widgets.ToggleButton(
            description="Table",
            tooltip="Show the numbers behind the picture",
            icon="table",
            layout={"width": "auto"},
        )
        self.table_button.observe(self._toggle_table, "value")
        #: What a reader without a kernel is told.
        self.caption = RUN_ME
        #: Results whose sentences stand below the others, though they are not drawn.
        self.also: tuple[Result, ...] = ()
        #: The buttons over what can be clicked in the picture, where anything can.
        self.clicks: Clicks | None = None
        page.when_changed(self._repaint)

    def draw(
        self,
        results: Sequence[Result],
        pinned: Sequence[Result] = (),
        mine: Mine | None = None,
        *,
        settled: bool = True,
    ) -> Drawing:
        """Draw results, sharp or at once and a little coarse; what is on the page stays."""
        with DRAWING:
            self._put(results, pinned, mine)
            png = self.canvas.settled_png() if settled else self.canvas.moving_png()
            title = self._title or self.canvas.title
            spots = tuple(clickables(self.canvas.figure))
            self._drawn = Drawing(tuple(results), tuple(pinned), title, png, mine, spots)
            return self._drawn

    @property
    def body(self) -> tuple[widgets.Widget, ...]:
        """Picture, reading and table, to be laid out."""
        picture: widgets.Widget = self._image
        if self.clicks is not None:
            self._image.layout.margin = "0"  # the buttons' places count from its corner
            picture = widgets.Box([self._image, self.clicks], layout={"display": "block"})
            picture.add_class("sd-clickable")
        picture.add_class("sd-picture")
        return (picture, self._reading, self._table)

    def make_clickable(
        self, values: Callable[[], Mapping[str, Any]], choose: Callable[[str, Any], None]
    ) -> None:
        """Lay buttons over what can be clicked in the picture, if anything; see :class:`Clicks`."""
        if self._shown.spots:
            self.clicks = Clicks(self._size, values, choose)
            self.clicks.show(self._shown.spots)

    @property
    def _size(self) -> tuple[int, int, int]:
        return (self.canvas.width_px, self.canvas.height_px, self.canvas.least_px)

    def _put(self, results: Sequence[Result], pinned: Sequence[Result], mine: Mine | None) -> None:
        self._plot.mine = None if mine is None else (results[-1], mine)
        self.canvas.draw(results, pinned)

    def show(self, drawing: Drawing) -> None:
        """Put a drawing on the page, with what its results say."""
        self._shown, self._blamed, self._failed = drawing, "", False
        self._set_image(drawing)
        if self.clicks is not None:
            self.clicks.show(drawing.spots)
            self.clicks.layout.display = ""
        readings = [html.escape(sentences(result)) for result in (*drawing.results, *self.also)]
        self._reading.value = "".join(f"<p>{reading}</p>" for reading in readings)
        if drawing.mine is not None:
            said = html.escape(describe(drawing.mine))
            self._reading.value += f'<p class="sd-mine"><b>Your model:</b> {said}.</p>'
        self._image.layout.display = self._reading.layout.display = ""
        self._fill_table()

    def blame(self, error: ModelError) -> None:
        """Say below the picture that the learner's model failed, and where; the rest stays."""
        self._blamed = f"Your model failed. {error}"
        self._reading.value += (
            f'<p class="sd-mine sd-error" role="alert">{html.escape(self._blamed)}</p>'
        )

    def settle(self) -> None:
        """Redraw what is on the page at full resolution."""
        shown = self._shown
        self._set_image(self.draw(shown.results, shown.pinned, shown.mine))

    def get_ready(self) -> None:
        """Draw what will not move, for the moving pictures that come; the page stays."""
        shown = self._shown
        self.draw(shown.results, shown.pinned, shown.mine, settled=False)

    def fail(self, error: Exception) -> None:
        """Show an error where the picture was: a stale picture would be a lie."""
        kind = "" if isinstance(error, ValueError) else f"<b>{type(error).__name__}</b>: "
        message = html.escape(str(error))
        self._image.layout.display = "none"
        if self.clicks is not None:
            self.clicks.layout.display = "none"
        self._table.value, self._failed = "", True
        self._reading.value = f'<p class="sd-error" role="alert">{kind}{message}</p>'

    def png(self) -> bytes:
        """Return the picture for readers without a kernel."""
        with DRAWING:
            if self._drawn is not self._shown:
                self._put(self._shown.results, self._shown.pinned, self._shown.mine)
                self._drawn = None
            return self.canvas.settled_png(caption=self.caption)

    def text(self, parameters: str = "") -> str:
        """Return the plain-text face: title, parameters, summaries and readings."""
        lines = [self._shown.title]
        if parameters:
            lines += [parameters]
        for result in self._shown.results:
            lines += ["", *_align(result.summary), "", sentences(result)]
        for result in self.also:
            lines += ["", sentences(result)]
        if self._shown.mine is not None:
            lines += ["", f"Your model: {describe(self._shown.mine)}."]
        if self._blamed:
            lines += ["", self._blamed]
        return "\n".join(lines)

    def publish(self, root: widgets.Widget, owner: object, parameters: str = "") -> None:
        """Display the three faces as the output of the running cell."""
        size = {"width": self.canvas.width_px, "height": self.canvas.height_px}
        publish_faces(
            root,
            self.text(parameters),
            {"image/png": base64.b64encode(self.png()).decode("ascii")},
            {"image/png": size},
            owner=owner,
        )

    def _set_image(self, drawing: Drawing) -> None:
        readings = " ".join(sentences(result) for result in drawing.results)
        alt = html.escape(f"{drawing.title}. {readings}", quote=True)
        width, height, least = self._size
        looks = f'class="sd-figure" style="min-width: {least}px"'
        if page.look().dark:
            url = _data_url(dark(drawing.png))
            looks = f'class="sd-figure sd-both" style="min-width: {least}px; --sd-dark: url({url})"'
        self._image.value = (
            f'<img {looks} width="{width}" height="{height}" '
            f'decoding="sync" alt="{alt}" src="{_data_url(drawing.png)}">'
        )

    def _repaint(self) -> None:
        """Show the same results on a page that has become dark, or narrower, or neither again."""
        shown = self._shown
        if not shown.png:
            return
        if self.canvas.narrow != (narrow := _lacks_room(self._plot)):
            with DRAWING:
                self.canvas = Canvas(self._plot, narrow=narrow)
                self._shown = shown = self.draw(shown.results, shown.pinned, shown.mine)
            if self.clicks is not None:
                self.clicks.size = list(self._size)
                self.clicks.show(shown.spots)
        self._set_image(shown)

    def _toggle_table(self, change: dict[str, Any]) -> None:
        self._table.layout.display = "" if change["new"] else "none"
        self._fill_table()

    def _fill_table(self) -> None:
        if not self.table_button.value or self._failed:
            return
        tables = []
        for result in self._shown.results:
            frame = result.table()
            note = ""
            if len(frame) > _MAX_TABLE_ROWS:
                note = f"<p>First {_MAX_TABLE_ROWS} of {len(frame):,} rows.</p>"
                frame = frame.head(_MAX_TABLE_ROWS)
            shown = frame.to_html(float_format=significant, border=0, na_rep="", index_names=False)
            tables.append(shown.replace("<th></th>", "<td></td>", 1) + note)
        self._table.value = "".join(tables)


def publish_faces(
    root: widgets.Widget,
    text: str,
    faces: dict[str, str] | None = None,
    metadata: dict[str, Any] | None = None,
    *,
    owner: object = None,
    alone: str = "",
) -> None:
    """Display a widget together with what stands in for it where widgets cannot live.

    `owner` is what a learner has who keeps what made the widget; see :func:`.cells.shows`.
    `alone` is HTML that does what the widget does without a kernel. It travels with the reference
    to the widget, and takes its place when the notebook is saved; see ``helpers.server``.
    """
    cells.shows(root, root if owner is None else owner)
    bundle = {**root._repr_mimebundle_(), **(faces or {}), "text/plain": text}
    if alone and _VIEW in bundle:
        bundle[_VIEW] = {**bundle[_VIEW], "alone": alone}
    display(bundle, raw=True, metadata=metadata or {})  # type: ignore[no-untyped-call]


class Frame(anywidget.AnyWidget):
    """What every frame of the course has: its styles, named sliders, readings read aloud."""

    _esm = module("frame")
    _css = styles("frame")
    dark = traitlets.Bool(False).tag(sync=True)
    snug = traitlets.Bool(False).tag(sync=True)
    narrow = traitlets.Bool(False).tag(sync=True)

    @traitlets.observe("dark", "snug", "narrow")
    def _tell(self, change: Any) -> None:
        page.tell(**{change["name"]: change["new"]})


def _lacks_room(plot: Plot) -> bool:
    """Whether a picture has to be one for a narrow page: panels side by side need more room."""
    beside = style.grid_of(plot)["ncols"] > 1
    return page.look().narrow or (beside and page.look().snug)


def framed(children: Sequence[widgets.Widget]) -> widgets.VBox:
    """Put widgets into the course's frame: spacing, dark theme, error style, names for sliders."""
    frame = Frame(**asdict(page.look()), layout={"display": "none"})
    box = widgets.VBox([frame, *children], layout={"overflow": "hidden", "padding": "4px 0"})
    box.add_class("sd-explorer")
    return box


def sentences(result: Result) -> str:
    """Return a result's sentence, and its verdict where it has one that is not in the sentence."""
    verdict = getattr(result, "verdict", "")
    if not isinstance(verdict, str) or verdict.removesuffix(".") in result.reading:
        return result.reading
    verdict = verdict if verdict.startswith("No verdict") else f"Verdict: {verdict}"
    return f"{result.reading} {verdict.removesuffix('.')}."


def format_value(value: float | int | str) -> str:
    """Return a summary's value as the learner reads it."""
    if isinstance(value, str | bool):
        return str(value)
    return significant(value, 3) if isinstance(value, float) else f"{value:,}"


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _align(summary: dict[str, float | int | str]) -> list[str]:
    width = max((len(name) for name in summary), default=0)
    return [f"  {name:<{width}}  {format_value(value)}" for name, value in summary.items()]
