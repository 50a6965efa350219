"""The fast engine: the rules of :mod:`~helpers.blueprint.semantics` on one heap of tuples.

An event is ``(time, rank, request, edge, attempt, act, what)``: the first five give its place in
the order of rule 8, ``act(what, time)`` makes it happen. Between two events everything is plain
method calls. The engine can stop at any time and go on later, which is how a long run shows finer
and finer results.

What makes it quick: no process switching, draws looked up instead of drawn, one armed timer for
each caller instead of one for each call (all its timeouts are equally long, so they run out in the
order in which the calls were made), and nothing written down that was not asked for.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from math import nan
from typing import Any

from helpers.blueprint import components as kinds
from helpers.blueprint.design import CALL, JOB, LOOK, STORE
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.semantics import (
    CHECK,
    EXPIRE,
    FAULT,
    FINISH,
    IN_FLIGHT,
    MISS,
    NO_SERVER,
    OK,
    REFUSED,
    REJECTED,
    RESET,
    SAMPLE,
    SEND,
    TIMEOUT,
    Jobs,
    OutOfDrawsError,
    Record,
    Route,
    Scenario,
    Tally,
    backoff_s,
    machines,
)


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


def _order(call: Call) -> tuple[int, int, int]:
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


class Engine:
    """One run of a scenario; ``run`` may be called again with a later time."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.heap: list[tuple] = []
        self.log: list | None = [] if scenario.log else None
        self.write, self.job, self.user = scenario.write, scenario.job, scenario.user
        self.links = {name: Link(route) for name, route in scenario.routes.items()}
        self.nodes: dict[str, Any] = {}
        self.boxes: dict[str, Any] = {}  # by the names of semantics.machines
        design = scenario.design
        for component in design:
            self.nodes[component.name] = _NODES[type(component)](self, component)
        for link_name, link in self.links.items():
            link.target = self.nodes[link_name.split(">")[1]].door
        for component in design:
            links = [self.links[edge.name] for edge in design.steps(component.name)]
            self.nodes[component.name].wire(links)
        self.boxes = {name: self.boxes[name] for name in machines(design)}
        self.lines = [line for box in self.boxes.values() for line in (box.waiting, box.active)]
        self.warm: dict[str, Tally] = {name: Tally() for name in self.boxes}
        self.warm_calls = dict.fromkeys(self.links, 0)
        self.samples: list[tuple[int, ...]] = []
        if scenario.warm_up_s > 0:
            heappush(self.heap, (scenario.warm_up_s, SAMPLE, -1, 0, 0, self._warmed_up, None))
        if scenario.sample_s:
            heappush(self.heap, (scenario.sample_s[0], SAMPLE, 0, 0, 0, self._sample, 0))
        for position, entry in enumerate(scenario.schedule):
            heappush(self.heap, (entry[0], FAULT, position, 0, 0, self._strike, entry))
        self.clients: _Clients = self.nodes[scenario.clients.name]
        self.clients.begin()

    def run(self, until_s: float) -> None:
        """Let everything happen that happens before `until_s`."""
        heap, pop = self.heap, heappop
        heappush(heap, (until_s, -1, 0, 0, 0, None, None))  # before all else of that instant
        while True:
            now, _, _, _, _, act, what = pop(heap)
            if act is None:
                return
            act(what, now)

    def record(self, until_s: float) -> Record:
        """Return what has happened so far."""
        clients = self.clients
        return Record(
            sent_s=list(clients.sent_s),
            done_s=list(clients.done_s),
            outcome=list(clients.outcome),
            tries=list(clients.tries),
            tallies={name: box.snapshot(until_s) for name, box in self.boxes.items()},
            present={name: box.present() for name, box in self.boxes.items()},
            warm=self.warm,
            calls={name: link.calls for name, link in self.links.items()},
            warm_calls=self.warm_calls,
            samples=list(self.samples),
            jobs={n: node.count() for n, node in self.nodes.items() if isinstance(node, _Queue)},
            log=None if self.log is None else list(self.log),
            until_s=until_s,
        )

    def _warmed_up(self, _: None, now: float) -> None:
        self.warm = {name: box.snapshot(now) for name, box in self.boxes.items()}
        self.warm_calls = {name: link.calls for name, link in self.links.items()}

    def _sample(self, i: int, now: float) -> None:
        self.samples.append(tuple(map(len, self.lines)))
        times = self.scenario.sample_s
        if i + 1 < len(times):
            heappush(self.heap, (times[i + 1], SAMPLE, i + 1, 0, 0, self._sample, i + 1))

    def _strike(self, entry: tuple, now: float) -> None:
        _, action, component, instance, factor = entry
        if self.log is not None:
            self.log.append((now, action, instance, -1, 0))
        node = self.nodes[component].instance(instance)
        if action == "kill":
            node.kill(now)
        elif action == "slow":
            node.pace = factor
        elif action == "partition":
            node.cut_off()
        else:
            node.recover(now)


