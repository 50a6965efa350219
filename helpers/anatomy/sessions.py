"""Sessions in the memory of servers, and what costs them: a crash, a deploy, one server more.

A user's server is ``hash(user) % servers``, as it is with hashing of addresses or cookies. Where
that stops being true: state does not disappear when a server is called stateless; it moves into a
store that every request has to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.killed_processes import ask_again_after_a_kill
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, ring
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.statistics import Intervals, mean_intervals

#: What happens to the servers, and how a sentence calls it.
EVENTS = {
    "one crash": "one crash",
    "rolling deploy": "a rolling deploy",
    "add a server": "adding a server",
}

#: Numbers of servers that the picture shows.
FLEETS = np.arange(2, 21)

_DAYS = 40


class Setting(Parameters):
    """Users with a session, their servers, and what happens to these."""

    servers: int = integer(3, "Servers", at_least=2, at_most=20, note="Before the event.")
    users: int = integer(1_000, "Users with a session", at_least=10, at_most=2_000)
    event: str = option("one crash", "What happens", of=tuple(EVENTS))
    store_ms: float = number(1.0, "Round trip to a session store", unit="ms", at_least=0)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Sessions:
    """Place users on servers, let something happen, and count who has to log in again.

    Forty days, each with other users and another server that crashes.
    """
    hashes, crashing = _users(at.seed)
    hashes = hashes[:, : at.users]
    lost = np.empty((_DAYS, FLEETS.size))
    for column, fleet in enumerate(FLEETS.tolist()):
        home = hashes % np.uint32(fleet)
        if at.event == "one crash":
            dead = (crashing * fleet).astype(np.uint32)[:, np.newaxis]
            gone = home == dead
        elif at.event == "rolling deploy":
            gone = home < fleet  # each server is restarted once, whoever lives there
        else:
            gone = home != hashes % np.uint32(fleet + 1)
        lost[:, column] = gone.mean(axis=1)
    return Sessions(at, mean_intervals(lost))


@lru_cache(maxsize=4)
def _users(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    # 32 bits are enough: the largest bias of `% 21` is 21 / 2^32.
    hashes = draw("hashes").integers(0, 2**32, (_DAYS, 2_000), dtype=np.uint32)
    crashing = draw("crash").random(_DAYS)
    for array in (hashes, crashing):
        array.setflags(write=False)
    return hashes, crashing


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, servers: Any = None) -> Any:
    """Fraction of sticky sessions that the event costs, at the setting or with other fleets.

    1/n of the users live on any one server; a deploy restarts them all. ``h % n == h % (n + 1)``
    holds for one residue in n + 1, so n/(n + 1) of the users move.
    """
    n = at.servers if servers is None else np.asarray(servers)
    if at.event == "one crash":
        return 1 / n
    return n / (n + 1) if at.event == "add a server" else 1.0 * n / n


# --- what it says ---------------------------------------------------------------------------------


class Sessions(Result):
    """Fraction of the sticky sessions that are lost, for each of :data:`FLEETS`."""

    at: Setting
    lost: Intervals

    @property
    def lost_here(self) -> float:
        """The fraction with the learner's number of servers."""
        return float(self.lost.estimate[self.at.servers - FLEETS[0]])

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "sticky_lost_percent": 100 * self.lost_here,
            "sticky_theory_percent": 100 * float(theory(self.at)),
            "sticky_lost_sessions": self.lost_here * self.at.users,
            "store_adds_ms_per_request": self.at.store_ms,
        }

    @property
    def reading(self) -> str:
        at = self.at
        return (
            f"With {at.servers} servers {EVENTS[at.event]} costs "
            f"{significant(100 * self.lost_here)} % of the sessions that live in a server's memory "
            f"(theory {significant(100 * theory(at))} %), about "
            f"{significant(self.lost_here * at.users)} users; in a shared store they would outlive "
            f"it, at {significant(at.store_ms)} ms more for each request."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "servers": FLEETS,
            "sessions lost (%)": 100 * self.lost.estimate,
            "from": 100 * self.lost.low,
            "to": 100 * self.lost.high,
            "theory (%)": 100 * theory(self.at, FLEETS),
        }


