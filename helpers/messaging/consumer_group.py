"""A consumer group: each partition has one reader, and the group is as fast as its fullest reader.

Messages go to partitions by their key, partitions to consumers. Where that stops being true: keys
are as popular today as yesterday here, every message takes the same, and nobody moves a partition
because its reader has fallen behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, here, ring, yours
from helpers.foundations.drawing.scales import coarse, headroom
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
from helpers.foundations.prose import amount, counted, percent, rounded, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.keys import zipf_weights

#: Numbers of consumers for which the curve is simulated.
GROUPS = np.arange(1, 25)


class Setting(Parameters):
    """A log in partitions and the consumers that read it."""

    partitions: int = integer(12, "Partitions", at_least=1, at_most=48)
    consumers: int = integer(8, "Consumers", at_least=1, at_most=24)
    keys: int = integer(1_000, "Keys", at_least=1, at_most=100_000)
    exponent: float = number(0.5, "Skew of the keys (Zipf)", at_least=0, at_most=1.5)
    work_ms: float = number(20.0, "Work of a message", unit="ms", above=0, at_most=1_000)
    rate_rps: float = number(200.0, "Messages", unit="per s", above=0, at_most=10_000)
    replications: int = replications(60, note="Ways in which keys fall on partitions.")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def group(at, draw):
    """Send 5,000 messages to partitions by their key, and add up the work of each consumer."""
    popularity = zipf_weights(at.keys, at.exponent)
    partition_of = draw("hash").integers(0, at.partitions, at.keys)
    owner = [partition % at.consumers for partition in range(at.partitions)]
    work_s = [0.0] * at.consumers
    for key in draw("keys").choice(at.keys, size=5_000, p=popularity):
        partition = partition_of[key]
        work_s[owner[partition]] += at.work_ms / 1000
    return {"capacity_rps": 5_000 / max(work_s)}


# --- the same, fast: shares of keys in the place of messages --------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Group:
    """Let keys fall on partitions, in sixty ways, and share these among 1 to 24 consumers."""
    share = _shares(at.partitions, at.keys, at.exponent, at.replications, at.seed)
    fullest = np.array([_loads(share, int(n)).max(axis=1) for n in GROUPS])
    capacity = 1e3 / at.work_ms / fullest
    loads = _loads(share, at.consumers)
    return Group(
        at,
        capacity=mean_intervals(capacity.T),
        capacity_here=mean_intervals(1e3 / at.work_ms / loads.max(axis=1, keepdims=True)),
        busy=at.rate_rps * 1e-3 * at.work_ms * loads[0],
    )


@lru_cache(maxsize=32)
def _shares(
    partitions: int, keys: int, exponent: float, replications: int, seed: int
) -> np.ndarray:
    """Share of the messages that each partition gets, shape (replications, partitions)."""
    popularity = zipf_weights(keys, exponent)
    share = np.zeros((replications, partitions))
    rng = Draws(seed)("hash")
    for row in share:
        row += np.bincount(rng.integers(0, partitions, keys), popularity, partitions)
    share.setflags(write=False)
    return share


def _loads(share: np.ndarray, consumers: int) -> np.ndarray:
    """Share of the messages that each consumer gets, shape (replications, consumers)."""
    rounds = math.ceil(share.shape[1] / consumers)
    padded = np.zeros((len(share), rounds * consumers))
    padded[:, : share.shape[1]] = share
    return np.asarray(padded.reshape(len(share), rounds, consumers).sum(axis=1))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, consumers: int | None = None) -> float:
    """Messages per second if all partitions get the same: P / ceil(P / C) readers' worth.

    One reader has ceil(P / C) of the P partitions, and no more than P readers have any.
    """
    n = at.consumers if consumers is None else consumers
    return 1e3 / at.work_ms * at.partitions / math.ceil(at.partitions / n)


def shared_queue(at: Setting, consumers: int | None = None) -> float:
    """Messages per second if any consumer can take any message."""
    return 1e3 / at.work_ms * (at.consumers if consumers is None else consumers)


# --- what it says ---------------------------------------------------------------------------------


class Group(Result):
    """What groups of :data:`GROUPS` consumers can take, and the one asked for.

    Attributes
    ----------
    capacity, capacity_here : Intervals
        Messages per second before the fullest reader falls behind.
    busy : numpy.ndarray, shape (consumers,)
        How busy each reader is in the first of the ways in which keys fell; above 1 its lag grows.
    """

    at: Setting
    capacity: Intervals
    capacity_here: Intervals
    busy: np.ndarray

    @property
    def idle(self) -> int:
        """Consumers without a partition."""
        return max(0, self.at.consumers - self.at.partitions)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "capacity_rps": rounded(self.capacity_here[0].estimate),
            "equal_partitions_rps": rounded(theory(self.at)),
            "shared_queue_rps": rounded(shared_queue(self.at)),
            "consumers_without_partition": self.idle,
            "fullest_busy_percent": rounded(100 * float(self.busy.max())),
        }

    @property
    def reading(self) -> str:
        at = self.at
        idle = f", {counted(self.idle, 'of them', 'of them')} with nothing to read" * bool(
            self.idle
        )
        fullest = float(self.busy.max())
        lag = (fullest - 1) * 1e3 / at.work_ms
        late = (
            f"and falls behind by {amount(lag, 'message')} a second"
            if fullest > 1 + 1e-9
            else "and keeps up"
        )
        return (
            f"{counted(at.partitions, 'partition')} for {counted(at.consumers, 'consumer')}{idle}: "
            f"the group can take {significant(self.capacity_here[0].estimate)} messages/s on "
            f"average (if all partitions were equal, {significant(theory(at))}; from one shared "
            f"queue, {significant(shared_queue(at))}). At {significant(at.rate_rps)} per second "
            f"the fullest reader drawn here would have to be busy {percent(fullest)} of the time, "
            f"{late}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        groups = GROUPS.tolist()
        return {
            "consumers": GROUPS,
            "messages per s": self.capacity.estimate,
            "from": self.capacity.low,
            "to": self.capacity.high,
            "equal partitions": [theory(self.at, n) for n in groups],
            "shared queue": [shared_queue(self.at, n) for n in groups],
        }


@style.panels(2, width_ratios=[1.3, 1])
def plot(run: Group, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what a group can take against its size, and how busy each reader is."""
    at, (ax, busy), groups = run.at, axes, GROUPS.tolist()
    steps = [theory(at, n) for n in groups]
    top = coarse(1.25 * steps[-1])
    ax.plot(GROUPS, [shared_queue(at, n) for n in groups], color=style.GHOST, linewidth=1.4)
    ax.plot(GROUPS, steps, **style.THEORY)
    error_bars(ax, GROUPS, run.capacity, **style.DOTS | {"markersize": 4})
    here(ax, at.consumers)
    ring(ax, at.consumers, run.capacity_here.estimate)
    ax.set(xlim=(0, 25), ylim=(0, top), xlabel="consumers", ylabel="messages per second")
    ax.set_title("What the group can take")
    n = max(1, min(14, int(0.8 * top * at.work_ms / 1e3)))
    style.label(ax, n, shared_queue(at, n), "one shared queue", style.MUTED, xytext=(8, -4))
    style.label(ax, 24, steps[-1], "equal partitions", style.INK, ha="right", xytext=(-2, 8))

    full = run.busy > 1 + 1e-9
    for these, color in ((~full, style.BLUE), (full, style.VERMILION)):
        if these.any():
            place = 1 + np.flatnonzero(these)
            bars(busy, place, 100 * run.busy[these], 0.7, facecolor=color)
    busy.axhline(100, color=style.INK, linewidth=1)
    busy.set_xlim(0.3, at.consumers + 0.7)
    busy.set_ylim(0, headroom(100 * float(run.busy.max()), 120))
    busy.set_title("How busy each would be")
    busy.set_xlabel("consumer")
    busy.set_ylabel("of its time (%)")
    if mine is not None:
        yours(ax, at.consumers, mine["capacity_rps"])
