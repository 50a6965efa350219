"""How long a queue must be watched before its mean is known.

Forty-eight copies of one M/M/1 queue are watched for the same number of requests, and each reports
its mean with two kinds of interval. Where that stops being true: the runs begin in the steady
state, so that what is seen is the run length's doing; a test of a cold system starts too low
besides.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, here, log_axis, spans
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import significant

#: Runs, and how many of them are drawn as curves.
RUNS = 48
SHOWN = 8

_LONGEST = 8_192
_BATCHES = 10
_T_BATCHES = 2.262  # Student's t, 9 degrees of freedom, 97.5 %
_Z = 1.96


class Setting(Parameters):
    """A queue with one server, and how long it is watched."""

    utilisation: float = number(0.8, "Utilisation", at_least=0.05, at_most=0.95)
    requests: int = integer(1_000, "Requests watched", at_least=100, at_most=_LONGEST)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> RunLength:
    """Watch 48 copies of one M/M/1 queue and compare what each of them reports.

    The first wait is drawn from its known distribution: none, or exponential with rate 1 - rho.
    """
    n = at.requests
    first, gaps, services = _draws(at.seed)
    work = services[:, :n]
    # Lindley's recursion, wait[i + 1] = max(0, wait[i] + work[i] - gap[i + 1]), for all i at once.
    walk = np.empty_like(work)
    walk[:, 0] = np.where(first[0] < at.utilisation, first[1] / (1 - at.utilisation), 0.0)
    np.subtract(work[:, :-1], gaps[:, 1:n] / at.utilisation, out=walk[:, 1:])
    np.cumsum(walk, axis=1, out=walk)
    # The first wait is not the end of a busy period but a wait like any other: floor at 0 only.
    floor = np.minimum(np.minimum.accumulate(walk, axis=1), 0.0)
    responses = walk - floor + work
    size = n // _BATCHES
    batches = responses[:, -size * _BATCHES :].reshape(RUNS, _BATCHES, size).mean(axis=2)
    seen = _seen(n)
    return RunLength(
        at,
        running=np.cumsum(responses[:SHOWN], axis=1)[:, seen - 1] / seen,
        means=responses.mean(axis=1),
        naive_half=_Z * responses.std(axis=1, ddof=1) / math.sqrt(n),
        batch_half=_T_BATCHES * batches.std(axis=1, ddof=1) / math.sqrt(_BATCHES),
    )


def _seen(requests: int) -> np.ndarray:
    """Numbers of requests at which running means are given."""
    return np.unique(np.geomspace(10, requests, 120).astype(int))


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = Draws(seed)
    first = np.stack([draw("starts").random(RUNS), draw("starts").standard_exponential(RUNS)])
    draws = (
        first,
        draw("arrivals").standard_exponential((RUNS, _LONGEST)),
        draw("services").standard_exponential((RUNS, _LONGEST)),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Response time in service times: its mean, and n times the variance of the mean of n."""

    mean: float
    variance: float


def theory(at: Setting) -> Theory:
    """Mean response, and the variance that a long run's mean has for each request watched."""
    return Theory(1 / (1 - at.utilisation), variance_constant(at.utilisation))


def variance_constant(utilisation: float) -> float:
    """Asymptotic variance of the mean response time of an M/M/1 queue, in squared service times.

    The mean of n successive response times has a variance close to this number divided by n.

    Waiting times: ``rho (2 + 5 rho - 4 rho² + rho³) / (1 - rho)⁴``. Daley, "The serial correlation
    coefficients of waiting times in a stationary single server queue", *J. Australian Math. Soc.*
    8, 1968; quoted by Whitt, "Planning queueing simulations", *Management Science* 35, 1989.
    A response time is a wait plus a service, and the service lengthens the waits behind it: the
    long-run covariance of services with later waits is ``rho (2 - rho) / (1 - rho)²`` (the
    derivative of the mean wait with respect to the mean service, times the service's variance),
    counted twice, and the services' own variance is 1.
    """
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    waits = rho * (2 + 5 * rho - 4 * rho**2 + rho**3) / (1 - rho) ** 4
    return waits + 2 * rho * (2 - rho) / (1 - rho) ** 2 + 1


def requests_for_precision(
    utilisation: float, relative: float = 0.05, confidence: float = 0.95
) -> int:
    """Requests an M/M/1 queue must serve before its mean response time is known to a precision.

    ``n = (z / relative)² variance / R²`` with R = 1 / (1 - rho) service times. Whitt 1989.

    Parameters
    ----------
    utilisation : float
        0 < utilisation < 1.
    relative : float
        Half-width of the interval over the mean; > 0. 0.05 is plus or minus five per cent.
    confidence : float
        Confidence of the interval; 0 < confidence < 1.
    """
    variance = variance_constant(utilisation)
    relative = validation.number("relative", relative, above=0)
    confidence = validation.number("confidence", confidence, above=0, below=1)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return math.ceil((z / relative) ** 2 * variance * (1 - utilisation) ** 2)


