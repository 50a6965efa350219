"""A content delivery network: when the first byte arrives, and what is left for the origin.

Every request comes on a fresh connection, hits are independent of one another, and the distance
costs what light in glass fibre needs. Where that stops being true: cables are not straight lines,
and a connection that is kept open, or QUIC, saves round trips without any CDN.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval, skewed_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

#: Round trip in glass fibre, seconds a kilometre: light does 200,000 km/s there, both ways.
ROUND_TRIP_S_PER_KM = 1e-5

#: Round trips before the first byte of a fresh connection: TCP, TLS 1.3, the request itself.
ROUND_TRIPS = 3

#: Hit ratios at which theory is drawn.
GRID = np.linspace(0, 1, 21)

_EDGE_KM, _SERVICE_S, _SERVERS = 100.0, 0.02, 4
_REQUESTS, _WARM_UP = 700, 250


class Setting(Parameters):
    """A far origin with four servers of 20 ms, 200 requests/s in all, and a CDN 100 km away."""

    distance_km: float = number(
        8_000.0, "Distance to the origin", unit="km", at_least=0, at_most=20_000
    )
    hit_ratio: float = number(0.8, "Hit ratio", at_least=0, at_most=1)
    rate_rps: float = number(100.0, "Arrival rate", unit="requests/s", above=0, at_most=160)
    replications: int = replications(64)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Cdn:
    """Send requests over fresh connections to a far origin, directly and through a CDN."""
    arrivals, dice, services = _draws(at.replications, at.seed)
    arrivals, services = arrivals / at.rate_rps, _SERVICE_S * services
    far, near = at.distance_km * ROUND_TRIP_S_PER_KM, _EDGE_KM * ROUND_TRIP_S_PER_KM
    hit = dice < at.hit_ratio
    # A request that needs no service leaves the queue as it was for all the others.
    needed = np.where(hit, 0.0, services)
    origin = queueing.fifo_waits(arrivals, needed, _SERVERS) + needed
    ttfb = np.where(hit, ROUND_TRIPS * near, ROUND_TRIPS * near + far + origin)
    direct = ROUND_TRIPS * far + queueing.fifo_waits(arrivals, services, _SERVERS) + services
    ttfb, direct = ttfb[:, _WARM_UP:], direct[:, _WARM_UP:]
    span = arrivals[:, -1] - arrivals[:, _WARM_UP - 1]
    return Cdn(
        at,
        ttfb=skewed_interval(ttfb.mean(axis=1)),
        direct=skewed_interval(direct.mean(axis=1)),
        ttfb_p99_s=float(np.percentile(ttfb, 99)),
        direct_p99_s=float(np.percentile(direct, 99)),
        origin=mean_interval((~hit[:, _WARM_UP:]).sum(axis=1) / span),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw, shape = Draws(seed), (replications, _REQUESTS)
    drawn = (
        np.cumsum(unit_gaps("poisson", shape, draw("arrivals")), axis=1),
        draw("hits").random(shape),
        unit_services("exponential", shape, draw("services")),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Times to first byte in seconds, infinite where the origin is overloaded; its load."""

    direct_s: float
    hit_s: float
    miss_s: float
    mean_s: float
    origin_rps: float


def theory(at: Setting, hit_ratio: float | None = None) -> Theory:
    """Times to first byte and origin load at the setting, or at another hit ratio."""
    ratio = at.hit_ratio if hit_ratio is None else hit_ratio
    return first_byte(distance_km=at.distance_km, hit_ratio=ratio, rate_rps=at.rate_rps)


def first_byte(
    *,
    distance_km: float,
    hit_ratio: float,
    rate_rps: float,
    edge_km: float = _EDGE_KM,
    service_s: float = _SERVICE_S,
    servers: int = _SERVERS,
) -> Theory:
    """Return mean times to first byte, with a CDN and without.

    A new connection costs three round trips: TCP's handshake (RFC 9293), that of TLS 1.3
    (RFC 8446, section 2), the request. They end at the edge; a miss adds one round trip on a
    connection that edge and origin keep open, and the origin's response, an M/M/c queue that gets
    ``(1 - h) rate``: a Poisson stream thinned at random is Poisson.
    """

    def origin_s(load_rps: float) -> float:
        if load_rps * service_s >= servers:
            return math.inf
        return float(queueing.mmc_response(load_rps, service_s, servers))

    origin_rps = (1 - hit_ratio) * rate_rps
    far, near = distance_km * ROUND_TRIP_S_PER_KM, edge_km * ROUND_TRIP_S_PER_KM
    hit_s = ROUND_TRIPS * near
    miss_s = hit_s + far + origin_s(origin_rps)
    return Theory(
        direct_s=ROUND_TRIPS * far + origin_s(rate_rps),
        hit_s=hit_s,
        miss_s=miss_s,
        mean_s=hit_s if hit_ratio == 1 else hit_ratio * hit_s + (1 - hit_ratio) * miss_s,
        origin_rps=origin_rps,
    )


