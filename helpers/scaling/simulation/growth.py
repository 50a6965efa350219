"""Four features of one site, and the steps each takes as users arrive."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import GROWTH_KINDS, fit_power_law, largest_size, theory_growth

if TYPE_CHECKING:
    import pandas as pd

#: What a site does that grows like this.
FEATURES = {
    "constant": "find a session (hash table)",
    "logarithmic": "find a handle (sorted index)",
    "linear": "search in all texts (scan)",
    "quadratic": "compare all with all (pairs)",
}

_SIZES = (100, 316, 1_000, 3_162, 10_000, 31_623, 100_000)
_LOOKUPS = 400


class GrowthResult(Result):
    """Time that each feature takes, run at sizes up to 100,000 and extrapolated beyond.

    Attributes
    ----------
    users, step_ns, budget_ms
        The parameters it was made with.
    sizes : numpy.ndarray, shape (7,)
        Numbers of users at which the algorithms were run.
    times_s : dict of str to numpy.ndarray, shape (7,)
        Mean time of each kind of feature at those sizes, seconds.
    exponents : dict of str to Interval
        Slope of each on logarithmic axes over the sizes that were run.
    """

    users: int
    step_ns: float
    budget_ms: float
    sizes: np.ndarray
    times_s: dict[str, np.ndarray]
    exponents: dict[str, Interval]

    def time_at(self, kind: str, users: int) -> float:
        """Return the theoretical mean time of a feature, seconds."""
        return theory_growth(kind, users) * self.step_ns * 1e-9

    def limit(self, kind: str) -> float:
        """Return the largest number of users at which a feature stays within the budget."""
        return largest_size(kind, self.budget_ms * 1e-3 / (self.step_ns * 1e-9))

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"users": self.users}
        for kind in GROWTH_KINDS:
            values[f"{kind}_ms"] = 1e3 * self.time_at(kind, self.users)
        for kind in GROWTH_KINDS:
            values[f"{kind}_slope"] = float(f"{self.exponents[kind].estimate:.2f}")
        return values

    @property
    def reading(self) -> str:
        over = [k for k in GROWTH_KINDS if self.time_at(k, self.users) * 1e3 > self.budget_ms]
        times = {k: duration(self.time_at(k, self.users)) for k in GROWTH_KINDS}
        start = (
            f"With {self.users:,} users the hash table takes {times['constant']}, the index "
            f"{times['logarithmic']}, the scan {times['linear']} and the pairs "
            f"{times['quadratic']}"
        )
        if over:
            first = over[-1]
            return (
                f"{start}: the budget of {duration(self.budget_ms * 1e-3)} was lost by the "
                f"{first} feature at {significant(self.limit(first))} users."
            )
        nearest = min(GROWTH_KINDS, key=self.limit)
        return (
            f"{start}: all within the budget of {duration(self.budget_ms * 1e-3)}, and the first "
            f"to leave it is the {nearest} feature, at {significant(self.limit(nearest))} users."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        frame = pd.DataFrame({f"{kind} (s)": self.times_s[kind] for kind in GROWTH_KINDS})
        frame.insert(0, "users", self.sizes)
        return frame.set_index("users")


def simulate_growth(
    *, users: int = 100, step_ns: float = 100.0, budget_ms: float = 200.0, seed: int = 1
) -> GrowthResult:
    """Run four algorithms on growing data and count their steps.

    Parameters
    ----------
    users : int
        Where to read the curves off; 1 <= users <= 10^8.
    step_ns : float
        Time of one step (one comparison), nanoseconds; > 0.
    budget_ms : float
        Time within which a page must be there, milliseconds; > 0.
    seed : int
        Seed of the keys and of what is looked up; >= 0.

    Returns
    -------
    GrowthResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    users = validation.integer("users", users, at_least=1, at_most=10**8)
    step_ns = validation.number("step_ns", step_ns, above=0, unit="ns")
    budget_ms = validation.number("budget_ms", budget_ms, above=0, unit="ms")
    seed = validation.integer("seed", seed, at_least=0)
    steps = _count_steps(seed)
    sizes = np.array(_SIZES)
    return GrowthResult(
        users=users,
        step_ns=step_ns,
        budget_ms=budget_ms,
        sizes=sizes,
        times_s={kind: steps[i] * step_ns * 1e-9 for i, kind in enumerate(GROWTH_KINDS)},
        exponents={
            kind: fit_power_law(sizes, steps[i]).exponent for i, kind in enumerate(GROWTH_KINDS)
        },
    )


@lru_cache(maxsize=32)
def _count_steps(seed: int) -> np.ndarray:
    """Mean steps of each algorithm at each size, shape (4, 7), by running it."""
    rng = streams(seed, "hashes", "targets")
    counts = np.empty((len(GROWTH_KINDS), len(_SIZES)))
    for column, size in enumerate(_SIZES):
        targets = rng["targets"].integers(size, size=_LOOKUPS)
        counts[:, column] = (
            _hash_probes(rng["hashes"].integers(size, size=size)),
            _binary_search_steps(size, targets).mean(),
            (targets + 1).mean(),  # an unsorted array holds the key at any position alike
            size * (size - 1) / 2,  # no luck is involved in comparing everything
        )
    counts.setflags(write=False)
    return counts


def _hash_probes(buckets: np.ndarray) -> float:
    """Mean number of keys compared to find a key, over all keys of a chained hash table."""
    chains = np.bincount(buckets)
    return float((chains * (chains + 1) / 2).sum() / buckets.size)


def _binary_search_steps(size: int, targets: np.ndarray) -> np.ndarray:
    """Number of keys compared to find each target in the sorted array 0, 1, ..., size - 1."""
    low = np.zeros_like(targets)
    high = np.full_like(targets, size - 1)
    steps = np.zeros_like(targets)
    looking = np.ones(targets.shape, dtype=bool)
    while looking.any():
        middle = (low + high) // 2
        steps += looking
        looking &= middle != targets
        right = middle < targets
        low = np.where(looking & right, middle + 1, low)
        high = np.where(looking & ~right, middle - 1, high)
    return steps
