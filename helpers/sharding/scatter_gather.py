"""Asking many shards at once: what is rare for a shard is common for a query.

A query needs the answer of every shard, and each is now quick and now slow, independently. Where
that stops being true: shards that share a network, a release or a bad query are slow together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, note, time_axis
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    integers,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, quantile_interval
from helpers.sharding.answer_times import Answers, any_slow, sampled_quantile_of_slowest
from helpers.sharding.shard_axes import count_axis
from helpers.sharding.shard_files import ShardFile, shard_files
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


# --- the same with SQLite behind a thread pool ----------------------------------------------------

_SCHEMA = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER)"
_ROWS = 200


class Trial(Parameters):
    """Sums over SQLite shards, asked for in parallel.

    Each answer is a real query and a random pause that stands for the network and the shard's own
    disk: exponential, and now and then a hiccup on top. Without a pause the shards fight for this
    machine's cores, and each of many is slower than one alone.
    """

    fan_outs: tuple[int, ...] = integers(
        (1, 2, 8, 24), "Shards asked", at_least=1, at_most=32, note="Ascending, the first 1."
    )
    queries: int = integer(40, "Queries to each number of shards", at_least=10, at_most=1_000)
    single_queries: int = integer(
        200,
        "Queries to a single shard",
        at_least=200,
        at_most=5_000,
        note="Their times make the prediction.",
    )
    pause_ms: float = number(2.0, "Mean pause", unit="ms", at_least=0, at_most=50)
    hiccup_probability: float = number(0.05, "Hiccups", at_least=0, at_most=0.5)
    hiccup_ms: float = number(15.0, "Length of a hiccup", unit="ms", at_least=0, at_most=200)
    seed: int = seed()

    def agree(self) -> None:
        if self.fan_outs[0] != 1 or list(self.fan_outs) != sorted(set(self.fan_outs)):
            raise ValueError(f"fan_outs must be ascending and begin with 1, got {self.fan_outs}")


@takes(Trial)
def measure(at: Trial) -> MeasuredGather:
    """Sum a column over SQLite shards in parallel, and time the slowest answer."""
    most = at.fan_outs[-1]
    draw = Draws(at.seed)
    times, correct = [], True
    with (
        shard_files(most, _SCHEMA) as files,
        ThreadPoolExecutor(most, thread_name_prefix="shard") as pool,
        Lateness() as lateness,
    ):
        for index, file in enumerate(files):
            with file.transaction() as connection:
                connection.executemany(
                    "INSERT INTO orders (customer, amount) VALUES (?, ?)",
                    [(row, index + row) for row in range(_ROWS)],
                )
        list(pool.map(lambda _: time.sleep(0.002), range(most)))  # threads start lazily
        for n in at.fan_outs:
            shape = (at.single_queries if n == 1 else at.queries, n)
            pauses = at.pause_ms / 1e3 * draw("pauses").standard_exponential(shape)
            pauses += at.hiccup_ms / 1e3 * (draw("hiccups").random(shape) < at.hiccup_probability)
            wanted = sum(index * _ROWS + _ROWS * (_ROWS - 1) // 2 for index in range(n))
            took = []
            for row in pauses.tolist():
                begun = time.perf_counter()
                total = sum(pool.map(_answer, files[:n], row))
                took.append(time.perf_counter() - begun)
                correct = correct and total == wanted
            times.append(np.array(took))
    return MeasuredGather(at, tuple(times), correct, lateness.mean_s)


def _answer(file: ShardFile, pause_s: float) -> int:
    total: int = file.rows("SELECT sum(amount) FROM orders")[0][0]
    if pause_s > 0:
        time.sleep(pause_s)
    return total


class MeasuredGather(Measured):
    """Time until all of n real shards have answered.

    Attributes
    ----------
    times_s : tuple of numpy.ndarray
        Of each query, for each of ``at.fan_outs``.
    correct : bool
        Whether every gathered sum equalled the sum over all rows.
    late_s : float
        How late timers were on average; see `Lateness`.
    """

    at: Trial
    times_s: tuple[np.ndarray, ...]
    correct: bool
    late_s: float

    @property
    def medians(self) -> list[Interval]:
        """Median of each, with an interval of at least 95 %."""
        return [quantile_interval(times, 0.5) for times in self.times_s]

    def predicted_s(self, quantile: float, shards: Any) -> np.ndarray:
        """What order statistics make of the single shard's measured times."""
        return sampled_quantile_of_slowest(self.times_s[0], quantile, shards)

    @property
    def prediction(self) -> Interval:
        """The median predicted for the most shards; the single shard's times are a sample, too."""
        return quantile_interval(self.times_s[0], 0.5 ** (1 / self.at.fan_outs[-1]))

    @property
    def summary(self) -> dict[str, float | int | str]:
        each = zip(self.at.fan_outs, self.medians, strict=True)
        return {f"median_{n}_shards_ms": 1e3 * median.estimate for n, median in each}

    @property
    def reading(self) -> str:
        most, medians = self.at.fan_outs[-1], self.medians
        return (
            f"One real shard answers in {duration(medians[0].estimate)} in the median, the "
            f"last of {most} in {duration(medians[-1].estimate)}; order "
            f"statistics of the single shard's times predict "
            f"{duration(float(self.predicted_s(0.5, most)))}."
        )

    @property
    def verdict(self) -> str:
        """The prediction against the measured median with the most shards, in one line."""
        measured, predicted = self.medians[-1], self.prediction
        if busy := no_verdict(self.late_s, measured.estimate):
            return busy
        overlap = predicted.low <= measured.high and measured.low <= predicted.high
        outcome = "the intervals overlap: agrees" if overlap else "no overlap: disagrees"
        return (
            f"order statistics predict {_range(predicted)}, measured {_range(measured)}; {outcome}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        shards, medians = self.at.fan_outs, self.medians
        return {
            "shards": shards,
            "median (ms)": [1e3 * median.estimate for median in medians],
            "from": [1e3 * median.low for median in medians],
            "to": [1e3 * median.high for median in medians],
            "predicted (ms)": 1e3 * self.predicted_s(0.5, shards),
            "p90 (ms)": [1e3 * np.quantile(times, 0.9) for times in self.times_s],
            "predicted, p90 (ms)": 1e3 * self.predicted_s(0.9, shards),
        }


def _range(interval: Interval) -> str:
    return f"{duration(interval.estimate)} ({duration(interval.low)} to {duration(interval.high)})"


def plot_measured(run: ScatterGather | MeasuredGather, ax: Axes) -> None:
    """Draw the median time of the slowest of n shards; a measurement over a simulation."""
    if isinstance(run, MeasuredGather):
        curve = np.arange(1, run.at.fan_outs[-1] + 1)
        ax.plot(curve, run.predicted_s(0.5, curve), **style.THEORY)
        error_bars(ax, run.at.fan_outs, run.medians, zorder=5, **style.MEASUREMENT)
        note(ax, 0.03, 0.88, "measured, 95 % interval ●", style.VERMILION)
        note(ax, 0.03, 0.81, "predicted from one shard's measured times - -", style.BLACK)
    else:
        ax.plot(FAN_OUTS, run.p50_s, **style.SIMULATION)
        note(ax, 0.03, 0.95, "simulated, nominal pauses —", style.BLUE)
    count_axis(ax, 36)
    ax.set_ylim(0, 0.03)
    ax.set_yticks([0, 0.01, 0.02, 0.03], ["0", "10 ms", "20 ms", "30 ms"])
    ax.set_ylabel("median time until the last answer")
    ax.set_title("The last of n real shards")
