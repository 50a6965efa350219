"""Many servers behind one balancer: the policies alone, exact and fast.

The blueprint's engines run whole systems. To compare policies, one station is enough: Poisson
arrivals at rate ``servers * utilisation / service_s``, exponential service, one thread each. Here
every waiting time is exact, for hundreds of replications at once, and each policy meets the same
arrivals and the same service times. Beside the simulation stand the published limits, and for a
modest number of servers the exact answer of the Markov chain.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from functools import cached_property, lru_cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from helpers.blueprint.policies import POLICIES
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mmc_response
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_LOOKS = ("least connections", "join shortest queue")  # alike when there is one balancer


class BalancingResult(Result):
    """Response times behind a balancer.

    Attributes
    ----------
    policy : str
        Name of the policy.
    servers : int
        Number of servers.
    utilisation : float
        Fraction of the time a server is busy.
    service_s : float
        Mean service time, seconds.
    response_s : numpy.ndarray, shape (replications, requests)
        Response times after the warm-up, seconds.
    """

    policy: str
    servers: int
    utilisation: float
    service_s: float
    response_s: np.ndarray

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
            "policy": self.policy,
            "mean_ms": 1e3 * self.mean.estimate,
            "p99_ms": 1e3 * self.p99_s,
            "mean_in_service_times": self.mean.estimate / self.service_s,
        }

    @property
    def reading(self) -> str:
        """Mean and 99th percentile, in a sentence."""
        return (
            f"With {self.policy} over {self.servers} servers at "
            f"{significant(100 * self.utilisation)} % a request takes "
            f"{duration(self.mean.estimate)} on average, "
            f"{significant(self.mean.estimate / self.service_s)} service times, "
            f"and 1 in 100 takes more than {duration(self.p99_s)}."
        )

    def table(self) -> pd.DataFrame:
        """Return percentiles of the response time."""
        import pandas as pd

        points = (50, 90, 95, 99, 99.9)
        values = 1e3 * np.percentile(self.response_s, points)
        return pd.DataFrame({"percentile": points, "response_ms": values}).set_index("percentile")


def simulate_balancing(
    *,
    policy: str,
    servers: int = 10,
    utilisation: float = 0.9,
    service_s: float = 0.1,
    sessions: int = 1_000,
    requests: int = 200,
    warm_up: int = 100,
    replications: int = 256,
    seed: int = 1,
) -> BalancingResult:
    """Send the same requests over a row of servers by a policy, and time each one.

    Parameters
    ----------
    policy : str
        One of :data:`~helpers.blueprint.policies.POLICIES`.
    servers : int
        Number of servers; 1 to 1,000.
    utilisation : float
        Offered load per server; 0 < utilisation < 1.
    service_s : float
        Mean service time (exponential), seconds; > 0.
    sessions : int
        Number of users, for the sticky policy; >= 1.
    requests : int
        Requests in each replication that are counted; >= 10.
    warm_up : int
        Requests before them that are not; >= 0.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of all draws. Arrivals and service times are the same for every policy.

    Returns
    -------
    BalancingResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A run that starts empty is biased for hundreds of service times at high load. These start with
    queues drawn from a distribution near the stationary one and warm up from there: that of
    independent M/M/1 or E_n/M/1 queues, of the supermarket model, or of a shared M/M/n queue dealt
    out evenly. For the policies that look at queues this is a little too short, and a run to be
    compared with theory to a few per cent wants a warm-up of several hundred requests.
    """
    validation.one_of("policy", policy, tuple(POLICIES))
    servers = validation.integer("servers", servers, at_least=1, at_most=1_000)
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    sessions = validation.integer("sessions", sessions, at_least=1)
    requests = validation.integer("requests", requests, at_least=10)
    replications = validation.integer("replications", replications, at_least=2)
    warm_up = validation.integer("warm_up", warm_up, at_least=0)
    draws = _draws(seed, replications, requests + warm_up)
    arrivals = draws["arrivals"] / (servers * utilisation)
    users = (draws["users"] * sessions).astype(np.int64)
    initial = _initial(policy, servers, utilisation, replications, seed)
    waits = balanced_waits(
        policy,
        arrivals,
        draws["services"],
        servers,
        first=draws["first"],
        second=draws["second"],
        users=users,
        initial=initial,
    )
    response = (waits + draws["services"])[:, warm_up:] * service_s
    response.setflags(write=False)
    return BalancingResult(policy, servers, utilisation, service_s, response)


def simulate_balancing_progressively(
    *,
    policy: str,
    servers: int = 10,
    utilisation: float = 0.9,
    service_s: float = 0.1,
    sessions: int = 1_000,
    rounds: int = 5,
    seed: int = 1,
) -> Iterator[BalancingResult]:
    """Compare as :func:`simulate_balancing` does, with runs and warm-ups twice as long each time.

    Parameters
    ----------
    rounds : int
        How many results; 1 to 8. The first takes as long as one quick run.
    policy, servers, utilisation, service_s, sessions, seed
        As for :func:`simulate_balancing`.

    Yields
    ------
    BalancingResult

    Raises
    ------
    TypeError, ValueError
        As for :func:`simulate_balancing`.
    """
    rounds = validation.integer("rounds", rounds, at_least=1, at_most=8)
    for i in range(rounds):
        yield simulate_balancing(
            policy=policy,
            servers=servers,
            utilisation=utilisation,
            service_s=service_s,
            sessions=sessions,
            requests=200 * 2**i,
            warm_up=100 * 2**i,
            seed=seed,
        )


@lru_cache(maxsize=4)
def _draws(seed: int, replications: int, size: int) -> dict[str, np.ndarray]:
    rng = streams(seed, "arrivals", "services", "first", "second", "users")
    shape = (size, replications)
    found = {
        "arrivals": np.cumsum(rng["arrivals"].standard_exponential(shape), axis=0),
        "services": rng["services"].standard_exponential(shape),
        "first": rng["first"].random(shape),
        "second": rng["second"].random(shape),
        "users": rng["users"].random(shape),
    }
    for array in found.values():
        array.setflags(write=False)
    return {name: array.T for name, array in found.items()}


def _initial(
    policy: str, servers: int, utilisation: float, replications: int, seed: int
) -> list[np.ndarray]:
    """Return work already waiting: an array (replications, servers) for each place in the queue.

    Places beyond the end of a queue hold NaN.
    """
    rng = streams(seed, f"initial {policy}")[f"initial {policy}"]
    draw = rng.random((replications, servers))
    rho = utilisation
    if policy in _LOOKS:
        total = _mmn_numbers(servers, rho, rng.random(replications))
        lengths = total[:, None] // servers + (np.arange(servers) < total[:, None] % servers)
    elif policy == "power of two" and servers > 1:
        tails = np.array([rho ** (2.0**k - 1) for k in range(1, 12)])  # P(length >= k)
        lengths = (draw[..., None] < tails).sum(axis=-1)
    else:
        # P(length >= k) = rho sigma^(k-1), with sigma = rho for Poisson arrivals.
        sigma = _erlang_root(servers, rho) if policy == "round robin" else rho
        longer = np.floor(np.log(draw / rho) / np.log(sigma)) + 1
        lengths = np.where(draw < rho, longer, 0).astype(np.int64)
    work = rng.standard_exponential((int(lengths.max(initial=0)), replications, servers))
    return [np.where(lengths > k, layer, np.nan) for k, layer in enumerate(work)]


def _mmn_numbers(servers: int, rho: float, uniform: np.ndarray) -> np.ndarray:
    """Draw numbers in system of an M/M/n queue by inversion."""
    offered = servers * rho
    weights = [1.0]
    while len(weights) <= servers or weights[-1] > 1e-12 * max(weights):
        weights.append(weights[-1] * offered / min(len(weights), servers))
    cumulative = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(cumulative, uniform)


def balanced_waits(
    policy: str,
    arrivals: np.ndarray,
    services: np.ndarray,
    servers: int,
    *,
    first: np.ndarray,
    second: np.ndarray,
    users: np.ndarray,
    initial: list[np.ndarray] | None = None,
) -> np.ndarray:
    """Return every waiting time behind a balancer, exactly, for all replications at once.

    Parameters
    ----------
    policy : str
        One of :data:`~helpers.blueprint.policies.POLICIES`.
    arrivals, services : numpy.ndarray, shape (replications, requests)
        Arrival times, ascending, and service times.
    servers : int
        Number of FIFO servers.
    first, second : numpy.ndarray, shape (replications, requests)
        Uniform numbers for the policy's choices.
    users : numpy.ndarray of int, shape (replications, requests)
        Who sends each request.
    initial : list of numpy.ndarray, optional
        Work that waits at the start; see :func:`simulate_balancing`.

    Returns
    -------
    numpy.ndarray, shape (replications, requests)
        Waiting times.

    Notes
    -----
    Each server's queue is a ring of departure times. Its length is found by letting the head of
    the ring pass those that are over, for the servers a policy looks at and no others.
    """
    replications, requests = arrivals.shape
    queues = _Rings(replications, servers, initial)
    rows = np.arange(replications) * servers  # index of each replication's first server
    waits = np.empty((requests, replications))
    looks = policy in _LOOKS and servers > 1
    two = policy == "power of two" and servers > 1
    arrivals, services = np.ascontiguousarray(arrivals.T), np.ascontiguousarray(services.T)
    if policy == "round robin":
        picks = np.broadcast_to(np.arange(requests)[:, None] % servers, arrivals.shape)
    elif policy == "sticky":
        picks = users.T % servers
    else:
        picks = (first.T * servers).astype(np.intp)
    if two:
        others = (second.T * (servers - 1)).astype(np.intp)
        others += others >= picks
        pairs = np.stack([picks, others], axis=2) + rows[:, None]
    picks = picks + rows
    for k in range(requests):
        now = arrivals[k]
        if two:
            pair = pairs[k]
            lengths = queues.lengths(pair, now)
            chosen = np.where(lengths[:, 1] < lengths[:, 0], pair[:, 1], pair[:, 0])
        elif looks:
            lengths = queues.all_lengths(now)
            ties = lengths == lengths.min(axis=1, keepdims=True)
            rank = ties.cumsum(axis=1)
            nth = (first[:, k] * rank[:, -1]).astype(np.intp)
            chosen = (rank > nth[:, None]).argmax(axis=1) + rows
        else:
            chosen = picks[k]
        start = np.maximum(now, queues.last[chosen])
        waits[k] = start - now
        if two or looks:
            queues.join(chosen, start + services[k])
        else:
            queues.last[chosen] = start + services[k]
    return waits.T


class _Rings:
    """The queues of all servers of all replications, each a ring of departure times.

    Servers are numbered through: ``replication * servers + server``. What has left is only taken
    off when somebody looks.
    """

    def __init__(self, replications: int, servers: int, initial: list[np.ndarray] | None) -> None:
        self.shape = (replications, servers)
        self.room = 64
        while initial is not None and self.room < len(initial) + 2:
            self.room *= 2
        size = replications * servers
        self.times = np.full(size * self.room, np.inf)
        self.head = np.zeros(size, dtype=np.intp)
        self.length = np.zeros(size, dtype=np.intp)
        self.next = np.full(size, np.inf)  # when the first in the queue leaves
        self.last = np.zeros(size)  # when the last one leaves, or left
        for layer in initial or []:
            there = np.flatnonzero(~np.isnan(layer.ravel()))
            self.join(there, self.last[there] + layer.ravel()[there])

    def lengths(self, which: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Return how many are at some servers of each replication, leavers not counted."""
        self._leave(which[self.next[which] <= now[:, None]], now)
        return self.length[which]

    def all_lengths(self, now: np.ndarray) -> np.ndarray:
        """Return how many are at each server, leavers not counted."""
        self._leave(np.flatnonzero(self.next.reshape(self.shape) <= now[:, None]), now)
        return self.length.reshape(self.shape)

    def _leave(self, which: np.ndarray, now: np.ndarray) -> None:
        """Take off who has left by now, where there is somebody to take off."""
        while which.size:
            head, length = self.head[which] + 1, self.length[which] - 1
            self.head[which], self.length[which] = head, length
            following = self.times[which * self.room + (head & self.room - 1)]
            following[length == 0] = np.inf
            self.next[which] = following
            which = which[following <= now[which // self.shape[1]]]

    def join(self, which: np.ndarray, leaves: np.ndarray) -> None:
        """Add one call to each of some different servers."""
        length = self.length[which]
        if length.max(initial=0) >= self.room - 2:
            self._grow()
        tail = self.head[which] + length
        self.times[which * self.room + (tail & self.room - 1)] = leaves
        empty = length == 0
        self.next[which[empty]] = leaves[empty]
        self.length[which] = length + 1
        self.last[which] = leaves

    def _grow(self) -> None:
        old, room = self.times.reshape(-1, self.room), self.room
        every = np.arange(len(old))[:, None]
        order = (self.head[:, None] + np.arange(room)) & room - 1
        self.times = np.full((len(old), 2 * room), np.inf)
        self.times[:, :room] = old[every, order]
        self.times = self.times.ravel()
        self.head[:] = 0
        self.room = 2 * room


def balanced_waits_loop(
    policy: str,
    arrivals: np.ndarray,
    services: np.ndarray,
    servers: int,
    *,
    first: np.ndarray,
    second: np.ndarray,
    users: np.ndarray,
) -> np.ndarray:
    """Return every waiting time of one path, in plain Python: a queue of departure times each.

    Parameters
    ----------
    policy, arrivals, services, servers, first, second, users
        As for :func:`balanced_waits`, with arrays of shape (requests,).

    Returns
    -------
    numpy.ndarray, shape (requests,)
        Waiting times, equal to those of :func:`balanced_waits` to the last bit.
    """
    queues: list[deque[float]] = [deque() for _ in range(servers)]
    waits: list[float] = []
    note = waits.append
    times = arrivals.tolist(), services.tolist()
    if policy == "power of two" and servers > 1:
        ones = (first * servers).astype(np.intp)
        others = (second * (servers - 1)).astype(np.intp)
        others += others >= ones
        for now, service, i, j in zip(*times, ones.tolist(), others.tolist(), strict=True):
            queue, other = queues[i], queues[j]
            while queue and queue[0] <= now:
                queue.popleft()
            while other and other[0] <= now:
                other.popleft()
            if len(other) < len(queue):
                queue = other
            start = queue[-1] if queue else now
            note(start - now)
            queue.append(start + service)
    elif policy in _LOOKS and servers > 1:
        for now, service, u in zip(*times, first.tolist(), strict=True):
            for queue in queues:
                while queue and queue[0] <= now:
                    queue.popleft()
            lengths = [len(queue) for queue in queues]
            fewest = min(lengths)
            ties = [i for i, length in enumerate(lengths) if length == fewest]
            queue = queues[ties[int(u * len(ties))]]
            start = queue[-1] if queue else now
            note(start - now)
            queue.append(start + service)
    else:
        if policy == "round robin":
            picks = np.arange(len(arrivals)) % servers
        elif policy == "sticky":
            picks = users % servers
        else:
            picks = (first * servers).astype(np.intp)
        last = [0.0] * servers
        for now, service, i in zip(*times, picks.tolist(), strict=True):
            start = last[i]
            if start < now:
                start = now
            note(start - now)
            last[i] = start + service
    return np.array(waits)


def simpy_balanced_waits(
    policy: str,
    arrivals: np.ndarray,
    services: np.ndarray,
    servers: int,
    *,
    first: np.ndarray,
    second: np.ndarray,
    users: np.ndarray,
) -> np.ndarray:
    """Return every waiting time of one path, as a simpy model that can be read and edited.

    Parameters
    ----------
    policy, arrivals, services, servers, first, second, users
        As for :func:`balanced_waits_loop`.

    Returns
    -------
    numpy.ndarray, shape (requests,)
        Waiting times, equal to those of :func:`balanced_waits_loop` but for rounding.
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

    def request(k: int):
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


# --- theory -------------------------------------------------------------------------------------


def theory_balancing(
    policy: str, *, servers: int, utilisation: float, service_s: float = 1.0
) -> float:
    """Return the mean response time behind a balancer, in seconds.

    Parameters
    ----------
    policy : str
        ``"random"`` and ``"round robin"`` are exact; ``"power of two"`` is the limit of many
        servers; ``"join shortest queue"`` and ``"least connections"`` are bounded from below by
        one shared queue, which is what is returned. :func:`exact_balancing` has the last three
        exactly, for a modest number of servers.
    servers : int
        Number of servers; >= 1.
    utilisation : float
        Offered load per server; 0 < utilisation < 1.
    service_s : float
        Mean service time, seconds; > 0.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or no theory is known here (sticky).

    Notes
    -----
    Random: each server is an M/M/1 queue. Round robin: each is E_n/M/1, so the response is
    ``S / (1 - sigma)`` with sigma the root in (0, 1) of ``sigma = A*(mu (1 - sigma))``, A* being
    the transform of the gaps (Kleinrock, *Queueing Systems* vol. 1, 1975, section 6.4, the G/M/1
    queue). Power of two: ``S sum_{i >= 1} rho^(2^i - 2)`` (Mitzenmacher, "The Power of Two Choices
    in Randomized Load Balancing", *IEEE Transactions on Parallel and Distributed Systems* 12, 2001;
    Vvedenskaya, Dobrushin and Karpelevich, *Problems of Information Transmission* 32, 1996).

    Examples
    --------
    >>> for policy in ("random", "round robin", "power of two", "join shortest queue"):
    ...     print(policy, round(theory_balancing(policy, servers=10, utilisation=0.9), 2))
    random 10.0
    round robin 5.66
    power of two 2.61
    join shortest queue 1.67
    """
    known = ("random", "round robin", "power of two", *_LOOKS)
    validation.one_of("policy", policy, known)
    n = validation.integer("servers", servers, at_least=1)
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    if policy == "random" or n == 1:
        return service_s / (1 - rho)
    if policy == "round robin":
        return service_s / (1 - _erlang_root(n, rho))
    if policy == "power of two":
        exponents = [2.0**i - 2 for i in range(1, 60)]
        return service_s * sum(rho**e for e in exponents if e * np.log(rho) > -700)
    return float(mmc_response(n * rho / service_s, service_s, n))


def _erlang_root(n: int, rho: float) -> float:
    """Return sigma of the E_n/M/1 queue: (n rho / (n rho + 1 - sigma))^n = sigma."""
    low, high = 0.0, 1.0 - 1e-15
    # f(sigma) - sigma is positive at 0, and negative between the root and 1.
    for _ in range(200):
        middle = (low + high) / 2
        if (n * rho / (n * rho + 1 - middle)) ** n > middle:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=64)
def exact_balancing(policy: str, *, servers: int, utilisation: float) -> float:
    """Return the mean response time in service times, from the Markov chain of the queue lengths.

    Parameters
    ----------
    policy : {"random", "power of two", "join shortest queue", "least connections"}
        A policy that looks at queue lengths, or at nothing.
    servers : int
        Number of servers: at most 2 for random, 4 for the power of two, 10 for the others. Queues
        that nobody levels out drift apart, and the chain needs too many states for more.
    utilisation : float
        Offered load per server; 0 < utilisation <= 0.95.

    Returns
    -------
    float
        Mean response time divided by the mean service time, by Little's law.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    A state is the sorted vector of queue lengths. Where the spread between longest and shortest
    would become too large to matter, a call changes over from the one to the other (Adan, van
    Houtum and van der Wal, "Upper and lower bounds for the waiting time in the symmetric shortest
    queue system", *Annals of Operations Research* 48, 1994).

    Every event changes the total number in the system by one, so the chain is block tridiagonal in
    the total N, and the stationary vector obeys ``pi[N + 1] = pi[N] R[N]`` with
    ``R[N] = up[N] (out[N + 1] - R[N + 1] down[N + 2])^-1``, from the highest level down (linear
    level reduction: Gaver, Jacobs and Latouche, "Finite birth-and-death models in randomly changing
    environments", *Advances in Applied Probability* 16, 1984). Mass and mean above a level are
    carried along, so no R has to be kept.
    """
    validation.one_of("policy", policy, ("random", "power of two", *_LOOKS))
    most = {"random": 2, "power of two": 4}.get(policy, 10)
    n = validation.integer("servers", servers, at_least=1, at_most=most)
    rho = validation.number("utilisation", utilisation, above=0, at_most=0.95)
    if n == 1:
        return 1 / (1 - rho)
    states = _states(policy, n, rho)
    source, target, rate = _transitions(policy, states, rho)
    total = states.sum(axis=1)
    out = np.bincount(source, weights=rate, minlength=len(states))
    place = np.empty(len(states), dtype=np.int64)  # within its level
    levels = [np.flatnonzero(total == level) for level in range(int(total.max()) + 1)]
    while len(levels[-1]) == 0:
        levels.pop()
    for members in levels:
        place[members] = np.arange(len(members))
    by_level = np.argsort(total[source], kind="stable")
    starts = np.searchsorted(total[source][by_level], np.arange(len(levels) + 1))

    def block(level: int, step: int) -> np.ndarray:
        """Rates from a level to the next one up (step 1) or down (-1)."""
        moves = by_level[starts[level] : starts[level + 1]]
        moves = moves[total[target[moves]] == level + step]
        found = np.zeros((len(levels[level]), len(levels[level + step])))
        np.add.at(found, (place[source[moves]], place[target[moves]]), rate[moves])
        return found

    top = len(levels) - 1
    inner = np.diag(out[levels[top]])
    mass, first_moment = np.ones(len(levels[top])), np.full(len(levels[top]), float(top))
    for level in range(top - 1, -1, -1):
        reduction = np.linalg.solve(inner.T, block(level, 1).T).T
        mass = 1 + reduction @ mass
        first_moment = level + reduction @ first_moment
        if level > 0:
            inner = np.diag(out[levels[level]]) - reduction @ block(level + 1, -1)
    return float(first_moment[0] / mass[0]) / (n * rho)


def _states(policy: str, n: int, rho: float) -> np.ndarray:
    """Return the sorted queue lengths of all states kept, longest first, shape (states, n)."""
    shortest = int(np.ceil(np.log(1e-7) / np.log(rho) / n)) + 1
    if policy == "random":
        spread = n * shortest
    else:
        spread = max(d for d in range(1, 13) if comb(n - 1 + d, d) <= 1_000)
    shapes = np.array(
        list(itertools.combinations_with_replacement(range(spread, -1, -1), n - 1)), dtype=np.int64
    ).reshape(-1, n - 1)
    shapes = np.hstack([shapes, np.zeros((len(shapes), 1), dtype=np.int64)])
    return (shapes[None] + np.arange(shortest + 1)[:, None, None]).reshape(-1, n)


def _transitions(
    policy: str, states: np.ndarray, rho: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source, target and rate of every transition between the states kept."""
    n = states.shape[1]
    base = int(states.max()) + 2
    weights = base ** np.arange(n - 1, -1, -1, dtype=object)
    if base**n > 2**62:
        raise ValueError(f"too many states to number: {n} servers, queues up to {base - 2}")
    weights = weights.astype(np.int64)
    codes = states @ weights
    order = np.argsort(codes)
    ranked = codes[order]
    if policy == "random" or n == 1:
        share = np.full(n, 1 / n)
    elif policy == "power of two":  # place i wins against the longer queues before it
        share = 2 * np.arange(n) / (n * (n - 1))
    else:
        share = np.zeros(n)
        share[-1] = 1.0
    rows = np.arange(len(states))
    # Among equals, the first goes up and the last goes down, so that the vector stays sorted.
    first = (states[:, None, :] > states[:, :, None]).sum(axis=2)
    last = (states[:, None, :] >= states[:, :, None]).sum(axis=2) - 1
    spread = states[:, 0] - states[:, -1]
    full = spread == spread.max()
    parts = []
    for i in range(n):
        value = states[:, i]
        if share[i] > 0:
            joined = np.where(full & (value == states[:, 0]), first[rows, -1], first[rows, i])
            parts.append((value >= 0, codes + weights[joined], n * rho * share[i]))
        left = np.where(full & (value == states[:, -1]), last[rows, 0], last[rows, i])
        parts.append((value > 0, codes - weights[left], 1.0))
    sources, targets, rates = [], [], []
    for allowed, code, rate in parts:
        place = np.minimum(np.searchsorted(ranked, code), len(ranked) - 1)
        kept = np.flatnonzero(allowed & (ranked[place] == code))
        sources.append(kept)
        targets.append(order[place[kept]])
        rates.append(np.full(len(kept), rate))
    return np.concatenate(sources), np.concatenate(targets), np.concatenate(rates)
