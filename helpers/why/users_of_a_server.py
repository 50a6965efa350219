"""Real users of real servers on the loopback interface: each quantity by its own count."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import NamedTuple

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import Station, Users, run_apart, scaled
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.why.closed_station import saturation_users

#: Numbers of users measured, all at the same time.
MEASURED_USERS = (16, 32, 48, 96, 192)

_WARMUP_S = 0.7
_LOOK_S = 0.002


class Seen(NamedTuple):
    """Times in seconds; gaps are U / (X S) - 1 and L / (X R) - 1, one for each number of users."""

    service_s: float
    thought_s: float
    response_s: Intervals
    utilisation_gap: Intervals
    little_gap: Intervals
    requests: int
    late_s: float


def load_servers(
    service_s: float, think_s: float, replications: int, run_s: float, seed: int
) -> Seen:
    """Let :data:`MEASURED_USERS` load servers for a while, so many servers each, all at once.

    Parameters
    ----------
    service_s, think_s : float
        Mean time a server sleeps for a request, and mean think time, seconds, exponential.
    replications : int
        Servers for each number of users.
    run_s : float
        How long is measured, after a warm-up, seconds.
    seed : int
        Seed of the times; what is measured differs from run to run all the same.

    Raises
    ------
    TimeoutError
        If the machine is far too busy.
    """
    cases = [n for n in MEASURED_USERS for _ in range(replications)]
    draw = Draws(seed)
    servers = [
        Station(scaled(service_s, draw(f"work {i}").standard_exponential))
        for i in range(len(cases))
    ]
    crowds = [
        Users(n, scaled(think_s, draw(f"think {i}").standard_exponential))
        for i, n in enumerate(cases)
    ]
    # So many users are in line in the steady state; who starts there needs less of a warm-up.
    saturated = saturation_users(think_s, service_s)
    observer = _Observer(servers, crowds)

    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        try:
            for server, crowd in zip(servers, crowds, strict=True):
                await server.start()
                await crowd.start(server, at_once=max(0, crowd.count - round(saturated)))
            await asyncio.sleep(_WARMUP_S)
            began = loop.time()
            observer.start()
            await asyncio.sleep(run_s)
            return began, loop.time()
        finally:
            observer.stop()
            for crowd in crowds:
                crowd.stop()
            for server in servers:
                server.stop()

    with Lateness() as lateness:
        began, ended = run_apart(main, limit_s=3 * run_s + 8)
    looked = observer.means()
    rows = []
    for server, crowd in zip(servers, crowds, strict=True):
        answered = np.array(crowd.answered)
        kept = (answered >= began) & (answered < ended)
        _, taken_up, done = server.served()
        services = (done - taken_up)[done >= began]
        rows.append((kept.sum(), np.array(crowd.responses)[kept].mean(), services.mean()))
    count, response, service = np.array(rows).T
    throughput = count / (ended - began)

    def by_users(values: np.ndarray) -> Intervals:
        return mean_intervals(values.reshape(len(MEASURED_USERS), replications).T)

    return Seen(
        service_s=float(np.average(service, weights=count)),
        thought_s=float(np.mean([t for crowd in crowds for t in crowd.thought])),
        response_s=by_users(response),
        utilisation_gap=by_users(looked[:, 0] / (throughput * service) - 1),
        little_gap=by_users(looked[:, 1] / (throughput * response) - 1),
        requests=int(count.sum()),
        late_s=lateness.mean_s,
    )


class _Observer:
    """Looks at every server and its users, in a thread of its own.

    In the servers' event loop it would look only when that is awake, and so overlook the moments
    in which a request is done but the loop has yet to notice.
    """

    def __init__(self, servers: list[Station], crowds: list[Users]) -> None:
        self._servers, self._crowds = servers, crowds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._moments: list[float] = []
        self._looks: list[list[tuple[bool, int]]] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            self._moments.append(time.perf_counter())
            pairs = zip(self._servers, self._crowds, strict=True)
            self._looks.append([(server.busy, crowd.waiting) for server, crowd in pairs])

    def means(self) -> np.ndarray:
        """Mean of what was seen, shape (servers, 2); a look counts for the time until the next."""
        if len(self._moments) < 2:
            raise TimeoutError("the machine is so busy that the observer could not look twice")
        looks = np.array(self._looks[:-1], dtype=float)
        return np.average(looks, axis=0, weights=np.diff(self._moments))
