"""Real servers on the loopback interface, and the clients that load them.

What a worker does for a request is sleep, so that a hundred of them fit on one core, none disturbs
the others, and their service times can be chosen. What is real is everything around it: sockets,
timers, the event loop and its lateness.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

T = TypeVar("T")
OnLine = Callable[[asyncio.Transport, bytes], None]

_HOST = "127.0.0.1"


def run_apart(main: Callable[[], Awaitable[T]], limit_s: float) -> T:
    """Run a coroutine in a thread of its own, in an event loop that wakes up on time.

    A notebook's kernel runs an event loop already, and the usual one rounds every wait up to a
    whole millisecond; one that waits with ``select`` does not.

    Parameters
    ----------
    main : callable
        Makes the coroutine.
    limit_s : float
        Seconds after which it is cancelled.

    Returns
    -------
    object
        What the coroutine returns.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """

    async def bounded() -> T:
        return await asyncio.wait_for(main(), limit_s)

    def new_loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    def work() -> T:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(bounded())

    with ThreadPoolExecutor(1, "loopback") as thread:
        return thread.submit(work).result()


def scaled(mean_s: float, draw: Callable[[int], np.ndarray]) -> Iterator[float]:
    """Yield times without end.

    Parameters
    ----------
    mean_s : float
        Their mean, seconds.
    draw : callable
        Draws so many of mean 1, such as a generator's ``standard_exponential``.
    """
    while True:
        yield from (mean_s * draw(256)).tolist()


# --- lines --------------------------------------------------------------------------------------


class Lines(asyncio.Protocol):
    """One end of a connection on which every message is a line.

    Parameters
    ----------
    on_line : callable
        Called with the transport and each line, without its end.
    on_lost : callable, optional
        Called when the connection is gone.
    on_made : callable, optional
        Called with the transport when the connection is there.
    """

    def __init__(
        self,
        on_line: OnLine,
        on_lost: Callable[[], None] | None = None,
        on_made: Callable[[asyncio.Transport], None] | None = None,
    ) -> None:
        self._on_line, self._on_lost, self._on_made = on_line, on_lost, on_made
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # asyncio.Protocol is for streams
        self._transport = transport
        if self._on_made is not None:
            self._on_made(transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(self._transport, line)

    def connection_lost(self, _: Exception | None) -> None:
        if self._on_lost is not None:
            self._on_lost()


class LineServer:
    """A TCP server on a free port of 127.0.0.1.

    Parameters
    ----------
    on_line : callable
        Called with the transport and each line that comes.

    Attributes
    ----------
    port : int
        Where it listens, once it has started.
    """

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._server: asyncio.Server | None = None
        self._transports: list[asyncio.Transport] = []

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self._greet, _HOST, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def _greet(self) -> Lines:
        if self._server is not None and not self._server.is_serving():
            # Who was accepted while the server stopped: asyncio would never close it.
            raise ConnectionAbortedError("the server has stopped")
        return Lines(self._on_line, on_made=self._transports.append)

    def stop(self) -> None:
        """Stop listening and cut every connection: what a killed process does."""
        if self._server is not None:
            self._server.close()
        for transport in self._transports:
            transport.abort()


async def connect(
    port: int, on_line: OnLine, on_lost: Callable[[], None] | None = None
) -> asyncio.Transport:
    """Open a connection to a port of this machine.

    Parameters
    ----------
    port : int
        The port.
    on_line : callable
        Called with the transport and each line that comes back.
    on_lost : callable, optional
        Called when the connection is gone.

    Returns
    -------
    asyncio.Transport
        What to write lines to, and to abort.

    Raises
    ------
    OSError
        If nobody listens there.
    """
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: Lines(on_line, on_lost), _HOST, port)
    return transport


# --- a station and its clients ------------------------------------------------------------------


@dataclass
class Station:
    """A server with one queue: first come, first served.

    Attributes
    ----------
    services : iterator of float
        Service time of each request, seconds.
    workers : int
        Requests served at a time.
    downstream : Station or None
        Where a request goes after it has been served here, before the reply goes back; started
        before this one.
    waited : list of bool
        Whether each request found every worker busy, in the order they came.
    """

    services: Iterator[float]
    workers: int = 1
    downstream: Station | None = None
    waited: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = LineServer(self._arrive)
        self._free = self.workers
        self._queue: deque[tuple[asyncio.Transport, bytes]] = deque()
        self._came: list[float] = []
        self._began: list[float] = []
        self._ended: list[float] = []  # not a number while a request is being served
        self._forward: asyncio.Transport | None = None
        self._origin: dict[bytes, asyncio.Transport] = {}

    @property
    def port(self) -> int:
        """Where it listens, once it has started."""
        return self._lines.port

    @property
    def busy(self) -> bool:
        """Whether a request is being served."""
        return self._free < self.workers

    async def start(self) -> None:
        """Connect to the station downstream, and listen."""
        self._loop = asyncio.get_running_loop()
        if self.downstream is not None:
            self._forward = await connect(self.downstream.port, self._relay)
        await self._lines.start()

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._lines.stop()
        if self._forward is not None:
            self._forward.abort()

    def served(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return when each request that is done came, began to be served, and was done.

        Returns
        -------
        tuple of numpy.ndarray
            Three times of each, in the order they came; loop time, seconds.
        """
        came, began, ended = (
            np.array(times[: len(self._ended)]) for times in (self._came, self._began, self._ended)
        )
        done = ~np.isnan(ended)
        return came[done], began[done], ended[done]

    def _arrive(self, transport: asyncio.Transport, name: bytes) -> None:
        self._came.append(self._loop.time())
        self.waited.append(not self._free)
        if self._free:
            self._free -= 1
            self._serve(transport, name)
        else:
            self._queue.append((transport, name))

    def _serve(self, transport: asyncio.Transport, name: bytes) -> None:
        number = len(self._began)
        self._began.append(self._loop.time())
        self._ended.append(np.nan)
        self._loop.call_later(next(self.services), self._finish, transport, name, number)

    def _finish(self, transport: asyncio.Transport, name: bytes, number: int) -> None:
        self._ended[number] = self._loop.time()
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


