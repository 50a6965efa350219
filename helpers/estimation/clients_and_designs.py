"""Every client against every design: what each design costs each client in a month."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from helpers import blueprint
from helpers.foundations.year import MONTH_S

#: The questions one can ask, and the answers a client may give; all equally likely.
QUESTIONS: dict[str, dict[str, float]] = {
    "peak load": {"20 requests/s": 20.0, "100 requests/s": 100.0, "300 requests/s": 300.0},
    "reads": {"half are reads": 0.5, "95 % are reads": 0.95},
    "cost of an outage": {"50 USD/h": 50.0, "3,000 USD/h": 3_000.0},
    "where users are": {"one country": 0.0, "all over the world": 1.0},
    "photos kept": {"1 TB": 1.0, "100 TB": 100.0},
    "language": {"Python": 0.0, "Go": 1.0},
}

#: What a month is made of.
ITEMS = ("machines and traffic", "photo storage", "outages", "turned away at peak", "slow pages")

_MONTH_H = MONTH_S / 3_600
_PEAK_H = 60.0  # two hours a day
_PEAK_TO_MEAN = 3.0
_FULL = 0.8  # of its capacity is what a design is good for
_LEAVE = 0.02  # of the visitors, when pages cross an ocean
_PHOTO_TB = 23.0  # USD a month, in a store for objects that no design does without


@dataclass(frozen=True, eq=False)
class World:
    """Every client against every design.

    Attributes
    ----------
    clients : numpy.ndarray of int, shape (clients, questions)
        The position of each client's answer to each question.
    designs : tuple of Design
        What can be built.
    items : numpy.ndarray, shape (items, clients, designs)
        What each design costs each client in a month, USD, item by item.
    """

    clients: np.ndarray
    designs: tuple[blueprint.Design, ...]
    items: np.ndarray

    @property
    def costs(self) -> np.ndarray:
        """Sum over the items, shape (clients, designs)."""
        return self.items.sum(axis=0)

    def choices(self, asked: Collection[str]) -> np.ndarray:
        """Return the design chosen for each client, shape (clients,).

        The one that is cheapest on average over all clients who would have given the same
        answers.
        """
        columns = [i for i, name in enumerate(QUESTIONS) if name in asked]
        known = self.clients[:, columns]
        _, group = np.unique(known, axis=0, return_inverse=True)
        group = group.ravel()
        totals = np.zeros((group.max() + 1, len(self.designs)))
        np.add.at(totals, group, self.costs)
        return totals.argmin(axis=1)[group]

    def regrets(self, asked: Collection[str]) -> np.ndarray:
        """Return what each client pays too much, USD a month, shape (clients,)."""
        rows = np.arange(len(self.clients))
        return self.costs[rows, self.choices(asked)] - self.costs.min(axis=1)


@lru_cache(maxsize=1)
def every_client() -> World:
    """Return the table of all clients and designs; it takes a moment the first time."""
    clients = np.array(list(product(*(range(len(answers)) for answers in QUESTIONS.values()))))
    value = {
        name: np.array(list(answers.values()))[clients[:, i]]
        for i, (name, answers) in enumerate(QUESTIONS.items())
    }
    designs = tuple(_designs())
    items = np.zeros((len(ITEMS), len(clients), len(designs)))
    for reads in QUESTIONS["reads"].values():
        rows = np.flatnonzero(value["reads"] == reads)
        for j, design in enumerate(designs):
            facts = _facts(design, reads)
            peak, hour = value["peak load"][rows], value["cost of an outage"][rows]
            served = np.minimum(_FULL * facts.capacity_rps / peak, 1.0)
            mean = peak / _PEAK_TO_MEAN
            items[0, rows, j] = facts.fixed + facts.per_rps * mean
            items[1, rows, j] = _PHOTO_TB * value["photos kept"][rows]
            items[2, rows, j] = facts.outage_h * hour
            items[3, rows, j] = _PEAK_H * (1 - served) * hour
            far = value["where users are"][rows] * (not facts.near)
            items[4, rows, j] = _LEAVE * _MONTH_H * hour * far
    return World(clients, designs, items)


def _designs() -> list[blueprint.Design]:
    found = []
    for servers, cached, replicas, near in product(
        (1, 2, 3, 4, 6), (False, True), (0, 1, 3), (False, True)
    ):
        clients = blueprint.Clients(rate_rps=1.0, response_kb=5.0)
        path = clients >> blueprint.CDN(availability=0.9999) if near else clients
        path = path >> blueprint.LoadBalancer(count=1 if servers == 1 else 2)
        path = path >> blueprint.AppServers(count=servers, blocking=False)
        if cached:
            path = path >> blueprint.Cache()
        store = blueprint.Database(replicas=replicas, failover_s=30.0 if replicas else None)
        parts = [f"{servers} server{'s' if servers > 1 else ''}"]
        parts += ["cache"] * cached
        parts += [f"{replicas} replica{'s' if replicas > 1 else ''}"] * bool(replicas)
        parts += ["CDN"] * near
        found.append(blueprint.Design(", ".join(parts), path >> store))
    return found


@dataclass(frozen=True)
class _Facts:
    capacity_rps: float
    outage_h: float
    fixed: float
    per_rps: float
    near: bool


def _facts(design: blueprint.Design, reads: float) -> _Facts:
    design = design.replace("clients", write_fraction=1 - reads)
    once, twice = (blueprint.cost(design, rate_rps=rate).monthly for rate in (1.0, 2.0))
    down = 1 - blueprint.availability(design, request="write").system
    return _Facts(
        capacity_rps=blueprint.bounds(design).capacity_rps,
        outage_h=down * _MONTH_H,
        fixed=2 * once - twice,
        per_rps=twice - once,
        near="cdn" in design,
    )
