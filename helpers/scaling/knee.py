"""The knee: response time against utilisation at one line in front of some servers.

Requests arrive at random (Poisson) and take exponential times. Where that stops being true: real
arrivals come in bursts and real service times have longer tails, and then the wall comes earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, is_blank, ring, yours
from helpers.foundations.drawing.scales import round_up
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import (
    Interval,
    Intervals,
    mean_interval,
    mean_intervals,
    t_quantile,
)
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.scaling.loopback_queues import run_queues

#: Utilisations at which the curve is simulated, and those at which it is measured.
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
MEASURED_AT = (0.3, 0.5, 0.7, 0.8)

# Requests of a run. One server is quick to simulate, so its runs can be long, and longest where
# only one utilisation is asked for.
_REQUESTS = 2_000
_REQUESTS_ONE_SERVER = 2_400
_REQUESTS_ONE_POINT = 12_000
_WARMUP_SHARE = 0.3
# What is watched of a run: from which request on, and for how many service times.
_WATCHED_FROM, _WATCHED = 1_000, 300


class Setting(Parameters):
    """A queue with one line."""

    utilisation: float = number(0.5, "Utilisation", above=0, at_most=0.95)
    service_ms: float = number(20.0, "Mean service time", unit="ms", above=0)
    servers: int = integer(1, "Servers at one queue", at_least=1, at_most=16)
    replications: int = replications(16)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_queue(at, draw):
    """Let requests arrive, wait in one line for a free server, be served, and leave."""
    world = simpy.Environment()
    servers = simpy.Resource(world, capacity=at.servers)
    service_s = at.service_ms / 1000
    gap_s = service_s / (at.utilisation * at.servers)
    took_s = []

    def request():
        arrived = world.now
        with servers.request() as my_turn:
            yield my_turn
            yield world.timeout(draw("services").exponential(service_s))
        took_s.append(world.now - arrived)

    def traffic():
        for _ in range(2_000):
            yield world.timeout(draw("arrivals").exponential(gap_s))
            world.process(request())

    world.process(traffic())
    world.run()
    settled = took_s[600:]  # the line was empty at first
    return {"mean_ms": 1000 * np.mean(settled), "p99_ms": 1000 * np.percentile(settled, 99)}


# --- the same, fast: all utilisations and all replications at once, on the same draws -------------


@takes(Setting)
def simulate(at: Setting) -> Knee:
    """Simulate the queue at ten utilisations and at the one asked for.

    Each run of one server serves 2,400 requests, 12,000 at the chosen utilisation, and with
    several servers 2,000; three tenths are discarded, so that little is left of the empty start.
    At 90 % utilisation and above the runs' means are skewed, and the intervals hold the truth in
    only about five cases out of six.
    """
    service_s = 1e-3 * at.service_ms
    one = at.servers == 1
    lengths = (_REQUESTS_ONE_SERVER, _REQUESTS_ONE_POINT) if one else (_REQUESTS, _REQUESTS)
    means, tails = _in_service_times(GRID, at.servers, lengths[0], at.replications, at.seed)
    here_means, here_tails = _in_service_times(
        (at.utilisation,), at.servers, lengths[1], at.replications, at.seed
    )
    return Knee(
        at,
        mean=mean_intervals(means * service_s),
        p99=_tail_intervals(tails * service_s, at.replications),
        here_mean=mean_interval(here_means[:, 0] * service_s),
        here_p99=_tail_intervals(here_tails * service_s, at.replications)[0],
    )


@lru_cache(maxsize=64)
def _in_service_times(
    utilisations: tuple[float, ...], servers: int, requests: int, replications: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean response of each run, shape (replications, utilisations), and three values for p99."""
    gaps, services = (draw[:requests] for draw in _draws(replications, seed))
    count = len(utilisations)
    # Time runs along the first axis of the draws, where the queue engine steps quickest.
    spacing = 1 / (np.array(utilisations) * servers)
    arrivals = np.cumsum(gaps, axis=0)[:, :, np.newaxis] * spacing
    arrivals = arrivals.reshape(requests, replications * count)
    work = np.repeat(services, count, axis=1)
    if servers == count == 1:  # few and long paths: one by one, each without a loop
        paths = zip(arrivals.T, work.T, strict=True)
        responses = np.stack([queueing.fifo_waits(*path, 1) for path in paths], axis=1)
    else:
        responses = queueing.fifo_waits(arrivals.T, work.T, servers).T
    responses = responses + work
    settled = responses[round(_WARMUP_SHARE * requests) :].reshape(-1, replications, count)
    results = (settled.mean(axis=0), _tail(settled))
    for result in results:
        result.setflags(write=False)
    return results


