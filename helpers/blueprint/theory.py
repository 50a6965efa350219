"""What can be said about a design without running it: flows, bounds, product-form networks.

Everything here is derived from the same graph the engines run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import lgamma
from typing import TYPE_CHECKING

import numpy as np

from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Caller,
    Clients,
    Component,
    Database,
    LoadBalancer,
    Queue,
    Served,
    Workers,
)
from helpers.blueprint.design import JOB, LOOK, STORE, Design, Edge
from helpers.blueprint.semantics import machines, topological
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mmc_wait

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Flow:
    """Calls for each request that the clients send: those that only read, those that may write."""

    reads: float = 0.0
    writes: float = 0.0

    @property
    def calls(self) -> float:
        """Both kinds together."""
        return self.reads + self.writes

    def __add__(self, other: Flow) -> Flow:
        return Flow(self.reads + other.reads, self.writes + other.writes)

    def times(self, reads: float, writes: float) -> Flow:
        """Return the flow thinned (or multiplied) by a factor for each kind."""
        return Flow(self.reads * reads, self.writes * writes)


def edge_flows(design: Design) -> dict[tuple[str, str], Flow]:
    """Return the calls along each edge for one request of the clients, if nothing fails.

    Parameters
    ----------
    design : Design
        A design with one Clients and without cycles.

    Returns
    -------
    dict of (str, str) to Flow
        Mean number of calls along each edge.

    Raises
    ------
    ValueError
        If there is no single entry, or a cycle.

    Examples
    --------
    >>> from helpers.blueprint import Cache, Clients, Database, Design
    >>> design = Design("d", Clients(rate_rps=1) >> Cache(hit_ratio=0.75) >> Database())
    >>> edge_flows(design)["cache", "db"]
    Flow(reads=0.25, writes=0.0)
    """
    clients = design.clients
    into = {component.name: Flow() for component in design}
    into[clients.name] = Flow(1 - clients.write_fraction, clients.write_fraction)
    found: dict[tuple[str, str], Flow] = {}
    for name in topological(design):
        component = design[name]
        shares = _shares(design, component)
        for edge in design.steps(name):
            flow = shares(edge, into[name])
            found[edge.source, edge.target] = flow
            into[edge.target] += flow
    return found


def _shares(design: Design, component: Component) -> Callable[[Edge, Flow], Flow]:
    """Return which part of its own calls a component passes along an edge."""
    steps = design.steps(component.name)
    if isinstance(component, CDN | Cache):
        return lambda edge, flow: flow.times(1 - component.hit_ratio, 1)
    if isinstance(component, LoadBalancer):
        servers = {edge.target: design[edge.target].machines for edge in steps}
        total = sum(servers.values())
        return lambda edge, flow: flow.times(*[servers[edge.target] / total] * 2)
    if isinstance(component, Queue):
        return lambda edge, flow: Flow(0.0, flow.calls)  # a job may change data
    aside = [design[edge.target].hit_ratio for edge in steps if edge.role == LOOK]
    miss = 1 - aside[-1] if aside else 1.0
    jobs = design.clients.job_fraction

    def share(edge: Edge, flow: Flow) -> Flow:
        factors = {LOOK: (1.0, 0.0), STORE: (miss, 1.0), JOB: (jobs, jobs)}
        return flow.times(*factors.get(edge.role, (1.0, 1.0)))

    return share


@dataclass(frozen=True)
class Load:
    """What one machine (or a team of workers) has to do.

    Parameters
    ----------
    machine : str
        Name of the instance.
    component : str
        Name of the component.
    visits : float
        Calls it gets for each request that the clients send.
    service_s : float
        Mean service time of one call, seconds.
    hold_s : float
        Seconds for which a call holds a server at least: the service time, and for a blocking
        application server the time its callees work.
    servers : int
        Servers it has.
    """

    machine: str
    component: str
    visits: float
    service_s: float
    hold_s: float
    servers: int

    @property
    def demand_s(self) -> float:
        """Server time it spends on each request of the clients, seconds."""
        return self.visits * self.hold_s

    @property
    def capacity_rps(self) -> float:
        """Requests of the clients per second at which all its servers are busy."""
        return self.servers / self.demand_s if self.demand_s > 0 else float("inf")


def machine_loads(design: Design) -> dict[str, Load]:
    """Return the load of every machine that does work, for one request of the clients.

    The servers behind a balancer share its calls evenly; so do a database's replicas, which take
    all the reads.

    Parameters
    ----------
    design : Design
        A valid design.

    Returns
    -------
    dict of str to Load
        By the name of the machine.
    """
    flows = edge_flows(design)
    idle = _Times(design, lambda machine: _component_of(design, machine).service_s)
    found = {}
    for machine, component in machines(design).items():
        if isinstance(component, Served):
            into = _inflow(design, flows, component.name)
            hold = component.service_s
            if _holds(component) and into.calls > 0:
                hold += idle.mean_below(component.name, into)
            team = component.count if isinstance(component, Workers) else 1
            found[machine] = Load(
                machine=machine,
                component=component.name,
                visits=_split(component, machine, into).calls,
                service_s=component.service_s,
                hold_s=hold,
                servers=component.servers * team,
            )
    return found


def _holds(component: Component) -> bool:
    """Say whether a component's servers are held while its callees work."""
    return isinstance(component, Workers) or (
        isinstance(component, AppServers) and component.blocking
    )


