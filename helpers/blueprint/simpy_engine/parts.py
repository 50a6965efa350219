"""What each kind of component does: the place to try your own ideas."""

from __future__ import annotations

from collections import deque
from math import nan
from typing import TYPE_CHECKING, Any

import simpy

from helpers.blueprint import components as kinds
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.semantics import (
    CHECK,
    FAULT,
    FINISH,
    IN_FLIGHT,
    MISS,
    NO_SERVER,
    OK,
    REFUSED,
    REJECTED,
    RESET,
    SEND,
    Jobs,
    OutOfDrawsError,
    Tally,
)
from helpers.blueprint.simpy_engine.calls import Call, Caller, Moment, Node, Process

if TYPE_CHECKING:
    from helpers.blueprint.simpy_engine import Model


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
        yield Moment(self.env, time_s, SEND, request, self.routes[0].index)
        yield from self.request(request)

    def user(self) -> Process:
        """Think, ask, wait, and so on for ever."""
        think_s = self.model.scenario.think_s
        while True:
            request = len(self.sent_s)
            if request == len(think_s):
                raise OutOfDrawsError(self.env.now)
            self.sent_s.append(nan)
            self.done_s.append(nan)
            self.outcome.append(IN_FLIGHT)
            self.tries.append(0)
            yield Moment(self.env, think_s[request], SEND, request, self.routes[0].index)
            yield from self.request(request)

    def request(self, request: int) -> Process:
        self.sent_s[request] = self.env.now
        write = self.model.scenario.write[request]
        outcome = yield from self.ask_for(request, write, self.routes[0], 0)
        self.outcome[request] = OK if outcome == MISS else outcome
        self.done_s[request] = self.env.now
        self.model.note("done", self.name, request, outcome)

    def try_once(self, call: Call) -> Process:
        self.tries[call.request] += 1
        return (yield from super().try_once(call))


class Gate(Node):
    """A component without servers, which may have a stand-in."""

    def __init__(self, model: Model, component: Any) -> None:
        super().__init__(model, component)
        self.states = {name: self.State() for name in component.instances}
        model.machines[self.name] = self

    class State:
        """The health of one instance."""

        def __init__(self) -> None:
            self.recover()

        def kill(self) -> None:
            self.up = False

        def recover(self) -> None:
            self.up, self.reachable, self.pace = True, True, 1.0

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
        return Moment(self.env, self.component.latency_s * self.pace, FINISH, *call.place)


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
        self.servers, self.route_to = [], []
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
        return self.servers[index].present()

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
        i = pick(self, u, v, self.model.scenario.user[request])
        self.turn += 1
        call.route = self.route_to[i]
        self.open[i] += 1
        self.sent(call)
        outcome = yield from self.wait_for(call, self.servers[i])
        self.open[i] -= 1
        return outcome

    def look_after(self, check: kinds.HealthCheck) -> Process:
        while True:
            yield Moment(self.env, check.interval_s, CHECK, self.routes[0].index)
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


class Machine(Caller):
    """A FIFO queue in front of some servers."""

    blocking = False

    def __init__(self, model: Model, component: Any, name: str) -> None:
        super().__init__(model, component, name)
        self.servers = simpy.Resource(self.env, component.servers)
        self.inside: dict[Call, simpy.Process] = {}
        model.machines[name] = self

    def present(self) -> int:
        return len(self.inside)

    def lengths(self) -> tuple[int, int]:
        return len(self.servers.queue), self.servers.count

    def snapshot(self) -> Tally:
        tally = self.tally.copy()
        for call in sorted(self.inside, key=lambda call: call.place):
            if call.start_s is None:
                tally.wait_s += self.env.now - call.entered_s
            elif call.start_s >= 0:
                tally.busy_s += self.env.now - call.start_s
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
        self.inside[call] = self.env.active_process
        call.entered_s = self.env.now
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
        try:
            yield server
        finally:
            self.tally.wait_s += self.env.now - call.entered_s
            call.start_s = -1.0
        call.start_s = self.env.now
        self.tally.started += 1
        self.note("start", call)

    def work(self, call: Call) -> Process:
        work_s = call.route.work[call.attempt][call.request] * self.pace
        yield Moment(self.env, work_s, FINISH, *call.place)

    def stop(self, call: Call) -> None:
        """Count the time for which the server was held, once."""
        if call.start_s is not None and call.start_s >= 0:
            self.tally.busy_s += self.env.now - call.start_s
        call.start_s = -1.0

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

    machine: type[Machine]

    def __init__(self, model: Model, component: Any) -> None:
        super().__init__(model, component)
        self.members = [self.machine(model, component, name) for name in component.instances]

    def instance(self, name: str) -> Machine:
        return next(machine for machine in self.members if machine.name == name)

    def enter(self, call: Call) -> Process:
        yield from self.members[0].enter(call)


