"""A small real server on the loopback interface, and clients that load it.

The server takes one request at a time, and what it does for each is sleep: many of them fit on
one core, and their service times can be chosen. Real are the sockets, the timers, the event loop
and its lateness.
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
    """Run a coroutine in an event loop and a thread of its own, for at most `limit_s` seconds.

    A notebook's kernel runs an event loop already; and one that waits with ``select`` wakes up on
    time, where the default one rounds each wait up to a whole millisecond.

    Raises
    ------
    TimeoutError
        If it takes longer.
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


@dataclass
class Server:
    """A TCP server that serves one request after the other, in the order they came.

    Attributes
    ----------
    services : iterator of float
        Service time of each request, seconds.
    came, began, ended : list of float
        When each request came, was taken up, and was done; loop time, seconds.
    """

    services: Iterator[float]
    came: list[float] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[Any, bytes]] = deque()
        self.busy = False
        self._server = await self._loop.create_server(
            lambda: Lines(self._arrive), host="127.0.0.1", port=0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the server."""
        self._server.close()

    def _arrive(self, transport: Any, name: bytes) -> None:
        self.came.append(self._loop.time())
        self._queue.append((transport, name))
        if not self.busy:
            self._next()

    def _next(self) -> None:
        self.busy = bool(self._queue)
        if self.busy:
            transport, name = self._queue.popleft()
            self.began.append(self._loop.time())
            self._loop.call_later(next(self.services), self._finish, transport, name)

    def _finish(self, transport: Any, name: bytes) -> None:
        self.ended.append(self._loop.time())
        if not transport.is_closing():
            transport.write(name + b"\n")
        self._next()

    def observed(self, after: float, before: float) -> tuple[np.ndarray, np.ndarray]:
        """Return waits and service times of the requests that came between two loop times."""
        done = len(self.ended)
        came, began, ended = (
            np.array(times[:done]) for times in (self.came, self.began, self.ended)
        )
        kept = (came >= after) & (came < before)
        return (began - came)[kept], (ended - began)[kept]


@dataclass
class OpenClient:
    """Sends requests at the times it is given, whatever becomes of those before."""

    server: Server
    gaps: Iterator[float]

    async def start(self, until: float) -> None:
        """Connect, and send until loop time `until`."""
        self._loop = asyncio.get_running_loop()
        self._until = until
        self._transport, _ = await self._loop.create_connection(
            lambda: Lines(lambda *_: None), "127.0.0.1", self.server.port
        )
        self._due = self._loop.time()
        self._next()

    def stop(self) -> None:
        """Close the connection."""
        self._transport.abort()

    def _next(self) -> None:
        # Counting from when a request was due keeps lateness from slowing the traffic down.
        self._due += next(self.gaps)
        if self._due < self._until:
            self._loop.call_at(self._due, self._send)

    def _send(self) -> None:
        self._transport.write(b"request\n")
        self._next()


@dataclass
class Users:
    """So many users, each of whom thinks, asks, waits for the answer and thinks again.

    Attributes
    ----------
    thought, answered, responses : list of float
        How long each think took, when each answer came (loop time) and after how long; seconds.
    waiting : int
        Requests sent and not answered.
    """

    server: Server
    count: int
    thinks: Iterator[float]
    thought: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    responses: list[float] = field(default_factory=list)
    waiting: int = 0

    async def start(self, at_once: int = 0) -> None:
        """Connect; so many users ask at once, the others begin to think."""
        self._loop = asyncio.get_running_loop()
        self._sent = [0.0] * self.count
        self._transport, _ = await self._loop.create_connection(
            lambda: Lines(self._reply), "127.0.0.1", self.server.port
        )
        for user in range(self.count):
            if user < at_once:
                self._send(user, self._loop.time())
            else:
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
        if since < self._sent[user]:
            self.thought.append(self._sent[user] - since)
        self.waiting += 1
        self._transport.write(b"%d\n" % user)

    def _reply(self, _: Any, name: bytes) -> None:
        user, now = int(name), self._loop.time()
        self.waiting -= 1
        self.answered.append(now)
        self.responses.append(now - self._sent[user])
        self._think(user)


def scaled(mean_s: float, draw: Callable[[int], np.ndarray]) -> Iterator[float]:
    """Yield times of a given mean without end, from a function that draws n of mean 1."""
    while True:
        yield from (mean_s * draw(256)).tolist()
