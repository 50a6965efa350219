"""What a design's graph says about the loss of one machine."""

from __future__ import annotations

import math

import numpy as np

from helpers.blueprint import Clients, Database, Design, LoadBalancer
from helpers.blueprint.availability import answered
from helpers.blueprint.components import AppServers, Component


def theory_failure_modes(design: Design, machine: str, *, at_s: float, until_s: float) -> float:
    """Return the share of requests lost while a machine is dead, from the graph alone.

    Parameters
    ----------
    design : Design
        A valid design without caches.
    machine : str
        Name of an instance, such as ``"app-1"``, or of a component.
    at_s, until_s : float
        When it dies and when it is back, seconds.

    Returns
    -------
    float
        Share of the requests sent in that time.

    Raises
    ------
    ValueError
        If the design has no such machine.

    Notes
    -----
    Without a spare, every kind of request dies that needs the component. One of n servers behind
    a balancer loses its n-th part until the health check has failed often enough, then nothing.
    What the graph does not know: time. A machine that says nothing, instead of refusing, holds
    those who wait for it.
    """
    component, _ = design.instance(machine)
    spares = component.machines - getattr(component, "needed", 1)
    if isinstance(component, AppServers) and spares > 0:
        share = _noticed_s(design, component, at_s, until_s) / (until_s - at_s)
        return share / component.machines
    gone = {kind: not _works(design, component, machine, kind) for kind in ("read", "write")}
    job_gone = not _works(design, component, machine, "job") and not gone["write"]
    clients = design.clients
    lost = 0.0
    for kind, share in (("read", 1 - clients.write_fraction), ("write", clients.write_fraction)):
        lost += share * (gone[kind] or clients.job_fraction * job_gone)
    return lost


def _works(design: Design, component: Component, machine: str, kind: str) -> bool:
    up = {c.name: np.array([True]) for c in design if not isinstance(c, Clients)}
    if isinstance(component, Database) and component.replicas:
        # Reads live on the replicas, writes on the primary.
        primary = machine == component.instances[0]
        up[component.name] = np.array([kind == "read" or not primary])
    else:
        up[component.name] = np.array([False])
    return bool(answered(design, kind, up)[0])


def _noticed_s(design: Design, component: Component, at_s: float, until_s: float) -> float:
    """Seconds until a balancer takes a dead server out of rotation."""
    for caller in design.callers(component.name):
        if isinstance(caller, LoadBalancer) and caller.health_check is not None:
            check = caller.health_check
            # A check at the very moment of the fault already sees it.
            first = math.ceil(at_s / check.interval_s * (1 - 1e-12)) * check.interval_s
            noticed = first + (check.threshold - 1) * check.interval_s
            return min(noticed, until_s) - at_s
    return until_s - at_s
