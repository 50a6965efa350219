"""Four features of one site, and the comparisons each takes as users arrive.

A hash table, a sorted index, a scan, and a comparison of all with all are really run on random
data, and their comparisons counted. Where that stops being true: comparisons are not all alike.
One that misses the processor's caches takes a hundred times as long as one that hits, and one that
goes to disk far longer, so real curves jump where the data outgrow a memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, ring, time_axis
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
from helpers.foundations.statistics import Interval
from helpers.scaling import power_law

#: What a site does that grows like this, from the flattest growth to the steepest.
FEATURES = {
    "constant": "find a session (hash table)",
    "logarithmic": "find a handle (sorted index)",
    "linear": "search in all texts (scan)",
    "quadratic": "compare all with all (pairs)",
}
KINDS = tuple(FEATURES)

#: Numbers of users at which the algorithms are run.
SIZES = (100, 316, 1_000, 3_162, 10_000, 31_623, 100_000)
_LOOKUPS = 400


class Setting(Parameters):
    """A site, and what one page of it may take."""

    users: int = integer(100, "Users", at_least=1, at_most=10**8)
    step_ns: float = number(100.0, "Time of one comparison", unit="ns", above=0)
    budget_ms: float = number(200.0, "Time a page may take", unit="ms", above=0)
    seed: int = seed()


# --- the model: four algorithms, and what they compare --------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Growth:
    """Run four algorithms on growing data and count their comparisons."""
    steps = _counted(at.seed)
    return Growth(
        at,
        times_s={kind: steps[kind] * at.step_ns * 1e-9 for kind in KINDS},
        exponents={kind: power_law.fit(SIZES, steps[kind]).exponent for kind in KINDS},
    )


@lru_cache(maxsize=32)
def _counted(seed: int) -> dict[str, np.ndarray]:
    """Mean comparisons of each kind of feature at each of :data:`SIZES`."""
    draw = Draws(seed)
    counts: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for size in SIZES:
        wanted = draw("targets").integers(size, size=_LOOKUPS)
        counts["constant"].append(hash_probes(draw("hashes").integers(size, size=size)))
        counts["logarithmic"].append(
            float(np.mean([halvings(size, key) for key in wanted.tolist()]))
        )
        counts["linear"].append(float(np.mean(wanted + 1)))  # the key may stand anywhere
        counts["quadratic"].append(size * (size - 1) / 2)  # each with each
    return {kind: np.array(each) for kind, each in counts.items()}


def hash_probes(buckets: np.ndarray) -> float:
    """Mean number of keys compared to find a key, over all keys of a chained hash table."""
    chains = np.bincount(buckets)
    return float((chains * (chains + 1) / 2).sum() / buckets.size)


def halvings(size: int, key: int) -> int:
    """Number of keys compared to find one in the sorted keys 0, 1, ..., size - 1."""
    low, high, steps = 0, size - 1, 1
    while (middle := (low + high) // 2) != key:
        steps += 1
        if middle < key:
            low = middle + 1
        else:
            high = middle - 1
    return steps


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, users: int | None = None) -> dict[str, float]:
    """Mean time of each kind of feature at the setting, or with other users, seconds."""
    size = at.users if users is None else users
    return {kind: mean_steps(kind, size) * at.step_ns * 1e-9 for kind in KINDS}


def mean_steps(kind: str, size: int) -> float:
    """Mean number of keys that a feature of this `kind` compares among `size` of them.

    Hashing with chains at load factor 1: ``1 + (n - 1) / (2 n)``. Binary search: the mean depth of
    a balanced tree, ``((n + 1) h - 2^h + 1) / n`` with ``h = floor(log2 n) + 1``. Scan:
    ``(n + 1) / 2``. Pairs: ``n (n - 1) / 2``. Knuth, *The Art of Computer Programming* vol. 3,
    2nd ed. 1998, sections 6.1, 6.2.1 and 6.4.
    """
    validation.one_of("kind", kind, KINDS)
    size = validation.integer("size", size, at_least=1)
    if kind == "constant":
        return 1 + (size - 1) / (2 * size)
    if kind == "logarithmic":
        height = size.bit_length()
        return ((size + 1) * height - 2**height + 1) / size
    if kind == "linear":
        return (size + 1) / 2
    return size * (size - 1) / 2


def largest_size(kind: str, steps: float) -> float:
    """Largest number of items among which a feature compares `steps` keys or fewer on average.

    Returns
    -------
    float
        0 if not even one fits, ``inf`` if it exceeds 10^15.
    """
    validation.one_of("kind", kind, KINDS)
    steps = validation.number("steps", steps, at_least=0)
    ceiling = 10**15
    if mean_steps(kind, ceiling) <= steps:
        return math.inf
    if mean_steps(kind, 1) > steps:
        return 0.0
    low, high = 1, ceiling  # the step count never falls with size, so bisection finds the last fit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if mean_steps(kind, middle) <= steps else (low, middle)
    return float(low)


# --- what it says ---------------------------------------------------------------------------------


class Growth(Result):
    """Time of each kind of feature at :data:`SIZES`, and its slope on logarithmic axes.

    Attributes
    ----------
    times_s : dict of str to numpy.ndarray, shape (7,)
        Mean time as run, seconds.
    exponents : dict of str to Interval
        Slope over the sizes that were run.
    """

    at: Setting
    times_s: dict[str, np.ndarray]
    exponents: dict[str, Interval]

    def limit(self, kind: str) -> float:
        """Return the largest number of users at which a feature stays within the budget."""
        return largest_size(kind, self.at.budget_ms * 1e-3 / (self.at.step_ns * 1e-9))

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        values: dict[str, float | int | str] = {"users": self.at.users}
        values |= {f"{kind}_ms": 1e3 * exact[kind] for kind in KINDS}
        for kind in KINDS:
            values[f"{kind}_slope"] = float(f"{self.exponents[kind].estimate:.2f}")
        return values

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        times = {kind: duration(exact[kind]) for kind in KINDS}
        over = [kind for kind in KINDS if 1e3 * exact[kind] > self.at.budget_ms]
        start = (
            f"With {self.at.users:,} users the hash table takes {times['constant']}, the index "
            f"{times['logarithmic']}, the scan {times['linear']} and the pairs "
            f"{times['quadratic']}"
        )
        if over:
            first = over[-1]
            return (
                f"{start}: the budget of {duration(self.at.budget_ms * 1e-3)} was lost by the "
                f"{first} feature at {significant(self.limit(first))} users."
            )
        nearest = min(KINDS, key=self.limit)
        return (
            f"{start}: all within the budget of {duration(self.at.budget_ms * 1e-3)}, and the "
            f"first to leave it is the {nearest} feature, at "
            f"{significant(self.limit(nearest))} users."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"users": SIZES} | {f"{kind} (s)": self.times_s[kind] for kind in KINDS}


_MARKERS = ("o", "s", "^", "D")
# Where each curve has room for its name: number of users, and offset in points.
_NAMES_AT = {
    "constant": (1.2e6, (0, -11)),
    "logarithmic": (1.2e6, (0, 10)),
    "linear": (1.2e6, (-8, 7)),
    "quadratic": (4e3, (-8, 7)),
}
_CURVE = np.unique(np.geomspace(100, 1e7, 60).astype(int)).tolist()


def plot(run: Growth, ax: Axes) -> None:
    """Draw the time of four features against the number of users, on logarithmic axes."""
    at = run.at
    ax.set_title("Four features, one site: which one leaves the budget first?")
    log_axis(ax, "x", 80, 1.3e7)
    time_axis(ax, "y", 8e-9, 1e6)
    ax.set_xlabel("users")
    ax.set_ylabel("time to answer one request")
    ax.axhspan(at.budget_ms * 1e-3, 1e6, color=style.FAINT, alpha=0.45, linewidth=0)
    ax.text(100, 3e5, "slower than the budget", color=style.MUTED, fontsize=9, va="top")
    here(ax, at.users)
    curve = [theory(at, users) for users in _CURVE]
    for kind, color, marker in zip(KINDS, style.SERIES, _MARKERS, strict=False):
        times = [point[kind] for point in curve]
        ax.plot(_CURVE, times, color=color, linewidth=1.3, linestyle=(0, (4, 2)))
        ax.plot(SIZES, run.times_s[kind], color=color, marker=marker, markersize=5.5, lw=0)
        x, offset = _NAMES_AT[kind]
        placed = {"xytext": offset, "ha": "right" if offset[0] else "center"}
        style.label(ax, x, theory(at, int(x))[kind], FEATURES[kind], color, **placed)
    ring(ax, at.users, list(theory(at).values()))
