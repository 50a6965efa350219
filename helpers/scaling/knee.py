"""The knee: response time against utilisation at one line in front of some servers.

Requests arrive at random (Poisson) and take exponential times. Where that stops being true: real
arrivals come in bursts and real service times have longer tails, and then the wall comes earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, ring, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, duration, percent, significant
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import (
    Interval,
    Intervals,
    mean_interval,
    mean_intervals,
    skewed_intervals,
)
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

#: Utilisations at which the curve is simulated.
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)

# A run is made of stretches, each of which begins in the steady state. One server is quick to
# simulate, so its stretches can be long, and longest where only one utilisation is asked for.
_STRETCHES = 8
_REQUESTS = 250
_REQUESTS_ONE_SERVER = 300
_REQUESTS_ONE_POINT = 1_500

#: Up to this utilisation the 99th percentile has an interval. Beyond, most of the slowest hundredth
#: stood in a few long lines, which are too few for one.
TAIL_KNOWN_TO = 0.6

# What is watched of a run: from which request on, and for how many service times.
_WATCHED_FROM, _WATCHED = 1_000, 300


class Setting(Parameters):
    """A queue with one line."""

    utilisation: float = number(0.5, "Utilisation", above=0, at_most=0.95)
    service_ms: float = number(20.0, "Mean service time", unit="ms", above=0)
    servers: int = integer(1, "Servers at one queue", at_least=1, at_most=16)
    replications: int = replications(16)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_queue(at, draw):
    """Let requests arrive, wait in one line for a free server, be served, and leave."""
    world = simpy.Environment()
    servers = simpy.Resource(world, capacity=at.servers)
    service_s = at.service_ms / 1000
    gap_s = service_s / (at.utilisation * at.servers)
    took_s = []

    def request():
        arrived = world.now
        with servers.request() as my_turn:
            yield my_turn
            yield world.timeout(draw("services").exponential(service_s))
        took_s.append(world.now - arrived)

    def traffic():
        for _ in range(2_000):
            yield world.timeout(draw("arrivals").exponential(gap_s))
            world.process(request())

    world.process(traffic())
    world.run()
    settled = took_s[600:]  # the line was empty at first
    return {"mean_ms": 1000 * np.mean(settled), "p99_ms": 1000 * np.percentile(settled, 99)}


# --- the same, fast: all utilisations and all replications at once, on the same draws -------------


@takes(Setting)
def simulate(at: Setting) -> Knee:
    """Simulate the queue at ten utilisations and at the one asked for.

    Each run of one server serves 2,400 requests, 12,000 at the chosen utilisation, and with
    several servers 2,000, in eight stretches. Near saturation a queue remembers for thousands of
    requests: stretches that each begin with a crowd drawn afresh tell more than one long run, and
    nothing has to be left out.
    """
    service_s = 1e-3 * at.service_ms
    one = at.servers == 1
    lengths = (_REQUESTS_ONE_SERVER, _REQUESTS_ONE_POINT) if one else (_REQUESTS, _REQUESTS)
    means, tails = _in_service_times(GRID, at.servers, lengths[0], at.replications, at.seed)
    here_means, here_tails = _in_service_times(
        (at.utilisation,), at.servers, lengths[1], at.replications, at.seed
    )
    return Knee(
        at,
        mean=mean_intervals(means * service_s),
        p99=_tail_intervals(tails * service_s, GRID, at.replications),
        here_mean=mean_interval(here_means[:, 0] * service_s),
        here_p99=_tail_intervals(here_tails * service_s, (at.utilisation,), at.replications)[0],
    )


@lru_cache(maxsize=64)
def _in_service_times(
    utilisations: tuple[float, ...], servers: int, requests: int, replications: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean response of each run, shape (replications, utilisations), and three values for p99."""
    gaps, services, *crowd = _draws(replications, seed)
    gaps, services = gaps[:requests], services[:requests]
    count, lanes = len(utilisations), replications * _STRETCHES
    # Time runs along the first axis of the draws, where the queue engine steps quickest.
    spacing = 1 / (np.array(utilisations) * servers)
    # The first request comes at once: it is the one who meets the steady state.
    arrivals = (np.cumsum(gaps, axis=0) - gaps[0])[:, :, np.newaxis] * spacing
    arrivals = arrivals.reshape(requests, lanes * count)
    work = np.repeat(services, count, axis=1)
    busy = [steady_state.still_busy(u * servers, servers, *crowd) for u in utilisations]
    before = np.stack(busy, axis=2).reshape(servers, lanes * count)
    waits = steady_state.waits(arrivals, work, before)
    took = (waits + work).reshape(requests, lanes, count)
    means = took.mean(axis=0).reshape(replications, _STRETCHES, count).mean(axis=1)
    results = (means, _tail(took))
    for result in results:
        result.setflags(write=False)
    return results


