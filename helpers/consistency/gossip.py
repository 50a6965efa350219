"""Rumours: how an update reaches a thousand copies when each tells one other at a time.

Time goes in rounds. In each, every copy that spreads the update calls another one, chosen at random
among all. Where that stops being true: real copies know few of the others and call at moments of
their own; and what a rumour leaves out has to be found by comparing copies, which takes as long as
there is data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, percent, ring, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

FOREVER = "for ever"
COUNTER = "until k calls in a row were in vain"
FEEDBACK = "until a coin (1 in k) after a call in vain"
COIN = "until a coin (1 in k) after any call"
WAYS = (FOREVER, COUNTER, FEEDBACK, COIN)

#: What Demers and others (1987) print for 1,000 sites: by k, residue, traffic, and the average and
#: last delay. Tables 1 and 2.
PUBLISHED = {
    COUNTER: {
        1: (0.18, 1.7, 11.0, 16.8),
        2: (0.037, 3.3, 12.1, 16.9),
        3: (0.011, 4.5, 12.5, 17.4),
        4: (0.0036, 5.6, 12.7, 17.5),
        5: (0.0012, 6.7, 12.8, 17.7),
    },
    COIN: {
        1: (0.96, 0.04, 19.0, 38.0),
        2: (0.20, 1.6, 17.0, 33.0),
        3: (0.060, 2.8, 15.0, 32.0),
        4: (0.021, 3.9, 14.1, 32.0),
        5: (0.008, 4.9, 13.8, 32.0),
    },
}


class Setting(Parameters):
    """Copies, one of which has an update, and how long each of them spreads it."""

    sites: int = integer(1_000, "Copies", at_least=10, at_most=3_000)
    way: str = option(COUNTER, "Each spreads it", of=WAYS)
    k: int = integer(2, "k", at_least=1, at_most=5)
    replications: int = replications(8)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def rumour(at, draw):
    """Spread one update from copy 0, round by round, until nobody spreads it any more."""
    luck = draw("calls")
    learned = {0: 0}  # copy: the round in which it learned of the update
    vain = {0: 0}  # those that still spread it: how many calls in a row were in vain
    calls = rounds = 0
    while vain and (at.way != FOREVER or len(learned) < at.sites):
        rounds += 1
        for me in list(vain):
            other = int(luck.random() * (at.sites - 1))
            other += other >= me  # anybody but me
            calls += 1
            in_vain = learned.setdefault(other, rounds) < rounds
            if in_vain:
                vain[me] += 1
            else:
                vain[me] = 0
                vain.setdefault(other, 0)
            if at.way == COUNTER:
                stops = vain[me] >= at.k
            elif at.way == FEEDBACK:
                stops = in_vain and luck.random() < 1 / at.k
            else:
                stops = at.way == COIN and luck.random() < 1 / at.k
            if stops:
                del vain[me]
    return {
        "residue": 1 - len(learned) / at.sites,
        "traffic": calls / at.sites,
        "last": max(learned.values()),
        "average": sum(learned.values()) / len(learned),
    }


@takes(Setting)
def simulate(at: Setting) -> Gossip:
    """Spread an update several times, all calls of a round at once."""
    draw = Draws(at.seed)
    runs = [_spread(at, draw("calls")) for _ in range(at.replications)]
    length = max(len(one.left) for one in runs)
    left = np.array([np.pad(one.left, (0, length - len(one.left)), mode="edge") for one in runs])
    return Gossip(
        at,
        left=left / at.sites,
        traffic=np.array([one.calls / at.sites for one in runs]),
        last=np.array([one.last for one in runs]),
        average=np.array([one.average for one in runs]),
    )


class _Run(NamedTuple):
    left: np.ndarray  # copies that do not know after round 0, 1, 2, ...
    calls: int
    last: int
    average: float


def _spread(at: Setting, luck: np.random.Generator) -> _Run:
    learned = np.full(at.sites, -1)
    learned[0] = 0
    vain = np.zeros(at.sites, int)
    active = np.array([0])
    calls = rounds = 0
    left = [at.sites - 1]
    while active.size and (at.way != FOREVER or left[-1]):
        rounds += 1
        calls += active.size
        others = (luck.random(active.size) * (at.sites - 1)).astype(int)
        others += others >= active
        in_vain = learned[others] >= 0
        fresh = np.unique(others[~in_vain])
        learned[fresh] = rounds
        vain[active] = np.where(in_vain, vain[active] + 1, 0)
        if at.way == COUNTER:
            active = active[vain[active] < at.k]
        elif at.way == FEEDBACK:
            active = active[~in_vain | (luck.random(active.size) >= 1 / at.k)]
        elif at.way == COIN:
            active = active[luck.random(active.size) >= 1 / at.k]
        active = np.concatenate([active, fresh])
        left.append(left[-1] - fresh.size)
    known = learned[learned >= 0]
    return _Run(np.array(left), calls, int(known.max()), float(known.mean()))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share left out at the end, and rounds until nobody is; None where there is no formula."""

    residue: float | None
    rounds: float | None


def theory(at: Setting) -> Theory:
    """Say how long pushing for ever takes, and whom a rumour leaves out.

    Pittel, "On Spreading a Rumor", SIAM J. Appl. Math. 1987: ``log2 n + ln n + O(1)`` rounds.
    Demers and others, "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987: with
    feedback, the s with ``s = exp(-(k + 1) (1 - s))``. A blind coin lets each copy call k times on
    average, so that ``s = exp(-k (1 - s))``; with k = 1 that is nearly everybody. Both are
    limits of many copies, the first for calls one after the other: rounds, in which two may tell a
    third at once and neither in vain, leave out a little fewer.
    """
    if at.way == FOREVER:
        return Theory(0.0, math.log2(at.sites) + math.log(at.sites))
    if at.way == COUNTER:
        return Theory(None, None)
    power = at.k if at.way == COIN else at.k + 1
    left = 1.0 if power == 1 else 0.0
    for _ in range(200):
        left = math.exp(-power * (1 - left))
    return Theory(left, None)


