"""Asking many shards at once: the tail at scale, and hedged requests."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.sharding.simulation.traffic import unit_draws
from helpers.sharding.theory.scatter_gather import (
    theory_any_slow,
    theory_hedge_load,
    theory_hedging,
    theory_hedging_quantile,
    theory_scatter_gather,
)

_FAN_OUTS = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200])
_REQUESTS = 2_000
_HEDGED_REQUESTS = 3_000
_MOST_HEDGED = 100


class ScatterGatherResult(Result):
    """Latency of requests that need an answer of every shard, by the number of shards.

    Attributes
    ----------
    fan_out : int
        The number of shards in the summary.
    mean_ms, slow_probability, slow_ms : float
        One shard's ordinary mean, and the probability and length of its hiccup.
    fan_outs : numpy.ndarray of int, shape (m,)
        Numbers of shards tried.
    slow : numpy.ndarray, shape (m,)
        Fraction of requests that met at least one hiccup.
    theory_slow : numpy.ndarray, shape (m,)
        ``1 - (1 - p)^n``.
    p50_s, p99_s : numpy.ndarray, shape (m,)
        Median and 99th percentile of the slowest answer.
    theory_p50_s, theory_p99_s : numpy.ndarray, shape (m,)
        The same by order statistics.
    now : dict of str to float
        All of these at `fan_out`.
    """

    fan_out: int
    mean_ms: float
    slow_probability: float
    slow_ms: float
    fan_outs: np.ndarray
    slow: np.ndarray
    theory_slow: np.ndarray
    p50_s: np.ndarray
    p99_s: np.ndarray
    theory_p50_s: np.ndarray
    theory_p99_s: np.ndarray
    now: dict[str, float]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "slow_requests_percent": 100 * self.now["slow"],
            "slow_requests_theory_percent": 100 * self.now["theory_slow"],
            "median_ms": 1e3 * self.now["p50_s"],
            "p99_ms": 1e3 * self.now["p99_s"],
        }

    @property
    def reading(self) -> str:
        shards = "1 shard" if self.fan_out == 1 else f"all of {self.fan_out} shards"
        return (
            f"One answer in {significant(1 / self.slow_probability)} is slow, but a request that "
            f"needs {shards} is slow {significant(100 * self.now['theory_slow'])} % of the time "
            f"({significant(100 * self.now['slow'])} % here), with a median of "
            f"{duration(self.now['p50_s'])}."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "shards": self.fan_outs,
                "slow": self.slow,
                "slow_theory": self.theory_slow,
                "p50_ms": 1e3 * self.p50_s,
                "p50_theory_ms": 1e3 * self.theory_p50_s,
                "p99_ms": 1e3 * self.p99_s,
                "p99_theory_ms": 1e3 * self.theory_p99_s,
            }
        ).set_index("shards")


def simulate_scatter_gather(
    *,
    fan_out: int = 100,
    slow_probability: float = 0.01,
    slow_ms: float = 1_000.0,
    mean_ms: float = 10.0,
    seed: int = 1,
) -> ScatterGatherResult:
    """Ask n shards, independently now quick and now slow, and wait for the last answer.

    Parameters
    ----------
    fan_out : int
        Number of shards asked; 1 to 200.
    slow_probability : float
        Probability that a shard's answer is held up; 0.0001 to 0.5.
    slow_ms : float
        For how long, milliseconds; 1 to 10,000.
    mean_ms : float
        Mean of the ordinary, exponential part, milliseconds; > 0.
    seed : int
        Seed of the answers.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    fan_out = validation.integer("fan_out", fan_out, at_least=1, at_most=200)
    p = validation.number("slow_probability", slow_probability, at_least=1e-4, at_most=0.5)
    slow_ms = validation.number("slow_ms", slow_ms, at_least=1, at_most=10_000, unit="ms")
    mean_ms = validation.number("mean_ms", mean_ms, above=0, unit="ms")
    shape = (int(_FAN_OUTS[-1]), _REQUESTS)
    slow = unit_draws(seed, "slow", "uniform", shape[0] * shape[1]).reshape(shape) < p
    times = unit_draws(seed, "answers", "exponential", shape[0] * shape[1]).reshape(shape)
    times = times * (mean_ms / 1e3)
    times += slow * (slow_ms / 1e3)
    np.maximum.accumulate(times, axis=0, out=times)  # row n - 1: the slowest of the first n
    np.logical_or.accumulate(slow, axis=0, out=slow)

    sizes = np.append(_FAN_OUTS, fan_out)
    slowest = times[sizes - 1]
    ranks = (_REQUESTS // 2, int(0.99 * _REQUESTS))
    ordered = np.partition(slowest, ranks, axis=1)
    leaf = (mean_ms / 1e3, p, slow_ms / 1e3)
    columns = {
        "slow": slow[sizes - 1].mean(axis=1),
        "theory_slow": theory_any_slow(p, sizes),
        "p50_s": ordered[:, ranks[0]],
        "p99_s": ordered[:, ranks[1]],
        "theory_p50_s": theory_scatter_gather(0.5, sizes, *leaf),
        "theory_p99_s": theory_scatter_gather(0.99, sizes, *leaf),
    }
    return ScatterGatherResult(
        fan_out=fan_out,
        mean_ms=mean_ms,
        slow_probability=p,
        slow_ms=slow_ms,
        fan_outs=_FAN_OUTS,
        **{name: column[:-1] for name, column in columns.items()},
        now={name: float(column[-1]) for name, column in columns.items()},
    )


class HedgingResult(Result):
    """Latency of a scatter-gather with and without a second request to a replica.

    Attributes
    ----------
    fan_out : int
        Number of shards asked.
    hedge_after_ms, shared_cause : float
        The parameters.
    time_s : numpy.ndarray, shape (m,)
        Points at which the theory's survival is given.
    plain_theory, hedged_theory : numpy.ndarray, shape (m,)
        Probability that the request is not complete by then.
    plain_s, hedged_s : numpy.ndarray, shape (requests,)
        Simulated latencies, ascending, on the same first answers.
    extra : float
        Second requests sent, as a fraction of the first ones.
    theory_extra : float
        Their expectation.
    delays_s, curve_extra, curve_p99_s : numpy.ndarray, shape (k,)
        By theory: extra requests and p99 for every delay, the price list of hedging.
    theory_p99_s : float
        p99 with this hedge.
    theory_plain_p99_s : float
        p99 without.
    """

    fan_out: int
    hedge_after_ms: float
    shared_cause: float
    time_s: np.ndarray
    plain_theory: np.ndarray
    hedged_theory: np.ndarray
    plain_s: np.ndarray
    hedged_s: np.ndarray
    extra: float
    theory_extra: float
    delays_s: np.ndarray
    curve_extra: np.ndarray
    curve_p99_s: np.ndarray
    theory_p99_s: float
    theory_plain_p99_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "plain_p99_ms": 1e3 * float(np.quantile(self.plain_s, 0.99)),
            "hedged_p99_ms": 1e3 * float(np.quantile(self.hedged_s, 0.99)),
            "hedged_p99_theory_ms": 1e3 * self.theory_p99_s,
            "extra_requests_percent": 100 * self.extra,
        }

    @property
    def reading(self) -> str:
        return (
            f"Hedging after {significant(self.hedge_after_ms)} ms takes the p99 from "
            f"{duration(np.quantile(self.plain_s, 0.99))} to "
            f"{duration(np.quantile(self.hedged_s, 0.99))} for "
            f"{significant(100 * self.extra)} % more requests."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "delay_ms": 1e3 * self.delays_s,
                "extra_requests": self.curve_extra,
                "p99_ms": 1e3 * self.curve_p99_s,
            }
        ).set_index("delay_ms")


