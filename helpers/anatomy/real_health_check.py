"""The death of `health_check` in real clusters: one of three loopback servers, again and again.

Where that stops being true: connections to a server that is gone are refused at once here, and one
that is cut off stays silent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.health_check import Theory, burst
from helpers.anatomy.loopback_clusters import SERVERS, kill_one_in_each
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.foundations.traffic.arrivals import unit_gaps


class Trial(Parameters):
    """Clusters of three servers on the loopback interface, one of which dies."""

    rate_rps: float = number(
        150.0, "Requests to each cluster", unit="requests/s", at_least=30, at_most=300
    )
    interval_s: float = number(0.2, "Interval between checks", unit="s", at_least=0.05, at_most=0.5)
    threshold: int = integer(2, "Failed checks in a row", at_least=1, at_most=3)
    clusters: int = integer(
        8,
        "Clusters",
        at_least=2,
        at_most=16,
        note="Their deaths are spread over the interval between two checks.",
    )
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredHealthCheck:
    """Kill one of three real servers in each of several clusters, all at about the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    draw, most = Draws(at.seed), int(2 * at.rate_rps * (at.threshold + 2.5)) + 50
    gaps = [
        unit_gaps("poisson", most, draw(f"arrivals {i}")) / at.rate_rps for i in range(at.clusters)
    ]
    killed = kill_one_in_each(gaps, at.interval_s, at.threshold)
    return MeasuredHealthCheck(at, np.array(killed.errors), np.array(killed.detection_s),
                               killed.after, killed.late_s)  # fmt: skip


class MeasuredHealthCheck(Measured):
    """Failed requests after the death of one of three real servers.

    Attributes
    ----------
    errors : numpy.ndarray of int, shape (clusters,)
        Requests that failed in each cluster.
    detection_s : numpy.ndarray, shape (clusters,)
        Time until the dead server was out of rotation.
    after : int
        Requests that failed later than that, in all clusters.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    errors: np.ndarray
    detection_s: np.ndarray
    after: int
    late_s: float

    @property
    def mean_errors(self) -> Interval:
        """Failed requests of a cluster."""
        return mean_interval(self.errors)

    @property
    def expected(self) -> Theory:
        """Theory at the trial's setting."""
        at = self.at
        return burst(
            rate_rps=at.rate_rps, servers=SERVERS, interval_s=at.interval_s, threshold=at.threshold
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "clusters": self.errors.size,
            "errors_mean": self.mean_errors.estimate,
            "errors_theory": self.expected.errors,
            "detection_s": float(self.detection_s.mean()),
            "detection_theory_s": self.expected.detection_s,
            "errors_afterwards": self.after,
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.at.interval_s):
            return busy
        said = verdict(self.mean_errors, self.expected.errors, unit="failed requests")
        return (
            f"Verdict: {said}. {counted(self.errors.size, 'cluster')} of three real servers lost "
            f"{significant(self.mean_errors.estimate)} requests each on average, in "
            f"{duration(float(self.detection_s.mean()))} (theory "
            f"{duration(self.expected.detection_s)}); {self.after} failed after the dead server "
            "was out of rotation."
        )


def plot_measured(run: MeasuredHealthCheck, ax: Axes) -> None:
    """Draw the errors of each real cluster, their mean and theory's."""
    count, mean, expected = run.errors.size, run.mean_errors, run.expected.errors
    most = 1.4 * max(float(run.errors.max()), 2 * expected)
    ax.set(
        title="One of three real servers killed, again and again",
        xlim=(0, count + 2.2),
        ylim=(0, step_up(most, (20, 40, 60, 100, 200, 500, 1_000))),
        xlabel="cluster, from the longest wait for a check to the shortest",
        ylabel="failed requests",
    )
    ax.set_xticks(range(1, count + 1))
    look: dict[str, Any] = {"color": style.VERMILION, "marker": "o", "alpha": 0.55}
    ax.plot(np.arange(count, 0, -1), run.errors, markersize=6, linestyle="none", **look)
    error_bars(ax, count + 1.4, mean, **(style.MEASUREMENT | {"markersize": 8}))
    ax.axhline(expected, **style.THEORY)
    above: dict[str, Any] = {"ha": "center", "xytext": (0, 9)}
    style.label(ax, count + 1.4, mean.high, "mean", style.VERMILION, **above)
    names = [
        ("●", "one cluster", style.VERMILION),
        ("--", "theory: λ/n × detection time", style.INK),
    ]
    key(ax, names, left=True)
