"""The bounded queue of `bounded_queue` for real: Python's ``queue.Queue`` between two threads.

Where that stops being true: work is a sleep, and a thread that is woken late makes the queue a
little fuller than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars
from helpers.foundations.experiment import (
    Measured,
    Parameters,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.messaging import bounded_queue
from helpers.messaging.bounded_queue import POLICIES, Setting, theory
from helpers.messaging.threaded_queue import run_queues

#: What is measured of what can be done.
MEASURED = ("turn away", "push back")

_PAIRS = 8


class Trial(Parameters):
    """Python's own ``queue.Queue`` between a thread that makes jobs and one that does them.

    Eight such pairs run at the same time and only sleep. Takes about ``jobs x work / load``.
    """

    load: float = number(1.2, "Offered load", unit="of the worker", at_least=0.3, at_most=2)
    room: int = integer(6, "Room for jobs", at_least=2, at_most=50)
    policy: str = option("turn away", "When it is full", of=MEASURED)
    work_ms: float = number(5.0, "Mean work of a job", unit="ms", at_least=1, at_most=50)
    jobs: int = integer(250, "Jobs of each pair", at_least=50, at_most=2_000)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredBounded:
    """Offer jobs to real queues and count those that found no room.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    work_s = 1e-3 * at.work_ms
    seen = run_queues(_PAIRS, at.jobs, work_s, at.load, at.room, at.policy == "push back", at.seed)
    return MeasuredBounded(at, seen.offered, seen.undone, seen.gap_s, seen.work_s, seen.late_s)


class MeasuredBounded(Measured):
    """Jobs that found no room in real queues.

    Attributes
    ----------
    offered, undone : numpy.ndarray, shape (8,)
        Jobs offered to each queue, and those turned away; with a producer that is pushed back,
        its time, and how much of it it was held up, seconds.
    gap_s, work_s : float
        Mean gap between jobs and mean work, as measured.
    late_s : float
        How late timers were on average, seconds.
    """

    at: Trial
    offered: np.ndarray
    undone: np.ndarray
    gap_s: float
    work_s: float
    late_s: float

    @property
    def interval(self) -> Interval:
        """95 % interval for the share that is not done."""
        return mean_interval(self.undone / self.offered)

    @property
    def expected(self) -> float:
        """What theory expects, from the load as measured."""
        load = min(max(self.work_s / self.gap_s, 0.1), 2.0)
        return float(theory(Setting(load=load, room=self.at.room, policy=self.at.policy)).undone)

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        return no_verdict(self.late_s, 1e-3 * self.at.work_ms) or verdict(
            self.interval, self.expected
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "undone_percent": rounded(100 * self.interval.estimate),
            "theory_percent": rounded(100 * self.expected),
            "load_measured": rounded(self.work_s / self.gap_s),
        }

    @property
    def reading(self) -> str:
        what = {
            "turn away": "of the jobs were turned away",
            "push back": "of its time the producer was held up",
        }[self.at.policy]
        return (
            f"Measured, {self.at.policy}: {percent(self.interval.estimate)} {what} (theory for "
            f"the load as measured, {percent(self.work_s / self.gap_s)}: "
            f"{percent(self.expected)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "queue": np.arange(1, self.offered.size + 1),
            "not done (%)": 100 * self.undone / self.offered,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = bounded_queue.plot


@style.panels(2, width_ratios=[1, 1.1])
def plot_measured(run: MeasuredBounded, axes: tuple[Axes, Axes]) -> None:
    """Mark what the real queue did on the bars of a simulated one."""
    interval = run.interval
    done = Interval(
        1 - interval.estimate, 1 - interval.high, 1 - interval.low, 0.95, interval.samples
    )
    row = POLICIES.index(run.at.policy) + 0.4
    error_bars(axes[0], row, done, 100, along="x", **style.MEASUREMENT)
