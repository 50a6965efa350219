"""The course as a graph: what to read before what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from helpers.foundations import validation
from helpers.foundations.experiment import Result

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


class RouteResult(Result):
    """What to read on the way to a chapter.

    Attributes
    ----------
    goal : int
        Where to go.
    route : tuple of int
        The chapters to read, in an order in which each follows what it needs; the goal is last.
    levels : dict of int to int
        For each chapter of the course, the length of the longest chain before it.
    """

    goal: int
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
        goal = f"{self.goal:02d} {CHAPTERS[self.goal].title}"
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


def simulate_route(*, goal: int = 9) -> RouteResult:
    """Find what to read before a chapter.

    Parameters
    ----------
    goal : int
        Number of a chapter; 1 to 11.

    Returns
    -------
    RouteResult

    Raises
    ------
    TypeError, ValueError
        If `goal` is not the number of a chapter.
    """
    goal = validation.integer("goal", goal, at_least=1, at_most=max(CHAPTERS))
    wanted, front = {goal}, [goal]
    while front:
        for need in CHAPTERS[front.pop()].needs:
            if need not in wanted:
                wanted.add(need)
                front.append(need)
    levels = _levels()
    route = sorted(wanted, key=lambda number: (levels[number], number))
    return RouteResult(goal=goal, route=tuple(route), levels=dict(levels))


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
