"""Clusters of three real servers: one is killed, and the errors are counted."""

from __future__ import annotations

import asyncio
from functools import partial

import numpy as np

from helpers.anatomy.theory import theory_health_check
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import LineServer, connect, run_apart
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.streams import streams

_SERVERS, _BEFORE_S = 3, 0.3


class MeasuredHealthCheck(Result):
    """Failed requests after the death of one of three real servers.

    Attributes
    ----------
    rate_rps, interval_s, threshold
        The parameters it was made with.
    errors : numpy.ndarray of int, shape (clusters,)
        Requests that failed in each cluster.
    mean_errors, detection : Interval
        Their mean, and the mean time until the dead server was out of rotation, seconds.
    after : int
        Requests that failed later than that, in all clusters.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    rate_rps: float
    interval_s: float
    threshold: int
    errors: np.ndarray
    mean_errors: Interval
    detection: Interval
    after: int
    late_s: float

    @property
    def expected(self) -> dict[str, float]:
        """Theory for these parameters."""
        return theory_health_check(
            rate_rps=self.rate_rps,
            servers=_SERVERS,
            interval_s=self.interval_s,
            threshold=self.threshold,
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "clusters": self.errors.size,
            "errors_mean": self.mean_errors.estimate,
            "errors_theory": self.expected["errors"],
            "detection_s": self.detection.estimate,
            "detection_theory_s": self.expected["detection_s"],
            "errors_afterwards": self.after,
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.interval_s):
            return busy
        said = verdict(self.mean_errors, self.expected["errors"], unit="failed requests")
        return (
            f"Verdict: {said}. {self.errors.size} clusters of three real servers lost "
            f"{significant(self.mean_errors.estimate)} requests each on average, in "
            f"{duration(self.detection.estimate)} (theory "
            f"{duration(self.expected['detection_s'])}); {self.after} failed after the dead server "
            "was out of rotation."
        )


class _Cluster:
    """A balancer that takes turns among real servers and looks at them once in a while."""

    def __init__(self, gaps: np.ndarray, interval_s: float, threshold: int, phase: float) -> None:
        self.gaps, self.interval_s, self.threshold, self.phase = gaps, interval_s, threshold, phase
        self.servers = [LineServer(lambda link, line: link.write(line + b"\n")) for _ in range(3)]
        self.links: list[asyncio.Transport | None] = []
        self.rotation = list(range(_SERVERS))
        self.failed = [0] * _SERVERS
        self.errors = self.after = self.turn = 0
        self.died_s = self.out_s = 0.0

    async def run(self, until: float) -> None:
        for i, server in enumerate(self.servers):
            await server.start()
            self.links.append(await connect(server.port, lambda *_: None, partial(self._lost, i)))
        loop = asyncio.get_running_loop()
        checks = asyncio.create_task(self._check(loop.time()))
        asked: list[asyncio.Task] = []
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


def measure_health_check(
    *,
    rate_rps: float = 150.0,
    interval_s: float = 0.2,
    threshold: int = 2,
    clusters: int = 8,
    seed: int = 1,
) -> MeasuredHealthCheck:
    """Kill one of three real servers in each of several clusters, all at about the same time.

    Parameters
    ----------
    rate_rps : float
        Requests per second to each cluster, Poisson; 30 to 300.
    interval_s : float
        Seconds between two health checks (a connection is opened); 0.05 to 0.5.
    threshold : int
        Failed checks that take a server out of rotation; 1 to 3.
    clusters : int
        Clusters, whose deaths are spread over the interval between two checks; 2 to 16.
    seed : int
        Seed of the traffic; >= 0.

    Returns
    -------
    MeasuredHealthCheck

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    rate_rps = validation.number("rate_rps", rate_rps, at_least=30, at_most=300, unit="requests/s")
    interval_s = validation.number("interval_s", interval_s, at_least=0.05, at_most=0.5, unit="s")
    threshold = validation.integer("threshold", threshold, at_least=1, at_most=3)
    clusters = validation.integer("clusters", clusters, at_least=2, at_most=16)
    run_s = _BEFORE_S + (threshold + 1.5) * interval_s + 0.2
    rng = streams(seed, *(f"arrivals {i}" for i in range(clusters)))
    made = [
        _Cluster(
            unit_gaps("poisson", int(2 * rate_rps * run_s) + 50, rng[f"arrivals {i}"]) / rate_rps,
            interval_s,
            threshold,
            (i + 0.5) / clusters,
        )
        for i in range(clusters)
    ]

    async def main() -> None:
        until = asyncio.get_running_loop().time() + run_s
        await asyncio.gather(*(cluster.run(until) for cluster in made))

    with Lateness() as lateness:
        run_apart(main, limit_s=4 * run_s + 5)
    if not all(cluster.out_s for cluster in made):
        raise TimeoutError("a dead server was not noticed in time: give the machine a rest")
    errors = np.array([cluster.errors for cluster in made])
    return MeasuredHealthCheck(
        rate_rps=rate_rps,
        interval_s=interval_s,
        threshold=threshold,
        errors=errors,
        mean_errors=mean_interval(errors),
        detection=mean_interval([cluster.out_s - cluster.died_s for cluster in made]),
        after=sum(cluster.after for cluster in made),
        late_s=lateness.mean_s,
    )
