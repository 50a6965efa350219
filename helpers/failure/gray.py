"""A gray failure: the health check says yes, and users say no.

One server of several answers its health check, and fails a share of the real requests at once.
Where that stops being true: a server that hangs instead of failing draws no traffic to itself under
least connections; and a balancer that counts errors would have taken it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, key, ring, shares_axis
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.prose import percent as in_percent

#: How the balancer chooses; utilisations of the curve.
BALANCERS = ("round robin", "fewest in flight")
LOADS = (0.1, 0.3, 0.5, 0.7, 0.85)

_SERVICE_S, _FAILS_S = 0.05, 0.001
_REQUESTS, _SETTLED = 2_400, 400


class Setting(Parameters):
    """Servers behind a balancer, one of them gray."""

    balancer: str = option("round robin", "Balancer", of=BALANCERS)
    utilisation: float = number(0.5, "Busy share of the servers", above=0, at_most=0.9)
    fails: float = number(1.0, "The gray one fails", at_least=0, at_most=1)
    servers: int = integer(10, "Servers", at_least=2, at_most=20)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _play(at: Setting) -> tuple[tuple[int, ...], int, float]:
    """Return requests of each server, how many failed, and their mean time, seconds.

    Server 0 is the gray one. Each server works at as many requests as it has, in turn.
    """
    draw, n = Draws(at.seed), at.servers
    gaps = draw("arrivals").exponential(_SERVICE_S / at.utilisation / n, _REQUESTS)
    services = draw("services").exponential(_SERVICE_S, _REQUESTS).tolist()
    unlucky = (draw("faults").random(_REQUESTS) < at.fails).tolist()
    ties = draw("ties").random(_REQUESTS).tolist()
    flight, free_at = [0] * n, [0.0] * n
    ends: list[tuple[float, int]] = []
    counts, failed, took = [0] * n, 0, 0.0
    fewest, now = at.balancer == "fewest in flight", 0.0
    for i, gap in enumerate(gaps.tolist()):
        now += gap
        while ends and ends[0][0] <= now:
            flight[heappop(ends)[1]] -= 1
        if fewest:
            least = min(flight)
            among = [server for server in range(n) if flight[server] == least]
            chosen = among[int(ties[i] * len(among))]
        else:
            chosen = i % n
        fault = chosen == 0 and unlucky[i]
        end = max(now, free_at[chosen]) + (_FAILS_S if fault else services[i])
        free_at[chosen] = end
        flight[chosen] += 1
        heappush(ends, (end, chosen))
        if i >= _SETTLED:
            counts[chosen] += 1
            failed += fault
            took += end - now
    return tuple(counts), failed, took / (_REQUESTS - _SETTLED)


@takes(Setting)
def simulate(at: Setting) -> Gray:
    """Send 2,000 requests at the chosen utilisation and at five others."""
    counts, failed, took_s = _play(at)
    _, _, well_s = _play(at.but(fails=0.0))
    curve = [_play(at.but(utilisation=load))[1] for load in LOADS]
    total = _REQUESTS - _SETTLED
    return Gray(
        at,
        requests=np.array(counts),
        failed=failed / total,
        mean_s=took_s,
        well_s=well_s,
        curve=np.array(curve) / total,
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float:
    """Return the share of requests that fail under round robin: ``fails / servers``."""
    return at.fails / at.servers


# --- what it says ---------------------------------------------------------------------------------


class Gray(Result):
    """What a gray server does to the others' service.

    Attributes
    ----------
    requests : numpy.ndarray of int, shape (servers,)
        How many each server got; the first is the gray one.
    failed : float
        Share of all requests that failed.
    mean_s, well_s : float
        Mean response time, and what it is without the fault on the same traffic, seconds.
    curve : numpy.ndarray
        Share that failed at each of `LOADS`.
    """

    at: Setting
    requests: np.ndarray
    failed: float
    mean_s: float
    well_s: float
    curve: np.ndarray

    @property
    def share(self) -> float:
        """Share of the requests that the gray server got."""
        return float(self.requests[0] / self.requests.sum())

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "failed_percent": rounded(100 * self.failed),
            "failed_round_robin_theory_percent": rounded(100 * theory(self.at)),
            "requests_of_the_gray_percent": rounded(100 * self.share),
            "mean_ms": rounded(1e3 * self.mean_s),
            "mean_without_fault_ms": rounded(1e3 * self.well_s),
        }

    @property
    def reading(self) -> str:
        at = self.at
        change = (
            "shorter" if self.mean_s < self.well_s else "longer"
            if self.mean_s > self.well_s else "no other"
        )  # fmt: skip
        return (
            f"One of {counted(at.servers, 'server')} answers its health check and fails "
            f"{in_percent(at.fails)} of its requests; with {at.balancer} it gets "
            f"{in_percent(self.share)} of the traffic, and {in_percent(self.failed)} of all "
            f"requests fail ({in_percent(theory(at))} would be its equal share of them). The mean "
            f"response time is {duration(self.mean_s)}, {change} than the "
            f"{duration(self.well_s)} without the fault."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"utilisation": LOADS, "failed": self.curve}


@style.panels(2)
def plot(run: Gray, axes: tuple[Axes, Axes]) -> None:
    """Draw how many requests each server gets, and how many fail at which load."""
    each, curve = axes
    at = run.at
    share = run.requests / run.requests.sum()
    places = np.arange(at.servers)
    bars(each, places[1:], share[1:], facecolor=style.PALE_BLUE)
    bars(each, places[:1], share[:1], facecolor=style.VERMILION)
    each.axhline(1 / at.servers, **style.THEORY)
    each.set_xlim(-0.8, at.servers - 0.2)
    each.set_xticks(places[:: 1 if at.servers <= 10 else 5])
    each.set_ylim(0, 1)
    shares_axis(each)
    key(each, [("■", "the gray server", style.VERMILION), ("╌", "an equal share", style.INK)])
    each.set_title("Requests of each server")
    each.set_xlabel("server")

    curve.plot(LOADS, run.curve, marker="o", markersize=5, **style.SIMULATION)
    curve.axhline(theory(at), **style.THEORY)
    here(curve, at.utilisation)
    ring(curve, at.utilisation, run.failed)
    curve.set_xlim(0, 0.95)
    curve.set_ylim(0, 1)
    shares_axis(curve)
    key(curve, [("╌", "round robin, says theory", style.INK)])
    curve.set_title(f"Requests that fail: {at.balancer}")
    curve.set_xlabel("utilisation")
