"""From n to n + 1 shards: which keys move under four ways of placing them.

Each key is placed before and after one shard is added, and counted if its shard changed. Where
that stops being true: keys differ in size and in how often they are wanted, so the share of the
keys that moves is not the share of the bytes, nor of the load.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note, ring
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import amount, significant
from helpers.sharding.router import Ring, hash64, shard_by_modulo, shard_by_slot

#: Ways of placing keys.
SCHEMES = ("range", "mod N", "ring", "slots")

#: Numbers of shards before one is added.
SIZES = np.arange(1, 17)

_KEYS = 10_000
_DRAWN = 480
_SHOWN = np.arange(_DRAWN) * (_KEYS // _DRAWN)  # from all over the ids, or a range would fill up
_EVERY = 2  # of them in a replay
_MOVE_S = 30.0  # how long its move takes
_ABREAST = 4  # shards in a row of it


class Setting(Parameters):
    """Shards before one more is added.

    "range" splits the fullest shard's range in two, "mod N" is ``hash(key) % N``, "slots" hashes
    keys to 16,384 slots and looks the slot's shard up in a table.
    """

    scheme: str = option("mod N", "Scheme", of=SCHEMES)
    shards: int = integer(4, "Shards before", at_least=1, at_most=16)
    virtual_nodes: int = integer(100, "Virtual nodes (ring)", at_least=1, at_most=500)
    progress: float = number(
        0.4, "Progress", at_least=0, at_most=1, note="Changes the picture, not the numbers."
    )
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Resharding:
    """Place 10,000 keys before and after a shard is added, and move those whose shard changed."""
    places = _places(at.scheme, at.virtual_nodes, at.seed)
    before, after = places[at.shards - 1, _SHOWN], places[at.shards, _SHOWN]
    way = np.clip((at.progress - _leaves(at.seed)) * 3, 0, 1)
    count = at.shards + 1
    return Resharding(
        at,
        before=before,
        after=after,
        travelled=np.where(before != after, way, 0.0),
        moved=(places[1:] != places[:-1]).mean(axis=1),
        load_after=np.bincount(places[at.shards], minlength=count) * count / _KEYS,
    )


def _leaves(seed: int) -> np.ndarray:
    """Return when each drawn key would set out: one after the other; each takes a third."""
    return np.linspace(0, 2 / 3, _DRAWN)[np.argsort(hash64(np.arange(_DRAWN), seed + 1))]


@lru_cache(maxsize=8)
def _places(scheme: str, virtual_nodes: int, seed: int) -> np.ndarray:
    """Return the shard of every key with 1, 2, ..., 17 shards, shape (17, keys)."""
    hashes = hash64(np.arange(_KEYS), seed)
    sizes = range(1, len(SIZES) + 2)
    if scheme == "range":
        rows = _split_ranges(len(sizes))
    elif scheme == "mod N":
        rows = [shard_by_modulo(hashes, n) for n in sizes]
    elif scheme == "slots":
        rows = [shard_by_slot(hashes, n) for n in sizes]
    else:
        order = np.argsort(hashes)  # looking keys up in order is several times faster
        rows = [np.empty(_KEYS, dtype=np.int16) for _ in sizes]
        for n in sizes:
            rows[n - 1][order] = Ring(n, virtual_nodes, seed).locate(hashes[order])
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


# --- the same move, key by key --------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow half of the drawn keys through the whole move, at the pace of the picture."""
    places = _places(at.scheme, at.virtual_nodes, at.seed)
    keys = _SHOWN[::_EVERY]
    before, after = (places[n, keys].tolist() for n in (at.shards - 1, at.shards))
    leaves = (_MOVE_S * _leaves(at.seed)[::_EVERY]).tolist()
    log = Log(f"From {at.shards} to {at.shards + 1} shards: {at.scheme}", noun="key")
    log.kind("to the new shard", "green").kind("between old shards", "vermilion")
    names = [f"shard {n + 1}" for n in range(at.shards)] + ["new shard"]
    for shard, name in enumerate(names[:-1]):
        log.place(name, "store", at=(shard % _ABREAST, shard // _ABREAST))
    middle, below = (min(at.shards, _ABREAST) - 1) / 2, -(-at.shards // _ABREAST)
    log.place(names[-1], "store", at=(middle, below))
    kinds = {True: "to the new shard", False: "between old shards"}
    for key, leave, old, new in zip(keys.tolist(), leaves, before, after, strict=True):
        kind = "" if old == new else kinds[new == at.shards]
        log.begins(key, names[old], kind=kind)
        if old != new:
            log.sends(leave, key, names[new], _MOVE_S / 3)
    arrived = np.sort([t for t, old, new in zip(leaves, before, after, strict=True) if old != new])
    expected = len(keys) * float(theory(at).moved)
    log.series(
        "keys that have moved", np.append(0.0, arrived + _MOVE_S / 3), np.arange(arrived.size + 1),
        level=expected,
    )  # fmt: skip
    fair = len(keys) / (at.shards + 1)
    return log.counts("new shard", "keys on the new shard", level=fair, level_words="fair share")


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Fraction of the keys that moves: its mean, and its standard deviation from ring to ring."""

    moved: Any
    spread: Any


def theory(at: Setting, shards: Any = None) -> Theory:
    """What moves at the setting, or from other numbers of shards to one more."""
    sizes = np.asarray(at.shards if shards is None else shards)
    moved = [moved_share(at.scheme, n, n + 1) for n in sizes.ravel().tolist()]
    spread = np.zeros(sizes.shape)
    if at.scheme == "ring":
        spread = moved_spread(sizes, at.virtual_nodes)
    return Theory(np.reshape(moved, sizes.shape), spread)


def moved_share(scheme: str, before: int, after: int) -> float:
    """Mean fraction of keys that change shard when the number of shards changes.

    Mod N: a key stays if its hash has the same remainder by both numbers, which happens for
    ``min(n, m)`` of ``lcm(n, m)`` remainders; from N to N + 1 that leaves ``N / (N + 1)`` moving.
    Ring and slots: what the newcomers own, ``1 / (N + 1)`` for one of them (Karger et al., STOC
    1997). Range, for one more shard: half of the fullest shard's keys, and splitting the fullest
    each time leaves shards of two sizes, the larger a power of a half.

    Raises
    ------
    ValueError
        If ranges are to grow by anything but one shard.
    """
    if scheme == "mod N":
        return 1 - min(before, after) / math.lcm(before, after)
    if scheme == "range":
        if after != before + 1:
            raise ValueError(f"after must be {before + 1} where one range is split, got {after}")
        return 0.5 ** (math.floor(math.log2(before)) + 1)
    return abs(after - before) / max(before, after)


def moved_spread(shards: Any, virtual_nodes: int) -> Any:
    """Return the standard deviation, ring to ring, of the fraction that one newcomer takes over.

    What moves is the newcomer's share, Beta(V, N V): variance ``N / ((N + 1)^2 ((N + 1) V + 1))``.
    """
    n = np.asarray(shards, dtype=float)
    return np.sqrt(n / ((n + 1) ** 2 * ((n + 1) * virtual_nodes + 1)))


# --- what it says ---------------------------------------------------------------------------------


class Resharding(Result):
    """Keys that change shard when one is added, and where a few hundred of them are half-way.

    Attributes
    ----------
    before, after : numpy.ndarray of int, shape (480,)
        Shard of each drawn key.
    travelled : numpy.ndarray, shape (480,)
        Part of its way that each drawn key has gone, 0 to 1; keys that stay are at 0.
    moved : numpy.ndarray, shape (16,)
        Fraction of all 10,000 keys that change shard, from each of :data:`SIZES` to one more.
    load_after : numpy.ndarray, shape (shards + 1,)
        Keys of each shard after the change, divided by the fair number.
    """

    at: Setting
    before: np.ndarray
    after: np.ndarray
    travelled: np.ndarray
    moved: np.ndarray
    load_after: np.ndarray

    @property
    def moved_here(self) -> float:
        """Fraction of the keys that change shard at the setting."""
        return float(self.moved[self.at.shards - 1])

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "moved_percent": 100 * self.moved_here,
            "theory_percent": 100 * float(theory(self.at).moved),
            "least_possible_percent": 100 / (self.at.shards + 1),
            "largest_over_fair_after": float(self.load_after.max()),
        }

    @property
    def reading(self) -> str:
        exact, fullest = theory(self.at), amount(self.load_after.max(), "fair share")
        text = (
            f"Going from {self.at.shards} to {self.at.shards + 1} shards moves "
            f"{significant(100 * self.moved_here)} % of the keys "
            f"({significant(100 * exact.moved)} % expected"
        )
        if exact.spread > 0:
            text += f", give or take {significant(100 * exact.spread, 2)}"
        return text + f") and leaves the fullest shard with {fullest}."

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, SIZES)
        return {
            "shards before": SIZES,
            "keys that move": self.moved,
            "theory": exact.moved,
            "standard deviation": exact.spread,
        }


@style.wide
@style.panels(2, width_ratios=(1.5, 1))
def plot(run: Resharding, axes: tuple[Axes, Axes]) -> None:
    """Draw keys as dots that travel from shard to shard, and how many do."""
    keys, moved = axes
    _draw_keys(keys, run)
    exact = theory(run.at, SIZES)
    low, high = np.maximum(exact.moved - 2 * exact.spread, 0), exact.moved + 2 * exact.spread
    moved.fill_between(SIZES, low, high, color=style.FAINT, linewidth=0)
    moved.plot(SIZES, 1 / (SIZES + 1), color=style.GREEN, linewidth=1.2)
    moved.plot(SIZES, exact.moved, **style.THEORY)
    moved.plot(SIZES, run.moved, linestyle="none", marker="o", color=style.BLUE, markersize=5)
    ring(moved, run.at.shards, run.moved_here)
    style.label(moved, 16, 1 / 17, "fair share", style.GREEN, xytext=(4, 9), ha="right")
    moved.set_xlim(0.4, 16.6)
    moved.set_xticks([1, 4, 8, 12, 16])
    moved.set_ylim(0, 1)
    moved.yaxis.set_major_formatter(PercentFormatter(1))
    moved.set_xlabel("shards before")
    moved.set_ylabel("keys that move")
    moved.set_title("How many do")


def _draw_keys(ax: Axes, run: Resharding) -> None:
    shards, moving = run.at.shards, run.before != run.after
    abreast = max(2, round(20 / (shards + 1)))
    from_x, from_y = _stack(run.before, np.zeros(len(run.before)), abreast)
    to_x, to_y = _stack(run.after, moving, abreast)
    eased = run.travelled**2 * (3 - 2 * run.travelled)
    # Those that stay close the gaps as the others leave.
    eased = np.where(moving, eased, run.at.progress)
    height = max(from_y.max(), to_y.max()) + 1
    arc = np.where(moving, 4 * eased * (1 - eased), 0) * 0.35 * height
    ax.scatter(
        from_x + (to_x - from_x) * eased,
        from_y + (to_y - from_y) * eased + arc,
        s=17,
        marker="o",
        color=np.where(moving, style.VERMILION, style.SKY),
        edgecolor="white",
        linewidth=0.3,
    )
    names = [str(n + 1) for n in range(shards)] + ["new"]
    ax.set_xlim(-0.6, shards + 0.6)
    ax.set_xticks(range(shards + 1), names)
    ax.set_ylim(-1, 1.42 * height)
    ax.set_yticks([])
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    note(ax, 0.01, 0.97, "● changes shard", style.VERMILION)
    note(ax, 0.29, 0.97, "● stays", style.BLUE)
    ax.set_xlabel("shard")
    ax.set_title("One shard is added: which keys move")


def _stack(shard: np.ndarray, last: np.ndarray, abreast: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places for keys piled up on their shards, `abreast` to a row, flagged ones on top."""
    order = np.lexsort((np.arange(len(shard)), last, shard))
    first = np.searchsorted(shard[order], shard[order])
    rank = np.empty(len(shard), dtype=np.intp)
    rank[order] = np.arange(len(shard)) - first
    return shard + 0.72 * ((rank % abreast + 0.5) / abreast - 0.5), rank // abreast + 0.0