def _tail(settled: np.ndarray) -> np.ndarray:
    """99th percentile of all runs together and the ends of its interval, shape (3, utilisations).

    The share of requests below the percentile varies from run to run; the interval reaches to the
    percentiles that this variation leads to. Unlike the mean of the runs' own percentiles, which
    is too low for short runs, this is right on average. Woodruff, "Confidence intervals for
    medians and other position measures", *J. American Statistical Association* 47, 1952.
    """
    _, runs, count = settled.shape
    pooled = settled.reshape(-1, count).T.copy()
    last = pooled.shape[1] - 1
    rank = int(0.99 * last)
    pooled.partition(rank, axis=1)
    middle = pooled[:, rank]
    shares = (settled <= middle).mean(axis=0)
    reach = t_quantile(0.975, runs - 1) * shares.std(axis=0, ddof=1) / np.sqrt(runs)
    ends = []
    for sign in (-1, 1):
        at = np.clip((0.99 + sign * reach) * last, 0, last).astype(int)
        ends.append([np.partition(row, k)[k] for row, k in zip(pooled, at, strict=True)])
    return np.stack([middle, *np.array(ends)])


def _tail_intervals(values: np.ndarray, replications: int) -> Intervals:
    middle, low, high = values
    return Intervals(middle, low, high, 0.95, replications)


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw, shape = Draws(seed), (_REQUESTS_ONE_POINT, replications)
    draws = (
        unit_gaps("poisson", shape, draw("arrivals")),
        unit_services("exponential", shape, draw("services")),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow some seconds of one run, long after the line was empty at its beginning."""
    draw, service_s = Draws(at.seed), 1e-3 * at.service_ms
    gap_s, requests = service_s / (at.utilisation * at.servers), 2 * _WATCHED_FROM
    arrivals = np.cumsum(draw("arrivals").exponential(gap_s, requests))
    services = draw("services").exponential(service_s, requests)
    starts = arrivals + queueing.fifo_waits(arrivals, services, at.servers)
    ends = starts + services
    begin = arrivals[_WATCHED_FROM]
    end = begin + _WATCHED * service_s
    seen = (ends > begin) & (arrivals <= end)
    log = Log(f"One line for {counted(at.servers, 'server')}, {percent(at.utilisation)} busy")
    log.place("users", "source").place("line", "queue")
    log.place("server", "servers", number=at.servers).place("answered", "sink", words="is answered")
    log.serves("line", "server", arrivals[seen], starts[seen], ends[seen], start="users",
               then="answered")  # fmt: skip
    exact = queueing.mmc_wait(1 / gap_s, service_s, at.servers) / gap_s  # Little's law
    return log.counts("line", "waiting in line", level=float(exact)).between(begin, end)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Response time in seconds: its mean and its 99th percentile; floats, or arrays."""

    mean_s: Any
    p99_s: Any


def theory(at: Setting, utilisation: Any = None) -> Theory:
    """What M/M/c says at the setting, or at other utilisations.

    For one server R = S / (1 - rho), and the response time is exponential, so its 99th percentile
    is ``R ln 100``. Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3.
    """
    rho = at.utilisation if utilisation is None else np.asarray(utilisation)
    service_s = 1e-3 * at.service_ms
    rate_rps = rho * at.servers / service_s
    return Theory(
        queueing.mmc_response(rate_rps, service_s, at.servers),
        queueing.mmc_response_percentile(rate_rps, service_s, at.servers, 0.99),
    )


_CURVE = np.concatenate([np.arange(0.02, 0.9, 0.02), np.arange(0.9, 0.965, 0.005)])


# --- what it says ---------------------------------------------------------------------------------


class Knee(Result):
    """Response times at :data:`GRID` (arrays) and at the chosen utilisation (floats), seconds."""

    at: Setting
    mean: Intervals
    p99: Intervals
    here_mean: Interval
    here_p99: Interval

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "utilisation": self.at.utilisation,
            "mean_ms": 1e3 * self.here_mean.estimate,
            "mean_low_ms": 1e3 * self.here_mean.low,
            "mean_high_ms": 1e3 * self.here_mean.high,
            "theory_mean_ms": 1e3 * exact.mean_s,
            "p99_ms": 1e3 * self.here_p99.estimate,
            "theory_p99_ms": 1e3 * exact.p99_s,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        inside = "inside" if self.here_mean.contains(exact.mean_s) else "outside"
        return (
            f"At {significant(100 * self.at.utilisation)} % utilisation a request takes "
            f"{duration(self.here_mean.estimate)} on average, "
            f"{significant(1e3 * self.here_mean.estimate / self.at.service_ms)} service times, "
            f"and one in a hundred takes more than {duration(self.here_p99.estimate)}; theory "
            f"says {duration(exact.mean_s)}, which lies {inside} the simulation's 95 % interval."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, GRID)
        return {
            "utilisation": GRID,
            "mean (ms)": 1e3 * self.mean.estimate,
            "from": 1e3 * self.mean.low,
            "to": 1e3 * self.mean.high,
            "theory (ms)": 1e3 * exact.mean_s,
            "p99 (ms)": 1e3 * self.p99.estimate,
            "theory p99 (ms)": 1e3 * exact.p99_s,
        }


def plot(run: Knee, ax: Axes, mine: Mine | None = None) -> None:
    """Draw mean and 99th percentile of the response time against utilisation."""
    at = run.at
    _frame(ax, at.service_ms)
    ax.set_title("Response time: flat, flat, flat, wall")
    here(ax, at.utilisation)
    exact = theory(at, _CURVE)
    dots = (0, (1, 1.5))
    ax.plot(_CURVE, 1e3 * exact.p99_s, color=style.PURPLE, linewidth=1.4, linestyle=dots)
    ax.plot(_CURVE, 1e3 * exact.mean_s, **style.THEORY)
    tails = style.DOTS | {"color": style.PURPLE, "marker": "^"}
    error_bars(ax, np.array(GRID), run.p99, 1e3, **tails)
    error_bars(ax, np.array(GRID), run.mean, 1e3, **style.DOTS)
    names = (
        (exact.p99_s, "99th percentile", style.PURPLE),
        (exact.mean_s, "mean", style.BLUE),
    )
    for curve, name, color in names:
        i = int(np.abs(_CURVE - 0.3).argmin())
        style.label(ax, _CURVE[i], 1e3 * curve[i], name, color, ha="right", xytext=(-4, 11))
    at_once = 1e3 * np.array([run.here_mean.estimate, run.here_p99.estimate])
    ring(ax, at.utilisation, at_once)
    if mine is not None:
        yours(ax, at.utilisation, [mine["mean_ms"], mine["p99_ms"]])


def _frame(ax: Axes, service_ms: float) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(0, round_up(20 * service_ms))
    ax.set_xlabel("utilisation")
    ax.set_ylabel("response time (ms)")


# --- the same on real servers ---------------------------------------------------------------------


class Trial(Parameters):
    """Servers on the loopback interface that sleep for each request, and their clients."""

    service_ms: float = number(5.0, "Mean service time", unit="ms", at_least=1, at_most=50)
    replications: int = integer(8, "Servers at each load", at_least=2, at_most=16)
    run_s: float = number(1.6, "Time of a run", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredKnee:
    """Load real servers with Poisson clients, at four loads at once, and time the replies.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    loads = [(u * 1e3 / at.service_ms, 1) for u in MEASURED_AT for _ in range(at.replications)]
    runs, late_s = run_queues(loads, 1e-3 * at.service_ms, at.run_s, at.seed)
    shape = (len(MEASURED_AT), at.replications)
    means = np.array([run.responses_s.mean() for run in runs]).reshape(shape)
    return MeasuredKnee(
        at,
        services_s=np.concatenate([run.services_s for run in runs]),
        rates_rps=np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1),
        response=mean_intervals(means.T),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


class MeasuredKnee(Measured):
    """Mean response times of real servers at four loads, seconds; arrays of shape (4,).

    Attributes
    ----------
    services_s : numpy.ndarray
        Every service time as measured.
    rates_rps : numpy.ndarray
        Arrival rate at each load as measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    services_s: np.ndarray
    rates_rps: np.ndarray
    response: Intervals
    requests: int
    late_s: float

    @property
    def service_ms(self) -> float:
        """Mean service time as measured."""
        return 1e3 * float(self.services_s.mean())

    @property
    def service_scv(self) -> float:
        """Squared coefficient of variation of the service times; 1 is exponential."""
        return float(self.services_s.var() / self.services_s.mean() ** 2)

    @property
    def utilisation(self) -> np.ndarray:
        """Arrival rate times mean service time, both as measured."""
        return self.rates_rps * self.service_ms * 1e-3

    def predicted_s(self, scv: float = 1.0) -> np.ndarray:
        """What M/G/1 predicts from the measured rates; infinite where there is no steady state.

        A machine that is too slow can leave a station overloaded.
        """
        service_s, stable = 1e-3 * self.service_ms, self.utilisation < 1
        safe = np.where(stable, self.rates_rps, 0.5 / service_s)
        return np.where(stable, queueing.mg1_wait(safe, service_s, scv) + service_s, np.inf)

    @property
    def agrees(self) -> np.ndarray:
        """Whether M/M/1's prediction lies in each interval."""
        return np.asarray(self.response.contains(self.predicted_s()))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "requests": self.requests,
            "service_ms": self.service_ms,
            "service_scv": self.service_scv,
            "loads_measured": self.utilisation.size,
            "loads_at_which_theory_is_inside": int(self.agrees.sum()),
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        inside, loads = int(self.agrees.sum()), self.utilisation.size
        widest = float((self.response.half_width / self.response.estimate).max())
        text = (
            f"Verdict: at {inside} of {loads} loads the response that M/M/1 predicts from the "
            f"measured rates lies in the 95 % interval of what {self.requests:,} real requests "
            f"took (service: {duration(self.service_ms * 1e-3)} on average, squared coefficient "
            f"of variation {self.service_scv:.2f} where exponential is 1); the widest interval is "
            f"± {significant(100 * widest, 2)} %."
        )
        expected = self.predicted_s()
        steady = np.isfinite(expected)
        if not steady.all():
            text += (
                f" At {int((~steady).sum())} loads the machine was too busy to keep up: the queue "
                f"grew without end, and there is nothing to predict."
            )
        if inside == loads or not steady.any():
            return text
        ratio = np.where(steady, self.response.estimate / np.where(steady, expected, 1), 1)
        worst = int(np.argmax(np.abs(np.log(ratio))))
        error = 100 * (ratio[worst] - 1)
        direction = "above" if error > 0 else "below"
        return (
            f"{text} The largest miss, at {self.utilisation[worst]:.0%} utilisation, is "
            f"{significant(abs(error), 2)} % {direction} the prediction."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "utilisation": self.utilisation,
            "measured (ms)": 1e3 * self.response.estimate,
            "from": 1e3 * self.response.low,
            "to": 1e3 * self.response.high,
            "M/M/1 (ms)": 1e3 * self.predicted_s(),
            "M/G/1 (ms)": 1e3 * self.predicted_s(self.service_scv),
            "M/M/1 inside": self.agrees,
        }


def plot_measured(run: MeasuredKnee, ax: Axes) -> None:
    """Draw what real requests took, alone or on top of the simulation."""
    if is_blank(ax):
        _frame(ax, run.service_ms)
        ax.set_title("Real servers on the loopback interface, and theory")
    error_bars(ax, run.utilisation, run.response, 1e3, **style.MEASUREMENT)
    x, y = run.utilisation[0], 1e3 * run.response.estimate[0]
    style.label(ax, x, y, "measured", style.VERMILION, ha="left", xytext=(6, -11))
