"""Three replicas of a register behind real sockets, with delays that are injected in each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import LineServer, connect, run_apart

#: Registers that are written and read at the same time.
LANES = 30


@dataclass
class Replica:
    """Keeps the newest version of each register; a request says how long its two ways take."""

    versions: dict[bytes, int] = field(default_factory=dict)

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = LineServer(self._on_line)
        await self._server.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _on_line(self, transport: asyncio.Transport, line: bytes) -> None:
        name, key, version, go_s, back_s = line.split()
        later = asyncio.get_running_loop().call_later
        later(float(go_s), self._arrive, transport, name, key, int(version), float(back_s))

    def _arrive(
        self, transport: asyncio.Transport, name: bytes, key: bytes, version: int, back_s: float
    ) -> None:
        self.versions[key] = max(self.versions.get(key, 0), version)  # a read brings version 0
        answer = b"%s %d\n" % (name, self.versions[key])
        asyncio.get_running_loop().call_later(back_s, transport.write, answer)


class Coordinator:
    """Sends every request to all replicas, and waits for as many answers as it is told."""

    def __init__(self) -> None:
        self._heard: dict[bytes, asyncio.Queue[int]] = {}
        self._links: list[asyncio.Transport] = []
        self._names = 0

    async def join(self, replicas: list[Replica]) -> None:
        """Connect to the replicas."""
        self._links = [await connect(one.port, self._on_line) for one in replicas]

    def leave(self) -> None:
        """Close the connections."""
        for link in self._links:
            link.abort()

    def _on_line(self, _: asyncio.Transport, line: bytes) -> None:
        name, version = line.split()
        self._heard[name].put_nowait(int(version))

    def ask(
        self,
        key: str,
        version: int,
        go_s: np.ndarray,
        back_s: np.ndarray,
        to: Sequence[int] | None = None,
    ) -> bytes:
        """Send a request to all, or to some; version 0 asks, any other is to be kept."""
        self._names += 1
        name = b"%d" % self._names
        self._heard[name] = asyncio.Queue()
        for i in range(len(self._links)) if to is None else to:
            go, back = go_s[i], back_s[i]
            self._links[i].write(b"%s %s %d %.6f %.6f\n" % (name, key.encode(), version, go, back))
        return name

    async def wait(self, name: bytes, answers: int) -> int:
        """Return the newest version of so many answers."""
        return max([await self._heard[name].get() for _ in range(answers)])


def in_lanes(lane: Callable[[Coordinator, int], Awaitable[None]], limit_s: float) -> float:
    """Start three replicas, run all lanes side by side at them, and stop the replicas.

    Parameters
    ----------
    lane : callable
        Gets the coordinator and its number, 0 to :data:`LANES` - 1.
    limit_s : float
        When to give up.

    Returns
    -------
    float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """

    async def main() -> None:
        replicas, coordinator = [Replica() for _ in range(3)], Coordinator()
        try:
            for replica in replicas:
                await replica.start()
            await coordinator.join(replicas)
            await asyncio.gather(*(lane(coordinator, number) for number in range(LANES)))
        finally:
            coordinator.leave()
            for replica in replicas:
                replica.stop()

    with Lateness() as lateness:
        run_apart(main, limit_s)
    return lateness.mean_s
