"""A chain of services: how often it can answer, called in a row or with a queue in between.

Services and the queue fail and are repaired independently; a repair takes an hour on average.
Where that stops being true: what shares a rack, a certificate or a deploy fails together; and with
a queue the user hears *accepted*, not *done*.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, percent
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
from helpers.foundations.statistics import Intervals, mean_intervals

#: Lengths of chain that the picture shows.
LENGTHS = np.arange(1, 13)

HOURS_A_YEAR = 8_766.0
_HISTORIES, _CYCLES = 12, 60


class Setting(Parameters):
    """Services that call one another in a row."""

    services: int = integer(5, "Services in the chain", at_least=1, at_most=12)
    availability: float = number(
        0.99,
        "Availability of each",
        at_least=0.9,
        at_most=0.9999,
        note="Of each service, and of the queue.",
    )
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Chain:
    """Let services fail and be repaired, and count when a chain of them can answer.

    Thirteen independent parts (twelve services and a queue) go through 60 failures each, in 12
    histories; times up and down are exponential. A history lasts as long as its shortest part.
    """
    ups, downs = _failures(at.seed)
    up_h = at.availability / (1 - at.availability)
    failing = np.cumsum(ups * up_h, axis=2)
    failing[:, :, 1:] += np.cumsum(downs, axis=2)[:, :, :-1]
    repaired = failing + downs
    direct = np.empty((_HISTORIES, LENGTHS.size))
    queued = np.empty((_HISTORIES, LENGTHS.size))
    for history in range(_HISTORIES):
        horizon = float(repaired[history, :, -1].min())
        spans = [
            (np.minimum(f, horizon), np.minimum(r, horizon))
            for f, r in zip(failing[history], repaired[history], strict=True)
        ]
        direct[history] = [share / horizon for share in union_lengths(spans[:-1])]
        queued[history] = union_lengths([spans[-1], spans[0]])[1] / horizon
    return Chain(at, mean_intervals(direct), mean_intervals(queued))


def union_lengths(spans: list[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """Return the length covered by the first, the first two, ... of some sets of intervals."""
    lengths = []
    starts = ends = np.empty(0)
    for begin, end in spans:
        order = np.argsort(np.concatenate([starts, begin]), kind="stable")
        all_starts = np.concatenate([starts, begin])[order]
        all_ends = np.maximum.accumulate(np.concatenate([ends, end])[order])
        fresh = np.concatenate([[True], all_starts[1:] > all_ends[:-1]])
        starts = all_starts[fresh]
        ends = all_ends[np.append(np.flatnonzero(fresh)[1:] - 1, all_ends.size - 1)]
        lengths.append(float((ends - starts).sum()))
    return lengths


@lru_cache(maxsize=4)
def _failures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw, shape = Draws(seed), (_HISTORIES, LENGTHS.size + 1, _CYCLES)
    failures, repairs = (draw(name).standard_exponential(shape) for name in ("failures", "repairs"))
    failures.setflags(write=False)
    repairs.setflags(write=False)
    return failures, repairs


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Availability of a chain in a row, and with a queue after the first; floats, or arrays."""

    direct: Any
    queued: Any


def theory(at: Setting, services: Any = None) -> Theory:
    """How often a chain can answer, at the setting or of other lengths.

    What must all work at once, independently, works with the product of the availabilities. The
    queue counts as one more such part, and what comes after it may rest.
    """
    count = at.services if services is None else np.asarray(services)
    return Theory(at.availability**count, at.availability**2 * (count / count))


# --- what it says ---------------------------------------------------------------------------------


class Chain(Result):
    """Share of the time that a chain is down, for each of :data:`LENGTHS`.

    Attributes
    ----------
    direct, queued : Intervals
        Each calls the next; with a queue after the first, only this one and the queue have to
        work.
    """

    at: Setting
    direct: Intervals
    queued: Intervals

    @property
    def _down(self) -> tuple[float, float]:
        """Shares of the time that the learner's chain is down."""
        i = self.at.services - 1
        return float(self.direct.estimate[i]), float(self.queued.estimate[i])

    @property
    def summary(self) -> dict[str, float | int | str]:
        (direct, queued), exact = self._down, theory(self.at)
        return {
            "direct_down_h_per_year": HOURS_A_YEAR * direct,
            "direct_theory_h_per_year": HOURS_A_YEAR * (1 - float(exact.direct)),
            "queued_down_h_per_year": HOURS_A_YEAR * queued,
            "queued_theory_h_per_year": HOURS_A_YEAR * (1 - float(exact.queued)),
        }

    @property
    def reading(self) -> str:
        exact, each = theory(self.at), significant(100 * self.at.availability, 5)
        direct, queued = (duration(3_600 * HOURS_A_YEAR * share) for share in self._down)
        up = [significant(100 * float(share), 5) for share in exact]
        if self.at.services == 1:
            return (
                f"One service that is up {each} % of the time is down {direct} a year (theory: up "
                f"{up[0]} %) and {queued} when it has to reach a queue as well (up {up[1]} %)."
            )
        others = "the second is" if self.at.services == 2 else "all but the first are"
        return (
            f"A chain of {self.at.services} that are up {each} % of the time is down {direct} a "
            f"year when they call one another (theory: up {up[0]} %) and {queued} when {others} "
            f"behind a queue (up {up[1]} %)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, LENGTHS)
        return {
            "services": LENGTHS,
            "down, in a row (%)": 100 * self.direct.estimate,
            "theory, in a row (%)": 100 * (1 - exact.direct),
            "down, with a queue (%)": 100 * self.queued.estimate,
            "theory, with a queue (%)": 100 * (1 - exact.queued),
        }


def plot(run: Chain, ax: Axes) -> None:
    """Draw the share of the time that a chain is down, called in a row and with a queue."""
    ax.set(
        title="Down if any of them is down",
        xlim=(0.5, 12.5),
        xlabel="services in the chain",
        ylabel="share of the time down",
    )
    ax.set_xticks(range(1, 13))
    log_axis(ax, "y", 5e-5, 1, text=percent)
    exact = theory(run.at, LENGTHS)
    for interval, up, colour, marker in (
        (run.direct, exact.direct, style.BLUE, "o"),
        (run.queued, exact.queued, style.GREEN, "s"),
    ):
        ax.plot(LENGTHS, 1 - up, **style.THEORY)
        error_bars(ax, LENGTHS, interval, **(style.DOTS | {"color": colour, "marker": marker}))
    here(ax, run.at.services)
    names = [
        ("●", "each calls the next", style.BLUE),
        ("■", "a queue after the first", style.GREEN),
        ("--", "product of availabilities", style.INK),
    ]
    key(ax, names, left=True)
