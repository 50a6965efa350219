"""One big server, many small ones behind one queue, or many small ones with a queue each.

All three have the same capacity and get the same requests. Where that stops being true: the
requests go to a queue at random. A balancer that looks at the queues does better than the split
design here, and not as well as the pooled one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key
from helpers.foundations.drawing.scales import round_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import Intervals, skewed_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.draws import hyperexponential_share
from helpers.foundations.traffic.services import service_scv, unit_services

#: The three designs, in the order of the rows of every array here.
DESIGNS = ("one big", "pooled", "split")

#: Service times: what the learner reads, and the kind and squared coefficient of variation.
VARIABILITY = {
    "all alike": ("deterministic", 0.0),
    "exponential": ("exponential", 1.0),
    "a few huge ones": ("hyperexponential", 16.0),
}

#: Utilisations simulated.
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

_RUNS = 256
_REQUESTS = 600
_WARM_UP = 300
_MOST_LEFT = 100  # unfinished services at a single server; more are hardly ever there
_SEEN = 0.03  # of a small server's service: a shorter wait is drawn without an interval


class Setting(Parameters):
    """Small servers, the big one that is as fast as all of them, and their requests."""

    servers: int = integer(4, "Small servers", at_least=2, at_most=8)
    service_ms: float = number(
        20.0, "Mean service time", unit="ms", above=0, note="On a small server."
    )
    variability: str = option("exponential", "Service times are", of=tuple(VARIABILITY))
    utilisation: float = number(
        0.7,
        "Utilisation",
        at_least=0.1,
        at_most=0.8,
        note="The reading is that of the nearest load simulated: 0.1, 0.2, ..., 0.8.",
    )
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Pooling:
    """Send the same requests to three designs: 256 runs of 600, less the first 300.

    The split design sends each request to a server at random, as a balancer without a queue of its
    own would. No run begins empty: behind a few huge requests a queue remembers for hundreds of
    others, and the wait of those who come early would be too short.
    """
    waits, responses = _unit_times(at.servers, at.variability, at.seed)
    service_s = at.service_ms * 1e-3
    return Pooling(
        at,
        response=skewed_intervals(responses * service_s),
        wait=skewed_intervals(waits * service_s),
    )


@lru_cache(maxsize=16)
def _unit_times(servers: int, variability: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean waits and responses in units of a small server's service, shape (runs, 3, 8)."""
    kind, scv = VARIABILITY[variability]
    draw = Draws(seed)
    shape = (_REQUESTS, _RUNS)
    gaps = unit_gaps("poisson", shape, draw("arrivals"))
    work = unit_services(kind, shape, draw("services"), scv=max(scv, 1.0))
    route = draw("routing").integers(servers, size=shape)
    count = len(GRID)
    spacing = 1 / (np.array(GRID) * servers)
    # The first request comes at once: it is the one who meets what is there at a random moment.
    arrivals = (np.cumsum(gaps, axis=0) - gaps[0])[:, :, np.newaxis] * spacing
    arrivals = arrivals.reshape(_REQUESTS, -1)
    work, route = np.repeat(work, count, axis=1), np.repeat(route, count, axis=1)
    alone = busy_alone(servers, variability, draw("work left"))
    together = busy_together(servers, variability, draw("crowds"))
    waits = np.stack(
        [
            steady_state.waits(arrivals, work / servers, alone[:1] / servers),
            steady_state.waits(arrivals, work, together),
            split_waits(arrivals, work, route, alone),
        ]
    )
    responses = waits + work / np.array([servers, 1, 1])[:, np.newaxis, np.newaxis]
    results = []
    for times in (waits, responses):
        means = times[:, _WARM_UP:].mean(axis=1).reshape(len(DESIGNS), _RUNS, count)
        means = np.ascontiguousarray(means.transpose(1, 0, 2))
        means.setflags(write=False)
        results.append(means)
    return results[0], results[1]


