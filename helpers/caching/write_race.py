"""Two writers of one key: write-through is slower, and still leaves the cache wrong now and then.

Writes come in bursts to one key. Each commits in the database and reaches the cache a random
moment later, so that an older value can arrive last. Where that stops being true: a cache can
compare versions only while it has one; if it evicts the entry between two writes, the late one is
stored without objection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, log_axis, named_axis, yours
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded, significant

#: How long an update takes from the database to the cache.
DELAYS = ("exponential", "constant")

#: What keeps the cache in the database's order.
FIXES = ("none", "compare versions")

#: Writes under way at once at which the curve is simulated.
CROWDS = np.geomspace(0.0005, 20, 17)

_BURST = 384  # writes before the last one; older ones have long arrived
_SHOWN = 8  # writes of the burst in the picture


class Setting(Parameters):
    """Servers that write one key through to database and cache, many at once."""

    write_rps: float = number(20.0, "Writes to the key", unit="writes/s", above=0)
    delay_s: float = number(
        0.02,
        "Mean delay to the cache",
        unit="s",
        above=0,
        note="From a write's commit in the database to its arrival in the cache.",
    )
    delay: str = option("exponential", "The delay is", of=DELAYS)
    fix: str = option(
        "none",
        "Fix",
        of=FIXES,
        note="Comparing versions, the cache refuses a value older than its own.",
    )
    ttl_s: float = number(300.0, "Time to live", unit="s", above=0)
    replications: int = replications(1_000, note="Bursts of writes, each ending in a last one.")
    seed: int = seed()

    @property
    def crowd(self) -> float:
        """Mean number of writes under way at once: rate times delay."""
        return self.write_rps * self.delay_s

    @property
    def can_race(self) -> bool:
        """Whether a write can overtake another and be believed."""
        return self.delay == "exponential" and self.fix == "none"


# --- the model: one burst after the other ---------------------------------------------------------


def bursts_of_writes(at, draw):
    """Commit in order, store in the cache in order of arrival, and look at the end."""
    bursts, writes, wrong = 200, round(20 * at.write_rps * at.delay_s) + 20, 0
    for _ in range(bursts):
        committed = np.cumsum(draw("gaps").exponential(1 / at.write_rps, writes))
        delays = draw("delays").exponential(at.delay_s, writes)
        if at.delay == "constant":
            delays[:] = at.delay_s
        cached = -1
        for version in np.argsort(committed + delays, kind="stable"):
            if at.fix == "none" or version > cached:
                cached = version
        wrong += cached != writes - 1
    return {"stale_share": wrong / bursts}


# --- the same, fast: all bursts and all crowds at once --------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> WriteRace:
    """Draw when earlier writes committed, before the last one, and how long each is under way."""
    ages, delays, last = _draws(at.replications, at.seed)
    if at.delay == "constant":
        delays, last = np.ones_like(delays), np.ones_like(last)

    def ends_stale(crowd: float) -> np.ndarray:
        if at.fix == "compare versions":
            return np.zeros(at.replications, dtype=bool)
        # In units of the delay: some earlier write arrives after the last one does. Writes more
        # than 20 mean delays old have all arrived, but for a chance of exp(-20) each.
        recent = math.ceil(20 * crowd + 6 * math.sqrt(20 * crowd) + 6)
        arrives: np.ndarray = (delays[:, :recent] - ages[:, :recent] / crowd).max(axis=1) > last
        return arrives

    stale = ends_stale(at.crowd)
    shown = int(stale.argmax())
    commit_s = -np.append(0.0, ages[shown, : _SHOWN - 1])[::-1] / at.write_rps
    under_way = np.append(last[shown], delays[shown, : _SHOWN - 1])[::-1]
    cached_s = commit_s + at.delay_s * under_way
    return WriteRace(
        at,
        commit_s=commit_s,
        cached_s=cached_s,
        kept=int(cached_s.argmax()) if at.fix == "none" else _SHOWN - 1,
        stale_share=np.array([ends_stale(each).mean() for each in CROWDS]),
        stale_here=float(stale.mean()),
    )


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages of the earlier writes at the last commit, and all delays, on unit scales."""
    draw, shape = Draws(seed), (replications, _BURST)
    draws = (
        np.cumsum(draw("gaps").standard_exponential(shape), axis=1),
        draw("delays").standard_exponential(shape),
        draw("last delay").standard_exponential(replications),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, crowd: Any = None) -> Any:
    """Share of the bursts that end stale, at the setting or with other numbers under way.

    ``1 - (1 - exp(-x)) / x`` with ``x = rate x delay``. The last write to commit reaches the cache
    after D. One that committed a earlier overtakes it if its own delay exceeds ``a + D``: such
    writes are Poisson with mean ``rate x integral exp(-(a + D) / delay) da = x exp(-D / delay)``.
    As ``exp(-D / delay)`` is uniform on (0, 1), there are none with probability
    ``(1 - exp(-x)) / x``. With a delay that never varies nothing is overtaken.
    """
    x = np.asarray(at.crowd if crowd is None else crowd, dtype=float)
    share = 1 + np.expm1(-x) / x if at.can_race else np.zeros_like(x)
    return share if share.ndim else float(share)


