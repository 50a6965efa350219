"""Real queues on the loopback interface: the knee, and the share of requests that waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import OpenClient, Station, run_apart, scaled
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_WARMUP_SHARE = 0.2
_DRAIN_S = 0.3
_UTILISATIONS = (0.3, 0.5, 0.7, 0.8)
_WORKERS = (1, 2, 4)


class MeasuredKnee(Result):
    """Response times of real single-server queues at several loads.

    Attributes
    ----------
    service_ms : float
        Mean service time as measured, milliseconds.
    service_scv : float
        Squared coefficient of variation of the service times as measured; 1 is exponential.
    utilisation : numpy.ndarray, shape (k,)
        Measured arrival rate times measured mean service time.
    response : Intervals
        Measured mean response times, seconds, from independent servers; shape (k,).
    mm1_s, mg1_s : numpy.ndarray, shape (k,)
        Response times that M/M/1 and M/G/1 predict from the measured rates, seconds.
    requests : int
        Requests measured altogether.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    service_ms: float
    service_scv: float
    utilisation: np.ndarray
    response: Intervals
    mm1_s: np.ndarray
    mg1_s: np.ndarray
    requests: int
    late_s: float

    @property
    def agrees(self) -> np.ndarray:
        """Whether M/M/1's prediction lies in each interval."""
        return self.response.contains(self.mm1_s)

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
        steady = np.isfinite(self.mm1_s)
        if not steady.all():
            text += (
                f" At {int((~steady).sum())} loads the machine was too busy to keep up: the queue "
                f"grew without end, and there is nothing to predict."
            )
        if inside == loads or not steady.any():
            return text
        error_of = np.where(steady, self.response.estimate / np.where(steady, self.mm1_s, 1), 1)
        worst = int(np.argmax(np.abs(np.log(error_of))))
        error = 100 * (error_of[worst] - 1)
        direction = "above" if error > 0 else "below"
        return (
            f"{text} The largest miss, at {self.utilisation[worst]:.0%} utilisation, is "
            f"{significant(abs(error), 2)} % {direction} the prediction."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "utilisation": self.utilisation,
                "measured (ms)": 1e3 * self.response.estimate,
                "from": 1e3 * self.response.low,
                "to": 1e3 * self.response.high,
                "M/M/1 (ms)": 1e3 * self.mm1_s,
                "M/G/1 (ms)": 1e3 * self.mg1_s,
                "M/M/1 inside": self.agrees,
            }
        ).set_index("utilisation")


def measure_knee(
    *,
    service_ms: float = 5.0,
    replications: int = 8,
    run_s: float = 1.6,
    seed: int = 1,
) -> MeasuredKnee:
    """Load real servers on the loopback interface with Poisson clients and time the replies.

    Parameters
    ----------
    service_ms : float
        Mean time a server sleeps for a request, milliseconds, exponential; 1 to 50.
    replications : int
        Servers measured at each of four loads, all at the same time; 2 to 16.
    run_s : float
        How long, seconds; 0.2 to 10.
    seed : int
        Seed of the traffic; >= 0. The measured times differ from run to run all the same.

    Returns
    -------
    MeasuredKnee

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    service_ms = validation.number("service_ms", service_ms, at_least=1, at_most=50, unit="ms")
    replications = validation.integer("replications", replications, at_least=2, at_most=16)
    run_s = validation.number("run_s", run_s, at_least=0.2, at_most=10, unit="s")
    loads = [(u * 1e3 / service_ms, 1) for u in _UTILISATIONS for _ in range(replications)]
    runs, late_s = _run_queues(loads, service_ms * 1e-3, run_s, seed)
    shape = (len(_UTILISATIONS), replications)
    services = np.concatenate([run.services_s for run in runs])
    service_s, scv = float(services.mean()), float(services.var() / services.mean() ** 2)
    rates = np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1)
    utilisation = rates * service_s
    means = np.array([run.responses_s.mean() for run in runs]).reshape(shape)
    # A machine that is too slow can leave a station overloaded; no steady state, no prediction.
    stable = utilisation < 1
    safe = np.where(stable, rates, 0.5 / service_s)
    wait = queueing.mg1_wait(safe, service_s, scv)
    return MeasuredKnee(
        service_ms=1e3 * service_s,
        service_scv=scv,
        utilisation=utilisation,
        response=mean_intervals(means.T),
        mm1_s=np.where(stable, queueing.mm1_response(safe, service_s), np.inf),
        mg1_s=np.where(stable, wait + service_s, np.inf),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


class MeasuredStaffing(Result):
    """Share of requests that wait at real stations with a few workers, at equal utilisation.

    Attributes
    ----------
    workers : numpy.ndarray of int, shape (k,)
        Workers of each station.
    service_ms : float
        Mean service time as measured, milliseconds.
    utilisation : numpy.ndarray, shape (k,)
        Measured utilisation of a worker.
    waited : Intervals
        Measured share of requests that wait; shape (k,).
    erlang_c : numpy.ndarray, shape (k,)
        What Erlang's C formula predicts from the measured rates.
    requests : int
        Requests measured altogether.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    workers: np.ndarray
    service_ms: float
    utilisation: np.ndarray
    waited: Intervals
    erlang_c: np.ndarray
    requests: int
    late_s: float

    @property
    def agrees(self) -> np.ndarray:
        """Whether Erlang's prediction lies in each interval."""
        return self.waited.contains(self.erlang_c)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"requests": self.requests}
        for i, count in enumerate(self.workers):
            values[f"waited_percent_{count}_workers"] = 100 * float(self.waited.estimate[i])
            values[f"erlang_c_percent_{count}_workers"] = 100 * float(self.erlang_c[i])
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        shares = ", ".join(
            f"{count} worker{'s' if count > 1 else ''}: "
            f"{significant(100 * self.waited.estimate[i], 2)} % wait (Erlang C "
            f"{significant(100 * self.erlang_c[i], 2)} %)"
            for i, count in enumerate(self.workers)
        )
        return (
            f"Verdict: Erlang C lies in the 95 % interval at {int(self.agrees.sum())} of "
            f"{self.workers.size} stations. At about {self.utilisation.mean():.0%} utilisation, "
            f"{shares}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "workers": self.workers,
                "utilisation": self.utilisation,
                "waited": self.waited.estimate,
                "from": self.waited.low,
                "to": self.waited.high,
                "Erlang C": self.erlang_c,
                "inside": self.agrees,
            }
        ).set_index("workers")


