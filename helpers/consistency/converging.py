"""Likes that are counted at several replicas, which tell each other late, twice, or never.

At the end every replica sends what it knows to every other once more, and that arrives. Replicas
that merge end with the same number, and the right one, whatever happened before. Where that stops
being true: a counter says how many, not who, so nothing here can keep one person from liking twice
or a stock from going below zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.consistency.replicated_types import (
    GrowOnlyCounter,
    LastWriterNumber,
    Replicated,
    UpDownCounter,
)
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, named_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, listed, significant

GROW_ONLY = "grow-only counter"
UP_DOWN = "PN counter"
LAST_WRITER = "one number, the last writer wins"
PLUS_ONE = "+1 and -1 as messages"
KINDS = (PLUS_ONE, LAST_WRITER, GROW_ONLY, UP_DOWN)


class Setting(Parameters):
    """People who like and unlike at replicas, and a network between those."""

    kind: str = option(PLUS_ONE, "Replicas keep", of=KINDS)
    replicas: int = integer(3, "Replicas", at_least=2, at_most=5)
    clicks: int = integer(120, "Clicks", at_least=1, at_most=400)
    unlikes: float = number(
        0.0,
        "Of these, likes taken back",
        at_least=0,
        at_most=0.5,
        note="The chance that a click takes a like back, if there is one.",
    )
    lost: float = number(0.1, "Messages lost", at_least=0, at_most=0.9)
    repeated: float = number(0.1, "Messages delivered twice", at_least=0, at_most=0.9)
    seed: int = seed()

    @property
    def names(self) -> list[str]:
        """What the replicas are called."""
        return ["A", "B", "C", "D", "E"][: self.replicas]


# --- the model: what the page shows, and a learner changes ----------------------------------------


def merge(mine, theirs):
    """Join two replicas' knowledge of how often each of them was clicked."""
    everybody = sorted({*mine, *theirs})
    return {who: max(mine.get(who, 0), theirs.get(who, 0)) for who in everybody}


def count_likes(at, draw):
    """Click at replicas that send what they know to each other, late, twice or not at all."""
    luck = draw("clicks")
    knows = {name: {name: 0} for name in at.names}
    under_way = []  # messages: to whom, and what the sender knew
    for _ in range(at.clicks):
        here = at.names[luck.integers(at.replicas)]
        knows[here][here] += 1
        for there in at.names:
            if there != here and luck.random() >= at.lost:
                times = 2 if luck.random() < at.repeated else 1
                under_way += times * [(there, dict(knows[here]))]
        while under_way and luck.random() < 0.7:  # one arrives, not the oldest
            there, what = under_way.pop(luck.integers(len(under_way)))
            knows[there] = merge(knows[there], what)
    under_way += [(to, dict(knows[who])) for who in at.names for to in at.names if to != who]
    for i in luck.permutation(len(under_way)):
        there, what = under_way[i]
        knows[there] = merge(knows[there], what)
    return {f"replica {name}": sum(knows[name].values()) for name in at.names}


@takes(Setting)
def simulate(at: Setting) -> Converging:
    """Click, send, lose, repeat; then let every replica send to every other once more."""
    draw = Draws(at.seed)
    if at.kind == PLUS_ONE:
        return _messages_only(at, draw)
    click, copies = _counters(at)
    luck, people = draw("clicks"), draw("unlikes")
    under_way: list[tuple[int, Replicated]] = []
    truth = 0
    for now in range(1, at.clicks + 1):
        here = int(luck.integers(at.replicas))
        step = -1 if people.random() < at.unlikes and truth > 0 else 1
        truth += step
        click(copies[here], step, now)
        for there in range(at.replicas):
            if there != here and luck.random() >= at.lost:
                times = 2 if luck.random() < at.repeated else 1
                under_way += times * [(there, copies[here].sent())]
        while under_way and luck.random() < 0.7:
            there, what = under_way.pop(int(luck.integers(len(under_way))))
            copies[there].merge(what)
    each = range(at.replicas)
    under_way += [(to, copies[who].sent()) for who in each for to in each if to != who]
    for i in luck.permutation(len(under_way)):
        there, what = under_way[i]
        copies[there].merge(what)
    return Converging(at, values=np.array([one.value for one in copies]), truth=truth)


