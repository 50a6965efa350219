"""Four of the policies of `balancing` at real servers, and their own requests simulated again.

Where that stops being true: a server works by sleeping, so that a slow moment of this machine
strikes all of them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.balancing import closed_forms
from helpers.anatomy.loopback_balancers import deal_out
from helpers.anatomy.policies import replay
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, marks, named_axis
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

#: Policies that are measured.
MEASURED_POLICIES = ("random", "round robin", "power of two", "least connections")

#: Largest gap between measured and replayed mean response that the verdict calls agreement.
TOLERANCE = 0.1


class Trial(Parameters):
    """Servers on the loopback interface that sleep for each request, behind four policies."""

    utilisation: float = number(0.9, "Load on each server", at_least=0.1, at_most=0.95)
    servers: int = integer(10, "Servers behind each policy", at_least=2, at_most=10)
    service_ms: float = number(20.0, "Mean service time", unit="ms", at_least=10, at_most=50)
    run_s: float = number(2.0, "Time of a run", unit="s", at_least=0.5, at_most=5)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredBalancing:
    """Deal the same requests out to real servers by four policies, all at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    draw, rate = Draws(at.seed), at.utilisation * at.servers * 1e3 / at.service_ms
    count = int(rate * at.run_s)
    due = np.cumsum(unit_gaps("poisson", count, draw("arrivals"))) / rate
    works = unit_services("exponential", count, draw("services")) * at.service_ms * 1e-3
    dice = draw("dice").random((2, count))
    dealt, late_s = deal_out(MEASURED_POLICIES, due, works, dice, at.servers, 4 * at.run_s + 10)
    replayed = [
        replay(policy, one.sent_s, one.served_s, dice, at.servers).mean()
        for policy, one in zip(MEASURED_POLICIES, dealt, strict=True)
    ]
    return MeasuredBalancing(
        at,
        mean_service_ms=1e3 * float(np.mean([one.served_s for one in dealt])),
        measured_ms=1e3 * np.array([one.took_s.mean() for one in dealt]),
        replayed_ms=1e3 * np.array(replayed),
        requests=count,
        late_s=late_s,
    )


class MeasuredBalancing(Measured):
    """Mean responses of real servers, and of the simulation fed with their traffic.

    Attributes
    ----------
    mean_service_ms : float
        Mean service time as measured, milliseconds.
    measured_ms, replayed_ms : numpy.ndarray, shape (4,)
        Mean response time under each of `MEASURED_POLICIES`: measured, and simulated with the
        instants at which the requests were really sent and the times they were really served.
    requests : int
        Requests sent under each policy.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    mean_service_ms: float
    measured_ms: np.ndarray
    replayed_ms: np.ndarray
    requests: int
    late_s: float

    @property
    def gaps(self) -> np.ndarray:
        """Measured over replayed response, less 1, shape (4,)."""
        return self.measured_ms / self.replayed_ms - 1

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            "requests_per_policy": self.requests,
            "service_ms": self.mean_service_ms,
        }
        rows = zip(MEASURED_POLICIES, self.measured_ms, self.replayed_ms, strict=True)
        for policy, measured, replayed in rows:
            values[f"{policy.replace(' ', '_')}_ms"] = float(measured)
            values[f"{policy.replace(' ', '_')}_replayed_ms"] = float(replayed)
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.mean_service_ms):
            return busy
        worst = int(np.abs(self.gaps).argmax())
        inside = int((np.abs(self.gaps) <= TOLERANCE).sum())
        rows = zip(MEASURED_POLICIES, self.measured_ms, self.replayed_ms, strict=True)
        means = ", ".join(
            f"{policy} {significant(m)} ms (simulated {significant(r)})" for policy, m, r in rows
        )
        return (
            f"Verdict: for {inside} of {len(MEASURED_POLICIES)} policies the simulation, fed with "
            f"the same requests, is within {percent(TOLERANCE)} of what {self.at.servers} real "
            f"servers took: {means}. The widest gap, {100 * self.gaps[worst]:+.1f} %, is that of "
            f"{MEASURED_POLICIES[worst]}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "policy": MEASURED_POLICIES,
            "measured (ms)": self.measured_ms,
            "simulated on the same requests (ms)": self.replayed_ms,
            "gap (%)": 100 * self.gaps,
        }


def plot_measured(run: MeasuredBalancing, ax: Axes) -> None:
    """Draw measured means beside the simulation's on the same requests."""
    x = np.arange(len(MEASURED_POLICIES))
    steady = closed_forms(run.at.utilisation, run.at.servers)
    ax.set(
        title="Real servers, and the simulation on the same requests",
        xlim=(-0.6, 3.6),
        ylim=(0, 1.25 * float(max(run.measured_ms.max(), run.replayed_ms.max()))),
        ylabel="mean response (ms)",
    )
    named_axis(ax, "x", list(MEASURED_POLICIES), x)
    bars(ax, x, run.replayed_ms, 0.5, facecolor=style.SKY, alpha=0.6)
    ax.plot(x, run.measured_ms, **(style.MEASUREMENT | {"markersize": 8}))
    for i, policy in enumerate(MEASURED_POLICIES):
        if policy in steady:
            marks(ax, i, steady[policy] * run.mean_service_ms, 0.6)
    names = [
        ("●", "measured", style.VERMILION),
        ("■", "simulated with the same requests", style.SKY_INK),
        ("--", "steady state, which a short run does not reach", style.INK),
    ]
    key(ax, names)
