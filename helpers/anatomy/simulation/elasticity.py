"""Servers that come and go: sessions lost with them, and capacity that arrives too late."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.anatomy.theory import theory_deficit, theory_sessions
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams

#: What happens to the servers.
EVENTS = ("one crash", "rolling deploy", "add a server")

_SPOKEN = dict(zip(EVENTS, ("one crash", "a rolling deploy", "adding a server"), strict=True))

#: Numbers of servers that the picture shows.
FLEETS = np.arange(2, 21)

_DAYS = 40


class SessionsResult(Result):
    """Sessions lost with a server's memory, and with a store of their own.

    Attributes
    ----------
    servers, users, event, store_ms
        The parameters it was made with.
    lost : Intervals
        Fraction of the sessions lost if they are sticky; shape (19,), for `FLEETS`.
    theory : numpy.ndarray, shape (19,)
        What :func:`~helpers.anatomy.theory.theory_sessions` says.
    """

    servers: int
    users: int
    event: str
    store_ms: float
    lost: Intervals
    theory: np.ndarray

    @property
    def here(self) -> int:
        """Index of the fleet the learner chose."""
        return int(self.servers - FLEETS[0])

    @property
    def summary(self) -> dict[str, float | int | str]:
        share = float(self.lost.estimate[self.here])
        return {
            "sticky_lost_percent": 100 * share,
            "sticky_theory_percent": 100 * float(self.theory[self.here]),
            "sticky_lost_sessions": share * self.users,
            "store_adds_ms_per_request": self.store_ms,
        }

    @property
    def reading(self) -> str:
        share = float(self.lost.estimate[self.here])
        return (
            f"With {self.servers} servers {_SPOKEN[self.event]} costs "
            f"{significant(100 * share)} % of the sessions that live in a server's memory (theory "
            f"{significant(100 * self.theory[self.here])} %), about "
            f"{significant(share * self.users)} users; in a shared store they would outlive it, at "
            f"{significant(self.store_ms)} ms more for each request."
        )


def simulate_sessions(
    *,
    servers: int = 3,
    users: int = 1_000,
    event: str = "one crash",
    store_ms: float = 1.0,
    seed: int = 1,
) -> SessionsResult:
    """Place users on servers, let something happen, and count who has to log in again.

    Parameters
    ----------
    servers : int
        Servers before the event; 2 to 20.
    users : int
        Users with a session; 10 to 2,000.
    event : {"one crash", "rolling deploy", "add a server"}
        A user's server is ``hash(user) % servers``, as it is with hashing of addresses or cookies.
    store_ms : float
        Round trip to a shared store, milliseconds; >= 0.
    seed : int
        Seed of the users' hashes, and of the server that crashes; >= 0.

    Returns
    -------
    SessionsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=20)
    users = validation.integer("users", users, at_least=10, at_most=2_000)
    validation.one_of("event", event, EVENTS)
    store_ms = validation.number("store_ms", store_ms, at_least=0, unit="ms")
    hashes, crashing = _users(validation.integer("seed", seed, at_least=0))
    hashes = hashes[:, :users]
    lost = np.empty((_DAYS, FLEETS.size))
    for column, fleet in enumerate(FLEETS.tolist()):
        home = hashes % np.uint32(fleet)
        if event == "one crash":
            dead = (crashing * fleet).astype(np.uint32)[:, np.newaxis]
            gone = home == dead
        elif event == "rolling deploy":
            gone = home < fleet  # each server is restarted once, whoever lives there
        else:
            gone = home != hashes % np.uint32(fleet + 1)
        lost[:, column] = gone.mean(axis=1)
    return SessionsResult(
        servers=servers,
        users=users,
        event=event,
        store_ms=store_ms,
        lost=mean_intervals(lost),
        theory=np.array([theory_sessions(servers=n, event=event) for n in FLEETS.tolist()]),
    )


@lru_cache(maxsize=4)
def _users(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "hashes", "crash")
    # 32 bits are enough: the largest bias of `% 21` is 21 / 2^32.
    hashes = rng["hashes"].integers(0, 2**32, (_DAYS, 2_000), dtype=np.uint32)
    crashing = rng["crash"].random(_DAYS)
    for array in (hashes, crashing):
        array.setflags(write=False)
    return hashes, crashing


# --- autoscaler ---------------------------------------------------------------------------------

SERVER_RPS = 50.0
BEFORE_RPS = 300.0
_HORIZON_S, _SECOND = 1_200, 1.0
_RISE_AT_S = 120.0


