"""What a run of a design means, exactly, and what both engines share: the draws and the tallies.

Two engines run a design: :mod:`~helpers.blueprint.simpy_engine`, written to be read and edited,
and :mod:`~helpers.blueprint.engine`, written to answer behind a slider. They must agree event for
event, so the rules are written down here once.

Calls
-----
1. A request is sent by the clients and answered by a chain of *calls*. A caller calls, the callee
   works, calls others if it has to, and answers "ok" or the cause of a failure.
2. A caller with a timeout gives up when it has passed. The callee is not told and works on; its
   answer is ignored. A failed call is made again, `retries` times at most, after a backoff that
   doubles each time. The clients' last failure is the request's outcome.
3. A machine is a FIFO queue in front of `servers` servers: threads, connections. A call that finds
   no room to wait is *rejected*. An application server that blocks keeps its thread until the
   whole call is answered; one that does not gives it back after its own work.
4. A CDN and a balancer add their latency and have no limit of capacity. A CDN, and a cache that
   stands in the path, answer what they can and hand the rest on: they are out of it then.
5. A message queue answers as soon as it has the job. The idle worker with the lowest number takes
   the job that has waited longest. The job of a worker that dies goes to the back of the queue.
   A caller without a queue waits for a worker, and for its answer.

Faults
------
6. *Kill*: calls in progress fail at once (reset), later ones are refused at once. *Partition*:
   calls to the instance and its answers vanish; who has no timeout waits for ever. *Slow*: work
   that begins meanwhile takes longer. *Recover* ends all three; what vanished stays lost. Who is
   both dead and cut off says nothing. A CDN, a balancer and a queue do no work that could be cut
   short: a fault meets a call when it arrives.
7. A health check looks at every server at each interval. A server that is dead or cut off fails it.

Order
-----
8. Whatever a moment causes happens before the next moment. Moments at the same instant are taken
   in this order: work that ends, faults, calls that are sent, timeouts, health checks, samples;
   among themselves by request, then edge, then attempt. So ties have one meaning in both engines.

Chance
------
9. Every number drawn belongs to a request, an edge and an attempt, and comes from a stream named
   after them. It does not matter in which order they are used, or whether: designs are compared
   on identical traffic, and a request brings the same work whichever server it meets.

Books
-----
10. Every request sent is answered, failed, dropped (its last call met a full queue) or in flight.
    Every job published is processed, failed, lost (with a queue that was not durable), waiting or
    in work. Nothing is ever counted twice or forgotten.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from helpers.blueprint.components import (
    CDN,
    Caller,
    Clients,
    Component,
    LoadBalancer,
    Queue,
    Served,
    Workers,
)
from helpers.blueprint.design import Design, Edge
from helpers.blueprint.traces import Fault, Traffic
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

# Outcomes of a call. Only the first is a success; MISS is what a cache aside answers to its caller.
OK, REJECTED, REFUSED, RESET, TIMEOUT, NO_SERVER = range(6)
MISS = -1
IN_FLIGHT = -2

#: What the outcomes are called.
OUTCOMES = {
    IN_FLIGHT: "in flight",
    OK: "answered",
    REJECTED: "rejected",
    REFUSED: "refused",
    RESET: "reset",
    TIMEOUT: "timeout",
    NO_SERVER: "no server",
}

# The order of moments at the same instant (rule 8).
FINISH, FAULT, SEND, EXPIRE, CHECK, SAMPLE = range(6)

_CACHED_SIZE = 1 << 15  # larger columns are drawn anew: a cache of them would fill the memory


class OutOfDrawsError(Exception):
    """A closed run needed more requests than were drawn; it starts again with more.

    Parameters
    ----------
    time_s : float
        How far the run had come.
    """

    def __init__(self, time_s: float) -> None:
        super().__init__(time_s)
        self.time_s = time_s


class Columns(dict):
    """One column of draws for each attempt, made when it is first asked for.

    ``columns[attempt][request]`` is the number; a column is a list of floats.
    """

    def __init__(self, draw: Callable[[int], list[float]]) -> None:
        super().__init__()
        self._draw = draw

    def __missing__(self, attempt: int) -> list[float]:
        column = self[attempt] = self._draw(attempt)
        return column


@dataclass(eq=False)
class Route:
    """An edge with its draws, ready to run.

    A call is known by its request, its route and its attempt. The attempts of the calls that its
    callee makes are numbered ``attempt * stride + offset + k`` (k-th try), so that no two calls
    ever share a number.
    """

    index: int
    edge: Edge
    stride: int
    offset: int
    limit: int  # attempts are below it, redeliveries of a job apart
    work: Columns  # service time at the callee, seconds
    hit: Columns  # uniform: is it in the callee's cache?
    first: Columns  # uniform: which of the callee's instances?
    second: Columns
    jitter: Columns  # uniform: how much of the backoff before this try of the caller?


@dataclass
class Tally:
    """What one machine has seen.

    ``arrivals = lost + refused + rejected + finished + reset + those still there``
    """

    arrivals: int = 0
    lost: int = 0  # vanished into a partition
    refused: int = 0
    rejected: int = 0
    started: int = 0
    finished: int = 0
    reset: int = 0
    wait_s: float = 0.0  # time spent waiting by all calls together
    busy_s: float = 0.0  # time spent holding a server by all calls together

    def minus(self, other: Tally) -> Tally:
        """Return what came after `other`."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Tally(*(mine - theirs for mine, theirs in pairs))

    def copy(self) -> Tally:
        """Return a copy that stays as it is."""
        return copy.copy(self)


