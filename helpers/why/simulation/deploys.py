"""Replacing servers a few at a time, and trying a version on a few requests first."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.streams import streams
from helpers.why.simulation.capacity import mean_by_time, mean_over_runs, run_changing
from helpers.why.theory import (
    CanaryTheory,
    RollingTheory,
    canary_requests,
    canary_threshold,
    theory_canary,
    theory_rolling,
)
from helpers.why.theory.deploys import batch_sizes

if TYPE_CHECKING:
    import pandas as pd

#: Mean service time, and time each batch is out, seconds; constants of the model.
SERVICE_S, BATCH_S = 0.4, 5.0

#: When the deploy begins, seconds, and how long is watched after its end.
DEPLOY_S, AFTER_S = 5.0, 10.0

#: Numbers of requests at which the power of a canary is simulated.
SIZES = (30, 100, 300, 1_000, 3_000, 10_000, 30_000)

#: Numbers of looks at which the false alarms are simulated.
LOOKS = (1, 2, 3, 5, 8, 12, 20)

_CANARIES = 2_000
_ALARM = 0.05


class RollingResult(Result):
    """A fleet while its servers are replaced.

    Attributes
    ----------
    servers, batch, utilisation
        The parameters it was made with.
    theory : RollingTheory
        Capacity, utilisation, length and fluid backlog.
    time_s, capacity : numpy.ndarray, shape (t,)
        Middle of each half second, and the share of the servers in service then.
    wait_s : numpy.ndarray, shape (replications, t)
        Mean wait of the requests of each half second and run, seconds.
    fluid_s : numpy.ndarray, shape (t,)
        Wait by theory: the steady state before, the fluid backlog (or the steady state with fewer
        servers, whichever is longer) during the deploy and after it, seconds.
    """

    servers: int
    batch: int
    utilisation: float
    theory: RollingTheory
    time_s: np.ndarray
    capacity: np.ndarray
    wait_s: np.ndarray
    fluid_s: np.ndarray

    @property
    def mean_wait_s(self) -> np.ndarray:
        """Mean over the runs, shape (t,); NaN where no run saw a request."""
        return mean_over_runs(self.wait_s)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "capacity_percent": 100 * self.theory.capacity,
            "offered_percent": 100 * self.utilisation / self.theory.capacity
            if self.theory.capacity
            else "no server left",
            "deploy_s": self.theory.duration_s,
            "worst_wait_ms": 1e3 * float(np.nanmax(self.mean_wait_s)),
            "fluid_backlog": self.theory.backlog,
        }

    @property
    def reading(self) -> str:
        worst = duration(max(float(np.nanmax(self.mean_wait_s)), 0.0))
        first = (
            f"With {self.batch} of {self.servers} servers out at a time "
            f"{significant(100 * self.theory.capacity)} % of the capacity is left for traffic "
            f"that needs {significant(100 * self.utilisation)} %"
        )
        length = duration(self.theory.duration_s)
        if self.theory.capacity > self.utilisation:
            return f"{first}: the deploy takes {length} and requests wait {worst} at worst."
        return (
            f"{first}: in {length} about {significant(self.theory.backlog)} requests pile up "
            f"(fluid approximation), and requests wait {worst} at worst."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "time (s)": self.time_s,
                "capacity": self.capacity,
                "wait (ms)": 1e3 * self.mean_wait_s,
                "theory (ms)": 1e3 * self.fluid_s,
            }
        ).set_index("time (s)")


def simulate_rolling(
    *,
    servers: int = 6,
    batch: int = 2,
    utilisation: float = 0.6,
    replications: int = 12,
    seed: int = 1,
) -> RollingResult:
    """Simulate a fleet behind one queue while its servers are replaced, a batch at a time.

    Parameters
    ----------
    servers : int
        Servers; 2 to 12.
    batch : int
        Servers out of service at a time, each batch for five seconds; 1 to `servers`. A server
        finishes the request it is working on before it goes.
    utilisation : float
        Utilisation of all servers; 0 < utilisation < 1.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of arrivals and services; all settings meet the same draws.

    Returns
    -------
    RollingResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=12)
    batch = validation.integer("batch", batch, at_least=1, at_most=servers)
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    theory = theory_rolling(servers, batch, utilisation, SERVICE_S, BATCH_S)
    changes: list[tuple[float, int]] = []
    sizes = batch_sizes(servers, batch)
    for i, size in enumerate(sizes):
        changes += [(DEPLOY_S + i * BATCH_S, -size), (DEPLOY_S + (i + 1) * BATCH_S, size)]
    end = DEPLOY_S + theory.duration_s + AFTER_S
    rate = utilisation * servers / SERVICE_S
    runs = run_changing(rate, SERVICE_S, servers, changes, end, replications, seed)
    edges = np.arange(0.0, end + 0.25, 0.5)
    time_s = edges[:-1] + 0.25
    step = np.floor((time_s - DEPLOY_S) / BATCH_S).astype(int)
    inside = (step >= 0) & (step < len(sizes))
    out = np.where(inside, np.array(sizes)[np.clip(step, 0, len(sizes) - 1)], 0)
    return RollingResult(
        servers=servers,
        batch=batch,
        utilisation=utilisation,
        theory=theory,
        time_s=time_s,
        capacity=1 - out / servers,
        wait_s=mean_by_time(runs, edges),
        fluid_s=_expected_wait(servers, out, rate),
    )


