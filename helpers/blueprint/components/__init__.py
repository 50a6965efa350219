"""The building blocks: a component is a plain value, its name and its numbers.

It knows nothing of its neighbours; the wiring belongs to the
:class:`~helpers.blueprint.design.Design`. ``a >> b`` means "a calls b".

    >>> path = Clients(rate_rps=200) >> LoadBalancer() >> AppServers(count=3)
    >>> [component.name for component in path.components]
    ['clients', 'balancer', 'app']

Every number is checked when the component is made, and the message names component and field:

    >>> AppServers("shop-app", threads=0)
    Traceback (most recent call last):
    ValueError: AppServers 'shop-app': threads must be a whole number >= 1, got 0
"""

from helpers.blueprint.components.component import Caller, Component, Path, Served
from helpers.blueprint.components.front import CDN, Clients, HealthCheck, LoadBalancer
from helpers.blueprint.components.jobs import Queue, Workers
from helpers.blueprint.components.servers import AppServers, Cache, Database

__all__ = [
    "CDN",
    "AppServers",
    "Cache",
    "Caller",
    "Clients",
    "Component",
    "Database",
    "HealthCheck",
    "LoadBalancer",
    "Path",
    "Queue",
    "Served",
    "Workers",
]
