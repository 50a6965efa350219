"""Calls, the links they go along, and callers with timeouts and retries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING, Any

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.draws import Columns
from helpers.blueprint.simulation.rules import (
    EXPIRE,
    NANO,
    OFF,
    OK,
    SEND,
    TIMEOUT,
    backoff_s,
    instant,
)
from helpers.blueprint.simulation.scenario import Route

if TYPE_CHECKING:
    from helpers.blueprint.simulation.fast_engine.engine import Engine

#: What happens: ``act(what, now)``.
Act = Callable[[Any, float], None]

#: Instant, rank, request, edge and attempt give a moment its place (rule 8); then the time itself.
Moment = tuple[int, int, int, int, int, float, Act | None, Any]


def schedule(
    heap: list[Moment],
    time_s: float,
    rank: int,
    request: int,
    edge: int,
    attempt: int,
    act: Act | None,
    what: Any,
) -> None:
    """Let something happen at a time, in its turn."""
    heappush(heap, (int(time_s * NANO + OFF), rank, request, edge, attempt, time_s, act, what))


class Call:
    """One call: who asks what of whom, and how far it has got."""

    __slots__ = (
        "attempt",
        "caller",
        "entered",
        "hit",
        "k",
        "link",
        "machine",
        "over",
        "parent",
        "request",
        "route",
        "sent",
        "settled",
        "start",
        "step",
        "write",
    )

    caller: Any
    entered: float  # when it began to wait
    hit: bool  # whether a cache aside had the answer
    link: Link  # where it is now; a CDN or cache may have handed it on
    machine: int | None  # index of the server a balancer sent it to
    over: bool  # whether the callee is done with it, or dead
    settled: bool  # whether the caller has an answer, or has given up
    start: float  # when its work began
    step: int  # how many of the callee's own steps are behind it

    def __init__(
        self,
        request: int,
        attempt: int,  # number among the calls of this request along `link`
        k: int,  # which try of the caller this is, from 0
        write: bool,
        parent: Call,  # the call it is made for; NOBODY's for a client's or a job
        caller: Any,
        route: Link,  # the link it was sent along
    ) -> None:
        self.request = request
        self.attempt = self.sent = attempt  # `attempt` changes when it is handed on
        self.k = k
        self.write = write
        self.parent = parent
        self.caller = caller
        self.route = self.link = route
        self.settled = self.over = False


def place(call: Call) -> tuple[int, int, int]:
    """Return the call's place in the order of rule 8."""
    return call.request, call.link.index, call.attempt


class Link:
    """A route with the object at its end."""

    __slots__ = (
        "calls",
        "first",
        "hit",
        "index",
        "jitter",
        "limit",
        "name",
        "offset",
        "role",
        "second",
        "stride",
        "target",
        "work",
    )

    target: Any

    def __init__(self, route: Route) -> None:
        self.index: int = route.index
        self.stride: int = route.stride
        self.offset: int = route.offset
        self.limit: int = route.limit
        self.work: Columns = route.work
        self.hit: Columns = route.hit
        self.first: Columns = route.first
        self.second: Columns = route.second
        self.jitter: Columns = route.jitter
        self.name: str = route.edge.name
        self.role: str = route.edge.role
        self.calls = 0


#: The parent of calls that are made for nobody's call: it is never over.
NOBODY: Call = object.__new__(Call)
NOBODY.over = False


class Caller:
    """Makes calls with a timeout and retries; subclasses say what to do with the last answer."""

    component: kinds.Caller

    def __init__(self, engine: Engine, component: kinds.Caller) -> None:
        self.engine = engine
        self.heap = engine.heap
        self.log = engine.log
        self.component = component
        self.retries = component.retries
        self.timeout_s = component.timeout_s
        self.timers: deque[tuple[float, Call]] = deque()  # in order, as all are equally long
        self.armed: int | None = None  # instant of the timers on the heap

    def send(self, parent: Call, route: Link, k: int, now: float) -> None:
        above = parent.link
        request, attempt = parent.request, parent.attempt * above.stride + above.offset + k
        call = Call(request, attempt, k, parent.write, parent, self, route)
        route.calls += 1
        if self.log is not None:
            self.log.append((now, "send", route.name, request, attempt))
        if self.timeout_s is not None:
            self.set_timer(call, now + self.timeout_s)
        route.target.enter(call, now)

    def set_timer(self, call: Call, deadline_s: float) -> None:
        if self.armed is None or self.armed == instant(deadline_s):
            self.arm(call, deadline_s)
        else:
            self.timers.append((deadline_s, call))

    def arm(self, call: Call, deadline_s: float) -> None:
        self.armed = instant(deadline_s)
        place = call.request, call.route.index, call.sent
        schedule(self.heap, deadline_s, EXPIRE, *place, self.expire, call)

    def arm_next(self) -> None:
        """Put the earliest timer that still matters on the heap, with those that tie with it."""
        timers = self.timers
        while timers and timers[0][1].settled:
            timers.popleft()
        self.armed = None
        while timers and self.armed in (None, instant(timers[0][0])):
            deadline_s, call = timers.popleft()
            self.arm(call, deadline_s)

    def expire(self, call: Call, now: float) -> None:
        if not call.settled and not call.parent.over:
            call.settled = True
            if self.log is not None:
                self.log.append((now, "timeout", call.route.name, call.request, call.sent))
            self.settle(call, TIMEOUT, now)
        self.arm_next()

    def replied(self, call: Call, cause: int, now: float) -> None:
        """See an answer; one that comes too late, or for a dead parent, is thrown away."""
        if call.settled or call.parent.over:
            return
        call.settled = True
        if cause > OK:
            self.settle(call, cause, now)
        else:
            self.proceed(call, cause, now)

    def settle(self, call: Call, cause: int, now: float) -> None:
        """Try again after a failure, or put up with it."""
        if call.k < self.retries:
            k = call.k + 1
            request, route, attempt = call.request, call.route, call.sent + 1
            jitter = route.jitter[attempt][request] if self.component.jitter else 1.0
            at = now + backoff_s(self.component, k, jitter)
            schedule(self.heap, at, SEND, request, route.index, attempt, self.again, call)
        else:
            self.proceed(call, cause, now)

    def again(self, call: Call, now: float) -> None:
        if not call.parent.over:
            self.send(call.parent, call.route, call.k + 1, now)

    def proceed(self, call: Call, cause: int, now: float) -> None:
        raise NotImplementedError


def pass_on(node: Any, call: Call, onward: Link, now: float) -> None:
    """Pass a call to the next component, which will answer the caller itself."""
    link = call.link
    call.attempt = call.attempt * link.stride + link.offset
    call.link = onward
    onward.calls += 1
    if node.log is not None:
        node.log.append((now, "send", onward.name, call.request, call.attempt))
    onward.target.enter(call, now)
