"""Where a write is when you say OK: what it costs to keep it, and what a crash takes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.streams import streams
from helpers.why.theory import DurabilityTheory, theory_durability

if TYPE_CHECKING:
    import pandas as pd

#: What a program can do before it acknowledges a write, the cheapest first.
POLICIES = ("memory", "no sync", "sync each write", "group commit")

#: Time of a write to memory, seconds; a constant of the model.
MEMORY_S = 1e-6

#: How long the process has run when it crashes, seconds.
UPTIME_S = 3_600.0

_WRITES = 4_000
_CRASHES = 2_000


@dataclass(frozen=True)
class DurabilityRow:
    """One policy: what it costs, and what crashes take on average."""

    latency_s: float
    lost_kill: float
    lost_power: float
    theory: DurabilityTheory


class DurabilityResult(Result):
    """Four ways of keeping the same writes.

    Attributes
    ----------
    write_wps, sync_ms, flush_s
        The parameters it was made with.
    rows : dict of str to DurabilityRow
        One for each of :data:`POLICIES`; the latency is infinite where the disk cannot keep up.
    """

    write_wps: float
    sync_ms: float
    flush_s: float
    rows: dict[str, DurabilityRow]

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for name, row in self.rows.items():
            short = name.replace(" ", "_")
            latency = 1e3 * row.latency_s
            found[f"{short}_ms"] = latency if np.isfinite(latency) else "cannot keep up"
            found[f"{short}_lost_in_power_cut"] = row.lost_power
        found["memory_lost_in_kill"] = self.rows["memory"].lost_kill
        return found

    @property
    def reading(self) -> str:
        no_sync, each = self.rows["no sync"], self.rows["sync each write"]
        group = self.rows["group commit"]
        cost = (
            f"syncing each takes {duration(each.latency_s)} a write"
            if np.isfinite(each.latency_s)
            else f"the disk cannot sync each (it manages {significant(1e3 / self.sync_ms)} a "
            "second)"
        )
        return (
            f"Of {significant(self.write_wps)} writes a second a power cut takes "
            f"{significant(no_sync.lost_power)} on average if nobody asks for a sync; {cost}, "
            f"sharing syncs takes {duration(group.latency_s)}, and both lose none. If only the "
            "process dies, what was handed to the operating system survives."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            [
                {
                    "policy": name,
                    "latency (ms)": 1e3 * row.latency_s,
                    "theory (ms)": 1e3 * row.theory.latency_s,
                    "lost, process killed": row.lost_kill,
                    "lost, power cut": row.lost_power,
                    "theory, power cut": row.theory.lost_power,
                }
                for name, row in self.rows.items()
            ]
        ).set_index("policy")


def simulate_durability(
    *,
    write_wps: float = 200.0,
    sync_ms: float = 2.0,
    flush_s: float = 10.0,
    seed: int = 1,
) -> DurabilityResult:
    """Simulate acknowledged writes, four ways of keeping them, and two kinds of crash.

    Parameters
    ----------
    write_wps : float
        Writes per second (Poisson); 0.1 to 1e6.
    sync_ms : float
        Time the disk takes to confirm a sync, milliseconds; > 0.
    flush_s : float
        Time between two syncs that the operating system does on its own, seconds; > 0 and at
        most 3,600.
    seed : int
        Seed of writes and crashes.

    Returns
    -------
    DurabilityResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The disk keeps what it has confirmed; disks that lie about it are not modelled. Latencies come
    from 4,000 writes, losses from 2,000 crashes at random moments of an hour.
    """
    write_wps = validation.number(
        "write_wps", write_wps, at_least=0.1, at_most=1e6, unit="writes/s"
    )
    sync_ms = validation.number("sync_ms", sync_ms, above=0, unit="ms")
    flush_s = validation.number("flush_s", flush_s, above=0, at_most=UPTIME_S, unit="s")
    seed = validation.integer("seed", seed, at_least=0)
    sync_s = sync_ms * 1e-3
    rng = streams(seed, "writes", "crashes", "counts")
    arrivals = np.cumsum(unit_gaps("poisson", _WRITES, rng["writes"])) / write_wps
    age_s = flush_s * rng["crashes"].random(_CRASHES)  # since the last sync, at the crash
    unsynced = float(rng["counts"].poisson(write_wps * age_s).mean())
    everything = float(rng["counts"].poisson(write_wps * UPTIME_S, _CRASHES).mean())
    measured = {
        "memory": (MEMORY_S, everything, everything),
        "no sync": (MEMORY_S, 0.0, unsynced),
        "sync each write": (_each(arrivals, write_wps, sync_s), 0.0, 0.0),
        "group commit": (_group(arrivals, sync_s), 0.0, 0.0),
    }
    rows = {
        name: DurabilityRow(
            *measured[name],
            theory_durability(name, write_wps, sync_s, flush_s, UPTIME_S, MEMORY_S),
        )
        for name in POLICIES
    }
    return DurabilityResult(write_wps, sync_ms, flush_s, rows)


def _each(arrivals: np.ndarray, write_wps: float, sync_s: float) -> float:
    """Mean time until a write is synced, one sync for each, in the order they came."""
    if write_wps * sync_s >= 1:
        return float("inf")
    waits = queueing.fifo_waits(arrivals, np.full(arrivals.size, sync_s), 1)
    return float(waits.mean()) + sync_s


def _group(arrivals: np.ndarray, sync_s: float) -> float:
    """Mean time until a write is synced if a sync takes along all that wait when it starts."""
    times = arrivals.tolist()
    total, first, free = 0.0, 0, 0.0
    while first < len(times):
        start = max(free, times[first])
        last = bisect_right(times, start, lo=first)
        free = start + sync_s
        total += free * (last - first)
        first = last
    return (total - float(arrivals.sum())) / len(times)
