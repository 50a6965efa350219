"""Every design that a handful of decisions allows, held against what is required.

Response times are averages in a steady state, approximate where servers block; availabilities and
prices are illustrative. Where that stops being true: real requirements have tails, growth and
people in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes

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
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, note
from helpers.foundations.experiment import Parameters, Result, number, takes
from helpers.foundations.prose import counted, duration, significant

#: What can be decided, and the options: servers, balancers, read replicas, a cache or none.
SERVERS = (1, 2, 3, 4, 6, 8)
BALANCERS = (1, 2)
REPLICAS = (0, 1)
CACHES = (False, True)
DECISIONS = tuple(product(SERVERS, BALANCERS, REPLICAS, CACHES))

_REFERENCE_RPS = 100.0


class Setting(Parameters):
    """The traffic, and what is required."""

    rate_rps: float = number(200.0, "Traffic", unit="requests/s", above=0)
    response_ms: float = number(120.0, "Mean answer within", unit="ms", above=0)
    outage_min: float = number(60.0, "Outage allowed", unit="min a year", above=0)


# --- the model ------------------------------------------------------------------------------------


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
    """
    clients = Clients(rate_rps=rate_rps, write_fraction=0.1, response_kb=10.0)
    app, db = AppServers(count=servers), Database(replicas=replicas, failover_s=30.0)
    aside = [app >> Cache()] if cache else []
    return Design("choice", clients >> LoadBalancer(count=balancers) >> app, *aside, app >> db)


@takes(Setting)
def simulate(at: Setting) -> Choices:
    """Price, bound and judge all 48 designs by the blueprint."""
    base, per_rps, outage_s = _fixed()
    responses = _responses(at.rate_rps)
    return Choices(
        at,
        cost_usd=base + per_rps * at.rate_rps,
        # The number of balancers does not change the response.
        response_s=np.array([responses[s, r, c] for s, _, r, c in DECISIONS]),
        outage_s=outage_s,
    )


@lru_cache(maxsize=1)
def _fixed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price at no traffic, price per request a second, and outage, for all designs."""
    rows = []
    for decision in DECISIONS:
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


# --- what it says ---------------------------------------------------------------------------------


class Choices(Result):
    """What each of :data:`DECISIONS` would be like; arrays of shape (48,).

    Attributes
    ----------
    cost_usd, response_s, outage_s : numpy.ndarray
        Price of a month, mean response time (infinite if overloaded), and expected outage of reads
        in a year, seconds.
    """

    at: Setting
    cost_usd: np.ndarray
    response_s: np.ndarray
    outage_s: np.ndarray

    @property
    def fast(self) -> np.ndarray:
        """Which designs answer quickly enough."""
        return np.asarray(self.response_s <= self.at.response_ms * 1e-3)

    @property
    def good(self) -> np.ndarray:
        """Which designs meet both requirements."""
        return self.fast & (self.outage_s <= 60 * self.at.outage_min)

    @property
    def cheapest(self) -> int | None:
        """Index of the cheapest design that meets them, or None."""
        fitting = np.flatnonzero(self.good)
        return int(fitting[self.cost_usd[fitting].argmin()]) if fitting.size else None

    @property
    def unbeaten(self) -> np.ndarray:
        """Which designs no other is at least as good as in all three respects."""
        points = np.column_stack([self.cost_usd, self.response_s, self.outage_s])
        no_worse = (points[:, np.newaxis] <= points).all(axis=2)
        better = (points[:, np.newaxis] < points).any(axis=2)
        return np.asarray(np.isfinite(self.response_s) & ~(no_worse & better).any(axis=0))

    def describe(self, index: int) -> str:
        """Return a design's decisions in words."""
        servers, balancers, replicas, cache = DECISIONS[index]
        parts = (
            counted(servers, "server"),
            counted(balancers, "balancer"),
            counted(replicas, "replica"),
            "a cache" if cache else "no cache",
        )
        return ", ".join(parts)

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "designs": len(DECISIONS),
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
        good, unbeaten = int(self.good.sum()), int(self.unbeaten.sum())
        meet = "meets" if good == 1 else "meet"
        chance = significant(100 * float(self.good.mean()), 2)
        first = (
            f"{good} of {len(DECISIONS)} designs {meet} both requirements: whoever decides by "
            f"accident has a chance of {chance} %."
        )
        if self.cheapest is None:
            return f"{first} No choice does: change the requirements or the options."
        at = self.cheapest
        it_costs = "It costs" if good == 1 else "The cheapest of them costs"
        return (
            f"{first} {it_costs} {significant(float(self.cost_usd[at]))} USD a "
            f"month ({self.describe(at)}): {duration(float(self.response_s[at]))} a request, "
            f"{duration(float(self.outage_s[at]))} of outage a year. None is best at everything; "
            f"{unbeaten} {'is' if unbeaten == 1 else 'are'} beaten by no other."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "design": [self.describe(i) for i in range(len(DECISIONS))],
            "USD a month": self.cost_usd,
            "response (ms)": 1e3 * self.response_s,
            "outage (min a year)": self.outage_s / 60,
            "meets both": self.good,
            "unbeaten": self.unbeaten,
        }


def plot(run: Choices, ax: Axes) -> None:
    """Draw every design by what it costs and how long it is out, and which meet the demands."""
    ax.set_title("48 designs, and what is required")
    ax.set_xlim(500, 3_600)
    ax.set_xlabel("USD a month")
    ax.set_ylabel("expected outage (minutes a year)")
    log_axis(ax, "y", 0.4, 5_000)
    ax.axhspan(0.4, run.at.outage_min, color=style.GREEN, alpha=0.1, linewidth=0)
    ax.axhline(run.at.outage_min, color=style.GREEN, linewidth=1.2, linestyle=(0, (4, 2)))
    outage = run.outage_s / 60
    good, fast = run.good, run.fast
    groups = (
        (~fast, style.MUTED, "x", "✕ too slow"),
        (fast & ~good, style.ORANGE, "s", "■ fast enough, but out too long"),
        (good, style.GREEN, "o", "● meets both"),
    )
    for i, (these, shade, mark, name) in enumerate(groups):
        ax.plot(
            run.cost_usd[these], outage[these], color=shade, marker=mark, linestyle="none",
            markersize=7 if mark != "x" else 5,
        )  # fmt: skip
        note(ax, 0.02, 0.64 - 0.065 * i, name, shade if mark != "s" else style.ORANGE_INK)
    if run.cheapest is not None:
        x, y = float(run.cost_usd[run.cheapest]), float(outage[run.cheapest])
        ax.plot(
            [x], [y], marker="o", markersize=14, markerfacecolor="none", markeredgewidth=2,
            color=style.INK,
        )  # fmt: skip
        style.label(ax, x, y, "cheapest", style.INK, ha="center", xytext=(0, 15))
