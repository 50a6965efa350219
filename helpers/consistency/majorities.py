"""How often a quorum can be had: replicas that fail and are repaired, against the binomial.

Each replica works, fails and is repaired for itself. An operation is answered while so many
replicas are up as it waits for. Where that stops being true: replicas that fail together, for which
chapter 03 has beta; a network that is cut; and a quorum that is there and slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, marks, ring
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

MOST = 9
SIZES = np.arange(1, MOST + 1, 2)

#: Failures of each replica in one run, and runs.
FAILURES, RUNS = 300, 20

#: What is drawn at least: nothing is seen of what is rarer.
LEAST = 1e-6


class Setting(Parameters):
    """Replicas, what an operation waits for, and how often one is down."""

    replicas: int = integer(3, "Replicas N", at_least=1, at_most=MOST)
    quorum: int = integer(2, "An operation waits for", unit="of them", at_least=1, at_most=MOST)
    down_percent: float = number(5.0, "A replica is down", unit="%", above=0, below=100)
    repair_h: float = number(1.0, "A repair takes", unit="h", above=0)
    seed: int = seed()

    @property
    def q(self) -> int:
        """Replicas that must be up: no more than there are."""
        return min(self.quorum, self.replicas)

    @property
    def lives_h(self) -> float:
        """How long a replica works between repairs, on average."""
        return self.repair_h * (100 / self.down_percent - 1)


@takes(Setting)
def simulate(at: Setting) -> Majorities:
    """Let each replica fail 300 times, 20 times over; add up when too few are up.

    A run begins at a random moment of the replicas' lives: each of them may be down already, and
    what is left of an exponential time is as long as a whole one.
    """
    rng, lost = Draws(at.seed)("lives"), []
    means = np.array([at.lives_h, at.repair_h])
    end = 0.75 * FAILURES * means.sum()
    for _ in range(RUNS):
        down = rng.random(at.replicas) < at.down_percent / 100
        lasts = rng.standard_exponential((at.replicas, FAILURES, 2)) * means
        lasts[down] = lasts[down, :, ::-1]  # it is repaired first
        changes = np.where(down[:, np.newaxis], *np.tile([[1, -1], [-1, 1]], FAILURES)[:, None])
        times = np.minimum(lasts.reshape(at.replicas, -1).cumsum(axis=1), end).ravel()
        order = times.argsort()
        up = at.replicas - down.sum() + np.append(0, changes.ravel()[order].cumsum())
        apart = np.diff(times[order], prepend=0.0, append=end)
        lost.append(float(apart[up < at.q].sum()) / end)
    return Majorities(at, lost=mean_interval(lost))


# --- theory ---------------------------------------------------------------------------------------


def too_few(n: int, quorum: int, down: float) -> float:
    """Return the probability that fewer than `quorum` of n independent replicas are up.

    ``sum over j < q of C(n, j) (1 - p)^j p^(n - j)``: the binomial distribution.
    """
    return sum(comb(n, j) * (1 - down) ** j * down ** (n - j) for j in range(quorum))


def theory(at: Setting) -> np.ndarray:
    """Return how often a majority of 1, 3, 5, 7 and 9 replicas cannot be had."""
    return np.array([too_few(n, n // 2 + 1, at.down_percent / 100) for n in SIZES.tolist()])


# --- what it says ---------------------------------------------------------------------------------


class Majorities(Result):
    """How often the quorum cannot be had.

    Attributes
    ----------
    lost : Interval
        Share of the time.
    """

    at: Setting
    lost: Interval

    @property
    def exact(self) -> float:
        """The same by the binomial."""
        return too_few(self.at.replicas, self.at.q, self.at.down_percent / 100)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lost_percent": rounded(100 * self.lost.estimate),
            "theory_percent": rounded(100 * self.exact),
            "one_replica_percent": rounded(self.at.down_percent),
        }

    @property
    def reading(self) -> str:
        at = self.at
        year = duration(self.exact * 365.25 * 86_400)
        one, exact = at.down_percent / 100, self.exact
        than = (
            "as often as"
            if abs(exact - one) < 1e-12
            else "less often than"
            if exact < one
            else "more often than"
        )
        return (
            f"{at.q} of {counted(at.replicas, 'replica')} cannot be had for "
            f"{percent(self.lost.estimate)} of the time (theory {significant(100 * exact)} %, "
            f"{year} a year): {than} one replica alone is down."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "replicas": SIZES,
            "majority": SIZES // 2 + 1,
            "no majority, theory": theory(self.at),
        }


def plot(run: Majorities, ax: Axes) -> None:
    """Draw what majorities would do at each size, and what the quorum of this setting did."""
    at = run.at
    log_axis(ax, "y", LEAST, 1.5, text=lambda share: f"{100 * share:g} %")
    ax.set_xlim(0.4, MOST + 0.6)
    exact = theory(at)
    ax.plot(SIZES, np.maximum(exact, LEAST), color=style.GHOST, marker="o", markersize=4)
    ax.axhline(at.down_percent / 100, color=style.MUTED, linewidth=1, linestyle=":")
    shown = max(run.lost.estimate, LEAST)
    ax.plot([at.replicas], [shown], **style.DOTS)
    marks(ax, [at.replicas], [max(run.exact, LEAST)], 0.5)
    ring(ax, at.replicas, shown)
    key(ax, [("●", "your quorum", style.BLUE), ("━", "its theory", style.INK),
             ("●", "majorities", style.GHOST), ("┈", "one replica is down", style.MUTED)],
        y=0.3, left=True)  # fmt: skip
    ax.set_title("Share of the time in which too few are up")
    ax.set_xlabel("replicas")
