"""A queue of several servers at a random moment of its steady state, to begin a run with.

A run that begins empty shows too few who wait until the queue has filled up, which near saturation
takes thousands of requests. One that begins with a crowd of the right distribution, and whose first
request comes at once, is right from the first request on: random arrivals meet the steady state
(Wolff, "Poisson Arrivals See Time Averages", *Operations Research* 30(2), 1982).
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapreplace

import numpy as np
import numpy.typing as npt

from helpers.foundations.queueing.engine import fifo_waits

#: Requests beyond the servers that a crowd may have; more are hardly ever there.
MOST_IN_LINE = 500


def crowds(load: float, servers: int, chances: npt.ArrayLike) -> np.ndarray:
    """Return how many requests are in an M/M/c station, for each of some uniform numbers.

    Kleinrock, *Queueing Systems* vol. 1, 1975, section 3.5.

    Parameters
    ----------
    load : float
        Offered load, erlangs; below `servers`.
    servers : int
    chances : array_like
        Between 0 and 1.
    """
    there = np.arange(1, servers + MOST_IN_LINE)
    # Logarithms, because a thousand erlangs to the power of a thousand is more than a float holds.
    logs = np.concatenate([[0.0], np.cumsum(np.log(load / np.minimum(there, servers)))])
    shares = np.cumsum(np.exp(logs - logs.max()))
    return np.searchsorted(shares / shares[-1], chances)


def busy(services: Iterable[float], servers: int) -> list[float]:
    """Return for how long each server is still busy with a crowd, in the order of a heap.

    Parameters
    ----------
    services : iterable of float
        Service times of the requests that are there, in their order. If they are exponential, what
        is left of one that has begun is as long as a whole one.
    servers : int
    """
    free = [0.0] * servers
    for service in services:
        heapreplace(free, free[0] + service)
    return free


def still_busy(
    load: float, servers: int, chances: npt.NDArray[np.float64], services: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return for how long each server is still busy when each of several runs begins.

    Parameters
    ----------
    load : float
        Offered load, erlangs; below `servers`.
    servers : int
    chances : numpy.ndarray, shape (runs,)
        Between 0 and 1: how many requests each run finds there.
    services : numpy.ndarray, shape (at least servers + MOST_IN_LINE, runs)
        Their service times, exponential.

    Returns
    -------
    numpy.ndarray, shape (servers, runs)
    """
    runs = zip(crowds(load, servers, chances).tolist(), services.T, strict=True)
    return np.array([busy(each[:there].tolist(), servers) for there, each in runs]).T


def waits(
    arrivals: npt.NDArray[np.float64],
    services: npt.NDArray[np.float64],
    before: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the waits of requests who come to servers that are busy at first.

    Parameters
    ----------
    arrivals, services : numpy.ndarray, shape (requests, runs)
        Time runs down the first axis, from 0 on.
    before : numpy.ndarray, shape (servers, runs)
        For how long each server is still busy.

    Returns
    -------
    numpy.ndarray, shape (requests, runs)
    """
    servers = len(before)
    all_waits = fifo_waits(
        np.concatenate([np.zeros_like(before), arrivals]).T,
        np.concatenate([before, services]).T,
        servers,
    )
    return all_waits.T[servers:]
