"""How often each part of a design is called for one request, and what that demands of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Component,
    Database,
    LoadBalancer,
    Queue,
    Served,
    Workers,
)
from helpers.blueprint.design import JOB, LOOK, STORE, Design, Edge
from helpers.blueprint.graph import machines, topological


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
    aside = [design[edge.target] for edge in steps if edge.role == LOOK]
    miss = 1.0
    for cache in aside:
        assert isinstance(cache, Cache)
        miss = 1 - cache.hit_ratio
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
    idle = Times(design, lambda machine: component_of(design, machine).service_s)
    found = {}
    for machine, component in machines(design).items():
        if isinstance(component, Served):
            into = inflow(design, flows, component.name)
            hold = component.service_s
            if holds_servers(component) and into.calls > 0:
                hold += idle.mean_below(component.name, into)
            team = component.count if isinstance(component, Workers) else 1
            found[machine] = Load(
                machine=machine,
                component=component.name,
                visits=share_of(component, machine, into).calls,
                service_s=component.service_s,
                hold_s=hold,
                servers=component.servers * team,
            )
    return found


def holds_servers(component: Component) -> bool:
    """Say whether a component's servers are held while its callees work."""
    return isinstance(component, Workers) or (
        isinstance(component, AppServers) and component.blocking
    )


def inflow(design: Design, flows: dict[tuple[str, str], Flow], name: str) -> Flow:
    return sum((flows[caller.name, name] for caller in design.callers(name)), Flow())


def stores_every_write(design: Design) -> bool:
    """Return whether every write of the clients reaches a database, if nothing fails."""
    flows = edge_flows(design)
    stored = sum(inflow(design, flows, part.name).writes for part in design.of(Database))
    return stored >= design.clients.write_fraction * (1 - 1e-9)


def share_of(component: Component, machine: str, into: Flow) -> Flow:
    """Return the part of a component's calls that one of its machines gets."""
    if isinstance(component, Database) and component.replicas:
        if machine == component.instances[0]:
            return into.times(0, 1)
        return into.times(1 / component.replicas, 0)
    if isinstance(component, AppServers):
        return into.times(1 / component.count, 1 / component.count)
    return into


class Times:
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


def component_of(design: Design, machine: str) -> Served:
    component, _ = design.instance(machine)
    assert isinstance(component, Served)
    return component
