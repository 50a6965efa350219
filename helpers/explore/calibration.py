"""Whether you are as often right as you say: your predictions, scored.

Every first guess counts, from every chapter, and none that was made after looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from helpers.explore.picture import Picture, picture
from helpers.explore.predictions import predictions
from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note, spans
from helpers.foundations.drawing.forecasts import forecast_axes
from helpers.foundations.experiment import Result
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics.forecasts import brier_parts

if TYPE_CHECKING:
    import pandas as pd


class ScoreResult(Result):
    """Predictions, scored.

    Attributes
    ----------
    stated, right : numpy.ndarray, shape (n,)
        How sure you were of each, and whether it was right (1 or 0); empty before the first.
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
        score = brier_parts(self.stated, self.right)["brier"]
        gap = 100 * float(self.stated.mean() - self.right.mean())
        word = "more" if gap > 0 else "less"
        noise = 100 * float(np.sqrt((self.stated * (1 - self.stated)).sum()) / count)
        lean = (
            f"you were {significant(abs(gap), 2)} points {word} sure than right"
            if abs(gap) > 2 * noise
            else "nothing says that you were more or less sure than right"
        )
        return (
            f"{counted(count, 'prediction').capitalize()}, Brier score {significant(score)} "
            f"(0 is perfect, always 50 % would get 0.25): {lean}, where chance alone makes ± "
            f"{significant(2 * noise, 2)} points."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        stated, right, count = self.groups.T
        return pd.DataFrame(
            {"sure (%)": 100 * stated, "right (%)": 100 * right, "predictions": count.astype(int)}
        ).set_index("sure (%)")


def score_predictions(frame: pd.DataFrame) -> ScoreResult:
    """Score a table of predictions.

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
        return ScoreResult(np.empty(0), np.empty(0))
    stated = validation.numbers(
        "confidence", frame["confidence"].to_numpy(dtype=float), at_least=0, at_most=1
    )
    return ScoreResult(stated, frame["right"].to_numpy(dtype=float))


@style.panels(2)
def plot_score(result: ScoreResult, axes: tuple[Axes, Axes]) -> None:
    """Draw how often what was stated came true, and the score it earns."""
    ax, scores = forecast_axes(
        axes, "how sure you were (%)", "how often you were right (%)", most=1
    )
    scores.set_ylim(0, 1)
    scores.set_yticks([])
    if not result.stated.size:
        note(ax, 0.5, 0.5, "no predictions yet", style.VERMILION, ha="center")
        return
    stated, right, count = result.groups.T
    reach = 1.96 * np.sqrt(stated * (1 - stated) / count)
    low, high = np.clip((stated - reach, stated + reach), 0, 1)
    spans(ax, 100 * stated, 100 * low, 100 * high, color=style.FAINT, linewidth=7)
    ax.plot(100 * stated, 100 * right, color=style.VERMILION, marker="o", linestyle="none")
    note(ax, 0.97, 0.16, "● you", style.VERMILION, ha="right")
    note(ax, 0.97, 0.08, "bands: chance alone", ha="right")
    score = brier_parts(result.stated, result.right)["brier"]
    scores.plot([score], [0.5], color=style.VERMILION, marker="o", markersize=9)
    side = "right" if score > 0.5 else "left"
    place = (-8 if side == "right" else 8, 0)
    style.label(scores, score, 0.5, "you", style.VERMILION, xytext=place, ha=side)
    note(scores, 0.97, 0.95, "dotted: always 50 %", ha="right")


def calibration() -> Picture:
    """Show how often you were right at each confidence that you stated, in all chapters."""
    return picture(plot_score, score_predictions(predictions()))
