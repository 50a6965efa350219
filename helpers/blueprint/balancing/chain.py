"""The exact answer for a modest number of servers: the Markov chain of the queue lengths."""

from __future__ import annotations

import itertools
from functools import lru_cache
from math import comb

import numpy as np

from helpers.foundations import validation

_POLICIES = ("random", "power of two", "least connections", "join shortest queue")


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
    validation.one_of("policy", policy, _POLICIES)
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
