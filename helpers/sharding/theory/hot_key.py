"""What one popular key allows: ceilings, the price of spreading it, and fan-out to followers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.queueing import mg1_wait

#: What can be done about a hot key.
FIXES = ("none", "own shard", "salt", "copies", "cache")


def theory_top_key_share(keys: int, exponent: float) -> float:
    """Fraction of all requests that ask for the most popular key.

    Parameters
    ----------
    keys : int
        Number of keys N; >= 1.
    exponent : float
        Skew s of Zipf's law; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``p1 = 1 / (1 + 2^-s + ... + N^-s)``, one over the generalised harmonic number.
    """
    keys = validation.integer("keys", keys, at_least=1)
    exponent = validation.number("exponent", exponent, at_least=0)
    return 1 / float((np.arange(1, keys + 1, dtype=float) ** -exponent).sum())


def theory_shard_ceiling(
    hot_share: float, fix: str = "none", pieces: int = 1, read_fraction: float = 1.0
) -> float:
    """Most that any number of shards can carry, in multiples of what one shard can.

    Parameters
    ----------
    hot_share : float
        Fraction p1 of requests for the hottest key; 0 < hot_share <= 1.
    fix : {"none", "own shard", "salt", "copies", "cache"}
        What is done about it. ``"salt"``: a write goes to one of k pieces, a read asks all.
        ``"copies"``: a write goes to all of k copies, a read asks one. ``"cache"``: reads of the
        key never reach a shard.
    pieces : int
        Pieces or copies k; >= 1.
    read_fraction : float
        Fraction r of requests that read; 0 to 1.

    Returns
    -------
    float
        ``1 / p1`` times what the fix is worth; infinity if it removes the key's load altogether.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The hot key's shard does at least the key's own work per request, whatever else it holds:
    ``p1`` unmended, ``p1 (r + (1 - r)/k)`` salted, ``p1 (r/k + 1 - r)`` with copies,
    ``p1 (1 - r)`` cached. Its throughput ends where that reaches the shard's capacity. (With
    pieces on different shards; the next hottest key sets a ceiling of its own.)
    """
    p1 = validation.number("hot_share", hot_share, above=0, at_most=1)
    validation.one_of("fix", fix, FIXES)
    k = validation.integer("pieces", pieces, at_least=1)
    r = validation.number("read_fraction", read_fraction, at_least=0, at_most=1)
    per_shard = {
        "none": 1.0,
        "own shard": 1.0,
        "salt": r + (1 - r) / k,
        "copies": r / k + (1 - r),
        "cache": 1 - r,
    }[fix]
    return 1 / (p1 * per_shard) if per_shard else np.inf


def theory_fan_out(
    followers: npt.ArrayLike,
    threshold: float,
    post_rate_rps: float,
    delivery_rps: float,
) -> tuple[float, float]:
    """Load of the fan-out workers and mean wait of a post before its own delivery begins.

    Parameters
    ----------
    followers : array_like, shape (authors,)
        Followers of each author; every author posts equally often. > 0.
    threshold : float
        Posts of authors with at most this many followers are pushed, others left to be pulled.
    post_rate_rps : float
        Posts per second of all authors together; > 0.
    delivery_rps : float
        Timeline insertions per second that the workers make; > 0.

    Returns
    -------
    (float, float)
        Utilisation and mean wait in seconds; the wait is infinite if the utilisation reaches 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    One FIFO queue of posts with service time ``followers / delivery rate``, or none for pulled
    posts: an M/G/1 queue, ``W = lambda E[S^2] / (2 (1 - rho))`` (Pollaczek-Khinchine; Kleinrock,
    *Queueing Systems* vol. 1, 1975, chapter 5).
    """
    followers = validation.numbers("followers", followers, above=0, ndim=1)
    threshold = validation.number("threshold", threshold, at_least=0)
    rate = validation.number("post_rate_rps", post_rate_rps, above=0, unit="posts/s")
    delivery = validation.number("delivery_rps", delivery_rps, above=0, unit="insertions/s")
    service = np.where(followers <= threshold, followers, 0.0) / delivery
    mean = float(service.mean())
    if rate * mean >= 1:
        return rate * mean, np.inf
    if mean == 0:
        return 0.0, 0.0
    return rate * mean, mg1_wait(rate, mean, max(float((service**2).mean()) / mean**2 - 1, 0.0))
