"""The whole anatomy, running: rates, utilisations, and what one dead box does to them.

Ten seconds of traffic flow through the usual drawing; after three of them a box dies and stays
dead. Where that stops being true: the CDN and the balancer never run out of capacity, machines
die cleanly, and the list of single points of failure knows boxes, not what several boxes share.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.anatomy.system_diagram import NAMES, draw_diagram
from helpers.anatomy.usual_design import WIRINGS, usual_design
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Parameters,
    Result,
    flag,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant

#: What can be killed: what the page calls it, and the name of the box.
VICTIMS = {"nothing": "nothing", "the primary database": "db-1", "the replica": "db-2"} | {
    box: box for box in ("cdn", "balancer", "app-1", "app-2", "app-3", "cache", "queue", "workers")
}

KILL_S = 3.0
DURATION_S = 10.0


class Setting(Parameters):
    """The usual drawing, its traffic, and what dies."""

    rate_rps: float = number(60.0, "Arrival rate", unit="requests/s", above=0, at_most=80)
    cdn_hit_ratio: float = number(0.5, "CDN's hit ratio", at_least=0, at_most=1)
    cache_hit_ratio: float = number(0.8, "Cache's hit ratio", at_least=0, at_most=1)
    wiring: str = option(WIRINGS[0], "Where the cache stands", of=WIRINGS)
    workers_write: bool = flag(True, "Workers reach the database")
    standby: bool = flag(False, "Second balancer, database fails over")
    victim: str = option(
        "nothing",
        f"What dies after {KILL_S:g} s",
        of=tuple(VICTIMS.values()),
        note="Of two balancers only the first dies.",
    )
    seed: int = seed()

    @property
    def design(self) -> blueprint.Design:
        """The system."""
        return usual_design(
            rate_rps=self.rate_rps,
            cdn_hit_ratio=self.cdn_hit_ratio,
            cache_hit_ratio=self.cache_hit_ratio,
            wiring=self.wiring,
            workers_write=self.workers_write,
            standby=self.standby,
        )


# --- the model: the blueprint's, with every box of the design as the course knows it --------------


@takes(Setting)
def simulate(at: Setting) -> WholeSystem:
    """Run the system for ten seconds; after three of them a box dies and stays dead."""
    target = "balancer-1" if at.victim == "balancer" and at.standby else at.victim
    faults = [] if at.victim == "nothing" else [blueprint.kill(target, at_s=KILL_S)]
    design = at.design
    return WholeSystem(
        at,
        run=blueprint.simulate_design(
            design, faults=faults, duration_s=DURATION_S, warm_up_s=KILL_S, seed=at.seed
        ),
        capacity_rps=blueprint.bounds(design).capacity_rps,
        single_points=blueprint.single_points(design),
    )


def theory(at: Setting) -> blueprint.OpenNetwork:
    """The steady state with nothing dead: an open network of queues (Jackson 1957)."""
    return _steady_state(at.design)


@lru_cache(maxsize=64)
def _steady_state(design: blueprint.Design) -> blueprint.OpenNetwork:
    return blueprint.theory_design(design)


# --- what it says ---------------------------------------------------------------------------------


class WholeSystem(Result):
    """A run in which a box dies after three seconds.

    Attributes
    ----------
    run : blueprint.DesignResult
        What became of every request; its rates and utilisations are those after the death.
    capacity_rps : float
        Requests per second at which the first machine saturates.
    single_points : dict of str to str
        Single points of failure, and what each takes down.
    """

    at: Setting
    run: blueprint.DesignResult
    capacity_rps: float
    single_points: dict[str, str]

    @property
    def jobs_waiting(self) -> int:
        """Jobs in the message queue at the end."""
        return self.run.present["workers"]

    @property
    def summary(self) -> dict[str, float | int | str]:
        response = self.run.response_s
        return {
            "dead": self.at.victim,
            "answered_percent": 100 * self.run.success_ratio,
            "p99_ms": 1e3 * float(np.percentile(response, 99)) if len(response) else "no answer",
            "busiest": self.run.busiest,
            "busiest_percent": 100 * self.run.utilisation[self.run.busiest],
            "jobs_left": self.jobs_waiting,
            "capacity_rps": self.capacity_rps,
            "single_points": ", ".join(self.single_points) or "none",
        }

    @property
    def reading(self) -> str:
        run = self.run
        share = significant(100 * run.success_ratio)
        victim = self.at.victim
        when = "With everything alive" if victim == "nothing" else f"Without {victim}"
        if victim == "balancer" and self.at.standby:
            when = "With one of two balancers dead"
        speed = ""
        if len(run.response_s):
            speed = f" (half within {duration(float(np.median(run.response_s)))})"
        expected = theory(self.at).utilisation[run.busiest]
        saturated = "overload" if expected >= 1 else f"{significant(100 * expected)} %"
        return (
            f"{when}, {share} % of the requests are answered{speed}; the busiest machine, "
            f"{run.busiest}, is {significant(100 * run.utilisation[run.busiest])} % busy, where "
            f"theory expects {saturated} with nothing dead. Single points of failure: "
            f"{', '.join(self.single_points) or 'none'}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        run, expected = self.run, theory(self.at).utilisation
        machines = list(run.utilisation)
        return {
            "machine": machines,
            "calls (1/s)": [run.tallies[each].arrivals / run.window_s for each in machines],
            "utilisation (%)": [100 * run.utilisation[each] for each in machines],
            "theory, all alive (%)": [100 * expected[each] for each in machines],
        }


@style.wide
@style.panels(2, width_ratios=(2.6, 1))
def plot(run: WholeSystem, axes: tuple[Axes, Axes]) -> None:
    """Draw the running system after the death, and what became of its requests before and after.

    A click on a box kills it, and repairs it when it is dead.
    """
    at = run.at
    draw_diagram(
        axes[0],
        run.run,
        theory(at).utilisation,
        victim=at.victim,
        spare_balancer=at.standby,
        jobs=counted(run.jobs_waiting, "job"),
    )
    _timeline(run, axes[1])


def _timeline(run: WholeSystem, ax: Axes) -> None:
    rates = run.run.outcome_rates(20)
    top = step_up(1.5 * run.at.rate_rps, (20, 40, 80, 120))
    ax.set(
        title="Requests over time",
        xlim=(0, DURATION_S),
        ylim=(0, top),
        xlabel="time (s)",
        ylabel="per second",
    )
    bad = rates["failed_rps"] + rates["dropped_rps"]
    ax.plot(rates["time_s"], rates["answered_rps"], color=style.BLUE, linewidth=2.0)
    ax.plot(rates["time_s"], bad, color=style.VERMILION, linewidth=2.0, linestyle=(0, (4, 1.5)))
    if run.at.victim != "nothing":
        ax.axvline(KILL_S, color=style.MUTED, linewidth=1.0, linestyle=":")
        name = NAMES.get(run.at.victim, run.at.victim)
        dies = "die" if name.endswith("workers") else "dies"
        ax.text(KILL_S + 0.15, 0.9 * top, f"{name} {dies}", fontsize=8, color=style.MUTED)
    note(ax, 0.03, 0.97, "answered", style.BLUE)
    note(ax, 0.97, 0.97, "failed (dashed)", style.VERMILION, ha="right")
