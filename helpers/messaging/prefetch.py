"""Prefetch: how many messages must be on their way to keep a distant consumer busy.

A broker sends a consumer messages until so many are not yet acknowledged, and then waits. Where
that stops being true: the queue here never runs empty and there is one consumer; with several,
what one has prefetched the others cannot take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, ring, yours
from helpers.foundations.drawing.scales import half_decade
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, rounded
from helpers.foundations.queueing import mva

#: Prefetch counts at which the curves are simulated.
COUNTS = (1, 2, 3, 5, 8, 13, 20, 30, 50, 80, 130, 200)
WORKS = ("constant", "exponential")

_MESSAGES, _SETTLED = 3_300, 300


class Setting(Parameters):
    """A broker, a consumer some way off, and a queue that is never empty."""

    prefetch: int = integer(1, "Prefetch", unit="messages", at_least=1, at_most=200)
    one_way_ms: float = number(50.0, "Way to the consumer", unit="ms", at_least=0, at_most=1_000,
                               note="Acknowledgements take as long for the way back.")  # fmt: skip
    work_ms: float = number(4.0, "Mean work of a message", unit="ms", above=0, at_most=1_000)
    work: str = option("constant", "Work is", of=WORKS)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_consumer(at, draw):
    """Send a message whenever fewer than `prefetch` are unacknowledged; do them in order."""
    way_s, work_s = at.one_way_ms / 1000, at.work_ms / 1000
    acknowledged = []  # when the broker hears that each is done
    done = busy_s = held_s = 0.0
    for n in range(1_500):
        sent = acknowledged[n - at.prefetch] if n >= at.prefetch else 0.0
        there = sent + way_s
        start = max(there, done)  # the consumer may have others before it
        takes_s = draw("work").exponential(work_s) if at.work == "exponential" else work_s
        done = start + takes_s
        acknowledged.append(done + way_s)
        if n >= 300:  # the first ones set out together
            busy_s += takes_s
            held_s += start - there
        else:
            began = done
    return {"busy": busy_s / (done - began), "held_ms": 1000 * held_s / 1_200}


# --- the same, fast: all prefetch counts side by side ---------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Prefetch:
    """Let 3,300 messages go back and forth, at twelve prefetch counts and at the one asked for."""
    draw = Draws(at.seed)
    work = np.full(_MESSAGES, 1.0)
    if at.work == "exponential":
        work = draw("work").exponential(1.0, _MESSAGES)
    pairs = [_followed(at, count, 1e-3 * at.work_ms * work) for count in (*COUNTS, at.prefetch)]
    busy, held = np.array(pairs).T
    return Prefetch(at, busy[:-1], held[:-1], float(busy[-1]), float(held[-1]))


def _followed(at: Setting, count: int, work_s: np.ndarray) -> tuple[float, float]:
    """Share of the time that the consumer is busy, and how long a message lies with it, seconds."""
    back_s = 2e-3 * at.one_way_ms
    there = [0.0] * count
    ends = []
    done = held = 0.0
    for n, takes_s in enumerate(work_s.tolist()):
        came = there[n]
        start = came if came > done else done
        done = start + takes_s
        ends.append(done)
        there.append(done + back_s)
        if n >= _SETTLED:
            held += start - came
    busy = float(work_s[_SETTLED:].sum()) / (done - ends[_SETTLED - 1])
    return busy, held / (_MESSAGES - _SETTLED)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of the time that the consumer is busy, and mean time a message waits there, seconds."""

    busy: float
    held_s: float


def theory(at: Setting, prefetch: int | None = None) -> Theory:
    """Busy min(1, n W / (W + 2 D)) of the time, if all messages take the same.

    With random work the n messages go round in a closed network: a way of 2 D and one server;
    its mean value analysis is exact (Reiser and Lavenberg, *Journal of the ACM* 27, 1980).
    """
    count = at.prefetch if prefetch is None else prefetch
    way_s, work_s = 2e-3 * at.one_way_ms, 1e-3 * at.work_ms
    if at.work == "constant":
        busy = min(1.0, count * work_s / (work_s + way_s))
        return Theory(busy, max(0.0, (count - 1) * work_s - way_s))
    network = mva([work_s], count, way_s)
    rate = float(network.throughput_rps[-1])
    return Theory(rate * work_s, count / rate - way_s - work_s)


def enough(at: Setting) -> int:
    """The least prefetch that keeps the consumer always busy, if all messages take the same.

    Round trip over work: Sackman, "Some queuing theory: throughput, latency and bandwidth",
    RabbitMQ blog, 11 May 2012.
    """
    return math.ceil((at.work_ms + 2 * at.one_way_ms) / at.work_ms - 1e-9)


# --- what it says ---------------------------------------------------------------------------------


class Prefetch(Result):
    """Share of the time busy, and time held, at :data:`COUNTS` (arrays) and at ``at.prefetch``."""

    at: Setting
    busy: np.ndarray
    held_s: np.ndarray
    busy_here: float
    held_here_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "busy_percent": rounded(100 * self.busy_here),
            "theory_busy_percent": rounded(100 * exact.busy),
            "held_ms": rounded(1e3 * self.held_here_s),
            "theory_held_ms": rounded(1e3 * exact.held_s),
            "enough_messages": enough(self.at),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        filled = f"{counted(enough(at), 'message')} {'fill' if enough(at) > 1 else 'fills'} it"
        filled += " if all take the same"
        return (
            f"With a prefetch of {at.prefetch} the consumer is busy "
            f"{percent(self.busy_here)} of the time (theory: {percent(exact.busy)}), and a message "
            f"lies with it for {duration(self.held_here_s)} before its turn (theory: "
            f"{duration(exact.held_s)}). {filled}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [theory(self.at, count) for count in COUNTS]
        return {
            "prefetch": COUNTS,
            "busy (%)": 100 * self.busy,
            "theory (%)": [100 * one.busy for one in each],
            "held (ms)": 1e3 * self.held_s,
            "theory (ms)": [1e3 * one.held_s for one in each],
        }


@style.panels(2)
def plot(run: Prefetch, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw how busy the consumer is, and how long messages lie with it, against the prefetch."""
    at, (ax, held) = run.at, axes
    each = [theory(at, count) for count in COUNTS]
    for panel in axes:
        log_axis(panel, "x", 0.9, 220, ticks=(1, 3, 10, 30, 100))
        panel.set_xlabel("prefetch (messages)")
        here(panel, at.prefetch)
    ax.plot(COUNTS, [100 * one.busy for one in each], **style.THEORY)
    ax.plot(COUNTS, 100 * run.busy, **style.DOTS)
    ring(ax, at.prefetch, 100 * run.busy_here)
    ax.set_ylim(0, 108)
    ax.set_ylabel("consumer busy (%)")
    ax.set_title("Too few: it waits for the network")
    held.plot(COUNTS, [1e3 * one.held_s for one in each], **style.THEORY)
    held.plot(COUNTS, 1e3 * run.held_s, **style.DOTS)
    ring(held, at.prefetch, 1e3 * run.held_here_s)
    held.set_ylim(0, half_decade(1.1e3 * max(each[-1].held_s, 1e-3 * at.work_ms)))
    held.set_ylabel("a message lies there for (ms)")
    held.set_title("Too many: messages wait for it")
    if mine is not None:
        yours(ax, at.prefetch, 100 * mine["busy"])
        yours(held, at.prefetch, mine["held_ms"])
