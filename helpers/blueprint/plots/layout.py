"""Where the boxes of a design stand, and which way its edges go."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from helpers.blueprint.components import AppServers, Component, Database
from helpers.blueprint.design import Design

BOX_W, BOX_H, GAP, LAYER = 1.62, 0.46, 0.12, 0.86


_APART = 0.4  # between components of one layer
PAD = 0.07  # around the instances of one component


@dataclass
class Box:
    """A component in the drawing, or a bend of an edge that passes a layer."""

    name: str
    width: float
    layer: int
    x: float = 0.0
    above: list[Box] = field(default_factory=list)
    below: list[Box] = field(default_factory=list)


def layout(design: Design) -> tuple[dict[str, Box], dict[tuple[str, str], list[Box]]]:
    layer = _layers(design)
    boxes = {
        component.name: Box(component.name, _width(component), layer[component.name])
        for component in design
    }
    routes: dict[tuple[str, str], list[Box]] = {}
    rows: list[list[Box]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    for box in boxes.values():
        rows[box.layer].append(box)
    for edge in design.edges:
        start, end = boxes[edge.source], boxes[edge.target]
        route = [start]
        step = 1 if end.layer > start.layer else -1
        for between in range(start.layer + step, end.layer, step):
            bend = Box("", 0.3, between)
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
    return -layer * LAYER


def ports(
    boxes: dict[str, Box], routes: dict[tuple[str, str], list[Box]]
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
        points[edge] = [(starts[edge], y_of(start.layer) - edge_of(start))]
        points[edge] += [(bend.x, y_of(bend.layer)) for bend in route[1:-1]]
        points[edge].append((ends[edge], y_of(end.layer) + edge_of(end)))
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


def edge_of(box: Box) -> float:
    return BOX_H / 2 + (PAD if box.width > BOX_W + 0.01 else 0.0)
