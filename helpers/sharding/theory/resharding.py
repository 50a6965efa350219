"""What it costs to change the number of shards: keys moved, hours, and rows hit on the way."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.queueing import mg1_wait

#: Ways of placing keys that a change of the number of shards can be asked about.
SCHEMES = ("range", "mod N", "ring", "slots")

#: Ways of moving a table while it is written to.
MOVE_PROTOCOLS = ("copy, then switch", "dual write", "copy, replay, fenced switch")


def theory_resharding(scheme: str, before: int, after: int) -> float:
    """Mean fraction of keys that change shard when the number of shards changes.

    Parameters
    ----------
    scheme : {"range", "mod N", "ring", "slots"}
        How keys are placed; ``"range"`` splits one shard's range in two for each shard added.
    before, after : int
        Numbers of shards; >= 1. For ``"range"``, `after` is `before` + 1.

    Returns
    -------
    float
        Between 0 and 1. No scheme that stays even can move less than ``|after - before| / max``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Mod N: a key stays if its hash has the same remainder by both numbers, which happens for
    ``min(n, m)`` of ``lcm(n, m)`` remainders; from N to N + 1 that leaves ``N / (N + 1)`` moving.
    Ring and slots: what the newcomers own, ``1 / (N + 1)`` for one of them (Karger et al., STOC
    1997). Range: half of one shard's keys.
    """
    validation.one_of("scheme", scheme, SCHEMES)
    before = validation.integer("before", before, at_least=1)
    after = validation.integer("after", after, at_least=1)
    if scheme == "mod N":
        return 1 - min(before, after) / math.lcm(before, after)
    if scheme == "range":
        validation.integer("after", after, at_least=before + 1, at_most=before + 1)
        return 0.5 / before
    return abs(after - before) / max(before, after)


def theory_resharding_sd(shards: int, virtual_nodes: int) -> float:
    """Return the standard deviation, ring to ring, of the fraction that one newcomer takes over.

    Parameters
    ----------
    shards : int
        Number of shards before the newcomer, N; >= 1.
    virtual_nodes : int
        Points per shard V; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    What moves is the newcomer's share, Beta(V, N V): variance ``N / ((N + 1)^2 ((N + 1) V + 1))``.
    """
    n = validation.integer("shards", shards, at_least=1)
    v = validation.integer("virtual_nodes", virtual_nodes, at_least=1)
    return math.sqrt(n / ((n + 1) ** 2 * ((n + 1) * v + 1)))


def theory_migration(
    live_utilisation: float,
    copy_share: float,
    service_s: float,
    chunk_s: float,
) -> float:
    """Mean response time of live requests on a shard that is being copied, seconds.

    Parameters
    ----------
    live_utilisation : float
        Fraction of the disk's time that live requests need; >= 0.
    copy_share : float
        Fraction that the copy may take; >= 0, and both together < 1.
    service_s : float
        Mean service time of a live request (exponential), seconds; > 0.
    chunk_s : float
        Time for which one chunk of the copy holds the disk (constant), seconds; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    One FIFO disk serves both: an M/G/1 queue of mixed jobs, so ``W = (lambda 2 S^2 + gamma c^2) /
    (2 (1 - rho))`` with ``lambda = live_utilisation / S`` and ``gamma = copy_share / c``
    (Pollaczek-Khinchine; Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 5).
    """
    live = validation.number("live_utilisation", live_utilisation, at_least=0, below=1)
    share = validation.number("copy_share", copy_share, at_least=0, below=1 - live)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    chunk_s = validation.number("chunk_s", chunk_s, above=0, unit="s")
    live_rate, copy_rate = live / service_s, share / chunk_s
    rate = live_rate + copy_rate
    if rate == 0:
        return service_s
    mean = (live + share) / rate
    second = (live_rate * 2 * service_s**2 + copy_rate * chunk_s**2) / rate
    return mg1_wait(rate, mean, max(second / mean**2 - 1, 0.0)) + service_s


def theory_migration_time(data_gb: float, copy_mb_s: float, write_mb_s: float) -> float:
    """Time to move `data_gb` while writes keep changing what was already copied, seconds.

    Parameters
    ----------
    data_gb : float
        What has to move, gigabytes; > 0.
    copy_mb_s : float
        Rate at which it is copied, megabytes per second; > 0.
    write_mb_s : float
        Rate at which live writes add to what must be copied, megabytes per second; >= 0.

    Returns
    -------
    float
        Infinity if the copy is not faster than the writes.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Copying D takes ``D/m``, in which ``w D/m`` is written, which takes ``w D/m^2`` to copy, and so
    on: a geometric series with the sum ``D / (m - w)``.
    """
    data_gb = validation.number("data_gb", data_gb, above=0, unit="GB")
    copy = validation.number("copy_mb_s", copy_mb_s, above=0, unit="MB/s")
    write = validation.number("write_mb_s", write_mb_s, at_least=0, unit="MB/s")
    return 1e3 * data_gb / (copy - write) if copy > write else math.inf


def theory_stale_row(
    protocol: str, writes_in_gap: npt.ArrayLike, writes_after: npt.ArrayLike
) -> np.ndarray:
    """Probability that a row ends stale, by the writes it can expect around its copying.

    Parameters
    ----------
    protocol : {"copy, then switch", "dual write", "copy, replay, fenced switch"}
        How the move is made.
    writes_in_gap : array_like
        Mean number of writes to the row between the reading and the writing of its copy; >= 0.
    writes_after : array_like
        Mean number between the writing of its copy and the switch; >= 0, same shape.

    Returns
    -------
    numpy.ndarray
        Probabilities, same shape.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Writes to a row are Poisson, g of them in the gap and h after it. Copy, then switch: stale if
    any write came after the reading, ``1 - exp(-(g + h))``. Dual write: stale if a write fell into
    the gap and none after it has healed the row, ``(1 - exp(-g)) exp(-h)``. Replaying the log
    behind a fence: never.
    """
    validation.one_of("protocol", protocol, MOVE_PROTOCOLS)
    gap = validation.numbers("writes_in_gap", writes_in_gap, at_least=0)
    after = validation.numbers("writes_after", writes_after, at_least=0)
    if protocol == "copy, then switch":
        return -np.expm1(-gap - after)
    if protocol == "dual write":
        return -np.expm1(-gap) * np.exp(-after)
    return np.zeros(np.broadcast(gap, after).shape)


def theory_online_move(
    protocol: str, position: npt.ArrayLike, writes_per_row: float, chunk_share: float
) -> np.ndarray:
    """Probability that the row at `position` of a table ends stale after the table was moved.

    Parameters
    ----------
    protocol : {"copy, then switch", "dual write", "copy, replay, fenced switch"}
        How the move is made.
    position : array_like
        Where in the copying order the row stands, 0 (first) to 1 (last).
    writes_per_row : float
        Mean number of writes that a row gets during the whole copy; >= 0.
    chunk_share : float
        Part of the table that is read, and then written, at a time; 0 < chunk_share <= 1.

    Returns
    -------
    numpy.ndarray
        Probabilities, same shape as `position`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    :func:`theory_stale_row` at an even pace: the row's chunk, a part w of the table, is read when
    the part r of the move is done and written when r + w is, so of its a writes a w are expected
    in the gap and a (1 - r - w) after it.
    """
    where = validation.numbers("position", position, at_least=0, at_most=1)
    writes = validation.number("writes_per_row", writes_per_row, at_least=0)
    chunk = validation.number("chunk_share", chunk_share, above=0, at_most=1)
    read_at = np.minimum(np.floor(where / chunk), np.ceil(1 / chunk) - 1) * chunk
    gap = np.minimum(chunk, 1 - read_at)
    return theory_stale_row(protocol, writes * gap, writes * np.maximum(1 - read_at - gap, 0.0))
