"""The last writer wins, and the clock says who was last: acknowledged writes that are gone.

Somebody writes at one replica, somebody else overwrites it a little later at another. Each write is
stamped with the clock of its replica, and the higher stamp is kept. Where that stops being true:
real clocks drift, jump and are set back, so their errors are neither normal nor independent; and
who writes a third time may bring back what was lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, percent, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, rounded, significant
from helpers.foundations.statistics import Interval, rough, wilson_interval

#: What a write is stamped with.
CLOCK = "my clock"
READ_FIRST = "my clock, but above what I hold"
STAMPS = (CLOCK, READ_FIRST)

#: Pairs of writes: in one run of the model; and in the simulation, for each gap between them.
PAIRS = 1_000
MANY = 10_000

#: By how much the second write comes later, ms.
GAPS_MS = np.linspace(0.0, 200.0, 26)


class Setting(Parameters):
    """Two writes of one key, and clocks that are not quite right."""

    gap_ms: float = number(
        40.0, "The second write comes later by", unit="ms", at_least=0, at_most=200
    )
    skew_ms: float = number(30.0, "Clocks are off by (sd)", unit="ms", at_least=0)
    replicas: int = integer(3, "Replicas", at_least=2, at_most=7)
    delay_ms: float = number(20.0, "A copy arrives after", unit="ms", at_least=0)
    stamp: str = option(CLOCK, "A write is stamped with", of=STAMPS)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def two_writes(at, draw):
    """Write a key at one replica and later at another, 1,000 times: is the second write kept?"""
    luck = draw("pairs")
    lost = 0
    for _ in range(PAIRS):
        off = [luck.normal(0, at.skew_ms) for _ in range(at.replicas)]
        first, second = luck.integers(at.replicas, size=2)
        old = 0 + off[first]  # the first write comes at time 0; its stamp
        new = at.gap_ms + off[second]
        if at.stamp == READ_FIRST and (first == second or at.gap_ms >= at.delay_ms):
            new = max(new, old + 1)
        kept = max(old, new)
        lost += kept != new
    return {"lost": lost / PAIRS}


@takes(Setting)
def simulate(at: Setting) -> LastWriter:
    """Write 10,000 pairs at each of 26 gaps, and at the chosen one."""
    draw = Draws(at.seed)
    off = draw("clocks").standard_normal((2, MANY)) * at.skew_ms
    first, second = draw("replicas").integers(at.replicas, size=(2, MANY))
    off[1] = np.where(first == second, off[0], off[1])
    gaps = np.append(GAPS_MS, at.gap_ms)[:, None]
    wins = gaps + off[1] >= off[0]
    if at.stamp == READ_FIRST:
        wins |= (first == second) | (gaps >= at.delay_ms)
    return LastWriter(at, lost=(~wins).sum(axis=1))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, gaps_ms: np.ndarray) -> np.ndarray:
    """Return the chance that the second write is lost, for each gap between the two.

    The difference of two independent normal errors is normal with sqrt(2) times their standard
    deviation, so a clock behind by more than the gap has probability ``Phi(-gap / (sqrt(2) sd))``;
    at one and the same replica, one write in n, no clock disagrees. Who reads first stamps above
    what has arrived by then.
    """
    sd = math.sqrt(2) * at.skew_ms
    law = NormalDist()
    behind = np.array([law.cdf(-gap / sd) if sd else 0.0 for gap in np.asarray(gaps_ms).ravel()])
    chance = (1 - 1 / at.replicas) * behind
    return chance * (np.asarray(gaps_ms) < at.delay_ms) if at.stamp == READ_FIRST else chance


# --- what it says ---------------------------------------------------------------------------------


class LastWriter(Result):
    """How many second writes are lost.

    Attributes
    ----------
    lost : numpy.ndarray of int, shape (27,)
        Of 10,000, at each of `GAPS_MS` and then at the chosen gap.
    """

    at: Setting
    lost: np.ndarray

    @property
    def share(self) -> Interval:
        """The share that is lost at the chosen gap."""
        return wilson_interval(int(self.lost[-1]), MANY)

    @property
    def expected(self) -> float:
        """What theory says of the chosen gap."""
        return float(theory(self.at, np.array([self.at.gap_ms]))[0])

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lost": int(self.lost[-1]),
            "of": MANY,
            "lost_percent": rounded(100 * self.share.estimate),
            "theory_percent": rounded(100 * self.expected),
        }

    @property
    def reading(self) -> str:
        at, share = self.at, self.share
        said = (
            f"Of {MANY:,} writes that came {duration(at.gap_ms / 1e3)} after another one, "
            f"{int(self.lost[-1]):,} "
        )
        said += "was" if self.lost[-1] == 1 else "were"
        if not self.lost[-1] and not self.expected:
            return f"{said} lost, as theory says."
        low, high = (significant(round(100 * end, 6)) for end in (share.low, share.high))
        return (
            f"{said} confirmed and then lost to it: {significant(100 * share.estimate)} % "
            f"(95 % interval {low} to {high} %), "
            f"theory {significant(100 * self.expected)} %."
            + rough(MANY * self.expected, "such losses")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "later by (ms)": GAPS_MS,
            "lost (%)": 100 * self.lost[:-1] / MANY,
            "theory (%)": 100 * theory(self.at, GAPS_MS),
        }


def plot(run: LastWriter, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the share of lost writes against the gap between the two."""
    at, fine = run.at, np.linspace(0, 200, 201)
    ax.set_xlim(-4, 204)
    ax.set_ylim(-0.015, 0.5)
    ax.set_yticks([0, 0.1, 0.2, 0.3, 0.4, 0.5], [percent(tick / 10) for tick in range(6)])
    ax.plot(fine, theory(at, fine), **style.THEORY)
    ax.plot(GAPS_MS, run.lost[:-1] / MANY, **style.DOTS)
    here(ax, at.gap_ms)
    if at.stamp == READ_FIRST and at.delay_ms <= 200:
        ax.axvline(at.delay_ms, color=style.ORANGE, linewidth=1.4)
        key(ax, [("│", "the first write has arrived", style.ORANGE_INK)], y=0.83)
    key(ax, [("●", "10,000 pairs each", style.BLUE), ("╌", "normal law", style.INK)])
    ax.set_title("Later writes that are lost")
    ax.set_xlabel("the second write comes later by (ms)")
    if mine is not None:
        yours(ax, at.gap_ms, min(float(mine["lost"]), 0.5))