# --- what it says ---------------------------------------------------------------------------------


class WriteRace(Result):
    """Bursts of write-through writes to one key, and what each leaves in the cache.

    Attributes
    ----------
    commit_s, cached_s : numpy.ndarray, shape (shown,)
        One burst, ending in the wrong value if any did: when its last writes were committed and
        when each reached the cache, seconds before and after the last commit.
    kept : int
        The write whose value the cache keeps, as an index into the two.
    stale_share : numpy.ndarray
        Share of the bursts that end stale with each of :data:`CROWDS` under way.
    stale_here : float
        The same at this rate and delay.
    """

    at: Setting
    commit_s: np.ndarray
    cached_s: np.ndarray
    kept: int
    stale_share: np.ndarray
    stale_here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "writes_under_way": rounded(self.at.crowd),
            "stale_share": rounded(self.stale_here),
            "stale_share_theory": rounded(theory(self.at)),
            "stale_mean_s": rounded(self.stale_here * self.at.ttl_s),
        }

    @property
    def reading(self) -> str:
        if self.stale_here == 0:
            none = f"Not one of {self.at.replications:,} bursts leaves a wrong value in the cache"
            if self.at.can_race:
                return f"{none}, though it could happen."
            refused = ", or are refused" if self.at.fix == "compare versions" else ""
            return f"{none}: updates reach it in the database's order{refused}."
        return (
            f"With {significant(self.at.crowd)} writes under way at once, "
            f"{percent(self.stale_here)} of the bursts leave an older value in the cache than in "
            f"the database, until the time to live of {duration(self.at.ttl_s)} has passed."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "writes under way": CROWDS,
            "bursts that end stale": self.stale_share,
            "theory": theory(self.at, CROWDS),
        }


@style.panels(2, width_ratios=[1.15, 1])
def plot(run: WriteRace, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw one burst on its way from database to cache, and how often bursts end stale."""
    burst, share = axes
    _draw_burst(run, burst)
    _frame_share(share)
    share.plot(CROWDS, 100 * run.stale_share, **style.SIMULATION)
    share.plot(CROWDS, 100 * theory(run.at, CROWDS), **style.THEORY)
    dot(share, run.at.crowd, 100 * run.stale_here)
    if mine is not None:
        yours(share, run.at.crowd, 100 * mine["stale_share"])


def _draw_burst(run: WriteRace, ax: Axes) -> None:
    scale, at = 1e3, run.at  # to milliseconds
    last, kept = run.commit_s.size - 1, run.kept
    lines = [
        [(scale * commit, 0.0), (scale * cached, 1.0)]
        for commit, cached in zip(run.commit_s.tolist(), run.cached_s.tolist(), strict=True)
    ]
    colors = [style.PALE_BLUE] * len(lines)
    colors[last] = style.BLUE
    if kept != last:
        colors[kept] = style.VERMILION
    ax.add_collection(LineCollection(lines, colors=colors, linewidths=2.2))
    for color, (start, end) in zip(colors, lines, strict=True):
        ax.plot(*start, "o", color=color, markersize=6, zorder=4)
        ax.plot(*end, "s", color=color, markersize=6, zorder=4)
    style.label(ax, *lines[last][0], "last in\nthe database", style.BLUE, xytext=(7, -1))
    words = "last in the cache too" if kept == last else "last in the cache"
    style.label(ax, *lines[kept][1], words, colors[kept], xytext=(4, 13), ha="center")
    before = scale * 4 / at.write_rps
    after = scale * max(5 * at.delay_s, 1 / at.write_rps)
    ax.set_xlim(-headroom(before), headroom(after))
    ax.set_ylim(-0.2, 1.3)
    named_axis(ax, "y", ["database", "cache"])
    ax.set_title("Writes to one key, on their way")
    ax.set_xlabel("time since the last commit (ms)")


def _frame_share(ax: Axes) -> None:
    log_axis(ax, "x", CROWDS[0], CROWDS[-1])
    ax.set_ylim(-2, 104)
    ax.set_title("Bursts that leave the cache wrong")
    ax.set_xlabel("writes under way at once (rate × delay)")
    ax.set_ylabel("stale until the TTL ends (% of bursts)")
