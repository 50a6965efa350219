"""A consumer that is away: called directly, and reached through a queue."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.anatomy.theory import theory_chain, theory_outage
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

WEB_MS, DIRECT_SLOTS, TIMEOUT_S = 5.0, 20, 2.0
OUTAGE_AT_S, HORIZON_S = 20.0, 120.0

_STEP_S = 1.0
_MOST = 30_000


class OutageResult(Result):
    """What users feel, and what the consumer has left to do, while it is away and afterwards.

    Attributes
    ----------
    rate_rps, outage_s, drain_rps
        The parameters it was made with.
    direct_failed : float
        Fraction of the requests sent in the outage that fail when the consumer is called.
    backlog_at_end : int
        Jobs in the queue when the outage ends.
    drained_s : float or None
        Seconds from then until it is empty; None if that is beyond the horizon.
    longest_delay_s : float
        Longest time that a job waited in the queue.
    time_s, direct_failed_rps, direct_ok_rps, backlog : numpy.ndarray, shape (n,)
        The course of it.
    theory_backlog : numpy.ndarray, shape (n,)
        The fluid backlog.
    theory_at_end : float
        The fluid backlog at the end of the outage.
    """

    rate_rps: float
    outage_s: float
    drain_rps: float
    direct_failed: float
    backlog_at_end: int
    drained_s: float | None
    longest_delay_s: float
    time_s: np.ndarray
    direct_failed_rps: np.ndarray
    direct_ok_rps: np.ndarray
    backlog: np.ndarray
    theory_backlog: np.ndarray
    theory_at_end: float

    @property
    def expected(self) -> dict[str, float]:
        """The fluid model for these parameters."""
        return theory_outage(
            rate_rps=self.rate_rps, outage_s=self.outage_s, drain_rps=self.drain_rps
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        drain = self.expected["drain_s"]
        return {
            "direct_failed_percent": 100 * self.direct_failed,
            "backlog": self.backlog_at_end,
            "backlog_theory": self.theory_at_end,
            "drained_s": self.drained_s if self.drained_s is not None else "not yet",
            "drained_theory_s": drain if np.isfinite(drain) else "never",
            "longest_delay_s": self.longest_delay_s,
        }

    @property
    def reading(self) -> str:
        drain = self.expected["drain_s"]
        until = "never caught up" if np.isinf(drain) else f"{duration(drain)} by the fluid model"
        took = (
            f"is empty {duration(self.drained_s)} later ({until})"
            if self.drained_s is not None
            else f"is not empty when the picture ends ({until})"
        )
        return (
            f"In an outage of {duration(self.outage_s)} the direct call fails "
            f"{significant(100 * self.direct_failed)} % of the requests; a queue without a limit "
            f"refuses nobody, grows to {significant(self.backlog_at_end)} jobs (fluid model "
            f"{significant(self.theory_at_end)}) and {took}; one job waits "
            f"{duration(self.longest_delay_s)}."
        )


def simulate_outage(
    *, rate_rps: float = 50.0, outage_s: float = 20.0, drain_rps: float = 80.0, seed: int = 1
) -> OutageResult:
    """Take a consumer away for a while, with a direct call before it and with a queue.

    Parameters
    ----------
    rate_rps : float
        Requests per second, Poisson, each with one job for the consumer; > 0, at most 100.
    outage_s : float
        Seconds without a consumer, from the 20th second on; 1 to 60.
    drain_rps : float
        Jobs per second that the consumer can do, exponential; 20 to 200.
    seed : int
        Seed of arrivals and work; >= 0.

    Returns
    -------
    OutageResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A direct call to a consumer that is away fails; to one that is there but behind, it fails when
    its wait exceeds 2 s. To the queue the outage is one long job at the head of the line.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=100, unit="requests/s")
    outage_s = validation.number("outage_s", outage_s, at_least=1, at_most=60, unit="s")
    drain_rps = validation.number("drain_rps", drain_rps, at_least=20, at_most=200, unit="jobs/s")
    epochs, work = _draws(validation.integer("seed", seed, at_least=0))
    arrivals = epochs / rate_rps
    count = int(np.searchsorted(arrivals, HORIZON_S))
    arrivals, services = arrivals[:count], work[:count] / drain_rps
    end = OUTAGE_AT_S + outage_s

    starts = _with_outage(arrivals, services, OUTAGE_AT_S, end)
    delays = starts - arrivals
    departures = starts + services
    away = (arrivals >= OUTAGE_AT_S) & (arrivals < end)

    # Called directly, whoever would wait too long gives up, so nothing piles up behind them.
    failed = away | _impatient(arrivals, services, away, TIMEOUT_S)
    edges = np.arange(0, HORIZON_S + _STEP_S, _STEP_S)
    middle = (edges[1:] + edges[:-1]) / 2
    came = np.searchsorted(arrivals, edges[1:], side="right")
    backlog = came - np.searchsorted(np.sort(departures), edges[1:], side="right")
    at_end = int(np.count_nonzero((arrivals < end) & (departures > end)))
    empty = np.flatnonzero((edges[1:] >= end) & (backlog <= 1))
    expected = _fluid(edges[1:], rate_rps, drain_rps, end)
    during = failed[away]
    return OutageResult(
        rate_rps=rate_rps,
        outage_s=outage_s,
        drain_rps=drain_rps,
        direct_failed=float(during.mean()) if during.size else 0.0,
        backlog_at_end=at_end,
        drained_s=float(edges[1:][empty[0]] - end) if empty.size else None,
        longest_delay_s=float(delays.max()),
        time_s=middle,
        direct_failed_rps=np.histogram(arrivals[failed], edges)[0] / _STEP_S,
        direct_ok_rps=np.histogram(arrivals[~failed], edges)[0] / _STEP_S,
        backlog=backlog,
        theory_backlog=expected,
        theory_at_end=float(_fluid(np.array([end]), rate_rps, drain_rps, end)[0]),
    )


