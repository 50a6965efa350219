"""What stands before the servers: clients, CDN and balancer."""

from __future__ import annotations

from collections.abc import Collection
from math import nan
from typing import TYPE_CHECKING, Any

from helpers.blueprint import components as kinds
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.simulation.books import Tally
from helpers.blueprint.simulation.draws import OutOfDrawsError
from helpers.blueprint.simulation.fast_engine.calls import (
    NOBODY,
    Call,
    Caller,
    Link,
    pass_on,
    schedule,
)
from helpers.blueprint.simulation.rules import (
    CHECK,
    FINISH,
    IN_FLIGHT,
    MISS,
    NO_SERVER,
    OK,
    REFUSED,
    SEND,
)

if TYPE_CHECKING:
    from helpers.blueprint.simulation.fast_engine.engine import Engine
    from helpers.blueprint.simulation.fast_engine.servers import Machine


class Clients(Caller):
    """Sends the requests and keeps their fate."""

    component: kinds.Clients

    def __init__(self, engine: Engine, component: kinds.Clients) -> None:
        super().__init__(engine, component)
        scenario = engine.scenario
        self.door = self
        self.arrival_s = scenario.arrival_s
        self.think_s = scenario.think_s
        self.write = scenario.write
        self.limit = len(scenario.write)
        n = len(self.arrival_s)
        self.last = n - 1  # last request of an open stream
        self.sent_s = [nan] * n
        self.done_s = [nan] * n
        self.outcome = [IN_FLIGHT] * n
        self.tries = [0] * n

    def wire(self, links: list[Link]) -> None:
        self.route = links[0]

    def begin(self) -> None:
        if self.component.users is None:
            if self.arrival_s:
                self._push(self.arrival_s[0], 0)
        else:
            for _ in range(self.component.users):
                self._think(0.0)

    def _push(self, at: float, request: int) -> None:
        schedule(self.heap, at, SEND, request, self.route.index, 0, self.arrive, request)

    def _think(self, now: float) -> None:
        request = len(self.sent_s)
        if request == self.limit:
            raise OutOfDrawsError(now)
        self.sent_s.append(nan)
        self.done_s.append(nan)
        self.outcome.append(IN_FLIGHT)
        self.tries.append(0)
        self._push(now + self.think_s[request], request)

    def arrive(self, request: int, now: float) -> None:
        self.sent_s[request] = now
        self._send(request, 0, now)
        if request < self.last:
            self._push(self.arrival_s[request + 1], request + 1)

    def _send(self, request: int, k: int, now: float) -> None:
        self.tries[request] = k + 1
        route = self.route
        call = Call(request, k, k, self.write[request], NOBODY, self, route)
        route.calls += 1
        if self.log is not None:
            self.log.append((now, "send", route.name, request, k))
        if self.timeout_s is not None:
            self.set_timer(call, now + self.timeout_s)
        route.target.enter(call, now)

    def again(self, call: Call, now: float) -> None:
        self._send(call.request, call.k + 1, now)

    def proceed(self, call: Call, cause: int, now: float) -> None:
        request = call.request
        self.outcome[request] = OK if cause == MISS else cause
        self.done_s[request] = now
        if self.log is not None:
            self.log.append((now, "done", self.component.name, request, cause))
        if self.component.users is not None:
            self._think(now)


class Gate:
    """A component without servers: only up or down, reachable or not."""

    component: kinds.Component
    waiting: Collection[Call] = ()  # nobody ever waits here
    active: Collection[Call] = ()

    def __init__(self, engine: Engine, component: kinds.Component) -> None:
        self.engine, self.heap, self.log = engine, engine.heap, engine.log
        self.component = component
        self.door = self
        self.tally = Tally()
        self.states = self.make_states()
        self.able: State | None = None  # the instance that takes calls, if one can
        self.choose()
        engine.boxes[component.name] = self

    def make_states(self) -> dict[str, State]:
        return {name: State(self) for name in self.component.instances}

    def instance(self, name: str) -> Any:
        return self.states[name]

    def choose(self) -> None:
        able = (state for state in self.states.values() if state.up and state.reachable)
        self.able = next(able, None)

    def turn_away(self, call: Call, now: float) -> None:
        """Deal with a call that no instance can take."""
        cut_off = not any(state.reachable for state in self.states.values())
        what = "lost" if cut_off else "refused"
        setattr(self.tally, what, getattr(self.tally, what) + 1)
        if self.log is not None:
            self.log.append((now, what, self.component.name, call.request, call.attempt))
        if not cut_off:
            call.over = True
            call.caller.replied(call, REFUSED, now)

    def snapshot(self, now: float) -> Tally:
        return self.tally.copy()

    def present(self) -> int:
        return 0


class State:
    """The health of an instance that does no work."""

    __slots__ = ("gate", "pace", "reachable", "up")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.up, self.reachable, self.pace = True, True, 1.0

    def kill(self, now: float) -> None:
        self.up = False
        self.gate.choose()

    def cut_off(self) -> None:
        self.reachable = False
        self.gate.choose()

    def recover(self, now: float) -> None:
        self.up, self.reachable, self.pace = True, True, 1.0
        self.gate.choose()


