"""Exact waiting times of a first-come-first-served station with any number of servers."""

from __future__ import annotations

from heapq import heapreplace

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


def fifo_waits(arrivals_s: npt.ArrayLike, services_s: npt.ArrayLike, servers: int) -> np.ndarray:
    """Return how long each customer waits at a first-come-first-served station.

    Parameters
    ----------
    arrivals_s : array_like, shape (n,) or (R, n)
        Arrival times in seconds, >= 0, non-decreasing along the last axis; R is the number of
        independent replications.
    services_s : array_like, shape (n,) or (R, n)
        Service times in seconds, >= 0. The two shapes are broadcast against each other, so that
        one path of arrivals can meet R draws of services.
    servers : int
        Number of servers that share the one queue; >= 1.

    Returns
    -------
    numpy.ndarray
        Waiting times in seconds, excluding service; shape (n,) or (R, n).

    Raises
    ------
    TypeError
        If an array is not of real numbers or `servers` is not an integer.
    ValueError
        If a time is negative or not finite, arrivals are out of order, shapes do not match, or
        `servers` is less than 1.

    Notes
    -----
    ``start = max(arrival, earliest time a server is free)``, ``wait = start - arrival``: for one
    server this is Lindley's recursion (Lindley, "The theory of queues with a single server",
    1952), for several Kiefer and Wolfowitz's ("On the theory of queues with many servers", 1955).

    Several replications are stepped together, one customer of each at a time, and give the very
    bits of :func:`~helpers.foundations.queueing.station.simpy_waits`; so does a single path with
    several servers. A single path, shape (n,), with one server is computed from cumulative sums
    instead, which is ten times faster than a loop but rounds in another order: waits then agree to
    within ``1e-12`` of the time of the last arrival. Pass ``arrivals_s[np.newaxis]`` for the bits.

    Stepping goes customer by customer, so it is quickest where the replications of one customer
    lie side by side in memory (Fortran order). That is how :mod:`helpers.foundations.traffic`
    draws, and how the result is laid out; other arrays are copied first.
    """
    servers = validation.integer("servers", servers, at_least=1)
    arrivals = _times("arrivals_s", arrivals_s)
    services = _times("services_s", services_s)
    ordered = arrivals[..., 1:] >= arrivals[..., :-1]
    if not ordered.all():
        first = tuple(int(i) for i in np.argwhere(~ordered)[0])
        after = (*first[:-1], first[-1] + 1)
        raise ValueError(
            "arrivals_s must be non-decreasing along the last axis, got "
            f"{validation.exact(arrivals[after])} at {_position(after)} "
            f"after {validation.exact(arrivals[first])}"
        )
    if arrivals.shape[-1] != services.shape[-1]:
        raise ValueError(
            f"services_s must be one per arrival: shape (..., {arrivals.shape[-1]}), "
            f"got shape {services.shape}"
        )
    try:
        arrivals, services = np.broadcast_arrays(arrivals, services)
    except ValueError:
        raise ValueError(
            f"services_s must match the shape of arrivals_s {arrivals.shape}, "
            f"got shape {services.shape}"
        ) from None

    if arrivals.ndim == 1:
        if servers == 1:
            return _one_path_one_server(arrivals, services)
        return _one_path(arrivals, services, servers)
    if len(arrivals) < _FEW_PATHS:
        return np.stack([_one_path(a, s, servers) for a, s in zip(arrivals, services, strict=True)])
    return _across_replications(arrivals, services, servers)


def queue_length_at(
    times_s: npt.ArrayLike, arrivals_s: npt.ArrayLike, departures_s: npt.ArrayLike
) -> np.ndarray:
    """Return the number of customers in the system, waiting or in service, at given instants.

    Parameters
    ----------
    times_s : array_like
        Instants in seconds, any shape.
    arrivals_s, departures_s : array_like, shape (n,)
        When each customer came and went, seconds, in any order.

    Returns
    -------
    numpy.ndarray of int
        Customers that have come and not gone, same shape as `times_s`. A customer counts from its
        arrival on, and at its departure no longer.

    Raises
    ------
    TypeError, ValueError
        If a time is not a finite number or the two shapes differ.
    """
    times = validation.numbers("times_s", times_s, unit="s")
    arrivals = validation.numbers("arrivals_s", arrivals_s, unit="s", ndim=1)
    departures = validation.numbers("departures_s", departures_s, unit="s", ndim=1)
    if arrivals.shape != departures.shape:
        raise ValueError(
            f"departures_s must be one per arrival: shape {arrivals.shape}, "
            f"got shape {departures.shape}"
        )
    came = np.searchsorted(np.sort(arrivals), times, side="right")
    return came - np.searchsorted(np.sort(departures), times, side="right")


