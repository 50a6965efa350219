"""What does the work later: message queues and their workers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import simpy

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.books import Jobs, Tally
from helpers.blueprint.simulation.rules import FINISH, OK, REFUSED, REJECTED, RESET
from helpers.blueprint.simulation.simpy_engine.calls import Call, Caller, Moment, Node, Process

if TYPE_CHECKING:
    from helpers.blueprint.simulation.simpy_engine.model import Model


class Queue(Node):
    """Takes jobs in for the workers behind it."""

    def __init__(self, model: Model, component: kinds.Queue) -> None:
        super().__init__(model, component)
        self.jobs = Jobs()
        model.machines[self.name] = self

    def begin(self) -> None:
        self.workers: Workers = self.model.nodes[self.routes[0].edge.target]
        self.workers.feeder = self

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
        assert job.reply.callbacks is not None
        job.reply.callbacks.append(self.processed)
        self.model.calls[job.route.edge.name] += 1
        self.env.process(self.workers.enter(job))

    def processed(self, reply: simpy.Event) -> None:
        if reply.value != OK:
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
        tally, now = self.tally.copy(), self.now_s
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
            call.entered_s = self.now_s
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
            call.start_s = self.now_s
            worker.call = call
            self.tally.wait_s += self.now_s - call.entered_s
            self.tally.started += 1
            self.model.note("start", worker.name, call.request, call.attempt)
            worker.process = self.env.process(self.work(worker, call))

    def work(self, worker: Worker, call: Call) -> Process:
        work_s = call.route.work[call.attempt][call.request] * worker.pace
        try:
            yield Moment(self.model, work_s, FINISH, *call.place)
            outcome = yield from self.steps(call)
        except simpy.Interrupt:
            self.give_back(call)
            return
        worker.call = None
        self.tally.busy_s += self.now_s - call.start_s
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
            self.tally.wait_s += self.now_s - call.entered_s
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
            team.tally.busy_s += team.now_s - call.start_s
            self.call = None
            assert self.process is not None
            self.process.interrupt()
        if team.feeder is None and not any(worker.up for worker in team.team):
            waiting = sorted(team.waiting, key=lambda call: call.place)
            team.waiting.clear()
            for call in waiting:
                team.tally.wait_s += team.now_s - call.entered_s
            for call in waiting:
                team.give_back(call)

    def recover(self) -> None:
        self.up, self.pace = True, 1.0
        self.team.pull()
