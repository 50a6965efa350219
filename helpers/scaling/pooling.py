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
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
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

_REQUESTS = 2_000
_WARMUP = 600
_REPLICATIONS = 8


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
    """Send the same requests to three designs: eight runs of 2,000, less the first 600.

    The split design sends each request to a server at random, as a balancer without a queue of its
    own would.
    """
    waits, responses = _unit_times(at.servers, at.variability, at.seed)
    service_s = at.service_ms * 1e-3
    return Pooling(
        at,
        response=mean_intervals(responses * service_s),
        wait=mean_intervals(waits * service_s),
    )


@lru_cache(maxsize=16)
def _unit_times(servers: int, variability: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean waits and responses in units of a small server's service, shape (8, 3, 8)."""
    kind, scv = VARIABILITY[variability]
    draw = Draws(seed)
    shape = (_REQUESTS, _REPLICATIONS)
    gaps = unit_gaps("poisson", shape, draw("arrivals"))
    work = unit_services(kind, shape, draw("services"), scv=max(scv, 1.0))
    route = draw("routing").integers(servers, size=shape)
    count = len(GRID)
    spacing = 1 / (np.array(GRID) * servers)
    arrivals = (np.cumsum(gaps, axis=0)[:, :, np.newaxis] * spacing).reshape(_REQUESTS, -1)
    work, route = np.repeat(work, count, axis=1), np.repeat(route, count, axis=1)
    waits = np.stack(
        [
            fifo_waits(arrivals.T, work.T / servers, 1).T,
            fifo_waits(arrivals.T, work.T, servers).T,
            split_waits(arrivals, work, route, servers),
        ]
    )
    responses = waits + work / np.array([servers, 1, 1])[:, np.newaxis, np.newaxis]
    results = []
    for times in (waits, responses):
        means = times[:, _WARMUP:].mean(axis=1).reshape(len(DESIGNS), _REPLICATIONS, count)
        means = np.ascontiguousarray(means.transpose(1, 0, 2))
        means.setflags(write=False)
        results.append(means)
    return results[0], results[1]


def split_waits(
    arrivals: np.ndarray, work: np.ndarray, route: np.ndarray, servers: int
) -> np.ndarray:
    """Waits when every request is sent to one server's own queue, shape (n, rows)."""
    requests, rows = arrivals.shape
    free = np.zeros(rows * servers)
    place = np.arange(rows) * servers + route
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
        (axes[1], run.wait, [e.wait_s for e in exact], "Time in the queue", "wait"),
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
