"""Moments, calls, and what all components of the model have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import simpy

from helpers.blueprint.design import CALL, JOB, LOOK, STORE
from helpers.blueprint.simulation.books import Tally
from helpers.blueprint.simulation.rules import (
    EXPIRE,
    OK,
    REFUSED,
    SEND,
    TIMEOUT,
    backoff_s,
    instant,
)
from helpers.blueprint.simulation.scenario import Route

if TYPE_CHECKING:
    from helpers.blueprint.simulation.simpy_engine.model import Model

Process = Generator[simpy.Event, Any, Any]


class Moment(simpy.Event):
    """An event some seconds from now that has its place among those of the same instant (rule 8).

    The environment counts nanoseconds, and serves events of the same one by priority. What a
    moment causes at once has priority 0 or 1, so it is over before the next moment comes. The time
    in seconds, unrounded, is the model's ``now_s``.
    """

    def __init__(
        self, model: Model, delay_s: float, rank: int, request: int = 0, edge: int = 0,
        attempt: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(model.env)
        self._ok, self._value = True, None
        self.model, self.time_s = model, model.now_s + delay_s
        self.then(Moment.comes)
        place = ((rank << 40 | request + 1) << 20 | edge) << 60 | attempt
        delay = instant(self.time_s) - model.env.now
        model.env.schedule(self, priority=2 + place, delay=delay)  # type: ignore[arg-type]

    def comes(self) -> None:
        self.model.now_s = self.time_s

    def then(self, act: Callable[[Any], None]) -> None:
        """Let `act` happen at this moment."""
        assert self.callbacks is not None, "the moment has passed"
        self.callbacks.append(act)


@dataclass(eq=False)
class Call:
    """One call and the reply its caller waits for."""

    request: int
    attempt: int
    write: bool
    route: Route
    reply: simpy.Event
    entered_s: float = 0.0
    start_s: float = nan  # while it waits
    hit: bool = False

    @property
    def place(self) -> tuple[int, int, int]:
        """Its place in the order of rule 8."""
        return self.request, self.route.index, self.attempt

    def onward(self, route: Route) -> Call:
        """Return the call handed on along `route`; whoever replies, replies to the first caller."""
        attempt = self.attempt * self.route.stride + self.route.offset
        return Call(self.request, attempt, self.write, route, self.reply)


class Node:
    """A component of the model; up and reachable until a fault strikes."""

    def __init__(self, model: Model, component: Any, name: str | None = None) -> None:
        self.model, self.env = model, model.env
        self.component = component
        self.name = name or component.name
        self.routes = model.scenario.routes_from(component.name)
        self.up, self.reachable, self.pace = True, True, 1.0
        self.tally = Tally()

    @property
    def now_s(self) -> float:
        """The time, seconds."""
        return self.model.now_s

    def begin(self) -> None:
        """Get ready; all nodes exist by now."""

    def instance(self, name: str) -> Any:
        return self

    def kill(self) -> None:
        self.up = False

    def recover(self) -> None:
        self.up, self.reachable, self.pace = True, True, 1.0

    def lengths(self) -> tuple[int, int]:
        """Return how many calls wait, and how many are being worked on."""
        return 0, 0

    def snapshot(self) -> Tally:
        return self.tally.copy()

    def present(self) -> int:
        """Return how many calls are here."""
        return sum(self.lengths())

    def note(self, what: str, call: Call) -> None:
        self.model.note(what, self.name, call.request, call.attempt)

    def takes(self, call: Call) -> bool:
        """Count a call in; say whether it gets through the door."""
        self.tally.arrivals += 1
        if not self.reachable:
            self.tally.lost += 1  # and no reply ever comes
            self.note("lost", call)
        elif not self.up:
            self.tally.refused += 1
            self.note("refused", call)
            call.reply.succeed(REFUSED)
        else:
            return True
        return False

    def finish(self, call: Call, cause: int) -> None:
        self.tally.finished += 1
        self.note("finish", call)
        if self.reachable:
            call.reply.succeed(cause)

    def has(self, call: Call) -> bool:
        """Say whether a cache can answer the call."""
        draw = call.route.hit[call.attempt][call.request]
        return not call.write and draw < self.component.hit_ratio

    def hand_on(self, call: Call) -> Process:
        onward = call.onward(self.routes[0])
        yield from self.model.nodes[onward.route.edge.target].enter(self.sent(onward))

    def sent(self, call: Call) -> Call:
        """Count a call on its way."""
        name = call.route.edge.name
        self.model.calls[name] += 1
        self.model.note("send", name, call.request, call.attempt)
        return call


class Caller(Node):
    """A node that calls others, with a timeout and retries."""

    def ask(self, parent: Call, route: Route) -> Process:
        """Call along `route` until it works or the retries are used up; return the outcome."""
        above = parent.route
        base = parent.attempt * above.stride + above.offset
        return (yield from self.ask_for(parent.request, parent.write, route, base))

    def ask_for(self, request: int, write: bool, route: Route, base: int) -> Process:
        caller = self.component
        for k in range(caller.retries + 1):
            attempt = base + k
            if k > 0:
                jitter = route.jitter[attempt][request] if caller.jitter else 1.0
                pause = backoff_s(caller, k, jitter)
                yield Moment(self.model, pause, SEND, request, route.index, attempt)
            call = Call(request, attempt, write, route, self.env.event())
            outcome = yield from self.try_once(call)
            if outcome <= OK:
                break
        return outcome

    def try_once(self, call: Call) -> Process:
        self.sent(call)
        target = self.model.nodes[call.route.edge.target]
        return (yield from self.wait_for(call, target))

    def wait_for(self, call: Call, target: Any) -> Process:
        """Start a call and wait for its reply, or until the time is up."""
        self.env.process(target.enter(call))
        if self.component.timeout_s is None:
            return (yield call.reply)
        timer = Moment(self.model, self.component.timeout_s, EXPIRE, *call.place)
        yield call.reply | timer
        if call.reply.triggered:
            return call.reply.value
        self.model.note("timeout", call.route.edge.name, call.request, call.attempt)
        return TIMEOUT

    def steps(self, call: Call) -> Process:
        """Make all the calls that a call needs; return the first failure, or OK."""
        for route in self.routes:
            role = route.edge.role
            if role == LOOK and not call.write:
                outcome = yield from self.ask(call, route)
                call.hit = outcome == OK  # a cache that is down is a miss, not a failure
            elif (
                role == CALL
                or (role == STORE and not call.hit)
                or (role == JOB and self.model.scenario.job[call.request])
            ):
                outcome = yield from self.ask(call, route)
                if outcome > OK:
                    return outcome
        return OK
