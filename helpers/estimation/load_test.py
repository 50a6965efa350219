"""One server, one stall, and two load testers that disagree about it.

Both mean to send a hundred requests a second. The open tester sends at Poisson times whatever
happens; the closed one shares the rate among its connections, and a connection that waits for an
answer sends nothing, just when there is something to see. Where that stops being true: a closed
tester with thousands of connections is nearly an open one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.estimation.stalling_servers import load_servers
from helpers.estimation.stalls import (
    STALL_AT,
    Stall,
    closed_requests,
    closed_responses,
    correct,
    open_responses,
    sample_quantile,
    starts,
)
from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, note, time_axis, yours
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
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.foundations.traffic.arrivals import unit_gaps

#: The three ways of telling how long requests took.
TESTERS = ("open", "closed", "corrected")

#: Requests per second that both testers mean to send, and how long the test lasts.
RATE_RPS, RUN_S = 100.0, 60.0

#: What to read off: one request in so many is slower.
ONE_IN = (2, 5, 10, 20, 50, 100, 200, 500, 1_000)

_WARM_UP_S = 5.0
_BEFORE_S, _MOST_S = 0.5, 9.0  # of a replay before the stall, and after its beginning
_SLOW_S = 0.1  # what is counted as a slow answer there


class Setting(Parameters):
    """A server that stalls once in a minute, and the testers that are sent to it."""

    stall_s: float = number(2.0, "Length of the stall", unit="s", at_least=0, at_most=5)
    utilisation: float = number(
        0.3,
        "Utilisation of the server",
        at_least=0.01,
        at_most=0.8,
        note="Share of the time it works when it does not stall.",
    )
    connections: int = integer(1, "Closed tester's connections", at_least=1, at_most=100)
    replications: int = replications(8, note="Minutes that the open tester measures.")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_minute(at, draw, tester):
    """Test a server that stalls once; return how long each request took, in seconds."""
    run_s, rate_rps = 60, 100
    world = simpy.Environment()
    server = simpy.PriorityResource(world)
    took_s = []

    def stall():
        yield world.timeout(0.3 * run_s)
        with server.request(priority=-1) as turn:  # before everybody who waits
            yield turn
            yield world.timeout(at.stall_s)

    def one_request(sent):
        with server.request() as turn:
            yield turn
            yield world.timeout(at.utilisation / rate_rps)
        took_s.append(world.now - sent)

    def send_on_time():
        while world.now < run_s:
            yield world.timeout(draw("arrivals").exponential(1 / rate_rps))
            world.process(one_request(world.now))

    def send_after_the_answer(due):
        while due < run_s:
            yield world.timeout(max(due - world.now, 0))
            sent = world.now
            yield world.process(one_request(sent))
            due = max(sent + at.connections / rate_rps, world.now)

    world.process(stall())
    if tester == "open":
        world.process(send_on_time())
    else:
        for number in range(at.connections):
            world.process(send_after_the_answer(number / rate_rps))
    world.run()
    return took_s


def two_testers(at, draw):
    """Return the 99th percentile that each tester reports of the same stall."""
    return {
        "open_p99_s": np.percentile(one_minute(at, draw, "open"), 99),
        "closed_p99_s": np.percentile(one_minute(at, draw, "closed"), 99),
    }


# --- the same, fast: on a clock that stands still in the stall it is an ordinary queue -----------


@takes(Setting)
def simulate(at: Setting) -> LoadTest:
    """Let the open tester measure some minutes, and the closed one, which has no luck, one."""
    service_s, stall = at.utilisation / RATE_RPS, Stall(STALL_AT * RUN_S, at.stall_s)
    sent = _sending_times(at.replications, at.seed)
    counted = (sent >= 0) & (sent < RUN_S)
    responses = open_responses(sent, service_s, stall)
    each = [row[kept] for row, kept in zip(responses, counted, strict=True)]
    closed = closed_responses(RATE_RPS, service_s, stall, RUN_S, at.connections)
    return LoadTest(
        at,
        responses_s={
            "open": np.sort(np.concatenate(each)),
            "closed": np.sort(closed),
            "corrected": np.sort(correct(closed, at.connections / RATE_RPS)),
        },
        open_mean=mean_interval([row.mean() for row in each]),
    )


@lru_cache(maxsize=8)
def _sending_times(replications: int, seed: int) -> np.ndarray:
    """Poisson times from a little before 0 to a little beyond the run, shape (R, n)."""
    span = _WARM_UP_S + RUN_S
    count = int(RATE_RPS * span + 6 * np.sqrt(RATE_RPS * span))
    gaps = unit_gaps("poisson", (count, replications), Draws(seed)("arrivals")) / RATE_RPS
    sent = np.cumsum(gaps, axis=0).T - _WARM_UP_S
    sent.setflags(write=False)
    return sent


# --- the seconds around the stall, request by request ---------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the open tester's first minute and the closed one's while the server stalls.

    The open tester's dots are its requests. The closed one's are its connections, which go to the
    server and come back.
    """
    service_s, stall = at.utilisation / RATE_RPS, Stall(STALL_AT * RUN_S, at.stall_s)
    exact = theory(at)
    begin, shown_s = stall.at_s - _BEFORE_S, min(exact.recovery_s + _BEFORE_S, _MOST_S)
    end = stall.at_s + shown_s
    log = Log("Two testers, one stall").kind("over 100 ms", "vermilion")
    log.place("open tester", "source").place("open line", "queue").place("server", "servers")
    log.place("answers", "sink", words="is answered")
    log.place("closed tester", "store", at=(0, 1), words="has its answer")
    log.place("closed line", "queue", at=(1, 1)).place("same server", "servers", at=(2, 1))
    if at.stall_s:
        for place in ("server", "same server"):
            log.marks(stall.at_s, place, "stalled", bad=True)
            log.marks(stall.at_s + at.stall_s, place, "")
    sent = _sending_times(at.replications, at.seed)[0]
    done = sent + open_responses(sent[np.newaxis], service_s, stall)[0]
    asked = closed_requests(RATE_RPS, service_s, stall, RUN_S, at.connections)
    for n in range(at.connections):
        log.begins(f"connection {n + 1}", "closed tester")
    rows = (
        ("open", "server", sent, done, [f"request {n}" for n in range(sent.size)]),
        ("closed", "same server", asked.sent_s, asked.done_s,
         [f"connection {n + 1}" for n in asked.connection.tolist()]),
    )  # fmt: skip
    for tester, server, asks, ends, names in rows:
        seen = np.flatnonzero((ends >= begin - service_s) & (asks <= end))
        slow = ends - asks > _SLOW_S
        log.serves(
            f"{tester} line", server, asks[seen], starts(asks, ends, stall)[seen], ends[seen],
            tokens=[names[n] for n in seen.tolist()],
            kind=["over 100 ms" if late else "request" for late in slow[seen].tolist()],
            start=f"{tester} tester", then="answers" if tester == "open" else "closed tester",
        )  # fmt: skip
        late = ends[seen][slow[seen]]
        level = None
        if exact.recovery_s + _BEFORE_S <= _MOST_S and at.stall_s > _SLOW_S:
            level = exact.samples[tester] * float(exact.slower(tester, np.array([_SLOW_S]))[0])
        log.series(
            f"answers over 100 ms, {tester} tester", np.append(begin, late),
            np.arange(late.size + 1), level=level,
        )  # fmt: skip
    return log.counts("open line", "in the open tester's line").between(begin, end)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What an open and a closed load tester report of one server that stalls once.

    Fluid model: a request that comes t seconds into the stall D waits ``D - t (1 - rho)``, until
    ``t = D / (1 - rho)``, so of the open tester's requests a share
    ``(D - x) / ((1 - rho) T)`` waits longer than x. A closed tester with k connections has at
    most k requests in the stall, and k once more when they are all freed together. The correction
    fills in ``D, D - i, D - 2 i, ...``, as if nobody queued behind the stall.

    The open mean is exact for Poisson arrivals in steady state: the stall adds D to the workload,
    which only idle time works off; each second of idle time takes ``1 / (1 - rho)`` seconds of
    real time, and the workload found at the start, W on average, as much again:
    ``S + W + D (D / 2 + W) / ((1 - rho) T)``, with W by Pollaczek and Khinchine.

    On open and closed testers: Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A
    Cautionary Tale", NSDI 2006. "Coordinated omission" is Gil Tene's name ("How NOT to Measure
    Latency"); "corrected" is what HdrHistogram's ``recordValueWithExpectedInterval`` does.
    """

    rate_rps: float
    service_s: float
    stall_s: float
    run_s: float
    connections: int

    @property
    def utilisation(self) -> float:
        """Share of the time the server works when it does not stall."""
        return self.rate_rps * self.service_s

    @property
    def interval_s(self) -> float:
        """Time between two requests of one connection of the closed tester."""
        return self.connections / self.rate_rps

    @property
    def recovery_s(self) -> float:
        """Seconds from the beginning of the stall until the last request it delayed."""
        return self.stall_s / (1 - self.utilisation)

    @property
    def caught(self) -> float:
        """Requests of the closed tester that the stall delays."""
        return self.rate_rps * min(self.interval_s, self.recovery_s)

    @property
    def samples(self) -> dict[str, float]:
        """How many response times each tester writes down in a run."""
        # A caught connection sends nothing until it has its answer.
        stuck = self.stall_s - (1 - self.utilisation) * self.interval_s / 2
        silent = self.connections * max(stuck / self.interval_s - 1, 0.0)
        closed = self.rate_rps * self.run_s - silent
        return {
            "open": self.rate_rps * self.run_s,
            "closed": closed,
            "corrected": closed + silent,
        }

    @property
    def mean_s(self) -> float:
        """Mean response time that the open tester reports, seconds; exact."""
        wait = float(queueing.mg1_wait(self.rate_rps, self.service_s, 0.0))
        delayed = self.stall_s * (self.stall_s / 2 + wait) / (1 - self.utilisation)
        return self.service_s + wait + delayed / self.run_s

    def slower(self, tester: str, times_s: np.ndarray) -> np.ndarray:
        """Return the share of a tester's samples slower than each time, by the fluid model.

        Parameters
        ----------
        tester : {"open", "closed", "corrected"}
            Which tester.
        times_s : numpy.ndarray
            Times well above the service time, seconds.
        """
        late = np.clip(np.asarray(times_s, dtype=float) - self.service_s, 0.0, None)
        beyond = np.maximum(self.stall_s - late, 0.0)
        sent_s = beyond / (1 - self.utilisation)  # requests sent so long into the stall, or sooner
        if tester == "corrected":
            hit = self.rate_rps * beyond
        elif tester == "open":
            hit = self.rate_rps * sent_s
        else:
            hit = self.rate_rps * np.minimum(sent_s, self.interval_s)
            if self.stall_s > self.interval_s:
                # Freed together, the connections send together, and wait for one another once.
                hit = hit + self.connections * (late < (self.connections - 1) * self.service_s)
        return np.minimum(hit / self.samples[tester], 1.0)

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile by the fluid model, seconds.

        Parameters
        ----------
        tester : {"open", "closed", "corrected"}
            Which tester.
        q : float
            0 < q < 1.
        """
        low, high = self.service_s, self.service_s + self.stall_s
        if self.slower(tester, np.array([low]))[0] <= 1 - q:
            return low
        for _ in range(50):
            middle = (low + high) / 2
            if self.slower(tester, np.array([middle]))[0] > 1 - q:
                low = middle
            else:
                high = middle
        return high


