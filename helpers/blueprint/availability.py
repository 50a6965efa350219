"""How often a design works, from how often its parts do: exactly.

A component is up if enough of its instances are; a request is answered if the components on its
way are up. The way is the design's own graph, so a balancer in front makes servers stand in for
one another, a cache in the path is needed and a cache aside is not, and workers behind a queue
may rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from functools import cached_property, reduce
from itertools import product
from math import lgamma
from operator import and_, or_
from typing import Any, Protocol, TypeVar

import numpy as np

from helpers.blueprint.components import (
    AppServers,
    Clients,
    Component,
    Database,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.blueprint.decision_diagram import Diagram
from helpers.blueprint.design import JOB, LOOK, Design, a_design
from helpers.foundations.experiment import Parameters, Result, anything, option
from helpers.foundations.prose import duration, significant
from helpers.foundations.year import YEAR_S

#: Kinds of request whose availability can be asked for.
REQUESTS = ("read", "write", "job")


class Question(Parameters):
    """A kind of request, asked of a design."""

    design: Design = anything("Design", MISSING, "A valid design", check=a_design)
    request: str = option(
        "read",
        "Kind of request",
        of=REQUESTS,
        note="A read that no cache can answer, a write, or a write that leaves a job behind.",
    )


class Availability(Result):
    """How often a kind of request can be answered.

    Attributes
    ----------
    at : Question
        What was asked.
    system : float
        Long-run fraction of the time in which such a request is answered.
    components : dict of str to float
        The same for each component on its own: enough of its instances are up.
    importance : dict of str to float
        How much the system gains from a component that goes from dead to perfect (Birnbaum).
    """

    at: Question
    system: float
    components: dict[str, float]
    importance: dict[str, float]

    @property
    def downtime_s(self) -> float:
        """Expected seconds of outage in a year."""
        return (1 - self.system) * YEAR_S

    @property
    def nines(self) -> float:
        """Number of nines: 3 for 99.9 %."""
        return float(-np.log10(1 - self.system)) if self.system < 1 else float("inf")

    @cached_property
    def blame(self) -> dict[str, float]:
        """Outage a component is responsible for: importance times unavailability; a fraction."""
        return {
            name: importance * (1 - self.components[name])
            for name, importance in self.importance.items()
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        """Availability and downtime."""
        return {
            "request": self.at.request,
            "availability_percent": 100 * self.system,
            "downtime_h_per_year": self.downtime_s / 3_600,
            "weakest": max(self.blame, key=self.blame.__getitem__),
        }

    @property
    def reading(self) -> str:
        """Availability and downtime, in a sentence."""
        weakest = max(self.blame, key=self.blame.__getitem__)
        return (
            f"A {self.at.request} is answered {significant(100 * self.system, 6)} % of the time, "
            f"which leaves {duration(self.downtime_s)} of outage a year, most of it owed to "
            f"{weakest}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        """One row for each component, the worst first."""
        names = sorted(self.blame, key=lambda name: -self.blame[name])
        return {
            "component": names,
            "availability": [self.components[name] for name in names],
            "importance": [self.importance[name] for name in names],
            "outage_h_per_year": [self.blame[name] * YEAR_S / 3_600 for name in names],
        }


def availability(design: Design, *, request: str = "read") -> Availability:
    """Return how often a kind of request is answered, exactly.

    Parameters
    ----------
    design : Design
        A valid design.
    request : {"read", "write", "job"}
        A read that no cache can answer, a write, or a write that leaves a job behind.

    Notes
    -----
    Components fail independently of one another; the instances of one component fail independently
    but for a share beta of their unavailability, which hits all of them at once (the beta-factor
    model: Fleming, "A reliability model for common mode failures in redundant safety systems",
    1975). With unavailability q of one instance, k of n are up with probability
    ``(1 - beta q) P[Binomial(n, 1 - (1 - beta) q) >= k]``.

    Examples
    --------
    >>> from helpers.blueprint import AppServers, Clients, Design, LoadBalancer
    >>> pair = AppServers(count=2, availability=0.99)
    >>> design = Design("d", Clients(users=1) >> LoadBalancer(availability=1.0) >> pair)
    >>> round(availability(design).system, 6)
    0.9999
    """
    at = Question(design=design, request=request)
    up = {
        component.name: component_availability(component, request)
        for component in design
        if not isinstance(component, Clients)
    }
    diagram = Diagram()
    works = answered(design, request, {name: diagram.variable(i) for i, name in enumerate(up)})
    chances = list(up.values())
    importance = {}
    for i, name in enumerate(up):
        dead, good = (
            diagram.probability(works, [*chances[:i], chance, *chances[i + 1 :]])
            for chance in (0.0, 1.0)
        )
        importance[name] = good - dead
    return Availability(at, diagram.probability(works, chances), up, importance)


def component_availability(component: Component, request: str) -> float:
    """Return how often enough instances of a component are up for a kind of request.

    Parameters
    ----------
    component : Component
        Any component.
    request : {"read", "write", "job"}
        A database serves writes through its primary, unless it can promote a replica.
    """
    a, n, k, beta = component.availability, component.machines, 1, 0.0
    if isinstance(component, AppServers | Workers):
        k, beta = component.needed, component.common_cause
    elif isinstance(component, Database):
        beta = component.common_cause
        if request != "read" and component.failover_s is None:
            n = 1
    return _beta_factor(a, n, k, beta)


def _beta_factor(a: float, n: int, k: int, beta: float) -> float:
    q = 1 - a
    if n == 1:
        return a  # common cause or not, one instance is down for q of the time
    return (1 - beta * q) * binomial_at_least(k, n, 1 - (1 - beta) * q)


def binomial_at_least(k: int, n: int, p: float) -> float:
    """Return the probability of at least `k` successes in `n` trials."""
    if p in (0.0, 1.0):
        return float(k <= n * p)
    logs = [
        lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) + j * np.log(p) + (n - j) * np.log1p(-p)
        for j in range(k, n + 1)
    ]
    return float(np.sum(np.exp(logs)))


class _Logic(Protocol):
    """What knows "and" and "or": arrays of bool, decision diagrams."""

    def __and__(self, other: Any, /) -> Any: ...
    def __or__(self, other: Any, /) -> Any: ...


L = TypeVar("L", bound=_Logic)


def answered(design: Design, request: str, up: Mapping[str, L]) -> L:
    """Return whether a kind of request is answered, from what is up.

    Parameters
    ----------
    design : Design
        A valid design.
    request : {"read", "write", "job"}
        Kind of request; no cache can answer it.
    up : mapping of str to numpy.ndarray of bool, or to Truth
        Whether each component is up: in each of several combinations, or as a function.

    Returns
    -------
    numpy.ndarray of bool, or Truth
        The same of the answer.
    """
    known: dict[str, L] = {}

    def works(name: str) -> L:
        if name not in known:
            component = design[name]
            needs = [up[name]] if name in up else []
            if isinstance(component, LoadBalancer):  # any of those behind it will do
                behind = [works(callee.name) for callee in design.callees(name)]
                needs.append(reduce(or_, behind))
            elif not isinstance(component, Queue):  # what is behind a queue may rest
                needs += [
                    works(edge.target)
                    for edge in design.steps(name)
                    if edge.role != LOOK and (edge.role != JOB or request == "job")
                ]
            known[name] = reduce(and_, needs)
        return known[name]

    return works(design.clients.name)


def single_points(design: Design) -> dict[str, str]:
    """Return the single points of failure, and what each takes down with it.

    Parameters
    ----------
    design : Design
        A valid design.

    Returns
    -------
    dict of str to str
        Name of a component (or of one instance, such as ``"db-1"``) -> what is lost without it.
    """
    clients = design.clients
    kinds = ["read"] if clients.write_fraction < 1 else []
    if clients.write_fraction > 0:
        kinds.append("write")
    if clients.job_fraction > 0:
        kinds.append("job")
    found = {}
    for component in design:
        if isinstance(component, Clients):
            continue
        lost = [kind for kind in kinds if _falls(design, component, kind)]
        if not lost:
            continue
        one = isinstance(component, Database) and component.replicas
        name = component.instances[0] if one else component.name
        if set(kinds) - {"job"} <= set(lost):
            found[name] = "nothing is answered"
        elif "write" in lost:
            found[name] = "no write is answered"
        elif "read" in lost:
            found[name] = "no read is answered that a cache lacks"
        else:
            found[name] = "no request that leaves a job behind is answered"
    return found


def _falls(design: Design, component: Component, request: str) -> bool:
    """Say whether the loss of one instance of a component stops a kind of request."""
    spare = component.machines - getattr(component, "needed", 1)
    if isinstance(component, Database) and request != "read" and component.failover_s is None:
        spare = 0
    if spare > 0:
        return False
    up = {c.name: np.array([c is not component]) for c in design if not isinstance(c, Clients)}
    return not answered(design, request, up)[0]


def enumerate_instances(design: Design, *, request: str = "read") -> float:
    """Return the availability by trying every state of every instance, without common causes.

    What :func:`availability` does, as it is defined: a state is as likely as its instances make
    it, and it counts if the request is answered. For up to 16 instances.

    Parameters
    ----------
    design, request
        As for :func:`availability`.

    Raises
    ------
    ValueError
        If there are more than 16 instances.
    """
    parts = [c for c in design if not isinstance(c, Clients)]
    instances = [(c, i) for c in parts for i in range(c.machines)]
    if len(instances) > 16:
        raise ValueError(
            f"design {design.name!r} has {len(instances)} instances, at most 16 can be tried"
        )
    total = 0.0
    for state in product((True, False), repeat=len(instances)):
        weight = 1.0
        alive: dict[str, list[bool]] = {c.name: [] for c in parts}
        for (component, _), good in zip(instances, state, strict=True):
            weight *= component.availability if good else 1 - component.availability
            alive[component.name].append(good)
        up = {}
        for component in parts:
            count = alive[component.name]
            if (
                isinstance(component, Database)
                and request != "read"
                and component.failover_s is None
            ):
                good = count[0]
            else:
                good = sum(count) >= getattr(component, "needed", 1)
            up[component.name] = np.array([good])
        total += weight * bool(answered(design, request, up)[0])
    return total
