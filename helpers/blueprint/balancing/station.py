"""Many servers behind one balancer: what a policy is worth.

Every waiting time is exact, and each policy meets the same arrivals and the same service times.
What a run cannot show is that the servers are alike and the balancer sees all of them: with
several balancers that each count their own connections the policies that look lose much of their
lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from helpers.blueprint.balancing.waits import Floats, balanced_waits
from helpers.blueprint.policies import POLICIES
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval

_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


class Station(Parameters):
    """A row of servers behind one balancer, and how long it is watched."""

    policy: str = option("power of two", "Policy", of=tuple(POLICIES))
    servers: int = integer(10, "Servers", at_least=1, at_most=1_000)
    utilisation: float = number(0.9, "Load on each server", above=0, below=1)
    service_s: float = number(0.1, "Mean service time", unit="s", above=0, note="Exponential.")
    sessions: int = integer(1_000, "Users", at_least=1, note="For the sticky policy.")
    requests: int = integer(4_000, "Requests that are counted", note="In each run.", at_least=10)
    warm_up: int = integer(
        2_000,
        "Requests before them that are not",
        note="Enough up to a load of 0.9; the memory of the start fades like that of a shared "
        "queue, over load / (1 - sqrt(load))^2 requests.",
        at_least=0,
    )
    replications: int = replications(64)
    seed: int = seed()


class BalancingResult(Result):
    """Response times behind a balancer.

    Attributes
    ----------
    at : Station
        What was simulated.
    response_s : numpy.ndarray, shape (replications, requests)
        Response times after the warm-up, seconds.
    """

    at: Station
    response_s: Floats

    @cached_property
    def mean(self) -> Interval:
        """Mean response time with its 95 % interval over the replications, seconds."""
        return mean_interval(self.response_s.mean(axis=1))

    @cached_property
    def p99_s(self) -> float:
        """99th percentile of the response time, seconds."""
        return float(np.percentile(self.response_s, 99))

    @property
    def summary(self) -> dict[str, float | int | str]:
        """Mean and 99th percentile."""
        return {
            "policy": self.at.policy,
            "mean_ms": 1e3 * self.mean.estimate,
            "p99_ms": 1e3 * self.p99_s,
            "mean_in_service_times": self.mean.estimate / self.at.service_s,
        }

    @property
    def reading(self) -> str:
        """Mean and 99th percentile, in a sentence."""
        at = self.at
        servers = f"{at.servers} servers" if at.servers > 1 else "one server"
        return (
            f"With {at.policy} over {servers} at {significant(100 * at.utilisation)} % a request "
            f"takes {duration(self.mean.estimate)} on average, "
            f"{significant(self.mean.estimate / at.service_s)} service times, "
            f"and 1 in 100 takes more than {duration(self.p99_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        """Percentiles of the response time."""
        values = 1e3 * np.percentile(self.response_s, _PERCENTILES)
        return {"percentile": _PERCENTILES, "response_ms": values}


@takes(Station)
def simulate_balancing(at: Station) -> BalancingResult:
    """Send the same requests over a row of servers by a policy, and time each one.

    A run that starts empty is too quick for hundreds of service times at high load. These start
    with queues drawn from the stationary distribution where it is known (random, sticky, round
    robin) and from one near it where it is not, and warm up from there.
    """
    draw = Draws(at.seed)
    shape = at.replications, at.warm_up + at.requests
    gaps = draw("arrivals").standard_exponential(shape) / (at.servers * at.utilisation)
    arrivals = np.cumsum(gaps, axis=1)
    services = draw("services").standard_exponential(shape)
    first, second = draw("first").random(shape), draw("second").random(shape)
    users = draw("users").integers(at.sessions, size=shape)
    start = draw(f"start of {at.policy}")
    waits = [
        balanced_waits(
            at.policy,
            arrivals[run],
            services[run],
            at.servers,
            first=first[run],
            second=second[run],
            users=users[run],
            there=_already_there(at, arrivals[run], start),
        )
        for run in range(at.replications)
    ]
    response = (np.array(waits) + services)[:, at.warm_up :]
    return BalancingResult(at, response * at.service_s)


def _already_there(at: Station, arrivals: Floats, rng: np.random.Generator) -> list[list[float]]:
    """Draw, for each server, when those leave who are at it at the start."""
    n, load = at.servers, at.utilisation
    begins = np.zeros(n)
    if n > 1 and at.policy in ("join shortest queue", "least connections"):
        total = _shared_queue(n, load, rng)  # dealt out evenly
        lengths = total // n + (np.arange(n) < total % n)
    elif n > 1 and at.policy == "power of two":
        tails = load ** (2.0 ** np.arange(1, 12) - 1)  # P(length >= k) at many servers
        lengths = (rng.random((n, 1)) < tails).sum(axis=1)
    elif at.policy == "round robin":
        # What its first request finds at a server is geometric, as in any G/M/1 queue.
        begins = arrivals[np.arange(n) % len(arrivals)]
        lengths = rng.geometric(1 - _found_busy(n, load), n) - 1
    else:
        lengths = rng.geometric(1 - load, n) - 1
    return [
        (begin + np.cumsum(rng.standard_exponential(length))).tolist()
        for begin, length in zip(begins, lengths, strict=True)
    ]


def _shared_queue(servers: int, load: float, rng: np.random.Generator) -> int:
    """Draw how many are at servers that share one queue (M/M/n)."""
    weights = [1.0]
    while len(weights) <= servers or weights[-1] > 1e-12 * max(weights):
        weights.append(weights[-1] * servers * load / min(len(weights), servers))
    return int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights)))


def _found_busy(servers: int, load: float) -> float:
    """How often every n-th request of a Poisson stream finds its server busy (E_n/M/1)."""
    busy = 0.0
    for _ in range(10_000):
        before, busy = busy, (servers * load / (servers * load + 1 - busy)) ** servers
        if busy - before < 1e-12:
            break
    return busy
