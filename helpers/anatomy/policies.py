"""Response times behind a balancer under six policies, in quick loops."""

from __future__ import annotations

from functools import lru_cache
from heapq import heappop, heappush

import numpy as np

from helpers import blueprint
from helpers.blueprint.balancing.waits import balanced_waits
from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Draws
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

#: The policies, in the order they are drawn.
POLICIES = (
    "random",
    "sticky",
    "round robin",
    "power of two",
    "least connections",
    "join shortest queue",
)

_REQUESTS, _WARM_UP = 2_400, 500
_USERS = 1_000


def one_replication(
    load: float, servers: int, balancers: int, replication: int, seed: int
) -> np.ndarray:
    """Return response times after the warm-up under each policy, in service times.

    Runs start in or near the steady state, and drop the first 500 requests. Random, sticky and
    round robin start with the wait that an arrival meets there; the others with the lengths of
    the supermarket model's fixed point, ``P(length >= i) = lambda^(2^i - 1)``.

    Parameters
    ----------
    load : float
        On each server; 0 < load < 1.
    servers, balancers : int
        Servers, and balancers that share the traffic at random; both >= 1.
    replication, seed : int
        Which of the seed's runs.

    Returns
    -------
    numpy.ndarray, shape (6, requests)
        Rows as in :data:`POLICIES`.
    """
    gaps, services, dice, backlog = _draws(replication, seed)
    arrivals = np.cumsum(gaps) / (load * servers)
    who = (dice[2] * balancers).astype(int)  # the balancer a request meets
    turns = np.empty(_REQUESTS, dtype=int)
    for balancer in range(balancers):
        mine = np.flatnonzero(who == balancer)
        turns[mine] = np.arange(mine.size) + balancer * servers // balancers
    users = np.floor(dice[3] * _USERS).astype(int)
    fixed = (
        (np.floor(dice[0] * servers).astype(int), load),
        (users % servers, load),
        (turns % servers, _must_wait_in_turn(load, servers) if balancers == 1 else load),
    )
    rows = [_assigned(arrivals, services, chosen, servers, backlog, busy) for chosen, busy in fixed]
    start = _start_lengths(load, backlog[:, :servers])
    traffic = (arrivals.tolist(), services.tolist(), dice[0].tolist(), dice[1].tolist())
    rows.append(_counted("power of two", *traffic, who.tolist(), balancers, start, servers))
    shortest = _counted("join shortest queue", *traffic, [0] * _REQUESTS, 1, start, servers)
    least = shortest
    if balancers > 1:  # with one balancer the two are the same policy
        least = _counted("join shortest queue", *traffic, who.tolist(), balancers, start, servers)
    rows += [least, shortest]
    return np.array(rows)[:, _WARM_UP:]


@lru_cache(maxsize=64)
def _must_wait_in_turn(load: float, servers: int) -> float:
    """Probability that an arrival must wait where servers take turns, in the steady state."""
    return 1 - 1 / blueprint.theory_balancing("round robin", servers=servers, utilisation=load)


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
            response[mine] = queueing.fifo_waits(when, what, 1)[1:] + services[mine]
    return response


def _start_lengths(utilisation: float, backlog: np.ndarray) -> list[int]:
    """Queue lengths drawn from the supermarket model's fixed point."""
    levels = utilisation ** (2.0 ** np.arange(1, 8) - 1)
    lengths: list[int] = (backlog[0][:, np.newaxis] < levels).sum(axis=1).tolist()
    return lengths


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
    draw = Draws(seed)
    backlog = draw(f"backlog {replication}").random((2, 16))
    drawn = (
        unit_gaps("poisson", _REQUESTS, draw(f"arrivals {replication}")),
        unit_services("exponential", _REQUESTS, draw(f"services {replication}")),
        draw(f"dice {replication}").random((4, _REQUESTS)),
        np.stack([backlog[0], -np.log1p(-backlog[1])]),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


def replay(
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
        One of :data:`POLICIES`.
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
    validation.one_of("policy", policy, POLICIES)
    arrivals, services = np.asarray(arrivals_s, dtype=float), np.asarray(services_s, dtype=float)
    users = np.floor(dice[0] * _USERS).astype(int)
    waits = balanced_waits(
        policy, arrivals, services, servers, first=dice[0], second=dice[1], users=users
    )
    return waits + services
