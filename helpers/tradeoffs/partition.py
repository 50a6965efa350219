"""The network is cut: who is refused, and who is wrong.

Replicas of one register, each with a client next door who reads and writes all the time. Those who
insist on a majority for everything refuse while they cannot reach one; those who answer from their
own copy go on, and tell the others when they can. A checker reads what the clients saw. Where that
stops being true: real cuts are seldom clean, a message may pass one way and not the other, and
clients may reach a replica that its peers cannot.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import histories
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, yours
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.histories import READ, WRITE, Operation
from helpers.foundations.prose import counted, duration, rounded
from helpers.tradeoffs.cluster import CUT_AT_S, Cluster

#: What replicas do when they cannot reach the others: insist on a majority, or answer all the same.
CP = "majority or nothing (CP)"
AP = "answer anyway (AP)"
WAYS = (CP, AP)

#: How long a client is kept waiting before it is refused; and for an answer from one copy, seconds.
PATIENCE_S = 0.5
OWN_S = 0.001


class Setting(Parameters):
    """Replicas, a cut, and what they do about it."""

    replicas: int = integer(3, "Replicas", at_least=2, at_most=5)
    cut: bool = flag(True, "The network is cut")
    way: str = option(CP, "A replica that is cut off", of=WAYS)
    cut_off: int = integer(
        1, "Cut off, at most half of them", unit="replicas", at_least=1, at_most=2
    )
    cut_s: float = number(8.0, "The cut lasts", unit="s", above=0, at_most=14)
    delay_ms: float = number(20.0, "A message takes", unit="ms", above=0, at_most=200)
    pause_s: float = number(0.4, "A client pauses", unit="s", above=0)
    run_s: float = number(20.0, "Watched for", unit="s", above=0)
    seed: int = seed()

    @property
    def far(self) -> tuple[int, ...]:
        """The replicas on the smaller side of the cut; half of them if it is in the middle."""
        few = min(self.cut_off, self.replicas // 2)
        return tuple(range(self.replicas - few, self.replicas))

    @property
    def cut_until_s(self) -> float:
        """When the cut is mended; when it begins, if there is none."""
        return CUT_AT_S + self.cut_s * self.cut


# --- the model: what the page shows, and a learner changes ----------------------------------------


def operation(at, world, cluster, me, value):
    """Read at replica `me`, or write a value there; return the version, or None if refused."""
    majority = at.replicas // 2 + 1
    if at.way == AP:
        yield world.timeout(OWN_S)
        if value is not None:
            count = cluster.copies[me][0] + 1
            cluster.store([me], (count, me, value))
            cluster.spread(me, (count, me, value))
        return cluster.copies[me]
    if len(cluster.reach(me)) < majority:
        yield world.timeout(PATIENCE_S)
        return None
    yield cluster.message()  # what do you have?
    newest = max(cluster.copies[i] for i in cluster.reach(me))
    yield cluster.message()  # this
    if value is not None:
        newest = (newest[0] + 1, me, value)
    yield cluster.message()  # keep this; after a read, too
    kept = cluster.reach(me)
    cluster.store(kept, newest)
    yield cluster.message()  # it is kept
    if len(kept) < majority:
        yield world.timeout(PATIENCE_S)
        return None
    return newest


def one_cut(at, draw):
    """Let a client at each replica read and write, one thing after the other, through a cut."""
    world = simpy.Environment()
    cluster, history = Cluster(at, draw, world), []

    def client(me):
        while True:
            yield world.timeout(draw(f"client {me}").exponential(at.pause_s))
            writes = draw(f"kinds {me}").random() < 0.5
            value, start = f"{me + 1}.{len(history)}" if writes else None, world.now
            version = yield from operation(at, world, cluster, me, value)
            kind, end = (WRITE if writes else READ), world.now if version else math.inf
            seen = value if writes or not version else version[2]
            history.append(Operation(f"client {me + 1}", kind, seen, start, end))

    for me in range(at.replicas):
        world.process(client(me))
    world.run(until=at.run_s)
    return tally(at, history)


def replica_of(one: Operation) -> int:
    """The replica next door to an operation's client: 1, 2, ..."""
    return int(one.client.removeprefix("client "))


def refused(history: Iterable[Operation]) -> list[Operation]:
    """Operations without an answer."""
    return [one for one in history if one.end == math.inf]


def tally(at: Setting, history: list[Operation]) -> dict[str, Any]:
    """Count, of a history, who was refused and who was wrong."""
    wrong = histories.overwritten_reads(history)
    return {
        "history": tuple(history),
        "refused": len(refused(history)),
        "wrong": len(wrong),
        "linearizable": histories.linearizable(history).holds,
    }


