"""Stale by how much: the chance that a read misses the last k writes, and not only the last one.

Each write reaches W of N replicas and no more, each read asks R of them, all at random. Where that
stops being true: real stores go on sending the write to the others, so this is the worst case; and
a client that always asks the same replica does not ask one at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, note, ring
from helpers.foundations.experiment import Draws, Parameters, Result, integer, seed, takes
from helpers.foundations.prose import counted, percent, rounded, significant
from helpers.foundations.statistics import Interval, wilson_interval

READS, MOST = 4_000, 12


class Setting(Parameters):
    """Replicas, quorums, and how many versions behind is still good enough."""

    replicas: int = integer(3, "Replicas N", at_least=1, at_most=7)
    read_quorum: int = integer(1, "A read asks R", at_least=1, at_most=7)
    write_quorum: int = integer(1, "A write reaches W", at_least=1, at_most=7)
    k: int = integer(3, "Good enough: within the last k versions", at_least=1, at_most=MOST)
    seed: int = seed()

    @property
    def r(self) -> int:
        """Replicas that a read asks: no more than there are."""
        return min(self.read_quorum, self.replicas)

    @property
    def w(self) -> int:
        """Replicas that a write reaches: no more than there are."""
        return min(self.write_quorum, self.replicas)


@takes(Setting)
def simulate(at: Setting) -> Versions:
    """Write 12 versions to replicas drawn at random, then read; 4,000 times."""
    draw = Draws(at.seed)
    order = draw("writes").random((READS, MOST, at.replicas)).argsort(axis=2)
    asked = draw("reads").random((READS, at.replicas)).argsort(axis=1) < at.r
    seen = ((order < at.w) & asked[:, None, :]).any(axis=2)  # version by version, newest first
    missed = np.logical_and.accumulate(~seen, axis=1).sum(axis=0)
    return Versions(at, missed=missed)


def theory(at: Setting) -> np.ndarray:
    """Return the chance that a read misses the last 1, 2, ... 12 versions.

    One version is missed if all R are among the N - W that lack it, and each version's replicas are
    drawn anew: ``(C(N - W, R) / C(N, R))^k``. Bailis et al., VLDB 2012, section 3.1.
    """
    once = comb(at.replicas - at.w, at.r) / comb(at.replicas, at.r)
    return once ** np.arange(1, MOST + 1)


class Versions(Result):
    """How far behind reads are.

    Attributes
    ----------
    missed : numpy.ndarray of int, shape (12,)
        Reads of `READS` that missed the last version, the last two, and so on.
    """

    at: Setting
    missed: np.ndarray

    @property
    def here(self) -> Interval:
        """The share of reads that are more than k - 1 versions behind."""
        return wilson_interval(int(self.missed[self.at.k - 1]), READS)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "missed_last_percent": rounded(100 * self.missed[0] / READS),
            "missed_last_k_percent": rounded(100 * self.here.estimate),
            "theory_last_k_percent": rounded(100 * float(exact[self.at.k - 1])),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, float(theory(self.at)[self.at.k - 1])
        if at.r + at.w > at.replicas:
            return (
                f"A read asks {at.r} of {counted(at.replicas, 'replica')} and a write reaches "
                f"{at.w}: together more than there are, and every read sees the last version."
            )
        last = "the last version" if at.k == 1 else f"all of the last {at.k} versions"
        return (
            f"A read misses {last} with probability {percent(self.here.estimate)} "
            f"(theory {significant(100 * exact)} %): {percent(1 - exact)} of the reads return one "
            f"of them."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "k": np.arange(1, MOST + 1),
            "misses the last k": self.missed / READS,
            "theory": theory(self.at),
        }


def plot(run: Versions, ax: Axes) -> None:
    """Draw the chance to be so far behind."""
    places = np.arange(1, MOST + 1)
    log_axis(ax, "y", 1e-4, 1.3, text=lambda share: f"{100 * share:g} %")
    ax.set_xlim(0.5, MOST + 0.5)
    exact, seen = theory(run.at), run.missed > 0
    if exact[0]:
        ax.plot(places, exact, **style.THEORY)
        ax.plot(places[seen], run.missed[seen] / READS, **style.DOTS)
        if exact[run.at.k - 1] > 1e-4:
            ring(ax, run.at.k, exact[run.at.k - 1])
        key(ax, [("●", "4,000 reads", style.BLUE), ("╌", "theory", style.INK)])
    else:
        note(ax, 0.3, 0.6, "every read sees the last version", style.BLUE)
    here(ax, run.at.k)
    ax.set_title("Reads that miss all of the last k versions")
    ax.set_xlabel("k")
