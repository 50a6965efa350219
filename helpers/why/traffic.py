"""The same number of requests a second, spaced evenly, at random, and in bursts.

One server, one line, three kinds of traffic of equal mean. Where that stops being true: the gaps
are independent of each other. Real traffic has rush hours, and retries make it depend on failures;
both are worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, is_blank, marks, note, ring, yours
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import service_scv, unit_services
from helpers.why.traffic_on_servers import load_servers

#: Utilisations at which the curves are simulated.
UTILISATIONS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9)

#: Arrival processes, the tamest first, and what a learner calls them.
TRAFFIC = {"constant": "evenly spaced", "poisson": "at random", "bursty": "in bursts"}
_SHORT = {"constant": "even", "poisson": "random", "bursty": "bursty"}

#: Kinds of work, by the name a learner reads: distribution, and its variability if it has one.
WORK = {
    "always the same": ("deterministic", 0.0),
    "exponential": ("exponential", 1.0),
    "one in twenty is slow": ("bimodal", 4.0),
}

_FRAMES = (2_400, 13_600)  # requests of a run; each goes on where the one before ended
_WARMUP = 800
# What is watched of a run: from which request on, for how many service times, and how long one is.
_WATCHED_FROM, _WATCHED, _SERVICE_S = 400, 120, 0.1


class Setting(Parameters):
    """One server, its work, and how bursty the bursts are. Times are in service times."""

    utilisation: float = number(0.8, "Utilisation", above=0, at_most=0.9)
    work: str = option("exponential", "Work of a request", of=tuple(WORK))
    burstiness: float = number(
        4.0,
        "Burstiness",
        at_least=1,
        note="Squared coefficient of variation of the bursty gaps.",
    )
    replications: int = replications(16)
    seed: int = seed()

    def works(self, requests: int, draw: Draws) -> np.ndarray:
        """Draw service times of mean 1."""
        kind, scv = WORK[self.work]
        return unit_services(kind, requests, draw("services"), scv=scv)

    def gaps(self, traffic: str, requests: int, draw: Draws) -> np.ndarray:
        """Draw gaps of mean 1 between arrivals of a kind of :data:`TRAFFIC`."""
        return unit_gaps(traffic, requests, draw(traffic), burstiness=self.burstiness)

    def is_exact(self, traffic: str) -> bool:
        """Whether theory is exact for a kind of :data:`TRAFFIC`, not an approximation."""
        even = traffic == "constant" and self.work == "always the same"
        return traffic == "poisson" or self.work == "exponential" or even


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_station(at, gaps, works):
    """Let requests come after these gaps, wait in one line, and be served; return their waits."""
    world = simpy.Environment()
    server = simpy.Resource(world)
    waited = []

    def request(work):
        came = world.now
        with server.request() as my_turn:
            yield my_turn
            waited.append(world.now - came)
            yield world.timeout(work)

    def traffic():
        for gap, work in zip(gaps, works, strict=True):
            yield world.timeout(gap / at.utilisation)
            world.process(request(work))

    world.process(traffic())
    world.run()
    return waited


def three_traffics(at, draw):
    """Send the same work to one server evenly, at random and in bursts."""
    works, waits = at.works(1_200, draw), {}
    for kind in ("constant", "poisson", "bursty"):
        waited = one_station(at, at.gaps(kind, 1_200, draw), works)
        waits[kind] = np.mean(waited[200:])  # the line was empty at first
    return waits


# --- the same, fast: all traffics, utilisations and replications at once --------------------------


@takes(Setting)
def simulate(at: Setting) -> Iterator[Waits]:
    """Serve constant, Poisson and bursty arrivals of equal mean rate.

    All traffic meets the same service times. A run begins with the line that another run ended
    with, for a line that begins empty needs thousands of requests to fill when it is 90 % busy,
    and its first 800 requests are left out.

    Yields
    ------
    Waits
        Of runs of 2,400 requests, and of 13,600: so many are but a few independent waits where a
        queue that is 90 % busy remembers for thousands, and intervals of fewer are too narrow.
    """
    for requests in _FRAMES:
        waits, now = (
            _waits(at.work, at.burstiness, grid, at.replications, at.seed, requests)
            for grid in (UTILISATIONS, (at.utilisation,))
        )
        yield Waits(
            at,
            wait={kind: mean_intervals(waits[i]) for i, kind in enumerate(TRAFFIC)},
            here={kind: mean_interval(now[i, :, 0]) for i, kind in enumerate(TRAFFIC)},
        )


@lru_cache(maxsize=128)
def _waits(
    work: str,
    burstiness: float,
    grid: tuple[float, ...],
    replications: int,
    seed: int,
    requests: int,
) -> np.ndarray:
    """Mean wait of each run, shape (traffic, replications, utilisations), in service times."""
    works = _services(work, replications, seed)[:, :requests]
    means = np.empty((len(TRAFFIC), replications, len(grid)))
    for i, kind in enumerate(TRAFFIC):
        gaps = _gaps(kind, burstiness if kind == "bursty" else 1.0, replications, seed)
        for j, utilisation in enumerate(grid):
            waits = waits_in_line(gaps[:, :requests] / utilisation, works)
            means[i, :, j] = waits[:, _WARMUP:].mean(axis=1)
    means.setflags(write=False)
    return means


def waits_in_line(gaps: np.ndarray, works: np.ndarray) -> np.ndarray:
    """Waits at one server, first come, first served; a row for each run.

    Lindley's recursion, ``wait[i + 1] = max(0, wait[i] + work[i] - gap[i + 1])``, for all i at
    once: a walk, and how high it stands above the lowest place where it was.
    """
    walk = np.zeros_like(works)
    np.subtract(works[:, :-1], gaps[:, 1:], out=walk[:, 1:])
    np.cumsum(walk, axis=1, out=walk)
    lowest = np.minimum.accumulate(walk, axis=1)
    from_empty = walk[:, -1] - lowest[:, -1]
    begins_with = np.roll(from_empty, 1)[:, np.newaxis]  # what another run ended with
    return np.asarray(walk - np.minimum(lowest, -begins_with))


@lru_cache(maxsize=16)
def _gaps(kind: str, burst: float, replications: int, seed: int) -> np.ndarray:
    gaps = unit_gaps(kind, (_FRAMES[-1], replications), Draws(seed)(kind), burstiness=burst).T
    gaps.setflags(write=False)
    return gaps


@lru_cache(maxsize=16)
def _services(work: str, replications: int, seed: int) -> np.ndarray:
    kind, scv = WORK[work]
    services = unit_services(kind, (_FRAMES[-1], replications), Draws(seed)("services"), scv=scv).T
    services.setflags(write=False)
    return services


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the same requests to three servers for some seconds: only when they come differs."""
    draw, requests = Draws(at.seed), 2 * _WATCHED_FROM
    works = _SERVICE_S * at.works(requests, draw)
    log = Log(f"Three kinds of traffic, the same work, {percent(at.utilisation)} busy")
    begin = _WATCHED_FROM * _SERVICE_S / at.utilisation
    end = begin + _WATCHED * _SERVICE_S
    for row, (traffic, words) in enumerate(TRAFFIC.items()):
        arrivals = np.cumsum(at.gaps(traffic, requests, draw)) * _SERVICE_S / at.utilisation
        starts = arrivals + queueing.fifo_waits(arrivals, works, 1)
        ends = starts + works
        seen = (ends > begin) & (arrivals <= end)
        line, server, done = (f"{_SHORT[traffic]} {it}" for it in ("line", "server", "done"))
        log.place(words, "source", at=(0, row)).place(line, "queue", at=(1, row))
        log.place(server, "servers", at=(2, row)).place(
            done, "sink", at=(3, row), words="is answered"
        )
        log.serves(
            line, server, arrivals[seen], starts[seen], ends[seen],
            tokens=[f"{words}, request {i}" for i in np.flatnonzero(seen)], start=words, then=done,
        )  # fmt: skip
        # Little's law: as many wait as come during one wait.
        about = "theory" if at.is_exact(traffic) else "theory, about"
        level = at.utilisation * theory(at, traffic)
        log.counts(line, f"waiting, {words}", level=level, level_words=about)
    return log.between(begin, end)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, traffic: str, utilisation: float | None = None) -> float:
    """Mean wait under a kind of :data:`TRAFFIC`, in service times.

    Exact for Poisson arrivals (Pollaczek-Khinchine), for exponential service (GI/M/1), and for
    constant arrivals with constant service (0); otherwise Kingman's approximation.
    """
    distribution, scv = WORK[at.work]
    rho = at.utilisation if utilisation is None else utilisation
    return _mean_wait(rho, traffic, service_scv(distribution, scv), at.burstiness, distribution)


