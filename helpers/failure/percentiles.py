"""Averages lie, and averages of percentiles lie about the tail.

Servers behind one balancer report their own 99th percentile each minute, and a dashboard averages
them. One of the servers is slow. Where that stops being true: if all servers are alike, and each
has seen many requests, the average of their percentiles is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, percent
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import Draws, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, rounded, significant

_REQUESTS = 100_000


class Setting(Parameters):
    """Servers behind a balancer, some of them slow."""

    servers: int = integer(10, "Servers", at_least=2, at_most=50)
    slow: int = integer(1, "Slow ones", at_least=0, at_most=5)
    factor: float = number(10.0, "Slower by", unit="times", at_least=1, at_most=100)
    mean_ms: float = number(50.0, "A request takes", unit="ms", above=0)
    seed: int = seed()

    @property
    def slow_ones(self) -> int:
        """How many are slow: at least one is not."""
        return min(self.slow, self.servers - 1)

    @property
    def means_ms(self) -> np.ndarray:
        """Mean response time of each server."""
        is_slow = np.arange(self.servers) < self.slow_ones
        return np.where(is_slow, self.factor, 1.0) * self.mean_ms


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Percentiles:
    """Send 100,000 requests round robin; times are exponential."""
    each = _REQUESTS // at.servers
    times = Draws(at.seed)("times").exponential(1.0, (at.servers, each)) * at.means_ms[:, None]
    return Percentiles(
        at,
        overall_ms=float(times.mean()),
        averaged_ms=float(np.percentile(times, 99, axis=1).mean()),
        true_ms=float(np.percentile(times, 99)),
        tail=np.sort(times.ravel())[::-1][: times.size // 20].copy(),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean, average of the servers' 99th percentiles, and 99th percentile of all, ms."""

    overall_ms: float
    averaged_ms: float
    true_ms: float


def theory(at: Setting) -> Theory:
    """Percentiles of exponential times, and of their mixture by bisection.

    A server's 99th percentile is ``mean x ln 100``, so their average is the mean of all times ``ln
    100``, whichever of them are slow.
    """
    mean = float(at.means_ms.mean())
    low, high = 0.0, 200 * float(at.means_ms.max())
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(at, middle) > 0.01 else (low, middle)
    return Theory(mean, mean * math.log(100), low)


def beyond(at: Setting, time_ms: Any) -> Any:
    """Return the share of requests that take longer than a time."""
    return np.exp(-np.asarray(time_ms, float)[..., None] / at.means_ms).mean(axis=-1)


# --- what it says ---------------------------------------------------------------------------------


class Percentiles(Result):
    """What dashboards show, in ms; `tail` holds the slowest twentieth of the times, descending."""

    at: Setting
    overall_ms: float
    averaged_ms: float
    true_ms: float
    tail: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "mean_ms": rounded(self.overall_ms),
            "average_of_p99_ms": rounded(self.averaged_ms),
            "average_of_p99_theory_ms": rounded(exact.averaged_ms),
            "p99_of_all_ms": rounded(self.true_ms),
            "p99_of_all_theory_ms": rounded(exact.true_ms),
            "slower_than_the_average_percent": rounded(
                100 * float(beyond(self.at, self.averaged_ms))
            ),
        }

    @property
    def reading(self) -> str:
        at = self.at
        slower = 100 * float(beyond(at, self.averaged_ms))
        who = (
            f"{at.slow_ones} of {counted(at.servers, 'server')} "
            f"{'is' if at.slow_ones == 1 else 'are'} {significant(at.factor)} times slower"
            if at.slow_ones and at.factor > 1
            else f"All {counted(at.servers, 'server')} are alike"
        )
        return (
            f"{who}. The average of their 99th percentiles is "
            f"{duration(1e-3 * self.averaged_ms)}, and one request in a hundred takes longer than "
            f"{duration(1e-3 * self.true_ms)} (theory {duration(1e-3 * theory(at).true_ms)}); "
            f"{significant(slower)} % of the requests take longer than the average says."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "what": ["mean", "average of p99", "p99 of all"],
            "simulated (ms)": [self.overall_ms, self.averaged_ms, self.true_ms],
            "theory (ms)": list(exact),
        }


def plot(run: Percentiles, ax: Axes) -> None:
    """Draw the share of requests that takes longer than a time, and what a dashboard shows."""
    at = run.at
    right = coarse(1.4 * max(run.true_ms, run.averaged_ms))
    ax.set_xlim(0, right)
    log_axis(ax, "y", 1e-3, 1.6, text=percent)
    times = np.linspace(0, right, 200)
    total = _REQUESTS // at.servers * at.servers
    shares = np.arange(1, run.tail.size + 1) / total
    kept = np.unique(np.geomspace(1, run.tail.size, 200).astype(int)) - 1
    ax.plot(run.tail[kept], shares[kept], **style.SIMULATION)
    ax.plot(times, beyond(at, times), **style.THEORY)
    ax.axhline(0.01, color=style.FAINT, linewidth=1)
    exact = theory(at)
    for value, name, color, height in (
        (exact.overall_ms, "mean", style.MUTED, 0.55),
        (exact.averaged_ms, "average of p99", style.VERMILION, 0.2),
        (exact.true_ms, "p99 of all", style.BLUE, 0.07),
    ):
        ax.plot([value, value], [1e-3, height], color=color, linewidth=1.6, linestyle=":")
        style.label(ax, value, height, name, color, xytext=(4, 2))
    ax.set_title("Requests that take longer")
    ax.set_xlabel("time (ms)")
