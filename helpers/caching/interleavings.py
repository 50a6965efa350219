"""Every order in which the steps of two clients can fall, and which of them leave the cache wrong.

A client is a generator that names its next step and is sent the step's result. Whoever runs it
decides when the step happens: here one step at a time in every possible order, in ``measure`` on
real threads, with a real database, in the same orders. Where that stops being true: two clients
and one key show every flaw that needs only two clients and one key; and orders are counted here,
which are not equally likely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.caching.gated_threads import perform
from helpers.caching.order_pictures import LISTED, draw_list, draw_sequence, draw_verdict
from helpers.caching.protocols import CLIENTS, PROTOCOLS, programs
from helpers.caching.step_orders import Order, World, every_order, warmed, worst_first
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import yours
from helpers.foundations.experiment import (
    Measured,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    option,
    takes,
)
from helpers.foundations.prose import counted


class Setting(Parameters):
    """Two clients of one key, in a cache and in a database."""

    protocol: str = option("cache-aside", "Protocol", of=PROTOCOLS)
    clients: str = option("reader and writer", "Clients", of=CLIENTS)
    warm: bool = flag(False, "The cache holds the value at first")
    rounds: int = integer(1, "Operations of each client", at_least=1, at_most=2)


# --- the models stand in protocols.py; here one protocol runs in every order ----------------------


@takes(Setting)
def simulate(at: Setting) -> Interleavings:
    """Try every order in which the steps of two clients can fall."""
    return Interleavings(at, every_order(lambda: programs(at), at.warm))


# --- what it says ---------------------------------------------------------------------------------


class Interleavings(Result):
    """All orders of two clients' steps, and the one worth looking at."""

    at: Setting
    orders: tuple[Order, ...]

    @property
    def shown(self) -> Order:
        """The shortest stale order; else the shortest with a refusal; else the shortest."""
        return worst_first(self.orders)[0]

    @property
    def stale(self) -> int:
        """How many leave the cache with a value that the database no longer has."""
        return sum(each.stale for each in self.orders)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.orders),
            "stale_for_good": self.stale,
            "stale_for_a_moment": sum(each.stale_read for each in self.orders),
            "shown": self.shown.letters,
        }

    @property
    def reading(self) -> str:
        total = len(self.orders)
        if self.stale:
            return (
                f"{self.stale:,} of the {total:,} possible orders "
                f"{'leaves' if self.stale == 1 else 'leave'} the cache with a value the database "
                f"no longer has; the shortest takes {len(self.shown.events)} steps and "
                f"{counted(self.shown.switches, 'change')} of turn."
            )
        refused = sum(each.refused for each in self.orders)
        if refused:
            return (
                f"None of the {total:,} possible orders leaves the cache stale; in {refused:,} of "
                "them the cache refuses a value that comes too late."
            )
        return f"None of the {total:,} possible orders leaves the cache stale."

    @property
    def columns(self) -> Mapping[str, Any]:
        listed = worst_first(self.orders)
        return {
            "order": [each.letters for each in listed],
            "steps": [
                ", ".join(f"{e.client}: {e.action} {e.detail}".strip() for e in each.events)
                for each in listed
            ],
            "cache at the end": [each.events[-1].cached or "empty" for each in listed],
            "database at the end": [each.events[-1].stored for each in listed],
            "stale": [each.stale for each in listed],
        }


@style.panels(2, width_ratios=[2.1, 1])
def plot(run: Interleavings, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw one order as a sequence diagram, and all of them as rows of steps.

    With a learner's clients, both are of theirs, and the rows that end stale have diamonds.
    """
    orders = worst_first(run.orders if mine is None else mine["orders"])
    whose = "the" if mine is None else "your clients'"
    draw_sequence(orders[0], run.at.warm, axes[0])
    draw_verdict(orders[0], axes[0])
    axes[0].set_title(f"One order of {whose} steps, from top to bottom")
    column = draw_list(orders, axes[1])
    axes[1].set_title("All orders, a row each")
    if mine is not None:
        rows = [row + 0.5 for row, each in enumerate(orders[:LISTED]) if each.stale]
        yours(axes[1], column, rows)


# --- the same on real threads ---------------------------------------------------------------------


class Trial(Parameters):
    """Two threads that go through every order, with sqlite3 as the database.

    Each thread runs the same program as the model's client, and stops at a gate before each step
    until it is its turn.
    """

    protocol: str = option("cache-aside", "Protocol", of=PROTOCOLS)
    clients: str = option("reader and writer", "Clients", of=CLIENTS)
    warm: bool = flag(False, "The cache holds the value at first")
    timeout_s: float = number(5.0, "The longest a thread may take over one step", unit="s", above=0)


@takes(Trial)
def measure(at: Trial) -> MeasuredInterleavings:
    """Make two real threads go through every order.

    Raises
    ------
    TimeoutError
        If a step took longer than ``timeout_s``.
    """
    setting = Setting(protocol=at.protocol, clients=at.clients, warm=at.warm)
    orders = every_order(lambda: programs(setting), at.warm)
    ends = perform(
        [(programs(setting), each.letters) for each in orders],
        lambda: World(cached=warmed(at.warm)),
        at.timeout_s,
    )
    return MeasuredInterleavings(at, orders, tuple(ends))


class MeasuredInterleavings(Measured):
    """Every order, performed for real.

    Attributes
    ----------
    orders : tuple of Order
        As the model has them.
    ends : tuple of (str or None, str)
        What cache and database held after each.
    """

    at: Trial
    orders: tuple[Order, ...]
    ends: tuple[tuple[str | None, str], ...]

    @property
    def stale(self) -> int:
        """How many left the cache with a value that the database no longer has."""
        return sum(cached is not None and cached != stored for cached, stored in self.ends)

    @property
    def agreeing(self) -> int:
        """How many ended as the model says."""
        model = [(each.events[-1].cached, each.events[-1].stored) for each in self.orders]
        return sum(real == said for real, said in zip(self.ends, model, strict=True))

    @property
    def verdict(self) -> str:
        """Whether the model describes what the threads did, in one line."""
        total = len(self.orders)
        word = "agrees" if self.agreeing == total else "disagrees"
        return f"{self.agreeing} of {total} orders end on real threads as in the model: {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.orders),
            "stale": self.stale,
            "as_in_the_model": self.agreeing,
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: two threads went through all {len(self.orders)} orders, and {self.stale} "
            "of them left the cache stale."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "order": [each.letters for each in self.orders],
            "cache at the end": [cached or "empty" for cached, _ in self.ends],
            "database at the end": [stored for _, stored in self.ends],
            "stale in the model": [each.stale for each in self.orders],
        }
