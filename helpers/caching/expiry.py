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
from helpers.caching.origin import expire
from helpers.caching.xfetch import stampede
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, log_axis, yours
from helpers.foundations.drawing.labelled_bars import labelled_bars
from helpers.foundations.drawing.scales import half_decade, round_up
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded, significant
from helpers.foundations.queueing import queue_length_at
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, verdict
from helpers.foundations.traffic.arrivals import arrival_times

#: What can be done about the expiry of a hot key, and what the measured cache can do.
FIXES = ("none", "single-flight", "early refresh", "jitter")
MEASURED_FIXES = ("none", "single-flight")

_JITTER_S = 6.0  # a tenth of a time to live of a minute
#: Requests that could refresh early with less than this probability in total are left out.
_NEGLIGIBLE = 1e-6
_MINUTE_S = 60.0
_BEFORE_S = 0.05  # measured traffic before the expiry
_TOO_SLOW = 1.2  # over the recompute time, for the first answer
_FEWEST, _MOST = 10, 2_000  # requests per recompute time that can be measured


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
    after = _arrivals(draw, "requests after", at.rate_rps, at.recompute_s + _JITTER_S)
    sent = {fix: queries_of(fix, after, at, draw) for fix in FIXES}
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


def queries_of(fix: str, after: np.ndarray, at: Setting, draw: Draws) -> np.ndarray:
    """Return when queries reach the database, seconds since the expiry, ascending.

    Parameters
    ----------
    fix : one of FIXES
    after : numpy.ndarray
        When requests come after the expiry, seconds, ascending.
    at : Setting
    draw : Draws
        For what a fix leaves to chance.
    """
    if fix == "single-flight":
        return after[:1]
    if fix == "early refresh":
        return _early_refreshes(after, at, draw)
    after = _since(fix, after, draw)
    return after[: np.searchsorted(after, after[0] + at.recompute_s)]


def _since(fix: str, after: np.ndarray, draw: Draws) -> np.ndarray:
    """Return the same traffic since the expiry, which jitter moves."""
    if fix != "jitter":
        return after
    moved = _JITTER_S * float(draw("jitter").random())
    return after[np.searchsorted(after, moved) :] - moved


def _early_refreshes(after: np.ndarray, at: Setting, draw: Draws) -> np.ndarray:
    """Let every request toss XFetch's coin, from long before the expiry on."""
    lead_s = at.recompute_s * max(math.log(at.rate_rps * at.recompute_s / _NEGLIGIBLE), 1.0)
    before = -_arrivals(draw, "requests before", at.rate_rps, lead_s)[::-1]
    # -ln(uniform) is a standard exponential draw.
    coins = draw("coins").standard_exponential(before.size)[::-1]
    refreshing = before[before + at.recompute_s * coins >= 0]
    if refreshing.size == 0:
        refreshing = after
    elif refreshing[0] + at.recompute_s > 0:  # not back in time: from 0 on everyone recomputes
        refreshing = np.concatenate([refreshing, after])
    return refreshing[: np.searchsorted(refreshing, refreshing[0] + at.recompute_s)]


def _arrivals(draw: Draws, name: str, rate_rps: float, span_s: float) -> np.ndarray:
    """Return Poisson arrivals that reach beyond a span in all but 1 of 10^9 runs, seconds."""
    expected = rate_rps * span_s
    count = math.ceil(expected + 6 * math.sqrt(expected) + 32)
    return np.cumsum(draw(name).standard_exponential(count)) / rate_rps


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
    after = _arrivals(draw, "requests after", at.rate_rps, at.recompute_s + _JITTER_S)
    queries = queries_of(at.fix, after, at, Draws(at.seed))
    since = _since(at.fix, after, draw)
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


def herd(rate_rps: float, recompute_s: float) -> float:
    """Mean number of queries for one expiry without a fix: ``1 + rate x recompute``.

    The first miss, and all who come before its answer is in the cache.
    """
    return 1 + rate_rps * recompute_s


def drain_s(queries: float, recompute_s: float, connections: int) -> float:
    """How long every connection is taken by a herd, as a fluid, seconds.

    ``(queries - connections) x recompute / connections``, or 0 if they all fit. Off by at most
    about one recompute time, because connections fill and empty one by one.
    """
    return max(0.0, (queries - connections) * recompute_s / connections)


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
        yours(axes[1], mine["queries"], _under_the_bar(at.fix))


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
    style.label(
        ax, time[-1], at.connections, "connections", style.MUTED, ha="right", xytext=(-2, above)
    )
    if at.fix == "early refresh":
        ax.plot(run.cached_s, 0, marker="^", color=style.GREEN, markersize=9, clip_on=False)
        style.label(ax, run.cached_s, 0, "refreshed", style.GREEN, xytext=(0, 14), ha="center")
    ax.set_xlim(time[0], time[-1])
    ax.set_ylim(0, top)
    ax.set_title("The queue at the database")
    ax.set_xlabel("time since the expiry (s)")
    ax.set_ylabel("queries running and queued")


def _under_the_bar(fix: str) -> float:
    """Where no number is printed."""
    return FIXES.index(fix) + 0.32


# --- the same at a real origin --------------------------------------------------------------------


