"""The outbox: an order and its message, and a crash between the two.

A service stores an order in its database and announces it on a queue. It can crash at any step,
and starts again. Where that stops being true: the crash of a whole machine can take a committed
row along, and a relay that is down for long makes every message late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, marks, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, percent, rounded
from helpers.foundations.statistics import Interval, wilson_interval
from helpers.messaging.killed_services import kill_services

#: In which order the two are written, and what can go wrong.
DESIGNS = ("commit, then publish", "publish, then commit", "outbox")
FAULTS = ("order without message", "message without order", "message sent twice")

_ORDERS = 4_000


class Setting(Parameters):
    """A service that takes orders and may crash before any of its steps."""

    design: str = option("commit, then publish", "Design", of=DESIGNS)
    crash: float = number(0.02, "Crashes at a step", at_least=0.001, at_most=0.5)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


class CrashError(Exception):
    """The process is no more; what it had not written is gone."""


def orders_and_messages(at, draw):
    """Take 4,000 orders by way of an outbox, crashing now and then, and see what does not match."""
    database, outbox, queue = [], [], []

    def may_crash():
        if draw("crashes").random() < at.crash:
            raise CrashError

    def take(order):
        may_crash()
        database.append(order)
        outbox.append(order)  # in the same transaction: both rows or none

    def relay():
        for order in list(outbox):
            may_crash()
            queue.append(order)
            may_crash()
            outbox.remove(order)

    for order in range(4_000):
        try:
            take(order)
        except CrashError:
            continue  # the customer sees an error and no order
        while outbox:
            with suppress(CrashError):  # it starts again and finds the row in its outbox
                relay()
    sent, stored = Counter(queue), set(database)
    return {
        "order without message": sum(order not in sent for order in stored) / 4_000,
        "message without order": sum(order not in stored for order in sent) / 4_000,
        "message sent twice": sum(count > 1 for count in sent.values()) / 4_000,
    }


# --- the same for the other two designs -----------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Outbox:
    """Let each of 4,000 orders meet its crashes, under the three designs."""
    draw = Draws(at.seed)
    first, second = draw("crashes").random((2, _ORDERS)) < at.crash
    one_only = int((~first & second).sum())
    later = draw("relay").random((2, _ORDERS)) < at.crash  # after it was sent, whenever that was
    faults = {
        "commit, then publish": (one_only, 0, 0),
        "publish, then commit": (0, one_only, 0),
        "outbox": (0, 0, int((~first & later[0]).sum())),
    }
    return Outbox(at, {name: np.array(each) for name, each in faults.items()})


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, design: str | None = None) -> np.ndarray:
    """Chance of each fault: c (1 - c), and of one kind only.

    The first step succeeds and the next one does not. Under the outbox that step is marking the
    row as sent, and the relay sends it again.
    """
    kind = DESIGNS.index(at.design if design is None else design)
    return np.where(np.arange(len(FAULTS)) == kind, at.crash * (1 - at.crash), 0.0)


# --- what it says ---------------------------------------------------------------------------------


class Outbox(Result):
    """Orders of 4,000 that have each of :data:`FAULTS`, under each design."""

    at: Setting
    faults: dict[str, np.ndarray]

    @property
    def here(self) -> np.ndarray:
        """Under the chosen design."""
        return self.faults[self.at.design]

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for name, found, exact in zip(FAULTS, self.here, theory(self.at), strict=True):
            values[f"{name.replace(' ', '_')}_percent"] = rounded(100 * float(found) / _ORDERS)
            values[f"theory_{name.replace(' ', '_')}_percent"] = rounded(100 * float(exact))
        return values

    @property
    def reading(self) -> str:
        kind = DESIGNS.index(self.at.design)
        found = int(self.here[kind])
        what = {
            0: "the message of an order is missing for ever",
            1: "a message speaks of an order that does not exist",
            2: "a message is sent more than once, and none is missing",
        }[kind]
        return (
            f"{self.at.design.capitalize()}: in {counted(found, 'case')} of {_ORDERS:,} "
            f"({percent(found / _ORDERS)}; theory: {percent(float(theory(self.at)[kind]))}) {what}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        table: dict[str, Any] = {"design": DESIGNS}
        for kind, name in enumerate(FAULTS):
            table[f"{name} (%)"] = [100 * self.faults[each][kind] / _ORDERS for each in DESIGNS]
            table[f"{name}, theory (%)"] = [100 * theory(self.at, each)[kind] for each in DESIGNS]
        return table


_COLORS = (style.VERMILION, style.PURPLE, style.ORANGE)


@style.panels(3)
def plot(run: Outbox, axes: tuple[Axes, ...], mine: Mine | None = None) -> None:
    """Draw, design by design, how often each fault happens."""
    top = coarse(130 * run.at.crash)
    for ax, design in zip(axes, DESIGNS, strict=True):
        chosen = design == run.at.design
        for kind, color in enumerate(_COLORS):
            found = 100 * run.faults[design][kind] / _ORDERS
            bars(ax, [kind], [found], 0.56, facecolor=color, alpha=1.0 if chosen else 0.45)
        marks(ax, range(3), 100 * theory(run.at, design), 0.75)
        ax.set_xticks(range(3), ["no\nmessage", "no\norder", "sent\ntwice"])
        ax.set_xlim(-0.6, 2.6)
        ax.set_ylim(0, top)
        ax.set_title(design[0].upper() + design[1:], fontsize=10)
    axes[0].set_ylabel("orders (%)")
    if mine is not None:
        yours(axes[2], range(3), [100 * mine[name] for name in FAULTS])


# --- the same with real processes that are killed -------------------------------------------------


class Trial(Parameters):
    """Services that take orders into sqlite3 and send to a queue in another file, and are killed.

    Takes about ``kills x 0.15 s``.
    """

    design: str = option("outbox", "Design", of=DESIGNS)
    kills: int = integer(16, "Processes to kill", at_least=1, at_most=200)
    step_ms: float = number(2.0, "Time between steps", unit="ms", at_least=0.1, at_most=50)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredOutbox:
    """Kill real services at random moments, let one finish, and compare its two files.

    Raises
    ------
    RuntimeError
        If a service died of its own accord.
    """
    lives_s = Draws(at.seed)("kills").uniform(0.03, 0.12, at.kills)
    stored, sent = kill_services(lives_s, at.design, 1e-3 * at.step_ms)
    return MeasuredOutbox(at, stored, sent)


class MeasuredOutbox(Measured):
    """Orders in the service's database, and messages in the queue, by order."""

    at: Trial
    stored: frozenset[int]
    sent: Counter[int]

    @property
    def faults(self) -> np.ndarray:
        """Orders with each of :data:`FAULTS`."""
        return np.array(
            [
                len(self.stored - self.sent.keys()),
                len(self.sent.keys() - self.stored),
                sum(count > 1 for count in self.sent.values()),
            ]
        )

    @property
    def orders(self) -> int:
        """Orders that left a trace anywhere."""
        return len(self.stored | self.sent.keys())

    @property
    def intervals(self) -> list[Interval]:
        """95 % interval for the share of orders with each fault."""
        return [wilson_interval(int(found), max(self.orders, 1)) for found in self.faults]

    @property
    def verdict(self) -> str:
        """Whether only the faults that the design allows have happened."""
        allowed = DESIGNS.index(self.at.design)
        others = int(self.faults.sum() - self.faults[allowed])
        word = "as it must be" if others == 0 else "which theory rules out"
        return f"{FAULTS[allowed]}: {self.faults[allowed]}; other faults: {others}, {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"kills": self.at.kills, "orders": self.orders}
        for name, found in zip(FAULTS, self.faults.tolist(), strict=True):
            values[name.replace(" ", "_")] = found
        return values

    @property
    def reading(self) -> str:
        missing, ghosts, twice = self.faults.tolist()
        return (
            f"Measured, {self.at.design}: {counted(self.at.kills, 'service')} killed, "
            f"{counted(self.orders, 'order')}; {counted(missing, 'order')} without a message, "
            f"{counted(ghosts, 'message')} without an order, {counted(twice, 'message')} sent "
            "more than once."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"fault": FAULTS, "orders": self.faults}


@style.panels(3)
def plot_measured(run: MeasuredOutbox, axes: tuple[Axes, ...]) -> None:
    """Mark what became of real orders on the bars of simulated ones."""
    ax = axes[DESIGNS.index(run.at.design)]
    error_bars(ax, np.arange(3) + 0.2, run.intervals, 100, **style.MEASUREMENT)
