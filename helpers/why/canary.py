"""A canary: a new version on a few requests first, judged by the errors it makes.

The canary's users are like all others, and each request fails or not on its own. Where that stops
being true: a version that leaks memory looks perfect for an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, note, ring
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.why.binomial_test import ALARM, POWER, Judgement, judgement, requests_needed, threshold

#: Numbers of requests at which the power of a canary is simulated.
SIZES = (30, 100, 300, 1_000, 3_000, 10_000, 30_000)
#: Numbers of equally spaced looks at which the false alarms are simulated.
LOOKS = (1, 2, 3, 5, 8, 12, 20)

_CANARIES = 2_000


class Setting(Parameters):
    """A good version, a bad one, and how long one looks."""

    base_percent: float = number(1.0, "Errors of a good version", unit="%", above=0, below=100)
    times_worse: float = number(2.0, "A bad one has", unit="times", above=1)
    requests: int = integer(1_000, "Judged after requests", at_least=20, at_most=10**6)
    canary_rps: float = number(1.0, "Canary gets", unit="requests/s", above=0)
    seed: int = seed()

    def agree(self) -> None:
        if self.base_percent * self.times_worse >= 100:
            limit = f"{100 / self.base_percent:g}"
            raise ValueError(f"times_worse must be < {limit} (all fail), got {self.times_worse:g}")

    @property
    def errors(self) -> tuple[float, float]:
        """Share of the requests that fail, on a good version and on the bad one."""
        return self.base_percent / 100, self.base_percent * self.times_worse / 100


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Canary:
    """Send requests to 2,000 canaries of a bad version, and to as many of a good one."""
    good, bad = at.errors
    return Canary(at, power=_power(good, bad, at.seed), alarms=_alarms(good, at.requests, at.seed))


@lru_cache(maxsize=64)
def _power(good: float, bad: float, seed: int) -> np.ndarray:
    """Share of bad canaries that reach the threshold."""
    more = np.diff((0, *SIZES))
    errors = np.cumsum(Draws(seed)("bad").binomial(more, bad, (_CANARIES, more.size)), axis=1)
    caught = errors >= [threshold(size, good) for size in SIZES]
    return np.asarray(caught.mean(axis=0))


@lru_cache(maxsize=64)
def _alarms(good: float, requests: int, seed: int) -> np.ndarray:
    """Share of good canaries that exceed the threshold of a single look at one of many."""
    found = []
    for looks in LOOKS:
        draw = Draws(seed)("good")
        moments = np.ceil(requests * np.arange(1, looks + 1) / looks).astype(int)
        errors = draw.binomial(np.diff(moments, prepend=0), good, (_CANARIES, looks))
        limits = [threshold(int(moment), good) for moment in moments]
        found.append((np.cumsum(errors, axis=1) >= limits).any(axis=1).mean())
    return np.array(found)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, requests: int | None = None) -> Judgement:
    """How a canary is judged, by the binomial distribution; see :func:`judgement`."""
    return judgement(at.requests if requests is None else requests, *at.errors)


# --- what it says ---------------------------------------------------------------------------------


class Canary(Result):
    """How often a canary is rolled back.

    Attributes
    ----------
    power : numpy.ndarray, shape (7,)
        Share of bad canaries rolled back when judged once, after each of :data:`SIZES`.
    alarms : numpy.ndarray, shape (7,)
        Share of good canaries rolled back at one of each of :data:`LOOKS`.
    """

    at: Setting
    power: np.ndarray
    alarms: np.ndarray

    @property
    def needed(self) -> int:
        """Requests from which on a bad version is caught nine times in ten."""
        return requests_needed(*self.at.errors)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "rolled_back_from_errors": exact.threshold,
            "power_percent": 100 * exact.power,
            "false_alarm_percent": 100 * exact.false_alarm,
            "false_alarm_20_looks_percent": 100 * float(self.alarms[-1]),
            "requests_for_90_percent_power": self.needed,
            "minutes_for_90_percent_power": self.needed / self.at.canary_rps / 60,
        }

    @property
    def reading(self) -> str:
        at = self.at
        good, bad = at.base_percent, at.base_percent * at.times_worse
        return (
            f"After {at.requests:,} requests ({duration(at.requests / at.canary_rps)}) a "
            f"version that fails {significant(bad)} % instead of {significant(good)} "
            f"% is caught {significant(100 * theory(at).power)} % of the time; nine times in ten "
            f"takes {self.needed:,} requests, "
            f"{duration(self.needed / at.canary_rps)}. A good version is rolled back "
            f"{significant(100 * float(self.alarms[0]), 2)} % of the time if you look once, "
            f"{significant(100 * float(self.alarms[-1]), 2)} % if you look 20 times."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "requests": SIZES,
            "caught": self.power,
            "caught, theory": [theory(self.at, size).power for size in SIZES],
        }


@style.panels(2, width_ratios=[1.3, 1])
def plot(run: Canary, axes: tuple[Axes, Axes]) -> None:
    """Draw how often a bad canary is caught, and how often a good one is blamed."""
    ax, alarms = axes
    ax.set_title("How often a bad version is caught")
    log_axis(ax, "x", 20, 45_000, ticks=(30, 100, 300, 1_000, 3_000, 10_000, 30_000))
    ax.set_ylim(0, 105)
    ax.set_xlabel("requests the canary has served")
    ax.set_ylabel("% caught")
    here(ax, run.at.requests)
    ax.plot(SIZES, [100 * theory(run.at, size).power for size in SIZES], **style.THEORY)
    ax.plot(SIZES, 100 * run.power, color=style.BLUE, marker="o", linestyle="none", markersize=6)
    ring(ax, run.at.requests, 100 * theory(run.at).power)
    ax.axhline(100 * POWER, color=style.MUTED, linewidth=1.0, linestyle=":")
    alarms.set_title("How often a good one is blamed")
    alarms.set_xlim(0, 21)
    alarms.set_ylim(0, 40)
    alarms.set_xlabel("times you look")
    alarms.set_ylabel("% rolled back for nothing")
    alarms.axhline(100 * ALARM, **style.THEORY)
    alarms.plot(LOOKS, 100 * run.alarms, color=style.VERMILION, marker="o")
    note(alarms, 0.04, 0.95, "- - promised for one look: at most 5 %", style.BLACK)
