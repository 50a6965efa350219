"""How large a cache must be, and what it should throw out.

Five policies on the same 10,000 requests, LRU at every size, and Che's approximation beside it.
Where that stops being true: Che's formula assumes that requests are independent, and loops, scans
and fashions are exactly the traffic that is not; items here are of equal size and equally dear to
miss, and with neither the best policy changes again.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.caching import hit_ratios
from helpers.caching.lru_curve import lru_curve
from helpers.caching.policies import POLICIES, hit_ratio
from helpers.caching.traces import TRACES, WARM_UP, requests_of
from helpers.caching.zipf import popularity
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, here, log_axis, yours
from helpers.foundations.drawing.labelled_bars import labelled_bars
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    integers,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded, significant
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights


class Setting(Parameters):
    """A cache of limited size, and the requests that come to it."""

    trace: str = option(
        "Zipf",
        "Trace",
        of=TRACES,
        note="Scans: every 1,000 requests, 250 keys nobody asks for again. A loop: all keys in "
        "turn, again and again. Changing: which key is popular is dealt anew four times.",
    )
    keys: int = integer(1_000, "Keys", at_least=2)
    exponent: float = number(
        0.9, "Skew of the keys (Zipf)", at_least=0, note="A loop takes no notice of it."
    )
    capacity: int = integer(100, "Room in the cache", unit="items", at_least=1)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse a cache with room for more than there is."""
        if self.capacity > self.keys:
            raise ValueError(
                f"capacity must be at most the {self.keys:,} keys there are, got {self.capacity:,}"
            )

    @property
    def sizes(self) -> np.ndarray:
        """Cache sizes of the curve, items."""
        sizes: np.ndarray = np.geomspace(1, self.keys, 60).round().astype(int)
        return np.unique(sizes)


# --- the models stand in policies.py; here all five run, and LRU at all sizes ---------------------


