"""One server, one stall, and two load testers that disagree about it.

Both mean to send a hundred requests a second. The open tester sends at Poisson times whatever
happens; the closed one shares the rate among its connections, and a connection that waits for an
answer sends nothing, just when there is something to see. Where that stops being true: a closed
tester with thousands of connections is nearly an open one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.estimation.fluid_stall import FluidStall
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
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, note, time_axis, yours
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration
from helpers.foundations.statistics import Interval, mean_interval
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


def theory(at: Setting) -> FluidStall:
    """What the testers report at a setting."""
    return FluidStall(RATE_RPS, at.utilisation / RATE_RPS, at.stall_s, RUN_S, at.connections)


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


#: Colour, line and marker of each tester.
LOOKS = {
    "open": (style.BLUE, "-", "o"),
    "closed": (style.VERMILION, (0, (6, 2)), "s"),
    "corrected": (style.PURPLE, (0, (1, 1.2)), "^"),
}
_LABELS = {"open": "open tester", "closed": "closed tester", "corrected": "closed, corrected"}


def plot(run: LoadTest, ax: Axes, mine: Mine | None = None) -> None:
    """Draw response time against "one request in so many is slower", for each tester."""
    ax.set_title("One stall, three opinions of it")
    frame(ax, 3_000)
    theory_curves(ax, theory(run.at), 3_000)
    for tester, samples in run.responses_s.items():
        color, line, _ = LOOKS[tester]
        n = np.geomspace(1.6, min(3_000, len(samples)), 70)
        curve(ax, n, samples, color=color, linestyle=line, linewidth=2.2, label=tester)
    marks = {"open": "—— ", "closed": "– – ", "corrected": "···· "}
    label(ax, run.responses_s, 30.0, marks, "– –  theory, each")
    if mine is not None:
        yours(ax, 100, [mine["open_p99_s"], mine["closed_p99_s"]])


def frame(ax: Axes, most: int) -> None:
    """Set the axes: from one request in two to one in `most`."""
    ticks = [n for n in (2, 10, 100, 1_000) if n <= most]
    log_axis(ax, "x", 1.6, most, ticks=ticks, text=lambda n: f"1 in {n:,.0f}")
    time_axis(ax, "y", 5e-4, 10)
    ax.set_xlabel("requests that are slower")
    ax.set_ylabel("response time")
    ax.axvline(100, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.text(103, 6e-4, "p99", color=style.MUTED, fontsize=9)


def theory_curves(ax: Axes, exact: FluidStall, most: int) -> None:
    """Draw what the fluid model says of each tester."""
    delays = exact.service_s + exact.stall_s * np.linspace(0, 1, 120)[:-1]
    for tester in TESTERS:
        share = exact.slower(tester, delays)
        kept = share > 1 / most / 2
        times = np.concatenate([[exact.service_s], delays[kept]])
        ax.plot(np.concatenate([[1.0], 1 / share[kept]]), times, **style.THEORY)


def label(
    ax: Axes, samples: Mapping[str, np.ndarray], n: float, marks: Mapping[str, str], last: str
) -> None:
    """Name the curves in a corner, in the order in which they lie at one in n."""
    places = sorted(
        ((_quantiles(samples[tester], np.array([n]))[0], tester) for tester in TESTERS),
        reverse=True,
    )
    y = 0.95
    for _, tester in places:
        note(ax, 0.02, y, marks[tester] + _LABELS[tester], LOOKS[tester][0])
        y -= 0.075
    note(ax, 0.02, y, last, style.INK)


def curve(ax: Axes, n: np.ndarray, samples: np.ndarray, **look: Any) -> None:
    """Draw the times that one sample in n exceeds; `samples` ascend."""
    ax.plot(n, _quantiles(samples, n), **look)


def _quantiles(ascending: np.ndarray, n: np.ndarray) -> np.ndarray:
    ranks = np.ceil((1 - 1 / n) * len(ascending) * (1 - 1e-12)).astype(int) - 1
    return ascending[np.maximum(ranks, 0)]
