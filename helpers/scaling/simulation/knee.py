"""Response time against utilisation: the knee."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import (
    Interval,
    Intervals,
    mean_interval,
    mean_intervals,
    t_quantile,
)
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import KneeTheory, theory_knee

if TYPE_CHECKING:
    import pandas as pd

#: Utilisations at which the curve is simulated.
UTILISATIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)

# Requests of a run. One server is quick to simulate, so its runs can be long, and longest where
# only one utilisation is asked for.
_REQUESTS = 2_000
_REQUESTS_ONE_SERVER = 2_400
_REQUESTS_ONE_POINT = 12_000
_WARMUP_SHARE = 0.3


class KneeResult(Result):
    """Response time of a queue with one line and several servers, against utilisation.

    Attributes
    ----------
    utilisation, service_ms, servers
        The parameters it was made with.
    grid : numpy.ndarray, shape (10,)
        Utilisations simulated.
    mean, p99 : Intervals
        Mean and 99th percentile of the response time at each of them, seconds; shape (10,).
    here_mean, here_p99 : Interval
        The same at `utilisation`.
    theory : KneeTheory
        What M/M/c says at `utilisation`.
    curve : numpy.ndarray, shape (m, 3)
        Utilisation, mean and 99th percentile of the theory's curves, seconds.
    """

    utilisation: float
    service_ms: float
    servers: int
    grid: np.ndarray
    mean: Intervals
    p99: Intervals
    here_mean: Interval
    here_p99: Interval
    theory: KneeTheory
    curve: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "utilisation": self.utilisation,
            "mean_ms": 1e3 * self.here_mean.estimate,
            "mean_low_ms": 1e3 * self.here_mean.low,
            "mean_high_ms": 1e3 * self.here_mean.high,
            "theory_mean_ms": 1e3 * self.theory.mean_s,
            "p99_ms": 1e3 * self.here_p99.estimate,
            "theory_p99_ms": 1e3 * self.theory.p99_s,
        }

    @property
    def reading(self) -> str:
        service_s = self.service_ms * 1e-3
        inside = "inside" if self.here_mean.contains(self.theory.mean_s) else "outside"
        return (
            f"At {significant(100 * self.utilisation)} % utilisation a request takes "
            f"{duration(self.here_mean.estimate)} on average, "
            f"{significant(self.here_mean.estimate / service_s)} service times, and one in a "
            f"hundred takes more than {duration(self.here_p99.estimate)}; theory says "
            f"{duration(self.theory.mean_s)}, which lies {inside} the simulation's 95 % interval."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        expected = [theory_knee(u, self.service_ms * 1e-3, self.servers) for u in self.grid]
        return pd.DataFrame(
            {
                "utilisation": self.grid,
                "mean (ms)": 1e3 * self.mean.estimate,
                "from": 1e3 * self.mean.low,
                "to": 1e3 * self.mean.high,
                "theory (ms)": [1e3 * e.mean_s for e in expected],
                "p99 (ms)": 1e3 * self.p99.estimate,
                "theory p99 (ms)": [1e3 * e.p99_s for e in expected],
            }
        ).set_index("utilisation")


def simulate_knee(
    *,
    utilisation: float = 0.5,
    service_ms: float = 20.0,
    servers: int = 1,
    replications: int = 16,
    seed: int = 1,
) -> KneeResult:
    """Simulate Poisson requests at one queue, at ten utilisations and at one of your choice.

    Parameters
    ----------
    utilisation : float
        Where to read the curve off; 0 < utilisation <= 0.95.
    service_ms : float
        Mean service time, milliseconds, exponentially distributed; > 0.
    servers : int
        Servers that share the one queue; 1 <= servers <= 16.
    replications : int
        Independent runs, from which the intervals come; >= 2.
    seed : int
        Seed of arrivals and services; >= 0. All utilisations meet the same draws.

    Returns
    -------
    KneeResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Each run of one server serves 2,400 requests, 12,000 at the chosen utilisation, and with
    several servers 2,000; three tenths are discarded, so that little is left of the empty start.
    At 90 % utilisation and above the runs' means are skewed, and the intervals hold the truth in
    only about five cases out of six.
    """
    utilisation = validation.number("utilisation", utilisation, above=0, at_most=0.95)
    service_ms = validation.number("service_ms", service_ms, above=0, unit="ms")
    servers = validation.integer("servers", servers, at_least=1, at_most=16)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    service_s = service_ms * 1e-3
    lengths = (_REQUESTS_ONE_SERVER, _REQUESTS_ONE_POINT) if servers == 1 else (_REQUESTS,) * 2
    means, tails = _unit_responses(UTILISATIONS, servers, lengths[0], replications, seed)
    here_means, here_tails = _unit_responses(
        (utilisation,), servers, lengths[1], replications, seed
    )
    return KneeResult(
        utilisation=utilisation,
        service_ms=service_ms,
        servers=servers,
        grid=np.array(UTILISATIONS),
        mean=mean_intervals(means * service_s),
        p99=_tail_intervals(tails * service_s, replications),
        here_mean=mean_interval(here_means[:, 0] * service_s),
        here_p99=_tail_intervals(here_tails * service_s, replications)[0],
        theory=theory_knee(utilisation, service_s, servers),
        curve=_theory_curve(servers) * (1.0, service_s, service_s),
    )


@lru_cache(maxsize=64)
def _unit_responses(
    utilisations: tuple[float, ...], servers: int, requests: int, replications: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean response of each run, shape (replications, utilisations), and three values for p99.

    In units of the mean service time.
    """
    gaps, services = (draw[:requests] for draw in _draws(replications, seed))
    count = len(utilisations)
    # Time runs along the first axis of the draws, where the queue engine steps quickest.
    spacing = 1 / (np.array(utilisations) * servers)
    arrivals = np.cumsum(gaps, axis=0)[:, :, np.newaxis] * spacing
    arrivals = arrivals.reshape(requests, replications * count)
    work = np.repeat(services, count, axis=1)
    if servers == count == 1:  # few and long paths: one by one, each without a loop
        paths = zip(arrivals.T, work.T, strict=True)
        responses = np.stack([queueing.fifo_waits(*path, 1) for path in paths], axis=1)
    else:
        responses = queueing.fifo_waits(arrivals.T, work.T, servers).T
    responses = responses + work
    settled = responses[round(_WARMUP_SHARE * requests) :].reshape(-1, replications, count)
    results = (settled.mean(axis=0), _tail(settled))
    for result in results:
        result.setflags(write=False)
    return results


