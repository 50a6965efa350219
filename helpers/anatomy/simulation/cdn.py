"""Distance and hit ratio: when the first byte arrives, and what is left for the origin."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.anatomy.theory import ROUND_TRIP_S_PER_KM, ROUND_TRIPS, theory_cdn
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

EDGE_KM, SERVICE_MS, SERVERS = 100.0, 20.0, 4

_REQUESTS, _WARM_UP = 700, 250


class CdnResult(Result):
    """Times to first byte with a CDN and without, on the same requests.

    Attributes
    ----------
    distance_km, hit_ratio, rate_rps
        The parameters it was made with.
    ttfb, direct : Interval
        Mean time to first byte with the CDN and without, seconds.
    ttfb_p99_s, direct_p99_s : float
        99th percentiles of all replications together, seconds.
    origin : Interval
        Requests per second that reach the origin behind the CDN.
    grid : numpy.ndarray, shape (k,)
        Hit ratios at which theory is drawn.
    theory_s, theory_origin_rps : numpy.ndarray, shape (k,)
        Theory's mean time to first byte and origin load at them.
    """

    distance_km: float
    hit_ratio: float
    rate_rps: float
    ttfb: Interval
    direct: Interval
    ttfb_p99_s: float
    direct_p99_s: float
    origin: Interval
    grid: np.ndarray
    theory_s: np.ndarray
    theory_origin_rps: np.ndarray

    @property
    def expected(self) -> dict[str, float]:
        """Theory for exactly these parameters."""
        return theory_cdn(
            distance_km=self.distance_km, hit_ratio=self.hit_ratio, rate_rps=self.rate_rps
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "ttfb_ms": 1e3 * self.ttfb.estimate,
            "theory_ttfb_ms": 1e3 * self.expected["mean_s"],
            "ttfb_p99_ms": 1e3 * self.ttfb_p99_s,
            "direct_ms": 1e3 * self.direct.estimate,
            "theory_direct_ms": 1e3 * self.expected["direct_s"],
            "direct_p99_ms": 1e3 * self.direct_p99_s,
            "origin_rps": self.origin.estimate,
            "theory_origin_rps": self.expected["origin_rps"],
        }

    @property
    def reading(self) -> str:
        tail = self.ttfb_p99_s / self.direct_p99_s
        return (
            f"{significant(self.distance_km)} km from the origin the first byte takes "
            f"{duration(self.direct.estimate)} on average without a CDN and "
            f"{duration(self.ttfb.estimate)} with one that answers "
            f"{significant(100 * self.hit_ratio)} % (theory: {duration(self.expected['mean_s'])}); "
            f"the slowest hundredth still waits {duration(self.ttfb_p99_s)} or longer, "
            f"{significant(tail, 2)} times what it was, and "
            f"{significant(self.origin.estimate)} of {significant(self.rate_rps)} requests/s "
            f"reach the origin."
        )


def simulate_cdn(
    *,
    distance_km: float = 8_000.0,
    hit_ratio: float = 0.8,
    rate_rps: float = 100.0,
    replications: int = 16,
    seed: int = 1,
) -> CdnResult:
    """Send requests over fresh connections to a far origin, directly and through a CDN.

    Parameters
    ----------
    distance_km : float
        From the users to the origin along the fibre, kilometres; 0 to 20,000. The CDN's server is
        100 km from the users.
    hit_ratio : float
        Fraction of the requests that the CDN answers, 0 to 1.
    rate_rps : float
        Requests per second, Poisson; the origin's four servers of 20 ms can do 200; at most 160.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of arrivals, hits and services; >= 0.

    Returns
    -------
    CdnResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    distance_km = validation.number(
        "distance_km", distance_km, at_least=0, at_most=20_000, unit="km"
    )
    hit_ratio = validation.number("hit_ratio", hit_ratio, at_least=0, at_most=1)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=160, unit="requests/s")
    replications = validation.integer("replications", replications, at_least=2)
    arrivals, dice, services = _draws(replications, seed)
    arrivals, services = arrivals / rate_rps, 1e-3 * SERVICE_MS * services
    far, near = distance_km * ROUND_TRIP_S_PER_KM, EDGE_KM * ROUND_TRIP_S_PER_KM

    hit = dice < hit_ratio
    # A request that needs no service leaves the queue as it was for all the others.
    needed = np.where(hit, 0.0, services)
    origin = fifo_waits(arrivals, needed, SERVERS) + needed
    ttfb = np.where(hit, ROUND_TRIPS * near, ROUND_TRIPS * near + far + origin)
    direct = ROUND_TRIPS * far + fifo_waits(arrivals, services, SERVERS) + services
    ttfb, direct = ttfb[:, _WARM_UP:], direct[:, _WARM_UP:]
    span = arrivals[:, -1] - arrivals[:, _WARM_UP - 1]
    grid = np.linspace(0, 1, 21)
    theory = [theory_cdn(distance_km=distance_km, hit_ratio=h, rate_rps=rate_rps) for h in grid]
    return CdnResult(
        distance_km=distance_km,
        hit_ratio=hit_ratio,
        rate_rps=rate_rps,
        ttfb=mean_interval(ttfb.mean(axis=1)),
        direct=mean_interval(direct.mean(axis=1)),
        ttfb_p99_s=float(np.percentile(ttfb, 99)),
        direct_p99_s=float(np.percentile(direct, 99)),
        origin=mean_interval((~hit[:, _WARM_UP:]).sum(axis=1) / span),
        grid=grid,
        theory_s=np.array([t["mean_s"] for t in theory]),
        theory_origin_rps=np.array([t["origin_rps"] for t in theory]),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "hits", "services")
    shape = (replications, _REQUESTS)
    drawn = (
        np.cumsum(unit_gaps("poisson", shape, rng["arrivals"]), axis=1),
        rng["hits"].random(shape),
        unit_services("exponential", shape, rng["services"]),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn
