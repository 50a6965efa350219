"""Judge a design before it runs: what is wrong with it, and what is only unwise.

Each finding names the component it is about and says what to do:

    >>> from helpers.blueprint import AppServers, Clients, Database, Design
    >>> for finding in validate(Design("bare", Clients(rate_rps=10) >> AppServers(count=2))):
    ...     print(finding)
    error: 'app' has 2 servers, but nothing chooses among them: put a LoadBalancer before it
    >>> alone = Design("alone", Clients(rate_rps=500) >> Database())
    >>> for finding in validate(alone):
    ...     print(finding)
    warning: 'db' is a single point of failure: without it nothing is answered
    warning: overload at 'db': 500 calls/s of 20 ms keep 10 servers busy, and there are 4
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.blueprint.components import AppServers, Cache, Clients, Database, Queue, Workers
from helpers.blueprint.design import LOOK, Design
from helpers.blueprint.graph import cycle_of, reachable
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    from helpers.blueprint.theory.flows import Load

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or unwise.

    Parameters
    ----------
    severity : {"error", "warning"}
        A design with errors cannot run; one with warnings can, and it may be instructive.
    rule : str
        Short name of the rule, such as ``"single point of failure"``.
    component : str
        Name of the component it is about.
    message : str
        What is the matter, and what to do.
    """

    severity: str
    rule: str
    component: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"


def validate(design: Design) -> list[Finding]:
    """Return everything that is wrong with a design or unwise in it, errors first.

    Parameters
    ----------
    design : Design
        Any design, however unfinished.

    Returns
    -------
    list of Finding
        Empty if there is nothing to say. Warnings are only looked for in a design without errors.
    """
    if errors := _errors(design):
        return errors
    return _single_points(design) + _overloads(design)


def refuse_errors(design: Design) -> None:
    """Raise if a design cannot run.

    Raises
    ------
    ValueError
        With every error's message.
    """
    if errors := _errors(design):
        listed = "; ".join(error.message for error in errors)
        raise ValueError(f"Design {design.name!r} cannot run: {listed}")


def _errors(design: Design) -> list[Finding]:
    found: list[Finding] = []

    def error(rule: str, component: str, message: str) -> None:
        found.append(Finding(ERROR, rule, component, message))

    clients = design.of(Clients)
    if not clients:
        error("no entry", design.name, f"{design.name!r} has no Clients: nothing enters it")
    for extra in clients[1:]:
        error(
            "two entries",
            extra.name,
            f"{extra.name!r} is a second entry beside {clients[0].name!r}: a design has one",
        )
    _wiring_errors(design, error)
    cycle = cycle_of(design)
    if cycle:
        error(
            "cycle",
            cycle[0],
            f"{cycle[0]!r} is called by what it calls: {' >> '.join(cycle)}",
        )
    for component in design:
        name = component.name
        callers, callees = design.callers(name), design.callees(name)
        if clients and not isinstance(component, Clients) and not reachable(design, name):
            error("unreachable", name, f"{name!r} is unreachable: no request ever gets there")
        if isinstance(component, AppServers) and component.count > 1:
            for caller in callers:
                if caller.kind != "load balancer":
                    error(
                        "no balancer",
                        name,
                        f"{name!r} has {component.count} servers, but nothing chooses among them: "
                        "put a LoadBalancer before it",
                    )
        if isinstance(component, Cache) and not callees:
            for caller in callers:
                if not any(isinstance(other, Database) for other in design.callees(caller.name)):
                    error(
                        "no store",
                        name,
                        f"{name!r} has nothing behind or beside it: a miss has nowhere to go",
                    )
        if sum(edge.role == LOOK for edge in design.steps(name)) > 1:
            error("two caches", name, f"{name!r} looks aside in two caches: give it one")
        if isinstance(component, Workers) and any(isinstance(c, Queue) for c in callers):
            if len(callers) > 1:
                error(
                    "two feeders",
                    name,
                    f"{name!r} have two masters, "
                    f"{' and '.join(repr(caller.name) for caller in callers)}: give each its own",
                )
            if component.queue_capacity is not None:
                error(
                    "two capacities",
                    name,
                    f"{name!r} take their jobs from a queue: set its capacity, not queue_capacity",
                )
    return found


def _wiring_errors(design: Design, error: Callable[[str, str, str], None]) -> None:
    singles = {"clients", "CDN", "cache", "message queue"}
    for component in design:
        name, callees = component.name, design.callees(component.name)
        for callee in callees:
            if type(callee).__name__ not in component.calls:
                allowed = ", ".join(component.calls) or "nothing"
                error(
                    "wrong wiring",
                    name,
                    f"{name!r} ({component.kind}) cannot call {callee.name!r} ({callee.kind}): "
                    f"it may call {allowed}",
                )
        if component.kind in singles and len(callees) > 1:
            error(
                "too many ways",
                name,
                f"{name!r} ({component.kind}) leads to {len(callees)} components, "
                f"{', '.join(callee.name for callee in callees)}: it can lead to one",
            )
        if component.kind in {"clients", "CDN", "load balancer", "message queue"} and not callees:
            error("dead end", name, f"{name!r} leads nowhere: wire it to what it should call")


def _single_points(design: Design) -> list[Finding]:
    from helpers.blueprint.availability import single_points  # it stands on this module

    return [
        Finding(
            WARNING,
            "single point of failure",
            name,
            f"{name!r} are a single point of failure: without them {what}"
            if isinstance(design.instance(name)[0], Workers)
            else f"{name!r} is a single point of failure: without it {what}",
        )
        for name, what in single_points(design).items()
    ]


def _overloads(design: Design) -> list[Finding]:
    from helpers.blueprint.theory.flows import (
        machine_loads,  # it stands on this module's neighbours
    )

    rate = design.clients.rate_rps
    if rate is None:
        return []  # a closed system slows its users down instead
    worst: dict[str, Load] = {}
    for load in machine_loads(design).values():
        known = worst.get(load.component)
        if known is None or load.capacity_rps < known.capacity_rps:
            worst[load.component] = load
    return [
        Finding(
            WARNING,
            "overloaded",
            load.component,
            f"overload at {load.machine!r}: {significant(rate * load.visits)} calls/s of "
            f"{duration(load.hold_s)} keep {significant(rate * load.demand_s)} servers busy, and "
            f"there {'is' if load.servers == 1 else 'are'} {load.servers}",
        )
        for load in worst.values()
        if rate >= load.capacity_rps
    ]
