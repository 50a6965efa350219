"""How many servers a thousand times the load needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from heapq import heapreplace
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, batch_means
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import StaffingTheory, theory_staffing

if TYPE_CHECKING:
    import pandas as pd

#: How the number of servers is chosen.
RULES = ("in proportion", "square root", "Erlang C")

#: Request rates for which the curves are drawn.
RATES_RPS = tuple(float(round(10 ** (1.7 + 0.1 * i))) for i in range(31))  # 50 .. 50,000

_LEAST_REQUESTS = 24_000
_CHUNK = 48_000
_BATCHES = 20


class StaffingResult(Result):
    """Servers that each rule asks for, and what the chosen one gives in a simulation.

    Attributes
    ----------
    rate_rps, service_ms, target, rule
        The parameters it was made with.
    plan : StaffingTheory
        Servers by each rule at `rate_rps`.
    servers : int
        Servers by the chosen rule.
    waited : Interval
        Simulated share of requests that wait.
    expected : float
        Erlang's C for the chosen servers.
    rates_rps : numpy.ndarray, shape (31,)
        Rates of the curves.
    curves : dict of str to numpy.ndarray, shape (31,)
        Servers by each of `RULES` at those rates.
    expected_curve : numpy.ndarray, shape (31,)
        Erlang's C at those rates for the chosen rule.
    """

    rate_rps: float
    service_ms: float
    target: float
    rule: str
    plan: StaffingTheory
    servers: int
    waited: Interval
    expected: float
    rates_rps: np.ndarray
    curves: dict[str, np.ndarray]
    expected_curve: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "offered_load_erlangs": self.plan.offered_load,
            "servers_erlang_c": self.plan.erlang,
            "servers_square_root": self.plan.square_root,
            "servers_in_proportion": self.plan.proportional,
            "servers_chosen": self.servers,
            "utilisation_percent": 100 * self.plan.offered_load / self.servers,
            "waited_percent": 100 * self.waited.estimate,
            "waited_low_percent": 100 * max(0.0, self.waited.low),
            "waited_high_percent": 100 * self.waited.high,
            "theory_waited_percent": 100 * self.expected,
        }

    @property
    def reading(self) -> str:
        low, high = max(0.0, self.waited.low), self.waited.high
        utilisation = self.plan.offered_load / self.servers
        return (
            f"{significant(self.rate_rps)} requests/s of {duration(self.service_ms * 1e-3)} each "
            f"offer {significant(self.plan.offered_load)} erlangs; with {self.servers:,} "
            f"servers ({self.rule}) they are {significant(100 * utilisation)} % "
            f"utilised and {significant(100 * self.waited.estimate, 2)} % of the simulated "
            f"requests wait (95 % interval {significant(100 * low, 2)} to "
            f"{significant(100 * high, 2)} %; Erlang C: "
            f"{significant(100 * self.expected, 2)} %)."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        frame = pd.DataFrame(self.curves)
        frame.insert(0, "requests/s", self.rates_rps)
        return frame.set_index("requests/s")


def simulate_staffing(
    *,
    rate_rps: float = 50.0,
    service_ms: float = 20.0,
    target: float = 0.1,
    rule: str = "Erlang C",
    seed: int = 1,
) -> Iterator[StaffingResult]:
    """Choose a number of servers by a rule and send Poisson traffic at them.

    Parameters
    ----------
    rate_rps : float
        Mean arrival rate, requests per second; > 0, at most 100,000.
    service_ms : float
        Mean service time, milliseconds, exponentially distributed; > 0, at most 100. The offered
        load must not exceed 2,000 erlangs.
    target : float
        Wanted share of requests that wait; 0.001 <= target <= 0.9.
    rule : {"in proportion", "square root", "Erlang C"}
        ``"in proportion"`` multiplies what was right at 50 requests/s.
    seed : int
        Seed of arrivals and services; >= 0.

    Yields
    ------
    StaffingResult
        After every 48,000 requests, until five hundred service times have been watched.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A thousand servers fill and empty slowly compared with the gaps between requests: at 50,000
    requests/s a hundred thousand requests are a hundred service times, and the share that waits is
    still uncertain by half. Hence the many requests, and the interval that narrows as they come.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=100_000, unit="requests/s")
    service_ms = validation.number("service_ms", service_ms, above=0, at_most=100, unit="ms")
    target = validation.number("target", target, at_least=0.001, at_most=0.9)
    validation.one_of("rule", rule, RULES)
    seed = validation.integer("seed", seed, at_least=0)
    service_s = service_ms * 1e-3
    load = validation.number("rate_rps * service_ms / 1000", rate_rps * service_s, at_most=2_000)
    plan = theory_staffing(rate_rps, service_s, target)
    servers = {
        "in proportion": max(plan.proportional, math.floor(load) + 1),
        "square root": plan.square_root,
        "Erlang C": plan.erlang,
    }[rule]
    expected = float(queueing.erlang_c(load, servers))
    curves = _curves(service_s, target)
    expected_curve = _expected_curve(service_s, target, rule)
    for waited in simulate_wait_share(load, servers, seed=seed):
        yield StaffingResult(
            rate_rps=rate_rps,
            service_ms=service_ms,
            target=target,
            rule=rule,
            plan=plan,
            servers=servers,
            waited=waited,
            expected=expected,
            rates_rps=np.array(RATES_RPS),
            curves=curves,
            expected_curve=expected_curve,
        )


