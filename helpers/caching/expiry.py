"""The thundering herd: one hot key expires, and its requests meet at the database.

Until the first query has come back, every request is a miss and every miss a query; queries queue
for the database's connections. Where that stops being true: single-flight works inside one
process, so with m application servers the database gets m queries; and whoever waits for a flight
shares its fate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.caching.connection_pool import saturated_s, starts_of
from helpers.caching.herd import drain_s, herd, queries_of, requests_after, since_expiry
from helpers.caching.xfetch import stampede
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, yours
from helpers.foundations.drawing.labelled_bars import labelled_bars
from helpers.foundations.drawing.scales import half_decade, round_up
from helpers.foundations.events import Log
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
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.queueing import queue_length_at

#: What can be done about the expiry of a hot key.
FIXES = ("none", "single-flight", "early refresh", "jitter")

_MINUTE_S = 60.0


class Setting(Parameters):
    """One hot key, and the database's connections that its queries can take."""

    rate_rps: float = number(1_000.0, "Requests for the key", unit="per s", above=0)
    recompute_s: float = number(0.4, "Time to recompute it", unit="s", above=0)
    connections: int = integer(20, "Database connections", at_least=1)
    fix: str = option(
        "none",
        "Fix",
        of=FIXES,
        note="Single-flight: one query, all others wait for its answer. Early refresh: XFetch "
        "with beta 1. Jitter: the expiry comes up to 6 s earlier, at random.",
    )
    seed: int = seed()

    @property
    def time_s(self) -> np.ndarray:
        """Instants to look at, seconds since the expiry; the same for every fix."""
        missing = self.rate_rps * self.recompute_s
        drain = max(1.1 * (1 + missing) / self.connections, 2) * self.recompute_s
        lead = self.recompute_s * max(1.5, math.log(missing) + 3)
        return np.linspace(-round_up(lead), half_decade(drain), 500)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_expiry(at, draw):
    """Let the key expire at time 0: whoever misses queries the database, or waits for a query."""
    world = simpy.Environment()
    connections = simpy.Resource(world, capacity=at.connections)
    flights, sent, answered, waits = [], [], [], []

    def query():
        sent.append(world.now)
        with connections.request() as my_turn:
            yield my_turn
            yield world.timeout(at.recompute_s)
        answered.append(world.now)

    def request():
        asked = world.now
        if not (at.fix == "single-flight" and flights):
            flights.append(world.process(query()))
        yield flights[-1]
        waits.append(world.now - asked)

    def traffic():
        while not answered:
            yield world.timeout(draw("requests after").exponential(1 / at.rate_rps))
            if not answered:  # or else the request is a hit
                world.process(request())

    world.process(traffic())
    world.run()
    return {
        "queries": len(sent),
        "waits_s": waits,
        "saturated_s": saturated_s(np.array(sent), np.array(answered), at.connections),
        "at_database": queue_length_at(at.time_s, sent, answered),
    }


# --- the same, fast, and two fixes more -----------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Expiry:
    """Send each fix's queries on the same traffic, and queue those of the chosen one."""
    draw = Draws(at.seed)
    after = requests_after(draw, at.rate_rps, at.recompute_s)
    sent = {fix: queries_of(fix, after, at.rate_rps, at.recompute_s, draw) for fix in FIXES}
    queries, unfixed = sent[at.fix], sent["none"]
    ends = starts_of(queries, at.recompute_s, at.connections) + at.recompute_s
    unfixed_ends = starts_of(unfixed, at.recompute_s, at.connections) + at.recompute_s
    # With single-flight the same requests wait as without a fix, but for one query.
    waiting = unfixed.size if at.fix == "single-flight" else queries.size
    return Expiry(
        at,
        at_database=queue_length_at(at.time_s, queries, ends),
        at_database_unfixed=queue_length_at(at.time_s, unfixed, unfixed_ends),
        queries={fix: times.size for fix, times in sent.items()},
        waiting_requests=waiting,
        worst_wait_s=float((ends - queries).max()),
        cached_s=float(queries[0]) + at.recompute_s,
        saturated_s=saturated_s(queries, ends, at.connections),
    )


# --- one expiry, event by event -------------------------------------------------------------------


