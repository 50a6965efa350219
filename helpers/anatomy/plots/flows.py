"""The anatomy as a picture: calls on the arrows, utilisation in the boxes, errors over time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from helpers.anatomy.simulation.flows import DURATION_S, KILL_S, WIRINGS, AnatomyResult
from helpers.blueprint import CDN, Cache
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note
from helpers.foundations.drawing.diagrams import arrows
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import significant

_W, _H = 14.0, 8.6  # of a box; the picture is 118 x 62, about 5 pixels a unit
_PLACES = {
    "clients": (8.0, 46.0),
    "cdn": (28.5, 46.0),
    "balancer": (49.0, 46.0),
    "app-1": (69.5, 56.0),
    "app-2": (69.5, 46.0),
    "app-3": (69.5, 36.0),
    "cache": (90.0, 53.0),
    "db-1": (110.5, 51.0),
    "db-2": (110.5, 41.0),
    "queue": (90.0, 14.0),
    "workers": (110.5, 14.0),
}
_NAMES = {"db-1": "primary", "db-2": "replica", "workers": "3 workers"}
_GROUPS = {"app": ("app-1", "app-2", "app-3"), "db": ("db-1", "db-2")}
_LEVELS = ((0.7, "#BFD9EC"), (0.9, "#F7D68A"), (np.inf, "#F0A07A"))
_DEAD = "#c9ced4"
#: Arrows that go up or down have their number this far to the right of their middle, not above it.
_BESIDE = {("workers", "db"): (1.2, 0.4), ("app", "queue"): (1.5, 1.0)}


@style.panels(2, width_ratios=(2.6, 1))
def plot_anatomy(result: AnatomyResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the running system after the death, and what became of its requests before and after."""
    _diagram(result, axes[0])
    _timeline(result, axes[1])


def _diagram(result: AnatomyResult, ax: Axes) -> None:
    ax.set_axis_off()
    ax.set_xlim(-1, 119)
    ax.set_ylim(4, 63)
    ax.set_title("Calls per second on the arrows, utilisation in the boxes")
    _arrows(result, ax)
    boxes, fills, fill_colours, marks, first, second = [], [], [], [], [], []
    for members in _GROUPS.values():
        places = np.array([_PLACES[name] for name in members])
        x, y = places.mean(axis=0)
        boxes.append(_rectangle(x, y, _W + 2.4, np.ptp(places[:, 1]) + _H + 2.4))
    ax.add_collection(PolyCollection(boxes, facecolors=style.FAINT, alpha=0.55, zorder=2))
    dead = {result.victim} if result.victim != "nothing" else set()
    if result.victim == "balancer" and result.standby:
        dead = set()  # the second one works
    for name, (x, y) in _PLACES.items():
        busy = result.run.utilisation.get(name)
        if name in dead:
            fills.append(_rectangle(x, y, _W, _H))
            fill_colours.append(_DEAD)
        elif busy is not None:
            width = _W * min(busy, 1.0)
            fills.append(_rectangle(x - (_W - width) / 2, y, width, _H))
            fill_colours.append(next(colour for limit, colour in _LEVELS if busy < limit))
        expected = result.healthy.utilisation.get(name)
        if expected is not None and name not in dead:
            at = x - _W / 2 + _W * min(expected, 1.0)
            marks.append([(at, y - _H / 2), (at, y - _H / 2 + 1.7)])
        pair = name == "balancer" and result.standby
        first.append("balancers" if pair else _NAMES.get(name, name))
        second.append("dead" if name in dead else _state(result, name, busy))
    centres = list(_PLACES.values())
    words(ax, np.add(centres, (0, 2.0)), first, fontsize=8, weight="bold", zorder=7)
    words(ax, np.subtract(centres, (0, 1.0)), second, fontsize=7.4, zorder=7)
    outlines = [_rectangle(x, y, _W, _H) for x, y in _PLACES.values()]
    colours = [
        style.VERMILION if name in dead else style.MUTED for name in _PLACES
    ]  # fmt: skip
    ax.add_collection(PolyCollection(outlines, facecolors="white", edgecolors="none", zorder=3))
    ax.add_collection(PolyCollection(fills, facecolors=fill_colours, zorder=4))
    ax.add_collection(
        PolyCollection(outlines, facecolors="none", edgecolors=colours, linewidths=1.3, zorder=5)
    )
    ax.add_collection(LineCollection(marks, colors=style.BLACK, linewidths=1.6, zorder=6))
    ax.text(
        0, 8.6, "▏black tick: what theory expects with nothing dead", fontsize=8, color=style.MUTED
    )


