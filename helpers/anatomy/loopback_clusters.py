"""Clusters of three servers on the loopback interface, each behind a balancer that checks them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import LineServer, connect, run_apart

SERVERS = 3
_BEFORE_S = 0.3


class Killed(NamedTuple):
    """Of each cluster: failed requests, and seconds until the death was noticed.

    ``after`` counts requests of all clusters that failed later than that; ``late_s`` is how late
    timers were on average.
    """

    errors: list[int]
    detection_s: list[float]
    after: int
    late_s: float


def kill_one_in_each(gaps_s: list[np.ndarray], interval_s: float, threshold: int) -> Killed:
    """Kill one server in each cluster, at moments spread over the interval between two checks.

    Parameters
    ----------
    gaps_s : list of numpy.ndarray
        Seconds between requests, an array for each cluster.
    interval_s : float
        Seconds between two checks of a server.
    threshold : int
        Failed checks in a row that take it out of rotation.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    run_s = _BEFORE_S + (threshold + 1.5) * interval_s + 0.2
    clusters = [
        _Cluster(gaps, interval_s, threshold, (i + 0.5) / len(gaps_s))
        for i, gaps in enumerate(gaps_s)
    ]

    async def main() -> None:
        until = asyncio.get_running_loop().time() + run_s
        await asyncio.gather(*(cluster.run(until) for cluster in clusters))

    with Lateness() as lateness:
        run_apart(main, limit_s=4 * run_s + 5)
    if not all(cluster.out_s for cluster in clusters):
        raise TimeoutError("a dead server was not noticed in time: give the machine a rest")
    return Killed(
        [cluster.errors for cluster in clusters],
        [cluster.out_s - cluster.died_s for cluster in clusters],
        sum(cluster.after for cluster in clusters),
        lateness.mean_s,
    )


class _Cluster:
    """A balancer that takes turns among real servers and looks at them once in a while."""

    def __init__(self, gaps: np.ndarray, interval_s: float, threshold: int, phase: float) -> None:
        self.gaps, self.interval_s, self.threshold, self.phase = gaps, interval_s, threshold, phase
        self.servers = [
            LineServer(lambda link, line: link.write(line + b"\n")) for _ in range(SERVERS)
        ]
        self.links: list[asyncio.Transport | None] = []
        self.rotation = list(range(SERVERS))
        self.failed = [0] * SERVERS
        self.errors = self.after = self.turn = 0
        self.died_s = self.out_s = 0.0

    async def run(self, until: float) -> None:
        for i, server in enumerate(self.servers):
            await server.start()
            self.links.append(await connect(server.port, lambda *_: None, partial(self._lost, i)))
        loop = asyncio.get_running_loop()
        checks = asyncio.create_task(self._check(loop.time()))
        asked: list[asyncio.Task[None]] = []
        try:
            # The death falls `phase` of an interval before a check.
            ahead = _BEFORE_S + self.interval_s * (1 - self.phase)
            loop.call_later(ahead, self._kill)
            due = loop.time()
            for gap in self.gaps.tolist():
                due += gap
                if due > until:
                    break
                await asyncio.sleep(max(due - loop.time(), 0))
                at = self.rotation[self.turn % len(self.rotation)]
                self.turn += 1
                link = self.links[at]
                if link is not None and not link.is_closing():
                    link.write(b"get\n")
                else:
                    asked.append(asyncio.create_task(self._reconnect(at, bool(self.out_s))))
            await asyncio.gather(*asked)
        finally:
            checks.cancel()
            for link in self.links:
                if link is not None:
                    link.abort()
            for server in self.servers[1:] if self.died_s else self.servers:
                server.stop()

    def _kill(self) -> None:
        self.died_s = asyncio.get_running_loop().time()
        self.servers[0].stop()

    def _lost(self, at: int) -> None:
        self.links[at] = None

    async def _reconnect(self, at: int, noticed: bool) -> None:
        try:
            link = await connect(self.servers[at].port, lambda *_: None)
            link.abort()
        except OSError:
            self.errors += 1
            self.after += noticed

    async def _check(self, began: float) -> None:
        loop = asyncio.get_running_loop()
        due = began + _BEFORE_S
        while True:
            await asyncio.sleep(max(due - loop.time(), 0))
            for i, server in enumerate(self.servers):
                try:
                    link = await connect(server.port, lambda *_: None)
                    link.abort()
                    self.failed[i] = 0
                except OSError:
                    self.failed[i] += 1
                    if self.failed[i] == self.threshold:
                        self.rotation.remove(i)
                        self.out_s = loop.time()
            due += self.interval_s
