"""One service, more and more users: the laws that hold at every load."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval
from helpers.why.simulation.closed import Observed, run_closed
from helpers.why.theory import ClosedStation, saturation_users, theory_users

if TYPE_CHECKING:
    import pandas as pd

#: Numbers of users at which the curve is simulated.
USERS = tuple(round(10 ** (e / 2)) for e in range(4, 15))

_STEPS = 320


class UsersResult(Result):
    """One service and its users, from a hundred to ten million.

    Attributes
    ----------
    users, service_ms, think_s
        The parameters it was made with.
    grid : numpy.ndarray of int, shape (k,)
        Numbers of users simulated.
    observed : Observed
        What was observed at each of them.
    here : Observed
        What was observed with `users`.
    theory : ClosedStation
        What the machine-repairman model says for `users`.
    curve : numpy.ndarray, shape (m, 2)
        Users and the theory's response times, seconds.
    """

    users: int
    service_ms: float
    think_s: float
    grid: np.ndarray
    observed: Observed
    here: Observed
    theory: ClosedStation
    curve: np.ndarray

    @property
    def response(self) -> Interval:
        """Mean response time with `users`, seconds."""
        return self.here.response_s[0]

    @property
    def utilisation_gap(self) -> Interval:
        """U / (X S) - 1, as observed with `users`."""
        return self.here.utilisation_gap(self.service_ms * 1e-3)[0]

    @property
    def little_gap(self) -> Interval:
        """L / (X R) - 1, as observed with `users`."""
        return self.here.little_gap[0]

    @property
    def summary(self) -> dict[str, float | int | str]:
        x, r = self.here.throughput_rps[0].estimate, self.response.estimate
        return {
            "users": self.users,
            "throughput_rps": x,
            "response_ms": 1e3 * r,
            "theory_response_ms": 1e3 * self.theory.response_s,
            "utilisation": self.here.busy[0].estimate,
            "throughput_times_service": x * self.service_ms * 1e-3,
            "in_system": self.here.in_system[0].estimate,
            "throughput_times_response": x * r,
        }

    @property
    def reading(self) -> str:
        agree = "inside" if self.response.contains(self.theory.response_s) else "outside"
        hold = [
            f"{law} {'holds' if gap.contains(0.0) else 'is missed'} "
            f"(to ± {significant(100 * gap.half_width, 2)} %)"
            for law, gap in (("U = X S", self.utilisation_gap), ("L = X R", self.little_gap))
        ]
        busy = self.here.busy[0].estimate
        return (
            f"{self.users:,} users wait {duration(self.response.estimate)} for an answer on "
            f"average (theory: {duration(self.theory.response_s)}, {agree} the simulation's 95 % "
            f"interval) and the server is {significant(100 * busy)} % busy; as observed, "
            f"{hold[0]} and {hold[1]}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        o, service_s = self.observed, self.service_ms * 1e-3
        expected = [theory_users(int(n), self.think_s, service_s) for n in self.grid]
        x, r = o.throughput_rps.estimate, o.response_s.estimate
        return pd.DataFrame(
            {
                "users": self.grid,
                "X (answers/s)": x,
                "U": o.busy.estimate,
                "X S": x * service_s,
                "R (s)": r,
                "theory R (s)": [e.response_s for e in expected],
                "L": o.in_system.estimate,
                "X R": x * r,
            }
        ).set_index("users")


def simulate_users(
    *,
    users: int = 1_000,
    service_ms: float = 10.0,
    think_s: float = 60.0,
    replications: int = 64,
    seed: int = 1,
) -> UsersResult:
    """Simulate one server and its users, who think, ask, wait for the answer and think again.

    Parameters
    ----------
    users : int
        Number of users; 1 to 1e8.
    service_ms : float
        Mean service time, milliseconds, exponential; > 0.
    think_s : float
        Mean time between an answer and the next request of a user, seconds, exponential; > 0.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of all draws; all numbers of users meet the same ones.

    Returns
    -------
    UsersResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    users = validation.integer("users", users, at_least=1, at_most=10**8)
    service_ms = validation.number("service_ms", service_ms, above=0, unit="ms")
    think_s = validation.number("think_s", think_s, above=0, unit="s")
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    service_s = service_ms * 1e-3
    ratio = think_s / service_s
    return UsersResult(
        users=users,
        service_ms=service_ms,
        think_s=think_s,
        grid=np.array(USERS),
        observed=run_closed(USERS, ratio, (1,), _STEPS, replications, seed).scaled(service_s),
        here=run_closed((users,), ratio, (1,), _STEPS, replications, seed).scaled(service_s),
        theory=theory_users(users, think_s, service_s),
        curve=_curve(ratio) * (1.0, service_s),
    )


@lru_cache(maxsize=64)
def _curve(ratio: float) -> np.ndarray:
    """Users, and response times in units of the service time."""
    knee = saturation_users(ratio, 1.0)
    grid = np.unique(np.append(np.geomspace(1e2, 1e7, 31), knee * np.geomspace(0.5, 2, 11)))
    points = np.unique(np.clip(grid, 1e2, 1e7).astype(int))
    curve = np.array([(n, theory_users(int(n), ratio, 1.0).response_s) for n in points])
    curve.setflags(write=False)
    return curve
