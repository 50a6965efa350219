"""An interview with a client who knows what they need and does not say it unless asked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.blueprint import Design
from helpers.estimation.theory.interview import (
    ITEMS,
    QUESTIONS,
    every_client,
    theory_interview,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_INTERVIEWS = 2_000


class InterviewResult(Result):
    """What an interview revealed, what was built, and what it cost.

    Attributes
    ----------
    asked : tuple of str
        The questions asked.
    answers : dict of str to str
        This client's answers to them.
    chosen, best : Design
        The design chosen on what was said, and the one to choose if all were known.
    chosen_items, best_items : numpy.ndarray, shape (items,)
        A month of this client with each of them, USD, item by item.
    regret : Interval
        Mean regret of 2,000 interviews with random clients and these questions, USD a month.
    theory : float
        Expected regret over all clients.
    next_regret : dict of str to float
        Expected regret if one question more were asked, for each that was not.
    nothing_asked : float
        Expected regret if none is asked.
    """

    asked: tuple[str, ...]
    answers: dict[str, str]
    chosen: Design
    best: Design
    chosen_items: np.ndarray
    best_items: np.ndarray
    regret: Interval
    theory: float
    next_regret: dict[str, float]
    nothing_asked: float

    @property
    def own_regret(self) -> float:
        """What this client pays too much, USD a month."""
        return float(self.chosen_items.sum() - self.best_items.sum())

    @property
    def next_question(self) -> str:
        """The most valuable question left, or ``"none"`` if no answer would change anything."""
        worth = {name: self.theory - left for name, left in self.next_regret.items()}
        best = max(worth, key=worth.__getitem__, default="none")
        return best if worth.get(best, 0.0) > 0.005 else "none"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "asked": len(self.asked),
            "chosen": self.chosen.name,
            "best": self.best.name,
            "usd_per_month": float(self.chosen_items.sum()),
            "regret_usd_per_month": self.own_regret,
            "mean_regret_usd_per_month": float(self.regret.estimate),
            "theory_mean_regret_usd_per_month": self.theory,
            "next_question": self.next_question,
        }

    @property
    def reading(self) -> str:
        told = ", ".join(self.answers.values()) or "nothing"
        inside = "inside" if self.regret.contains(self.theory) else "outside"
        own = (
            "which is the best there is"
            if self.own_regret < 0.005
            else (
                f"{significant(self.own_regret)} USD a month more than the best, {self.best.name}"
            )
        )
        return (
            f"Knowing {told}, you build {self.chosen.name}: "
            f"{significant(self.chosen_items.sum())} USD a month for this client, {own}. Over "
            f"2,000 clients these questions leave {significant(float(self.regret.estimate))} USD "
            f"of regret on average; the exact expectation, {significant(self.theory)} USD, lies "
            f"{inside} the 95 % interval."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for name in QUESTIONS:
            left = self.next_regret.get(name)
            rows.append(
                {
                    "question": name,
                    "answer": self.answers.get(name, "not asked"),
                    "worth now (USD a month)": None if left is None else self.theory - left,
                    "expected regret after it": left,
                }
            )
        return pd.DataFrame(rows).set_index("question")


def simulate_interview(
    *,
    peak_load: bool = False,
    reads: bool = False,
    outage_cost: bool = False,
    where: bool = False,
    photos: bool = False,
    language: bool = False,
    seed: int = 1,
) -> InterviewResult:
    """Interview a client, build the design that looks best, and see what it should have been.

    Parameters
    ----------
    peak_load, reads, outage_cost, where, photos, language : bool
        Which questions are asked.
    seed : int
        Which client it is, and which 2,000 others; >= 0.

    Returns
    -------
    InterviewResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    flags = (peak_load, reads, outage_cost, where, photos, language)
    for name, flag in zip(
        ("peak_load", "reads", "outage_cost", "where", "photos", "language"), flags, strict=True
    ):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {flag!r}")
    seed = validation.integer("seed", seed, at_least=0)
    asked = tuple(name for name, flag in zip(QUESTIONS, flags, strict=True) if flag)
    world = every_client()
    drawn = _clients(seed, len(world.clients))
    own = drawn[0]
    choices, regrets = world.choices(asked), world.regrets(asked)
    best = int(world.costs[own].argmin())
    return InterviewResult(
        asked=asked,
        answers={
            name: list(QUESTIONS[name])[world.clients[own, i]]
            for i, name in enumerate(QUESTIONS)
            if name in asked
        },
        chosen=world.designs[choices[own]],
        best=world.designs[best],
        chosen_items=world.items[:, own, choices[own]],
        best_items=world.items[:, own, best],
        regret=mean_interval(regrets[drawn[1:]]),
        theory=theory_interview(asked),
        next_regret={
            name: theory_interview([*asked, name]) for name in QUESTIONS if name not in asked
        },
        nothing_asked=theory_interview(),
    )


@lru_cache(maxsize=8)
def _clients(seed: int, count: int) -> np.ndarray:
    """The client at the table, and 2,000 others."""
    drawn = streams(seed, "clients")["clients"].integers(count, size=1 + _INTERVIEWS)
    drawn.setflags(write=False)
    return drawn


__all__ = ["ITEMS", "InterviewResult", "simulate_interview"]
