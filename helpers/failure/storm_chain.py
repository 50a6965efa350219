"""Real chains on the loopback interface: a client, a front that asks again, a server behind it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from helpers.failure.remedies import Breaker
from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import LineServer, OpenClient, Station, connect, run_apart

WAYS = ("no breaker", "breaker")

#: When the spike begins, as a share of the run.
SPIKE_OF_RUN = 0.15


class Front:
    """Passes requests on, gives up on an attempt after a while, and asks again.

    Parameters
    ----------
    station : Station
        Where requests go; started.
    attempts : int
        Attempts of a request.
    timeout_s : float
        How long to wait for each, seconds.
    breaker : Breaker or None
        What is asked before each attempt.

    Attributes
    ----------
    sent_at : list of float
        Loop time of each attempt that went to the station.
    """

    def __init__(
        self, station: Station, attempts: int, timeout_s: float, breaker: Breaker | None
    ) -> None:
        self._station, self._attempts, self._timeout_s = station, attempts, timeout_s
        self._breaker = breaker
        self._lines = LineServer(self._ask_first)
        self._waiting: dict[int, tuple[asyncio.Transport, bytes, int, float]] = {}
        self._numbers = itertools.count()
        self.sent_at: list[float] = []

    @property
    def port(self) -> int:
        """Where it listens, once it has started."""
        return self._lines.port

    async def start(self) -> None:
        """Connect to the station, and listen."""
        self._loop = asyncio.get_running_loop()
        self._onward = await connect(self._station.port, self._answered)
        await self._lines.start()

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._lines.stop()
        self._onward.abort()

    def _ask_first(self, client: asyncio.Transport, name: bytes) -> None:
        self._ask(client, name, 0)

    def _ask(self, client: asyncio.Transport, name: bytes, attempt: int) -> None:
        now = self._loop.time()
        if self._breaker is not None and not self._breaker.lets(now):
            return  # the client hears nothing, as from a front that says no
        number = next(self._numbers)
        self.sent_at.append(now)
        self._waiting[number] = client, name, attempt, now
        self._onward.write(b"%d\n" % number)
        self._loop.call_later(self._timeout_s, self._gives_up, number)

    def _answered(self, transport: asyncio.Transport, number: bytes) -> None:
        if (known := self._waiting.pop(int(number), None)) is None:
            return  # it was given up
        client, name, _, sent_at = known
        if self._breaker is not None:
            self._breaker.hears(self._loop.time(), sent_at, True)
        if not client.is_closing():
            client.write(name + b"\n")

    def _gives_up(self, number: int) -> None:
        if (known := self._waiting.pop(number, None)) is None:
            return
        asker, name, attempt, sent_at = known
        if self._breaker is not None:
            self._breaker.hears(self._loop.time(), sent_at, False)
        if attempt + 1 < self._attempts and not asker.is_closing():
            self._ask(asker, name, attempt + 1)


def run_chains(
    at: Any, draw: Draws
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, int], float]:
    """Run both chains on equal traffic, in one event loop.

    Parameters
    ----------
    at : Trial
        Of the storm.
    draw : Draws

    Returns
    -------
    ends : dict of str to tuple of numpy.ndarray
        For each of `WAYS`, when requests were sent that were answered, and that were not; seconds.
    reached : dict of str to int
        Attempts that reached each server in the last second.
    late_s : float
        How late timers were on average, seconds.
    """
    begin = SPIKE_OF_RUN * at.run_s
    chances = draw("arrivals").standard_exponential(4 * int(at.load_rps * at.run_s * at.spike))

    def gaps() -> Iterator[float]:
        now = 0.0
        for chance in chances.tolist():
            high = at.spike if begin <= now < begin + at.spike_s else 1.0
            gap = chance / (at.load_rps * high)
            now += gap
            yield gap

    async def main() -> dict[str, tuple[OpenClient, Front, float]]:
        breaker = Breaker(calls=20, share=0.5, open_s=at.open_s, probes=1)
        known = {}
        loop = asyncio.get_running_loop()
        for way, guard in zip(WAYS, (None, breaker), strict=True):
            station = Station(itertools.repeat(1e-3 * at.service_ms))
            await station.start()
            front = Front(station, at.attempts, at.timeout_s, guard)
            await front.start()
            client = OpenClient(gaps())
            known[way] = client, station, front, loop.time()
            await client.start(front, loop.time() + at.run_s)  # type: ignore[arg-type]
        await asyncio.sleep(at.run_s + at.attempts * at.timeout_s + 0.1)
        for client, station, front, _ in known.values():
            client.stop()
            front.stop()
            station.stop()
        return {way: (client, front, start) for way, (client, _, front, start) in known.items()}

    with Lateness() as lateness:
        chains = run_apart(main, 4 * at.run_s + 20)
    ends, reached = {}, {}
    for way, (client, front, start) in chains.items():
        sent = {number: moment - start for number, moment in client.sent.items()}
        well = [moment for number, moment in sent.items() if number in client.replied]
        ill = [moment for number, moment in sent.items() if number not in client.replied]
        ends[way] = np.array(well), np.array(ill)
        came = np.array(front.sent_at) - start
        reached[way] = int(((came > at.run_s - 1) & (came <= at.run_s)).sum())
    return ends, reached, lateness.mean_s