# --- what it says ---------------------------------------------------------------------------------


class Cdn(Result):
    """Times to first byte with a CDN and without, on the same requests.

    Attributes
    ----------
    ttfb, direct : Interval
        Mean time to first byte with the CDN and without, seconds.
    ttfb_p99_s, direct_p99_s : float
        99th percentiles of all replications together, seconds.
    origin : Interval
        Requests per second that reach the origin behind the CDN.
    """

    at: Setting
    ttfb: Interval
    direct: Interval
    ttfb_p99_s: float
    direct_p99_s: float
    origin: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "ttfb_ms": 1e3 * self.ttfb.estimate,
            "theory_ttfb_ms": 1e3 * exact.mean_s,
            "ttfb_p99_ms": 1e3 * self.ttfb_p99_s,
            "direct_ms": 1e3 * self.direct.estimate,
            "theory_direct_ms": 1e3 * exact.direct_s,
            "direct_p99_ms": 1e3 * self.direct_p99_s,
            "origin_rps": self.origin.estimate,
            "theory_origin_rps": exact.origin_rps,
        }

    @property
    def reading(self) -> str:
        tail = significant(self.ttfb_p99_s / self.direct_p99_s, 2)
        compared = "as long as it was" if tail == "1" else f"{tail} times what it was"
        still = "still waits" if self.at.hit_ratio < 0.99 else "waits"
        return (
            f"{significant(self.at.distance_km)} km from the origin the first byte takes "
            f"{duration(self.direct.estimate)} on average without a CDN and "
            f"{duration(self.ttfb.estimate)} with one that answers "
            f"{significant(100 * self.at.hit_ratio)} % (theory: "
            f"{duration(theory(self.at).mean_s)}); the slowest hundredth {still} "
            f"{duration(self.ttfb_p99_s)} or longer, {compared}, and "
            f"{significant(self.origin.estimate)} of {significant(self.at.rate_rps)} requests/s "
            f"reach the origin."
        )


@style.panels(2)
def plot(run: Cdn, axes: tuple[Axes, Axes]) -> None:
    """Draw the time to the first byte, and what is left for the origin, against the hit ratio."""
    ax, origin = axes
    exact = [theory(run.at, h) for h in GRID.tolist()]
    ax.set(
        title="Time to the first byte",
        xlim=(-2, 102),
        ylim=(0, step_up(1.15e3 * run.direct_p99_s, (150, 300, 500, 800, 1_200))),
        xlabel="hit ratio of the CDN (%)",
        ylabel="time to first byte (ms)",
    )
    direct = 1e3 * theory(run.at).direct_s
    ax.plot([-2, 102], [direct] * 2, **(style.THEORY | {"color": style.MUTED}))
    ax.plot(100 * GRID, [1e3 * each.mean_s for each in exact], **style.THEORY)
    x = 100 * run.at.hit_ratio
    here(ax, x)
    error_bars(ax, x, run.ttfb, 1e3, **style.DOTS)
    ax.plot([x], [1e3 * run.ttfb_p99_s], color=style.PURPLE, marker="^", markersize=7)
    ax.plot([x], [1e3 * run.direct_p99_s], color=style.MUTED, marker="^", markersize=7)
    error_bars(ax, x, run.direct, 1e3, **(style.DOTS | {"color": style.MUTED}))
    names = [
        ("●", "mean with the CDN", style.BLUE),
        ("▲", "99th percentile", style.PURPLE),
        ("●▲", "without a CDN", style.MUTED),
        ("--", "theory, means", style.INK),
    ]
    key(ax, names, left=True, y=0.99)
    origin.set(
        title="What is left for the origin",
        xlim=(-2, 102),
        ylim=(0, 170),
        xlabel="hit ratio of the CDN (%)",
        ylabel="requests per second at the origin",
    )
    here(origin, x)
    origin.plot(100 * GRID, [each.origin_rps for each in exact], **style.THEORY)
    error_bars(origin, x, run.origin, **style.DOTS)
    key(origin, [("●", "simulated", style.BLUE), ("--", "(1 − h) × rate", style.INK)])
