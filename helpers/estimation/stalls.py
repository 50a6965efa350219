"""A stall, and what testers write down of it that send on time, or only after the last answer."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.foundations import queueing

#: When the stall begins, as a share of the run.
STALL_AT = 0.3


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


class Asked(NamedTuple):
    """What a tester sent that waits for its answers, and when it was answered, in order.

    Attributes
    ----------
    sent_s, done_s : numpy.ndarray, shape (n,)
        Seconds.
    connection : numpy.ndarray of int, shape (n,)
        Which connection sent it.
    """

    sent_s: np.ndarray
    done_s: np.ndarray
    connection: np.ndarray


def closed_responses(
    rate_rps: float, service_s: float, stall: Stall, run_s: float, connections: int
) -> np.ndarray:
    """Return the response times that a tester writes down that waits for its answers.

    See :func:`closed_requests`.
    """
    asked = closed_requests(rate_rps, service_s, stall, run_s, connections)
    return asked.done_s - asked.sent_s


def closed_requests(
    rate_rps: float, service_s: float, stall: Stall, run_s: float, connections: int
) -> Asked:
    """Return what a tester asks that waits for its answers.

    Each connection sends every ``connections / rate_rps`` seconds, or as soon as it has its
    answer if that takes longer.
    """
    interval_s = connections / rate_rps
    due = [(i / rate_rps, i) for i in range(connections)]
    begin, length = stall.at_s, stall.length_s
    free = 0.0
    asked: list[tuple[float, float, int]] = []
    while due[0][0] < run_s:
        sent, name = due[0]
        at = sent if sent < begin else max(sent - length, begin)
        free = max(at, free) + service_s
        done = free if free <= begin else free + length
        asked.append((sent, done, name))
        heapq.heapreplace(due, (max(done, sent + interval_s), name))
    sent_s, done_s, connection = (np.array(column) for column in zip(*asked, strict=True))
    return Asked(sent_s, done_s, connection)


def starts(sent_s: np.ndarray, done_s: np.ndarray, stall: Stall) -> np.ndarray:
    """Return when one server began with each of its requests, in order; never in the stall."""
    began = np.maximum(sent_s, np.append(-np.inf, done_s[:-1]))
    over_s = stall.at_s + stall.length_s
    return np.where((began >= stall.at_s) & (began < over_s), over_s, began)


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
