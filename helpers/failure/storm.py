"""A system that stays down: a spike, then a load it could bear, and still nobody gets an answer.

One server with one line, and clients who wait a while, give up and ask again. The server does not
know who has given up. Where that stops being true: servers that lose the connection of a client
who leaves may stop working for it; real spikes do not end at a stroke; and to refuse a request, or
to throw it away, takes real servers a little time, which here it does not.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.failure.remedies import Breaker, Budget, Quota, full_jitter, longest_pause
from helpers.failure.storm_chain import SPIKE_OF_RUN, WAYS, run_chains
from helpers.failure.storm_fast import play
from helpers.failure.storm_tally import REASONS, Tally, answered
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, named_axis, spans, yours
from helpers.foundations.drawing.scales import coarse, headroom
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
    seed,
    takes,
)
from helpers.foundations.prose import duration, finite_or, percent, rounded, significant
from helpers.foundations.servers.lateness import no_verdict

#: What is done about it: nothing, four ways by clients, and the others by the server.
REMEDIES = (
    "none",
    "backoff with full jitter",
    "retry budget",
    "retry quota",
    "circuit breaker",
    "deadline",
    "newest first",
    "short line",
)

#: When the spike begins, seconds; and the share of a second's requests that must be answered.
SPIKE_AT_S, WELL = 10.0, 0.9

_COLOURS = {
    "answered": style.PALE_BLUE,
    "timed out": style.PALE_RED,
    "refused": style.YELLOW,
    "shed": style.PURPLE,
}
_DEEP_RED = "#b04a10"  # text about what is drawn in PALE_RED
_STATES = {"open": style.VERMILION, "half-open": style.ORANGE}


class Setting(Parameters):
    """A server, its clients, a spike, and a remedy."""

    load_rps: float = number(35.0, "Load before and after", unit="requests/s", above=0)
    spike: float = number(3.0, "Spike", unit="× load", at_least=1)
    spike_s: float = number(5.0, "Spike lasts", unit="s", at_least=0)
    attempts: int = integer(3, "Attempts of a request", at_least=1, at_most=6)
    remedy: str = option("none", "Remedy", of=REMEDIES)
    capacity_rps: float = number(50.0, "The server can do", unit="requests/s", above=0)
    timeout_s: float = number(1.0, "A client waits", unit="s", above=0)
    budget: float = number(0.1, "Retries, share of requests", at_least=0, at_most=1)
    tokens: int = integer(500, "Tokens for retries", at_least=0, at_most=100_000)
    retry_tokens: int = integer(14, "A retry costs", unit="tokens", at_least=1)
    base_s: float = number(0.5, "First pause, at most", unit="s", above=0)
    cap_s: float = number(20.0, "Longest pause", unit="s", above=0)
    breaker_calls: int = integer(20, "Calls the breaker looks at", at_least=1)
    breaker_share: float = number(0.5, "It opens at failures of", above=0, at_most=1)
    open_s: float = number(5.0, "It stays open for", unit="s", above=0)
    probes: int = integer(1, "Probes when half-open", at_least=1)
    room: int = integer(25, "Room in a short line", at_least=1)
    run_s: float = number(60.0, "Watched for", unit="s", above=0)
    seed: int = seed()

    @property
    def calm_s(self) -> float:
        """When the spike is over, seconds."""
        return SPIKE_AT_S + self.spike_s

    @property
    def end_s(self) -> float:
        """When the last request that is watched is decided, seconds."""
        pauses = sum(longest_pause(n, self.base_s, self.cap_s) for n in range(1, self.attempts))
        return self.run_s + self.attempts * self.timeout_s + pauses

    def rate_rps(self, now: float) -> float:
        """Requests per second at an instant."""
        return self.load_rps * (self.spike if SPIKE_AT_S <= now < self.calm_s else 1.0)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def server(at, world, line, waiting, tally):
    """Take the next from the line, work for it, and answer, whether or not anybody still waits."""
    while True:
        yield waiting.get(1)
        sent_at, answer = line.pop() if at.remedy == "newest first" else line.popleft()
        done_at = world.now + 1 / at.capacity_rps
        if at.remedy == "deadline" and done_at > sent_at + at.timeout_s:
            continue  # its client would be gone
        yield world.timeout(1 / at.capacity_rps)
        tally.works(world.now, sent_at)
        answer.succeed()


def request(at, draw, world, line, waiting, tally):
    """Ask; whoever gets no answer in time asks again, as far as attempts and remedy allow."""
    came, outcome = world.now, "timed out"
    tally.budget.earns()
    for attempt in range(at.attempts):
        if attempt and at.remedy == "retry budget" and not tally.budget.pays():
            break
        if attempt and at.remedy == "retry quota" and not tally.quota.pays():
            break
        if attempt and at.remedy == "backoff with full jitter":
            yield world.timeout(full_jitter(attempt, at.base_s, at.cap_s, draw("jitter")))
        sent_at = world.now
        if at.remedy == "circuit breaker" and not tally.breaker.lets(sent_at):
            outcome = "refused"
            break
        tally.sends(sent_at, attempt)
        if at.remedy == "short line" and len(line) >= at.room:
            outcome = "shed"
            continue
        answer = world.event()
        line.append((sent_at, answer))
        waiting.put(1)
        heard = yield answer | world.timeout(at.timeout_s)
        outcome = "answered" if answer in heard else "timed out"
        tally.breaker.hears(world.now, sent_at, outcome == "answered")
        if outcome == "answered":
            tally.quota.hears(attempt)
            break
    tally.ends(came, outcome)


def one_storm(at, draw):
    """Send traffic at the server, a spike in its midst, and count by the second."""
    world, line, tally = simpy.Environment(), deque(), Tally(at)
    tally.budget, tally.quota = Budget(at.budget), Quota(at.tokens, at.retry_tokens)
    tally.breaker = Breaker(at.breaker_calls, at.breaker_share, at.open_s, at.probes)
    waiting = simpy.Container(world)  # as many as stand in line

    def traffic():
        while world.now < at.run_s:
            yield world.timeout(draw("arrivals").exponential(1 / at.rate_rps(world.now)))
            world.process(request(at, draw, world, line, waiting, tally))

    world.process(server(at, world, line, waiting, tally))
    world.process(traffic())
    world.run(until=at.end_s)
    return tally.numbers()


# --- the same, fast -------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Storm:
    """Let one spike hit the server, on the model's own draws."""
    tally = Tally(at)
    play(at, Draws(at.seed), tally)
    return Storm(
        at,
        ends={reason: tally.per_second(times) for reason, times in tally.came.items()},
        attempts_rps=tally.per_second([now for now, _ in tally.sent]),
        useful_rps=tally.per_second(tally.finished(late=False)),
        late_rps=tally.per_second(tally.finished(late=True)),
        states=tuple(tally.breaker.states),
    )


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow every attempt: into the line, to the server, and to a client who waits or has gone."""
    tally = Tally(at)
    play(at, Draws(at.seed), tally)
    times, tries = map(np.array, zip(*tally.sent, strict=True))
    number = {sent_at: i for i, sent_at in enumerate(times.tolist())}
    begun, done = np.full((2, times.size), np.nan)
    for now, sent_at in tally.done:
        begun[number[sent_at]] = max(now - 1 / at.capacity_rps, sent_at)
        done[number[sent_at]] = now
    log = Log(f"The spike is over after {duration(at.calm_s)}", noun="attempt")
    log.place("clients", "source").place("line", "queue").place("server", "servers")
    log.place("in time", "sink").place("for nobody", "sink", at=(3, 1))
    log.kind("first attempt", "blue").kind("retry", "vermilion")
    served = np.flatnonzero(np.isfinite(done))
    kinds = np.where(tries > 0, "retry", "first attempt").tolist()
    log.serves("line", "server", times[served], begun[served], done[served],
               tokens=served.tolist(), kind=[kinds[i] for i in served],
               start="clients")  # fmt: skip
    for i, (sent_at, end) in enumerate(zip(times.tolist(), done.tolist(), strict=True)):
        if end <= sent_at + at.timeout_s:
            log.moves(end, i, "in time", "is answered in time")
        elif math.isfinite(end):
            log.moves(end, i, "for nobody", "is answered", "its client had given up")
        elif at.remedy == "short line":
            log.fails(sent_at, i, "the line is full", "is turned away", place="line",
                      start="clients", kind=kinds[i])  # fmt: skip
        else:
            log.moves(sent_at, i, "line", kind=kinds[i], start="clients")
            if at.remedy == "deadline":
                log.fails(sent_at + at.timeout_s, i, "its client had given up", "is thrown away")
    for since, state in tally.breaker.states[1:]:
        log.marks(since, "clients", f"breaker {state}", bad=state == "open")
    log.counts("line", "waiting in line")
    log.rates("in time", 2.0, "answered in time", level=at.load_rps,
              level_words="offered load")  # fmt: skip
    return log.between(0.0, at.run_s)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Whether a state without answers keeps itself up.

    Attributes
    ----------
    dead_rps : float
        Attempts per second that the server gets while no client is answered in time; not a number
        where the remedy lets no such state last, whatever the load.
    lasts : bool
        Whether they are more than the server can do, so that its line never gets shorter.
    back_s : float
        When answers are in time again, if retries are few enough; not a number for the others.
    """

    dead_rps: float
    lasts: bool
    back_s: float


