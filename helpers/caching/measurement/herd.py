"""A real herd: hundreds of clients, one cache and a slow origin, over TCP on this machine."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import rounded
from helpers.caching.simulation.herd import saturated_time
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import queue_length_at
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, verdict
from helpers.foundations.traffic.arrivals import arrival_times
from helpers.foundations.traffic.streams import streams

#: What the measured cache can do about an expiry.
MEASURED_FIXES = ("none", "single-flight")

_BEFORE_S = 0.05  # traffic before the expiry
_FEWEST_QUERIES, _MOST_QUERIES = 10, 2_000


class MeasuredHerdResult(Result):
    """One real expiry, timed at the origin."""

    rate_rps: float
    recompute_s: float
    connections: int
    fix: str
    clients: int
    #: When each query reached the origin and when it was answered, seconds since the expiry.
    arrived_s: np.ndarray
    answered_s: np.ndarray
    #: Instants, and the queries at the origin, running and queued; shape (points,).
    time_s: np.ndarray
    at_database: np.ndarray
    saturated_s: float
    #: From the first miss until its answer was in the cache, seconds: the recompute time and
    #: whatever the network and a busy machine added.
    filled_s: float
    #: How late timers were on average, seconds: how well this machine kept to the traffic it was
    #: asked for.
    late_s: float

    @property
    def queries(self) -> int:
        """How many queries reached the origin."""
        return self.arrived_s.size

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
    def theory(self) -> float:
        """Mean number of queries that theory expects, given how long the value really took."""
        return theory.theory_expiry_herd(self.rate_rps, self.filled_s, self.fix)

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        if self.fix == "single-flight":  # one, always: nothing random to make an interval of
            word = "agrees" if self.queries == 1 else "disagrees"
            return f"theory 1 query, measured {self.queries}: {word}"
        if busy := no_verdict(self.late_s, self.recompute_s):
            return busy
        return verdict(self.interval, self.theory, unit="queries")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "clients": self.clients,
            "queries": self.queries,
            "queries_theory": rounded(self.theory),
            "filled_ms": rounded(1e3 * self.filled_s),
            "saturated_ms": rounded(1e3 * self.saturated_s),
        }

    @property
    def reading(self) -> str:
        queries = "1 query" if self.queries == 1 else f"{self.queries:,} queries"
        trouble = f"all {self.connections} connections were taken for {duration(self.saturated_s)}"
        if self.saturated_s == 0:
            trouble = "the origin always had a free connection"
        return (
            f"Measured, {self.fix if self.fix != 'none' else 'without a fix'}: {self.clients:,} "
            f"clients caused {queries} for one value (theory: {significant(self.theory)}), and "
            f"{trouble}."
        )


def measure_expiry_herd(
    *,
    rate_rps: float = 1_000.0,
    recompute_s: float = 0.15,
    connections: int = 15,
    fix: str = "none",
    seed: int = 1,
    timeout_s: float = 20.0,
) -> MeasuredHerdResult:
    """Let a key expire under hundreds of real clients, and count what reaches a real origin.

    Clients share a cache in this process. A miss opens a TCP connection to an origin on
    127.0.0.1, which answers after `recompute_s`, with a pool of `connections` for the work. Takes
    about ``(1 + rate x recompute) x recompute / connections`` seconds.

    Parameters
    ----------
    rate_rps : float
        Requests for the key, per second, Poisson; > 0. Between 10 and 2,000 must come per
        recompute time.
    recompute_s : float
        Time a query holds a connection of the origin's pool, seconds; > 0.
    connections : int
        Size of that pool; >= 1.
    fix : {"none", "single-flight"}
        Whether a miss waits for a query that is already on its way.
    seed : int
        Seed of the arrival times. Times measured are the machine's own.
    timeout_s : float
        The measurement is given up after this long, seconds; > 0.

    Returns
    -------
    MeasuredHerdResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If it took longer than `timeout_s`.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    if not _FEWEST_QUERIES <= rate_rps * recompute_s <= _MOST_QUERIES:
        raise ValueError(
            f"rate_rps x recompute_s must be {_FEWEST_QUERIES} to {_MOST_QUERIES:,} requests, "
            f"got {rate_rps:g} x {recompute_s:g} = {rate_rps * recompute_s:g}"
        )
    connections = validation.integer("connections", connections, at_least=1)
    validation.one_of("fix", fix, MEASURED_FIXES)
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    span_s = _BEFORE_S + 2 * recompute_s  # long enough for the answer to be back in the cache
    expected = rate_rps * span_s
    arrivals = arrival_times(
        "poisson",
        rate_rps,
        int(expected + 6 * math.sqrt(expected) + 10),
        streams(seed, "clients")["clients"],
    )
    arrivals = arrivals[: np.searchsorted(arrivals, span_s)]

    async def run() -> tuple[list[float], list[float], float, _Cache]:
        async with asyncio.timeout(timeout_s), _Origin(recompute_s, connections) as origin:
            # The first connection of a process is slow; it is not the herd's.
            _, writer = await asyncio.open_connection("127.0.0.1", origin.port)
            writer.close()
            await writer.wait_closed()
            began = time.perf_counter() + 0.02  # all clients are ready by then
            expiry = began + _BEFORE_S
            cache = _Cache(origin, expiry, single_flight=fix == "single-flight")
            async with asyncio.TaskGroup() as clients:
                for arrival in arrivals.tolist():
                    clients.create_task(_client(cache, began + arrival))
        return origin.arrived, origin.answered, expiry, cache

    with _no_collection(), Lateness() as lateness:
        arrived, answered, expiry, cache = in_own_loop(run())
    arrived, answered = np.array(arrived) - expiry, np.array(answered) - expiry
    arrived.sort()
    answered.sort()
    time_s = np.linspace(0.0, 1.05 * answered[-1], 60)
    return MeasuredHerdResult(
        rate_rps=rate_rps,
        recompute_s=recompute_s,
        connections=connections,
        fix=fix,
        clients=arrivals.size,
        arrived_s=arrived,
        answered_s=answered,
        time_s=time_s,
        at_database=queue_length_at(time_s, arrived, answered),
        saturated_s=saturated_time(arrived, answered, connections),
        filled_s=cache.filled - cache.missed,
        late_s=lateness.mean_s,
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector away: in a long session one run of it takes 100 ms."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Origin:
    """A TCP server with a bounded pool: each request line is answered after a fixed time."""

    def __init__(self, recompute_s: float, connections: int) -> None:
        self.recompute_s = recompute_s
        self.arrived: list[float] = []
        self.answered: list[float] = []
        self._pool = asyncio.Semaphore(connections)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> _Origin:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, backlog=_MOST_QUERIES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not await reader.readline():
                return  # the caller only tried whether the line works
            self.arrived.append(time.perf_counter())
            async with self._pool:
                await asyncio.sleep(self.recompute_s)
            self.answered.append(time.perf_counter())
            writer.write(b"fresh value\n")
            await writer.drain()
        finally:
            writer.close()


class _Cache:
    """One key with a time to live, in front of the origin."""

    def __init__(self, origin: _Origin, expires: float, *, single_flight: bool) -> None:
        self.origin = origin
        self.expires = expires
        self.single_flight = single_flight
        self.missed = self.filled = math.inf  # when the first miss came, and its answer
        self._flight: asyncio.Task[None] | None = None

    async def get(self) -> None:
        if time.perf_counter() < self.expires:
            return
        self.missed = min(self.missed, time.perf_counter())
        if not self.single_flight:
            await self._fetch()
            return
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch())
        # Shielded, so that a client who gives up does not take the others' answer along.
        await asyncio.shield(self._flight)

    async def _fetch(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.origin.port)
        try:
            writer.write(b"GET\n")
            await reader.readline()
        finally:
            writer.close()
        self.filled = min(self.filled, time.perf_counter())
        self.expires = time.perf_counter() + 3_600
        self._flight = None


async def _client(cache: _Cache, at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.perf_counter()))
    await cache.get()


def in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a thread of its own: a notebook's thread has a loop already."""
    with ThreadPoolExecutor(1, thread_name_prefix="measurement") as executor:
        return executor.submit(asyncio.run, work).result()
