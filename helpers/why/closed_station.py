"""A station shared by a fixed number of users: its steady state, and a way to run it.

The number of requests at the station goes up by one when a user stops thinking and down by one
when a request is done. Thinking and service are exponential, so it does not matter how long each
has been going on already, and ten million users cost no more to simulate than ten.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Draws
from helpers.foundations.statistics import Intervals, mean_intervals

#: Every so many events one is looked at for how long its request takes. Odd, because at a quiet
#: station arrivals and departures alternate.
_STRIDE = 7


# --- the steady state -----------------------------------------------------------------------------


@dataclass(frozen=True)
class SteadyState:
    """A station in the long run.

    Attributes
    ----------
    throughput_rps : float
        X, requests completed per second.
    response_s : float
        R, mean time from request to answer, seconds.
    utilisation : float
        U, share of the time that a server is busy, averaged over the servers.
    in_system : float
        L, mean number of requests waiting or in service.
    """

    throughput_rps: float
    response_s: float
    utilisation: float
    in_system: float


def steady_state(users: int, think_s: float, service_s: float, servers: int = 1) -> SteadyState:
    """Return the steady state of a station shared by users who think, ask, wait and think again.

    The M/M/c queue with a finite source ("machine repairman"): with n requests at the station the
    next one comes at rate ``(N - n) / Z`` and one leaves at rate ``min(n, c) / S``. Kleinrock,
    *Queueing Systems* vol. 1, 1975, section 3.8, for one server. With one server the probability
    that it idles is Erlang's loss formula B(Z / S, N), which the tests use as a check.

    Parameters
    ----------
    users : int
        Number of users N; 1 <= users <= 1e8.
    think_s, service_s : float
        Mean time between an answer and the next request, and mean service time, seconds,
        exponential; > 0.
    servers : int
        Number of servers; >= 1.
    """
    users, think_s, service_s, servers = _checked(users, think_s, service_s, servers)
    state, share = stationary(users, think_s / service_s, servers)
    busy = float(share @ np.minimum(state, servers))
    throughput = busy / service_s
    in_system = float(share @ state)
    return SteadyState(throughput, in_system / throughput, busy / servers, in_system)


def saturation_users(think_s: float, service_s: float, servers: int = 1) -> float:
    """Return the number of users from which on somebody must wait: ``N* = c (S + Z) / S``.

    Where the asymptotes ``N / (S + Z)`` and ``c / S`` cross. Lazowska, Zahorjan, Graham and
    Sevcik, *Quantitative System Performance*, 1984, chapter 5, for one server.
    """
    _, think_s, service_s, servers = _checked(1, think_s, service_s, servers)
    return servers * (service_s + think_s) / service_s


def _checked(
    users: int, think_s: float, service_s: float, servers: int
) -> tuple[int, float, float, int]:
    return (
        validation.integer("users", users, at_least=1, at_most=10**8),
        validation.number("think_s", think_s, above=0, unit="s"),
        validation.number("service_s", service_s, above=0, unit="s"),
        validation.integer("servers", servers, at_least=1),
    )


@lru_cache(maxsize=512)
def stationary(users: int, ratio: float, servers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of a closed station that matter, and the probability of each.

    `ratio` is think time over service time. States further from the likeliest one than twelve
    standard deviations, or with a geometric tail below 1e-16, are left out.
    """
    likely = max(users - servers * ratio, users / (1 + ratio))
    reach = 12 * math.sqrt(servers * ratio + 1) + 12 * math.sqrt(users / (1 + ratio)) + 100
    low, high = max(0, math.floor(likely - reach)), min(users, math.ceil(likely + reach))
    state = np.arange(low, high + 1)
    up = (users - state[:-1]) / ratio
    down = np.minimum(state[1:], servers)
    logs = np.concatenate([[0.0], np.cumsum(np.log(up / down))])
    share = np.exp(logs - logs.max())
    share /= share.sum()
    for array in (state, share):
        array.setflags(write=False)
    return state, share


