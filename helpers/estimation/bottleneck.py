"""Fix the bottleneck, and it moves: a closed system on a ladder of fixes.

Random balancing, exponential times and servers that hold no thread while others work: a network of
product form, for which theory is exact. Where that stops being true: locks, connection pools and
threads that wait make a server's ceiling depend on the one behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.estimation.fix_ladder import (
    COMPONENTS,
    FAILURES,
    FIXES,
    MOST_USERS,
    THINK_S,
    ClosedDesign,
    ladder,
    solved,
    steps,
)
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring, yours
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.experiment import Mine, Parameters, Result, integer, option, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, batch_means

#: Populations that are simulated.
USERS = (40, 120, 300, 600)

_COUNTED = 1_000  # requests after the warm-up

#: Where users queue, what a run does is remembered for about a think time; shorter runs than this
#: are too short for ten batches.
_SHORT_S = 4 * THINK_S


class Setting(Parameters):
    """A system that has had some fixes, and perhaps lost a part."""

    fixes: int = integer(0, "Fixes made", at_least=0, at_most=len(FIXES) - 1)
    users: int = integer(100, "Users", at_least=1, at_most=MOST_USERS)
    failure: str = option("nothing", "What has failed", of=FAILURES)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def slowest_part(at):
    """Ask of each part how many requests a second it can take; the lowest number is the ceiling."""
    servers = (1, 3, 3, 6, 6, 12)[at.fixes]
    replicas = 2 if at.fixes >= 4 else 0
    hits = 0.8 if at.fixes >= 2 else 0.0  # of the reads, found in the cache
    if at.failure == "a server" and servers > 1:
        servers -= 1
    if at.failure == "a replica" and replicas:
        replicas -= 1
    if at.failure == "the cache":
        hits = 0.0
    reads, writes = 0.8 * (1 - hits), 0.2  # that reach the database, of each request
    ceilings = {"app": servers / 0.0125}
    if replicas:  # they take the reads, the primary takes the writes
        ceilings["db"] = min(2 * replicas / (reads * 0.020), 2 / (writes * 0.020))
    else:
        ceilings["db"] = 2 / ((reads + writes) * 0.020)
    return {"ceiling_rps": min(ceilings.values()), **ceilings}


@takes(Setting)
def simulate(at: Setting) -> Iterator[Bottleneck]:
    """Simulate one population after the other; the first frame has theory alone."""
    simulated: dict[int, Interval] = {}
    yield Bottleneck(at, {})
    for users in USERS:
        simulated[users] = _throughput(at.fixes, at.failure, users, at.seed)
        yield Bottleneck(at, dict(simulated))


def _rate_rps(at: Setting, users: int) -> float:
    """Roughly the throughput: no more than the slowest part can take."""
    return float(min(users / THINK_S, slowest_part(at)["ceiling_rps"]))


def _watched_s(at: Setting, users: int) -> float:
    return max(_COUNTED, users) / _rate_rps(at, users)


@lru_cache(maxsize=256)
def _throughput(fixes: int, failure: str, users: int, seed: int) -> Interval:
    """Requests answered per second, from ten batches of one run."""
    at = Setting(fixes=fixes, failure=failure)
    # Where users queue, all of them have asked and waited four times before counting begins.
    warm_up_s = 4 * (users / _rate_rps(at, users) + THINK_S)
    window_s = _watched_s(at, users)
    run = blueprint.simulate_design(
        ladder(fixes, failure, users),
        duration_s=warm_up_s + window_s,
        warm_up_s=warm_up_s,
        seed=seed,
    )
    done = run.done_s[run.outcome == 0]
    edges = np.linspace(warm_up_s, warm_up_s + window_s, 101)
    return batch_means(np.histogram(done, edges)[0] / (window_s / 100), batches=10)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> ClosedDesign:
    """Return the exact throughput at the setting for 1 to 600 users, and its bounds."""
    return solved(at.fixes, at.failure)


# --- what it says ---------------------------------------------------------------------------------


_NAMES = {"app": "the servers", "cache": "the cache", "db": "the database"}
_SATURATES = {
    "app": "The servers saturate",
    "cache": "The cache saturates",
    "db": "The database saturates",
}


class Bottleneck(Result):
    """Throughput with each number of users simulated so far, requests per second."""

    at: Setting
    simulated: dict[int, Interval]

    @property
    def theory(self) -> ClosedDesign:
        """The exact solution, and the bounds."""
        return theory(self.at)

    @property
    def inside(self) -> int:
        """How many of the simulated intervals hold the exact throughput."""
        exact = self.theory.throughput_rps
        return sum(span.contains(exact[n - 1]) for n, span in self.simulated.items())

    @property
    def summary(self) -> dict[str, float | int | str]:
        row = self.at.users - 1
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
        row, exact = self.at.users - 1, self.theory
        known = ""
        if self.simulated:
            known = (
                f" Theory lies inside {self.inside} of {len(self.simulated)} simulated 95 % "
                f"intervals.{self._rough}"
            )
        people = "1 user gets" if self.at.users == 1 else f"{self.at.users} users get"
        return (
            f"{self._moved}{_SATURATES[exact.bottleneck]} first, at "
            f"{significant(exact.ceiling_rps)} requests/s; {people} "
            f"{significant(exact.throughput_rps[row])} requests/s and "
            f"{'waits' if self.at.users == 1 else 'wait'} "
            f"{duration(float(exact.response_s[row]))} for each.{known}"
        )

    @property
    def _rough(self) -> str:
        """Say where batches are too short to be independent: with the most users."""
        most = USERS[-1]
        if most not in self.simulated or most < self.theory.knee_users:
            return ""
        if _watched_s(self.at, most) >= _SHORT_S:
            return ""
        return (
            f" The run with {most} users is too short for the interval to hold the truth in 95 % "
            "of all cases."
        )

    @property
    def _moved(self) -> str:
        """What the last fix, or the failure, did to the ceiling."""
        at, exact, whole = self.at, self.theory, steps()[self.at.fixes]
        if at.failure == "nothing":
            if not at.fixes:
                return ""
            before = steps()[at.fixes - 1]
            gain = significant(exact.ceiling_rps / before.ceiling_rps)
            raised = f"The step to {FIXES[at.fixes]} raised the ceiling {gain} times"
            if before.bottleneck == exact.bottleneck:
                return f"{raised}. "
            names = [_NAMES[one.bottleneck] for one in (before, exact)]
            return f"{raised} and moved the bottleneck from {names[0]} to {names[1]}. "
        if at.failure == "a server" and not at.fixes:
            return "Without its only server the system serves nobody; here it still has it. "
        if (at.failure == "the cache" and at.fixes < 2) or (
            at.failure == "a replica" and at.fixes < 4
        ):
            return f"After so many fixes the system has no {at.failure.split()[1]} to lose. "
        if exact.ceiling_rps < whole.ceiling_rps * (1 - 1e-9):
            return (
                f"Without {at.failure} the ceiling falls from {significant(whole.ceiling_rps)} to "
                f"{significant(exact.ceiling_rps)} requests/s. "
            )
        return f"Losing {at.failure} costs no throughput here. "

    @property
    def columns(self) -> Mapping[str, Any]:
        climbed = steps()[: self.at.fixes + 1]
        columns: dict[str, Any] = {
            "step": FIXES[: self.at.fixes + 1],
            "bottleneck": [step.bottleneck for step in climbed],
        }
        for part in COMPONENTS:
            ceilings = [step.capacities_rps.get(part) for step in climbed]
            columns[f"{part} ceiling (rps)"] = [
                "none" if ceiling is None else significant(ceiling) for ceiling in ceilings
            ]
        return columns


_PART_LOOKS = {
    "app": (style.BLUE, "o", "-", "servers"),
    "cache": (style.GREEN, "s", (0, (1, 1.2)), "cache"),
    "db": (style.VERMILION, "^", (0, (6, 2)), "database"),
}


@style.panels(2)
def plot(run: Bottleneck, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw each component's ceiling along the fixes that were made, and throughput against users.

    What the next fix would do is not shown before it is made.
    """
    ladder, curve = axes
    at, exact, climbed = run.at, run.theory, steps()[: run.at.fixes + 1]
    ladder.set_title("Each fix lifts one ceiling")
    ladder.set_xlim(-0.35, len(FIXES) - 0.35)
    log_axis(ladder, "y", 50, 2_000, ticks=(50, 100, 200, 500, 1_000, 2_000))
    ladder.set_xticks(range(len(FIXES)), [name.replace(" ", "\n") for name in FIXES], fontsize=8)
    ladder.set_ylabel("ceiling (requests/s)")
    here(ladder, at.fixes)
    _draw_moves(ladder, at.fixes)
    for part in ("app", "db"):  # the cache never binds
        color, marker, line, name = _PART_LOOKS[part]
        ceilings = [step.capacities_rps[part] for step in climbed]
        ladder.step(range(len(climbed)), ceilings, color=color, marker=marker, linestyle=line,
                    where="mid", markersize=6)  # fmt: skip
        style.label(ladder, 0, ceilings[0], name, color, xytext=(-8, -12 if part == "app" else 10))
    low = [step.ceiling_rps for step in climbed]
    ladder.plot(range(len(climbed)), low, color=style.INK, marker="o", markersize=13,
                markerfacecolor="none", linestyle="none", markeredgewidth=1.5)  # fmt: skip
    if at.failure != "nothing":
        ladder.plot([at.fixes], [exact.ceiling_rps], color=style.INK, marker="x",
                    markersize=9, markeredgewidth=2.4, linestyle="none")  # fmt: skip
        style.label(ladder, at.fixes, exact.ceiling_rps, "after the failure", style.INK,
                    ha="right" if at.fixes > 2 else "left",
                    xytext=(-8 if at.fixes > 2 else 8, -12))  # fmt: skip

    curve.set_title("Throughput: bounds, exact, simulated")
    curve.set_xlim(0, 620)
    curve.set_ylim(0, 620)
    curve.set_xlabel("users")
    curve.set_ylabel("throughput (requests/s)")
    curve.plot(exact.users, exact.bound_rps, color=style.GHOST, linewidth=1.6)
    curve.plot(exact.users, exact.throughput_rps, **style.THEORY)
    style.label(curve, 600, exact.ceiling_rps, "bound", style.MUTED, ha="right", xytext=(0, 9))
    shown = [n for n in USERS if n in run.simulated]
    if shown:
        error_bars(curve, shown, [run.simulated[n] for n in shown], **style.DOTS)
    here(curve, at.users)
    ring(curve, at.users, exact.throughput_rps[at.users - 1])
    if mine is not None:
        yours(ladder, at.fixes, mine["ceiling_rps"])
        yours(curve, at.users, min(mine["ceiling_rps"], 620.0))


def _draw_moves(ax: Axes, fixes: int) -> None:
    """Let each fix so far be gone back to, and the next one be made, by a click."""
    for step, name in enumerate(FIXES[: fixes + 2]):
        label = name if step <= fixes else f"next fix: {name}"
        clickable(ax, "fixes", label, step - 0.45, 52, step + 0.45, 1_900, value=step)
    for step in range(fixes + 1, len(FIXES)):
        ax.text(step, 300, "?", ha="center", va="center", fontsize=20, color=style.GHOST)
    if fixes + 1 < len(FIXES):
        ax.axvspan(
            fixes + 0.55, fixes + 1.45, facecolor=style.FAINT, alpha=0.5, linewidth=0, zorder=0
        )
        style.label(ax, fixes + 1, 300, "click to\nmake it", style.MUTED, ha="center", va="top",
                    xytext=(0, -14))  # fmt: skip
