"""Asking many shards at once: what is rare for a shard is common for a query.

A query needs the answer of every shard, and each is now quick and now slow, independently. Where
that stops being true: shards that share a network, a release or a bad query are slow together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, note, time_axis
from helpers.foundations.experiment import Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.sharding.answer_times import Answers, any_slow
from helpers.sharding.shard_axes import count_axis
from helpers.sharding.shard_queues import unit_draws

#: Numbers of shards at which the curves are computed.
FAN_OUTS = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200])

_REQUESTS = 2_000


class Setting(Parameters):
    """A query to some shards; each answer may be held up by a hiccup."""

    fan_out: int = integer(100, "Shards that must answer", at_least=1, at_most=200)
    slow_probability: float = number(0.01, "Slow answers", at_least=1e-4, at_most=0.5)
    slow_ms: float = number(1_000.0, "Length of a hiccup", unit="ms", at_least=1, at_most=10_000)
    mean_ms: float = number(10.0, "Ordinary answer", unit="ms", above=0)
    seed: int = seed()

    @property
    def answers(self) -> Answers:
        """The law of one shard's answer."""
        return Answers(self.mean_ms / 1e3, self.slow_probability, self.slow_ms / 1e3)


@takes(Setting)
def simulate(at: Setting) -> ScatterGather:
    """Ask up to 200 shards, and keep the slowest of the first n answers for every n."""
    shape = (int(FAN_OUTS[-1]), _REQUESTS)
    size = shape[0] * shape[1]
    slow = unit_draws(at.seed, "slow", "uniform", size).reshape(shape) < at.slow_probability
    times = unit_draws(at.seed, "answers", "exponential", size).reshape(shape)
    times = times * (at.mean_ms / 1e3)
    times += slow * (at.slow_ms / 1e3)
    np.maximum.accumulate(times, axis=0, out=times)  # row n - 1: the slowest of the first n
    np.logical_or.accumulate(slow, axis=0, out=slow)

    sizes = np.append(FAN_OUTS, at.fan_out)
    ranks = (_REQUESTS // 2, int(0.99 * _REQUESTS))
    ordered = np.partition(times[sizes - 1], ranks, axis=1)
    shares = slow[sizes - 1].mean(axis=1)
    return ScatterGather(
        at,
        slow=shares[:-1],
        p50_s=ordered[:-1, ranks[0]],
        p99_s=ordered[:-1, ranks[1]],
        slow_here=float(shares[-1]),
        p50_here_s=float(ordered[-1, ranks[0]]),
        p99_here_s=float(ordered[-1, ranks[1]]),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Fraction of queries that meet a hiccup; median and 99th percentile of the slowest answer."""

    slow: Any
    p50_s: Any
    p99_s: Any


def theory(at: Setting, fan_outs: Any = None) -> Theory:
    """What order statistics say at the setting's number of shards, or at others."""
    shards = np.asarray(at.fan_out if fan_outs is None else fan_outs)
    return Theory(
        any_slow(at.slow_probability, shards),
        quantile_of_slowest(0.5, shards, at.answers),
        quantile_of_slowest(0.99, shards, at.answers),
    )


def quantile_of_slowest(quantile: float, shards: Any, answers: Answers) -> np.ndarray:
    """Quantile of the time until the last of n shards has answered, seconds.

    The largest of n independent times is below t with probability ``F(t)^n``, so its q-quantile is
    one shard's quantile at ``q^(1/n)`` (David and Nagaraja, *Order Statistics*, 3rd ed. 2003,
    chapter 2). F is inverted by bisection.
    """
    wanted = -np.expm1(np.log(quantile) / np.asarray(shards))  # one shard's survival
    return answers.inverted(answers.survival, wanted)


# --- what it says ---------------------------------------------------------------------------------


class ScatterGather(Result):
    """Queries that need every shard, at :data:`FAN_OUTS` and at ``at.fan_out``.

    Attributes
    ----------
    slow, slow_here : numpy.ndarray or float
        Fraction of queries that met at least one hiccup.
    p50_s, p99_s, p50_here_s, p99_here_s : numpy.ndarray or float
        Median and 99th percentile of the slowest answer.
    """

    at: Setting
    slow: np.ndarray
    p50_s: np.ndarray
    p99_s: np.ndarray
    slow_here: float
    p50_here_s: float
    p99_here_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "slow_requests_percent": 100 * self.slow_here,
            "slow_requests_theory_percent": 100 * float(theory(self.at).slow),
            "median_ms": 1e3 * self.p50_here_s,
            "p99_ms": 1e3 * self.p99_here_s,
        }

    @property
    def reading(self) -> str:
        shards = f"but a request that needs all of {self.at.fan_out} shards"
        if self.at.fan_out == 1:
            shards = "and a request that needs 1 shard"
        return (
            f"One answer in {significant(1 / self.at.slow_probability)} is slow, {shards} is slow "
            f"{significant(100 * theory(self.at).slow)} % of the time "
            f"({significant(100 * self.slow_here)} % here), with a median of "
            f"{duration(self.p50_here_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, FAN_OUTS)
        return {
            "shards": FAN_OUTS,
            "slow": self.slow,
            "theory, slow": exact.slow,
            "median (ms)": 1e3 * self.p50_s,
            "theory, median (ms)": 1e3 * exact.p50_s,
            "p99 (ms)": 1e3 * self.p99_s,
            "theory, p99 (ms)": 1e3 * exact.p99_s,
        }


@style.panels(2)
def plot(run: ScatterGather, axes: tuple[Axes, Axes]) -> None:
    """Draw the fraction of slow requests and the latency, by the number of shards asked."""
    slow, latency = axes
    exact = theory(run.at, FAN_OUTS)
    for ax in axes:
        here(ax, run.at.fan_out)
        count_axis(ax, 230)
    slow.plot(FAN_OUTS, exact.slow, **style.THEORY)
    slow.plot(FAN_OUTS, run.slow, linestyle="none", marker="o", color=style.BLUE)
    note(slow, 0.03, 0.95, "simulated ●   theory - -", style.BLUE)
    slow.set_ylim(0, 1.02)
    slow.yaxis.set_major_formatter(PercentFormatter(1))
    slow.set_ylabel("requests that meet a slow shard")
    slow.set_title("Rare for a shard, common for a request")

    latency.plot(FAN_OUTS, exact.p99_s, **style.THEORY)
    latency.plot(FAN_OUTS, exact.p50_s, **style.THEORY)
    latency.plot(FAN_OUTS, run.p99_s, linestyle="none", marker="^", color=style.SKY)
    latency.plot(FAN_OUTS, run.p50_s, linestyle="none", marker="o", color=style.BLUE)
    note(latency, 0.03, 0.95, "p99 ▲   median ●   theory - -", style.BLUE)
    time_axis(latency, "y", 1e-3, 100)
    latency.set_ylabel("time until the last answer")
    latency.set_title("The slowest shard sets the pace")
