"""Balancers and servers on the loopback interface: each policy deals the same requests out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from helpers.blueprint import POLICIES
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import LineServer, connect, run_apart


class Dealt(NamedTuple):
    """When each request was sent, and how long it was served and took in all; seconds."""

    sent_s: np.ndarray
    served_s: np.ndarray
    took_s: np.ndarray


def deal_out(
    policies: Sequence[str],
    due_s: np.ndarray,
    works_s: np.ndarray,
    dice: np.ndarray,
    servers: int,
    limit_s: float,
) -> tuple[list[Dealt], float]:
    """Send the same requests to real servers behind each policy, all at the same time.

    Parameters
    ----------
    policies : sequence of str
        Names of the blueprint's policies.
    due_s, works_s : numpy.ndarray, shape (n,)
        When each request is sent, ascending, and for how long its server sleeps.
    dice : numpy.ndarray, shape (2, n)
        Two uniform numbers for each request.
    servers : int
        Servers behind each policy.
    limit_s : float
        When to give up.

    Returns
    -------
    list of Dealt, float
        One for each policy; and how late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes longer than `limit_s`.
    """
    count = len(due_s)
    balancers = [_Balancer(policy, servers, count) for policy in policies]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        try:
            for balancer in balancers:
                await balancer.start()
            began = loop.time() + 0.02
            for number in range(count):
                late = began + due_s[number] - loop.time()
                if late > 0:
                    await asyncio.sleep(late)
                for balancer in balancers:
                    balancer.send(number, works_s[number], dice[0, number], dice[1, number])
            while any(np.isnan(balancer.took_s).any() for balancer in balancers):
                await asyncio.sleep(0.02)
        finally:
            for balancer in balancers:
                balancer.stop()

    with Lateness() as lateness:
        run_apart(main, limit_s=limit_s)
    dealt = []
    for balancer in balancers:
        served = {n: s for server in balancer.servers for n, s in server.served_s.items()}
        sent = balancer.sent_s - balancer.sent_s[0]
        dealt.append(Dealt(sent, np.array([served[n] for n in range(count)]), balancer.took_s))
    return dealt, lateness.mean_s


class _Server:
    """Serves one request at a time by sleeping; first come, first served."""

    def __init__(self) -> None:
        self.lines = LineServer(self._arrive)
        self.waiting: deque[tuple[asyncio.Transport, int, float]] = deque()
        self.busy = False
        self.served_s: dict[int, float] = {}

    def _arrive(self, transport: asyncio.Transport, line: bytes) -> None:
        number, work = line.split()
        self.waiting.append((transport, int(number), float(work)))
        if not self.busy:
            self._next()

    def _next(self) -> None:
        self.busy = bool(self.waiting)
        if self.busy:
            transport, number, work = self.waiting.popleft()
            loop = asyncio.get_running_loop()
            loop.call_later(work, self._done, transport, number, loop.time())

    def _done(self, transport: asyncio.Transport, number: int, began: float) -> None:
        self.served_s[number] = asyncio.get_running_loop().time() - began
        if not transport.is_closing():
            transport.write(b"%d\n" % number)
        self._next()


class _Balancer:
    """Sends each request to a server by one of the blueprint's policies, which look at it."""

    def __init__(self, policy: str, servers: int, count: int) -> None:
        self.policy, self.turn = policy, 0
        self.servers = [_Server() for _ in range(servers)]
        self.open = [0] * servers
        self.rotation = list(range(servers))
        self.sent_s, self.took_s = np.zeros(count), np.full(count, np.nan)
        self.links: list[asyncio.Transport] = []

    async def start(self) -> None:
        for i, server in enumerate(self.servers):
            await server.lines.start()
            self.links.append(await connect(server.lines.port, partial(self._reply, i)))

    def stop(self) -> None:
        for link in self.links:
            link.abort()
        for server in self.servers:
            server.lines.stop()

    def send(self, number: int, work: float, u: float, v: float) -> None:
        at = POLICIES[self.policy](self, u, v, 0)
        self.turn += 1
        self.open[at] += 1
        self.sent_s[number] = asyncio.get_running_loop().time()
        self.links[at].write(b"%d %.9f\n" % (number, work))

    def _reply(self, at: int, _: asyncio.Transport, line: bytes) -> None:
        number = int(line)
        self.open[at] -= 1
        self.took_s[number] = asyncio.get_running_loop().time() - self.sent_s[number]

    def queue_length(self, index: int) -> int:
        """Return what a balancer that is alone knows of a queue: its own connections."""
        return self.open[index]
