"""A fixed number of users who think, then pass through stations in a row: the closed loop."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapreplace
from typing import NamedTuple

import numpy as np


def closed_loop(
    thinks: np.ndarray, services: np.ndarray, clients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Run closed networks of single first-come-first-served stations, side by side.

    Parameters
    ----------
    thinks : numpy.ndarray, shape (most + n, rows)
        Think times, seconds: first one for each client's first request (`most` is the largest
        number of clients), then one after each of the n requests.
    services : numpy.ndarray, shape (n, stations, rows)
        Service time of each request at each station, seconds.
    clients : numpy.ndarray of int, shape (rows,)
        Number of clients in each network.

    Returns
    -------
    done_s, responses_s : numpy.ndarray, shape (n, rows)
        When each request left the last station, and how long it had been under way, in the order
        in which the requests entered the first station.

    Notes
    -----
    Requests leave a row of first-come-first-served stations in the order in which they entered
    it, so the next to enter is always the client who next stops thinking, and each station needs
    to remember only when it is next free. Everybody starts by thinking, which a network forgets
    within a few passes.
    """
    requests, stations, rows = services.shape
    most = int(clients.max())
    # Places beyond a row's clients are never ready.
    ready = np.where(np.arange(most) < clients[:, np.newaxis], thinks[:most].T, np.inf)
    flat = ready.ravel()
    offset = np.arange(rows) * most
    free = np.zeros((stations, rows))
    done = np.empty((requests, rows))
    responses = np.empty((requests, rows))
    for i in range(requests):
        place = offset + ready.argmin(axis=1)
        came = flat[place]
        now = came
        for k in range(stations):
            now = np.maximum(now, free[k]) + services[i, k]
            free[k] = now
        done[i] = now
        responses[i] = now - came
        flat[place] = now + thinks[most + i]
    return done, responses


class Passes(NamedTuple):
    """Every request of one closed network, in the order in which they enter the first station.

    Attributes
    ----------
    users : numpy.ndarray of int, shape (n,)
        Whose each is.
    came_s, starts_s, ends_s : numpy.ndarray, shape (n, stations)
        When each comes to each station, is served and goes, seconds.
    """

    users: np.ndarray
    came_s: np.ndarray
    starts_s: np.ndarray
    ends_s: np.ndarray


def passes(
    thinks: np.ndarray, services: np.ndarray, clients: int, factor: Callable[[int, float], float]
) -> Passes:
    """Follow one closed network through every station, as :func:`closed_loop` runs many.

    Parameters
    ----------
    thinks : numpy.ndarray, shape (clients + n,)
        Think times as for :func:`closed_loop`, seconds.
    services : numpy.ndarray, shape (n, stations)
        Service time of each request at each station, seconds.
    clients : int
        Number of clients.
    factor : callable
        ``factor(station, start_s)`` is what a service that starts then is multiplied by.
    """
    ready = [(think, user) for user, think in enumerate(thinks[:clients].tolist())]
    ready.sort()
    free = [0.0] * services.shape[1]
    users, came, starts, ends = [], [], [], []
    for work, think in zip(services.tolist(), thinks[clients:].tolist(), strict=True):
        now, user = ready[0]
        users.append(user)
        for station, needs in enumerate(work):
            came.append(now)
            start = max(now, free[station])
            now = free[station] = start + needs * factor(station, start)
            starts.append(start)
            ends.append(now)
        heapreplace(ready, (now + think, user))
    each = (np.array(times).reshape(services.shape) for times in (came, starts, ends))
    return Passes(np.array(users), *each)


def throughput(done: np.ndarray, warmup: int) -> np.ndarray:
    """Completions per second after the first `warmup` ones, shape (rows,)."""
    return (len(done) - warmup) / (done[-1] - done[warmup - 1])