def _inflow(design: Design, flows: dict[tuple[str, str], Flow], name: str) -> Flow:
    return sum((flows[caller.name, name] for caller in design.callers(name)), Flow())


def _split(component: Component, machine: str, into: Flow) -> Flow:
    """Return the part of a component's calls that one of its machines gets."""
    if isinstance(component, Database) and component.replicas:
        if machine == component.instances[0]:
            return into.times(0, 1)
        return into.times(1 / component.replicas, 0)
    if isinstance(component, AppServers):
        return into.times(1 / component.count, 1 / component.count)
    return into


class _Times:
    """Mean time from a call's arrival at a component to its answer, given each machine's own part.

    Parameters
    ----------
    own : callable
        Name of a machine or component -> seconds a call spends at it, waiting and served.
    """

    def __init__(self, design: Design, own: Callable[[str], float]) -> None:
        self.design, self.own = design, own

    def mean(self, name: str, flow: Flow) -> float:
        """Return the mean over the calls of a flow, seconds."""
        write_share = flow.writes / flow.calls
        reads = (1 - write_share) * self.of(name, False) if write_share < 1 else 0.0
        return reads + (write_share * self.of(name, True) if write_share > 0 else 0.0)

    def mean_below(self, name: str, flow: Flow) -> float:
        """Return the mean time of a flow's calls in what their component calls, seconds."""
        write_share = flow.writes / flow.calls
        reads = (1 - write_share) * self.below(name, False) if write_share < 1 else 0.0
        return reads + (write_share * self.below(name, True) if write_share > 0 else 0.0)

    def below(self, name: str, write: bool) -> float:
        """Return the mean time a call spends in what its component calls, seconds."""
        component = self.design[name]
        share = _shares(self.design, component)
        one = Flow(0.0, 1.0) if write else Flow(1.0, 0.0)
        total = 0.0
        for edge in self.design.steps(name):
            calls = share(edge, one).calls
            if calls > 0:
                total += calls * self.of(edge.target, write)
        return total

    def of(self, name: str, write: bool) -> float:
        """Return the mean time of a read or a write at a component, seconds."""
        component = self.design[name]
        if isinstance(component, Queue):
            return 0.0  # it answers at once
        if isinstance(component, Clients):
            return self.below(name, write)
        if isinstance(component, CDN | LoadBalancer):
            return component.latency_s + self.below(name, write)
        if isinstance(component, Database) and component.replicas:
            if write:
                return self.own(component.instances[0])
            replicas = component.instances[1:]
            return sum(self.own(replica) for replica in replicas) / len(replicas)
        if isinstance(component, AppServers):
            own = sum(self.own(machine) for machine in component.instances) / component.count
        else:
            own = self.own(name)
        return own + self.below(name, write)


