"""A page of many parts: which of them may take the whole page down with them.

A hard dependency that is down is an error page; a soft one is replaced by something worth less, a
list of what everybody likes. Where that stops being true: parts here fail independently and at
once; a slow part must first be given up, and the time-out is part of every page's answer until
then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, percent, ring, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, rounded
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.statistics import Interval, mean_interval, wilson_interval

#: Pages that are asked for.
PAGES = 4_000


class Setting(Parameters):
    """A page and its parts."""

    parts: int = integer(10, "Parts of the page", at_least=1, at_most=20)
    hard: int = integer(10, "Of them hard", at_least=0, at_most=20)
    up: float = number(0.99, "A part answers", at_least=0.5, at_most=1)
    worth: float = number(0.6, "What a fallback is worth", at_least=0, at_most=1)
    seed: int = seed()

    @property
    def hard_ones(self) -> int:
        """How many parts are hard: at most all of them."""
        return min(self.hard, self.parts)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def some_pages(at, draw):
    """Ask for pages; each is an error, or worth what its parts are worth."""
    worths = []
    for there in draw("parts").random((4_000, at.parts)) < at.up:
        hard, soft = there[: at.hard_ones], there[at.hard_ones :]
        if not hard.all():
            worths.append(0.0)
            continue
        worth = hard.sum() + np.where(soft, 1.0, at.worth).sum()
        worths.append(worth / at.parts)
    return {"served": np.mean(np.array(worths) > 0), "worth": np.mean(worths), "each": worths}


@takes(Setting)
def simulate(at: Setting) -> Degradation:
    """Ask for 4,000 pages at once, on the model's own draws."""
    there = Draws(at.seed)("parts").random((PAGES, at.parts)) < at.up
    served = there[:, : at.hard_ones].all(axis=1)
    soft = np.where(there[:, at.hard_ones :], 1.0, at.worth).sum(axis=1)
    worth = np.where(served, (at.hard_ones + soft) / at.parts, 0.0)
    return Degradation(
        at, served=wilson_interval(int(served.sum()), PAGES), quality=mean_interval(worth)
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of pages served, and what a page is worth on average; floats, or arrays."""

    served: Any
    worth: Any


def theory(at: Setting, hard: Any = None) -> Theory:
    """Availabilities of hard parts multiply, ``a^hard``; those of soft ones only cost some worth.

    Yield against harvest: Fox and Brewer, "Harvest, Yield, and Scalable Tolerant Systems", HotOS
    1999. What a page is worth is the product of both.
    """
    n = np.asarray(at.hard_ones if hard is None else hard, float)
    served = at.up**n
    each_soft = at.up + (1 - at.up) * at.worth
    return Theory(served, served * (n + (at.parts - n) * each_soft) / at.parts)


# --- what it says ---------------------------------------------------------------------------------


class Degradation(Result):
    """Share of pages that are served, and what a page is worth on average."""

    at: Setting
    served: Interval
    quality: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "served_percent": rounded(100 * self.served.estimate),
            "served_theory_percent": rounded(100 * float(exact.served)),
            "worth_percent": rounded(100 * self.quality.estimate),
            "worth_theory_percent": rounded(100 * float(exact.worth)),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        return (
            f"Of {counted(at.parts, 'part')} that {'each ' if at.parts > 1 else ''}answer"
            f"{'s' if at.parts == 1 else ''} {in_percent(at.up)} of the time, "
            f"{at.hard_ones} {'is' if at.hard_ones == 1 else 'are'} hard: "
            f"{in_percent(self.served.estimate)} of the pages are served (theory "
            f"{in_percent(float(exact.served))}), and a page is worth "
            f"{in_percent(self.quality.estimate)} of a whole one on average (theory "
            f"{in_percent(float(exact.worth))})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        hard = np.arange(self.at.parts + 1)
        exact = theory(self.at, hard)
        return {"hard parts": hard, "served": exact.served, "worth": exact.worth}


def plot(run: Degradation, ax: Axes, mine: Mine | None = None) -> None:
    """Draw pages served, and what a page is worth, against how many parts are hard."""
    at = run.at
    hard = np.linspace(0, at.parts, 100)
    exact = theory(at, hard)
    ax.plot(hard, exact.served, **style.THEORY)
    ax.plot(hard, exact.worth, **style.THEORY | {"color": style.GREEN})
    here(ax, at.hard_ones)
    green = style.DOTS | {"color": style.GREEN, "marker": "s"}
    error_bars(ax, at.hard_ones, run.served, **style.DOTS)
    error_bars(ax, at.hard_ones, run.quality, **green)
    ring(ax, at.hard_ones, [run.served.estimate, run.quality.estimate])
    low = next(end for end in (0.9, 0.7, 0.4, 0.0) if at.up**at.parts > end or not end)
    ax.set_xlim(-0.3, at.parts + 0.3)
    ax.set_xticks(range(0, at.parts + 1, 1 if at.parts <= 12 else 4))
    ax.set_ylim(low, 1 + 0.25 * (1 - low))
    ticks = np.linspace(low, 1, 3)
    ax.set_yticks(ticks, [percent(share) for share in ticks])
    key(ax, [("●", "pages served", style.BLUE), ("■", "what a page is worth", style.GREEN)])
    ax.set_title("Hard and soft dependencies")
    ax.set_xlabel("parts without which there is no page")
    if mine is not None:
        yours(ax, at.hard_ones, [mine["served"], mine["worth"]])
