"""The bill for hashing: how many shards must answer for a run of consecutive ids.

Ranges keep a run together, hashes scatter it. Where that stops being true: services that hash the
customer and keep each customer's rows in a range scan one shard, and have both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, ring
from helpers.foundations.experiment import Parameters, Result, integer, seed, takes
from helpers.foundations.prose import counted, significant
from helpers.sharding.router import hash64, shard_by_modulo, shard_by_range
from helpers.sharding.shard_queues import unit_draws

#: Lengths of scans at which the curve is simulated.
LENGTHS = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000])

_SCANS = 4_000
_HASHED_IDS = 20_000  # so many ids are hashed for each length; longer scans need fewer of them


class Setting(Parameters):
    """Rows with consecutive ids on some shards, and scans that start anywhere."""

    shards: int = integer(16, "Shards", at_least=2, at_most=64)
    length: int = integer(50, "Length of the scan", unit="ids", at_least=1, at_most=1_000)
    width: int = integer(
        2_000, "Ids to a shard under range placement", at_least=1_000, at_most=1_000_000
    )
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> RangeScan:
    """Place real ids by both rules, scan runs of them, and count the shards that answer."""
    uniform = unit_draws(at.seed, "scans", "uniform", _SCANS)

    def starts(length: int) -> np.ndarray:
        return (uniform * (at.shards * at.width - length + 1)).astype(np.int64)

    def by_range(length: int) -> float:
        """A run of ids visits every shard from its first to its last."""
        begin = starts(length)
        first, last = (
            shard_by_range(ends, at.shards, at.width) for ends in (begin, begin + length - 1)
        )
        return float((last - first + 1).mean())

    def by_hash(length: int) -> float:
        some = starts(length)[: max(_HASHED_IDS // length, 25)]
        places = shard_by_modulo(hash64(some[:, None] + np.arange(length), at.seed), at.shards)
        seen = np.zeros((len(some), at.shards), dtype=bool)
        seen[np.arange(len(some))[:, None], places] = True
        return float(seen.sum(axis=1).mean())

    lengths = LENGTHS.tolist()
    return RangeScan(
        at,
        by_range=np.array([by_range(length) for length in lengths]),
        by_hash=np.array([by_hash(length) for length in lengths]),
        by_range_here=by_range(at.length),
        by_hash_here=by_hash(at.length),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean number of shards that hold at least one id of the run, under each placement."""

    by_range: np.ndarray
    by_hash: np.ndarray


def theory(at: Setting, length: Any = None) -> Theory:
    """Shards that a scan of the setting's length, or of other lengths, visits on average.

    Hash: see :func:`occupied`. Range: one shard plus one for each boundary crossed, with the start
    uniform over all places where the scan fits; away from the ends that is ``1 + (L - 1) / width``.
    """
    scan = np.asarray(at.length if length is None else length)
    boundaries = np.arange(1, at.shards) * at.width
    last_start = at.shards * at.width - scan[..., None]
    first = np.maximum(boundaries - scan[..., None] + 1, 0)
    crossing = np.maximum(np.minimum(boundaries - 1, last_start) - first + 1, 0)
    return Theory(
        1 + crossing.sum(axis=-1) / (last_start[..., 0] + 1),
        occupied(at.shards, scan),
    )


def occupied(shards: int, length: Any) -> Any:
    """Mean number of shards that are not empty after hashing `length` ids, ``n (1 - (1-1/n)^L)``.

    Every id lands on a uniform shard: boxes and balls (Feller, *An Introduction to Probability
    Theory and Its Applications* vol. 1, 3rd ed. 1968, chapter IV).
    """
    return shards * (1 - (1 - 1 / shards) ** length)


# --- what it says ---------------------------------------------------------------------------------


class RangeScan(Result):
    """Mean number of shards visited, at :data:`LENGTHS` and at ``at.length``."""

    at: Setting
    by_range: np.ndarray
    by_hash: np.ndarray
    by_range_here: float
    by_hash_here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "range_shards_visited": self.by_range_here,
            "hash_shards_visited": self.by_hash_here,
        }

    @property
    def reading(self) -> str:
        ids = counted(self.at.length, "id", "consecutive ids")
        return (
            f"Reading {ids} visits {significant(self.by_range_here)} of {self.at.shards} shards "
            f"on average when ids are placed by range and {significant(self.by_hash_here)} when "
            f"they are hashed."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, LENGTHS)
        return {
            "ids in the scan": LENGTHS,
            "shards, by range": self.by_range,
            "shards, by hash": self.by_hash,
            "theory, by range": exact.by_range,
            "theory, by hash": exact.by_hash,
        }


def plot(run: RangeScan, ax: Axes) -> None:
    """Draw the number of shards that a range scan visits."""
    exact = theory(run.at, LENGTHS)
    panels = (
        (exact.by_range, run.by_range, run.by_range_here, style.BLUE, "o"),
        (exact.by_hash, run.by_hash, run.by_hash_here, style.VERMILION, "s"),
    )
    for expected, seen, here, color, marker in panels:
        ax.plot(LENGTHS, expected, **style.THEORY)
        ax.plot(LENGTHS, seen, linestyle="none", marker=marker, color=color, markersize=6)
        ring(ax, run.at.length, here)
    half = int(np.searchsorted(exact.by_hash, 0.6 * run.at.shards))
    hashed = (LENGTHS[half], exact.by_hash[half], "hashed ids", style.VERMILION)
    style.label(ax, *hashed, xytext=(-10, 6), ha="right")
    ranges = (30, exact.by_range[5], "ids in ranges", style.BLUE)
    style.label(ax, *ranges, xytext=(0, 12), ha="center")
    log_axis(ax, "x", 0.9, 1_150)
    ax.set_ylim(0, run.at.shards * 1.08)
    ax.set_xlabel("consecutive ids asked for")
    ax.set_ylabel("shards that must answer")
    ax.set_title("A range scan finds its rows together, or everywhere")
