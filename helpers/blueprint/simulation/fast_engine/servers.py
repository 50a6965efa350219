"""What does the work: application servers, caches and databases."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from helpers.blueprint import components as kinds
from helpers.blueprint.design import CALL, JOB, LOOK, STORE
from helpers.blueprint.simulation.books import Tally
from helpers.blueprint.simulation.fast_engine.calls import (
    Call,
    Caller,
    Link,
    pass_on,
    place,
    schedule,
)
from helpers.blueprint.simulation.rules import FAULT, FINISH, MISS, OK, REFUSED, REJECTED, RESET

if TYPE_CHECKING:
    from helpers.blueprint.simulation.fast_engine.engine import Engine


class Line:
    """Calls that wait, calls that are worked on, and what has been counted of them."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.heap, self.log = engine, engine.heap, engine.log
        self.name = name
        self.waiting: deque[Call] = deque()
        self.active: dict[Call, Any] = {}  # those that hold a server, in the order they began
        self.tally = Tally()
        engine.boxes[name] = self

    def present(self) -> int:
        return len(self.waiting) + len(self.active)

    def snapshot(self, now: float) -> Tally:
        tally = self.tally.copy()
        # In a fixed order, so that both engines round alike.
        for call in sorted(self.active, key=place):
            tally.busy_s += now - call.start
        for call in sorted(self.waiting, key=place):
            tally.wait_s += now - call.entered
        return tally

    def note(self, now: float, what: str, call: Call) -> None:
        if self.log is not None:
            self.log.append((now, what, self.name, call.request, call.attempt))


class Machine(Line):
    """A FIFO queue in front of some servers; subclasses say what follows the work."""

    component: kinds.Served

    def __init__(self, engine: Engine, component: kinds.Served, name: str) -> None:
        super().__init__(engine, name)
        self.component = component
        self.door = self
        self.free = component.servers
        self.capacity = component.queue_capacity
        self.up, self.reachable, self.pace = True, True, 1.0
        self.finished = self.work_done

    def wire(self, links: list[Link]) -> None:
        """Learn the links to what is called from here."""

    def enter(self, call: Call, now: float) -> None:
        tally = self.tally
        tally.arrivals += 1
        if not self.reachable:
            tally.lost += 1
            self.note(now, "lost", call)
        elif not self.up:
            tally.refused += 1
            self.note(now, "refused", call)
            self.answer(call, REFUSED, now)
        elif self.free:
            self.free -= 1
            self.begin(call, now)
        elif self.capacity is None or len(self.waiting) < self.capacity:
            call.entered = now
            self.waiting.append(call)
        else:
            tally.rejected += 1
            self.note(now, "rejected", call)
            self.answer(call, REJECTED, now)

    def begin(self, call: Call, now: float) -> None:
        link, attempt, request = call.link, call.attempt, call.request
        call.start = now
        self.active[call] = None
        self.tally.started += 1
        if self.log is not None:
            self.log.append((now, "start", self.name, request, attempt))
        at = now + link.work[attempt][request] * self.pace
        schedule(self.heap, at, FINISH, request, link.index, attempt, self.finished, call)

    def work_done(self, call: Call, now: float) -> None:
        raise NotImplementedError

    def release(self, call: Call, now: float) -> None:
        """Give the server back; who has waited longest gets it."""
        del self.active[call]
        tally = self.tally
        tally.busy_s += now - call.start
        if self.waiting:
            following = self.waiting.popleft()
            tally.wait_s += now - following.entered
            self.begin(following, now)
        else:
            self.free += 1

    def answer(self, call: Call, cause: int, now: float) -> None:
        call.over = True
        if self.reachable:
            call.caller.replied(call, cause, now)

    def leave(self, call: Call, cause: int, now: float) -> None:
        self.tally.finished += 1
        if self.log is not None:
            self.note(now, "finish", call)
        call.over = True
        if self.reachable:
            call.caller.replied(call, cause, now)

    def victims(self) -> list[Call]:
        return [*self.active, *self.waiting]

    def kill(self, now: float) -> None:
        self.up = False
        victims = sorted(self.victims(), key=place)
        self.tally = tally = self.snapshot(now)
        self.active.clear()
        self.waiting.clear()
        self.free = self.component.servers
        for call in victims:
            call.over = True  # first all, so that no answer finds a dead call alive
        for call in victims:
            tally.reset += 1
            self.note(now, "reset", call)
            self.answer(call, RESET, now)

    def cut_off(self) -> None:
        self.reachable = False

    def recover(self, now: float) -> None:
        self.up, self.reachable, self.pace = True, True, 1.0


