"""The whole deck of surprises, played on one design on several afternoons.

Where that stops being true: a deck shows only what somebody thought of. There is always another
card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint import Design
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars
from helpers.foundations.experiment import Parameters, Result, integer, seed, takes
from helpers.foundations.prose import counted, significant
from helpers.why import surprises
from helpers.why.surprises import DECK, SURVIVED, Afternoon


class Setting(Parameters):
    """A design, and how often the deck is played on it."""

    design: Design = surprises.design()
    afternoons: int = integer(
        5, "Afternoons", at_least=1, at_most=40, note="Independent runs of every card."
    )
    seed: int = seed()


def play(design: Design, *, seed: int = 1) -> tuple[Afternoon, ...]:
    """Play each card of the deck once, with the same traffic."""
    return tuple(
        surprises.simulate(design=design, surprise=surprise, seed=seed) for surprise in DECK
    )


@takes(Setting)
def simulate(at: Setting) -> Iterator[Deck]:
    """Play the deck on one afternoon after the other; yield what is known after each."""
    shares: list[list[float]] = []
    for number in range(at.afternoons):
        played = play(at.design, seed=at.seed + number)
        shares.append([afternoon.share for afternoon in played])
        yield Deck(at, shares=np.array(shares), has=tuple(one.happens for one in played))


# --- what it says ---------------------------------------------------------------------------------


class Deck(Result):
    """A design and all the surprises of the deck.

    Attributes
    ----------
    shares : numpy.ndarray, shape (afternoons, cards)
        Share of the requests answered in time.
    has : tuple of bool
        Whether each card can happen to this design.
    """

    at: Setting
    shares: np.ndarray
    has: tuple[bool, ...]

    @property
    def survived(self) -> np.ndarray:
        """How many cards were survived on each afternoon, shape (afternoons,)."""
        return np.asarray((self.shares >= SURVIVED).sum(axis=1))

    @property
    def mean_shares(self) -> np.ndarray:
        """Share of the requests answered in time, over all afternoons, for each card."""
        return np.asarray(self.shares.mean(axis=0))

    @property
    def summary(self) -> dict[str, float | int | str]:
        shares = zip(DECK, self.mean_shares.tolist(), strict=True)
        return {surprise: f"{100 * share:.1f} %" for surprise, share in shares}

    @property
    def reading(self) -> str:
        fewest, most = int(self.survived.min()), int(self.survived.max())
        range_ = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        worst = int(self.mean_shares.argmin())
        return (
            f"In {counted(len(self.shares), 'afternoon')} {self.at.design.name} survives {range_} "
            f"of {len(DECK)} cards; the worst is {list(DECK)[worst]!r}, with "
            f"{significant(100 * self.mean_shares[worst])} % of the requests answered in time."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "card": list(DECK),
            "in time (%)": 100 * self.mean_shares,
            "worst afternoon (%)": 100 * self.shares.min(axis=0),
            "survived on": (self.shares >= SURVIVED).sum(axis=0),
        }


def plot(run: Deck, ax: Axes) -> None:
    """Draw the share of the requests answered in time under each surprise."""
    ax.set_title("The whole deck")
    y = np.arange(len(DECK))[::-1]
    ax.set_xlim(0, 112)
    ax.set_ylim(-0.7, len(y) - 0.3)
    ax.set_yticks([])
    ax.set_xticks(range(0, 101, 20))
    ax.grid(False, axis="y")
    ax.set_xlabel("% of the requests answered within 1 s; dots: single afternoons")
    ax.axvline(100 * SURVIVED, **style.THEORY)
    shares = 100 * run.mean_shares
    always = (run.shares >= SURVIVED).all(axis=0)
    for color, these in ((style.SKY, always), (style.ORANGE, ~always)):
        bars(ax, y[these], shares[these], 0.72, along="x", facecolor=color, alpha=0.8)
    each = np.broadcast_to(y, run.shares.shape)
    ax.plot(100 * run.shares.ravel(), each.ravel() - 0.2, color=style.INK, marker="o",
            markersize=3.5, linestyle="none")  # fmt: skip
    afternoons = len(run.shares)
    for place, card, has, share, times in zip(
        y, DECK, run.has, shares, (run.shares >= SURVIVED).sum(axis=0), strict=True
    ):
        mark = "✓" if times == afternoons else "✗" if times == 0 else f"{times} of {afternoons}"
        none = "" if has else " (has none)"
        ax.text(1.5, place, f"{mark}  {card}{none}", va="center", color=style.INK)
        ax.text(102, place, f"{share:.1f}", va="center", fontsize=9, color=style.INK)