class _Caller:
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


class _Clients(_Caller):
    """Sends the requests and keeps their fate."""

    def __init__(self, engine: Engine, component: kinds.Clients) -> None:
        super().__init__(engine, component)
        scenario = engine.scenario
        self.door = self
        self.users = component.users
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
        heappush(self.heap, (at, SEND, request, self.route.index, 0, self.arrive, request))

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
            request += 1
            at = self.arrival_s[request]
            heappush(self.heap, (at, SEND, request, self.route.index, 0, self.arrive, request))

    def _send(self, request: int, k: int, now: float) -> None:
        self.tries[request] = k + 1
        route = self.route
        call = Call(request, k, k, self.write[request], None, self, route)
        route.calls += 1
        if self.log is not None:
            self.log.append((now, "send", route.name, request, k))
        timeout_s = self.timeout_s
        if timeout_s is not None:
            deadline = now + timeout_s
            if self.armed_s is None or self.armed_s == deadline:
                self.arm(call, deadline)
            else:
                self.timers.append((deadline, call))
        route.target.enter(call, now)

    def again(self, call: Call, now: float) -> None:
        self._send(call.request, call.k + 1, now)

    def proceed(self, call: Call, cause: int, now: float) -> None:
        request = call.request
        self.outcome[request] = OK if cause == MISS else cause
        self.done_s[request] = now
        if self.log is not None:
            self.log.append((now, "done", self.component.name, request, cause))
        if self.users is not None:
            self._think(now)


class _Gate:
    """A component without servers: only up or down, reachable or not."""

    waiting = active = ()  # nobody ever waits here

    def __init__(self, engine: Engine, component: kinds.Component) -> None:
        self.engine, self.heap, self.log = engine, engine.heap, engine.log
        self.component = component
        self.door = self
        self.tally = Tally()
        self.states = {name: _State(self) for name in component.instances}
        self.able: Any = None  # the instance that takes calls, if one can
        self.choose()
        engine.boxes[component.name] = self

    def instance(self, name: str) -> _State:
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


class _State:
    """The health of an instance that does no work."""

    __slots__ = ("gate", "pace", "reachable", "up")

    def __init__(self, gate: _Gate) -> None:
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


class _CDN(_Gate):
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
        heappush(self.heap, (at, FINISH, request, link.index, attempt, act, call))

    def answer(self, call: Call, now: float) -> None:
        self.tally.finished += 1
        call.over = True
        call.caller.replied(call, OK, now)

    def hand_on(self, call: Call, now: float) -> None:
        self.tally.finished += 1
        _hand_on(self, call, self.onward, now)


def _hand_on(node: Any, call: Call, onward: Link, now: float) -> None:
    """Pass a call to the next component, which will answer the caller itself."""
    link = call.link
    call.attempt = call.attempt * link.stride + link.offset
    call.link = onward
    onward.calls += 1
    if node.log is not None:
        node.log.append((now, "send", onward.name, call.request, call.attempt))
    onward.target.enter(call, now)


