"""One store in three contexts: what waiting, refusing and being wrong cost a bank, a feed, a game.

Three replicas with the delays of `quorum`, of which one is down now and then. Every way to choose R
and W has a price in each context, and the cheapest is another one. Where that stops being true: the
prices are the context's owner's to say, and a wrong answer does not always cost the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint.availability import binomial_at_least
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, log_axis, marks, named_axis, ring
from helpers.foundations.drawing.axes import short as in_few
from helpers.foundations.experiment import Draws, Parameters, Result, number, option, seed, takes
from helpers.foundations.prose import listed, percent, rounded, significant
from helpers.tradeoffs import quorum
from helpers.tradeoffs.wars import FITS

#: The ways to choose R and W of three replicas.
WAYS = tuple(product((1, 2, 3), repeat=2))

#: For a million operations: what a stale read, a refusal and a millisecond of waiting cost, US$.
CONTEXTS: Mapping[str, dict[str, float]] = {
    "A bank": {"stale_usd": 5.0, "refused_usd": 0.5, "wait_usd": 1e-5, "reads": 0.5},
    "A feed": {"stale_usd": 1e-5, "refused_usd": 0.01, "wait_usd": 1e-4, "reads": 0.95},
    "A game": {"stale_usd": 0.01, "refused_usd": 0.001, "wait_usd": 1e-3, "reads": 0.5},
}


class Setting(Parameters):
    """What each fault costs, and what the replicas are like."""

    stale_usd: float = number(5.0, "A stale read costs", unit="US$", at_least=0)
    refused_usd: float = number(0.5, "A refusal costs", unit="US$", at_least=0)
    wait_usd: float = number(1e-5, "A millisecond costs", unit="US$", at_least=0)
    reads: float = number(0.5, "Share of reads", at_least=0, at_most=1)
    down_percent: float = number(1.0, "A replica is down for", unit="% of the time",
                                 at_least=0, at_most=50)  # fmt: skip
    fit: str = option("LNKD-DISK", "Delays", of=FITS)
    seed: int = seed()


#: Moments at which a simulation looks how many replicas are up.
MOMENTS = 400_000


@lru_cache(maxsize=16)
def _raced(fit: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean latency of reads and of writes, ms, and share of stale reads, for each of `WAYS`."""
    runs = [
        quorum.simulate(fit=fit, read_quorum=r, write_quorum=w, after_ms=0.0, seed=seed)
        for r, w in WAYS
    ]
    read_ms, write_ms = np.array([run.mean_ms for run in runs]).T
    return read_ms, write_ms, np.array([run.stale_at_once.estimate for run in runs])


@takes(Setting)
def simulate(at: Setting) -> Contexts:
    """Race reads with writes for each R and W, let replicas fail, and price what comes out."""
    read_ms, write_ms, stale = _raced(at.fit, at.seed)
    up = Draws(at.seed)("replicas").binomial(3, 1 - at.down_percent / 100, MOMENTS)
    short = {k: float((up < k).mean()) for k in (1, 2, 3)}
    refused = np.array([at.reads * short[r] + (1 - at.reads) * short[w] for r, w in WAYS])
    return Contexts(
        at,
        waiting=1e6 * at.wait_usd * (at.reads * read_ms + (1 - at.reads) * write_ms),
        refused=1e6 * at.refused_usd * refused,
        stale=1e6 * at.stale_usd * at.reads * stale,
    )


def theory(at: Setting) -> np.ndarray:
    """Return what refusals cost for each of `WAYS`, US$ for a million operations.

    An operation is refused if fewer replicas are up than it waits for; binomial.
    """
    up = 1 - at.down_percent / 100
    short = {k: 1 - binomial_at_least(k, 3, up) for k in (1, 2, 3)}
    each = [at.reads * short[r] + (1 - at.reads) * short[w] for r, w in WAYS]
    return 1e6 * at.refused_usd * np.array(each)


class Contexts(Result):
    """What a million operations cost for each of `WAYS`, US$; arrays of shape (9,)."""

    at: Setting
    waiting: np.ndarray
    refused: np.ndarray
    stale: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All three together."""
        return self.waiting + self.refused + self.stale

    @property
    def best(self) -> tuple[int, int]:
        """R and W that cost least; of equals the first."""
        r, w = WAYS[int(self.total.argmin())]
        return r, w

    @property
    def summary(self) -> dict[str, float | int | str]:
        i = int(self.total.argmin())
        return {
            "best_r": self.best[0],
            "best_w": self.best[1],
            "total_usd": rounded(self.total[i]),
            "waiting_usd": rounded(self.waiting[i]),
            "refused_usd_simulated": rounded(self.refused[i]),
            "refused_usd_theory": rounded(float(theory(self.at)[i])),
            "stale_usd": rounded(self.stale[i]),
            "worst_usd": rounded(self.total.max()),
        }

    @property
    def reading(self) -> str:
        (r, w), total = self.best, self.total
        i, worst = int(total.argmin()), int(total.argmax())
        if not total.max():
            return "Nothing costs anything here, and every way is as good as the others."
        said = (
            f"Cheapest is R = {r}, W = {w}: a million operations cost {significant(total[i])} US$"
        )
        if total[i]:
            parts = [
                f"{percent(float(part[i] / total[i]))} {name}"
                for part, name in (
                    (self.waiting, "for waiting"),
                    (self.refused, "for refusals"),
                    (self.stale, "for stale reads"),
                )
            ]
            said += f", {listed(parts)}"
        return (
            f"{said}. R = {WAYS[worst][0]}, W = {WAYS[worst][1]} costs most, "
            f"{significant(total[worst])} US$."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "R, W": [f"{r}, {w}" for r, w in WAYS],
            "waiting (US$)": self.waiting,
            "refusals (US$)": self.refused,
            "refusals, theory (US$)": theory(self.at),
            "stale reads (US$)": self.stale,
            "together (US$)": self.total,
        }


def plot(run: Contexts, ax: Axes) -> None:
    """Draw what each way costs, and the cheapest."""
    places, least = np.arange(len(WAYS)), 0.1
    log_axis(ax, "y", least, 2e7, ticks=(1, 100, 1e4, 1e6), text=in_few)
    bars(ax, places, np.maximum(run.total - least, 0), 0.8, start=least, facecolor=style.FAINT)
    exact = theory(run.at)
    for part, color, marker in (
        (run.waiting, style.BLUE, "o"),
        (run.refused, style.INK, "x"),
        (run.stale, style.VERMILION, "o"),
    ):
        shown = part > least
        ax.plot(places[shown], part[shown], color=color, marker=marker, linestyle="none")
    marks(ax, places, np.where(exact > least, exact, np.nan), 0.5)
    best = int(run.total.argmin())
    if run.total[best] > least:
        ring(ax, best, run.total[best])
    named_axis(ax, "x", [f"{r}, {w}" for r, w in WAYS], places)
    key(ax, [("●", "waiting", style.BLUE)], x=0.25)
    key(ax, [("x", "refusals", style.INK)], x=0.45)
    key(ax, [("●", "stale reads", style.VERMILION)], x=0.70)
    key(ax, [("○", "cheapest", style.INK)], x=0.98)
    ax.set_title("A million operations (US$)")
    ax.set_xlabel("R, W of three replicas")