@dataclass
class OpenClient:
    """Sends requests at the times it is given, whatever becomes of those before.

    Attributes
    ----------
    gaps : iterator of float
        Time between one request and the next, seconds.
    backlog : int
        Requests sent at once at the start, so that the queue need not begin empty.
    sent, replied : dict of int to float
        Loop times at which each request was sent and its reply came, seconds.
    """

    gaps: Iterator[float]
    backlog: int = 0
    sent: dict[int, float] = field(default_factory=dict)
    replied: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection: asyncio.Transport | None = None

    async def start(self, station: Station, until: float) -> None:
        """Connect to a station, and send until loop time `until`."""
        self._loop = asyncio.get_running_loop()
        self._until = until
        self._connection = await connect(station.port, self._reply)
        self._due = self._loop.time()
        for _ in range(self.backlog):
            self._write()
        self._next()

    def stop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.abort()

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
        if self._connection is not None:
            self._connection.write(b"%d\n" % number)

    def _reply(self, _: asyncio.Transport, name: bytes) -> None:
        self.replied[int(name)] = self._loop.time()


@dataclass
class Users:
    """So many users, each of whom thinks, asks, waits for the answer and thinks again.

    Attributes
    ----------
    count : int
        How many.
    thinks : iterator of float
        Think times, seconds.
    thought : list of float
        How long each think really took, seconds.
    answered, responses : list of float
        When each answer came (loop time) and after how long; seconds.
    waiting : int
        Requests sent and not answered.
    """

    count: int
    thinks: Iterator[float]
    thought: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    responses: list[float] = field(default_factory=list)
    waiting: int = 0

    def __post_init__(self) -> None:
        self._connection: asyncio.Transport | None = None

    async def start(self, station: Station, at_once: int = 0) -> None:
        """Connect to a station; so many users ask at once, the others begin to think."""
        self._loop = asyncio.get_running_loop()
        self._sent = [0.0] * self.count
        self._connection = await connect(station.port, self._reply)
        for user in range(self.count):
            if user < at_once:
                self._send(user)
            else:
                self._think(user)

    def stop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.abort()

    def _think(self, user: int) -> None:
        self._loop.call_later(next(self.thinks), self._ask, user, self._loop.time())

    def _ask(self, user: int, since: float) -> None:
        if self._connection is None or self._connection.is_closing():
            return
        self.thought.append(self._loop.time() - since)
        self._send(user)

    def _send(self, user: int) -> None:
        self._sent[user] = self._loop.time()
        self.waiting += 1
        if self._connection is not None:
            self._connection.write(b"%d\n" % user)

    def _reply(self, _: asyncio.Transport, name: bytes) -> None:
        user, now = int(name), self._loop.time()
        self.waiting -= 1
        self.answered.append(now)
        self.responses.append(now - self._sent[user])
        self._think(user)
