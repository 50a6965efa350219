"""Replays: a simulation's own log of events, played as dots on the learner's page.

How to make one. Write down what happens, either from arrays (``Log.serves``) or while the
simulation runs (``log.moves(env.now, token, place)``), say which numbers to draw under the places,
and hand the log to :func:`replay` as the last thing in a cell:

>>> from helpers.explore import replay
>>> from helpers.foundations.events import Log
>>> from helpers.foundations.queueing import fifo_waits
>>> arrivals, services = [0.0, 1.0, 1.5], [2.0, 2.0, 1.0]
>>> starts = arrivals + fifo_waits(arrivals, services, servers=1)
>>> log = Log("One server, three requests")
>>> _ = log.place("users", "source").place("line", "queue").place("server", "servers")
>>> _ = log.place("answered", "sink")
>>> _ = log.serves("line", "server", arrivals, starts, starts + services, start="users",
...     then="answered")
>>> _ = log.fails(2.5, 3, "the line is full", place="line", start="users")
>>> _ = log.counts("line", "waiting in line")
>>> print(replay(log).text())
One server, three requests
10 events from 0.0 s to 5.0 s, at users, line, server, answered
<BLANKLINE>
  event  time   what happened
      1  0.0 s  request 0 waits in line
      2  0.0 s  request 0 is served by server
      3  1.0 s  request 1 waits in line
      4  1.5 s  request 2 waits in line
      5  2.0 s  request 0 goes to answered
      6  2.0 s  request 1 is served by server
      7  2.5 s  request 3 fails: the line is full
      8  4.0 s  request 1 goes to answered
      9  4.0 s  request 2 is served by server
     10  5.0 s  request 2 goes to answered
<BLANKLINE>
1 failed: the line is full (1)

The widget needs the kernel once, for the log; it then plays in the browser alone.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from helpers.explore.controls import Control, rows
from helpers.explore.front import module, styles
from helpers.explore.parameters import check_names, parameters_of
from helpers.explore.replay_bytes import VIEWS, Clock, alone, encode, standalone
from helpers.explore.replay_still import still
from helpers.explore.veil import Veil
from helpers.explore.view import framed, publish_faces
from helpers.foundations import validation
from helpers.foundations.events import Log
from helpers.foundations.questions import Questions

_HEAD, _TAIL = 8, 4  # events in the text face


class Player(anywidget.AnyWidget):
    """The widget: its front end is ``front/replay.js``."""

    _esm = module("replay")
    _css = styles("replay")
    about = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)


class Replay:
    """A log that can be played; see :func:`replay`.

    Attributes
    ----------
    log : Log
        What is played.
    controls : dict of str to Control
        What a learner can move, to have another log made.
    """

    def __init__(
        self,
        make: Callable[..., Log],
        pace: float | None,
        moment: float | None,
        view: str,
        after: tuple[Questions, str] | None,
        arguments: Mapping[str, Any],
    ) -> None:
        known = parameters_of(make)
        check_names(make, known, arguments)
        self.controls = {
            name: control.declared_as(name, known[name].declared, known[name].default)
            for name, control in arguments.items()
            if isinstance(control, Control)
        }
        self._make, self._moment, self._view = make, moment, view
        self._fixed = {n: a for n, a in arguments.items() if n not in self.controls}
        self._widgets = {name: control.widget(name) for name, control in self.controls.items()}
        self._error = widgets.HTML(layout={"display": "none"})
        self.log = self._made()
        about, data = encode(self.log, pace, view)
        self._pace = about[
            "pace_s"
        ]  # also of the logs that follow, or speeds could not be compared
        self._player = Player(about=about, data=data)
        self._player.add_class("sd-replay")
        body = [*rows(self._widgets.values()), self._error, self._player]
        veil = [] if after is None else [Veil(*after, covered=body)]
        self._root = framed([*(one.widget for one in veil), *body])
        for one in veil:
            one.lift(lambda _: None)
        for widget in self._widgets.values():
            widget.observe(self._on_change, "value")

    @property
    def values(self) -> dict[str, Any]:
        """What the log is made with, as the controls now stand."""
        moved = {n: self.controls[n].read(w.value) for n, w in self._widgets.items()}
        return {**self._fixed, **moved}

    def set(self, **values: Any) -> Replay:
        """Set controls, as a learner would.

        Raises
        ------
        TypeError, ValueError
            If a name is not a control, or a value is outside its control's range.
        """
        for name, value in values.items():
            if name not in self.controls:
                known = ", ".join(self.controls) or "none"
                raise ValueError(f"{name} is not a control of this replay; these are: {known}")
            self.controls[name].check(name, value)
        for name, value in values.items():
            self.controls[name].put(self._widgets[name], value)
        return self

    def show(self, log: Log) -> Replay:
        """Play another log in the same place."""
        about, data = encode(log, self._pace, self._view)
        self.log = log
        with self._player.hold_sync():
            self._player.data, self._player.about = data, about
        return self

    def text(self) -> str:
        """Return the plain-text face: the first and last events, and failures by reason."""
        values = self.values
        shown = [control.describe(name, values[name]) for name, control in self.controls.items()]
        return text_of(self.log, f"with {', '.join(shown)}" if shown else "")

    def png(self) -> bytes:
        """Return the picture for readers without a kernel: one moment of it."""
        return still(self.log, self._moment, self._view)[0]

    def page(self) -> str:
        """Return a web page that plays the log without a kernel, or anything else."""
        return standalone(self.log, self._pace, self._view)

    def _ipython_display_(self) -> None:
        png, (width, height) = still(self.log, self._moment, self._view)
        publish_faces(
            self._root,
            self.text(),
            {"image/png": base64.b64encode(png).decode("ascii")},
            {"image/png": {"width": width, "height": height}},
            owner=self,
            alone=alone(self.log, self._pace, self._view),
        )

    def _made(self) -> Log:
        log = self._make(**self.values)
        if not isinstance(log, Log):
            raise TypeError(f"replay plays a helpers.foundations.events.Log, got {log!r}")
        return log

    def _on_change(self, _: dict[str, Any]) -> None:
        try:
            self.show(self._made())
        except ValueError as error:
            words = html.escape(str(error))
            self._error.value = f'<p class="sd-error" role="alert">{words}</p>'
            self._error.layout.display = ""
        else:
            self._error.layout.display = "none"
            self._error.value = ""


def replay(
    log: ModuleType | Callable[..., Log] | Log,
    *,
    pace: float | None = None,
    moment: float | None = None,
    view: str = VIEWS[0],
    after: tuple[Questions, str] | None = None,
    **arguments: Any,
) -> Replay:
    """Play a simulation's log: dots that come, wait, are served, leave, or fail with a reason.

    Parameters
    ----------
    log : module, callable or Log
        What to play, see ``helpers.foundations.events`` and the example above. A function that
        returns a log is called again whenever a control moves; of an experiment, it is ``watch``.
    pace : float, optional
        How many seconds of the simulation one second on the screen shows, at the usual speed. By
        default about so many that there is time to see each event, within a minute in all.
    moment : float, optional
        Which moment the picture shows that stands in where no kernel runs, seconds. By default
        one when most are waiting, in its second half, and the end in space and time.
    view : {"places", "space-time"}
        Places as boxes on a grid; or as lines along which time passes, for messages between them.
    after : (module, str), optional
        A chapter's questions and the name of the prediction that the replay would give away; it
        is covered until a guess is committed, or the learner asks to be shown.
    **arguments
        Of the function: controls (:func:`~helpers.explore.slider` and the like) or fixed values.

    Returns
    -------
    Replay
        Shown by the notebook when it is the cell's value.

    Raises
    ------
    TypeError, ValueError
        If nothing happened, more are served than there are servers, `pace` is not above 0, or
        there are arguments and no function to take them.
    """
    if pace is not None:
        pace = validation.number("pace", pace, above=0, unit="s")
    if moment is not None:
        moment = validation.number("moment", moment, unit="s")
    view = validation.one_of("view", view, VIEWS)
    if isinstance(log, Log):
        if arguments:
            raise TypeError(
                f"a log takes no {', '.join(arguments)}; play the function that makes it"
            )
        return Replay(lambda: log, pace, moment, view, after, {})
    make = log.watch if isinstance(log, ModuleType) else log
    if not callable(make):
        raise TypeError(f"replay plays a helpers.foundations.events.Log, got {log!r}")
    return Replay(make, pace, moment, view, after, arguments)


def text_of(log: Log, parameters: str = "") -> str:
    """Return a log as plain text: the first and last events, and failures by reason."""
    rows = log.rows
    opening = log.opening
    n = len(rows) - opening
    places = ", ".join(place.name for place in log.places)
    clock = Clock.of(log.begin_s, log.end_s, n)
    ends = f"from {clock.shows(log.begin_s)} to {clock.shows(log.end_s)}"
    lines = [log.title, *([parameters] if parameters else [])]
    lines += [f"{n:,} events {ends}, at {places}", ""]
    shown = [*range(n)] if n <= _HEAD + _TAIL + 1 else [*range(_HEAD), -1, *range(n - _TAIL, n)]
    cells = [("event", "time", "what happened")]
    for row in shown:
        if row < 0:
            cells.append(("...", "", ""))
        else:
            cells.append(
                (f"{row + 1:,}", clock.shows(rows.time_s[row + opening]), log.told(row + opening))
            )
    numbers, times = (max(len(cell[column]) for cell in cells) for column in (0, 1))
    lines += [
        f"  {number:>{numbers}}  {time:<{times}}  {what}".rstrip() for number, time, what in cells
    ]
    reasons = log.reasons
    if reasons:
        listed = ", ".join(f"{why} ({count:,})" for why, count in reasons.items())
        lines += ["", f"{sum(reasons.values()):,} failed: {listed}"]
    return "\n".join(lines)
