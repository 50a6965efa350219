"""Which class plays which kind of component."""

from __future__ import annotations

from helpers.blueprint import components as kinds
from helpers.blueprint.simulation.simpy_engine.calls import Node
from helpers.blueprint.simulation.simpy_engine.front import CDN, Balancer, Clients
from helpers.blueprint.simulation.simpy_engine.jobs import Queue, Workers
from helpers.blueprint.simulation.simpy_engine.servers import AppServers, Cache, Database

#: The class that plays each kind of component.
PARTS: dict[type[kinds.Component], type[Node]] = {
    kinds.Clients: Clients,
    kinds.CDN: CDN,
    kinds.LoadBalancer: Balancer,
    kinds.AppServers: AppServers,
    kinds.Cache: Cache,
    kinds.Database: Database,
    kinds.Queue: Queue,
    kinds.Workers: Workers,
}
