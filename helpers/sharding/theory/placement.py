"""What arithmetic says about a placement: load per shard, and shards that a scan must visit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


def theory_placement(utilisation: npt.ArrayLike, service_s: float, horizon_s: float) -> np.ndarray:
    """Mean response time of requests that reach each shard within a given time, seconds.

    Parameters
    ----------
    utilisation : array_like, shape (n,)
        Offered load of each shard: its arrival rate times the service time; >= 0.
    service_s : float
        Mean service time, seconds; > 0.
    horizon_s : float
        Length of the run, which starts with empty queues, seconds; > 0.

    Returns
    -------
    numpy.ndarray, shape (n,)
        ``S / (1 - rho)`` where a shard keeps up; ``S + (rho - 1) T / 2`` where it does not, for
        there the queue grows all the time and what is waited depends on how long it has grown.
        NaN for ``0.95 < rho < 1.05``, where within `horizon_s` neither holds.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The first is the M/M/1 queue (Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3); a shard's
    arrivals are Poisson because a Poisson process split by independent keys stays Poisson. The
    second is the fluid limit: the backlog at time t is ``(rho - 1) t``, half of its end on average
    (Kleinrock, vol. 2, 1976, chapter 2).
    """
    rho = validation.numbers("utilisation", utilisation, at_least=0, ndim=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    horizon_s = validation.number("horizon_s", horizon_s, above=0, unit="s")
    steady = service_s / (1 - np.where(rho < 1, rho, 0.0))
    fluid = service_s + (rho - 1) * horizon_s / 2
    return np.where(rho <= 0.95, steady, np.where(rho >= 1.05, fluid, np.nan))


def theory_range_scan(scheme: str, shards: int, length: int, width: int) -> float:
    """Mean number of shards that hold at least one of `length` consecutive ids.

    Parameters
    ----------
    scheme : {"range", "hash"}
        How ids are placed.
    shards : int
        Number of shards; >= 1.
    length : int
        Consecutive ids asked for; 1 <= length <= shards * width.
    width : int
        Ids per shard under range placement; >= 1.

    Returns
    -------
    float
        Between 1 and `shards`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Hash: every id lands on a uniform shard, so this is the number of occupied boxes after
    throwing `length` balls, ``n (1 - (1 - 1/n)^L)`` (Feller, *An Introduction to Probability
    Theory and Its Applications* vol. 1, 3rd ed. 1968, chapter IV). Range: one shard plus one for
    each boundary crossed, with the start uniform over all places where the scan fits; away from
    the ends that is ``1 + (L - 1) / width``.
    """
    validation.one_of("scheme", scheme, ("range", "hash"))
    shards = validation.integer("shards", shards, at_least=1)
    width = validation.integer("width", width, at_least=1)
    length = validation.integer("length", length, at_least=1, at_most=shards * width)
    if scheme == "hash":
        return shards * (1 - (1 - 1 / shards) ** length)
    boundaries = np.arange(1, shards) * width
    last_start = shards * width - length
    crossing = np.minimum(boundaries - 1, last_start) - np.maximum(boundaries - length + 1, 0) + 1
    return 1 + float(np.maximum(crossing, 0).sum()) / (last_start + 1)
