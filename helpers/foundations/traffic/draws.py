"""What arrivals and service times are drawn with: unit-mean draws in the engine's layout."""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations import validation

Size = int | tuple[int, ...]


def exponential(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.standard_exponential(shape[::-1]).T


def uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.random(shape[::-1]).T


def hyperexponential(shape: tuple[int, ...], rng: np.random.Generator, scv: float) -> np.ndarray:
    """Draw from the unit-mean H2 distribution whose two phases carry half of the mean each."""
    short = hyperexponential_share(scv)
    draws = exponential(shape, rng)
    draws *= np.where(uniform(shape, rng) < short, 0.5 / short, 0.5 / (1 - short))
    return draws


def hyperexponential_share(scv: float) -> float:
    """Return the share p of short phases of the balanced hyperexponential with mean 1.

    With probability p the draw is exponential with mean ``1 / (2 p)``, otherwise with mean
    ``1 / (2 (1 - p))``.

    Parameters
    ----------
    scv : float
        Squared coefficient of variation; >= 1.

    Raises
    ------
    TypeError, ValueError
        If `scv` has the wrong type or is out of range.

    Notes
    -----
    ``p = (1 + sqrt((scv - 1) / (scv + 1))) / 2``. Allen, *Probability, Statistics, and Queueing
    Theory*, 2nd ed. 1990, on the two-stage hyperexponential.
    """
    scv = validation.number("scv", scv, at_least=1)
    return (1 + math.sqrt((scv - 1) / (scv + 1))) / 2


def shape_of(size: object) -> tuple[int, ...]:
    parts = size if isinstance(size, tuple) else (size,)
    return tuple(validation.integer("size", part, at_least=1) for part in parts)