#: Below this many replications a loop over customers beats numpy's cost per call.
_FEW_PATHS = 8

#: Customers of one path taken together; their temporaries stay in the processor's cache.
_BLOCK = 1 << 14


def _one_path_one_server(arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
    """Lindley's recursion solved: the wait is how far a random walk stands above its minimum.

    Each block starts afresh from the last wait before it, so rounding does not pile up.
    """
    waits = np.empty(arrivals.size)
    waits[0] = 0.0
    scratch = np.empty(min(_BLOCK, arrivals.size))
    for first in range(1, arrivals.size, _BLOCK):
        walk = waits[first : first + _BLOCK]
        last = first + walk.size
        lowest = gaps = scratch[: walk.size]
        np.subtract(arrivals[first:last], arrivals[first - 1 : last - 1], out=gaps)
        np.subtract(services[first - 1 : last - 1], gaps, out=walk)
        walk[0] += waits[first - 1]
        np.add.accumulate(walk, out=walk)
        np.fmin.accumulate(walk, out=lowest)  # a third quicker than minimum; no wait is NaN
        np.minimum(lowest, 0.0, out=lowest)
        walk -= lowest
    return waits


def _one_path(arrivals: np.ndarray, services: np.ndarray, servers: int) -> np.ndarray:
    free = [0.0] * servers  # a heap: when each server is next free, the earliest first
    starts = []
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        start = arrival if arrival > free[0] else free[0]
        heapreplace(free, start + service)
        starts.append(start)
    waits: np.ndarray = np.array(starts) - arrivals
    return waits


def _across_replications(arrivals: np.ndarray, services: np.ndarray, servers: int) -> np.ndarray:
    """Step all replications together, one customer of each at a time."""
    arrivals, services = np.ascontiguousarray(arrivals.T), np.ascontiguousarray(services.T)
    starts = np.empty(arrivals.shape)
    if servers == 1:
        _step_one_server(arrivals, services, starts)
    elif servers <= arrivals.shape[1] // 20:  # where the two take equally long, as measured
        _step_sorted_servers(arrivals, services, starts, servers)
    else:
        _step_any_servers(arrivals, services, starts, servers)
    starts -= arrivals
    return starts.T


def _step_one_server(arrivals: np.ndarray, services: np.ndarray, starts: np.ndarray) -> None:
    free = np.zeros(arrivals.shape[1])
    for arrival, service, start in zip(arrivals, services, starts, strict=True):
        np.maximum(arrival, free, out=start)
        np.add(start, service, out=free)


def _step_sorted_servers(
    arrivals: np.ndarray, services: np.ndarray, starts: np.ndarray, servers: int
) -> None:
    """Keep the servers in order of when they are free; the new time bubbles up to its place."""
    free = list(np.zeros((servers, arrivals.shape[1])))
    end = np.empty(arrivals.shape[1])
    for arrival, service, start in zip(arrivals, services, starts, strict=True):
        np.maximum(arrival, free[0], out=start)
        np.add(start, service, out=end)
        for place in range(1, servers):
            np.minimum(end, free[place], out=free[place - 1])
            np.maximum(end, free[place], out=end)
        free[-1], end = end, free[-1]


def _step_any_servers(
    arrivals: np.ndarray, services: np.ndarray, starts: np.ndarray, servers: int
) -> None:
    """Look for the earliest server: a cost per step that hardly grows with their number."""
    replications = arrivals.shape[1]
    free = np.zeros(replications * servers)
    rows = free.reshape(replications, servers)
    offsets = np.arange(replications) * servers
    earliest, end = np.empty(replications, dtype=np.intp), np.empty(replications)
    for arrival, service, start in zip(arrivals, services, starts, strict=True):
        rows.argmin(axis=1, out=earliest)
        np.add(earliest, offsets, out=earliest)
        free.take(earliest, out=end, mode="clip")  # clip only because it skips a buffer
        np.maximum(arrival, end, out=start)
        np.add(start, service, out=end)
        free[earliest] = end


def _times(name: str, values: npt.ArrayLike) -> np.ndarray:
    """Return a float array of times, with the full check only where the quick one fails."""
    array = np.asarray(values) if isinstance(values, np.ndarray) else None
    if (
        array is not None
        and array.dtype == np.float64
        and array.ndim in (1, 2)
        and array.size
        and array.min() >= 0
        and array.max() < np.inf
    ):
        return array
    return validation.numbers(name, values, at_least=0, unit="s", ndim=(1, 2))


def _position(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"
