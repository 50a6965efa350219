"""Where the boxes of a design stand, and which way its edges go."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from helpers.blueprint.components import AppServers, Clients, Component, Database
from helpers.blueprint.design import Design

#: Size of a box, the gap between those of one component, and the distance between layers.
BOX_W, BOX_H, GAP, LAYER = 1.62, 0.46, 0.12, 0.86

#: Room around the instances of one component.
PAD = 0.07

_APART = 0.4  # between components of one layer
_LANE = 0.3  # between the boxes and an edge that leads back, and between two of those

Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass
class Box:
    """A component in the drawing, or a bend of an edge that passes a layer."""

    name: str
    width: float
    layer: int
    x: float = 0.0
    above: list[Box] = field(default_factory=list)
    below: list[Box] = field(default_factory=list)


@dataclass
class Layout:
    """Where everything is.

    Attributes
    ----------
    boxes : dict of str to Box
        By the name of the component.
    down : dict of (str, str) to list of (float, float)
        The points of each edge that leads downwards: out of a box, past others, into a box.
    back : dict of (str, str) to list of (float, float)
        The corners of each edge that closes a circle: out of a side of a box, along the margin,
        into a side of a box.
    left, right : float
        Ends of the drawing.
    """

    boxes: dict[str, Box]
    down: dict[Pair, list[Point]]
    back: dict[Pair, list[Point]]
    left: float
    right: float


def layout(design: Design) -> Layout:
    """Lay a design out from the clients downwards, in layers by the longest way from them."""
    back = _back_edges(design)
    layer = _layers(design, back)
    boxes = {
        component.name: Box(component.name, _width(component), layer[component.name])
        for component in design
    }
    routes: dict[Pair, list[Box]] = {}
    rows: list[list[Box]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    for box in boxes.values():
        rows[box.layer].append(box)
    for edge in design.edges:
        if (edge.source, edge.target) in back:
            continue
        start, end = boxes[edge.source], boxes[edge.target]
        bends = [Box("", 0.3, between) for between in range(start.layer + 1, end.layer)]
        for bend in bends:
            rows[bend.layer].append(bend)
        route = [start, *bends, end]
        for one, other in pairwise(route):
            one.below.append(other)
            other.above.append(one)
        routes[edge.source, edge.target] = route
    _place(rows)
    left = min(box.x - box.width / 2 for box in boxes.values())
    right = max(box.x + box.width / 2 for box in boxes.values())
    returns = {}
    for source, target in back:
        start, end = boxes[source], boxes[target]
        # On the side where fewer boxes are in the way.
        at_left = sum(rows[box.layer].index(box) for box in (start, end))
        at_right = sum(len(rows[box.layer]) - 1 for box in (start, end)) - at_left
        if at_right <= at_left:
            side, right = 1, right + _LANE
        else:
            side, left = -1, left - _LANE
        lane = right if side > 0 else left
        leaves, arrives = y_of(start.layer) - BOX_H / 4, y_of(end.layer) + BOX_H / 4
        returns[source, target] = [
            (start.x + side * start.width / 2, leaves),
            (lane, leaves),
            (lane, arrives),
            (end.x + side * end.width / 2, arrives),
        ]
    return Layout(boxes, _down(boxes, routes), returns, left, right)


def _back_edges(design: Design) -> list[Pair]:
    """Return the edges that lead back to where a walk from the clients has come from."""
    found: list[Pair] = []
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        for callee in design.callees(name):
            if callee.name in (*path, name):
                found.append((name, callee.name))
            elif callee.name not in done:
                walk(callee.name, (*path, name))
        done.add(name)

    for component in sorted(design, key=lambda component: not isinstance(component, Clients)):
        if component.name not in done:
            walk(component.name, ())
    return found


def _layers(design: Design, back: list[Pair]) -> dict[str, int]:
    """Return each component's layer: the longest way to it, circles left out."""
    layer = {component.name: 0 for component in design}
    for _ in range(len(layer)):
        for source, target in design.wiring:
            if (source, target) not in back:
                layer[target] = max(layer[target], layer[source] + 1)
    return layer


def _width(component: Component) -> float:
    count = len(shown_of(component))
    inner = count * BOX_W + (count - 1) * GAP
    return inner + (2 * PAD if count > 1 else 0.0)


def shown_of(component: Component) -> tuple[str, ...]:
    """Return the instances that get a box of their own; many are drawn as one."""
    if isinstance(component, AppServers | Database) and 1 < component.machines <= 4:
        return component.instances
    return (component.name,)


def _place(rows: list[list[Box]]) -> None:
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


def _spread(row: list[Box], wish: list[float]) -> None:
    """Put boxes as near to their wishes as they can be without touching, in the given order."""
    # Pool neighbours that collide, and let each pool take the mean of what its members want.
    pools: list[tuple[list[float], list[Box]]] = []
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


def y_of(layer: int) -> float:
    """Return where a layer is."""
    return -layer * LAYER


def _down(boxes: dict[str, Box], routes: dict[Pair, list[Box]]) -> dict[Pair, list[Point]]:
    """Return the points of every edge: straight down where a box is wide enough for that."""
    starts: dict[Pair, float] = {}
    ends: dict[Pair, float] = {}
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
        points[edge] = [(starts[edge], y_of(start.layer) - _half_height(start))]
        points[edge] += [(bend.x, y_of(bend.layer)) for bend in route[1:-1]]
        points[edge].append((ends[edge], y_of(end.layer) + _half_height(end)))
    return points


def _side(box: Box, wish: list[float]) -> list[float]:
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


def _half_height(box: Box) -> float:
    return BOX_H / 2 + (PAD if box.width > BOX_W + 0.01 else 0.0)
