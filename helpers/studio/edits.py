"""Single changes to a design: one more machine, another wire, another rule, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from helpers import blueprint
from helpers.blueprint import AppServers, Cache, Clients, Database, Design, LoadBalancer, Queue
from helpers.blueprint.components import Caller, Component, Served
from helpers.studio.deck import Brief, Trace
from helpers.studio.judge import outcome

_EVERY_SECOND = blueprint.HealthCheck(interval_s=1.0)


def single_changes(brief: Brief, design: Design) -> list[tuple[str, Design]]:
    """Return what can be changed in one step, in words, and what comes of it.

    Parameters
    ----------
    brief : Brief
    design : Design
        A design for the brief.

    Returns
    -------
    list of (str, Design)
        Designs for the brief that differ from it in one thing.
    """
    found = [
        *_more(brief, design),
        *_wires(brief, design),
        *(step for component in design for step in _rules(design, component)),
    ]
    return [(words, one) for words, one in found if one != design and not brief.objections(one)]


def _more(brief: Brief, design: Design) -> Iterator[tuple[str, Design]]:
    """More machines of what there is."""
    for component in design:
        name = component.name
        if isinstance(component, Database):
            more = component.replicas + 1
            yield (
                f"one more replica of {name}",
                design.replace(name, replicas=more, failover_s=brief.failover_s),
            )
        elif isinstance(component, AppServers | blueprint.Workers):
            if component.count == 1 and not _balanced(design, component):
                continue
            for extra in (1, 2, 4):
                words = "one more" if extra == 1 else f"{extra} more"
                yield f"{words} of {name}", design.replace(name, count=component.count + extra)
        elif isinstance(component, LoadBalancer) and component.machines < 2:
            yield f"a second {name}", design.replace(name, count=2)


def _balanced(design: Design, component: Component) -> bool:
    callers = design.callers(component.name)
    return not isinstance(component, AppServers) or all(
        isinstance(caller, LoadBalancer) for caller in callers
    )


def _wires(brief: Brief, design: Design) -> Iterator[tuple[str, Design]]:
    """Something new between two parts, or a part that moves."""
    clients = design.clients.name
    for app in design.of(AppServers):
        callers = [c for c in design.callers(app.name) if isinstance(c, Clients | blueprint.CDN)]
        for caller in callers:
            balancer = brief.balancer(retries=1)
            two = design.replace(app.name, count=app.machines + 1).cut(caller.name, app.name)
            wired = two.wire(two[caller.name] >> balancer >> two[app.name])
            yield f"a balancer and a second {app.name}", wired
        yield from _caches(brief, design, app)
        for workers in design.callees(app.name):
            if isinstance(workers, blueprint.Workers):
                apart = design.cut(app.name, workers.name).wire(app >> brief.queue() >> workers)
                yield f"a queue before {workers.name}", apart
        stores = [c for c in design.callees(app.name) if isinstance(c, Database)]
        if brief.later and stores:
            team = brief.workers(count=6, retries=2)
            cut = design.cut(app.name, stores[0].name)
            yield (
                "a queue and six workers before the database",
                cut.wire(app >> brief.queue() >> team >> stores[0]),
            )
    if brief.cdn_hits and not design.of(blueprint.CDN):
        (first,) = design.callees(clients)
        if not isinstance(first, Cache | Database):
            yield (
                "a CDN in front",
                design.cut(clients, first.name).wire(design[clients] >> brief.cdn() >> first),
            )


def _caches(brief: Brief, design: Design, app: Component) -> Iterator[tuple[str, Design]]:
    callees = design.callees(app.name)
    for cache in callees:
        if isinstance(cache, Cache) and design.callees(cache.name):
            (db,) = design.callees(cache.name)
            aside = design.cut(cache.name, db.name).wire(app >> db)
            yield f"{cache.name} beside the database, not before it", aside
    cached = any(isinstance(one, Cache) for one in callees)
    stored = any(isinstance(one, Database) for one in callees)
    if brief.cache_hits and stored and not cached:
        yield "a cache beside the database", design.wire(app >> brief.cache())


def _rules(design: Design, component: Component) -> Iterator[tuple[str, Design]]:
    """Another rule for one part: timeouts, retries, room, health checks, durability."""
    name = component.name

    def other(**change: object) -> Design:
        return design.replace(name, **change)

    if isinstance(component, AppServers) and isinstance(component, Served):
        for room in (8, 30):
            if component.queue_capacity is None or component.queue_capacity > room:
                yield f"room for {room} at each of {name}", other(queue_capacity=room)
    if isinstance(component, Caller) and not isinstance(component, blueprint.Workers):
        if component.timeout_s is None:
            yield f"{name}: waits 0.5 s at most", other(timeout_s=0.5)
        else:
            yield f"{name}: no timeout", other(timeout_s=None)
        if component.retries:
            yield f"{name}: asks once only", other(retries=0)
        else:
            yield f"{name}: asks again, twice", other(retries=2)
        if component.timeout_s is None and component.retries == 0:
            yield f"{name}: waits 0.5 s, then asks again", other(timeout_s=0.5, retries=2)
    if isinstance(component, LoadBalancer) and component.health_check != _EVERY_SECOND:
        yield f"{name} looks every second", other(health_check=_EVERY_SECOND)
    if isinstance(component, Queue) and not component.durable:
        yield f"{name} keeps its jobs on disk", other(durable=True)


def bad(parts: Brief, design: Design, trace: Trace, seed: int) -> int:
    """Return how many requests go wrong on a trace: unanswered, late or lost."""
    return outcome(parts, design, trace, seed).bad


def worst_trace(
    parts: Brief, design: Design, seed: int, among: Sequence[Trace] | None = None
) -> Trace:
    """Return the trace on which most requests go wrong, of all or `among` some."""
    return max(among or parts.traces, key=lambda trace: bad(parts, design, trace, seed))
