"""A design as plain data, for files and for forms, and what two designs differ in.

>>> from helpers.blueprint import AppServers, Clients, Design
>>> one = Design("one", Clients(rate_rps=10) >> AppServers(count=1))
>>> from_data(to_data(one)) == one
True
>>> [str(each) for each in differences(one, one.replace("app", threads=8))]
['app: threads: 4 -> 8']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Component,
    Database,
    HealthCheck,
    LoadBalancer,
    Path,
    Queue,
    Workers,
)
from helpers.blueprint.design import Design

_KINDS: Mapping[str, type[Component]] = {
    kind.__name__: kind
    for kind in (CDN, AppServers, Cache, Clients, Database, LoadBalancer, Queue, Workers)
}


@dataclass(frozen=True)
class Difference:
    """One thing in which a design differs from another.

    Attributes
    ----------
    what : str
        The component's field, such as ``"app: threads"``; a component; or an arrow.
    before, after : str
        What it was and what it is; "-" where there is none.
    """

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before} -> {self.after}"


def to_data(design: Design) -> dict[str, Any]:
    """Return a design as nothing but dicts, lists, texts and numbers."""
    parts = []
    for component in design:
        values = component.values()
        check = values.get("health_check")
        if isinstance(check, HealthCheck):
            values["health_check"] = check.values()
        parts.append({"kind": type(component).__name__, **values})
    wiring = [list(edge) for edge in design.wiring]
    return {"name": design.name, "components": parts, "wiring": wiring}


def from_data(data: Mapping[str, Any]) -> Design:
    """Return the design that :func:`to_data` wrote.

    Raises
    ------
    ValueError
        If there is no such kind of component, an arrow leads nowhere, or a number is out of range.
    TypeError
        If a component has no such field.
    """
    parts: dict[str, Component] = {}
    for one in data["components"]:
        values = dict(one)
        kind = values.pop("kind")
        if kind not in _KINDS:
            raise ValueError(f"there is no component {kind!r}; there are {', '.join(_KINDS)}")
        if isinstance(values.get("health_check"), Mapping):
            values["health_check"] = HealthCheck(**values["health_check"])
        parts[values["name"]] = _KINDS[kind](**values)
    for source, target in data["wiring"]:
        if source not in parts or target not in parts:
            raise ValueError(f"the arrow {source} >> {target} leads from or to nothing")
    paths = [Path((parts[source], parts[target])) for source, target in data["wiring"]]
    return Design(data["name"], *parts.values(), *paths)


def differences(before: Design, after: Design) -> list[Difference]:
    """Return what is different in `after`: parts, their fields, arrows; in words.

    The names of the designs are left out.
    """
    old = {component.name: component for component in before}
    new = {component.name: component for component in after}
    found = [Difference(name, old[name].kind, "-") for name in old if name not in new]
    for name, component in new.items():
        if name not in old:
            found.append(Difference(name, "-", component.kind))
        elif type(component) is not type(old[name]):
            found.append(Difference(name, old[name].kind, component.kind))
        else:
            was = old[name].values()
            found += [
                Difference(f"{name}: {field}", _said(was[field]), _said(value))
                for field, value in component.values().items()
                if value != was[field]
            ]
    arrows, earlier = set(after.wiring), set(before.wiring)
    found += [Difference(f"{a} >> {b}", "-", "wired") for a, b in sorted(arrows - earlier)]
    found += [Difference(f"{a} >> {b}", "wired", "-") for a, b in sorted(earlier - arrows)]
    return found


def _said(value: Any) -> str:
    if isinstance(value, HealthCheck):
        return f"every {value.interval_s:g} s, {value.threshold} in a row"
    return f"{value:g}" if isinstance(value, float) else str(value)
