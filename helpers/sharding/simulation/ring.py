"""How even a consistent-hash ring is, one ring at a time and on average."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import mean_intervals
from helpers.sharding.placement import Ring
from helpers.sharding.theory.ring import (
    theory_ring_cv,
    theory_ring_imbalance,
    theory_ring_ordered_shares,
)

_CLOCK = 720  # the circle is drawn in half degrees


class RingResult(Result):
    """One ring: who owns which part of the circle.

    Attributes
    ----------
    shards, virtual_nodes : int
        The parameters.
    clock : numpy.ndarray of int, shape (720,)
        The shard that owns each half degree of the circle, clockwise from the top.
    points : numpy.ndarray, shape (m,)
        Where the virtual nodes are, as fractions of the circle; only the first 200.
    point_owners : numpy.ndarray of int, shape (m,)
        Whose they are.
    load : numpy.ndarray, shape (shards,)
        Share of each shard divided by the fair share, largest first.
    theory : numpy.ndarray, shape (shards,)
        Its exact mean over all rings.
    theory_cv : float
        Exact coefficient of variation of a shard's load.
    """

    shards: int
    virtual_nodes: int
    clock: np.ndarray
    points: np.ndarray
    point_owners: np.ndarray
    load: np.ndarray
    theory: np.ndarray
    theory_cv: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "max_over_fair": float(self.load[0]),
            "max_over_fair_theory": float(self.theory[0]),
            "min_over_fair": float(self.load[-1]),
            "cv": float(self.load.std()),
            "cv_theory": self.theory_cv,
        }

    @property
    def reading(self) -> str:
        return (
            f"On this ring the largest shard owns {significant(self.load[0])} fair shares and the "
            f"smallest {significant(self.load[-1])}; over all rings the largest has "
            f"{significant(self.theory[0])} on average."
        )

    def table(self):
        import pandas as pd

        ranks = np.arange(1, self.shards + 1)
        return pd.DataFrame(
            {"rank": ranks, "load_over_fair": self.load, "theory_mean": self.theory}
        ).set_index("rank")


def simulate_ring(*, shards: int = 8, virtual_nodes: int = 1, seed: int = 1) -> RingResult:
    """Build one ring and measure every shard's part of the circle.

    Parameters
    ----------
    shards : int
        Number of shards; 2 to 64.
    virtual_nodes : int
        Points per shard; 1 to 1,000.
    seed : int
        Which ring.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shards = validation.integer("shards", shards, at_least=2, at_most=64)
    virtual_nodes = validation.integer("virtual_nodes", virtual_nodes, at_least=1, at_most=1_000)
    ring = Ring(shards, virtual_nodes, seed)
    degrees = (np.arange(_CLOCK) * (2.0**64 / _CLOCK)).astype(np.uint64)
    return RingResult(
        shards=shards,
        virtual_nodes=virtual_nodes,
        clock=ring.locate(degrees),
        points=ring.points[:200] / 2.0**64,
        point_owners=ring.owners[:200],
        load=np.sort(ring.shares())[::-1] * shards,
        theory=theory_ring_ordered_shares(shards, virtual_nodes) * shards,
        theory_cv=theory_ring_cv(shards, virtual_nodes),
    )


class RingImbalanceResult(Result):
    """The largest share of many rings, by the number of virtual nodes.

    Attributes
    ----------
    shards, replications : int
        The parameters.
    virtual_nodes : numpy.ndarray of int, shape (m,)
        Numbers of virtual nodes tried.
    imbalance : numpy.ndarray, shape (replications, m)
        Largest share over fair share of every ring.
    mean, low, high : numpy.ndarray, shape (m,)
        Mean over the rings and its 95 % confidence interval.
    theory : numpy.ndarray, shape (m,)
        Exact mean.
    target : float
        Largest load over fair load that is wanted.
    needed : int or None
        Fewest virtual nodes, of those tried, whose exact mean meets the target.
    """

    shards: int
    replications: int
    virtual_nodes: np.ndarray
    imbalance: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    theory: np.ndarray
    target: float
    needed: int | None

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"max_over_fair_at_{v}": float(m)
            for v, m in zip(self.virtual_nodes, self.mean, strict=True)
        }

    @property
    def reading(self) -> str:
        if self.needed is None:
            return (
                f"Not even {self.virtual_nodes[-1]:,} virtual nodes keep the largest of "
                f"{self.shards} shards within {significant(self.target)} fair shares on average."
            )
        return (
            f"To keep the largest of {self.shards} shards within {significant(self.target)} fair "
            f"shares on average takes {self.needed:,} virtual nodes each, of the numbers tried."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "virtual_nodes": self.virtual_nodes,
                "mean": self.mean,
                "ci_low": self.low,
                "ci_high": self.high,
                "theory": self.theory,
            }
        ).set_index("virtual_nodes")


def simulate_ring_imbalance(
    *, shards: int = 8, target: float = 1.25, replications: int = 10, seed: int = 1
) -> RingImbalanceResult:
    """Build many rings for each of several numbers of virtual nodes and keep the largest shares.

    Parameters
    ----------
    shards : int
        Number of shards; 2 to 32.
    target : float
        Largest load over fair load that is wanted; > 1.
    replications : int
        Rings per number of virtual nodes; >= 2.
    seed : int
        Seed of the first ring; the others have seeds derived from it.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shards = validation.integer("shards", shards, at_least=2, at_most=32)
    target = validation.number("target", target, above=1)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    seeds = np.random.SeedSequence(seed).generate_state(replications, np.uint64)
    imbalance = np.array(
        [[Ring(shards, v, int(s)).shares().max() * shards for v in _VIRTUAL_NODES] for s in seeds]
    )
    intervals = mean_intervals(imbalance)
    theory = np.array([theory_ring_imbalance(shards, v) for v in _VIRTUAL_NODES])
    return RingImbalanceResult(
        shards=shards,
        replications=replications,
        virtual_nodes=np.array(_VIRTUAL_NODES),
        imbalance=imbalance,
        mean=intervals.mean,
        low=intervals.low,
        high=intervals.high,
        theory=theory,
        target=target,
        needed=next((v for v, m in zip(_VIRTUAL_NODES, theory, strict=True) if m <= target), None),
    )


_VIRTUAL_NODES = (1, 3, 10, 30, 100, 300, 1_000)