def theory(at: Setting) -> Theory:
    """Compare what a dead system is asked with what it can do.

    Bronson, Aghayev, Charapko and Zhu, "Metastable Failures in Distributed Systems", HotOS 2021:
    a load is vulnerable if the server can bear it, but not with the retries that come once every
    request fails. A budget lets in ``1 + share`` attempts a request instead of all of them; a quota
    lets in so many retries in all, and then none. Then a line of B requests, as a fluid, is short
    enough again after ``(B - capacity x patience) / (capacity - attempts)`` seconds.
    """
    by_remedy = {
        "none": float(at.attempts),
        "backoff with full jitter": float(at.attempts),
        "retry budget": min(1 + at.budget, at.attempts),
        "retry quota": 1.0,  # once the tokens are gone
    }
    each = by_remedy.get(at.remedy, math.nan)
    dead_rps = each * at.load_rps
    lasts = dead_rps > at.capacity_rps
    if lasts or not each < 2 or at.remedy.startswith("backoff"):
        return Theory(dead_rps, lasts, math.nan)
    line = (dead_rps * at.spike - at.capacity_rps) * at.spike_s
    too_many = line - at.capacity_rps * at.timeout_s
    if too_many <= 0 or dead_rps == at.capacity_rps:
        return Theory(dead_rps, lasts, math.nan)
    if at.remedy == "retry quota" and at.attempts > 1:
        if at.attempts * at.load_rps <= at.capacity_rps:  # it drains before they are gone
            return Theory(dead_rps, lasts, math.nan)
        too_many += at.tokens // at.retry_tokens
    return Theory(dead_rps, lasts, at.calm_s + too_many / (at.capacity_rps - dead_rps))


