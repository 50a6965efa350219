"""A design as text: a Mermaid diagram, and a table that a screen reader can walk through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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
    Workers,
)
from helpers.blueprint.design import JOB, LOOK, Design
from helpers.foundations.prose import counted, duration, significant

if TYPE_CHECKING:
    import pandas as pd

_SHAPES = {
    "Clients": '(["{}"])',
    "CDN": '[/"{}"/]',
    "LoadBalancer": '{{{{"{}"}}}}',
    "Database": '[("{}")]',
    "Queue": '[["{}"]]',
}


class Flowing(Protocol):
    """A result that knows the rate of calls along each edge."""

    design: Design
    edge_rps: dict[tuple[str, str], float]


def mermaid(subject: Design | Flowing) -> str:
    """Return a design as the text of a Mermaid flowchart.

    Parameters
    ----------
    subject : Design, DesignResult or OpenNetwork
        A result's edges carry their rates.

    Returns
    -------
    str
        Put it between fences that say ``mermaid`` and JupyterLab or GitHub draws it.

    Examples
    --------
    >>> from helpers.blueprint import AppServers, Clients, Database, Design
    >>> app = AppServers(count=1, threads=4)
    >>> print(mermaid(Design("small", Clients(rate_rps=10) >> app >> Database())))
    flowchart TB
        clients(["clients<br/>10 requests/s"])
        app["app<br/>4 threads, 50 ms"]
        db[("db<br/>4 connections, 20 ms")]
        clients --> app
        app --> db
    """
    design, rates = (
        (subject, None) if isinstance(subject, Design) else (subject.design, subject.edge_rps)
    )
    ids = {component.name: _identifier(i, component) for i, component in enumerate(design)}
    lines = ["flowchart TB"]
    for component in design:
        shape = _SHAPES.get(type(component).__name__, '["{}"]')
        label = f"{_quoted(component.name)}<br/>{summary_line(component)}"
        lines.append(f"    {ids[component.name]}{shape.format(label)}")
    for edge in design.edges:
        arrow = "-.->" if edge.role in (JOB, LOOK) else "-->"
        text = ""
        if rates is not None:
            text = f'|"{significant(rates[edge.source, edge.target])}/s"|'
        lines.append(f"    {ids[edge.source]} {arrow}{text} {ids[edge.target]}")
    return "\n".join(lines)


def _identifier(position: int, component: Component) -> str:
    name = component.name
    # "end" and the like are words of Mermaid's own.
    return name if name.isidentifier() and name not in {"end", "graph", "class"} else f"c{position}"


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def summary_line(component: Component, *, each: bool = False) -> str:
    """Return a component's numbers in a few words, for the inside of a box.

    Parameters
    ----------
    component : Component
        Any component.
    each : bool
        Say what one instance has, not how many there are.

    Examples
    --------
    >>> summary_line(AppServers(count=3, threads=8)), summary_line(Clients(users=20))
    ('3 × 8 threads, 50 ms', '20 users, 1 s apart')
    """
    times = f"{component.machines} × " if component.machines > 1 and not each else ""
    service = f", {duration(component.service_s)}" if isinstance(component, Served) else ""
    match component:
        case Clients(rate_rps=None, users=users) if users:
            return f"{counted(users, 'user')}, {duration(component.think_s)} apart"
        case Clients(rate_rps=float(rate_rps)):
            return f"{significant(rate_rps)} requests/s"
        case CDN():
            return f"{significant(100 * component.hit_ratio)} % hits"
        case LoadBalancer():
            return f"{times}{component.policy}"
        case AppServers():
            return f"{times}{counted(component.threads, 'thread')}{service}"
        case Cache():
            return f"{significant(100 * component.hit_ratio)} % hits{service}"
        case Database():
            return f"{times}{counted(component.connections, 'connection')}{service}"
        case Queue():
            return "no limit" if component.capacity is None else f"room for {component.capacity:,}"
        case Workers():
            return f"{counted(component.count, 'worker')}{service}"
    return component.kind


def design_table(design: Design) -> pd.DataFrame:
    """Return a design as a table: the diagram for those who do not see it.

    Parameters
    ----------
    design : Design
        Any design.

    Returns
    -------
    pandas.DataFrame
        One row a component: its kind, its numbers, what it calls and what calls it.
    """
    import pandas as pd

    rows = []
    for component in design:
        calls = ", ".join(
            edge.target + {JOB: " (jobs)", LOOK: " (looks aside)"}.get(edge.role, "")
            for edge in design.steps(component.name)
        )
        rows.append(
            {
                "component": component.name,
                "kind": component.kind,
                "machines": component.machines,
                "numbers": summary_line(component),
                "calls": calls or "nothing",
                "is called by": ", ".join(c.name for c in design.callers(component.name))
                or "nobody",
            }
        )
    return pd.DataFrame(rows).set_index("component")
