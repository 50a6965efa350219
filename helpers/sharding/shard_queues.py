"""Requests that queue on their shards: drawn once for a seed, served one after the other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations.queueing import fifo_waits
from helpers.foundations.traffic.streams import streams


@lru_cache(maxsize=64)
def unit_draws(seed: int, name: str, kind: str, size: int) -> np.ndarray:
    """Return `size` exponential or uniform numbers of a named stream, read-only and kept.

    A slider that changes a rate must not change the traffic, so the raw numbers are drawn once for
    a seed and only rescaled.
    """
    rng = streams(seed, name)[name]
    draws = rng.standard_exponential(size) if kind == "exponential" else rng.random(size)
    draws.setflags(write=False)
    return draws


def poisson_arrivals(rate_rps: float, horizon_s: float, most: int, seed: int) -> np.ndarray:
    """Return the Poisson arrivals up to the horizon, seconds, at most `most` of them.

    `most` must leave room: four standard deviations above the largest mean a slider can reach.
    """
    arrivals = _unit_arrivals(seed, most)
    count = int(np.searchsorted(arrivals, rate_rps * horizon_s))
    if count == most:
        raise ValueError(f"rate_rps must leave at most {most} requests, got {rate_rps:g}")
    return arrivals[:count] / rate_rps


@lru_cache(maxsize=16)
def _unit_arrivals(seed: int, most: int) -> np.ndarray:
    arrivals = np.cumsum(unit_draws(seed, "arrivals", "exponential", most))
    arrivals.setflags(write=False)
    return arrivals


def queue_on_shards(
    arrivals_s: np.ndarray,
    services_s: np.ndarray,
    shard: np.ndarray,
    shards: int,
    quantile: float = 0.99,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return response times when every shard is one FIFO server.

    Parameters
    ----------
    arrivals_s : numpy.ndarray, shape (n,)
        Non-decreasing, seconds.
    services_s : numpy.ndarray, shape (n,)
        Seconds.
    shard : numpy.ndarray of int, shape (n,)
        Which shard each request goes to.
    shards : int
        Number of shards; at most 256.
    quantile : float
        Which quantile to return for each shard.

    Returns
    -------
    responses : numpy.ndarray, shape (n,)
        Waiting plus service of each request, seconds.
    means, quantiles : numpy.ndarray, shape (shards,)
        Of each shard's responses; NaN where no request came.
    """
    order = np.argsort(shard.astype(np.uint8), kind="stable")  # a radix sort, for such small keys
    ends = np.cumsum(np.bincount(shard, minlength=shards)).tolist()
    arrivals, services = arrivals_s[order], services_s[order]
    responses = np.empty(len(arrivals))
    means, quantiles = np.full((2, shards), np.nan)
    start = 0
    for k, end in enumerate(ends):
        if end > start:
            here = slice(start, end)
            times = fifo_waits(arrivals[here], services[here], 1) + services[here]
            responses[order[here]] = times
            rank = min(int(quantile * len(times)), len(times) - 1)
            means[k], quantiles[k] = times.mean(), np.partition(times, rank)[rank]
        start = end
    return responses, means, quantiles