@takes(Setting)
def simulate(at: Setting) -> Partition:
    """Run the model once, and let the checker read what the clients saw."""
    history = one_cut(at, Draws(at.seed))["history"]
    return Partition(at, history=history, verdict=histories.linearizable(history))


# --- one run, operation by operation --------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow every operation to its replica, and to an answer, a wrong answer or a refusal."""
    run = simulate(at)
    wrong = set(run.wrong)
    log = Log(f"{counted(at.replicas, 'replica')}: {at.way}", noun="operation")
    log.place("clients", "source", at=(0, (at.replicas - 1) / 2))
    for i in range(at.replicas):
        log.place(f"replica {i + 1}", "store", at=(1, i), words="is at replica")
    log.place("answered", "sink", at=(2, 0)).place("answered wrongly", "sink", at=(2, 1))
    log.kind("write", "blue").kind("read", "sky")
    for number_, one in enumerate(sorted(run.history, key=lambda one: one.start)):
        place = f"replica {replica_of(one)}"
        what = f"asks to {one.kind}"
        log.moves(one.start, number_, place, what, kind=one.kind, start="clients")
        if one.end == math.inf:
            log.fails(min(one.start + PATIENCE_S, at.run_s), number_, "no majority can be reached",
                      "is refused")  # fmt: skip
        elif one in wrong:
            log.moves(one.end, number_, "answered wrongly", "returns an overwritten value")
        else:
            log.moves(one.end, number_, "answered", "is answered")
    if at.cut:
        for i in at.far:
            log.marks(CUT_AT_S, f"replica {i + 1}", "cut off", bad=True)
            log.marks(at.cut_until_s, f"replica {i + 1}", "")
    return log.between(0.0, at.run_s)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of the operations begun during the cut that are answered: on the larger side, and on
    the smaller one.
    """

    larger: float
    smaller: float


def theory(at: Setting) -> Theory:
    """Say who has a majority.

    Gilbert and Lynch, "Brewer's Conjecture and the Feasibility of Consistent, Available,
    Partition-Tolerant Web Services", SIGACT News 2002: whoever answers on both sides of a cut
    cannot be linearizable; whoever is linearizable leaves one side without answers. With a cut in
    the middle neither side has a majority.
    """
    if at.way == AP or not at.cut:
        return Theory(1.0, 1.0)
    return Theory(float(2 * len(at.far) < at.replicas), 0.0)


# --- what it says ---------------------------------------------------------------------------------


class Partition(Result):
    """What the clients saw, and what the checker says of it."""

    at: Setting
    history: tuple[Operation, ...]
    verdict: histories.Verdict

    @cached_property
    def wrong(self) -> list[Operation]:
        """Reads of what had been overwritten before they began."""
        return histories.overwritten_reads(self.history)

    @property
    def refused(self) -> list[Operation]:
        """Operations without an answer."""
        return refused(self.history)

    def side(self, far: bool) -> list[Operation]:
        """Operations begun on one side while the network was cut."""
        return [
            one
            for one in self.history
            if CUT_AT_S <= one.start < self.at.cut_until_s
            and (replica_of(one) - 1 in self.at.far) == far
        ]

    @cached_property
    def smallest(self) -> tuple[Operation, ...]:
        """The smallest part of the history that is already wrong; empty if all is right."""
        return () if self.verdict.holds else histories.smallest_violation(self.history)

    @property
    def median_ms(self) -> float:
        """Median time of an answered operation."""
        answered = [one.end - one.start for one in self.history if one.end < math.inf]
        return 1e3 * float(np.median(answered)) if answered else math.nan

    @property
    def summary(self) -> dict[str, float | int | str]:
        answers = {True: "yes", False: "no", None: "unknown"}
        return {
            "operations": len(self.history),
            "refused": len(self.refused),
            "wrong": len(self.wrong),
            "linearizable": answers[self.verdict.holds],
            "states_looked_at": self.verdict.states,
            "median_ms": rounded(self.median_ms),
        }

    @property
    def reading(self) -> str:
        said = ""
        if self.at.cut:
            sides = [
                f"{len(refused(side))} of {counted(len(side), 'operation')} on {name} side"
                for side, name in ((self.side(True), self._name), (self.side(False), "the other"))
            ]
            said = f"While the network is cut, {sides[0]} and {sides[1]} are refused. "
        wrong = counted(len(self.wrong), "read returns", "reads return")
        said += f"{wrong} what had been overwritten. An answer takes {duration(self._median_s)}. "
        if self.verdict.holds:
            return f"{said}The checker finds an order: one copy could have behaved like that."
        if self.verdict.holds is None:
            return f"{said}The checker gives up: too many orders are possible."
        when = histories.right_until(self.history)
        return (
            f"{said}The checker finds none: right until {duration(when)}, and "
            f"{counted(len(self.smallest), 'operation')} suffice to show it."
        )

    @property
    def _median_s(self) -> float:
        return round(1e-3 * self.median_ms, 6)

    @property
    def _name(self) -> str:
        return "the smaller" if 2 * len(self.at.far) < self.at.replicas else "one"

    @property
    def columns(self) -> Mapping[str, Any]:
        """The smallest violation, or what each side got."""
        if self.smallest:
            return {
                "client": [one.client for one in self.smallest],
                "does": [one.kind for one in self.smallest],
                "value": ["nothing" if one.value is None else one.value for one in self.smallest],
                "from (s)": [round(one.start, 3) for one in self.smallest],
                "to (s)": ["?" if one.end == math.inf else round(one.end, 3)
                           for one in self.smallest],
            }  # fmt: skip
        sides = [self.side(False), self.side(True)]
        return {
            "during the cut": ["larger side", "smaller side"],
            "operations": [len(side) for side in sides],
            "refused": [len(refused(side)) for side in sides],
            "answered, theory": list(theory(self.at)),
        }


@style.panels(2, width_ratios=(1, 2.2))
def plot(run: Partition, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the replicas and the cut, and what became of each client's operations."""
    where, when = axes
    at = run.at
    _draw_replicas(where, at)
    if at.cut:
        when.axvspan(CUT_AT_S, at.cut_until_s, color=style.FAINT, alpha=0.6, linewidth=0)
    answered = [one for one in run.history if one.end < math.inf and one not in run.wrong]
    for ops, look in (
        (answered, {"color": style.BLUE, "marker": "o", "markersize": 4}),
        (run.refused, {"color": style.INK, "marker": "x", "markersize": 6}),
        (run.wrong, {"color": style.VERMILION, "marker": "o", "markersize": 7}),
    ):
        rows = [replica_of(one) for one in ops]
        when.plot([one.start for one in ops], rows, linestyle="none", **look)  # type: ignore[arg-type]
    when.set_xlim(0, at.run_s)
    when.set_ylim(0.4, at.replicas + 1.6)
    when.set_yticks(range(1, at.replicas + 1))
    when.set_xlabel("seconds")
    when.set_ylabel("client at replica")
    when.set_title("What became of each operation")
    key(when, [("●", "answered", style.BLUE)], x=0.30)
    key(when, [("x", "refused", style.INK)], x=0.58)
    key(when, [("●", "wrong", style.VERMILION)], x=0.86)
    if mine is not None:
        of = f"{mine['refused']:.0f} refused, {mine['wrong']:.0f} wrong"
        yours(when, [0.2], [0.6])
        style.label(when, 0.2, 0.6, of, style.VERMILION, xytext=(8, 0))


