"""Where a design stands among those that luck draws: money, load, outage, and who is on the front.

Three numbers that need no run: the bill, how much of its capacity the busiest hour uses, and how
long the system is down in a year. A design that no other beats in all three is on the front. Where
that stops being true: the front knows nothing of timeouts, retries and lines, which decide what a
bad day does; so it also holds designs that fall over.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.blueprint import Design
from helpers.foundations.dominance import undominated
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, ring, yours
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    integer,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, listed, significant
from helpers.foundations.year import YEAR_S
from helpers.studio.chance import random_designs
from helpers.studio.deck import Brief, brief, deck
from helpers.studio.judge import misses, monthly_usd, piece_by_piece, up
from helpers.studio.references import naive, reference, usual

#: The course's designs, by what the picture calls them.
NAMED = {"first idea": naive, "usual": usual, "reference": reference}

_STEPS = (20, 60)  # designs in the first pictures


class Setting(Parameters):
    """A brief, the course's design that is looked at, and how many luck draws beside it."""

    brief: str = option("rides", "Brief", of=tuple(deck()))
    design: str = option("reference", "Design", of=tuple(NAMED))
    drawn: int = integer(100, "Designs by chance", at_least=10, at_most=1_000)
    seed: int = seed()

    @property
    def the_brief(self) -> Brief:
        """The brief itself."""
        return brief(self.brief)


class Marks(NamedTuple):
    """What a design comes to without a run; of each, less is better.

    Attributes
    ----------
    usd : float
        A month.
    load : float
        What the busiest hour uses of the capacity; above 1 it is too much.
    outage_min : float
        Minutes a year.
    """

    usd: float
    load: float
    outage_min: float


@lru_cache(maxsize=8_192)
def marks(parts: Brief, design: Design) -> Marks:
    """Return what a design comes to: the bill, the utilisation law, the availability.

    As exact as anybody could say: whole US$, percents and minutes, so that nobody wins by a hair.
    """
    load = parts.rate_rps / blueprint.bounds(design).capacity_rps
    outage_min = (1 - up(parts, design)) * YEAR_S / 60
    return Marks(round(monthly_usd(parts, design)), round(load, 2), round(outage_min))


@takes(Setting)
def simulate(at: Setting) -> Iterator[Place]:
    """Draw designs, more and more of them, and look who is on the front; run the named ones."""
    parts = at.the_brief
    named = tuple(build(parts) for build in NAMED.values())
    for number in (*(step for step in _STEPS if step < at.drawn), at.drawn):
        drawn = random_designs(parts, number, at.seed)
        found = np.array([marks(parts, one) for one in (*named, *drawn)])
        place = Place(at, found=found, front=undominated(found), misses=())
        yield place
    for one, trace in itertools.product(named, parts.traces):
        for _ in piece_by_piece(parts, one, trace, at.seed):
            yield place
    missed = tuple(len(list(misses(parts, one, parts.traces, seed=at.seed))) for one in named)
    yield Place(at, found=place.found, front=place.front, misses=missed)


def theory(found: np.ndarray) -> np.ndarray:
    """Return who is on the front, each held against each: the definition, word for word."""
    beaten = [any((other <= one).all() and (other < one).any() for other in found) for one in found]
    return np.flatnonzero(~np.array(beaten))


