"""How long requests take to be served."""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations import validation
from helpers.foundations.traffic.draws import Size, exponential, hyperexponential, shape_of, uniform

#: The kinds of service time.
SERVICES = ("exponential", "deterministic", "hyperexponential", "bimodal", "lognormal")


def unit_services(
    kind: str,
    size: Size,
    rng: np.random.Generator,
    *,
    scv: float = 4.0,
    slow_share: float = 0.05,
) -> np.ndarray:
    """Draw service times with mean 1; multiply them by a mean to get seconds.

    Parameters
    ----------
    kind : {"exponential", "deterministic", "hyperexponential", "bimodal", "lognormal"}
        ``"hyperexponential"``: two exponential phases with balanced means. ``"bimodal"``: one of
        two values, a fast one and, for a share `slow_share` of the requests, a slow one.
    size : int or tuple of int
        Shape of the result.
    rng : numpy.random.Generator
        Where the randomness comes from.
    scv : float
        Squared coefficient of variation (variance / mean²) of the last three kinds: >= 1 for the
        hyperexponential, >= 0 for the lognormal, between 0 and ``1 / slow_share - 1`` for the
        bimodal. The first two have no choice (1 and 0) and take no notice of it.
    slow_share : float
        Share of slow requests of the bimodal kind; 0 < slow_share < 1.

    Returns
    -------
    numpy.ndarray
        Service times, shape `size`, mean 1 and squared coefficient of variation `scv`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Two values with mean 1 and variance v, the slow one with probability p: fast
    ``1 - sqrt(v p / (1 - p))``, slow ``1 + sqrt(v (1 - p) / p)``. A lognormal with mean 1 has
    ``sigma² = ln(1 + v)`` and ``mu = -sigma² / 2``.
    """
    scv = service_scv(kind, scv, slow_share=slow_share)
    shape = shape_of(size)
    if kind == "deterministic":
        return np.ones(shape, order="F")
    if kind == "exponential":
        return exponential(shape, rng)
    if kind == "hyperexponential":
        return hyperexponential(shape, rng, scv)
    if kind == "lognormal":
        variance = math.log1p(scv)
        return np.exp(math.sqrt(variance) * rng.standard_normal(shape[::-1]).T - variance / 2)
    odds = 1 / slow_share - 1  # against being slow
    fast, slow = 1 - math.sqrt(scv / odds), 1 + math.sqrt(scv * odds)
    return np.where(uniform(shape, rng) < slow_share, slow, fast)


def service_scv(kind: str, scv: float = 4.0, *, slow_share: float = 0.05) -> float:
    """Return the squared coefficient of variation of what :func:`unit_services` draws.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range for this kind.
    """
    validation.one_of("kind", kind, SERVICES)
    slow_share = validation.number("slow_share", slow_share, above=0, below=1)
    if kind == "hyperexponential":
        return validation.number("scv", scv, at_least=1)
    if kind == "bimodal":
        return validation.number("scv", scv, at_least=0, at_most=1 / slow_share - 1)
    scv = validation.number("scv", scv, at_least=0)
    return {"exponential": 1.0, "deterministic": 0.0, "lognormal": scv}[kind]


def service_times(
    kind: str,
    mean_s: float,
    size: Size,
    rng: np.random.Generator,
    *,
    scv: float = 4.0,
    slow_share: float = 0.05,
) -> np.ndarray:
    """Draw service times, in seconds.

    Parameters
    ----------
    mean_s : float
        Mean service time, seconds; > 0.
    kind, size, rng, scv, slow_share
        As for :func:`unit_services`.

    Returns
    -------
    numpy.ndarray
        Service times in seconds, shape `size`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    mean_s = validation.number("mean_s", mean_s, above=0, unit="s")
    services = unit_services(kind, size, rng, scv=scv, slow_share=slow_share)
    services *= mean_s
    return services
