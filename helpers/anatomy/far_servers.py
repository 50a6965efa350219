"""Two real servers on the loopback interface, an edge and an origin, each a delay away."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import NamedTuple

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import run_apart

#: Ways to the first byte, and what the servers do.
KINDS = ("hit", "miss", "direct")
EDGE_KM, WORK_S = 500.0, 0.02


class Fetched(NamedTuple):
    """Seconds to the first byte by kind, the origin's calls from the edge, and late timers."""

    took_s: dict[str, list[float]]
    origin_calls: int
    late_s: float


def fetch_all(hits: list[bool], near_s: float, far_s: float) -> Fetched:
    """Fetch through an edge and directly, spread over one second.

    Parameters
    ----------
    hits : list of bool
        Whether the edge has the answer to each request; one more goes directly each time.
    near_s, far_s : float
        Round trips to the edge and to the origin, by which replies are held back.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    origin_calls = 0

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal origin_calls
        with closing(writer):  # also when it is cancelled: not every Python would close it
            while line := await reader.readline():
                origin_calls += line.startswith(b"edge")
                await asyncio.sleep(far_s + (WORK_S if line.strip().endswith(b"get") else 0))
                writer.write(line)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        far_server = await asyncio.start_server(origin, "127.0.0.1", 0)
        far_port = far_server.sockets[0].getsockname()[1]
        pool: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

        async def edge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with closing(writer):
                while line := await reader.readline():
                    if line == b"miss get\n":
                        upstream = pool.pop() if pool else await asyncio.open_connection(
                            "127.0.0.1", far_port
                        )  # fmt: skip
                        upstream[1].write(b"edge get\n")
                        await upstream[0].readline()
                        pool.append(upstream)
                    await asyncio.sleep(near_s)
                    writer.write(line)

        near_server = await asyncio.start_server(edge, "127.0.0.1", 0)
        near_port = near_server.sockets[0].getsockname()[1]

        async def fetch(kind: str, port: int, after_s: float) -> None:
            await asyncio.sleep(after_s)
            began = loop.time()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for line in (b"tcp\n", b"tls\n", kind.encode() + b" get\n"):
                writer.write(line)
                await reader.readline()
            took[kind].append(loop.time() - began)
            writer.close()

        try:
            jobs = []
            for i, hit in enumerate(hits):
                jobs.append(fetch("hit" if hit else "miss", near_port, i / len(hits)))
                jobs.append(fetch("direct", far_port, (i + 0.5) / len(hits)))
            await asyncio.gather(*jobs)
        finally:
            for _, writer in pool:
                writer.close()
            near_server.close()
            far_server.close()

    with Lateness() as lateness:
        run_apart(main, limit_s=10)
    return Fetched(took, origin_calls, lateness.mean_s)
