"""The two testers of `load_test` at real servers that stall: threads, sockets and sleeps.

Where that stops being true: a server works by sleeping, and the testers run on the machine that
they test: where that is busy, both are late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.fluid_stall import FluidStall
from helpers.estimation.load_test import LOOKS, ONE_IN, TESTERS, curve, frame, label, theory_curves
from helpers.estimation.stalling_servers import load_servers
from helpers.estimation.stalls import (
    STALL_AT,
    Stall,
    closed_responses,
    correct,
    open_responses,
    sample_quantile,
)
from helpers.foundations.experiment import Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict


class Trial(Parameters):
    """Servers of one thread that sleep for each request, and stall once in each of two tests."""

    rate_rps: float = number(
        100.0, "Rate of both testers", unit="requests/s", at_least=10, at_most=200
    )
    service_ms: float = number(3.0, "Service time", unit="ms", at_least=1, at_most=20)
    stall_s: float = number(0.3, "Length of the stall", unit="s", at_least=0.05, at_most=1)
    run_s: float = number(2.0, "Length of a test", unit="s", at_least=1, at_most=10)
    connections: int = integer(1, "Closed tester's connections", at_least=1, at_most=16)
    servers: int = integer(
        6, "Servers", at_least=2, at_most=12, note="Tested at the same time; intervals come of it."
    )
    seed: int = seed()

    def agree(self) -> None:
        half = 500 / self.rate_rps
        if self.service_ms > half:
            raise ValueError(
                f"service_ms must be a finite number of ms <= {half:g}, half of what the rate "
                f"leaves a request, got {self.service_ms:g}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredLoadTest:
    """Load real servers on the loopback interface with an open and then with a closed tester.

    Raises
    ------
    TimeoutError
        If the machine is so busy that a test takes far longer than it should.
    """
    tests = load_servers(
        at.rate_rps, 1e-3 * at.service_ms, at.stall_s, at.run_s, at.connections, at.servers, at.seed
    )
    runs = {
        "open": tests.opened,
        "closed": tests.closed,
        "corrected": [correct(r, at.connections / at.rate_rps) for r in tests.closed],
    }
    stall = Stall(STALL_AT * at.run_s, tests.stall_s)
    simulated = [
        open_responses(schedule[np.newaxis], tests.service_s, stall)[0][schedule >= 0]
        for schedule in tests.schedules
    ]
    again = closed_responses(at.rate_rps, tests.service_s, stall, at.run_s, at.connections)
    return MeasuredLoadTest(
        at,
        real_service_s=tests.service_s,
        real_stall_s=tests.stall_s,
        responses_s={name: np.sort(np.concatenate(each)) for name, each in runs.items()},
        mean={n: mean_interval([r.mean() for r in each]) for n, each in runs.items()},
        p99={
            n: mean_interval([sample_quantile(np.sort(r), 0.99) for r in each])
            for n, each in runs.items()
        },
        simulated_s={
            "open": np.sort(np.concatenate(simulated)),
            "closed": np.sort(again),
            "corrected": np.sort(correct(again, at.connections / at.rate_rps)),
        },
        late_s=tests.late_s,
    )


class MeasuredLoadTest(Measured):
    """What each tester measured of the same servers with the same stall.

    Attributes
    ----------
    real_service_s, real_stall_s : float
        Service time and stall as they really were, on average, seconds.
    responses_s : dict of str to numpy.ndarray
        For each tester all its response times in ascending order, seconds.
    mean, p99 : dict of str to Interval
        For each tester, over the servers, seconds.
    simulated_s : dict of str to numpy.ndarray
        What the simulation says for the measured rate, service and stall, ascending, seconds.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    real_service_s: float
    real_stall_s: float
    responses_s: dict[str, np.ndarray]
    mean: dict[str, Interval]
    p99: dict[str, Interval]
    simulated_s: dict[str, np.ndarray]
    late_s: float

    @property
    def theory(self) -> FluidStall:
        """What the fluid model says for the service and the stall as they really were."""
        at = self.at
        return FluidStall(
            at.rate_rps, self.real_service_s, self.real_stall_s, at.run_s, at.connections
        )

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile, seconds."""
        return sample_quantile(self.responses_s[tester], q)

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "requests": sum(len(self.responses_s[tester]) for tester in ("open", "closed")),
            "service_ms": 1e3 * self.real_service_s,
            "stall_ms": 1e3 * self.real_stall_s,
        }
        for tester in TESTERS:
            found[f"{tester}_mean_ms"] = 1e3 * float(self.mean[tester].estimate)
            found[f"{tester}_p99_ms"] = 1e3 * float(self.p99[tester].estimate)
        return found

    @property
    def reading(self) -> str:
        opened, closed = (duration(float(self.p99[t].estimate)) for t in ("open", "closed"))
        simulated = float(self.simulated_s["open"].mean())
        distance = 100 * (float(self.mean["open"].estimate) / simulated - 1)
        told = (
            f"Of the same servers with the same stall of {duration(self.real_stall_s)} the open "
            f"tester measured a p99 of {opened}, the closed one {closed}."
        )
        if busy := no_verdict(self.late_s, self.real_service_s):
            return f"{told} {busy}"
        return (
            f"{told} Verdict on the open mean: "
            f"{verdict(self.mean['open'], self.theory.mean_s, unit='s')}; the simulation's "
            f"{duration(simulated)} is {significant(abs(distance), 2)} % "
            f"{'below' if distance > 0 else 'above'} the measured mean."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact, few = self.theory, ONE_IN[:6]
        columns: dict[str, Any] = {"one in": few}
        for tester in TESTERS:
            columns[f"{tester}, measured (ms)"] = [
                1e3 * self.percentile_s(tester, 1 - 1 / n) for n in few
            ]
            columns[f"{tester}, simulated (ms)"] = [
                1e3 * sample_quantile(self.simulated_s[tester], 1 - 1 / n) for n in few
            ]
            columns[f"{tester}, fluid model (ms)"] = [
                1e3 * exact.percentile_s(tester, 1 - 1 / n) for n in few
            ]
        return columns


def plot_measured(run: MeasuredLoadTest, ax: Axes) -> None:
    """Draw what real testers wrote down, on the simulation and theory of the same minute."""
    ax.set_title("Two real testers, one real stall")
    frame(ax, 300)
    theory_curves(ax, run.theory, 300)
    for tester in TESTERS:
        color, line, marker = LOOKS[tester]
        samples = run.simulated_s[tester]
        n = np.geomspace(1.6, min(300, len(samples)), 70)
        curve(ax, n, samples, color=color, linestyle=line, linewidth=2.2)
        curve(ax, np.geomspace(2, 200, 9), run.responses_s[tester], color=color, marker=marker,
               markersize=6, linestyle="none", markeredgecolor="white", zorder=5)  # fmt: skip
    marks = {"open": "● ", "closed": "■ ", "corrected": "▲ "}
    last = "– –  theory; lines: simulation; marks: measured"
    label(ax, run.simulated_s, 60.0, marks, last)
