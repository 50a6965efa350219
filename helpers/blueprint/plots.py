"""Draw a design and what became of it: results and axes in, drawn axes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

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
from helpers.blueprint.simulation import DesignResult
from helpers.blueprint.theory import OpenNetwork
from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import fill_boxes, round_boxes
from helpers.foundations.drawing.words import words
from helpers.foundations.prose import significant

# Fill of a box by its utilisation: light enough for black text, apart in lightness as well as hue.
_LEVELS = ((0.7, "#BFD9EC", "#0072B2"), (0.9, "#F7D68A", "#B07A00"), (np.inf, "#F0A07A", "#D55E00"))
_PAPER = "#FBFCFD"
_BOX_W, _BOX_H, _GAP, _LAYER = 1.62, 0.46, 0.12, 0.86
_ROOM = 7.2  # the width in which a box holds its words; in a wider drawing they are smaller
_APART = 0.4  # between components of one layer
_PAD = 0.07  # around the instances of one component


@dataclass
class _Box:
    """A component in the drawing, or a bend of an edge that passes a layer."""

    name: str
    width: float
    layer: int
    x: float = 0.0
    above: list[_Box] = field(default_factory=list)
    below: list[_Box] = field(default_factory=list)


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
    boxes, routes = _layout(design)
    layers = 1 + max(box.layer for box in boxes.values())
    left = min(box.x - box.width / 2 for box in boxes.values())
    right = max(box.x + box.width / 2 for box in boxes.values())
    room = max(right - left + 0.2, _ROOM)
    ax.set_axis_off()
    ax.set_xlim((left + right - room) / 2, (left + right + room) / 2)
    ax.set_ylim(-layers * _LAYER + 0.46, 0.34)
    ax.set_title(_title(result))
    _draw_edges(ax, design, _ports(boxes, routes), result)
    return _draw_components(ax, design, boxes, result, shrink=_ROOM / room)


def _title(result: DesignResult | OpenNetwork | Design) -> str:
    if isinstance(result, Design):
        return f"The design “{result.name}”"
    return "Calls per second on every edge, utilisation in every box"


# --- layout: layers by the longest way from the clients, then neighbours pulled together ---------


def _layout(design: Design) -> tuple[dict[str, _Box], dict[tuple[str, str], list[_Box]]]:
    layer = _layers(design)
    boxes = {
        component.name: _Box(component.name, _width(component), layer[component.name])
        for component in design
    }
    routes: dict[tuple[str, str], list[_Box]] = {}
    rows: list[list[_Box]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    for box in boxes.values():
        rows[box.layer].append(box)
    for edge in design.edges:
        start, end = boxes[edge.source], boxes[edge.target]
        route = [start]
        step = 1 if end.layer > start.layer else -1
        for between in range(start.layer + step, end.layer, step):
            bend = _Box("", 0.3, between)
            rows[between].append(bend)
            route.append(bend)
        route.append(end)
        for one, other in pairwise(route):
            one.below.append(other)
            other.above.append(one)
        routes[edge.source, edge.target] = route
    _place(rows)
    return boxes, routes


def _layers(design: Design) -> dict[str, int]:
    """Return each component's layer; what lies on a cycle stays where it is first met."""
    layer = {component.name: 0 for component in design}
    for _ in range(len(layer)):
        for source, target in design.wiring:
            if layer[target] <= layer[source] < len(layer) - 1:
                layer[target] = layer[source] + 1
    return layer


def _width(component: Component) -> float:
    count = len(_shown(component))
    inner = count * _BOX_W + (count - 1) * _GAP
    return inner + (2 * _PAD if count > 1 else 0.0)


def _shown(component: Component) -> tuple[str, ...]:
    """Return the instances that get a box of their own; many are drawn as one."""
    if isinstance(component, AppServers | Database) and 1 < component.machines <= 4:
        return component.instances
    return (component.name,)


def _place(rows: list[list[_Box]]) -> None:
    for row in rows:
        _spread(row, [0.0] * len(row))
    for sweep in range(24):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = [box.above if down else box.below for box in row]
            wish = [
                fmean(other.x for other in others) if others else box.x
                for box, others in zip(row, near, strict=True)
            ]
            if sweep < 8:  # first sort, then only move
                order = sorted(range(len(row)), key=lambda i: wish[i])
                row[:] = [row[i] for i in order]
                wish = [wish[i] for i in order]
            _spread(row, wish)


