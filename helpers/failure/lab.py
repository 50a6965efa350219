"""Each learner's own numbers for the chapter's lab, and the storm that their own breaker meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from helpers.failure import storm
from helpers.failure.storm_fast import play
from helpers.failure.storm_tally import Tally
from helpers.foundations import students
from helpers.foundations.experiment import Draws


@dataclass(frozen=True)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    capacity_rps, load_rps : float
        What the server can do, and its usual load, requests per second.
    attempts : int
        Attempts of a request.
    spike, spike_s : float
        A spike, over the usual load, and how long it lasts, seconds.
    back_s : float
        How soon after the spike the service must be back, seconds.
    drain_rps : float
        How quickly a dead server's line must drain, requests per second.
    login_rps, login_s : float
        Logins per second, and how long one holds a thread, seconds.
    refused : float
        Share of the logins that may be refused.
    needed : int
        Servers that the load needs.
    up : float
        Share of the time that a server is up.
    too_few : float
        Share of the time that too few may be up, also while one is being deployed.
    """

    student_id: str
    capacity_rps: float
    load_rps: float
    attempts: int
    spike: float
    spike_s: float
    back_s: float
    drain_rps: float
    login_rps: float
    login_s: float
    refused: float
    needed: int
    up: float
    too_few: float

    @property
    def setting(self) -> storm.Setting:
        """The storm that this service goes through."""
        return storm.Setting(
            capacity_rps=self.capacity_rps,
            load_rps=self.load_rps,
            attempts=self.attempts,
            spike=self.spike,
            spike_s=self.spike_s,
            run_s=70.0,
        )


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab06"))
    capacity_rps = float(rng.integers(8, 17) * 5)
    load_rps = float(round(capacity_rps * float(rng.uniform(0.6, 0.75))))
    return LabParameters(
        student_id=name,
        capacity_rps=capacity_rps,
        load_rps=load_rps,
        attempts=int(rng.integers(3, 6)),
        spike=float(rng.integers(5, 9) / 2),
        spike_s=float(rng.integers(4, 9)),
        back_s=float(rng.integers(4, 6)),
        drain_rps=float(round((capacity_rps - load_rps) * float(rng.uniform(0.3, 0.7)))),
        login_rps=float(rng.integers(20, 80)),
        login_s=float(rng.integers(5, 15)) / 100,
        refused=float(rng.choice([0.002, 0.005, 0.01, 0.02])),
        needed=int(rng.integers(3, 9)),
        up=float(rng.choice([0.98, 0.985, 0.99, 0.995])),
        too_few=float(rng.choice([1e-3, 3e-4, 1e-4])),
    )


class Allows(Protocol):
    """A breaker as the lab asks for it."""

    def allow(self, now: float) -> bool:
        """Whether a call may be sent now."""

    def record(self, now: float, ok: bool) -> None:
        """Take note of how a call ended."""


class _Translated:
    """A learner's breaker, spoken to as the storm speaks to its own."""

    def __init__(self, breaker: Allows) -> None:
        self._breaker = breaker
        self.states = [(0.0, "closed")]

    def lets(self, now: float) -> bool:
        return bool(self._breaker.allow(now))

    def hears(self, now: float, _: float, well: bool) -> None:
        self._breaker.record(now, well)


def storm_with(breaker: Allows, at: storm.Setting, draw: Draws) -> dict[str, Any]:
    """Send the storm at a server whose clients ask a breaker of the learner's own.

    Parameters
    ----------
    breaker : object
        With `allow(now)` and `record(now, ok)`.
    at : storm.Setting
        Any; its remedy is set to the breaker.
    draw : Draws

    Returns
    -------
    dict
        ``answered_rps``, ``attempts_rps`` (arrays, a number for each second) and
        ``answered_at_end``, as the chapter's picture takes them.
    """
    at = at.but(remedy="circuit breaker")
    tally = Tally(at)
    tally.breaker = _Translated(breaker)
    play(at, draw, tally)
    return tally.numbers()


def back_after_s(mine: LabParameters, dials: Mapping[str, Any], seed: int) -> float:
    """Return how long after the spike a service with such a breaker is back, seconds.

    Parameters
    ----------
    mine : LabParameters
    dials : mapping
        ``window``, ``threshold``, ``open_s`` and ``probes`` of the course's own breaker.
    seed : int

    Returns
    -------
    float
        Until the end of the last second of which fewer than nine requests in ten are answered;
        infinite if that is one of the last ten that are watched.
    """
    at = mine.setting.but(
        remedy="circuit breaker",
        seed=seed,
        breaker_calls=int(dials["window"]),
        breaker_share=float(dials["threshold"]),
        open_s=float(dials["open_s"]),
        probes=int(dials["probes"]),
    )
    run = storm.simulate(at)
    if not run.bad.size:
        return 0.0
    after = run.back_s - at.calm_s
    return float("inf") if run.back_s > at.run_s - 10 else max(0.0, after)
