"""Ten real servers on the loopback interface behind four policies, on identical traffic."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from helpers.anatomy.simulation.balancing import replay_balancing
from helpers.anatomy.theory import theory_balancing
from helpers.blueprint import POLICIES
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import LineServer, connect, run_apart
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

MEASURED_POLICIES = ("random", "round robin", "power of two", "least connections")

#: Largest gap between measured and replayed mean response that the verdict calls agreement.
TOLERANCE = 0.1


class MeasuredBalancing(Result):
    """Mean responses of real servers, and of the simulation fed with their traffic.

    Attributes
    ----------
    utilisation, servers
        The parameters it was made with.
    service_ms : float
        Mean service time as measured, milliseconds.
    measured_ms, replayed_ms : numpy.ndarray, shape (4,)
        Mean response time under each of `MEASURED_POLICIES`: measured, and simulated with the
        instants at which the requests were really sent and the times they were really served.
    steady : dict of str to float
        The closed forms of the steady state, service times, which a short run does not reach.
    requests : int
        Requests sent under each policy.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    utilisation: float
    servers: int
    service_ms: float
    measured_ms: np.ndarray
    replayed_ms: np.ndarray
    steady: dict[str, float]
    requests: int
    late_s: float

    @property
    def gaps(self) -> np.ndarray:
        """Measured over replayed response, less 1, shape (4,)."""
        return self.measured_ms / self.replayed_ms - 1

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            "requests_per_policy": self.requests,
            "service_ms": self.service_ms,
        }
        rows = zip(MEASURED_POLICIES, self.measured_ms, self.replayed_ms, strict=True)
        for policy, measured, replayed in rows:
            values[f"{policy.replace(' ', '_')}_ms"] = float(measured)
            values[f"{policy.replace(' ', '_')}_replayed_ms"] = float(replayed)
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        worst = int(np.abs(self.gaps).argmax())
        inside = int((np.abs(self.gaps) <= TOLERANCE).sum())
        means = ", ".join(
            f"{policy} {significant(m)} ms (simulated {significant(r)})"
            for policy, m, r in zip(
                MEASURED_POLICIES, self.measured_ms, self.replayed_ms, strict=True
            )
        )
        return (
            f"Verdict: for {inside} of {len(MEASURED_POLICIES)} policies the simulation, fed with "
            f"the same requests, is within {TOLERANCE:.0%} of what {self.servers} real servers "
            f"took: {means}. The widest gap, {100 * self.gaps[worst]:+.1f} %, is "
            f"{MEASURED_POLICIES[worst]}'s."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "policy": MEASURED_POLICIES,
                "measured (ms)": self.measured_ms,
                "simulated on the same requests (ms)": self.replayed_ms,
                "gap (%)": 100 * self.gaps,
            }
        ).set_index("policy")


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


def measure_balancing(
    *,
    utilisation: float = 0.9,
    servers: int = 10,
    service_ms: float = 20.0,
    run_s: float = 2.0,
    seed: int = 1,
) -> MeasuredBalancing:
    """Deal the same requests out to real servers by four policies, all at the same time.

    Parameters
    ----------
    utilisation : float
        Load on each server; 0.1 to 0.95.
    servers : int
        Servers behind each policy; 2 to 10.
    service_ms : float
        Mean time for which a server sleeps, milliseconds, exponential; 10 to 50.
    run_s : float
        How long requests are sent, seconds; 0.5 to 5.
    seed : int
        Seed of the traffic; >= 0.

    Returns
    -------
    MeasuredBalancing

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    utilisation = validation.number("utilisation", utilisation, at_least=0.1, at_most=0.95)
    servers = validation.integer("servers", servers, at_least=2, at_most=10)
    service_ms = validation.number("service_ms", service_ms, at_least=10, at_most=50, unit="ms")
    run_s = validation.number("run_s", run_s, at_least=0.5, at_most=5, unit="s")
    rng = streams(seed, "arrivals", "services", "dice")
    rate = utilisation * servers * 1e3 / service_ms
    count = int(rate * run_s)
    due = np.cumsum(unit_gaps("poisson", count, rng["arrivals"])) / rate
    works = unit_services("exponential", count, rng["services"]) * service_ms * 1e-3
    dice = rng["dice"].random((2, count))
    balancers = [_Balancer(policy, servers, count) for policy in MEASURED_POLICIES]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        try:
            for balancer in balancers:
                await balancer.start()
            began = loop.time() + 0.02
            for number in range(count):
                late = began + due[number] - loop.time()
                if late > 0:
                    await asyncio.sleep(late)
                for balancer in balancers:
                    balancer.send(number, works[number], dice[0, number], dice[1, number])
            while any(np.isnan(balancer.took_s).any() for balancer in balancers):
                await asyncio.sleep(0.02)
        finally:
            for balancer in balancers:
                balancer.stop()

    with Lateness() as lateness:
        run_apart(main, limit_s=4 * run_s + 10)
    replayed, services = [], []
    for balancer in balancers:
        served = {n: s for server in balancer.servers for n, s in server.served_s.items()}
        services.append(np.array([served[n] for n in range(count)]))
        sent = balancer.sent_s - balancer.sent_s[0]
        replayed.append(replay_balancing(balancer.policy, sent, services[-1], dice, servers).mean())
    return MeasuredBalancing(
        utilisation=utilisation,
        servers=servers,
        service_ms=1e3 * float(np.mean(services)),
        measured_ms=1e3 * np.array([balancer.took_s.mean() for balancer in balancers]),
        replayed_ms=1e3 * np.array(replayed),
        steady=theory_balancing(utilisation, servers),
        requests=count,
        late_s=lateness.mean_s,
    )
