"""A consistent-hash ring: who owns which part of the circle, and how unequal the parts are.

Each shard puts some points, its virtual nodes, on a circle, and a key belongs to the next point
clockwise. Where that stops being true: keys are not asked for equally often, and a ring that is
even in keys is not even in load.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, marks, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Mine, Parameters, Result, integer, seed, takes
from helpers.foundations.prose import significant
from helpers.sharding import ring_laws
from helpers.sharding.router import Ring, hash64, points_of
from helpers.sharding.shard_axes import shard_axis

#: Keys that the model places.
KEYS = 4_000

_CLOCK = 720  # the circle is drawn in half degrees
_DRAWN = 200  # points shown
_COLORS = (
    style.BLUE,
    style.ORANGE,
    style.GREEN,
    style.VERMILION,
    style.SKY,
    style.PURPLE,
    style.YELLOW,
    style.MUTED,
)


class Setting(Parameters):
    """One ring of many possible ones: the seed is which."""

    shards: int = integer(8, "Shards", at_least=2, at_most=64)
    virtual_nodes: int = integer(1, "Virtual nodes per shard", at_least=1, at_most=1_000)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def my_ring(at):
    """Put every shard's points on the circle; each key goes to the next point clockwise."""
    points = []
    for shard in range(at.shards):
        for position in points_of(shard, at.virtual_nodes, at.seed):
            points.append((position, shard))
    points.sort()
    positions = [position for position, _ in points]

    keys = [0] * at.shards
    for position in hash64(range(KEYS), at.seed).tolist():
        place = bisect_left(positions, position) % len(points)
        keys[points[place][1]] += 1

    load = sorted((count * at.shards / KEYS for count in keys), reverse=True)
    return {"load": load, "largest": load[0], "smallest": load[-1]}


# --- the same, without keys: the arcs themselves --------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> OneRing:
    """Build one ring and measure every shard's part of the circle."""
    ring = Ring(at.shards, at.virtual_nodes, at.seed)
    degrees = (np.arange(_CLOCK) * (2.0**64 / _CLOCK)).astype(np.uint64)
    return OneRing(
        at,
        clock=ring.locate(degrees),
        points=ring.points[:_DRAWN] / 2.0**64,
        point_owners=ring.owners[:_DRAWN],
        load=np.sort(ring.shares())[::-1] * at.shards,
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Exact means over all rings, in fair shares.

    `load` of each shard, the largest first, and the coefficient of variation of a shard's load.
    """

    load: np.ndarray
    cv: float


def theory(at: Setting) -> Theory:
    """What the exact laws of a random ring say; see :mod:`helpers.sharding.ring_laws`."""
    return Theory(
        ring_laws.ordered_shares(at.shards, at.virtual_nodes) * at.shards,
        ring_laws.variation(at.shards, at.virtual_nodes),
    )


# --- what it says ---------------------------------------------------------------------------------


class OneRing(Result):
    """One ring: who owns which part of the circle.

    Attributes
    ----------
    clock : numpy.ndarray of int, shape (720,)
        The shard that owns each half degree of the circle, clockwise from the top.
    points, point_owners : numpy.ndarray, shape (m,)
        Where the virtual nodes are, as fractions of the circle, and whose; only the first 200.
    load : numpy.ndarray, shape (shards,)
        Share of each shard divided by the fair share, largest first.
    """

    at: Setting
    clock: np.ndarray
    points: np.ndarray
    point_owners: np.ndarray
    load: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "max_over_fair": float(self.load[0]),
            "max_over_fair_theory": float(exact.load[0]),
            "min_over_fair": float(self.load[-1]),
            "cv": float(self.load.std()),
            "cv_theory": exact.cv,
        }

    @property
    def reading(self) -> str:
        return (
            f"On this ring the largest shard owns {significant(self.load[0])} fair shares and the "
            f"smallest {significant(self.load[-1])}; over all rings the largest has "
            f"{significant(theory(self.at).load[0])} on average."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "shard, the largest first": np.arange(1, self.at.shards + 1),
            "fair shares": self.load,
            "mean of all rings": theory(self.at).load,
        }


@style.panels(2, width_ratios=(1, 1.35))
def plot(run: OneRing, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the circle with its owners, and the shares in order of size."""
    circle, loads = axes
    _draw_circle(circle, run)
    exact, ranks = theory(run.at).load, np.arange(run.at.shards)
    bars(loads, ranks, run.load, 0.76, facecolor=style.SIMULATION["color"])
    marks(loads, ranks, exact)
    loads.axhline(1, color=style.MUTED, linewidth=1)
    if mine is not None:
        yours(loads, ranks, mine["load"])
    top = step_up(1.25 * max(run.load[0], exact[0]), (1.5, 2.0, 3.0, 5.0, 8.0, 12.0))
    loads.set_ylim(0, top)
    said = "this ring, bars\nmean of all rings, dashes\nfair share, grey line"
    loads.text(run.at.shards - 0.5, 0.95 * top, said, ha="right", va="top", fontsize=9)
    shard_axis(loads, run.at.shards, "shard, the largest first")
    loads.set_ylabel("share of the circle / fair share")
    loads.set_title("How unequal the shares are")


def _colors(shards: int) -> np.ndarray:
    """Return a colour for each shard, shape (shards, 4): eight, and then lighter ones of each."""
    rounds = -(-shards // len(_COLORS))
    tints = np.repeat(np.arange(rounds) / rounds, len(_COLORS))[:shards, None]
    full = np.array([to_rgba(color) for color in _COLORS * rounds])[:shards]
    return full + 0.75 * tints * (1 - full)


def _draw_circle(ax: Axes, run: OneRing) -> None:
    colors = _colors(run.at.shards)
    # Half a degree short at either end so that neighbouring arcs do not overlap.
    edges = 2 * np.pi * np.arange(_CLOCK + 1) / _CLOCK
    corners = np.column_stack((np.sin(edges), np.cos(edges)))
    arcs = np.stack((corners[:-1], corners[1:]), axis=1)
    owned = colors[run.clock]
    ax.add_collection(LineCollection(list(arcs), colors=owned, linewidths=16, capstyle="butt"))
    if run.at.shards * run.at.virtual_nodes == len(run.points):
        angle = 2 * np.pi * run.points
        ax.scatter(
            1.17 * np.sin(angle),
            1.17 * np.cos(angle),
            s=14 if len(angle) < 80 else 6,
            color=colors[run.point_owners],
            edgecolor=style.INK,
            linewidth=0.4,
        )
    ax.text(0, 0, "keys\nbelong to the\nnext point\nclockwise", ha="center", va="center")
    ax.set_xlim(-1.32, 1.32)
    ax.set_ylim(-1.32, 1.32)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title("Who owns the circle")
