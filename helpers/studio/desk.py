"""A desk with a brief on it: one design, one trace, and what the brief says to both.

The design is wired in the blueprint's words and run event by event for twenty seconds of the
busiest hour. Where that stops being true: a real bad hour is longer than twenty seconds, machines
here fail cleanly or fall silent, and nobody pushes a wrong configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.blueprint import Design, HealthCheck
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, named_axis, note, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    integer,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import finite_or, listed, significant
from helpers.studio.deck import TRACE_S, Brief, Trace, brief, deck
from helpers.studio.judge import Card, Ran, ran_so_far
from helpers.studio.watched import played

#: The traces of a brief, in its order.
TRACES = ("1 (seen)", "2 (seen)", "3 (unseen)", "4 (unseen)")

#: Where a cache may stand, how long a line may get, how long a balancer waits for a server.
CACHES = ("none", "in the path", "beside")
ROOM = {"no limit": None, "60": 60, "30": 30, "8": 8}
PATIENCE = {"for ever": None, "2 s": 2.0, "0.5 s": 0.5}

_MOST = 3.0  # times what is allowed: longer bars are cut


class Setting(Parameters):
    """A brief, one of its traces, and a design."""

    brief: str = option("shortener", "Brief", of=tuple(deck()))
    trace: str = option(TRACES[0], "Trace", of=TRACES)
    servers: int = integer(2, "Servers", at_least=1, at_most=12)
    cache: str = option("none", "Cache", of=CACHES)
    replicas: int = integer(0, "Replicas", at_least=0, at_most=3)
    workers: int = integer(0, "Workers behind a queue", at_least=0, at_most=16)
    room: str = option("no limit", "Room to wait", of=tuple(ROOM))
    patience: str = option("for ever", "Balancer waits", of=tuple(PATIENCE))
    retries: int = integer(0, "Balancer's retries", at_least=0, at_most=3)
    seed: int = seed()

    @property
    def the_brief(self) -> Brief:
        """The brief itself."""
        return brief(self.brief)

    @property
    def the_trace(self) -> Trace:
        """The trace itself."""
        return self.the_brief.traces[TRACES.index(self.trace)]


# --- the model: what the page shows, and a learner changes ----------------------------------------


def wired(at):
    """Wire a design for the brief; its parts bring the numbers that nobody can change."""
    parts = brief(at.brief)
    app = parts.app(count=at.servers, queue_capacity=ROOM[at.room])
    db = parts.db(replicas=at.replicas)
    cache = parts.cache()
    balancer = parts.balancer(
        count=2,
        health_check=HealthCheck(interval_s=1.0),
        timeout_s=PATIENCE[at.patience],
        retries=at.retries,
    )
    front = parts.clients() >> balancer >> app
    ways = {
        "none": [front >> db],
        "in the path": [front >> cache >> db],
        "beside": [front >> cache, app >> db],
    }[at.cache]
    if parts.later and at.workers:
        ways = [front >> parts.queue() >> parts.workers(count=at.workers) >> db]
    elif parts.jobs and not parts.later and at.workers:
        ways += [app >> parts.queue() >> parts.workers(count=at.workers)]
    elif parts.jobs and not parts.later:
        ways += [app >> parts.workers(count=1)]
    return {"design": Design("yours", *ways)}


@takes(Setting)
def simulate(at: Setting) -> Iterator[Desk]:
    """Run the design on the trace; what is known so far is shown."""
    for card in _cards(at, wired(at)["design"]):
        yield Desk(at, card=card)


def _cards(at: Setting, design: Design) -> Iterator[Card]:
    """Judge a design on the trace, as far as it has been run; what was run before, at once."""
    known = _known(at, design)
    if not known:
        brief, objections = at.the_brief, tuple(at.the_brief.objections(design))
        if objections:
            known.append(Card(brief, design, objections, ()))
        else:
            for ran in ran_so_far(brief, design, at.the_trace, at.seed):
                card = Card(brief, design, (), (ran,))
                if ran.until_s < TRACE_S:
                    yield card
            known.append(card)
    yield known[0]


@lru_cache(maxsize=64)
def _known(at: Setting, design: Design) -> list[Card]:
    """Return where the card of a design on the trace is kept, once there is one."""
    return []


def _judged(at: Setting, design: Design) -> Card:
    *_, card = _cards(at, design)
    return card


# --- one trace, request by request ----------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow every request of four seconds around the trouble, through the whole system."""
    (ran,) = _judged(at, wired(at)["design"]).ran
    return played(ran)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float:
    """Return the requests a second at which the first machine of the design is always busy.

    The utilisation law; Denning and Buzen, "The Operational Analysis of Queueing Network Models",
    *ACM Computing Surveys* 10, 1978. No run can answer more for long.
    """
    return float(blueprint.bounds(wired(at)["design"]).capacity_rps)


