"""Many real queues on the loopback interface at once: stations, and their Poisson clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np

from helpers.foundations.queueing import steady_state
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import OpenClient, Station, run_apart, scaled
from helpers.foundations.traffic.streams import streams

_WARMUP_SHARE = 0.2
_DRAIN_S = 0.3


@dataclass(frozen=True, eq=False)
class Run:
    """What one station did after the warm-up."""

    arrival_rps: float
    responses_s: np.ndarray
    services_s: np.ndarray
    waited: float


def run_queues(
    loads: list[tuple[float, int]], service_s: float, run_s: float, seed: int
) -> tuple[list[Run], float]:
    """Run one station and one Poisson client for each (rate, workers), all at once.

    Return what they did, and how late timers were on average, seconds.
    """
    names = [f"{what} {i}" for i in range(len(loads)) for what in ("arrivals", "services")]
    rng = streams(seed, "backlogs", *names)
    # At 80 % utilisation an empty queue takes about a hundred service times to fill up, a good
    # part of the run; so each station begins with a number of requests of its steady state.
    backlogs = [
        int(steady_state.crowds(rate * service_s, workers, rng["backlogs"].random()))
        for rate, workers in loads
    ]

    async def main() -> list[Run]:
        loop = asyncio.get_running_loop()
        stations = [
            Station(scaled(service_s, rng[f"services {i}"].standard_exponential), workers)
            for i, (_, workers) in enumerate(loads)
        ]
        clients = [
            OpenClient(scaled(1 / rate, rng[f"arrivals {i}"].standard_exponential), backlog)
            for i, ((rate, _), backlog) in enumerate(zip(loads, backlogs, strict=True))
        ]
        try:
            for station in stations:
                await station.start()
            began = loop.time()
            until = began + run_s
            for client, station in zip(clients, stations, strict=True):
                await client.start(station, until)
            await asyncio.sleep(run_s + _DRAIN_S)
        finally:
            for client in clients:
                client.stop()
            for station in stations:
                station.stop()
        after = began + _WARMUP_SHARE * run_s
        return [_observe(s, c, after, until) for s, c in zip(stations, clients, strict=True)]

    with Lateness() as lateness:
        runs = run_apart(main, limit_s=3 * run_s + 5)
    return runs, lateness.mean_s


def _observe(station: Station, client: OpenClient, after: float, until: float) -> Run:
    responses = client.response_s(after, until)
    _, began, ended = station.served()
    services = (ended - began)[began >= after]
    if responses.size == 0 or services.size == 0:
        raise RuntimeError(
            "a station saw no request after the warm-up: raise run_s, or give the machine a rest"
        )
    skipped = sum(sent < after for sent in client.sent.values())
    return Run(
        arrival_rps=responses.size / (until - after),
        responses_s=responses,
        services_s=services,
        waited=float(np.mean(station.waited[skipped : skipped + responses.size])),
    )
