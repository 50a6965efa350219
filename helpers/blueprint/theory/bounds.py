"""The bottleneck of a design, and what no run of it can beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.blueprint.design import Design
from helpers.blueprint.theory.flows import Flow, Load, Times, component_of, machine_loads
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant


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

    @property
    def columns(self) -> Mapping[str, Any]:
        """One row for each machine, the bottleneck first."""
        loads = sorted(self.loads.values(), key=lambda load: load.capacity_rps)
        return {
            "machine": [load.machine for load in loads],
            "visits": [load.visits for load in loads],
            "hold_ms": [1e3 * load.hold_s for load in loads],
            "servers": [load.servers for load in loads],
            "demand_ms": [1e3 * load.demand_s for load in loads],
            "capacity_rps": [load.capacity_rps for load in loads],
        }

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
    idle = Times(design, lambda name: component_of(design, name).service_s)
    clients = design.clients
    response = idle.mean(clients.name, Flow(1 - clients.write_fraction, clients.write_fraction))
    return Bounds(design, machine_loads(design), response)