class _Balancer(_Gate, _Caller):
    """Picks a machine for each call."""

    def __init__(self, engine: Engine, component: kinds.LoadBalancer) -> None:
        _Caller.__init__(self, engine, component)
        _Gate.__init__(self, engine, component)
        self.pick = POLICIES[component.policy]
        self.turn = 0

    def wire(self, links: list[Link]) -> None:
        self.servers: list[_Machine] = []
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
            self.links_index = links[0].index
            heappush(self.heap, (check.interval_s, CHECK, self.links_index, 0, 0, self.check, None))

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
        heappush(self.heap, (at, FINISH, call.request, edge, call.attempt, self.forward, call))

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
        timeout_s = self.timeout_s
        if timeout_s is not None:
            deadline = now + timeout_s
            if self.armed_s is None or self.armed_s == deadline:
                self.arm(call, deadline)
            else:
                self.timers.append((deadline, call))
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
        at = now + check.interval_s
        heappush(self.heap, (at, CHECK, self.links_index, 0, 0, self.check, None))

    def _note(self, now: float, what: str, server: _Machine) -> None:
        if self.log is not None:
            self.log.append((now, what, server.name, -1, 0))


class _Machine:
    """A FIFO queue in front of some servers; subclasses say what follows the work."""

    def __init__(self, engine: Engine, component: kinds.Served, name: str) -> None:
        self.engine, self.heap, self.log = engine, engine.heap, engine.log
        self.component = component
        self.name = name
        self.door = self
        self.free = component.servers
        self.capacity = component.queue_capacity
        self.up, self.reachable, self.pace = True, True, 1.0
        self.waiting: deque[Call] = deque()
        self.active: dict[Call, None] = {}  # those that hold a server
        self.tally = Tally()
        self.finished = self.work_done
        engine.boxes[name] = self

    def present(self) -> int:
        return len(self.waiting) + len(self.active)

    def snapshot(self, now: float) -> Tally:
        tally = self.tally.copy()
        # In a fixed order, so that both engines round alike.
        for call in sorted(self.active, key=_order):
            tally.busy_s += now - call.start
        for call in sorted(self.waiting, key=_order):
            tally.wait_s += now - call.entered
        return tally

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
        heappush(self.heap, (at, FINISH, request, link.index, attempt, self.finished, call))

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

    def note(self, now: float, what: str, call: Call) -> None:
        if self.log is not None:
            self.log.append((now, what, self.name, call.request, call.attempt))

    def victims(self) -> list[Call]:
        return [*self.active, *self.waiting]

    def kill(self, now: float) -> None:
        self.up = False
        victims = sorted(self.victims(), key=_order)
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


class _Steps(_Caller):
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


class _AppServer(_Machine, _Steps):
    def __init__(self, engine: Engine, component: kinds.AppServers, name: str) -> None:
        _Caller.__init__(self, engine, component)
        _Machine.__init__(self, engine, component, name)
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


class _Group:
    """The machines of one component."""

    machine: type[_Machine]

    def __init__(self, engine: Engine, component: kinds.Served) -> None:
        self.engine, self.component = engine, component
        self.machines = [self.machine(engine, component, name) for name in component.instances]
        self.door: Any = self.machines[0]

    def wire(self, links: list[Link]) -> None:
        for machine in self.machines:
            machine.wire(links)

    def instance(self, name: str) -> _Machine:
        return next(machine for machine in self.machines if machine.name == name)


class _AppServers(_Group):
    machine = _AppServer


class _CacheMachine(_Machine):
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
                _hand_on(self, call, self.onward, now)


class _Cache(_Group):
    machine = _CacheMachine


class _Node(_Machine):
    def wire(self, links: list[Link]) -> None:
        pass

    def work_done(self, call: Call, now: float) -> None:
        if not call.over:
            self.release(call, now)
            self.leave(call, OK, now)


class _DatabaseNode(_Node):
    group: _Database

    def kill(self, now: float) -> None:
        self.group.died(self, now)
        super().kill(now)


class _Database(_Group):
    """Reads to a live replica, writes to the primary."""

    machine = _DatabaseNode

    def __init__(self, engine: Engine, component: kinds.Database) -> None:
        super().__init__(engine, component)
        self.door = self if component.replicas else self.machines[0]
        self.primary = self.machines[0]
        for machine in self.machines:
            machine.group = self

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

    def died(self, node: _Machine, now: float) -> None:
        pause = self.component.failover_s
        if node is self.primary and node.up and pause is not None:
            key = len(self.engine.scenario.schedule), self.component_index()
            heappush(self.engine.heap, (now + pause, FAULT, *key, 0, self.promote, node))

    def component_index(self) -> int:
        return list(self.engine.nodes).index(self.component.name)

    def promote(self, dead: _Machine, now: float) -> None:
        live = [node for node in self.machines if node.up]
        if self.primary is dead and not dead.up and live:
            self.primary = live[0]
            if self.engine.log is not None:
                self.engine.log.append((now, "promoted", live[0].name, -1, 0))


