"""A design with a fixed number of users: a closed network of queues."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from helpers.blueprint.components import CDN, Component, LoadBalancer, Queue, Workers
from helpers.blueprint.design import Design
from helpers.blueprint.theory.flows import Load, edge_flows, inflow, machine_loads
from helpers.blueprint.theory.open_network import caveats_of
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant


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
        component.latency_s * inflow(design, flows, component.name).calls
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
    caveats = caveats_of(design)
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
