"""A power law, ``cost ~ size ** exponent``: fitted to many points, or drawn through two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.statistics import Interval, t_quantile


@dataclass(frozen=True)
class PowerLaw:
    """``cost = coefficient * size ** exponent``, fitted on logarithmic axes."""

    coefficient: float
    exponent: Interval


def fit(sizes: npt.ArrayLike, costs: npt.ArrayLike, confidence: float = 0.95) -> PowerLaw:
    """Fit a straight line to log(cost) against log(size), by least squares.

    Parameters
    ----------
    sizes, costs : array_like, shape (n,)
        At least three points; all > 0, and not all sizes equal.
    confidence : float
        Confidence of the exponent's interval; 0 < confidence < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The interval is that of simple linear regression with n - 2 degrees of freedom. It is right if
    a power law is right and the errors are relative; it cannot tell you whether a power law *is*
    right, so look at the residuals, or at the slope between neighbours.
    """
    x = np.log(validation.numbers("sizes", sizes, above=0, ndim=1))
    y = np.log(validation.numbers("costs", costs, above=0, ndim=1))
    confidence = validation.number("confidence", confidence, above=0, below=1)
    if x.shape != y.shape:
        raise ValueError(f"costs must be one per size: shape {x.shape}, got shape {y.shape}")
    if x.size < 3 or np.ptp(x) == 0:
        raise ValueError(f"sizes must hold at least 3 values, not all equal, got {x.size}")
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    error = np.sqrt(residual @ residual / (x.size - 2) / (centred @ centred))
    half = t_quantile((1 + confidence) / 2, x.size - 2) * float(error)
    return PowerLaw(
        coefficient=float(np.exp(y.mean() - slope * x.mean())),
        exponent=Interval(slope, slope - half, slope + half, confidence, x.size),
    )


def exponent(size_1: float, cost_1: float, size_2: float, cost_2: float) -> float:
    """Exponent of the power law through two points; all > 0, and the sizes different.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    >>> exponent(1_000, 0.010, 10_000_000, 10.0)
    0.75
    """
    named = {"size_1": size_1, "cost_1": cost_1, "size_2": size_2, "cost_2": cost_2}
    for name, value in named.items():
        validation.number(name, value, above=0)
    if size_1 == size_2:
        raise ValueError(f"size_2 must differ from size_1, got {size_2!r} for both")
    return math.log(cost_2 / cost_1) / math.log(size_2 / size_1)
