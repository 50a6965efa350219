"""One big server, many small ones behind one queue, or many small ones with a queue each."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import service_scv, unit_services
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import PoolingTheory, theory_pooling

if TYPE_CHECKING:
    import pandas as pd

#: The three designs, in the order of the rows of every array here.
DESIGNS = ("one big", "pooled", "split")

#: Service times: what the learner reads, and the kind and squared coefficient of variation.
VARIABILITY = {
    "all alike": ("deterministic", 0.0),
    "exponential": ("exponential", 1.0),
    "a few huge ones": ("hyperexponential", 16.0),
}

#: Utilisations simulated.
UTILISATIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

_REQUESTS = 2_000
_WARMUP = 600
_REPLICATIONS = 8


class PoolingResult(Result):
    """Mean response and waiting time of three designs of equal capacity, on identical traffic.

    Attributes
    ----------
    servers, service_ms, variability, utilisation
        The parameters it was made with.
    grid : numpy.ndarray, shape (8,)
        Utilisations simulated.
    response, wait : Intervals
        Simulated means, seconds; shape (3, 8), one row for each design.
    theory_response, theory_wait : numpy.ndarray, shape (3, 8)
        Closed forms, seconds; NaN where there is none.
    """

    servers: int
    service_ms: float
    variability: str
    utilisation: float
    grid: np.ndarray
    response: Intervals
    wait: Intervals
    theory_response: np.ndarray
    theory_wait: np.ndarray

    @property
    def column(self) -> int:
        """Where in the grid the load nearest to `utilisation` stands."""
        return int(np.abs(self.grid - self.utilisation).argmin())

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"utilisation": float(self.grid[self.column])}
        for i, design in enumerate(DESIGNS):
            name = design.replace(" ", "_")
            values[f"{name}_response_ms"] = 1e3 * float(self.response.estimate[i, self.column])
            values[f"{name}_wait_ms"] = 1e3 * float(self.wait.estimate[i, self.column])
        return values

    @property
    def reading(self) -> str:
        response = self.response.estimate[:, self.column]
        wait = self.wait.estimate[:, self.column]
        quickest, briefest = DESIGNS[int(response.argmin())], DESIGNS[int(wait.argmin())]
        return (
            f"At {significant(100 * self.grid[self.column])} % utilisation a request takes "
            f"{duration(response[0])} on one big server, {duration(response[1])} on "
            f"{self.servers} pooled ones and {duration(response[2])} on {self.servers} with a "
            f"queue each; of that it waits {duration(wait[0])}, {duration(wait[1])} and "
            f"{duration(wait[2])}. Best response: {quickest}; shortest wait: {briefest}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        columns = {"utilisation": self.grid}
        for i, design in enumerate(DESIGNS):
            columns[f"{design}: response (ms)"] = 1e3 * self.response.estimate[i]
            columns[f"{design}: theory"] = 1e3 * self.theory_response[i]
            columns[f"{design}: wait (ms)"] = 1e3 * self.wait.estimate[i]
        return pd.DataFrame(columns).set_index("utilisation")


def simulate_pooling(
    *,
    servers: int = 4,
    service_ms: float = 20.0,
    variability: str = "exponential",
    utilisation: float = 0.7,
    seed: int = 1,
) -> PoolingResult:
    """Send the same requests to three designs of the same total capacity.

    Parameters
    ----------
    servers : int
        Number of small servers, k; 2 <= servers <= 8. The big one is k times as fast.
    service_ms : float
        Mean service time on a small server, milliseconds; > 0.
    variability : {"all alike", "exponential", "a few huge ones"}
        How service times vary.
    utilisation : float
        Where to read the curves off; 0.1 <= utilisation <= 0.8. The reading is that of the nearest
        load simulated: 0.1, 0.2, ..., 0.8.
    seed : int
        Seed of arrivals, services and routing; >= 0.

    Returns
    -------
    PoolingResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Eight runs of 2,000 requests, of which the first 600 are discarded. The split design sends each
    request to a server at random, as a balancer without a queue of its own would.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=8)
    service_ms = validation.number("service_ms", service_ms, above=0, unit="ms")
    validation.one_of("variability", variability, VARIABILITY)
    utilisation = validation.number("utilisation", utilisation, at_least=0.1, at_most=0.8)
    seed = validation.integer("seed", seed, at_least=0)
    service_s = service_ms * 1e-3
    waits, responses = _unit_times(servers, variability, seed)
    scv = service_scv(*VARIABILITY[variability])
    theory = [theory_pooling(u, service_s, servers, scv) for u in UTILISATIONS]
    return PoolingResult(
        servers=servers,
        service_ms=service_ms,
        variability=variability,
        utilisation=utilisation,
        grid=np.array(UTILISATIONS),
        response=mean_intervals(responses * service_s),
        wait=mean_intervals(waits * service_s),
        theory_response=np.array([_responses(point) for point in theory]).T,
        theory_wait=np.array([_waits(point) for point in theory]).T,
    )


def _responses(point: PoolingTheory) -> tuple[float, float, float]:
    return point.big_response_s, point.pooled_response_s, point.split_response_s


def _waits(point: PoolingTheory) -> tuple[float, float, float]:
    return point.big_wait_s, point.pooled_wait_s, point.split_wait_s


@lru_cache(maxsize=16)
def _unit_times(servers: int, variability: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean waits and responses in units of a small server's service, shape (8, 3, 8)."""
    kind, scv = VARIABILITY[variability]
    rng = streams(seed, "arrivals", "services", "routing")
    shape = (_REQUESTS, _REPLICATIONS)
    gaps = unit_gaps("poisson", shape, rng["arrivals"])
    work = unit_services(kind, shape, rng["services"], scv=max(scv, 1.0))
    route = rng["routing"].integers(servers, size=shape)
    count = len(UTILISATIONS)
    spacing = 1 / (np.array(UTILISATIONS) * servers)
    arrivals = (np.cumsum(gaps, axis=0)[:, :, np.newaxis] * spacing).reshape(_REQUESTS, -1)
    work, route = np.repeat(work, count, axis=1), np.repeat(route, count, axis=1)
    waits = np.stack(
        [
            fifo_waits(arrivals.T, work.T / servers, 1).T,
            fifo_waits(arrivals.T, work.T, servers).T,
            _split_waits(arrivals, work, route, servers),
        ]
    )
    responses = waits + work / np.array([servers, 1, 1])[:, np.newaxis, np.newaxis]
    results = []
    for times in (waits, responses):
        means = times[:, _WARMUP:].mean(axis=1).reshape(len(DESIGNS), _REPLICATIONS, count)
        means = np.ascontiguousarray(means.transpose(1, 0, 2))
        means.setflags(write=False)
        results.append(means)
    return results[0], results[1]


def _split_waits(
    arrivals: np.ndarray, work: np.ndarray, route: np.ndarray, servers: int
) -> np.ndarray:
    """Waits when every request is sent to one server's own queue, shape (n, rows)."""
    requests, rows = arrivals.shape
    free = np.zeros(rows * servers)
    place = np.arange(rows) * servers + route
    waits = np.empty_like(arrivals)
    for i in range(requests):
        at = place[i]
        start = np.maximum(free[at], arrivals[i])
        np.subtract(start, arrivals[i], out=waits[i])
        free[at] = start + work[i]
    return waits