def _expected_wait(servers: int, out: np.ndarray, rate: float) -> np.ndarray:
    """Fluid backlog turned into a wait, and never less than the steady state's, shape (t,).

    With all servers out a request waits for the end of the outage and then for those before it.
    """
    step = 0.5
    backlog = 0.0
    found = []
    left = servers - out
    for i, count in enumerate(left.tolist()):
        steady = 0.0
        if rate * SERVICE_S < count:
            steady = float(queueing.mmc_wait(rate, SERVICE_S, count))
        middle = max(0.0, backlog + (rate - count / SERVICE_S) * step / 2)
        backlog = max(0.0, backlog + (rate - count / SERVICE_S) * step)
        found.append(max(steady, _drain(middle, left[i:], step)))
    return np.array(found)


def _drain(backlog: float, left: np.ndarray, step: float) -> float:
    """Time until the servers have started on a backlog, as they come and go, seconds."""
    waited = 0.0
    for i, count in enumerate(left.tolist()):
        span = step / 2 if i == 0 else step
        can = count / SERVICE_S * span
        if can >= backlog:
            return waited + (span * backlog / can if backlog else 0.0)
        backlog -= can
        waited += span
    return waited + backlog * SERVICE_S / max(float(left[-1]), 1.0)


class CanaryResult(Result):
    """A new version on a few requests, judged by the errors it makes.

    Attributes
    ----------
    base_percent, times_worse, requests, canary_rps
        The parameters it was made with.
    sizes : numpy.ndarray of int, shape (k,)
        Numbers of requests simulated.
    power : numpy.ndarray, shape (k,)
        Share of bad canaries rolled back when judged once, after so many requests.
    theory_power : numpy.ndarray, shape (k,)
        The same by the binomial distribution.
    here : CanaryTheory
        Threshold, false alarms and power after `requests`.
    needed : float
        About how many requests give a power of 90 %.
    looks : numpy.ndarray of int, shape (j,)
        Numbers of equally spaced looks.
    alarms : numpy.ndarray, shape (j,)
        Share of good canaries rolled back at one of them.
    """

    base_percent: float
    times_worse: float
    requests: int
    canary_rps: float
    sizes: np.ndarray
    power: np.ndarray
    theory_power: np.ndarray
    here: CanaryTheory
    needed: float
    looks: np.ndarray
    alarms: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rolled_back_from_errors": self.here.threshold,
            "power_percent": 100 * self.here.power,
            "false_alarm_percent": 100 * self.here.false_alarm,
            "false_alarm_20_looks_percent": 100 * float(self.alarms[-1]),
            "requests_for_90_percent_power": self.needed,
            "minutes_for_90_percent_power": self.needed / self.canary_rps / 60,
        }

    @property
    def reading(self) -> str:
        bad = self.base_percent * self.times_worse
        return (
            f"After {self.requests:,} requests ({duration(self.requests / self.canary_rps)}) a "
            f"version that fails {significant(bad)} % instead of {significant(self.base_percent)} "
            f"% is caught {significant(100 * self.here.power)} % of the time; nine times in ten "
            f"takes about {significant(self.needed, 2)} requests, "
            f"{duration(self.needed / self.canary_rps, 2)}. A good version is rolled back "
            f"{significant(100 * float(self.alarms[0]), 2)} % of the time if you look once, "
            f"{significant(100 * float(self.alarms[-1]), 2)} % if you look 20 times."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "requests": self.sizes,
                "caught": self.power,
                "caught, theory": self.theory_power,
            }
        ).set_index("requests")


