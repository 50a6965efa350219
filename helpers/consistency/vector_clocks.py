"""A conversation over several copies: what is shown too early, and vector clocks that prevent it.

Everybody reads from a copy of their own and now and then says something, which is an answer to all
that they have been shown. It travels to each other copy at its own pace. A vector clock on a
message says how many messages of each author its own author had seen. Where that stops being true:
nobody joins, leaves or loses a message here, and a clock that has one number a person gets long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, named_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded, significant

#: How long people talk, in pauses of one of them.
TALKS = 40


class Setting(Parameters):
    """People who talk, each at a copy of their own."""

    people: int = integer(3, "People, each with a copy", at_least=2, at_most=6)
    delay_ms: float = number(100.0, "A message takes on average", unit="ms", above=0)
    pause_ms: float = number(300.0, "Somebody speaks every", unit="ms", above=0)
    vector_clocks: bool = flag(False, "Vector clocks")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def may_be_shown(at, message, seen):
    """Whether a copy that has shown so many messages of each author may show this one, too."""
    if not at.vector_clocks:
        return True
    author, clock = message["author"], message["clock"]
    others_first = all(seen[who] >= clock[who] for who in clock if who != author)
    return others_first and seen[author] == clock[author] - 1


def talk(at, draw):
    """Let people talk over copies that are late, and count what is shown too early."""
    world, people = simpy.Environment(), range(at.people)
    seen = [Counter() for _ in people]  # of each author, how many messages a copy has shown
    held = [[] for _ in people]  # what has arrived and may not be shown yet
    counts = {"shown": 0, "too_early": 0, "held_ms": 0.0}

    def person(me):
        while True:
            yield world.timeout(draw("pauses").exponential(at.pause_ms * at.people))
            seen[me][me] += 1
            message = {"author": me, "clock": dict(seen[me])}
            for other in people:
                if other != me:
                    world.process(travel(message, other))

    def travel(message, to):
        yield world.timeout(draw("delays").exponential(at.delay_ms))
        held[to].append((world.now, message))
        while ready := [one for one in held[to] if may_be_shown(at, one[1], seen[to])]:
            held[to].remove(ready[0])
            show(*ready[0], to)

    def show(arrived, message, to):
        counts["shown"] += 1
        counts["held_ms"] += world.now - arrived
        clock, author = message["clock"], message["author"]
        counts["too_early"] += any(seen[to][who] < clock[who] - (who == author) for who in clock)
        seen[to][author] += 1

    for me in people:
        world.process(person(me))
    world.run(until=TALKS * at.pause_ms)
    return counts


@takes(Setting)
def simulate(at: Setting) -> VectorClocks:
    """Let people talk, once without and once with vector clocks, on the same delays."""
    both = [talk(at.but(vector_clocks=on), Draws(at.seed)) for on in (False, True)]
    return VectorClocks(
        at,
        shown=np.array([one["shown"] for one in both]),
        too_early=np.array([one["too_early"] for one in both]),
        held_ms=np.array([one["held_ms"] / max(one["shown"], 1) for one in both]),
    )


# --- what it says ---------------------------------------------------------------------------------


class VectorClocks(Result):
    """What was shown, without vector clocks and with them; arrays of shape (2,).

    Attributes
    ----------
    shown, too_early : numpy.ndarray of int
        Messages that copies showed, and those of them that were shown before something that their
        author had seen.
    held_ms : numpy.ndarray of float
        How long a message was held back on average, ms.
    """

    at: Setting
    shown: np.ndarray
    too_early: np.ndarray
    held_ms: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "shown_without": int(self.shown[0]),
            "too_early_without": int(self.too_early[0]),
            "shown_with": int(self.shown[1]),
            "too_early_with": int(self.too_early[1]),
            "held_back_with_ms": rounded(float(self.held_ms[1])),
        }

    @property
    def reading(self) -> str:
        on = int(self.at.vector_clocks)
        early, shown = int(self.too_early[on]), int(self.shown[on])
        way = "With" if on else "Without"
        said = f"{way} vector clocks, {early:,} of {counted(shown, 'message')} "
        said += "is" if early == 1 else "are"
        said += " shown before something that it answers"
        if shown:
            said += f" ({significant(100 * early / shown)} %)"
        if not on:
            return f"{said}."
        return f"{said}; one is held back for {duration(float(self.held_ms[1]) / 1e3)} on average."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "vector clocks": ["off", "on"],
            "shown": self.shown,
            "too early": self.too_early,
            "held back (ms)": self.held_ms,
        }


@style.panels(2)
def plot(run: VectorClocks, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the share that is shown too early, and how long messages are held back."""
    early, held = axes
    at, on = run.at, int(run.at.vector_clocks)
    share = 100 * run.too_early / np.maximum(run.shown, 1)
    for ax, values, top, title in (
        (early, share, 100.0, "Shown too early (%)"),
        (held, run.held_ms / at.delay_ms, 2.0, "Held back, in delays of a message"),
    ):
        ax.set_ylim(0, max(top, 1.15 * float(values.max())))
        ax.set_xlim(-0.6, 1.6)
        named_axis(ax, "x", ["clocks off", "clocks on"])
        bars(ax, [1 - on], values[1 - on], 0.6, color=style.PALE_BLUE)
        bars(ax, [on], values[on], 0.6, color=style.BLUE)
        ax.set_title(title)
    key(early, [("▬", "as chosen", style.BLUE), ("▬", "the other way", style.GHOST)])
    if mine is not None:
        shown = max(float(mine["shown"]), 1.0)
        yours(early, on, 100 * float(mine["too_early"]) / shown)
        yours(held, on, float(mine["held_ms"]) / shown / at.delay_ms)