def _spread(row: list[_Box], wish: list[float]) -> None:
    """Put boxes as near to their wishes as they can be without touching, in the given order."""
    # Pool neighbours that collide, and let each pool take the mean of what its members want.
    pools: list[tuple[list[float], list[_Box]]] = []
    offset: dict[int, float] = {}
    for box, x in zip(row, wish, strict=True):
        offset[id(box)] = 0.0
        pools.append(([x], [box]))
        while len(pools) > 1:
            (wants, members), (more, others) = pools[-2], pools[-1]
            left = fmean(wants) + offset[id(members[-1])] + members[-1].width / 2
            right = fmean(more) + offset[id(others[0])] - others[0].width / 2
            if right - left >= _APART:
                break
            shift = offset[id(members[-1])] + members[-1].width / 2 + _APART + others[0].width / 2
            shift -= offset[id(others[0])]
            for other in others:
                offset[id(other)] += shift
            pools[-2:] = [(wants + [want - shift for want in more], members + others)]
    for wants, members in pools:
        for box in members:
            box.x = fmean(wants) + offset[id(box)]


# --- drawing ------------------------------------------------------------------------------------


def _y(layer: int) -> float:
    return -layer * _LAYER


def _ports(
    boxes: dict[str, _Box], routes: dict[tuple[str, str], list[_Box]]
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return the points of every edge: straight down where a box is wide enough for that."""
    starts, ends = {}, {}
    for box in boxes.values():
        out = sorted((e for e in routes if e[0] == box.name), key=lambda e: routes[e][1].x)
        for edge, x in zip(out, _side(box, [routes[e][1].x for e in out]), strict=True):
            starts[edge] = x
    for box in boxes.values():
        into = [e for e in routes if e[1] == box.name]
        before = {e: routes[e][-2].x if len(routes[e]) > 2 else starts[e] for e in into}
        into.sort(key=before.__getitem__)
        for edge, x in zip(into, _side(box, [before[e] for e in into]), strict=True):
            ends[edge] = x
    points = {}
    for edge, route in routes.items():
        start, end = route[0], route[-1]
        points[edge] = [(starts[edge], _y(start.layer) - _edge_of(start))]
        points[edge] += [(bend.x, _y(bend.layer)) for bend in route[1:-1]]
        points[edge].append((ends[edge], _y(end.layer) + _edge_of(end)))
    return points


def _side(box: _Box, wish: list[float]) -> list[float]:
    """Return where edges meet a side of a box: near their wishes, inside it, and apart."""
    reach = box.width / 2 - 0.2
    places = [min(max(x, box.x - reach), box.x + reach) for x in wish]
    apart = min(0.35, 2 * reach / max(len(wish) - 1, 1))
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + apart)
    over = max(places, default=box.x) - (box.x + reach)
    for i in reversed(range(len(places))):
        limit = box.x + reach if i == len(places) - 1 else places[i + 1] - apart
        places[i] = min(places[i], limit) if over > 0 else places[i]
    return places


def _draw_edges(
    ax: Axes,
    design: Design,
    points: dict[tuple[str, str], list[tuple[float, float]]],
    result: DesignResult | OpenNetwork | Design,
) -> None:
    rates = {} if isinstance(result, Design) else result.edge_rps
    largest = max(rates.values(), default=1.0) or 1.0
    paths, widths, dashes, heads, beside, texts = [], [], [], [], [], []
    for edge in design.edges:
        pair = edge.source, edge.target
        way, rate_rps = points[pair], rates.get(pair)
        width = 1.2 if rate_rps is None else 1.0 + 2.4 * math.sqrt(rate_rps / largest)
        paths.append(_curve(way))
        widths.append(width)
        dashes.append({JOB: (0, (4, 2)), LOOK: (0, (1, 1.4))}.get(edge.role, "-"))
        (x, y), half = way[-1], 0.045 + 0.012 * width
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


def _edge_of(box: _Box) -> float:
    return _BOX_H / 2 + (_PAD if box.width > _BOX_W + 0.01 else 0.0)


def _draw_components(
    ax: Axes,
    design: Design,
    boxes: dict[str, _Box],
    result: DesignResult | OpenNetwork | Design,
    shrink: float,
) -> dict[str, tuple[float, float]]:
    middles: dict[str, tuple[float, float]] = {}
    outlines, shares, fills, names, seconds, ill = [], [], [], [], [], []
    for component in design:
        box, shown = boxes[component.name], _shown(component)
        y = _y(box.layer)
        if len(shown) > 1:
            round_boxes(
                ax, [(box.x, y)], box.width, _BOX_H + 2 * _PAD, 0.1, facecolors=style.FAINT,
                edgecolors="none", alpha=0.55, zorder=2.5,
            )  # fmt: skip
        for i, name in enumerate(shown):
            middle = box.x + (i - (len(shown) - 1) / 2) * (_BOX_W + _GAP), y
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
    shape, places = (_BOX_W, _BOX_H, 0.07), list(middles.values())
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
    for fault in sorted(result.faults, key=lambda fault: fault.at_s):
        strikes = fault.target in (name, component.name) and fault.at_s < result.duration_s
        over = fault.until_s is not None and fault.until_s < result.duration_s
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
    simulated = isinstance(result, DesignResult)
    if isinstance(component, Clients):
        if simulated:
            return f"{significant(100 * result.success_ratio)} % answered"
        return summary_line(component)
    if busy is not None:
        if busy == np.inf or (busy >= 1 and not simulated):
            return f"{significant(100 * busy)} %: overloaded"
        said = f"{_percent(busy)} busy"
        if simulated and name in result.tallies:
            waiting = result.tallies[name].wait_s / result.window_s
            if waiting >= 0.05:
                said += f", {significant(waiting, 2)} waiting"
        if isinstance(component, Cache):
            said = f"{significant(100 * component.hit_ratio)} % hits, {said.split(',')[0]}"
        return said
    if isinstance(component, Queue) and simulated:
        workers = result.design.callees(component.name)[0].name
        jobs = result.tallies[workers].wait_s / result.window_s
        return f"{significant(jobs, 2)} jobs wait"
    if isinstance(component, CDN):
        return f"{significant(100 * component.hit_ratio)} % hits"
    if isinstance(component, LoadBalancer):
        return component.policy
    return summary_line(component)


# --- over time ----------------------------------------------------------------------------------


def plot_outcomes(result: DesignResult, ax: Axes) -> None:
    """Draw requests sent, answered, failed and dropped per second over time; faults are shaded.

    Parameters
    ----------
    result : DesignResult
        A run.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    rates = result.outcome_rates(60)
    time_s = rates["time_s"]
    _shade_faults(result, ax)
    lines = (
        ("sent", rates["sent_rps"], style.MUTED, (0, (1, 1.2))),
        ("answered", rates["answered_rps"], style.BLUE, "-"),
        ("failed", rates["failed_rps"], style.VERMILION, (0, (5, 1.5))),
        ("dropped", rates["dropped_rps"], style.PURPLE, (0, (3, 1, 1, 1))),
    )
    top = 1.25 * max(float(rates["sent_rps"].max(initial=0.0)), 1.0)
    labels = []
    for name, rate, colour, dashes in lines:
        if name in ("failed", "dropped") and not rate.any():
            continue
        ax.plot(time_s, rate, color=colour, linestyle=dashes, linewidth=1.8)
        labels.append((float(np.mean(rate[-3:])), name, colour))
    _label_ends(ax, labels, result.duration_s, top)
    ax.set_xlim(0, result.duration_s)
    ax.set_ylim(0, top)
    ax.set_xlabel("Time (s)")
    ax.set_ylabel("Requests per second")
    ax.set_title("What becomes of the requests")


def plot_queues(result: DesignResult, ax: Axes) -> None:
    """Draw how many calls are at each machine over time, waiting and served; faults are shaded.

    Parameters
    ----------
    result : DesignResult
        A run.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    _shade_faults(result, ax)
    present = {
        name: result.waiting[name] + result.busy[name]
        for name in result.utilisation
        if len(result.sample_s)
    }
    busiest = sorted(present, key=lambda name: -present[name].max(initial=0))[: len(style.SERIES)]
    top = max((float(present[name].max(initial=0)) for name in busiest), default=1.0)
    dashes = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1.2)))
    labels = []
    for i, name in enumerate(busiest):
        colour = style.SERIES[i]
        ax.step(
            result.sample_s, present[name], color=colour, linestyle=dashes[i % 4], linewidth=1.5,
            where="post",
        )  # fmt: skip
        labels.append((float(np.mean(present[name][-5:])), name, colour))
    top = 1.15 * max(top, 1.0)
    _label_ends(ax, labels, result.duration_s, top)
    ax.set_xlim(0, result.duration_s)
    ax.set_ylim(0, top)
    ax.set_xlabel("Time (s)")
    ax.set_ylabel("Calls waiting and in service")
    ax.set_title("Where the calls pile up")


def _shade_faults(result: DesignResult, ax: Axes) -> None:
    end = result.duration_s
    for i, fault in enumerate(result.faults):
        if fault.action == "recover" or fault.at_s > end:
            continue
        until = end if fault.until_s is None else min(fault.until_s, end)
        ax.axvspan(fault.at_s, until, color=style.FAINT, alpha=0.6, linewidth=0)
        ax.annotate(
            f"{fault.action} {fault.target}", (fault.at_s, 1), xycoords=("data", "axes fraction"),
            xytext=(3, -4 - 11 * i), textcoords="offset points", fontsize=8, color=style.MUTED,
            va="top",
        )  # fmt: skip


def _label_ends(ax: Axes, labels: list[tuple[float, str, str]], x: float, top: float) -> None:
    """Write each label at the end of its curve, moved apart where they would overlap."""
    step, last = 0.055 * top, -np.inf
    for y, name, colour in sorted(labels):
        last = max(y, last + step)
        style.label(ax, x, min(last, 0.98 * top), name, colour)
