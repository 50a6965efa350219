"""Fix the bottleneck, and it moves: a closed system on a ladder of fixes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers import blueprint
from helpers.blueprint import Design
from helpers.estimation.theory.bottleneck import (
    FAILURES,
    FIXES,
    THINK_S,
    BottleneckTheory,
    ladder,
    theory_bottleneck,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, batch_means

if TYPE_CHECKING:
    import pandas as pd

#: Populations that are simulated, and the largest that theory covers.
USERS = (40, 120, 300, 600)
MOST_USERS = 600

_COUNTED = 1_000  # requests after the warm-up


class BottleneckResult(Result):
    """Throughput and ceilings of a system after some fixes.

    Attributes
    ----------
    fixes, users, failure
        The parameters it was made with.
    design : Design
        The system.
    theory : BottleneckTheory
        The exact solution, and the bounds.
    steps : list of BottleneckTheory
        The same for every step of the ladder, without failures.
    simulated : dict of int to Interval
        Throughput with each number of users simulated so far, requests per second.
    """

    fixes: int
    users: int
    failure: str
    design: Design
    theory: BottleneckTheory
    steps: list[BottleneckTheory]
    simulated: dict[int, Interval]

    @property
    def inside(self) -> int:
        """How many of the simulated intervals hold the exact throughput."""
        exact = self.theory.throughput_rps
        return sum(span.contains(exact[n - 1]) for n, span in self.simulated.items())

    @property
    def summary(self) -> dict[str, float | int | str]:
        row = self.users - 1
        return {
            "bottleneck": self.theory.bottleneck,
            "ceiling_rps": self.theory.ceiling_rps,
            "knee_users": self.theory.knee_users,
            "throughput_rps": float(self.theory.throughput_rps[row]),
            "response_ms": 1e3 * float(self.theory.response_s[row]),
            "populations_simulated": len(self.simulated),
            "intervals_with_theory_inside": self.inside,
        }

    @property
    def reading(self) -> str:
        row = self.users - 1
        theory = self.theory
        moved = ""
        if self.fixes and self.failure == "nothing":
            before = self.steps[self.fixes - 1]
            gain = theory.ceiling_rps / before.ceiling_rps
            moved = (
                f"'{FIXES[self.fixes]}' raised the ceiling {significant(gain)} times and moved "
                f"the bottleneck from {before.bottleneck} to {theory.bottleneck}. "
                if before.bottleneck != theory.bottleneck
                else f"'{FIXES[self.fixes]}' raised the ceiling {significant(gain)} times. "
            )
        if self.failure != "nothing":
            whole = self.steps[self.fixes]
            moved = (
                f"Without {self.failure} the ceiling falls from {significant(whole.ceiling_rps)} "
                f"to {significant(theory.ceiling_rps)} requests/s. "
                if theory.ceiling_rps < whole.ceiling_rps * (1 - 1e-9)
                else f"Losing {self.failure} costs no throughput here. "
            )
        known = ""
        if self.simulated:
            known = (
                f" Theory lies inside {self.inside} of {len(self.simulated)} simulated 95 % "
                "intervals."
            )
        return (
            f"{moved}{theory.bottleneck} saturates first, at "
            f"{significant(theory.ceiling_rps)} requests/s; {self.users} users get "
            f"{significant(theory.throughput_rps[row])} requests/s and wait "
            f"{duration(float(theory.response_s[row]))} for each.{known}"
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for name, step in zip(FIXES, self.steps, strict=True):
            row: dict[str, object] = {"step": name, "bottleneck": step.bottleneck}
            for part in COMPONENTS:
                ceiling = step.capacities_rps.get(part)
                row[f"{part} ceiling (rps)"] = "none" if ceiling is None else significant(ceiling)
            rows.append(row)
        return pd.DataFrame(rows).set_index("step")


#: The components that can be the bottleneck.
COMPONENTS = ("app", "cache", "db")


def simulate_bottleneck(
    *, fixes: int = 0, users: int = 100, failure: str = "nothing", seed: int = 1
) -> Iterator[BottleneckResult]:
    """Put users on a system that has had some fixes, and perhaps lost a part.

    Parameters
    ----------
    fixes : int
        Number of :data:`FIXES` made; 0 to 5.
    users : int
        Where to read the curves off; 1 to 600.
    failure : {"nothing", "a server", "the cache", "a replica"}
        What is missing.
    seed : int
        Seed of think and service times; >= 0.

    Yields
    ------
    BottleneckResult
        First theory alone, then with one more population simulated each time.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    users = validation.integer("users", users, at_least=1, at_most=MOST_USERS)
    seed = validation.integer("seed", seed, at_least=0)
    design = ladder(fixes, failure, users)
    theory = theory_bottleneck(fixes=fixes, failure=failure, users=MOST_USERS)
    steps = [theory_bottleneck(fixes=k, users=MOST_USERS) for k in range(len(FIXES))]
    simulated: dict[int, Interval] = {}
    yield BottleneckResult(fixes, users, failure, design, theory, steps, {})
    for n in USERS:
        simulated[n] = _throughput(fixes, failure, n, seed)
        yield BottleneckResult(fixes, users, failure, design, theory, steps, dict(simulated))


@lru_cache(maxsize=256)
def _throughput(fixes: int, failure: str, users: int, seed: int) -> Interval:
    """Requests answered per second, from ten batches of one run."""
    theory = theory_bottleneck(fixes=fixes, failure=failure, users=MOST_USERS)
    rate = float(theory.throughput_rps[users - 1])
    warm_up_s = 2 * users / rate + 2 * THINK_S
    window_s = max(_COUNTED, users) / rate
    run = blueprint.simulate_design(
        ladder(fixes, failure, users),
        duration_s=warm_up_s + window_s,
        warm_up_s=warm_up_s,
        seed=seed,
    )
    done = run.done_s[run.outcome == 0]
    edges = np.linspace(warm_up_s, warm_up_s + window_s, 101)
    return batch_means(np.histogram(done, edges)[0] / (window_s / 100), batches=10)


__all__ = [
    "COMPONENTS",
    "FAILURES",
    "FIXES",
    "MOST_USERS",
    "USERS",
    "BottleneckResult",
    "simulate_bottleneck",
]
