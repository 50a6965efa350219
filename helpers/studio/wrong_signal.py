"""One bad day, by a small model: Slack, 4 January 2021.

Packets were lost on the way to the backends, so the web servers' threads waited longer; waiting
takes no processor time, and an autoscaler that watches the processor saw servers with little to do
and took some away. Where that stops being true: the sizes below are not published. They are chosen
so that as many servers are missing at seven as were ordered; and there the new servers did not
come, because what prepares them was overloaded, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, shares_axis, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import Mine, Parameters, Result, number, option, takes
from helpers.foundations.prose import percent, rounded, significant

#: What the vendor published: Nolan, "Slack's Outage on January 4th 2021", Slack engineering blog,
#: 1 February 2021. Minutes since 6:00 AM PST.
VENDOR: Mapping[str, float] = {
    "peak_min": 60.0,  # the mini-peak at 7:00 that saturated the web tier
    "ordered": 1_200.0,  # servers, between 7:01 and 7:15
    "network_min": 280.0,  # 10:40, the network is back to normal
}

#: What an autoscaler may watch.
SIGNALS = ("processor", "threads", "both")

_WATCHED_MIN = 6 * 60
_LOST_FROM = 30  # minutes


class Setting(Parameters):
    """Web servers whose threads compute a little and wait a lot, and what watches them."""

    signal: str = option("processor", "The autoscaler watches", of=SIGNALS)
    slower: float = number(5.0, "Waiting takes", unit="times as long", at_least=1, at_most=20,
                           note="While packets are lost.")  # fmt: skip
    boot_min: float = number(5.0, "Time to add a server", unit="min", at_least=1, at_most=60)
    rps: float = number(213_000.0, "Requests", unit="per s", at_least=1_000, at_most=1e6)
    compute_ms: float = number(40.0, "Computing", unit="ms", at_least=1, at_most=500)
    wait_ms: float = number(60.0, "Waiting for backends", unit="ms", at_least=1, at_most=500)

    @property
    def usual(self) -> float:
        """Servers at six in the morning: processors half busy."""
        return self.rps * self.compute_ms / 1e3 / (16 * 0.5)

    def waits_ms(self, minute: int) -> float:
        """How long a request waits for backends, ms, in a minute since 6:00."""
        lost = _LOST_FROM <= minute < VENDOR["network_min"]
        return self.wait_ms * (self.slower if lost else 1.0)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def web_tier(at):
    """Minute by minute: serve with 32 threads and 16 cores a server, then scale."""
    servers, ordered, served, count = at.usual, [], [], []
    for minute in range(6 * 60):
        servers += sum(number for due, number in ordered if due == minute)
        wait = at.waits_ms(minute)
        threads = at.rps * (at.compute_ms + wait) / 1e3 / (32 * servers)  # wanted, as a share
        answered = min(1.0, 1 / threads)
        processor = at.rps * answered * at.compute_ms / 1e3 / (16 * servers)
        by_processor = servers * processor / 0.5
        by_threads = servers * threads / 0.8
        wanted = {"processor": by_processor, "threads": by_threads,
                  "both": max(by_processor, by_threads)}[at.signal]  # fmt: skip
        coming = sum(number for due, number in ordered if due > minute)
        if wanted > servers + coming:
            ordered.append((minute + round(at.boot_min), wanted - servers - coming))
        elif wanted < servers and not coming:
            servers = max(wanted, 0.98 * servers)  # at most 2 % a minute are taken away
        served.append(answered)
        count.append(servers)
    return {"served": served, "servers": count}


@takes(Setting)
def simulate(at: Setting) -> BadDay:
    """Follow six hours from six in the morning on."""
    out = web_tier(at)
    return BadDay(at, served=np.array(out["served"]), servers=np.array(out["servers"]))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The processors' use once threads are all taken; servers needed and missing with the loss."""

    processor: float
    needed: float
    missing: float


def theory(at: Setting) -> Theory:
    """Little's law: busy threads are requests per second times the time that each takes.

    With all threads taken, a server answers 32 per such time, and its processors are used for
    ``32 x computing / (computing + waiting)`` of 16 cores, however many servers there are: below
    the target, an autoscaler takes servers away for as long as there are any.
    """
    whole_s = 1e-3 * (at.compute_ms + at.wait_ms * at.slower)
    needed = at.rps * whole_s / 32
    share = min(1.0, 32 * 1e-3 * at.compute_ms / whole_s / 16)
    return Theory(share, needed, max(0.0, needed - at.usual))


# --- what it says ---------------------------------------------------------------------------------


class BadDay(Result):
    """Requests that are served, as a share, and servers, at each minute since 6:00."""

    at: Setting
    served: np.ndarray
    servers: np.ndarray

    @property
    def lost(self) -> float:
        """Share of six hours' requests that are not served."""
        return float(1 - self.served.mean())

    @property
    def at_seven(self) -> float:
        """Servers at seven."""
        return float(self.servers[60])

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "servers_at_six": rounded(self.at.usual),
            "servers_at_seven": rounded(self.at_seven),
            "needed_theory": rounded(exact.needed),
            "missing_of_those_at_six": rounded(exact.missing),
            "ordered_vendor": VENDOR["ordered"],
            "not_served_percent": rounded(100 * self.lost),
            "processor_when_threads_are_taken_percent": rounded(100 * exact.processor),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        watches = "the processor and the threads" if at.signal == "both" else f"the {at.signal}"
        return (
            f"While packets are lost, {significant(exact.needed)} servers are needed by Little's "
            f"law. There are {significant(at.usual)} at six; the autoscaler watches {watches}, and "
            f"at seven there are {significant(self.at_seven)}. Of six hours' requests "
            f"{percent(self.lost)} are not served."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "what": ["servers missing, or ordered from 7:01 to 7:15"],
            "this model": [theory(self.at).missing],
            "Slack": [VENDOR["ordered"]],
        }


@style.panels(2)
def plot(run: BadDay, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the number of servers, and the share of the requests that are served."""
    at, (ax, served) = run.at, axes
    exact = theory(at)
    hours = 6 + np.arange(run.served.size) / 60
    lost = 6 + np.array([_LOST_FROM, VENDOR["network_min"]]) / 60
    ax.plot(hours, run.servers, **style.SIMULATION)
    ax.plot(lost, [exact.needed] * 2, **style.THEORY)
    ax.set_ylim(0, coarse(1.5 * max(float(run.servers.max()), exact.needed)))
    ax.set_title("Servers")
    ax.set_ylabel("servers")
    key(ax, [("▬", "there are", style.BLUE), ("╌", "needed", style.INK)], left=True, x=0.97)
    served.plot(hours, run.served, **style.SIMULATION)
    served.set_ylim(-0.04, 1.4)
    shares_axis(served, 4)
    served.set_title("Requests that are served")
    served.set_ylabel("share")
    for each in axes:
        each.axvspan(*lost, color=style.FAINT, linewidth=0, alpha=0.6)
        each.set_xlim(6, 12)
        each.set_xlabel("time of day (gray: packets are lost)")
    if mine is not None:
        some = np.arange(15, 6 * 60, 30)
        yours(ax, 6 + some / 60, np.asarray(mine["servers"])[some])
        yours(served, 6 + some / 60, np.asarray(mine["served"])[some])