def left_by(traffic: np.ndarray) -> np.ndarray:
    """Return who is left out after so many calls a copy: ``exp(-m)``, as calls fall at random."""
    return np.exp(-traffic)


# --- what it says ---------------------------------------------------------------------------------


class Gossip(Result):
    """How far the update came, run by run.

    Attributes
    ----------
    left : numpy.ndarray, shape (runs, rounds)
        Share of the copies that do not know after each round.
    traffic : numpy.ndarray, shape (runs,)
        Calls a copy.
    last, average : numpy.ndarray, shape (runs,)
        Round in which the last copy learned of it that did, and the average.
    """

    at: Setting
    left: np.ndarray
    traffic: np.ndarray
    last: np.ndarray
    average: np.ndarray

    @property
    def outcome(self) -> tuple[np.ndarray, ...]:
        """Residue, traffic, average and last delay of each run, as `PUBLISHED` has them."""
        return self.left[:, -1], self.traffic, self.average, self.last

    @property
    def residue(self) -> Interval:
        """Share of the copies that are left out for good."""
        return mean_interval(self.left[:, -1])

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "residue": rounded(self.residue.estimate),
            "traffic_calls_per_copy": rounded(float(self.traffic.mean())),
            "last_round": rounded(float(self.last.mean())),
            "average_round": rounded(float(self.average.mean())),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        traffic = amount(float(self.traffic.mean()), "call")
        if exact.rounds is not None:
            after = amount(float(self.last.mean()), "round")
            return (
                f"On average of {at.replications} runs, the last of {at.sites:,} copies knows "
                f"after {after} (theory {significant(exact.rounds)} and a constant), which takes "
                f"{traffic} a copy; nobody ever stops."
            )
        missing = 100 * self.residue.estimate
        return (
            f"On average of {at.replications} runs, {significant(missing)} % of {at.sites:,} "
            f"copies never hear of it, and {traffic} a copy "
            f"{'is' if traffic.startswith('1 ') else 'are'} made. "
            f"So many calls that fall at random leave out "
            f"{significant(100 * float(left_by(self.traffic.mean())))} %"
            + (f"; theory, {significant(100 * exact.residue)} %." if exact.residue else ".")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "round": np.arange(self.left.shape[1]),
            "do not know (%)": 100 * self.left.mean(axis=0),
        }


@style.panels(2)
def plot(run: Gossip, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw who does not know yet, round by round, and who never will against the traffic."""
    when, price = axes
    at, exact = run.at, theory(run.at)
    floor = 1e-4
    log_axis(when, "y", floor, 1.5, ticks=(1e-3, 1e-2, 0.1, 1), text=percent)
    when.set_xlim(0, 45)
    when.plot(np.maximum(run.left.mean(axis=0), floor), **style.SIMULATION)
    entries = [("▬", f"{at.replications} runs", style.BLUE)]
    if exact.rounds is not None:
        when.axvline(exact.rounds, **style.THEORY)
        entries.append(("╎", "log2 n + ln n", style.INK))
    elif exact.residue is not None:
        when.axhline(exact.residue, **style.THEORY)
        entries.append(("╌", "left out, theory", style.INK))
    key(when, entries)
    when.set_title("Copies that do not know")
    when.set_xlabel("round")

    log_axis(price, "y", floor, 1.5, ticks=(1e-3, 1e-2, 0.1, 1), text=percent)
    m = np.linspace(0, 20, 101)
    price.set_xlim(0, 20)
    price.plot(m, np.maximum(left_by(m), 1e-9), **style.THEORY)
    left = run.left[:, -1]
    price.plot(np.minimum(run.traffic, 20), np.maximum(left, floor), **style.DOTS)
    entries = [("●", "each run", style.BLUE), ("╌", "calls fall at random", style.INK)]
    if at.way in PUBLISHED and at.sites == 1_000:
        residue, traffic, *_ = PUBLISHED[at.way][at.k]
        ring(price, traffic, residue)
        entries.append(("○", "as printed in 1987", style.INK))
    key(price, entries)
    price.set_title("Left out for good")
    price.set_xlabel("calls a copy")
    if mine is not None:
        yours(when, min(float(mine["last"]), 45.0), 1.3 * floor)
        yours(price, min(float(mine["traffic"]), 20.0), max(float(mine["residue"]), floor))


def beside_the_paper(way: str, runs: int = 60) -> dict[str, Any]:
    """Return the paper's table beside as many runs of the simulation, column by column.

    Parameters
    ----------
    way : str
        :data:`COUNTER` or :data:`COIN`.
    runs : int
        For each k; >= 2.
    """
    table: dict[str, Any] = {"k": list(PUBLISHED[way])}
    simulated = [simulate(way=way, k=k, replications=runs) for k in PUBLISHED[way]]
    for place, name, digits in ((0, "residue", 2), (1, "traffic", 2), (3, "last delay", 3)):
        table[f"{name}, 1987"] = [printed[place] for printed in PUBLISHED[way].values()]
        table[name] = [rounded(float(run.outcome[place].mean()), digits) for run in simulated]
    return table