def services_left(variability: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw what is left of the services that a random moment finds unfinished, mean service 1.

    A random moment falls into long services more often than into short ones: half of what it finds
    are long ones where the two kinds of the hyperexponential carry half of the work each.
    """
    kind, scv = VARIABILITY[variability]
    if kind == "deterministic":
        return rng.random(shape)
    short = hyperexponential_share(max(scv, 1.0))
    of_kind = np.where(rng.random(shape) < 0.5, 0.5 / short, 0.5 / (1 - short))
    return of_kind * rng.standard_exponential(shape)


def busy_alone(servers: int, variability: str, rng: np.random.Generator) -> np.ndarray:
    """How long servers with a queue each are busy at a random moment, shape (servers, rows).

    The work before a single server is what is left of a number of services, and the number is
    geometric: Kleinrock, *Queueing Systems* vol. 1, 1975, section 5.7.
    """
    lanes = (servers, _RUNS)
    left = services_left(variability, (_MOST_LEFT, *lanes), rng)
    sums = np.concatenate([np.zeros((1, *lanes)), np.cumsum(left, axis=0)])
    chances = rng.random((*lanes, 1))
    many = np.minimum(np.log1p(-chances) / np.log(GRID), _MOST_LEFT).astype(int)
    lane, run = np.indices(lanes)[:, :, :, np.newaxis]
    return sums[many, lane, run].reshape(servers, -1)


def busy_together(servers: int, variability: str, rng: np.random.Generator) -> np.ndarray:
    """How long servers with one queue are busy at a random moment, nearly; shape (servers, rows).

    The crowd is that of exponential services, with a line that is longer or shorter by the factor
    of Allen and Cunneen's formula. For other services that is not exact, and the runs have to
    forget the difference while they warm up.
    """
    kind, scv = VARIABILITY[variability]
    begun = services_left(variability, (_RUNS, servers), rng)
    waiting = unit_services(kind, (_RUNS, steady_state.MOST_IN_LINE), rng, scv=max(scv, 1.0))
    chances = rng.random(_RUNS)
    busy = np.empty((servers, _RUNS, len(GRID)))
    for point, load in enumerate(GRID):
        there = steady_state.crowds(load * servers, servers, chances)
        line = np.rint((there - servers).clip(0) * (1 + scv) / 2).astype(int)
        for run, (some, more) in enumerate(zip(there.tolist(), line.tolist(), strict=True)):
            services = [*begun[run, :some].tolist(), *waiting[run, :more].tolist()]
            busy[:, run, point] = steady_state.busy(services, servers)
    return busy.reshape(servers, -1)


def split_waits(
    arrivals: np.ndarray, work: np.ndarray, route: np.ndarray, busy: np.ndarray
) -> np.ndarray:
    """Waits when every request is sent to one server's own queue, shape (n, rows)."""
    requests, rows = arrivals.shape
    free = busy.T.flatten()
    place = np.arange(rows) * len(busy) + route
    waits = np.empty_like(arrivals)
    for i in range(requests):
        at = place[i]
        start = np.maximum(free[at], arrivals[i])
        np.subtract(start, arrivals[i], out=waits[i])
        free[at] = start + work[i]
    return waits


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean times of the three :data:`DESIGNS`, seconds; NaN where there is no formula."""

    wait_s: tuple[float, ...]
    response_s: tuple[float, ...]


def theory(at: Setting, utilisation: float | None = None) -> Theory:
    """Closed forms at the setting, or at another utilisation.

    Single servers: Pollaczek-Khinchine, W = rho S (1 + scv) / (2 (1 - rho)). Random splitting of a
    Poisson stream gives Poisson streams. Pooled: Erlang C, for exponential services alone.
    Kleinrock, *Queueing Systems* vol. 2, 1976, section 5.1, on combining rates and combining
    queues.
    """
    rho = at.utilisation if utilisation is None else utilisation
    service_s, k = at.service_ms * 1e-3, at.servers
    scv = service_scv(*VARIABILITY[at.variability])
    rate = rho * k / service_s
    waits = (
        float(queueing.mg1_wait(rate, service_s / k, scv)),
        float(queueing.mmc_wait(rate, service_s, k)) if scv == 1 else math.nan,
        float(queueing.mg1_wait(rate / k, service_s, scv)),
    )
    return Theory(waits, (waits[0] + service_s / k, waits[1] + service_s, waits[2] + service_s))


# --- what it says ---------------------------------------------------------------------------------


class Pooling(Result):
    """Mean times in seconds, one row for each of :data:`DESIGNS`, one column for each of GRID."""

    at: Setting
    response: Intervals
    wait: Intervals

    @property
    def wait_drawn(self) -> Intervals:
        """The waits, with intervals where they could be seen.

        That of a wait next to nothing would hide behind its own mark, and pooled servers are all
        busy at so few moments of a quiet day that their waits give none.
        """
        seen = self.wait.estimate > _SEEN * 1e-3 * self.at.service_ms
        low, high = (np.where(seen, e, self.wait.estimate) for e in (self.wait.low, self.wait.high))
        return Intervals(self.wait.estimate, low, high, self.wait.confidence, self.wait.samples)

    @property
    def column(self) -> int:
        """Where in the grid the load nearest to the chosen utilisation stands."""
        return int(np.abs(np.array(GRID) - self.at.utilisation).argmin())

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"utilisation": GRID[self.column]}
        for i, design in enumerate(DESIGNS):
            name = design.replace(" ", "_")
            values[f"{name}_response_ms"] = 1e3 * float(self.response.estimate[i, self.column])
            values[f"{name}_wait_ms"] = 1e3 * float(self.wait.estimate[i, self.column])
        return values

    @property
    def reading(self) -> str:
        response = self.response.estimate[:, self.column]
        wait = self.wait.estimate[:, self.column]
        quickest, briefest = DESIGNS[int(response.argmin())], DESIGNS[int(wait.argmin())]
        return (
            f"At {significant(100 * GRID[self.column])} % utilisation a request takes "
            f"{duration(response[0])} on one big server, {duration(response[1])} on "
            f"{self.at.servers} pooled ones and {duration(response[2])} on {self.at.servers} with "
            f"a queue each; of that it waits {duration(wait[0])}, {duration(wait[1])} and "
            f"{duration(wait[2])}. Best response: {quickest}; shortest wait: {briefest}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, utilisation).response_s for utilisation in GRID]
        columns: dict[str, Any] = {"utilisation": GRID}
        for i, design in enumerate(DESIGNS):
            columns[f"{design}: response (ms)"] = 1e3 * self.response.estimate[i]
            columns[f"{design}: theory"] = [1e3 * point[i] for point in exact]
            columns[f"{design}: wait (ms)"] = 1e3 * self.wait.estimate[i]
        return columns


_LOOKS = {
    "one big": (style.BLUE, "o"),
    "pooled": (style.GREEN, "s"),
    "split": (style.VERMILION, "^"),
}
_HIGHEST = 5.5


@style.panels(2)
def plot(run: Pooling, axes: tuple[Axes, Axes]) -> None:
    """Draw mean response and mean wait of three designs against utilisation."""
    exact = [theory(run.at, utilisation) for utilisation in GRID]
    for ax, times, expected, title, what in (
        (axes[0], run.response, [e.response_s for e in exact], "Time until the answer", "response"),
        (axes[1], run.wait_drawn, [e.wait_s for e in exact], "Time in the queue", "wait"),
    ):
        ax.set_title(title)
        ax.set_xlim(0.05, 0.85)
        ax.set_ylim(0, round_up(_HIGHEST * run.at.service_ms))
        ax.set_xlabel("utilisation")
        ax.set_ylabel(f"mean {what} (ms)")
        here(ax, run.at.utilisation)
        for i, design in enumerate(DESIGNS):
            color, marker = _LOOKS[design]
            curve = 1e3 * np.array([point[i] for point in expected])
            ax.plot(GRID, curve, color=color, linewidth=1.4, linestyle=(0, (4, 2)))
            points = style.DOTS | {"color": color, "marker": marker}
            if np.isnan(curve).any():
                points |= {"linestyle": "-", "linewidth": 1.0}
            error_bars(ax, GRID, times[i, :], 1e3, **points)
    names = [
        ("▲", "split: a queue each", style.VERMILION),
        ("■", "pooled: small, one queue", style.GREEN),
        ("●", "one big server", style.BLUE),
    ]
    key(axes[0], names, left=True)
