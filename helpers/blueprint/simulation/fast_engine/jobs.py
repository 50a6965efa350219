"""What does the work later: message queues and their workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.books import Jobs
from helpers.blueprint.simulation.fast_engine.calls import NOBODY, Call, Link, place, schedule
from helpers.blueprint.simulation.fast_engine.front import Gate, State
from helpers.blueprint.simulation.fast_engine.servers import Line, Steps
from helpers.blueprint.simulation.rules import FINISH, OK, REFUSED, REJECTED, RESET

if TYPE_CHECKING:
    from helpers.blueprint.simulation.fast_engine.engine import Engine


class Queue(Gate):
    """Takes jobs in for the workers behind it."""

    component: kinds.Queue

    def __init__(self, engine: Engine, component: kinds.Queue) -> None:
        super().__init__(engine, component)
        self.jobs = Jobs()

    def wire(self, links: list[Link]) -> None:
        self.onward = links[0]
        self.workers: Workers = self.onward.target
        self.workers.feeder = self

    def enter(self, call: Call, now: float) -> None:
        self.tally.arrivals += 1
        if self.able is None:
            self.turn_away(call, now)
            return
        workers, capacity = self.workers, self.component.capacity
        if capacity is not None and len(workers.waiting) >= capacity:
            self.tally.rejected += 1
            cause = REJECTED
        else:
            self.tally.finished += 1
            self.jobs.published += 1
            cause = OK
            link = call.link
            attempt = call.attempt * link.stride + link.offset
            self.deliver(Call(call.request, attempt, 0, True, NOBODY, self, self.onward), now)
        if self.log is not None:
            what = "published" if cause == OK else "rejected"
            self.log.append((now, what, self.component.name, call.request, call.attempt))
        call.over = True
        call.caller.replied(call, cause, now)

    def deliver(self, job: Call, now: float) -> None:
        self.onward.calls += 1
        self.workers.enter(job, now)

    def replied(self, job: Call, cause: int, now: float) -> None:
        if cause > OK:
            self.jobs.failed += 1
        else:
            self.jobs.processed += 1

    def redeliver(self, job: Call, now: float) -> None:
        self.jobs.redelivered += 1
        attempt = job.attempt + self.onward.limit  # a number no other delivery has
        self.deliver(Call(job.request, attempt, 0, True, NOBODY, self, self.onward), now)

    def make_states(self) -> dict[str, State]:
        return {self.component.name: QueueState(self)}

    def count(self) -> Jobs:
        jobs = Jobs(**vars(self.jobs))
        jobs.waiting, jobs.working = len(self.workers.waiting), len(self.workers.active)
        return jobs


class QueueState(State):
    """The health of a queue, which concerns its workers, too."""

    gate: Queue

    def kill(self, now: float) -> None:
        super().kill(now)
        if not self.gate.component.durable:
            self.gate.jobs.lost += self.gate.workers.forget(now)

    def recover(self, now: float) -> None:
        super().recover(now)
        self.gate.workers.pull(now)


class Workers(Line, Steps):
    """A line of jobs and the workers who take them, one each."""

    def __init__(self, engine: Engine, component: kinds.Workers) -> None:
        Steps.__init__(self, engine, component)
        Line.__init__(self, engine, component.name)
        self.door = self
        self.capacity = component.queue_capacity
        self.feeder: Queue | None = None
        self.team = [Worker(self, name) for name in component.instances]

    def instance(self, name: str) -> Worker:
        return next(worker for worker in self.team if worker.name == name)

    def enter(self, call: Call, now: float) -> None:
        tally = self.tally
        tally.arrivals += 1
        if self.feeder is None and not any(worker.up for worker in self.team):
            tally.refused += 1
            self.note(now, "refused", call)
            self.answer(call, REFUSED, now)
            return
        idle = self.idle() is not None
        if not idle and self.capacity is not None and len(self.waiting) >= self.capacity:
            tally.rejected += 1
            self.note(now, "rejected", call)
            self.answer(call, REJECTED, now)
            return
        call.entered = now
        self.waiting.append(call)
        if idle:
            self.pull(now)

    def idle(self) -> Worker | None:
        """Return the worker who takes the next job, if there is one."""
        if self.feeder is not None and self.feeder.able is None:
            return None
        for worker in self.team:
            if worker.up and worker.call is None:
                return worker
        return None

    def pull(self, now: float) -> None:
        while self.waiting and (worker := self.idle()) is not None:
            call = self.waiting.popleft()
            worker.call = call
            call.start = now
            self.active[call] = worker
            tally = self.tally
            tally.wait_s += now - call.entered
            tally.started += 1
            link, attempt, request = call.link, call.attempt, call.request
            if self.log is not None:
                self.log.append((now, "start", worker.name, request, attempt))
            at = now + link.work[attempt][request] * worker.pace
            schedule(self.heap, at, FINISH, request, link.index, attempt, self.work_done, call)

    def work_done(self, call: Call, now: float) -> None:
        if not call.over:
            call.hit = False
            self.advance(call, 0, now)

    def finish(self, call: Call, cause: int, now: float) -> None:
        worker = self.active.pop(call)
        worker.call = None
        self.tally.busy_s += now - call.start
        self.tally.finished += 1
        self.note(now, "finish", call)
        self.pull(now)
        self.answer(call, cause, now)

    def answer(self, call: Call, cause: int, now: float) -> None:
        call.over = True
        call.caller.replied(call, cause, now)

    def forget(self, now: float) -> int:
        """Drop all jobs that wait; return how many."""
        count = len(self.waiting)
        for call in sorted(self.waiting, key=place):
            self.tally.wait_s += now - call.entered
        self.tally.lost += count
        self.waiting.clear()
        return count

    def died(self, worker: Worker, now: float) -> None:
        victims = [] if worker.call is None else [worker.call]
        worker.call = None
        for call in victims:
            del self.active[call]
            self.tally.busy_s += now - call.start
        if self.feeder is None and not any(other.up for other in self.team):
            for call in sorted(self.waiting, key=place):
                self.tally.wait_s += now - call.entered
                victims.append(call)
            self.waiting.clear()
        for call in victims:
            call.over = True
        for call in victims:
            self.tally.reset += 1
            self.note(now, "reset", call)
            if self.feeder is None:
                self.answer(call, RESET, now)
            else:
                self.feeder.redeliver(call, now)


class Worker:
    """One worker: idle, or busy with one job."""

    def __init__(self, team: Workers, name: str) -> None:
        self.team, self.name = team, name
        self.up, self.pace = True, 1.0
        self.call: Call | None = None

    def kill(self, now: float) -> None:
        self.up = False
        self.team.died(self, now)

    def recover(self, now: float) -> None:
        self.up, self.pace = True, 1.0
        self.team.pull(now)
