"""The reference system: written in a few lines, then drawn, bounded, priced, broken and run.

>>> from helpers import blueprint
>>> shop = blueprint.anatomy(rate_rps=300)
>>> print(blueprint.bounds(shop).reading)
First to saturate: app-1, at 446 requests/s; a request takes 47.1 ms on average when nobody waits.
"""

from helpers.blueprint.availability import Availability, availability, single_points
from helpers.blueprint.balancing import (
    BalancingResult,
    exact_balancing,
    simulate_balancing,
    simulate_balancing_progressively,
    theory_balancing,
)
from helpers.blueprint.catalogue import anatomy, cache_aside, chain, horizontal, pair, single
from helpers.blueprint.checks import Finding, validate
from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Component,
    Database,
    HealthCheck,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.blueprint.cost import Cost, cost, prices
from helpers.blueprint.design import Design, Edge
from helpers.blueprint.diagram import design_table, mermaid
from helpers.blueprint.plots import plot_design, plot_outcomes, plot_queues
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.simulation import (
    DesignResult,
    simulate_design,
    simulate_design_progressively,
)
from helpers.blueprint.theory import (
    Bounds,
    ClosedDesign,
    OpenNetwork,
    bounds,
    edge_flows,
    machine_loads,
    theory_closed_design,
    theory_design,
)
from helpers.blueprint.traces import (
    Fault,
    Traffic,
    diurnal,
    flash_crowd,
    kill,
    partition,
    recover,
    slow,
    spike,
    steady,
)

__all__ = [
    "CDN",
    "POLICIES",
    "AppServers",
    "Availability",
    "BalancingResult",
    "Bounds",
    "Cache",
    "Clients",
    "ClosedDesign",
    "Component",
    "Cost",
    "Database",
    "Design",
    "DesignResult",
    "Edge",
    "Fault",
    "Finding",
    "HealthCheck",
    "LoadBalancer",
    "OpenNetwork",
    "Queue",
    "Traffic",
    "Workers",
    "anatomy",
    "availability",
    "bounds",
    "cache_aside",
    "chain",
    "cost",
    "design_table",
    "diurnal",
    "edge_flows",
    "exact_balancing",
    "flash_crowd",
    "horizontal",
    "kill",
    "machine_loads",
    "mermaid",
    "pair",
    "partition",
    "plot_design",
    "plot_outcomes",
    "plot_queues",
    "prices",
    "recover",
    "simulate_balancing",
    "simulate_balancing_progressively",
    "simulate_design",
    "simulate_design_progressively",
    "single",
    "single_points",
    "slow",
    "spike",
    "steady",
    "theory_balancing",
    "theory_closed_design",
    "theory_design",
    "validate",
]