def plot(run: Sessions, ax: Axes) -> None:
    """Draw the share of sessions that an event costs, against the number of servers."""
    ax.set(
        title="Sessions lost with a server's memory",
        xlim=(1.5, 20.5),
        ylim=(-3, 108),
        xlabel="servers before the event",
        ylabel="sessions lost (%)",
    )
    ax.set_xticks(range(2, 21, 2))
    ax.plot(FLEETS, 100 * theory(run.at, FLEETS), **style.THEORY)
    error_bars(ax, FLEETS, run.lost, 100, **(style.DOTS | {"markersize": 4}))
    ax.axhline(0, color=style.GREEN, linewidth=2.2)
    here(ax, run.at.servers)
    ring(ax, run.at.servers, 100 * run.lost_here)
    names = [
        ("●", "sticky: the session lives in one server", style.BLUE),
        ("--", "theory", style.INK),
        ("—", "stateless: the session lives in a store", style.GREEN),
    ]
    # Where crashes cost little, and beside the curves of the other events.
    key(ax, names, y=0.86 if run.at.event != "add a server" else 0.6)


# --- the same with real processes -----------------------------------------------------------------


class Trial(Parameters):
    """Real processes that keep sessions, in a dictionary each or in one sqlite file."""

    servers: int = integer(3, "Processes", at_least=2, at_most=6)
    users: int = integer(300, "Sessions", at_least=30, at_most=2_000)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredSessions:
    """Keep sessions in real processes, kill one of them, and ask for every session again."""
    homes = Draws(at.seed)("homes").integers(0, at.servers, at.users).tolist()
    (lost_memory, memory_s), (lost_store, store_s) = ask_again_after_a_kill(at.servers, homes)
    return MeasuredSessions(at, lost_memory, lost_store, memory_s, store_s)


class MeasuredSessions(Measured):
    """Sessions before and after one of several real processes was killed.

    Attributes
    ----------
    lost_memory, lost_store : int
        Sessions that were gone afterwards: kept in the processes' memory, and in an sqlite file.
    memory_s, store_s : float
        Median time of a request for a session, seconds.
    """

    at: Trial
    lost_memory: int
    lost_store: int
    memory_s: float
    store_s: float

    @property
    def range95(self) -> tuple[float, float]:
        """Where 95 % of the losses would lie if each user's server were picked at random."""
        share = 1 / self.at.servers
        spread = 1.96 * np.sqrt(self.at.users * share * (1 - share))
        return self.at.users * share - spread, self.at.users * share + spread

    @property
    def agrees(self) -> bool:
        """Whether the loss in memory lies there, and none is lost from the store."""
        low, high = self.range95
        return low <= self.lost_memory <= high and self.lost_store == 0

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "sessions": self.at.users,
            "lost_from_memory": self.lost_memory,
            "lost_theory": self.at.users / self.at.servers,
            "lost_from_store": self.lost_store,
            "memory_request_us": 1e6 * self.memory_s,
            "store_request_us": 1e6 * self.store_s,
        }

    @property
    def reading(self) -> str:
        low, high = self.range95
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: killing one of {self.at.servers} processes lost {self.lost_memory} of "
            f"{counted(self.at.users, 'session')} from memory and {self.lost_store} from the "
            f"shared file; 1/n expects {low:.0f} to {high:.0f} in 95 % of "
            f"such runs: {word}. A request took {duration(self.memory_s)} from memory and "
            f"{duration(self.store_s)} from the file."
        )


def plot_measured(run: MeasuredSessions, ax: Axes) -> None:
    """Draw what the killed process took with it, and what the file lost, over the simulation."""
    servers, users = run.at.servers, run.at.users
    lost, store = 100 * run.lost_memory / users, 100 * run.lost_store / users
    ax.plot([servers], [lost], **(style.MEASUREMENT | {"markersize": 9}))
    green: dict[str, Any] = {"color": style.GREEN, "marker": "D", "linestyle": "none"}
    ax.plot([servers], [store], markersize=8, **green)
    words = ("measured: real processes", "measured: the shared file")
    style.label(ax, servers, lost, words[0], style.VERMILION, xytext=(10, 4))
    style.label(ax, servers, store, words[1], style.GREEN, xytext=(10, 11))
