"""What stands before the servers: clients, CDN and balancer."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import simpy

from helpers.blueprint import components as kinds
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.simulation.draws import OutOfDrawsError
from helpers.blueprint.simulation.rules import CHECK, FINISH, IN_FLIGHT, MISS, NO_SERVER, OK, SEND
from helpers.blueprint.simulation.scenario import Route
from helpers.blueprint.simulation.simpy_engine.calls import Call, Caller, Moment, Node, Process

if TYPE_CHECKING:
    from helpers.blueprint.simulation.simpy_engine.model import Model


class Clients(Caller):
    """Sends requests and keeps their fate."""

    def __init__(self, model: Model, component: kinds.Clients) -> None:
        super().__init__(model, component)
        scenario = model.scenario
        n = len(scenario.arrival_s)
        self.sent_s, self.done_s = [nan] * n, [nan] * n
        self.outcome, self.tries = [IN_FLIGHT] * n, [0] * n

    def begin(self) -> None:
        scenario = self.model.scenario
        for request, time_s in enumerate(scenario.arrival_s):
            self.env.process(self.open_request(request, time_s))
        for _ in range(self.component.users or 0):
            self.env.process(self.user())

    def open_request(self, request: int, time_s: float) -> Process:
        yield Moment(self.model, time_s, SEND, request, self.routes[0].index)
        yield from self.request(request)

    def user(self) -> Process:
        """Think, ask, wait, and so on for ever."""
        think_s = self.model.scenario.think_s
        while True:
            request = len(self.sent_s)
            if request == len(think_s):
                raise OutOfDrawsError(self.now_s)
            self.sent_s.append(nan)
            self.done_s.append(nan)
            self.outcome.append(IN_FLIGHT)
            self.tries.append(0)
            yield Moment(self.model, think_s[request], SEND, request, self.routes[0].index)
            yield from self.request(request)

    def request(self, request: int) -> Process:
        self.sent_s[request] = self.now_s
        write = self.model.scenario.write[request]
        outcome = yield from self.ask_for(request, write, self.routes[0], 0)
        self.outcome[request] = OK if outcome == MISS else outcome
        self.done_s[request] = self.now_s
        self.model.note("done", self.name, request, outcome)

    def try_once(self, call: Call) -> Process:
        self.tries[call.request] += 1
        return (yield from super().try_once(call))


class State:
    """The health of one instance."""

    def __init__(self) -> None:
        self.up, self.reachable, self.pace = True, True, 1.0

    def kill(self) -> None:
        self.up = False

    def recover(self) -> None:
        self.up, self.reachable, self.pace = True, True, 1.0


class Gate(Node):
    """A component without servers, which may have a stand-in."""

    def __init__(self, model: Model, component: Any) -> None:
        super().__init__(model, component)
        self.states = {name: State() for name in component.instances}
        model.machines[self.name] = self

    def instance(self, name: str) -> Any:
        return self.states[name]

    def takes(self, call: Call) -> bool:
        states = self.states.values()
        able = [state for state in states if state.up and state.reachable]
        self.up = bool(able)
        self.reachable = any(state.reachable for state in states)
        self.pace = able[0].pace if able else 1.0
        return super().takes(call)

    def latency(self, call: Call) -> simpy.Event:
        return Moment(self.model, self.component.latency_s * self.pace, FINISH, *call.place)


class CDN(Gate):
    """Answers what it has, hands on the rest."""

    def enter(self, call: Call) -> Process:
        if self.takes(call):
            yield self.latency(call)
            self.tally.finished += 1
            if self.has(call):
                call.reply.succeed(OK)
            else:
                yield from self.hand_on(call)


class Balancer(Gate, Caller):
    """Picks a server for each call."""

    def begin(self) -> None:
        self.servers: list[Any] = []
        self.route_to: list[Route] = []
        for route in self.routes:
            group = self.model.nodes[route.edge.target]
            self.servers += group.members
            self.route_to += [route] * len(group.members)
        self.rotation = list(range(len(self.servers)))
        self.open = [0] * len(self.servers)
        self.failed = [0] * len(self.servers)
        self.turn = 0
        if self.component.health_check is not None:
            self.env.process(self.look_after(self.component.health_check))

    def queue_length(self, index: int) -> int:
        present: int = self.servers[index].present()
        return present

    def enter(self, call: Call) -> Process:
        if self.takes(call):
            yield self.latency(call)
            self.tally.finished += 1
            outcome = yield from self.ask(call, self.routes[0])
            call.reply.succeed(outcome)

    def try_once(self, call: Call) -> Process:
        request, attempt = call.request, call.attempt
        if not self.rotation:
            self.note("no server", call)
            return NO_SERVER
        u, v = call.route.first[attempt][request], call.route.second[attempt][request]
        pick = POLICIES[self.component.policy]
        i: int = pick(self, u, v, self.model.scenario.user[request])
        self.turn += 1
        call.route = self.route_to[i]
        self.open[i] += 1
        self.sent(call)
        outcome = yield from self.wait_for(call, self.servers[i])
        self.open[i] -= 1
        return outcome

    def look_after(self, check: kinds.HealthCheck) -> Process:
        while True:
            yield Moment(self.model, check.interval_s, CHECK, self.routes[0].index)
            for i, server in enumerate(self.servers):
                if server.up and server.reachable:
                    self.failed[i] = 0
                    if i not in self.rotation:
                        self.rotation = sorted([*self.rotation, i])
                        self.model.note("in rotation", server.name)
                else:
                    self.failed[i] += 1
                    if self.failed[i] == check.threshold:
                        self.rotation = [j for j in self.rotation if j != i]
                        self.model.note("out of rotation", server.name)
