"""Where a write is when you say OK: what it costs to keep it, and what a crash takes.

Writes come at random, and the disk keeps what it has confirmed. Where that stops being true: some
disks confirm what they have not yet written, and a disk can die with all that is on it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, marks, note, plain, time_axis, yours
from helpers.foundations.drawing.rows import named_rows
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, finite_or, significant
from helpers.foundations.traffic.arrivals import unit_gaps

#: What a program can do before it acknowledges a write, the cheapest first, and what it means.
POLICIES = {
    "memory": "in the process's memory",
    "no sync": "in a file, no sync",
    "sync each write": "in a file, sync each",
    "group commit": "in a file, sync them together",
}

#: Time of a write to memory, and how long the process has run when it crashes, seconds.
MEMORY_S, UPTIME_S = 1e-6, 3_600.0

_WRITES, _CRASHES = 4_000, 2_000


class Setting(Parameters):
    """Writes, and the disk they go to."""

    write_wps: float = number(200.0, "Writes", unit="writes/s", at_least=0.1, at_most=1e6)
    sync_ms: float = number(2.0, "Time of a sync", unit="ms", above=0)
    flush_s: float = number(
        10.0,
        "The system syncs every",
        unit="s",
        above=0,
        at_most=UPTIME_S,
        note="Time between two syncs that the operating system does on its own.",
    )
    seed: int = seed()


# --- the model: what the page shows, a learner changes, and the slider calls ----------------------


def one_journal(at, draw):
    """Take writes, sync all that wait together, and say OK; note what a power cut would take."""
    sync_s = at.sync_ms / 1000
    came = np.cumsum(draw("writes").exponential(1 / at.write_wps, 4_000)).tolist()
    took_s, unsafe_s = [], []
    first, free = 0, 0.0
    while first < len(came):
        start = max(free, came[first])  # the disk is free, and somebody waits
        last = bisect_right(came, start)  # a sync takes along all who have come by then
        safe = start + sync_s
        told = safe  # only now: OK
        for write in came[first:last]:
            took_s.append(told - write)
            unsafe_s.append(safe - told)
        first, free = last, start + sync_s
    # Little's law: so many are acknowledged and not yet safe, at any moment.
    return {"latency_ms": 1000 * np.mean(took_s), "lost": at.write_wps * np.mean(unsafe_s)}


@takes(Setting)
def simulate(at: Setting) -> Durability:
    """Keep 4,000 writes in four ways, and let 2,000 crashes come at random moments of an hour."""
    draw = Draws(at.seed)
    age_s = at.flush_s * draw("crashes").random(_CRASHES)  # since the last sync, at the crash
    unsynced = float(draw("counts").poisson(at.write_wps * age_s).mean())
    everything = float(draw("counts").poisson(at.write_wps * UPTIME_S, _CRASHES).mean())
    group = one_journal(at, Draws(at.seed))
    return Durability(
        at,
        {
            "memory": Fate(MEMORY_S, everything, everything),
            "no sync": Fate(MEMORY_S, 0.0, unsynced),
            "sync each write": Fate(_each(at), 0.0, 0.0),
            "group commit": Fate(1e-3 * float(group["latency_ms"]), 0.0, float(group["lost"])),
        },
    )


def _each(at: Setting) -> float:
    """Mean time until a write is synced, one sync for each, in the order they came."""
    sync_s = 1e-3 * at.sync_ms
    if at.write_wps * sync_s >= 1:
        return math.inf
    arrivals = np.cumsum(unit_gaps("poisson", _WRITES, Draws(at.seed)("writes"))) / at.write_wps
    waits = queueing.fifo_waits(arrivals, np.full(arrivals.size, sync_s), 1)
    return float(waits.mean()) + sync_s


# --- theory ---------------------------------------------------------------------------------------


class Fate(NamedTuple):
    """What a way of keeping writes costs, and what crashes take on average.

    The latency is the time until a write is acknowledged, seconds, infinite where the disk cannot
    keep up; the rest counts acknowledged writes that the death of the process, and a power cut,
    lose.
    """

    latency_s: float
    lost_kill: float
    lost_power: float


def theory(at: Setting) -> dict[str, Fate]:
    """Cost and loss of each policy for writes that come at random.

    Syncing each write is an M/D/1 queue (Pollaczek-Khinchine). Group commit serves all who wait
    with one sync of time f: the disk is busy a share ``u = f / (f + exp(-w f) / w)`` of the time,
    and a write that finds it busy waits ``f / 2`` on average before its own sync, so the latency
    is ``f + u f / 2`` (arrivals that are Poisson see time averages). A crash at a random moment
    finds writes of ``flush_s / 2`` seconds not yet synced.
    """
    writes, sync_s = at.write_wps, 1e-3 * at.sync_ms
    everything, unsynced = writes * UPTIME_S, writes * min(at.flush_s / 2, UPTIME_S)
    each = float(queueing.mg1_response(writes, sync_s, 0.0)) if writes * sync_s < 1 else math.inf
    return {
        "memory": Fate(MEMORY_S, everything, everything),
        "no sync": Fate(MEMORY_S, 0.0, unsynced),
        "sync each write": Fate(each, 0.0, 0.0),
        "group commit": Fate(group_commit_s(writes, sync_s), 0.0, 0.0),
    }


def group_commit_s(write_wps: float, sync_s: float) -> float:
    """Mean latency of a group commit, seconds; see :func:`theory`."""
    idle = math.exp(-write_wps * sync_s) / write_wps
    busy = sync_s / (sync_s + idle)
    return sync_s + busy * sync_s / 2


# --- what it says ---------------------------------------------------------------------------------


class Durability(Result):
    """What became of the same writes under each of :data:`POLICIES`."""

    at: Setting
    fates: dict[str, Fate]

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for name, fate in self.fates.items():
            short = name.replace(" ", "_")
            found[f"{short}_ms"] = finite_or(1e3 * fate.latency_s, "cannot keep up")
            found[f"{short}_lost_in_power_cut"] = fate.lost_power
        found["memory_lost_in_kill"] = self.fates["memory"].lost_kill
        return found

    @property
    def reading(self) -> str:
        no_sync, each = self.fates["no sync"], self.fates["sync each write"]
        group = self.fates["group commit"]
        cost = (
            f"syncing each takes {duration(each.latency_s)} a write, sharing syncs takes "
            f"{duration(group.latency_s)}, and both lose none"
            if math.isfinite(each.latency_s)
            else f"the disk cannot sync each (it manages {significant(1e3 / self.at.sync_ms)} a "
            f"second); sharing syncs takes {duration(group.latency_s)} a write and loses none"
        )
        return (
            f"Of {significant(self.at.write_wps)} "
            f"{'write' if self.at.write_wps == 1 else 'writes'} a second a power cut takes "
            f"{significant(no_sync.lost_power)} on average if nobody asks for a sync; {cost}. "
            "If only the process dies, what was handed to the operating system survives."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        fates = self.fates.values()
        return {
            "policy": list(self.fates),
            "latency (ms)": [1e3 * fate.latency_s for fate in fates],
            "theory (ms)": [1e3 * exact[name].latency_s for name in self.fates],
            "lost, process killed": [fate.lost_kill for fate in fates],
            "lost, power cut": [fate.lost_power for fate in fates],
            "theory, power cut": [exact[name].lost_power for name in self.fates],
        }


_NOTHING = 0.2  # where a loss of 0 is drawn on a logarithmic axis

#: How what a kill takes is drawn, and what a power cut takes.
KILL: dict[str, Any] = {"color": style.BLUE, "marker": "o", "linestyle": "none", "markersize": 7}
POWER: dict[str, Any] = KILL | {"color": style.VERMILION, "marker": "X", "markersize": 8}

# A bar, under the marks of theory.
_REACH: dict[str, Any] = {"color": style.FAINT, "linewidth": 5, "zorder": 1}


@style.panels(2)
def plot(run: Durability, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what a write costs, and what a crash takes, for each way of keeping it."""
    cost, loss = axes
    exact = theory(run.at)
    y = named_rows(cost, list(POLICIES.values()))
    frame_cost(cost)
    cost.set_title("What a write costs")
    cost.set_xlabel("mean time until it is acknowledged")
    named_rows(loss, list(POLICIES.values()))
    loss.set_title("What a crash takes")
    loss.set_xlabel("acknowledged writes lost, on average")
    log_axis(
        loss, "x", 0.1, 3e8, ticks=(_NOTHING, 1e1, 1e3, 1e5, 1e7),
        text=lambda lost: "none" if lost == _NOTHING else plain(lost),
    )  # fmt: skip
    for place, name in zip(y, POLICIES, strict=True):
        fate = run.fates[name]
        if math.isfinite(fate.latency_s):
            reach(cost, [2e-7, fate.latency_s], place)
            cost.plot([fate.latency_s], [place], **KILL)
            marks(cost, place, exact[name].latency_s, 0.56, along="x")
        else:
            style.label(cost, 3e-7, place, "cannot keep up", style.VERMILION)
        kill, power = max(fate.lost_kill, _NOTHING), max(fate.lost_power, _NOTHING)
        reach(loss, [kill, power], place)
        loss.plot([power], [place - 0.14], **POWER)
        loss.plot([kill], [place + 0.06], **KILL)
        marks(loss, place, max(exact[name].lost_power, _NOTHING), 0.56, along="x")
    if mine is not None:
        # Nothing is quicker than the memory, and nothing is lost less than not at all.
        yours(cost, max(1e-3 * mine["latency_ms"], MEMORY_S), y[-1])
        yours(loss, max(mine["lost"], _NOTHING), y[-1])
    note(loss, 0.28, 0.1, "● process killed", style.BLUE)
    note(loss, 0.62, 0.1, "✖ power cut", style.VERMILION)


def frame_cost(ax: Axes) -> None:
    """Set the axis of what a write costs."""
    time_axis(ax, "x", 2e-7, 3.0)


def reach(ax: Axes, ends: list[float], place: float) -> None:
    """Draw a line from one end to the other."""
    ax.plot(ends, [place, place], **_REACH)