# --- what it says ---------------------------------------------------------------------------------


class Storm(Result):
    """What users got and what the server did, second by second; arrays of shape (seconds,).

    Attributes
    ----------
    ends : dict of str to numpy.ndarray
        For each of `storm_tally.REASONS`, requests that came in a second and ended so.
    attempts_rps : numpy.ndarray
        Attempts that reached the server.
    useful_rps, late_rps : numpy.ndarray
        Answers of the server in time, and those that nobody waited for any more.
    states : tuple of (float, str)
        Since when the breaker was in which state; always closed where there is none.
    """

    at: Setting
    ends: dict[str, np.ndarray]
    attempts_rps: np.ndarray
    useful_rps: np.ndarray
    late_rps: np.ndarray
    states: tuple[tuple[float, str], ...]

    @property
    def time_s(self) -> np.ndarray:
        """Middle of each second."""
        return np.arange(self.attempts_rps.size) + 0.5

    @property
    def goodput_rps(self) -> np.ndarray:
        """Requests of each second that were answered."""
        return self.ends["answered"]

    @property
    def at_end(self) -> float:
        """Share of the last ten seconds' requests that were answered."""
        return answered(self.ends, slice(-10, None))

    @property
    def bad(self) -> np.ndarray:
        """Seconds in which fewer than nine requests of ten were answered."""
        asked = sum(self.ends.values())
        return np.flatnonzero(self.goodput_rps < WELL * asked)

    @property
    def back_s(self) -> float:
        """When the last bad second was over; not a number if there was none."""
        return float(self.bad[-1] + 1) if self.bad.size else math.nan

    @property
    def recovered(self) -> bool:
        """Whether the last ten seconds were good."""
        return self.at_end >= WELL

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "answered_at_end_percent": rounded(100 * self.at_end),
            "attempts_at_end_rps": rounded(self.attempts_rps[-10:].mean()),
            "late_at_end_rps": rounded(self.late_rps[-10:].mean()),
            "attempts_if_dead_theory_rps": finite_or(exact.dead_rps, "no such state lasts"),
            "last_bad_second_over_s": finite_or(self.back_s, "none was bad"),
            "theory_s": finite_or(exact.back_s, "no formula"),
        } | {f"{reason.replace(' ', '_')}": int(times.sum()) for reason, times in self.ends.items()}

    @property
    def reading(self) -> str:
        at = self.at
        begins = (
            f"After the spike the load is {significant(at.load_rps)} requests/s again, "
            f"{percent(at.load_rps / at.capacity_rps)} of what the server can do; "
        )
        if not self.recovered:
            return (
                f"{begins}in the last ten seconds it gets "
                f"{significant(self.attempts_rps[-10:].mean())} attempts/s, and "
                f"{percent(self.at_end)} of the requests are answered. {self._why}"
            )
        if not self.bad.size:
            return f"{begins}no second went by in which fewer than 90 % were answered. {self._why}"
        since = self.back_s - at.calm_s
        when = (
            f"the last second in which fewer than 90 % were answered ends {duration(since)} after "
            "the spike"
            if since > 0
            else "fewer than 90 % were answered only while the spike lasted"
        )
        return f"{begins}{when}. {self._why}"

    @property
    def _why(self) -> str:
        at, exact = self.at, theory(self.at)
        if math.isnan(exact.dead_rps):
            return "With this remedy no state without answers can last."
        dead = f"{significant(exact.dead_rps)} attempts/s"
        can = f"it can do {significant(at.capacity_rps)}"
        if at.remedy == "retry quota" and not exact.lasts:
            return (
                f"Once the tokens are gone, a server that answers nobody in time gets {dead}, and "
                f"{can}: its line drains."
            )
        if exact.lasts:
            return (
                f"If it answered nobody in time, it would get {dead}, and {can}: it would stay so."
            )
        return (
            f"Even if it answered nobody in time, it would get {dead}, and {can}: its line drains."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "second": np.arange(self.attempts_rps.size),
            **{f"{reason} (per s)": times for reason, times in self.ends.items()},
            "attempts (per s)": self.attempts_rps,
            "work in time (per s)": self.useful_rps,
            "work for nobody (per s)": self.late_rps,
        }


