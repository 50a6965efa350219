"""Reports of very different sizes at one worker: who goes first decides how long all wait.

Most jobs are short and a few are very long. Served in turn, by the shortest remaining time, all a
little at once, or from two queues. Where that stops being true: sizes must be known for the
second and the fourth, and a job must be interruptible for the second and the third.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis
from helpers.foundations.drawing.labelled_bars import labelled_bars
from helpers.foundations.drawing.scales import half_decade
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import rounded, significant
from helpers.foundations.statistics import Interval, skewed_interval

DISCIPLINES = ("in turn", "shortest remaining first", "all at once", "two queues")

_FRAMES = (4_000, 16_000, 48_000)  # jobs of a run; each goes on where the one before ended
_BATCHES = 20  # of a run, whose means are nearly independent
_GROUPS = 10  # of job sizes, for the points of the right panel
_GRID = 2_000
_ENOUGH_LONG = 1_500  # jobs that a mean wait must rest on for its interval to be right
_ENOUGH_ALIKE = 1_150  # the same where all are served at once, times the idleness; found by trying


class Setting(Parameters):
    """Jobs whose sizes follow a bounded Pareto distribution; times are in mean sizes."""

    load: float = number(0.7, "Load", above=0, at_most=0.8)
    alpha: float = number(1.5, "Tail exponent", at_least=1.2, at_most=3,
                          note="The smaller, the more of the work is in a few jobs.")  # fmt: skip
    spread: float = number(1_000.0, "Longest over shortest job", unit="times", at_least=1.5,
                           at_most=1_000)  # fmt: skip
    discipline: str = option(
        "in turn",
        "Jobs are done",
        of=DISCIPLINES,
        note="In turn: first come, first served. All at once: the worker divides itself evenly. "
        "Two queues: two workers of half the speed, one for short and one for long jobs, with "
        "half of the work each.",
    )
    seed: int = seed()


# --- sizes ----------------------------------------------------------------------------------------


def sizes_of(at: Setting, quantiles: Any) -> np.ndarray:
    """Sizes below which such shares of the jobs lie, in mean sizes."""
    a, far = at.alpha, at.spread ** (-at.alpha)
    plain = (1 - np.asarray(quantiles) * (1 - far)) ** (-1 / a)
    return plain / _moment(a, at.spread, 1)


def _moment(alpha: float, spread: float, k: int) -> float:
    """E[X^k] of a bounded Pareto size that begins at 1."""
    scale = alpha / (1 - spread**-alpha)
    if abs(k - alpha) < 1e-9:
        return scale * math.log(spread)
    return scale * (spread ** (k - alpha) - 1) / (k - alpha)


def scv(at: Setting) -> float:
    """Squared coefficient of variation of the sizes; 1 is exponential."""
    first, second = (_moment(at.alpha, at.spread, k) for k in (1, 2))
    return second / first**2 - 1


def long_jobs(at: Setting) -> float:
    """How many jobs of the longest run the second moment of the sizes rests on.

    As many as there would be if all that count were equally long: ``n E[X^2]^2 / E[X^4]``.
    """
    second, fourth = (_moment(at.alpha, at.spread, k) for k in (2, 4))
    return 0.9 * _FRAMES[-1] * second**2 / fourth


def jobs_alike(at: Setting) -> float:
    """How many jobs of the longest run the work rests on: ``n E[X]^2 / E[X^2]``."""
    return 0.9 * _FRAMES[-1] / (1 + scv(at))


def work_share(at: Setting, share: float) -> float:
    """Share of all work that the longest jobs have, if they are such a share of the jobs."""
    size, part = _grid(at)[:2]
    quantile = np.cumsum(part) - part / 2
    return float((size * part)[quantile > 1 - share].sum())


def _grid(at: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Sizes on a fine grid and the share of the jobs at each."""
    return _grid_of(at.but(load=0.5, discipline=DISCIPLINES[0], seed=0))


@lru_cache(maxsize=64)
def _grid_of(at: Setting) -> tuple[np.ndarray, np.ndarray]:
    ends = np.geomspace(1, at.spread, _GRID + 1)
    part = np.diff((1 - ends**-at.alpha) / (1 - at.spread**-at.alpha))
    middle = np.sqrt(ends[1:] * ends[:-1])
    return middle / (middle @ part), part


def cutoff(at: Setting) -> float:
    """The size up to which jobs have half of the work."""
    size, part = _grid(at)
    return float(size[np.searchsorted(np.cumsum(size * part), 0.5)])


