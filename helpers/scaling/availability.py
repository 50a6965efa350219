"""Years of failures and repairs, to see which boxes the downtime comes from.

Boxes fail and are repaired independently of one another. Where that stops being true: one bad
deployment takes all servers at once, and a replica that was never tried may not take over. What
these formulas give is the best case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, log_axis, marks, named_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, listed, significant
from helpers.foundations.statistics import ENOUGH, Intervals, skewed_intervals
from helpers.scaling.series_and_parallel import box, in_series, k_of_n, stops, unavailability

#: What the downtime is counted for, in the order of every array here.
ROWS = (
    "vertical: big server",
    "vertical: database",
    "vertical: whole",
    "horizontal: balancers",
    "horizontal: servers",
    "horizontal: databases",
    "horizontal: whole",
)

HOURS_A_YEAR = 8_766.0

_CYCLES = 300
_REPLICATIONS = 20
_MOST_SERVERS = 7
_BOXES = 2 + 2 + 2 + _MOST_SERVERS  # the vertical column, balancers, databases, servers


class Setting(Parameters):
    """How boxes fail, and how many of them the horizontal design has."""

    mtbf_days: float = number(30.0, "Time between failures", unit="days", above=0)
    mttr_h: float = number(4.0, "Time to repair", unit="h", above=0)
    needed: int = integer(1, "Servers needed", at_least=1, at_most=4)
    spare: int = integer(2, "Spare servers", at_least=0, at_most=3)
    second_balancer: bool = flag(
        False, "second balancer", note="It takes over at once and without fail."
    )
    replica: bool = flag(
        False, "replica of the database", note="It takes over at once and without fail."
    )
    seed: int = seed()

    @property
    def balancers(self) -> int:
        """Balancers in the horizontal design."""
        return 1 + self.second_balancer

    @property
    def servers(self) -> int:
        """Servers in the horizontal design."""
        return self.needed + self.spare

    @property
    def databases(self) -> int:
        """Copies of the database in the horizontal design."""
        return 1 + self.replica


# --- the model: what the page shows, and a learner changes ----------------------------------------


def failing_boxes(at, draw):
    """Let every box fail and be repaired, and add up the time that a stage has too few."""
    world = simpy.Environment()
    up = {"balancers": at.balancers, "servers": at.servers, "databases": at.databases}
    needed = {"balancers": 1, "servers": at.needed, "databases": 1}
    down_h = since = 0.0

    def change(stage, by):
        nonlocal down_h, since
        if any(up[each] < needed[each] for each in up):
            down_h += world.now - since
        since = world.now
        up[stage] += by

    def life_of_a_box(stage):
        while True:
            yield world.timeout(draw("failures").exponential(24 * at.mtbf_days))
            change(stage, -1)
            yield world.timeout(draw("repairs").exponential(at.mttr_h))
            change(stage, +1)

    for stage, boxes in list(up.items()):
        for _ in range(boxes):
            world.process(life_of_a_box(stage))
    world.run(until=300 * 24 * at.mtbf_days)
    return {"downtime_h": 8_766 * down_h / since}


# --- the same, fast: seven rows of twenty histories -----------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Availability:
    """Let every box of two designs fail and be repaired 300 times, in 20 histories."""
    shares, outages, years = _histories(at)
    hours = skewed_intervals(shares * HOURS_A_YEAR)
    return Availability(at, downtime_h=hours, outages=outages, years=years)


def _histories(at: Setting) -> tuple[np.ndarray, np.ndarray, float]:
    """Share of the time that each of `ROWS` is down in each history, shape (20, 7).

    And how often each goes down in all histories together, shape (7,), and how many years these
    are.
    """
    boxes = np.array(
        [0, 1, *range(2, 2 + at.balancers), *range(4, 4 + at.databases), *range(6, 6 + at.servers)]
    )
    stage = np.array([0, 1, *[2] * at.balancers, *[4] * at.databases, *[3] * at.servers])
    need = (1, 1, 1, at.needed, 1)
    up_times, down_times, chances = _draws(at.seed)
    repairs = down_times[:, boxes] * at.mttr_h
    before = np.concatenate([np.zeros((_REPLICATIONS, boxes.size, 1)), repairs[:, :, :-1]], axis=2)
    lasting = up_times[:, boxes] * (at.mtbf_days * 24)
    # A history begins at a random moment: some boxes are down, and fail at once.
    lasting[:, :, 0] *= chances[:, boxes] < box(at.mtbf_days * 24, at.mttr_h)
    failing = np.cumsum(lasting + before, axis=2)
    repaired = failing + repairs
    # All boxes of a history are watched only as long as every one of them is simulated.
    horizon = repaired[:, :, -1].min(axis=1)
    events = _CYCLES * boxes.size
    times = np.concatenate(
        [failing.reshape(_REPLICATIONS, events), repaired.reshape(_REPLICATIONS, events)], axis=1
    )
    order = times.argsort(axis=1)
    times = np.minimum(np.take_along_axis(times, order, axis=1), horizon[:, np.newaxis])
    lengths = np.diff(times, axis=1)
    broken = []
    box_of = np.repeat(np.arange(boxes.size), _CYCLES)
    for k, least in enumerate(need):
        mine = stage[box_of] == k
        change = np.concatenate([np.where(mine, -1, 0), np.where(mine, 1, 0)])
        working = (stage == k).sum() + np.cumsum(change[order], axis=1)[:, :-1]
        broken.append(working < least)
    vertical, horizontal = broken[:2], broken[2:]
    rows = [*vertical, np.logical_or.reduce(vertical)]
    rows += [*horizontal, np.logical_or.reduce(horizontal)]
    shares = np.stack([(lengths * mask).sum(axis=1) / horizon for mask in rows], axis=1)
    watched = (times[:, 1:-1] > 0) & (times[:, 1:-1] < horizon[:, np.newaxis])
    outages = [np.count_nonzero(mask[:, 1:] & ~mask[:, :-1] & watched) for mask in rows]
    return shares, np.array(outages), float(horizon.sum() / HOURS_A_YEAR)


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, ...]:
    """Unit times to failure and to repair, (20, boxes, 300), and chances to be up, (20, boxes)."""
    draw, shape = Draws(seed), (_REPLICATIONS, _BOXES, _CYCLES)
    draws = (
        draw("failures").standard_exponential(shape),
        draw("repairs").standard_exponential(shape),
        draw("found up").random(shape[:2]),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> np.ndarray:
    """Downtime of each of :data:`ROWS` by series and parallel formula, hours a year, shape (7,)."""
    up = box(at.mtbf_days * 24, at.mttr_h)
    vertical = [1 - up, 1 - up]
    horizontal = [
        unavailability(up, 1, at.balancers),
        unavailability(up, at.needed, at.servers),
        unavailability(up, 1, at.databases),
    ]
    shares = [*vertical, in_series(vertical), *horizontal, in_series(horizontal)]
    return np.array(shares) * HOURS_A_YEAR


def outages_a_year(at: Setting) -> np.ndarray:
    """How often each of :data:`ROWS` goes down in a year, shape (7,).

    A design goes down when one of its stages does while the others are up.
    """
    up, mtbf_h = box(at.mtbf_days * 24, at.mttr_h), at.mtbf_days * 24
    one, both = [(1, 1)], [(1, 1), (1, 1)]
    stages = [(1, at.balancers), (at.needed, at.servers), (1, at.databases)]
    rows = [one, one, both, *([stage] for stage in stages), stages]
    hourly = [
        sum(
            stops(up, *stage, mtbf_h)
            * math.prod(k_of_n(up, *o) for j, o in enumerate(row) if j != i)
            for i, stage in enumerate(row)
        )
        for row in rows
    ]
    return np.array(hourly) * HOURS_A_YEAR


# --- what it says ---------------------------------------------------------------------------------


class Availability(Result):
    """Failures and repairs of all boxes, in several histories.

    Attributes
    ----------
    downtime_h : Intervals
        Downtime of each of :data:`ROWS`, hours a year.
    outages : numpy.ndarray, shape (7,)
        How often each of them went down.
    years : float
        Length of all histories together.
    """

    at: Setting
    downtime_h: Intervals
    outages: np.ndarray
    years: float

    @property
    def too_few(self) -> np.ndarray:
        """Of which rows so few outages are to be expected that there is no interval."""
        return np.asarray(outages_a_year(self.at) * self.years < ENOUGH)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact, whole = theory(self.at), self.downtime_h[6]
        few = bool(self.too_few[6])
        return {
            "box_availability_percent": float(
                f"{100 * box(self.at.mtbf_days * 24, self.at.mttr_h):.4f}"
            ),
            "vertical_downtime_h_per_year": float(self.downtime_h.estimate[2]),
            "vertical_theory_h_per_year": float(exact[2]),
            "horizontal_downtime_h_per_year": whole.estimate,
            "horizontal_low_h_per_year": "too few outages" if few else whole.low,
            "horizontal_high_h_per_year": "too few outages" if few else whole.high,
            "horizontal_theory_h_per_year": float(exact[6]),
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        stages = {"balancer": exact[3], "server": exact[4], "database": exact[5]}
        worst = [name for name, hours in stages.items() if hours > 0.999 * max(stages.values())]
        largest = (
            f"the {worst[0]} stage is the horizontal design's largest share"
            if len(worst) == 1
            else f"the {listed(worst)} stages are the horizontal design's largest shares"
        )
        ratio = exact[6] / exact[2]
        if abs(ratio - 1) < 0.01:
            compared = "as good as no difference"
        elif ratio < 0.1:
            compared = f"one part in {significant(1 / ratio)} of it"
        elif ratio < 1:
            compared = f"{significant(100 * (1 - ratio))} % less"
        elif ratio < 2:
            compared = f"{significant(100 * (ratio - 1))} % more"
        else:
            compared = f"{significant(ratio)} times as much"
        return (
            f"Theory expects {duration(3600 * exact[2])} of downtime a year from the "
            f"vertical design and {duration(3600 * exact[6])} from the horizontal one "
            f"with {counted(self.at.servers, 'server')} ({compared}); the simulated years gave "
            f"{duration(3600 * float(self.downtime_h.estimate[2]))} and "
            f"{duration(3600 * float(self.downtime_h.estimate[6]))}, and {largest}. By theory its "
            f"servers alone cost {duration(3600 * exact[4])}.{self._few}"
        )

    @property
    def _few(self) -> str:
        """Say which rows are without an interval, and why."""
        names = ("the balancers", "the servers", "the databases", "the whole")
        few = [name for name, is_so in zip(names, self.too_few[3:], strict=True) if is_so]
        if not few:
            return ""
        return (
            f" In the {significant(self.years)} years that were simulated, fewer than {ENOUGH} "
            f"outages of {listed(few)} are to be expected, too few for an interval."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        few = self.too_few
        return {
            "stage": ROWS,
            "downtime (h/year)": self.downtime_h.estimate,
            "from": np.where(few, np.nan, self.downtime_h.low),
            "to": np.where(few, np.nan, self.downtime_h.high),
            "theory (h/year)": theory(self.at),
        }


_SHORT_ROWS = [row.split(": ")[1] for row in ROWS]
_PLACES = np.array([7.6, 6.8, 6.0, 4.0, 3.2, 2.4, 1.6])
_LOW, _HIGH = 1e-4, 3e3  # hours a year


def plot(run: Availability, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the downtime of every stage of both designs on a logarithmic axis."""
    expected = theory(run.at)
    ax.set_title("Where the downtime comes from")
    ticks = {1e-3: "4 s", 1 / 60: "1 min", 1: "1 h", 24: "1 day", 168: "1 week"}
    log_axis(ax, "x", _LOW, _HIGH, ticks=ticks, text=ticks.__getitem__)
    ax.set_ylim(0.9, 8.9)
    named_axis(ax, "y", _SHORT_ROWS, _PLACES)
    ax.set_xlabel("downtime a year")
    ax.text(_LOW * 1.3, 8.4, "scaled up", fontsize=9.5, fontweight="bold", va="center")
    ax.text(_LOW * 1.3, 4.8, "scaled out", fontsize=9.5, fontweight="bold", va="center")
    each = zip(_PLACES, run.downtime_h, run.outages, run.too_few, strict=True)
    for i, (place, one, seen, few) in enumerate(each):
        if one.estimate > _LOW:
            color = style.BLUE if "whole" in ROWS[i] else style.SKY
            bars(ax, place, one.estimate - _LOW, 0.5, start=_LOW, along="x", facecolor=color)
        if few:
            x = max(_LOW, one.estimate, float(expected[i])) * 1.5
            often = {0: "never seen", 1: "seen once"}.get(int(seen), f"seen {seen} times")
            said = f"{often}, too few for an interval" if seen else f"{often} in the simulation"
            ax.text(x, place, said, fontsize=8.5, va="center", color=style.MUTED)
        else:
            ends = [max(one.low, _LOW), max(one.high, _LOW)]
            ax.plot(ends, [place, place], color=style.INK, linewidth=1.2)
    marks(ax, _PLACES, np.where(expected > _LOW, expected, np.nan), 0.68, along="x")
    note: dict[str, Any] = {"fontsize": 9, "ha": "right", "va": "center", "color": style.MUTED}
    ax.text(_HIGH * 0.85, 4.8, "bars across: theory", **note)
    if mine is not None:
        yours(ax, mine["downtime_h"], _PLACES[-1])
