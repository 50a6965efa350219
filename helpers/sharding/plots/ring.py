"""Figures of the ring: who owns which arc, and how imbalance fades with virtual nodes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, log_axis, marks, note, whiskers
from helpers.foundations.drawing.scales import step_up
from helpers.sharding.plots.kit import shard_axis
from helpers.sharding.simulation.ring import RingImbalanceResult, RingResult

_PALETTE = (
    style.BLUE,
    style.ORANGE,
    style.GREEN,
    style.VERMILION,
    style.SKY,
    style.PURPLE,
    style.YELLOW,
    style.MUTED,
)


@style.panels(2, width_ratios=(1, 1.35))
def plot_ring(result: RingResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the circle with its owners, and the shares in order of size."""
    circle, loads = axes
    colors = np.array([to_rgba(color) for color in _PALETTE])
    # Half a degree short at either end so that neighbouring arcs do not overlap.
    edges = 2 * np.pi * np.arange(len(result.clock) + 1) / len(result.clock)
    points = np.column_stack((np.sin(edges), np.cos(edges)))
    segments = np.stack((points[:-1], points[1:]), axis=1)
    circle.add_collection(
        LineCollection(
            segments, colors=colors[result.clock % len(colors)], linewidths=16, capstyle="butt"
        )
    )
    angle = 2 * np.pi * result.points
    if result.shards * result.virtual_nodes == len(angle):
        circle.scatter(
            1.17 * np.sin(angle),
            1.17 * np.cos(angle),
            s=14 if len(angle) < 80 else 6,
            color=colors[result.point_owners % len(colors)],
            edgecolor=style.INK,
            linewidth=0.4,
        )
    circle.text(0, 0, "keys\nbelong to the\nnext point\nclockwise", ha="center", va="center")
    circle.set_xlim(-1.32, 1.32)
    circle.set_ylim(-1.32, 1.32)
    circle.set_aspect("equal")
    circle.set_axis_off()
    circle.set_title("Who owns the circle")

    ranks = np.arange(result.shards)
    bars(loads, ranks, result.load, 0.76, facecolor=style.SIMULATION["color"])
    marks(loads, ranks, result.theory)
    loads.axhline(1, color=style.MUTED, linewidth=1)
    top = step_up(1.25 * max(result.load[0], result.theory[0]), (1.5, 2.0, 3.0, 5.0, 8.0, 12.0))
    loads.set_ylim(0, top)
    loads.text(
        result.shards - 0.5,
        0.95 * top,
        "this ring, bars\nmean of all rings, dashes\nfair share, grey line",
        ha="right",
        va="top",
        fontsize=9,
    )
    shard_axis(loads, result.shards, "Shard, the largest first")
    loads.set_ylabel("Share of the circle / fair share")
    loads.set_title("How unequal the shares are")


def plot_ring_imbalance(result: RingImbalanceResult, ax: Axes) -> None:
    """Draw the largest share of every ring, by the number of virtual nodes."""
    x = result.virtual_nodes
    count = len(result.imbalance)
    jitter = np.geomspace(0.9, 1.1, count)
    ax.plot(
        (x[None, :] * jitter[:, None]).ravel(),
        result.imbalance.ravel(),
        linestyle="none",
        marker=".",
        markersize=4,
        color=style.SKY,
    )
    ax.plot(x, result.theory, **style.THEORY)
    whiskers(ax, x, result.mean, result.low, result.high, **style.DOTS)
    ax.axhline(result.target, color=style.VERMILION, linewidth=1.4)
    style.label(ax, 0.85, result.target, "wanted", style.VERMILION, xytext=(2, 7))
    legend = "each ring ·\nmean and 95 % interval ●\nexact mean - -"
    note(ax, 0.98, 0.95, legend, style.BLUE, ha="right")
    log_axis(ax, "x", 0.8, 1_250)
    ax.set_ylim(0.9, 5)
    ax.set_xlabel("Virtual nodes per shard")
    ax.set_ylabel("Largest share / fair share")
    ax.set_title("Virtual nodes even out the ring, slowly")
