"""The course as a graph: what to read before what.

The minutes are an estimate, labs not counted, and yours will differ.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import arrows, round_boxes
from helpers.foundations.experiment import Parameters, Result, integer, takes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stop:
    """One chapter: what it stands on, how long it takes, and where it is on the map.

    Attributes
    ----------
    number : int
        Of the chapter.
    title : str
        Short enough for a box.
    needs : tuple of int
        Chapters to read first.
    minutes : int
        A working estimate, labs not counted.
    blocks : str
        The building blocks it goes into.
    """

    number: int
    title: str
    needs: tuple[int, ...]
    minutes: int
    blocks: str


#: The chapters.
CHAPTERS = {
    stop.number: stop
    for stop in (
        Stop(1, "Why system design?", (), 60, "all of them, small"),
        Stop(2, "Thinking at scale", (1,), 90, "servers"),
        Stop(3, "Trade-offs", (2,), 75, "replicas"),
        Stop(4, "Anatomy of a system", (2,), 90, "all of them, wired"),
        Stop(5, "Approach to design", (4,), 90, "estimates, diagrams"),
        Stop(6, "Designing for failure", (4,), 90, "redundancy, retries"),
        Stop(7, "Consistency models", (3,), 75, "replicated databases"),
        Stop(8, "Sharding", (2,), 90, "databases"),
        Stop(9, "Caching", (2,), 90, "caches"),
        Stop(10, "Asynchronous work", (6,), 75, "message queues"),
        Stop(11, "It's a journey", (5, 7, 8, 9, 10), 60, "your own design"),
    )
}


class Setting(Parameters):
    """Where to go."""

    goal: int = integer(9, "I want to reach", at_least=1, at_most=max(CHAPTERS))


@takes(Setting)
def simulate(at: Setting) -> Route:
    """Find what to read before a chapter."""
    wanted, front = {at.goal}, [at.goal]
    while front:
        for need in CHAPTERS[front.pop()].needs:
            if need not in wanted:
                wanted.add(need)
                front.append(need)
    levels = _levels()
    route = sorted(wanted, key=lambda number: (levels[number], number))
    return Route(at, route=tuple(route), levels=dict(levels))


@lru_cache(maxsize=1)
def _levels() -> dict[int, int]:
    levels: dict[int, int] = {}

    def level(number: int, above: tuple[int, ...]) -> int:
        if number in above:
            raise ValueError(f"chapter {number} needs itself: {' > '.join(map(str, above))}")
        if number not in levels:
            needs = [level(need, (*above, number)) for need in CHAPTERS[number].needs]
            levels[number] = 1 + max(needs, default=-1)
        return levels[number]

    for number in CHAPTERS:
        level(number, ())
    return levels


# --- what it says ---------------------------------------------------------------------------------


class Route(Result):
    """What to read on the way to a chapter.

    Attributes
    ----------
    route : tuple of int
        The chapters to read, in an order in which each follows what it needs; the goal is last.
    levels : dict of int to int
        For each chapter of the course, the length of the longest chain before it.
    """

    at: Setting
    route: tuple[int, ...]
    levels: dict[int, int]

    @property
    def minutes(self) -> int:
        """Time for the whole route."""
        return sum(CHAPTERS[number].minutes for number in self.route)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "chapters": len(self.route),
            "minutes": self.minutes,
            "route": " > ".join(f"{number:02d}" for number in self.route),
        }

    @property
    def reading(self) -> str:
        before = [f"{number:02d}" for number in self.route[:-1]]
        goal = f"{self.at.goal:02d} {CHAPTERS[self.at.goal].title}"
        if not before:
            return f"{goal} needs nothing before it: about {self.minutes} minutes."
        return (
            f"Before {goal}, read {', '.join(before)}: {len(self.route)} chapters and about "
            f"{self.minutes} minutes in all."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = [
            {
                "chapter": f"{stop.number:02d} {stop.title}",
                "needs": ", ".join(f"{n:02d}" for n in stop.needs) or "nothing",
                "minutes": stop.minutes,
                "goes into": stop.blocks,
                "on the route": "yes" if stop.number in self.route else "no",
            }
            for stop in CHAPTERS.values()
        ]
        return pd.DataFrame(rows).set_index("chapter")


_WIDTH, _HEIGHT, _STEP = 2.06, 0.56, 2.42


@style.wide
def plot(run: Route, ax: Axes) -> None:
    """Draw the chapters as a graph, those on the route filled."""
    ax.set_title("What to read before what")
    ax.set_axis_off()
    levels = run.levels
    columns: dict[int, list[int]] = {}
    for number, level in levels.items():
        columns.setdefault(level, []).append(number)
    place: dict[int, tuple[float, float]] = {}
    for level in sorted(columns):
        # Beside what they need, as far as possible, so that few arrows cross.
        numbers = sorted(columns[level], key=lambda n: (-_height(n, place), n))
        for i, number in enumerate(numbers):
            alone = len(numbers) == 1 and len(CHAPTERS[number].needs) == 1
            y = _height(number, place) if alone else (len(numbers) - 1) / 2 - i
            place[number] = (level * _STEP, y)
    ax.set_xlim(-_WIDTH / 2 - 0.1, max(levels.values()) * _STEP + _WIDTH / 2 + 0.1)
    ax.set_ylim(-1.9, 1.9)
    on = set(run.route)
    pairs = [(need, number) for number, stop in CHAPTERS.items() for need in stop.needs]
    wanted = [number in on for _, number in pairs]
    arrows(
        ax,
        [np.add(place[need], (_WIDTH / 2, 0)) for need, _ in pairs],
        [np.subtract(place[number], (_WIDTH / 2, 0)) for _, number in pairs],
        colors=[style.INK if used else style.GHOST for used in wanted],
        linewidths=[1.8 if used else 0.9 for used in wanted],
        linestyles=["-" if used else (0, (3, 2)) for used in wanted],
        zorder=1,
    )
    wanted = [number in on for number in place]
    round_boxes(
        ax, list(place.values()), _WIDTH, _HEIGHT, 0.08,
        facecolors=["#BFD9EC" if used else "white" for used in wanted],
        edgecolors=[style.BLUE if used else style.GHOST for used in wanted],
        linewidths=[2.4 if number == run.at.goal else 1.2 for number in place],
        linestyles=["-" if used else (0, (3, 2)) for used in wanted],
        zorder=2,
    )  # fmt: skip
    for number, (x, y) in place.items():
        used = number in on
        words = "\n".join(textwrap.wrap(f"{number:02d} {CHAPTERS[number].title}", 13))
        ax.text(x, y, words, fontsize=7.2, ha="center", va="center", zorder=3,
                color=style.INK if used else style.MUTED,
                fontweight="bold" if used else "normal")  # fmt: skip


def _height(number: int, place: dict[int, tuple[float, float]]) -> float:
    """Mean height of what a chapter needs."""
    return float(np.mean([place[need][1] for need in CHAPTERS[number].needs] or [0.0]))