def _counters(
    at: Setting,
) -> tuple[Callable[[Any, int, int], None], list[Any]]:
    """What a click does to a replica's copy, and the copies."""

    def grow(one: GrowOnlyCounter, step: int, now: int) -> None:
        if step > 0:
            one.add()  # it cannot take a like back

    def up_or_down(one: UpDownCounter, step: int, now: int) -> None:
        one.add() if step > 0 else one.take_back()

    def overwrite(one: LastWriterNumber, step: int, now: int) -> None:
        one.set(one.number + step, now)

    ways: dict[str, tuple[Any, type[Replicated]]] = {
        GROW_ONLY: (grow, GrowOnlyCounter),
        UP_DOWN: (up_or_down, UpDownCounter),
        LAST_WRITER: (overwrite, LastWriterNumber),
    }
    click, copy = ways[at.kind]
    return click, [copy(name) for name in at.names]


def _messages_only(at: Setting, draw: Draws) -> Converging:
    """Send every click to every other replica, which adds what arrives, as often as it does."""
    luck, people = draw("clicks"), draw("unlikes")
    values = np.zeros(at.replicas, int)
    truth = 0
    for _ in range(at.clicks):
        here = int(luck.integers(at.replicas))
        step = -1 if people.random() < at.unlikes and truth > 0 else 1
        truth += step
        for there in range(at.replicas):
            if there == here:
                values[there] += step
            elif luck.random() >= at.lost:
                values[there] += step * (2 if luck.random() < at.repeated else 1)
    return Converging(at, values=values, truth=truth)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float | None:
    """Return what each replica shows on average, for each click that counts; None if unknown.

    A click is counted once at home, and at each of the other replicas ``(1 - lost) (1 + repeated)``
    times if it travels as a message. A merge counts each once (Shapiro et al. 2011); what a number
    that is overwritten comes to depends on who overwrites whom.
    """
    if at.kind == LAST_WRITER or (at.kind == GROW_ONLY and at.unlikes):
        return None
    if at.kind != PLUS_ONE:
        return 1.0
    home = 1 / at.replicas
    return home + (1 - home) * (1 - at.lost) * (1 + at.repeated)


# --- what it says ---------------------------------------------------------------------------------


class Converging(Result):
    """What each replica shows at the end.

    Attributes
    ----------
    values : numpy.ndarray of int
        Likes, replica by replica.
    truth : int
        Likes that were given and not taken back.
    """

    at: Setting
    values: np.ndarray
    truth: int

    @property
    def same(self) -> bool:
        """Whether all replicas show the same."""
        return len(set(self.values.tolist())) == 1

    @property
    def summary(self) -> dict[str, float | int | str]:
        shown = {f"replica_{name}": int(v) for name, v in zip(self.at.names, self.values,
                                                              strict=True)}  # fmt: skip
        return {"truth": self.truth, **shown, "converged": "yes" if self.same else "no"}

    @property
    def reading(self) -> str:
        likes = f"{counted(self.truth, 'like')} {'was' if self.truth == 1 else 'were'} given"
        if self.at.unlikes:
            likes += " and not taken back"
        if not self.same:
            shown = listed([f"{value:,}" for value in self.values.tolist()])
            return f"{likes}; the replicas show {shown}, and nothing will make them agree."
        value = int(self.values[0])
        if value == self.truth:
            return f"{likes}, and every replica shows {value:,}."
        off = counted(abs(value - self.truth), "like")
        return (
            f"{likes}; every replica shows {value:,}: they agree, and are off by {off} "
            f"({significant(100 * abs(value - self.truth) / max(self.truth, 1))} %)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "replica": self.at.names,
            "shows": self.values,
            "likes given": [self.truth] * self.at.replicas,
        }


def plot(run: Converging, ax: Axes, mine: Mine | None = None) -> None:
    """Draw what each replica shows, beside what is true."""
    at, places = run.at, np.arange(run.at.replicas)
    top = max(1.35 * at.clicks, 1.1 * float(run.values.max()))
    ax.set_ylim(0, top)
    ax.set_xlim(-0.6, at.replicas - 0.4)
    named_axis(ax, "x", [f"replica {name}" for name in at.names])
    bars(ax, places, run.values, 0.6, color=style.BLUE)
    ax.axhline(run.truth, color=style.ORANGE, linewidth=2.0)
    entries = [("▬", "likes that were given", style.ORANGE_INK)]
    expected = theory(at)
    if expected is not None and not at.unlikes:
        ax.axhline(expected * at.clicks, **style.THEORY)
        entries.append(("╌", "theory, on average", style.INK))
    key(ax, entries)
    ax.set_title("Likes that each replica shows")
    if mine is not None:
        said = [float(mine[f"replica {name}"]) for name in at.names]
        yours(ax, places, np.minimum(said, top))
