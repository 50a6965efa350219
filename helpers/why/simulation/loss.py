"""One server fewer: what the others have to do, and how long everybody waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.why.simulation.capacity import busy_share, mean_by_time, mean_over_runs, run_changing
from helpers.why.theory import theory_loss

if TYPE_CHECKING:
    import pandas as pd

#: Mean service time, seconds; a constant of the model.
SERVICE_S = 0.2

#: When the server is lost, and when the run ends, seconds.
LOST_S, END_S = 10.0, 40.0


class LossResult(Result):
    """A fleet of servers before and after it loses one.

    Attributes
    ----------
    servers, utilisation
        The parameters it was made with.
    before, after : Interval
        Utilisation observed before the loss, and from five seconds after it on; 1 at most.
    offered_after : float
        What theory says each server left would have to do; 1 or more cannot be done.
    time_s : numpy.ndarray, shape (t,)
        Middle of each second.
    wait_s : numpy.ndarray, shape (replications, t)
        Mean wait of the requests of each second and run, seconds.
    theory_s : numpy.ndarray, shape (t,)
        Steady wait before and after the loss, or the growing one where there is none, seconds.
    """

    servers: int
    utilisation: float
    before: Interval
    after: Interval
    offered_after: float
    time_s: np.ndarray
    wait_s: np.ndarray
    theory_s: np.ndarray

    @property
    def mean_wait_s(self) -> np.ndarray:
        """Mean over the runs, shape (t,); NaN where no run saw a request."""
        return mean_over_runs(self.wait_s)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "utilisation_before": self.before.estimate,
            "utilisation_after": self.after.estimate,
            "theory_after": self.offered_after,
            "wait_before_ms": 1e3 * float(np.nanmean(self.mean_wait_s[self.time_s < LOST_S])),
            "wait_at_the_end_ms": 1e3 * float(np.nanmean(self.mean_wait_s[-5:])),
        }

    @property
    def reading(self) -> str:
        first = (
            f"{self.servers} servers at {significant(100 * self.before.estimate)} % lose one; the "
            f"other {self.servers - 1} then "
        )
        wait = duration(max(float(np.nanmean(self.mean_wait_s[-5:])), 0.0))
        if self.offered_after >= 1:
            return (
                first + f"get {significant(100 * self.offered_after)} % of what they can do: the "
                f"queue grows without end, and half a minute later a request waits {wait}."
            )
        inside = "inside" if self.after.contains(self.offered_after) else "outside"
        return (
            first + f"run at {significant(100 * self.after.estimate)} % (theory: "
            f"{significant(100 * self.offered_after)} %, {inside} the 95 % interval), and a "
            f"request waits {wait} at the end."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "time (s)": self.time_s,
                "wait (ms)": 1e3 * self.mean_wait_s,
                "theory (ms)": 1e3 * self.theory_s,
            }
        ).set_index("time (s)")


def simulate_loss(
    *, servers: int = 4, utilisation: float = 0.7, replications: int = 12, seed: int = 1
) -> LossResult:
    """Simulate a fleet behind one queue that loses a server after ten seconds.

    Parameters
    ----------
    servers : int
        Servers at first; 2 to 12.
    utilisation : float
        Utilisation at first; 0 < utilisation < 1.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of arrivals and services; all settings meet the same draws.

    Returns
    -------
    LossResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=12)
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    rate = utilisation * servers / SERVICE_S
    runs = run_changing(rate, SERVICE_S, servers, [(LOST_S, -1)], END_S, replications, seed)
    edges = np.arange(END_S + 1)
    time_s = edges[:-1] + 0.5
    offered = theory_loss(utilisation, servers)
    before_s = float(queueing.mmc_wait(rate, SERVICE_S, servers))
    if offered < 1:
        after_s = np.full(time_s.size, float(queueing.mmc_wait(rate, SERVICE_S, servers - 1)))
    else:
        # Each second brings `offered` seconds of work for each server left.
        after_s = before_s + (offered - 1) * (time_s - LOST_S)
    return LossResult(
        servers=servers,
        utilisation=utilisation,
        before=mean_interval([busy_share(run, -6.0, LOST_S) / servers for run in runs]),
        after=mean_interval([busy_share(run, LOST_S + 5, END_S) / (servers - 1) for run in runs]),
        offered_after=offered,
        time_s=time_s,
        wait_s=mean_by_time(runs, edges),
        theory_s=np.where(time_s < LOST_S, before_s, after_s),
    )
