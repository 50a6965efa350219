"""Real servers and clients, briefly: who is served when, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading

import numpy as np
import psutil
import pytest

from helpers.foundations.servers.loopback import (
    Lines,
    LineServer,
    OpenClient,
    Station,
    Users,
    connect,
    run_apart,
    scaled,
)


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    me = psutil.Process()
    threads, sockets = threading.active_count(), len(me.net_connections())
    yield
    assert threading.active_count() == threads
    assert len(me.net_connections()) <= sockets


# --- running ------------------------------------------------------------------------------------


def test_a_run_returns_what_it_found_beside_a_loop_that_runs_already() -> None:
    async def answer() -> int:
        return 42

    async def notebook() -> int:
        return run_apart(answer, 2.0)

    assert asyncio.run(notebook()) == 42


def test_a_run_that_hangs_is_cancelled() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(3_600)
            ended.append("by itself")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(TimeoutError):
        run_apart(forever, 0.1)
    assert ended == ["cancelled"]


def test_stations_stop_when_a_client_fails() -> None:
    async def main() -> None:
        station = Station(scaled(0.001, np.random.default_rng(1).standard_exponential))
        try:
            await station.start()
            raise RuntimeError("client broke")
        finally:
            station.stop()

    with pytest.raises(RuntimeError, match="client broke"):
        run_apart(main, 2.0)


def test_what_has_not_started_can_be_stopped() -> None:
    never = itertools.repeat(0.0)
    for part in (LineServer(print), Station(never), OpenClient(never), Users(3, never)):
        part.stop()


def test_times_are_scaled_and_have_no_end() -> None:
    drawn = list(itertools.islice(scaled(0.5, np.ones), 600))
    assert drawn == [0.5] * 600


# --- lines --------------------------------------------------------------------------------------


def test_lines_come_whole_however_they_are_cut() -> None:
    heard: list[bytes] = []
    lines = Lines(lambda _, line: heard.append(line))
    lines.connection_made(asyncio.Transport())
    for part in (b"on", b"e\ntwo\nth", b"", b"ree", b"\n\nrest"):
        lines.data_received(part)
    assert heard == [b"one", b"two", b"three", b""]


def test_a_line_server_answers_until_it_is_stopped() -> None:
    async def main() -> None:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        lost = asyncio.Event()
        server = LineServer(lambda link, line: link.write(line + b"!\n"))
        await server.start()
        try:
            (socket,) = server._server.sockets
            assert socket.getsockname() == ("127.0.0.1", server.port)
            link = await connect(server.port, lambda _, line: heard.put_nowait(line), lost.set)
            link.write(b"ada\nbob\n")
            assert [await heard.get() for _ in range(2)] == [b"ada!", b"bob!"]
        finally:
            server.stop()
        await lost.wait()
        with pytest.raises(ConnectionError):
            await connect(server.port, lambda *_: None)

    run_apart(main, 5.0)


# --- a station and its clients ------------------------------------------------------------------


def observed(
    station: Station, client: OpenClient | Users, requests: int, **start: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run a client on a station until so many requests are done."""

    async def main() -> None:
        parts = [client, station]
        try:
            if station.downstream is not None:
                parts.append(station.downstream)
                await station.downstream.start()
            await station.start()
            await client.start(station, **start)
            replies = client.replied if isinstance(client, OpenClient) else client.answered
            while len(replies) < requests:
                await asyncio.sleep(0.002)
        finally:
            for part in parts:
                part.stop()

    run_apart(main, 10.0)
    return station.served()


@pytest.mark.parametrize("turns", range(6))
def test_who_is_accepted_while_it_stops_is_cut_off_too(turns: int) -> None:
    """After each number of the loop's turns: between accepting and greeting lie several."""

    async def main() -> None:
        server = LineServer(lambda *_: None)
        await server.start()
        with socket.create_connection(("127.0.0.1", server.port)):
            for _ in range(turns):
                await asyncio.sleep(0)
            server.stop()

    run_apart(main, limit_s=5.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_first_come_first_served(workers: int) -> None:
    station = Station(itertools.chain([0.06], itertools.repeat(0.01)), workers)
    came, began, ended = observed(station, OpenClient(iter([9.0]), backlog=5), 5, until=0.0)
    assert len(came) == 5
    assert station.waited == [i >= workers for i in range(5)]
    assert not station.busy
    assert (np.diff(came) >= 0).all()
    assert (np.diff(began) >= 0).all()
    assert (began >= came).all()
    # A timer may fire one tick of the clock early.
    assert (ended - began >= [0.05, 0.009, 0.009, 0.009, 0.009]).all()
    for start in began:
        assert ((began <= start) & (ended > start)).sum() <= workers
    overtaken = bool((np.diff(ended) < 0).any())
    assert overtaken == (workers > 1), "the long first one holds up the others of one worker"


def test_a_request_goes_downstream_before_its_reply_goes_back() -> None:
    behind = Station(itertools.repeat(0.01))
    client = OpenClient(iter([9.0]), backlog=3)
    _, _, ended = observed(Station(itertools.repeat(0.01), downstream=behind), client, 3, until=0.0)
    came_behind, _, ended_behind = behind.served()
    assert (came_behind >= ended).all()
    assert (np.array([client.replied[i] for i in range(3)]) >= ended_behind).all()


def test_a_slow_request_counts_as_far_as_it_has_come() -> None:
    client = OpenClient(iter([9.0]), backlog=2)
    came, _, _ = observed(Station(iter([0.05, 60.0])), client, 1, until=0.0)
    assert len(came) == 1, "the other one is not done"
    responses = client.response_s(0.0, np.inf)
    assert responses.size == 2
    assert (responses > 0.04).all()


def test_users_think_before_they_ask_except_those_who_ask_at_once() -> None:
    users = Users(4, itertools.repeat(60.0))
    observed(Station(itertools.repeat(0.005), 4), users, 3, at_once=3)
    assert users.thought == []
    assert len(users.responses) == len(users.answered) == 3
    assert users.waiting == 0

    users = Users(2, itertools.repeat(0.02))
    observed(Station(itertools.repeat(0.005)), users, 6)
    assert len(users.thought) >= 6
    assert min(users.thought) > 0.015
    assert min(users.responses) > 0.004
