"""The LRU cache that ships with Python, on real keys."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from helpers.caching import theory
from helpers.caching.simulation._shared import percent, rounded
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights
from helpers.foundations.traffic.streams import streams


class MeasuredLruResult(Result):
    """Hit ratios that a real LRU cache reports, and Che's approximation."""

    keys: int
    exponent: float
    requests: int
    capacities: np.ndarray
    hit_ratios: np.ndarray
    theory: np.ndarray
    #: What was measured.
    name: str = "functools.lru_cache"

    @property
    def worst(self) -> float:
        """Largest difference between measurement and theory."""
        return float(np.abs(self.hit_ratios - self.theory).max())

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        word = "agrees" if self.worst <= 0.01 else "disagrees"
        return (
            f"Che's approximation is within {percent(self.worst)} of {self.name} at all "
            f"{self.capacities.size} sizes (1 % counts): {word}"
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"hit_ratio_at_{capacity}": rounded(ratio)
            for capacity, ratio in zip(
                self.capacities.tolist(), self.hit_ratios.tolist(), strict=True
            )
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: {self.name} hits {percent(self.hit_ratios[0])} with room for "
            f"{self.capacities[0]:,} items and {percent(self.hit_ratios[-1])} with room for "
            f"{self.capacities[-1]:,}."
        )


def measure_lru(
    *,
    keys: int = 1_000,
    exponent: float = 0.9,
    capacities: npt.ArrayLike = (10, 30, 100, 300, 700),
    requests: int = 200_000,
    seed: int = 1,
) -> MeasuredLruResult:
    """Call a function wrapped in `functools.lru_cache`, and ask the wrapper for its hit ratio.

    Parameters
    ----------
    keys, exponent
        Number of keys and Zipf's exponent; keys >= 2, exponent >= 0.
    capacities : array_like of int
        Sizes to try; 1 to ``keys - 1``.
    requests : int
        Calls at each size, the first half of which only warms up; 100 to 2,000,000.
    seed : int
        Seed of the keys.

    Returns
    -------
    MeasuredLruResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    keys = validation.integer("keys", keys, at_least=2)
    sizes = validation.numbers(
        "capacities", capacities, at_least=1, at_most=keys - 1, unit="items", ndim=1
    ).astype(int)
    requests = validation.integer("requests", requests, at_least=100, at_most=2_000_000)
    asked = zipf_keys(requests, keys, exponent, streams(seed, "keys")["keys"]).tolist()
    half = requests // 2
    ratios = []
    for size in sizes.tolist():

        @lru_cache(maxsize=size)
        def page(key: int) -> str:
            return f"page {key}"

        deque(map(page, asked[:half]), maxlen=0)
        warm = page.cache_info()
        deque(map(page, asked[half:]), maxlen=0)
        ratios.append((page.cache_info().hits - warm.hits) / (requests - half))
    return MeasuredLruResult(
        keys=keys,
        exponent=exponent,
        requests=requests,
        capacities=sizes,
        hit_ratios=np.array(ratios),
        theory=theory.theory_lru(zipf_weights(keys, exponent), sizes),
    )