# --- what it says ---------------------------------------------------------------------------------


class Desk(Result):
    """A design on one trace.

    Attributes
    ----------
    at : Setting
    card : Card
        What came out, held against the brief.
    """

    at: Setting
    card: Card

    @property
    def ran(self) -> Ran:
        """What became of the requests, as far as it has been run."""
        (one,) = self.card.ran
        return one

    @property
    def summary(self) -> dict[str, float | int | str]:
        ran, card = self.ran, self.card
        return {
            "trace": ran.trace.name,
            "answered_percent": 100 * ran.answered,
            "p99_ms": finite_or(ran.p99_ms, "no answer"),
            "lost": ran.lost,
            "up_percent": 100 * card.up,
            "monthly_usd": card.monthly_usd,
            "capacity_rps": theory(self.at),
            "misses": len(card.misses),
        }

    @property
    def reading(self) -> str:
        ran, card = self.ran, self.card
        begins, share = ran.worst
        name = ran.trace.name[0].upper() + ran.trace.name[1:]
        if ran.until_s < TRACE_S:
            name += f", its first {significant(ran.until_s)} s"
        said = (
            f"{name}: of {ran.run.sent:,} requests "
            f"{significant(100 * ran.answered)} % are answered; in the worst two seconds, from "
            f"{significant(begins)} s on, {significant(100 * share)} % are in time. "
        )
        if ran.reasons:
            whys = [f"{n:,} {_SAID.get(why, why)}" for why, n in ran.reasons.items()]
            said += f"The others: {listed(whys)}. "
        if ran.lost:
            said += f"Lost for ever: {ran.lost:,}. "
        if self.at.workers and not self.at.the_brief.jobs:
            said += "In this brief nothing is left for later: there are no workers to build. "
        missed = [name for name, share in card.of_allowed.items() if share > 1]
        if not card.misses:
            where = "On this trace" if ran.until_s == TRACE_S else "So far"
            return said + f"{where} the design keeps all that the brief asks."
        if not missed:
            return said + "It must lose nothing."
        return said + f"More than the brief allows: {listed(missed)}."

    @property
    def columns(self) -> Mapping[str, Any]:
        return self.card.rows


_SAID = {"timeout": "timed out", "in flight": "still wait", "no server": "found no server"}


@style.panels(2, width_ratios=(1.5, 1))
def plot(run: Desk, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what became of the requests, and each objective as a share of what is allowed."""
    ran = run.ran
    edges = np.arange(0.0, ran.until_s - 0.5, 1.0)  # who is sent in the last second is not judged
    middles = (edges[1:] + edges[:-1]) / 2
    sent = ran.run.sent_s
    asked = np.histogram(sent, edges)[0]
    good = np.histogram(sent[ran.in_time], edges)[0]
    left, right = axes
    left.plot(middles, asked, color=style.GHOST, linewidth=1.2)
    left.plot(middles, good, **style.SIMULATION)
    left.axhline(theory(run.at), **style.THEORY)
    top = coarse(1.25 * max(asked.max(), 1))
    left.set(xlim=(0, TRACE_S), ylim=(0, top), xlabel="sent at (s)", ylabel="requests per second")
    left.set_title("Sent, and answered in time")
    for strike in ran.trace.strikes:
        left.axvspan(strike.at_s, strike.until_s or TRACE_S, color=style.FAINT, linewidth=0,
                     alpha=0.6)  # fmt: skip
    key(left, [("▬", "sent", style.MUTED), ("▬", "answered in time", style.BLUE),
               ("╌", "capacity", style.INK)])  # fmt: skip
    shares = run.card.of_allowed
    places = np.arange(len(shares))[::-1]
    lengths = np.minimum(list(shares.values()), _MOST)
    for color, chosen in ((style.BLUE, lengths <= 1), (style.VERMILION, lengths > 1)):
        if chosen.any():
            bars(right, places[chosen], lengths[chosen], 0.55, along="x", facecolor=color)
    right.axvline(1.0, color=style.INK, linewidth=1.2)
    right.set(xlim=(0, _MOST), ylim=(-0.6, 4.9), xlabel="times what the brief allows")
    named_axis(right, "y", list(shares), places)
    right.set_title("Held against the brief")
    if run.ran.lost:
        note(right, 0.98, 0.98, f"lost: {run.ran.lost:,}", style.VERMILION, ha="right")
    if mine is not None:
        theirs = _judged(run.at, mine["design"])
        if theirs.objections:
            raise ValueError("; ".join(theirs.objections))
        own = [min(theirs.of_allowed[name], _MOST) for name in shares]
        yours(right, own, places)
