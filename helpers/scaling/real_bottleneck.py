"""The chain of `bottleneck` on real servers: three hops over TCP, and users who think.

Where that stops being true: a server works by sleeping, so that no tier takes the processor from
another, and all of them run on one machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, is_blank
from helpers.foundations.experiment import Measured, Parameters, number, seed, takes
from helpers.foundations.prose import counted, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling.bottleneck import Theory, frame, network
from helpers.scaling.loopback_chains import run_chains

#: Numbers of users at which the chains are measured.
MEASURED_USERS = (1, 4, 8, 12, 20)

_CHAINS = 3  # real ones, of each number of users
_BATCHES = 10


class Trial(Parameters):
    """Chains of three loopback servers that sleep for each request, and users who think."""

    web_ms: float = number(2.0, "Work on the web server", unit="ms", at_least=1, at_most=50)
    application_ms: float = number(
        4.0, "Work in the application", unit="ms", at_least=1, at_most=50
    )
    database_ms: float = number(8.0, "Work in the database", unit="ms", at_least=1, at_most=50)
    think_ms: float = number(60.0, "Time a user thinks", unit="ms", at_least=1, at_most=1e3)
    run_s: float = number(1.6, "Time of a run", unit="s", at_least=0.3, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredBottleneck:
    """Run chains of three loopback servers, three chains for each of five numbers of users.

    Every hop is a TCP connection: users to web, web to application, application to database, and
    the reply back the same way. Intervals come from ten batches of equal duration, each averaged
    over the three chains.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    crowds = [users for users in MEASURED_USERS for _ in range(_CHAINS)]
    means_s = [1e-3 * ms for ms in (at.web_ms, at.application_ms, at.database_ms)]
    runs = run_chains(crowds, means_s, 1e-3 * at.think_ms, at.run_s, at.seed)
    shape = (len(MEASURED_USERS), _CHAINS)
    counts = [
        np.histogram(answered, bins=_BATCHES, range=(runs.after, runs.ended))[0]
        for answered in runs.answered
    ]
    batches = np.array(counts).reshape(*shape, _BATCHES).mean(axis=1)
    responses = [
        responses[answered >= runs.after].mean()
        for responses, answered in zip(runs.responses_s, runs.answered, strict=True)
    ]
    return MeasuredBottleneck(
        at,
        demands_s=runs.demands_s,
        thought_s=runs.thought_s,
        throughput=mean_intervals(batches.T * (_BATCHES / (runs.ended - runs.after))),
        response_s=np.array(responses).reshape(shape).mean(axis=1),
        late_s=runs.late_s,
    )


class MeasuredBottleneck(Measured):
    """Throughput of real three-tier chains with :data:`MEASURED_USERS`.

    Attributes
    ----------
    demands_s : tuple of float
        Mean service time of each tier as measured, seconds.
    thought_s : float
        Mean think time as measured, seconds; it includes the replies' way back.
    throughput : Intervals
        Requests per second, from ten batches; shape (5,).
    response_s : numpy.ndarray, shape (5,)
        Mean response time.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    demands_s: tuple[float, ...]
    thought_s: float
    throughput: Intervals
    response_s: np.ndarray
    late_s: float

    @property
    def expected(self) -> Theory:
        """Exact solution and bounds for the demands as measured."""
        return network(self.demands_s, self.thought_s, MEASURED_USERS[-1])

    @property
    def predicted_rps(self) -> np.ndarray:
        """Throughput by exact mean value analysis for the measured demands."""
        return self.expected.exact.throughput_rps[np.array(MEASURED_USERS) - 1]

    @property
    def agrees(self) -> np.ndarray:
        """Whether the exact solution lies in each interval."""
        return self.throughput.contains(self.predicted_rps)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "web_demand_ms": 1e3 * self.demands_s[0],
            "application_demand_ms": 1e3 * self.demands_s[1],
            "database_demand_ms": 1e3 * self.demands_s[2],
            "ceiling_rps": 1 / max(self.demands_s),
            "knee_users": self.expected.bounds.knee_customers,
            "most_measured_rps": float(self.throughput.estimate.max()),
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, max(self.demands_s)):
            return busy
        ratio = self.throughput.estimate / self.predicted_rps
        worst = int(np.argmax(np.abs(np.log(ratio))))
        off = 100 * (ratio[worst] - 1)
        return (
            f"Verdict: at {int(self.agrees.sum())} of {len(MEASURED_USERS)} numbers of users the "
            f"throughput that mean value analysis predicts from the measured demands lies in the "
            f"95 % interval (largest error {significant(abs(off), 2)} %, "
            f"{'above' if off > 0 else 'below'}, at {counted(MEASURED_USERS[worst], 'user')}); "
            f"{MEASURED_USERS[-1]} users got {significant(self.throughput.estimate[-1])} "
            f"requests/s, and the slowest tier allows {significant(1 / max(self.demands_s))}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "users": MEASURED_USERS,
            "measured (rps)": self.throughput.estimate,
            "from": self.throughput.low,
            "to": self.throughput.high,
            "exact (rps)": self.predicted_rps,
            "response (ms)": 1e3 * self.response_s,
            "exact (ms)": 1e3 * self.expected.exact.response_s[np.array(MEASURED_USERS) - 1],
        }


@style.panels(2)
def plot_measured(run: MeasuredBottleneck, axes: tuple[Axes, Axes]) -> None:
    """Draw what real chains did, with theory from the demands that they had."""
    rate, response = axes
    if is_blank(rate):
        frame(axes, run.expected)
    error_bars(rate, MEASURED_USERS, run.throughput, **style.MEASUREMENT)
    response.plot(MEASURED_USERS, 1e3 * run.response_s, **style.MEASUREMENT)