def _tail(settled: np.ndarray) -> np.ndarray:
    """99th percentile of all runs together and the ends of its interval, shape (3, utilisations).

    The share of requests below the percentile varies from run to run; the interval reaches to the
    percentiles that this variation leads to. Unlike the mean of the runs' own percentiles, which
    is too low for short runs, this is right on average. Woodruff, "Confidence intervals for
    medians and other position measures", *J. American Statistical Association* 47, 1952.
    """
    _, runs, count = settled.shape
    pooled = settled.reshape(-1, count).T.copy()
    last = pooled.shape[1] - 1
    rank = int(0.99 * last)
    pooled.partition(rank, axis=1)
    middle = pooled[:, rank]
    shares = (settled <= middle).mean(axis=0)
    reach = t_quantile(0.975, runs - 1) * shares.std(axis=0, ddof=1) / np.sqrt(runs)
    ends = []
    for sign in (-1, 1):
        at = np.clip((0.99 + sign * reach) * last, 0, last).astype(int)
        ends.append([np.partition(row, k)[k] for row, k in zip(pooled, at, strict=True)])
    return np.stack([middle, *np.array(ends)])


def _tail_intervals(values: np.ndarray, replications: int) -> Intervals:
    middle, low, high = values
    return Intervals(middle, low, high, 0.95, replications)


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "services")
    draws = (
        unit_gaps("poisson", (_REQUESTS_ONE_POINT, replications), rng["arrivals"]),
        unit_services("exponential", (_REQUESTS_ONE_POINT, replications), rng["services"]),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws


@lru_cache(maxsize=32)
def _theory_curve(servers: int) -> np.ndarray:
    """Utilisation, and mean and p99 in service times, shape (58, 3)."""
    grid = np.concatenate([np.arange(0.02, 0.9, 0.02), np.arange(0.9, 0.965, 0.005)])
    rates = grid * servers
    mean = queueing.mmc_response(rates, 1.0, servers)
    tail = queueing.mmc_response_percentile(rates, 1.0, servers, 0.99)
    curve = np.column_stack([grid, mean, tail])
    curve.setflags(write=False)
    return curve
