"""Six ways to pick a server, on identical traffic."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from helpers.anatomy.theory import theory_balancing
from helpers.blueprint.balancing.waits import balanced_waits
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

#: The policies, in the order they are drawn.
BALANCING_POLICIES = (
    "random",
    "sticky",
    "round robin",
    "power of two",
    "least connections",
    "join shortest queue",
)

_REQUESTS, _WARM_UP = 2_400, 500
_USERS = 1_000


class BalancingResult(Result):
    """Mean response time under each policy, in service times.

    Attributes
    ----------
    utilisation, servers, balancers
        The parameters it was made with.
    response : Intervals
        Mean response times in the order of `BALANCING_POLICIES`; shape (6,).
    p99 : numpy.ndarray, shape (6,)
        99th percentiles of all replications together.
    theory : dict of str to float
        What :func:`~helpers.anatomy.theory.theory_balancing` says.
    replications : int
        Runs the numbers rest on.
    """

    utilisation: float
    servers: int
    balancers: int
    response: Intervals
    p99: np.ndarray
    theory: dict[str, float]
    replications: int

    def expected(self, policy: str) -> float | None:
        """Return the closed form of a policy, if it has one for so many balancers."""
        if policy == "round robin" and self.balancers > 1:
            return None
        return self.theory.get(policy)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"replications": self.replications}
        for i, policy in enumerate(BALANCING_POLICIES):
            name = policy.replace(" ", "_")
            values[f"{name}_service_times"] = float(self.response.estimate[i])
            if (expected := self.expected(policy)) is not None:
                values[f"{name}_theory"] = expected
        values["one_queue_theory"] = self.theory["one queue"]
        return values

    @property
    def reading(self) -> str:
        response = dict(zip(BALANCING_POLICIES, self.response.estimate, strict=True))
        return (
            f"At {significant(100 * self.utilisation)} % load on {self.servers} servers a request "
            f"takes {significant(response['random'])} service times if its server is picked at "
            f"random (theory {significant(self.theory['random'])}), "
            f"{significant(response['round robin'])} in turn, "
            f"{significant(response['power of two'])} with the better of two (limit of many "
            f"servers {significant(self.theory['power of two'])}) and "
            f"{significant(response['join shortest queue'])} at the shortest queue; no policy "
            f"beats one shared queue, {significant(self.theory['one queue'])}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "policy": BALANCING_POLICIES,
                "mean (service times)": self.response.estimate,
                "from": self.response.low,
                "to": self.response.high,
                "p99 (service times)": self.p99,
                "theory": [self.expected(policy) for policy in BALANCING_POLICIES],
            }
        ).set_index("policy")


def simulate_balancing(
    *,
    utilisation: float = 0.9,
    servers: int = 10,
    balancers: int = 1,
    replications: int = 24,
    seed: int = 1,
) -> Iterator[BalancingResult]:
    """Deal the same requests out by six policies; ever more replications, one result after another.

    Parameters
    ----------
    utilisation : float
        Load on each server; 0 < utilisation <= 0.95.
    servers : int
        Servers, alike; 2 to 16. Service is exponential.
    balancers : int
        Balancers that share the traffic at random, 1 to 8. Each counts the connections it made
        itself, and takes turns by itself; only "join shortest queue" sees the servers' own counts.
    replications : int
        Independent runs of 2,400 requests that the last result rests on; >= 2.
    seed : int
        Seed of the traffic; >= 0.

    Yields
    ------
    BalancingResult
        After 2, 4, 6, ... replications, so that a newer value never has to wait for long.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Runs start in or near the steady state, and drop the first 500 requests. Random, sticky and
    round robin start with the wait that theory gives an arrival; the others with the lengths of
    the supermarket model's fixed point, ``P(length >= i) = lambda^(2^i - 1)``.
    """
    utilisation = validation.number("utilisation", utilisation, above=0, at_most=0.95)
    servers = validation.integer("servers", servers, at_least=2, at_most=16)
    balancers = validation.integer("balancers", balancers, at_least=1, at_most=8)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    theory = theory_balancing(utilisation, servers)
    means, kept = [], []
    for replication in range(replications):
        responses = _replication(utilisation, servers, balancers, theory, replication, seed)
        means.append(responses.mean(axis=1))
        kept.append(responses)
        done = replication + 1
        if done == replications or done % 2 == 0:
            yield BalancingResult(
                utilisation=utilisation,
                servers=servers,
                balancers=balancers,
                response=mean_intervals(np.array(means)),
                p99=np.percentile(np.concatenate(kept, axis=1), 99, axis=1),
                theory=theory,
                replications=done,
            )


def _replication(
    utilisation: float,
    servers: int,
    balancers: int,
    theory: dict[str, float],
    replication: int,
    seed: int,
) -> np.ndarray:
    """Response times after the warm-up under each policy, shape (6, requests)."""
    gaps, services, dice, backlog = _draws(replication, seed)
    arrivals = np.cumsum(gaps) / (utilisation * servers)
    who = (dice[2] * balancers).astype(int)  # the balancer a request meets
    turns = np.empty(_REQUESTS, dtype=int)
    for balancer in range(balancers):
        mine = np.flatnonzero(who == balancer)
        turns[mine] = np.arange(mine.size) + balancer * servers // balancers
    users = np.floor(dice[3] * _USERS).astype(int)
    sigma = 1 - 1 / theory["round robin"]  # probability that an arrival must wait
    fixed = (
        (np.floor(dice[0] * servers).astype(int), utilisation),
        (users % servers, utilisation),
        (turns % servers, sigma if balancers == 1 else utilisation),
    )
    rows = [_assigned(arrivals, services, chosen, servers, backlog, busy) for chosen, busy in fixed]
    start = _start_lengths(utilisation, backlog[:, :servers])
    traffic = (arrivals.tolist(), services.tolist(), dice[0].tolist(), dice[1].tolist())
    rows.append(_counted("power of two", *traffic, who.tolist(), balancers, start, servers))
    shortest = _counted("join shortest queue", *traffic, [0] * _REQUESTS, 1, start, servers)
    least = shortest
    if balancers > 1:  # with one balancer the two are the same policy
        least = _counted("join shortest queue", *traffic, who.tolist(), balancers, start, servers)
    rows += [least, shortest]
    return np.array(rows)[:, _WARM_UP:]


def _assigned(
    arrivals: np.ndarray,
    services: np.ndarray,
    chosen: np.ndarray,
    servers: int,
    backlog: np.ndarray,
    busy: float,
) -> np.ndarray:
    """Response times if the choice does not depend on the queues: one Lindley walk a server."""
    response = np.empty(arrivals.size)
    for server in range(servers):
        mine = np.flatnonzero(chosen == server)
        if mine.size:
            # A customer ahead of the first stands for the work that an arrival would find.
            work = backlog[1, server] / (1 - busy) if backlog[0, server] < busy else 0.0
            when = np.concatenate([[0.0], arrivals[mine] - arrivals[mine[0]]])
            what = np.concatenate([[work], services[mine]])
            response[mine] = fifo_waits(when, what, 1)[1:] + services[mine]
    return response


def replay_balancing(
    policy: str,
    arrivals_s: np.ndarray,
    services_s: np.ndarray,
    dice: np.ndarray,
    servers: int,
) -> np.ndarray:
    """Return response times of given requests at servers that are empty at first, one balancer.

    Parameters
    ----------
    policy : str
        One of :data:`BALANCING_POLICIES`.
    arrivals_s, services_s : numpy.ndarray, shape (n,)
        When each request comes, ascending, and how much work it is, seconds.
    dice : numpy.ndarray, shape (2, n)
        Two uniform numbers for each request.
    servers : int
        Servers; >= 2.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Response times, seconds.

    Raises
    ------
    ValueError
        If there is no such policy.
    """
    validation.one_of("policy", policy, BALANCING_POLICIES)
    arrivals, services = np.asarray(arrivals_s, dtype=float), np.asarray(services_s, dtype=float)
    users = np.floor(dice[0] * _USERS).astype(int)
    waits = balanced_waits(
        policy, arrivals, services, servers, first=dice[0], second=dice[1], users=users
    )
    return waits + services


def _start_lengths(utilisation: float, backlog: np.ndarray) -> list[int]:
    """Queue lengths drawn from the supermarket model's fixed point."""
    levels = utilisation ** (2.0 ** np.arange(1, 8) - 1)
    return (backlog[0][:, np.newaxis] < levels).sum(axis=1).tolist()


