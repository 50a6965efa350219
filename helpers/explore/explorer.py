"""Sliders, a simulation and a plot, joined into one object that a notebook cell shows."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython

from helpers.explore.canvas import Canvas
from helpers.explore.controls import Control, rows
from helpers.explore.models import RUNS, Attempt, Model, ModelError, runs_of
from helpers.explore.opened import remember_model
from helpers.explore.parameters import Declaration, check_names, parameters_of
from helpers.explore.search import Search
from helpers.explore.veil import Veil
from helpers.explore.view import Drawing, Plot, View, framed
from helpers.foundations import validation
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    frames_of,
)
from helpers.foundations.questions import Goals, Questions

Simulation = Callable[..., Result | Iterator[Result]]

_REST_S = 0.15  # how long the controls must rest before the sharp picture is drawn
_PAUSE_S = 0.1  # and before a learner's model is run: steps that follow at once wait for none
_GLANCE_S = 0.02  # between two looks at a learner's model at work
_BREATH_S = 0.005  # between two refinements, so that a newer value is noticed
_MAX_SEED = 2**31 - 1
_REPLICATIONS_HEADROOM = 4


@dataclass(frozen=True)
class _Answer:
    """The first frame for some values of the controls, and the results that refine it."""

    moved: dict[str, Any]
    drawing: Drawing
    finer: Iterator[Result]


class Explorer:
    """A simulation that answers while its parameters are moved; see :func:`explore`.

    Attributes
    ----------
    result : Result
        What the simulation last returned.
    controls : dict of str to Control
        The parameters a learner can move.
    values : dict of str to object
        The parameters' present values, everything the simulation is called with.
    """

    def __init__(
        self,
        simulate: Simulation,
        plot: Plot,
        model: Model | None,
        runs: int,
        title: str | None,
        presets: Mapping[str, Mapping[str, Any]],
        after: tuple[Questions, str] | None,
        find: tuple[Goals, str] | None,
        arguments: Mapping[str, Any],
    ) -> None:
        self.simulate, self.plot, self.model = simulate, plot, model
        self._runs = validation.integer("runs", runs, at_least=1)
        known = parameters_of(simulate)
        check_names(simulate, known, arguments)
        self.controls = {
            name: control.declared_as(name, known[name].declared, known[name].default)
            for name, control in arguments.items()
            if isinstance(control, Control)
        }
        self.presets = presets
        self._fixed = {n: a for n, a in arguments.items() if not isinstance(a, Control)}
        _keep_what_is_there()
        _check_presets(presets, self.controls)

        self._widgets = {name: control.widget(name) for name, control in self.controls.items()}
        self._boxes = _number_boxes(simulate, known, arguments)
        self._defaults = self.values
        self._pinned: tuple[Result, ...] = ()
        self._batching = False
        self._turn = threading.RLock()  # cells run in one thread, sliders move in another
        self._pending: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._ahead: _Answer | None = None
        self._view = View(plot, title)
        self._search: Search | None = None
        self.result: Result
        self._finish(self._frames(self._moved))
        if find is not None:
            self._search = Search(*find)
            self._search.open(self.result)
        self._view.make_clickable(self._by_name, self._choose)
        self._root = self._build(after)
        for widget in (*self._widgets.values(), *self._boxes.values()):
            widget.observe(self._on_change, "value")

    @property
    def values(self) -> dict[str, Any]:
        """Everything the simulation is called with, as the controls now stand."""
        return {**self._fixed, **self._moved}

    @property
    def _moved(self) -> dict[str, Any]:
        """What a learner can change of the values."""
        return {**self._by_name(), **{n: w.value for n, w in self._boxes.items()}}

    def set(self, **values: Any) -> Explorer:
        """Set several controls at once and redraw once.

        Raises
        ------
        TypeError, ValueError
            If a name is not a control, or a value is outside its control's range.
        """
        for name, value in values.items():
            if name in self.controls:
                self.controls[name].check(name, value)
            elif name in self._boxes:
                box = self._boxes[name]
                validation.integer(name, value, at_least=box.min, at_most=box.max)
            else:
                known = ", ".join([*self.controls, *self._boxes])
                raise ValueError(f"{name} is not a control of this explorer; these are: {known}")
        with self._turn:
            self._batching = True
            try:
                for name, value in values.items():
                    if name in self.controls:
                        self.controls[name].put(self._widgets[name], value)
                    else:
                        self._boxes[name].value = value
            finally:
                self._batching = False
            self._refresh()
        return self

    def reset(self) -> Explorer:
        """Put every control back to where it was and forget the pinned curve."""
        names = [*self.controls, *self._boxes]
        with self._turn:
            self._pinned = ()
            return self.set(**{name: self._defaults[name] for name in names})

    def pin(self) -> Explorer:
        """Keep the present curve as a grey ghost to compare the next ones with."""
        with self._turn:
            self._pinned = (self.result,)
            self._refresh()
        return self

    def stop(self) -> None:
        """End what is under way: finer answers, and a learner's model at work."""
        with self._turn:
            self._pending = None
            if self._attempt is not None:
                self._attempt.abandon()

    @property
    def canvas(self) -> Canvas:
        """What the picture is drawn on."""
        return self._view.canvas

    def text(self) -> str:
        """Return the plain-text face: title, parameters, summary, reading."""
        return self._view.text(self._describe())

    def png(self) -> bytes:
        """Return the picture as readers without a kernel see it."""
        return self._view.png()

    def _ipython_display_(self) -> None:
        self._view.publish(self._root, self, self._describe())

    def _describe(self) -> str:
        values = self.values
        parts = [control.describe(name, values[name]) for name, control in self.controls.items()]
        parts += [f"{name} = {box.value}" for name, box in self._boxes.items()]
        return "with " + ", ".join(parts) if parts else ""

    def _build(self, after: tuple[Questions, str] | None) -> widgets.Widget:
        buttons = [
            _button(name, f"Set: {self._explain(preset)}", partial(self._preset, preset))
            for name, preset in self.presets.items()
        ]
        pin = _button("Pin", "Keep this curve as a ghost to compare with", lambda _: self.pin())
        pin.icon = "thumb-tack"
        reset = _button("Reset", "Back to the values it opened with", lambda _: self.reset())
        reset.icon = "undo"
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        moved = rows(self._widgets.values())
        row = widgets.Box(
            [*buttons, pin, reset, self._view.table_button, *self._boxes.values()], layout=wrap
        )
        picture, reading, table = self._view.body
        goal = [] if self._search is None else [self._search.widget]
        inside = [*moved, row, picture, reading, *goal, table]
        if after is None:
            return framed(inside)
        content = widgets.VBox(inside)
        self._veil = Veil(*after, [content])
        self._veil.lift(self._mark)
        return framed([self._veil.widget, content])

    def _mark(self, guess: float | str | None) -> None:
        """Mark a guess in the picture, where it has an axis."""
        question = self._veil.question
        if isinstance(guess, float | int) and question.axis:
            self.plot.guess = (question.axis, question.scale * guess)
            with self._turn:
                self._view.settle()
        if loop := _loop_of_front_end():  # the learner reads first, and moves a slider then
            self._ready = loop.create_task(self._get_ready())

    async def _get_ready(self) -> None:
        """Draw axes before they are needed: the first step of a slider takes twice as long."""
        await asyncio.sleep(_REST_S)
        with self._turn:
            if self._pending is None:
                self._view.get_ready()

    def _by_name(self) -> dict[str, Any]:
        """Return what each control is set to."""
        return {n: self.controls[n].read(w.value) for n, w in self._widgets.items()}

    def _choose(self, name: str, value: Any) -> None:
        """Do what a click in the picture means: set a control, or turn it on or off."""
        widget, control = self._widgets[name], self.controls[name]
        control.put(widget, not control.read(widget.value) if value is None else value)

    def _preset(self, preset: Mapping[str, Any], _: Any) -> None:
        self.set(**preset)

    def _explain(self, preset: Mapping[str, Any]) -> str:
        return ", ".join(self.controls[name].describe(name, v) for name, v in preset.items())

    # Updating: the first frame is drawn within the event that asked for it, the rest follows in
    # the background and is abandoned as soon as a newer value arrives, from whichever thread: it
    # goes on only while it is what is pending. While a learner looks at one step of a control, the
    # next one in the same direction is made ready.

    def _on_change(self, change: dict[str, Any]) -> None:
        with self._turn:
            if not self._batching:
                self._refresh(change)

    def _refresh(self, change: dict[str, Any] | None = None) -> None:
        """Show the answer to the present values; `change` is what one control did, if one did.

        Whoever calls this holds the turn.
        """
        ahead, self._ahead = self._ahead, None
        self._pending = None
        if self._attempt is not None:
            self._attempt.abandon()
        moved = self._moved
        try:
            loop = _loop_of_front_end()
            if loop is None:
                self._finish(self._frames(moved))
            else:
                known = change is not None and ahead is not None and ahead.moved == moved
                answer = ahead if known and ahead is not None else self._prepare(moved)
                self._show(answer.drawing)
                self._pending = loop.create_task(
                    self._go_on(answer.finer, self._next(change, moved))
                )
        except Exception as error:
            self._view.fail(error)
            # A learner at the sliders reads the message in the explorer. A caller in Python, and
            # whoever debugs something other than a refused parameter, gets the exception.
            if not (isinstance(error, ValueError) and _asked_by_front_end()):
                raise

    def _next(self, change: dict[str, Any] | None, moved: dict[str, Any]) -> dict[str, Any] | None:
        """Return what `moved` will be after one more step, if `change` was one."""
        for name, widget in self._widgets.items():
            if change and widget is change["owner"]:
                further = self.controls[name].beyond(change["old"], change["new"])
                if further is not None:
                    return {**moved, name: self.controls[name].read(further)}
        return None

    def _prepare(self, moved: dict[str, Any]) -> _Answer:
        with _without_collecting():
            frames = self._frames(moved)
            return _Answer(moved, self._draw(next(frames), settled=False), frames)

    async def _go_on(self, finer: Iterator[Result], following: dict[str, Any] | None) -> None:
        this = asyncio.current_task()
        try:
            await asyncio.sleep(_BREATH_S)
            shown, rest_s = self.result, _REST_S
            while self._pending is this and (result := next(finer, None)) is not None:
                if result is shown:  # more takes long: others go first, and whoever moves on
                    await asyncio.sleep(rest_s)
                    rest_s = 0.0
                    continue
                shown = result
                with self._turn:
                    if self._pending is this:
                        self._show(self._draw(result, settled=False))
                await asyncio.sleep(_BREATH_S)
            with self._turn:
                if self._pending is this:
                    self._look()
            if following is not None and self._pending is this:
                try:
                    ahead = self._prepare(following)
                except Exception:  # nobody has asked for it yet; whoever does will be told
                    ahead = None
                with self._turn:
                    if self._pending is this:
                        self._ahead = ahead
            await self._try_model(this)
            await asyncio.sleep(_REST_S)
            with self._turn:
                if self._pending is this:
                    self._view.settle()
        except Exception as error:
            with self._turn:
                if self._pending is this:
                    self._view.fail(error)
            raise

    async def _try_model(self, this: asyncio.Task[None] | None) -> None:
        """Run the learner's model, and draw what it says after one run, two, four, ..."""
        if self.model is None:
            return
        await asyncio.sleep(_PAUSE_S)
        if self._pending is not this:
            return
        attempt = self._attempt = Attempt(self.model, _setting_of(self.result), self._runs)
        drawn = 0
        while self._pending is this:
            done = attempt.done  # asked before the runs are counted: none can slip through
            if attempt.mine is not None and (attempt.runs >= 2 * drawn or done):
                drawn = max(attempt.runs, 1)
                with self._turn:
                    if self._pending is this:
                        try:
                            self._show(self._draw(self.result, attempt.mine, settled=False))
                        except ModelError as error:
                            attempt.abandon()
                            self._view.blame(error)
                            return
            if done:
                break
            await asyncio.sleep(_GLANCE_S)
        if attempt.error is not None and self._pending is this:
            if not isinstance(attempt.error, ModelError):
                raise attempt.error
            self._view.blame(attempt.error)

    def _finish(self, frames: Iterator[Result]) -> None:
        with _without_collecting():
            *_, last = frames
            try:
                mine = None
                if self.model is not None:
                    *_, mine = runs_of(self.model, _setting_of(last), self._runs)
                self._show(self._draw(last, mine, settled=True))
            except ModelError as error:
                self._show(self._draw(last, settled=True))
                self._view.blame(error)
            self._look()

    def _look(self) -> None:
        """Notice whether the setting is one that was to be found."""
        if self._search is not None:
            self._search.look(self.result)

    def _frames(self, moved: Mapping[str, Any]) -> Iterator[Result]:
        return frames_of(self.simulate(**self._fixed, **moved))

    def _draw(self, result: Result, mine: Mine | None = None, *, settled: bool) -> Drawing:
        try:
            return self._view.draw((result,), self._pinned, mine, settled=settled)
        except Exception as error:
            if mine is None:
                raise
            raise ModelError(f"What it returned cannot be drawn: {error}") from error

    def _show(self, drawing: Drawing) -> None:
        (self.result,) = drawing.results
        self._view.show(drawing)


def explore(
    experiment: ModuleType | Simulation,
    plot: Callable[..., None] | None = None,
    *,
    model: Model | None = None,
    runs: int = RUNS,
    title: str | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    after: tuple[Questions, str] | None = None,
    find: tuple[Goals, str] | None = None,
    **arguments: Any,
) -> Explorer:
    """Join a simulation and a plot with sliders.

    ``explore(knee, utilisation=slider(0.05, 0.95))`` takes an experiment, a module with
    ``simulate`` and ``plot``; what its parameters are called, their units and defaults are
    declared there. A page of your own may say ``explore(my_simulation, my_plot, ...)``.

    Parameters
    ----------
    experiment : module or callable
        An experiment; or ``simulate(**parameters) -> Result``. A generator function that yields
        ever finer results is drawn progressively; where one takes long to find, it may yield the
        last one again, so that others have their turn. If it takes ``seed`` or ``replications``,
        the learner sees and can change them. It must depend on nothing else and change nothing: it
        is called ahead of time for the step that may come next.
    plot : callable, optional
        ``plot(result, ax)``, by default the experiment's; see
        ``helpers.foundations.drawing.style`` for several panels.
    model : callable, optional
        The learner's own version of the experiment's rule, ``model(at, draw)`` or ``model(at)``,
        which returns named numbers: it is run at the present setting, on the same draws, and
        appears in vermilion, in the way that ``plot(result, ax, mine=...)`` draws it.
    runs : int
        How often a model that draws is run; what it returns is averaged.
    title : str, optional
        Name for screen readers and the text face; by default the plot's own title.
    presets : mapping of str to mapping, optional
        Named settings of several controls at once, each a button.
    after : (Questions, str), optional
        A chapter's questions and the name of the prediction that this explorer would give away: it
        stays covered until the learner has committed to a guess, or asks to be shown, and then
        opens with the guess marked. Whoever reads without a kernel sees the picture.
    find : (Goals, str), optional
        A chapter's questions and the name of the setting that is to be found with this explorer.
        It is noticed when a learner moves there, kept, and the true boundary told.
    **arguments
        One for each parameter: a control (:func:`slider`, :func:`choice`, :func:`toggle`) or a
        fixed value.

    Returns
    -------
    Explorer
        Shown by the notebook when it is the cell's value.

    Raises
    ------
    TypeError
        If an argument is not a parameter of the simulation, a required one is missing, or a
        control's ends are said neither here nor in the declaration.
    ValueError
        If a preset names no control or sets a value outside its range, or if the simulation
        refuses the values it opens with.
    """
    if isinstance(experiment, ModuleType):
        drawn = Plot(experiment if plot is None else plot)
        simulate = experiment.simulate
    else:
        if plot is None:
            raise TypeError("a simulation of your own needs a plot: explore(simulate, plot, ...)")
        drawn, simulate = Plot(plot), experiment
    if model is not None:
        remember_model(model, experiment if isinstance(experiment, ModuleType) else None)
    return Explorer(
        simulate, drawn, model, runs, title, dict(presets or {}), after, find, arguments
    )


