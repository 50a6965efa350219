"""An autoscaler follows demand: capacity comes, and comes late.

A server can do 50 requests/s; demand is 300 requests/s before it rises. Where that stops being
true: real autoscalers also take servers away, too early or in waves, and more application servers
mean more connections to the one database behind them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, significant

SERVER_RPS = 50.0
BEFORE_RPS = 300.0
RISE_AT_S = 120.0
HORIZON_S = 1_200
#: What the picture shows.
_SHOWN_S = 900
_TOPS = (600, 1_200, 1_800, 2_500, 5_000, 10_000, 25_000)


class Setting(Parameters):
    """A rise of demand, and an autoscaler that looks at the load once in a while."""

    factor: float = number(3.0, "Demand grows to", unit="times", at_least=1, at_most=10)
    rise_s: float = number(60.0, "Time the rise takes", unit="s", at_least=0, at_most=600)
    boot_s: float = number(
        120.0, "Time until a new server answers", unit="s", at_least=0, at_most=400
    )
    interval_s: float = number(30.0, "Interval between looks", unit="s", at_least=1, at_most=120)
    target: float = number(0.6, "Target utilisation", at_least=0.2, at_most=1)
    seed: int = seed()

    @property
    def lag_s(self) -> float:
        """Mean time from a change of demand to the capacity for it."""
        return self.boot_s + self.interval_s / 2

    def demand_rps(self, time_s: Any) -> Any:
        """Demand at a time, or at several."""
        if self.rise_s > 0:
            growth = np.clip((np.asarray(time_s) - RISE_AT_S) / self.rise_s, 0, 1)
        else:
            growth = np.where(np.asarray(time_s) >= RISE_AT_S, 1, 0)
        return BEFORE_RPS * (1 + (self.factor - 1) * growth)

    def servers_for(self, load_rps: Any) -> Any:
        """Whole servers that a load keeps as busy as the target says."""
        return np.ceil(np.asarray(load_rps) / (self.target * SERVER_RPS) - 1e-9)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def follow_demand(at, draw):
    """Look at the load once in an interval, and order the servers that are missing."""
    world = simpy.Environment()
    fleet = {"running": at.servers_for(300), "booting": 0}
    demand_rps = at.demand_rps(np.arange(1_200)).tolist()  # second by second
    capacity_rps, missed = [], 0

    def boot(servers):
        yield world.timeout(at.boot_s)
        fleet["booting"] -= servers
        fleet["running"] += servers

    def look():
        yield world.timeout(at.interval_s * draw("phase").random())
        while True:
            load_rps = demand_rps[int(world.now)]
            missing = at.servers_for(load_rps) - fleet["running"] - fleet["booting"]
            if missing > 0:
                fleet["booting"] += missing
                world.process(boot(missing))
            yield world.timeout(at.interval_s)

    world.process(look())
    for second in range(1_200):
        world.run(until=second + 1e-6)
        capacity_rps.append(50 * fleet["running"])
        missed += max(demand_rps[second] - capacity_rps[-1], 0)
    return {"capacity_rps": np.array(capacity_rps), "missed": missed}


# --- the same, fast: sixteen phases of the looks at once ------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Autoscaler:
    """Let an autoscaler follow a rise of demand, with its looks at sixteen phases.

    Demand never falls, so what it has ordered is what the last look asked for, and an order takes
    the boot time to arrive.
    """
    noise, phases = _traffic(at.seed)
    demand = at.demand_rps(np.arange(HORIZON_S))
    fleets = np.array([fleet_of(at, phase) for phase in phases.tolist()])
    return Autoscaler(
        at,
        demand_rps=demand,
        capacity_rps=SERVER_RPS * fleets[0],
        arrivals_rps=np.maximum(demand + np.sqrt(demand) * noise, 0.0),
        deficit=float(np.maximum(demand - SERVER_RPS * fleets, 0.0).sum(axis=1).mean()),
    )


def fleet_of(at: Setting, phase: float) -> np.ndarray:
    """Return the servers that run in each second, if the first look comes at a phase, 0 to 1."""
    looks = np.arange(phase * at.interval_s, HORIZON_S, at.interval_s)
    asked = at.servers_for(at.demand_rps(np.append(0, looks.astype(int))))
    ready = np.searchsorted(looks + at.boot_s, np.arange(HORIZON_S), side="right")
    servers: np.ndarray = asked[ready]
    return servers


@lru_cache(maxsize=4)
def _traffic(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    noise = draw("arrivals").standard_normal(HORIZON_S)
    # One phase in each sixteenth of the interval, so that the mean over them is steady.
    phases = draw("phases").permutation((np.arange(16) + draw("phases").random(16)) / 16)
    for array in (noise, phases):
        array.setflags(write=False)
    return noise, phases


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float:
    """Requests beyond capacity, for a continuous controller with the mean lag."""
    return deficit(
        before_rps=BEFORE_RPS,
        after_rps=BEFORE_RPS * at.factor,
        rise_s=at.rise_s,
        lag_s=at.lag_s,
        target=at.target,
    )


def deficit(
    *, before_rps: float, after_rps: float, rise_s: float, lag_s: float, target: float
) -> float:
    """Return how many requests arrive beyond capacity during a linear rise, or a step.

    The area between demand d(t) and capacity ``d(t - lag) / target``, where demand is above. Both
    are straight between a few corners, so the area is a sum of trapezoids; for a step it is
    ``(after - before / target) lag``.
    """
    if rise_s == 0:
        return max(after_rps - before_rps / target, 0.0) * lag_s

    def shortage(t: np.ndarray) -> np.ndarray:
        now = before_rps + (after_rps - before_rps) * np.clip(t / rise_s, 0, 1)
        then = before_rps + (after_rps - before_rps) * np.clip((t - lag_s) / rise_s, 0, 1)
        difference: np.ndarray = now - then / target
        return difference

    corners = np.unique([0.0, rise_s, lag_s, lag_s + rise_s])
    gap = shortage(corners)
    cross = (gap[1:] * gap[:-1]) < 0
    roots = corners[:-1] + np.diff(corners) * gap[:-1] / np.where(cross, gap[:-1] - gap[1:], 1.0)
    times = np.sort(np.concatenate([corners, roots[cross]]))
    return float(np.trapezoid(np.maximum(shortage(times), 0.0), times))


# --- what it says ---------------------------------------------------------------------------------


class Autoscaler(Result):
    """Demand, capacity, and the requests that fell between them.

    Attributes
    ----------
    demand_rps, capacity_rps, arrivals_rps : numpy.ndarray, shape (1200,)
        Mean demand, capacity with the first of the phases, and actual arrivals in each second.
    deficit : float
        Area of demand above capacity, requests; the mean over sixteen phases of the looks.
    """

    at: Setting
    demand_rps: np.ndarray
    capacity_rps: np.ndarray
    arrivals_rps: np.ndarray
    deficit: float

    @property
    def time_s(self) -> np.ndarray:
        """The seconds."""
        return np.arange(self.demand_rps.size)

    @property
    def short_s(self) -> float:
        """Seconds for which demand exceeds capacity, with the first of the phases."""
        return float((self.demand_rps > self.capacity_rps).sum())

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "deficit_requests": self.deficit,
            "theory_deficit_requests": theory(self.at),
            "short_s": self.short_s,
            "lag_s": self.at.lag_s,
            "servers_before": int(self.capacity_rps[0] / SERVER_RPS),
            "peak_servers": int(self.capacity_rps.max() / SERVER_RPS),
        }

    @property
    def reading(self) -> str:
        at = self.at
        if self.deficit < 1:
            what = "capacity is never short: the headroom outlasts the lag"
        else:
            what = (
                f"capacity is short for {duration(self.short_s)}, and "
                f"{significant(self.deficit)} requests are more than it can take (a continuous "
                f"controller: {significant(theory(at))})"
            )
        how = f"within {duration(at.rise_s)}" if at.rise_s else "at once"
        if at.factor == 1:
            return (
                "Demand stays as it is, and so does capacity; new servers would answer a rise "
                f"{duration(at.lag_s)} later on average."
            )
        return (
            f"Demand grows {significant(at.factor)}-fold {how}; new servers answer it "
            f"{duration(at.lag_s)} later on average, and {what}."
        )


def plot(run: Autoscaler, ax: Axes, mine: Mine | None = None) -> None:
    """Draw demand, capacity, and the area between them."""
    most = float(max(run.capacity_rps.max(), run.demand_rps.max()))
    ax.set(
        title="Demand, and capacity that comes later",
        xlim=(0, _SHOWN_S),
        ylim=(0, step_up(1.4 * most, _TOPS)),  # the key stands above
        xlabel="time (s)",
        ylabel="requests per second",
    )
    ax.plot(run.time_s, run.arrivals_rps, color=style.SKY, linewidth=0.7, alpha=0.6)
    ax.plot(run.time_s, run.demand_rps, color=style.BLUE, linewidth=2.2)
    look: dict[str, Any] = {"color": style.GREEN, "linewidth": 2.2, "linestyle": (0, (6, 1.5))}
    ax.step(run.time_s, run.capacity_rps, where="post", **look)
    ax.fill_between(
        run.time_s,
        run.capacity_rps,
        run.demand_rps,
        where=run.demand_rps > run.capacity_rps,
        color=style.VERMILION,
        alpha=0.35,
        linewidth=0,
        step="post",
    )
    names = [
        ("—", "demand", style.BLUE),
        ("--", "capacity", style.GREEN),
        ("■", "deficit: requests beyond capacity", style.VERMILION),
    ]
    key(ax, names, left=True)
    if mine is not None:
        half_minutes = np.arange(0, _SHOWN_S, 30)
        capacity = np.asarray(mine["capacity_rps"], float)[half_minutes]
        ax.set_ylim(0, step_up(1.4 * max(most, float(capacity.max())), _TOPS))
        yours(ax, half_minutes, capacity)