# --- the model: four ways to serve the same jobs --------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Iterator[HeavyTails]:
    """Serve the same jobs in each of four ways; a tenth of them, the first, is not counted.

    Yields
    ------
    HeavyTails
        Ever more precise: the mean of very different numbers takes long to settle.
    """
    draw = Draws(at.seed)
    quantile = draw("sizes").random(_FRAMES[-1])
    arrivals = np.cumsum(draw("gaps").standard_exponential(_FRAMES[-1])) / at.load
    size = sizes_of(at, quantile)
    tenth = (quantile * _GROUPS).astype(int)
    for jobs in _FRAMES:
        first = jobs // 10
        took = {
            name: serve(at, arrivals[:jobs], size[:jobs])[first:] for name, serve in _SERVE.items()
        }
        chosen, group = took[at.discipline], tenth[first:jobs]
        sums = np.bincount(group, chosen, _GROUPS) / np.bincount(group, minlength=_GROUPS)
        means = {name: float(each.mean()) for name, each in took.items()}
        # Means of batches, of which a few have the longest jobs.
        here_ = skewed_interval(chosen.reshape(_BATCHES, -1).mean(axis=1))
        yield HeavyTails(at, means, here_, sums)


def _in_turn(at: Setting, arrivals: np.ndarray, size: np.ndarray) -> np.ndarray:
    done, took = 0.0, []
    for came, work in zip(arrivals.tolist(), size.tolist(), strict=True):
        done = (came if came > done else done) + work
        took.append(done - came)
    return np.array(took)


def _shortest(at: Setting, arrivals: np.ndarray, size: np.ndarray) -> np.ndarray:
    took = np.zeros(size.size)
    waiting: list[tuple[float, int]] = []  # work left, and whose
    now = 0.0
    came = [*arrivals.tolist(), math.inf]
    works = size.tolist()
    for n, next_ in enumerate(came):
        while waiting:
            left, who = waiting[0]
            if now + left > next_:
                heappop(waiting)
                heappush(waiting, (left - (next_ - now), who))
                break
            heappop(waiting)
            now += left
            took[who] = now - came[who]
        now = next_
        if n < size.size:
            heappush(waiting, (works[n], n))
    return took


def _all_at_once(at: Setting, arrivals: np.ndarray, size: np.ndarray) -> np.ndarray:
    took = np.zeros(size.size)
    there: list[tuple[float, int]] = []  # at which share of service each is done, and who
    now = served = 0.0
    came = [*arrivals.tolist(), math.inf]
    works = size.tolist()
    for n, next_ in enumerate(came):
        while there:
            done, who = there[0]
            until = now + (done - served) * len(there)
            if until > next_:
                served += (next_ - now) / len(there)
                break
            heappop(there)
            now, served = until, done
            took[who] = now - came[who]
        now = next_
        if n < size.size:
            heappush(there, (served + works[n], n))
    return took


def _two_queues(at: Setting, arrivals: np.ndarray, size: np.ndarray) -> np.ndarray:
    took, long = np.zeros(size.size), size > cutoff(at)
    for these in (long, ~long):
        took[these] = _in_turn(at, arrivals[these], 2 * size[these])
    return took


_SERVE = {
    "in turn": _in_turn,
    "shortest remaining first": _shortest,
    "all at once": _all_at_once,
    "two queues": _two_queues,
}


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, discipline: str | None = None) -> float:
    """Mean response time in mean sizes, at the setting or under another discipline."""
    size, part = _grid(at)
    return float(by_size(at, discipline) @ part) if size.size else 0.0


def by_size(at: Setting, discipline: str | None = None) -> np.ndarray:
    """Mean response time of a job of each size of the grid.

    In turn: Pollaczek and Khinchine (Kleinrock, *Queueing Systems* vol. 1, 1975, section 5.6).
    All at once: x / (1 - load), whatever the sizes. Shortest remaining first: Schrage and Miller,
    "The queue M/G/1 with the shortest remaining processing time discipline", *Operations
    Research* 14, 1966. All of them in Harchol-Balter, *Performance Modeling and Design of Computer
    Systems*, 2013, chapters 23, 30 and 33.
    """
    name = at.discipline if discipline is None else discipline
    size, part = _grid(at)
    rate = at.load
    if name == "in turn":
        return rate * float(size**2 @ part) / 2 / (1 - at.load) + size
    if name == "all at once":
        return size / (1 - at.load)
    if name == "two queues":
        response = np.zeros_like(size)
        long = size > cutoff(at)
        for these in (long, ~long):
            busy = 2 * rate * float(size[these] @ part[these])
            second = 4 * rate * float(size[these] ** 2 @ part[these])
            response[these] = second / 2 / (1 - busy) + 2 * size[these]
        return response
    part_load = rate * (np.cumsum(size * part) - size * part / 2)
    second = np.cumsum(size**2 * part) - size**2 * part / 2
    longer = 1 - (np.cumsum(part) - part / 2)
    waits = rate * (second + size**2 * longer) / 2 / (1 - part_load) ** 2
    steps = np.diff(size, prepend=0.0)
    slow = 1 / (1 - part_load)
    before = np.concatenate([[1.0], slow[:-1]])
    return np.asarray(waits + np.cumsum(steps * (slow + before) / 2))


