"""The gather of `scatter_gather` for real: a sum over SQLite shards, asked for in parallel.

Where that stops being true: the shards share the cores of one machine, so that without pauses each
of many is slower than one alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, note
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    integer,
    integers,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, quantile_interval
from helpers.sharding.answer_times import sampled_quantile_of_slowest
from helpers.sharding.scatter_gather import FAN_OUTS, ScatterGather
from helpers.sharding.shard_axes import count_axis
from helpers.sharding.shard_files import ShardFile, shard_files

_SCHEMA = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER)"
_ROWS = 200


class Trial(Parameters):
    """Sums over SQLite shards, asked for in parallel.

    Each answer is a real query and a random pause that stands for the network and the shard's own
    disk: exponential, and now and then a hiccup on top.
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
