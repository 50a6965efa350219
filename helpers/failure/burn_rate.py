"""When the pager goes off: burn rates over long and short windows, and what they cost at night.

An error budget is spent evenly at a burn rate of 1. Alerts compare the burn rate of the last hour,
six hours or three days with a threshold. Where that stops being true: a service with a handful of
requests an hour has no rate to speak of; there one error is a whole window's budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.failure.alerts import ALERTS, DAY_MIN, NAIVE, QUIET_MIN, Alert
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, plain, ring, time_axis, yours
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import counted, duration, finite_or, percent, rounded, significant

_SHARES = np.geomspace(5e-4, 1, 160)


class Setting(Parameters):
    """A service, its promise, and an incident."""

    errors: float = number(0.1, "Incident: requests that fail", above=0, at_most=1)
    lasts_h: float = number(6.0, "It lasts", unit="h", above=0, at_most=96)
    slo_percent: float = number(99.9, "Promised", unit="%", at_least=90, at_most=99.99)
    rps: float = number(10.0, "Requests", unit="per s", at_least=0.02, at_most=1_000)
    usual: float = number(0.3, "Usual burn rate", at_least=0, below=1)
    seed: int = seed()

    @property
    def budget(self) -> float:
        """Share of requests that may fail."""
        return 1 - self.slo_percent / 100

    @property
    def lasts_min(self) -> int:
        """How long the incident lasts, whole minutes, at least one."""
        return max(1, round(60 * self.lasts_h))


# --- the model: what the page shows, and a learner changes ----------------------------------------


def rates(at, asked, failed, minutes):
    """Return the burn rate of the last so many minutes, minute by minute."""
    asked, failed = np.cumsum(asked), np.cumsum(failed)
    asked[minutes:] -= asked[:-minutes].copy()
    failed[minutes:] -= failed[:-minutes].copy()
    return failed / np.maximum(asked, 1e-9) / at.budget


def goes_off(at, alert, asked, failed):
    """Return, minute by minute, whether an alert is on: long and short window must agree."""
    long = rates(at, asked, failed, alert.long_min) >= alert.threshold
    short = rates(at, asked, failed, alert.short_min) >= alert.threshold
    return long & short


def one_month(at, draw):
    """Thirty quiet days, then the incident: when does each alert go off, and how often before?"""
    minutes = QUIET_MIN + at.lasts_min
    share = np.full(minutes, at.usual * at.budget)
    share[QUIET_MIN:] = at.errors
    asked = draw("requests").poisson(60 * at.rps, minutes).astype(float)
    failed = draw("errors").binomial(asked.astype(int), share).astype(float)
    out = {}
    for alert in (*ALERTS, NAIVE):
        on = goes_off(at, alert, asked, failed)
        begins = np.flatnonzero(on & ~np.append(False, on[:-1]))
        settled = (begins >= alert.long_min) & (begins < QUIET_MIN)
        during = np.flatnonzero(on[QUIET_MIN:])
        out[alert.name] = during[0] + 1 if during.size else math.nan
        out[f"false {alert.name}"] = settled.sum()
    return out


@takes(Setting)
def simulate(at: Setting) -> BurnRate:
    """Play one month and one incident, minute by minute."""
    out = one_month(at, Draws(at.seed))
    every = (*ALERTS, NAIVE)
    return BurnRate(
        at,
        seen_min={alert.name: float(out[alert.name]) for alert in every},
        false={alert.name: int(out[f"false {alert.name}"]) for alert in every},
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, alert: Alert, errors: Any = None) -> Any:
    """Return after how many minutes an alert goes off if errors come evenly; nan if it never does.

    The long window holds mostly quiet minutes at first: it takes ``window x (threshold - usual) /
    (burn rate - usual)`` minutes until it is bad enough. Beyer et al., 2018, chapter 5, with a
    usual burn rate of 0.
    """
    burn = np.asarray(at.errors if errors is None else errors, float) / at.budget
    above = burn - at.usual
    with np.errstate(divide="ignore", invalid="ignore"):
        takes = alert.long_min * (alert.threshold - at.usual) / above
    return np.where(burn >= alert.threshold, takes, math.nan)


def budget_spent(alert: Alert) -> float:
    """Return the share of 30 days' budget that is gone when an alert goes off: 2, 5 and 10 %."""
    return alert.threshold * alert.long_min / (30 * DAY_MIN)