def _component_of(design: Design, machine: str) -> Served:
    component, _ = design.instance(machine)
    assert isinstance(component, Served)
    return component


# --- bounds -------------------------------------------------------------------------------------


class Bounds(Result):
    """What no run of a design can beat.

    Attributes
    ----------
    design : Design
        What the bounds are for.
    loads : dict of str to Load
        Each machine's load.
    response_s : float
        Mean response time if nobody ever waits: the smallest there is, seconds.
    """

    design: Design
    loads: dict[str, Load]
    response_s: float

    @property
    def bottleneck(self) -> str:
        """Name of the machine that saturates first; the first of equals.

        Raises
        ------
        ValueError
            If no machine of the design does any work.
        """
        if not self.loads:
            raise ValueError(f"Design {self.design.name!r} has no machine that does work")
        return min(self.loads, key=lambda name: self.loads[name].capacity_rps)

    @property
    def capacity_rps(self) -> float:
        """Requests per second at which the bottleneck is busy all the time."""
        return self.loads[self.bottleneck].capacity_rps

    def throughput_rps(self, users: int | np.ndarray, think_s: float = 0.0) -> np.ndarray:
        """Return the largest possible throughput of a closed system with so many users.

        Notes
        -----
        ``X <= min(N / (R0 + Z), capacity)``. Lazowska, Zahorjan, Graham and Sevcik, *Quantitative
        System Performance*, 1984, chapter 5.
        """
        users = np.asarray(users, dtype=float)
        return np.minimum(users / (self.response_s + think_s), self.capacity_rps)

    def table(self) -> pd.DataFrame:
        """Return one row for each machine, the bottleneck first."""
        import pandas as pd

        rows = [
            {
                "machine": load.machine,
                "visits": load.visits,
                "hold_ms": 1e3 * load.hold_s,
                "servers": load.servers,
                "demand_ms": 1e3 * load.demand_s,
                "capacity_rps": load.capacity_rps,
            }
            for load in self.loads.values()
        ]
        return pd.DataFrame(rows).set_index("machine").sort_values("capacity_rps", kind="stable")

    @property
    def summary(self) -> dict[str, float | int | str]:
        """The bottleneck, its capacity, and the shortest mean response time."""
        return {
            "bottleneck": self.bottleneck,
            "capacity_rps": self.capacity_rps,
            "shortest_mean_ms": 1e3 * self.response_s,
        }

    @property
    def reading(self) -> str:
        """What breaks first, in a sentence."""
        return (
            f"First to saturate: {self.bottleneck}, at {significant(self.capacity_rps)} "
            f"requests/s; a request takes {duration(self.response_s)} on average when nobody waits."
        )


def bounds(design: Design) -> Bounds:
    """Return the bottleneck of a design, its capacity and its shortest mean response time.

    Parameters
    ----------
    design : Design
        A valid design.

    Returns
    -------
    Bounds

    Raises
    ------
    ValueError
        If there is no single entry, or a cycle.

    Notes
    -----
    The utilisation law ``U = X D`` for each machine, Denning and Buzen, "The Operational Analysis
    of Queueing Network Models", *ACM Computing Surveys* 10, 1978. A blocking server's demand holds
    the time its callees work, but none of the time they let it wait: the bound is optimistic.
    """
    idle = _Times(design, lambda name: _component_of(design, name).service_s)
    clients = design.clients
    response = idle.mean(clients.name, Flow(1 - clients.write_fraction, clients.write_fraction))
    return Bounds(design, machine_loads(design), response)


# --- open networks ------------------------------------------------------------------------------


