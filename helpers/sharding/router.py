"""Who keeps which key: the hash, the ring, and the other ways of mapping keys to shards.

Everything here is deterministic. Python's own ``hash`` is salted anew in every process for
strings, so two application servers would disagree about where a user lives; the hashes below give
the same answer everywhere, for ever.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

#: Number of slots of the slot table, the same as Redis Cluster has.
SLOTS = 16_384

_MAX_SLOT_SHARDS = 256
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_CIRCLE = 2.0**64
_POINT_TAG = np.uint64(1 << 63)  # keys stay below it


def hash64(keys: npt.ArrayLike, seed: int = 0) -> np.ndarray:
    """Hash whole numbers to 64 bits, the same in every process and on every machine.

    Parameters
    ----------
    keys : array_like of int
        Keys, >= 0, any shape.
    seed : int
        Selects one of many hash functions; >= 0.

    Returns
    -------
    numpy.ndarray of uint64
        One hash per key, same shape. For one seed, different keys never collide.

    Notes
    -----
    Two rounds of the finaliser of SplitMix64, each a bijection on 64 bits: Steele, Lea and Flood,
    "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    seed = validation.integer("seed", seed, at_least=0)
    values = np.asarray(keys)
    if values.dtype.kind not in "iu":
        raise TypeError(f"keys must be whole numbers >= 0, got dtype {values.dtype}")
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise ValueError(f"keys must be whole numbers >= 0, got {values.min()}")
    # Mixed twice, or key 7 under seed 7 would always hash to 0.
    salt = _mix(_mix(np.array([seed % 2**64], dtype=np.uint64) + _GOLDEN))
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is the point
        return _mix(_mix(values.astype(np.uint64) + _GOLDEN) ^ salt)


def _mix(bits: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
        bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
        return bits ^ (bits >> np.uint64(31))


def hash_text(text: str) -> int:
    """Hash a string to 64 bits, the same in every process: BLAKE2b, first eight bytes.

    Notes
    -----
    BLAKE2b: RFC 7693.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {text!r} ({type(text).__name__})")
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def shard_by_range(ids: npt.ArrayLike, shards: int, width: int) -> np.ndarray:
    """Return the shard of each id when shard k holds ids ``k * width`` to ``(k + 1) * width - 1``.

    The last shard is open-ended: ids past the planned range land there too, as they do in a
    database whose last range has no upper bound.

    Parameters
    ----------
    ids : array_like of int
        Ids, counted from 0.
    shards : int
        Number of shards; >= 1.
    width : int
        Ids per shard; >= 1.
    """
    shards = validation.integer("shards", shards, at_least=1)
    width = validation.integer("width", width, at_least=1)
    return np.minimum(np.asarray(ids) // width, shards - 1)


def shard_by_modulo(hashes: np.ndarray, shards: int) -> np.ndarray:
    """Return ``hash % shards``: even, simple, and upset by any change in the number of shards."""
    shards = validation.integer("shards", shards, at_least=1)
    return (hashes % np.uint64(shards)).astype(np.intp)


def points_of(shard: int, virtual_nodes: int, seed: int) -> list[int]:
    """Return where a shard's virtual nodes stand on the circle of 2^64 positions.

    They depend on nothing but the shard and the seed.
    """
    return [int(point) for point in _points(np.array([shard]), virtual_nodes, seed)[0]]


def _points(shards: np.ndarray, virtual_nodes: int, seed: int) -> np.ndarray:
    # Without the tag, key 7 and the point named 7 would have one hash, and key 7 one home.
    names = _POINT_TAG + (shards.astype(np.uint64)[:, None] << np.uint64(32))
    return hash64(names + np.arange(virtual_nodes, dtype=np.uint64), seed)


class Ring:
    """A consistent-hash ring with virtual nodes.

    Each shard puts `virtual_nodes` points on a circle of 2^64 positions. A key belongs to the
    first point at or after its own hash, going clockwise and round past zero.

    Parameters
    ----------
    shards : int
        Number of shards; >= 1.
    virtual_nodes : int
        Points per shard; >= 1.
    seed : int
        Which ring of the many possible ones; >= 0. A shard's points depend on nothing but the
        shard and the seed, so rings that differ by a shard share all other points.

    Attributes
    ----------
    points : numpy.ndarray of uint64, shape (shards * virtual_nodes,)
        Positions on the circle, ascending.
    owners : numpy.ndarray of int, same shape
        The shard that put each point there.

    Notes
    -----
    Karger, Lehman, Leighton, Panigrahy, Levine and Lewin, "Consistent hashing and random trees",
    STOC 1997. Virtual nodes under that name: DeCandia et al., "Dynamo", SOSP 2007, section 4.2.
    """

    def __init__(self, shards: int, virtual_nodes: int = 1, seed: int = 1) -> None:
        self.shards = validation.integer("shards", shards, at_least=1)
        self.virtual_nodes = validation.integer("virtual_nodes", virtual_nodes, at_least=1)
        hashes = _points(np.arange(shards), virtual_nodes, seed).ravel()
        order = np.argsort(hashes)
        self.points = hashes[order]
        self.owners = order // virtual_nodes

    def locate(self, hashes: np.ndarray) -> np.ndarray:
        """Return the shard that each hash belongs to: the owner of the first point not before it.

        Parameters
        ----------
        hashes : numpy.ndarray of uint64
            Positions on the circle, any shape.
        """
        successor = np.searchsorted(self.points, hashes, side="left")
        return self.owners[successor % len(self.points)]

    def shares(self) -> np.ndarray:
        """Return the fraction of the circle that each shard owns, shape (shards,), summing to 1."""
        arcs = np.diff(self.points, prepend=self.points[-1])  # unsigned, so it wraps past zero
        if len(arcs) == 1:
            return np.ones(1)
        return np.bincount(self.owners, weights=arcs / _CIRCLE, minlength=self.shards)


@lru_cache(maxsize=_MAX_SLOT_SHARDS)
def slot_table(shards: int) -> np.ndarray:
    """Return the shard of each of the 16,384 slots after growing from one shard to `shards`.

    A newcomer takes its fair part of the slots, the last ones of each present shard, and no other
    slot moves. Keys hash to slots, and slots never change; only the table does.

    Parameters
    ----------
    shards : int
        Number of shards; 1 to 256.

    Returns
    -------
    numpy.ndarray of int, shape (16384,)
        The shard of each slot, read-only; the numbers of slots differ by one at most.
    """
    shards = validation.integer("shards", shards, at_least=1, at_most=_MAX_SLOT_SHARDS)
    if shards == 1:
        table = np.zeros(SLOTS, dtype=np.intp)
    else:
        newcomer = shards - 1
        table = slot_table(newcomer).copy()
        fair, larger = divmod(SLOTS, shards)
        # The shards that may keep one slot more are those that have most now.
        keep = np.full(newcomer, fair)
        keep[np.argsort(-np.bincount(table), kind="stable")[:larger]] += 1
        for shard in range(newcomer):
            slots = np.flatnonzero(table == shard)
            table[slots[keep[shard] :]] = newcomer
    table.setflags(write=False)
    return table


def shard_by_slot(hashes: np.ndarray, shards: int) -> np.ndarray:
    """Return the shard of each hash through the slot table."""
    return slot_table(shards)[(hashes % np.uint64(SLOTS)).astype(np.intp)]
