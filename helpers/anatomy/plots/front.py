"""The front of the house: CDN, balancing policies, health checks."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.measurement import MeasuredBalancing, MeasuredCdn, MeasuredHealthCheck
from helpers.anatomy.simulation import (
    BALANCING_POLICIES,
    BalancingResult,
    CdnResult,
    HealthCheckResult,
)
from helpers.anatomy.simulation.health_check import CAPACITY_RPS, DEATH_S, DURATION_S, GRID_S
from helpers.anatomy.theory import theory_health_check
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    error_bars,
    here,
    key,
    log_axis,
    marks,
    named_axis,
)
from helpers.foundations.drawing.scales import step_up


@style.panels(2)
def plot_cdn(result: CdnResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the time to the first byte, and what is left for the origin, against the hit ratio."""
    ax, origin = axes
    top = step_up(1.15e3 * result.direct_p99_s, (150, 300, 500, 800, 1_200))
    ax.set(
        title="Time to the first byte",
        xlim=(-2, 102),
        ylim=(0, top),
        xlabel="hit ratio of the CDN (%)",
        ylabel="time to first byte (ms)",
    )
    direct = 1e3 * result.expected["direct_s"]
    ax.plot([-2, 102], [direct] * 2, **(style.THEORY | {"color": style.MUTED}))
    ax.plot(100 * result.grid, 1e3 * result.theory_s, **style.THEORY)
    x = 100 * result.hit_ratio
    here(ax, x)
    error_bars(ax, x, result.ttfb, 1e3, **style.DOTS)
    ax.plot([x], [1e3 * result.ttfb_p99_s], color=style.PURPLE, marker="^", markersize=7)
    ax.plot([x], [1e3 * result.direct_p99_s], color=style.MUTED, marker="^", markersize=7)
    error_bars(ax, x, result.direct, 1e3, **(style.DOTS | {"color": style.MUTED}))
    key(
        ax,
        [
            ("●", "mean with the CDN", style.BLUE),
            ("▲", "99th percentile", style.PURPLE),
            ("●▲", "without a CDN", style.MUTED),
            ("--", "theory, means", style.INK),
        ],
        left=True,
        y=0.99,
    )
    origin.set(
        title="What is left for the origin",
        xlim=(-2, 102),
        ylim=(0, 170),
        xlabel="hit ratio of the CDN (%)",
        ylabel="requests per second at the origin",
    )
    here(origin, x)
    origin.plot(100 * result.grid, result.theory_origin_rps, **style.THEORY)
    error_bars(origin, x, result.origin, **style.DOTS)
    key(
        origin,
        [("●", "simulated", style.BLUE), ("--", "(1 − h) × rate", style.INK)],
    )


def plot_measured_cdn(result: MeasuredCdn, ax: Axes) -> None:
    """Draw measured times to the first byte beside the sums of the round trips."""
    kinds = list(result.means)
    top = step_up(1.2e3 * result.theory_s["direct"], (50, 200, 400, 800))
    ax.set(
        title="Two real servers with injected distance",
        xlim=(-0.6, 2.6),
        ylim=(0, top),
        ylabel="time to first byte (ms)",
    )
    ax.set_xticks(range(3), ["hit at the edge", "miss at the edge", "direct to the origin"])
    for i, kind in enumerate(kinds):
        marks(ax, i, 1e3 * result.theory_s[kind], 0.6)
        error_bars(ax, i, result.means[kind], 1e3, **style.MEASUREMENT)
    key(
        ax,
        [("●", "measured", style.VERMILION), ("--", "sum of round trips", style.INK)],
        left=True,
    )


def plot_balancing(result: BalancingResult, ax: Axes) -> None:
    """Draw the mean response time under each policy, with theory and 99th percentiles."""
    top = step_up(1.1 / (1 - result.utilisation), (3, 6, 12, 24))
    ax.set(
        title="The same requests, dealt out in six ways",
        xlim=(-0.6, 5.6),
        ylim=(0, top),
        ylabel="mean response (service times)",
    )
    named_axis(ax, "x", [policy.replace(" ", "\n", 1) for policy in BALANCING_POLICIES])
    places = np.arange(6)
    bars(ax, places, result.response.estimate, 0.62, facecolor=style.SKY, alpha=0.55)
    error_bars(ax, places, result.response, **(style.DOTS | {"markersize": 4}))
    expected = [result.expected(policy) for policy in BALANCING_POLICIES]
    marks(ax, places, np.array(expected, float))  # NaN where there is no theory
    floor = result.theory["one queue"]
    ax.axhline(floor, color=style.GREEN, linewidth=1.4, linestyle=(0, (1, 1.2)))
    key(
        ax,
        [
            ("●", "simulated, 95 % interval", style.BLUE),
            ("--", "closed form of the policy", style.INK),
            ("··", "one shared queue (M/M/n): the floor", style.GREEN),
        ],
    )


