"""Goodput of one server under more load than it can take, with and without room to wait."""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations import validation

#: Service time of the server and the client's patience, seconds.
SERVICE_S, PATIENCE_S = 0.1, 1.0


def theory_overload(*, load: float, room: int | None, run_s: float) -> float:
    """Return answers in time over the server's capacity.

    Parameters
    ----------
    load : float
        Arrival rate over capacity; > 0, and not 1 if there is no limit to the room.
    room : int or None
        How many requests may wait; any number when None.
    run_s : float
        Length of the overload, seconds; > 0. Only matters without a limit.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    With room for K requests in all: M/M/1/K, where those let in find k others with probability
    ``p_k / (1 - p_K)`` and take an Erlang(k + 1) time; Kleinrock, *Queueing Systems* vol. 1,
    1975, section 3.6. Without limit and below capacity: M/M/1, ``P(R <= t) = 1 - exp(-(mu -
    lambda) t)``. Above it a fluid: the line grows by ``(load - 1)`` a second, and answers come in
    time only to those who arrive in the first ``t / (load - 1)`` seconds.
    """
    load = validation.number("load", load, above=0)
    run = validation.number("run_s", run_s, above=0, unit="s")
    patience = PATIENCE_S / SERVICE_S
    if room is None:
        if load == 1:
            raise ValueError("load must not be 1 without a limit: there is no steady state")
        if load < 1:
            return load * -math.expm1(-(1 - load) * patience)
        in_time = min((PATIENCE_S - SERVICE_S) / (load - 1), run)
        return load * in_time / run
    capacity = 1 + validation.integer("room", room, at_least=0)
    k = np.arange(capacity + 1)
    weights = load ** (k - capacity).astype(float) if load > 1 else load ** k.astype(float)
    shares = weights / weights.sum()
    # P[Erlang(k + 1) <= t] is the chance of more than k Poisson events by then.
    at_most = np.cumsum(np.exp(k * math.log(patience) - patience - _log_factorials(capacity)))
    return float(load * np.sum(shares[:-1] * (1 - at_most[:-1])))


def _log_factorials(n: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
