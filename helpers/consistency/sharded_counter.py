"""One counter that everybody likes: the row becomes a queue, and pieces of it do not.

A like locks its row for a moment, so likes of one post wait for each other. Split into k rows, of
which each like takes one at random, the counter takes k times as many; who reads it must add up k
rows, and if the sum is kept for a while, it is behind. Where that stops being true: locks are held
for exponential times here, and a reader who needs the exact number has to lock all k rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, short, time_axis, yours
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
from helpers.foundations.prose import amount, counted, duration, rounded, significant
from helpers.foundations.queueing import fifo_waits

#: Likes in one run of the model, and in the simulation, for each number of rows.
LIKES = 1_000
MANY = 10_000

#: Numbers of rows that are compared.
ROWS = np.array([1, 2, 4, 8, 16, 32, 64])

#: How long a like may wait on average and still be drawn, seconds.
_LONGEST_S = 20.0


class Setting(Parameters):
    """A post that is liked, the rows of its counter, and how often they are added up."""

    likes_rps: float = number(150.0, "Likes", unit="per s", above=0, at_most=500)
    hold_ms: float = number(5.0, "A like locks its row for", unit="ms", above=0)
    rows: int = integer(1, "Rows of the counter", at_least=1, at_most=64)
    refresh_s: float = number(2.0, "The sum is taken every", unit="s", above=0, at_most=5)
    seed: int = seed()

    @property
    def utilisation(self) -> float:
        """Share of the time that a row is locked, if there were no limit."""
        return self.likes_rps * self.hold_ms / 1e3 / self.rows


# --- the model: what the page shows, and a learner changes ----------------------------------------


def like_it(at, draw):
    """Let 1,000 likes come, each to lock one row; a reader adds the rows up now and then."""
    world = simpy.Environment()
    rows = [simpy.Resource(world) for _ in range(at.rows)]
    counts = [0] * at.rows
    took, behind, shown = [], [], 0

    def like():
        begun, mine = world.now, int(draw("rows").integers(at.rows))
        with rows[mine].request() as lock:
            yield lock
            yield world.timeout(draw("holds").exponential(at.hold_ms / 1e3))
            behind.append(sum(counts) - shown)
            counts[mine] += 1
        took.append(world.now - begun)

    def reader():
        nonlocal shown
        while True:
            shown = sum(counts)
            yield world.timeout(at.refresh_s)

    def everybody():
        for _ in range(LIKES):
            world.process(like())
            yield world.timeout(draw("arrivals").exponential(1 / at.likes_rps))

    world.process(reader())
    world.run(until=world.process(everybody()))
    return {"took_s": sum(took) / max(len(took), 1), "behind": sum(behind) / max(len(behind), 1)}


@takes(Setting)
def simulate(at: Setting) -> ShardedCounter:
    """Send 10,000 likes through one row, two, four and so on, and through as many as chosen."""
    draw = Draws(at.seed)
    arrivals = np.cumsum(draw("arrivals").exponential(1 / at.likes_rps, MANY))
    holds = draw("holds").exponential(at.hold_ms / 1e3, MANY)
    luck = draw("rows").random(MANY)
    took = np.array([_took(arrivals, holds, (luck * k).astype(int), int(k))
                     for k in (*ROWS, at.rows)])  # fmt: skip
    done = np.sort(arrivals + took[-1])
    until = arrivals[-1]  # after that nobody comes
    periods = max(int(0.9 * until / at.refresh_s), 1)
    ago_s = at.refresh_s * np.linspace(0, periods, 2_001)[:-1]
    age_s = at.refresh_s - ago_s % at.refresh_s
    have = np.searchsorted(done, until - ago_s, side="right")
    shown = np.searchsorted(done, until - ago_s - age_s, side="right")
    return ShardedCounter(at, took_s=took, behind=have - shown)


def _took(arrivals: np.ndarray, holds: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """How long each like takes, seconds."""
    took = np.empty(arrivals.size)
    for row in range(k):
        mine = rows == row
        if mine.any():
            waits = fifo_waits(arrivals[mine], holds[mine], servers=1)
            took[mine] = waits + holds[mine]
    return took


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """How long a like takes with each number of rows, seconds; inf where they cannot keep up."""

    took_s: np.ndarray
    behind: float


def theory(at: Setting, rows: np.ndarray) -> Theory:
    """Say how long likes take, and by how many the sum is behind.

    Likes that choose a row at random are k streams of random arrivals, each a queue of its own with
    one server: ``R = S / (1 - likes S / k)`` (M/M/1). A sum that is taken every T seconds is T/2
    old on average, and behind by ``likes T / 2``; by what the rows can do, if that is less.
    """
    hold_s = at.hold_ms / 1e3
    busy = at.likes_rps * hold_s / np.asarray(rows, float)
    with np.errstate(divide="ignore"):
        took = np.where(busy < 1, hold_s / np.maximum(1 - busy, 1e-300), math.inf)
    return Theory(took, min(at.likes_rps, at.rows / hold_s) * at.refresh_s / 2)


# --- what it says ---------------------------------------------------------------------------------


class ShardedCounter(Result):
    """How long likes take, and how far behind the sum is.

    Attributes
    ----------
    took_s : numpy.ndarray, shape (8, 10000)
        Each like's time with each of `ROWS`, and then with as many rows as chosen, seconds.
    behind : numpy.ndarray of int, shape (2_000,)
        By how many likes the sum was behind, at moments throughout the run.
    """

    at: Setting
    took_s: np.ndarray
    behind: np.ndarray

    @property
    def here_s(self) -> float:
        """How long a like takes on average with the chosen number of rows, seconds."""
        return float(self.took_s[-1, MANY // 10 :].mean())

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at, np.array([self.at.rows]))
        known = float(exact.took_s[0])
        return {
            "utilisation": rounded(self.at.utilisation),
            "like_takes_ms": rounded(1e3 * self.here_s),
            "theory_ms": rounded(1e3 * known) if math.isfinite(known) else "without end",
            "behind_likes": rounded(float(self.behind.mean())),
            "theory_behind_likes": rounded(exact.behind),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at, np.array([self.at.rows]))
        rows = counted(at.rows, "row")
        behind = amount(round(float(self.behind.mean()), 6), "like")
        tail = f"The sum is behind by {behind} on average (theory {significant(exact.behind)})."
        if at.utilisation >= 1:
            return (
                f"{rows.capitalize()} {'is' if at.rows == 1 else 'are'} locked "
                f"{significant(at.utilisation)} times as long as there is time: likes wait longer "
                f"and longer. {tail}"
            )
        took = round(self.here_s, 7)
        return (
            f"With {rows}, a like takes {duration(took)} on average (theory "
            f"{duration(float(exact.took_s[0]))}). {tail}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        late = self.took_s[:-1, MANY // 10 :].mean(axis=1)
        return {
            "rows": ROWS,
            "a like takes (ms)": 1e3 * late,
            "theory (ms)": 1e3 * theory(self.at, ROWS).took_s,
        }


@style.panels(2)
def plot(run: ShardedCounter, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw how long a like takes against the number of rows, and how far the sum is behind."""
    waits, stale = axes
    at = run.at
    fine = np.arange(1, 65)
    exact = theory(at, fine).took_s
    log_axis(waits, "x", 0.85, 75, ticks=ROWS, text=short)
    time_axis(waits, "y", 4e-4, _LONGEST_S, ticks=(1e-3, 1e-2, 0.1, 1, 10))
    fits = exact < _LONGEST_S
    waits.plot(fine[fits], exact[fits], **style.THEORY)
    late = run.took_s[:-1, MANY // 10 :].mean(axis=1)
    waits.plot(ROWS, np.minimum(late, _LONGEST_S), **style.DOTS)
    here(waits, at.rows)
    key(waits, [("●", "10,000 likes each", style.BLUE), ("╌", "theory", style.INK)])
    waits.set_title("A like takes")
    waits.set_xlabel("rows of the counter")

    periods = np.geomspace(0.1, 5, 61)
    rate = min(at.likes_rps, at.rows / (at.hold_ms / 1e3))
    log_axis(stale, "x", 0.09, 5.5, ticks=(0.1, 0.5, 1, 2, 5))
    log_axis(stale, "y", 0.05, 5e3, ticks=(0.1, 1, 10, 100, 1_000), text=short)
    stale.plot(periods, rate * periods / 2, **style.THEORY)
    stale.plot([at.refresh_s], [max(float(run.behind.mean()), 0.05)], **style.DOTS)
    here(stale, at.refresh_s)
    stale.set_title("Likes that the sum is behind")
    stale.set_xlabel("the sum is taken every (s)")
    if mine is not None:
        yours(waits, at.rows, min(max(float(mine["took_s"]), 4e-4), _LONGEST_S))
        yours(stale, at.refresh_s, max(float(mine["behind"]), 0.05))
