"""Where a system is vulnerable: the same trigger at every load, and what is left long after it.

The storm as a fluid. A trigger takes away a share of the server's capacity for some seconds, gives
it back, and clients who waited too long ask again. Where that stops being true: a fluid has no
chance, so close to the boundaries a real system can go either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, ring, shares_axis
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Parameters, Result, integer, number, takes
from helpers.foundations.prose import duration, rounded, significant

#: Loads of the curve, as shares of the capacity; when the trigger comes; how long is watched.
LOADS = np.arange(1, 50) / 50
TRIGGER_S, WATCHED_S = 10.0, 250.0

_STEPS = 4  # in a second, and in a client's patience at least


class Setting(Parameters):
    """A server, clients who ask again, and a trigger."""

    load: float = number(0.7, "Load", unit="of capacity", above=0, below=1)
    attempts: int = integer(2, "Attempts of a request", at_least=1, at_most=6)
    cut: float = number(1.0, "Capacity taken away", at_least=0, at_most=1)
    cut_s: float = number(10.0, "For", unit="s", at_least=0, at_most=60)
    timeout_s: float = number(1.0, "A client waits", unit="s", at_least=1, at_most=10)


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Threshold:
    """Follow the fluid at every load at once, in steps of a quarter of a second or less."""
    curve = _fluid(at.but(load=0.5), tuple(LOADS.tolist()))
    course = _fluid(at, (at.load,))
    return Threshold(
        at,
        time_s=course.time_s,
        answered=curve.answered[-_last(at) :].mean(axis=0),
        answered_here=course.answered[:, 0],
        attempts_here=course.attempts[:, 0],
    )


def _last(at: Setting) -> int:
    """How many steps the last ten seconds are."""
    return round(10 * _patience(at) / at.timeout_s)


def _patience(at: Setting) -> int:
    """How many steps a client waits."""
    return max(_STEPS, round(_STEPS * at.timeout_s))


class _Course(NamedTuple):
    """Time; share of each step's requests that is answered; attempts over capacity."""

    time_s: np.ndarray
    answered: np.ndarray
    attempts: np.ndarray


@lru_cache(maxsize=16)
def _fluid(at: Setting, loads: tuple[float, ...]) -> _Course:
    """Let requests flow in, wait in one line, and flow in again if they were not served in time.

    What came in a step is late as far as it has not been served one patience later: cumulative
    arrivals then less cumulative service now.
    """
    waits = _patience(at)
    step_s = at.timeout_s / waits
    count = round(WATCHED_S / step_s)
    new = np.array(loads) * step_s  # in seconds of work, at full capacity
    sent = np.zeros((count, at.attempts, new.size))  # by attempt
    came, served = np.zeros((2, new.size))
    came_until = np.zeros((count, new.size))
    failed = np.zeros((count, new.size))
    begins, ends = round(TRIGGER_S / step_s), round((TRIGGER_S + at.cut_s) / step_s)
    for now in range(count):
        sent[now, 0] = new
        if now >= waits:
            then = now - waits
            all_of_them = sent[then].sum(axis=0)
            late = np.clip((came_until[then] - served) / all_of_them, 0, 1)
            sent[now, 1:] = late * sent[then, :-1]
            failed[now] = late * sent[then, -1]
        came = came + sent[now].sum(axis=0)
        came_until[now] = came
        room = step_s * (1 - at.cut if begins <= now < ends else 1.0)
        served = np.minimum(served + room, came)
    patience = at.attempts * waits
    answered = np.ones((count, new.size))
    answered[: count - patience] = 1 - failed[patience:] / new
    time_s = step_s * (np.arange(count - patience) + 0.5)
    attempts = sent.sum(axis=1) / step_s
    return _Course(time_s, answered[: count - patience], attempts[: count - patience])


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float:
    """Load from which on a dead state keeps itself up, as a share of the capacity: 1 / attempts.

    Below it even all attempts of all requests fit. Bronson et al., HotOS 2021.
    """
    return 1 / at.attempts


# --- what it says ---------------------------------------------------------------------------------


