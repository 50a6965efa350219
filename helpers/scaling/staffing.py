"""How many servers a thousand times the load needs.

A rule chooses the number of servers, and Poisson traffic with exponential service times is sent at
them. Where that stops being true: the servers must share one queue, any of them must be able to
take any request, and the rate must be known; one that is itself uncertain needs a margin in
proportion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from heapq import heapreplace
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.scaling import steady_state
from helpers.scaling.loopback_queues import run_queues

#: How the number of servers is chosen.
RULES = ("in proportion", "square root", "Erlang C")

#: The rate at which the plan in proportion was right, and rates for which the curves are drawn.
BASE_RPS = 50.0
RATES_RPS = tuple(float(round(10 ** (1.7 + 0.1 * i))) for i in range(31))  # 50 .. 50,000

#: Workers of the real stations.
WORKERS = (1, 2, 4)

_LEAST_REQUESTS = 1_200  # of a stretch


class Setting(Parameters):
    """Traffic, what a request needs, and a rule for the number of servers."""

    rate_rps: float = number(50.0, "Arrival rate", unit="requests/s", above=0, at_most=100_000)
    service_ms: float = number(20.0, "Mean service time", unit="ms", above=0, at_most=100)
    target: float = number(0.1, "Share that may wait", at_least=0.001, at_most=0.9)
    rule: str = option("Erlang C", "Rule", of=RULES)
    seed: int = seed()

    def agree(self) -> None:
        if self.load > 2_000:
            raise ValueError(
                f"rate_rps times service_ms must be at most 2,000 erlangs, got {self.load:g}"
            )

    @property
    def load(self) -> float:
        """Offered load, erlangs: arrival rate times mean service time."""
        return self.rate_rps * (self.service_ms * 1e-3)


def servers_by(rule: str, at: Setting, rate_rps: float | None = None) -> int:
    """Servers that a rule asks for at the setting, or at another arrival rate.

    ``"Erlang C"`` is exact for M/M/c (Erlang, "Solution of some problems in the theory of
    probabilities of significance in automatic telephone exchanges", 1917); ``"square root"`` is
    its limit for many servers (Halfin and Whitt, *Operations Research* 29, 1981); ``"in
    proportion"`` multiplies the exact answer at 50 requests/s by the growth of the rate.
    """
    rate = at.rate_rps if rate_rps is None else rate_rps
    service_s = at.service_ms * 1e-3
    if rule == "Erlang C":
        return int(queueing.servers_for_wait_probability(rate * service_s, at.target))
    if rule == "square root":
        return int(queueing.square_root_staffing(rate * service_s, at.target))
    base = queueing.servers_for_wait_probability(BASE_RPS * service_s, at.target)
    return math.ceil(base * rate / BASE_RPS - 1e-9)


# --- the model: stretches of requests, one after the other ----------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Iterator[Staffing]:
    """Choose a number of servers by the rule and send Poisson traffic at them.

    A thousand servers fill and empty slowly compared with the gaps between requests: at 50,000
    requests/s a hundred thousand requests are a hundred service times, and the share that waits is
    still uncertain by half. Hence the many requests, and the interval that narrows as they come.

    Yields
    ------
    Staffing
        Ever more precise, until five hundred service times have been watched.
    """
    for waited in watch(at.load, servers_by(at.rule, at), Draws(at.seed)):
        yield Staffing(at, waited)


def watch(
    load: float, servers: int, draw: Draws, *, service_times: float = 500.0
) -> Iterator[Interval]:
    """Say, ever more precisely, what share of the requests waits.

    The interval comes from stretches of six service times or longer, each of which begins in the
    steady state.

    Parameters
    ----------
    load : float
        Arrival rate times mean service time, erlangs; below `servers`.
    servers : int
        Number of servers.
    draw : Draws
        Crowds, arrivals and services.
    service_times : float
        How long to watch, in mean service times. At least 24,000 requests are served.
    """
    size = max(_LEAST_REQUESTS, round(6 * load))
    stretches = max(20, math.ceil(service_times * load / size))
    shares: list[float] = []
    while len(shares) < stretches:
        crowd = int(steady_state.crowds(load, servers, draw("crowds").random()))
        free = steady_state.busy(draw("crowds").standard_exponential(crowd).tolist(), servers)
        arrivals = np.cumsum(draw("arrivals").standard_exponential(size)) / load
        services = draw("services").standard_exponential(size)
        shares.append(serve(free, arrivals - arrivals[0], services).mean())
        if len(shares) in (8, 20, 40, stretches):
            yield mean_interval(shares)


def serve(free: list[float], arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    """Serve requests first come, first served, and return 1.0 for each that waits, else 0.0.

    Parameters
    ----------
    free : list of float
        A heap of the times at which each server is next free; updated, so that the next requests
        carry on where these end.
    arrivals, services : numpy.ndarray, shape (n,)
        Arrival and service times, in one unit.
    """
    waited = np.zeros(arrivals.size)
    for i, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        start = free[0]
        if start > arrival:
            waited[i] = 1.0
        else:
            start = arrival
        heapreplace(free, start + service)
    return waited


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, rate_rps: float | None = None) -> float:
    """Share of requests that waits by Erlang's C formula, at the setting or at another rate."""
    rate = at.rate_rps if rate_rps is None else rate_rps
    return share_that_waits(rate * (at.service_ms * 1e-3), servers_by(at.rule, at, rate))


def share_that_waits(load: float, servers: int) -> float:
    """Erlang's C formula, and 1 for servers that cannot keep up."""
    return float(queueing.erlang_c(load, servers)) if load < servers else 1.0


def _curves(at: Setting) -> tuple[dict[str, list[int]], list[float]]:
    """Servers by each rule, and the chosen rule's share that waits, at :data:`RATES_RPS`."""
    return _curves_at(at.but(rate_rps=BASE_RPS, seed=0))


@lru_cache(maxsize=64)
def _curves_at(at: Setting) -> tuple[dict[str, list[int]], list[float]]:
    servers = {rule: [servers_by(rule, at, rate) for rate in RATES_RPS] for rule in RULES}
    return servers, [theory(at, rate) for rate in RATES_RPS]


# --- what it says ---------------------------------------------------------------------------------


class Staffing(Result):
    """Share of the requests that waits at the servers which the rule asks for."""

    at: Setting
    waited: Interval

    @property
    def servers(self) -> int:
        """Servers by the chosen rule."""
        return servers_by(self.at.rule, self.at)

    @property
    def summary(self) -> dict[str, float | int | str]:
        by = {rule: servers_by(rule, self.at) for rule in RULES}
        return {
            "offered_load_erlangs": self.at.load,
            "servers_erlang_c": by["Erlang C"],
            "servers_square_root": by["square root"],
            "servers_in_proportion": by["in proportion"],
            "servers_chosen": self.servers,
            "utilisation_percent": 100 * self.at.load / self.servers,
            "waited_percent": 100 * self.waited.estimate,
            "waited_low_percent": 100 * max(0.0, self.waited.low),
            "waited_high_percent": 100 * self.waited.high,
            "theory_waited_percent": 100 * theory(self.at),
        }

    @property
    def reading(self) -> str:
        low, high = max(0.0, self.waited.low), self.waited.high
        load, rate = significant(self.at.load), significant(self.at.rate_rps)
        return (
            f"{rate} {'request' if rate == '1' else 'requests'}/s of "
            f"{duration(self.at.service_ms * 1e-3)} each offer {load} "
            f"{'erlang' if load == '1' else 'erlangs'}; with {counted(self.servers, 'server')} "
            f"({self.at.rule}) utilisation is "
            f"{significant(100 * self.at.load / self.servers)} % and "
            f"{significant(100 * self.waited.estimate, 2)} % of the simulated requests wait "
            f"(95 % interval {significant(100 * low, 2)} to {significant(100 * high, 2)} %; "
            f"Erlang C: {significant(100 * theory(self.at), 2)} %)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        servers, _ = _curves(self.at)
        return {"requests/s": RATES_RPS} | {
            rule: servers[rule] for rule in ("Erlang C", "square root", "in proportion")
        }


_RULE_STYLES: dict[str, dict[str, Any]] = {
    "in proportion": {"color": style.VERMILION, "linestyle": (0, (6, 2))},
    "square root": {"color": style.GREEN, "linestyle": (0, (1, 1))},
    "Erlang C": {"color": style.BLUE, "linestyle": "-"},
}


@style.panels(2)
def plot(run: Staffing, axes: tuple[Axes, Axes]) -> None:
    """Draw servers against load for each rule, and the share of requests that waits."""
    ax, waits = axes
    at = run.at
    servers, expected = _curves(at)
    ax.set_title("Servers for a thousand times the load")
    log_axis(ax, "x", 45, 56_000, ticks=(50, 500, 5_000, 50_000))
    log_axis(ax, "y", 1, 20_000)
    ax.set_xlabel("requests per second")
    ax.set_ylabel("servers")
    load = np.array(RATES_RPS) * (at.service_ms * 1e-3)
    ax.plot(RATES_RPS, np.maximum(load, 1e-3), color=style.GHOST, linewidth=1.2)
    for rule in RULES:
        width = 2.6 if rule == at.rule else 1.5
        ax.plot(RATES_RPS, servers[rule], linewidth=width, **_RULE_STYLES[rule])
    for rate, rule, name, place in (
        (4_000, "in proportion", "in proportion", {"ha": "right", "xytext": (-6, 8)}),
        (1_500, "Erlang C", "Erlang C and square root", {"ha": "left", "xytext": (10, -9)}),
    ):
        height = float(np.interp(rate, RATES_RPS, servers[rule]))
        style.label(ax, rate, height, name, _RULE_STYLES[rule]["color"], **place)
    style.label(ax, 200, load[6], "busy servers", style.MUTED, ha="left", xytext=(8, -14))
    here(ax, at.rate_rps)
    ring(ax, at.rate_rps, run.servers)

    waits.set_title("Share of requests that must wait")
    log_axis(waits, "x", 45, 56_000, ticks=(50, 500, 5_000, 50_000))
    top = 0.25 if at.target <= 0.1 else 1.0
    waits.set_ylim(0, top)
    waits.set_xlabel("requests per second")
    waits.set_ylabel("share that waits")
    waits.axhline(at.target, color=style.MUTED, linewidth=1.0)
    waits.text(60, at.target, "target", color=style.MUTED, fontsize=9, va="bottom")
    waits.plot(RATES_RPS, expected, **style.THEORY)
    here(waits, at.rate_rps)
    error_bars(waits, at.rate_rps, run.waited, **style.DOTS)
    middle = expected[20]
    up = 12 if middle < 0.25 * top else -15
    place = {"ha": "center", "xytext": (0, up)}
    style.label(waits, RATES_RPS[20], middle, "theory, this rule", style.INK, **place)


# --- the same on real stations --------------------------------------------------------------------


class Trial(Parameters):
    """Stations on the loopback interface with one, two and four workers, and their clients."""

    utilisation: float = number(0.7, "Load on each worker", at_least=0.1, at_most=0.9)
    service_ms: float = number(6.0, "Mean service time", unit="ms", at_least=1, at_most=50)
    replications: int = integer(8, "Stations of each size", at_least=2, at_most=16)
    run_s: float = number(1.3, "Time of a run", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredStaffing:
    """Count the requests that wait at real stations of three sizes, all at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    loads = [
        (at.utilisation * count * 1e3 / at.service_ms, count)
        for count in WORKERS
        for _ in range(at.replications)
    ]
    runs, late_s = run_queues(loads, 1e-3 * at.service_ms, at.run_s, at.seed)
    shape = (len(WORKERS), at.replications)
    return MeasuredStaffing(
        at,
        service_s=float(np.concatenate([run.services_s for run in runs]).mean()),
        rates_rps=np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1),
        waited=mean_intervals(np.array([run.waited for run in runs]).reshape(shape).T),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


class MeasuredStaffing(Measured):
    """Share of requests that wait at real stations with :data:`WORKERS`.

    Attributes
    ----------
    service_s : float
        Mean service time as measured, seconds.
    rates_rps : numpy.ndarray, shape (3,)
        Arrival rate at each size of station as measured.
    waited : Intervals
        Share of the requests that waited; shape (3,).
    requests : int
        Requests measured altogether.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    service_s: float
    rates_rps: np.ndarray
    waited: Intervals
    requests: int
    late_s: float

    @property
    def utilisation(self) -> np.ndarray:
        """Utilisation of a worker, as measured."""
        return self.rates_rps * self.service_s / np.array(WORKERS)

    @property
    def erlang_c(self) -> np.ndarray:
        """What Erlang's C formula predicts from the measured rates."""
        loads = (self.rates_rps * self.service_s).tolist()
        return np.array([share_that_waits(*each) for each in zip(loads, WORKERS, strict=True)])

    @property
    def agrees(self) -> np.ndarray:
        """Whether Erlang's prediction lies in each interval."""
        return self.waited.contains(self.erlang_c)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"requests": self.requests}
        for i, count in enumerate(WORKERS):
            values[f"waited_percent_{count}_workers"] = 100 * float(self.waited.estimate[i])
            values[f"erlang_c_percent_{count}_workers"] = 100 * float(self.erlang_c[i])
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.service_s):
            return busy
        shares = ", ".join(
            f"{counted(count, 'worker')}: {significant(100 * self.waited.estimate[i], 2)} % wait "
            f"(Erlang C {significant(100 * self.erlang_c[i], 2)} %)"
            for i, count in enumerate(WORKERS)
        )
        return (
            f"Verdict: Erlang C lies in the 95 % interval at {int(self.agrees.sum())} of "
            f"{len(WORKERS)} stations. At about {self.utilisation.mean():.0%} utilisation, "
            f"{shares}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "workers": WORKERS,
            "utilisation": self.utilisation,
            "waited": self.waited.estimate,
            "from": self.waited.low,
            "to": self.waited.high,
            "Erlang C": self.erlang_c,
            "inside": self.agrees,
        }


@style.panels(2)
def plot_measured(run: MeasuredStaffing, axes: tuple[Axes, Axes]) -> None:
    """Draw the share that waits against the number of workers, and against Erlang's formula."""
    ax, against = axes
    ax.set_title("Real stations at equal utilisation")
    ax.set_xlim(0.4, 4.6)
    ax.set_xticks(WORKERS, [str(count) for count in WORKERS])
    ax.set_ylim(0, 1)
    ax.set_xlabel("workers that share one queue")
    ax.set_ylabel("share of requests that waits")
    ax.plot(WORKERS, run.erlang_c, **style.THEORY)
    error_bars(ax, WORKERS, run.waited, **style.MEASUREMENT)
    place: dict[str, Any] = {"ha": "right", "xytext": (-16, 24)}
    style.label(ax, WORKERS[-1], run.erlang_c[-1], "Erlang C", style.INK, **place)
    first = float(run.waited.estimate[0])
    style.label(ax, 1, first, "measured", style.VERMILION, xytext=(10, 8))

    against.set_title("The same, against Erlang C")
    against.set_xlim(0, 1)
    against.set_ylim(0, 1)
    against.set_xlabel("predicted by Erlang C")
    against.set_ylabel("measured")
    against.plot([0, 1], [0, 1], **style.THEORY)
    error_bars(against, run.erlang_c, run.waited, **style.MEASUREMENT)
    for i, count in enumerate(WORKERS):
        x, y = run.erlang_c[i], run.waited.estimate[i]
        side = {"xytext": (-10, 6), "ha": "right"} if i % 2 else {"xytext": (10, -8)}
        style.label(against, x, y, counted(count, "worker"), style.INK, **side)
