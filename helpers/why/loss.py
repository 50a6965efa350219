"""One server fewer: what the others have to do, and how long everybody waits.

A fleet behind one queue loses a server at the tenth second. Where that stops being true: here
nobody is lost and nobody retries, and the loss is noticed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, note, ring
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.why.changing_fleet import busy_share, mean_by_time, mean_over_runs, run_changing

#: Mean service time; when the server is lost, and when the run ends; seconds.
SERVICE_S = 0.2
LOST_S, END_S = 10.0, 40.0

_EDGES_S = np.arange(END_S + 1)
_TIME_S = _EDGES_S[:-1] + 0.5


#: Servers left, times the square of their idleness, above which half a minute is long enough for
#: them to settle: below it the line is still growing, and they are less busy than they will be.
_SETTLES = 0.02


class Setting(Parameters):
    """A fleet behind one queue."""

    servers: int = integer(4, "Servers", at_least=2, at_most=12)
    utilisation: float = number(0.7, "Utilisation before", above=0, below=1)
    replications: int = replications(12)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Loss:
    """Serve random arrivals for forty seconds, from the tenth on with a server fewer."""
    rate_rps = at.utilisation * at.servers / SERVICE_S
    runs = run_changing(
        rate_rps, SERVICE_S, at.servers, [(LOST_S, -1)], END_S, at.replications, at.seed
    )
    left = at.servers - 1
    return Loss(
        at,
        before=mean_interval([busy_share(run, -6.0, LOST_S) / at.servers for run in runs]),
        after=mean_interval([busy_share(run, LOST_S + 5, END_S) / left for run in runs]),
        wait_s=mean_by_time(runs, _EDGES_S),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Offered load per server left, 1 or more cannot be done; and the wait each second, seconds."""

    offered: float
    wait_s: np.ndarray


def theory(at: Setting) -> Theory:
    """Steady wait before and after the loss (M/M/c), or the growing one where there is none."""
    rate_rps, n = at.utilisation * at.servers / SERVICE_S, at.servers
    offered = offered_after(at.utilisation, n)
    before_s = float(queueing.mmc_wait(rate_rps, SERVICE_S, n))
    if offered < 1:
        after_s = np.full(_TIME_S.size, float(queueing.mmc_wait(rate_rps, SERVICE_S, n - 1)))
    else:
        # Each second brings `offered` seconds of work for each server left.
        after_s = before_s + (offered - 1) * (_TIME_S - LOST_S)
    return Theory(offered, np.where(_TIME_S < LOST_S, before_s, after_s))


def offered_after(utilisation: float, servers: int, lost: int = 1) -> float:
    """Utilisation after some of the servers are gone: ``rho n / (n - k)``.

    Parameters
    ----------
    utilisation : float
        Utilisation before; 0 to 1.
    servers, lost : int
        Servers before, and those lost; 0 <= lost < servers.
    """
    if not 0 <= lost < servers:
        raise ValueError(f"lost must be at least 0 and below servers ({servers}), got {lost}")
    return utilisation * servers / (servers - lost)


# --- what it says ---------------------------------------------------------------------------------


