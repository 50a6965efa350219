"""Three brokers, one stream of messages, and a consumer that is killed in the middle.

RabbitMQ, Kafka and SQS differ in when they hand a message out again. Where that stops being true:
these are their rules for one queue, without networks, replicas or several groups of consumers;
real ones also lose the broker itself, and have settings by the hundred.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, named_axis, yours
from helpers.foundations.drawing.scales import coarse, headroom
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, finite_or, rounded
from helpers.messaging.consumers import MESSAGES, Told, follow, messages_of, told
from helpers.messaging.semantics import SQS, Kafka, RabbitMQ

BROKERS = ("RabbitMQ", "Kafka", "SQS")
ACKNOWLEDGE = ("after the work", "before the work")

_CLASSES = {"RabbitMQ": RabbitMQ, "Kafka": Kafka, "SQS": SQS}


class Setting(Parameters):
    """Sixty messages with twelve keys, a few consumers, and a broker between them."""

    broker: str = option("RabbitMQ", "Broker", of=BROKERS)
    rate_rps: float = number(5.0, "Messages", unit="per s", at_least=0.5, at_most=20)
    work_s: float = number(0.8, "Mean work of a message", unit="s", at_least=0.01, at_most=10)
    consumers: int = integer(3, "Consumers", at_least=2, at_most=8)
    batch: int = integer(6, "Fetched at a time", unit="messages", at_least=1, at_most=20,
                         note="RabbitMQ: prefetch.")  # fmt: skip
    partitions: int = integer(6, "Partitions (Kafka)", at_least=1, at_most=12)
    session_s: float = number(6.0, "Session timeout (Kafka)", unit="s", above=0, at_most=60)
    visibility_s: float = number(10.0, "Visibility timeout (SQS)", unit="s", above=0, at_most=60)
    acknowledge: str = option(
        "after the work",
        "Acknowledged",
        of=ACKNOWLEDGE,
        note="For Kafka: its offset committed; for SQS: deleted.",
    )
    kill: bool = flag(True, "Kill a consumer")
    kill_s: float = number(9.8, "It is killed at", unit="s", at_least=0, at_most=60)
    seed: int = seed()


# --- the model: `semantics` has the brokers, `consumers` those who work ---------------------------


@takes(Setting)
def simulate(at: Setting) -> Brokers:
    """Send the same messages through each broker."""
    return Brokers(at, {name: _told(at.but(broker=name)) for name in BROKERS})


@lru_cache(maxsize=64)
def _told(at: Setting) -> Told:
    return told(follow(at, _CLASSES[at.broker](at)))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What the rules allow: consumers at work at once, messages done twice, and lost, at most."""

    at_once: int
    twice: float
    lost: int


def theory(at: Setting) -> Theory:
    """Read off the rules, whatever is drawn.

    Each partition has one consumer, so no more of them can work than there are partitions. A
    killed consumer's batch is done again from its last commit on: all of it but the message it
    was at may have been done. SQS hands out a batch again when it takes longer than the
    visibility timeout, and then there is no bound.
    """
    at_once = min(at.consumers, at.partitions) if at.broker == "Kafka" else at.consumers
    if at.acknowledge == "before the work":
        return Theory(at_once, 0, at.batch if at.kill else 0)
    in_time = at.batch * 1.5 * at.work_s < at.visibility_s
    twice = {
        "RabbitMQ": 0,
        "Kafka": at.batch - 1 if at.kill else 0,
        "SQS": 0 if in_time else math.inf,
    }
    return Theory(at_once, twice[at.broker], 0)


# --- what it says ---------------------------------------------------------------------------------


