"""What a chance that somebody states is worth: calibration."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.why.theory import brier_parts, theory_calibration

if TYPE_CHECKING:
    import pandas as pd

#: The chances that a prediction can be given.
STATED = (0.5, 0.7, 0.8, 0.9, 0.99)

_FORECASTERS = 400


class CalibrationResult(Result):
    """Forecasters who state one chance where another is true.

    Attributes
    ----------
    questions, overconfidence
        The parameters it was made with.
    stated, true_chance : numpy.ndarray, shape (5,)
        Chances stated, and how often such statements are right.
    shares : numpy.ndarray, shape (forecasters, 5)
        How often each forecaster was right with each; NaN where they never stated it.
    brier : numpy.ndarray, shape (forecasters,)
        Their scores.
    honest : numpy.ndarray, shape (forecasters,)
        Scores on the same questions of twins who state the true chances.
    theory, theory_honest : float
        Expected scores of both.
    """

    questions: int
    overconfidence: float
    stated: np.ndarray
    true_chance: np.ndarray
    shares: np.ndarray
    brier: np.ndarray
    honest: np.ndarray
    theory: float
    theory_honest: float

    @property
    def beaten(self) -> float:
        """Share of forecasters whose honest twin scores no worse than they do."""
        return float((self.honest <= self.brier).mean())

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "questions": self.questions,
            "brier": float(self.brier.mean()),
            "theory": self.theory,
            "brier_honest_twin": float(self.honest.mean()),
            "theory_honest_twin": self.theory_honest,
            "right_when_90_percent_sure_percent": 100 * float(self.true_chance[3]),
        }

    @property
    def reading(self) -> str:
        return (
            f"Who says 90 % and is right {significant(100 * float(self.true_chance[3]))} % of the "
            f"time scores {significant(float(self.brier.mean()))} on average (theory: "
            f"{significant(self.theory)}; an honest twin {significant(float(self.honest.mean()))}; "
            f"0 is perfect, always 50 % gets 0.25). After {self.questions} questions the twin is "
            f"level or ahead in {significant(100 * self.beaten)} % of the cases."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "stated": self.stated,
                "true": self.true_chance,
                "observed by forecaster 1": self.shares[0],
            }
        ).set_index("stated")


def simulate_calibration(
    *, questions: int = 30, overconfidence: float = 0.5, seed: int = 1
) -> CalibrationResult:
    """Simulate 400 forecasters who answer questions and say how sure they are.

    Parameters
    ----------
    questions : int
        Questions each answers; 1 to 500.
    overconfidence : float
        0: they are right as often as they say; 1: they do no better than a coin, whatever they say.
    seed : int
        Seed of questions and answers; all settings meet the same draws.

    Returns
    -------
    CalibrationResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    questions = validation.integer("questions", questions, at_least=1, at_most=500)
    overconfidence = validation.number("overconfidence", overconfidence, at_least=0, at_most=1)
    seed = validation.integer("seed", seed, at_least=0)
    stated = np.array(STATED)
    truth = 0.5 + (stated - 0.5) * (1 - overconfidence)
    groups, luck = _draws(seed)
    groups, luck = groups[:, :questions], luck[:, :questions]
    right = luck < truth[groups]
    count = np.stack([(groups == g).sum(axis=1) for g in range(stated.size)], axis=1)
    hits = np.stack([(right & (groups == g)).sum(axis=1) for g in range(stated.size)], axis=1)
    misses = count - hits
    even = np.ones(stated.size)

    def score(said: np.ndarray) -> np.ndarray:
        return (hits * (1 - said) ** 2 + misses * said**2).sum(axis=1) / questions

    return CalibrationResult(
        questions=questions,
        overconfidence=overconfidence,
        stated=stated,
        true_chance=truth,
        shares=np.where(count > 0, hits / np.maximum(count, 1), np.nan),
        brier=score(stated),
        honest=score(truth),
        theory=theory_calibration(stated, truth, even),
        theory_honest=theory_calibration(truth, truth, even),
    )


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "questions", "answers")
    shape = (_FORECASTERS, 500)
    draws = rng["questions"].integers(len(STATED), size=shape), rng["answers"].random(shape)
    for draw in draws:
        draw.setflags(write=False)
    return draws


class ScoreResult(Result):
    """Your own predictions, scored.

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
            f"{count} prediction{'s' if count > 1 else ''}, Brier score {significant(score)} "
            f"(always 50 % would get 0.25): {lean}, where chance alone makes ± "
            f"{significant(2 * noise, 2)} points."
        )


def score_predictions(frame: pd.DataFrame) -> ScoreResult:
    """Score a table of predictions.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a column `confidence`, 0 to 1, and a column `right`.

    Returns
    -------
    ScoreResult

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
