"""One service, more and more users: the laws that hold at every load.

Users think, ask, wait for the answer and think again. Where that stops being true: real people do
not wait a day. They leave, or press reload, which is worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    log_axis,
    note,
    ring,
    short,
    time_axis,
    yours,
)
from helpers.foundations.experiment import (
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, Intervals
from helpers.why.closed_station import (
    Observed,
    SteadyState,
    run_closed,
    saturation_users,
    steady_state,
)
from helpers.why.users_of_a_server import MEASURED_USERS, load_servers

#: Numbers of users at which the curve is simulated.
USERS = tuple(round(10 ** (e / 2)) for e in range(4, 15))

_STEPS = 320


class Setting(Parameters):
    """One server and its users."""

    users: int = integer(1_000, "Users", at_least=1, at_most=10**8)
    service_ms: float = number(
        10.0, "Work per request", unit="ms", above=0, note="Mean service time, exponential."
    )
    think_s: float = number(
        60.0, "Pause between requests", unit="s", above=0, note="Mean time a user thinks."
    )
    replications: int = replications(64)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Users:
    """Observe the server with a hundred to ten million users, and with as many as asked for."""
    service_s = 1e-3 * at.service_ms
    case = (at.think_s / service_s, (1,), _STEPS, at.replications, at.seed)
    return Users(
        at,
        observed=run_closed(USERS, *case).scaled(service_s),
        here=run_closed((at.users,), *case).scaled(service_s),
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, users: int | None = None) -> SteadyState:
    """The machine-repairman model at the setting, or with other users; see its docstring."""
    service_s = at.service_ms * 1e-3
    return steady_state(at.users if users is None else users, at.think_s, service_s)


@lru_cache(maxsize=64)
def _curve(ratio: float) -> np.ndarray:
    """Users, and response times in units of the service time."""
    cliff = saturation_users(ratio, 1.0)
    grid = np.unique(np.append(np.geomspace(1e2, 1e7, 31), cliff * np.geomspace(0.5, 2, 11)))
    points = np.unique(np.clip(grid, 1e2, 1e7).astype(int))
    curve = np.array([(n, steady_state(int(n), ratio, 1.0).response_s) for n in points])
    curve.setflags(write=False)
    return curve


# --- what it says ---------------------------------------------------------------------------------


class Users(Result):
    """What was observed at :data:`USERS`, and with the number of users asked for."""

    at: Setting
    observed: Observed
    here: Observed

    @property
    def response(self) -> Interval:
        """Mean response time, seconds."""
        return self.here.response_s[0]

    @property
    def utilisation_gap(self) -> Interval:
        """U / (X S) - 1, as observed."""
        return self.here.utilisation_gap(self.at.service_ms * 1e-3)[0]

    @property
    def little_gap(self) -> Interval:
        """L / (X R) - 1, as observed."""
        return self.here.little_gap[0]

    @property
    def summary(self) -> dict[str, float | int | str]:
        x, r = self.here.throughput_rps[0].estimate, self.response.estimate
        return {
            "users": self.at.users,
            "throughput_rps": x,
            "response_ms": 1e3 * r,
            "theory_response_ms": 1e3 * theory(self.at).response_s,
            "utilisation": self.here.busy[0].estimate,
            "throughput_times_service": x * self.at.service_ms * 1e-3,
            "in_system": self.here.in_system[0].estimate,
            "throughput_times_response": x * r,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        agree = "inside" if self.response.contains(exact.response_s) else "outside"
        hold = [
            f"{law} {'holds' if gap.contains(0.0) else 'is missed'} "
            f"(to ± {significant(100 * gap.half_width, 2)} %)"
            for law, gap in (("U = X S", self.utilisation_gap), ("L = X R", self.little_gap))
        ]
        busy = self.here.busy[0].estimate
        return (
            f"{counted(self.at.users, 'user waits', 'users wait')} "
            f"{duration(self.response.estimate)} for an answer on average (theory: "
            f"{duration(exact.response_s)}, {agree} the simulation's 95 % interval) and the "
            f"server is {significant(100 * busy)} % busy; as observed, {hold[0]} and {hold[1]}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        seen, service_s = self.observed, self.at.service_ms * 1e-3
        x, r = seen.throughput_rps.estimate, seen.response_s.estimate
        return {
            "users": USERS,
            "X (answers/s)": x,
            "U": seen.busy.estimate,
            "X S": x * service_s,
            "R (s)": r,
            "theory R (s)": [theory(self.at, n).response_s for n in USERS],
            "L": seen.in_system.estimate,
            "X R": x * r,
        }


@style.panels(2, width_ratios=[1.35, 1])
def plot(run: Users, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the response time against the number of users, and the two laws as a diagonal."""
    ax, laws = axes
    ax.set_title("Fine, fine, fine, gone")
    log_axis(ax, "x", 80, 1.3e7)
    time_axis(ax, "y", 5e-4, 3e6)
    ax.set_xlabel("users")
    ax.set_ylabel("mean response time")
    here(ax, run.at.users)
    service_s = run.at.service_ms * 1e-3
    users, response = _curve(run.at.think_s / service_s).T
    ax.plot(users, service_s * response, **style.THEORY)
    error_bars(ax, USERS, run.observed.response_s, **style.DOTS)
    ring(ax, run.at.users, run.response.estimate)
    laws.set_title("Two laws, one diagonal")
    for which in ("x", "y"):
        log_axis(laws, which, 1e-4, 3e7, ticks=(1e-3, 1.0, 1e3, 1e6), text=short)
    laws.set_xlabel("X S, and X R")
    laws.set_ylabel("U and L, counted")
    laws.plot([1e-4, 3e7], [1e-4, 3e7], **style.THEORY)
    note(laws, 0.05, 0.95, "● requests in the system: L = X R", style.BLUE)
    note(laws, 0.05, 0.87, "◆ busy share: U = X S", style.VERMILION)
    x, r = run.observed.throughput_rps.estimate, run.observed.response_s.estimate
    for place, counts, color, marker, size in (
        (x * r, run.observed.in_system, style.BLUE, "o", 7),
        (x * service_s, run.observed.busy, style.VERMILION, "D", 4.5),
    ):
        laws.plot(
            place, counts.estimate, color=color, marker=marker, markersize=size, linestyle="none"
        )
    if mine is not None:
        yours(ax, run.at.users, mine["response_s"])


