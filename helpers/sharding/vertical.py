"""Splitting by feature against splitting by row: latency, and where each ends.

The same number of servers is spent in three ways. Where that stops being true: an operation that
touches two features spans two databases, and has lost its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, time_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import duration, finite_or, significant
from helpers.foundations.queueing import mm1_response
from helpers.sharding.shard_queues import poisson_arrivals, queue_on_shards, unit_draws

#: Mean service time: one server does 200 requests per second.
SERVICE_S = 0.005

#: Parts of a design's ceiling at which it is simulated, and numbers of servers to pack features on.
PARTS = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.88])
SERVERS = np.arange(1, 17)

#: Designs that are compared.
DESIGNS = ("one server", "by feature", "by row")

_REQUESTS = 6_000
_CURVE = np.linspace(0.02, 0.985, 60)
_COLORS = dict(zip(DESIGNS, (style.MUTED, style.VERMILION, style.BLUE), strict=True))
_MARKERS = dict(zip(DESIGNS, ("s", "D", "o"), strict=True))


class Setting(Parameters):
    """A server for each feature, or rows dealt out to as many servers.

    The largest feature has its share of the requests, and the others share the rest in the ratio
    1 : 1/2 : 1/3 and so on; it must not be less than what another feature gets.
    """

    features: int = integer(4, "Features, and servers", at_least=2, at_most=8)
    largest_share: float = number(0.6, "Largest feature", above=0, at_most=0.95)
    rate_rps: float = number(300.0, "Requests", unit="requests/s", above=0)
    seed: int = seed()

    def agree(self) -> None:
        if self.shares.argmax() != 0:
            least = 1 / (1 + (1 / np.arange(1, self.features)).sum())
            raise ValueError(
                f"largest_share must be a finite number >= {least:.3g} with {self.features} "
                f"features, got {self.largest_share:g}"
            )

    @property
    def shares(self) -> np.ndarray:
        """Fraction of the requests of each feature, shape (features,)."""
        rest = 1 / np.arange(1, self.features)
        return np.concatenate(([self.largest_share], (1 - self.largest_share) * rest / rest.sum()))

    def parts(self, design: str) -> tuple[float, ...]:
        """Fraction of the requests of each server of a design."""
        if design == "one server":
            return (1.0,)
        if design == "by row":
            return (1 / self.features,) * self.features
        return tuple(self.shares.tolist())

    def rates_rps(self, design: str) -> np.ndarray:
        """Rates at which a design is simulated: :data:`PARTS` of what saturates it."""
        return PARTS / (max(self.parts(design)) * SERVICE_S)


@takes(Setting)
def simulate(at: Setting) -> Vertical:
    """Queue requests on the servers of each design, and pack whole features on few servers."""
    means = {
        design: [_mean_response(rate, at.parts(design), at.seed) for rate in rates]
        for design, rates in ((d, at.rates_rps(d).tolist()) for d in DESIGNS)
    }
    return Vertical(
        at,
        mean_s={design: np.array(mean) for design, mean in means.items()},
        speedup=np.array([1 / _pack(at.shares, n) for n in SERVERS.tolist()]),
    )


@lru_cache(maxsize=64)  # at each step of a slider, two of the three designs stay as they are
def _mean_response(rate_rps: float, shares: tuple[float, ...], seed: int) -> float:
    arrivals = poisson_arrivals(rate_rps, 0.95 * _REQUESTS / rate_rps, _REQUESTS, seed)
    count = len(arrivals)
    cumulative = np.cumsum(shares)
    cumulative[-1] = 1.0
    uniform = unit_draws(seed, "features", "uniform", _REQUESTS)[:count]
    server = np.searchsorted(cumulative, uniform, side="right")
    services = SERVICE_S * unit_draws(seed, "services", "exponential", _REQUESTS)[:count]
    responses, _, _ = queue_on_shards(arrivals, services, server, len(shares))
    return float(responses[count // 20 :].mean())


def _pack(shares: np.ndarray, servers: int) -> float:
    """Put each feature, the largest first, on the emptiest server; return the fullest's load."""
    loads = [0.0] * servers
    for share in shares.tolist():
        loads[loads.index(min(loads))] += share
    return max(loads)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, design: str, rate_rps: Any = None) -> np.ndarray:
    """Mean response time of a design at the setting's rate, or at others, seconds.

    A mix of M/M/1 queues, each seen by its share of the requests: ``sum f_i S / (1 - X f_i S)``;
    infinite where the busiest server is overloaded.
    """
    return mean_response(at.rate_rps if rate_rps is None else rate_rps, at.parts(design), SERVICE_S)


def mean_response(rate_rps: npt.ArrayLike, parts: Sequence[float], service_s: float) -> np.ndarray:
    """Mean response time when each part of the requests has a server of its own, seconds."""
    rates = np.asarray(rate_rps, dtype=float)
    response = np.full(rates.shape, np.inf)
    carried = rates < ceiling(parts) / service_s
    if carried.any():
        response[carried] = sum(
            part * mm1_response(rates[carried] * part, service_s) for part in parts
        )
    return response