class Place(Result):
    """Where designs stand.

    Attributes
    ----------
    at : Setting
    found : numpy.ndarray, shape (designs, 3)
        :class:`Marks` of each, the named ones first.
    front : numpy.ndarray of int
        Those that no other beats.
    misses : tuple of int
        What each of the named ones misses on all traces; empty until they have been run.
    """

    at: Setting
    found: np.ndarray
    front: np.ndarray
    misses: tuple[int, ...]

    @property
    def chosen(self) -> int:
        """The row of the design that is looked at."""
        return list(NAMED).index(self.at.design)

    @property
    def better(self) -> int:
        """How many designs beat it."""
        mine = self.found[self.chosen]
        over = (self.found <= mine).all(axis=1) & (self.found < mine).any(axis=1)
        return int(over.sum())

    @property
    def named_on_front(self) -> list[str]:
        """The course's designs that are on the front."""
        return [name for i, name in enumerate(NAMED) if i in self.front]

    @property
    def summary(self) -> dict[str, float | int | str]:
        mine = Marks(*self.found[self.chosen].tolist())
        return {
            **mine._asdict(),
            "beaten_by": self.better,
            "designs": len(self.found),
            "on_front": int(self.front.size),
            "named_on_front": listed(self.named_on_front) if self.named_on_front else "none",
            "misses": self.misses[self.chosen] if self.misses else "not run yet",
        }

    @property
    def reading(self) -> str:
        mine = Marks(*self.found[self.chosen].tolist())
        said = (
            f"The design “{self.at.design}” costs {mine.usd:,.0f} US$ a month, uses "
            f"{significant(100 * mine.load)} % of its capacity in the busiest hour, and is down "
            f"for {duration(60 * mine.outage_min)} a year. "
        )
        if self.better:
            verb = "beats" if self.better == 1 else "beat"
            others = "design" if self.better == 1 else "designs"
            said += f"In these three numbers {self.better} {others} {verb} it. "
        else:
            said += "In these three numbers no design beats it. "
        if not self.misses:
            return said.rstrip()
        if missed := self.misses[self.chosen]:
            return said + f"On all traces it misses {missed} of the brief's objectives."
        return said + "On all traces it keeps what the brief asks."

    @property
    def columns(self) -> Mapping[str, Any]:
        rows = self.found[: len(NAMED)]
        return {
            "design": list(NAMED),
            "US$ a month": rows[:, 0],
            "load (%)": 100 * rows[:, 1],
            "outage (min a year)": rows[:, 2],
            "on the front": ["yes" if i in self.front else "no" for i in range(len(NAMED))],
            "misses": list(self.misses) or ["not run yet"] * len(NAMED),
        }


@style.panels(2)
def plot(run: Place, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the cloud twice: money and load, money and outage."""
    on = np.zeros(len(run.found), bool)
    on[run.front] = True
    usd, load, outage = run.found.T
    outage = np.maximum(outage, 1.0)
    for ax, up_, name in zip(axes, (np.minimum(load, 10), outage), ("load", "outage"), strict=True):
        look: dict[str, Any] = {"linestyle": "none", "marker": "o"}
        ax.plot(usd[~on], up_[~on], color=style.FAINT, markersize=5, **look)
        ax.plot(usd[on], up_[on], color=style.BLUE, markersize=5, **look)
        ring(ax, usd[run.chosen], up_[run.chosen])
        ax.axvline(run.at.the_brief.budget_usd, color=style.INK, linewidth=1.2)
        log_axis(ax, "x", 300, 10_000, ticks=(300, 1_000, 3_000, 10_000))
        ax.set_title(f"Money and {name}")
        ax.set_xlabel("US$ a month")
    log_axis(axes[0], "y", 0.05, 12, ticks=(0.1, 0.3, 1, 3, 10))
    axes[0].axhline(1.0, **style.THEORY)
    axes[0].set_ylabel("busiest hour over capacity")
    log_axis(axes[1], "y", 0.8, 10_000, ticks=(1, 10, 100, 1_000, 10_000))
    axes[1].set_ylabel("outage (minutes a year)")
    key(axes[1], [("●", "on the front", style.BLUE), ("●", "beaten", style.GHOST),
                  ("▬", "budget", style.INK)])  # fmt: skip
    if mine is not None:
        theirs = marks(run.at.the_brief, mine["design"])
        yours(axes[0], theirs.usd, min(theirs.load, 10))
        yours(axes[1], theirs.usd, max(theirs.outage_min, 1.0))
