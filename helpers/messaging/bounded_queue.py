"""A queue that is full: wait for ever, turn jobs away, push back, or shed the late ones.

Jobs arrive at random at one worker, and each is worth something only if its work begins in time.
Where that stops being true: refusing costs nothing here, and a job that is turned away does not
come back; with retries the load grows by what was refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, here, marks, named_axis
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded
from helpers.foundations.statistics import Interval, mean_interval, seldom

#: What happens to a job that finds too many before it.
POLICIES = ("wait for ever", "turn away", "push back", "shed the late")

_RUNS, _JOBS = 8, 1_200
_STRETCHES, _STRETCH = 1_000, 100  # of the queue without a limit, where it is stable
_LONG = 200_000  # its jobs where it is not
_LOADS = np.linspace(0.02, 2.0, 100)


class Setting(Parameters):
    """One worker, what is offered to it, and how long a job is of use."""

    load: float = number(1.2, "Offered load", unit="of the worker", at_least=0.1, at_most=2)
    room: int = integer(10, "Room for jobs", at_least=1, at_most=50,
                        note="The one in work included.")  # fmt: skip
    patience: float = number(20.0, "Of use if begun within", unit="mean jobs", above=0,
                             at_most=50, note="In mean work times.")  # fmt: skip
    policy: str = option(
        "turn away",
        "When it is full",
        of=POLICIES,
        note="Turn away: a job that finds no room is refused. Push back: its producer waits with "
        "it, and makes no other meanwhile. Shed the late: there is room for all, and a worker "
        "throws away what it would begin too late. Wait for ever: there is room for all.",
    )
    seed: int = seed()


class Fate(NamedTuple):
    """Shares of the jobs offered: begun in time, begun too late, and not done at all."""

    in_time: Any
    late: Any
    undone: Any


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Bounded:
    """Send the same jobs through a queue of each kind, eight times.

    Each run begins in the steady state, with the jobs, or the work, that stand there then.
    """
    draw = Draws(at.seed)
    gaps = (draw("gaps").standard_exponential((_RUNS, _JOBS)) / at.load).tolist()
    work = draw("work").standard_exponential((_RUNS, _JOBS)).tolist()
    fates: dict[str, list[Fate]] = {"wait for ever": [_for_ever(at, draw)]}
    for policy, follow in (
        ("turn away", _turn_away),
        ("push back", _push_back),
        ("shed the late", _shed),
    ):
        fates[policy] = [follow(at, draw, *each) for each in zip(gaps, work, strict=True)]
    shares = {name: Fate(*np.mean(each, axis=0).tolist()) for name, each in fates.items()}
    runs = [each.in_time for each in fates[at.policy]]
    return Bounded(at, shares, np.array(runs))


def _for_ever(at: Setting, draw: Draws) -> Fate:
    if at.load >= 1:  # no steady state: one long run
        arrivals = np.cumsum(draw("gaps").standard_exponential(_LONG)) / at.load
        waits = queueing.fifo_waits(arrivals, draw("work").standard_exponential(_LONG), 1)
    else:
        size = (_STRETCHES, _STRETCH)
        arrivals = np.cumsum(draw("gaps").standard_exponential(size), axis=1) / at.load
        arrivals -= arrivals[:, :1]
        work = draw("work").standard_exponential(size)
        ahead = draw("before").standard_exponential((_STRETCHES, 1)) / (1 - at.load)
        ahead *= draw("before").random((_STRETCHES, 1)) < at.load
        arrivals = np.hstack([np.zeros_like(ahead), arrivals])
        waits = queueing.fifo_waits(arrivals, np.hstack([ahead, work]), 1)[:, 1:]
    in_time = float((waits <= at.patience).mean())
    return Fate(in_time, 1 - in_time, 0.0)


def _there(at: Setting, draw: Draws, room: int) -> int:
    """How many are in the system when a run begins."""
    chances = np.cumsum(_powers(at.load, room))
    return int(np.searchsorted(chances, draw("before").random() * chances[-1]))


def _turn_away(at: Setting, draw: Draws, gaps: list[float], work: list[float]) -> Fate:
    there = np.cumsum(draw("before").standard_exponential(_there(at, draw, at.room)))
    now, in_time, late, ends = 0.0, 0, 0, [0.0] * at.room + there.tolist()
    for gap, takes_ in zip(gaps, work, strict=True):
        now += gap
        if ends[-at.room] > now:
            continue  # who came so many before is still there
        start = max(now, ends[-1])
        ends.append(start + takes_)
        if start - now <= at.patience:
            in_time += 1
        else:
            late += 1
    return _shares(in_time, late, _JOBS)


def _push_back(at: Setting, draw: Draws, gaps: list[float], work: list[float]) -> Fate:
    in_system = _there(at, draw, at.room + 1)
    there = np.cumsum(draw("before").standard_exponential(min(in_system, at.room)))
    ends = [0.0] * at.room + there.tolist()
    put, held, in_time, late = 0.0, 0.0, 0, 0
    if in_system > at.room:  # its producer has one more in its hands
        put = held = ends[-at.room]
        ends.append(ends[-1] + float(draw("before").standard_exponential()))
    for gap, takes_ in zip(gaps, work, strict=True):
        made = put + gap
        put = max(made, ends[-at.room])
        start = max(put, ends[-1])
        ends.append(start + takes_)
        held += put - made
        if start - made <= at.patience:
            in_time += 1
        else:
            late += 1
    # While its producer is held up, so many jobs are not made as would have been.
    return _shares(in_time, late, in_time + late + held * at.load)


def _shed(at: Setting, draw: Draws, gaps: list[float], work: list[float]) -> Fate:
    now, in_time, free = 0.0, 0, _work_there(at, draw)
    for gap, takes_ in zip(gaps, work, strict=True):
        now += gap
        start = max(now, free)
        if start - now <= at.patience:
            free = start + takes_
            in_time += 1
    return _shares(in_time, 0, _JOBS)


def _work_there(at: Setting, draw: Draws) -> float:
    """How much work stands before a worker that sheds, when a run begins."""
    drift, (empty, below, beyond) = at.load - 1, _shed_weights(at.load, at.patience)
    chance, place = draw("before").random(2).tolist()
    chance *= empty + below + beyond
    if chance < empty:
        return 0.0
    if chance >= empty + below:
        return float(at.patience - math.log1p(-place))
    if abs(drift * at.patience) < 1e-9:
        return float(place * at.patience)
    return math.log1p(place * math.expm1(drift * at.patience)) / drift


def _shares(in_time: float, late: float, offered: float) -> Fate:
    return Fate(in_time / offered, late / offered, max(0.0, 1 - (in_time + late) / offered))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, policy: str | None = None, load: float | None = None) -> Fate:
    """What becomes of the jobs in the long run, at the setting or under another policy or load.

    Turned away: M/M/1/K, whose customers find k others with probability proportional to
    rho^k; whoever finds k waits for k exponential services (Kleinrock, *Queueing Systems* vol. 1,
    1975, section 3.6). Pushed back: the same with room for one more, the job in the producer's
    hands. Shed: the work before a job is that of M/M/1 up to the deadline, and beyond it nothing
    is added (Barrer, "Queuing with impatient customers and ordered service", *Operations
    Research* 5, 1957).
    """
    rho = at.load if load is None else load
    policy = at.policy if policy is None else policy
    if policy == "wait for ever":
        late = rho * math.exp(-(1 - rho) * at.patience) if rho < 1 else 1.0
        return Fate(1 - late, late, 0.0)
    if policy == "shed the late":
        undone = _shed_share(rho, at.patience)
        return Fate(1 - undone, 0.0, undone)
    room = at.room + (policy == "push back")
    found = np.arange(room)
    weights = _powers(rho, room)
    undone = float(weights[-1])
    late = float(weights[:-1] @ _still_waiting(found, at.patience))
    return Fate(1 - undone - late, late, undone)


def _powers(rho: float, room: int) -> np.ndarray:
    """Probabilities that 0 ... room are in the system; counted from the full end above 1."""
    exponents = np.arange(room + 1) - (room if rho > 1 else 0)
    weights = rho**exponents
    return np.asarray(weights / weights.sum())


def _shed_share(rho: float, patience: float) -> float:
    """Share of the jobs that meet more work than they have patience for."""
    empty, below, beyond = _shed_weights(rho, patience)
    return beyond / (empty + below + beyond)


def _shed_weights(rho: float, patience: float) -> tuple[float, float, float]:
    """How likely it is that there is no work, some, or too much; relative to the last.

    Below the deadline the density of work is proportional to exp((rho - 1) x), as for M/M/1;
    beyond it, nothing is added, and what is there decays like one service.
    """
    drift = rho - 1
    flat = abs(drift * patience) < 1e-9
    below = patience if flat else -math.expm1(-drift * patience) / drift
    return math.exp(-drift * patience) / rho, below, 1.0


def _still_waiting(found: np.ndarray, patience: float) -> np.ndarray:
    """P(k services take longer than that), for each k: fewer than k events of a Poisson process."""
    most = int(found[-1]) if found.size else 0
    logs = [-patience + j * math.log(patience) - math.lgamma(j + 1) for j in range(most)]
    return np.append(0.0, np.cumsum(np.exp(logs)))[: found.size]


@lru_cache(maxsize=64)
def _curve(at: Setting, policy: str) -> np.ndarray:
    """Jobs begun in time per mean work time, at :data:`_LOADS`."""
    return np.array([rho * theory(at, policy, rho).in_time for rho in _LOADS.tolist()])


def _share(share: float) -> str:
    return percent(round(share, 6), 4)  # 99.96 % are not all


# --- what it says ---------------------------------------------------------------------------------


class Bounded(Result):
    """What became of the jobs offered, under each policy.

    Attributes
    ----------
    fates : dict of str to Fate
        Shares of the jobs, for each of :data:`POLICIES`.
    runs : numpy.ndarray
        Share begun in time under the chosen policy in each run, or one number where there are no
        independent runs.
    """

    at: Setting
    fates: dict[str, Fate]
    runs: np.ndarray

    @property
    def in_time(self) -> Interval | None:
        """Share begun in time under the chosen policy; None without independent runs."""
        return mean_interval(self.runs) if self.runs.size > 1 else None

    @property
    def summary(self) -> dict[str, float | int | str]:
        fate, exact = self.fates[self.at.policy], theory(self.at)
        return {
            "in_time_percent": rounded(100 * fate.in_time),
            "late_percent": rounded(100 * fate.late),
            "undone_percent": rounded(100 * fate.undone),
            "theory_in_time_percent": rounded(100 * exact.in_time),
            "theory_undone_percent": rounded(100 * exact.undone),
        }

    @property
    def reading(self) -> str:
        at, fate, exact = self.at, self.fates[self.at.policy], theory(self.at)
        undone = {
            "wait for ever": "",
            "turn away": f", {_share(fate.undone)} are turned away",
            "push back": f", {_share(fate.undone)} are not even made, because their producer waits",
            "shed the late": f", {_share(fate.undone)} are shed",
        }[at.policy]
        late = f" and {_share(fate.late)} are begun too late" if at.policy != POLICIES[3] else ""
        best = max(POLICIES, key=lambda name: theory(at, name).in_time)
        says = f"theory: {_share(exact.in_time)} in time" + (
            " in the long run" if at.policy == POLICIES[0] and at.load >= 1 else ""
        )
        return (
            f"At a load of {percent(at.load)}, {_share(fate.in_time)} of the jobs are begun in "
            f"time{undone}{late} ({says}). In theory most are in time under the policy "
            f"“{best}”: {_share(theory(at, best).in_time)}."
            + (
                seldom(1 - self.runs, "every job was begun in time")
                or seldom(self.runs, "no job was begun in time")
            )
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        parts = {"in time": 0, "too late": 1, "not done": 2}
        table: dict[str, Any] = {"policy": POLICIES}
        for name, part in parts.items():
            table[f"{name} (%)"] = [100 * self.fates[each][part] for each in POLICIES]
            table[f"{name}, theory (%)"] = [100 * theory(self.at, each)[part] for each in POLICIES]
        return table


@style.panels(2, width_ratios=[1, 1.1])
def plot(run: Bounded, axes: tuple[Axes, Axes]) -> None:
    """Draw what becomes of a hundred jobs, and the useful work against the load."""
    at, (ax, curve) = run.at, axes
    rows = np.arange(len(POLICIES))
    start = np.zeros(len(POLICIES))
    for part, color in enumerate((style.BLUE, style.ORANGE, style.FAINT)):
        length = np.array([100 * run.fates[name][part] for name in POLICIES])
        bars(ax, rows, length, 0.56, start=start, along="x", facecolor=color)
        start = start + length
    marks(ax, rows, [100 * theory(at, name).in_time for name in POLICIES], along="x")
    named_axis(ax, "y", [name.replace(" ", "\n", 1) for name in POLICIES])
    ax.set_ylim(len(POLICIES) - 0.4, -0.95)
    ax.set_xlim(0, 100)
    ax.set_title("Of 100 jobs offered")
    ax.set_xlabel("jobs (dashes: theory, in time)")
    for x, name, color in ((0, "in time", style.BLUE), (38, "too late", style.ORANGE_INK),
                           (76, "not done", style.MUTED)):  # fmt: skip
        style.label(ax, x, -0.68, name, color, xytext=(2, 0))

    for name in POLICIES:
        if name != at.policy:
            curve.plot(_LOADS, _curve(at.but(load=1.0, seed=1), name), color=style.PALE_BLUE,
                       linewidth=1.2)  # fmt: skip
    curve.plot(_LOADS, _curve(at.but(load=1.0, seed=1), at.policy), **style.THEORY)
    here(curve, at.load)
    if run.in_time is None:
        curve.plot(at.load, at.load * run.fates[at.policy].in_time, **style.DOTS)
    else:
        error_bars(curve, at.load, run.in_time, at.load, **style.DOTS)
    curve.set_xlim(0, 2)
    curve.set_ylim(0, 1.08)
    curve.set_title(f"Useful work: {at.policy}")
    curve.set_xlabel("offered load")
    curve.set_ylabel("jobs begun in time, per work time")
