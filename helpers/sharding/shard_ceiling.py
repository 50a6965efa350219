"""The ceiling that one key sets: what 1 to 64 shards carry, and what a remedy is worth.

Capacities follow exactly from who holds which key; no traffic is drawn. Where that stops being
true: when the first celebrity is cured, the second sets the next ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import significant
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.remedies import (
    FIXES,
    KEYS,
    MOST_PIECES,
    homes,
    top_key_share,
    work_factor,
    work_per_request,
)
from helpers.sharding.router import hash64

#: Numbers of shards that are bought.
SIZES = np.arange(1, 65)


class Setting(Parameters):
    """10,000 keys with Zipf popularity, hashed to shards, and a remedy for the hottest one."""

    fix: str = option("none", "Remedy", of=FIXES)
    exponent: float = number(1.0, "Skew of popularity", at_least=0, at_most=2)
    read_fraction: float = number(0.9, "Fraction of reads (remedies)", at_least=0, at_most=1)
    pieces: int = integer(8, "Pieces or copies (remedies)", at_least=1, at_most=MOST_PIECES)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> ShardCeiling:
    """Hash the keys on every number of shards and find when the first shard saturates."""
    weights = zipf_weights(KEYS, at.exponent)
    hashes = hash64(np.arange(KEYS + at.pieces), at.seed)

    def capacity(fix: str, shards: int) -> float:
        if shards == 1 and fix == "own shard":
            fix = "none"  # there is no other
        home, hot_homes = homes(fix, hashes, shards)
        hot, others = work_per_request(fix, weights, home, hot_homes, at.read_fraction, shards)
        return 1 / float((hot + others).max())

    sizes = SIZES.tolist()
    return ShardCeiling(
        at,
        capacity=np.array([capacity(at.fix, n) for n in sizes]),
        unmended=np.array([capacity("none", n) for n in sizes]),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Most that any number of shards can carry, in shards' worth, with the remedy and without."""

    ceiling: float
    unmended: float


def theory(at: Setting) -> Theory:
    """Ceilings by the hottest key, and by the next celebrity in line where the first is cured."""
    first, second = zipf_weights(KEYS, at.exponent)[:2].tolist()
    with_fix = ceiling(first, at.fix, at.pieces, at.read_fraction)
    return Theory(min(with_fix, ceiling(second)), ceiling(first))


def ceiling(hot_share: float, fix: str = "none", pieces: int = 1, reads: float = 1.0) -> float:
    """Most that any number of shards can carry, in multiples of what one shard can.

    A key with the share p1 ends the system where its own work per request, ``p1`` times
    :func:`helpers.sharding.remedies.work_factor`, reaches what a shard can do; with its pieces on
    different shards, and infinity if the remedy removes the key's load altogether.
    """
    work = work_factor(fix, pieces, reads)
    return 1 / (hot_share * work) if work else np.inf


# --- what it says ---------------------------------------------------------------------------------


class ShardCeiling(Result):
    """What a system can carry with each of :data:`SIZES` shards, in multiples of one shard.

    Attributes
    ----------
    capacity, unmended : numpy.ndarray, shape (64,)
        With the remedy in place, and without it.
    """

    at: Setting
    capacity: np.ndarray
    unmended: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "hot_key_share_percent": 100 * top_key_share(self.at.exponent),
            "capacity_of_most_shards": float(self.capacity[-1]),
            "best_capacity": float(self.capacity.max()),
            "ceiling": theory(self.at).ceiling,
        }

    @property
    def reading(self) -> str:
        share = significant(100 * top_key_share(self.at.exponent))
        text = (
            f"The hot key takes {share} % of the requests, so unmended "
            f"no number of shards carries more than {significant(theory(self.at).unmended)} "
            f"shards' worth; {SIZES[-1]} of them carry {significant(self.unmended[-1])}"
        )
        if self.at.fix == "none":
            return text + "."
        return text + f", and {significant(self.capacity[-1])} with the fix."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"shards": SIZES, "with the remedy": self.capacity, "unmended": self.unmended}


def plot(run: ShardCeiling, ax: Axes) -> None:
    """Draw what n shards carry, and the ceiling that the hottest key sets."""
    exact = theory(run.at)
    ax.plot(SIZES, SIZES, color=style.MUTED, linewidth=1)
    ax.plot(SIZES, run.unmended, color=style.VERMILION, linewidth=2)
    ax.axhline(exact.unmended, **style.THEORY)
    style.label(ax, 1.04, exact.unmended, "1 / hot key's share", style.INK, xytext=(0, 7))
    entries = [("—", "if load were even", style.MUTED), ("—", "as it is", style.VERMILION)]
    if run.at.fix != "none":
        ax.plot(SIZES, run.capacity, **style.SIMULATION)
        entries.append(("—", "with the fix", style.BLUE))
        if exact.ceiling != exact.unmended:
            ax.axhline(exact.ceiling, **style.THEORY)
            named = (64, exact.ceiling, "ceiling with the fix", style.INK)
            style.label(ax, *named, xytext=(0, 7), ha="right")
    key(ax, entries, y=0.26)
    ticks = [1, 2, 4, 8, 16, 32, 64]
    log_axis(ax, "x", 1, 66, ticks=ticks)
    log_axis(ax, "y", 0.5, 130, ticks=[0.5, *ticks, 128])
    ax.set_xlabel("shards bought")
    ax.set_ylabel("load carried, in shards' worth")
    ax.set_title("More shards do not cool a hot key")
