"""How many servers, if some of them must be up: k of n, on a quiet day and during a deployment.

Servers are up or down independently. Where that stops being true: a bad version is on all servers
that have it, and the ones that are left when some are down carry more load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint.availability import binomial_at_least
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, percent, ring
from helpers.foundations.experiment import Draws, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.statistics import Interval, rough, wilson_interval

_MOMENTS = 40_000
_MOST = 12  # servers that the picture shows
_MONTH_S = 30 * 86_400
_LEAST = 1e-6  # share of time at which the picture ends
_SELDOM = 1e-8  # below this share of time a sentence says no more than that it is


class Setting(Parameters):
    """Servers, how many the load needs, and how many a deployment takes out at once."""

    servers: int = integer(3, "Servers", at_least=1, at_most=_MOST)
    needed: int = integer(2, "The load needs", unit="of them", at_least=1, at_most=_MOST)
    deploying: int = integer(1, "A deployment takes out", at_least=0, at_most=4)
    up: float = number(0.99, "A server is up for", at_least=0.5, below=1)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Spares:
    """Look at the servers at 40,000 moments, on a quiet day and during a deployment."""
    there = Draws(at.seed)("servers").random((_MOMENTS, at.servers)) < at.up
    quiet = there.sum(axis=1) < at.needed
    during = there[:, at.deploying :].sum(axis=1) < at.needed
    return Spares(
        at,
        quiet=wilson_interval(int(quiet.sum()), _MOMENTS),
        during=wilson_interval(int(during.sum()), _MOMENTS),
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, servers: int | None = None, *, deploying: int = 0) -> float:
    """Return the share of time in which fewer than needed are up: a binomial tail.

    It is summed over those that are down; one minus the rest would be lost in rounding.
    """
    n = max(0, (at.servers if servers is None else servers) - deploying)
    return 1.0 if n < at.needed else binomial_at_least(n - at.needed + 1, n, 1 - at.up)


# --- what it says ---------------------------------------------------------------------------------


class Spares(Result):
    """Share of the time in which too few servers are up, on a quiet day and while deploying."""

    at: Setting
    quiet: Interval
    during: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        at = self.at
        return {
            "too_few_percent": rounded(100 * self.quiet.estimate),
            "too_few_theory_percent": rounded(100 * theory(at)),
            "too_few_deploying_percent": rounded(100 * self.during.estimate),
            "too_few_deploying_theory_percent": rounded(100 * theory(at, deploying=at.deploying)),
        }

    @property
    def reading(self) -> str:
        at = self.at
        first = f"{counted(at.servers, 'server')}, {at.needed} needed"
        quiet, during = theory(at), theory(at, deploying=at.deploying)
        if quiet == 1:
            return f"{first}: there are too few even when all of them are up."
        less = "less than " if quiet < _SELDOM else ""
        said = (
            f"{first}: too few are up for {_in_words(quiet)} of the time "
            f"({less}{duration(max(quiet, _SELDOM) * _MONTH_S)} a month) on quiet days"
        )
        few = self._rough(quiet, during)
        if not at.deploying:
            return f"{said}, and a deployment that takes out none changes nothing.{few}"
        out = f"while a deployment has {at.deploying} of them"
        if during == 1:
            return f"{said}, and always {out}.{few}"
        return f"{said}, and for {_in_words(during)} {out}.{few}"

    def _rough(self, quiet: float, during: float) -> str:
        """Say of which error bars that are drawn too few moments are behind."""
        rare = rough(_MOMENTS * during, "such moments, deploying or not,")
        if rare and self.during.estimate:
            return rare
        return rough(_MOMENTS * quiet, "such moments on quiet days") if self.quiet.estimate else ""

    @property
    def columns(self) -> Mapping[str, Any]:
        sizes, at = np.arange(1, _MOST + 1), self.at
        return {
            "servers": sizes,
            "too few, quiet": [theory(at, n) for n in sizes.tolist()],
            "too few, deploying": [theory(at, n, deploying=at.deploying) for n in sizes.tolist()],
        }


def _in_words(share: float) -> str:
    return "less than a millionth of a percent" if share < _SELDOM else in_percent(share)


def plot(run: Spares, ax: Axes) -> None:
    """Draw the share of the time in which too few are up, against how many there are."""
    at, sizes = run.at, np.arange(1, _MOST + 1)
    log_axis(ax, "y", _LEAST, 2, text=percent)
    for look, deploying, interval in (
        (style.DOTS, 0, run.quiet),
        (style.DOTS | {"color": style.PURPLE, "marker": "^"}, at.deploying, run.during),
    ):
        expected = np.array([theory(at, n, deploying=deploying) for n in sizes.tolist()])
        shown = np.maximum(expected, _LEAST / 10)
        ax.plot(sizes, shown, **style.THEORY | {"color": look["color"]})
        if interval.estimate > _LEAST:
            error_bars(ax, at.servers, interval, **look)
            ring(ax, at.servers, interval.estimate)
    here(ax, at.servers)
    ax.set_xlim(0.5, _MOST + 0.5)
    ax.set_xticks(sizes)
    key(ax, [("●", "on a quiet day", style.BLUE), ("▲", "while deploying", style.PURPLE)])
    ax.set_title(f"Share of the time with fewer than {at.needed} up")
    ax.set_xlabel("servers")