@takes(Setting)
def simulate(at: Setting) -> Eviction:
    """Run every policy over the same 10,000 requests; count hits over the last 7,500."""
    trace = requests_of(at)
    keys = trace.tolist()
    return Eviction(
        at,
        hit_ratios={
            name: hit_ratio(policy(keys, at.capacity), WARM_UP) for name, policy in POLICIES.items()
        },
        lru_curve=lru_curve(trace, warm_up=WARM_UP).hit_ratio(at.sizes),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Hit ratios in theory.

    Attributes
    ----------
    policies : mapping of str to float
        At the chosen size, for the policies that have a closed form on this trace.
    ideal : float
        Of a cache that has learned which keys are most popular; NaN off the Zipf trace.
    lru_curve : numpy.ndarray
        LRU at each of ``at.sizes``; empty where there is no closed form.
    """

    policies: Mapping[str, float]
    ideal: float
    lru_curve: np.ndarray


@lru_cache(maxsize=8)
def theory(at: Setting) -> Theory:
    """Che's approximation for LRU, Fricker's for FIFO, the exact step on a loop.

    Sources stand in ``hit_ratios``. The curve is read off Che's at 64 sizes.
    """
    if at.trace == "loop":
        step = np.where(at.sizes >= at.keys, 1.0, 0.0)
        return Theory(hit_ratios.loop(at.keys, at.capacity), math.nan, step)
    if at.trace != "Zipf":
        return Theory({}, math.nan, np.empty(0))
    weights = popularity(at.keys, at.exponent)
    policies = {
        "LRU": float(hit_ratios.lru(weights, at.capacity)),
        "FIFO": float(hit_ratios.fifo(weights, at.capacity)),
    }
    curve = np.interp(at.sizes, *hit_ratios.lru_at_all_sizes(weights), left=np.nan, right=1.0)
    return Theory(policies, float(hit_ratios.ideal(weights, at.capacity)), curve)


# --- what it says ---------------------------------------------------------------------------------


class Eviction(Result):
    """Five policies on one trace at one size, and LRU at every size.

    Attributes
    ----------
    hit_ratios : dict of str to float
        Of each policy at the chosen size.
    lru_curve : numpy.ndarray
        Of LRU at each of ``at.sizes``.
    """

    at: Setting
    hit_ratios: dict[str, float]
    lru_curve: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        ratios: dict[str, float | int | str] = {
            f"{name}_hit_ratio": round(ratio, 4) for name, ratio in self.hit_ratios.items()
        }
        if "LRU" in (exact := theory(self.at).policies):
            ratios["LRU_hit_ratio_theory"] = round(exact["LRU"], 4)
        return ratios

    @property
    def reading(self) -> str:
        online = {name: ratio for name, ratio in self.hit_ratios.items() if name != "Belady"}
        best, worst = max(online, key=online.__getitem__), min(online, key=online.__getitem__)
        first = f"With room for {self.at.capacity:,} items, "
        if online[best] - online[worst] < 0.0005:
            first += f"LRU, LFU, FIFO and SIEVE all hit {percent(online[best])} of the time"
        else:
            first += f"{best} hits {percent(online[best])} and {worst} {percent(online[worst])}"
        return f"{first}; seeing the future would give {percent(self.hit_ratios['Belady'])}."

    @property
    def columns(self) -> Mapping[str, Any]:
        curve = theory(self.at).lru_curve
        return {
            "room (items)": self.at.sizes,
            "LRU hit ratio": self.lru_curve,
            **({"theory": curve} if curve.size else {}),
        }


@style.panels(2, width_ratios=[1.25, 1])
def plot(run: Eviction, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw LRU at every size, and all policies at one size."""
    _plot_curve(run, axes[0])
    _plot_policies(run, axes[1])
    if mine is not None:
        names = [name for name in POLICIES if name in mine]
        rows = [list(POLICIES).index(name) for name in names]
        yours(axes[1], [100 * mine[name] for name in names], rows)


def _plot_curve(run: Eviction, ax: Axes) -> None:
    at, exact = run.at, theory(run.at).lru_curve
    ax.plot(at.sizes, 100 * run.lru_curve, **style.SIMULATION)
    if exact.size:
        ax.plot(at.sizes, 100 * exact, **style.THEORY)
    here(ax, at.capacity)
    best = 100 * run.hit_ratios["Belady"]
    dot(ax, at.capacity, 100 * run.hit_ratios["LRU"])
    dot(ax, at.capacity, best, "D", style.GREEN, size=7)
    left = at.capacity > 50  # on the right the curve would run into it
    placement: dict[str, Any] = {"ha": "right", "xytext": (-9, 0)} if left else {"xytext": (9, 0)}
    style.label(ax, at.capacity, best, "Belady", style.GREEN, **placement)
    log_axis(ax, "x", 1, at.keys)
    ax.set_ylim(0, 104)
    ax.set_title("LRU at every size")
    ax.set_xlabel("room in the cache (items)")
    ax.set_ylabel("hit ratio (%)")


def _plot_policies(run: Eviction, ax: Axes) -> None:
    exact = theory(run.at)
    labelled_bars(ax, list(POLICIES), run.hit_ratios, exact.policies, scale=100, unit="%")
    best = 100 * run.hit_ratios["Belady"]
    ax.axvspan(best, 125, color=style.FAINT, linewidth=0, alpha=0.6)
    if math.isfinite(exact.ideal):
        ideal = 100 * exact.ideal
        ax.axvline(ideal, color=style.MUTED, linewidth=1, linestyle=":")
        side: dict[str, Any] = {"ha": "right", "xytext": (-5, 0)} if ideal > 60 else {}
        said = "best without foresight"
        style.label(ax, ideal, -0.45, said, style.MUTED, fontsize=8, **side)
    ax.set_xlim(0, 125)
    ax.set_xticks(np.arange(0, 101, 25))
    ax.set_title("Five policies at one size")
    ax.set_xlabel("hit ratio (%; dashed: theory)")


# --- the same with the cache that ships with Python -----------------------------------------------


class Trial(Parameters):
    """A function wrapped in `functools.lru_cache`, called with Zipf keys."""

    keys: int = integer(1_000, "Keys", at_least=2)
    exponent: float = number(0.9, "Skew of the keys (Zipf)", at_least=0)
    capacities: tuple[int, ...] = integers(
        (10, 30, 100, 300, 700), "Room in the cache", unit="items", at_least=1
    )
    requests: int = integer(
        200_000,
        "Calls at each size",
        at_least=100,
        at_most=2_000_000,
        note="The first half only warms up.",
    )
    seed: int = seed()

    def agree(self) -> None:
        """Refuse a cache that has room for all keys: it would have nothing to evict."""
        if max(self.capacities) >= self.keys:
            raise ValueError(
                f"capacities must be below the {self.keys:,} keys there are, "
                f"got {max(self.capacities):,}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredLru:
    """Call the function, and ask the wrapper for its hit ratio."""
    asked = zipf_keys(at.requests, at.keys, at.exponent, Draws(at.seed)("keys")).tolist()
    half = at.requests // 2
    ratios = []
    for size in at.capacities:

        @lru_cache(maxsize=size)
        def page(key: int) -> str:
            return f"page {key}"

        deque(map(page, asked[:half]), maxlen=0)
        warm = page.cache_info()
        deque(map(page, asked[half:]), maxlen=0)
        ratios.append((page.cache_info().hits - warm.hits) / (at.requests - half))
    expected = hit_ratios.lru(zipf_weights(at.keys, at.exponent), at.capacities)
    return MeasuredLru(at, np.array(ratios), expected)


class MeasuredLru(Measured):
    """Hit ratios that a real LRU cache reports, and what was expected of it.

    Attributes
    ----------
    hit_ratios, expected : numpy.ndarray
        At each of ``at.capacities``; expected by Che's approximation, or by whoever measured.
    name : str
        What was measured.
    """

    at: Trial
    hit_ratios: np.ndarray
    expected: np.ndarray
    name: str = "functools.lru_cache"

    @property
    def worst(self) -> float:
        """Largest difference between measurement and theory."""
        return float(np.abs(self.hit_ratios - self.expected).max())

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        word = "agrees" if self.worst <= 0.01 else "disagrees"
        points = significant(100 * self.worst)
        return (
            f"Che's approximation is at most {points} points of hit ratio from {self.name} at "
            f"{len(self.at.capacities)} sizes (1 point counts): {word}"
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        pairs = zip(self.at.capacities, self.hit_ratios.tolist(), strict=True)
        return {f"hit_ratio_at_{capacity}": rounded(ratio) for capacity, ratio in pairs}

    @property
    def reading(self) -> str:
        return (
            f"Measured: {self.name} hits {percent(self.hit_ratios[0])} with room for "
            f"{self.at.capacities[0]:,} items and {percent(self.hit_ratios[-1])} with room for "
            f"{self.at.capacities[-1]:,}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "room (items)": self.at.capacities,
            self.name: self.hit_ratios,
            "theory": self.expected,
        }


@style.panels(2, width_ratios=[1.25, 1])
def plot_measured(run: MeasuredLru, axes: tuple[Axes, Axes]) -> None:
    """Draw what was measured as points on the curve, with a tick where theory expected each."""
    curve, color = axes[0], style.MEASUREMENT["color"]
    sizes, ratios = np.array(run.at.capacities), 100 * run.hit_ratios
    curve.plot(sizes, ratios, **style.MEASUREMENT)
    curve.plot(sizes, 100 * run.expected, "_", color=style.BLACK, markersize=13, gid="marks")
    style.label(curve, sizes[0], ratios[0], run.name, color, xytext=(9, -9))