@cache
def _keep_what_is_there() -> None:
    """Have the garbage collector pass over what was imported, from now on.

    Looking through all of it takes a tenth of a second, now and then while a slider moves.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector away: a page of explorers takes it a tenth of a second.

    A simulation that makes ten thousand small objects would have it look through the page at every
    seventh step; after the answer it comes once.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _check_presets(
    presets: Mapping[str, Mapping[str, Any]], controls: Mapping[str, Control]
) -> None:
    for preset, values in presets.items():
        for name, value in values.items():
            if name not in controls:
                raise ValueError(f"preset {preset!r} sets {name}, which is not a control")
            controls[name].check(f"preset {preset!r}: {name}", value)


def _setting_of(result: Result) -> Parameters:
    at = getattr(result, "at", None)
    if not isinstance(at, Parameters):
        raise TypeError(
            f"a model runs at the setting of a result, and {type(result).__name__} has no `at`"
        )
    return at


def _number_boxes(
    simulate: Simulation, known: Mapping[str, Declaration], arguments: Mapping[str, Any]
) -> dict[str, widgets.BoundedIntText]:
    """Make boxes for `seed` and `replications` where the simulation takes them."""
    boxes = {}
    for name in ("replications", "seed"):
        if name in arguments or name not in known:
            continue
        start = known[name].default
        if start is MISSING:
            raise TypeError(f"{simulate.__name__} needs a default for {name}")
        least, most = (0, _MAX_SEED) if name == "seed" else (2, start * _REPLICATIONS_HEADROOM)
        boxes[name] = widgets.BoundedIntText(
            value=start,
            min=least,
            max=most,
            description=name.capitalize(),
            style={"description_width": "auto"},
            layout={"width": "150px" if name == "replications" else "110px"},
        )
    return boxes


def _button(text: str, tooltip: str, action: Callable[[Any], Any]) -> widgets.Button:
    button = widgets.Button(description=text, tooltip=tooltip, layout={"width": "auto"})
    button.on_click(action)
    return button


def _loop_of_front_end() -> asyncio.AbstractEventLoop | None:
    """Return the loop in which somebody at the widgets waits; None while a cell runs."""
    try:
        return asyncio.get_running_loop() if _asked_by_front_end() else None
    except RuntimeError:
        return None


def _asked_by_front_end() -> bool:
    """Whether this code runs because somebody moved a widget, not because a cell runs."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent("shell").get("header", {}).get("msg_type") == "comm_msg")