def plot_measured_balancing(result: MeasuredBalancing, ax: Axes) -> None:
    """Draw measured means beside the simulation's on the same requests."""
    from helpers.anatomy.measurement import MEASURED_POLICIES

    x = np.arange(len(MEASURED_POLICIES))
    top = 1.25 * float(max(result.measured_ms.max(), result.replayed_ms.max()))
    ax.set(
        title="Real servers, and the simulation on the same requests",
        xlim=(-0.6, 3.6),
        ylim=(0, top),
        ylabel="mean response (ms)",
    )
    named_axis(ax, "x", list(MEASURED_POLICIES), x)
    bars(ax, x, result.replayed_ms, 0.5, facecolor=style.SKY, alpha=0.6)
    ax.plot(x, result.measured_ms, **(style.MEASUREMENT | {"markersize": 8}))
    for i, policy in enumerate(MEASURED_POLICIES):
        if policy in result.steady:
            marks(ax, i, result.steady[policy] * result.service_ms, 0.6)
    key(
        ax,
        [
            ("●", "measured", style.VERMILION),
            ("■", "simulated with the same requests", style.SKY_INK),
            ("--", "steady state, which a short run does not reach", style.INK),
        ],
    )


@style.panels(2)
def plot_health_check(result: HealthCheckResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the burst of errors against the interval, and one death through time."""
    burst, course = axes
    burst.set(
        title="Errors until the death is noticed",
        xlabel="interval between checks (s)",
        ylabel="failed requests",
    )
    log_axis(burst, "x", 0.5, 30, ticks=(0.5, 1, 2, 5, 10, 30))
    log_axis(burst, "y", 3, 2e4)
    for threshold in (1, 2, 3, 5):
        theory = [
            theory_health_check(
                rate_rps=result.rate_rps,
                servers=result.servers,
                interval_s=t,
                threshold=threshold,
            )["errors"]
            for t in GRID_S.tolist()
        ]
        mine = threshold == result.threshold
        burst.plot(
            GRID_S,
            theory,
            **(style.THEORY | ({} if mine else {"color": style.GHOST, "linewidth": 1.0})),
        )
        style.label(
            burst, 28, theory[-1], str(threshold), style.INK if mine else style.MUTED,
            ha="right", xytext=(0, 6),
        )  # fmt: skip
    low, high = result.errors_spread
    if high > 0:
        burst.plot(
            [result.interval_s] * 2, [max(low, 1.0), high], color=style.SKY, linewidth=5, alpha=0.6
        )
    error_bars(burst, result.interval_s, result.errors, **style.DOTS)
    key(
        burst,
        [
            ("●", "simulated mean; bar: 90 % of deaths", style.BLUE),
            ("--", "theory; number: failed checks it takes", style.INK),
        ],
        left=True,
    )
    most = CAPACITY_RPS * result.servers
    top = step_up(1.55 * most, (350, 500, 800, 1_200, 1_600))
    course.set(
        title="One death, followed",
        xlim=(0, DURATION_S),
        ylim=(0, top),
        xlabel="time (s)",
        ylabel="requests per second",
    )
    seconds = result.time_s.reshape(-1, 4).mean(axis=1)
    lost = (result.dead_rps + result.overload_rps).reshape(-1, 4).mean(axis=1)
    course.fill_between(seconds, 0, lost, color=style.VERMILION, alpha=0.3, linewidth=0)
    course.plot(seconds, lost, color=style.VERMILION, linewidth=1.3, linestyle=(0, (4, 1)))
    answered = result.answered_rps.reshape(-1, 4).mean(axis=1)
    course.plot(seconds, answered, color=style.BLUE, linewidth=1.6)
    course.step(
        result.time_s, CAPACITY_RPS * result.in_rotation, color=style.GREEN, linewidth=1.4,
        where="post", linestyle=(0, (1, 0.8)),
    )  # fmt: skip
    course.axvline(DEATH_S, color=style.MUTED, linewidth=1.0, linestyle=":")
    key(
        course,
        [
            ("—", "answered", style.BLUE),
            ("--", "failed", style.VERMILION),
            ("··", "capacity in rotation", style.GREEN),
        ],
        left=True,
    )


def plot_measured_health_check(result: MeasuredHealthCheck, ax: Axes) -> None:
    """Draw the errors of each real cluster, their mean and theory's."""
    count = result.errors.size
    expected = result.expected["errors"]
    top = step_up(
        1.4 * max(float(result.errors.max()), 2 * expected), (20, 40, 60, 100, 200, 500, 1_000)
    )
    ax.set(
        title="One of three real servers killed, again and again",
        xlim=(0, count + 2.2),
        ylim=(0, top),
        xlabel="cluster, from the longest wait for a check to the shortest",
        ylabel="failed requests",
    )
    ax.set_xticks(range(1, count + 1))
    ax.plot(
        np.arange(count, 0, -1), result.errors, color=style.VERMILION, marker="o", markersize=6,
        linestyle="none", alpha=0.55,
    )  # fmt: skip
    error_bars(ax, count + 1.4, result.mean_errors, **(style.MEASUREMENT | {"markersize": 8}))
    ax.axhline(expected, **style.THEORY)
    style.label(
        ax, count + 1.4, result.mean_errors.high, "mean", style.VERMILION, ha="center",
        xytext=(0, 9),
    )  # fmt: skip
    key(
        ax,
        [
            ("●", "one cluster", style.VERMILION),
            ("--", "theory: λ/n × detection time", style.INK),
        ],
        left=True,
    )
