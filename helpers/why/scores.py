"""Your own predictions, scored: how sure you were, and how often right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note, spans
from helpers.foundations.experiment import Result
from helpers.foundations.prose import counted, significant
from helpers.why import calibration

if TYPE_CHECKING:
    import pandas as pd


def brier_parts(stated: npt.ArrayLike, right: npt.ArrayLike) -> dict[str, float]:
    """Split a Brier score into reliability, resolution and uncertainty.

    Murphy, "A new vector partition of the probability score", *Journal of Applied Meteorology*
    12, 1973. Statements with the same number form a group.

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


def score(frame: pd.DataFrame) -> Scores:
    """Score a table of predictions, as ``helpers.explore.predictions`` returns it.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a column `confidence`, 0 to 1, and a column `right`.

    Raises
    ------
    ValueError
        If a column is missing or a confidence is out of range.
    """
    for name in ("confidence", "right"):
        if name not in frame:
            raise ValueError(f"frame must have a column {name!r}, got {list(frame)}")
    if not len(frame):
        return Scores(np.empty(0), np.empty(0))
    stated = validation.numbers(
        "confidence", frame["confidence"].to_numpy(dtype=float), at_least=0, at_most=1
    )
    return Scores(stated, frame["right"].to_numpy(dtype=float))


class Scores(Result):
    """Your own predictions; arrays of shape (n,), empty before the first.

    Attributes
    ----------
    stated, right : numpy.ndarray
        How sure you were of each, and whether it was right (1 or 0).
    """

    stated: np.ndarray
    right: np.ndarray

    @property
    def groups(self) -> np.ndarray:
        """Chance stated, share right and how many, shape (groups, 3)."""
        values = np.unique(self.stated)
        rows = [(v, self.right[self.stated == v].mean(), (self.stated == v).sum()) for v in values]
        return np.array(rows, dtype=float).reshape(-1, 3)

    @property
    def summary(self) -> dict[str, float | int | str]:
        count = int(self.stated.size)
        if not count:
            return {"predictions": 0}
        return {
            "predictions": count,
            "right_percent": 100 * float(self.right.mean()),
            "mean_confidence_percent": 100 * float(self.stated.mean()),
            **brier_parts(self.stated, self.right),
        }

    @property
    def reading(self) -> str:
        count = int(self.stated.size)
        if not count:
            return "No predictions yet: commit to some, here or in any chapter, and run this again."
        found = brier_parts(self.stated, self.right)["brier"]
        gap = 100 * float(self.stated.mean() - self.right.mean())
        word = "more" if gap > 0 else "less"
        noise = 100 * float(np.sqrt((self.stated * (1 - self.stated)).sum()) / count)
        lean = (
            f"you were {significant(abs(gap), 2)} points {word} sure than right"
            if abs(gap) > 2 * noise
            else "nothing says that you were more or less sure than right"
        )
        return (
            f"{counted(count, 'prediction')}, Brier score {significant(found)} "
            f"(always 50 % would get 0.25): {lean}, where chance alone makes ± "
            f"{significant(2 * noise, 2)} points."
        )


@style.panels(2)
def plot(run: Scores, axes: tuple[Axes, Axes]) -> None:
    """Draw how often your statements came true, and the score they earn."""
    ax, scores = axes
    calibration.frame(ax, scores)
    scores.set_xlim(0, 1)
    scores.set_ylim(0, 1)
    scores.set_yticks([])
    if not run.stated.size:
        note(ax, 0.5, 0.5, "no predictions yet", style.VERMILION, ha="center")
        return
    stated, right, count = run.groups.T
    reach = 196 * np.sqrt(stated * (1 - stated) / count)
    spans(ax, 100 * stated, 100 * stated - reach, 100 * stated + reach,
          color=style.FAINT, linewidth=7)  # fmt: skip
    ax.plot(100 * stated, 100 * right, color=style.VERMILION, marker="o", linestyle="none")
    note(ax, 0.97, 0.16, "● you", style.VERMILION, ha="right")
    note(ax, 0.97, 0.08, "bands: chance alone", ha="right")
    found = float(((run.stated - run.right) ** 2).mean())
    scores.plot([found], [0.5], color=style.VERMILION, marker="o", markersize=9)
    at_the_end = found > 0.9
    offset, side = ((-8, 0), "right") if at_the_end else ((8, 0), "left")
    style.label(scores, found, 0.5, "you", style.VERMILION, xytext=offset, ha=side)
    note(scores, 0.97, 0.95, "dotted: always 50 %", ha="right")
