"""Two instead of one: how long a pair lives, and what a common cause leaves of it.

One machine does the work, another stands by; a pair is lost when the second fails while the first
is being repaired, or when something takes both. Where that stops being true: a spare that is never
used may have been broken for weeks, and the survivor of a pair works twice as hard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, ring, short, yours
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, percent, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

#: How many pairs are followed until they are lost.
LIVES = 100

_REPAIRS_H = np.geomspace(1, 1_000, 60)


class Setting(Parameters):
    """A pair of machines, their repair, and what can hit both."""

    mttf_h: float = number(1_000.0, "A machine fails every", unit="h", above=0)
    mttr_h: float = number(24.0, "A repair takes", unit="h", above=0)
    common: float = number(
        0.0,
        "Common causes",
        at_least=0,
        at_most=1,
        note="How often something takes both machines, over how often one fails by itself.",
    )
    seed: int = seed()

    def agree(self) -> None:
        """Refuse pairs whose lives would take minutes to simulate."""
        if self.mttf_h > 200 * self.mttr_h:
            raise ValueError(
                f"mttf_h must be at most 200 times mttr_h, got {self.mttf_h:g} and {self.mttr_h:g}"
            )


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_pair(at, draw):
    """Run a pair until both machines are down, and start again with a new one, 100 times."""
    fails, repairs, strikes = draw("failures"), draw("repairs"), draw("common causes")
    lives_h = []
    for _ in range(LIVES):
        now, lost = 0.0, False
        while not lost:
            both_at = strikes.exponential(at.mttf_h / at.common) if at.common else math.inf
            first_at = fails.exponential(at.mttf_h / 2)  # the earlier of two
            if both_at < first_at:
                now += both_at
                break
            now += first_at
            repaired_in = repairs.exponential(at.mttr_h)
            second_in = fails.exponential(at.mttf_h)
            lost_in = min(second_in, both_at - first_at)
            lost = lost_in < repaired_in
            now += min(lost_in, repaired_in)
        lives_h.append(now)
    return {"mttf_h": np.mean(lives_h), "lives_h": lives_h}


@takes(Setting)
def simulate(at: Setting) -> Redundancy:
    """Follow 100 pairs from their first hour to their last."""
    return Redundancy(at, pair=mean_interval(one_pair(at, Draws(at.seed))["lives_h"]))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean time until a pair is lost, hours: exactly, and by the rule of thumb."""

    exact_h: Any
    rule_h: Any


def theory(at: Setting, mttr_h: Any = None) -> Theory:
    """Three states: two machines up, one up, none.

    With failures at rate a, repairs at rate b and common causes at rate c, ``T2 = 1 / (2a + c) +
    2a / (2a + c) T1`` and ``T1 = 1 / (a + b + c) + b / (a + b + c) T2``. Without common causes and
    with quick repair that is ``MTTF^2 / (2 MTTR)``; Patterson, Gibson and Katz, "A Case for
    Redundant Arrays of Inexpensive Disks", SIGMOD 1988.
    """
    repair_h = np.asarray(at.mttr_h if mttr_h is None else mttr_h, float)
    a, b, c = 1 / at.mttf_h, 1 / repair_h, at.common / at.mttf_h
    up, back = 2 * a / (2 * a + c), b / (a + b + c)
    exact = (1 / (2 * a + c) + up / (a + b + c)) / (1 - up * back)
    return Theory(exact, at.mttf_h**2 / (2 * repair_h))


# --- what it says ---------------------------------------------------------------------------------


class Redundancy(Result):
    """Mean time until a pair is lost, hours."""

    at: Setting
    pair: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "pair_h": rounded(self.pair.estimate),
            "pair_low_h": rounded(self.pair.low),
            "pair_high_h": rounded(self.pair.high),
            "theory_h": rounded(float(exact.exact_h)),
            "rule_of_thumb_h": rounded(float(exact.rule_h)),
            "times_one_machine": rounded(float(exact.exact_h) / self.at.mttf_h),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        inside = self.pair.contains(float(exact.exact_h))
        low, high = (duration(3_600 * end) for end in (self.pair.low, self.pair.high))
        said = (
            f"One machine lives {duration(3_600 * at.mttf_h)} on average, a pair "
            f"{duration(3_600 * self.pair.estimate)}; theory says "
            f"{duration(3_600 * float(exact.exact_h))}, "
            f"{significant(float(exact.exact_h) / at.mttf_h)} times one machine, which lies "
            f"{'inside' if inside else 'outside'} the 95 % interval of {LIVES} pairs, {low} to "
            f"{high}"
        )
        said += "." if inside else ", as happens by chance once in twenty times."
        if not at.common:
            return said
        cap = duration(3_600 * at.mttf_h / at.common)
        return (
            f"{said} Something takes both as often as {percent(at.common)} of one machine's "
            f"failures: no repair, however quick, makes a pair last longer than {cap}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        repairs = np.array([1, 2, 5, 10, 24, 48, 100, 200, 500, 1_000], float)
        exact = theory(self.at, repairs)
        return {
            "repair (h)": repairs,
            "pair (h)": exact.exact_h,
            "rule of thumb (h)": exact.rule_h,
        }


def plot(run: Redundancy, ax: Axes, mine: Mine | None = None) -> None:
    """Draw how long a pair lives against how long a repair takes."""
    at = run.at
    log_axis(ax, "x", 1, 1_000)
    log_axis(ax, "y", 30, 2e6, text=short)
    curve = theory(at, _REPAIRS_H)
    ax.plot(_REPAIRS_H, curve.rule_h, color=style.GHOST, linewidth=1.4)
    ax.plot(_REPAIRS_H, curve.exact_h, **style.THEORY)
    ax.axhline(at.mttf_h, color=style.MUTED, linewidth=1)
    here(ax, at.mttr_h)
    error_bars(ax, at.mttr_h, run.pair, **style.DOTS)
    ring(ax, at.mttr_h, run.pair.estimate)
    key(ax, [("▬", "MTTF² / (2 MTTR)", style.MUTED), ("╌", "exactly", style.INK),
             ("─", "one machine", style.MUTED)])  # fmt: skip
    ax.set_title("How long a pair lives")
    ax.set_xlabel("a repair takes (h)")
    ax.set_ylabel("until both are down (h)")
    if mine is not None:
        yours(ax, at.mttr_h, mine["mttf_h"])
