"""The visibility timeout: too short and work is done twice, too long and a crash is noticed late.

Consumers take messages, some die with one in hand, and what is not deleted in time is seen again.
Where that stops being true: a timeout that is prolonged while work goes on (a heartbeat) is short
and long at once; and here a consumer that dies is replaced in no time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring, yours
from helpers.foundations.drawing.scales import half_decade
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded
from helpers.foundations.statistics import Intervals, mean_intervals, wilson_intervals

#: Timeouts at which the curves are simulated, in mean work times.
TIMEOUTS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0)

_MESSAGES = 500  # of a run


class Setting(Parameters):
    """A queue that hides what it hands out, and more consumers than it ever needs."""

    visibility_s: float = number(30.0, "Visibility timeout", unit="s", above=0, at_most=43_200,
                                 note="SQS: 30 s by default, at most 12 h.")  # fmt: skip
    work_s: float = number(10.0, "Mean work of a message", unit="s", above=0, at_most=3_600)
    dies: float = number(0.05, "Consumers that die with a message", at_least=0, at_most=0.5)
    consumers: int = integer(40, "Consumers", at_least=1, at_most=1_000)
    rate_rps: float = number(1.0, "Messages", unit="per s", above=0, at_most=100)
    replications: int = replications(8)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def seen_again(at, draw):
    """Let consumers take messages; hide each meanwhile, and show it again if it is not deleted."""
    world = simpy.Environment()
    queue = simpy.Store(world)
    published, took_s, effects, deleted, in_hand = {}, {}, {}, set(), set()

    def traffic():
        for message in range(300):
            yield world.timeout(draw("messages").exponential(1 / at.rate_rps))
            published[message] = world.now
            queue.put(message)

    def hidden(message):
        yield world.timeout(at.visibility_s)
        if message not in deleted:
            queue.put(message)

    def consumer():
        while True:
            message = yield queue.get()
            if message in deleted:
                continue
            world.process(hidden(message))
            if draw("deaths").random() < at.dies:
                continue  # it dies, with the message; another consumer takes its place
            in_hand.add(message)
            yield world.timeout(draw("work").exponential(at.work_s))
            in_hand.discard(message)
            effects[message] = effects.get(message, 0) + 1
            took_s.setdefault(message, world.now - published[message])
            deleted.add(message)

    world.process(traffic())
    for _ in range(at.consumers):
        world.process(consumer())
    world.run()
    twice = sum(times > 1 for times in effects.values()) / 300
    return {"twice": twice, "took_s": np.mean([*took_s.values()]), "never": 1 - len(took_s) / 300}


# --- the same, fast: where a free consumer is always there, messages do not meet ------------------


@takes(Setting)
def simulate(at: Setting) -> Visibility:
    """Follow messages one by one, at eight timeouts and at the one asked for."""
    draw = Draws(at.seed)
    size = (at.replications, _MESSAGES)
    work = draw("work").standard_exponential((_deliveries(at), *size))
    dies = draw("deaths").random(work.shape) < at.dies
    work = np.where(dies, np.inf, work)
    timeouts = np.array([*TIMEOUTS, at.visibility_s / at.work_s])
    each = [_followed(work, timeout) for timeout in timeouts.tolist()]
    # Messages do not meet, so that each of them counts for itself.
    twice = wilson_intervals((int(done.sum()) for done, _ in each), work[0].size)
    took_s = mean_intervals(at.work_s * np.array([took.mean(axis=-1) for _, took in each]).T)
    here_ = slice(len(TIMEOUTS), None)
    return Visibility(
        at, twice=twice[: len(TIMEOUTS)], took_s=took_s[: len(TIMEOUTS)],
        twice_here=twice[here_], took_here_s=took_s[here_],
    )  # fmt: skip


def _deliveries(at: Setting) -> int:
    """How many deliveries of one message to draw: the next is needed once in ten million times."""
    shortest = min(*TIMEOUTS, at.visibility_s / at.work_s)
    alone = 4 + math.ceil(math.sqrt(32 / shortest))
    return min(60, alone + (math.ceil(16 / -math.log(at.dies)) if at.dies else 0))


def _followed(work: np.ndarray, timeout: float) -> tuple[np.ndarray, np.ndarray]:
    """Which messages are done twice, and when each is done; in work times.

    Delivery k begins k timeouts after the first, unless an earlier one has ended by then.
    """
    begins = timeout * np.arange(len(work)).reshape(-1, 1, 1)
    ends = begins + work
    first = ends.min(axis=0)
    done = (np.isfinite(ends) & (begins < first)).sum(axis=0)
    return done > 1, first


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow a few messages; a delivery that is a message's second has a colour of its own."""
    draw = Draws(at.seed)
    log = Log(f"Hidden for {duration(at.visibility_s)}, worked on for {duration(at.work_s)}",
              noun="message")  # fmt: skip
    log.kind("message", "blue").kind("again", "orange")
    log.place("queue", "queue", words="is seen in the queue").place(
        "consumers", "servers", number=64, words="is in the hands of consumer"
    )
    log.place("done", "sink", words="is done").place("buried", "sink", at=(2, 1))
    came = 0.0
    for message in range(14):
        came += float(draw("messages").exponential(2 * at.work_s / 10))
        begin, ended = came, math.inf
        for delivery in range(8):
            if begin >= ended:
                break
            name = f"message {message + 1}" + (", again" if delivery else "")
            name += f" ({delivery + 1})" if delivery > 1 else ""
            log.moves(begin, name, "queue", kind="again" if delivery else "message",
                      what="is seen again" if delivery else "")  # fmt: skip
            begin += 0.02 * at.work_s
            log.moves(begin, name, "consumers")
            work_s = float(draw("work").exponential(at.work_s))
            if draw("deaths").random() < at.dies:
                log.moves(begin + 0.3 * work_s, name, "buried", why="its consumer died")
            else:
                said = "is done a second time" if math.isfinite(ended) else ""
                log.moves(begin + work_s, name, "done", what=said)
                ended = min(ended, begin + work_s)
            begin += at.visibility_s
    return log.counts("consumers", "in work")


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of the messages done more than once, and mean time until a message is done, seconds."""

    twice: float
    took_s: float


def theory(at: Setting, timeout: float | None = None) -> Theory:
    """What exponential work and ever free consumers give, at a timeout in mean work times.

    A delivery ends within s with probability q (1 - exp(-s)), where q is the share that does not
    die. The chance that nothing has ended after k whole timeouts is the product over its k
    deliveries; between two timeouts all that are under way race. Done twice is a message whose
    first end leaves one other under way that will not die.
    """
    v = at.visibility_s / at.work_s if timeout is None else timeout
    q = 1 - at.dies
    took = once = 0.0
    states = {0: 1.0}  # live deliveries under way at the beginning of an interval: chance
    for _ in range(2_000):
        started: dict[int, float] = {}
        for live, chance in states.items():
            started[live] = started.get(live, 0.0) + chance * at.dies
            started[live + 1] = started.get(live + 1, 0.0) + chance * q
        states = {}
        for live, chance in started.items():
            stays = math.exp(-live * v)
            took += chance * (v if live == 0 else (1 - stays) / live)
            once += chance * (1 - stays) * (live == 1)
            states[live] = chance * stays
        states = {live: chance for live, chance in states.items() if chance > 1e-13}
        if not states:
            break
    return Theory(max(0.0, 1 - once), at.work_s * took)


# --- what it says ---------------------------------------------------------------------------------


class Visibility(Result):
    """What a timeout does, at :data:`TIMEOUTS` and (one number each) at the chosen one."""

    at: Setting
    twice: Intervals
    took_s: Intervals
    twice_here: Intervals
    took_here_s: Intervals

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "done_twice_percent": rounded(100 * self.twice_here[0].estimate),
            "theory_done_twice_percent": rounded(100 * exact.twice),
            "until_done_s": rounded(self.took_here_s[0].estimate),
            "theory_until_done_s": rounded(exact.took_s),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        return (
            f"With a timeout of {duration(at.visibility_s)} and work of {duration(at.work_s)}, "
            f"{percent(self.twice_here[0].estimate)} of the messages are done more than once "
            f"(theory: {percent(exact.twice)}), and a message is done after "
            f"{duration(self.took_here_s[0].estimate)} on average (theory: "
            f"{duration(exact.took_s)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [theory(self.at, timeout) for timeout in TIMEOUTS]
        return {
            "timeout (s)": self.at.work_s * np.array(TIMEOUTS),
            "done twice (%)": 100 * self.twice.estimate,
            "theory (%)": [100 * one.twice for one in each],
            "until done (s)": self.took_s.estimate,
            "theory (s)": [one.took_s for one in each],
        }


_CURVE = np.geomspace(0.2, 10, 40)


@style.panels(2)
def plot(run: Visibility, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what is done twice, and how long messages take, against the timeout."""
    at, (ax, took) = run.at, axes
    each = [theory(at, timeout) for timeout in _CURVE.tolist()]
    chosen = at.visibility_s / at.work_s
    for panel in axes:
        log_axis(panel, "x", 0.2, 10, ticks=(0.3, 1, 3, 10))
        panel.set_xlabel("timeout / mean work")
        here(panel, chosen)
    ax.plot(_CURVE, [100 * one.twice for one in each], **style.THEORY)
    error_bars(ax, TIMEOUTS, run.twice, 100, **style.DOTS)
    ring(ax, chosen, 100 * run.twice_here.estimate)
    ax.set_ylim(0, 100)
    ax.set_ylabel("messages done more than once (%)")
    ax.set_title("Too short: done twice")
    took.plot(_CURVE, [one.took_s for one in each], **style.THEORY)
    error_bars(took, TIMEOUTS, run.took_s, **style.DOTS)
    ring(took, chosen, run.took_here_s.estimate)
    took.set_ylim(0, half_decade(1.05 * max(each[-1].took_s, 1.2 * at.work_s)))
    took.set_ylabel("mean time until done (s)")
    took.set_title("Too long: a death is noticed late")
    if mine is not None:
        yours(ax, chosen, 100 * mine["twice"])
        yours(took, chosen, mine["took_s"])