class AppServer(Machine):
    """Works, then calls what it needs; holds its thread all the while if it blocks."""

    @property
    def blocking(self) -> bool:
        return self.component.blocking


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

    machine = DatabaseNode

    def __init__(self, model: Model, component: kinds.Database) -> None:
        super().__init__(model, component)
        self.primary = self.members[0]
        for node in self.members:
            node.group = self

    def enter(self, call: Call) -> Process:
        node = self.primary
        replicas = [other for other in self.members if other.up and other is not node]
        if replicas and not call.write:
            draw = call.route.first[call.attempt][call.request]
            node = replicas[int(draw * len(replicas))]
        yield from node.enter(call)

    def before_kill(self, node: DatabaseNode) -> None:
        if node is self.primary and node.up and self.component.failover_s is not None:
            number = len(self.model.scenario.schedule)
            index = list(self.model.nodes).index(self.name)
            moment = Moment(self.env, self.component.failover_s, FAULT, number, index)
            moment.callbacks.append(lambda _: self.fail_over(node))

    def fail_over(self, dead: DatabaseNode) -> None:
        live = [node for node in self.members if node.up]
        if self.primary is dead and not dead.up and live:
            self.primary = live[0]
            self.model.note("promoted", self.primary.name)


class Queue(Gate):
    """Takes jobs in for the workers behind it."""

    def __init__(self, model: Model, component: kinds.Queue) -> None:
        super().__init__(model, component)
        self.jobs = Jobs()
        self.states = {self.name: self}  # a queue's faults concern its workers, too
        self.open = True

    def begin(self) -> None:
        self.workers = self.model.nodes[self.routes[0].edge.target]
        self.workers.feeder = self

    takes = Node.takes

    def enter(self, call: Call) -> Process:
        yield from ()
        if not self.takes(call):
            return
        capacity = self.component.capacity
        if capacity is not None and len(self.workers.waiting) >= capacity:
            self.tally.rejected += 1
            self.note("rejected", call)
            call.reply.succeed(REJECTED)
            return
        self.tally.finished += 1
        self.jobs.published += 1
        self.note("published", call)
        job = call.onward(self.routes[0])
        job.write = True
        self.deliver(job)
        call.reply.succeed(OK)

    def deliver(self, job: Call) -> None:
        job.reply = self.env.event()
        job.reply.callbacks.append(self.processed)
        self.model.calls[job.route.edge.name] += 1
        self.env.process(self.workers.enter(job))

    def processed(self, reply: simpy.Event) -> None:
        if reply.value > OK:
            self.jobs.failed += 1
        else:
            self.jobs.processed += 1

    def redeliver(self, job: Call) -> None:
        self.jobs.redelivered += 1
        attempt = job.attempt + job.route.limit  # a number no other delivery has
        self.deliver(Call(job.request, attempt, True, job.route, job.reply))

    def kill(self) -> None:
        self.up = False
        if not self.component.durable:
            self.jobs.lost += self.workers.forget()

    def recover(self) -> None:
        super().recover()
        self.workers.pull()

    def count(self) -> Jobs:
        jobs = Jobs(**vars(self.jobs))
        jobs.waiting, jobs.working = self.workers.lengths()
        return jobs


