"""Three replicas of a register behind real sockets, with delays that are injected in each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import LineServer, connect, run_apart

#: Registers that are written and read at the same time, each one after the other.
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

    def ask(self, key: str, version: int, go_s: np.ndarray, back_s: np.ndarray) -> bytes:
        """Send a request to all; version 0 asks, any other is to be kept."""
        self._names += 1
        name = b"%d" % self._names
        self._heard[name] = asyncio.Queue()
        for link, go, back in zip(self._links, go_s, back_s, strict=True):
            link.write(b"%s %s %d %.6f %.6f\n" % (name, key.encode(), version, go, back))
        return name

    async def wait(self, name: bytes, answers: int) -> int:
        """Return the newest version of so many answers."""
        return max([await self._heard[name].get() for _ in range(answers)])


def race_for_real(
    delays_s: np.ndarray, after_s: np.ndarray, r: int, w: int, limit_s: float
) -> tuple[np.ndarray, float]:
    """Write and read registers at real replicas.

    Parameters
    ----------
    delays_s : numpy.ndarray, shape (trials, 4, 3)
        One-way delays W, A, R and S of each trial at each replica, seconds.
    after_s : numpy.ndarray, shape (trials,)
        From the confirmation of the write to the read, seconds.
    r, w : int
        Answers that a read and a write wait for.
    limit_s : float
        When to give up.

    Returns
    -------
    numpy.ndarray of bool, shape (trials,)
        Whether the read missed the write.
    float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """
    stale = np.zeros(len(delays_s), bool)

    async def lane(coordinator: Coordinator, number: int) -> None:
        for version, trial in enumerate(range(number, len(delays_s), LANES), start=1):
            go, back, ask, answer = delays_s[trial]
            key = f"register-{number}"
            write = coordinator.ask(key, version, go, back)
            await coordinator.wait(write, w)
            await asyncio.sleep(after_s[trial])
            read = coordinator.ask(key, 0, ask, answer)
            stale[trial] = await coordinator.wait(read, r) < version
            await coordinator.wait(write, 3 - w) if w < 3 else None
            await coordinator.wait(read, 3 - r) if r < 3 else None

    async def main() -> None:
        replicas, coordinator = [Replica() for _ in range(3)], Coordinator()
        try:
            for replica in replicas:
                await replica.start()
            await coordinator.join(replicas)
            await asyncio.gather(*(lane(coordinator, i) for i in range(LANES)))
        finally:
            coordinator.leave()
            for replica in replicas:
                replica.stop()

    with Lateness() as lateness:
        run_apart(main, limit_s)
    return stale, lateness.mean_s
