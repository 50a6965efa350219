"""Do more servers in one line keep fewer requests waiting? Real stations, and Erlang's formula.

Where that stops being true: a server works by sleeping and timers are late, so that a busy machine
has fuller stations than were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars
from helpers.foundations.experiment import Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import counted, percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling.loopback_queues import run_queues
from helpers.scaling.staffing import share_that_waits

#: Workers of each station.
WORKERS = (1, 2, 4)


class Trial(Parameters):
    """Stations on the loopback interface with one, two and four workers, and their clients."""

    utilisation: float = number(0.7, "Load on each worker", at_least=0.1, at_most=0.9)
    service_ms: float = number(6.0, "Mean service time", unit="ms", at_least=1, at_most=50)
    replications: int = integer(8, "Stations of each size", at_least=2, at_most=16)
    run_s: float = number(1.3, "Time of a run", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredStaffing:
    """Count the requests that wait at real stations of three sizes, all at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    loads = [
        (at.utilisation * count * 1e3 / at.service_ms, count)
        for count in WORKERS
        for _ in range(at.replications)
    ]
    runs, late_s = run_queues(loads, 1e-3 * at.service_ms, at.run_s, at.seed)
    shape = (len(WORKERS), at.replications)
    return MeasuredStaffing(
        at,
        service_s=float(np.concatenate([run.services_s for run in runs]).mean()),
        rates_rps=np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1),
        waited=mean_intervals(np.array([run.waited for run in runs]).reshape(shape).T),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


class MeasuredStaffing(Measured):
    """Share of requests that wait at real stations with :data:`WORKERS`.

    Attributes
    ----------
    service_s : float
        Mean service time as measured, seconds.
    rates_rps : numpy.ndarray, shape (3,)
        Arrival rate at each size of station as measured.
    waited : Intervals
        Share of the requests that waited; shape (3,).
    requests : int
        Requests measured altogether.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    service_s: float
    rates_rps: np.ndarray
    waited: Intervals
    requests: int
    late_s: float

    @property
    def utilisation(self) -> np.ndarray:
        """Utilisation of a worker, as measured."""
        return self.rates_rps * self.service_s / np.array(WORKERS)

    @property
    def erlang_c(self) -> np.ndarray:
        """What Erlang's C formula predicts from the measured rates."""
        loads = (self.rates_rps * self.service_s).tolist()
        return np.array([share_that_waits(*each) for each in zip(loads, WORKERS, strict=True)])

    @property
    def agrees(self) -> np.ndarray:
        """Whether Erlang's prediction lies in each interval."""
        return self.waited.contains(self.erlang_c)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"requests": self.requests}
        for i, count in enumerate(WORKERS):
            values[f"waited_percent_{count}_workers"] = 100 * float(self.waited.estimate[i])
            values[f"erlang_c_percent_{count}_workers"] = 100 * float(self.erlang_c[i])
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.service_s):
            return busy
        shares = ", ".join(
            f"{counted(count, 'worker')}: {significant(100 * self.waited.estimate[i], 2)} % wait "
            f"(Erlang C {significant(100 * self.erlang_c[i], 2)} %)"
            for i, count in enumerate(WORKERS)
        )
        return (
            f"Verdict: Erlang C lies in the 95 % interval at {int(self.agrees.sum())} of "
            f"{len(WORKERS)} stations. At about {percent(self.utilisation.mean(), 2)} utilisation, "
            f"{shares}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "workers": WORKERS,
            "utilisation": self.utilisation,
            "waited": self.waited.estimate,
            "from": self.waited.low,
            "to": self.waited.high,
            "Erlang C": self.erlang_c,
            "inside": self.agrees,
        }


@style.panels(2)
def plot_measured(run: MeasuredStaffing, axes: tuple[Axes, Axes]) -> None:
    """Draw the share that waits against the number of workers, and against Erlang's formula."""
    ax, against = axes
    ax.set_title("Real stations at equal utilisation")
    ax.set_xlim(0.4, 4.6)
    ax.set_xticks(WORKERS, [str(count) for count in WORKERS])
    ax.set_ylim(0, 1)
    ax.set_xlabel("workers that share one queue")
    ax.set_ylabel("share of requests that waits")
    ax.plot(WORKERS, run.erlang_c, **style.THEORY)
    error_bars(ax, WORKERS, run.waited, **style.MEASUREMENT)
    place: dict[str, Any] = {"ha": "right", "xytext": (-16, 24)}
    style.label(ax, WORKERS[-1], run.erlang_c[-1], "Erlang C", style.INK, **place)
    first = float(run.waited.estimate[0])
    style.label(ax, 1, first, "measured", style.VERMILION, xytext=(10, 8))

    against.set_title("The same, against Erlang C")
    against.set_xlim(0, 1)
    against.set_ylim(0, 1)
    against.set_xlabel("predicted by Erlang C")
    against.set_ylabel("measured")
    against.plot([0, 1], [0, 1], **style.THEORY)
    error_bars(against, run.erlang_c, run.waited, **style.MEASUREMENT)
    for i, count in enumerate(WORKERS):
        x, y = run.erlang_c[i], run.waited.estimate[i]
        side = {"xytext": (-10, 6), "ha": "right"} if i % 2 else {"xytext": (10, -8)}
        style.label(against, x, y, counted(count, "worker"), style.INK, **side)