class OpenNetwork(Result):
    """A design as an open network of queues in its steady state.

    Attributes
    ----------
    design : Design
        What it is for.
    rate_rps : float
        Requests per second.
    utilisation : dict of str to float
        Fraction of its servers that each machine uses.
    station_s : dict of str to float
        Mean time a call spends at each machine, waiting and served, seconds; for a blocking
        server the time it holds a thread for its callees is not counted here.
    wait_s : dict of str to float
        The part of it spent waiting.
    edge_rps : dict of (str, str) to float
        Calls per second along each edge.
    response_s : float
        Mean response time of a request, seconds; infinite if a machine on its way is overloaded.
    caveats : tuple of str
        Why this is an approximation; exact when empty.
    """

    design: Design
    rate_rps: float
    utilisation: dict[str, float]
    station_s: dict[str, float]
    wait_s: dict[str, float]
    edge_rps: dict[tuple[str, str], float]
    response_s: float
    caveats: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the network has product form, so that the numbers are exact."""
        return not self.caveats

    @property
    def busiest(self) -> str:
        """Name of the machine with the highest utilisation."""
        return max(self.utilisation, key=self.utilisation.__getitem__)

    @property
    def summary(self) -> dict[str, float | int | str]:
        """Rate, mean response time and the busiest machine."""
        return {
            "rate_rps": self.rate_rps,
            "mean_ms": 1e3 * self.response_s,
            "busiest": self.busiest,
            "busiest_utilisation": self.utilisation[self.busiest],
            "exact": "yes" if self.exact else "no",
        }

    @property
    def reading(self) -> str:
        """The mean response time, in a sentence."""
        busy = f"{self.busiest} at {significant(100 * self.utilisation[self.busiest])} %"
        if np.isinf(self.response_s):
            return f"At {significant(self.rate_rps)} requests/s there is no steady state: {busy}."
        kind = "exactly" if self.exact else "approximately"
        return (
            f"At {significant(self.rate_rps)} requests/s a request takes {kind} "
            f"{duration(self.response_s)} on average; the busiest machine is {busy}."
        )

    def table(self) -> pd.DataFrame:
        """Return one row for each machine."""
        import pandas as pd

        rows = [
            {
                "machine": name,
                "utilisation": self.utilisation[name],
                "mean_wait_ms": 1e3 * self.wait_s[name],
                "mean_at_station_ms": 1e3 * self.station_s[name],
            }
            for name in self.utilisation
        ]
        return pd.DataFrame(rows).set_index("machine")


def theory_design(design: Design, *, rate_rps: float | None = None) -> OpenNetwork:
    """Return a design's steady state as an open network of M/M/c queues.

    Parameters
    ----------
    design : Design
        A valid design.
    rate_rps : float, optional
        Requests per second; the clients' own rate when None.

    Returns
    -------
    OpenNetwork
        Its `caveats` say what keeps it from being exact.

    Raises
    ------
    ValueError
        If the rate is not positive, or None for a closed system.

    Notes
    -----
    Jackson, "Networks of Waiting Lines", *Operations Research* 5, 1957: with Poisson arrivals,
    exponential service and random routing each station behaves like an M/M/c queue of its own.
    Latencies are stations with unlimited servers and do no harm. A blocking server is treated as an
    M/M/c queue whose service includes the response of its callees, which is an approximation.
    """
    if rate_rps is None:
        rate_rps = design.clients.rate_rps
        if rate_rps is None:
            raise ValueError("rate_rps must be given for a closed system, got None")
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    flows = edge_flows(design)
    waits: dict[str, float] = {}
    utilisation: dict[str, float] = {}

    def station(machine: str) -> float:
        """Time at a machine, not counting the callees of one that blocks."""
        component = _component_of(design, machine)
        if machine not in waits:
            into = _inflow(design, flows, component.name)
            calls_rps = rate_rps * _split(component, machine, into).calls
            hold = component.service_s
            if _holds(component) and calls_rps > 0:
                hold += times.mean_below(component.name, into)
            team = component.count if isinstance(component, Workers) else 1
            servers = component.servers * team
            utilisation[machine] = calls_rps * hold / servers if calls_rps > 0 else 0.0
            if utilisation[machine] < 1:
                waits[machine] = float(mmc_wait(calls_rps, hold, servers))
            else:
                waits[machine] = float("inf")
        return waits[machine] + component.service_s

    times = _Times(design, station)
    stations = {
        name: station(name)
        for name, component in machines(design).items()
        if isinstance(component, Served)
    }
    clients = design.clients
    response = times.mean(clients.name, Flow(1 - clients.write_fraction, clients.write_fraction))
    return OpenNetwork(
        design=design,
        rate_rps=rate_rps,
        utilisation={name: utilisation[name] for name in stations},
        station_s=stations,
        wait_s={name: waits[name] for name in stations},
        edge_rps={edge: rate_rps * flow.calls for edge, flow in flows.items()},
        response_s=response,
        caveats=tuple(_caveats(design)),
    )


def _caveats(design: Design) -> list[str]:
    """Say what keeps a design from having product form."""
    found = []
    clients = design.clients
    if clients.users is None and clients.arrivals != "poisson":
        found.append(f"{clients.name}: arrivals are {clients.arrivals}, not Poisson")
    for component in design:
        name = component.name
        if isinstance(component, Caller) and component.timeout_s is not None:
            found.append(f"{name}: a call may time out")
        if isinstance(component, Served):
            if component.distribution != "exponential":
                found.append(f"{name}: service is {component.distribution}, not exponential")
            if component.queue_capacity is not None:
                found.append(f"{name}: a full queue rejects calls")
        if isinstance(component, AppServers) and component.blocking:
            waited_for = [
                edge for edge in design.steps(name) if not isinstance(design[edge.target], Queue)
            ]
            if waited_for:
                found.append(f"{name}: its threads are held while others work")
        if isinstance(component, Workers) and design.callees(name):
            found.append(f"{name}: they are held while others work")
        if isinstance(component, Queue) and component.capacity is not None:
            found.append(f"{name}: a full queue refuses jobs")
        if isinstance(component, LoadBalancer) and component.policy != "random":
            servers = sum(callee.machines for callee in design.callees(name))
            if servers > 1:
                found.append(f"{name}: {component.policy} is not a random split")
    return found


# --- closed networks ----------------------------------------------------------------------------


class ClosedDesign(Result):
    """A design with 1, 2, ..., N users who think, ask and wait.

    Attributes
    ----------
    users : numpy.ndarray of int, shape (N,)
        Populations.
    throughput_rps, response_s : numpy.ndarray, shape (N,)
        Requests per second, and mean response time in seconds, for each population.
    queue : dict of str to numpy.ndarray, shape (N,)
        Mean number of calls at each machine, waiting and served.
    caveats : tuple of str
        Why this is an approximation; exact when empty.
    """

    design: Design
    users: np.ndarray
    throughput_rps: np.ndarray
    response_s: np.ndarray
    queue: dict[str, np.ndarray]
    loads: dict[str, Load]
    caveats: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the network has product form, so that the numbers are exact."""
        return not self.caveats

    @cached_property
    def utilisation(self) -> dict[str, np.ndarray]:
        """Fraction of its servers that each machine uses, for each population, shape (N,)."""
        return {
            name: self.throughput_rps * load.visits * load.service_s / load.servers
            for name, load in self.loads.items()
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        """Throughput and response time with all users."""
        return {
            "users": int(self.users[-1]),
            "throughput_rps": float(self.throughput_rps[-1]),
            "mean_ms": 1e3 * float(self.response_s[-1]),
            "exact": "yes" if self.exact else "no",
        }

    @property
    def reading(self) -> str:
        """Throughput and response time with all users, in a sentence."""
        return (
            f"{self.users[-1]:,} users make {significant(self.throughput_rps[-1])} requests/s and "
            f"wait {duration(self.response_s[-1])} for each on average."
        )


def theory_closed_design(design: Design, *, users: int | None = None) -> ClosedDesign:
    """Return throughput and response time of a closed design for 1..N users.

    Parameters
    ----------
    design : Design
        A valid design.
    users : int, optional
        Largest population; the clients' own when None.

    Returns
    -------
    ClosedDesign
        Its `caveats` say what keeps it from being exact.

    Raises
    ------
    ValueError
        If `users` is below 1, or None for an open system.

    Notes
    -----
    The product form of Gordon and Newell, "Closed Queuing Systems with Exponential Servers",
    *Operations Research* 15, 1967, summed by the convolution of Buzen, "Computational Algorithms
    for Closed Queueing Networks with Exponential Servers", *Communications of the ACM* 16, 1973.
    It gives what exact mean value analysis gives, and stays accurate with many servers at a
    station, where the recursion for marginal probabilities cancels. Logarithms keep large
    populations from overflowing.
    """
    users = design.clients.users if users is None else users
    if users is None:
        raise ValueError("users must be given for an open system, got None")
    n = validation.integer("users", users, at_least=1)
    loads = machine_loads(design)
    flows = edge_flows(design)
    latency = sum(
        component.latency_s * _inflow(design, flows, component.name).calls
        for component in design
        if isinstance(component, CDN | LoadBalancer)
    )
    aside = {c.name for c in design.of(Workers) if _fed_by_queue(design, c)}
    stations = {
        name: _log_weights(load.visits * load.service_s, load.servers, n)
        for name, load in loads.items()
        if load.component not in aside and load.visits > 0
    }
    think = design.clients.think_s
    delay = _log_weights(think + latency, None, n)
    log_g = _convolve([*stations.values(), delay])
    population = np.arange(1, n + 1)
    throughput = np.exp(log_g[:-1] - log_g[1:])
    queue = {}
    for name, own in stations.items():
        others = _convolve([w for other, w in stations.items() if other != name] + [delay])
        with np.errstate(divide="ignore"):
            weighted = own + np.log(np.arange(n + 1))
        queue[name] = np.exp(_convolve([weighted, others])[1:] - log_g[1:])
    caveats = _caveats(design)
    if aside and design.clients.job_fraction > 0:
        caveats.append("jobs go on after the user has been answered")
    return ClosedDesign(
        design=design,
        users=population,
        throughput_rps=throughput,
        response_s=population / throughput - think,
        queue=queue,
        loads={name: loads[name] for name in stations},
        caveats=tuple(caveats),
    )


def _fed_by_queue(design: Design, workers: Component) -> bool:
    return any(isinstance(caller, Queue) for caller in design.callers(workers.name))


def _log_weights(demand_s: float, servers: int | None, n: int) -> np.ndarray:
    """Return the log of a station's factor of the product form with 0..n calls at it."""
    j = np.arange(n + 1)
    if demand_s == 0:
        return np.where(j == 0, 0.0, -np.inf)
    busy = j[1:] if servers is None else np.minimum(j[1:], servers)
    return np.concatenate([[0.0], j[1:] * np.log(demand_s) - np.cumsum(np.log(busy))])


def _convolve(factors: list[np.ndarray]) -> np.ndarray:
    total = factors[0]
    for factor in factors[1:]:
        total = np.array(
            [np.logaddexp.reduce(total[: i + 1] + factor[i::-1]) for i in range(len(total))]
        )
    return total


def binomial_at_least(k: int, n: int, p: float) -> float:
    """Return the probability of at least `k` successes in `n` trials."""
    if p in (0.0, 1.0):
        return float(k <= n * p)
    logs = [
        lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) + j * np.log(p) + (n - j) * np.log1p(-p)
        for j in range(k, n + 1)
    ]
    return float(np.sum(np.exp(logs)))