@dataclass
class Jobs:
    """What one message queue has seen.

    ``published = processed + failed + lost + waiting + working``
    """

    published: int = 0
    processed: int = 0
    failed: int = 0
    lost: int = 0
    redelivered: int = 0
    waiting: int = 0
    working: int = 0


@dataclass
class Record:
    """What an engine hands back; both engines fill it in alike."""

    sent_s: list[float]
    done_s: list[float]
    outcome: list[int]
    tries: list[int]
    tallies: dict[str, Tally]
    present: dict[str, int]  # calls at each machine at the end
    warm: dict[str, Tally] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)  # by route, retries included
    warm_calls: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[int, ...]] = field(default_factory=list)  # (waiting, busy) of each machine
    jobs: dict[str, Jobs] = field(default_factory=dict)
    log: list[tuple[float, str, str, int, int]] | None = None
    until_s: float = 0.0


class Scenario:
    """A design with its traffic, faults and draws, ready for either engine.

    Parameters
    ----------
    design : Design
        A valid design.
    traffic : Traffic
        How an open stream's rate changes over time.
    faults : sequence of Fault
        What happens to it.
    duration_s, warm_up_s : float
        Length of the run, and of its start that is not counted in means.
    samples : int
        How often the length of each queue is written down.
    log : bool
        Whether every event is written down, too.
    seed : int
        Seed of all draws.
    size : int, optional
        Requests to draw for, of a closed system.
    """

    def __init__(
        self,
        design: Design,
        *,
        traffic: Traffic,
        faults: Sequence[Fault],
        duration_s: float,
        warm_up_s: float,
        samples: int,
        log: bool,
        seed: int,
        size: int | None = None,
    ) -> None:
        self.design = design
        self.duration_s = duration_s
        self.warm_up_s = warm_up_s
        self.log = log
        self.seed = seed
        self.clients: Clients = design.clients
        self.schedule = fault_schedule(design, faults)
        # Multiples, not a running sum: both engines then meet the very same floats.
        self.sample_s = [duration_s * i / samples for i in range(1, samples)]
        if self.clients.users is None:
            self.arrival_s, self.size = self._open_arrivals(traffic)
            self.think_s: list[float] = []
        else:
            self.size = size or self._guess_size()
            self.arrival_s = []
            think = self._exponential("think", self.clients.think_s)
            self.think_s = think
        self.write = self._below("kind of request", self.clients.write_fraction)
        self.job = self._below("leaves a job", self.clients.job_fraction)
        sessions = self.clients.sessions
        self.user = [int(u * sessions) for u in self._uniform("user")]
        self.routes = self._compile()

    def routes_from(self, name: str) -> list[Route]:
        """Return the routes out of a component, in the order in which a request takes them."""
        return [self.routes[edge.name] for edge in self.design.steps(name)]

    # --- draws -----------------------------------------------------------------------------------

    def _open_arrivals(self, traffic: Traffic) -> tuple[list[float], int]:
        clients, duration = self.clients, self.duration_s
        assert clients.rate_rps is not None
        expected = clients.rate_rps * duration * traffic.mean(duration)
        spread = clients.burstiness if clients.arrivals == "bursty" else 1.0
        size = _power_of_two(expected + 6 * math.sqrt(expected * spread) + 16)
        while True:
            unit = _arrivals(self.seed, clients.arrivals, clients.burstiness, size)
            times = traffic.warp(unit / clients.rate_rps)
            if times[-1] >= duration:
                return times[: np.searchsorted(times, duration)].tolist(), size
            size *= 2

    def _guess_size(self) -> int:
        # A user's cycle cannot be shorter than its think time and a little work.
        clients = self.clients
        cycle = clients.think_s + 0.5 * sum(
            c.service_s for c in self.design if isinstance(c, Served)
        )
        return _power_of_two(clients.users * (1 + self.duration_s / cycle))  # type: ignore[operator]

    def _uniform(self, stream: str) -> list[float]:
        return _uniforms(self.seed, stream, self.size).tolist()

    def _exponential(self, stream: str, mean_s: float) -> list[float]:
        return (_services(self.seed, stream, "exponential", 1.0, self.size) * mean_s).tolist()

    def _below(self, stream: str, fraction: float) -> list[bool]:
        if fraction in (0.0, 1.0):
            return [bool(fraction)] * self.size
        return (_uniforms(self.seed, stream, self.size) < fraction).tolist()

    def _columns(self, what: str) -> Columns:
        return Columns(lambda attempt: self._uniform(f"{what} {attempt}"))

    def _work(self, what: str, target: Component) -> Columns:
        if not isinstance(target, Served):
            return Columns(lambda attempt: [0.0] * self.size)
        kind, mean, scv = target.distribution, target.service_s, target.scv

        def draw(attempt: int) -> list[float]:
            unit = _services(self.seed, f"{what} {attempt}", kind, scv, self.size)
            return (unit * mean).tolist()

        return Columns(draw)

    # --- routes ----------------------------------------------------------------------------------

    def _compile(self) -> dict[str, Route]:
        routes: dict[str, Route] = {}
        for source in topological(self.design):
            into = [routes[f"{caller.name}>{source}"] for caller in self.design.callers(source)]
            limit = max((route.limit for route in into), default=1)
            limit *= max(len(into), 1) * tries(self.design[source])
            for edge in self.design.steps(source):
                target = self.design[edge.target]
                callers = [caller.name for caller in self.design.callers(edge.target)]
                position = callers.index(source)
                # Named after the callee alone where that is enough, so that a design without a
                # CDN meets the same service times as one with it.
                name = edge.target if position == 0 else f"{edge.target} via {source}"
                routes[edge.name] = Route(
                    index=len(routes),
                    edge=edge,
                    stride=len(callers) * tries(target),
                    offset=position * tries(target),
                    limit=limit,
                    work=self._work(f"{name} work", target),
                    hit=self._columns(f"{name} hit"),
                    first=self._columns(f"{name} first choice"),
                    second=self._columns(f"{name} second choice"),
                    jitter=self._columns(f"{edge.name} jitter"),
                )
        return routes