class Watched(Setting):
    """One hot key, its database's connections, and how long its readers are content to wait."""

    late_s: float = number(1.0, "An answer is late after", unit="s", above=0)


#: Why an answer is late, if it is.
IN_LINE = "stood in line while the value was in the cache"
TOO_LONG = "one query takes longer than that"


@takes(Watched)
def watch(at: Watched) -> Log:
    """Follow every request from the first that recomputes, until the last of them is answered.

    Requests that hit are followed for one recompute time after the value is fresh; those before
    the expiry, which all hit, are left out.
    """
    draw = Draws(at.seed)
    after = requests_after(draw, at.rate_rps, at.recompute_s)
    queries = queries_of(at.fix, after, at.rate_rps, at.recompute_s, Draws(at.seed))
    since = since_expiry(at.fix, after, draw)
    starts = starts_of(queries, at.recompute_s, at.connections)
    cached_s = float(queries[0]) + at.recompute_s
    others = since[: np.searchsorted(since, max(cached_s, 0.0) + at.recompute_s)]
    others = others[~np.isin(others, queries)]
    numbers = {asked: n for n, asked in enumerate(np.sort(np.append(queries, others)).tolist())}
    log = Log("A hot key expires" + ("" if at.fix == "none" else f", with {at.fix}"))
    log.place("users", "source").place("cache", "store").place("in time", "sink", at=(3, 0))
    log.place("line", "queue", at=(1, 1)).place("too late", "sink", at=(3, 1))
    log.place("database", "servers", at=(2, 1), number=at.connections)
    if cached_s > 0:
        log.marks(0.0, "cache", "expired", bad=True)
    log.marks(cached_s, "cache", "fresh")

    def answered(now: float, asked: float, what: str, why: str) -> None:
        if now - asked > at.late_s:
            log.moves(now, numbers[asked], "too late", f"{what}, too late", why)
        else:
            log.moves(now, numbers[asked], "in time", what)

    for asked in others.tolist():
        if asked < cached_s:
            what = "misses, and waits for the query under way"
            log.moves(asked, numbers[asked], "cache", what, start="users")
            answered(cached_s, asked, "gets the value that came", TOO_LONG)
        else:
            log.moves(asked, numbers[asked], "cache", "hits", start="users")
            answered(asked, asked, "has the value at once", "")
    for asked in queries.tolist():
        log.moves(asked, numbers[asked], "cache", "misses" if asked >= 0 else "refreshes early",
                  start="users")  # fmt: skip
    log.serves("line", "database", queries, starts, starts + at.recompute_s,
               tokens=[numbers[asked] for asked in queries.tolist()])  # fmt: skip
    for asked, start in zip(queries.tolist(), starts.tolist(), strict=True):
        why = IN_LINE if start > asked else TOO_LONG
        answered(start + at.recompute_s, asked, "is answered by the database", why)
    return log.counts("line", "waiting for a connection").counts("too late", "answered too late")


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean number of queries under each fix, and how long the chosen one takes all connections."""

    queries: Mapping[str, float]
    saturated_s: float


@lru_cache(maxsize=8)
def theory(at: Setting) -> Theory:
    """Sizes of the herd, and the fluid's answer to how long it lasts.

    Jitter moves the expiry and changes nothing else; for early refresh see ``xfetch.stampede``.
    """
    unfixed = herd(at.rate_rps, at.recompute_s)
    queries = {
        "none": unfixed,
        "single-flight": 1.0,
        "early refresh": stampede(at.rate_rps, at.recompute_s),
        "jitter": unfixed,
    }
    return Theory(queries, drain_s(queries[at.fix], at.recompute_s, at.connections))


# --- what it says ---------------------------------------------------------------------------------


class Expiry(Result):
    """One expiry of one hot key, seen from the database.

    Attributes
    ----------
    at_database, at_database_unfixed : numpy.ndarray
        Queries for the key, running and queued, at each of ``at.time_s``; and without any fix, on
        the same traffic.
    queries : dict of str to int
        Queries sent under each fix, on the same traffic.
    waiting_requests : int
        Requests that had to wait for a query, their own or another's.
    worst_wait_s : float
        The longest that one of them waited.
    cached_s : float
        When the fresh value was in the cache, since the expiry; negative before it.
    saturated_s : float
        How long all connections were taken by this one key.
    """

    at: Setting
    at_database: np.ndarray
    at_database_unfixed: np.ndarray
    queries: dict[str, int]
    waiting_requests: int
    worst_wait_s: float
    cached_s: float
    saturated_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "queries": self.queries[self.at.fix],
            "queries_theory": rounded(theory(self.at).queries[self.at.fix], 4),
            "waiting_requests": self.waiting_requests,
            "worst_wait_s": rounded(self.worst_wait_s),
            "cached_s": rounded(self.cached_s),
            "saturated_s": rounded(self.saturated_s),
        }

    @property
    def reading(self) -> str:
        sent = counted(self.queries[self.at.fix], "query", "queries")
        before = "before" if self.cached_s < 0 else "after"
        first = (
            f"{sent} for one value; it is cached {duration(abs(self.cached_s))} {before} the expiry"
        )
        if self.saturated_s == 0:
            return f"{first}, and the database always has a free connection."
        every = "the only connection" if self.at.connections == 1 else "every connection"
        said = (
            f"{first}, but {every} is taken for {duration(self.saturated_s)}, and the unluckiest "
            f"request waits {duration(self.worst_wait_s)}."
        )
        if self.saturated_s < _MINUTE_S:
            return said
        return (
            f"{said} With a time to live of a minute, the next expiry finds the queue still there, "
            "and it never empties again."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at).queries
        return {
            "fix": FIXES,
            "queries": [self.queries[fix] for fix in FIXES],
            "theory": [exact[fix] for fix in FIXES],
        }


@style.panels(2, width_ratios=[1.5, 1])
def plot(run: Expiry, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the queries at the database over time, and how many each fix sends."""
    _plot_queue(run, axes[0])
    at, exact = run.at, theory(run.at).queries
    log_axis(axes[1], "x", 0.7, max(3e5, 30 * exact["none"]))
    names = [fix.replace("-", "-\n").replace(" ", "\n") for fix in FIXES]
    labelled_bars(axes[1], FIXES, run.queries, exact, chosen=at.fix, left=0.7, shown=names)
    axes[1].set_title("Queries for one value")
    axes[1].set_xlabel("queries (dashed: theory)")
    if mine is not None:
        yours(axes[0], at.time_s[::20], mine["at_database"][::20])
        yours(axes[1], mine["queries"], under_the_bar(at.fix))


