"""A query to many SQLite shards at once, through a thread pool: how late the last answer is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, quantile_interval
from helpers.foundations.traffic.streams import streams
from helpers.sharding.measurement.files import ShardFile, shard_files
from helpers.sharding.theory.scatter_gather import empirical_quantile_of_max

_SCHEMA = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER)"
_ROWS = 200


class MeasuredScatterGatherResult(Result):
    """Time until all of n real shards have answered.

    Attributes
    ----------
    fan_outs : numpy.ndarray of int, shape (m,)
        Numbers of shards asked; the first is 1.
    median : tuple of Interval
        Median time of each, seconds, with an interval of at least 95 %.
    p90_s : numpy.ndarray, shape (m,)
        90th percentiles.
    curve : numpy.ndarray of int, shape (k,)
        1, 2, ..., the largest number of shards.
    predicted_s, predicted_p90_s : numpy.ndarray, shape (k,)
        Order statistics of the single shard's measured times.
    prediction : Interval
        The prediction for the most shards with its own interval: the single shard's times are a
        sample, too.
    correct : bool
        Whether every gathered sum equalled the sum over all rows.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    fan_outs: np.ndarray
    median: tuple[Interval, ...]
    p90_s: np.ndarray
    curve: np.ndarray
    predicted_s: np.ndarray
    predicted_p90_s: np.ndarray
    prediction: Interval
    correct: bool
    late_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"median_{n}_shards_ms": 1e3 * m.estimate
            for n, m in zip(self.fan_outs, self.median, strict=True)
        }

    @property
    def reading(self) -> str:
        return (
            f"One real shard answers in {duration(self.median[0].estimate)} in the median, the "
            f"last of {self.fan_outs[-1]} in {duration(self.median[-1].estimate)}; order "
            f"statistics of the single shard's times predict "
            f"{duration(self.predicted_s[self.fan_outs[-1] - 1])}."
        )

    @property
    def verdict(self) -> str:
        """The prediction against the measured median with the most shards, in one line."""
        measured, predicted = self.median[-1], self.prediction
        if busy := no_verdict(self.late_s, measured.estimate):
            return busy
        overlap = predicted.low <= measured.high and measured.low <= predicted.high
        outcome = "the intervals overlap: agrees" if overlap else "no overlap: disagrees"
        return (
            f"order statistics predict {_range(predicted)}, measured {_range(measured)}; {outcome}"
        )

    def table(self):
        import pandas as pd

        at = self.fan_outs - 1
        return pd.DataFrame(
            {
                "shards": self.fan_outs,
                "median_ms": [1e3 * m.estimate for m in self.median],
                "ci_low_ms": [1e3 * m.low for m in self.median],
                "ci_high_ms": [1e3 * m.high for m in self.median],
                "predicted_ms": 1e3 * self.predicted_s[at],
                "p90_ms": 1e3 * self.p90_s,
                "predicted_p90_ms": 1e3 * self.predicted_p90_s[at],
            }
        ).set_index("shards")


def measure_scatter_gather(
    *,
    fan_outs: tuple[int, ...] = (1, 2, 8, 24),
    queries: int = 40,
    single_queries: int = 200,
    pause_ms: float = 2.0,
    hiccup_probability: float = 0.05,
    hiccup_ms: float = 15.0,
    seed: int = 1,
) -> MeasuredScatterGatherResult:
    """Sum a column over SQLite shards in parallel, and time the slowest answer.

    Each answer is a real query and a random pause that stands for the network and the shard's own
    disk: exponential, and now and then a hiccup on top.

    Parameters
    ----------
    fan_outs : tuple of int
        Numbers of shards, ascending, the first 1; at most 32.
    queries : int
        Queries for each number of shards but the first; 10 to 1,000.
    single_queries : int
        Queries to a single shard, whose times make the prediction; 200 to 5,000.
    pause_ms : float
        Mean pause, milliseconds; 0 to 50. With 0 the shards fight for this machine's cores, and
        independence is over.
    hiccup_probability : float
        0 to 0.5.
    hiccup_ms : float
        Milliseconds; 0 to 200.
    seed : int
        Seed of the pauses.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    counts = [validation.integer("fan_outs", n, at_least=1, at_most=32) for n in fan_outs]
    if not counts or counts[0] != 1 or counts != sorted(set(counts)):
        raise ValueError(f"fan_outs must be ascending and begin with 1, got {fan_outs!r}")
    queries = validation.integer("queries", queries, at_least=10, at_most=1_000)
    single = validation.integer("single_queries", single_queries, at_least=200, at_most=5_000)
    pause_s = validation.number("pause_ms", pause_ms, at_least=0, at_most=50, unit="ms") / 1e3
    p = validation.number("hiccup_probability", hiccup_probability, at_least=0, at_most=0.5)
    hiccup = validation.number("hiccup_ms", hiccup_ms, at_least=0, at_most=200, unit="ms") / 1e3
    most = counts[-1]
    rng = streams(seed, "pauses", "hiccups")
    times, correct = [], True
    with (
        shard_files(most, _SCHEMA) as files,
        ThreadPoolExecutor(most, thread_name_prefix="shard") as pool,
        Lateness() as lateness,
    ):
        for number, file in enumerate(files):
            with file.transaction() as connection:
                connection.executemany(
                    "INSERT INTO orders (customer, amount) VALUES (?, ?)",
                    [(row, number + row) for row in range(_ROWS)],
                )
        list(pool.map(lambda _: time.sleep(0.002), range(most)))  # threads start lazily
        for n in counts:
            shape = (single if n == 1 else queries, n)
            pauses = pause_s * rng["pauses"].standard_exponential(shape)
            pauses += hiccup * (rng["hiccups"].random(shape) < p)
            wanted = sum(number * _ROWS + _ROWS * (_ROWS - 1) // 2 for number in range(n))
            took = []
            for row in pauses.tolist():
                begun = time.perf_counter()
                total = sum(pool.map(_answer, files[:n], row))
                took.append(time.perf_counter() - begun)
                correct = correct and total == wanted
            times.append(np.array(took))
    curve = np.arange(1, most + 1)
    return MeasuredScatterGatherResult(
        fan_outs=np.array(counts),
        median=tuple(quantile_interval(t, 0.5) for t in times),
        p90_s=np.array([np.quantile(t, 0.9) for t in times]),
        curve=curve,
        predicted_s=empirical_quantile_of_max(times[0], 0.5, curve),
        predicted_p90_s=empirical_quantile_of_max(times[0], 0.9, curve),
        prediction=quantile_interval(times[0], 0.5 ** (1 / most)),
        correct=correct,
        late_s=lateness.mean_s,
    )


def _range(interval: Interval) -> str:
    return f"{duration(interval.estimate)} ({duration(interval.low)} to {duration(interval.high)})"


def _answer(file: ShardFile, pause_s: float) -> int:
    total = file.rows("SELECT sum(amount) FROM orders")[0][0]
    if pause_s > 0:
        time.sleep(pause_s)
    return total