def _tail(took: np.ndarray) -> np.ndarray:
    """99th percentile of all stretches together and its interval's ends, shape (3, utilisations).

    The share of requests beyond the percentile varies from stretch to stretch, and a few of them
    have most; the interval reaches to the percentiles that this variation leads to. Unlike the mean
    of the runs' own percentiles, which is too low for short runs, this is right on average.
    Woodruff, "Confidence intervals for medians and other position measures", *J. American
    Statistical Association* 47, 1952.
    """
    count = took.shape[2]
    pooled = took.reshape(-1, count).T.copy()
    last = pooled.shape[1] - 1
    rank = int(0.99 * last)
    pooled.partition(rank, axis=1)
    middle = pooled[:, rank]
    beyond = skewed_intervals((took > middle).mean(axis=0))
    ends = []
    for share in (beyond.low, beyond.high):
        at = np.clip((0.98 + share) * last, 0, last).astype(int)  # 0.99 where it is the hundredth
        ends.append([np.partition(row, k)[k] for row, k in zip(pooled, at, strict=True)])
    return np.stack([middle, *np.array(ends)])


def _tail_intervals(
    values: np.ndarray, utilisations: tuple[float, ...], replications: int
) -> Intervals:
    middle, *ends = values
    known = np.array(utilisations) <= TAIL_KNOWN_TO
    low, high = (np.where(known, end, np.nan) for end in ends)
    return Intervals(middle, low, high, 0.95, replications * _STRETCHES)


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, ...]:
    """Gaps and services, then for each stretch its crowd at the beginning."""
    draw, lanes = Draws(seed), replications * _STRETCHES
    draws = (
        unit_gaps("poisson", (_REQUESTS_ONE_POINT, lanes), draw("arrivals")),
        unit_services("exponential", (_REQUESTS_ONE_POINT, lanes), draw("services")),
        draw("crowds").random(lanes),
        draw("backlogs").standard_exponential((steady_state.MOST_IN_LINE + 16, lanes)),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow some seconds of one run, long after the line was empty at its beginning."""
    draw, service_s = Draws(at.seed), 1e-3 * at.service_ms
    gap_s, requests = service_s / (at.utilisation * at.servers), 2 * _WATCHED_FROM
    arrivals = np.cumsum(draw("arrivals").exponential(gap_s, requests))
    services = draw("services").exponential(service_s, requests)
    starts = arrivals + queueing.fifo_waits(arrivals, services, at.servers)
    ends = starts + services
    begin = arrivals[_WATCHED_FROM]
    end = begin + _WATCHED * service_s
    seen = (ends > begin) & (arrivals <= end)
    log = Log(f"One line for {counted(at.servers, 'server')}, {percent(at.utilisation)} busy")
    log.place("users", "source").place("line", "queue")
    log.place("server", "servers", number=at.servers).place("answered", "sink", words="is answered")
    log.serves("line", "server", arrivals[seen], starts[seen], ends[seen], start="users",
               then="answered")  # fmt: skip
    exact = queueing.mmc_wait(1 / gap_s, service_s, at.servers) / gap_s  # Little's law
    return log.counts("line", "waiting in line", level=float(exact)).between(begin, end)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Response time in seconds: its mean and its 99th percentile; floats, or arrays."""

    mean_s: Any
    p99_s: Any


def theory(at: Setting, utilisation: Any = None) -> Theory:
    """What M/M/c says at the setting, or at other utilisations.

    For one server R = S / (1 - rho), and the response time is exponential, so its 99th percentile
    is ``R ln 100``. Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3.
    """
    rho = at.utilisation if utilisation is None else np.asarray(utilisation)
    service_s = 1e-3 * at.service_ms
    rate_rps = rho * at.servers / service_s
    return Theory(
        queueing.mmc_response(rate_rps, service_s, at.servers),
        queueing.mmc_response_percentile(rate_rps, service_s, at.servers, 0.99),
    )


_CURVE = np.concatenate([np.arange(0.02, 0.9, 0.02), np.arange(0.9, 0.965, 0.005)])


# --- what it says ---------------------------------------------------------------------------------


class Knee(Result):
    """Response times at :data:`GRID` (arrays) and at the chosen utilisation (floats), seconds.

    The ends of the 99th percentile's intervals are nan beyond :data:`TAIL_KNOWN_TO`.
    """

    at: Setting
    mean: Intervals
    p99: Intervals
    here_mean: Interval
    here_p99: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "utilisation": self.at.utilisation,
            "mean_ms": 1e3 * self.here_mean.estimate,
            "mean_low_ms": 1e3 * self.here_mean.low,
            "mean_high_ms": 1e3 * self.here_mean.high,
            "theory_mean_ms": 1e3 * exact.mean_s,
            "p99_ms": 1e3 * self.here_p99.estimate,
            "theory_p99_ms": 1e3 * exact.p99_s,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        mean = self.here_mean
        times = amount(1e3 * mean.estimate / self.at.service_ms, "service time")
        where = f"{duration(mean.low)} to {duration(mean.high)}"
        return (
            f"At {significant(100 * self.at.utilisation)} % utilisation a request takes "
            f"{duration(mean.estimate)} on average, {times}, and one in a hundred takes more than "
            f"{duration(self.here_p99.estimate)}; theory says {duration(exact.mean_s)}, which "
            + (
                f"lies inside the simulation's 95 % interval, {where}."
                if mean.contains(exact.mean_s)
                else f"lies outside the simulation's 95 % interval, {where}, as happens by chance "
                "once in twenty times."
            )
            + self._no_bar
        )

    @property
    def _no_bar(self) -> str:
        if self.at.utilisation <= TAIL_KNOWN_TO:
            return ""
        return (
            f" Beyond {percent(TAIL_KNOWN_TO)} utilisation the slowest hundredth is the work of a "
            "few long lines, too few for an interval."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, GRID)
        return {
            "utilisation": GRID,
            "mean (ms)": 1e3 * self.mean.estimate,
            "from": 1e3 * self.mean.low,
            "to": 1e3 * self.mean.high,
            "theory (ms)": 1e3 * exact.mean_s,
            "p99 (ms)": 1e3 * self.p99.estimate,
            "theory p99 (ms)": 1e3 * exact.p99_s,
        }


def plot(run: Knee, ax: Axes, mine: Mine | None = None) -> None:
    """Draw mean and 99th percentile of the response time against utilisation."""
    at = run.at
    frame(ax, at.service_ms)
    ax.set_title("Response time: flat, flat, flat, wall")
    here(ax, at.utilisation)
    exact = theory(at, _CURVE)
    dots = (0, (1, 1.5))
    ax.plot(_CURVE, 1e3 * exact.p99_s, color=style.PURPLE, linewidth=1.4, linestyle=dots)
    ax.plot(_CURVE, 1e3 * exact.mean_s, **style.THEORY)
    tails = style.DOTS | {"color": style.PURPLE, "marker": "^"}
    error_bars(ax, np.array(GRID), run.p99, 1e3, **tails)
    error_bars(ax, np.array(GRID), run.mean, 1e3, **style.DOTS)
    names = (
        (exact.p99_s, "99th percentile", style.PURPLE),
        (exact.mean_s, "mean", style.BLUE),
    )
    for curve, name, color in names:
        i = int(np.abs(_CURVE - 0.3).argmin())
        style.label(ax, _CURVE[i], 1e3 * curve[i], name, color, ha="right", xytext=(-4, 11))
    error_bars(ax, at.utilisation, run.here_p99, 1e3, **tails)
    error_bars(ax, at.utilisation, run.here_mean, 1e3, **style.DOTS)
    at_once = 1e3 * np.array([run.here_mean.estimate, run.here_p99.estimate])
    ring(ax, at.utilisation, at_once)
    if mine is not None:
        yours(ax, at.utilisation, [mine["mean_ms"], mine["p99_ms"]])


def frame(ax: Axes, service_ms: float) -> None:
    """Set the axes that simulation and measurement share."""
    ax.set_xlim(0, 1)
    # Few ends, far apart: while a slider moves, curves move and the axis stands still.
    ax.set_ylim(0, coarse(18 * service_ms))
    ax.set_xlabel("utilisation")
    ax.set_ylabel("response time (ms)")
