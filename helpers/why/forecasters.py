"""What a chance that somebody states is worth: four hundred forecasters and their honest twins.

All questions are equally hard for everybody, and forecasters differ by luck alone. Where that stops
being true: scores compare two people only if both answered questions of about the same difficulty.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note, spans
from helpers.foundations.drawing.forecasts import forecast_axes
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant

#: The chances that a prediction can be given.
STATED = (0.5, 0.7, 0.8, 0.9, 0.99)

_FORECASTERS = 400
_MOST_QUESTIONS = 500


class Setting(Parameters):
    """Forecasters, and how much they overrate themselves."""

    questions: int = integer(30, "Questions answered", at_least=1, at_most=_MOST_QUESTIONS)
    overconfidence: float = number(
        0.5,
        "Overconfidence",
        at_least=0,
        at_most=1,
        note="0: they are right as often as they say; 1: no more often than a coin.",
    )
    seed: int = seed()

    @property
    def true_chance(self) -> np.ndarray:
        """How often a statement of each of :data:`STATED` comes true."""
        return 0.5 + (np.array(STATED) - 0.5) * (1 - self.overconfidence)


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Forecasters:
    """Let each forecaster answer; a twin answers alike, and states the true chance."""
    stated, truth = np.array(STATED), at.true_chance
    groups, luck = (draw[:, : at.questions] for draw in _draws(at.seed))
    right = luck < truth[groups]
    count = np.stack([(groups == g).sum(axis=1) for g in range(stated.size)], axis=1)
    hits = np.stack([(right & (groups == g)).sum(axis=1) for g in range(stated.size)], axis=1)
    misses = count - hits

    def score(said: np.ndarray) -> np.ndarray:
        return (hits * (1 - said) ** 2 + misses * said**2).sum(axis=1) / at.questions

    return Forecasters(
        at,
        shares=np.where(count > 0, hits / np.maximum(count, 1), np.nan),
        brier=score(stated),
        honest=score(truth),
    )


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw, shape = Draws(seed), (_FORECASTERS, _MOST_QUESTIONS)
    draws = draw("questions").integers(len(STATED), size=shape), draw("answers").random(shape)
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Expected Brier scores: of those who speak, and of their honest twins."""

    brier: float
    honest: float


def theory(at: Setting) -> Theory:
    """Expected scores if each chance is stated equally often; see :func:`expected_brier`."""
    truth = at.true_chance
    return Theory(
        float(expected_brier(np.array(STATED), truth).mean()),
        float(expected_brier(truth, truth).mean()),
    )


def expected_brier(stated: Any, true_chance: Any) -> Any:
    """Expected Brier score of stating p where q is true; floats or arrays.

    ``E (p - o)² = (p - q)² + q (1 - q)`` for an event of chance q. Smallest, for any q, at p = q:
    the score rewards saying what you believe. Brier, "Verification of forecasts expressed in
    terms of probability", *Monthly Weather Review* 78, 1950 (half of his sum over both outcomes).
    """
    return (stated - true_chance) ** 2 + true_chance * (1 - true_chance)


# --- what it says ---------------------------------------------------------------------------------


class Forecasters(Result):
    """Four hundred forecasters who state one chance where another is true.

    Attributes
    ----------
    shares : numpy.ndarray, shape (400, 5)
        How often each was right with each of :data:`STATED`; NaN where they never stated it.
    brier, honest : numpy.ndarray, shape (400,)
        Their scores, and those of their twins on the same questions.
    """

    at: Setting
    shares: np.ndarray
    brier: np.ndarray
    honest: np.ndarray

    @property
    def beaten(self) -> float:
        """Share of forecasters whose honest twin scores no worse than they do."""
        return float((self.honest <= self.brier).mean())

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "questions": self.at.questions,
            "brier": float(self.brier.mean()),
            "theory": exact.brier,
            "brier_honest_twin": float(self.honest.mean()),
            "theory_honest_twin": exact.honest,
            "right_when_90_percent_sure_percent": 100 * float(self.at.true_chance[3]),
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        if self.at.overconfidence == 0:
            return (
                f"Who says 90 % and is right 90 % of the time scores "
                f"{significant(float(self.brier.mean()))} on average (theory: "
                f"{significant(exact.brier)}; 0 is perfect, always 50 % gets 0.25). Honest twins "
                "would say the same, so they score the same."
            )
        return (
            f"Who says 90 % and is right {significant(100 * float(self.at.true_chance[3]))} % of "
            f"the time scores {significant(float(self.brier.mean()))} on average (theory: "
            f"{significant(exact.brier)}; an honest twin "
            f"{significant(float(self.honest.mean()))}; 0 is perfect, always 50 % gets 0.25). "
            f"After {counted(self.at.questions, 'question')} the twin is level or ahead in "
            f"{significant(100 * self.beaten)} % of the cases."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "stated": STATED,
            "true": self.at.true_chance,
            "observed by forecaster 1": self.shares[0],
        }


_BINS = np.linspace(0, 1, 101)


@style.panels(2)
def plot(run: Forecasters, axes: tuple[Axes, Axes]) -> None:
    """Draw how often statements came true, and the scores they earn."""
    ax, scores = forecast_axes(axes, "chance stated (%)", "came true (%)", most=0.6)
    x = 100 * np.array(STATED)
    low, high = (100 * q for q in np.nanquantile(run.shares, (0.05, 0.95), axis=0))
    spans(ax, x, low, high, color=style.SKY, linewidth=7, alpha=0.5)
    ax.plot(x, 100 * run.at.true_chance, color=style.BLUE, linewidth=2.2)
    ax.plot(x, 100 * run.shares[0], color=style.VERMILION, marker="o", linestyle="none")
    note(ax, 0.04, 0.08, "— true chance", style.BLUE)
    note(ax, 0.97, 0.16, "● one forecaster", style.VERMILION, ha="right")
    note(ax, 0.97, 0.08, "band: nine in ten of them", style.SKY_INK, ha="right")
    top = 0.4
    exact = theory(run.at)
    for values, shade, dashes in (
        (run.honest, style.GREEN, (0, (5, 1.5))),
        (run.brier, style.BLUE, "-"),
    ):
        share = np.histogram(values, _BINS)[0] / values.size
        scores.stairs(share, _BINS, color=shade, linewidth=1.8, linestyle=dashes)
        top = top if share.max() < 0.3 else 1.0
    scores.set_ylim(0, top)
    scores.set_ylabel("share of forecasters")
    scores.axvline(exact.brier, **style.THEORY)
    note(scores, 0.97, 0.95, "— as they speak", style.BLUE, ha="right")
    note(scores, 0.97, 0.87, "- - honest twins", style.GREEN, ha="right")
    note(scores, 0.97, 0.79, "- - theory, as they speak", style.BLACK, ha="right")
    note(scores, 0.97, 0.71, "dotted: always 50 %", ha="right")