def _mean_wait(rho: float, traffic: str, scv: float, burstiness: float, distribution: str) -> float:
    if traffic == "poisson":
        return float(queueing.mg1_wait(rho, 1.0, scv))
    if distribution == "exponential":
        return exponential_wait(rho, traffic, burstiness)
    arrival_scv = burstiness if traffic == "bursty" else 0.0
    return float(queueing.kingman_wait(rho, 1.0, arrival_scv, scv))


def exponential_wait(utilisation: float, traffic: str, burstiness: float) -> float:
    """Mean wait for exponential services under a kind of :data:`TRAFFIC`, in service times.

    M/M/1, H2/M/1 for bursty gaps, D/M/1 for constant ones: there sigma is the root in (0, 1) of
    ``sigma = exp(-(1 - sigma) / rho)`` and the wait is ``sigma / (1 - sigma)``. Kleinrock,
    *Queueing Systems* vol. 1, 1975, chapter 6.

    Parameters
    ----------
    utilisation : float
        0 < utilisation < 1.
    burstiness : float
        Squared coefficient of variation of the bursty gaps; >= 1.
    """
    if traffic == "poisson":
        return float(queueing.mg1_wait(utilisation, 1.0, 1.0))
    if traffic == "bursty":
        return float(queueing.bursty_wait(utilisation, 1.0, burstiness))
    # With x = 1 - sigma: g(x) = 1 - x - exp(-x / rho) is concave with g(0) = 0 and falls to the
    # right of the root, so bisection between the top of g and 1 finds it.
    low, high = utilisation * math.log(1 / utilisation), 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if -math.expm1(-middle / utilisation) > middle:
            low = middle
        else:
            high = middle
    return (1 - low) / low


