"""A report's 99th percentile as the mean of its minutes': each counts, however few were there.

A service has a few busy minutes, in which most requests come and all are slow. The suspect averages
the percentiles of the minutes, the repair keeps the times together. Where that stops being true:
while all minutes are alike, the mean is nearly right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, rounded
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Minutes that are looked at, requests in a quiet one, and their mean time, ms.
MINUTES, QUIET, QUIET_MS = 60, 100, 10.0
#: Numbers of busy minutes at which both are tried.
BUSY = (0, 1, 2, 4, 8, 15, 30, 45, 60)


class Setting(Parameters):
    """An hour with some busy minutes."""

    busy: int = integer(4, "Busy minutes of sixty", at_least=0, at_most=60)
    crowd: float = number(10.0, "Requests in a busy minute", unit="times", at_least=1, at_most=30)
    slower: float = number(20.0, "Slower in a busy minute", unit="times", at_least=1, at_most=100)
    seed: int = seed()


# --- the suspect, and its repair ------------------------------------------------------------------


def minutes_of(at, draw):
    """The times of each minute's requests, ms; the busy minutes come last."""
    quiet = draw("quiet").exponential(QUIET_MS, (MINUTES - at.busy, QUIET))
    crowd = round(at.crowd * QUIET)
    busy = draw("busy").exponential(QUIET_MS * at.slower, (at.busy, crowd))
    return [*quiet, *busy]


def report_of_the_hour(at, draw):
    """Take each minute's 99th percentile, as monitoring does, and average them for the report."""
    minutes = minutes_of(at, draw)
    each = [np.percentile(minute, 99) for minute in minutes]
    return {"times_ms": np.concatenate(minutes), "p99_ms": np.mean(each)}


def pooled_p99(at, draw):
    """Put the times of all minutes together, and take the percentile last."""
    times = np.concatenate(minutes_of(at, draw))
    return {"times_ms": times, "p99_ms": np.percentile(times, 99)}


SUSPECT = Suspect(
    report_of_the_hour,
    pooled_p99,
    tuple(
        Setting(busy=busy, crowd=crowd, slower=slower)
        for busy, crowd, slower in ((4, 10, 20), (12, 10, 20), (60, 30, 1), (30, 1, 50))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> TwoReports:
    """Report the hour both ways, here and for other numbers of busy minutes."""
    sweep, pair = _sweep(at.but(busy=0)), _pair(at)
    return TwoReports(at, sweep[:, 0], sweep[:, 1], *map(float, pair))


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_pair(at.but(busy=busy)) for busy in BUSY])


def _pair(at: Setting) -> tuple[float, float, float]:
    """Both percentiles, ms, and the share of the requests that are slower than the suspect's."""
    claimed, honest = (model(at, Draws(at.seed)) for model in (report_of_the_hour, pooled_p99))
    slower = float((claimed["times_ms"] > claimed["p99_ms"]).mean())
    return float(claimed["p99_ms"]), float(honest["p99_ms"]), slower


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The 99th percentile of all requests, and the mean of the minutes', ms."""

    true_ms: float
    mean_ms: float


def theory(at: Setting, busy: int | None = None) -> Theory:
    """A mixture of two exponential distributions: the time that a hundredth of it exceeds.

    A minute of few requests has a percentile that is a little lower than ln 100 times the mean.
    """
    minutes = at.busy if busy is None else busy
    share = minutes * at.crowd / (minutes * at.crowd + MINUTES - minutes)
    slow = QUIET_MS * at.slower
    low, high = 0.0, slow * math.log(100) + 1
    for _ in range(60):
        middle = (low + high) / 2
        beyond = share * math.exp(-middle / slow) + (1 - share) * math.exp(-middle / QUIET_MS)
        low, high = (middle, high) if beyond > 0.01 else (low, middle)
    mean = math.log(100) * (minutes * slow + (MINUTES - minutes) * QUIET_MS) / MINUTES
    return Theory(low, mean)


# --- what it says ---------------------------------------------------------------------------------


class TwoReports(Result):
    """The 99th percentile of an hour, ms.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (9,)
        For each of :data:`BUSY`.
    claimed_here, honest_here : float
        For the chosen number of busy minutes.
    beyond : float
        Share of the requests that are slower than the suspect's percentile.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: float
    honest_here: float
    beyond: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "suspect_ms": rounded(self.claimed_here),
            "repaired_ms": rounded(self.honest_here),
            "theory_ms": rounded(theory(self.at).true_ms),
            "slower_than_the_suspect_says_percent": rounded(100 * self.beyond),
        }

    @property
    def reading(self) -> str:
        verb = "is" if self.at.busy == 1 else "are"
        return (
            f"{counted(self.at.busy, 'minute')} of sixty {verb} busy. The suspect's 99th "
            f"percentile is {duration(1e-3 * self.claimed_here)}, and {percent(self.beyond)} of "
            f"the requests are slower than that; the repair says "
            f"{duration(1e-3 * self.honest_here)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, busy) for busy in BUSY]
        return {
            "busy minutes": BUSY,
            "suspect (ms)": self.claimed,
            "mean of minutes in theory (ms)": [one.mean_ms for one in exact],
            "repaired (ms)": self.honest,
            "theory (ms)": [one.true_ms for one in exact],
        }


def plot(run: TwoReports, ax: Axes, mine: Mine | None = None) -> None:
    """Draw both percentiles against the number of busy minutes."""
    at = run.at
    both(ax, BUSY, run.claimed, run.honest)
    places = range(MINUTES + 1)
    ax.plot(places, [theory(at, busy).true_ms for busy in places], **style.THEORY)
    here(ax, at.busy)
    ax.set_xlim(-1, 61)
    log_axis(ax, "y", 20, 2e4)
    ax.set_title("The hour's 99th percentile")
    ax.set_xlabel("busy minutes")
    ax.set_ylabel("ms")
    who(ax, "of all requests, in theory")
    if mine is not None:
        yours(ax, at.busy, mine["p99_ms"])
