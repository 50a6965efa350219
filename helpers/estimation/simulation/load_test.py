"""One server, one stall, and two load testers that disagree about it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.load_test import TESTERS, LoadTestTheory, theory_load_test
from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

#: Requests per second that both testers mean to send, and how long the test lasts.
RATE_RPS, RUN_S = 100.0, 60.0

#: When the stall begins, as a share of the run.
STALL_AT = 0.3

#: What to read off: one request in so many is slower.
ONE_IN = (2, 5, 10, 20, 50, 100, 200, 500, 1_000)

_WARM_UP_S = 5.0


class LoadTestResult(Result):
    """What each tester wrote down about the same server in the same minute.

    Attributes
    ----------
    stall_s, utilisation, connections
        The parameters it was made with.
    responses_s : dict of str to numpy.ndarray
        For each tester its response times in ascending order, seconds; the open tester's are
        those of all replications.
    open_mean, open_p99 : Interval
        Of the open tester, over the replications, seconds.
    theory : LoadTestTheory
        The fluid model, and the exact mean.
    """

    stall_s: float
    utilisation: float
    connections: int
    responses_s: dict[str, np.ndarray]
    open_mean: Interval
    open_p99: Interval
    theory: LoadTestTheory

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile, seconds."""
        return sample_quantile(self.responses_s[tester], q)

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for tester in TESTERS:
            found[f"{tester}_p99_ms"] = 1e3 * self.percentile_s(tester, 0.99)
        found["theory_open_p99_ms"] = 1e3 * self.theory.percentile_s("open", 0.99)
        found["open_mean_ms"] = 1e3 * self.open_mean.estimate
        found["theory_open_mean_ms"] = 1e3 * self.theory.mean_s
        found["closed_mean_ms"] = 1e3 * float(self.responses_s["closed"].mean())
        found["closed_samples"] = len(self.responses_s["closed"])
        return found

    @property
    def reading(self) -> str:
        inside = "inside" if self.open_mean.contains(self.theory.mean_s) else "outside"
        tails = {tester: self.percentile_s(tester, 0.99) for tester in TESTERS}
        return (
            f"Of one stall of {duration(self.stall_s)} in a minute the open tester says p99 = "
            f"{duration(tails['open'])}, the closed one p99 = {duration(tails['closed'])}, after "
            f"correction {duration(tails['corrected'])}; the open mean is "
            f"{duration(self.open_mean.estimate)}, and theory's {duration(self.theory.mean_s)} "
            f"lies {inside} its 95 % interval."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for n in ONE_IN:
            row: dict[str, object] = {"one in": n}
            for tester in TESTERS:
                row[f"{tester} (ms)"] = 1e3 * self.percentile_s(tester, 1 - 1 / n)
                row[f"{tester}, fluid model (ms)"] = 1e3 * self.theory.percentile_s(
                    tester, 1 - 1 / n
                )
            rows.append(row)
        return pd.DataFrame(rows).set_index("one in")


def simulate_load_test(
    *,
    stall_s: float = 2.0,
    utilisation: float = 0.3,
    connections: int = 1,
    replications: int = 8,
    seed: int = 1,
) -> LoadTestResult:
    """Test a server that stalls once in a minute with an open and with a closed load tester.

    Both mean to send 100 requests a second. The open tester sends at Poisson times whatever
    happens. The closed one shares the rate among its connections, and a connection that waits for
    an answer sends nothing.

    Parameters
    ----------
    stall_s : float
        Length of the stall, seconds; 0 to 5.
    utilisation : float
        Share of the time the server works when it does not stall; 0.01 to 0.8.
    connections : int
        Connections of the closed tester; 1 to 100.
    replications : int
        Minutes that the open tester measures; >= 2.
    seed : int
        Seed of the open tester's sending times; >= 0.

    Returns
    -------
    LoadTestResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    stall_s = validation.number("stall_s", stall_s, at_least=0, at_most=5, unit="s")
    utilisation = validation.number("utilisation", utilisation, at_least=0.01, at_most=0.8)
    connections = validation.integer("connections", connections, at_least=1, at_most=100)
    replications = validation.integer("replications", replications, at_least=2)
    service_s = utilisation / RATE_RPS
    stall = Stall(STALL_AT * RUN_S, stall_s)
    sent = _sending_times(replications, seed)
    counted = (sent >= 0) & (sent < RUN_S)
    responses = open_responses(sent, service_s, stall)
    each = [row[kept] for row, kept in zip(responses, counted, strict=True)]
    closed = closed_responses(RATE_RPS, service_s, stall, RUN_S, connections)
    return LoadTestResult(
        stall_s=stall_s,
        utilisation=utilisation,
        connections=connections,
        responses_s={
            "open": np.sort(np.concatenate(each)),
            "closed": np.sort(closed),
            "corrected": np.sort(correct(closed, connections / RATE_RPS)),
        },
        open_mean=mean_interval([row.mean() for row in each]),
        open_p99=mean_interval([np.quantile(row, 0.99) for row in each]),
        theory=theory_load_test(
            rate_rps=RATE_RPS,
            service_s=service_s,
            stall_s=stall_s,
            run_s=RUN_S,
            connections=connections,
        ),
    )


@dataclass(frozen=True)
class Stall:
    """A pause in which a server does nothing, as in a long garbage collection.

    Attributes
    ----------
    at_s, length_s : float
        When it begins and how long it is, seconds.
    """

    at_s: float
    length_s: float

    def working_time(self, time_s: np.ndarray) -> np.ndarray:
        """Return the reading of a clock that stands still in the stall."""
        return np.where(time_s < self.at_s, time_s, np.maximum(time_s - self.length_s, self.at_s))

    def real_time(self, working_s: np.ndarray) -> np.ndarray:
        """Return when that clock passes a reading; at the jump, before it."""
        return np.where(working_s <= self.at_s, working_s, working_s + self.length_s)


def open_responses(sent_s: np.ndarray, service_s: float, stall: Stall) -> np.ndarray:
    """Return the response times of requests sent at given times to one server that stalls.

    Parameters
    ----------
    sent_s : numpy.ndarray, shape (R, n)
        Sending times, ascending along the last axis, seconds.
    service_s : float
        Service time, seconds.
    stall : Stall
        The stall.

    Notes
    -----
    On the clock that stands still in the stall this is an ordinary queue.
    """
    arrived = stall.working_time(sent_s)
    services = np.full(arrived.shape[1], service_s)
    # Few long paths: the engine is quickest one path at a time. It counts from 0.
    waits = [queueing.fifo_waits(path - path[0], services, 1) for path in arrived]
    return stall.real_time(arrived + waits + service_s) - sent_s


def closed_responses(
    rate_rps: float, service_s: float, stall: Stall, run_s: float, connections: int
) -> np.ndarray:
    """Return the response times that a tester writes down that waits for its answers.

    Each connection sends every ``connections / rate_rps`` seconds, or as soon as it has its
    answer if that takes longer.
    """
    interval_s = connections / rate_rps
    due = [(i / rate_rps, i) for i in range(connections)]
    begin, length = stall.at_s, stall.length_s
    free, responses = 0.0, []
    while due[0][0] < run_s:
        sent, name = due[0]
        at = sent if sent < begin else max(sent - length, begin)
        free = max(at, free) + service_s
        done = free if free <= begin else free + length
        responses.append(done - sent)
        heapq.heapreplace(due, (max(done, sent + interval_s), name))
    return np.array(responses)


def correct(responses_s: np.ndarray, interval_s: float) -> np.ndarray:
    """Return response times with those filled in that a waiting tester failed to take.

    A response of r seconds stands for others of ``r - i``, ``r - 2 i``, ... down to i, where i is
    the interval at which the connection meant to send.

    Notes
    -----
    HdrHistogram's ``recordValueWithExpectedInterval``.
    """
    missing = np.maximum(np.floor(responses_s / interval_s * (1 + 1e-12)) - 1, 0).astype(int)
    slow = np.repeat(responses_s, missing)
    step = np.concatenate([np.arange(1, m + 1) for m in missing if m] or [np.empty(0)])
    return np.concatenate([responses_s, slow - step * interval_s])


def sample_quantile(ascending_s: np.ndarray, q: float) -> float:
    """Return the smallest sample that at least a share q of the samples do not exceed."""
    rank = int(np.ceil(q * len(ascending_s) * (1 - 1e-12))) - 1
    return float(ascending_s[max(rank, 0)])


@lru_cache(maxsize=8)
def _sending_times(replications: int, seed: int) -> np.ndarray:
    """Poisson times from a little before 0 to a little beyond the run, shape (R, n)."""
    span = _WARM_UP_S + RUN_S
    count = int(RATE_RPS * span + 6 * np.sqrt(RATE_RPS * span))
    rng = streams(seed, "arrivals")["arrivals"]
    gaps = unit_gaps("poisson", (count, replications), rng) / RATE_RPS
    sent = np.cumsum(gaps, axis=0).T - _WARM_UP_S
    sent.setflags(write=False)
    return sent
