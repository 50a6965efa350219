"""How good stated chances are: the Brier score and its parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


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
