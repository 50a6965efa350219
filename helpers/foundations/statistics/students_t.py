"""Quantiles of Student's t distribution, without which an interval of few samples is too narrow."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from helpers.foundations import validation


def t_quantile(p: float, df: float) -> float:
    """Return the p-quantile of Student's t distribution.

    Parameters
    ----------
    p : float
        Probability; 1e-12 <= p <= 1 - 1e-12.
    df : float
        Degrees of freedom; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Inverts ``P(|T| > t) = I_x(df / 2, 1 / 2)``, ``x = df / (df + t²)``, by bisection; accurate to
    better than 1e-9 relative. Abramowitz and Stegun, *Handbook of Mathematical Functions*, 1964,
    26.7.1 and 26.5.8; beyond 10,000 degrees of freedom the expansion 26.7.5.

    Examples
    --------
    >>> round(t_quantile(0.975, 10), 6)
    2.228139
    """
    p = validation.number("p", p, at_least=1e-12, at_most=1 - 1e-12)
    df = validation.number("df", df, at_least=1)
    if p == 0.5:
        return 0.0
    return -_t_upper(p, df) if p < 0.5 else _t_upper(1 - p, df)


@lru_cache(maxsize=256)
def _t_upper(tail: float, df: float) -> float:
    """The t > 0 that is exceeded with probability `tail` < 1/2."""
    if df > 10_000:
        z = -NormalDist().inv_cdf(tail)
        return (
            z
            + (z**3 + z) / (4 * df)
            + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
        )
    low, high = 0.0, 1.0
    while _t_two_tails(high, df) > 2 * tail:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if _t_two_tails(middle, df) > 2 * tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_two_tails(t: float, df: float) -> float:
    """P(\\|T\\| > t), from the regularised incomplete beta function."""
    inside, outside = t * t / (df + t * t), df / (df + t * t)
    # The continued fraction converges quickly below the mean of the beta distribution.
    if outside < (df / 2 + 1) / (df / 2 + 2.5):
        return _beta_fraction(df / 2, 0.5, outside, inside)
    return 1 - _beta_fraction(0.5, df / 2, inside, outside)


def _beta_fraction(a: float, b: float, x: float, complement: float) -> float:
    """I_x(a, b) by the continued fraction, Lentz's method; `complement` is 1 - x unrounded."""
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log(complement)
    )
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            return front * fraction / a
    raise ArithmeticError(f"no convergence of the incomplete beta function at {(a, b, x)}")
