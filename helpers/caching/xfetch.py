"""XFetch: a coin that lets one request in thousands refresh early, whatever the crowd.

A request that comes s seconds before the expiry recomputes the value if
``-recompute x beta x ln(u) >= s``. Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic
Cache Stampede Prevention", *PVLDB* 8(8), 2015. Where that stops being true: at a few requests per
second often nobody comes in time, and the lead must be short against the time to live.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, log_axis, short, yours
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, rounded, significant
from helpers.foundations.statistics import Intervals, mean_intervals

#: Requests per second at which expiries are simulated.
RATES_RPS = np.geomspace(10, 100_000, 13)

#: Euler's constant, the mean of the standard Gumbel distribution.
_EULER_GAMMA = 0.5772156649015329


class Setting(Parameters):
    """One hot key whose requests toss XFetch's coin."""

    recompute_s: float = number(0.4, "Time to recompute it", unit="s", above=0)
    beta: float = number(1.0, "Eagerness β", above=0)
    replications: int = replications(1_000, note="Expiries at each rate.")
    seed: int = seed()


# --- the model: request after request, a coin for each --------------------------------------------


def stampedes(at, draw):
    """Play one expiry at each of three rates; count the queries until the value is back."""
    rates, queries = [10.0, 100.0, 1_000.0], []
    for rate in rates:
        lead_s = at.recompute_s * at.beta * (math.log(1 + rate * at.recompute_s * at.beta) + 12)
        now, count, back = -lead_s, 0, math.inf
        while now < back:
            if -at.recompute_s * at.beta * math.log(1 - draw("coins").random()) >= -now:
                count += 1
                back = min(back, now + at.recompute_s)
            now += draw("requests").exponential(1 / rate)
        queries.append(count)
    return {"rate_rps": rates, "queries": queries}


# --- the same, fast: only the requests that refresh -----------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> XFetch:
    """Draw sizes and leads of stampedes without drawing the requests that do nothing."""
    sizes, leads = drawn_stampedes(RATES_RPS, at)
    return XFetch(at, queries=mean_intervals(sizes.T), lead_s=leads.mean(axis=1))


def drawn_stampedes(rates_rps: np.ndarray, at: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Return the size of each stampede, and how early it came.

    Requests whose coin says refresh are a Poisson process themselves, with a mean count of
    ``A exp(t / (beta recompute))`` up to time t < 0 before the expiry and, after it, of A plus one
    for each request. So the first is drawn from its distribution and the number that follow while
    it runs from theirs.

    Parameters
    ----------
    rates_rps : numpy.ndarray, shape (rates,)

    Returns
    -------
    sizes : numpy.ndarray of int, shape (rates, replications)
    leads_s : numpy.ndarray, shape (rates, replications)
    """
    rates, scale = rates_rps[:, np.newaxis], at.beta * at.recompute_s
    at_expiry = rates * scale
    count = Draws(at.seed)("first refresh").standard_exponential((1, at.replications))
    early = scale * np.log(count / at_expiry)
    first = np.where(count < at_expiry, early, (count - at_expiry) / rates)
    back = first + at.recompute_s
    by_then = np.where(
        back < 0, at_expiry * np.exp(np.minimum(back, 0) / scale), at_expiry + rates * back
    )
    followers = np.random.default_rng(np.random.SeedSequence(at.seed, spawn_key=(1,)))
    return 1 + followers.poisson(by_then - count), -first


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What XFetch does to one hot key, on average, at each of some rates.

    Attributes
    ----------
    queries, unfixed : numpy.ndarray
        Queries for one expiry, with XFetch and without.
    lead_s : numpy.ndarray
        How long before the expiry the first refresh starts, seconds.
    limit : float
        The size of the stampede as the rate grows without bound.
    """

    queries: np.ndarray
    unfixed: np.ndarray
    lead_s: np.ndarray
    limit: float


@lru_cache(maxsize=8)
def theory(at: Setting) -> Theory:
    """Stampede and lead at :data:`RATES_RPS`; see :func:`stampede`.

    The lead is ``beta recompute (ln A + gamma)``, as ``-ln x`` has a Gumbel distribution.
    """
    scale = at.beta * at.recompute_s
    return Theory(
        np.array([stampede(rate, at.recompute_s, at.beta) for rate in RATES_RPS.tolist()]),
        unfixed=1 + RATES_RPS * at.recompute_s,
        lead_s=scale * (np.log(RATES_RPS * scale) + _EULER_GAMMA),
        limit=math.exp(1 / at.beta),
    )


def stampede(rate_rps: float, recompute_s: float, beta: float = 1.0) -> float:
    """Mean number of queries for one expiry; exact for a time to live much longer than the lead.

    A request s seconds before the expiry refreshes with probability
    ``exp(-s / (beta recompute))``. Refreshes therefore form a Poisson process whose mean count up
    to that instant is ``A exp(-s / (beta recompute))``, ``A = rate beta recompute``. The first
    comes when the count passes x, x being exponential with mean 1; while it is computed the count
    grows by a factor ``exp(1 / beta)``, so ``x (exp(1 / beta) - 1)`` more follow:
    ``exp(1 / beta)`` in the mean, whatever the rate. The terms below add the cases in which the
    answer is not back before the expiry.

    Parameters
    ----------
    rate_rps : float
        Requests for the key, per second, Poisson; > 0.
    recompute_s : float
        Time to compute the value anew, seconds; > 0.
    beta : float
        Eagerness; > 0. 1 is the usual choice.
    """
    at_expiry, herd = rate_rps * beta * recompute_s, rate_rps * recompute_s
    in_time = at_expiry * math.exp(-1 / beta)  # a first refresh below this is back in time
    growth = math.expm1(1 / beta)

    # First case: 1 + growth x, for x from 0 to in_time. At most x = 700: exp(-700) is nothing.
    end = min(in_time, 700.0)
    early = -math.expm1(-end) + growth * (1 - math.exp(-end) * (1 + end))
    # Second case: the answer comes after the expiry, from when on every request recomputes.
    late = 0.0
    last = min(at_expiry, in_time + 60.0)
    if in_time < 700.0:
        nodes, node_weights = _gauss_legendre()
        x = in_time + (last - in_time) * (nodes + 1) / 2
        followers = at_expiry - x + herd - at_expiry * np.log(at_expiry / x)
        late = (last - in_time) / 2 * float(node_weights @ ((1 + followers) * np.exp(-x)))
    # Third case: nobody refreshed before the expiry, and the herd is a herd.
    return early + late + (1 + herd) * math.exp(-min(at_expiry, 700.0))


@cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for an integral from -1 to 1; finding them takes 13 ms."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    return np.asarray(nodes), np.asarray(weights)


# --- what it says ---------------------------------------------------------------------------------


class XFetch(Result):
    """Stampedes at :data:`RATES_RPS`.

    Attributes
    ----------
    queries : Intervals
        Mean queries for one expiry.
    lead_s : numpy.ndarray
        Mean time from the first refresh to the expiry, seconds; negative if it comes too late.
    """

    at: Setting
    queries: Intervals
    lead_s: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "queries_at_10_rps": rounded(self.queries.estimate[0]),
            "queries_at_100000_rps": rounded(self.queries.estimate[-1]),
            "queries_limit": rounded(exact.limit),
            "unfixed_at_100000_rps": rounded(exact.unfixed[-1]),
            "lead_at_100000_rps_s": rounded(self.lead_s[-1]),
        }

    @property
    def reading(self) -> str:
        unfixed, queries = theory(self.at).unfixed, self.queries.estimate
        return (
            f"From {significant(RATES_RPS[0])} to {significant(RATES_RPS[-1])} requests/s "
            f"the unfixed herd grows from {significant(unfixed[0])} to "
            f"{significant(unfixed[-1])} queries; XFetch's stampede is "
            f"{significant(queries[0])} queries at one end and {significant(queries[-1])} at the "
            f"other, where it refreshes {duration(self.lead_s[-1])} early."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "requests per s": RATES_RPS,
            "queries": self.queries.estimate,
            "from": self.queries.low,
            "to": self.queries.high,
            "theory": exact.queries,
            "without XFetch": exact.unfixed,
            "lead (s)": self.lead_s,
            "lead, theory (s)": exact.lead_s,
        }


