"""Pictures of eviction: hit ratio over cache size, and policy by policy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.measurement.eviction import MeasuredLruResult
from helpers.caching.plots.kit import dot, labelled_bars
from helpers.caching.simulation.eviction import POLICIES, EvictionResult
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis


@style.panels(2, width_ratios=[1.25, 1])
def plot_eviction(result: EvictionResult | MeasuredLruResult, axes: tuple[Axes, Axes]) -> None:
    """Draw LRU at every size, and all policies at one size.

    What `functools.lru_cache` measured is drawn as points on the first.
    """
    curve, policies = axes
    if isinstance(result, MeasuredLruResult):
        curve.plot(result.capacities, 100 * result.hit_ratios, **style.MEASUREMENT)
        style.label(
            curve,
            result.capacities[0],
            100 * result.hit_ratios[0],
            result.name,
            style.MEASUREMENT["color"],
            xytext=(9, -9),
        )
        return
    curve.plot(result.sizes, 100 * result.lru_curve, **style.SIMULATION)
    if result.lru_theory.size:
        curve.plot(result.sizes, 100 * result.lru_theory, **style.THEORY)
    here(curve, result.capacity)
    lru = 100 * result.hit_ratios["LRU"]
    dot(curve, result.capacity, lru)
    dot(curve, result.capacity, 100 * result.hit_ratios["Belady"], "D", style.GREEN, size=7)
    left = result.capacity > 100
    placement = {"ha": "right", "xytext": (-9, 0)} if left else {"xytext": (9, 0)}
    style.label(
        curve,
        result.capacity,
        100 * result.hit_ratios["Belady"],
        "Belady",
        style.GREEN,
        **placement,
    )
    log_axis(curve, "x", 1, result.keys)
    curve.set_ylim(0, 104)
    curve.set_title("LRU at every size")
    curve.set_xlabel("room in the cache (items)")
    curve.set_ylabel("hit ratio (%)")

    labelled_bars(policies, POLICIES, result.hit_ratios, result.theory, scale=100, unit="%")
    bound = 100 * result.hit_ratios["Belady"]
    policies.axvspan(bound, 125, color=style.FAINT, linewidth=0, alpha=0.6)
    if np.isfinite(result.ideal):
        policies.axvline(100 * result.ideal, color=style.MUTED, linewidth=1, linestyle=":")
        style.label(
            policies,
            100 * result.ideal,
            -0.45,
            "best without foresight",
            style.MUTED,
            fontsize=8,
        )
    policies.set_xlim(0, 125)
    policies.set_xticks(np.arange(0, 101, 25))
    policies.set_title("Five policies at one size")
    policies.set_xlabel("hit ratio (%; dashed: theory)")
