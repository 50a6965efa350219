"""A server dies: how long its requests fail, and whether the others can carry its share."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.anatomy.theory import theory_health_check
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

#: What a health check asks: whether the process answers, or whether a request gets through.
CHECKS = ("shallow", "deep")

CAPACITY_RPS = 100.0  # of one server
DEATH_S, DURATION_S = 30.0, 120.0
THRESHOLDS = (1, 2, 3, 5)
GRID_S = np.geomspace(0.5, 30, 25)

_STEP_S = 0.25
_PATIENCE_S = 2.0  # of the clients: a server's queue holds this much work
_DEEP_TIMEOUT_S = 1.0
_DEATHS = 400


class HealthCheckResult(Result):
    """The burst of errors after many deaths, and one death followed through time.

    Attributes
    ----------
    servers, utilisation, interval_s, threshold, check
        The parameters it was made with.
    errors : Interval
        Mean number of requests sent to the dead server before it is out of rotation.
    errors_spread : tuple of float
        5th and 95th percentile of that number.
    detection : Interval
        Mean time until then, seconds.
    time_s : numpy.ndarray, shape (n,)
        Seconds.
    answered_rps, dead_rps, overload_rps : numpy.ndarray, shape (n,)
        Requests answered, refused by the dead server, and lost because the servers in rotation
        were full or there was none.
    in_rotation : numpy.ndarray of int, shape (n,)
        Servers the balancer sends to.
    """

    servers: int
    utilisation: float
    interval_s: float
    threshold: int
    check: str
    errors: Interval
    errors_spread: tuple[float, float]
    detection: Interval
    time_s: np.ndarray
    answered_rps: np.ndarray
    dead_rps: np.ndarray
    overload_rps: np.ndarray
    in_rotation: np.ndarray

    @property
    def rate_rps(self) -> float:
        """Requests per second."""
        return self.utilisation * self.servers * CAPACITY_RPS

    @property
    def expected(self) -> dict[str, float]:
        """Theory for exactly these parameters."""
        return theory_health_check(
            rate_rps=self.rate_rps,
            servers=self.servers,
            interval_s=self.interval_s,
            threshold=self.threshold,
        )

    @property
    def survivors(self) -> float:
        """Utilisation of the servers that are left; above 1 they cannot do it."""
        return self.utilisation * self.servers / (self.servers - 1)

    @property
    def failed_after(self) -> float:
        """Fraction of the requests of the last 30 seconds that failed."""
        last = self.time_s >= DURATION_S - 30
        good, bad = self.answered_rps[last].sum(), self.overload_rps[last].sum()
        return float(bad / (good + bad))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "errors_mean": self.errors.estimate,
            "errors_theory": self.expected["errors"],
            "detection_s": self.detection.estimate,
            "detection_theory_s": self.expected["detection_s"],
            "survivors_percent": 100 * self.survivors,
            "failed_at_the_end_percent": 100 * self.failed_after,
            "fewest_in_rotation": int(self.in_rotation[self.time_s > DEATH_S].min()),
        }

    @property
    def reading(self) -> str:
        fewest = int(self.in_rotation[self.time_s > DEATH_S].min())
        if self.failed_after < 0.001:
            then = "they carry it, and nothing fails any more"
        else:
            then = (
                f"{significant(100 * self.failed_after)} % of the requests of the last half minute "
                f"fail, and at times {fewest} of {self.servers} servers are in rotation"
            )
        return (
            f"The death goes unnoticed for {duration(self.detection.estimate)} on average and "
            f"costs {significant(self.errors.estimate)} requests (theory "
            f"{significant(self.expected['errors'])}); the other {self.servers - 1} then run at "
            f"{significant(100 * self.survivors)} %: {then}."
        )


def simulate_health_check(
    *,
    servers: int = 3,
    utilisation: float = 0.6,
    interval_s: float = 5.0,
    threshold: int = 2,
    check: str = "shallow",
    seed: int = 1,
) -> HealthCheckResult:
    """Kill a server behind a balancer that looks at it once in a while.

    Parameters
    ----------
    servers : int
        Servers that share the traffic evenly, each able to do 100 requests/s; 2 to 10.
    utilisation : float
        Load on each before the death; 0 < utilisation <= 0.95.
    interval_s : float
        Seconds between two checks of a server; 0.5 to 30.
    threshold : int
        Failed checks in a row that take a server out of rotation; 1 to 5. One good check brings
        it back.
    check : {"shallow", "deep"}
        ``"shallow"``: does the process answer? ``"deep"``: does a request get through the queue
        within a second? An overloaded server fails the deep one.
    seed : int
        Seed of the traffic and of the checks' phase; >= 0.

    Returns
    -------
    HealthCheckResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The burst comes from 400 deaths, each at a random moment between two checks, with Poisson
    traffic. The course of one death is a balance of work in steps of a quarter of a second: normal
    arrivals with Poisson's mean and variance, 2 s of room in every queue.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=10)
    utilisation = validation.number("utilisation", utilisation, above=0, at_most=0.95)
    interval_s = validation.number("interval_s", interval_s, at_least=0.5, at_most=30, unit="s")
    threshold = validation.integer("threshold", threshold, at_least=1, at_most=5)
    validation.one_of("check", check, CHECKS)
    seed = validation.integer("seed", seed, at_least=0)
    phases, normals, noise = _draws(seed)
    detection = (threshold - 1 + phases) * interval_s
    expected = utilisation * CAPACITY_RPS * detection
    errors = _poisson_counts(normals, expected)
    path = _follow(servers, utilisation, interval_s, threshold, check == "deep", phases[0], noise)
    answered, dead, overload, rotation = path
    return HealthCheckResult(
        servers=servers,
        utilisation=utilisation,
        interval_s=interval_s,
        threshold=threshold,
        check=check,
        errors=mean_interval(errors),
        errors_spread=(float(np.percentile(errors, 5)), float(np.percentile(errors, 95))),
        detection=mean_interval(detection),
        time_s=_STEP_S * (np.arange(len(answered)) + 0.5),
        answered_rps=np.array(answered) / _STEP_S,
        dead_rps=np.array(dead) / _STEP_S,
        overload_rps=np.array(overload) / _STEP_S,
        in_rotation=np.array(rotation),
    )


