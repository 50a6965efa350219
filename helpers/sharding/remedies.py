"""What can be done about a hot key, and what each remedy costs which shard.

With ``"own shard"`` the hottest key has the first shard to itself. With ``"salt"`` it is split into
pieces (``key#0``, ``key#1``, ...); a write goes to a random one and a read asks them all. With
``"copies"`` each copy is complete; a write goes to all of them, a read to a random one. With
``"cache"`` reads of it never reach a shard.
"""

from __future__ import annotations

import numpy as np

from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.router import shard_by_modulo

#: What can be done about a hot key.
FIXES = ("none", "own shard", "salt", "copies", "cache")

#: Keys in all; number 0 is the hottest.
KEYS = 10_000

#: The most pieces or copies of a key.
MOST_PIECES = 16


def work_factor(fix: str, pieces: int, reads: float) -> float:
    """Services that a request for the hot key costs one of its shards, on average.

    The hot key's shard does at least the key's own work per request, whatever else it holds: all
    of it unmended, ``r + (1 - r)/k`` salted, ``r/k + 1 - r`` with copies, ``1 - r`` cached, where
    r is the fraction of reads and k the number of pieces.
    """
    return {
        "salt": reads + (1 - reads) / pieces,
        "copies": reads / pieces + (1 - reads),
        "cache": 1 - reads,
    }.get(fix, 1.0)


def homes(fix: str, hashes: np.ndarray, shards: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the shard of every key, and of every piece or copy of the hottest key.

    The first 10,000 hashes are those of the keys, the others those of the pieces.
    """
    if fix == "own shard":
        home = 1 + shard_by_modulo(hashes[:KEYS], shards - 1)
        return home, np.zeros(1, dtype=np.intp)
    home = shard_by_modulo(hashes[:KEYS], shards)
    if fix in ("salt", "copies"):
        return home, shard_by_modulo(hashes[KEYS:], shards)
    return home, home[:1]


def work_per_request(
    fix: str,
    weights: np.ndarray,
    home: np.ndarray,
    hot_homes: np.ndarray,
    reads: float,
    shards: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean number of services that one client request costs each shard.

    Two arrays of shape (shards,): what the hot key costs, and what the others do.
    """
    others = np.bincount(home[1:], weights=weights[1:], minlength=shards)
    pieces = len(hot_homes)
    each = np.full(pieces, weights[0] * work_factor(fix, pieces, reads))
    return np.bincount(hot_homes, weights=each, minlength=shards), others


def top_key_share(exponent: float, keys: int = KEYS) -> float:
    """Fraction of all requests that ask for the most popular key under Zipf's law.

    ``p1 = 1 / (1 + 2^-s + ... + N^-s)``, one over the generalised harmonic number.
    """
    return float(zipf_weights(keys, exponent)[0])