class AutoscalerResult(Result):
    """Demand, capacity, and the requests that fell between them.

    Attributes
    ----------
    factor, rise_s, boot_s, interval_s, target
        The parameters it was made with.
    time_s, demand_rps, capacity_rps, arrivals_rps : numpy.ndarray, shape (n,)
        Mean demand, capacity and actual arrivals in each second.
    deficit : float
        Area of demand above capacity, requests; the mean over 16 phases of the looks.
    theory_deficit : float
        The same for a continuous controller with the mean lag.
    peak_servers : int
        Most servers running.
    """

    factor: float
    rise_s: float
    boot_s: float
    interval_s: float
    target: float
    time_s: np.ndarray
    demand_rps: np.ndarray
    capacity_rps: np.ndarray
    arrivals_rps: np.ndarray
    deficit: float
    theory_deficit: float
    peak_servers: int

    @property
    def lag_s(self) -> float:
        """Mean time from a change of demand to the capacity for it."""
        return self.boot_s + self.interval_s / 2

    @property
    def short_s(self) -> float:
        """Seconds for which demand exceeds capacity."""
        return float((self.demand_rps > self.capacity_rps).sum() * _SECOND)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "deficit_requests": self.deficit,
            "theory_deficit_requests": self.theory_deficit,
            "short_s": self.short_s,
            "lag_s": self.lag_s,
            "servers_before": int(self.capacity_rps[0] / SERVER_RPS),
            "peak_servers": self.peak_servers,
        }

    @property
    def reading(self) -> str:
        if self.deficit < 1:
            what = "capacity is never short: the headroom outlasts the lag"
        else:
            what = (
                f"capacity is short for {duration(self.short_s)}, and "
                f"{significant(self.deficit)} requests are more than it can take (a continuous "
                f"controller: {significant(self.theory_deficit)})"
            )
        how = f"within {duration(self.rise_s)}" if self.rise_s else "at once"
        return (
            f"Demand grows {significant(self.factor)}-fold {how}; new servers answer it "
            f"{duration(self.lag_s)} later on average, and {what}."
        )


def simulate_autoscaler(
    *,
    factor: float = 3.0,
    rise_s: float = 60.0,
    boot_s: float = 120.0,
    interval_s: float = 30.0,
    target: float = 0.6,
    seed: int = 1,
) -> AutoscalerResult:
    """Let an autoscaler that looks once in a while follow a rise of demand.

    Parameters
    ----------
    factor : float
        Demand after the rise over demand before it, 300 requests/s; 1 to 10.
    rise_s : float
        Seconds the rise takes; 0 to 600.
    boot_s : float
        Seconds from a decision to servers that answer; 0 to 400.
    interval_s : float
        Seconds between two looks at the load; 1 to 120.
    target : float
        Utilisation to aim at; 0.2 to 1. A server can do 50 requests/s.
    seed : int
        Seed of the arrivals drawn over the demand, and of the phase of the looks; >= 0.

    Returns
    -------
    AutoscalerResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    At each look it asks for ``ceil(load / (target x 50))`` servers, with the load of the last
    second before it; servers come in whole numbers and are not taken away again.
    """
    factor = validation.number("factor", factor, at_least=1, at_most=10)
    rise_s = validation.number("rise_s", rise_s, at_least=0, at_most=600, unit="s")
    boot_s = validation.number("boot_s", boot_s, at_least=0, at_most=400, unit="s")
    interval_s = validation.number("interval_s", interval_s, at_least=1, at_most=120, unit="s")
    target = validation.number("target", target, at_least=0.2, at_most=1)
    noise, phases = _traffic(validation.integer("seed", seed, at_least=0))
    time_s = np.arange(_HORIZON_S) * _SECOND
    growth = (time_s - _RISE_AT_S) / rise_s if rise_s > 0 else np.where(time_s >= _RISE_AT_S, 1, 0)
    demand = BEFORE_RPS * (1 + (factor - 1) * np.clip(growth, 0, 1))
    fleets = []
    for phase in phases.tolist():
        looks = np.arange(phase * interval_s, _HORIZON_S, interval_s)
        wanted = np.ceil(demand[looks.astype(int)] / (target * SERVER_RPS) - 1e-9)
        wanted = np.concatenate([[np.ceil(BEFORE_RPS / (target * SERVER_RPS) - 1e-9)], wanted])
        fleets.append(wanted[np.searchsorted(looks + boot_s, time_s, side="right")])
    fleet = np.array(fleets)
    short = np.maximum(demand - fleet * SERVER_RPS, 0.0).sum(axis=1) * _SECOND
    servers = fleet[0]
    capacity = servers * SERVER_RPS
    return AutoscalerResult(
        factor=factor,
        rise_s=rise_s,
        boot_s=boot_s,
        interval_s=interval_s,
        target=target,
        time_s=time_s,
        demand_rps=demand,
        capacity_rps=capacity,
        arrivals_rps=np.maximum(demand + np.sqrt(demand) * noise, 0.0),
        deficit=float(short.mean()),
        theory_deficit=theory_deficit(
            before_rps=BEFORE_RPS,
            after_rps=BEFORE_RPS * factor,
            rise_s=rise_s,
            lag_s=boot_s + interval_s / 2,
            target=target,
        ),
        peak_servers=int(servers.max()),
    )


@lru_cache(maxsize=4)
def _traffic(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "phases")
    noise = rng["arrivals"].standard_normal(_HORIZON_S)
    # One phase in each sixteenth of the interval, so that the mean over them is steady.
    phases = rng["phases"].permutation((np.arange(16) + rng["phases"].random(16)) / 16)
    for array in (noise, phases):
        array.setflags(write=False)
    return noise, phases
