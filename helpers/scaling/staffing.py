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
from helpers.foundations.experiment import Draws, Parameters, Result, number, option, seed, takes
from helpers.foundations.prose import amount, counted, duration, significant
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import Interval, skewed_interval

#: How the number of servers is chosen.
RULES = ("in proportion", "square root", "Erlang C")

#: The rate at which the plan in proportion was right, and rates for which the curves are drawn.
BASE_RPS = 50.0
RATES_RPS = tuple(float(round(10 ** (1.7 + 0.1 * i))) for i in range(31))  # 50 .. 50,000
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
    steady state. At many servers few stretches hold most of those who wait, so it is one for skewed
    samples, and holds the truth as often as it says from forty stretches on.

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
            yield skewed_interval(shares)


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
        return (
            f"{amount(self.at.rate_rps, 'request')}/s of {duration(self.at.service_ms * 1e-3)} "
            f"each offer {amount(self.at.load, 'erlang')}; with {counted(self.servers, 'server')} "
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