class Brokers(Result):
    """What became of the same messages at each of :data:`BROKERS`."""

    at: Setting
    brokers: dict[str, Told]

    @property
    def here(self) -> Told:
        """At the chosen broker."""
        return self.brokers[self.at.broker]

    @cached_property
    def published_s(self) -> np.ndarray:
        """When each message was published, seconds."""
        return np.array([message.published_s for message in messages_of(self.at)])

    @property
    def end_s(self) -> float:
        """When the last work at any broker ended, seconds."""
        return max(told.works[-1].end_s for told in self.brokers.values())

    @property
    def time_s(self) -> np.ndarray:
        """Instants at which the backlog is drawn, seconds."""
        return np.linspace(0, coarse(1.02 * self.end_s), 240)

    def slowest_s(self, broker: str) -> float:
        """The longest that a message took from its publishing to its first end, seconds."""
        took = self.brokers[broker].finished_s - self.published_s
        return float(took[np.isfinite(took)].max(initial=0.0))

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "never_done": self.here.lost,
            "done_twice": self.here.twice,
            "done_twice_at_most": finite_or(exact.twice, "no bound"),
            "out_of_order": int(self.here.older.sum()),
            "slowest_s": rounded(self.slowest_s(self.at.broker)),
        }

    @property
    def reading(self) -> str:
        at, here, exact = self.at, self.here, theory(self.at)
        done = MESSAGES - here.lost
        all_done = f"all {MESSAGES} messages are" if not here.lost else f"{done} of {MESSAGES} are"
        lost = f", and {here.lost} never will be" if here.lost else ""
        rule = (
            "nothing bounds that: a batch can take longer than the visibility timeout"
            if math.isinf(exact.twice)
            else f"its rules allow for at most {int(exact.twice)}"
        )
        return (
            f"{at.broker}: {all_done} done{lost}. Work done that had been done before: "
            f"{here.twice} ({rule}). Work done after a newer message of the same key: "
            f"{int(here.older.sum())}. The slowest message took "
            f"{duration(self.slowest_s(at.broker))} from its publishing on."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [self.brokers[name] for name in BROKERS]
        return {
            "broker": BROKERS,
            "never done": [one.lost for one in each],
            "done twice": [one.twice for one in each],
            "out of order": [int(one.older.sum()) for one in each],
            "slowest (s)": [self.slowest_s(name) for name in BROKERS],
        }


_LOOKS = (
    ("first", style.BLUE),
    ("again", style.ORANGE),
    ("older", style.PURPLE),
    ("killed", style.VERMILION),
)


def looks_of(here: Told) -> dict[str, np.ndarray]:
    """Which works are drawn in which colour; a work out of order is that before all else."""
    done = np.array([work.done for work in here.works])
    return {
        "first": done & here.first & ~here.older,
        "again": done & ~here.first & ~here.older,
        "older": here.older,
        "killed": ~done,
    }


@style.panels(2, width_ratios=[1.7, 1])
def plot(run: Brokers, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw who worked when at the chosen broker, and the backlog at each of them."""
    at, (ax, lag) = run.at, axes
    works = run.here.works
    begin, end = np.array([(work.begin_s, work.end_s) for work in works]).T
    lane = np.array([work.consumer for work in works])
    for name, color in _LOOKS:
        these = looks_of(run.here)[name]
        if these.any():
            length = 0.94 * (end - begin)[these]
            bars(ax, lane[these], length, 0.5, start=begin[these], along="x", facecolor=color)
    if at.kill:
        ax.plot([at.kill_s] * 2, [-0.42, 0.42], color=style.VERMILION, linewidth=2.4)
    top = run.time_s[-1]
    named_axis(ax, "y", [str(n + 1) for n in range(at.consumers)])
    ax.set_xlim(0, top)
    ax.set_ylim(at.consumers - 0.4, -1.05)
    for place, (name, words) in enumerate(
        (
            ("first", "done"),
            ("again", "done again"),
            ("older", "out of order"),
            ("killed", "killed"),
        )
    ):
        color = dict(_LOOKS)[name]
        color = style.ORANGE_INK if name == "again" else color
        style.label(ax, (0.01 + 0.25 * place) * top, -0.78, words, color)
    ax.set_ylabel("consumer")
    ax.set_title(f"Who works when: {at.broker}")
    ax.set_xlabel("time (s)")

    backlog = {
        name: told.backlog_at(run.time_s, run.published_s) for name, told in run.brokers.items()
    }
    most = max(int(each.max()) for each in backlog.values())
    for name in BROKERS:
        if name != at.broker:
            lag.plot(run.time_s, backlog[name], color=style.PALE_BLUE, linewidth=1.4)
    lag.plot(run.time_s, backlog[at.broker], **style.SIMULATION)
    lag.set_xlim(0, top)
    lag.set_ylim(0, headroom(1.1 * most))
    lag.set_title("Published and not yet done")
    lag.set_xlabel("time (s)")
    lag.set_ylabel("messages")
    if mine is not None:
        some = run.time_s[::12]
        done = np.searchsorted(np.sort(mine["finished_s"]), some, "right")
        yours(lag, some, np.searchsorted(run.published_s, some, "right") - done)
