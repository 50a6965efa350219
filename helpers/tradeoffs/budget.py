"""An error budget in minutes and in money: what a target allows, and who spends it.

A service is down whenever one of its dependencies is, and whenever it fails itself. Where that
stops being true: dependencies fail independently here, outages last exponential times, their times
are added up as if none met, and an outage at noon costs more than one at night.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, marks
from helpers.foundations.drawing.rows import named_rows
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Draws, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, percent, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

YEARS = 4_000
_YEAR_MIN = 365 * 24 * 60


class Setting(Parameters):
    """A target, what it rests on, and what the service earns."""

    target_nines: float = number(4.0, "Target", unit="nines", at_least=1, at_most=6)
    dependencies: int = integer(5, "Critical dependencies", at_least=0, at_most=20)
    # With fewer than three, outages meet too often for their times to be added up.
    their_nines: float = number(5.0, "Each of them has", unit="nines", at_least=3, at_most=7)
    outage_min: float = number(5.0, "An outage lasts on average", unit="min", above=0)
    income_usd: float = number(1e6, "The service earns", unit="US$/year", above=0)
    seed: int = seed()

    @property
    def allowed_min(self) -> float:
        """Minutes a year that the target allows."""
        return _YEAR_MIN * float(10**-self.target_nines)

    @property
    def each_min(self) -> float:
        """Minutes a year that one dependency is down."""
        return _YEAR_MIN * float(10**-self.their_nines)


@takes(Setting)
def simulate(at: Setting) -> Budget:
    """Live through 4,000 years of the dependencies' outages."""
    rng = Draws(at.seed)("outages")
    outages = rng.poisson(at.dependencies * at.each_min / at.outage_min, YEARS)
    spent_min = np.where(outages > 0, at.outage_min * rng.gamma(np.maximum(outages, 1)), 0.0)
    return Budget(
        at, spent=mean_interval(spent_min), over=float((spent_min > at.allowed_min).mean())
    )


class Theory(NamedTuple):
    """Minutes a year that the dependencies are down, the target allows, and are left; and money."""

    spent_min: float
    allowed_min: float
    left_min: float
    worth_usd: float


def theory(at: Setting) -> Theory:
    """Add up what the dependencies take, and price the next nine.

    Rare outages hardly ever meet, so their times add up; Treynor, Dahlin, Rau and Beyer, "The
    Calculus of Service Availability", ACM Queue 2017. The sum m u is never less than the exact
    ``1 - (1 - u)^m``, and at most a hundredth more for 20 dependencies at three nines. A further
    nine saves nine tenths of what the target's downtime costs; Beyer et al., *Site Reliability
    Engineering*, 2016, chapter 3.
    """
    spent = at.dependencies * at.each_min
    worth = at.income_usd * 0.9 * float(10**-at.target_nines)
    return Theory(spent, at.allowed_min, at.allowed_min - spent, worth)


class Budget(Result):
    """What the dependencies take.

    Attributes
    ----------
    spent : Interval
        Minutes a year in which a dependency was down.
    over : float
        Share of the years in which they alone took more than the target allows.
    """

    at: Setting
    spent: Interval
    over: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "allowed_min": rounded(exact.allowed_min),
            "spent_min": rounded(self.spent.estimate),
            "spent_theory_min": rounded(exact.spent_min),
            "left_min": rounded(exact.left_min),
            "years_over_percent": rounded(100 * self.over),
            "next_nine_worth_usd": rounded(exact.worth_usd),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        share = significant(100 * (1 - 10**-at.target_nines), 7)
        said = f"A target of {share} % allows {duration(60 * exact.allowed_min)} a year. "
        if not at.dependencies:
            said += "Nothing else can take from it; "
        else:
            verb = "takes" if at.dependencies == 1 else "take"
            said += (
                f"{counted(at.dependencies, 'dependency', 'dependencies')} {verb} "
                f"{duration(60 * self.spent.estimate)} on average (theory "
                f"{duration(60 * exact.spent_min)}), and more than the target allows in "
                f"{percent(self.over)} of the years; "
            )
        if exact.left_min > 0:
            said += f"{duration(60 * exact.left_min)} are left for your own mistakes. "
        else:
            said += "nothing is left for your own mistakes. "
        return f"{said}One more nine would be worth {significant(exact.worth_usd)} US$ a year."

    @property
    def columns(self) -> Mapping[str, Any]:
        nines = np.arange(1, 7)
        allowed = _YEAR_MIN * 10.0**-nines
        return {
            "nines": nines,
            "allowed (min a year)": allowed,
            "left by the dependencies (min)": allowed - theory(self.at).spent_min,
            "one more nine is worth (US$)": self.at.income_usd * 0.9 * 10.0**-nines,
        }


def plot(run: Budget, ax: Axes) -> None:
    """Draw what is allowed, what is taken, and what is left."""
    exact = theory(run.at)
    names = ["the target allows", "dependencies take", "left for your mistakes"]
    rows = named_rows(ax, names)
    left = max(exact.allowed_min - run.spent.estimate, 0.0)
    top = headroom(max(exact.allowed_min, run.spent.high))
    ax.set_xlim(0, top)
    bars(ax, rows[0], exact.allowed_min, 0.24, along="x", facecolor=style.FAINT)
    bars(ax, rows[1], run.spent.estimate, 0.24, along="x", facecolor=style.BLUE)
    bars(ax, rows[2], left, 0.6, start=exact.allowed_min - left, along="x", facecolor=style.GREEN)
    error_bars(ax, rows[1], run.spent, along="x", **style.DOTS | {"marker": ""})
    marks(ax, rows[1], exact.spent_min, 0.4, along="x")
    ax.axvline(exact.allowed_min, color=style.MUTED, linewidth=1)
    ax.set_title("A year's error budget")
    ax.set_xlabel("minutes")
