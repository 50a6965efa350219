"""Two clients whose order you choose: one step at a time, and what cache and database hold then.

The clients are those of :mod:`helpers.caching.interleavings`, and nothing happens but what one of
them does next. Where that stops being true: a real client does not wait for its turn, and how
long it takes between two steps decides how likely an order is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.caching import interleavings
from helpers.caching.order_pictures import draw_sequence, draw_verdict
from helpers.caching.protocols import programs
from helpers.caching.step_orders import INITIAL, Order, Step, Underway
from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.drawing.diagrams import round_boxes
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import Result, anything, takes
from helpers.foundations.prose import counted

#: The most turns that can be asked for: more than two clients have steps.
MOST = 24

_SAID = {
    "get": "get from the cache",
    "get or lease": "get, or take a lease",
    "read": "read the database",
    "write": "write the database",
    "set": "set the cache",
    "set if newer": "set it if newer",
    "set with lease": "set it, with the lease",
    "delete": "delete from the cache",
    "delete and revoke": "delete, revoke leases",
    "acquire": "take the lock",
    "release": "release the lock",
}


def _turns(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be letters A and B, got {value!r}")
    if set(value) - {"A", "B"}:
        raise ValueError(f"{name} must be letters A and B, got {value!r}")
    return value


class Setting(interleavings.Setting):
    """Two clients of one key, and whose turn it was."""

    turns: str = anything(
        "str",
        "",
        "Turns so far",
        check=_turns,
        note="Turns that a client cannot take, because it is done or waits, are left out.",
    )


@takes(Setting)
def simulate(at: Setting) -> Turns:
    """Let the clients take these turns."""
    underway = Underway(programs(at), at.warm)
    for name in at.turns:
        if name in underway.ready:
            underway.take(name)
    return Turns(at, underway.order, underway.ahead, tuple(underway.ready))


# --- what it says ---------------------------------------------------------------------------------


class Turns(Result):
    """What two clients have done, and what each would do next.

    Attributes
    ----------
    order : Order
        The steps so far.
    ahead : dict of str to Step or None
        Each client's next step; None where it is done.
    ready : tuple of str
        The clients that can take a turn now.
    """

    at: Setting
    order: Order
    ahead: dict[str, Step | None]
    ready: tuple[str, ...]

    @property
    def held(self) -> list[tuple[str, str]]:
        """What cache and database hold at first, and after each step."""
        first = (INITIAL if self.at.warm else "empty", INITIAL)
        return [first, *((event.cached or "empty", event.stored) for event in self.order.events)]

    @property
    def summary(self) -> dict[str, float | int | str]:
        cached, stored = self.held[-1]
        return {
            "steps": len(self.order.events),
            "cache": cached,
            "database": stored,
            "can go on": " and ".join(self.ready) or "nobody",
            "stale": "yes" if self.order.stale else "no",
        }

    @property
    def reading(self) -> str:
        steps, (cached, stored) = len(self.order.events), self.held[-1]
        held = "the cache is empty" if cached == "empty" else f"the cache holds {cached}"
        held += f" and the database has {stored}"
        left_out = len(self.at.turns) - steps
        more = ""
        if left_out:
            more = (
                f" {counted(left_out, 'turn')} could not be taken, and {_are(left_out)} left out."
            )
        if not steps:
            return f"Nothing has been done: {held}.{more}"
        done = f"{counted(steps, 'step')} ({self.order.letters})"
        if not self.ready:
            end = ", and there is nobody left to change that." if self.order.stale else "."
            refused = " The cache has refused a value that came too late." * self.order.refused
            return f"All is done after {done}: {held}{end}{refused}{more}"
        who = (
            "Either client can go on"
            if len(self.ready) == 2
            else f"Only client {self.ready[0]} can go on"
        )
        return f"After {done} {held}. {who}.{more}"

    @property
    def columns(self) -> Mapping[str, Any]:
        done = [
            f"{event.client}: {event.action} {event.detail}".strip() for event in self.order.events
        ]
        return {
            "step": range(len(done) + 1),
            "what was done": ["at first", *done],
            "cache": [cached for cached, _ in self.held],
            "database": [stored for _, stored in self.held],
        }


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


@style.panels(2, width_ratios=[2.1, 1])
def plot(run: Turns, axes: tuple[Axes, Axes]) -> None:
    """Draw the steps so far from top to bottom; beside them whose turn it may be, to be clicked."""
    draw_sequence(run.order, run.at.warm, axes[0])
    axes[0].set_title("Your order so far, from top to bottom")
    if not run.ready and run.order.events:
        draw_verdict(run.order, axes[0])
    ax = axes[1]
    ax.set(xlim=(0, 10), ylim=(10, 0))
    ax.set_axis_off()
    ax.set_title("Whose turn is it?")
    for name, y in (("A", 0.9), ("B", 2.6)):
        _draw_turn(ax, run, name, y)
    _draw_back(ax, run, 4.1)
    _draw_held(ax, run, 5.3)


_LOOKS = {"A": style.BLUE, "B": style.PURPLE}


def _draw_turn(ax: Axes, run: Turns, name: str, y: float) -> None:
    step, can = run.ahead[name], name in run.ready
    color = _LOOKS[name] if can else style.MUTED
    round_boxes(ax, [(5, y)], 9.6, 1.45, (0.2, 0.2), facecolors="white", edgecolors=color,
                linewidths=1.8 if can else 0.8)  # fmt: skip
    said = "is done" if step is None else _SAID[step.action] if can else "waits for the lock"
    words(ax, [(5, y - 0.3), (5, y + 0.35)], [f"client {name}", said], color=color, fontsize=9)
    # Where it has no turn a click changes nothing, and the button keeps the focus.
    label = f"client {name}'s turn: {said}" if can else f"client {name} {said}"
    turns = run.order.letters + name * can
    clickable(ax, "turns", label, 0.2, y - 0.72, 9.8, y + 0.72, value=turns, name=name)


def _draw_back(ax: Axes, run: Turns, y: float) -> None:
    taken = run.order.letters
    color = style.INK if taken else style.GHOST
    round_boxes(ax, [(5, y)], 9.6, 0.8, (0.2, 0.2), facecolors="white", edgecolors=color,
                linewidths=0.8)  # fmt: skip
    words(ax, [(5, y)], ["take back the last step"], color=color, fontsize=8.5)
    label = "take back the last step" if taken else "nothing to take back"
    clickable(ax, "turns", label, 0.2, y - 0.4, 9.8, y + 0.4, value=taken[:-1], name="back")


def _draw_held(ax: Axes, run: Turns, y: float) -> None:
    """Write what is held after each step, the last ones where there are many."""
    rows = list(enumerate(run.held))
    room = int((10 - y) / 0.45)
    shown = rows[-room:]
    words(ax, [(x, y) for x in (1.2, 5, 8.4)], ["after", "cache", "database"],
          color=style.MUTED, fontsize=8.5)  # fmt: skip
    for line, (step, (cached, stored)) in enumerate(shown, start=1):
        who = run.order.letters[step - 1] if step else ""
        below = y + 0.45 * line
        color = style.VERMILION if cached not in ("empty", stored) else style.INK
        words(ax, [(1.2, below), (5, below), (8.4, below)],
              [f"{step} {who}".strip() if step else "start", cached, stored], color=color,
              fontsize=8.5)  # fmt: skip