# --- what it says ---------------------------------------------------------------------------------


class RunLength(Result):
    """What 48 runs report, in service times.

    Attributes
    ----------
    running : numpy.ndarray, shape (8, m)
        Running means of eight runs after each number of requests in `seen`.
    means : numpy.ndarray, shape (48,)
        Mean response time of each run.
    naive_half, batch_half : numpy.ndarray, shape (48,)
        Half-widths of each run's 95 % interval: as if requests were independent, and from ten
        batch means.
    """

    at: Setting
    running: np.ndarray
    means: np.ndarray
    naive_half: np.ndarray
    batch_half: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Numbers of requests at which the running means are given, shape (m,)."""
        return _seen(self.at.requests)

    def coverage(self, half: np.ndarray) -> float:
        """Share of the runs whose interval of these half-widths contains the truth."""
        return float(np.mean(np.abs(self.means - theory(self.at).mean) <= half))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "true_mean_service_times": theory(self.at).mean,
            "lowest_run_mean": float(self.means.min()),
            "highest_run_mean": float(self.means.max()),
            "naive_95_interval_holds_percent": 100 * self.coverage(self.naive_half),
            "batch_means_interval_holds_percent": 100 * self.coverage(self.batch_half),
            "requests_for_5_percent": requests_for_precision(self.at.utilisation),
        }

    @property
    def reading(self) -> str:
        naive, batch = self.coverage(self.naive_half), self.coverage(self.batch_half)
        needed = requests_for_precision(self.at.utilisation)
        return (
            f"After {self.at.requests:,} requests at {significant(100 * self.at.utilisation)} % "
            f"utilisation, {RUNS} runs put the mean between {significant(self.means.min())} and "
            f"{significant(self.means.max())} service times (true: "
            f"{significant(theory(self.at).mean)}); the naive 95 % interval holds the truth in "
            f"{significant(100 * naive, 2)} % of them, batch means in "
            f"{significant(100 * batch, 2)} %; within 5 % takes {significant(needed)} requests."
        )


@style.panels(2)
def plot(run: RunLength, axes: tuple[Axes, Axes]) -> None:
    """Draw running means in a funnel, and the intervals that single runs report."""
    ax, intervals = axes
    truth, variance = theory(run.at)
    top = step_up(2.2 * truth, (3, 6, 12, 25, 50, 100, 200))
    ax.set_title("Eight runs of the same queue")
    log_axis(ax, "x", 10, _LONGEST, ticks=(10, 100, 1_000, 8_000))
    ax.set_ylim(0, top)
    ax.set_xlabel("requests seen")
    ax.set_ylabel("mean response so far (service times)")
    seen = np.geomspace(10, _LONGEST, 60)
    half = _Z * np.sqrt(variance / seen)
    ax.fill_between(seen, truth - half, truth + half, color=style.FAINT, alpha=0.7, linewidth=0)
    curves(ax, run.seen, run.running, color=style.BLUE, linewidth=1.1, alpha=0.75)
    ax.axhline(truth, **style.THEORY)
    here(ax, run.at.requests)

    intervals.set_title("What 48 runs report (✗: truth missed)")
    intervals.set_xlim(-1, RUNS)
    intervals.set_ylim(0, top)
    intervals.set_xlabel("run, in order of its mean")
    intervals.set_ylabel("95 % interval (service times)")
    intervals.axhline(truth, **style.THEORY)
    order = run.means.argsort()
    x, means = np.arange(RUNS), run.means[order]
    for half_width, color, width in (
        (run.batch_half[order], style.SKY, 4.0),
        (run.naive_half[order], style.BLUE, 1.6),
    ):
        spans(intervals, x, means - half_width, means + half_width, color=color, linewidth=width)
    missed = np.abs(means - truth) > run.naive_half[order]
    cross: dict[str, Any] = {
        "color": style.VERMILION,
        "marker": "x",
        "markersize": 5,
        "ls": "none",
        "mew": 1.6,
    }
    intervals.plot(x[missed], means[missed], **cross)
    intervals.text(0, 0.97 * top, "thin: as if independent", color=style.BLUE, fontsize=9, va="top")
    intervals.text(0, 0.9 * top, "wide: ten batch means", color=style.SKY_INK, fontsize=9, va="top")
