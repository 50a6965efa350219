"""Guesses that are good within a factor, and products of them."""

from __future__ import annotations

import math
from statistics import NormalDist

from helpers.foundations import validation

_Z90 = NormalDist().inv_cdf(0.95)


def error_factor(factors: int, factor: float) -> float:
    """Return how far off a product is if each of its factors may be off by a factor.

    If each of k factors lies within x/÷ f with a given confidence, independently, their product
    lies within x/÷ ``f ** sqrt(k)`` with the same confidence.

    Parameters
    ----------
    factors : int
        Uncertain factors k; >= 0.
    factor : float
        What each may be off by, f; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Logarithms add, and so do their variances. Exact if the factors are lognormal, nearly so for
    many others by the central limit theorem. Limpert, Stahel and Abbt, "Log-normal Distributions
    across the Sciences", *BioScience* 51, 2001.

    Examples
    --------
    >>> error_factor(4, 2.0)
    4.0
    """
    k = validation.integer("factors", factors, at_least=0)
    return validation.number("factor", factor, at_least=1) ** math.sqrt(k)


def log_sigma(factor: float) -> float:
    """Return the sigma of a lognormal that lies within x/÷ `factor` in 90 % of the cases."""
    return math.log(validation.number("factor", factor, at_least=1)) / _Z90