def theory(at: Setting) -> Theory:
    """What the testers report at a setting."""
    return Theory(RATE_RPS, at.utilisation / RATE_RPS, at.stall_s, RUN_S, at.connections)


# --- what it says ---------------------------------------------------------------------------------


class LoadTest(Result):
    """What each tester wrote down about the same server in the same minute.

    Attributes
    ----------
    responses_s : dict of str to numpy.ndarray
        For each tester its response times in ascending order, seconds; the open tester's are
        those of all replications.
    open_mean : Interval
        Of the open tester, over the replications, seconds.
    """

    at: Setting
    responses_s: dict[str, np.ndarray]
    open_mean: Interval

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile, seconds."""
        return sample_quantile(self.responses_s[tester], q)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        found: dict[str, float | int | str] = {}
        for tester in TESTERS:
            found[f"{tester}_p99_ms"] = 1e3 * self.percentile_s(tester, 0.99)
        found["theory_open_p99_ms"] = 1e3 * exact.percentile_s("open", 0.99)
        found["open_mean_ms"] = 1e3 * self.open_mean.estimate
        found["theory_open_mean_ms"] = 1e3 * exact.mean_s
        found["closed_mean_ms"] = 1e3 * float(self.responses_s["closed"].mean())
        found["closed_samples"] = len(self.responses_s["closed"])
        return found

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        inside = "inside" if self.open_mean.contains(exact.mean_s) else "outside"
        tails = {tester: self.percentile_s(tester, 0.99) for tester in TESTERS}
        return (
            f"Of one stall of {duration(self.at.stall_s)} in a minute the open tester says p99 = "
            f"{duration(tails['open'])}, the closed one p99 = {duration(tails['closed'])}, after "
            f"correction {duration(tails['corrected'])}; the open mean is "
            f"{duration(self.open_mean.estimate)}, and theory's {duration(exact.mean_s)} "
            f"lies {inside} its 95 % interval."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        columns: dict[str, Any] = {"one in": ONE_IN}
        for tester in TESTERS:
            columns[f"{tester} (ms)"] = [1e3 * self.percentile_s(tester, 1 - 1 / n) for n in ONE_IN]
            columns[f"{tester}, fluid model (ms)"] = [
                1e3 * exact.percentile_s(tester, 1 - 1 / n) for n in ONE_IN
            ]
        return columns


_LOOKS = {
    "open": (style.BLUE, "-", "o"),
    "closed": (style.VERMILION, (0, (6, 2)), "s"),
    "corrected": (style.PURPLE, (0, (1, 1.2)), "^"),
}
_LABELS = {"open": "open tester", "closed": "closed tester", "corrected": "closed, corrected"}


def plot(run: LoadTest, ax: Axes, mine: Mine | None = None) -> None:
    """Draw response time against "one request in so many is slower", for each tester."""
    ax.set_title("One stall, three opinions of it")
    _frame(ax, 3_000)
    _theory_curves(ax, theory(run.at), 3_000)
    for tester, samples in run.responses_s.items():
        color, line, _ = _LOOKS[tester]
        n = np.geomspace(1.6, min(3_000, len(samples)), 70)
        _curve(ax, n, samples, color=color, linestyle=line, linewidth=2.2, label=tester)
    marks = {"open": "—— ", "closed": "– – ", "corrected": "···· "}
    _label(ax, run.responses_s, 30.0, marks, "– –  theory, each")
    if mine is not None:
        yours(ax, 100, [mine["open_p99_s"], mine["closed_p99_s"]])


def _frame(ax: Axes, most: int) -> None:
    ticks = [n for n in (2, 10, 100, 1_000) if n <= most]
    log_axis(ax, "x", 1.6, most, ticks=ticks, text=lambda n: f"1 in {n:,.0f}")
    time_axis(ax, "y", 5e-4, 10)
    ax.set_xlabel("requests that are slower")
    ax.set_ylabel("response time")
    ax.axvline(100, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.text(103, 6e-4, "p99", color=style.MUTED, fontsize=9)


def _theory_curves(ax: Axes, exact: Theory, most: int) -> None:
    delays = exact.service_s + exact.stall_s * np.linspace(0, 1, 120)[:-1]
    for tester in TESTERS:
        share = exact.slower(tester, delays)
        kept = share > 1 / most / 2
        times = np.concatenate([[exact.service_s], delays[kept]])
        ax.plot(np.concatenate([[1.0], 1 / share[kept]]), times, **style.THEORY)


def _label(
    ax: Axes, samples: Mapping[str, np.ndarray], n: float, marks: Mapping[str, str], last: str
) -> None:
    """Name the curves in a corner, in the order in which they lie at one in n."""
    places = sorted(
        ((_quantiles(samples[tester], np.array([n]))[0], tester) for tester in TESTERS),
        reverse=True,
    )
    y = 0.95
    for _, tester in places:
        note(ax, 0.02, y, marks[tester] + _LABELS[tester], _LOOKS[tester][0])
        y -= 0.075
    note(ax, 0.02, y, last, style.INK)


def _curve(ax: Axes, n: np.ndarray, samples: np.ndarray, **look: Any) -> None:
    ax.plot(n, _quantiles(samples, n), **look)


def _quantiles(ascending: np.ndarray, n: np.ndarray) -> np.ndarray:
    ranks = np.ceil((1 - 1 / n) * len(ascending) * (1 - 1e-12)).astype(int) - 1
    return ascending[np.maximum(ranks, 0)]


# --- the same on real servers ---------------------------------------------------------------------


class Trial(Parameters):
    """Servers of one thread that sleep for each request, and stall once in each of two tests."""

    rate_rps: float = number(
        100.0, "Rate of both testers", unit="requests/s", at_least=10, at_most=200
    )
    service_ms: float = number(3.0, "Service time", unit="ms", at_least=1, at_most=20)
    stall_s: float = number(0.3, "Length of the stall", unit="s", at_least=0.05, at_most=1)
    run_s: float = number(2.0, "Length of a test", unit="s", at_least=1, at_most=10)
    connections: int = integer(1, "Closed tester's connections", at_least=1, at_most=16)
    servers: int = integer(
        6, "Servers", at_least=2, at_most=12, note="Tested at the same time; intervals come of it."
    )
    seed: int = seed()

    def agree(self) -> None:
        half = 500 / self.rate_rps
        if self.service_ms > half:
            raise ValueError(
                f"service_ms must be a finite number of ms <= {half:g}, half of what the rate "
                f"leaves a request, got {self.service_ms:g}"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredLoadTest:
    """Load real servers on the loopback interface with an open and then with a closed tester.

    Raises
    ------
    TimeoutError
        If the machine is so busy that a test takes far longer than it should.
    """
    tests = load_servers(
        at.rate_rps, 1e-3 * at.service_ms, at.stall_s, at.run_s, at.connections, at.servers, at.seed
    )
    runs = {
        "open": tests.opened,
        "closed": tests.closed,
        "corrected": [correct(r, at.connections / at.rate_rps) for r in tests.closed],
    }
    stall = Stall(STALL_AT * at.run_s, tests.stall_s)
    simulated = [
        open_responses(schedule[np.newaxis], tests.service_s, stall)[0][schedule >= 0]
        for schedule in tests.schedules
    ]
    again = closed_responses(at.rate_rps, tests.service_s, stall, at.run_s, at.connections)
    return MeasuredLoadTest(
        at,
        real_service_s=tests.service_s,
        real_stall_s=tests.stall_s,
        responses_s={name: np.sort(np.concatenate(each)) for name, each in runs.items()},
        mean={n: mean_interval([r.mean() for r in each]) for n, each in runs.items()},
        p99={
            n: mean_interval([sample_quantile(np.sort(r), 0.99) for r in each])
            for n, each in runs.items()
        },
        simulated_s={
            "open": np.sort(np.concatenate(simulated)),
            "closed": np.sort(again),
            "corrected": np.sort(correct(again, at.connections / at.rate_rps)),
        },
        late_s=tests.late_s,
    )


class MeasuredLoadTest(Measured):
    """What each tester measured of the same servers with the same stall.

    Attributes
    ----------
    real_service_s, real_stall_s : float
        Service time and stall as they really were, on average, seconds.
    responses_s : dict of str to numpy.ndarray
        For each tester all its response times in ascending order, seconds.
    mean, p99 : dict of str to Interval
        For each tester, over the servers, seconds.
    simulated_s : dict of str to numpy.ndarray
        What the simulation says for the measured rate, service and stall, ascending, seconds.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    real_service_s: float
    real_stall_s: float
    responses_s: dict[str, np.ndarray]
    mean: dict[str, Interval]
    p99: dict[str, Interval]
    simulated_s: dict[str, np.ndarray]
    late_s: float

    @property
    def theory(self) -> Theory:
        """What the fluid model says for the service and the stall as they really were."""
        at = self.at
        return Theory(at.rate_rps, self.real_service_s, self.real_stall_s, at.run_s, at.connections)

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile, seconds."""
        return sample_quantile(self.responses_s[tester], q)

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "requests": sum(len(self.responses_s[tester]) for tester in ("open", "closed")),
            "service_ms": 1e3 * self.real_service_s,
            "stall_ms": 1e3 * self.real_stall_s,
        }
        for tester in TESTERS:
            found[f"{tester}_mean_ms"] = 1e3 * float(self.mean[tester].estimate)
            found[f"{tester}_p99_ms"] = 1e3 * float(self.p99[tester].estimate)
        return found

    @property
    def reading(self) -> str:
        opened, closed = (duration(float(self.p99[t].estimate)) for t in ("open", "closed"))
        simulated = float(self.simulated_s["open"].mean())
        distance = 100 * (float(self.mean["open"].estimate) / simulated - 1)
        told = (
            f"Of the same servers with the same stall of {duration(self.real_stall_s)} the open "
            f"tester measured a p99 of {opened}, the closed one {closed}."
        )
        if busy := no_verdict(self.late_s, self.real_service_s):
            return f"{told} {busy}"
        return (
            f"{told} Verdict on the open mean: "
            f"{verdict(self.mean['open'], self.theory.mean_s, unit='s')}; the simulation's "
            f"{duration(simulated)} is {significant(abs(distance), 2)} % "
            f"{'below' if distance > 0 else 'above'} the measured mean."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact, few = self.theory, ONE_IN[:6]
        columns: dict[str, Any] = {"one in": few}
        for tester in TESTERS:
            columns[f"{tester}, measured (ms)"] = [
                1e3 * self.percentile_s(tester, 1 - 1 / n) for n in few
            ]
            columns[f"{tester}, simulated (ms)"] = [
                1e3 * sample_quantile(self.simulated_s[tester], 1 - 1 / n) for n in few
            ]
            columns[f"{tester}, fluid model (ms)"] = [
                1e3 * exact.percentile_s(tester, 1 - 1 / n) for n in few
            ]
        return columns


def plot_measured(run: MeasuredLoadTest, ax: Axes) -> None:
    """Draw what real testers wrote down, on the simulation and theory of the same minute."""
    ax.set_title("Two real testers, one real stall")
    _frame(ax, 300)
    _theory_curves(ax, run.theory, 300)
    for tester in TESTERS:
        color, line, marker = _LOOKS[tester]
        samples = run.simulated_s[tester]
        n = np.geomspace(1.6, min(300, len(samples)), 70)
        _curve(ax, n, samples, color=color, linestyle=line, linewidth=2.2)
        _curve(ax, np.geomspace(2, 200, 9), run.responses_s[tester], color=color, marker=marker,
               markersize=6, linestyle="none", markeredgecolor="white", zorder=5)  # fmt: skip
    marks = {"open": "● ", "closed": "■ ", "corrected": "▲ "}
    last = "– –  theory; lines: simulation; marks: measured"
    _label(ax, run.simulated_s, 60.0, marks, last)
