"""A surprise, played on a design: what was asked, and what was answered in time.

An afternoon of 18 seconds; the surprise comes at the fifth and is over at the eleventh. Where that
stops being true: clients ask once here. Real ones press reload, and bring a slow system more
traffic than a fast one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint import (
    AppServers,
    Cache,
    Database,
    Design,
    DesignResult,
    Fault,
    LoadBalancer,
    Traffic,
    flash_crowd,
    kill,
    simulate_design,
    slow,
    spike,
)
from helpers.blueprint.simulation.rules import OK
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Parameters, Result, anything, option, seed, takes
from helpers.foundations.prose import counted, duration, percent, significant
from helpers.why.shop import my_shop

#: When the surprise comes and when it is over, and the length of a run, seconds.
BEGIN_S, UNTIL_S, END_S = 5.0, 11.0, 18.0
#: A request counts if it is answered within this time, seconds; those sent later than so long
#: before the end of the run cannot be judged.
IN_TIME_S = 1.0
JUDGED_S = END_S - IN_TIME_S
#: A design has survived if at least this share of its requests was answered in time.
SURVIVED = 0.99

_SLOTS = 34  # of half a second each

_Surprise = Callable[[Design], tuple[Traffic | None, Sequence[Fault]] | None]


def _dies(kind: type) -> _Surprise:
    def surprise(design: Design) -> tuple[None, list[Fault]] | None:
        found = design.of(kind)  # of a database the primary
        if not found:
            return None
        return None, [kill(found[0].instances[0], at_s=BEGIN_S, until_s=UNTIL_S)]

    return surprise


def _slows(kind: type, factor: float) -> _Surprise:
    def surprise(design: Design) -> tuple[None, list[Fault]] | None:
        found = design.of(kind)
        if not found:
            return None
        return None, [slow(found[0].name, factor=factor, at_s=BEGIN_S, until_s=UNTIL_S)]

    return surprise


def _grows(factor: float) -> _Surprise:
    return lambda _: (spike(at_s=BEGIN_S, length_s=UNTIL_S - BEGIN_S, factor=factor), [])


#: The deck: what happens to a design; None where it cannot happen.
DECK: dict[str, _Surprise] = {
    "nothing": lambda _: (None, []),
    "an app server dies": _dies(AppServers),
    "the balancer dies": _dies(LoadBalancer),
    "the database primary dies": _dies(Database),
    "the cache dies": _dies(Cache),
    "the database gets 4 times slower": _slows(Database, 4.0),
    "traffic doubles": _grows(2.0),
    "you are on the news": lambda _: (
        flash_crowd(at_s=BEGIN_S, rise_s=1.0, fade_s=2.0, factor=4.0),
        [],
    ),
}


def _a_design(name: str, value: Any) -> Design:
    if not isinstance(value, Design):
        raise TypeError(f"{name} must be a Design, got {value!r} ({type(value).__name__})")
    return value


def design(words: str = "Design") -> Any:
    """Declare a parameter that is a design, by default the chapter's shop."""
    return anything("Design", my_shop(), words, check=_a_design, note="With an open stream.")


class Setting(Parameters):
    """A design, and what happens to it."""

    design: Design = design()
    surprise: str = option("an app server dies", "Surprise", of=tuple(DECK))
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Afternoon:
    """Run the design; all surprises meet the same traffic.

    A surprise that cannot happen, as there is nothing that could die, leaves the traffic alone.
    """
    return Afternoon(at, run=_run(at))


@lru_cache(maxsize=192)
def _run(at: Setting) -> DesignResult:
    traffic, faults = DECK[at.surprise](at.design) or (None, [])
    return simulate_design(
        at.design, traffic=traffic, faults=faults, duration_s=END_S, seed=at.seed
    )


# --- what it says ---------------------------------------------------------------------------------


