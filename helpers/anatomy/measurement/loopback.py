"""An event loop of its own, and small line servers on the loopback interface."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


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
    """Calls back with each line received, and when the connection is gone."""

    def __init__(
        self,
        on_line: Callable[[asyncio.Transport, bytes], None],
        on_lost: Callable[[], None] | None = None,
        on_made: Callable[[asyncio.Transport], None] | None = None,
    ) -> None:
        self._on_line, self._on_lost, self._on_made = on_line, on_lost, on_made
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
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
    """A TCP server on a free port of 127.0.0.1 that hands each line to a callback."""

    def __init__(self, on_line: Callable[[asyncio.Transport, bytes], None]) -> None:
        self._on_line = on_line
        self._transports: list[asyncio.Transport] = []

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Lines(self._on_line, on_made=self._transports.append), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening and cut every connection: what a killed process does."""
        self._server.close()
        for transport in self._transports:
            transport.abort()


async def connect(
    port: int,
    on_line: Callable[[asyncio.Transport, bytes], None],
    on_lost: Callable[[], None] | None = None,
) -> asyncio.Transport:
    """Open a connection to a port of this machine."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: Lines(on_line, on_lost), "127.0.0.1", port)
    return transport