class Steps(Caller):
    """Goes through the calls that a component makes for each call it gets."""

    def wire(self, links: list[Link]) -> None:
        self.links = links

    def advance(self, call: Call, step: int, now: float) -> None:
        """Take the next step that concerns this call, or finish it."""
        for link in self.links[step:]:
            step += 1
            role = link.role
            if (
                role == CALL
                or (role == STORE and not call.hit)
                or (role == LOOK and not call.write)
                or (role == JOB and self.engine.job[call.request])
            ):
                call.step = step
                self.send(call, link, 0, now)
                return
        self.finish(call, OK, now)

    def proceed(self, call: Call, cause: int, now: float) -> None:
        parent = call.parent
        if call.route.role == LOOK:
            parent.hit = cause == OK  # a cache that is down is a miss, not a failure
            self.advance(parent, parent.step, now)
        elif cause > OK:
            self.finish(parent, cause, now)
        else:
            self.advance(parent, parent.step, now)

    def finish(self, call: Call, cause: int, now: float) -> None:
        raise NotImplementedError


class AppServer(Steps, Machine):
    component: kinds.AppServers

    def __init__(self, engine: Engine, component: kinds.AppServers, name: str) -> None:
        Caller.__init__(self, engine, component)
        Machine.__init__(self, engine, component, name)
        self.blocking = component.blocking
        self.beyond: dict[Call, None] = {}  # those that wait for answers without a thread

    def present(self) -> int:
        return len(self.waiting) + len(self.active) + len(self.beyond)

    def victims(self) -> list[Call]:
        return [*self.active, *self.waiting, *self.beyond]

    def kill(self, now: float) -> None:
        super().kill(now)
        self.beyond.clear()

    def work_done(self, call: Call, now: float) -> None:
        if call.over:
            return
        if not self.blocking:
            self.beyond[call] = None
            self.release(call, now)
        call.hit = False
        self.advance(call, 0, now)

    def finish(self, call: Call, cause: int, now: float) -> None:
        if self.blocking:
            self.release(call, now)
        else:
            del self.beyond[call]
        self.leave(call, cause, now)


class Group:
    """The machines of one component."""

    machine: Callable[[Engine, Any, str], Machine]

    def __init__(self, engine: Engine, component: kinds.Served) -> None:
        self.engine, self.component = engine, component
        self.machines = [self.machine(engine, component, name) for name in component.instances]
        self.door: Any = self.machines[0]

    def wire(self, links: list[Link]) -> None:
        for machine in self.machines:
            machine.wire(links)

    def instance(self, name: str) -> Machine:
        return next(machine for machine in self.machines if machine.name == name)


class AppServers(Group):
    machine = AppServer


class CacheMachine(Machine):
    component: kinds.Cache
    onward: Link | None

    def wire(self, links: list[Link]) -> None:
        self.onward = links[0] if links else None

    def work_done(self, call: Call, now: float) -> None:
        if call.over:
            return
        self.release(call, now)
        link = call.link
        hit = not call.write and (link.hit[call.attempt][call.request] < self.component.hit_ratio)
        if hit or self.onward is None:
            self.leave(call, OK if hit else MISS, now)
        else:
            self.tally.finished += 1
            self.note(now, "finish", call)
            if self.reachable:
                pass_on(self, call, self.onward, now)


class Cache(Group):
    machine = CacheMachine


class DatabaseNode(Machine):
    group: Database

    def work_done(self, call: Call, now: float) -> None:
        if not call.over:
            self.release(call, now)
            self.leave(call, OK, now)

    def kill(self, now: float) -> None:
        self.group.died(self, now)
        super().kill(now)


class Database(Group):
    """Reads to a live replica, writes to the primary."""

    component: kinds.Database

    def __init__(self, engine: Engine, component: kinds.Database) -> None:
        super().__init__(engine, component)
        self.door = self if component.replicas else self.machines[0]
        self.primary = self.machines[0]

    def machine(self, engine: Engine, component: kinds.Database, name: str) -> Machine:
        node = DatabaseNode(engine, component, name)
        node.group = self
        return node

    def enter(self, call: Call, now: float) -> None:
        primary = self.primary
        if call.write:
            node = primary
        else:
            live = [node for node in self.machines if node.up and node is not primary]
            if live:
                node = live[int(call.link.first[call.attempt][call.request] * len(live))]
            else:
                node = primary
        node.enter(call, now)

    def died(self, node: Machine, now: float) -> None:
        pause = self.component.failover_s
        if node is self.primary and node.up and pause is not None:
            number = len(self.engine.scenario.schedule)
            index = list(self.engine.nodes).index(self.component.name)
            schedule(self.engine.heap, now + pause, FAULT, number, index, 0, self.promote, node)

    def promote(self, dead: Machine, now: float) -> None:
        live = [node for node in self.machines if node.up]
        if self.primary is dead and not dead.up and live:
            self.primary = live[0]
            if self.engine.log is not None:
                self.engine.log.append((now, "promoted", live[0].name, -1, 0))