def simulate_hedging(
    *,
    hedge_after_ms: float = 50.0,
    fan_out: int = 20,
    slow_probability: float = 0.01,
    shared_cause: float = 0.0,
    slow_ms: float = 1_000.0,
    mean_ms: float = 10.0,
    seed: int = 1,
) -> HedgingResult:
    """Send a shard's replica a second request when the shard has not answered after a delay.

    Parameters
    ----------
    hedge_after_ms : float
        The delay, milliseconds; 0 to 10,000.
    fan_out : int
        Number of shards asked; 1 to 100.
    slow_probability, slow_ms, mean_ms, seed
        As for :func:`simulate_scatter_gather`.
    shared_cause : float
        Probability that the replica meets the hiccup that the shard met, or none if it met none;
        0 to 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    delay_ms = validation.number(
        "hedge_after_ms", hedge_after_ms, at_least=0, at_most=10_000, unit="ms"
    )
    fan_out = validation.integer("fan_out", fan_out, at_least=1, at_most=_MOST_HEDGED)
    p = validation.number("slow_probability", slow_probability, at_least=1e-4, at_most=0.5)
    shared = validation.number("shared_cause", shared_cause, at_least=0, at_most=1)
    slow_ms = validation.number("slow_ms", slow_ms, at_least=1, at_most=10_000, unit="ms")
    mean_ms = validation.number("mean_ms", mean_ms, above=0, unit="ms")
    mean_s, slow_s, delay_s = mean_ms / 1e3, slow_ms / 1e3, delay_ms / 1e3
    requests = _HEDGED_REQUESTS if fan_out <= 50 else _HEDGED_REQUESTS // 2
    size, most = fan_out * requests, _MOST_HEDGED * _HEDGED_REQUESTS // 2

    def draw(name: str, kind: str) -> np.ndarray:
        return unit_draws(seed, name, kind, most)[:size].reshape(fan_out, requests)

    held_up = draw("slow", "uniform") < p
    first = draw("answers", "exponential") * mean_s
    first += held_up * slow_s
    # Only shards that are late are hedged, so only they need a second draw.
    late = np.flatnonzero(first.ravel() > delay_s)
    again = unit_draws(seed, "replica slow", "uniform", most)[late] < p
    together = unit_draws(seed, "shared cause", "uniform", most)[late] < shared
    again = np.where(together, held_up.ravel()[late], again)
    second = (
        unit_draws(seed, "replica answers", "exponential", most)[late] * mean_s + slow_s * again
    )
    hedged = first.copy()
    hedged.ravel()[late] = np.minimum(first.ravel()[late], delay_s + second)

    leaf = (mean_s, p, slow_s)
    time_s = np.geomspace(mean_s / 10, slow_s + 20 * mean_s, 160)
    endless = slow_s + 100 * mean_s  # a hedge so late that it never happens
    delays_s = np.concatenate(([0.0], mean_s * _DELAYS))
    p99_s = theory_hedging_quantile(0.99, np.append(delay_s, delays_s), fan_out, *leaf, shared)
    return HedgingResult(
        fan_out=fan_out,
        hedge_after_ms=delay_ms,
        shared_cause=shared,
        time_s=time_s,
        plain_theory=theory_hedging(time_s, endless, fan_out, *leaf),
        hedged_theory=theory_hedging(time_s, delay_s, fan_out, *leaf, shared),
        plain_s=np.sort(first.max(axis=0)),
        hedged_s=np.sort(hedged.max(axis=0)),
        extra=len(late) / size,
        theory_extra=float(theory_hedge_load(np.array(delay_s), *leaf)),
        delays_s=delays_s,
        curve_extra=theory_hedge_load(delays_s, *leaf),
        curve_p99_s=p99_s[1:],
        theory_p99_s=float(p99_s[0]),
        theory_plain_p99_s=float(theory_scatter_gather(0.99, np.array([fan_out]), *leaf)[0]),
    )


_DELAYS = np.array([0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 12])