def tries(component: Component) -> int:
    """Return how often a component makes a call at most."""
    return component.retries + 1 if isinstance(component, Caller) else 1


def topological(design: Design) -> list[str]:
    """Return the names of all components, callers before callees.

    Raises
    ------
    ValueError
        If the wiring has a cycle.
    """
    waiting = {c.name: len(design.callers(c.name)) for c in design}
    ready = [name for name, callers in waiting.items() if callers == 0]
    order = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for callee in design.callees(name):
            waiting[callee.name] -= 1
            if waiting[callee.name] == 0:
                ready.append(callee.name)
    if len(order) < len(waiting):
        stuck = sorted(set(waiting) - set(order))
        raise ValueError(f"Design {design.name!r}: a cycle runs through {', '.join(stuck)}")
    return order


def fault_schedule(
    design: Design, faults: Sequence[Fault]
) -> list[tuple[float, str, str, str, float]]:
    """Return (time, action, component, instance, factor) for each instance, in order of time.

    Raises
    ------
    TypeError
        If something that is not a Fault is given.
    ValueError
        If a target does not exist, or cannot suffer what is asked.
    """
    schedule = []
    for fault in faults:
        if not isinstance(fault, Fault):
            raise TypeError(
                f"faults must be made by kill, slow, partition or recover, got {fault!r}"
            )
        component, instances = design.instance(fault.target)
        if isinstance(component, Clients):
            raise ValueError(f"a fault cannot strike the clients, got target {fault.target!r}")
        if fault.action == "slow" and not isinstance(component, Served | CDN | LoadBalancer):
            raise ValueError(
                f"{fault.target!r} is a {component.kind}: it does no work to slow down"
            )
        if fault.action == "partition" and isinstance(component, Workers):
            raise ValueError(
                f"{fault.target!r} are workers: they fetch their jobs, so kill them, or cut off "
                "their queue"
            )
        for instance in instances:
            schedule.append((fault.at_s, fault.action, component.name, instance, fault.factor))
            if fault.until_s is not None:
                schedule.append((fault.until_s, "recover", component.name, instance, 1.0))
    return sorted(schedule, key=lambda entry: entry[0])


