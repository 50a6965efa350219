"""Services that all report the same mean response time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.same_mean import SameMeanTheory, slower_share, theory_same_mean
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, quantile_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_REQUESTS = 10_000
_POINTS = (50, 90, 95, 99, 99.9)


class SameMeanResult(Result):
    """Ten thousand response times with a given mean.

    Attributes
    ----------
    mean_ms, spread, target_ms
        The parameters it was made with.
    times_s : numpy.ndarray, shape (10000,)
        Response times in ascending order, seconds.
    p99 : Interval
        Their 99th percentile, seconds.
    theory : SameMeanTheory
        The same numbers without a simulation.
    curve : numpy.ndarray, shape (m, 2)
        Time in seconds, and the share of requests that theory says is slower.
    """

    mean_ms: float
    spread: float
    target_ms: float
    times_s: np.ndarray
    p99: Interval
    theory: SameMeanTheory
    curve: np.ndarray

    @property
    def late(self) -> float:
        """Share of the requests slower than the target."""
        return float(np.mean(self.times_s > self.target_ms * 1e-3))

    @property
    def faster_than_mean(self) -> float:
        """Share of the requests answered sooner than the mean."""
        return float(np.mean(self.times_s < self.mean_ms * 1e-3))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "mean_ms": 1e3 * float(self.times_s.mean()),
            "p50_ms": 1e3 * float(np.median(self.times_s)),
            "p99_ms": 1e3 * self.p99.estimate,
            "theory_p99_ms": 1e3 * self.theory.p99_s,
            "late_percent": 100 * self.late,
            "theory_late_percent": 100 * self.theory.late,
            "faster_than_the_mean_percent": 100 * self.faster_than_mean,
        }

    @property
    def reading(self) -> str:
        inside = "inside" if self.p99.contains(self.theory.p99_s) else "outside"
        return (
            f"The mean is {duration(self.mean_ms * 1e-3)}, yet "
            f"{significant(100 * self.faster_than_mean)} % of the requests are faster than that; "
            f"one in a hundred takes more than {duration(self.p99.estimate)} (theory: "
            f"{duration(self.theory.p99_s)}, {inside} the 95 % interval), and "
            f"{significant(100 * self.late)} % miss the target of "
            f"{duration(self.target_ms * 1e-3)}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        times = np.percentile(self.times_s, _POINTS)
        return pd.DataFrame(
            {
                "percentile": [f"p{p:g}" for p in _POINTS],
                "response (ms)": 1e3 * times,
                "in means": 1e3 * times / self.mean_ms,
                "theory: slower share": slower_share(times, self.mean_ms * 1e-3, self.spread),
            }
        ).set_index("percentile")


def simulate_same_mean(
    *, mean_ms: float = 100.0, spread: float = 1.0, target_ms: float = 300.0, seed: int = 1
) -> SameMeanResult:
    """Draw ten thousand lognormal response times with a given mean.

    Parameters
    ----------
    mean_ms : float
        Mean response time, milliseconds; > 0.
    spread : float
        Standard deviation of the logarithm, near 0 all requests are alike; 0.05 <= spread <= 4.
    target_ms : float
        Response time that was promised, milliseconds; > 0.
    seed : int
        Seed of the draws; >= 0. All spreads use the same ones.

    Returns
    -------
    SameMeanResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    mean_s = 1e-3 * validation.number("mean_ms", mean_ms, above=0, unit="ms")
    spread = validation.number("spread", spread, at_least=0.05, at_most=4)
    target_s = 1e-3 * validation.number("target_ms", target_ms, above=0, unit="ms")
    times = mean_s * np.exp(spread * _normals(seed) - spread**2 / 2)
    grid = mean_s * np.geomspace(0.01, 200, 90)
    return SameMeanResult(
        mean_ms=1e3 * mean_s,
        spread=spread,
        target_ms=1e3 * target_s,
        times_s=times,
        p99=quantile_interval(times, 0.99),
        theory=theory_same_mean(mean_s=mean_s, spread=spread, target_s=target_s),
        curve=np.column_stack([grid, slower_share(grid, mean_s, spread)]),
    )


@lru_cache(maxsize=8)
def _normals(seed: int) -> np.ndarray:
    draws = np.sort(streams(seed, "response times")["response times"].standard_normal(_REQUESTS))
    draws.setflags(write=False)
    return draws
