"""A few seconds of a run, as a log that can be played: every dot is a request of the run."""

from __future__ import annotations

from typing import Any

from helpers import blueprint
from helpers.blueprint import CDN, AppServers, Clients, Design, LoadBalancer, Queue, Workers
from helpers.blueprint.components import Component, Served
from helpers.blueprint.simulation.rules import OK, OUTCOMES
from helpers.foundations.events import Log
from helpers.studio.deck import Brief, Trace
from helpers.studio.judge import Ran

#: How long the stretch is that is played, and how long before the trouble it begins, seconds.
PLAYED_S, BEFORE_S = 4.0, 0.6


def played(ran: Ran) -> Log:
    """Follow the requests that are sent around the moment when the trouble begins.

    A dot shows where its request made itself heard last; a job that is left behind is a dot of its
    own. Requests that were sent before are not shown.

    Parameters
    ----------
    ran : Ran
    """
    begins = _begins(ran.trace)
    run = blueprint.simulate_design(**{**ran.run.at.values(), "log": True})
    design = run.design
    log = Log(f"{ran.brief.title}: {ran.trace.name}", noun="request")
    place_of = _places(log, design)
    shown = {i for i, sent in enumerate(run.sent_s) if begins <= sent < begins + PLAYED_S}
    jobs: set[int] = set()
    over: set[int] = set()
    assert run.log is not None
    for time_s, what, where, request, attempt in run.log:
        now = time_s - begins
        if not 0 <= now < PLAYED_S:
            continue
        if what in ("kill", "slow", "partition", "recover"):
            says = {"kill": "dead", "slow": "slow", "partition": "cut off", "recover": ""}[what]
            log.marks(now, place_of[where], says, bad=bool(says))
        elif what == "out of rotation":
            log.marks(now, place_of[where], "out of rotation", bad=True)
        elif request in shown and what == "published":
            jobs.add(request)
            log.moves(
                now, f"job {request}", place_of[where], kind="job", start=_caller(design, where)
            )
        elif request in jobs and what == "start" and _is_workers(design, where):
            team = _name(design, where)
            log.moves(now, f"job {request}", team, f"is worked on by {where}", kind="job")
        elif request in jobs and what == "finish" and _is_workers(design, where):
            log.leaves(now, f"job {request}")
        elif request in shown and request not in over:
            if what == "done":
                over.add(request)
                _ends(log, ran.brief, now, request, attempt, run.sent_s[request] - begins)
            else:
                _goes(log, design, place_of, now, what, where, request)
    return log.between(0.0, PLAYED_S)


def _begins(trace: Trace) -> float:
    """Return when the stretch begins that is worth seeing."""
    troubles = [strike.at_s for strike in trace.strikes]
    grows = [time for time, factor in zip(trace.traffic.times_s, trace.traffic.factors, strict=True)
             if factor > 1]  # fmt: skip
    return max(1.0, min([*troubles, *grows], default=3.0) - BEFORE_S)


def _places(log: Log, design: Design) -> dict[str, str]:
    """Add a place for each part of the design; return the place of each machine by its name."""
    depth = {design.clients.name: 0}
    for edge in design.edges:
        depth[edge.target] = max(depth.get(edge.target, 0), depth[edge.source] + 1)
    place_of: dict[str, str] = {}
    taken: dict[int, int] = {}

    def place(name: str, kind: str, column: int, **more: Any) -> None:
        row = taken.get(column, 0)
        taken[column] = row + 1
        log.place(name, kind, at=(column, row), **more)

    log.kind("request", "blue").kind("job", "green")
    place("users", "source", 0)
    for component in design:
        column = depth[component.name]
        if isinstance(component, Clients):
            place_of[component.name] = "users"
            continue
        if isinstance(component, Queue):
            place(component.name, "queue", column, words="waits to be worked on")
        elif isinstance(component, Workers):
            place(component.name, "servers", column, number=component.count)
        elif isinstance(component, Served):
            place(f"{component.name}, line", "queue", column)
            for instance in component.instances:
                place(instance, "servers", column, number=component.servers)
                place_of[instance] = instance
        else:
            place(component.name, "store", column, words=f"is at {component.name}")
        place_of.setdefault(component.name, component.name)
        for instance in component.instances:
            place_of.setdefault(instance, component.name)
    last = max(depth.values()) + 1
    log.place("answered", "sink", at=(last, 0)).place("too late", "sink", at=(last, 1))
    log.place("failed", "sink", at=(last, 2))
    return place_of


def _is_workers(design: Design, where: str) -> bool:
    return isinstance(_owner(design, where), Workers)


def _owner(design: Design, where: str) -> Component | None:
    try:
        return design.instance(where)[0]
    except ValueError:
        return None


def _goes(
    log: Log, design: Design, place_of: dict[str, str], now: float, what: str, where: str,
    request: int,
) -> None:  # fmt: skip
    """Let a request go where an entry of the log says that it is."""
    if what == "send":
        target = design[where.rpartition(">")[2]]
        if isinstance(target, CDN | LoadBalancer):
            log.moves(now, request, target.name, start=_from(where, design))
        elif isinstance(target, Served) and not isinstance(target, Workers):
            words = f"calls {target.name}"
            log.moves(now, request, f"{target.name}, line", words, start=_from(where, design))
    elif what == "start" and not _is_workers(design, where):
        log.moves(now, request, place_of[where])
    elif what == "finish" and not isinstance(
        _owner(design, where), AppServers | CDN | LoadBalancer
    ):
        above = [c for c in design.callers(_name(design, where)) if isinstance(c, AppServers)]
        if above:  # the answer is on its way back: the dot waits where the question came from
            log.moves(now, request, f"{above[0].name}, line", f"has its answer from {where}")


def _from(edge: str, design: Design) -> str:
    """Return where a request comes from that is sent along an edge, if that is from the users."""
    return "users" if edge.startswith(f"{design.clients.name}>") else ""


def _caller(design: Design, queue: str) -> str:
    """Return the place of those who leave jobs at a queue."""
    return f"{design.callers(queue)[0].name}, line"


def _name(design: Design, where: str) -> str:
    owner = _owner(design, where)
    assert owner is not None
    return owner.name


def _ends(
    log: Log, brief: Brief, now: float, request: int, outcome: int, sent_s: float
) -> None:  # fmt: skip
    """Let a request end: answered in time, answered too late, or failed for a reason."""
    if outcome > OK:
        why = OUTCOMES[outcome]
        log.moves(now, request, "failed", "fails", why)
    elif now - sent_s <= brief.p99_ms / 1e3:
        log.moves(now, request, "answered")
    else:
        log.moves(now, request, "too late", "is answered", "too late")