class CDN(Gate):
    component: kinds.CDN

    def wire(self, links: list[Link]) -> None:
        self.onward = links[0]
        self.hit_ratio, self.latency_s = self.component.hit_ratio, self.component.latency_s
        self.answer_later, self.hand_on_later = self.answer, self.hand_on

    def enter(self, call: Call, now: float) -> None:
        self.tally.arrivals += 1
        state = self.able
        if state is None:
            self.turn_away(call, now)
            return
        link, request, attempt = call.link, call.request, call.attempt
        hit = not call.write and link.hit[attempt][request] < self.hit_ratio
        act = self.answer_later if hit else self.hand_on_later
        at = now + self.latency_s * state.pace
        schedule(self.heap, at, FINISH, request, link.index, attempt, act, call)

    def answer(self, call: Call, now: float) -> None:
        self.tally.finished += 1
        call.over = True
        call.caller.replied(call, OK, now)

    def hand_on(self, call: Call, now: float) -> None:
        self.tally.finished += 1
        pass_on(self, call, self.onward, now)


class Balancer(Gate, Caller):
    """Picks a machine for each call."""

    component: kinds.LoadBalancer

    def __init__(self, engine: Engine, component: kinds.LoadBalancer) -> None:
        Caller.__init__(self, engine, component)
        Gate.__init__(self, engine, component)
        self.pick = POLICIES[component.policy]
        self.turn = 0

    def wire(self, links: list[Link]) -> None:
        self.servers: list[Machine] = []
        self.route_to: list[Link] = []
        for link in links:
            group = self.engine.nodes[link.name.split(">")[1]]
            self.servers += group.machines
            self.route_to += [link] * len(group.machines)
        self.rotation = list(range(len(self.servers)))
        self.open = [0] * len(self.servers)
        self.failed = [0] * len(self.servers)
        check = self.component.health_check
        if check is not None:
            self.look_at(check.interval_s)

    def queue_length(self, index: int) -> int:
        return self.servers[index].present()

    def enter(self, call: Call, now: float) -> None:
        self.tally.arrivals += 1
        state = self.able
        if state is None:
            self.turn_away(call, now)
            return
        at = now + self.component.latency_s * state.pace
        edge = call.link.index
        schedule(self.heap, at, FINISH, call.request, edge, call.attempt, self.forward, call)

    def forward(self, call: Call, now: float) -> None:
        self.tally.finished += 1
        self.send(call, self.route_to[0], 0, now)

    def send(self, parent: Call, route: Link, k: int, now: float) -> None:
        above = parent.link
        attempt = parent.attempt * above.stride + above.offset + k
        request = parent.request
        call = Call(request, attempt, k, parent.write, parent, self, route)
        if not self.rotation:
            if self.log is not None:
                self.log.append((now, "no server", self.component.name, request, attempt))
            call.machine = None
            call.settled = True
            self.settle(call, NO_SERVER, now)
            return
        first = route.first[attempt][request]
        second = route.second[attempt][request]
        server = self.pick(self, first, second, self.engine.user[request])
        self.turn += 1
        call.machine = server
        call.route = call.link = route = self.route_to[server]
        self.open[server] += 1
        route.calls += 1
        if self.log is not None:
            self.log.append((now, "send", route.name, request, attempt))
        if self.timeout_s is not None:
            self.set_timer(call, now + self.timeout_s)
        self.servers[server].enter(call, now)

    def settle(self, call: Call, cause: int, now: float) -> None:
        if call.k < self.retries:
            self.close(call)
            call.route = self.route_to[0]  # a retry is dealt out afresh
        super().settle(call, cause, now)

    def close(self, call: Call) -> None:
        if call.machine is not None:
            self.open[call.machine] -= 1

    def proceed(self, call: Call, cause: int, now: float) -> None:
        self.close(call)
        parent = call.parent
        parent.over = True
        parent.caller.replied(parent, cause, now)

    def check(self, _: None, now: float) -> None:
        check = self.component.health_check
        assert check is not None
        for i, server in enumerate(self.servers):
            if server.up and server.reachable:
                self.failed[i] = 0
                if i not in self.rotation:
                    self.rotation = sorted([*self.rotation, i])
                    self._note(now, "in rotation", server)
            else:
                self.failed[i] += 1
                if self.failed[i] == check.threshold:
                    self.rotation = [j for j in self.rotation if j != i]
                    self._note(now, "out of rotation", server)
        self.look_at(now + check.interval_s)

    def look_at(self, time_s: float) -> None:
        schedule(self.heap, time_s, CHECK, self.route_to[0].index, 0, 0, self.check, None)

    def _note(self, now: float, what: str, server: Machine) -> None:
        if self.log is not None:
            self.log.append((now, what, server.name, -1, 0))
