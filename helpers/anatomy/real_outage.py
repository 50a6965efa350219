"""The outage of `outage` for real: a consumer thread that goes away, reached in three ways.

Called directly, through ``queue.Queue``, and through a queue in an sqlite3 file. Where that stops
being true: the consumer comes back as it was; one that died would have forgotten what it was doing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.consumers import BEFORE_S, WAYS, Driven, drive_all
from helpers.anatomy.outage import Theory, fluid
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, named_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Draws, Measured, Parameters, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.traffic.arrivals import unit_gaps


class Trial(Parameters):
    """A consumer thread that goes away: called directly, by queue.Queue, by an sqlite queue."""

    rate_rps: float = number(150.0, "Requests", unit="requests/s", at_least=20, at_most=200)
    outage_s: float = number(0.4, "Outage of the consumer", unit="s", at_least=0.1, at_most=1)
    drain_rps: float = number(
        350.0,
        "What the consumer can do",
        unit="jobs/s",
        at_least=30,
        at_most=500,
        note="At least half as much again as comes.",
    )
    seed: int = seed()

    def agree(self) -> None:
        if self.drain_rps < 1.5 * self.rate_rps:
            raise ValueError(
                f"drain_rps must be at least 1.5 times rate_rps, {self.rate_rps:g}, or the queues "
                f"would not be empty in time; got {self.drain_rps:g}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredOutage:
    """Send real requests while a consumer thread is away, in three ways at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    drain_s = at.rate_rps * at.outage_s / (at.drain_rps - at.rate_rps)
    run_s = BEFORE_S + at.outage_s + 2 * drain_s + 0.3
    gaps = unit_gaps("poisson", int(2 * at.rate_rps * run_s) + 50, Draws(at.seed)("gaps"))
    due = np.cumsum(gaps) / at.rate_rps
    driven, late_s = drive_all(due[due < run_s].tolist(), at.outage_s, at.drain_rps, run_s)
    by_name = {name: np.array([getattr(one, name) for one in driven]) for name in Driven._fields}
    return MeasuredOutage(at, late_s=late_s, **by_name)


class MeasuredOutage(Measured):
    """What happened to real requests while a real consumer was away; see `Driven`.

    Attributes
    ----------
    sent, failed : numpy.ndarray of int, shape (3,)
        Requests sent, and failed, by each of :data:`WAYS`.
    accept_s : numpy.ndarray, shape (3,)
        Median time until a request was accepted, seconds.
    waiting : numpy.ndarray of int, shape (3,)
        Jobs waiting when the consumer came back; 0 for the direct call.
    sent_in_outage : numpy.ndarray of int, shape (3,)
        Requests sent while the consumer was away.
    drained_s : numpy.ndarray, shape (3,)
        Seconds from its return until the queue was empty.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    sent: np.ndarray
    failed: np.ndarray
    accept_s: np.ndarray
    waiting: np.ndarray
    sent_in_outage: np.ndarray
    drained_s: np.ndarray
    late_s: float

    @property
    def expected(self) -> Theory:
        """The fluid model at the trial's setting."""
        return fluid(self.at.rate_rps, self.at.outage_s, self.at.drain_rps)

    @property
    def range95(self) -> tuple[float, float]:
        """Where 95 % of the Poisson numbers with the theory's backlog as mean would lie."""
        mean = self.expected.backlog
        return mean - 1.96 * math.sqrt(mean), mean + 1.96 * math.sqrt(mean)

    @property
    def agrees(self) -> bool:
        """Whether both backlogs lie there and only direct calls failed."""
        low, high = self.range95
        inside = ((low <= self.waiting[1:]) & (self.waiting[1:] <= high)).all()
        return bool(inside and self.failed[0] > 0 and not self.failed[1:].any())

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for i, way in enumerate(WAYS):
            name = way.replace("queue.Queue", "memory queue").replace(" ", "_")
            values[f"{name}_failed"] = int(self.failed[i])
            values[f"{name}_accept_us"] = 1e6 * float(self.accept_s[i])
            if i:
                values[f"{name}_backlog"] = int(self.waiting[i])
                values[f"{name}_drain_s"] = float(self.drained_s[i])
        values["theory_backlog"] = self.expected.backlog
        values["theory_drain_s"] = self.expected.drain_s
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1 / self.at.drain_rps):
            return busy
        low, high = self.range95
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: in an outage of {duration(self.at.outage_s)} {self.failed[0]} direct calls "
            f"failed and {int(self.failed[1:].sum())} queued ones; the queues grew to "
            f"{self.waiting[1]} and {self.waiting[2]} jobs, where theory expects "
            f"{significant(self.expected.backlog)} ({low:.0f} to "
            f"{high:.0f} in 95 % of such runs): {word}. They were empty after "
            f"{duration(self.drained_s[1], 2)} and {duration(self.drained_s[2], 2)} (fluid model "
            f"{duration(self.expected.drain_s, 2)}). Accepting took "
            f"{', '.join(duration(float(t), 2) for t in self.accept_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "way": WAYS,
            "sent": self.sent,
            "failed": self.failed,
            "accepted in (µs)": 1e6 * self.accept_s,
            "backlog": self.waiting,
            "drained in (s)": self.drained_s,
        }


def plot_measured(run: MeasuredOutage, ax: Axes) -> None:
    """Draw failed requests and backlogs of three ways to reach a real consumer."""
    x, most = np.arange(3), 1.45 * float(max(run.failed.max(), run.waiting.max()))
    top = step_up(most, (50, 100, 200, 400))
    ax.set(
        title="A real consumer away for a moment",
        xlim=(-0.6, 2.6),
        ylim=(-0.04 * top, top),
        ylabel="requests, or jobs",
    )
    named_axis(ax, "x", list(WAYS), x)
    ax.axhspan(*run.range95, color=style.FAINT, alpha=0.7, linewidth=0)
    ax.axhline(run.expected.backlog, **style.THEORY)
    look: dict[str, Any] = {"color": style.VERMILION, "linestyle": "none"}
    ax.plot(x, run.failed, marker="X", markersize=11, **look)
    ax.plot(x[1:], run.waiting[1:], marker="o", markersize=10, **look)
    names = [
        ("✖", "requests that failed", style.VERMILION),
        ("●", "jobs waiting at the end of it", style.VERMILION),
        ("--", "rate × outage, and 95 % of Poisson numbers", style.INK),
    ]
    key(ax, names, left=True)
