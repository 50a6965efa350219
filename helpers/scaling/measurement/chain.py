"""Three real tiers in a row, loaded by users who think: throughput against their number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import Station, Users, run_apart, scaled
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import BottleneckTheory, theory_bottleneck

if TYPE_CHECKING:
    import pandas as pd

_USERS = (1, 4, 8, 12, 20)
_CHAINS = 3  # of each number of users
_WARMUP_SHARE = 0.25
_BATCHES = 10


class MeasuredBottleneck(Result):
    """Throughput of real three-tier chains against the number of users.

    Attributes
    ----------
    demands_s : tuple of float
        Mean service time of each tier as measured, seconds.
    think_s : float
        Mean think time as measured, seconds; it includes the replies' way back.
    users : numpy.ndarray of int, shape (k,)
        Users of each chain.
    throughput : Intervals
        Measured throughput, requests per second, from ten batches; shape (k,).
    response_s : numpy.ndarray, shape (k,)
        Measured mean response time.
    theory : BottleneckTheory
        Exact solution and bounds for the measured demands.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    demands_s: tuple[float, ...]
    think_s: float
    users: np.ndarray
    throughput: Intervals
    response_s: np.ndarray
    theory: BottleneckTheory
    late_s: float

    @property
    def predicted_rps(self) -> np.ndarray:
        """Throughput by exact mean value analysis for the measured demands."""
        return self.theory.exact.throughput_rps[self.users - 1]

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
            "knee_users": self.theory.bounds.knee_customers,
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
            f"Verdict: at {int(self.agrees.sum())} of {self.users.size} numbers of users the "
            f"throughput that mean value analysis predicts from the measured demands lies in the "
            f"95 % interval (largest error {significant(abs(off), 2)} %, "
            f"{'above' if off > 0 else 'below'}, at {self.users[worst]} users); "
            f"{self.users[-1]} users got {significant(self.throughput.estimate[-1])} requests/s, "
            f"and the slowest tier allows {significant(1 / max(self.demands_s))}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "users": self.users,
                "measured (rps)": self.throughput.estimate,
                "from": self.throughput.low,
                "to": self.throughput.high,
                "exact (rps)": self.predicted_rps,
                "response (ms)": 1e3 * self.response_s,
                "exact (ms)": 1e3 * self.theory.exact.response_s[self.users - 1],
            }
        ).set_index("users")


def measure_bottleneck(
    *,
    web_ms: float = 2.0,
    application_ms: float = 4.0,
    database_ms: float = 8.0,
    think_ms: float = 60.0,
    run_s: float = 1.6,
    seed: int = 1,
) -> MeasuredBottleneck:
    """Run chains of three loopback servers, three chains for each of five numbers of users.

    Parameters
    ----------
    web_ms, application_ms, database_ms : float
        Mean time each tier sleeps for a request, milliseconds, exponential; 1 to 50.
    think_ms : float
        Mean time a user thinks, milliseconds, exponential; 1 to 1,000.
    run_s : float
        How long, seconds; 0.3 to 10.
    seed : int
        Seed of think and service times; >= 0.

    Returns
    -------
    MeasuredBottleneck

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.

    Notes
    -----
    Every hop is a TCP connection: users to web, web to application, application to database, and
    the reply back the same way. Intervals come from ten batches of equal duration, each averaged
    over the three chains.
    """
    means_s = [
        1e-3 * validation.number(name, value, at_least=1, at_most=50, unit="ms")
        for name, value in (
            ("web_ms", web_ms),
            ("application_ms", application_ms),
            ("database_ms", database_ms),
        )
    ]
    think_s = 1e-3 * validation.number("think_ms", think_ms, at_least=1, at_most=1e3, unit="ms")
    run_s = validation.number("run_s", run_s, at_least=0.3, at_most=10, unit="s")
    crowded = [(users, copy) for users in _USERS for copy in range(_CHAINS)]
    names = [f"{what} {row}" for row in range(len(crowded)) for what in ("think", "0", "1", "2")]
    rng = streams(seed, *names)

    async def main() -> tuple[list[list[Station]], list[Users], float, float]:
        loop = asyncio.get_running_loop()
        chains = [
            _chain(means_s, [rng[f"{k} {row}"] for k in range(3)]) for row in range(len(crowded))
        ]
        crowds = [
            Users(users, scaled(think_s, rng[f"think {row}"].standard_exponential))
            for row, (users, _) in enumerate(crowded)
        ]
        stations = [station for chain in chains for station in reversed(chain)]
        try:
            for station in stations:
                await station.start()
            began = loop.time()
            for crowd, chain in zip(crowds, chains, strict=True):
                await crowd.start(chain[0])
            await asyncio.sleep(run_s)
            ended = loop.time()
        finally:
            for part in (*crowds, *stations):
                part.stop()
        return chains, crowds, began + _WARMUP_SHARE * run_s, ended

    with Lateness() as lateness:
        chains, crowds, after, ended = run_apart(main, limit_s=3 * run_s + 5)
    served = [[chain[k].served() for chain in chains] for k in range(3)]
    demands = tuple(
        float(np.concatenate([done - began for _, began, done in tier]).mean()) for tier in served
    )
    thought = float(np.concatenate([crowd.thought for crowd in crowds]).mean())
    counts = [
        np.histogram(crowd.answered, bins=_BATCHES, range=(after, ended))[0] for crowd in crowds
    ]
    batches = np.array(counts).reshape(len(_USERS), _CHAINS, _BATCHES).mean(axis=1)
    responses = [
        np.array(crowd.responses)[np.array(crowd.answered) >= after].mean() for crowd in crowds
    ]
    return MeasuredBottleneck(
        demands_s=demands,
        think_s=thought,
        users=np.array(_USERS),
        throughput=mean_intervals(batches.T * (_BATCHES / (ended - after))),
        response_s=np.array(responses).reshape(len(_USERS), _CHAINS).mean(axis=1),
        theory=theory_bottleneck(demands, thought, _USERS[-1]),
        late_s=lateness.mean_s,
    )


def _chain(means_s: list[float], rngs: list[np.random.Generator]) -> list[Station]:
    """Web, application and database station, each knowing the next."""
    chain: list[Station] = []
    for mean_s, rng in zip(reversed(means_s), reversed(rngs), strict=True):
        services = scaled(mean_s, rng.standard_exponential)
        chain.insert(0, Station(services, downstream=chain[0] if chain else None))
    return chain
