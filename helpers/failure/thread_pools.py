"""Real thread pools that refuse a task when all of their threads are taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness


class Pool:
    """A `ThreadPoolExecutor` without a line: a task finds a free thread or is refused."""

    def __init__(self, threads: int) -> None:
        self._free = threading.BoundedSemaphore(threads)
        self._executor = ThreadPoolExecutor(threads, "pool")

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def offer(self, sleeps_s: float) -> bool:
        """Let a thread sleep for so long; return whether one was free."""
        if not self._free.acquire(blocking=False):
            return False
        self._executor.submit(self._sleep, sleeps_s)
        return True

    def _sleep(self, sleeps_s: float) -> None:
        time.sleep(sleeps_s)
        self._free.release()


def run_pools(
    servers: Sequence[Mapping[str, int]],
    traffic: Mapping[str, tuple[float, float]],
    settle_s: float,
    run_s: float,
    copies: int,
    draw: Draws,
) -> tuple[list[dict[str, list[float]]], float]:
    """Send requests at several servers at once; servers side by side get the same ones.

    Parameters
    ----------
    servers : sequence of mapping of str to int
        For each server, threads by pool: one called ``"both"``, or one for each kind of request.
    traffic : mapping of str to (float, float)
        For each kind, requests per second and seconds that one takes on average, exponential.
    settle_s, run_s : float
        How long requests come before they count, and how long they count, seconds.
    copies : int
        How many times all of that is there, each with traffic of its own.
    draw : Draws

    Returns
    -------
    shares : list of dict of str to list of float
        For each server and kind, the share of requests that was refused in each copy.
    late_s : float
        How late timers were on average, seconds.
    """
    comers: list[tuple[float, int, str, float]] = []
    end = settle_s + run_s
    for copy in range(copies):
        for kind, (rate_rps, takes_s) in traffic.items():
            most = int(3 * rate_rps * end) + 50
            times = np.cumsum(draw(f"{kind} arrivals").exponential(1 / rate_rps, most))
            services = draw(f"{kind} services").exponential(takes_s, most)
            rows = zip(times.tolist(), services.tolist(), strict=True)
            comers += [(came, copy, kind, takes) for came, takes in rows if came < end]
    asked = [dict.fromkeys(traffic, 0) for _ in range(copies)]
    refused = [[dict.fromkeys(traffic, 0) for _ in servers] for _ in range(copies)]
    with ExitStack() as stack, Lateness() as lateness:
        pools = [[{name: stack.enter_context(Pool(size)) for name, size in sizes.items()}
                  for sizes in servers] for _ in range(copies)]  # fmt: skip
        begin = time.monotonic()
        for due, copy, kind, sleeps_s in sorted(comers):
            time.sleep(max(0.0, begin + due - time.monotonic()))
            asked[copy][kind] += due > settle_s
            for number, of_server in enumerate(pools[copy]):
                taken = of_server.get(kind) or of_server["both"]
                # Nobody comes after the end: what would take longer may end there.
                offered = taken.offer(min(sleeps_s, end - due))
                refused[copy][number][kind] += not offered and due > settle_s
    shares = [
        {kind: [refused[copy][number][kind] / max(1, asked[copy][kind]) for copy in range(copies)]
         for kind in traffic}
        for number in range(len(servers))
    ]  # fmt: skip
    return shares, lateness.mean_s
