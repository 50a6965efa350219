"""The system model: written in a few lines, then drawn, bounded, priced, broken and run.

>>> from helpers import blueprint
>>> from helpers.blueprint.catalogue import anatomy
>>> print(blueprint.bounds(anatomy(rate_rps=300)).reading)
First to saturate: app-1, at 446 requests/s; a request takes 47.1 ms on average when nobody waits.

The words that a design is written in, and the questions that it is asked, can be had from here.
All else is in a module named after what it is.

================  ===========================================================================
``components``    clients, CDN, balancer, servers, cache, database, queue, workers
``design``        components, wired
``catalogue``     designs with a name
``checks``        what is wrong with a design, what is unwise in it
``diagram``       a design as text: a Mermaid diagram, a table
``plots``         a design as a picture, and a run of it over time
``theory``        flows, bounds, open and closed networks of queues
``availability``  how often it works
``cost``          what it costs
``traffic``       traffic that comes and goes
``faults``        deaths, slowness, partitions
``simulation``    runs of a design: the rules, and two engines that keep them
``policies``      how a balancer picks a server
``balancing``     the policies alone, at one station: simulated, in the limit, exact
================  ===========================================================================
"""

from helpers.blueprint.availability import availability, single_points
from helpers.blueprint.balancing.chain import exact_balancing
from helpers.blueprint.balancing.limits import theory_balancing
from helpers.blueprint.catalogue import pair
from helpers.blueprint.checks import Finding, validate
from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    HealthCheck,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.blueprint.cost import cost, prices
from helpers.blueprint.design import Design
from helpers.blueprint.diagram import design_table, mermaid
from helpers.blueprint.faults import Fault, kill, partition, recover, slow
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.simulation.result import DesignResult
from helpers.blueprint.simulation.runs import simulate_design
from helpers.blueprint.theory.bounds import bounds
from helpers.blueprint.theory.closed_network import theory_closed_design
from helpers.blueprint.theory.open_network import OpenNetwork, theory_design
from helpers.blueprint.traffic import Traffic, flash_crowd, spike, steady

__all__ = [
    "CDN",
    "POLICIES",
    "AppServers",
    "Cache",
    "Clients",
    "Database",
    "Design",
    "DesignResult",
    "Fault",
    "Finding",
    "HealthCheck",
    "LoadBalancer",
    "OpenNetwork",
    "Queue",
    "Traffic",
    "Workers",
    "availability",
    "bounds",
    "cost",
    "design_table",
    "exact_balancing",
    "flash_crowd",
    "kill",
    "mermaid",
    "pair",
    "partition",
    "prices",
    "recover",
    "simulate_design",
    "single_points",
    "slow",
    "spike",
    "steady",
    "theory_balancing",
    "theory_closed_design",
    "theory_design",
    "validate",
]