def _draw_replicas(ax: Axes, at: Setting) -> None:
    """Draw replicas on both sides, and a line between them that can be cut with a click."""
    ax.set_xlim(-1.2, 1.2)
    ax.set_ylim(-1.4, 1.4)
    ax.set_axis_off()
    near = [i for i in range(at.replicas) if i not in at.far]
    places: dict[int, tuple[float, float]] = {}
    for side, group in ((-0.75, near), (0.75, list(at.far))):
        heights = np.linspace(0.8, -0.8, len(group)) if len(group) > 1 else [0.0]
        places |= {i: (side, float(y)) for i, y in zip(group, heights, strict=True)}
    for one, other in itertools.combinations(places, 2):
        lost = at.cut and (one in at.far) != (other in at.far)
        ends = zip(places[one], places[other], strict=True)
        ax.plot(*ends, color=style.FAINT if lost else style.GHOST, linewidth=1.2)
    color = style.VERMILION if at.cut else style.FAINT
    ax.plot([0, 0], [-1.15, 1.15], color=color, linewidth=3, linestyle=(0, (2, 1)))
    for i, (x, y) in places.items():
        ax.plot(x, y, marker="o", markersize=24, color=style.PALE_BLUE)
        ax.annotate(str(i + 1), (x, y), ha="center", va="center", fontsize=10, color=style.INK)
    words = "click here to mend it" if at.cut else "click here to cut"
    ax.annotate(words, (0, -1.3), ha="center", va="center", fontsize=9, color=style.MUTED)
    ax.set_title("The network is cut" if at.cut else "The network works")
    clickable(ax, "cut", words, -0.3, -1.4, 0.3, 1.2)