def machines(design: Design) -> dict[str, Component]:
    """Return the machines that keep a tally: instance name -> component."""
    found: dict[str, Component] = {}
    for component in design:
        if isinstance(component, Served) and not isinstance(component, Workers):
            found.update(dict.fromkeys(component.instances, component))
        elif not isinstance(component, Clients | Queue):
            found[component.name] = component  # workers share one line; CDN, balancer: no line
        elif isinstance(component, Queue):
            found[component.name] = component
    return found


def backoff_s(caller: Caller, k: int, jitter: float) -> float:
    """Return the pause before the k-th retry (k from 1)."""
    pause = caller.backoff_s * 2 ** (k - 1)
    return pause * jitter if caller.jitter else pause


def _power_of_two(size: float) -> int:
    return 1 << max(math.ceil(size) - 1, 255).bit_length()


def _arrivals(seed: int, kind: str, burstiness: float, size: int) -> np.ndarray:
    draw = _cached_arrivals if size <= _CACHED_SIZE else _cached_arrivals.__wrapped__
    return draw(seed, kind, burstiness, size)


@lru_cache(maxsize=16)
def _cached_arrivals(seed: int, kind: str, burstiness: float, size: int) -> np.ndarray:
    rng = streams(seed, "arrivals")["arrivals"]
    return _frozen(np.cumsum(unit_gaps(kind, size, rng, burstiness=burstiness)))


def _uniforms(seed: int, stream: str, size: int) -> np.ndarray:
    draw = _cached_uniforms if size <= _CACHED_SIZE else _cached_uniforms.__wrapped__
    return draw(seed, stream, size)


@lru_cache(maxsize=256)
def _cached_uniforms(seed: int, stream: str, size: int) -> np.ndarray:
    return _frozen(streams(seed, stream)[stream].random(size))


def _services(seed: int, stream: str, kind: str, scv: float, size: int) -> np.ndarray:
    draw = _cached_services if size <= _CACHED_SIZE else _cached_services.__wrapped__
    return draw(seed, stream, kind, scv, size)


@lru_cache(maxsize=256)
def _cached_services(seed: int, stream: str, kind: str, scv: float, size: int) -> np.ndarray:
    return _frozen(unit_services(kind, size, streams(seed, stream)[stream], scv=scv))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
