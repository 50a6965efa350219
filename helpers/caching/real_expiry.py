"""The herd of `expiry` for real: hundreds of clients, one cache, and an origin behind TCP.

Where that stops being true: clients, cache and origin share one process and one machine, which is
late with all of them where it is busy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.caching import expiry
from helpers.caching.connection_pool import saturated_s
from helpers.caching.expiry import under_the_bar
from helpers.caching.herd import herd
from helpers.caching.origin import expire
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded, significant
from helpers.foundations.queueing import queue_length_at
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, verdict
from helpers.foundations.traffic.arrivals import arrival_times

#: What can be measured of what can be done.
MEASURED_FIXES = ("none", "single-flight")

_BEFORE_S = 0.05  # measured traffic before the expiry
_TOO_SLOW = 1.2  # over the recompute time, for the first answer
_FEWEST, _MOST = 10, 2_000  # requests per recompute time that can be measured


class Trial(Parameters):
    """Hundreds of clients, one cache and a slow origin, over TCP on this machine.

    Clients share a cache in this process. A miss opens a TCP connection to an origin on 127.0.0.1
    with a bounded pool for the work. Takes about ``(1 + rate x recompute) x recompute /
    connections`` seconds.
    """

    rate_rps: float = number(1_000.0, "Requests for the key", unit="per s", above=0)
    recompute_s: float = number(0.15, "Time to recompute it", unit="s", above=0)
    connections: int = integer(15, "Connections of the origin's pool", at_least=1)
    fix: str = option("none", "Fix", of=MEASURED_FIXES)
    timeout_s: float = number(20.0, "The measurement is given up after", unit="s", above=0)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse herds too small to judge or too large for this machine."""
        requests = self.rate_rps * self.recompute_s
        if not _FEWEST <= requests <= _MOST:
            raise ValueError(
                f"rate_rps x recompute_s must be {_FEWEST} to {_MOST:,} requests, "
                f"got {self.rate_rps:g} x {self.recompute_s:g} = {requests:g}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredExpiry:
    """Let a key expire under real clients, and count what reaches the origin.

    Raises
    ------
    TimeoutError
        If it took longer than ``timeout_s``.
    """
    span_s = _BEFORE_S + 2 * at.recompute_s  # long enough for the answer to be back in the cache
    expected = at.rate_rps * span_s
    count = int(expected + 6 * math.sqrt(expected) + 10)
    clients = arrival_times("poisson", at.rate_rps, count, Draws(at.seed)("clients"))
    clients = clients[: np.searchsorted(clients, span_s)]
    seen = expire(
        clients - _BEFORE_S,
        at.recompute_s,
        at.connections,
        single_flight=at.fix == "single-flight",
        timeout_s=at.timeout_s,
    )
    return MeasuredExpiry(
        at, clients.size, seen.arrived_s, seen.answered_s, seen.filled_s, seen.late_s
    )


class MeasuredExpiry(Measured):
    """One real expiry, timed at the origin.

    Attributes
    ----------
    clients : int
        How many asked for the key.
    arrived_s, answered_s : numpy.ndarray, shape (queries,)
        When each query reached the origin and when it was answered, seconds since the expiry.
    filled_s : float
        From the first miss until its answer was in the cache, seconds: the recompute time and
        whatever the network and a busy machine added.
    late_s : float
        How late timers were on average, seconds: how well this machine kept to the traffic it was
        asked for.
    """

    at: Trial
    clients: int
    arrived_s: np.ndarray
    answered_s: np.ndarray
    filled_s: float
    late_s: float

    @property
    def queries(self) -> int:
        """How many queries reached the origin."""
        return int(self.arrived_s.size)

    @property
    def time_s(self) -> np.ndarray:
        """Instants from the expiry until the origin is idle again, seconds."""
        return np.linspace(0.0, 1.05 * self.answered_s[-1], 60)

    @property
    def at_database(self) -> np.ndarray:
        """Queries at the origin, running and queued, at each of :attr:`time_s`."""
        return queue_length_at(self.time_s, self.arrived_s, self.answered_s)

    @property
    def saturated_s(self) -> float:
        """How long all connections were taken, seconds."""
        return saturated_s(self.arrived_s, self.answered_s, self.at.connections)

    @property
    def interval(self) -> Interval:
        """95 % interval for the mean number of queries, from this one herd.

        All queries but the first are Poisson; the square root of a Poisson count has a standard
        deviation of about one half.
        """
        root = math.sqrt(self.queries - 1)
        low, high = max(root - 0.98, 0.0) ** 2, (root + 0.98) ** 2
        return Interval(float(self.queries), 1 + low, 1 + high, 0.95, 1)

    @property
    def expected(self) -> float:
        """Mean number of queries that theory expects, given how long the value really took."""
        return 1.0 if self.at.fix == "single-flight" else herd(self.at.rate_rps, self.filled_s)

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        if self.at.fix == "single-flight":  # one: nothing random to make an interval of
            word = "agrees" if self.queries == 1 else "disagrees"
            return f"theory 1 query, measured {self.queries}: {word}"
        if busy := no_verdict(self.late_s, self.at.recompute_s):
            return busy
        if self.filled_s > _TOO_SLOW * self.at.recompute_s:  # clients came as late as the answer
            return (
                f"No verdict: this machine was too busy, and an answer of "
                f"{duration(self.at.recompute_s)} took {duration(self.filled_s)}."
            )
        return verdict(self.interval, self.expected, unit="queries")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "clients": self.clients,
            "queries": self.queries,
            "queries_theory": rounded(self.expected),
            "filled_ms": rounded(1e3 * self.filled_s),
            "saturated_ms": rounded(1e3 * self.saturated_s),
        }

    @property
    def reading(self) -> str:
        fix = "without a fix" if self.at.fix == "none" else self.at.fix
        taken = f"all {self.at.connections} connections were taken for {duration(self.saturated_s)}"
        if self.saturated_s == 0:
            taken = "the origin always had a free connection"
        return (
            f"Measured, {fix}: {counted(self.clients, 'client')} caused "
            f"{counted(self.queries, 'query', 'queries')} for one value "
            f"(theory: {significant(self.expected)}), and {taken}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "query": np.arange(1, self.queries + 1),
            "arrived (s)": self.arrived_s,
            "answered (s)": self.answered_s,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = expiry.plot


@style.panels(2, width_ratios=[1.5, 1])
def plot_measured(run: MeasuredExpiry, axes: tuple[Axes, Axes]) -> None:
    """Draw what the origin saw, alone or over a simulated herd."""
    over_time, counts = axes
    over_time.plot(run.time_s, run.at_database, **style.MEASUREMENT | {"markersize": 4})
    if run.at.fix == "none":
        peak, color = int(run.at_database.argmax()), style.MEASUREMENT["color"]
        at = run.time_s[peak], run.at_database[peak]
        style.label(over_time, *at, "measured", color, xytext=(6, 8))
    row = under_the_bar(run.at.fix)
    if run.at.fix == "single-flight":
        counts.plot(run.queries, row, **style.MEASUREMENT)
    else:
        error_bars(counts, row, run.interval, along="x", **style.MEASUREMENT)
