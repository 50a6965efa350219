"""A design with its traffic, faults and draws, ready to run."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass
from typing import Any

import numpy as np

from helpers.blueprint.checks import refuse_errors
from helpers.blueprint.components import Clients, Component, Served
from helpers.blueprint.design import Design, Edge, a_design
from helpers.blueprint.faults import Fault, fault_schedule
from helpers.blueprint.graph import topological
from helpers.blueprint.simulation.draws import Columns, Floats, arrivals, services, uniforms
from helpers.blueprint.simulation.rules import tries
from helpers.blueprint.traffic import Traffic, steady
from helpers.foundations import validation
from helpers.foundations.experiment import Parameters, anything, flag, number, option, seed

#: The engines by name.
ENGINES = ("fast", "simpy")

#: How often the length of each queue is written down.
_SAMPLES = 200


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


def _a_traffic(name: str, value: Any) -> Traffic | None:
    if not isinstance(value, Traffic | None):
        raise TypeError(f"{name} must be made by steady, spike and so on, got {value!r}")
    return value


class Run(Parameters):
    """A design under traffic and faults."""

    design: Design = anything(
        "Design", MISSING, "Design without errors", check=a_design,
        note="Warnings are what experiments are made of.",
    )  # fmt: skip
    traffic: Traffic | None = anything(
        "Traffic, optional", None, "How the clients' rate changes over time", check=_a_traffic,
        note="Steady when None; not for a closed system.",
    )  # fmt: skip
    faults: tuple[Fault, ...] = anything(
        "sequence of Fault", (), "What happens to it", check=lambda _, value: tuple(value),
        note="Made by ``kill``, ``slow``, ``partition`` and ``recover``.",
    )  # fmt: skip
    duration_s: float = number(60.0, "Length of the run", unit="s", above=0)
    warm_up_s: float = number(0.0, "Start that means leave out", unit="s", at_least=0)
    engine: str = option(
        "fast", "Engine", of=ENGINES,
        note="Both give the same result; the simpy engine is there to be read and edited.",
    )  # fmt: skip
    log: bool = flag(False, "Whether every event is kept")
    seed: int = seed()

    def agree(self) -> None:
        """Refuse a design that cannot run, and what cannot happen to it."""
        refuse_errors(self.design)
        validation.number("warm_up_s", self.warm_up_s, at_least=0, below=self.duration_s, unit="s")
        if self.traffic is not None and self.design.clients.users is not None:
            raise ValueError(
                f"traffic must be None for {self.design.clients.name!r}, whose "
                f"{self.design.clients.users} users send when they have thought, not at a rate"
            )
        fault_schedule(self.design, self.faults)


class Scenario:
    """A run with its draws, ready for either engine.

    Parameters
    ----------
    at : Run
        What is run.
    size : int, optional
        Requests to draw for, of a closed system.
    ran_out_s : float, optional
        How far the run came with half as many.
    """

    def __init__(self, at: Run, size: int | None = None, *, ran_out_s: float | None = None) -> None:
        self.ran_out_s = ran_out_s
        self.design = at.design
        self.duration_s = at.duration_s
        self.warm_up_s = at.warm_up_s
        self.log = at.log
        self.seed = at.seed
        self.clients: Clients = at.design.clients
        self.schedule = fault_schedule(at.design, at.faults)
        # Multiples, not a running sum: both engines then meet the very same floats.
        self.sample_s = [at.duration_s * i / _SAMPLES for i in range(1, _SAMPLES)]
        self.arrival_s: list[float] = []
        self.think_s: list[float] = []
        if self.clients.users is None:
            self.arrival_s, self.size = self._open_arrivals(at.traffic or steady())
        else:
            self.size = size or self._guess_size(self.clients.users)
            self.think_s = self._exponential("think", self.clients.think_s)
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

    def _guess_size(self, users: int) -> int:
        # A user's cycle cannot be shorter than its think time and a little work.
        clients = self.clients
        cycle = clients.think_s + 0.5 * sum(
            c.service_s for c in self.design if isinstance(c, Served)
        )
        return _power_of_two(users * (1 + self.duration_s / cycle))

    def _uniform(self, stream: str) -> list[float]:
        return list_of(uniforms(self.seed, stream, self.size))

    def _exponential(self, stream: str, mean_s: float) -> list[float]:
        return list_of(services(self.seed, stream, "exponential", 1.0, self.size) * mean_s)

    def _below(self, stream: str, fraction: float) -> list[bool]:
        if fraction in (0.0, 1.0):
            return [bool(fraction)] * self.size
        return [u < fraction for u in self._uniform(stream)]

    def _columns(self, what: str) -> Columns:
        return Columns(lambda attempt: self._uniform(f"{what} {attempt}"))

    def _work(self, what: str, target: Component) -> Columns:
        if not isinstance(target, Served):
            return Columns(lambda attempt: [0.0] * self.size)
        kind, mean, scv = target.distribution, target.service_s, target.scv

        def draw(attempt: int) -> list[float]:
            unit = services(self.seed, f"{what} {attempt}", kind, scv, self.size)
            return list_of(unit * mean)

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


def list_of(column: Floats) -> list[float]:
    """Return a column as plain floats, which plain Python handles faster."""
    floats: list[float] = column.tolist()
    return floats


def _power_of_two(size: float) -> int:
    return 1 << max(math.ceil(size) - 1, 255).bit_length()
