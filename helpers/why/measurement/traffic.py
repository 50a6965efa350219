"""Real servers under constant, random and bursty traffic of equal mean."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import OpenClient, Station, run_apart, scaled
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.streams import streams
from helpers.why.simulation.traffic import TRAFFIC
from helpers.why.theory import theory_traffic

if TYPE_CHECKING:
    import pandas as pd

_WARMUP_S = 0.3
_DRAIN_S = 0.3


class MeasuredTraffic(Result):
    """Mean waits of real servers under three kinds of traffic.

    Attributes
    ----------
    utilisation : float
        Arrival rate times mean service time, as measured.
    service_ms : float
        Mean service time as measured, milliseconds.
    burstiness : float
        Squared coefficient of variation of the gaps of the bursty traffic.
    wait : dict of str to Interval
        Mean wait in units of the service time, for each kind of traffic.
    theory : dict of str to float
        What D/M/1, M/M/1 and H2/M/1 say for the measured utilisation.
    requests : int
        Requests measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    utilisation: float
    service_ms: float
    burstiness: float
    wait: dict[str, Interval]
    theory: dict[str, float]
    requests: int
    late_s: float

    @property
    def agrees(self) -> dict[str, bool]:
        """Whether theory lies in the interval, for each kind of traffic."""
        return {kind: bool(self.wait[kind].contains(self.theory[kind])) for kind in TRAFFIC}

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "requests": self.requests,
            "service_ms": self.service_ms,
            "utilisation": self.utilisation,
        }
        for kind in TRAFFIC:
            found[f"{kind}_wait_services"] = self.wait[kind].estimate
            found[f"{kind}_theory_services"] = self.theory[kind]
        return found

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        told = ", ".join(
            f"{kind} {significant(self.wait[kind].estimate)} (theory "
            f"{significant(self.theory[kind])}{'' if self.agrees[kind] else ', outside'})"
            for kind in TRAFFIC
        )
        return (
            f"Verdict: theory lies in the 95 % interval for {sum(self.agrees.values())} of 3 kinds "
            f"of traffic. {self.requests:,} real requests at "
            f"{significant(100 * self.utilisation)} % utilisation waited, in services of "
            f"{duration(self.service_ms * 1e-3)}: {told}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            [
                {
                    "traffic": kind,
                    "wait (service times)": self.wait[kind].estimate,
                    "from": self.wait[kind].low,
                    "to": self.wait[kind].high,
                    "theory": self.theory[kind],
                }
                for kind in TRAFFIC
            ]
        ).set_index("traffic")


def measure_traffic(
    *,
    utilisation: float = 0.65,
    service_ms: float = 6.0,
    burstiness: float = 4.0,
    replications: int = 7,
    run_s: float = 1.2,
    seed: int = 1,
) -> MeasuredTraffic:
    """Load real servers on the loopback interface with three kinds of traffic of equal mean.

    Parameters
    ----------
    utilisation : float
        Arrival rate times nominal service time; 0.1 to 0.85.
    service_ms : float
        Mean time a server sleeps for a request, milliseconds, exponential; 1 to 20.
    burstiness : float
        Squared coefficient of variation of the bursty gaps; 1 to 8.
    replications : int
        Servers for each kind of traffic, all at the same time; 2 to 12.
    run_s : float
        How long, seconds; 0.5 to 10.
    seed : int
        Seed of the times; what is measured differs from run to run all the same.

    Returns
    -------
    MeasuredTraffic

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is far too busy.
    """
    utilisation = validation.number("utilisation", utilisation, at_least=0.1, at_most=0.85)
    service_ms = validation.number("service_ms", service_ms, at_least=1, at_most=20, unit="ms")
    burstiness = validation.number("burstiness", burstiness, at_least=1, at_most=8)
    replications = validation.integer("replications", replications, at_least=2, at_most=12)
    run_s = validation.number("run_s", run_s, at_least=0.5, at_most=10, unit="s")
    cases = [kind for kind in TRAFFIC for _ in range(replications)]
    rng = streams(seed, *(f"{what} {i}" for i in range(len(cases)) for what in ("work", "gaps")))
    gap_s = service_ms * 1e-3 / utilisation

    def gaps(kind: str, stream: np.random.Generator):
        return scaled(gap_s, lambda n: unit_gaps(kind, n, stream, burstiness=burstiness))

    servers = [
        Station(scaled(service_ms * 1e-3, rng[f"work {i}"].standard_exponential))
        for i in range(len(cases))
    ]
    clients = [OpenClient(gaps(kind, rng[f"gaps {i}"])) for i, kind in enumerate(cases)]

    async def main() -> tuple[float, float]:
        try:
            for server in servers:
                await server.start()
            began = asyncio.get_running_loop().time()
            for client, server in zip(clients, servers, strict=True):
                await client.start(server, began + run_s)
            await asyncio.sleep(run_s + _DRAIN_S)
            return began, began + run_s
        finally:
            for client in clients:
                client.stop()
            for server in servers:
                server.stop()

    with Lateness() as lateness:
        began, until = run_apart(main, limit_s=3 * run_s + 8)
    seen = []
    for server in servers:
        came, taken_up, done = server.served()
        kept = (came >= began + _WARMUP_S) & (came < until)
        seen.append(((taken_up - came)[kept], (done - taken_up)[kept]))
    service_s = float(np.concatenate([services for _, services in seen]).mean())
    measured_utilisation = service_s / gap_s
    shape = (len(TRAFFIC), replications)
    waits = np.array([waits.mean() for waits, _ in seen]).reshape(shape) / service_s
    stable = measured_utilisation < 1
    return MeasuredTraffic(
        utilisation=measured_utilisation,
        service_ms=1e3 * service_s,
        burstiness=burstiness,
        wait={kind: mean_interval(row) for kind, row in zip(TRAFFIC, waits, strict=True)},
        theory={
            kind: theory_traffic(measured_utilisation, kind, 1.0, burstiness, exponential=True)
            if stable  # on a machine that is too slow there is no steady state to predict
            else float("inf")
            for kind in TRAFFIC
        },
        requests=sum(waits.size for waits, _ in seen),
        late_s=lateness.mean_s,
    )
