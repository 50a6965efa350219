"""How good a forecaster is: the Brier score and its parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


def theory_calibration(
    stated: npt.ArrayLike, true_chance: npt.ArrayLike, weights: npt.ArrayLike
) -> float:
    """Return the expected Brier score of someone who states one chance where another is true.

    Parameters
    ----------
    stated : array_like, shape (k,)
        Chances stated; 0 to 1.
    true_chance : array_like, shape (k,)
        How often such statements come true; 0 to 1.
    weights : array_like, shape (k,)
        How often each is stated; >= 0, not all 0.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, or a value is out of range.

    Notes
    -----
    ``E (p - o)² = (p - q)² + q (1 - q)`` for an event of chance q. Smallest, for any q, at p = q:
    the score rewards saying what you believe. Brier, "Verification of forecasts expressed in
    terms of probability", *Monthly Weather Review* 78, 1950 (half of his sum over both outcomes).
    """
    p = validation.numbers("stated", stated, at_least=0, at_most=1, ndim=1)
    q = validation.numbers("true_chance", true_chance, at_least=0, at_most=1, ndim=1)
    w = validation.numbers("weights", weights, at_least=0, ndim=1)
    if not p.shape == q.shape == w.shape:
        raise ValueError(
            f"stated, true_chance and weights must be alike, got {p.shape}, {q.shape}, {w.shape}"
        )
    if not w.any():
        raise ValueError("weights must not all be 0")
    return float((w * ((p - q) ** 2 + q * (1 - q))).sum() / w.sum())


def brier_parts(stated: npt.ArrayLike, right: npt.ArrayLike) -> dict[str, float]:
    """Split a Brier score into reliability, resolution and uncertainty.

    Parameters
    ----------
    stated : array_like, shape (n,)
        The chance stated for each event; 0 to 1.
    right : array_like, shape (n,)
        1 where it came true, 0 where not.

    Returns
    -------
    dict of str to float
        ``brier``, ``reliability`` (distance of what was stated from what happened, 0 is best),
        ``resolution`` (how far the groups differ, more is better) and ``uncertainty`` (of the
        events themselves); ``brier = reliability - resolution + uncertainty`` exactly.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, or a value is out of range.

    Notes
    -----
    Murphy, "A new vector partition of the probability score", *Journal of Applied Meteorology*
    12, 1973. Statements with the same number form a group.
    """
    p = validation.numbers("stated", stated, at_least=0, at_most=1, ndim=1)
    o = validation.numbers("right", np.asarray(right, dtype=float), at_least=0, at_most=1, ndim=1)
    if p.shape != o.shape:
        raise ValueError(f"right must be one per statement: shape {p.shape}, got {o.shape}")
    groups, member, size = np.unique(p, return_inverse=True, return_counts=True)
    happened = np.bincount(member, weights=o) / size
    base = o.mean()
    return {
        "brier": float(((p - o) ** 2).mean()),
        "reliability": float((size * (groups - happened) ** 2).sum() / p.size),
        "resolution": float((size * (happened - base) ** 2).sum() / p.size),
        "uncertainty": float(base * (1 - base)),
    }