@style.panels(2)
def plot(run: Storm, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw how the requests of each second ended, and what the server was asked and did."""
    users, work = axes
    at, time = run.at, run.time_s
    below = np.zeros(time.size)
    for reason in REASONS:
        above = below + run.ends[reason]
        if run.ends[reason].any():
            users.fill_between(time, below, above, color=_COLOURS[reason], linewidth=0)
        below = above
    users.plot(time, run.goodput_rps, **style.SIMULATION)
    exact = theory(at)
    if math.isfinite(exact.back_s) and exact.back_s < at.run_s:
        users.axvline(exact.back_s, **style.THEORY)
    top = coarse(1.3 * at.load_rps * at.spike)
    users.set_ylim(0, top)
    users.set_title("Goodput, and how the others end")
    users.set_ylabel("requests that come in a second")
    inks = {"timed out": _DEEP_RED, "refused": style.ORANGE_INK, "shed": style.PURPLE}
    entries: list[Any] = [("▬", "answered (line: goodput)", style.BLUE)]
    entries += [
        ("■", word, ink, _COLOURS[word]) for word, ink in inks.items() if run.ends[word].any()
    ]
    entries.append(("┊", "the spike is over", style.MUTED))
    for state, ink in (("open", _DEEP_RED), ("half-open", style.ORANGE_INK)):
        if any(state == one and since < at.run_s for since, one in run.states):
            entries.append(("■", f"breaker {state} (top)", ink, _STATES[state]))
    key(users, entries, y=0.93)  # below what the breaker does

    work.fill_between(time, 0, run.useful_rps, color=style.PALE_BLUE, linewidth=0)
    work.fill_between(
        time, run.useful_rps, run.useful_rps + run.late_rps, color=style.PALE_RED, linewidth=0
    )
    work.plot(time, run.attempts_rps, **style.SIMULATION)
    work.axhline(at.capacity_rps, color=style.MUTED, linewidth=1)
    if math.isfinite(exact.dead_rps):
        work.axhline(exact.dead_rps, **style.THEORY)
    reach = max(run.attempts_rps.max(), at.attempts * at.load_rps, at.capacity_rps)
    work.set_ylim(0, headroom(reach))
    work.set_title("What the server is asked, and does")
    work.set_ylabel("per second")
    entries = [("▬", "attempts", style.BLUE), ("▬", "the server can do", style.MUTED)]
    if math.isfinite(exact.dead_rps):
        entries.append(("╌", "attempts, if nobody is answered", style.INK))
    entries += [
        ("■", "work in time", style.SKY_INK, style.PALE_BLUE),
        ("■", "work for nobody", _DEEP_RED, style.PALE_RED),
    ]
    key(work, entries)
    for ax in axes:
        ax.set_xlim(0, at.run_s)
        ax.set_xlabel("time (s)")
        ax.axvline(at.calm_s, color=style.MUTED, linewidth=1, linestyle=":")
    _plot_states(run, users)
    if mine is not None:
        some = slice(1, None, 3)
        yours(users, time[some], mine["answered_rps"][some])
        yours(work, time[some], mine["attempts_rps"][some])


def _plot_states(run: Storm, ax: Axes) -> None:
    """Colour the top of the panel while the breaker is not closed."""
    ends = [since for since, _ in run.states[1:]] + [run.at.run_s]
    for (since, state), end in zip(run.states, ends, strict=True):
        if state in _STATES and since < run.at.run_s:
            # A half-open breaker hears of its probe at once, or after a time-out: show it at all.
            ax.axvspan(since, max(end, since + 0.4), 0.96, 1, color=_STATES[state], linewidth=0)


# --- the same on a real chain ---------------------------------------------------------------------


class Trial(Parameters):
    """Clients, a front that asks again, and a server behind it, on the loopback interface.

    Two chains run side by side on equal traffic, one of them with a breaker in its front; about
    three seconds.
    """

    load_rps: float = number(60.0, "Load before and after", unit="requests/s", above=0)
    spike: float = number(4.0, "Spike", unit="× load", at_least=1)
    spike_s: float = number(0.4, "Spike lasts", unit="s", at_least=0)
    attempts: int = integer(3, "Attempts of a request", at_least=1, at_most=6)
    service_ms: float = number(10.0, "The server needs", unit="ms", at_least=2)
    timeout_s: float = number(0.2, "The front waits", unit="s", above=0)
    open_s: float = number(0.5, "The breaker stays open for", unit="s", above=0)
    run_s: float = number(2.6, "Time of a run", unit="s", at_least=2, at_most=20)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredStorm:
    """Melt a chain of real sockets, and bring an equal one back with a breaker.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    ends, reached, late_s = run_chains(at, Draws(at.seed))
    return MeasuredStorm(at, ends=ends, reached=reached, late_s=late_s)


class MeasuredStorm(Measured):
    """What clients of two real chains got.

    Attributes
    ----------
    ends : dict of str to tuple of numpy.ndarray
        For each of `storm_chain.WAYS`, when requests were sent that were answered, and that were
        not; seconds.
    reached : dict of str to int
        Attempts that reached the server in the last second.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    ends: dict[str, tuple[np.ndarray, np.ndarray]]
    reached: dict[str, int]
    late_s: float

    def at_end(self, way: str) -> float:
        """Share of the last second's requests that were answered."""
        well, ill = (int((times > self.at.run_s - 1).sum()) for times in self.ends[way])
        return well / max(1, well + ill)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for way in WAYS:
            values[f"answered_at_end_percent, {way}"] = rounded(100 * self.at_end(way))
            values[f"attempts_in_the_last_second, {way}"] = self.reached[way]
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.at.timeout_s):
            return busy
        bare, guarded = (self.at_end(way) for way in WAYS)
        first = (
            f"Verdict: in the last second, long after the spike, {percent(bare)} of the requests "
            f"are answered without a breaker and {percent(guarded)} with one"
        )
        if bare < 0.5 and guarded > WELL:
            return f"{first}: the bare chain has melted, and the breaker has brought its own back."
        return f"{first}: this time the two do not part as the simulation says."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "chain": WAYS,
            "answered": [self.ends[way][0].size for way in WAYS],
            "not answered": [self.ends[way][1].size for way in WAYS],
            "answered in the last second": [self.at_end(way) for way in WAYS],
            "attempts in the last second": [self.reached[way] for way in WAYS],
        }


def plot_measured(run: MeasuredStorm, ax: Axes) -> None:
    """Draw every request of both chains: a line where it was answered, a pale one where not."""
    named_axis(ax, "y", ["no breaker", "breaker"])
    ax.set_ylim(1.6, -1.2)
    for row, way in enumerate(WAYS):
        well, ill = run.ends[way]
        spans(ax, ill, row - 0.3, row + 0.3, color=style.PALE_RED, linewidth=0.8, gid=f"ill {way}")
        spans(ax, well, row - 0.3, row + 0.3, color=style.BLUE, linewidth=0.8, gid=f"well {way}")
    begin = SPIKE_OF_RUN * run.at.run_s
    ax.axvline(begin, color=style.MUTED, linewidth=1, linestyle=":")
    ax.axvline(begin + run.at.spike_s, color=style.MUTED, linewidth=1, linestyle=":")
    ax.set_xlim(0, run.at.run_s)
    key(ax, [("▮", "answered", style.BLUE), ("▮", "not answered", _DEEP_RED),
             ("┊", "the spike", style.MUTED)])  # fmt: skip
    ax.set_title("Real requests, one line each")
    ax.set_xlabel("sent at (s)")