def _fluid(times: np.ndarray, rate_rps: float, drain_rps: float, end: float) -> np.ndarray:
    """Backlog of a fluid that flows in at one rate, and out at another but for the outage."""
    surplus = rate_rps - drain_rps
    before = max(surplus, 0.0) * np.minimum(times, OUTAGE_AT_S)
    during = rate_rps * np.clip(times - OUTAGE_AT_S, 0, end - OUTAGE_AT_S)
    return np.maximum(before + during + surplus * np.maximum(times - end, 0), 0.0)


def _with_outage(
    arrivals: np.ndarray, services: np.ndarray, start: float, end: float
) -> np.ndarray:
    """Start of each job at one server that is away from `start` to `end`."""
    if end == start:
        return arrivals + fifo_waits(arrivals, services, 1)
    at = int(np.searchsorted(arrivals, start))
    when = np.insert(arrivals, at, start)
    first = fifo_waits(arrivals[:at], services[:at], 1) if at else np.empty(0)
    busy_until = arrivals[at - 1] + first[-1] + services[at - 1] if at else 0.0
    pause = max(end - max(start, busy_until), 0.0)
    waits = fifo_waits(when, np.insert(services, at, pause), 1)
    return arrivals + np.delete(waits, at)


def _impatient(
    arrivals: np.ndarray, services: np.ndarray, away: np.ndarray, patience_s: float
) -> np.ndarray:
    """Which requests give up at one server because their wait would be too long."""
    gives_up = np.zeros(arrivals.size, dtype=bool)
    free = 0.0
    pairs = zip(arrivals.tolist(), services.tolist(), away.tolist(), strict=True)
    for i, (now, service, gone) in enumerate(pairs):
        if gone:
            continue
        begin = free if free > now else now
        if begin - now > patience_s:
            gives_up[i] = True
        else:
            free = begin + service
    return gives_up


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "work")
    drawn = (
        np.cumsum(unit_gaps("poisson", _MOST, rng["arrivals"])),
        unit_services("exponential", _MOST, rng["work"]),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- chains -------------------------------------------------------------------------------------

#: Lengths of chain that the picture shows.
LENGTHS = np.arange(1, 13)

_HISTORIES, _CYCLES = 12, 60
_HOURS_A_YEAR = 8_766.0


class ChainResult(Result):
    """Availability of a chain of services, called in a row or with a queue after the first.

    Attributes
    ----------
    services, availability
        The parameters it was made with.
    direct, queued : Intervals
        Simulated unavailability for each of `LENGTHS`; shape (12,). With a queue, only
        the first service and the queue have to work.
    theory_direct, theory_queued : numpy.ndarray, shape (12,)
        One minus the products of the availabilities.
    """

    services: int
    availability: float
    direct: Intervals
    queued: Intervals
    theory_direct: np.ndarray
    theory_queued: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        i = self.services - 1
        return {
            "direct_down_h_per_year": _HOURS_A_YEAR * float(self.direct.estimate[i]),
            "direct_theory_h_per_year": _HOURS_A_YEAR * float(self.theory_direct[i]),
            "queued_down_h_per_year": _HOURS_A_YEAR * float(self.queued.estimate[i]),
            "queued_theory_h_per_year": _HOURS_A_YEAR * float(self.theory_queued[i]),
        }

    @property
    def reading(self) -> str:
        i = self.services - 1
        direct, queued = (
            duration(3_600 * _HOURS_A_YEAR * float(x[i]))
            for x in (self.direct.estimate, self.queued.estimate)
        )
        theory = [
            significant(100 * (1 - float(x[i])), 5)
            for x in (self.theory_direct, self.theory_queued)
        ]
        return (
            f"A chain of {self.services} that are up {significant(100 * self.availability, 5)} % "
            f"of the time is down {direct} a year when they call one another (theory: up "
            f"{theory[0]} %) and {queued} when all but the first are behind a queue (up "
            f"{theory[1]} %)."
        )


def simulate_chain(*, services: int = 5, availability: float = 0.99, seed: int = 1) -> ChainResult:
    """Let services fail and be repaired, and count when a chain of them can answer.

    Parameters
    ----------
    services : int
        Length of the chain that the reading is about; 1 to 12.
    availability : float
        Of each service and of the queue; 0.9 to 0.9999. Repairs take an hour on average.
    seed : int
        Seed of failures and repairs; >= 0.

    Returns
    -------
    ChainResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Thirteen independent parts (twelve services and a queue) through 60 failures each, in 12
    histories; times up and down are exponential. A history lasts as long as its shortest part.
    """
    services = validation.integer("services", services, at_least=1, at_most=12)
    availability = validation.number("availability", availability, at_least=0.9, at_most=0.9999)
    ups, downs = _failures(validation.integer("seed", seed, at_least=0))
    up_h = availability / (1 - availability)
    failing = np.cumsum(ups * up_h, axis=2)
    failing[:, :, 1:] += np.cumsum(downs, axis=2)[:, :, :-1]
    repaired = failing + downs
    direct = np.empty((_HISTORIES, LENGTHS.size))
    queued = np.empty((_HISTORIES, LENGTHS.size))
    for history in range(_HISTORIES):
        horizon = float(repaired[history, :, -1].min())
        spans = [
            (np.minimum(f, horizon), np.minimum(r, horizon))
            for f, r in zip(failing[history], repaired[history], strict=True)
        ]
        direct[history] = [share / horizon for share in _union_lengths(spans[:-1])]
        queued[history] = _union_lengths([spans[-1], spans[0]])[1] / horizon
    return ChainResult(
        services=services,
        availability=availability,
        direct=mean_intervals(direct),
        queued=mean_intervals(queued),
        theory_direct=1
        - np.array([theory_chain(services=k, availability=availability) for k in LENGTHS.tolist()]),
        theory_queued=1
        - np.array(
            [
                theory_chain(services=k, availability=availability, queue_after=1)
                for k in LENGTHS.tolist()
            ]
        ),
    )


def _union_lengths(spans: list[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """Total length covered by the first, the first two, ... of some sets of intervals."""
    lengths = []
    starts = ends = np.empty(0)
    for begin, end in spans:
        order = np.argsort(np.concatenate([starts, begin]), kind="stable")
        all_starts = np.concatenate([starts, begin])[order]
        all_ends = np.maximum.accumulate(np.concatenate([ends, end])[order])
        fresh = np.concatenate([[True], all_starts[1:] > all_ends[:-1]])
        starts = all_starts[fresh]
        ends = all_ends[np.append(np.flatnonzero(fresh)[1:] - 1, all_ends.size - 1)]
        lengths.append(float((ends - starts).sum()))
    return lengths


@lru_cache(maxsize=4)
def _failures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "failures", "repairs")
    shape = (_HISTORIES, LENGTHS.size + 1, _CYCLES)
    failures, repairs = (rng[name].standard_exponential(shape) for name in ("failures", "repairs"))
    failures.setflags(write=False)
    repairs.setflags(write=False)
    return failures, repairs
