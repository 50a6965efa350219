"""One product, from one machine to two continents: which number forces which step.

A news feed with a fixed habit: thirty requests a user and day, and two and a half times the mean in
the busiest hour. Each version is the one before with one thing added. Where that stops being true:
code and people grow as well, and a version takes weeks during which the users do not wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.blueprint import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, log_axis, named_axis, short, yours
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    flag,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, finite_or, significant

#: A user's requests a day.
ACTIONS = 30
#: The busiest hour over the mean.
PEAK = 2.5

#: How much of its capacity a system may use, and how many requests a second one cell is built for.
BUSY, CELL_RPS = 0.7, 300.0

#: A round trip to another continent, and within one, seconds, and how many a first request takes.
#: Dean, keynote at LADIS 2009: California to the Netherlands and back, 150 ms.
FAR_S, NEAR_S, TRIPS = 0.150, 0.020, 3

VERSIONS = (
    "v0 one machine", "v1 four servers", "v2 a cache", "v3 spares", "v4 a queue",
    "v5 twelve servers", "v6 cells", "v7 two coasts",
)  # fmt: skip


class Setting(Parameters):
    """How many users, what they were promised, and what is running."""

    users: float = number(20_000.0, "Daily users", at_least=1_000, at_most=3e7)
    version: str = option(VERSIONS[0], "Running", of=VERSIONS)
    promised: float = number(99.0, "Up, promised", unit="%", at_least=90, below=100)
    within_ms: float = number(600.0, "p99, promised", unit="ms", above=0)
    overseas: bool = flag(False, "Users overseas")
    seed: int = seed()

    @property
    def rate_rps(self) -> float:
        """Requests per second in the busiest hour."""
        return PEAK * ACTIONS * self.users / 86_400


# --- the model: what the page shows, and a learner changes ----------------------------------------


def built(version, rate_rps):
    """Return one version of the product; each adds one thing to the one before."""
    step = VERSIONS.index(version)
    servers = 1 if step == 0 else 4 if step < 5 else 12
    clients = Clients(rate_rps=rate_rps, write_fraction=0.05, job_fraction=0.05, response_kb=60)
    app = AppServers(count=servers, service_s=0.04)
    spare = {"replicas": 1, "failover_s": 5.0} if step >= 3 else {}
    db = Database(service_s=0.025, **spare)
    workers = Workers(count=8, service_s=0.25)
    front = clients >> CDN(hit_ratio=0.3, availability=0.9999) if step >= 5 else clients
    if step >= 1:
        front = front >> LoadBalancer(count=2 if step >= 3 else 1, retries=1)
    paths = [front >> app >> db]
    if step >= 2:
        paths.append(app >> Cache(hit_ratio=0.85))
    paths.append(app >> Queue() >> workers if step >= 4 else app >> workers)
    return Design(version, *paths)


def cells_of(at):
    """Return how many copies of the system run beside each other."""
    return max(1, math.ceil(at.rate_rps / CELL_RPS)) if VERSIONS.index(at.version) >= 6 else 1


def limits(at):
    """Return how many daily users each version may carry, by what its busiest part can do."""
    users = []
    for version in VERSIONS[:6]:
        capacity = blueprint.bounds(built(version, 1.0)).capacity_rps
        users.append(0.7 * capacity * 86_400 / PEAK / ACTIONS)
    return {"users": users}


@takes(Setting)
def simulate(at: Setting) -> Growth:
    """Run one cell of the version in the busiest hour; 3,000 requests."""
    cells = cells_of(at)
    design = built(at.version, at.rate_rps / cells)
    up = blueprint.availability(design, request="write").system
    usd = blueprint.cost(design, rate_rps=at.rate_rps / cells / PEAK).monthly
    p99_s = _p99_s(at.version, at.rate_rps / cells, at.seed)
    return Growth(at, cells=cells, server_s=p99_s, up=up, monthly_usd=cells * usd)


@lru_cache(maxsize=256)
def _p99_s(version: str, rate_rps: float, seed: int) -> float:
    """Return the 99th percentile of 3,000 requests; infinite if the queues only grow.

    They only grow if the answers of the second half take half as long again as those of the first,
    and on average longer than a second.
    """
    design = built(version, rate_rps)
    run = blueprint.simulate_design(design, duration_s=3_000 / rate_rps, seed=seed)
    took, sent = run.done_s - run.sent_s, run.sent_s
    late = sent > 1_500 / rate_rps
    waits = [float(np.mean(np.where(np.isnan(took), 3_000 / rate_rps - sent, took)[half]))
             for half in (~late, late)]  # fmt: skip
    if blueprint.bounds(design).capacity_rps < rate_rps or waits[1] > max(1.0, 1.5 * waits[0]):
        return math.inf
    return float(np.percentile(run.response_s, 99))


# --- theory ---------------------------------------------------------------------------------------


class Carries(NamedTuple):
    """What a version can carry: requests a second, and daily users."""

    rps: float
    users: float


@lru_cache(maxsize=16)
def theory(version: str) -> Carries:
    """Return what a version can carry at :data:`BUSY`, by the utilisation law; cells add up.

    Denning and Buzen, "The Operational Analysis of Queueing Network Models", *ACM Computing
    Surveys* 10, 1978.
    """
    if VERSIONS.index(version) >= 6:
        return Carries(math.inf, math.inf)
    rps = float(BUSY * blueprint.bounds(built(version, 1.0)).capacity_rps)
    return Carries(rps, rps * 86_400 / PEAK / ACTIONS)


# --- what it says ---------------------------------------------------------------------------------


class Growth(Result):
    """What a version comes to.

    Attributes
    ----------
    at : Setting
    cells : int
        Copies that run beside each other.
    server_s : float
        The 99th percentile at the servers, seconds; infinite where queues only grow.
    up : float
        Share of the time in which a write is answered.
    monthly_usd : float
        The bill.
    """

    at: Setting
    cells: int
    server_s: float
    up: float
    monthly_usd: float

    @property
    def way_s(self) -> float:
        """What the way there and back adds to a first request."""
        far = self.at.overseas and VERSIONS.index(self.at.version) < 7
        return TRIPS * (FAR_S if far else NEAR_S)

    @property
    def p99_s(self) -> float:
        """What a user sees, seconds."""
        return self.server_s + self.way_s

    @property
    def forced(self) -> list[str]:
        """The numbers that force a further step, each with what was promised."""
        at, said = self.at, []
        carries = theory(at.version)
        if at.users > carries.users:
            said.append(
                f"{significant(at.rate_rps)} requests/s of {significant(carries.rps)} that it may "
                "carry"
            )
        if 100 * self.up < at.promised:
            said.append(
                f"up {significant(100 * self.up, 4)} % of {significant(at.promised, 4)} % promised"
            )
        if self.p99_s > at.within_ms / 1e3:
            took = duration(self.p99_s) if math.isfinite(self.p99_s) else "without end"
            said.append(f"p99 {took} of {duration(at.within_ms / 1e3)} promised")
        return said

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rate_rps": self.at.rate_rps,
            "carries_rps": finite_or(theory(self.at.version).rps, "any"),
            "cells": self.cells,
            "p99_ms": finite_or(1e3 * self.p99_s, "grows without end"),
            "up_percent": 100 * self.up,
            "monthly_usd": self.monthly_usd,
            "usd_per_1000_users": 1e3 * self.monthly_usd / self.at.users,
            "forced_by": "; ".join(self.forced) or "nothing",
        }

    @property
    def reading(self) -> str:
        at = self.at
        beside = f" in {counted(self.cells, 'cell')}" if VERSIONS.index(at.version) >= 6 else ""
        said = (
            f"{significant(at.users)} users send {significant(at.rate_rps)} requests/s in the "
            f"busiest hour. “{at.version}”{beside} costs {significant(self.monthly_usd)} US$ a "
            f"month, {significant(1e3 * self.monthly_usd / at.users)} for a thousand users. "
        )
        if not self.forced:
            return said + "It keeps what was promised: nothing forces the next step."
        return said + f"Not enough: {'; '.join(self.forced)}."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "version": list(VERSIONS),
            "may carry (requests/s)": [theory(one).rps for one in VERSIONS],
            "daily users": [theory(one).users for one in VERSIONS],
            "up (%)": [
                100 * blueprint.availability(built(one, 1.0), request="write").system
                for one in VERSIONS
            ],
        }


@style.panels(2, width_ratios=(1.4, 1))
def plot(run: Growth, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what each version may carry, and what the running one comes to."""
    left, right = axes
    at = run.at
    places = np.arange(len(VERSIONS))[::-1]
    ends = np.minimum([theory(one).users for one in VERSIONS], 1e8)
    now = VERSIONS.index(at.version)
    others = np.arange(len(VERSIONS)) != now
    log_axis(left, "x", 1e3, 1e8, text=short)
    bars(left, places[others], ends[others] - 1e3, 0.6, start=1e3, along="x",
         facecolor=style.PALE_BLUE)  # fmt: skip
    bars(left, places[[now]], ends[[now]] - 1e3, 0.6, start=1e3, along="x", facecolor=style.BLUE)
    here(left, at.users)
    named_axis(left, "y", VERSIONS, places)
    left.set(ylim=(-0.6, len(VERSIONS) - 0.4), xlabel="daily users it may carry")
    left.set_title("How far each version goes")
    shares = {
        "load": at.rate_rps / theory(at.version).rps,
        "p99": min(1e3 * run.p99_s / at.within_ms, 2.0),
        "down": (1 - run.up) / (1 - at.promised / 100),
    }
    lengths = np.minimum(list(shares.values()), 2.0)
    rows = np.arange(len(shares))[::-1]
    for color, chosen in ((style.BLUE, lengths <= 1), (style.VERMILION, lengths > 1)):
        if chosen.any():
            bars(right, rows[chosen], lengths[chosen], 0.5, along="x", facecolor=color)
    right.axvline(1.0, color=style.INK, linewidth=1.2)
    right.set(xlim=(0, 2), ylim=(-0.6, 2.6), xlabel="times what was promised")
    named_axis(right, "y", list(shares), rows)
    right.set_title("What runs")
    if mine is not None:
        own = [min(float(each), 1e8) for each in np.ravel(mine["users"])]
        yours(left, own, places[: len(own)])
