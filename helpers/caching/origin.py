"""A real herd: clients, one cache in this process, and a slow origin behind a TCP port."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from helpers.foundations.servers.lateness import Lateness

_BACKLOG = 2_000


class Seen(NamedTuple):
    """What was seen of one expiry.

    Attributes
    ----------
    arrived_s, answered_s : numpy.ndarray, shape (queries,)
        When queries reached the origin and were answered, seconds since the expiry, ascending.
    filled_s : float
        From the first miss until its answer was in the cache, seconds.
    late_s : float
        How late timers were on average, seconds.
    """

    arrived_s: np.ndarray
    answered_s: np.ndarray
    filled_s: float
    late_s: float


def expire(
    clients_s: np.ndarray,
    recompute_s: float,
    connections: int,
    *,
    single_flight: bool,
    timeout_s: float,
) -> Seen:
    """Let a key expire under clients that ask for it at given times.

    Parameters
    ----------
    clients_s : numpy.ndarray
        When each asks, seconds since the expiry, ascending; some before it.
    recompute_s : float
        Time a query holds a connection of the origin's pool, seconds.
    connections : int
        Size of that pool.
    single_flight : bool
        Whether a miss waits for a query that is already on its way.
    timeout_s : float
        When to give up, seconds.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    """

    async def run() -> tuple[_Origin, _Cache, float]:
        async with asyncio.timeout(timeout_s), _Origin(recompute_s, connections) as origin:
            # The first connection of a process is slow; it is not the herd's.
            _, writer = await asyncio.open_connection("127.0.0.1", origin.port)
            writer.close()
            await writer.wait_closed()
            began = time.perf_counter() + 0.02  # all clients are ready by then
            expiry = began - min(float(clients_s[0]), 0.0)
            cache = _Cache(origin, expiry, single_flight=single_flight)
            async with asyncio.TaskGroup() as clients:
                for asked_s in clients_s.tolist():
                    clients.create_task(_client(cache, expiry + asked_s))
        return origin, cache, expiry

    with _no_collection(), Lateness() as lateness:
        origin, cache, expiry = _in_own_loop(run())
    return Seen(
        np.sort(np.array(origin.arrived) - expiry),
        np.sort(np.array(origin.answered) - expiry),
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
        self._server: asyncio.Server
        self.port = 0

    async def __aenter__(self) -> _Origin:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=_BACKLOG)
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


def _in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a thread of its own: a notebook's thread has a loop already."""
    with ThreadPoolExecutor(1, thread_name_prefix="measurement") as executor:
        return executor.submit(asyncio.run, work).result()