def simulate_wait_share(
    offered_load: float, servers: int, *, service_times: float = 500.0, seed: int = 1
) -> Iterator[Interval]:
    """Simulate an M/M/c queue and say, ever more precisely, what share of the requests waits.

    Parameters
    ----------
    offered_load : float
        Arrival rate times mean service time, erlangs; > 0 and below `servers`.
    servers : int
        Number of servers; >= 1.
    service_times : float
        How long to watch, in mean service times; > 0. At least 24,000 requests are served.
    seed : int
        Seed of arrivals and services; >= 0.

    Yields
    ------
    Interval
        From 20 batches of all requests so far.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=1)
    load = validation.number("offered_load", offered_load, above=0, below=servers)
    watched = validation.number("service_times", service_times, above=0)
    rng = streams(seed, "arrivals", "services")
    # An empty system of many servers needs a few service times to fill up.
    warmup = max(200, round(8 * load))
    wanted = warmup + max(_LEAST_REQUESTS, round(watched * load))
    free = [0.0] * servers
    now = 0.0
    waited = np.empty(0)
    while waited.size < wanted:
        size = min(_CHUNK, wanted - waited.size)
        arrivals = now + np.cumsum(rng["arrivals"].standard_exponential(size)) / load
        now = float(arrivals[-1])
        services = rng["services"].standard_exponential(size)
        waited = np.concatenate([waited, serve_waited(free, arrivals, services)])
        if waited.size >= 2 * warmup:
            yield batch_means(waited, _BATCHES, warmup=warmup)


def serve_waited(free: list[float], arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    """Serve requests first come, first served, and return 1.0 for each that waits, else 0.0.

    Parameters
    ----------
    free : list of float
        A heap of the times at which each server is next free; updated, so that the next chunk of
        requests carries on where this one ends.
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


@lru_cache(maxsize=64)
def _curves(service_s: float, target: float) -> dict[str, np.ndarray]:
    base_servers = queueing.servers_for_wait_probability(RATES_RPS[0] * service_s, target)
    loads = [rate * service_s for rate in RATES_RPS]
    return {
        "Erlang C": np.array([_erlang_servers(load, target) for load in loads]),
        "square root": np.array([queueing.square_root_staffing(load, target) for load in loads]),
        "in proportion": np.array(
            [max(math.ceil(base_servers * r / RATES_RPS[0] - 1e-9), 1) for r in RATES_RPS]
        ),
    }


def _erlang_servers(load: float, target: float) -> int:
    return int(queueing.servers_for_wait_probability(load, target))


@lru_cache(maxsize=64)
def _expected_curve(service_s: float, target: float, rule: str) -> np.ndarray:
    servers = _curves(service_s, target)[rule].tolist()
    loads = [rate * service_s for rate in RATES_RPS]
    return np.array(
        [
            float(queueing.erlang_c(load, count)) if load < count else 1.0
            for load, count in zip(loads, servers, strict=True)
        ]
    )