def _state(result: AnatomyResult, name: str, busy: float | None) -> str:
    component = result.run.design[name] if name in ("cdn", "cache") else None
    if name == "clients":
        return f"{significant(100 * result.run.success_ratio, 3)} % ok"
    if isinstance(component, CDN | Cache):
        return f"{significant(100 * component.hit_ratio)} % hits"
    if name == "balancer":
        return "at random"
    if name == "queue":
        return f"{result.jobs_waiting} jobs"
    return "" if busy is None else f"{100 * busy:.0f} % busy"


def _rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    left, right, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    return [(left, low), (right, low), (right, high), (left, high)]


def _arrows(result: AnatomyResult, ax: Axes) -> None:
    aside = result.wiring == WIRINGS[1]
    half, group = _W / 2, _W / 2 + 1.2
    ends = {
        ("clients", "cdn"): ((8.0 + half, 46.0), (28.5 - half, 46.0)),
        ("cdn", "balancer"): ((28.5 + half, 46.0), (49.0 - half, 46.0)),
        ("balancer", "app"): ((49.0 + half, 46.0), (69.5 - group, 46.0)),
        ("app", "cache"): ((69.5 + group, 53.0), (90.0 - half, 53.0)),
        ("cache", "db"): ((90.0 + half, 53.0), (110.5 - group, 53.0)),
        ("app", "db"): ((69.5 + group, 42.0), (110.5 - group, 42.0)),
        ("app", "queue"): ((69.5 + group - 4, 30.5), (90.0 - half, 16.0)),
        ("queue", "workers"): ((90.0 + half, 14.0), (110.5 - half, 14.0)),
        ("workers", "db"): ((110.5, 14.0 + _H / 2), (110.5, 41.0 - _H / 2 - 1.2)),
    }
    rates = result.run.edge_rps
    largest = max(rates.values(), default=1.0) or 1.0
    for beside, side in ((False, "center"), (True, "left")):
        shown = [edge for edge in rates if (edge in _BESIDE) == beside]
        at = [np.mean(ends[edge], axis=0) + _BESIDE.get(edge, (0, 1.4)) for edge in shown]
        numbers = [f"{significant(rates[edge], 2)}/s" for edge in shown]
        words(ax, at, numbers, fontsize=7.6, ha=side, va="bottom", zorder=8)
    tails, tips = np.transpose([ends[edge] for edge in rates], (1, 0, 2))
    arrows(
        ax, tails, tips, head_pt=(8.6, 4.0), head_zorder=2.5, colors=style.MUTED, zorder=1,
        linewidths=[1.0 + 2.6 * np.sqrt(rate / largest) for rate in rates.values()],
        linestyles=[
            (0, (1, 1.2)) if aside and edge == ("app", "cache") else "-" for edge in rates
        ],
    )  # fmt: skip


def _timeline(result: AnatomyResult, ax: Axes) -> None:
    rates = result.run.outcome_rates(20)
    top = step_up(1.5 * result.rate_rps, (20, 40, 80, 120))
    ax.set(
        title="Requests over time",
        xlim=(0, DURATION_S),
        ylim=(0, top),
        xlabel="time (s)",
        ylabel="per second",
    )
    bad = rates["failed_rps"] + rates["dropped_rps"]
    ax.plot(rates["time_s"], rates["answered_rps"], color=style.BLUE, linewidth=2.0)
    ax.plot(rates["time_s"], bad, color=style.VERMILION, linewidth=2.0, linestyle=(0, (4, 1.5)))
    if result.victim != "nothing":
        ax.axvline(KILL_S, color=style.MUTED, linewidth=1.0, linestyle=":")
        ax.text(
            KILL_S + 0.15,
            0.9 * top,
            f"{_NAMES.get(result.victim, result.victim)} dies",
            fontsize=8,
            color=style.MUTED,
        )
    note(ax, 0.03, 0.97, "answered", style.BLUE)
    note(ax, 0.97, 0.97, "failed (dashed)", style.VERMILION, ha="right")
