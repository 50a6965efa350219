"""What consistency costs in time: how many rounds, and for whom a round waits.

A client stands beside one of N replicas; the others are a trip away. A read of its own copy is a
short trip; a majority is as far as the replica in the middle; whoever makes the answer stick pays
a second round. Where that stops being true: trips differ in the tail, too, and a leader may stand
anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, marks, named_axis
from helpers.foundations.drawing.scales import round_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, rounded
from helpers.foundations.statistics import fewer_than

#: Reads in the simulation.
OPERATIONS = 10_000

#: Trips beside the client's own replica, ms on average.
NEAR_MS = 1.0


class Way(NamedTuple):
    """How an operation is done: rounds one after the other, each waiting for so many replicas.

    Attributes
    ----------
    quorum : callable of int to int
        Of N replicas, how many a round waits for.
    rounds : int
    promise : str
        What its reads then are, where writes go to a majority.
    """

    quorum: Any
    rounds: int
    promise: str


WAYS: Mapping[str, Way] = {
    "own copy": Way(lambda n: 1, 1, "stale for a while"),
    "majority": Way(lambda n: n // 2 + 1, 1, "never stale, but may go back"),
    "majority, write back": Way(lambda n: n // 2 + 1, 2, "linearizable"),
    "all": Way(lambda n: n, 1, "linearizable, while all are up"),
}


class Setting(Parameters):
    """Where the replicas are, and how a read is done."""

    replicas: int = integer(3, "Replicas N", at_least=1, at_most=9)
    far_ms: float = number(40.0, "A trip to the others and back takes at least", unit="ms", above=0)
    jitter_ms: float = number(10.0, "and on average longer by", unit="ms", above=0)
    way: str = option("majority", "A read asks", of=tuple(WAYS))
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Price:
    """Do 10,000 reads in each of the ways, round after round."""
    draw = Draws(at.seed)
    near = draw("near").exponential(NEAR_MS, (2, OPERATIONS, 1))
    far = at.far_ms + draw("far").exponential(at.jitter_ms, (2, OPERATIONS, at.replicas - 1))
    trips = np.sort(np.concatenate([near, far], axis=2), axis=2)
    mean_ms, p99_ms = {}, {}
    for name, way in WAYS.items():
        took = trips[: way.rounds, :, way.quorum(at.replicas) - 1].sum(axis=0)
        mean_ms[name] = float(took.mean())
        p99_ms[name] = float(np.quantile(took, 0.99))
    return Price(at, mean_ms=mean_ms, p99_ms=p99_ms)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> dict[str, float]:
    """Return the mean latency of each way, ms: the tail of the k-th shortest trip, added up."""
    end = at.far_ms + 30 * at.jitter_ms + 30 * NEAR_MS
    x = np.linspace(0.0, end, 20_001)
    near = -np.expm1(-x / NEAR_MS)
    far = -np.expm1(-np.maximum(x - at.far_ms, 0.0) / at.jitter_ms)
    shares = [near, *[far] * (at.replicas - 1)]
    return {
        name: way.rounds * float(np.trapezoid(fewer_than(way.quorum(at.replicas), shares), x))
        for name, way in WAYS.items()
    }


# --- what it says ---------------------------------------------------------------------------------


class Price(Result):
    """How long a read takes in each way.

    Attributes
    ----------
    mean_ms, p99_ms : dict of str to float
    """

    at: Setting
    mean_ms: dict[str, float]
    p99_ms: dict[str, float]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "mean_ms": rounded(self.mean_ms[self.at.way]),
            "theory_ms": rounded(theory(self.at)[self.at.way]),
            "p99_ms": rounded(self.p99_ms[self.at.way]),
        }

    @property
    def reading(self) -> str:
        name = self.at.way
        mean, p99 = (duration(rounded(ms) / 1e3) for ms in (self.mean_ms[name], self.p99_ms[name]))
        exact = duration(rounded(theory(self.at)[name]) / 1e3)
        whom = {"own copy": "its own copy", "all": "all"}.get(name, f"a {name}")
        return (
            f"A read that asks {whom} takes {mean} on average (theory {exact}), and one in a "
            f"hundred more than {p99}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "a read asks": list(WAYS),
            "rounds": [way.rounds for way in WAYS.values()],
            "waits for": [way.quorum(self.at.replicas) for way in WAYS.values()],
            "mean (ms)": list(self.mean_ms.values()),
            "theory (ms)": list(theory(self.at).values()),
            "p99 (ms)": list(self.p99_ms.values()),
            "with majority writes": [way.promise for way in WAYS.values()],
        }


def plot(run: Price, ax: Axes) -> None:
    """Draw the mean latency of each way, and its 99th percentile."""
    at, rows = run.at, np.arange(len(WAYS))[::-1]
    mean, p99 = np.array(list(run.mean_ms.values())), np.array(list(run.p99_ms.values()))
    bars(ax, rows, mean, 0.5, along="x", facecolor=style.BLUE)
    ax.plot(p99, rows, color=style.SKY, marker="o", markersize=6, linestyle="none")
    marks(ax, rows, list(theory(at).values()), 0.5, along="x")
    ax.set_xlim(0, round_up(1.25 * float(max(p99.max(), 4 * (at.far_ms + at.jitter_ms) / 2))))
    ax.set_ylim(-0.6, len(WAYS) - 0.1)
    named_axis(ax, "y", [("▸ " if name == at.way else "") + name for name in WAYS], rows)
    key(ax, [("▬", "mean", style.BLUE), ("●", "99th percentile", style.SKY_INK),
             ("|", "theory", style.INK)])  # fmt: skip
    ax.set_title("How long a read takes (ms)")
    ax.set_xlabel("ms")