def measure_staffing(
    *,
    utilisation: float = 0.7,
    service_ms: float = 6.0,
    replications: int = 8,
    run_s: float = 1.3,
    seed: int = 1,
) -> MeasuredStaffing:
    """Count the requests that wait at real stations with one, two and four workers.

    Parameters
    ----------
    utilisation : float
        Load on each worker; 0.1 to 0.9.
    service_ms : float
        Mean time a worker sleeps for a request, milliseconds, exponential; 1 to 50.
    replications : int
        Stations measured of each size, all at the same time; 2 to 16.
    run_s : float
        How long, seconds; 0.2 to 10.
    seed : int
        Seed of the traffic; >= 0.

    Returns
    -------
    MeasuredStaffing

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    utilisation = validation.number("utilisation", utilisation, at_least=0.1, at_most=0.9)
    service_ms = validation.number("service_ms", service_ms, at_least=1, at_most=50, unit="ms")
    replications = validation.integer("replications", replications, at_least=2, at_most=16)
    run_s = validation.number("run_s", run_s, at_least=0.2, at_most=10, unit="s")
    loads = [
        (utilisation * count * 1e3 / service_ms, count)
        for count in _WORKERS
        for _ in range(replications)
    ]
    runs, late_s = _run_queues(loads, service_ms * 1e-3, run_s, seed)
    shape = (len(_WORKERS), replications)
    service_s = float(np.concatenate([run.services_s for run in runs]).mean())
    rates = np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1)
    waited = np.array([run.waited for run in runs]).reshape(shape)
    load = rates * service_s
    expected = [
        float(queueing.erlang_c(offered, count)) if offered < count else 1.0
        for offered, count in zip(load.tolist(), _WORKERS, strict=True)
    ]
    return MeasuredStaffing(
        workers=np.array(_WORKERS),
        service_ms=1e3 * service_s,
        utilisation=load / np.array(_WORKERS),
        waited=mean_intervals(waited.T),
        erlang_c=np.array(expected),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """What one station did after the warm-up."""

    arrival_rps: float
    responses_s: np.ndarray
    services_s: np.ndarray
    waited: float


def _run_queues(
    loads: list[tuple[float, int]], service_s: float, run_s: float, seed: int
) -> tuple[list[_Run], float]:
    """Run one station and one Poisson client for each (rate, workers), all at once.

    Return what they did, and how late timers were on average.
    """
    names = [f"{what} {i}" for i in range(len(loads)) for what in ("arrivals", "services")]
    rng = streams(seed, "backlogs", *names)
    # At 80 % utilisation an empty queue takes about a hundred service times to fill up, a good
    # part of the run; so each station begins with a number of requests of its steady state.
    backlogs = [
        _steady_state(rate * service_s, workers, rng["backlogs"]) for rate, workers in loads
    ]

    async def main() -> list[_Run]:
        loop = asyncio.get_running_loop()
        stations = [
            Station(scaled(service_s, rng[f"services {i}"].standard_exponential), workers)
            for i, (_, workers) in enumerate(loads)
        ]
        clients = [
            OpenClient(scaled(1 / rate, rng[f"arrivals {i}"].standard_exponential), backlog)
            for i, ((rate, _), backlog) in enumerate(zip(loads, backlogs, strict=True))
        ]
        try:
            for station in stations:
                await station.start()
            began = loop.time()
            until = began + run_s
            for client, station in zip(clients, stations, strict=True):
                await client.start(station, until)
            await asyncio.sleep(run_s + _DRAIN_S)
        finally:
            for part in (*clients, *stations):
                part.stop()
        after = began + _WARMUP_SHARE * run_s
        return [_observe(s, c, after, until) for s, c in zip(stations, clients, strict=True)]

    with Lateness() as lateness:
        runs = run_apart(main, limit_s=3 * run_s + 5)
    return runs, lateness.mean_s


def _steady_state(load: float, workers: int, rng: np.random.Generator) -> int:
    """Draw the number of requests in an M/M/c station.

    Kleinrock, *Queueing Systems* vol. 1, 1975, section 3.5.
    """
    ratios = load / np.minimum(np.arange(1, 200), workers)
    weights = np.cumprod(np.concatenate([[1.0], ratios]))
    return int(rng.choice(weights.size, p=weights / weights.sum()))


def _observe(station: Station, client: OpenClient, after: float, until: float) -> _Run:
    responses = client.response_s(after, until)
    _, began, ended = station.served()
    services = (ended - began)[began >= after]
    if responses.size == 0 or services.size == 0:
        raise RuntimeError(
            "a station saw no request after the warm-up: raise run_s, or give the machine a rest"
        )
    skipped = sum(sent < after for sent in client.sent.values())
    return _Run(
        arrival_rps=responses.size / (until - after),
        responses_s=responses,
        services_s=services,
        waited=float(np.mean(station.waited[skipped : skipped + responses.size])),
    )