@style.panels(2, width_ratios=[1.2, 1])
def plot(run: XFetch, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the stampede, and how early it comes, over the request rate."""
    _plot_sizes(run, axes[0])
    _plot_leads(run, axes[1])
    if mine is not None:
        yours(axes[0], mine["rate_rps"], mine["queries"])


def _plot_sizes(run: XFetch, ax: Axes) -> None:
    rate, exact = RATES_RPS, theory(run.at)
    ax.plot(rate, exact.unfixed, color=style.VERMILION, linewidth=2)
    error_bars(ax, rate, run.queries, **style.DOTS)
    ax.plot(rate, exact.queries, **style.THEORY)
    ax.axhline(exact.limit, color=style.MUTED, linewidth=1, linestyle=":")
    middle = rate.size // 2
    for x, y, text, color, offset in (
        (rate[middle], exact.unfixed[middle], "1 + rate × recompute", style.VERMILION, (-6, 6)),
        (rate[-1], run.queries.estimate[-1], "XFetch", style.BLUE, (0, 13)),
        (rate[-1], exact.limit, "limit exp(1/β)", style.MUTED, (0, -11)),
    ):
        style.label(ax, x, y, text, color, ha="right", xytext=offset)
    log_axis(ax, "x", rate[0] / 1.3, rate[-1] * 1.3)
    log_axis(ax, "y", 0.7, 1e6, text=short)
    ax.set_title("A stampede that ignores the rate")
    ax.set_xlabel("requests for the key (per second)")
    ax.set_ylabel("queries per expiry")


def _plot_leads(run: XFetch, ax: Axes) -> None:
    rate, top = RATES_RPS, headroom(13 * run.at.beta * run.at.recompute_s)
    ax.plot(rate, run.lead_s, "o", color=style.BLUE, markersize=5)
    ax.plot(rate, theory(run.at).lead_s, **style.THEORY)
    ax.axhline(0, color=style.MUTED, linewidth=1, linestyle=":")
    style.label(ax, rate[0], 0, "expiry", style.MUTED, xytext=(0, 7))
    log_axis(ax, "x", rate[0] / 1.3, rate[-1] * 1.3)
    ax.set_ylim(-0.1 * top, top)
    ax.set_title("The price: thrown away too early")
    ax.set_xlabel("requests for the key (per second)")
    ax.set_ylabel("mean lead before the expiry (s)")