def _poisson_counts(normals: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Counts with Poisson's mean and variance that move smoothly with the mean; at least 0."""
    return np.maximum(np.rint(means + np.sqrt(means) * normals), 0.0)


def _follow(
    servers: int,
    utilisation: float,
    interval_s: float,
    threshold: int,
    deep: bool,
    phase: float,
    noise: list[list[float]],
) -> tuple[list[float], list[float], list[float], list[int]]:
    rate = utilisation * servers * CAPACITY_RPS * _STEP_S  # requests in a step
    work, room = CAPACITY_RPS * _STEP_S, CAPACITY_RPS * _PATIENCE_S
    queue, failed, rotation = [0.0] * servers, [0] * servers, list(range(servers))
    # Server 0 is checked `phase` intervals after its death; the others are spread out.
    due = [
        DEATH_S + interval_s * (phase + i / servers - 1 - DEATH_S // interval_s)
        for i in range(servers)
    ]
    answered, dead, overload, counts = [], [], [], []
    for step in range(round(DURATION_S / _STEP_S)):
        now = step * _STEP_S
        gone = now >= DEATH_S
        for i in range(servers):
            while due[i] <= now:
                due[i] += interval_s
                sick = (gone and i == 0) or (deep and queue[i] > CAPACITY_RPS * _DEEP_TIMEOUT_S)
                failed[i] = failed[i] + 1 if sick else 0
                if failed[i] == threshold:
                    rotation.remove(i)
                elif not sick and i not in rotation:
                    rotation.append(i)
        good = refused = lost = 0.0
        share = rate / len(rotation) if rotation else 0.0
        if not rotation:
            lost += rate
        for i in range(servers):
            arriving = 0.0
            if i in rotation:
                arriving = max(share + share**0.5 * noise[step][i], 0.0)
            if gone and i == 0:
                refused += arriving + queue[i]
                queue[i] = 0.0
                continue
            present = queue[i] + arriving
            done = min(present, work)
            left = present - done
            if left > room:
                lost += left - room
                left = room
            queue[i] = left
            good += done
        answered.append(good)
        dead.append(refused)
        overload.append(lost)
        counts.append(len(rotation))
    return answered, dead, overload, counts


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray, list[list[float]]]:
    rng = streams(seed, "phases", "counts", "traffic")
    # Stratified: one death in each of equally long parts of the interval, so the mean is steady.
    phases = rng["phases"].permutation(np.arange(_DEATHS) + rng["phases"].random(_DEATHS))
    phases /= _DEATHS
    normals = rng["counts"].standard_normal(_DEATHS)
    noise = rng["traffic"].standard_normal((round(DURATION_S / _STEP_S), 10)).tolist()
    for array in (phases, normals):
        array.setflags(write=False)
    return phases, normals, noise
