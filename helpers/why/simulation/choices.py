"""Every design that a handful of decisions allows, held against what is required."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from helpers.blueprint import (
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    LoadBalancer,
    availability,
    cost,
    theory_design,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd

#: What can be decided, and the options: servers, balancers, read replicas, a cache or none.
SERVERS = (1, 2, 3, 4, 6, 8)
BALANCERS = (1, 2)
REPLICAS = (0, 1)
CACHES = (False, True)

_REFERENCE_RPS = 100.0


def build(
    servers: int, balancers: int, replicas: int, cache: bool, rate_rps: float = 100.0
) -> Design:
    """Return the design that four decisions make.

    Parameters
    ----------
    servers, balancers, replicas : int
        How many of each; >= 1, >= 1, >= 0.
    cache : bool
        Whether a cache stands beside the database.
    rate_rps : float
        Requests per second; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    clients = Clients(rate_rps=rate_rps, write_fraction=0.1, response_kb=10.0)
    app, db = AppServers(count=servers), Database(replicas=replicas, failover_s=30.0)
    aside = [app >> Cache()] if cache else []
    return Design("choice", clients >> LoadBalancer(count=balancers) >> app, *aside, app >> db)


class ChoicesResult(Result):
    """All designs, what each would be like, and which meet the requirements.

    Attributes
    ----------
    rate_rps, response_ms, outage_min
        The parameters it was made with.
    decisions : list of tuple
        Servers, balancers, replicas and cache of each design.
    cost_usd, response_s, outage_s : numpy.ndarray, shape (designs,)
        Price of a month, mean response time (infinite if overloaded), and expected outage in a
        year, seconds.
    """

    rate_rps: float
    response_ms: float
    outage_min: float
    decisions: list[tuple[int, int, int, bool]]
    cost_usd: np.ndarray
    response_s: np.ndarray
    outage_s: np.ndarray

    @property
    def fast(self) -> np.ndarray:
        """Which designs answer quickly enough, shape (designs,)."""
        return self.response_s <= self.response_ms * 1e-3

    @property
    def good(self) -> np.ndarray:
        """Which designs meet both requirements, shape (designs,)."""
        return self.fast & (self.outage_s <= 60 * self.outage_min)

    @property
    def cheapest(self) -> int | None:
        """Index of the cheapest design that meets them, or None."""
        fitting = np.flatnonzero(self.good)
        return int(fitting[self.cost_usd[fitting].argmin()]) if fitting.size else None

    @property
    def unbeaten(self) -> np.ndarray:
        """Which designs no other is at least as good as in all three respects, (designs,)."""
        points = np.column_stack([self.cost_usd, self.response_s, self.outage_s])
        no_worse = (points[:, np.newaxis] <= points).all(axis=2)
        better = (points[:, np.newaxis] < points).any(axis=2)
        return np.isfinite(self.response_s) & ~(no_worse & better).any(axis=0)

    def describe(self, index: int) -> str:
        """Return a design's decisions in words."""
        servers, balancers, replicas, cache = self.decisions[index]

        def count(number: int, noun: str) -> str:
            return f"{number} {noun}" + ("s" if number != 1 else "")

        parts = [count(servers, "server"), count(balancers, "balancer"), count(replicas, "replica")]
        return ", ".join(parts) + (", a cache" if cache else ", no cache")

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "designs": len(self.decisions),
            "meet_all": int(self.good.sum()),
            "meet_all_percent": 100 * float(self.good.mean()),
            "unbeaten": int(self.unbeaten.sum()),
        }
        if self.cheapest is not None:
            found["cheapest"] = self.describe(self.cheapest)
            found["cheapest_usd_a_month"] = float(self.cost_usd[self.cheapest])
        return found

    @property
    def reading(self) -> str:
        chance = significant(100 * float(self.good.mean()), 2)
        first = (
            f"{int(self.good.sum())} of {len(self.decisions)} designs meet both requirements: "
            f"whoever decides by accident has a chance of {chance} %."
        )
        if self.cheapest is None:
            return f"{first} No choice does: change the requirements or the options."
        at = self.cheapest
        return (
            f"{first} The cheapest of them costs {significant(float(self.cost_usd[at]))} USD a "
            f"month ({self.describe(at)}): {duration(float(self.response_s[at]))} a request, "
            f"{duration(float(self.outage_s[at]))} of outage a year. None is best at everything; "
            f"{int(self.unbeaten.sum())} are beaten by no other."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "design": [self.describe(i) for i in range(len(self.decisions))],
                "USD a month": self.cost_usd,
                "response (ms)": 1e3 * self.response_s,
                "outage (min a year)": self.outage_s / 60,
                "meets both": self.good,
                "unbeaten": self.unbeaten,
            }
        ).set_index("design")


def simulate_choices(
    *, rate_rps: float = 200.0, response_ms: float = 120.0, outage_min: float = 60.0
) -> ChoicesResult:
    """Work out all 48 designs that four decisions allow.

    Parameters
    ----------
    rate_rps : float
        Requests per second; > 0.
    response_ms : float
        Largest mean response time allowed, milliseconds; > 0.
    outage_min : float
        Largest expected outage in a year allowed, minutes; > 0.

    Returns
    -------
    ChoicesResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Response by the blueprint's open network of queues, an approximation where servers block;
    outage of reads from the components' availability; the blueprint's illustrative prices.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    response_ms = validation.number("response_ms", response_ms, above=0, unit="ms")
    outage_min = validation.number("outage_min", outage_min, above=0, unit="min")
    decisions = list(product(SERVERS, BALANCERS, REPLICAS, CACHES))
    base, per_rps, outage_s = _fixed()
    responses = _responses(rate_rps)
    return ChoicesResult(
        rate_rps=rate_rps,
        response_ms=response_ms,
        outage_min=outage_min,
        decisions=decisions,
        cost_usd=base + per_rps * rate_rps,
        # The number of balancers does not change the response.
        response_s=np.array([responses[s, r, c] for s, _, r, c in decisions]),
        outage_s=outage_s,
    )


@lru_cache(maxsize=1)
def _fixed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price at no traffic, price per request a second, and outage, for all designs."""
    rows = []
    for decision in product(SERVERS, BALANCERS, REPLICAS, CACHES):
        design = build(*decision)
        one, two = (cost(design, rate_rps=k * _REFERENCE_RPS).monthly for k in (1, 2))
        down = availability(design).downtime_s
        rows.append((2 * one - two, (two - one) / _REFERENCE_RPS, down))
    base, slope, outage_s = np.array(rows).T
    return base, slope, outage_s


@lru_cache(maxsize=64)
def _responses(rate_rps: float) -> dict[tuple[int, int, bool], float]:
    return {
        (s, r, c): theory_design(build(s, 1, r, c), rate_rps=rate_rps).response_s
        for s, r, c in product(SERVERS, REPLICAS, CACHES)
    }