class Trial(Parameters):
    """Hundreds of clients, one cache and a slow origin, over TCP on this machine.

    Clients share a cache in this process. A miss opens a TCP connection to an origin on 127.0.0.1
    with a bounded pool for the work. Takes about ``(1 + rate x recompute) x recompute /
    connections`` seconds.
    """

    rate_rps: float = number(1_000.0, "Requests for the key", unit="per s", above=0)
    recompute_s: float = number(0.15, "Time to recompute it", unit="s", above=0)
    connections: int = integer(15, "Connections of the origin's pool", at_least=1)
    fix: str = option("none", "Fix", of=MEASURED_FIXES)
    timeout_s: float = number(20.0, "The measurement is given up after", unit="s", above=0)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse herds too small to judge or too large for this machine."""
        requests = self.rate_rps * self.recompute_s
        if not _FEWEST <= requests <= _MOST:
            raise ValueError(
                f"rate_rps x recompute_s must be {_FEWEST} to {_MOST:,} requests, "
                f"got {self.rate_rps:g} x {self.recompute_s:g} = {requests:g}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredExpiry:
    """Let a key expire under real clients, and count what reaches the origin.

    Raises
    ------
    TimeoutError
        If it took longer than ``timeout_s``.
    """
    span_s = _BEFORE_S + 2 * at.recompute_s  # long enough for the answer to be back in the cache
    expected = at.rate_rps * span_s
    count = int(expected + 6 * math.sqrt(expected) + 10)
    clients = arrival_times("poisson", at.rate_rps, count, Draws(at.seed)("clients"))
    clients = clients[: np.searchsorted(clients, span_s)]
    seen = expire(
        clients - _BEFORE_S,
        at.recompute_s,
        at.connections,
        single_flight=at.fix == "single-flight",
        timeout_s=at.timeout_s,
    )
    return MeasuredExpiry(
        at, clients.size, seen.arrived_s, seen.answered_s, seen.filled_s, seen.late_s
    )


class MeasuredExpiry(Measured):
    """One real expiry, timed at the origin.

    Attributes
    ----------
    clients : int
        How many asked for the key.
    arrived_s, answered_s : numpy.ndarray, shape (queries,)
        When each query reached the origin and when it was answered, seconds since the expiry.
    filled_s : float
        From the first miss until its answer was in the cache, seconds: the recompute time and
        whatever the network and a busy machine added.
    late_s : float
        How late timers were on average, seconds: how well this machine kept to the traffic it was
        asked for.
    """

    at: Trial
    clients: int
    arrived_s: np.ndarray
    answered_s: np.ndarray
    filled_s: float
    late_s: float

    @property
    def queries(self) -> int:
        """How many queries reached the origin."""
        return int(self.arrived_s.size)

    @property
    def time_s(self) -> np.ndarray:
        """Instants from the expiry until the origin is idle again, seconds."""
        return np.linspace(0.0, 1.05 * self.answered_s[-1], 60)

    @property
    def at_database(self) -> np.ndarray:
        """Queries at the origin, running and queued, at each of :attr:`time_s`."""
        return queue_length_at(self.time_s, self.arrived_s, self.answered_s)

    @property
    def saturated_s(self) -> float:
        """How long all connections were taken, seconds."""
        return saturated_s(self.arrived_s, self.answered_s, self.at.connections)

    @property
    def interval(self) -> Interval:
        """95 % interval for the mean number of queries, from this one herd.

        All queries but the first are Poisson; the square root of a Poisson count has a standard
        deviation of about one half.
        """
        root = math.sqrt(self.queries - 1)
        low, high = max(root - 0.98, 0.0) ** 2, (root + 0.98) ** 2
        return Interval(float(self.queries), 1 + low, 1 + high, 0.95, 1)

    @property
    def expected(self) -> float:
        """Mean number of queries that theory expects, given how long the value really took."""
        return 1.0 if self.at.fix == "single-flight" else herd(self.at.rate_rps, self.filled_s)

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        if self.at.fix == "single-flight":  # one: nothing random to make an interval of
            word = "agrees" if self.queries == 1 else "disagrees"
            return f"theory 1 query, measured {self.queries}: {word}"
        if busy := no_verdict(self.late_s, self.at.recompute_s):
            return busy
        if self.filled_s > _TOO_SLOW * self.at.recompute_s:  # clients came as late as the answer
            return (
                f"No verdict: this machine was too busy, and an answer of "
                f"{duration(self.at.recompute_s)} took {duration(self.filled_s)}."
            )
        return verdict(self.interval, self.expected, unit="queries")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "clients": self.clients,
            "queries": self.queries,
            "queries_theory": rounded(self.expected),
            "filled_ms": rounded(1e3 * self.filled_s),
            "saturated_ms": rounded(1e3 * self.saturated_s),
        }

    @property
    def reading(self) -> str:
        fix = "without a fix" if self.at.fix == "none" else self.at.fix
        taken = f"all {self.at.connections} connections were taken for {duration(self.saturated_s)}"
        if self.saturated_s == 0:
            taken = "the origin always had a free connection"
        return (
            f"Measured, {fix}: {counted(self.clients, 'client')} caused "
            f"{counted(self.queries, 'query', 'queries')} for one value "
            f"(theory: {significant(self.expected)}), and {taken}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "query": np.arange(1, self.queries + 1),
            "arrived (s)": self.arrived_s,
            "answered (s)": self.answered_s,
        }


@style.panels(2, width_ratios=[1.5, 1])
def plot_measured(run: MeasuredExpiry, axes: tuple[Axes, Axes]) -> None:
    """Draw what the origin saw, alone or over a simulated herd."""
    over_time, counts = axes
    over_time.plot(run.time_s, run.at_database, **style.MEASUREMENT | {"markersize": 4})
    if run.at.fix == "none":
        peak, color = int(run.at_database.argmax()), style.MEASUREMENT["color"]
        at = run.time_s[peak], run.at_database[peak]
        style.label(over_time, *at, "measured", color, xytext=(6, 8))
    row = _under_the_bar(run.at.fix)
    if run.at.fix == "single-flight":
        counts.plot(run.queries, row, **style.MEASUREMENT)
    else:
        error_bars(counts, row, run.interval, along="x", **style.MEASUREMENT)