_CURVE = np.concatenate([np.arange(0.04, 0.9, 0.04), np.arange(0.9, 0.96, 0.01)])


@lru_cache(maxsize=64)
def _curve(traffic: str, work: str, burstiness: float) -> np.ndarray:
    at = Setting(work=work, burstiness=burstiness)
    curve = np.array([theory(at, traffic, rho) for rho in _CURVE.tolist()])
    curve.setflags(write=False)
    return curve


# --- what it says ---------------------------------------------------------------------------------


class Waits(Result):
    """Mean wait under each kind of :data:`TRAFFIC`, in service times.

    Attributes
    ----------
    wait : dict of str to Intervals
        At :data:`UTILISATIONS`.
    here : dict of str to Interval
        At the utilisation asked for.
    """

    at: Setting
    wait: dict[str, Intervals]
    here: dict[str, Interval]

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"utilisation": self.at.utilisation}
        for kind in TRAFFIC:
            found[f"{kind}_wait_services"] = self.here[kind].estimate
            found[f"{kind}_theory_services"] = theory(self.at, kind)
        return found

    @property
    def reading(self) -> str:
        waits = {kind: significant(max(self.here[kind].estimate, 0.0)) for kind in TRAFFIC}
        exact = theory(self.at, "poisson")
        inside = "inside" if self.here["poisson"].contains(exact) else "outside"
        unit = "time" if waits["constant"] == "1" else "times"
        return (
            f"At {significant(100 * self.at.utilisation)} % utilisation a request waits "
            f"{waits['constant']} service {unit} if requests come evenly, {waits['poisson']} if "
            f"they come at random (theory: {significant(exact)}, {inside} the "
            f"95 % interval) and {waits['bursty']} if they come in bursts: same mean, same server."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        columns: dict[str, Any] = {"utilisation": UTILISATIONS}
        for kind in TRAFFIC:
            columns[f"{kind} (service times)"] = self.wait[kind].estimate
            columns[f"{kind}, theory"] = [theory(self.at, kind, rho) for rho in UTILISATIONS]
        return columns


_SHADES = {"constant": style.GREEN, "poisson": style.BLUE, "bursty": style.VERMILION}
_MARKS = {"constant": "s", "poisson": "o", "bursty": "^"}
_DASHES = {"constant": (0, (1, 1)), "poisson": (0, (4, 2)), "bursty": (0, (6, 2, 1, 2))}
_SYMBOLS = {"constant": "■", "poisson": "●", "bursty": "▲"}


def plot(run: Waits, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the mean wait against utilisation for three kinds of traffic of equal mean."""
    at = run.at
    _frame(ax, "The same mean, three kinds of traffic")
    here(ax, at.utilisation)
    for i, kind in enumerate(TRAFFIC):
        shade = _SHADES[kind]
        dashes = style.THEORY | {"linestyle": _DASHES[kind], "color": shade}
        ax.plot(_CURVE, _curve(kind, at.work, at.burstiness), **dashes)
        points = style.DOTS | {"color": shade, "marker": _MARKS[kind]}
        error_bars(ax, UTILISATIONS, run.wait[kind], **points)
        ring(ax, at.utilisation, max(run.here[kind].estimate, 0.0))
        note(ax, 0.04, 0.95 - 0.07 * (2 - i), f"{_SYMBOLS[kind]} {TRAFFIC[kind]}", shade)
    if mine is not None:
        yours(ax, at.utilisation, [mine[kind] for kind in TRAFFIC])


def _frame(ax: Axes, title: str) -> None:
    ax.set_title(title)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 30)
    ax.set_xlabel("utilisation")
    ax.set_ylabel("mean wait (service times)")


# --- the same on real servers ---------------------------------------------------------------------


class Trial(Parameters):
    """Servers on the loopback interface that sleep for each request, exponential times."""

    utilisation: float = number(
        0.65,
        "Utilisation meant",
        at_least=0.1,
        at_most=0.85,
        note="A real server is a little slower than it should be, and so a little busier.",
    )
    service_ms: float = number(6.0, "Mean service time", unit="ms", at_least=1, at_most=20)
    burstiness: float = number(4.0, "Burstiness", at_least=1, at_most=8)
    replications: int = integer(7, "Servers for each kind of traffic", at_least=2, at_most=12)
    run_s: float = number(1.2, "Time of a run", unit="s", at_least=0.5, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredWaits:
    """Load real servers with three kinds of traffic of equal mean, all at the same time.

    Raises
    ------
    TimeoutError
        If the machine is far too busy.
    """
    gap_s = at.service_ms * 1e-3 / at.utilisation
    seen = load_servers(
        tuple(TRAFFIC), at.service_ms * 1e-3, gap_s, at.burstiness, at.replications, at.run_s,
        at.seed,
    )  # fmt: skip
    shape = (len(TRAFFIC), at.replications)
    waits = np.array([waited.mean() for waited in seen.waits_s]).reshape(shape) / seen.service_s
    return MeasuredWaits(
        at,
        busy=seen.service_s / gap_s,
        service_s=seen.service_s,
        wait={kind: mean_interval(row) for kind, row in zip(TRAFFIC, waits, strict=True)},
        requests=sum(waited.size for waited in seen.waits_s),
        late_s=seen.late_s,
    )


class MeasuredWaits(Measured):
    """Mean waits of real servers under three kinds of traffic.

    Attributes
    ----------
    busy : float
        Arrival rate times mean service time, as measured.
    service_s : float
        Mean service time as measured, seconds.
    wait : dict of str to Interval
        Mean wait in units of it, for each kind of :data:`TRAFFIC`.
    requests : int
        Requests measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    busy: float
    service_s: float
    wait: dict[str, Interval]
    requests: int
    late_s: float

    @property
    def predicted(self) -> dict[str, float]:
        """What D/M/1, M/M/1 and H2/M/1 say for the measured utilisation, in service times.

        On a machine that is too slow there is no steady state to predict: infinite.
        """
        return {
            kind: exponential_wait(self.busy, kind, self.at.burstiness)
            if self.busy < 1
            else math.inf
            for kind in TRAFFIC
        }

    @property
    def agrees(self) -> dict[str, bool]:
        """Whether theory lies in the interval, for each kind of traffic."""
        return {kind: bool(self.wait[kind].contains(self.predicted[kind])) for kind in TRAFFIC}

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "requests": self.requests,
            "service_ms": 1e3 * self.service_s,
            "utilisation": self.busy,
        }
        for kind in TRAFFIC:
            found[f"{kind}_wait_services"] = self.wait[kind].estimate
            found[f"{kind}_theory_services"] = self.predicted[kind]
        return found

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.service_s):
            return busy
        told = ", ".join(
            f"{kind} {significant(self.wait[kind].estimate)} (theory "
            f"{significant(self.predicted[kind])}{'' if self.agrees[kind] else ', outside'})"
            for kind in TRAFFIC
        )
        return (
            f"Verdict: theory lies in the 95 % interval for {sum(self.agrees.values())} of 3 kinds "
            f"of traffic. {self.requests:,} real requests at "
            f"{significant(100 * self.busy)} % utilisation waited, in services of "
            f"{duration(self.service_s)}: {told}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        waits = self.wait.values()
        return {
            "traffic": list(self.wait),
            "wait (service times)": [wait.estimate for wait in waits],
            "from": [wait.low for wait in waits],
            "to": [wait.high for wait in waits],
            "theory": [self.predicted[kind] for kind in self.wait],
        }


def plot_measured(run: MeasuredWaits, ax: Axes) -> None:
    """Draw how long real requests waited, alone or on top of the simulation."""
    if is_blank(ax):
        _frame(ax, "Three kinds of traffic at a real server")
    ax.set_xlim(0.3, 1)
    ax.set_ylim(0, 12)
    for i, kind in enumerate(TRAFFIC):
        x = run.busy + 0.03 * (i - 1)
        points = style.MEASUREMENT | {"marker": _MARKS[kind], "color": _SHADES[kind]}
        points |= {"markersize": 9, "markerfacecolor": "white", "markeredgewidth": 2}
        error_bars(ax, x, run.wait[kind], **points)
        marks(ax, x, run.predicted[kind], 0.024)
    note(ax, 0.04, 0.7, "hollow, with bars: measured", style.INK)
