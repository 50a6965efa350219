"""The ladder of fixes: the design after each of them, and what theory says of it, exactly.

The system is closed: users think, ask and wait. Random balancing and exponential times make it a
network of product form. Where that stops being true: servers that hold a thread while others work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers import blueprint
from helpers.blueprint import Design

#: What is done, in this order; each step keeps those before.
FIXES = (
    "as built",
    "three servers",
    "a cache",
    "six servers",
    "two read replicas",
    "twelve servers",
)

#: What may fail.
FAILURES = ("nothing", "a server", "the cache", "a replica")

#: Mean think time of a user, seconds.
THINK_S = 1.0

#: Theory covers 1 to so many users.
MOST_USERS = 600

#: The components that can be the bottleneck.
COMPONENTS = ("app", "cache", "db")


def ladder(fixes: int, failure: str = "nothing", users: int = 100) -> Design:
    """Return the design after so many fixes, less what has failed.

    Parameters
    ----------
    fixes : int
        Number of fixes made; 0 to 5.
    failure : {"nothing", "a server", "the cache", "a replica"}
        What is missing. A design that has no such thing, or only one server, is left as it is.
    users : int
        Users who think and ask; >= 1.
    """
    servers = (1, 3, 3, 6, 6, 12)[fixes]
    replicas = 2 if fixes >= 4 else 0
    hits = 0.8
    if failure == "a server" and servers > 1:
        servers -= 1
    if failure == "a replica" and replicas:
        replicas -= 1
    if failure == "the cache":
        hits = 0.0
    app = blueprint.AppServers(count=servers, blocking=False)
    db = blueprint.Database(replicas=replicas, connections=2)
    clients = blueprint.Clients(users=users, think_s=THINK_S, write_fraction=0.2)
    path = clients >> blueprint.LoadBalancer(policy="random", health_check=None) >> app
    if fixes >= 2:
        path = path >> blueprint.Cache(hit_ratio=hits)
    return Design(FIXES[fixes], path >> db)


@dataclass(frozen=True, eq=False)
class ClosedDesign:
    """A closed design for 1..N users.

    Attributes
    ----------
    users : numpy.ndarray of int, shape (N,)
        Populations.
    throughput_rps, response_s : numpy.ndarray, shape (N,)
        Exact, for each population.
    bound_rps, bound_s : numpy.ndarray, shape (N,)
        The largest throughput and the smallest response time there can be.
    capacities_rps : dict of str to float
        Ceiling that each component sets on its own.
    """

    users: np.ndarray
    throughput_rps: np.ndarray
    response_s: np.ndarray
    bound_rps: np.ndarray
    bound_s: np.ndarray
    capacities_rps: dict[str, float]

    @property
    def bottleneck(self) -> str:
        """The component with the lowest ceiling."""
        return min(self.capacities_rps, key=self.capacities_rps.__getitem__)

    @property
    def ceiling_rps(self) -> float:
        """Throughput that no number of users exceeds."""
        return self.capacities_rps[self.bottleneck]

    @property
    def knee_users(self) -> float:
        """Users from whom on somebody must queue."""
        return self.ceiling_rps * float(self.users[0] / self.bound_rps[0])


def steps() -> list[ClosedDesign]:
    """Return the same for every step of the ladder, without failures."""
    return [solved(fixes, "nothing") for fixes in range(len(FIXES))]


@lru_cache(maxsize=32)
def solved(fixes: int, failure: str) -> ClosedDesign:
    """Solve a step of the ladder.

    Buzen's convolution, *Communications of the ACM* 16, 1973: with
    ``f_i(j) = D_i^j / prod(min(m, c_i), m = 1..j)`` and G their convolution,
    ``X(N) = G(N - 1) / G(N)``. Bounds: ``X <= min(N / (D + Z), min c_i / D_i)``; Lazowska,
    Zahorjan, Graham and Sevcik, *Quantitative System Performance*, 1984, chapter 5.
    """
    users = MOST_USERS
    design = ladder(fixes, failure)
    bounds = blueprint.bounds(design)
    capacities: dict[str, float] = {}
    for load in bounds.loads.values():
        if load.visits > 0:
            known = capacities.get(load.component, np.inf)
            capacities[load.component] = min(known, load.capacity_rps)
    # In units of the ceiling the weights neither overflow nor vanish.
    unit = min(capacities.values())
    stations = [
        _weights(load.demand_s * unit, load.servers, users)
        for load in bounds.loads.values()
        if load.visits > 0
    ]
    latency = bounds.response_s - sum(load.demand_s for load in bounds.loads.values())
    total = _weights((THINK_S + latency) * unit, None, users)
    for station in stations:
        total = np.convolve(total, station)[: users + 1]
    population = np.arange(1, users + 1)
    throughput = unit * total[:-1] / total[1:]
    highest = np.minimum(population / (bounds.response_s + THINK_S), unit)
    return ClosedDesign(
        users=population,
        throughput_rps=throughput,
        response_s=population / throughput - THINK_S,
        bound_rps=highest,
        bound_s=population / highest - THINK_S,
        capacities_rps=capacities,
    )


def _weights(demand: float, servers: int | None, n: int) -> np.ndarray:
    """Factor of the product form with 0..n customers at a station."""
    j = np.arange(1, n + 1)
    busy = j if servers is None else np.minimum(j, servers)
    return np.concatenate([[1.0], np.cumprod(demand / busy)])
