"""Retries in every layer multiply: what one request at the top becomes at the bottom.

Each layer calls the next, and asks again if that fails; at the bottom a call fails with the same
probability every time. Where that stops being true: failures come in bursts, so the next attempt
fails more often than the last one's share says, and an overloaded bottom fails more the more it is
asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, percent, ring, short, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, rounded, significant
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.statistics import Interval, mean_interval, rough, wilson_interval

_MOST_CALLS, _FEWEST, _MOST = 8_000, 32, 4_000
_LOWEST = 1e-4  # share of failed requests at which the picture ends


class Setting(Parameters):
    """A chain of services, each of which asks the next again when it fails."""

    layers: int = integer(3, "Layers that retry", at_least=1, at_most=4)
    attempts: int = integer(3, "Attempts in each", at_least=1, at_most=5)
    failing: float = number(1.0, "Calls that fail at the bottom", above=0, at_most=1)
    seed: int = seed()

    @property
    def requests(self) -> int:
        """How many are sent: fewer where each becomes many.

        Who calls until a call goes well makes ``1 / (1 - failing)`` calls on average.
        """
        calls = float(self.attempts**self.layers)
        if self.failing < 1:
            calls = min(calls, 1 / (1 - self.failing))
        return max(_FEWEST, min(_MOST, int(_MOST_CALLS / calls)))


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_chain(at, draw):
    """Send requests in at the top, and count the calls that reach the bottom."""
    at_bottom, failed = [], 0

    def call(layer):
        """Return whether a call to this layer goes well; layer 0 is the bottom."""
        if layer == 0:
            at_bottom[-1] += 1
            return draw("faults").random() >= at.failing
        return any(call(layer - 1) for _ in range(at.attempts))  # stops at the first success

    for _ in range(at.requests):
        at_bottom.append(0)
        failed += not call(at.layers)
    return {"calls": np.mean(at_bottom), "failed": failed / at.requests, "each": at_bottom}


@takes(Setting)
def simulate(at: Setting) -> Layers:
    """Send requests down the chain: 4,000, or fewer where each becomes many."""
    out = one_chain(at, Draws(at.seed))
    failed = wilson_interval(round(out["failed"] * at.requests), at.requests)
    return Layers(at, calls=mean_interval(out["each"]), failed=failed)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Calls at the bottom for a request at the top, and the share of requests that fails."""

    calls: Any
    failed: Any


def theory(at: Setting, failing: Any = None) -> Theory:
    """Multiply the attempts of each layer, from the bottom up.

    A layer whose calls fail with probability q makes ``1 + q + ... + q^(a-1)`` of them, and fails
    itself with ``q^a``; all together are one layer with ``attempts^layers`` attempts. Beyer et
    al., *Site Reliability Engineering*, 2016, chapter 22, have 4 attempts in 3 layers.
    """
    q = np.asarray(at.failing if failing is None else failing, float)
    calls = np.ones_like(q)
    for _ in range(at.layers):
        calls = calls * sum(q**n for n in range(at.attempts))
        q = q**at.attempts
    return Theory(calls, q)


# --- what it says ---------------------------------------------------------------------------------


class Layers(Result):
    """Calls at the bottom for a request at the top, and the share of requests that fails."""

    at: Setting
    calls: Interval
    failed: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "requests": self.at.requests,
            "calls_at_the_bottom": rounded(self.calls.estimate),
            "calls_theory": rounded(float(exact.calls)),
            "calls_at_most": self.at.attempts**self.at.layers,
            "failed_percent": rounded(100 * self.failed.estimate),
            "failed_percent_theory": rounded(100 * float(exact.failed)),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        rare = float(exact.failed) < 1e-6
        expected = "fewer than one in a million" if rare else in_percent(float(exact.failed))
        shown = 0 < self.failed.estimate < 1
        few = rough(at.requests * float(exact.failed), "such failures") if shown else ""
        return (
            f"{counted(at.layers, 'layer')} with {counted(at.attempts, 'attempt')} each: when "
            f"{in_percent(at.failing)} of the calls at the bottom fail, a request becomes "
            f"{amount(self.calls.estimate, 'call')} there on average (theory "
            f"{significant(float(exact.calls))}, at worst {at.attempts**at.layers:,}), and "
            f"{in_percent(self.failed.estimate)} of the requests fail (theory "
            f"{expected}).{few}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, _SHARES)
        return {
            "calls that fail": _SHARES,
            "calls at the bottom": exact.calls,
            "requests that fail": exact.failed,
        }


_SHARES = np.linspace(0, 1, 101)


@style.panels(2)
def plot(run: Layers, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw calls at the bottom, and requests that fail, against the share of calls that fails."""
    calls, failed = axes
    at, exact = run.at, theory(run.at, _SHARES)
    log_axis(calls, "y", 0.8, 1_000, text=short)
    calls.plot(_SHARES, exact.calls, **style.THEORY)
    error_bars(calls, at.failing, run.calls, **style.DOTS)
    ring(calls, at.failing, run.calls.estimate)
    calls.set_title("Calls at the bottom for one request")
    calls.set_ylabel("calls")
    log_axis(failed, "y", _LOWEST, 2, text=percent)
    failed.plot(_SHARES, np.maximum(exact.failed, _LOWEST / 10), **style.THEORY)
    failed.plot(_SHARES[1:], _SHARES[1:], color=style.GHOST, linewidth=1.4)
    style.label(failed, 0.12, 0.12, "one call, no retry", style.MUTED, xytext=(4, 36))
    if run.failed.estimate > 0:
        error_bars(failed, at.failing, run.failed, **style.DOTS)
        ring(failed, at.failing, run.failed.estimate)
    failed.set_title("Share of the requests that fails")
    for ax in axes:
        ax.set_xlim(0, 1.03)
        ax.set_xlabel("share of the calls that fails at the bottom")
        here(ax, at.failing)
    if mine is not None:
        yours(calls, at.failing, mine["calls"])
        yours(failed, at.failing, np.maximum(mine["failed"], 1.2 * _LOWEST))
