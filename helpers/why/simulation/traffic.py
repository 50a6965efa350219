"""The same number of requests a second, spaced evenly, at random, and in bursts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import service_scv, unit_services
from helpers.foundations.traffic.streams import streams
from helpers.why.theory import theory_traffic

if TYPE_CHECKING:
    import pandas as pd

#: Utilisations at which the curves are simulated.
UTILISATIONS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9)

#: Arrival processes, the tamest first.
TRAFFIC = ("constant", "poisson", "bursty")

#: Kinds of work, by the name a learner reads: distribution, and its variability if it has one.
WORK = {
    "always the same": ("deterministic", 0.0),
    "exponential": ("exponential", 1.0),
    "one in twenty is slow": ("bimodal", 4.0),
}

_REQUESTS = 2_400
_WARMUP = 800


class TrafficResult(Result):
    """Mean wait of one server under three kinds of traffic of equal mean.

    Attributes
    ----------
    utilisation, work, burstiness
        The parameters it was made with.
    wait : dict of str to Intervals
        Mean wait at :data:`UTILISATIONS` for each kind of traffic, in service times.
    here : dict of str to Interval
        The same at `utilisation`.
    theory : dict of str to float
        Theory at `utilisation`, in service times.
    curves : dict of str to numpy.ndarray
        Utilisation and the theory's wait, shape (m, 2).
    """

    utilisation: float
    work: str
    burstiness: float
    wait: dict[str, Intervals]
    here: dict[str, Interval]
    theory: dict[str, float]
    curves: dict[str, np.ndarray]

    @property
    def exact(self) -> bool:
        """Whether theory is exact for all three kinds of traffic, not only for Poisson."""
        return self.work == "exponential"

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"utilisation": self.utilisation}
        for kind in TRAFFIC:
            found[f"{kind}_wait_services"] = self.here[kind].estimate
            found[f"{kind}_theory_services"] = self.theory[kind]
        return found

    @property
    def reading(self) -> str:
        waits = {kind: significant(max(self.here[kind].estimate, 0.0)) for kind in TRAFFIC}
        low, high = self.here["poisson"].low, self.here["poisson"].high
        inside = "inside" if low <= self.theory["poisson"] <= high else "outside"
        return (
            f"At {significant(100 * self.utilisation)} % utilisation a request waits "
            f"{waits['constant']} service times if requests come evenly, {waits['poisson']} if "
            f"they come at random (theory: {significant(self.theory['poisson'])}, {inside} the "
            f"95 % interval) and {waits['bursty']} if they come in bursts: same mean, same server."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        columns: dict[str, object] = {"utilisation": UTILISATIONS}
        for kind in TRAFFIC:
            columns[f"{kind} (service times)"] = self.wait[kind].estimate
            columns[f"{kind}, theory"] = [
                _theory(u, kind, self.work, self.burstiness) for u in UTILISATIONS
            ]
        return pd.DataFrame(columns).set_index("utilisation")


def simulate_traffic(
    *,
    utilisation: float = 0.8,
    work: str = "exponential",
    burstiness: float = 4.0,
    replications: int = 16,
    seed: int = 1,
) -> TrafficResult:
    """Simulate one server under constant, Poisson and bursty arrivals of equal mean rate.

    Parameters
    ----------
    utilisation : float
        Arrival rate times mean service time; 0 < utilisation <= 0.9.
    work : str
        Which service times: a key of :data:`WORK`.
    burstiness : float
        Squared coefficient of variation of the bursty gaps; >= 1.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of arrivals and services. All traffic meets the same service times.

    Returns
    -------
    TrafficResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Each run serves 2,400 requests and leaves the first 800 out. In the longest queues (90 %
    busy, burstiness 8) that leaves the mean wait some 5 % too low.
    """
    utilisation = validation.number("utilisation", utilisation, above=0, at_most=0.9)
    validation.one_of("work", work, WORK)
    burstiness = validation.number("burstiness", burstiness, at_least=1)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    waits = _waits(work, burstiness, UTILISATIONS, replications, seed)
    here = _waits(work, burstiness, (utilisation,), replications, seed)
    return TrafficResult(
        utilisation=utilisation,
        work=work,
        burstiness=burstiness,
        wait={kind: mean_intervals(waits[i]) for i, kind in enumerate(TRAFFIC)},
        here={kind: mean_interval(here[i, :, 0]) for i, kind in enumerate(TRAFFIC)},
        theory={kind: _theory(utilisation, kind, work, burstiness) for kind in TRAFFIC},
        curves={kind: _curve(kind, work, burstiness) for kind in TRAFFIC},
    )


@lru_cache(maxsize=128)
def _waits(
    work: str, burstiness: float, grid: tuple[float, ...], replications: int, seed: int
) -> np.ndarray:
    """Mean wait of each run, shape (traffic, replications, utilisations), in service times."""
    gaps = np.stack(
        [
            _gaps(kind, burstiness if kind == "bursty" else 1.0, replications, seed)
            for kind in TRAFFIC
        ],
        axis=1,
    )
    # All runs are stepped together, each request in its turn, which is how the engine is quickest.
    shape = (_REQUESTS, len(TRAFFIC), replications, len(grid))
    arrivals = np.cumsum(gaps, axis=0)[..., np.newaxis] / np.array(grid)
    services = _services(work, replications, seed)[:, np.newaxis, :, np.newaxis]
    work_s = np.ascontiguousarray(np.broadcast_to(services, shape))
    flat = (_REQUESTS, -1)
    waits = queueing.fifo_waits(arrivals.reshape(flat).T, work_s.reshape(flat).T, 1).T
    means = waits[_WARMUP:].mean(axis=0).reshape(shape[1:])
    means.setflags(write=False)
    return means


@lru_cache(maxsize=16)
def _gaps(kind: str, burst: float, replications: int, seed: int) -> np.ndarray:
    rng = streams(seed, kind)[kind]
    gaps = unit_gaps(kind, (_REQUESTS, replications), rng, burstiness=burst)
    gaps.setflags(write=False)
    return gaps


@lru_cache(maxsize=16)
def _services(work: str, replications: int, seed: int) -> np.ndarray:
    kind, scv = WORK[work]
    rng = streams(seed, "services")["services"]
    services = unit_services(kind, (_REQUESTS, replications), rng, scv=scv)
    services.setflags(write=False)
    return services


def _theory(utilisation: float, kind: str, work: str, burstiness: float) -> float:
    distribution, scv = WORK[work]
    scv = service_scv(distribution, scv)
    exponential = distribution == "exponential"
    return theory_traffic(utilisation, kind, scv, burstiness, exponential=exponential)


@lru_cache(maxsize=64)
def _curve(kind: str, work: str, burstiness: float) -> np.ndarray:
    grid = np.concatenate([np.arange(0.04, 0.9, 0.04), np.arange(0.9, 0.96, 0.01)])
    curve = np.array([(u, _theory(u, kind, work, burstiness)) for u in grid.tolist()])
    curve.setflags(write=False)
    return curve
