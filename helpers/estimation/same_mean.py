"""Services that all report the same mean response time, and are nothing alike.

Response times are lognormal: their logarithms are normal, with a spread of your choice. Where that
stops being true: real tails have shoulders (a retry, a garbage collection) that no smooth family
has. What Markov's inequality forbids holds for every distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, percent, ring
from helpers.foundations.experiment import Draws, Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, quantile_interval

_REQUESTS = 10_000
_POINTS = (50, 90, 95, 99, 99.9)
_NORMAL = NormalDist()


class Setting(Parameters):
    """A service with a given mean, and a promise."""

    mean_ms: float = number(100.0, "Mean response time", unit="ms", above=0)
    spread: float = number(
        1.0,
        "Spread of the logarithm",
        at_least=0.05,
        at_most=4,
        note="Its standard deviation; near 0 all requests are alike.",
    )
    target_ms: float = number(300.0, "Target", unit="ms", above=0)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> SameMean:
    """Draw ten thousand response times; all spreads use the same draws."""
    times = 1e-3 * at.mean_ms * np.exp(at.spread * _normals(at.seed) - at.spread**2 / 2)
    return SameMean(at, times, quantile_interval(times, 0.99))


@lru_cache(maxsize=8)
def _normals(seed: int) -> np.ndarray:
    draws = np.sort(Draws(seed)("response times").standard_normal(_REQUESTS))
    draws.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What a lognormal response time with the given mean looks like; times in seconds.

    ``p99_limit_s`` is the largest 99th percentile that *any* distribution with this mean can have.
    """

    median_s: float
    p99_s: float
    faster_than_mean: float
    late: float
    p99_limit_s: float


def theory(at: Setting) -> Theory:
    """Percentiles of the lognormal, and what Markov's inequality allows.

    With ``mu = ln(mean) - sigma² / 2`` the q-quantile is ``exp(mu + sigma z_q)`` and the share
    below the mean is ``Phi(sigma / 2)``. Markov: ``P(R >= x) <= mean / x``, so a p99 cannot exceed
    100 means. Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* vol. 1, 1994,
    chapter 14; Feller, *An Introduction to Probability Theory* vol. 2, 1971.
    """
    mean_s = 1e-3 * at.mean_ms
    mu = math.log(mean_s) - at.spread**2 / 2
    return Theory(
        median_s=math.exp(mu),
        p99_s=math.exp(mu + at.spread * _NORMAL.inv_cdf(0.99)),
        faster_than_mean=_NORMAL.cdf(at.spread / 2),
        late=float(slower_share(at, [1e-3 * at.target_ms])[0]),
        p99_limit_s=100 * mean_s,
    )


def slower_share(at: Setting, times_s: npt.ArrayLike) -> np.ndarray:
    """Return the share of requests slower than each time in seconds, by theory."""
    mu = math.log(1e-3 * at.mean_ms) - at.spread**2 / 2
    times = np.asarray(times_s, dtype=float).tolist()
    return np.array([_NORMAL.cdf((mu - math.log(t)) / at.spread) for t in times])


# --- what it says ---------------------------------------------------------------------------------


class SameMean(Result):
    """Ten thousand response times in ascending order, seconds, and their 99th percentile."""

    at: Setting
    times_s: np.ndarray
    p99: Interval

    @property
    def late(self) -> float:
        """Share of the requests slower than the target."""
        return float(np.mean(self.times_s > 1e-3 * self.at.target_ms))

    @property
    def faster_than_mean(self) -> float:
        """Share of the requests answered sooner than the mean."""
        return float(np.mean(self.times_s < 1e-3 * self.at.mean_ms))

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "mean_ms": 1e3 * float(self.times_s.mean()),
            "p50_ms": 1e3 * float(np.median(self.times_s)),
            "p99_ms": 1e3 * self.p99.estimate,
            "theory_p99_ms": 1e3 * exact.p99_s,
            "late_percent": 100 * self.late,
            "theory_late_percent": 100 * exact.late,
            "faster_than_the_mean_percent": 100 * self.faster_than_mean,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        inside = "inside" if self.p99.contains(exact.p99_s) else "outside"
        return (
            f"The mean is {duration(1e-3 * self.at.mean_ms)}, yet "
            f"{significant(100 * self.faster_than_mean)} % of the requests are faster than that; "
            f"one in a hundred takes more than {duration(self.p99.estimate)} (theory: "
            f"{duration(exact.p99_s)}, {inside} the 95 % interval), and "
            f"{significant(100 * self.late)} % miss the target of "
            f"{duration(1e-3 * self.at.target_ms)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        times = np.percentile(self.times_s, _POINTS)
        return {
            "percentile": [f"p{p:g}" for p in _POINTS],
            "response (ms)": 1e3 * times,
            "in means": 1e3 * times / self.at.mean_ms,
            "theory: slower share": slower_share(self.at, times),
        }


def plot(run: SameMean, ax: Axes) -> None:
    """Draw the share of requests slower than each time, for a service with a given mean."""
    mean, target = run.at.mean_ms, run.at.target_ms
    ax.set_title("One mean, any tail")
    log_axis(ax, "x", 0.01 * mean, 200 * mean, ticks=[mean * f for f in (0.01, 0.1, 1, 10, 100)])
    log_axis(ax, "y", 3e-4, 1.15, text=percent)
    ax.set_xlabel("response time (ms)")
    ax.set_ylabel("requests that are slower")
    reach = np.array([mean, 200 * mean])
    ax.plot(reach, mean / reach, color=style.GHOST, linewidth=1.4)
    bound = "Markov: no mean allows more"
    style.label(ax, 9 * mean, 0.145, bound, style.MUTED, xytext=(0, 0), va="baseline")
    ax.axhline(0.01, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.axvline(mean, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.text(mean * 0.94, 4e-4, "the mean", color=style.MUTED, fontsize=9, ha="right")
    ax.axvline(target, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    ax.text(target * 1.07, 4e-4, "the target", color=style.VERMILION, fontsize=9)
    slower = 1 - (np.arange(len(run.times_s)) + 1) / len(run.times_s)
    kept = np.unique(len(slower) - 1 - np.geomspace(3, len(slower) - 1, 60).astype(int))
    ax.plot(1e3 * run.times_s[kept], slower[kept], color=style.BLUE, marker="o", markersize=4,
            linestyle="none")  # fmt: skip
    grid = 1e-3 * mean * np.geomspace(0.01, 200, 90)
    ax.plot(1e3 * grid, slower_share(run.at, grid), **style.THEORY)
    ring(ax, 1e3 * run.p99.estimate, 0.01)
    style.label(ax, 1e3 * run.p99.estimate, 0.01, "p99", style.INK, xytext=(9, 9))
