"""What a design costs in a month, from one dated table of prices (``prices.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from helpers.blueprint.components import CDN, LoadBalancer, Queue
from helpers.blueprint.design import Design
from helpers.blueprint.theory.bounds import bounds
from helpers.blueprint.theory.flows import edge_flows
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.year import MONTH_S


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    component: str
    what: str
    quantity: float
    unit: str
    unit_price: float

    @property
    def monthly(self) -> float:
        """Price of the whole quantity."""
        return self.quantity * self.unit_price


class Cost(Result):
    """A month's bill.

    Attributes
    ----------
    design : Design
        What it is for.
    rate_rps : float
        Mean rate of requests it was made out for.
    lines : tuple of Line
        Its lines.
    currency, date : str
        From the price table.
    """

    design: Design
    rate_rps: float
    lines: tuple[Line, ...]
    currency: str
    date: str

    @property
    def monthly(self) -> float:
        """The total."""
        return sum(line.monthly for line in self.lines)

    @property
    def by_component(self) -> dict[str, float]:
        """The total for each component."""
        found: dict[str, float] = {}
        for line in self.lines:
            found[line.component] = found.get(line.component, 0.0) + line.monthly
        return found

    @property
    def summary(self) -> dict[str, float | int | str]:
        """The total, and what a million requests cost."""
        millions = self.rate_rps * MONTH_S / 1e6
        return {
            f"monthly_{self.currency.lower()}": self.monthly,
            f"{self.currency.lower()}_per_million_requests": self.monthly / millions,
            "prices_of": self.date,
        }

    @property
    def reading(self) -> str:
        """The total and its largest part, in a sentence."""
        parts = self.by_component
        largest = max(parts, key=parts.__getitem__)
        return (
            f"{self.design.name} costs {significant(self.monthly)} {self.currency} a month at "
            f"{significant(self.rate_rps)} requests/s, {significant(parts[largest])} of it for "
            f"{largest} (illustrative prices of {self.date})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        """The bill, one row a line."""
        return {
            "component": [line.component for line in self.lines],
            "what": [line.what for line in self.lines],
            "quantity": [line.quantity for line in self.lines],
            "unit": [line.unit for line in self.lines],
            f"{self.currency} each": [line.unit_price for line in self.lines],
            f"{self.currency} a month": [line.monthly for line in self.lines],
        }


@lru_cache(maxsize=1)
def prices() -> Mapping[str, Any]:
    """Return the table of prices that comes with the course."""
    return tomllib.loads(files("helpers.blueprint").joinpath("prices.toml").read_text("utf-8"))


def cost(
    design: Design, *, rate_rps: float | None = None, table: Mapping[str, Any] | None = None
) -> Cost:
    """Return a month's bill.

    Parameters
    ----------
    design : Design
        A valid design.
    rate_rps : float, optional
        Mean rate of requests; when None the clients' own, and for a closed system the largest
        that its users can make.
    table : mapping, optional
        Prices in the form of ``prices.toml``; those when None.

    Returns
    -------
    Cost

    Raises
    ------
    ValueError
        If the table lacks a price.
    """
    clients = design.clients
    if rate_rps is None:
        rate_rps = clients.rate_rps
    if rate_rps is None:
        rate_rps = float(bounds(design).throughput_rps(clients.users or 1, clients.think_s))
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    table = prices() if table is None else table
    flows = edge_flows(design)
    millions = rate_rps * MONTH_S / 1e6
    lines = []
    for component in design:
        calls = sum(flows[c.name, component.name].calls for c in design.callers(component.name))
        if component.kind in table:
            price = _price(table, component.kind, component.size)
            what = f"{component.size} machine"
            lines.append(Line(component.name, what, component.machines, "machines", price))
        if isinstance(component, CDN | LoadBalancer | Queue):
            price = _price(table, "requests", component.kind)
            lines.append(Line(component.name, "requests", calls * millions, "millions", price))
    way = "through_cdn" if design.of(CDN) else "direct"
    gigabytes = clients.response_kb * 1e3 * rate_rps * MONTH_S / 1e9
    price = _price(table, "traffic", way)
    lines.append(Line(clients.name, f"traffic, {way.replace('_', ' ')}", gigabytes, "GB", price))
    return Cost(design, rate_rps, tuple(lines), str(table["currency"]), str(table["date"]))


def _price(table: Mapping[str, Any], section: str, name: str) -> float:
    try:
        return float(table[section][name])
    except KeyError:
        raise ValueError(f"the table of prices has no entry {section!r}, {name!r}") from None
