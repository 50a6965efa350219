"""Each learner's own numbers for the chapter's lab, and the server that its tasks talk to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.blueprint import AppServers, Clients, Database, Design, LoadBalancer
from helpers.foundations import students, validation

#: What can happen to a call of a :class:`FlakyServer`.
FATES = ("ok", "error", "silent before", "silent after")


@dataclass(frozen=True, eq=False)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    service_s, think_s : float
        Work per request and pause of a user between requests, seconds.
    sync_s : float
        Time of a sync, seconds.
    arrivals_s, services_s : numpy.ndarray, shape (600,)
        A log: when requests came, and how long each took to serve, seconds.
    base_error, bad_error : float
        Share of requests that fail on a good and on a bad version.
    shop : Design
        A design that does not survive the deck.
    budget_usd : float
        What a better one may cost in a month.
    """

    student_id: str
    service_s: float
    think_s: float
    sync_s: float
    arrivals_s: np.ndarray
    services_s: np.ndarray
    base_error: float
    bad_error: float
    shop: Design
    budget_usd: float


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab01"))
    service_s = float(rng.integers(8, 31)) / 1e3
    load = rng.uniform(0.55, 0.75)
    gaps = rng.gamma(1 / rng.uniform(1.5, 4.0), 1.0, 600)
    services = rng.gamma(1 / rng.uniform(0.3, 2.5), 1.0, 600)
    base_error = float(rng.integers(5, 21)) / 1e3
    rate_rps = float(rng.integers(65, 81))
    return LabParameters(
        student_id=name,
        service_s=service_s,
        think_s=float(rng.integers(20, 91)),
        sync_s=float(rng.integers(10, 61)) / 1e4,
        arrivals_s=np.cumsum(gaps / gaps.mean() * service_s / load),
        services_s=services / services.mean() * service_s,
        base_error=base_error,
        bad_error=round(base_error * float(rng.uniform(1.8, 3.0)), 4),
        shop=_shop(rate_rps),
        budget_usd=1_440 + 3 * (rate_rps - 65),
    )


def _shop(rate_rps: float) -> Design:
    return Design(
        "shop",
        Clients(rate_rps=rate_rps, write_fraction=0.1, response_kb=10.0)
        >> LoadBalancer(count=1)
        >> AppServers(count=2)
        >> Database(replicas=1),
    )


class ServerError(Exception):
    """What a server answers if it has not done the work, and says so."""


class FlakyServer:
    """A server that does not always answer.

    Parameters
    ----------
    work : callable
        ``work(key, amount)`` is called when the server does its work.
    fates : sequence of str
        What happens to each call, one after the other; each of :data:`FATES`. ``"error"``: nothing
        is done, and a :class:`ServerError` is raised. ``"silent before"`` and ``"silent after"``:
        no answer comes, a ``TimeoutError`` is raised, and the work is not done or done.

    Attributes
    ----------
    calls : list of tuple
        (key, amount) of each call so far.
    """

    def __init__(self, work: Callable[[str, float], object], fates: Sequence[str]) -> None:
        self._work = work
        self._fates = [validation.one_of("fates", fate, FATES) for fate in fates]
        self.calls: list[tuple[str, float]] = []

    def charge(self, key: str, amount: float) -> str:
        """Return ``"done"``, or raise.

        Raises
        ------
        ServerError
            If the work was not done.
        TimeoutError
            If no answer came.
        RuntimeError
            If it is called more often than it has fates.
        """
        if len(self.calls) >= len(self._fates):
            raise RuntimeError("the server was called more often than allowed")
        fate = self._fates[len(self.calls)]
        self.calls.append((key, amount))
        if fate == "error":
            raise ServerError("not done")
        if fate != "silent before":
            self._work(key, amount)
        if fate != "ok":
            raise TimeoutError("no answer")
        return "done"