class Loss(Result):
    """A fleet of servers before and after it loses one.

    Attributes
    ----------
    before, after : Interval
        Utilisation observed before the loss, and from five seconds after it on; 1 at most.
    wait_s : numpy.ndarray, shape (replications, 40)
        Mean wait of the requests of each second and run, seconds.
    """

    at: Setting
    before: Interval
    after: Interval
    wait_s: np.ndarray

    @property
    def mean_wait_s(self) -> np.ndarray:
        """Mean over the runs, shape (40,); NaN where no run saw a request."""
        return mean_over_runs(self.wait_s)

    @property
    def _at_the_end_s(self) -> float:
        return float(np.nanmean(self.mean_wait_s[-5:]))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "utilisation_before": self.before.estimate,
            "utilisation_after": self.after.estimate,
            "theory_after": theory(self.at).offered,
            "wait_before_ms": 1e3 * float(np.nanmean(self.mean_wait_s[_TIME_S < LOST_S])),
            "wait_at_the_end_ms": 1e3 * self._at_the_end_s,
        }

    @property
    def reading(self) -> str:
        left, offered = self.at.servers - 1, theory(self.at).offered
        others, run, get = (
            ("the other one", "runs", "gets") if left == 1 else (f"the other {left}", "run", "get")
        )
        they = "it" if left == 1 else "they"
        first = (
            f"{self.at.servers} servers at {significant(100 * self.before.estimate)} % lose one; "
            f"{others} then "
        )
        wait = duration(max(self._at_the_end_s, 0.0))
        if offered >= 1:
            return (
                first + f"{get} {significant(100 * offered)} % of what {they} can do: the "
                f"queue grows without end, and half a minute later a request waits {wait}."
            )
        judged = "in the long run"
        if left * (1 - offered) ** 2 > _SETTLES:
            judged = f"{'in' if self.after.contains(offered) else 'out'}side the 95 % interval"
        return (
            first + f"{run} at {significant(100 * self.after.estimate)} % (theory: "
            f"{significant(100 * offered)} %, {judged}), and a request waits {wait} at the end."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "time (s)": _TIME_S,
            "wait (ms)": 1e3 * self.mean_wait_s,
            "theory (ms)": 1e3 * theory(self.at).wait_s,
        }


@style.panels(2, width_ratios=[1.25, 1])
def plot(run: Loss, axes: tuple[Axes, Axes]) -> None:
    """Draw the wait before and after a loss, and what the loss does to the utilisation."""
    ax, load = axes
    exact = theory(run.at)
    ax.set_title("One server fewer")
    ax.set_xlim(0, END_S)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("wait (s)")
    ax.axvline(LOST_S, color=style.MUTED, linewidth=1.0)
    curves(ax, _TIME_S, run.wait_s[:6], color=style.SKY, linewidth=0.8, alpha=0.6)
    ax.plot(_TIME_S, run.mean_wait_s, **style.SIMULATION)
    before = _TIME_S < LOST_S
    for part in (before, ~before):
        ax.plot(_TIME_S[part], exact.wait_s[part], **style.THEORY)
    top = max(float(np.nanmax(run.mean_wait_s)), float(exact.wait_s.max()))
    ax.set_ylim(0, step_up(1.15 * top, (0.5, 1, 2, 5, 10, 20, 40)))
    style.label(ax, LOST_S, 0.7 * ax.get_ylim()[1], "one is lost", style.MUTED, xytext=(4, 0))
    note(ax, 0.03, 0.96, "— mean of the runs", style.BLUE)
    note(ax, 0.03, 0.89, "- - theory, in the long run", style.BLACK)
    load.set_title("Utilisation after the loss")
    load.set_xlim(1.5, 12.5)
    load.set_xticks(range(2, 13, 2))
    load.set_ylim(0, 200)
    load.set_xlabel("servers before")
    load.set_ylabel("%")
    load.axhline(100, color=style.VERMILION, linewidth=1.2)
    n = np.arange(2, 13)
    load.plot(n, [100 * offered_after(run.at.utilisation, int(k)) for k in n], **style.THEORY)
    load.axhline(100 * run.at.utilisation, color=style.MUTED, linewidth=1.0, linestyle=":")
    load.plot(
        [run.at.servers], [100 * run.after.estimate], color=style.BLUE, marker="o",
        linestyle="none", markersize=8,
    )  # fmt: skip
    ring(load, run.at.servers, 100 * exact.offered)
    note(load, 0.97, 0.96, "above the line: cannot be done", style.VERMILION, ha="right")
    note(load, 0.97, 0.87, "● observed   ○ asked for", style.BLUE, ha="right")
    note(load, 0.97, 0.1, "dotted: before", ha="right")
