"""Real servers on the loopback interface under several kinds of traffic of equal mean."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import OpenClient, Station, run_apart, scaled
from helpers.foundations.traffic.arrivals import unit_gaps

_WARMUP_S = 0.3
_DRAIN_S = 0.3


class Seen(NamedTuple):
    """Waits of each server's requests, mean service time, and how late timers were; seconds."""

    waits_s: list[np.ndarray]
    service_s: float
    late_s: float


def load_servers(
    traffic: Sequence[str],
    service_s: float,
    gap_s: float,
    burstiness: float,
    replications: int,
    run_s: float,
    seed: int,
) -> Seen:
    """Load so many servers with each kind of traffic, all at the same time.

    Parameters
    ----------
    traffic : sequence of str
        Kinds of gaps; see :func:`helpers.foundations.traffic.arrivals.unit_gaps`.
    service_s, gap_s : float
        Mean time a server sleeps for a request, exponential, and mean gap, seconds.
    burstiness : float
        Squared coefficient of variation of the bursty gaps.
    replications : int
        Servers for each kind of traffic.
    run_s : float
        How long, seconds.
    seed : int
        Seed of the times; what is measured differs from run to run all the same.

    Raises
    ------
    TimeoutError
        If the machine is far too busy.
    """
    cases, draw = [kind for kind in traffic for _ in range(replications)], Draws(seed)

    def gaps(kind: str, stream: np.random.Generator) -> Iterator[float]:
        return scaled(gap_s, lambda n: unit_gaps(kind, n, stream, burstiness=burstiness))

    servers = [
        Station(scaled(service_s, draw(f"work {i}").standard_exponential))
        for i in range(len(cases))
    ]
    clients = [OpenClient(gaps(kind, draw(f"gaps {i}"))) for i, kind in enumerate(cases)]

    async def main() -> tuple[float, float]:
        try:
            for server in servers:
                await server.start()
            began = asyncio.get_running_loop().time()
            for client, server in zip(clients, servers, strict=True):
                await client.start(server, began + run_s)
            await asyncio.sleep(run_s + _DRAIN_S)
            return began, began + run_s
        finally:
            for client in clients:
                client.stop()
            for server in servers:
                server.stop()

    with Lateness() as lateness:
        began, until = run_apart(main, limit_s=3 * run_s + 8)
    waits, services = [], []
    for server in servers:
        came, taken_up, done = server.served()
        kept = (came >= began + _WARMUP_S) & (came < until)
        waits.append((taken_up - came)[kept])
        services.append((done - taken_up)[kept])
    return Seen(waits, float(np.concatenate(services).mean()), lateness.mean_s)