class Threshold(Result):
    """What is left long after the trigger, at each of `LOADS`, and the course at the chosen load.

    Attributes
    ----------
    answered : numpy.ndarray, shape (loads,)
        Share of the requests that is answered in the last ten seconds.
    time_s, answered_here, attempts_here : numpy.ndarray, shape (steps,)
        At the chosen load: time, share of the requests that is answered, attempts over capacity.
    """

    at: Setting
    time_s: np.ndarray
    answered: np.ndarray
    answered_here: np.ndarray
    attempts_here: np.ndarray

    @property
    def at_end(self) -> float:
        """Share that is answered in the last ten seconds at the chosen load."""
        return float(self.answered_here[-_last(self.at) :].mean())

    @property
    def back_s(self) -> float:
        """How long after the trigger the last request is given up, seconds; 0 if none is."""
        bad = np.flatnonzero(self.answered_here < 0.999)
        after = self.time_s[bad[-1]] - TRIGGER_S - self.at.cut_s if bad.size else 0.0
        return max(0.0, float(after))

    @property
    def first_dead(self) -> float:
        """Lowest of `LOADS` at which fewer than half are answered in the end; else 1."""
        dead = LOADS[self.answered < 0.5]
        return float(dead[0]) if dead.size else 1.0

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "answered_at_end_percent": rounded(100 * self.at_end),
            "back_s": rounded(self.back_s),
            "vulnerable_from_load_theory": rounded(theory(self.at)),
            "lowest_dead_load": rounded(self.first_dead),
        }

    @property
    def reading(self) -> str:
        at, vulnerable = self.at, theory(self.at)
        load, bound = (f"{significant(100 * share)} %" for share in (at.load, vulnerable))
        where = (
            f"below the {bound} from which on a dead state could last"
            if at.load < vulnerable
            else f"above the {bound} from which on a dead state can last"
            if at.load > vulnerable
            else f"just the {bound} from which on a dead state can last"
        )
        if self.at_end < 0.5:
            watched = duration(WATCHED_S - TRIGGER_S - at.cut_s)
            what = f"{watched} after the trigger hardly anything is answered"
        elif (self.answered_here < 0.999).any():
            what = (
                f"the last request that fails comes {duration(self.back_s)} after the trigger"
                if self.back_s
                else "requests fail only while the trigger lasts"
            )
        else:
            what = "the trigger is too weak to make a single request fail"
        return f"The load is {load} of the capacity, {where}; {what}."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"load": LOADS, "answered in the end": self.answered}


@style.panels(2, width_ratios=[1, 1.1])
def plot(run: Threshold, axes: tuple[Axes, Axes]) -> None:
    """Draw what is left at each load, and the course of the chosen one."""
    curve, course = axes
    at = run.at
    curve.axvspan(theory(at), 1, color=style.PALE_RED, linewidth=0)
    curve.axvline(theory(at), **style.THEORY)
    curve.plot(LOADS, np.ones(LOADS.size), color=style.GHOST, linewidth=1.4)
    curve.plot(LOADS, run.answered, marker=".", **style.SIMULATION)
    here(curve, at.load)
    ring(curve, at.load, run.at_end)
    curve.set_xlim(0, 1)
    curve.set_ylim(-0.04, 1.4)
    shares_axis(curve)
    curve.set_title("Answered, long after the trigger")
    curve.set_xlabel("load, as a share of the capacity")
    curve.set_ylabel("requests that are answered")
    key(curve, [("▬", "before the trigger", style.MUTED), ("▬", "long after it", style.BLUE),
                ("■", "vulnerable, says theory", "#b04a10")], x=0.98, left=True)  # fmt: skip

    course.plot(run.time_s, run.attempts_here, **style.SIMULATION)
    course.plot(run.time_s, at.load * run.answered_here, color=style.GREEN, linewidth=1.6)
    ends = [0, TRIGGER_S, TRIGGER_S, TRIGGER_S + at.cut_s, TRIGGER_S + at.cut_s, WATCHED_S]
    room = [1, 1, 1 - at.cut, 1 - at.cut, 1, 1]
    course.plot(ends, room, color=style.MUTED, linewidth=1.2)
    course.axhline(at.load * at.attempts, **style.THEORY)
    course.set_xlim(0, 120)
    course.set_ylim(0, headroom(1.25 * max(1.0, at.load * at.attempts)))
    course.set_title("The chosen load, second by second")
    course.set_xlabel("time (s)")
    course.set_ylabel("over the full capacity")
    key(course, [("▬", "attempts", style.BLUE), ("▬", "answered requests", style.GREEN),
                 ("▬", "the server can do", style.MUTED),
                 ("╌", "attempts, if nobody is answered", style.INK)])  # fmt: skip