def _plot_queue(run: Expiry, ax: Axes) -> None:
    at, time, queue, unfixed = run.at, run.at.time_s, run.at_database, run.at_database_unfixed
    if at.fix in ("single-flight", "early refresh"):
        ax.plot(time, unfixed, color=style.PALE_BLUE, linewidth=1.5)
        peak = int(unfixed.argmax())
        style.label(ax, time[peak], unfixed[peak], "without a fix", style.MUTED)
    waiting_from = np.minimum(queue, at.connections)
    ax.fill_between(time, waiting_from, queue, color=style.PALE_RED, linewidth=0)
    ax.plot(time, queue, **style.SIMULATION)
    ax.axhline(at.connections, color=style.MUTED, linewidth=1)
    ax.axvline(0, color=style.MUTED, linewidth=1, linestyle=":")
    top = half_decade(max(1.1 * theory(at).queries["none"], 4))
    above = 6 if at.connections < 0.15 * top else -7  # where nothing else is written
    # Before the expiry nothing is in the way, but for what early refresh does there.
    end, side, right = (-1, "right", -2) if at.fix == "early refresh" else (0, "left", 4)
    where: dict[str, Any] = {"ha": side, "xytext": (right, above)}
    style.label(ax, time[end], at.connections, "connections", style.MUTED, **where)
    if at.fix == "early refresh":
        ax.plot(run.cached_s, 0, marker="^", color=style.GREEN, markersize=9, clip_on=False)
        style.label(ax, run.cached_s, 0, "refreshed", style.GREEN, xytext=(0, 14), ha="center")
    ax.set_xlim(time[0], time[-1])
    ax.set_ylim(0, top)
    ax.set_title("The queue at the database")
    ax.set_xlabel("time since the expiry (s)")
    ax.set_ylabel("queries running and queued")


def under_the_bar(fix: str) -> float:
    """Where no number is printed."""
    return FIXES.index(fix) + 0.32
