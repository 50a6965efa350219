"""Real servers that stall, and the two real testers: one sends on time, one after the answer.

A server is a single thread that reads a line, works and answers, one request at a time; what it
does as work is sleep. Once in each test it sleeps for far longer, as in a long garbage collection.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from helpers.estimation.stalls import STALL_AT
from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import run_apart

_WARM_UP_S = 0.3
_DRAIN_S = 0.3


@dataclass(frozen=True, eq=False)
class Tested:
    """What two testers measured, and what the servers really did; times in seconds.

    Attributes
    ----------
    schedules : list of numpy.ndarray
        When the open tester sent to each server, from the start of the test.
    opened, closed : list of numpy.ndarray
        Response times of each server, by tester.
    service_s, stall_s : float
        Service time and stall as they really were, on average.
    late_s : float
        How late timers were on average; see `Lateness`.
    """

    schedules: list[np.ndarray]
    opened: list[np.ndarray]
    closed: list[np.ndarray]
    service_s: float
    stall_s: float
    late_s: float


def load_servers(
    rate_rps: float,
    service_s: float,
    stall_s: float,
    run_s: float,
    connections: int,
    servers: int,
    seed: int,
) -> Tested:
    """Test servers with an open and then with a closed tester, all servers at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that a test takes far longer than it should.
    """
    draw = Draws(seed)
    schedules = [_schedule(rate_rps, run_s, draw(f"arrivals {i}")) for i in range(servers)]
    tested = [_Server(service_s, stall_s) for _ in range(servers)]
    limit_s = 3 * run_s + 5
    with Lateness() as lateness:
        try:
            opened = run_apart(lambda: _test_open(tested, schedules, run_s), limit_s)
            closed = run_apart(lambda: _test_closed(tested, rate_rps, connections, run_s), limit_s)
        finally:
            for server in tested:
                server.close()
    return Tested(
        schedules,
        opened,
        closed,
        service_s=float(np.mean([t for server in tested for t in server.services])),
        stall_s=float(np.mean([t for server in tested for t in server.stalls])),
        late_s=lateness.mean_s,
    )


def _schedule(rate_rps: float, run_s: float, rng: np.random.Generator) -> np.ndarray:
    """Poisson sending times from the warm-up to the end of a test, seconds from its start."""
    span = run_s + _WARM_UP_S
    gaps = rng.standard_exponential(int(rate_rps * span + 8 * np.sqrt(rate_rps * span)) + 10)
    sent = np.cumsum(gaps) / rate_rps - _WARM_UP_S
    return sent[sent < run_s]


@dataclass
class _Server:
    """A server of one thread on a port of its own, which answers each line with the same line.

    A stall is asked for with a number of seconds from now.
    """

    service_s: float
    stall_s: float
    services: list[float] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stall_at = np.inf
        self._open = True
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stall_at(self, when: float) -> None:
        """Set when to stall, by ``time.perf_counter``."""
        self._stall_at = when

    def close(self) -> None:
        """Stop serving and close every connection."""
        self._open = False
        self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ, None)
            rests: dict[socket.socket, bytes] = {}
            try:
                while self._open:
                    self._stall_if_due()
                    for key, _ in selector.select(0.01):
                        if key.data is None:
                            connection, _ = self._socket.accept()
                            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                            selector.register(connection, selectors.EVENT_READ, True)
                            rests[connection] = b""
                        else:
                            self._read(key.fileobj, rests, selector)
            finally:
                for connection in rests:
                    connection.close()

    def _read(self, connection, rests, selector) -> None:
        try:
            data = connection.recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            selector.unregister(connection)
            del rests[connection]
            connection.close()
            return
        *lines, rests[connection] = (rests[connection] + data).split(b"\n")
        for line in lines:
            self._stall_if_due()
            began = time.perf_counter()
            time.sleep(self.service_s)
            self.services.append(time.perf_counter() - began)
            try:
                connection.sendall(line + b"\n")
            except (ConnectionError, BlockingIOError):
                return  # the tester has gone

    def _stall_if_due(self) -> None:
        began = time.perf_counter()
        if began >= self._stall_at:
            self._stall_at = np.inf
            time.sleep(self.stall_s)
            self.stalls.append(time.perf_counter() - began)


async def _test_open(
    servers: list[_Server], schedules: list[np.ndarray], run_s: float
) -> list[np.ndarray]:
    """Send at the scheduled times, whatever happens; response times of each server."""
    begin = time.perf_counter() + _WARM_UP_S + 0.05
    for server in servers:
        server.stall_at(begin + STALL_AT * run_s)

    async def one(server: _Server, schedule: np.ndarray) -> np.ndarray:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        due = (begin + schedule).tolist()
        done: list[float] = []

        async def receive() -> None:
            while len(done) < len(due):
                await reader.readline()
                done.append(time.perf_counter())

        receiving = asyncio.ensure_future(receive())
        try:
            for when in due:
                await _until(when)
                writer.write(b"x\n")
            await receiving  # one connection, one server: answers come in the order of sending
        finally:
            receiving.cancel()
            writer.close()
        # Timed from when the schedule said: a tester that is late must not hide it.
        return (np.array(done) - np.array(due))[schedule >= 0]

    found = await asyncio.gather(
        *(one(server, schedule) for server, schedule in zip(servers, schedules, strict=True))
    )
    await asyncio.sleep(_DRAIN_S)
    return found


async def _test_closed(
    servers: list[_Server], rate_rps: float, connections: int, run_s: float
) -> list[np.ndarray]:
    """Send when the answer to the last request is there and its turn has come."""
    interval_s = connections / rate_rps
    begin = time.perf_counter() + 0.05
    for server in servers:
        server.stall_at(begin + STALL_AT * run_s)

    async def one(server: _Server, first: float) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        responses = []
        due = begin + first
        try:
            while due < begin + run_s:
                await _until(due)
                sent = time.perf_counter()
                writer.write(b"x\n")
                await reader.readline()
                now = time.perf_counter()
                responses.append(now - sent)
                due = max(now, due + interval_s)
        finally:
            writer.close()
        return responses

    async def all_of(server: _Server) -> np.ndarray:
        runs = [one(server, i / rate_rps) for i in range(connections)]
        return np.concatenate(await asyncio.gather(*runs))

    return await asyncio.gather(*(all_of(server) for server in servers))


async def _until(when: float) -> None:
    pause = when - time.perf_counter()
    if pause > 0:
        await asyncio.sleep(pause)