def _counted(
    policy: str,
    arrivals: list[float],
    services: list[float],
    first: list[float],
    second: list[float],
    who: list[int],
    balancers: int,
    start: list[int],
    servers: int,
) -> np.ndarray:
    """Response times if the choice depends on counts of what is at the servers."""
    # What is there at the start belongs to the first balancer, and takes one service time each.
    views = [[0] * servers for _ in range(balancers)]
    views[0] = list(start)
    free = [float(length) for length in start]
    leaving = [(i + 1.0, s, 0) for s, length in enumerate(start) for i in range(length)]
    leaving.sort()
    two = policy == "power of two"
    response = []
    for now, service, u, v, balancer in zip(arrivals, services, first, second, who, strict=True):
        while leaving and leaving[0][0] <= now:
            _, server, owner = heappop(leaving)
            views[owner][server] -= 1
        counts = views[balancer]
        if two:
            server = int(u * servers)
            other = int(v * (servers - 1))
            if other >= server:
                other += 1
            if counts[other] < counts[server]:
                server = other
        else:
            fewest = min(counts)
            ties = [i for i, count in enumerate(counts) if count == fewest]
            server = ties[int(u * len(ties))]
        begin = free[server]
        if begin < now:
            begin = now
        free[server] = end = begin + service
        counts[server] += 1
        heappush(leaving, (end, server, balancer))
        response.append(end - now)
    return np.array(response)


@lru_cache(maxsize=64)
def _draws(replication: int, seed: int) -> tuple[np.ndarray, ...]:
    names = ("arrivals", "services", "dice", "backlog")
    rng = streams(seed, *(f"{name} {replication}" for name in names))
    rng = {name: rng[f"{name} {replication}"] for name in names}
    backlog = rng["backlog"].random((2, 16))
    drawn = (
        unit_gaps("poisson", _REQUESTS, rng["arrivals"]),
        unit_services("exponential", _REQUESTS, rng["services"]),
        rng["dice"].random((4, _REQUESTS)),
        np.stack([backlog[0], -np.log1p(-backlog[1])]),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn
