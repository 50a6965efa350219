"""Three tiers, a crowd of users, and the tier that breaks first."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.simulation.closed import closed_loop, throughput
from helpers.scaling.theory import BottleneckTheory, theory_bottleneck

if TYPE_CHECKING:
    import pandas as pd

#: The stations, in the order a request passes them.
TIERS = ("web", "application", "database")

#: What can be done about it, and the factor on each tier's service demand.
ACTIONS = {
    "nothing": (1.0, 1.0, 1.0),
    "twice as fast web servers": (0.5, 1.0, 1.0),
    "twice as fast application": (1.0, 0.5, 1.0),
    "twice as fast database": (1.0, 1.0, 0.5),
    "cache four reads in five": (1.0, 1.0, 0.2),
}

#: Numbers of users at which the network is simulated.
USERS = (1, 5, 10, 15, 20, 30, 40, 60, 80)

_REQUESTS = 1_200
_WARMUP = 300


class BottleneckResult(Result):
    """Throughput and response time of three tiers against the number of users.

    Attributes
    ----------
    users, web_ms, application_ms, database_ms, think_s, action
        The parameters it was made with.
    demands_s : tuple of float
        Service demand of each tier after the action, seconds.
    grid : numpy.ndarray of int, shape (9,)
        Numbers of users simulated.
    throughput : Intervals
        Simulated requests per second; shape (9,).
    response : Intervals
        Simulated mean response times, seconds; shape (9,).
    theory : BottleneckTheory
        Exact solution and bounds for 1..80 users.
    before_rps : float
        Ceiling on the throughput without the action.
    """

    users: int
    web_ms: float
    application_ms: float
    database_ms: float
    think_s: float
    action: str
    demands_s: tuple[float, ...]
    grid: np.ndarray
    throughput: Intervals
    response: Intervals
    theory: BottleneckTheory
    before_rps: float

    @property
    def bottleneck(self) -> str:
        """Name of the tier with the largest service demand."""
        return TIERS[self.theory.bounds.bottleneck]

    @property
    def ceiling_rps(self) -> float:
        """Throughput that no number of users exceeds."""
        return 1 / max(self.demands_s)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact, row = self.theory.exact, self.users - 1
        values: dict[str, float | int | str] = {
            "users": self.users,
            "bottleneck": self.bottleneck,
            "ceiling_rps": self.ceiling_rps,
            "knee_users": self.theory.bounds.knee_customers,
            "throughput_rps": float(exact.throughput_rps[row]),
            "response_ms": 1e3 * float(exact.response_s[row]),
        }
        for tier, used in zip(TIERS, exact.utilisation[row], strict=True):
            values[f"{tier}_utilisation_percent"] = 100 * float(used)
        return values

    @property
    def reading(self) -> str:
        exact, row = self.theory.exact, self.users - 1
        gain = self.ceiling_rps / self.before_rps
        changed = ""
        if self.action != "nothing":
            changed = (
                f" '{self.action.capitalize()}' raises the ceiling by "
                f"{significant(100 * (gain - 1))} %."
                if gain > 1 + 1e-9
                else f" '{self.action.capitalize()}' does not raise the ceiling at all."
            )
        return (
            f"The {self.bottleneck} tier saturates first: no more than "
            f"{significant(self.ceiling_rps)} requests/s, with queues from "
            f"{significant(self.theory.bounds.knee_customers)} users on; {self.users} users get "
            f"{significant(exact.throughput_rps[row])} requests/s and wait "
            f"{duration(float(exact.response_s[row]))} for each.{changed}"
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = self.grid - 1
        return pd.DataFrame(
            {
                "users": self.grid,
                "throughput (rps)": self.throughput.estimate,
                "from": self.throughput.low,
                "to": self.throughput.high,
                "exact (rps)": self.theory.exact.throughput_rps[rows],
                "response (ms)": 1e3 * self.response.estimate,
                "exact (ms)": 1e3 * self.theory.exact.response_s[rows],
            }
        ).set_index("users")


def simulate_bottleneck(
    *,
    users: int = 20,
    web_ms: float = 10.0,
    application_ms: float = 30.0,
    database_ms: float = 50.0,
    think_s: float = 1.0,
    action: str = "nothing",
    replications: int = 6,
    seed: int = 1,
) -> BottleneckResult:
    """Simulate users who think and then send a request through three tiers in a row.

    Parameters
    ----------
    users : int
        Where to read the curves off; 1 <= users <= 80.
    web_ms, application_ms, database_ms : float
        Mean service demand of a request at each tier, milliseconds, exponential; > 0.
    think_s : float
        Mean time a user thinks between requests, seconds, exponential; >= 0.
    action : str
        One of `ACTIONS`.
    replications : int
        Independent runs, from which the intervals come; >= 2.
    seed : int
        Seed of think and service times; >= 0.

    Returns
    -------
    BottleneckResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Each run serves 1,200 requests and discards the first 300.
    """
    users = validation.integer("users", users, at_least=1, at_most=USERS[-1])
    before = [
        validation.number("web_ms", web_ms, above=0, unit="ms"),
        validation.number("application_ms", application_ms, above=0, unit="ms"),
        validation.number("database_ms", database_ms, above=0, unit="ms"),
    ]
    think_s = validation.number("think_s", think_s, at_least=0, unit="s")
    validation.one_of("action", action, ACTIONS)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    demands_s = tuple(
        1e-3 * demand * factor for demand, factor in zip(before, ACTIONS[action], strict=True)
    )
    unit_thinks, unit_services = _draws(replications, seed)
    clients = np.repeat(USERS, replications)
    # Every population of one replication meets the same draws.
    thinks = np.tile(unit_thinks * think_s, len(USERS))
    services = np.tile(unit_services * np.array(demands_s)[:, np.newaxis], len(USERS))
    done, responses = closed_loop(thinks, services, clients)
    shape = (len(USERS), replications)
    return BottleneckResult(
        users=users,
        web_ms=before[0],
        application_ms=before[1],
        database_ms=before[2],
        think_s=think_s,
        action=action,
        demands_s=demands_s,
        grid=np.array(USERS),
        throughput=mean_intervals(throughput(done, _WARMUP).reshape(shape).T),
        response=mean_intervals(responses[_WARMUP:].mean(axis=0).reshape(shape).T),
        theory=theory_bottleneck(demands_s, think_s, USERS[-1]),
        before_rps=1e3 / max(before),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "thinks", "services")
    draws = (
        rng["thinks"].standard_exponential((USERS[-1] + _REQUESTS, replications)),
        rng["services"].standard_exponential((_REQUESTS, len(TIERS), replications)),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws
