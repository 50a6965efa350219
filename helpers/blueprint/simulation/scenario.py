"""A design with its traffic, faults and draws, ready to run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.blueprint.components import Clients, Component, Served
from helpers.blueprint.design import Design, Edge
from helpers.blueprint.faults import Fault, fault_schedule
from helpers.blueprint.graph import topological
from helpers.blueprint.simulation.draws import Columns, arrivals, services, uniforms
from helpers.blueprint.simulation.rules import tries
from helpers.blueprint.traffic import Traffic


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
            unit = arrivals(self.seed, clients.arrivals, clients.burstiness, size)
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
        return uniforms(self.seed, stream, self.size).tolist()

    def _exponential(self, stream: str, mean_s: float) -> list[float]:
        return (services(self.seed, stream, "exponential", 1.0, self.size) * mean_s).tolist()

    def _below(self, stream: str, fraction: float) -> list[bool]:
        if fraction in (0.0, 1.0):
            return [bool(fraction)] * self.size
        return (uniforms(self.seed, stream, self.size) < fraction).tolist()

    def _columns(self, what: str) -> Columns:
        return Columns(lambda attempt: self._uniform(f"{what} {attempt}"))

    def _work(self, what: str, target: Component) -> Columns:
        if not isinstance(target, Served):
            return Columns(lambda attempt: [0.0] * self.size)
        kind, mean, scv = target.distribution, target.service_s, target.scv

        def draw(attempt: int) -> list[float]:
            unit = services(self.seed, f"{what} {attempt}", kind, scv, self.size)
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


def _power_of_two(size: float) -> int:
    return 1 << max(math.ceil(size) - 1, 255).bit_length()
