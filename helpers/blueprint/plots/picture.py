"""A design as a picture: boxes that say how busy they are, edges that say how much flows."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.path import Path

from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Component,
    Database,
    LoadBalancer,
    Queue,
    Served,
)
from helpers.blueprint.design import JOB, LOOK, Design
from helpers.blueprint.diagram import summary_line
from helpers.blueprint.plots.layout import (
    BOX_H,
    BOX_W,
    GAP,
    LAYER,
    PAD,
    Box,
    Layout,
    layout,
    shown_of,
    y_of,
)
from helpers.blueprint.simulation.result import DesignResult
from helpers.blueprint.theory.open_network import OpenNetwork
from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import fill_boxes, round_boxes
from helpers.foundations.drawing.letters import figure_of
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import significant

# Fill of a box by its utilisation: light enough for black text, apart in lightness as well as hue.
_LEVELS = ((0.7, "#BFD9EC", "#0072B2"), (0.9, "#F7D68A", "#B07A00"), (np.inf, "#F0A07A", "#D55E00"))
_PAPER = "#FBFCFD"


#: The width in which a box holds its words on axes of so many inches; in a wider drawing they are
#: smaller, and on smaller axes a small drawing is not.
_ROOM, _ROOM_IN = 7.2, 6.12


def plot_design(
    result: DesignResult | OpenNetwork | Design, ax: Axes
) -> dict[str, tuple[float, float]]:
    """Draw a design from the clients downwards: calls per second on edges, utilisation in boxes.

    Parameters
    ----------
    result : DesignResult, OpenNetwork or Design
        Of a design alone, the boxes show its numbers and the edges nothing.
    ax : matplotlib.axes.Axes
        Where to draw; its axes are hidden. Best about 7.2 in by 5 in.

    Returns
    -------
    dict of str to (float, float)
        The middle of each box on the axes, by the name of the machine, or of the component where
        one box stands for all of its machines. A box is 1.62 wide.
    """
    design = result if isinstance(result, Design) else result.design
    plan = layout(design)
    layers = 1 + max(box.layer for box in plan.boxes.values())
    wide_in = ax.get_position().width * figure_of(ax).get_figwidth()
    room = max(plan.right - plan.left + 0.2, _ROOM * min(1.0, wide_in / _ROOM_IN))
    middle = (plan.left + plan.right) / 2
    ax.set_axis_off()
    ax.set_xlim(middle - room / 2, middle + room / 2)
    ax.set_ylim(-layers * LAYER + 0.46, 0.34)
    ax.set_title(_title(result))
    _draw_edges(ax, design, plan, result)
    return _draw_components(ax, design, plan.boxes, result, shrink=min(1.0, _ROOM / room))


def _title(result: DesignResult | OpenNetwork | Design) -> str:
    if isinstance(result, Design):
        return f"The design “{result.name}”"
    return "Calls per second on every edge, utilisation in every box"


def _draw_edges(
    ax: Axes,
    design: Design,
    plan: Layout,
    result: DesignResult | OpenNetwork | Design,
) -> None:
    rates = {} if isinstance(result, Design) else result.edge_rps
    largest = max(rates.values(), default=1.0) or 1.0
    paths, widths, dashes, heads, beside, texts = [], [], [], [], [], []
    for edge in design.edges:
        pair = edge.source, edge.target
        rate_rps = rates.get(pair)
        width = 1.2 if rate_rps is None else 1.0 + 2.4 * math.sqrt(rate_rps / largest)
        widths.append(width)
        dashes.append({JOB: (0, (4, 2)), LOOK: (0, (1, 1.4))}.get(edge.role, "-"))
        half = 0.045 + 0.012 * width
        if pair in plan.back:
            way = plan.back[pair]
            paths.append(_way_round(way))
            (x, y), side = way[-1], math.copysign(0.11, way[-2][0] - way[-1][0])
            heads.append([(x, y), (x + side, y - half), (x + side, y + half)])
            continue
        way = plan.down[pair]
        paths.append(_curve(way))
        x, y = way[-1]
        heads.append([(x, y), (x - half, y + 0.11), (x + half, y + 0.11)])
        if rate_rps is not None:
            # Beside the longest piece, where there is room.
            (xa, ya), (xb, yb) = max(pairwise(way), key=lambda piece: piece[0][1] - piece[1][1])
            beside.append(((xa + xb) / 2 + 0.08, (ya + yb) / 2 + 0.02))
            texts.append(f"{significant(rate_rps)}/s")
    curves = PathCollection(
        paths, facecolors="none", edgecolors=style.MUTED, linewidths=widths, linestyles=dashes,
        capstyle="butt", zorder=1,
    )  # fmt: skip
    ax.add_collection(curves, autolim=False)
    ax.add_collection(
        PolyCollection(heads, facecolors=style.MUTED, linewidths=0, zorder=2), autolim=False
    )
    words(ax, beside, texts, fontsize=8.2, ha="left", paper=0.85, zorder=6)


def _curve(way: list[tuple[float, float]]) -> Path:
    """Return a path along an edge that arrives from above, in its arrow's head."""
    x, y = way[-1]
    line = [*way[:-1], (x, y + 0.09)]
    vertices, codes = [line[0]], [Path.MOVETO]
    for (xa, ya), (xb, yb) in pairwise(line):
        middle = (ya + yb) / 2
        vertices += [(xa, middle), (xb, middle), (xb, yb)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def _way_round(way: list[tuple[float, float]]) -> Path:
    """Return a path along an edge that leads back, with round corners."""
    start, below, above, end = way
    side = math.copysign(0.1, end[0] - above[0])
    vertices = [
        start,
        (below[0] + side, below[1]), below, (below[0], below[1] + 0.1),
        (above[0], above[1] - 0.1), above, (above[0] + side, above[1]),
        (end[0] - side * 0.9, end[1]),
    ]  # fmt: skip
    turn = [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path(vertices, [Path.MOVETO, *turn, *turn, Path.LINETO])


def _draw_components(
    ax: Axes,
    design: Design,
    boxes: dict[str, Box],
    result: DesignResult | OpenNetwork | Design,
    shrink: float,
) -> dict[str, tuple[float, float]]:
    middles: dict[str, tuple[float, float]] = {}
    outlines, shares, fills, names, seconds, ill = [], [], [], [], [], []
    for component in design:
        box, shown = boxes[component.name], shown_of(component)
        y = y_of(box.layer)
        if len(shown) > 1:
            round_boxes(
                ax, [(box.x, y)], box.width, BOX_H + 2 * PAD, 0.1, facecolors=style.FAINT,
                edgecolors="none", alpha=0.55, zorder=2.5,
            )  # fmt: skip
        for i, name in enumerate(shown):
            middle = box.x + (i - (len(shown) - 1) / 2) * (BOX_W + GAP), y
            busy = _utilisation(component, name, result)
            ailment = _ailment(name, component, result)
            fill, outline = _PAPER, style.MUTED
            if busy is not None:
                fill, outline = next((fill, edge) for limit, fill, edge in _LEVELS if busy < limit)
            middles[name] = middle
            outlines.append(outline)
            shares.append(min(busy or 0.0, 1.0))
            fills.append(fill)
            names.append(_called(component, name))
            seconds.append(ailment or _second_line(component, name, busy, result))
            if ailment:
                ill.append(middle)
    shape, places = (BOX_W, BOX_H, 0.07), list(middles.values())
    round_boxes(ax, places, *shape, facecolors=_PAPER, edgecolors="none", zorder=3)
    fill_boxes(ax, places, *shape, shares, facecolors=fills, zorder=4)
    if ill:
        round_boxes(ax, ill, *shape, facecolors="none", edgecolors=style.MUTED, hatch="////",
                    linewidths=0, alpha=0.35, zorder=4)  # fmt: skip
    round_boxes(ax, places, *shape, facecolors="none", edgecolors=outlines, linewidths=1.3,
                zorder=5)  # fmt: skip
    above, below = ([(x, y + up) for x, y in places] for up in (0.095, -0.095))
    words(ax, above, names, fontsize=8.5 * shrink, weight="bold", zorder=7)
    words(ax, below, seconds, fontsize=7.8 * shrink, zorder=7)
    return middles


def _utilisation(
    component: Component, name: str, result: DesignResult | OpenNetwork | Design
) -> float | None:
    if isinstance(result, Design) or not isinstance(component, Served):
        return None
    members = [name] if name in result.utilisation else component.instances
    return float(np.mean([result.utilisation[member] for member in members]))


def _ailment(name: str, component: Component, result: DesignResult | OpenNetwork | Design) -> str:
    """Say what is wrong with an instance at the end of a run; nothing if it is well."""
    if not isinstance(result, DesignResult):
        return ""
    state = ""
    for fault in sorted(result.at.faults, key=lambda fault: fault.at_s):
        strikes = fault.target in (name, component.name) and fault.at_s < result.at.duration_s
        over = fault.until_s is not None and fault.until_s < result.at.duration_s
        if strikes:
            state = "" if over or fault.action == "recover" else _STATES[fault.action]
    return state


def _called(component: Component, name: str) -> str:
    if isinstance(component, Database) and name != component.name:
        return f"{name} ({'primary' if name == component.instances[0] else 'replica'})"
    if isinstance(component, AppServers | Database) and component.machines > 1:
        return f"{name} × {component.machines}" if name == component.name else name
    return name


_STATES = {"kill": "dead at the end", "slow": "slow at the end", "partition": "cut off at the end"}


def _percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _second_line(
    component: Component,
    name: str,
    busy: float | None,
    result: DesignResult | OpenNetwork | Design,
) -> str:
    """Return the second line of a box."""
    if isinstance(result, Design):
        return summary_line(component, each=name != component.name)
    run = result if isinstance(result, DesignResult) else None
    if isinstance(component, Clients) and run:
        return f"{significant(100 * run.success_ratio)} % answered"
    if busy is not None:
        if busy == np.inf or (busy >= 1 and not run):
            return f"{significant(100 * busy)} %: overloaded"
        said = f"{_percent(busy)} busy"
        if run and name in run.tallies:
            waiting = run.tallies[name].wait_s / run.window_s
            if waiting >= 0.05:
                said += f", {significant(waiting, 2)} waiting"
        if isinstance(component, Cache):
            said = f"{significant(100 * component.hit_ratio)} % hits, {said.split(',')[0]}"
        return said
    if isinstance(component, Queue) and run:
        workers = run.design.callees(component.name)[0].name
        jobs = run.tallies[workers].wait_s / run.window_s
        return f"{significant(jobs, 2)} jobs wait"
    if isinstance(component, CDN):
        return f"{significant(100 * component.hit_ratio)} % hits"
    if isinstance(component, LoadBalancer):
        return component.policy
    return summary_line(component)
