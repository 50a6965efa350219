"""A design under an open stream of requests, in its steady state: a network of M/M/c queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.blueprint.components import AppServers, Caller, LoadBalancer, Queue, Served, Workers
from helpers.blueprint.design import Design
from helpers.blueprint.graph import machines
from helpers.blueprint.theory.flows import (
    Flow,
    Times,
    component_of,
    edge_flows,
    holds_servers,
    inflow,
    share_of,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mmc_wait


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

    @property
    def columns(self) -> Mapping[str, Any]:
        """One row for each machine."""
        return {
            "machine": list(self.utilisation),
            "utilisation": list(self.utilisation.values()),
            "mean_wait_ms": [1e3 * self.wait_s[name] for name in self.utilisation],
            "mean_at_station_ms": [1e3 * self.station_s[name] for name in self.utilisation],
        }


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
        component = component_of(design, machine)
        if machine not in waits:
            into = inflow(design, flows, component.name)
            calls_rps = rate_rps * share_of(component, machine, into).calls
            hold = component.service_s
            if holds_servers(component) and calls_rps > 0:
                hold += times.mean_below(component.name, into)
            team = component.count if isinstance(component, Workers) else 1
            servers = component.servers * team
            utilisation[machine] = calls_rps * hold / servers if calls_rps > 0 else 0.0
            if utilisation[machine] < 1:
                waits[machine] = float(mmc_wait(calls_rps, hold, servers))
            else:
                waits[machine] = float("inf")
        return waits[machine] + component.service_s

    times = Times(design, station)
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
        caveats=tuple(caveats_of(design)),
    )


def caveats_of(design: Design) -> list[str]:
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
