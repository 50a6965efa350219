"""What the simulations of this chapter share: draws made once a seed, and how numbers round.

A slider that moves meets the same dice, so curves move smoothly and designs are compared on
identical traffic. The arrays are read-only: they are shared between calls.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations.prose import significant
from helpers.foundations.traffic.keys import zipf_weights
from helpers.foundations.traffic.streams import streams


@lru_cache(maxsize=32)
def unit_draws(kind: str, name: str, size: int | tuple[int, ...], seed: int) -> np.ndarray:
    """Return ``exponential`` draws of mean 1 or ``uniform`` draws on [0, 1) of one stream."""
    rng = streams(seed, name)[name]
    draws = rng.standard_exponential(size) if kind == "exponential" else rng.random(size)
    return frozen(draws)


@lru_cache(maxsize=32)
def unit_arrivals(name: str, size: int, seed: int) -> np.ndarray:
    """Return the arrival times of a Poisson process of rate 1; divide by a rate for seconds."""
    return frozen(np.cumsum(unit_draws("exponential", name, size, seed)))


@lru_cache(maxsize=16)
def popularity(keys: int, exponent: float) -> np.ndarray:
    """Return Zipf popularities, shape (keys,)."""
    return frozen(zipf_weights(keys, exponent))


@lru_cache(maxsize=8)
def zipf_draws(name: str, size: int, keys: int, exponent: float, seed: int) -> np.ndarray:
    """Return Zipf keys drawn from one stream, shape (size,)."""
    return frozen(keys_of(unit_draws("uniform", name, size, seed), popularity(keys, exponent)))


def keys_of(uniform: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Invert the popularities' distribution function: one key for each uniform draw.

    For the tens of thousands of draws behind a slider this beats building the guide table of
    `workload.zipf_keys` anew for each exponent.
    """
    cumulative = np.cumsum(weights)
    cumulative[-1] = 1.0  # no uniform number may fall beyond the last key
    return np.searchsorted(cumulative, uniform, side="right")


def frozen(array: np.ndarray) -> np.ndarray:
    """Return `array`, made read-only."""
    array.setflags(write=False)
    return array


def rounded(value: float, digits: int = 3) -> float:
    """Return `value` to so many significant digits, for summaries that must not flicker."""
    return float(f"{float(value):.{digits - 1}e}")


def percent(share: float) -> str:
    """Return a share as text, for instance ``"47.6 %"``."""
    return f"{significant(100 * share)} %"