# --- what it says ---------------------------------------------------------------------------------


_NAMED = {
    "in turn": "done in turn",
    "shortest remaining first": "done shortest first",
    "all at once": "done all at once",
    "two queues": "in two queues",
}


class HeavyTails(Result):
    """Mean response times, in mean sizes.

    Attributes
    ----------
    means : dict of str to float
        Under each of :data:`DISCIPLINES`.
    here : Interval
        Under the chosen one.
    groups : numpy.ndarray, shape (10,)
        Of each tenth of the jobs under the chosen one, the shortest tenth first.
    """

    at: Setting
    means: dict[str, float]
    here: Interval
    groups: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"scv_of_sizes": rounded(scv(self.at))}
        for name in DISCIPLINES:
            key = name.replace(" ", "_")
            values[f"{key}_sizes"] = rounded(self.means[name])
            values[f"{key}_theory_sizes"] = rounded(theory(self.at, name))
        return values

    @property
    def reading(self) -> str:
        at = self.at
        best = min(DISCIPLINES, key=lambda name: theory(at, name))
        said = ", ".join(
            f"{significant(self.means[name])} {name} (theory {significant(theory(at, name))})"
            for name in DISCIPLINES
        )
        return (
            f"The longest hundredth of the jobs has {significant(100 * work_share(at, 0.01), 2)} % "
            f"of the work. On average a job takes so many mean sizes: {said}. This run puts "
            f"the mean of those {_NAMED[at.discipline]} between {significant(self.here.low)} and "
            f"{significant(self.here.high)} (95 % interval). In theory the quickest is {best}."
            f"{self._rough}"
        )

    @property
    def _rough(self) -> str:
        """Say that the interval is rough where waits come from a few very long jobs.

        Where all are served at once, the long ones matter near saturation, which a queue remembers
        for long. Served by the shortest remaining time, they hold up nobody but themselves.
        """
        at = self.at
        if at.discipline == "all at once":
            few = jobs_alike(at) * (1 - at.load) < _ENOUGH_ALIKE
        else:
            few = at.discipline in ("in turn", "two queues") and long_jobs(at) < _ENOUGH_LONG
        if not few:
            return ""
        return (
            " How long jobs take hangs on the few longest, too few for the interval to hold the "
            "truth in 95 % of all runs."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "discipline": DISCIPLINES,
            "mean response (mean sizes)": [self.means[name] for name in DISCIPLINES],
            "theory": [theory(self.at, name) for name in DISCIPLINES],
        }


@style.panels(2, width_ratios=[1, 1.15])
def plot(run: HeavyTails, axes: tuple[Axes, Axes]) -> None:
    """Draw mean response times, and how long jobs of each size take."""
    at, (ax, by) = run.at, axes
    exact = {name: theory(at, name) for name in DISCIPLINES}
    names = [
        name.replace(" remaining", "\nremaining\n").replace("\n ", "\n") for name in DISCIPLINES
    ]
    labelled_bars(ax, DISCIPLINES, run.means, exact, chosen=at.discipline, shown=names)
    ax.set_xlim(0, half_decade(1.25 * max(*exact.values(), *run.means.values())))
    ax.set_title("Mean time of a job")
    ax.set_xlabel("mean sizes (dashes: theory)")
    size = _grid(at)[0]
    curves = {name: by_size(at, name) for name in DISCIPLINES}
    for name in DISCIPLINES:
        if name != at.discipline:
            by.plot(size, curves[name], color=style.PALE_BLUE, linewidth=1.2)
    by.plot(size, curves[at.discipline], **style.THEORY)
    # Each tenth of the jobs stands at the mean of its sizes.
    ends = sizes_of(at, np.linspace(0, 1, 10 * _GROUPS + 1))
    places = np.sqrt(ends[1:] * ends[:-1]).reshape(_GROUPS, -1).mean(axis=1)
    by.plot(places, run.groups, **style.DOTS)
    log_axis(by, "x", size[0] / 1.3, size[-1] * 1.3, ticks=_powers(size[0], size[-1]))
    most = max(float(curve.max()) for curve in curves.values())
    least = min(float(curve.min()) for curve in curves.values())
    log_axis(by, "y", least / 1.5, 1.6 * most, ticks=_powers(least, most))
    by.set_title(f"By size: {at.discipline}")
    by.set_xlabel("size of a job (mean sizes)")
    by.set_ylabel("time (mean sizes)")


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low / 1.3)), math.floor(math.log10(1.3 * high))
    return [10.0**n for n in range(first, last + 1)]
