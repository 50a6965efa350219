"""An interview with a client who knows what they need and does not say it unless asked.

Clients are equally likely to give any answer, and you build what is cheapest on average for all who
would have answered alike. Where that stops being true: clients who are wrong about themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint import Design
from helpers.estimation.clients_and_designs import ITEMS, QUESTIONS, every_client
from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Draws, Parameters, Result, flag, seed, takes
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, mean_interval

_INTERVIEWS = 2_000


class Setting(Parameters):
    """The questions that are asked; the seed decides which client it is, and which 2,000 others."""

    peak_load: bool = flag(False, "Ask: what is the peak load?")
    reads: bool = flag(False, "Ask: what share only reads?")
    outage_cost: bool = flag(False, "Ask: what does an hour down cost?")
    where: bool = flag(False, "Ask: where are the users?")
    photos: bool = flag(False, "Ask: how many photos are kept?")
    language: bool = flag(False, "Ask: which language?")
    seed: int = seed()

    @property
    def asked(self) -> tuple[str, ...]:
        """The questions, by their names in :data:`QUESTIONS`."""
        flags = (
            self.peak_load,
            self.reads,
            self.outage_cost,
            self.where,
            self.photos,
            self.language,
        )
        return tuple(name for name, asked in zip(QUESTIONS, flags, strict=True) if asked)


@takes(Setting)
def simulate(at: Setting) -> Interview:
    """Interview a client, build the design that looks best, and see what it should have been."""
    world = every_client()
    drawn = _clients(at.seed, len(world.clients))
    own = drawn[0]
    choices, regrets = world.choices(at.asked), world.regrets(at.asked)
    best = int(world.costs[own].argmin())
    return Interview(
        at,
        answers={
            name: list(QUESTIONS[name])[world.clients[own, i]]
            for i, name in enumerate(QUESTIONS)
            if name in at.asked
        },
        chosen=world.designs[choices[own]],
        best=world.designs[best],
        chosen_items=world.items[:, own, choices[own]],
        best_items=world.items[:, own, best],
        regret=mean_interval(regrets[drawn[1:]]),
    )


@lru_cache(maxsize=8)
def _clients(seed: int, count: int) -> np.ndarray:
    """The client at the table, and 2,000 others."""
    drawn = Draws(seed)("clients").integers(count, size=1 + _INTERVIEWS)
    drawn.setflags(write=False)
    return drawn


# --- theory ---------------------------------------------------------------------------------------


def theory(asked: Collection[str] = ()) -> float:
    """Return the expected regret after some questions, USD a month.

    Parameters
    ----------
    asked : collection of str
        Names of :data:`QUESTIONS`.

    Raises
    ------
    ValueError
        If a name is no question.

    Notes
    -----
    ``E[min over designs of E[cost | answers]] - E[min over designs of cost]``; what a question is
    worth is how much it lowers this. Howard, "Information Value Theory", *IEEE Transactions on
    Systems Science and Cybernetics* 2, 1966.
    """
    for name in asked:
        validation.one_of("asked", name, QUESTIONS)
    return _expected_regret(frozenset(asked))


@lru_cache(maxsize=128)
def _expected_regret(asked: frozenset[str]) -> float:
    return float(every_client().regrets(asked).mean())


def best_questions(count: int) -> tuple[str, ...]:
    """Return the `count` questions that leave the least expected regret, by trying every set.

    Raises
    ------
    TypeError, ValueError
        If `count` is not a whole number from 0 to the number of questions.
    """
    count = validation.integer("count", count, at_least=0, at_most=len(QUESTIONS))
    sets = combinations(QUESTIONS, count)
    return min(sets, key=lambda names: round(theory(names), 6))


# --- what it says ---------------------------------------------------------------------------------


class Interview(Result):
    """What an interview revealed, what was built, and what it cost.

    Attributes
    ----------
    answers : dict of str to str
        This client's answers to what was asked.
    chosen, best : Design
        The design chosen on what was said, and the one to choose if all were known.
    chosen_items, best_items : numpy.ndarray, shape (items,)
        A month of this client with each of them, USD, item by item.
    regret : Interval
        Mean regret of 2,000 interviews with random clients and these questions, USD a month.
    """

    at: Setting
    answers: dict[str, str]
    chosen: Design
    best: Design
    chosen_items: np.ndarray
    best_items: np.ndarray
    regret: Interval

    @property
    def asked(self) -> tuple[str, ...]:
        """The questions asked."""
        return self.at.asked

    @property
    def next_regret(self) -> dict[str, float]:
        """Expected regret if one question more were asked, for each that was not."""
        return {name: theory([*self.asked, name]) for name in QUESTIONS if name not in self.asked}

    @property
    def own_regret(self) -> float:
        """What this client pays too much, USD a month."""
        return float(self.chosen_items.sum() - self.best_items.sum())

    @property
    def next_question(self) -> str:
        """The most valuable question left, or ``"none"`` if no answer would change anything."""
        worth = {name: theory(self.asked) - left for name, left in self.next_regret.items()}
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
            "mean_regret_usd_per_month": self.regret.estimate,
            "theory_mean_regret_usd_per_month": theory(self.asked),
            "next_question": self.next_question,
        }

    @property
    def reading(self) -> str:
        told = ", ".join(self.answers.values()) or "nothing"
        inside = "inside" if self.regret.contains(theory(self.asked)) else "outside"
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
            f"2,000 clients these questions leave {significant(self.regret.estimate)} USD "
            f"of regret on average; the exact expectation, {significant(theory(self.asked))} USD, "
            f"lies {inside} the 95 % interval."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        left = [self.next_regret.get(name) for name in QUESTIONS]
        now = theory(self.asked)
        return {
            "question": list(QUESTIONS),
            "answer": [self.answers.get(name, "not asked") for name in QUESTIONS],
            "worth now (USD a month)": [None if one is None else now - one for one in left],
            "expected regret after it": left,
        }


#: Fills of the parts of a bill, from dark to light, so that they differ without colour.
_ITEM_FILLS = (style.BLUE, style.SKY, style.VERMILION, style.ORANGE, style.PURPLE)
_DASHES: dict[str, Any] = {key: value for key, value in style.THEORY.items() if key != "linewidth"}


@style.panels(2, width_ratios=[1, 1.15])
def plot(run: Interview, axes: tuple[Axes, Axes]) -> None:
    """Draw this client's two bills, and what each further question leaves of the regret."""
    bill, regret = axes
    _bills(run, bill)
    top = 1.12 * theory()
    regret.set_title("Regret left, after one more question")
    regret.set_xlim(0, top)
    regret.set_ylim(len(QUESTIONS) + 0.65, -0.75)
    regret.set_yticks([])
    regret.grid(axis="y", visible=False)
    regret.set_xlabel("mean regret (USD a month)")
    regret.axvline(theory(run.asked), linewidth=1.2, **_DASHES)
    inset = 0.012 * top
    regret.text(inset, -0.22, "so far", fontsize=9, fontweight="bold")
    error_bars(regret, 0, run.regret, along="x", zorder=4, **style.DOTS)
    for y, name in enumerate(QUESTIONS, 1):
        left = run.next_regret.get(name)
        asked = left is None
        regret.text(inset, y - 0.2, f"{name}: asked" if asked else f"+ {name}", fontsize=9,
                    color=style.MUTED if asked else style.INK)  # fmt: skip
        if left is None:
            continue
        bars(regret, y + 0.05, left, 0.34, along="x", facecolor=style.FAINT, edgecolor=style.MUTED,
             linewidth=0.8)  # fmt: skip
        worth = theory(run.asked) - left
        text = f"worth {worth:,.0f}" if worth > 0.5 else "worth nothing"
        beside = max(left, theory(run.asked)) if abs(left - theory(run.asked)) < 0.2 * top else left
        fits = beside < 0.74 * top
        regret.text(beside + inset if fits else left - inset, y + 0.06, text, fontsize=9,
                    va="center", ha="left" if fits else "right")  # fmt: skip


def _bills(run: Interview, ax: Axes) -> None:
    top = headroom(max(run.chosen_items.sum(), run.best_items.sum()))
    ax.set_title("This client's month")
    ax.set_xlim(-0.6, 2.15)
    ax.set_ylim(0, top)
    ax.set_xticks([0, 1], ["what you\nbuild", "all known"])
    ax.grid(axis="x", visible=False)
    ax.set_ylabel("USD a month")
    bottoms = np.zeros(2)
    bills = np.column_stack([run.chosen_items, run.best_items])
    last = -np.inf
    for name, amounts, fill in zip(ITEMS, bills, _ITEM_FILLS, strict=True):
        if amounts.max() < 0.004 * top:
            continue
        bars(ax, [0, 1], amounts, 0.62, start=bottoms, facecolor=fill, edgecolor="white",
             linewidth=0.8)  # fmt: skip
        shown = 1 if amounts[1] >= 0.004 * top else 0
        middle = max(bottoms[shown] + amounts[shown] / 2, last + 0.11 * top)
        ax.text(1.38, middle, name.replace(" and ", "\nand "), fontsize=8.5, va="center")
        last = middle
        bottoms = bottoms + amounts
