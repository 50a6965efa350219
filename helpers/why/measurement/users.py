"""Real users of a real server: the laws, each quantity by its own count."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import Station, Users, run_apart, scaled
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.why.theory import saturation_users, theory_users

if TYPE_CHECKING:
    import pandas as pd

#: Numbers of users measured, all at the same time.
MEASURED_USERS = (16, 32, 48, 96, 192)

_WARMUP_S = 0.7
_LOOK_S = 0.002


class MeasuredUsers(Result):
    """A real server and its users, at several numbers of users.

    Attributes
    ----------
    users : numpy.ndarray of int, shape (k,)
        Numbers of users.
    service_ms, think_ms : float
        Mean service and think time as measured, milliseconds.
    response : Intervals
        Mean response time, seconds; shape (k,).
    theory_s : numpy.ndarray, shape (k,)
        What the machine-repairman model says for the measured times.
    utilisation_gap, little_gap : Intervals
        U / (X S) - 1 and L / (X R) - 1, where U and L come from looking every few milliseconds
        and X, S and R from the requests; shape (k,).
    requests : int
        Requests answered while measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    users: np.ndarray
    service_ms: float
    think_ms: float
    response: Intervals
    theory_s: np.ndarray
    utilisation_gap: Intervals
    little_gap: Intervals
    requests: int
    late_s: float

    @property
    def agrees(self) -> np.ndarray:
        """Whether the theory lies in each interval."""
        return self.response.contains(self.theory_s)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "requests": self.requests,
            "service_ms": self.service_ms,
            "think_ms": self.think_ms,
            "theory_inside": f"{int(self.agrees.sum())} of {self.users.size}",
            "largest_gap_U_vs_XS_percent": 100 * float(np.abs(self.utilisation_gap.estimate).max()),
            "largest_gap_L_vs_XR_percent": 100 * float(np.abs(self.little_gap.estimate).max()),
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        last = int(self.users.size - 1)
        held = [int(gap.contains(0.0).sum()) for gap in (self.utilisation_gap, self.little_gap)]
        return (
            f"Verdict: over {self.requests:,} real requests U = X S lies in its 95 % interval at "
            f"{held[0]} of {self.users.size} numbers of users, L = X R at {held[1]}, and the "
            f"response time that theory predicts at {int(self.agrees.sum())} ({self.users[last]} "
            f"users: measured {duration(float(self.response.estimate[last]))}, theory "
            f"{duration(float(self.theory_s[last]))})."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "users": self.users,
                "R (ms)": 1e3 * self.response.estimate,
                "from": 1e3 * self.response.low,
                "to": 1e3 * self.response.high,
                "theory (ms)": 1e3 * self.theory_s,
                "U / (X S)": 1 + self.utilisation_gap.estimate,
                "L / (X R)": 1 + self.little_gap.estimate,
            }
        ).set_index("users")


def measure_users(
    *,
    service_ms: float = 6.0,
    think_s: float = 0.3,
    replications: int = 4,
    run_s: float = 0.8,
    seed: int = 1,
) -> MeasuredUsers:
    """Let real users load real servers on the loopback interface.

    Parameters
    ----------
    service_ms : float
        Mean time the server sleeps for a request, milliseconds, exponential; 1 to 20.
    think_s : float
        Mean think time, seconds, exponential; 0.05 to 1.
    replications : int
        Servers for each number of users, all at the same time; 2 to 10.
    run_s : float
        How long is measured, after a warm-up of 0.7 s; 0.2 to 10.
    seed : int
        Seed of the times; what is measured differs from run to run all the same.

    Returns
    -------
    MeasuredUsers

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is far too busy.
    """
    service_ms = validation.number("service_ms", service_ms, at_least=1, at_most=20, unit="ms")
    think_s = validation.number("think_s", think_s, at_least=0.05, at_most=1, unit="s")
    replications = validation.integer("replications", replications, at_least=2, at_most=10)
    run_s = validation.number("run_s", run_s, at_least=0.2, at_most=10, unit="s")
    cases = [n for n in MEASURED_USERS for _ in range(replications)]
    rng = streams(seed, *(f"{what} {i}" for i in range(len(cases)) for what in ("work", "think")))
    servers = [
        Station(scaled(service_ms * 1e-3, rng[f"work {i}"].standard_exponential))
        for i in range(len(cases))
    ]
    crowds = [
        Users(n, scaled(think_s, rng[f"think {i}"].standard_exponential))
        for i, n in enumerate(cases)
    ]
    # So many users are in line in the steady state; who starts there needs less of a warm-up.
    saturated = saturation_users(think_s, service_ms * 1e-3)
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
    seen = observer.means()  # U and L by looking
    rows = []
    for server, crowd in zip(servers, crowds, strict=True):
        answered = np.array(crowd.answered)
        kept = (answered >= began) & (answered < ended)
        _, taken_up, done = server.served()
        services = (done - taken_up)[done >= began]
        rows.append((kept.sum(), np.array(crowd.responses)[kept].mean(), services.mean()))
    count, response, service = np.array(rows).T
    throughput = count / (ended - began)
    shape = (len(MEASURED_USERS), replications)
    service_s = float(np.average(service, weights=count))
    thought_s = float(np.mean([t for crowd in crowds for t in crowd.thought]))
    return MeasuredUsers(
        users=np.array(MEASURED_USERS),
        service_ms=1e3 * service_s,
        think_ms=1e3 * thought_s,
        response=mean_intervals(response.reshape(shape).T),
        theory_s=np.array([theory_users(n, think_s, service_s).response_s for n in MEASURED_USERS]),
        utilisation_gap=mean_intervals((seen[:, 0] / (throughput * service) - 1).reshape(shape).T),
        little_gap=mean_intervals((seen[:, 1] / (throughput * response) - 1).reshape(shape).T),
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
