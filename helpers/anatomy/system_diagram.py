"""The usual drawing as a picture: calls on the arrows, utilisation in the boxes, clicks on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from helpers.blueprint import CDN, Cache, DesignResult
from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.drawing.diagrams import arrows
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import significant

#: What boxes are called in the picture, where that is not the name they have in the design.
NAMES = {"db-1": "primary", "db-2": "replica", "workers": "3 workers"}

_W, _H, _MARGIN = 15.0, 10.5, 1.2  # of a box, and around a group; the picture is 89 x 61
_PLACES = {
    "clients": (8.5, 54.0),
    "cdn": (8.5, 35.5),
    "balancer": (8.5, 17.0),
    "app-1": (31.5, 44.5),
    "app-2": (31.5, 32.0),
    "app-3": (31.5, 19.5),
    "cache": (54.5, 46.0),
    "db-1": (78.5, 46.0),
    "db-2": (78.5, 33.5),
    "queue": (54.5, 8.0),
    "workers": (78.5, 8.0),
}
_GROUPS = {"app": ("app-1", "app-2", "app-3"), "db": ("db-1", "db-2")}
_LEVELS = ((0.7, "#BFD9EC"), (0.9, "#F7D68A"), (np.inf, "#F0A07A"))
_DEAD = "#c9ced4"

_HALF, _GROUP = _W / 2, _W / 2 + _MARGIN  # from the middle of a box, of a group, to its side
_ENDS = {
    ("clients", "cdn"): ((8.5, 54.0 - _H / 2), (8.5, 35.5 + _H / 2)),
    ("cdn", "balancer"): ((8.5, 35.5 - _H / 2), (8.5, 17.0 + _H / 2)),
    ("balancer", "app"): ((8.5 + _HALF, 17.0), (31.5 - _GROUP, 17.0)),
    ("app", "cache"): ((31.5 + _GROUP, 46.0), (54.5 - _HALF, 46.0)),
    ("cache", "db"): ((54.5 + _HALF, 46.0), (78.5 - _GROUP, 46.0)),
    ("app", "db"): ((31.5 + _GROUP, 31.5), (78.5 - _GROUP, 31.5)),
    ("app", "queue"): ((31.5 + _GROUP, 23.0), (52.0, 8.0 + _H / 2)),
    ("queue", "workers"): ((54.5 + _HALF, 8.0), (78.5 - _HALF, 8.0)),
    ("workers", "db"): ((78.5, 8.0 + _H / 2), (78.5, 33.5 - _H / 2 - _MARGIN)),
}
#: Arrows that go up or down have their number this far from their middle, not above it.
_BESIDE = {
    ("clients", "cdn"): (1.3, -1.2),
    ("cdn", "balancer"): (1.3, -1.2),
    ("app", "queue"): (1.4, 0.0),
    ("workers", "db"): (1.3, -1.2),
}


def draw_diagram(
    ax: Axes,
    run: DesignResult,
    expected: Mapping[str, float],
    *,
    victim: str,
    spare_balancer: bool,
    jobs: str,
) -> None:
    """Draw a run of the usual design.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    run : blueprint.DesignResult
        What flowed, and how busy each machine was.
    expected : mapping of str to float
        Utilisation of each machine by theory, drawn as a black tick.
    victim : str
        The box that died; "nothing" for none. A click on another box chooses that one.
    spare_balancer : bool
        Whether there are two balancers, of which one still works.
    jobs : str
        What the message queue holds.
    """
    ax.set_axis_off()
    ax.set_xlim(-0.5, 88.5)
    ax.set_ylim(0, 61)
    ax.set_title("Calls per second on the arrows, utilisation in the boxes")
    _arrows(ax, run)
    boxes, fills, fill_colours, ticks, first, second = [], [], [], [], [], []
    for members in _GROUPS.values():
        places = np.array([_PLACES[name] for name in members])
        x, y = places.mean(axis=0)
        around = 2 * _MARGIN
        boxes.append(_rectangle(x, y, _W + around, np.ptp(places[:, 1]) + _H + around))
    ax.add_collection(PolyCollection(boxes, facecolors=style.FAINT, alpha=0.55, zorder=2))
    dead = set() if victim == "balancer" and spare_balancer else {victim}
    for name, (x, y) in _PLACES.items():
        busy = run.utilisation.get(name)
        if name in dead:
            fills.append(_rectangle(x, y, _W, _H))
            fill_colours.append(_DEAD)
        elif busy is not None:
            width = _W * min(busy, 1.0)
            fills.append(_rectangle(x - (_W - width) / 2, y, width, _H))
            fill_colours.append(next(colour for limit, colour in _LEVELS if busy < limit))
        if name in expected and name not in dead:
            at = x - _W / 2 + _W * min(expected[name], 1.0)
            ticks.append([(at, y - _H / 2), (at, y - _H / 2 + 1.9)])
        pair = name == "balancer" and spare_balancer
        first.append("balancers" if pair else NAMES.get(name, name))
        second.append("dead" if name in dead else _state(run, name, busy, jobs))
        if name != "clients":
            _click(ax, name, victim)
    if spare_balancer and victim == "balancer":
        second[list(_PLACES).index("balancer")] = "one is dead"
    centres = list(_PLACES.values())
    words(ax, np.add(centres, (0, 2.3)), first, fontsize=10, weight="bold", zorder=7)
    words(ax, np.subtract(centres, (0, 1.3)), second, fontsize=9, zorder=7)
    outlines = [_rectangle(x, y, _W, _H) for x, y in centres]
    colours = [style.VERMILION if name in dead else style.MUTED for name in _PLACES]
    ax.add_collection(PolyCollection(outlines, facecolors="white", edgecolors="none", zorder=3))
    ax.add_collection(PolyCollection(fills, facecolors=fill_colours, zorder=4, gid="fills"))
    ax.add_collection(
        PolyCollection(
            outlines, facecolors="none", edgecolors=colours, linewidths=1.3, zorder=5, gid="boxes"
        )
    )
    ax.add_collection(LineCollection(ticks, colors=style.BLACK, linewidths=1.6, zorder=6))
    ax.text(1, 3, "▏tick: theory with nothing dead", fontsize=9, color=style.MUTED)


def _click(ax: Axes, name: str, victim: str) -> None:
    x, y = _PLACES[name]
    shown = NAMES.get(name, name)
    does, value = ("repair", "nothing") if name == victim else ("kill", name)
    corners = (x - _W / 2, y - _H / 2, x + _W / 2, y + _H / 2)
    clickable(ax, "victim", f"{does} {shown}", *corners, value=value, name=name)


def _state(run: DesignResult, name: str, busy: float | None, jobs: str) -> str:
    component = run.design[name] if name in ("cdn", "cache") else None
    if name == "clients":
        return f"{significant(100 * run.success_ratio, 3)} % ok"
    if isinstance(component, CDN | Cache):
        return f"{significant(100 * component.hit_ratio)} % hits"
    if name == "balancer":
        return "at random"
    if name == "queue":
        return jobs
    return "" if busy is None else f"{100 * busy:.0f} % busy"


def _rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    left, right, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    return [(left, low), (right, low), (right, high), (left, high)]


def _arrows(ax: Axes, run: DesignResult) -> None:
    rates = run.edge_rps
    # The application asks the cache and is answered; no call goes on from there.
    asides = {("app", "cache")} if ("app", "db") in rates else set()
    largest = max(rates.values(), default=1.0) or 1.0
    for beside, side in ((False, "center"), (True, "left")):
        shown = [edge for edge in rates if (edge in _BESIDE) == beside]
        at = [np.mean(_ENDS[edge], axis=0) + _BESIDE.get(edge, (0, 1.5)) for edge in shown]
        numbers = [f"{significant(rates[edge], 2)}/s" for edge in shown]
        words(ax, at, numbers, fontsize=9, ha=side, va="bottom", zorder=8)
    tails, tips = np.transpose([_ENDS[edge] for edge in rates], (1, 0, 2))
    arrows(
        ax, tails, tips, head_pt=(8.6, 4.0), head_zorder=2.5, colors=style.MUTED, zorder=1,
        linewidths=[1.0 + 2.6 * np.sqrt(rate / largest) for rate in rates.values()],
        linestyles=[(0, (1, 1.2)) if edge in asides else "-" for edge in rates],
    )  # fmt: skip
