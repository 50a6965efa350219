"""Each learner's own numbers for the chapter's lab; the tests of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers import blueprint
from helpers.blueprint import Design
from helpers.blueprint.theory.flows import stores_every_write
from helpers.foundations import students


@dataclass(frozen=True)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    users, actions_per_day, peak_factor : float
        Users a day, requests of each, and load at the peak over the mean.
    writes_per_day, record_bytes, years, copies
        What is stored: records a day, bytes each, how many years, in how many copies.
    guesses : dict of str to float
        For each guess of an estimate, the factor x/÷ within which it is right.
    slo_percent, machine_percent : float
        Availability promised, and that of one machine, per cent.
    needed : int
        Application servers that the load needs.
    prices : dict of str to float
        Price of a balancer, a server and a database node, USD a month.
    demands_s : dict of str to float
        Server time that a request needs at each component, seconds.
    servers : dict of str to int
        Servers of each component.
    target_rps : float
        Throughput that the components are to reach together.
    design_rps : float
        Peak load that the last task's design must carry, requests per second.
    budget_usd : float
        What it may cost a month at that load.
    """

    student_id: str
    users: float
    actions_per_day: float
    peak_factor: float
    writes_per_day: float
    record_bytes: float
    years: int
    copies: int
    guesses: dict[str, float]
    slo_percent: float
    machine_percent: float
    needed: int
    prices: dict[str, float]
    demands_s: dict[str, float]
    servers: dict[str, int]
    target_rps: float
    design_rps: float
    budget_usd: float


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab05"))
    design_rps = float(rng.integers(9, 19) * 10)
    demands_s = {
        "app": float(rng.integers(20, 61)) / 1e3,
        "cache": float(rng.integers(1, 4)) / 1e3,
        "db": float(rng.integers(8, 31)) / 1e3,
        "search": float(rng.integers(10, 41)) / 1e3,
    }
    servers = {part: int(rng.integers(1, 5)) for part in demands_s}
    ceiling = min(servers[part] / demand for part, demand in demands_s.items())
    return LabParameters(
        student_id=name,
        users=float(rng.integers(2, 41) * 1e6),
        actions_per_day=float(rng.integers(5, 41)),
        peak_factor=float(rng.integers(4, 13) / 2),
        writes_per_day=float(rng.integers(20, 200) * 1e6),
        record_bytes=float(rng.integers(8, 60) * 10),
        years=int(rng.integers(3, 11)),
        copies=int(rng.integers(2, 4)),
        guesses={
            guess: float(rng.choice([1.2, 1.5, 2.0, 3.0]))
            for guess in ("users", "actions", "peak factor", "capacity of a server")
        },
        slo_percent=float(rng.choice([99.9, 99.95, 99.99])),
        machine_percent=float(rng.choice([99.0, 99.3, 99.5])),
        needed=int(rng.integers(2, 7)),
        prices={
            "balancer": float(rng.integers(15, 31)),
            "server": float(rng.integers(80, 161)),
            "node": float(rng.integers(200, 401)),
        },
        demands_s=demands_s,
        servers=servers,
        target_rps=round(ceiling * float(rng.uniform(3.0, 6.0))),
        design_rps=design_rps,
        budget_usd=float(np.ceil(1.2 * _cheapest(design_rps) / 10) * 10),
    )


def design_faults(design: Design, rate_rps: float, budget_usd: float) -> list[str]:
    """Return what is wrong with an answer to the lab's last task; nothing if it will do.

    Parameters
    ----------
    design : Design
        The answer; its clients' rate and share of writes are overwritten.
    rate_rps : float
        Peak load, requests per second.
    budget_usd : float
        What it may cost a month at that load.

    Returns
    -------
    list of str
        One line for each requirement that is not met.
    """
    if not isinstance(design, Design):
        return [f"it must be a Design, got {type(design).__name__}"]
    try:
        loaded = design.replace(
            design.clients.name, rate_rps=rate_rps, users=None, write_fraction=0.2
        )
    except ValueError as error:
        return [str(error)]
    findings = blueprint.validate(loaded)
    if errors := [str(finding) for finding in findings if finding.severity == "error"]:
        return errors
    faults = [str(f) for f in findings if f.rule == "single point of failure"]
    if not loaded.of(blueprint.Database):
        faults.append("it keeps its data nowhere: there is no database")
    elif not stores_every_write(loaded):
        faults.append("it loses data: not every write reaches a database")
    capacity = blueprint.bounds(loaded).capacity_rps
    if capacity < 1.25 * rate_rps:
        faults.append(f"it saturates at {capacity:.0f} requests/s, needed are {1.25 * rate_rps:g}")
    up = blueprint.availability(loaded, request="write").system
    if up < 0.9999:
        faults.append(f"writes are answered {100 * up:.4f} % of the time, promised are 99.99 %")
    price = blueprint.cost(loaded).monthly
    if price > budget_usd:
        faults.append(f"it costs {price:.0f} USD a month, allowed are {budget_usd:g}")
    return faults


@lru_cache
def _cheapest(rate_rps: float) -> float:
    """Cheapest of the plain designs that meet the last task's requirements."""
    prices = []
    for servers in range(2, 9):
        for replicas in (1, 2):
            design = Design(
                "plain",
                blueprint.Clients(rate_rps=rate_rps, write_fraction=0.2)
                >> blueprint.LoadBalancer(count=2)
                >> blueprint.AppServers(count=servers)
                >> blueprint.Database(replicas=replicas, failover_s=30.0),
            )
            if not design_faults(design, rate_rps, float("inf")):
                prices.append(blueprint.cost(design).monthly)
    return min(prices)
