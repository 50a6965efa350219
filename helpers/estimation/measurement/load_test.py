"""Two real load testers against one real server that stalls: who notices?

The server is a single thread that reads a line, works and answers, one request at a time; what it
does as work is sleep. Once in each test it sleeps for far longer, as in a long garbage collection.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.simulation.load_test import (
    ONE_IN,
    STALL_AT,
    Stall,
    closed_responses,
    correct,
    open_responses,
    sample_quantile,
)
from helpers.estimation.theory.load_test import TESTERS, LoadTestTheory, theory_load_test
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import run_apart
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_WARM_UP_S = 0.3
_DRAIN_S = 0.3


class MeasuredLoadTest(Result):
    """What each tester measured of the same servers with the same stall.

    Attributes
    ----------
    rate_rps, run_s, connections
        The parameters it was made with.
    service_s, stall_s : float
        Service time and stall as they really were, on average, seconds.
    responses_s : dict of str to numpy.ndarray
        For each tester all its response times in ascending order, seconds.
    mean, p99 : dict of str to Interval
        For each tester, over the servers, seconds.
    simulated_s : dict of str to numpy.ndarray
        What the simulation says for the measured rate, service and stall, ascending, seconds.
    theory : LoadTestTheory
        The same for theory.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    rate_rps: float
    run_s: float
    connections: int
    service_s: float
    stall_s: float
    responses_s: dict[str, np.ndarray]
    mean: dict[str, Interval]
    p99: dict[str, Interval]
    simulated_s: dict[str, np.ndarray]
    theory: LoadTestTheory
    late_s: float

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile, seconds."""
        return sample_quantile(self.responses_s[tester], q)

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "requests": sum(len(self.responses_s[tester]) for tester in ("open", "closed")),
            "service_ms": 1e3 * self.service_s,
            "stall_ms": 1e3 * self.stall_s,
        }
        for tester in TESTERS:
            found[f"{tester}_mean_ms"] = 1e3 * float(self.mean[tester].estimate)
            found[f"{tester}_p99_ms"] = 1e3 * float(self.p99[tester].estimate)
        return found

    @property
    def reading(self) -> str:
        opened, closed = (duration(float(self.p99[t].estimate)) for t in ("open", "closed"))
        simulated = float(self.simulated_s["open"].mean())
        distance = 100 * (float(self.mean["open"].estimate) / simulated - 1)
        told = (
            f"Of the same servers with the same stall of {duration(self.stall_s)} the open tester "
            f"measured a p99 of {opened}, the closed one {closed}."
        )
        if busy := no_verdict(self.late_s, self.service_s):
            return f"{told} {busy}"
        return (
            f"{told} Verdict on the open mean: "
            f"{verdict(self.mean['open'], self.theory.mean_s, unit='s')}; the simulation's "
            f"{duration(simulated)} is {significant(abs(distance), 2)} % "
            f"{'below' if distance > 0 else 'above'} the measured mean."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for n in ONE_IN[:6]:
            q = 1 - 1 / n
            row: dict[str, object] = {"one in": n}
            for tester in TESTERS:
                row[f"{tester}, measured (ms)"] = 1e3 * self.percentile_s(tester, q)
                row[f"{tester}, simulated (ms)"] = 1e3 * sample_quantile(
                    self.simulated_s[tester], q
                )
                row[f"{tester}, fluid model (ms)"] = 1e3 * self.theory.percentile_s(tester, q)
            rows.append(row)
        return pd.DataFrame(rows).set_index("one in")


def measure_load_test(
    *,
    rate_rps: float = 100.0,
    service_ms: float = 3.0,
    stall_s: float = 0.3,
    run_s: float = 2.0,
    connections: int = 1,
    servers: int = 6,
    seed: int = 1,
) -> MeasuredLoadTest:
    """Load real servers on the loopback interface with an open and then with a closed tester.

    Parameters
    ----------
    rate_rps : float
        Rate at which both testers mean to send, requests per second; 10 to 200.
    service_ms : float
        Time a server sleeps for a request, milliseconds; 1 to 20, and less than half of what the
        rate leaves it.
    stall_s : float
        Length of the stall in each test, seconds; 0.05 to 1.
    run_s : float
        Length of a test, seconds; 1 to 10. There are two, one after the other.
    connections : int
        Connections of the closed tester; 1 to 16.
    servers : int
        Servers tested at the same time; 2 to 12. The intervals come from them.
    seed : int
        Seed of the open tester's sending times; >= 0. The measured times vary all the same.

    Returns
    -------
    MeasuredLoadTest

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that a test takes far longer than it should.
    """
    rate = validation.number("rate_rps", rate_rps, at_least=10, at_most=200, unit="requests/s")
    half = 500 / rate
    service_ms = validation.number(
        "service_ms", service_ms, at_least=1, at_most=min(20.0, half), unit="ms"
    )
    stall_s = validation.number("stall_s", stall_s, at_least=0.05, at_most=1, unit="s")
    run_s = validation.number("run_s", run_s, at_least=1, at_most=10, unit="s")
    connections = validation.integer("connections", connections, at_least=1, at_most=16)
    servers = validation.integer("servers", servers, at_least=2, at_most=12)
    seed = validation.integer("seed", seed, at_least=0)
    rng = streams(seed, *(f"arrivals {i}" for i in range(servers)))
    schedules = [_schedule(rate, run_s, rng[f"arrivals {i}"]) for i in range(servers)]
    tested = [_Server(service_ms * 1e-3, stall_s) for _ in range(servers)]
    limit_s = 3 * run_s + 5
    with Lateness() as lateness:
        try:
            opened = run_apart(lambda: _test_open(tested, schedules, run_s), limit_s)
            closed = run_apart(lambda: _test_closed(tested, rate, connections, run_s), limit_s)
        finally:
            for server in tested:
                server.close()
    return _result(
        tested, schedules, opened, closed, rate, run_s, connections, late_s=lateness.mean_s
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


def _result(
    servers: list[_Server],
    schedules: list[np.ndarray],
    opened: list[np.ndarray],
    closed: list[np.ndarray],
    rate: float,
    run_s: float,
    connections: int,
    *,
    late_s: float,
) -> MeasuredLoadTest:
    service_s = float(np.mean([t for server in servers for t in server.services]))
    stall_s = float(np.mean([t for server in servers for t in server.stalls]))
    interval_s = connections / rate
    runs = {
        "open": opened,
        "closed": closed,
        "corrected": [correct(responses, interval_s) for responses in closed],
    }
    stall = Stall(STALL_AT * run_s, stall_s)
    simulated = [
        open_responses(schedule[np.newaxis], service_s, stall)[0][schedule >= 0]
        for schedule in schedules
    ]
    again = closed_responses(rate, service_s, stall, run_s, connections)
    return MeasuredLoadTest(
        rate_rps=rate,
        run_s=run_s,
        connections=connections,
        service_s=service_s,
        stall_s=stall_s,
        responses_s={name: np.sort(np.concatenate(each)) for name, each in runs.items()},
        mean={n: mean_interval([r.mean() for r in each]) for n, each in runs.items()},
        p99={
            n: mean_interval([sample_quantile(np.sort(r), 0.99) for r in each])
            for n, each in runs.items()
        },
        simulated_s={
            "open": np.sort(np.concatenate(simulated)),
            "closed": np.sort(again),
            "corrected": np.sort(correct(again, interval_s)),
        },
        theory=theory_load_test(
            rate_rps=rate,
            service_s=service_s,
            stall_s=stall_s,
            run_s=run_s,
            connections=connections,
        ),
        late_s=late_s,
    )
