"""A search index that is updated by way of a queue: who does not find what they just wrote.

A change goes to the database at once and to the index later, when a worker has handled it and the
index refreshes. Where that stops being true: lags here are exponential and independent; a backlog
makes all of them long at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded
from helpers.foundations.statistics import Interval, rough, wilson_interval

ORDERS = ("any worker", "one worker a document", "compare versions")

_USERS, _BURSTS = 4_000, 4_000
#: Gaps between two updates for which the share of stale documents is simulated, seconds.
GAPS_S = tuple(float(gap) for gap in np.geomspace(0.05, 50, 9))


class Setting(Parameters):
    """An index behind a queue, a user who searches, and a document that changes twice."""

    lag_s: float = number(0.5, "Mean time in queue and worker", unit="s", above=0, at_most=60)
    refresh_s: float = number(1.0, "The index refreshes every", unit="s", at_least=0, at_most=60,
                              note="Elasticsearch: 1 s by default.")  # fmt: skip
    after_s: float = number(1.0, "The user searches after", unit="s", above=0, at_most=120)
    gap_s: float = number(1.0, "Mean gap between two changes", unit="s", above=0, at_most=600)
    order: str = option(
        "any worker",
        "Changes are handled by",
        of=ORDERS,
        note="One worker a document: its changes in turn. Compare versions: any worker, and the "
        "index refuses a version older than the one it has.",
    )
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def two_changes(at, draw):
    """Change a document twice, let workers index both, and see which version the index keeps."""
    stale = missed = 0
    for _ in range(2_000):
        index = {"version": 0}
        gap_s = draw("gaps").exponential(at.gap_s)
        done_s = [
            draw("first").exponential(at.lag_s),
            gap_s + draw("second").exponential(at.lag_s),
        ]
        if at.order == "one worker a document":
            done_s[1] = max(done_s)
        for version in sorted((1, 2), key=lambda each: done_s[each - 1]):
            if at.order == "compare versions" and version < index["version"]:
                continue
            index["version"] = version
        stale += index["version"] != 2
        seen_s = done_s[0] + draw("phase").uniform(0, at.refresh_s)
        missed += seen_s > at.after_s
    return {"stale": stale / 2_000, "missed": missed / 2_000}


# --- the same, fast -------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> IndexLag:
    """Let 4,000 users search after a change, and 4,000 documents change twice."""
    draw = Draws(at.seed)
    lag = draw("first").exponential(at.lag_s, _USERS)
    seen = lag + at.refresh_s * draw("phase").random(_USERS)
    waits = _waits(at)
    late = np.sort(seen)
    missed = 1 - np.searchsorted(late, waits, "right") / _USERS
    gap = draw("gaps").standard_exponential(_BURSTS)
    first = draw("first of two").exponential(at.lag_s, _BURSTS)
    second = draw("second").exponential(at.lag_s, _BURSTS)
    ahead = first - second
    stale = np.array([float((ahead > each * gap).mean()) for each in (*GAPS_S, at.gap_s)])
    if at.order != ORDERS[0]:
        stale[:] = 0.0
    return IndexLag(
        at,
        missed=missed,
        missed_here=wilson_interval(int((seen > at.after_s).sum()), _USERS),
        stale=stale[:-1],
        stale_here=wilson_interval(round(float(stale[-1]) * _BURSTS), _BURSTS),
    )


def _waits(at: Setting) -> np.ndarray:
    """Times after a change at which the share that misses it is drawn, seconds."""
    return np.linspace(0, coarse(4 * at.lag_s + at.refresh_s), 61)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, after_s: Any = None) -> Any:
    """Share of the users who do not find their change, searching so much later.

    The lag L is exponential with mean m, and the next refresh uniform on (0, T) after it, so
    P(L + U > t) = (max(0, T - t) + m (exp(-(t - min(t, T)) / m) - exp(-t / m))) / T.
    """
    t = np.asarray(at.after_s if after_s is None else after_s, dtype=float)
    if at.refresh_s == 0:
        return np.exp(-t / at.lag_s)
    inside = np.minimum(t, at.refresh_s)
    lag = at.lag_s * (np.exp(-(t - inside) / at.lag_s) - np.exp(-t / at.lag_s))
    return (at.refresh_s - inside + lag) / at.refresh_s


def stale_theory(at: Setting, gap_s: Any = None) -> Any:
    """Share of the documents that stay at their older version: half of m / (m + g).

    The first change is still on its way when the second comes with probability m / (m + g); from
    then on they are alike, and each is as likely to be the last.
    """
    gap = np.asarray(at.gap_s if gap_s is None else gap_s, dtype=float)
    return np.where(at.order == ORDERS[0], 0.5 * at.lag_s / (at.lag_s + gap), 0.0)


# --- what it says ---------------------------------------------------------------------------------


class IndexLag(Result):
    """Who misses a change, and which documents stay wrong.

    Attributes
    ----------
    missed : numpy.ndarray
        Share of the users who do not find their change, for 61 times after it.
    missed_here : Interval
        The same after ``at.after_s``.
    stale : numpy.ndarray
        Share of the documents whose older change is indexed last, for :data:`GAPS_S`.
    stale_here : Interval
        The same for ``at.gap_s``.
    """

    at: Setting
    missed: np.ndarray
    missed_here: Interval
    stale: np.ndarray
    stale_here: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "miss_own_change_percent": rounded(100 * self.missed_here.estimate),
            "theory_miss_percent": rounded(100 * float(theory(self.at))),
            "stale_for_good_percent": rounded(100 * self.stale_here.estimate),
            "theory_stale_percent": rounded(100 * float(stale_theory(self.at))),
        }

    @property
    def reading(self) -> str:
        at, stale = self.at, float(stale_theory(self.at))
        return (
            f"Whoever searches {duration(at.after_s)} after a change does not find it in "
            f"{percent(self.missed_here.estimate)} of the cases (theory: "
            f"{percent(float(theory(at)))}). Of documents that change twice, "
            f"{duration(at.gap_s)} apart on average, {percent(self.stale_here.estimate)} stay at "
            f"their older version for good (theory: {percent(stale)})."
            + (rough(_BURSTS * stale, "such documents") if stale else "")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        waits = _waits(self.at)[::5]
        return {
            "searched after (s)": waits,
            "not found (%)": 100 * self.missed[::5],
            "theory (%)": 100 * theory(self.at, waits),
        }


@style.panels(2)
def plot(run: IndexLag, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw who misses a change against the time, and what stays stale against the gap."""
    at, (ax, stale), waits = run.at, axes, _waits(run.at)
    ax.plot(waits, 100 * run.missed, **style.SIMULATION)
    ax.plot(waits, 100 * theory(at, waits), **style.THEORY)
    if at.after_s <= waits[-1]:
        here(ax, at.after_s)
        ring(ax, at.after_s, 100 * run.missed_here.estimate)
    ax.set(xlim=(0, waits[-1]), ylim=(0, 105), xlabel="searched so long after the change (s)")
    ax.set_ylabel("not found (%)")
    ax.set_title("Your own change, not found")
    gaps = np.geomspace(0.04, 60, 80)
    log_axis(stale, "x", 0.04, 60, ticks=(0.1, 1, 10))
    stale.plot(gaps, 100 * stale_theory(at, gaps), **style.THEORY)
    stale.plot(GAPS_S, 100 * run.stale, **style.DOTS)
    if 0.04 <= at.gap_s <= 60:
        here(stale, at.gap_s)
        error_bars(stale, at.gap_s, run.stale_here, 100, **style.DOTS)
        ring(stale, at.gap_s, 100 * run.stale_here.estimate)
    stale.set_ylim(0, 55)
    stale.set_xlabel("mean gap between two changes (s)")
    stale.set_ylabel("stale for good (%)")
    stale.set_title("The older change arrives last")
    if mine is not None:
        yours(ax, at.after_s, 100 * mine["missed"])
        yours(stale, at.gap_s, 100 * mine["stale"])
