"""Small servers on the loopback interface, and the two kinds of clients that load them.

A :class:`Station` is a real TCP server with one queue and a few workers. What a worker does for a
request is sleep, so that a hundred of them fit on one core and none disturbs the others; what is
real is everything around it: sockets, timers, the event loop and its lateness.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def run_apart(main: Callable[[], Awaitable[T]], limit_s: float) -> T:
    """Run a coroutine in an event loop of its own, in a thread of its own.

    A notebook's kernel already runs an event loop, and one that waits with ``select`` wakes up on
    time where the default one rounds every wait up to a whole millisecond.

    Parameters
    ----------
    main : callable
        Makes the coroutine.
    limit_s : float
        Seconds after which it is cancelled.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """

    async def bounded() -> T:
        return await asyncio.wait_for(main(), limit_s)

    def work() -> T:
        def new_loop() -> asyncio.AbstractEventLoop:
            return asyncio.SelectorEventLoop(selectors.SelectSelector())

        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(bounded())

    with ThreadPoolExecutor(1, "loopback") as thread:
        return thread.submit(work).result()


@dataclass
class Station:
    """A TCP server that serves requests first come, first served.

    Attributes
    ----------
    services : iterator of float
        Service time of each request, seconds.
    workers : int
        Requests served at a time.
    downstream : Station or None
        Where a request goes after it has been served here, before the reply goes back.
    began, ended, waited : list
        When each service began and ended (loop time, seconds), and whether its request waited.
    """

    services: Iterator[float]
    workers: int = 1
    downstream: Station | None = None
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    waited: list[bool] = field(default_factory=list)

    async def start(self) -> None:
        """Listen on a free port, and connect to the station downstream."""
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[asyncio.Transport, bytes, bool]] = deque()
        self._free = self.workers
        self._origin: dict[bytes, asyncio.Transport] = {}
        self._forward: asyncio.Transport | None = None
        if self.downstream is not None:
            self._forward, _ = await connect(self.downstream, self._relay)
        self._server = await self._loop.create_server(
            lambda: Lines(self._arrive), host="127.0.0.1", port=0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the server and every connection it has."""
        self._server.close()
        if self._forward is not None:
            self._forward.abort()

    def _arrive(self, transport: asyncio.Transport, name: bytes) -> None:
        if self._free:
            self._free -= 1
            self._serve(transport, name, False)
        else:
            self._queue.append((transport, name, True))

    def _serve(self, transport: asyncio.Transport, name: bytes, waited: bool) -> None:
        began = self._loop.time()
        self.waited.append(waited)
        self._loop.call_later(next(self.services), self._finish, transport, name, began)

    def _finish(self, transport: asyncio.Transport, name: bytes, began: float) -> None:
        self.began.append(began)
        self.ended.append(self._loop.time())
        if self._forward is not None:
            self._origin[name] = transport
            self._forward.write(name + b"\n")
        elif not transport.is_closing():
            transport.write(name + b"\n")
        if self._queue:
            self._serve(*self._queue.popleft())
        else:
            self._free += 1

    def _relay(self, _: asyncio.Transport, name: bytes) -> None:
        origin = self._origin.pop(name)
        if not origin.is_closing():
            origin.write(name + b"\n")

    def service_s(self, after: float = 0.0) -> np.ndarray:
        """Return how long each service really took that began after loop time `after`."""
        began, ended = np.array(self.began), np.array(self.ended)
        return (ended - began)[began >= after]


class Lines(asyncio.Protocol):
    """Calls back with each line received."""

    def __init__(self, on_line: Callable[[Any, bytes], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(self._transport, line)


async def connect(
    station: Station, on_line: Callable[[Any, bytes], None]
) -> tuple[asyncio.Transport, asyncio.Protocol]:
    """Open a connection to a station that has been started."""
    loop = asyncio.get_running_loop()
    return await loop.create_connection(lambda: Lines(on_line), "127.0.0.1", station.port)


@dataclass
class OpenClient:
    """Sends requests at given times, whatever becomes of those before.

    Attributes
    ----------
    gaps : iterator of float
        Time between one request and the next, seconds.
    backlog : int
        Requests sent at once at the start, so that the queue need not begin empty.
    sent, replied : dict of int to float
        Loop times at which each request was sent and its reply arrived, seconds.
    """

    gaps: Iterator[float]
    backlog: int = 0
    sent: dict[int, float] = field(default_factory=dict)
    replied: dict[int, float] = field(default_factory=dict)

    async def start(self, station: Station, until: float) -> None:
        """Send to `station` until loop time `until`."""
        self._loop = asyncio.get_running_loop()
        self._until = until
        self._transport, _ = await connect(station, self._reply)
        self._due = self._loop.time()
        for _ in range(self.backlog):
            self._write()
        self._next()

    def stop(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def _next(self) -> None:
        # Counting from when a request was due, not from when it was sent, keeps lateness from
        # slowing the traffic down.
        self._due += next(self.gaps)
        if self._due < self._until:
            self._loop.call_at(self._due, self._send)

    def _send(self) -> None:
        self._write()
        self._next()

    def _write(self) -> None:
        number = len(self.sent)
        self.sent[number] = self._loop.time()
        self._transport.write(b"%d\n" % number)

    def _reply(self, _: asyncio.Transport, name: bytes) -> None:
        self.replied[int(name)] = self._loop.time()

    def response_s(self, after: float, before: float) -> np.ndarray:
        """Return the response times of requests sent between two loop times, seconds.

        A request that has no reply yet counts as far as it has come, so that slow ones are not
        left out.
        """
        now = max(self.replied.values(), default=before)
        return np.array(
            [
                self.replied.get(number, now) - sent
                for number, sent in self.sent.items()
                if after <= sent < before
            ]
        )


@dataclass
class ClosedClients:
    """A fixed number of users, each of whom waits for the reply, thinks, and asks again.

    Attributes
    ----------
    users : int
        How many.
    thinks : iterator of float
        Think times, seconds.
    thought : list of float
        How long each think really took, seconds.
    finished, responses : list of float
        Loop time of each reply, and the response time, seconds.
    """

    users: int
    thinks: Iterator[float]
    thought: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    responses: list[float] = field(default_factory=list)

    async def start(self, station: Station) -> None:
        """Let every user think and then send to `station`."""
        self._loop = asyncio.get_running_loop()
        self._sent = [0.0] * self.users
        self._transport, _ = await connect(station, self._reply)
        for user in range(self.users):
            self._think(user)

    def stop(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def _think(self, user: int) -> None:
        self._loop.call_later(next(self.thinks), self._send, user, self._loop.time())

    def _send(self, user: int, since: float) -> None:
        if self._transport.is_closing():
            return
        self._sent[user] = self._loop.time()
        self.thought.append(self._sent[user] - since)
        self._transport.write(b"%d\n" % user)

    def _reply(self, _: asyncio.Transport, name: bytes) -> None:
        user, now = int(name), self._loop.time()
        self.finished.append(now)
        self.responses.append(now - self._sent[user])
        self._think(user)


def exponentials(mean_s: float, rng: np.random.Generator) -> Iterator[float]:
    """Yield exponential times with a mean, without end."""
    while True:
        yield from (mean_s * rng.standard_exponential(256)).tolist()
