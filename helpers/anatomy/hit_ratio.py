"""How much memory a cache needs: hit ratio against its size, under Zipf's law.

The caches are Python's own ``functools.lru_cache``, exact LRU. Where that stops being true:
popularity changes, and one scan through all keys can empty an LRU cache of everything useful.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, ring
from helpers.foundations.experiment import Draws, Parameters, Result, number, seed, takes
from helpers.foundations.prose import significant
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights

KEYS = 5_000

#: Sizes at which the simulation is run beside the learner's, as shares of the keys.
SHARES = (0.005, 0.03, 0.15, 0.4)

#: Sizes at which theory is drawn, as shares of the keys.
GRID = np.geomspace(0.001, 0.6, 60)

_READS = 12_000


class Setting(Parameters):
    """A cache of some of 5,000 keys."""

    exponent: float = number(
        0.9, "Zipf's exponent", at_least=0, at_most=1.5, note="0 makes all keys alike."
    )
    share: float = number(0.1, "Room, as a share of the keys", at_least=0.001, at_most=0.6)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> HitRatio:
    """Read 5,000 keys through LRU caches of several sizes, all of which see the same reads."""
    reads = _reads(at.exponent, at.seed)
    sizes = [round(share * KEYS) for share in (at.share, *SHARES)]
    return HitRatio(at, np.array([lru_hit_ratio(reads, size) for size in sizes]))


def lru_hit_ratio(reads: list[int], size: int, *, warm_up: float = 1 / 3) -> float:
    """Return the share of reads that an LRU cache of `size` keys answers.

    It starts with the keys in the order in which LRU would hold the most popular ones.

    Parameters
    ----------
    reads : list of int
        Keys in the order they are read, small numbers popular.
    size : int
        Keys the cache holds; >= 1.
    warm_up : float
        Share of the reads that fill the cache and are not counted.
    """
    cache = lru_cache(maxsize=size)(abs)
    first = int(len(reads) * warm_up)
    deque(map(cache, range(size - 1, -1, -1)), 0)  # the popular ones last, so they stay longest
    deque(map(cache, reads[:first]), 0)
    before = cache.cache_info().hits
    deque(map(cache, reads[first:]), 0)
    return (cache.cache_info().hits - before) / (len(reads) - first)


@lru_cache(maxsize=8)
def _reads(exponent: float, seed: int) -> list[int]:
    keys: list[int] = zipf_keys(_READS, KEYS, exponent, Draws(seed)("keys")).tolist()
    return keys


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Hit ratios of LRU, and of the best cache that does not see the future; floats, or arrays."""

    lru: Any
    best: Any


def theory(at: Setting, shares: Any = None) -> Theory:
    """Hit ratios at the setting, or at other sizes as shares of the keys."""
    size = KEYS * np.asarray(max(at.share, 1 / KEYS) if shares is None else shares)
    return Theory(lru(KEYS, at.exponent, size), best(KEYS, at.exponent, size))


def lru(keys: int, exponent: float, size: npt.ArrayLike) -> np.ndarray:
    """Return the hit ratio of an LRU cache under Zipf's law, by Che's approximation.

    Parameters
    ----------
    keys : int
        Number of keys; >= 2.
    exponent : float
        Zipf's exponent; >= 0.
    size : array_like
        Keys the cache holds; 1 <= size <= keys.

    Returns
    -------
    numpy.ndarray
        Hit ratios, the shape of `size`; interpolated on :func:`che_curve`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    keys = validation.integer("keys", keys, at_least=2)
    exponent = validation.number("exponent", exponent, at_least=0)
    size = validation.numbers("size", size, at_least=1, at_most=keys)
    return np.asarray(np.interp(size, *che_curve(keys, exponent)))


@lru_cache(maxsize=32)
def che_curve(keys: int, exponent: float) -> tuple[np.ndarray, np.ndarray]:
    """Return cache sizes and the hit ratios of LRU at them, 64 of each, ascending.

    With the horizon t a key of popularity p is in the cache with probability ``1 - exp(-p t)``:
    sizes are ``sum(1 - exp(-p t))``, hit ratios ``sum(p (1 - exp(-p t)))``. Che, Tung and Wang,
    "Hierarchical Web Caching Systems: Modeling, Design and Experimental Results", *IEEE Journal
    on Selected Areas in Communications* 20, 2002.
    """
    weights = zipf_weights(keys, exponent)
    horizons = np.geomspace(0.5, 40 / weights[-1], 64)
    inside = -np.expm1(-np.multiply.outer(horizons, weights))
    size, hit = inside.sum(axis=1), inside @ weights
    for array in (size, hit):
        array.setflags(write=False)
    return size, hit


def best(keys: int, exponent: float, size: npt.ArrayLike) -> np.ndarray:
    """Return the hit ratio of a cache that always holds the most popular keys.

    The sum of the largest popularities: with independent requests, no policy that does not see the
    future does better. Coffman and Denning, *Operating Systems Theory*, 1973, chapter 6 (A0).
    Sizes are rounded down.
    """
    total = np.concatenate([[0.0], np.cumsum(zipf_weights(keys, exponent))])
    # A share of the keys is whole but for rounding: 0.15 x 5,000 is a little more, or less.
    return np.asarray(total[np.asarray(size).astype(int)])


# --- what it says ---------------------------------------------------------------------------------


class HitRatio(Result):
    """Hit ratios of LRU: at the learner's size, and at :data:`SHARES`; shape (5,)."""

    at: Setting
    simulated: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "keys_in_cache": round(self.at.share * KEYS),
            "hit_percent": 100 * float(self.simulated[0]),
            "che_percent": 100 * float(exact.lru),
            "best_percent": 100 * float(exact.best),
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        return (
            f"A cache with room for {significant(100 * self.at.share)} % of the keys answers "
            f"{significant(100 * float(self.simulated[0]))} % of the reads by throwing out what "
            f"was used longest ago (Che: {significant(100 * float(exact.lru))} %); holding "
            f"exactly the most popular keys would give "
            f"{significant(100 * float(exact.best))} %."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        shares = (self.at.share, *SHARES)
        exact = theory(self.at, shares)
        return {
            "room (% of the keys)": 100 * np.array(shares),
            "LRU, run (%)": 100 * self.simulated,
            "LRU by Che (%)": 100 * exact.lru,
            "most popular keys (%)": 100 * exact.best,
        }


def plot(run: HitRatio, ax: Axes) -> None:
    """Draw the hit ratio of LRU against its size, with Che's curve and the best there is."""
    exact = theory(run.at, GRID)
    ax.set(
        title="A little memory goes a long way",
        ylim=(0, 100),
        xlabel="room in the cache (% of the keys)",
        ylabel="hit ratio (%)",
    )
    log_axis(ax, "x", 0.1, 60, ticks=(0.1, 0.3, 1, 3, 10, 30, 60))
    ax.plot(100 * GRID, 100 * exact.best, color=style.GREEN, lw=1.6, ls=(0, (1, 1.2)))
    ax.plot(100 * GRID, 100 * exact.lru, **style.THEORY)
    here(ax, 100 * run.at.share)
    shares = 100 * np.array([run.at.share, *SHARES])
    dots: dict[str, Any] = {"color": style.BLUE, "marker": "o"}
    ax.plot(shares, 100 * run.simulated, markersize=6, linestyle="none", **dots)
    ring(ax, 100 * run.at.share, 100 * run.simulated[0])
    names = [
        ("··", "the most popular keys: no policy beats it", style.GREEN),
        ("--", "LRU by Che's approximation", style.INK),
        ("●", "LRU, run", style.BLUE),
    ]
    key(ax, names, left=True)
