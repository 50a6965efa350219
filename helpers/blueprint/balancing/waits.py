"""Every waiting time behind a balancer: a model to read, and the same as quick loops."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt

from helpers.blueprint.policies import POLICIES

Floats = npt.NDArray[np.float64]


def simpy_balanced_waits(
    policy: str,
    arrivals: Floats,
    services: Floats,
    servers: int,
    *,
    first: Floats,
    second: Floats,
    users: npt.NDArray[np.int64],
) -> Floats:
    """Return every waiting time, from a model in simpy that can be read and edited.

    Parameters
    ----------
    policy : str
        One of :data:`~helpers.blueprint.policies.POLICIES`.
    arrivals, services : numpy.ndarray, shape (requests,)
        Arrival times, ascending, and service times.
    servers : int
        Number of FIFO servers, empty at the start.
    first, second : numpy.ndarray, shape (requests,)
        Uniform numbers for the policy's choices.
    users : numpy.ndarray of int, shape (requests,)
        Who sends each request.

    Returns
    -------
    numpy.ndarray, shape (requests,)
        Waiting times.
    """
    import simpy  # takes a while, and only those who read this model need it

    env = simpy.Environment()
    pick = POLICIES[policy]
    waits = np.empty(len(arrivals))

    class Balancer:
        """What a policy looks at."""

        def __init__(self) -> None:
            self.rotation = list(range(servers))
            self.open = [0] * servers
            self.turn = 0
            self.machines = [simpy.Resource(env) for _ in range(servers)]

        def queue_length(self, index: int) -> int:
            return self.open[index]

    balancer = Balancer()

    def request(k: int) -> Generator[simpy.Event]:
        yield env.timeout(arrivals[k])
        chosen = pick(balancer, first[k], second[k], users[k])
        balancer.turn += 1
        balancer.open[chosen] += 1
        with balancer.machines[chosen].request() as server:
            yield server
            waits[k] = env.now - arrivals[k]
            yield env.timeout(services[k])
        balancer.open[chosen] -= 1

    for k in range(len(arrivals)):
        env.process(request(k))
    env.run()
    return waits


def balanced_waits(
    policy: str,
    arrivals: Floats,
    services: Floats,
    servers: int,
    *,
    first: Floats,
    second: Floats,
    users: npt.NDArray[np.int64],
    there: Sequence[Sequence[float]] | None = None,
) -> Floats:
    """Return every waiting time, a hundred times as fast as :func:`simpy_balanced_waits`.

    Parameters
    ----------
    policy, arrivals, services, servers, first, second, users
        As for :func:`simpy_balanced_waits`.
    there : sequence of sequence of float, optional
        For each server, when those leave who are at it at the start, ascending.

    Returns
    -------
    numpy.ndarray, shape (requests,)
        Waiting times, equal to those of :func:`simpy_balanced_waits` but for rounding.
    """
    leaving = [list(times) for times in there or [[]] * servers]
    if servers > 1 and policy in ("join shortest queue", "least connections"):
        return _shortest(arrivals, services, leaving, first)
    ones = (first * servers).astype(np.intp)
    if servers > 1 and policy == "power of two":
        others = (second * (servers - 1)).astype(np.intp)
        others += others >= ones
        return _shorter(arrivals, services, leaving, ones, others)
    if policy == "round robin":
        ones = np.arange(len(arrivals)) % servers
    elif policy == "sticky":
        ones = users % servers
    return _blind(arrivals, services, leaving, ones)


def _blind(
    arrivals: Floats, services: Floats, leaving: list[list[float]], picks: npt.NDArray[np.intp]
) -> Floats:
    """Each request goes to its server, whatever waits there."""
    last = [max(times, default=0.0) for times in leaving]
    waits = []
    for now, work, i in zip(arrivals.tolist(), services.tolist(), picks.tolist(), strict=True):
        start = last[i]
        if start < now:
            start = now
        waits.append(start - now)
        last[i] = start + work
    return np.array(waits)


def _shorter(
    arrivals: Floats,
    services: Floats,
    leaving: list[list[float]],
    ones: npt.NDArray[np.intp],
    others: npt.NDArray[np.intp],
) -> Floats:
    """Each request goes to the shorter of two queues: those that left are counted out first."""
    queues = [deque(times) for times in leaving]
    waits = []
    columns = (column.tolist() for column in (arrivals, services, ones, others))
    for now, work, i, j in zip(*columns, strict=True):
        queue, other = queues[i], queues[j]
        while queue and queue[0] <= now:
            queue.popleft()
        while other and other[0] <= now:
            other.popleft()
        if len(other) < len(queue):
            queue = other
        start = queue[-1] if queue else now
        waits.append(start - now)
        queue.append(start + work)
    return np.array(waits)


def _shortest(
    arrivals: Floats, services: Floats, leaving: list[list[float]], first: Floats
) -> Floats:
    """Each request goes to the shortest of all queues; a heap says who leaves next."""
    lengths = [len(times) for times in leaving]
    last = [max(times, default=0.0) for times in leaving]
    heap = [(time, i) for i, times in enumerate(leaving) for time in times]
    heapify(heap)
    waits = []
    for now, work, u in zip(arrivals.tolist(), services.tolist(), first.tolist(), strict=True):
        while heap and heap[0][0] <= now:
            lengths[heappop(heap)[1]] -= 1
        fewest, i = min(lengths), -1
        for _ in range(int(u * lengths.count(fewest)) + 1):
            i = lengths.index(fewest, i + 1)
        start = last[i] if fewest else now
        waits.append(start - now)
        last[i] = start + work
        lengths[i] += 1
        heappush(heap, (last[i], i))
    return np.array(waits)
