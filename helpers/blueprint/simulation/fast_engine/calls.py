"""Calls, the links they go along, and callers with timeouts and retries."""

from __future__ import annotations

from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING, Any

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.rules import EXPIRE, OK, SEND, TIMEOUT, backoff_s
from helpers.blueprint.simulation.scenario import Route

if TYPE_CHECKING:
    from helpers.blueprint.simulation.fast_engine import Engine


class Call:
    """One call: who asks what of whom, and how far it has got."""

    __slots__ = (
        "attempt",  # number among the calls of this request along `link`
        "caller",
        "entered",  # when it began to wait
        "hit",  # whether a cache aside had the answer
        "k",  # which try of the caller this is, from 0
        "link",  # where it is now; a CDN or cache may have handed it on
        "machine",  # index of the server a balancer sent it to
        "over",  # whether the callee is done with it, or dead
        "parent",
        "request",
        "route",  # the link it was sent along
        "sent",  # its attempt when it was sent; `attempt` changes when it is handed on
        "settled",  # whether the caller has an answer, or has given up
        "start",  # when its work began
        "step",
        "write",
    )

    def __init__(
        self,
        request: int,
        attempt: int,
        k: int,
        write: bool,
        parent: Call | None,
        caller: Any,
        route: Link | None,
    ) -> None:
        self.request = request
        self.attempt = self.sent = attempt
        self.k = k
        self.write = write
        self.parent = parent
        self.caller = caller
        self.route = self.link = route
        self.settled = self.over = False


def place(call: Call) -> tuple[int, int, int]:
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

    def __init__(self, route: Route) -> None:
        for name in ("index", "stride", "offset", "limit", "work", "hit", "first", "second"):
            setattr(self, name, getattr(route, name))
        self.jitter = route.jitter
        self.name = route.edge.name
        self.role = route.edge.role
        self.target: Any = None
        self.calls = 0


class Caller:
    """Makes calls with a timeout and retries; subclasses say what to do with the last answer."""

    def __init__(self, engine: Engine, component: kinds.Caller) -> None:
        self.engine = engine
        self.heap = engine.heap
        self.log = engine.log
        self.component = component
        self.retries = component.retries
        self.timeout_s = component.timeout_s
        self.timers: deque[tuple] = deque()  # (deadline, call): in order, as all are equally long
        self.armed_s: float | None = None  # deadline of the timers on the heap

    def send(self, parent: Call, route: Link, k: int, now: float) -> None:
        above = parent.link
        request, attempt = parent.request, parent.attempt * above.stride + above.offset + k
        call = Call(request, attempt, k, parent.write, parent, self, route)
        route.calls += 1
        if self.log is not None:
            self.log.append((now, "send", route.name, request, attempt))
        timeout_s = self.timeout_s
        if timeout_s is not None:
            deadline = now + timeout_s
            if self.armed_s is None or self.armed_s == deadline:
                self.arm(call, deadline)
            else:
                self.timers.append((deadline, call))
        route.target.enter(call, now)

    def arm(self, call: Call, deadline: float) -> None:
        self.armed_s = deadline
        key = call.request, call.route.index, call.sent
        heappush(self.heap, (deadline, EXPIRE, *key, self.expire, call))

    def arm_next(self) -> None:
        """Put the earliest timer that still matters on the heap, with those that tie with it."""
        timers = self.timers
        while timers and timers[0][1].settled:
            timers.popleft()
        self.armed_s = None
        while timers and self.armed_s in (None, timers[0][0]):
            deadline, call = timers.popleft()
            self.arm(call, deadline)

    def expire(self, call: Call, now: float) -> None:
        if not call.settled and not (call.parent is not None and call.parent.over):
            call.settled = True
            if self.log is not None:
                self.log.append((now, "timeout", call.route.name, call.request, call.sent))
            self.settle(call, TIMEOUT, now)
        self.arm_next()

    def replied(self, call: Call, cause: int, now: float) -> None:
        """See an answer; one that comes too late, or for a dead parent, is thrown away."""
        if call.settled or (call.parent is not None and call.parent.over):
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
            heappush(self.heap, (at, SEND, request, route.index, attempt, self.again, call))
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
