"""How imbalance fades with virtual nodes: the largest share of many rings, and its exact mean.

A hundred times the points make a ring ten times more even. Where that stops being true: beyond the
ring itself, where a few keys are asked for more often than all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, log_axis, note
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.sharding import ring_laws
from helpers.sharding.router import Ring

#: Numbers of virtual nodes that are tried.
VIRTUAL_NODES = (1, 3, 10, 30, 100, 300, 1_000)


class Setting(Parameters):
    """Many rings, each with a seed derived from the first."""

    shards: int = integer(8, "Shards", at_least=2, at_most=32)
    target: float = number(1.25, "Wanted", unit="fair shares", above=1)
    replications: int = replications(10, note="Rings for each number of virtual nodes.")
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> ManyRings:
    """Build rings for each number of virtual nodes and keep the largest shares."""
    seeds = np.random.SeedSequence(at.seed).generate_state(at.replications, np.uint64)
    rings = [[Ring(at.shards, v, int(each)) for v in VIRTUAL_NODES] for each in seeds]
    largest = np.array([[ring.shares().max() * at.shards for ring in row] for row in rings])
    return ManyRings(at, imbalance=largest)


def theory(at: Setting, virtual_nodes: Any = VIRTUAL_NODES) -> np.ndarray:
    """Exact mean of the largest share, in fair shares; see :func:`ring_laws.imbalance`."""
    return np.array([ring_laws.imbalance(at.shards, v) for v in virtual_nodes])


class ManyRings(Result):
    """Largest share of each ring, in fair shares.

    Attributes
    ----------
    imbalance : numpy.ndarray, shape (replications, 7)
        A column for each of :data:`VIRTUAL_NODES`.
    """

    at: Setting
    imbalance: np.ndarray

    @property
    def mean(self) -> Intervals:
        """Mean over the rings, with its 95 % interval."""
        return mean_intervals(self.imbalance)

    @property
    def needed(self) -> int | None:
        """Fewest virtual nodes, of those tried, whose exact mean meets the target."""
        each = zip(VIRTUAL_NODES, theory(self.at), strict=True)
        return next((v for v, largest in each if largest <= self.at.target), None)

    @property
    def summary(self) -> dict[str, float | int | str]:
        means = self.mean.estimate.tolist()
        return {f"max_over_fair_at_{v}": m for v, m in zip(VIRTUAL_NODES, means, strict=True)}

    @property
    def reading(self) -> str:
        if self.needed is None:
            return (
                f"Not even {VIRTUAL_NODES[-1]:,} virtual nodes keep the largest of "
                f"{self.at.shards} shards within {significant(self.at.target)} fair shares on "
                f"average."
            )
        return (
            f"To keep the largest of {self.at.shards} shards within "
            f"{significant(self.at.target)} fair shares on average takes "
            f"{counted(self.needed, 'virtual node')} each, of the numbers tried."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "virtual nodes": VIRTUAL_NODES,
            "mean (fair shares)": self.mean.estimate,
            "from": self.mean.low,
            "to": self.mean.high,
            "theory": theory(self.at),
        }


def plot(run: ManyRings, ax: Axes) -> None:
    """Draw the largest share of every ring, by the number of virtual nodes."""
    x = np.array(VIRTUAL_NODES)
    jitter = np.geomspace(0.9, 1.1, len(run.imbalance))
    ax.plot(
        (x[None, :] * jitter[:, None]).ravel(),
        run.imbalance.ravel(),
        linestyle="none",
        marker=".",
        markersize=4,
        color=style.SKY,
    )
    ax.plot(x, theory(run.at), **style.THEORY)
    error_bars(ax, x, run.mean, **style.DOTS)
    ax.axhline(run.at.target, color=style.VERMILION, linewidth=1.4)
    style.label(ax, 0.85, run.at.target, "wanted", style.VERMILION, xytext=(2, 7))
    legend = "each ring ·\nmean and 95 % interval ●\nexact mean - -"
    note(ax, 0.98, 0.95, legend, style.BLUE, ha="right")
    log_axis(ax, "x", 0.8, 1_250)
    ax.set_ylim(0.9, 5)
    ax.set_xlabel("virtual nodes per shard")
    ax.set_ylabel("largest share / fair share")
    ax.set_title("Virtual nodes even out the ring, slowly")
