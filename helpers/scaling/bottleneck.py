"""Three tiers, a crowd of users, and the tier that breaks first.

Users think, and then send a request through web server, application and database, one after the
other. Where that stops being true: a request's work must not depend on the load. A database whose
queries slow each other down has a throughput that falls when it is pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, listed, significant
from helpers.foundations.queueing import BottleneckBounds, ClosedNetwork
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling.closed_loop import Passes, closed_loop, passes, throughput

#: The stations, in the order a request passes them.
TIERS = ("web", "application", "database")

#: What can be done about it, and the factor on each tier's work.
ACTIONS = {
    "nothing": (1.0, 1.0, 1.0),
    "twice as fast web servers": (0.5, 1.0, 1.0),
    "twice as fast application": (1.0, 0.5, 1.0),
    "twice as fast database": (1.0, 1.0, 0.5),
    "cache four reads in five": (1.0, 1.0, 0.2),
}

#: Numbers of users at which the network is simulated.
USERS = (1, 5, 10, 15, 20, 30, 40, 60, 80)

_REQUESTS = 1_200
_WARMUP = 300
_WATCHED = 300  # requests of a replay; the action is taken after a third of them
_WINDOW = 25  # requests over which answers per second are counted


class Setting(Parameters):
    """A crowd, and three tiers with one server each."""

    users: int = integer(20, "Users", at_least=1, at_most=USERS[-1])
    web_ms: float = number(10.0, "Work on the web server", unit="ms", above=0)
    application_ms: float = number(30.0, "Work in the application", unit="ms", above=0)
    database_ms: float = number(50.0, "Work in the database", unit="ms", above=0)
    think_s: float = number(1.0, "Time a user thinks", unit="s", at_least=0)
    action: str = option("nothing", "Action", of=tuple(ACTIONS))
    replications: int = replications(6)
    seed: int = seed()

    @property
    def demands_s(self) -> tuple[float, ...]:
        """Mean work of a request at each tier after the action, seconds."""
        before = (self.web_ms, self.application_ms, self.database_ms)
        return tuple(1e-3 * ms * by for ms, by in zip(before, ACTIONS[self.action], strict=True))


# --- the model: what the page shows, and a learner changes ----------------------------------------


def three_tiers(at, draw):
    """Let users think, and send each request through web server, application and database."""
    world = simpy.Environment()
    tiers = [simpy.Resource(world) for _ in at.demands_s]
    done_s, took_s = [], []

    def user():
        while True:
            yield world.timeout(draw("thinks").exponential(at.think_s))
            asked = world.now
            work_s = [draw("services").exponential(mean_s) for mean_s in at.demands_s]
            for tier, needs_s in zip(tiers, work_s, strict=True):
                with tier.request() as my_turn:
                    yield my_turn
                    yield world.timeout(needs_s)
            done_s.append(world.now)
            took_s.append(world.now - asked)

    for _ in range(at.users):
        world.process(user())
    while len(done_s) < 1_200:
        world.step()
    watched_s = done_s[-1] - done_s[299]  # by then the crowd has spread out
    return {"throughput_rps": 900 / watched_s, "response_ms": 1000 * np.mean(took_s[300:1_200])}


# --- the same, fast: all numbers of users and all replications side by side -----------------------


@takes(Setting)
def simulate(at: Setting) -> Bottleneck:
    """Simulate nine sizes of crowd; each run serves 1,200 requests and discards the first 300."""
    unit_thinks, unit_services = _draws(at.replications, at.seed)
    clients = np.repeat(USERS, at.replications)
    # Every population of one replication meets the same draws.
    thinks = np.tile(unit_thinks * at.think_s, len(USERS))
    services = np.tile(unit_services * np.array(at.demands_s)[:, np.newaxis], len(USERS))
    done, responses = closed_loop(thinks, services, clients)
    shape = (len(USERS), at.replications)
    return Bottleneck(
        at,
        throughput=mean_intervals(throughput(done, _WARMUP).reshape(shape).T),
        response=mean_intervals(responses[_WARMUP:].mean(axis=0).reshape(shape).T),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    draws = (
        draw("thinks").standard_exponential((USERS[-1] + _REQUESTS, replications)),
        draw("services").standard_exponential((_REQUESTS, len(TIERS), replications)),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow a crowd that has settled, and take the action after a third of what is seen.

    From that moment on every service that begins takes as long as the action says. The tier with
    the most requests, waiting and served, is marked; among equals it stays the one it was.
    """
    run, begin, changed = followed(at)
    end = float(run.ends_s[_WARMUP + _WATCHED - 1, -1])
    exact = float(theory(at).exact.throughput_rps[at.users - 1])
    log = Log(f"{counted(at.users, 'user')} and three tiers", noun="user")
    log.place("thinking", "store", at=(0, 1), words="has an answer and thinks")
    for column, tier in enumerate(TIERS, start=1):
        the = "the web server" if tier == "web" else f"the {tier}"
        log.place(f"{tier} line", "queue", at=(column, 0), words=f"waits for {the}")
        log.place(tier, "servers", at=(column, 1), words=f"is served by {the}")
    seen = slice(0, int((run.came_s[:, 0] <= end).sum()))
    last = len(TIERS) - 1
    for user in range(at.users):
        log.begins(user, "thinking")
    for k, tier in enumerate(TIERS):
        log.serves(
            f"{tier} line", tier, *(times[seen, k] for times in run[1:]),
            tokens=run.users[seen].tolist(), then="thinking" if k == last else "",
        )  # fmt: skip
    for moment, tier, fullest in _fullest(run, seen):
        log.marks(moment, f"{tier} line", "the fullest" if fullest else "", bad=fullest)
    if at.action != "nothing":
        log.marks(changed, "thinking", at.action)
    for tier in TIERS:
        log.counts(f"{tier} line", f"in the {tier} line")
    words = "theory" if at.action == "nothing" else "theory, after the action"
    log.rates("thinking", _WINDOW / exact, "answers", level=exact, level_words=words)
    return log.between(begin, end)


