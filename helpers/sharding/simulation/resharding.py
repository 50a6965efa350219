"""From n to n + 1 shards: which keys move."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.sharding.placement import Ring, hash64, shard_by_modulo, shard_by_slot
from helpers.sharding.theory.resharding import (
    SCHEMES,
    theory_resharding,
    theory_resharding_sd,
)

_KEYS = 10_000
_DRAWN = 480
_SIZES = np.arange(1, 17)


class ReshardingResult(Result):
    """Keys that change shard when one is added, and where a few hundred of them are half-way.

    Attributes
    ----------
    scheme : str
        One of ``SCHEMES``.
    shards, virtual_nodes : int
        Shards before the change; virtual nodes of the ring.
    progress : float
        Part of the move that is done, 0 to 1.
    before, after : numpy.ndarray of int, shape (480,)
        Shard of each drawn key before and after.
    travelled : numpy.ndarray, shape (480,)
        Part of its way that each drawn key has gone, 0 to 1; keys that stay are at 0.
    moved : float
        Fraction of all 10,000 keys that change shard.
    moved_by_size : numpy.ndarray, shape (16,)
        The same from 1, 2, ..., 16 shards to one more.
    theory_by_size : numpy.ndarray, shape (16,)
        Its expectation.
    spread_by_size : numpy.ndarray, shape (16,)
        Standard deviation, ring to ring; 0 for the others.
    load_after : numpy.ndarray, shape (shards + 1,)
        Keys of each shard after the change, divided by the fair number.
    """

    scheme: str
    shards: int
    virtual_nodes: int
    progress: float
    before: np.ndarray
    after: np.ndarray
    travelled: np.ndarray
    moved: float
    moved_by_size: np.ndarray
    theory_by_size: np.ndarray
    spread_by_size: np.ndarray
    load_after: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "moved_percent": 100 * self.moved,
            "theory_percent": 100 * float(self.theory_by_size[self.shards - 1]),
            "least_possible_percent": 100 / (self.shards + 1),
            "largest_over_fair_after": float(self.load_after.max()),
        }

    @property
    def reading(self) -> str:
        text = (
            f"Going from {self.shards} to {self.shards + 1} shards moves "
            f"{significant(100 * self.moved)} % of the keys "
            f"({significant(100 * self.theory_by_size[self.shards - 1])} % expected"
        )
        if self.spread_by_size[self.shards - 1] > 0:
            text += f", give or take {significant(100 * self.spread_by_size[self.shards - 1], 2)}"
        return (
            text + f") and leaves the fullest shard with {significant(self.load_after.max())} "
            f"fair shares."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "shards_before": _SIZES,
                "moved": self.moved_by_size,
                "theory": self.theory_by_size,
                "theory_sd": self.spread_by_size,
            }
        ).set_index("shards_before")


def simulate_resharding(
    *,
    scheme: str,
    shards: int = 4,
    virtual_nodes: int = 100,
    progress: float = 0.5,
    seed: int = 1,
) -> ReshardingResult:
    """Add one shard, place 10,000 keys before and after, and move those whose shard changed.

    Parameters
    ----------
    scheme : {"range", "mod N", "ring", "slots"}
        ``"range"`` splits the fullest shard's range in two. ``"mod N"`` is ``hash(key) % N``.
        ``"slots"`` hashes keys to 16,384 slots and looks the slot's shard up in a table.
    shards : int
        Number of shards before; 1 to 16.
    virtual_nodes : int
        Points per shard on the ring; 1 to 500. The other schemes take no notice of it.
    progress : float
        Part of the move that is done; 0 to 1. Changes the picture, not the numbers.
    seed : int
        Seed of the hash function.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("scheme", scheme, SCHEMES)
    shards = validation.integer("shards", shards, at_least=1, at_most=len(_SIZES))
    virtual_nodes = validation.integer("virtual_nodes", virtual_nodes, at_least=1, at_most=500)
    progress = validation.number("progress", progress, at_least=0, at_most=1)
    seed = validation.integer("seed", seed, at_least=0)

    places = _places(scheme, virtual_nodes, seed)
    moved = (places[1:] != places[:-1]).mean(axis=1)
    before, after = places[shards - 1, :_DRAWN], places[shards, :_DRAWN]
    # Keys set out one after the other and each takes a third of the time.
    leaves = np.linspace(0, 2 / 3, _DRAWN)[np.argsort(hash64(np.arange(_DRAWN), seed + 1))]
    travelled = np.where(before != after, np.clip((progress - leaves) * 3, 0, 1), 0.0)
    return ReshardingResult(
        scheme=scheme,
        shards=shards,
        virtual_nodes=virtual_nodes,
        progress=progress,
        before=before,
        after=after,
        travelled=travelled,
        moved=float(moved[shards - 1]),
        moved_by_size=moved,
        theory_by_size=np.array([_expected(scheme, int(n)) for n in _SIZES]),
        spread_by_size=np.array(
            [theory_resharding_sd(int(n), virtual_nodes) if scheme == "ring" else 0 for n in _SIZES]
        ),
        load_after=np.bincount(places[shards], minlength=shards + 1) * (shards + 1) / _KEYS,
    )


def _expected(scheme: str, shards: int) -> float:
    if scheme != "range":
        return theory_resharding(scheme, shards, shards + 1)
    # Splitting the fullest each time leaves shards of two sizes; the larger is a power of a half.
    return 0.5 ** (math.floor(math.log2(shards)) + 1)


@lru_cache(maxsize=8)
def _places(scheme: str, virtual_nodes: int, seed: int) -> np.ndarray:
    """Return the shard of every key with 1, 2, ..., 17 shards, shape (17, keys)."""
    hashes = hash64(np.arange(_KEYS), seed)
    sizes = range(1, len(_SIZES) + 2)
    if scheme == "range":
        rows = _split_ranges(len(sizes))
    elif scheme == "mod N":
        rows = [shard_by_modulo(hashes, n) for n in sizes]
    elif scheme == "slots":
        rows = [shard_by_slot(hashes, n) for n in sizes]
    else:
        order = np.argsort(hashes)  # looking keys up in order is several times faster
        rows = np.empty((len(sizes), _KEYS), dtype=np.int16)
        for n in sizes:
            rows[n - 1, order] = Ring(n, virtual_nodes, seed).locate(hashes[order])
    places = np.array(rows, dtype=np.int16)
    places.setflags(write=False)
    return places


def _split_ranges(most: int) -> list[np.ndarray]:
    """Cut the fullest range in two, again and again; keys are spread evenly over the ids."""
    place = np.zeros(_KEYS, dtype=np.intp)
    rows = [place]
    for newcomer in range(1, most):
        fullest = int(np.bincount(place).argmax())
        place = place.copy()
        inside = np.flatnonzero(place == fullest)
        place[inside[len(inside) // 2 :]] = newcomer
        rows.append(place)
    return rows