# --- the same on real servers ---------------------------------------------------------------------


class Trial(Parameters):
    """Servers on the loopback interface that sleep for each request, and their users."""

    service_ms: float = number(6.0, "Work per request", unit="ms", at_least=1, at_most=20)
    think_s: float = number(0.3, "Pause between requests", unit="s", at_least=0.05, at_most=1)
    replications: int = integer(4, "Servers for each number of users", at_least=2, at_most=10)
    run_s: float = number(0.8, "Time measured", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredUsers:
    """Let real users load real servers, at five numbers of users at once.

    Raises
    ------
    TimeoutError
        If the machine is far too busy.
    """
    seen = load_servers(at.service_ms * 1e-3, at.think_s, at.replications, at.run_s, at.seed)
    return MeasuredUsers(
        at,
        service_s=seen.service_s,
        thought_s=seen.thought_s,
        response=seen.response_s,
        utilisation_gap=seen.utilisation_gap,
        little_gap=seen.little_gap,
        requests=seen.requests,
        late_s=seen.late_s,
    )


class MeasuredUsers(Measured):
    """A real server with :data:`MEASURED_USERS`; arrays of shape (5,).

    Attributes
    ----------
    service_s, thought_s : float
        Mean service and think time as measured, seconds.
    response : Intervals
        Mean response time, seconds.
    utilisation_gap, little_gap : Intervals
        U / (X S) - 1 and L / (X R) - 1, where U and L come from looking every few milliseconds
        and X, S and R from the requests.
    requests : int
        Requests answered while measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    service_s: float
    thought_s: float
    response: Intervals
    utilisation_gap: Intervals
    little_gap: Intervals
    requests: int
    late_s: float

    @property
    def predicted_s(self) -> np.ndarray:
        """What the machine-repairman model says for the measured service time."""
        return np.array(
            [steady_state(n, self.at.think_s, self.service_s).response_s for n in MEASURED_USERS]
        )

    @property
    def agrees(self) -> np.ndarray:
        """Whether the theory lies in each interval."""
        return np.asarray(self.response.contains(self.predicted_s))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "requests": self.requests,
            "service_ms": 1e3 * self.service_s,
            "think_ms": 1e3 * self.thought_s,
            "theory_inside": f"{int(self.agrees.sum())} of {len(MEASURED_USERS)}",
            "largest_gap_U_vs_XS_percent": 100 * float(np.abs(self.utilisation_gap.estimate).max()),
            "largest_gap_L_vs_XR_percent": 100 * float(np.abs(self.little_gap.estimate).max()),
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.service_s):
            return busy
        held = [int(np.sum(gap.contains(0.0))) for gap in (self.utilisation_gap, self.little_gap)]
        return (
            f"Verdict: over {self.requests:,} real requests U = X S lies in its 95 % interval at "
            f"{held[0]} of {len(MEASURED_USERS)} numbers of users, L = X R at {held[1]}, and the "
            f"response time that theory predicts at {int(self.agrees.sum())} "
            f"({MEASURED_USERS[-1]} users: measured "
            f"{duration(float(self.response.estimate[-1]))}, theory "
            f"{duration(float(self.predicted_s[-1]))})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "users": MEASURED_USERS,
            "R (ms)": 1e3 * self.response.estimate,
            "from": 1e3 * self.response.low,
            "to": 1e3 * self.response.high,
            "theory (ms)": 1e3 * self.predicted_s,
            "U / (X S)": 1 + self.utilisation_gap.estimate,
            "L / (X R)": 1 + self.little_gap.estimate,
        }


@style.panels(2, width_ratios=[1.35, 1])
def plot_measured(run: MeasuredUsers, axes: tuple[Axes, Axes]) -> None:
    """Draw real response times, and both laws as ratios of what was measured."""
    ax, laws = axes
    ax.set_title("A real server and its users")
    log_axis(ax, "x", 12, 260, ticks=MEASURED_USERS)
    time_axis(ax, "y", 2e-3, 4.0)
    ax.set_xlabel("users")
    ax.set_ylabel("mean response time")
    ax.plot(MEASURED_USERS, run.predicted_s, **(style.THEORY | {"linewidth": 1.6}))
    error_bars(ax, MEASURED_USERS, run.response, **style.MEASUREMENT)
    note(ax, 0.05, 0.95, "● measured", style.VERMILION)
    note(ax, 0.05, 0.87, "- - theory, from measured service times", style.BLACK)
    laws.set_title("Two laws, as measured")
    log_axis(laws, "x", 12, 260, ticks=MEASURED_USERS)
    laws.set_ylim(0.5, 1.5)
    laws.set_xlabel("users")
    laws.set_ylabel("left side over right side")
    laws.axhline(1.0, **style.THEORY)
    diamond = style.MEASUREMENT | {"marker": "D", "color": style.PURPLE, "markersize": 5}
    places = np.array(MEASURED_USERS)
    error_bars(laws, 0.96 * places, _one_more(run.little_gap), **style.MEASUREMENT)
    error_bars(laws, 1.04 * places, _one_more(run.utilisation_gap), **diamond)
    note(laws, 0.05, 0.16, "● L / (X R)", style.VERMILION)
    note(laws, 0.05, 0.08, "◆ U / (X S)", style.PURPLE)


def _one_more(gap: Intervals) -> Intervals:
    """Return an interval of gaps as one of ratios."""
    return Intervals(gap.estimate + 1, gap.low + 1, gap.high + 1, gap.confidence, gap.samples)