class Afternoon(Result):
    """What became of every request of the run."""

    at: Setting
    run: DesignResult

    @property
    def happens(self) -> bool:
        """Whether the surprise can happen to the design."""
        return DECK[self.at.surprise](self.at.design) is not None

    @property
    def in_time(self) -> np.ndarray:
        """Which requests were answered in time, shape (requests,)."""
        taken = self.run.done_s - self.run.sent_s
        return np.asarray((self.run.outcome == OK) & (taken <= IN_TIME_S))

    @property
    def judged(self) -> np.ndarray:
        """Which requests were sent early enough to be judged, shape (requests,)."""
        return np.asarray(self.run.sent_s <= JUDGED_S)

    @property
    def share(self) -> float:
        """Share of the requests answered in time; 1 if there were none."""
        return float(self.in_time[self.judged].mean()) if self.judged.any() else 1.0

    @property
    def survived(self) -> bool:
        """Whether enough of them were."""
        return self.share >= SURVIVED

    @property
    def rates(self) -> dict[str, np.ndarray]:
        """Requests sent, and answered in time, per second: each half second that is judged."""
        edges = np.linspace(0, JUDGED_S, _SLOTS + 1)
        sent, width = self.run.sent_s, JUDGED_S / _SLOTS
        return {
            "time_s": (edges[1:] + edges[:-1]) / 2,
            "sent_rps": np.histogram(sent, edges)[0] / width,
            "in_time_rps": np.histogram(sent[self.in_time], edges)[0] / width,
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        response = self.run.response_s
        found: dict[str, float | int | str] = {
            "sent": int(self.judged.sum()),
            "in_time": int(self.in_time[self.judged].sum()),
            "in_time_percent": 100 * self.share,
            "failed": self.run.failed + self.run.dropped,
        }
        if response.size:
            found["p99_ms"] = 1e3 * float(np.percentile(response, 99))
        return found

    @property
    def reading(self) -> str:
        card = self.at.surprise[0].upper() + self.at.surprise[1:]
        if not self.happens:
            card = f"{card}, but this design has none"
        verdict = "survived" if self.survived else "did not survive"
        return (
            f"{card}: {significant(100 * self.share)} % of "
            f"{counted(int(self.judged.sum()), 'request')} were answered within "
            f"{duration(IN_TIME_S)}, so the design {verdict} ({100 * SURVIVED:.0f} % "
            f"wanted){self._afterwards}."
        )

    @property
    def _afterwards(self) -> str:
        """What to say of requests that went wrong once the surprise was over."""
        late = self.run.sent_s[~self.in_time & self.judged]
        if not late.size or self.at.surprise == "nothing" or not self.happens:
            return ""
        if late[-1] <= UNTIL_S:
            return "; when it was over all was well again at once"
        if late[-1] > JUDGED_S - 0.5:
            return f"; {duration(JUDGED_S - UNTIL_S)} after it was over requests still went wrong"
        ends = duration(float(late[-1]) - UNTIL_S, 2)
        return f"; the last request to go wrong was sent {ends} after it was over"

    @property
    def columns(self) -> Mapping[str, Any]:
        rates = self.rates
        return {
            "time (s)": rates["time_s"],
            "sent (1/s)": rates["sent_rps"],
            "answered in time (1/s)": rates["in_time_rps"],
        }


def plot(run: Afternoon, ax: Axes) -> None:
    """Draw the requests sent and those answered in time, before, during and after a surprise."""
    rates = run.rates
    ax.set_title("What was asked, and what was answered in time")
    ax.set_xlim(0, JUDGED_S)
    peak = float(rates["sent_rps"].max(initial=0.0))
    ax.set_ylim(0, step_up(peak / 0.85, (50, 100, 200, 400, 800, 1_600, 4_000)))
    ax.set_xlabel("time (s)")
    ax.set_ylabel("requests per second, by when they were sent")
    if run.at.surprise != "nothing" and run.happens:
        ax.axvspan(BEGIN_S, UNTIL_S, color=style.FAINT, alpha=0.6, linewidth=0)
    time_s = rates["time_s"]
    ax.fill_between(
        time_s, rates["in_time_rps"], rates["sent_rps"], color=style.VERMILION, alpha=0.35,
        linewidth=0, step="mid",
    )  # fmt: skip
    ax.step(time_s, rates["sent_rps"], color=style.MUTED, where="mid", linewidth=1.4)
    ax.step(time_s, rates["in_time_rps"], where="mid", **style.SIMULATION)
    note(ax, 0.02, 0.97, "— sent", style.MUTED)
    note(ax, 0.02, 0.9, "— answered within 1 s", style.BLUE)
    note(ax, 0.02, 0.83, "filled: let down", style.VERMILION)
    verdict = "✓" if run.survived else "✗"
    note(ax, 0.33, 0.97, f"{verdict} {run.at.surprise}: {percent(run.share)} in time", style.INK)