def ceiling(parts: Sequence[float], servers: int | None = None) -> float:
    """Most that splitting by feature can carry, in multiples of what one server can.

    ``min(servers, 1 / max share)``, with as many servers as there are features if nothing is said;
    reached when there is a server for each. It is the bottleneck law, ``X <= 1 / D_max`` (Denning
    and Buzen, "The operational analysis of queueing network models", *Computing Surveys* 10(3),
    1978): a server that does f of the work of every request is busy first.
    """
    return min(float(len(parts) if servers is None else servers), 1 / max(parts))


def ceiling_rps(at: Setting, design: str) -> float:
    """Rate at which a design saturates."""
    return ceiling(at.parts(design)) / SERVICE_S


# --- what it says ---------------------------------------------------------------------------------


class Vertical(Result):
    """Response times of three designs, and what packing features on servers brings.

    Attributes
    ----------
    mean_s : mapping of str to numpy.ndarray, shape (6,)
        Mean response time of each design at ``at.rates_rps(design)``.
    speedup : numpy.ndarray, shape (16,)
        Capacity in multiples of one server when whole features are packed on :data:`SERVERS`,
        largest first.
    """

    at: Setting
    mean_s: Mapping[str, np.ndarray]
    speedup: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        feature_ms, row_ms = (1e3 * float(theory(self.at, d)) for d in ("by feature", "by row"))
        return {
            "ceiling_one_server_rps": ceiling_rps(self.at, "one server"),
            "ceiling_by_feature_rps": ceiling_rps(self.at, "by feature"),
            "ceiling_by_row_rps": ceiling_rps(self.at, "by row"),
            "by_feature_mean_ms": finite_or(feature_ms, "without end"),
            "by_row_mean_ms": finite_or(row_ms, "without end"),
        }

    @property
    def reading(self) -> str:
        times = {d: float(theory(self.at, d)) for d in ("by feature", "by row")}
        takes = {d: f"takes {duration(t)}" for d, t in times.items() if np.isfinite(t)}
        feature, row = (takes.get(d, "waits without end") for d in times)
        if feature.split()[0] == row.split()[0]:
            row = row.partition(" ")[2]
        return (
            f"With {self.at.features} servers, splitting by feature saturates at "
            f"{significant(ceiling_rps(self.at, 'by feature'))} requests/s because the largest "
            f"feature is {significant(100 * self.at.shares[0])} % of the work, splitting by row at "
            f"{significant(ceiling_rps(self.at, 'by row'))}; at {significant(self.at.rate_rps)} "
            f"requests/s a request {feature} by feature and {row} by row."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "design": np.repeat(DESIGNS, len(PARTS)),
            "requests/s": np.concatenate([self.at.rates_rps(design) for design in DESIGNS]),
            "mean (ms)": 1e3 * np.concatenate([self.mean_s[design] for design in DESIGNS]),
        }


@style.panels(2)
def plot(run: Vertical, axes: tuple[Axes, Axes]) -> None:
    """Draw latency by rate for three designs, and capacity by the number of servers."""
    latency, capacity = axes
    ceilings = {design: ceiling_rps(run.at, design) for design in DESIGNS}
    for design, most in ceilings.items():
        rates, color = most * _CURVE, _COLORS[design]
        latency.plot(rates, theory(run.at, design, rates), **style.THEORY)
        points: dict[str, Any] = {"linestyle": "none", "marker": _MARKERS[design], "color": color}
        latency.plot(run.at.rates_rps(design), run.mean_s[design], **points)
        latency.axvline(most, color=color, linewidth=1)
        beside: dict[str, Any] = {
            "rotation": 90,
            "ha": "left",
            "va": "top",
            "fontsize": 9,
            "color": color,
        }
        # Two designs may end close to each other, so their names stand at different heights.
        latency.text(most * 1.02, 0.15 if design == "by feature" else 0.93, design, **beside)
    here(latency, run.at.rate_rps)
    latency.set_xlim(0, step_up(1.08 * max(ceilings.values()), (900.0, 1_800.0)))
    latency.set_xlabel("requests per second")
    time_axis(latency, "y", 3e-3, 1.0)
    latency.set_ylabel("mean response time")
    latency.set_title("Three ways to spend the servers")

    bound = np.array([ceiling(run.at.parts("by feature"), n) for n in SERVERS.tolist()])
    capacity.plot(SERVERS, SERVERS, color=style.BLUE, linewidth=2)
    capacity.plot(SERVERS, bound, **style.THEORY)
    capacity.plot(SERVERS, run.speedup, linestyle="none", marker="D", color=style.VERMILION)
    style.label(capacity, 9, 9, "by row", style.BLUE, xytext=(-6, 8), ha="right")
    named = (16, bound[-1], "by feature ◆, bound - -", style.VERMILION)
    style.label(capacity, *named, xytext=(-2, 11), ha="right")
    capacity.set_xlim(0.5, 16.5)
    capacity.set_ylim(0, 16.5)
    capacity.set_xticks([1, 4, 8, 12, 16])
    capacity.set_xlabel("servers bought")
    capacity.set_ylabel("load carried, in servers' worth")
    capacity.set_title("Where each ends")
