"""Ways through a design's graph."""

from __future__ import annotations

from helpers.blueprint.components import Clients, Component, Served, Workers
from helpers.blueprint.design import Design


def topological(design: Design) -> list[str]:
    """Return the names of all components, callers before callees.

    Raises
    ------
    ValueError
        If the wiring has a cycle.
    """
    waiting = {c.name: len(design.callers(c.name)) for c in design}
    ready = [name for name, callers in waiting.items() if callers == 0]
    order = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for callee in design.callees(name):
            waiting[callee.name] -= 1
            if waiting[callee.name] == 0:
                ready.append(callee.name)
    if len(order) < len(waiting):
        stuck = sorted(set(waiting) - set(order))
        raise ValueError(f"Design {design.name!r}: a cycle runs through {', '.join(stuck)}")
    return order


def cycle_of(design: Design) -> list[str]:
    """Return a cycle as a path that ends where it began, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for callee in design.callees(name):
            if cycle := walk(callee.name, [*path, name]):
                return cycle
        done.add(name)
        return []

    for component in design:
        if cycle := walk(component.name, []):
            return cycle
    return []


def reachable(design: Design, name: str) -> bool:
    seen, front = {name}, [name]
    while front:
        for caller in design.callers(front.pop()):
            if isinstance(caller, Clients):
                return True
            if caller.name not in seen:
                seen.add(caller.name)
                front.append(caller.name)
    return False


def machines(design: Design) -> dict[str, Component]:
    """Return the machines that keep a tally: instance name -> component."""
    found: dict[str, Component] = {}
    for component in design:
        if isinstance(component, Served) and not isinstance(component, Workers):
            found.update(dict.fromkeys(component.instances, component))
        elif not isinstance(component, Clients):
            found[component.name] = component  # workers share one line; CDN, balancer: no line
    return found