class Workers(Caller):
    """A line of jobs and the workers who take them, one each."""

    def __init__(self, model: Model, component: kinds.Workers) -> None:
        super().__init__(model, component)
        self.feeder: Queue | None = None
        self.team = [Worker(self, name) for name in component.instances]
        self.waiting: deque[Call] = deque()
        model.machines[self.name] = self

    def instance(self, name: str) -> Worker:
        return next(worker for worker in self.team if worker.name == name)

    def lengths(self) -> tuple[int, int]:
        return len(self.waiting), sum(worker.call is not None for worker in self.team)

    def snapshot(self) -> Tally:
        tally, now = self.tally.copy(), self.env.now
        active = [worker.call for worker in self.team if worker.call is not None]
        for call in sorted(active, key=lambda call: call.place):
            tally.busy_s += now - call.start_s
        for call in sorted(self.waiting, key=lambda call: call.place):
            tally.wait_s += now - call.entered_s
        return tally

    def enter(self, call: Call) -> Process:
        yield from ()
        self.tally.arrivals += 1
        capacity = self.component.queue_capacity
        if self.feeder is None and not any(worker.up for worker in self.team):
            self.tally.refused += 1
            self.note("refused", call)
            call.reply.succeed(REFUSED)
        elif self.idle() is None and capacity is not None and len(self.waiting) >= capacity:
            self.tally.rejected += 1
            self.note("rejected", call)
            call.reply.succeed(REJECTED)
        else:
            call.entered_s = self.env.now
            self.waiting.append(call)
            self.pull()

    def idle(self) -> Worker | None:
        """Return the worker who takes the next job, if there is one."""
        if self.feeder is not None and not (self.feeder.up and self.feeder.reachable):
            return None
        free = [worker for worker in self.team if worker.up and worker.call is None]
        return free[0] if free else None

    def pull(self) -> None:
        while self.waiting and (worker := self.idle()) is not None:
            call = self.waiting.popleft()
            call.start_s = self.env.now
            worker.call = call
            self.tally.wait_s += self.env.now - call.entered_s
            self.tally.started += 1
            self.model.note("start", worker.name, call.request, call.attempt)
            worker.process = self.env.process(self.work(worker, call))

    def work(self, worker: Worker, call: Call) -> Process:
        work_s = call.route.work[call.attempt][call.request] * worker.pace
        try:
            yield Moment(self.env, work_s, FINISH, *call.place)
            outcome = yield from self.steps(call)
        except simpy.Interrupt:
            self.give_back(call)
            return
        worker.call = None
        self.tally.busy_s += self.env.now - call.start_s
        self.finish(call, outcome)
        self.pull()

    def give_back(self, call: Call) -> None:
        """Deal with a job whose worker has died."""
        self.tally.reset += 1
        self.note("reset", call)
        if self.feeder is None:
            call.reply.succeed(RESET)
        else:
            self.feeder.redeliver(call)

    def forget(self) -> int:
        """Drop all jobs that wait; return how many."""
        waiting = sorted(self.waiting, key=lambda call: call.place)
        self.waiting.clear()
        for call in waiting:
            self.tally.wait_s += self.env.now - call.entered_s
        self.tally.lost += len(waiting)
        return len(waiting)


class Worker:
    """One worker: idle, or busy with one job."""

    def __init__(self, team: Workers, name: str) -> None:
        self.team, self.name = team, name
        self.up, self.pace = True, 1.0
        self.call: Call | None = None
        self.process: simpy.Process | None = None

    def kill(self) -> None:
        team, call = self.team, self.call
        self.up = False
        if call is not None:
            team.tally.busy_s += team.env.now - call.start_s
            self.call = None
            self.process.interrupt()
        if team.feeder is None and not any(worker.up for worker in team.team):
            waiting = sorted(team.waiting, key=lambda call: call.place)
            team.waiting.clear()
            for call in waiting:
                team.tally.wait_s += team.env.now - call.entered_s
            for call in waiting:
                team.give_back(call)

    def recover(self) -> None:
        self.up, self.pace = True, 1.0
        self.team.pull()


#: The class that plays each kind of component.
PARTS: dict[type[kinds.Component], type[Node]] = {
    kinds.Clients: Clients,
    kinds.CDN: CDN,
    kinds.LoadBalancer: Balancer,
    kinds.AppServers: AppServers,
    kinds.Cache: Cache,
    kinds.Database: Database,
    kinds.Queue: Queue,
    kinds.Workers: Workers,
}