# --- what it says ---------------------------------------------------------------------------------


class BurnRate(Result):
    """What each alert did.

    Attributes
    ----------
    seen_min : dict of str to float
        Minutes from the incident's beginning until the alert goes off; nan if it does not.
    false : dict of str to int
        How often it went off in thirty quiet days.
    """

    at: Setting
    seen_min: dict[str, float]
    false: dict[str, int]

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for alert in (*ALERTS, NAIVE):
            name = alert.name
            values[f"{name} (min)"] = finite_or(self.seen_min[name], "does not go off")
            expected = float(theory(self.at, alert))
            values[f"{name}, theory (min)"] = finite_or(rounded(expected), "never")
            values[f"{name}, false alarms"] = self.false[name]
        return values

    @property
    def reading(self) -> str:
        at = self.at
        burn = at.errors / at.budget
        begins = (
            f"{percent(at.errors)} of the requests fail for {duration(60 * at.lasts_min)}, a burn "
            f"rate of {significant(burn)}: "
        )
        seen = {alert.name: self.seen_min[alert.name] for alert in ALERTS}
        known = {name: when for name, when in seen.items() if math.isfinite(when)}
        if known:
            first = min(known, key=lambda name: known[name])
            what = (
                f"the first of the three to go off is “{first}”, after "
                f"{duration(60 * known[first])}"
            )
        else:
            what = "none of the three goes off"
        false = sum(self.false[alert.name] for alert in ALERTS)
        return (
            f"{begins}{what}. In 30 quiet days they went off {counted(false, 'time')} for nothing, "
            f"and the alert on five minutes {counted(self.false[NAIVE.name], 'time')}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        every = (*ALERTS, NAIVE)
        return {
            "alert": [alert.name for alert in every],
            "goes off after (min)": [self.seen_min[alert.name] for alert in every],
            "theory (min)": [float(theory(self.at, alert)) for alert in every],
            "false alarms in 30 days": [self.false[alert.name] for alert in every],
            "budget spent by then": [budget_spent(alert) for alert in every],
        }


def plot(run: BurnRate, ax: Axes, mine: Mine | None = None) -> None:
    """Draw how long an incident goes unnoticed against how bad it is."""
    at = run.at
    log_axis(ax, "x", 4e-4, 1.2, ticks=(1e-3, 1e-2, 1e-1, 1), text=_percent)
    time_axis(ax, "y", 30, 1.2e6, ticks=(60, 600, 3_600, 21_600, 86_400, 259_200))
    ax.axhspan(60 * at.lasts_min, 1.2e6, color=style.FAINT, linewidth=0, alpha=0.6)
    for alert in (*ALERTS, NAIVE):
        curve = 60 * theory(at, alert, _SHARES)
        ax.plot(_SHARES, curve, **style.THEORY | {"color": alert.color})
        seen = 60 * run.seen_min[alert.name]
        if math.isfinite(seen):
            ax.plot(at.errors, seen, **style.DOTS | {"color": alert.color})
            if alert is not NAIVE:
                ring(ax, at.errors, seen)
        if mine is not None and math.isfinite(mine[alert.name]):
            yours(ax, at.errors, 60 * mine[alert.name])
    here(ax, at.errors)
    key(ax, [("╌", f"{each.name}: {counted(run.false[each.name], 'false alarm')}", each.color)
             for each in (*ALERTS, NAIVE)])  # fmt: skip
    ax.set_title("How long nobody is told")
    ax.set_xlabel("requests that fail in the incident")
    ax.set_ylabel("until the alert goes off")


def _percent(share: float) -> str:
    return f"{plain(100 * share)} %"
