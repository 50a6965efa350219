"""A database's connections: equal queries queue for them, first come first served."""

from __future__ import annotations

import numpy as np

_HAIR_S = 1e-9


def starts_of(arrivals_s: np.ndarray, query_s: float, connections: int) -> np.ndarray:
    """Return when queries of equal length get a connection.

    Equal queries end in the order they began, so query n gets the connection of query
    ``n - connections``: the queue is as many single-server queues, dealt like cards, and each is
    solved by a running maximum. A test compares this with `foundations.queueing.fifo_waits`.

    Parameters
    ----------
    arrivals_s : numpy.ndarray, shape (n,) or (R, n)
        Ascending along the last axis.
    query_s : float
    connections : int

    Returns
    -------
    numpy.ndarray
        Start times, same shape.
    """
    *rows, size = arrivals_s.shape
    turns = -(-size // connections)
    dealt = np.full((*rows, turns * connections), np.inf)
    dealt[..., :size] = arrivals_s
    dealt = dealt.reshape(*rows, turns, connections)
    earlier_work = query_s * np.arange(turns)[:, np.newaxis]
    starts = np.maximum.accumulate(dealt - earlier_work, axis=-2) + earlier_work
    # The round trip through the subtraction may land a hair off the arrival.
    waits: np.ndarray = starts > dealt + _HAIR_S
    return np.where(waits, starts, dealt).reshape(*rows, -1)[..., :size]


def saturated_s(arrivals_s: np.ndarray, departures_s: np.ndarray, connections: int) -> float:
    """Return for how long at least as many queries as connections were there, seconds."""
    times = np.concatenate([arrivals_s, departures_s])
    change = np.repeat([1, -1], [arrivals_s.size, departures_s.size])
    order = np.argsort(times, kind="stable")
    present = np.cumsum(change[order])[:-1]
    return float(np.diff(times[order])[present >= connections].sum())