class _Queue(_Gate):
    """Takes jobs in for the workers behind it."""

    def __init__(self, engine: Engine, component: kinds.Queue) -> None:
        super().__init__(engine, component)
        self.jobs = Jobs()
        (name,) = component.instances
        self.states = {name: self}  # a queue's faults concern its workers, too
        self.up, self.reachable = True, True
        self.choose()

    def wire(self, links: list[Link]) -> None:
        self.onward = links[0]
        self.workers: _Workers = self.onward.target
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
            self.deliver(Call(call.request, attempt, 0, True, None, self, self.onward), now)
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
        self.deliver(Call(job.request, attempt, 0, True, None, self, self.onward), now)

    def kill(self, now: float) -> None:
        self.up = False
        self.choose()
        if not self.component.durable:
            self.jobs.lost += self.workers.forget(now)

    def cut_off(self) -> None:
        self.reachable = False
        self.choose()

    def recover(self, now: float) -> None:
        self.up, self.reachable = True, True
        self.choose()
        self.workers.pull(now)

    def count(self) -> Jobs:
        jobs = Jobs(**vars(self.jobs))
        jobs.waiting, jobs.working = len(self.workers.waiting), len(self.workers.active)
        return jobs


class _Workers(_Steps):
    """A line of jobs and the workers who take them, one each."""

    def __init__(self, engine: Engine, component: kinds.Workers) -> None:
        super().__init__(engine, component)
        self.door = self
        self.name = component.name
        self.capacity = component.queue_capacity
        self.feeder: _Queue | None = None
        self.team = [_Worker(self, name) for name in component.instances]
        self.waiting: deque[Call] = deque()
        self.active: dict[Call, _Worker] = {}
        self.tally = Tally()
        engine.boxes[component.name] = self

    def instance(self, name: str) -> _Worker:
        return next(worker for worker in self.team if worker.name == name)

    snapshot = _Machine.snapshot
    present = _Machine.present
    note = _Machine.note

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

    def idle(self) -> _Worker | None:
        """Return the worker who takes the next job, if there is one."""
        if self.feeder is not None and not (self.feeder.up and self.feeder.reachable):
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
            heappush(self.heap, (at, FINISH, request, link.index, attempt, self.work_done, call))

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
        for call in sorted(self.waiting, key=_order):
            self.tally.wait_s += now - call.entered
        self.tally.lost += count
        self.waiting.clear()
        return count

    def died(self, worker: _Worker, now: float) -> None:
        victims = [] if worker.call is None else [worker.call]
        worker.call = None
        for call in victims:
            del self.active[call]
            self.tally.busy_s += now - call.start
        if self.feeder is None and not any(other.up for other in self.team):
            for call in sorted(self.waiting, key=_order):
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


class _Worker:
    """One worker: idle, or busy with one job."""

    def __init__(self, team: _Workers, name: str) -> None:
        self.team, self.name = team, name
        self.up, self.pace = True, 1.0
        self.call: Call | None = None

    def kill(self, now: float) -> None:
        self.up = False
        self.team.died(self, now)

    def recover(self, now: float) -> None:
        self.up, self.pace = True, 1.0
        self.team.pull(now)


_NODES: dict[type[kinds.Component], Any] = {
    kinds.Clients: _Clients,
    kinds.CDN: _CDN,
    kinds.LoadBalancer: _Balancer,
    kinds.AppServers: _AppServers,
    kinds.Cache: _Cache,
    kinds.Database: _Database,
    kinds.Queue: _Queue,
    kinds.Workers: _Workers,
}


def run(scenario: Scenario) -> Record:
    """Run a scenario to its end.

    Raises
    ------
    OutOfDrawsError
        If a closed system needs more requests than were drawn.
    """
    engine = Engine(scenario)
    engine.run(scenario.duration_s)
    return engine.record(scenario.duration_s)
