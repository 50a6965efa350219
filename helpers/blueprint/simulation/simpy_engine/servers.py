"""What does the work: application servers, caches and databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import simpy

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.books import Tally
from helpers.blueprint.simulation.rules import FAULT, FINISH, MISS, OK, REJECTED, RESET
from helpers.blueprint.simulation.simpy_engine.calls import Call, Caller, Moment, Node, Process

if TYPE_CHECKING:
    from helpers.blueprint.simulation.simpy_engine.model import Model


class Machine(Caller):
    """A FIFO queue in front of some servers."""

    def __init__(self, model: Model, component: Any, name: str) -> None:
        super().__init__(model, component, name)
        self.blocking = False  # whether a server is held while others work
        self.servers = simpy.Resource(self.env, component.servers)
        self.inside: dict[Call, simpy.Process] = {}
        self.waiting: set[Call] = set()
        self.holding: set[Call] = set()  # those that hold a server
        model.machines[name] = self

    def present(self) -> int:
        return len(self.inside)

    def lengths(self) -> tuple[int, int]:
        return len(self.servers.queue), self.servers.count

    def snapshot(self) -> Tally:
        tally = self.tally.copy()
        for call in sorted(self.inside, key=lambda call: call.place):
            if call in self.holding:
                tally.busy_s += self.now_s - call.start_s
            elif call in self.waiting:
                tally.wait_s += self.now_s - call.entered_s
        return tally

    def enter(self, call: Call) -> Process:
        if not self.takes(call):
            return
        capacity = self.component.queue_capacity
        full = self.servers.count == self.servers.capacity
        if full and capacity is not None and len(self.servers.queue) >= capacity:
            self.tally.rejected += 1
            self.note("rejected", call)
            call.reply.succeed(REJECTED)
            return
        process = self.env.active_process
        assert process is not None
        self.inside[call] = process
        call.entered_s = self.now_s
        try:
            with self.servers.request() as server:
                yield from self.wait(call, server)
                yield from self.work(call)
                if self.blocking:
                    outcome = yield from self.steps(call)
                self.stop(call)
            if not self.blocking:
                outcome = yield from self.then(call)
        except simpy.Interrupt:
            del self.inside[call]
            self.stop(call)
            self.tally.reset += 1
            self.note("reset", call)
            if self.reachable:
                call.reply.succeed(RESET)
            return
        del self.inside[call]
        yield from self.leave(call, outcome)

    def wait(self, call: Call, server: simpy.Event) -> Process:
        self.waiting.add(call)
        try:
            yield server
        finally:
            self.waiting.remove(call)
            self.tally.wait_s += self.now_s - call.entered_s
        self.holding.add(call)
        call.start_s = self.now_s
        self.tally.started += 1
        self.note("start", call)

    def work(self, call: Call) -> Process:
        work_s = call.route.work[call.attempt][call.request] * self.pace
        yield Moment(self.model, work_s, FINISH, *call.place)

    def stop(self, call: Call) -> None:
        """Count the time for which the server was held, if it was."""
        if call in self.holding:
            self.holding.remove(call)
            self.tally.busy_s += self.now_s - call.start_s

    def then(self, call: Call) -> Process:
        """Do what follows the work when the server is free again; return the outcome."""
        return (yield from self.steps(call))

    def leave(self, call: Call, outcome: int) -> Process:
        self.finish(call, outcome)
        yield from ()

    def kill(self) -> None:
        self.up = False
        for call in sorted(self.inside, key=lambda call: call.place):
            self.inside[call].interrupt()


class Group(Node):
    """All the machines of one component."""

    machine: Callable[[Model, Any, str], Machine]

    def __init__(self, model: Model, component: Any) -> None:
        super().__init__(model, component)
        self.members = [self.machine(model, component, name) for name in component.instances]

    def instance(self, name: str) -> Machine:
        return next(machine for machine in self.members if machine.name == name)

    def enter(self, call: Call) -> Process:
        yield from self.members[0].enter(call)


class AppServer(Machine):
    """Works, then calls what it needs; holds its thread all the while if it blocks."""

    def __init__(self, model: Model, component: kinds.AppServers, name: str) -> None:
        super().__init__(model, component, name)
        self.blocking = component.blocking


class AppServers(Group):
    machine = AppServer


class CacheMachine(Machine):
    """Answers what it has; hands on the rest if it stands in the path."""

    def then(self, call: Call) -> Process:
        yield from ()
        return OK if self.has(call) else MISS

    def leave(self, call: Call, outcome: int) -> Process:
        if outcome == OK or not self.routes:
            self.finish(call, outcome)
            return
        self.tally.finished += 1
        self.note("finish", call)
        if self.reachable:
            yield from self.hand_on(call)


class Cache(Group):
    machine = CacheMachine


class DatabaseNode(Machine):
    group: Database

    def kill(self) -> None:
        self.group.before_kill(self)
        super().kill()


class Database(Group):
    """Reads to a live replica, writes to the primary."""

    def __init__(self, model: Model, component: kinds.Database) -> None:
        super().__init__(model, component)
        self.primary = self.members[0]

    def machine(self, model: Model, component: kinds.Database, name: str) -> Machine:
        node = DatabaseNode(model, component, name)
        node.group = self
        return node

    def enter(self, call: Call) -> Process:
        node = self.primary
        replicas = [other for other in self.members if other.up and other is not node]
        if replicas and not call.write:
            draw = call.route.first[call.attempt][call.request]
            node = replicas[int(draw * len(replicas))]
        yield from node.enter(call)

    def before_kill(self, node: Machine) -> None:
        if node is self.primary and node.up and self.component.failover_s is not None:
            number = len(self.model.scenario.schedule)
            index = list(self.model.nodes).index(self.name)
            moment = Moment(self.model, self.component.failover_s, FAULT, number, index)
            moment.then(lambda _: self.fail_over(node))

    def fail_over(self, dead: Machine) -> None:
        live = [node for node in self.members if node.up]
        if self.primary is dead and not dead.up and live:
            self.primary = live[0]
            self.model.note("promoted", self.primary.name)
