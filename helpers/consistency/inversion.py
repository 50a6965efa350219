"""Two reads during one write: the second may return what is older than the first one did.

A write is on its way to the replicas. A client asks R of them at random and reads; a moment later
another client does the same. Where that stops being true: the reads themselves take no time here,
so that nothing but the write's way decides, and each replica gets the write independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, here, key, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded, significant
from helpers.foundations.statistics import Interval, wilson_interval

#: Writes in the simulation.
WRITES = 20_000

#: The same in one run of the model.
TRIES = 500

#: When the first read comes, in mean ways of the write: where curves are drawn.
WHEN = np.linspace(0.0, 3.0, 61)


class Setting(Parameters):
    """A write on its way, and two reads."""

    replicas: int = integer(3, "Replicas N", at_least=1, at_most=7)
    read_quorum: int = integer(2, "A read asks R", at_least=1, at_most=7)
    write_ms: float = number(40.0, "The write takes, to each replica", unit="ms", above=0)
    first_ms: float = number(20.0, "The first read comes after", unit="ms", at_least=0)
    gap_ms: float = number(10.0, "The second, later by", unit="ms", at_least=0)
    write_back: bool = flag(False, "A read writes back before it answers")
    seed: int = seed()

    @property
    def r(self) -> int:
        """Replicas that a read asks: no more than there are."""
        return min(self.read_quorum, self.replicas)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def two_reads(at, draw):
    """Let 500 writes set out, read twice meanwhile, count how often the second read is older."""
    rng, inverted = draw("tries"), 0
    for _ in range(TRIES):
        arrives = rng.exponential(at.write_ms, at.replicas)
        asked = rng.permutation(at.replicas)[: at.r]
        first_is_new = any(arrives[i] <= at.first_ms for i in asked)
        if first_is_new and at.write_back:
            kept = rng.permutation(at.replicas)[: at.replicas - at.r + 1]
            arrives[kept] = 0.0
        asked = rng.permutation(at.replicas)[: at.r]
        second_is_new = any(arrives[i] <= at.first_ms + at.gap_ms for i in asked)
        inverted += first_is_new and not second_is_new
    return {"inverted": inverted / TRIES}


@takes(Setting)
def simulate(at: Setting) -> Inversion:
    """The same with 20,000 writes at once, at every moment of the first read."""
    rng = Draws(at.seed)("writes")
    arrives = rng.exponential(at.write_ms, (WRITES, at.replicas))
    chosen = rng.random((2, WRITES, at.replicas)).argsort(axis=2)[:, :, : at.r]
    first, second = (np.take_along_axis(arrives, some, 1).min(axis=1) for some in chosen)
    if at.write_back:  # a later read meets one of the replicas that have it
        second = np.minimum(second, first)
    moments = np.append(WHEN * at.write_ms, at.first_ms)
    # The first read sees the write from `first` on, the second does until `second` less the gap.
    by_first = np.searchsorted(np.sort(first), moments, side="right")
    both = np.searchsorted(np.sort(np.maximum(first, second - at.gap_ms)), moments, side="right")
    inverted = by_first - both
    return Inversion(
        at, inverted=inverted[:-1] / WRITES, here=wilson_interval(int(inverted[-1]), WRITES)
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, first_ms: Any) -> np.ndarray:
    """Return the chance that the second read is older than the first, for moments of the first.

    Let the second read ask R replicas none of which has the write, with probability
    ``exp(-R (t + g) / m)``. Of the R that the first read asked, d are others than those, with
    hypergeometric probability; one of them had the write with probability ``1 - exp(-d t / m)``.
    With a write-back there is a replica in common, and no chance.
    """
    t = np.asarray(first_ms, float) / at.write_ms
    if at.write_back:
        return np.zeros_like(t)
    n, r = at.replicas, at.r
    total = np.zeros_like(t)
    for others in range(min(r, n - r) + 1):
        share = comb(n - r, others) * comb(r, r - others) / comb(n, r)
        total += share * -np.expm1(-others * t)
    return np.exp(-r * (t + at.gap_ms / at.write_ms)) * total


# --- what it says ---------------------------------------------------------------------------------


class Inversion(Result):
    """How often the later read is the older one.

    Attributes
    ----------
    inverted : numpy.ndarray
        The share of the writes, for a first read after `WHEN` mean ways.
    here : Interval
        The same at the setting's moment.
    """

    at: Setting
    inverted: np.ndarray
    here: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "inverted_percent": rounded(100 * self.here.estimate),
            "theory_percent": rounded(100 * float(theory(self.at, self.at.first_ms))),
            "most_percent": rounded(100 * float(self.inverted.max())),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, float(theory(self.at, self.at.first_ms))
        if at.write_back:
            return (
                "Whoever has read the new value has made sure that every later read meets it: no "
                "second read is older than the first."
            )
        if at.r == at.replicas:
            return "Both reads ask all replicas, so the second sees whatever the first one saw."
        return (
            f"In {percent(self.here.estimate)} of the writes the second read returns the old value "
            f"after the first returned the new one (theory {significant(100 * exact)} %)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        moments = WHEN * self.at.write_ms
        return {
            "first read after (ms)": moments,
            "inverted": self.inverted,
            "theory": theory(self.at, moments),
        }


def plot(run: Inversion, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the chance of an inversion against the moment of the first read."""
    at, moments = run.at, WHEN * run.at.write_ms
    ax.plot(moments, 100 * run.inverted, **style.SIMULATION)
    ax.plot(moments, 100 * theory(at, moments), **style.THEORY)
    ax.set_xlim(0, moments[-1])
    ax.set_ylim(0, 25)
    if at.first_ms <= moments[-1]:
        here(ax, at.first_ms)
        dot(ax, at.first_ms, 100 * run.here.estimate)
    key(ax, [("▬", "20,000 writes", style.BLUE), ("╌", "theory", style.INK)])
    ax.set_title("The later read is the older one (%)")
    ax.set_xlabel("the first read comes after (ms)")
    if mine is not None:
        yours(ax, at.first_ms, 100 * float(mine["inverted"]))