def followed(at: Setting) -> tuple[Passes, float, float]:
    """Return one run, when it is watched from, and when the action is taken; seconds."""
    draw, n = Draws(at.seed), 2 * _WARMUP + _WATCHED
    thinks = draw("thinks").standard_exponential(at.users + n) * at.think_s
    before = at.but(action="nothing")
    services = draw("services").standard_exponential((n, len(TIERS))) * np.array(before.demands_s)
    untouched = passes(thinks, services, at.users, lambda *_: 1.0)
    begin, changed = (float(untouched.came_s[i, 0]) for i in (_WARMUP, _WARMUP + _WATCHED // 3))
    by = ACTIONS[at.action]
    run = passes(thinks, services, at.users, lambda k, now: by[k] if now >= changed else 1.0)
    return run, begin, changed


def _fullest(run: Passes, seen: slice) -> Iterator[tuple[float, str, bool]]:
    """Yield when a tier has more inside than any other, and when it no longer is the one."""
    came, gone = run.came_s[seen].ravel(), run.ends_s[seen].ravel()
    tier = np.tile(np.arange(len(TIERS)), len(came) // len(TIERS))
    times, change = np.append(came, gone), np.repeat([1, -1], came.size)
    order = np.argsort(times, kind="stable")
    inside, leader = [0] * len(TIERS), None
    ordered = zip(times[order].tolist(), np.tile(tier, 2)[order].tolist(), change[order].tolist(),
                  strict=True)  # fmt: skip
    for now, events in groupby(ordered, key=itemgetter(0)):
        for _, which, by in events:
            inside[which] += by
        most = max(inside)
        if leader is not None and (inside[leader] < most or not most):
            yield now, TIERS[leader], False
            leader = None
        if leader is None and most:
            leader = inside.index(most)
            yield now, TIERS[leader], True


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """A closed network with 1, 2, ..., N customers: exactly, and what bounds it."""

    exact: ClosedNetwork
    bounds: BottleneckBounds


def theory(at: Setting) -> Theory:
    """Exact solution for 1 to 80 users, by mean value analysis, and its asymptotic bounds.

    X(N) <= min(1 / Dmax, N / (D + Z)). Reiser and Lavenberg 1980 for the exact solution, Denning
    and Buzen, "The operational analysis of queueing network models", *ACM Computing Surveys* 10,
    1978, for the bounds.
    """
    return network(at.demands_s, at.think_s, USERS[-1])


def network(demands_s: tuple[float, ...], think_s: float, users: int) -> Theory:
    """The same for any row of single servers."""
    return Theory(
        queueing.mva(demands_s, users, think_s),
        queueing.bottleneck_bounds(demands_s, users, think_s),
    )


# --- what it says ---------------------------------------------------------------------------------


class Bottleneck(Result):
    """Requests per second and mean response times, seconds, at :data:`USERS`."""

    at: Setting
    throughput: Intervals
    response: Intervals

    @property
    def ceiling_rps(self) -> float:
        """Throughput that no number of users exceeds."""
        return 1 / max(self.at.demands_s)

    @property
    def slowest(self) -> list[str]:
        """Names of the tiers with the largest work; several if they are alike."""
        most = max(self.at.demands_s)
        pairs = zip(TIERS, self.at.demands_s, strict=True)
        return [tier for tier, demand in pairs if demand > most * (1 - 1e-9)]

    @property
    def summary(self) -> dict[str, float | int | str]:
        (exact, bounds), row = theory(self.at), self.at.users - 1
        values: dict[str, float | int | str] = {
            "users": self.at.users,
            "bottleneck": ", ".join(self.slowest),
            "ceiling_rps": self.ceiling_rps,
            "knee_users": bounds.knee_customers,
            "throughput_rps": float(exact.throughput_rps[row]),
            "response_ms": 1e3 * float(exact.response_s[row]),
        }
        for tier, used in zip(TIERS, exact.utilisation[row], strict=True):
            values[f"{tier}_utilisation_percent"] = 100 * float(used)
        return values

    @property
    def reading(self) -> str:
        (exact, bounds), row = theory(self.at), self.at.users - 1
        gain = self.ceiling_rps * max(self.at.but(action="nothing").demands_s)
        changed = ""
        if self.at.action != "nothing":
            changed = (
                f" '{self.at.action.capitalize()}' raises the ceiling by "
                f"{significant(100 * (gain - 1))} %."
                if gain > 1 + 1e-9
                else f" '{self.at.action.capitalize()}' does not raise the ceiling at all."
            )
        tied = len(self.slowest) > 1
        saturates = "tiers saturate first, together" if tied else "tier saturates first"
        return (
            f"The {listed(self.slowest)} {saturates}: no more than "
            f"{significant(self.ceiling_rps)} requests/s, with queues from "
            f"{significant(bounds.knee_customers)} users on; {counted(self.at.users, 'user')} "
            f"{'gets' if self.at.users == 1 else 'get'} "
            f"{significant(exact.throughput_rps[row])} requests/s and "
            f"{'waits' if self.at.users == 1 else 'wait'} "
            f"{duration(float(exact.response_s[row]))} for each.{changed}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact, rows = theory(self.at).exact, np.array(USERS) - 1
        return {
            "users": USERS,
            "throughput (rps)": self.throughput.estimate,
            "from": self.throughput.low,
            "to": self.throughput.high,
            "exact (rps)": exact.throughput_rps[rows],
            "response (ms)": 1e3 * self.response.estimate,
            "exact (ms)": 1e3 * exact.response_s[rows],
        }


@style.panels(2)
def plot(run: Bottleneck, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw throughput and response time against the number of users, inside their bounds."""
    rate, response = axes
    frame(axes, theory(run.at), mine)
    error_bars(rate, USERS, run.throughput, **style.DOTS)
    error_bars(response, USERS, run.response, 1e3, **style.DOTS)
    for ax in axes:
        here(ax, run.at.users)
    if mine is not None:
        yours(rate, run.at.users, mine["throughput_rps"])
        yours(response, run.at.users, mine["response_ms"])


def frame(axes: tuple[Axes, Axes], expected: Theory, mine: Mine | None = None) -> None:
    """Draw what theory says, on axes that hold it and what a learner's model says."""
    rate, response = axes
    exact, bounds = expected
    users, ceiling = bounds.customers, float(bounds.throughput_high_rps[-1])
    most = int(users[-1])
    rate.set_title("Throughput: as many as the slowest tier")
    response.set_title("Response: what the crowd pays")
    most_rps, longest_ms = 1.06 * ceiling, 1e3 * float(bounds.response_low_s[-1])
    if mine is not None:
        most_rps = max(most_rps, float(mine["throughput_rps"]))
        longest_ms = max(longest_ms, float(mine["response_ms"]))
    # Few ends, far apart: while a slider moves, curves move and the axes stand still.
    top, slowest = (coarse(1.15 * most) for most in (most_rps, longest_ms))
    for ax, high, label in (
        (rate, top, "throughput (requests/s)"),
        (response, slowest, "mean response time (ms)"),
    ):
        ax.set_xlim(0, most * 1.02)
        ax.set_xticks(range(0, most + 1, most // 4))
        ax.set_ylim(0, high)
        ax.set_xlabel("users")
        ax.set_ylabel(label)
    rate.plot(users, bounds.throughput_high_rps, color=style.GHOST, linewidth=1.6)
    response.plot(users, 1e3 * bounds.response_low_s, color=style.GHOST, linewidth=1.6)
    rate.plot(users, exact.throughput_rps, **style.THEORY)
    response.plot(users, 1e3 * exact.response_s, **style.THEORY)
    knee = bounds.knee_customers
    if knee < most:
        rate.plot([knee], [ceiling], color=style.INK, marker="v", markersize=8, ls="none")
        style.label(rate, knee, ceiling, "N*", style.INK, ha="left", xytext=(0, 12))
        style.label(rate, most, ceiling, "bound 1/Dmax", style.MUTED, ha="right", xytext=(-2, 9))