# --- a run ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen at the station, each by its own count; arrays, shape (replications, cases).

    Attributes
    ----------
    time_s : numpy.ndarray
        How long was watched, seconds.
    done : numpy.ndarray
        Requests completed meanwhile.
    busy_s : numpy.ndarray
        Seconds of server time used.
    area_s : numpy.ndarray
        Seconds spent in the system by all requests, by the clock: the area under their number.
    followed, followed_s : numpy.ndarray
        Requests followed from arrival to departure, and how long they took in all, seconds.
    """

    time_s: np.ndarray
    done: np.ndarray
    busy_s: np.ndarray
    area_s: np.ndarray
    followed: np.ndarray
    followed_s: np.ndarray

    def scaled(self, service_s: float) -> Observed:
        """Return the same with times in units of `service_s` seconds."""
        times = ("time_s", "busy_s", "area_s", "followed_s")
        return dataclasses.replace(
            self, **{name: getattr(self, name) * service_s for name in times}
        )

    @property
    def throughput_rps(self) -> Intervals:
        """X: requests completed per second."""
        return products({"done": 1, "time_s": -1}, self)

    @property
    def response_s(self) -> Intervals:
        """R: mean time of the requests followed, seconds."""
        return products({"followed_s": 1, "followed": -1}, self)

    @property
    def busy(self) -> Intervals:
        """Mean number of busy servers, by the clock; with one server its utilisation U."""
        return products({"busy_s": 1, "time_s": -1}, self)

    @property
    def in_system(self) -> Intervals:
        """L: mean number of requests in the system, by the clock."""
        return products({"area_s": 1, "time_s": -1}, self)

    def utilisation_gap(self, service_s: float) -> Intervals:
        """U / (X S) - 1, where S is the mean service time that the server was built with."""
        ratio = products({"busy_s": 1, "done": -1}, self)
        return shifted(ratio, 1 / service_s)

    @property
    def little_gap(self) -> Intervals:
        """L / (X R) - 1."""
        ratio = products({"area_s": 1, "done": -1, "followed_s": -1, "followed": 1}, self)
        return shifted(ratio, 1.0)


def products(powers: Mapping[str, int], observed: Observed) -> Intervals:
    """Return a product of powers of totals with its 95 % interval, one for each case.

    The interval is that of the product linearised around the means (the delta method), with the
    replications as independent samples: Law, *Simulation Modeling and Analysis*, section 9.5, for
    ratios.
    """
    estimate, spread = 1.0, 1.0
    for name, power in powers.items():
        values = getattr(observed, name)
        mean = values.mean(axis=0)
        estimate = estimate * mean**power
        spread = spread + power * (values / mean - 1)
    return mean_intervals(estimate * spread)


def shifted(ratio: Intervals, scale: float) -> Intervals:
    """Return how far `scale` times a ratio is from 1."""
    return Intervals(
        estimate=scale * ratio.estimate - 1,
        low=scale * ratio.low - 1,
        high=scale * ratio.high - 1,
        confidence=ratio.confidence,
        samples=ratio.samples,
    )


@lru_cache(maxsize=64)
def run_closed(
    users: tuple[int, ...],
    ratio: float,
    servers: tuple[int, ...],
    steps: int,
    replications: int,
    seed: int,
) -> Observed:
    """Observe stations with so many users each, from a start in the steady state.

    Times are in units of the mean service time, and `ratio` is the mean think time in it.
    `servers` has one number for all cases, or one for each.
    """
    draw = Draws(seed)
    population = np.array(users, dtype=float)
    count = np.broadcast_to(np.array(servers, dtype=float), population.shape)
    start = draw("starts").random(replications)
    shape = (replications, population.size)
    n = np.stack(
        [_draw(start, int(a), ratio, int(c)) for a, c in zip(population, count, strict=True)],
        axis=1,
    ).astype(float)
    luck = draw("steps").random((steps, replications, 1))
    states = np.empty((steps, *shape))
    chance, down, busy = np.empty(shape), np.empty(shape), np.empty(shape)
    up = np.empty((steps, *shape), dtype=bool)
    for step, u in enumerate(luck):
        states[step] = n
        np.subtract(population, n, out=chance)
        np.divide(chance, ratio, out=chance)
        np.minimum(n, count, out=busy)
        np.add(chance, busy, out=down)
        np.multiply(down, u, out=down)
        comes = np.less(down, chance, out=up[step])
        np.add(n, comes, out=n)
        np.add(n, comes, out=n)
        np.subtract(n, 1.0, out=n)
    busy = np.minimum(states, count)
    held = draw("times").standard_exponential((steps, replications, 1))
    held = held / (busy + (population - states) / ratio)
    # A request that comes waits until all but c - 1 of those ahead are gone, then is served.
    looked, arrives = states[::_STRIDE], up[::_STRIDE]
    ahead = np.maximum(looked - count + 1, 0.0)
    own = draw("services").standard_exponential((looked.shape[0], replications, 1))
    sojourn = own + draw("services").standard_gamma(ahead) / count
    return Observed(
        time_s=held.sum(axis=0),
        done=steps - up.sum(axis=0),
        busy_s=(busy * held).sum(axis=0),
        area_s=(states * held).sum(axis=0),
        followed=arrives.sum(axis=0),
        followed_s=(sojourn * arrives).sum(axis=0),
    )


def _draw(u: np.ndarray, users: int, ratio: float, servers: int) -> np.ndarray:
    """Draw the number of requests found just before an event of the steady state.

    The observation is so many *events* long, so it must start as events find the station, and
    they are the more frequent the higher its rates are.
    """
    state, share = stationary(users, ratio, servers)
    cumulative = np.cumsum(share * (np.minimum(state, servers) + (users - state) / ratio))
    place = np.searchsorted(cumulative, u * cumulative[-1], side="right")
    return state[np.minimum(place, state.size - 1)]
