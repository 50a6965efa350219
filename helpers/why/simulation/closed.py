"""A station shared by a fixed number of users: the engine behind two experiments.

The number of requests at the station goes up by one when a user stops thinking and down by one
when a request is done. Thinking and service are exponential, so it does not matter how long each
has been going on already, and ten million users cost no more to simulate than ten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.why.theory.load import stationary

#: Every so many events one is looked at for how long its request takes. Odd, because at a quiet
#: station arrivals and departures alternate.
_STRIDE = 7


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
    rng = streams(seed, "starts", "steps", "times", "services")
    population = np.array(users, dtype=float)
    count = np.broadcast_to(np.array(servers, dtype=float), population.shape)
    start = rng["starts"].random(replications)
    shape = (replications, population.size)
    n = np.stack(
        [_draw(start, int(a), ratio, int(c)) for a, c in zip(population, count, strict=True)],
        axis=1,
    ).astype(float)
    luck = rng["steps"].random((steps, replications, 1))
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
    held = rng["times"].standard_exponential((steps, replications, 1))
    held = held / (busy + (population - states) / ratio)
    # A request that comes waits until all but c - 1 of those ahead are gone, then is served.
    looked, arrives = states[::_STRIDE], up[::_STRIDE]
    ahead = np.maximum(looked - count + 1, 0.0)
    own = rng["services"].standard_exponential((looked.shape[0], replications, 1))
    sojourn = own + rng["services"].standard_gamma(ahead) / count
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
