"""Splitting by feature against splitting by row: latency, and where each ends."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.sharding.simulation.traffic import (
    finite_or,
    poisson_arrivals,
    queue_on_shards,
    unit_draws,
)
from helpers.sharding.theory.vertical import theory_vertical, theory_vertical_ceiling

_SERVICE_S = 0.005  # one server does 200 requests per second
_REQUESTS = 6_000
_PARTS = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.88])
_CURVE = np.linspace(0.02, 0.985, 60)

#: Designs that are compared.
DESIGNS = ("one server", "by feature", "by row")


class VerticalResult(Result):
    """Latency of three designs by the rate they are offered, and what each can carry.

    Attributes
    ----------
    features : int
        Number of features, and of servers in the two split designs.
    shares : numpy.ndarray, shape (features,)
        Fraction of the requests of each feature, largest first.
    rate_rps : float
        The rate of the summary.
    ceilings_rps : dict of str to float
        Rate at which each design saturates.
    rates_rps, mean_s : dict of str to numpy.ndarray, shape (m,)
        Simulated points of each design.
    curve_rps, theory_s : dict of str to numpy.ndarray, shape (k,)
        Mean response time by theory.
    now_s : dict of str to float
        Theoretical mean response time at `rate_rps`; infinite beyond a design's ceiling.
    servers : numpy.ndarray of int, shape (s,)
        1, 2, ..., 16 servers.
    speedup_by_feature, bound_by_feature : numpy.ndarray, shape (s,)
        Capacity in multiples of one server when whole features are packed on the servers, largest
        first, and its bound ``min(servers, 1 / max share)``.
    """

    features: int
    shares: np.ndarray
    rate_rps: float
    ceilings_rps: dict[str, float]
    rates_rps: dict[str, np.ndarray]
    mean_s: dict[str, np.ndarray]
    curve_rps: dict[str, np.ndarray]
    theory_s: dict[str, np.ndarray]
    now_s: dict[str, float]
    servers: np.ndarray
    speedup_by_feature: np.ndarray
    bound_by_feature: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "ceiling_one_server_rps": self.ceilings_rps["one server"],
            "ceiling_by_feature_rps": self.ceilings_rps["by feature"],
            "ceiling_by_row_rps": self.ceilings_rps["by row"],
            "by_feature_mean_ms": finite_or(1e3 * self.now_s["by feature"], "without end"),
            "by_row_mean_ms": finite_or(1e3 * self.now_s["by row"], "without end"),
        }

    @property
    def reading(self) -> str:
        def at(design: str) -> str:
            value = self.now_s[design]
            return duration(value) if np.isfinite(value) else "without end"

        return (
            f"With {self.features} servers, splitting by feature saturates at "
            f"{significant(self.ceilings_rps['by feature'])} requests/s because the largest "
            f"feature is {significant(100 * self.shares[0])} % of the work, splitting by row at "
            f"{significant(self.ceilings_rps['by row'])}; at {significant(self.rate_rps)} "
            f"requests/s a request takes {at('by feature')} by feature and {at('by row')} by row."
        )

    def table(self):
        import pandas as pd

        return pd.concat(
            pd.DataFrame(
                {
                    "design": name,
                    "rate_rps": self.rates_rps[name],
                    "mean_ms": 1e3 * self.mean_s[name],
                }
            )
            for name in DESIGNS
        ).set_index("design")


def simulate_vertical(
    *,
    features: int = 4,
    largest_share: float = 0.5,
    rate_rps: float = 300.0,
    seed: int = 1,
) -> VerticalResult:
    """Give each feature a server, or deal rows out to as many servers, and queue requests there.

    Parameters
    ----------
    features : int
        Number of features; 2 to 8. The largest has `largest_share` of the requests, and the
        others share the rest in the ratio 1 : 1/2 : 1/3 and so on.
    largest_share : float
        At least what makes it the largest, at most 0.95; see Raises.
    rate_rps : float
        Requests per second in the summary; > 0.
    seed : int
        Seed of the traffic.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range; `largest_share` must not be less
        than what another feature gets.
    """
    features = validation.integer("features", features, at_least=2, at_most=8)
    largest = validation.number("largest_share", largest_share, above=0, at_most=0.95)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    seed = validation.integer("seed", seed, at_least=0)
    rest = 1 / np.arange(1, features)
    shares = np.concatenate(([largest], (1 - largest) * rest / rest.sum()))
    if shares.argmax() != 0:
        least = 1 / (1 + rest.sum())
        raise ValueError(
            f"largest_share must be a finite number >= {least:.3g} with {features} features, "
            f"got {largest:g}"
        )
    parts = {
        "one server": (1.0,),
        "by feature": tuple(shares.tolist()),
        "by row": (1 / features,) * features,
    }
    ceilings = {name: theory_vertical_ceiling(p) / _SERVICE_S for name, p in parts.items()}
    rates = {name: ceilings[name] * _PARTS for name in DESIGNS}
    curves = {name: ceilings[name] * _CURVE for name in DESIGNS}
    servers = np.arange(1, 17)
    return VerticalResult(
        features=features,
        shares=shares,
        rate_rps=rate_rps,
        ceilings_rps=ceilings,
        rates_rps=rates,
        mean_s={
            name: np.array([_mean_response(r, parts[name], seed) for r in rates[name].tolist()])
            for name in DESIGNS
        },
        curve_rps=curves,
        theory_s={n: theory_vertical(curves[n], parts[n], _SERVICE_S) for n in DESIGNS},
        now_s={
            n: float(theory_vertical(np.array([rate_rps]), parts[n], _SERVICE_S)[0])
            for n in DESIGNS
        },
        servers=servers,
        speedup_by_feature=np.array([1 / _pack(shares, int(n)) for n in servers]),
        bound_by_feature=np.array([theory_vertical_ceiling(shares, int(n)) for n in servers]),
    )


@lru_cache(maxsize=64)  # at each step of a slider, two of the three designs stay as they are
def _mean_response(rate_rps: float, shares: tuple[float, ...], seed: int) -> float:
    arrivals = poisson_arrivals(rate_rps, 0.95 * _REQUESTS / rate_rps, _REQUESTS, seed)
    count = len(arrivals)
    cumulative = np.cumsum(shares)
    cumulative[-1] = 1.0
    server = np.searchsorted(
        cumulative, unit_draws(seed, "features", "uniform", _REQUESTS)[:count], side="right"
    )
    services = _SERVICE_S * unit_draws(seed, "services", "exponential", _REQUESTS)[:count]
    responses, _, _ = queue_on_shards(arrivals, services, server, len(shares))
    return float(responses[count // 20 :].mean())


def _pack(shares: np.ndarray, servers: int) -> float:
    """Put each feature, the largest first, on the emptiest server; return the fullest's load."""
    loads = [0.0] * servers
    for share in shares.tolist():
        loads[loads.index(min(loads))] += share
    return max(loads)