def simulate_canary(
    *,
    base_percent: float = 1.0,
    times_worse: float = 2.0,
    requests: int = 1_000,
    canary_rps: float = 1.0,
    seed: int = 1,
) -> CanaryResult:
    """Simulate 2,000 canaries of a good and of a bad version.

    Parameters
    ----------
    base_percent : float
        Share of requests that fail on a good version, per cent; > 0.
    times_worse : float
        How many times as many fail on the bad one; > 1, and together below 100 %.
    requests : int
        Requests after which the canary is judged; 20 to 1e6.
    canary_rps : float
        Requests per second that the canary gets; > 0.
    seed : int
        Seed of the errors.

    Returns
    -------
    CanaryResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    base_percent = validation.number("base_percent", base_percent, above=0, below=100, unit="%")
    times_worse = validation.number("times_worse", times_worse, above=1, below=100 / base_percent)
    requests = validation.integer("requests", requests, at_least=20, at_most=10**6)
    canary_rps = validation.number("canary_rps", canary_rps, above=0, unit="requests/s")
    seed = validation.integer("seed", seed, at_least=0)
    good, bad = base_percent / 100, base_percent * times_worse / 100
    power, expected = _power(good, bad, seed)
    return CanaryResult(
        base_percent=base_percent,
        times_worse=times_worse,
        requests=requests,
        canary_rps=canary_rps,
        sizes=np.array(SIZES),
        power=power,
        theory_power=expected,
        here=theory_canary(requests, good, bad, _ALARM),
        needed=canary_requests(good, bad, _ALARM),
        looks=np.array(LOOKS),
        alarms=_alarms(good, requests, seed),
    )


@lru_cache(maxsize=64)
def _power(good: float, bad: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "bad")["bad"]
    more = np.diff((0, *SIZES))
    errors = np.cumsum(rng.binomial(more, bad, (_CANARIES, more.size)), axis=1)
    expected = [theory_canary(m, good, bad, _ALARM) for m in SIZES]
    caught = errors >= [t.threshold for t in expected]
    return caught.mean(axis=0), np.array([t.power for t in expected])


@lru_cache(maxsize=64)
def _alarms(good: float, requests: int, seed: int) -> np.ndarray:
    """Share of good canaries that exceed the threshold of a single look at one of many."""
    found = []
    for looks in LOOKS:
        rng = streams(seed, "good")["good"]
        at = np.ceil(requests * np.arange(1, looks + 1) / looks).astype(int)
        errors = np.cumsum(rng.binomial(np.diff(at, prepend=0), good, (_CANARIES, looks)), axis=1)
        limits = [canary_threshold(int(m), good, _ALARM) for m in at]
        found.append((errors >= limits).any(axis=1).mean())
    return np.array(found)
