"""How many replicas to wait for: latency against the chance that a read misses the last write.

A coordinator sends a write to all N replicas and confirms it after W acknowledgements; it sends a
read to all N and answers with the newest of the first R. A read is stale if none of these R had the
write yet. Where that stops being true: the delays are independent of one another and of the load,
nothing fails, no replica repairs another, and all delays are twelve years old.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, here, key, log_axis, note, plain, yours
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded, significant
from helpers.foundations.statistics import (
    Interval,
    fewer_than,
    quantile_interval,
    wilson_interval,
)
from helpers.tradeoffs.round_trips import round_trip
from helpers.tradeoffs.wars import FAR_MS, FITS, Delay, delay_of, delays

#: Writes, each with one read, in the simulation.
TRIALS = 50_000

#: The same in one run of the model.
RACES = 200

#: What once in a thousand is called here.
RARE = 1e-3

#: Where the curves are drawn, ms: latencies, and the time from confirmation to read.
LATENCY_MS = np.geomspace(0.2, 5_000, 90)
SINCE_MS = np.geomspace(0.1, 3_000, 90)


class Setting(Parameters):
    """Replicas, how many of them are waited for, and how long messages take."""

    fit: str = option("LNKD-DISK", "Delays", of=FITS)
    replicas: int = integer(3, "Replicas N", at_least=1, at_most=5)
    read_quorum: int = integer(1, "A read waits for R", at_least=1, at_most=5)
    write_quorum: int = integer(1, "A write waits for W", at_least=1, at_most=5)
    after_ms: float = number(1.0, "The read comes after", unit="ms", at_least=0)
    seed: int = seed()

    @property
    def n(self) -> int:
        """Replicas."""
        return self.replicas

    @property
    def r(self) -> int:
        """Answers that a read waits for: no more than there are replicas."""
        return min(self.read_quorum, self.replicas)

    @property
    def w(self) -> int:
        """Acknowledgements that a write waits for: no more than there are replicas."""
        return min(self.write_quorum, self.replicas)

    @property
    def strict(self) -> bool:
        """Whether every R replicas and every W share one."""
        return self.r + self.w > self.n


# --- the model: what the page shows, and a learner changes ----------------------------------------


def race(at, draw):
    """Write, wait for W; a while later read, wait for R: did the read see the write?"""
    stale, write_ms, read_ms = 0, [], []
    for _ in range(RACES):
        took = delays(at.fit, at.n, draw)  # ms; took["W"][0] is the write's way to replica 0
        each = range(at.n)
        arrives = took["W"]
        acknowledged = sorted(arrives[i] + took["A"][i] for i in each)
        confirmed = acknowledged[at.w - 1]
        asked = confirmed + at.after_ms
        answered = sorted(each, key=lambda i: took["R"][i] + took["S"][i])[: at.r]
        fresh = [asked + took["R"][i] >= arrives[i] for i in answered]
        stale += not any(fresh)
        write_ms.append(confirmed)
        read_ms.append(max(took["R"][i] + took["S"][i] for i in answered))
    return {
        "stale": stale / RACES,
        "write_ms": np.median(write_ms),
        "read_ms": np.median(read_ms),
    }


# --- the same, fast -------------------------------------------------------------------------------


class _Took(NamedTuple):
    """Delays of all trials, shape (trials, replicas), the replicas in the order of their answers.

    Attributes
    ----------
    acknowledged_ms : numpy.ndarray
        Round trips of the writes, shortest first.
    behind_ms : numpy.ndarray
        By how much a write arrives later than a read that set out with it; in order of answers.
    answered_ms : numpy.ndarray
        Round trips of the reads, shortest first.
    """

    acknowledged_ms: np.ndarray
    behind_ms: np.ndarray
    answered_ms: np.ndarray


@lru_cache(maxsize=2)
def _luck(n: int, seed: int) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Draw, for each message, uniform and exponential numbers: the same ones for all delays."""
    draw, luck = Draws(seed), {}
    for message in "WARS":
        which, where = draw(message).random((2, TRIALS, n), dtype=np.float32)
        luck[message] = which, -np.log(1 - where)
    return luck


@lru_cache(maxsize=12)
def _took(fit: str, n: int, seed: int) -> _Took:
    draw, luck = Draws(seed), _luck(n, seed)
    ms = {message: delay_of(fit, message).after(*luck[message]) for message in "WARS"}
    if fit == "WAN":
        for messages in ("WA", "RS"):
            near = draw("centres").integers(0, n, (TRIALS, 1))
            for message in messages:
                ms[message] += FAR_MS * (np.arange(n) != near)
    answers = ms["R"] + ms["S"]
    order = answers.argsort(axis=1)
    return _Took(
        np.sort(ms["W"] + ms["A"], axis=1),
        np.take_along_axis(ms["W"] - ms["R"], order, 1),
        np.take_along_axis(answers, order, 1),
    )


@takes(Setting)
def simulate(at: Setting) -> Quorum:
    """Race 50,000 writes with as many reads."""
    took = _took(at.fit, at.n, at.seed)
    write_ms, read_ms = took.acknowledged_ms[:, at.w - 1], took.answered_ms[:, at.r - 1]
    # A read that sets out later than this after the confirmation sees the write.
    needs_ms = np.sort(took.behind_ms[:, : at.r].min(axis=1) - write_ms)
    later = needs_ms.size - np.searchsorted(needs_ms, [0.0, at.after_ms, *SINCE_MS], side="right")
    return Quorum(
        at,
        read_ms=quantile_interval(read_ms, 1 - RARE),
        write_ms=quantile_interval(write_ms, 1 - RARE),
        median_ms=(float(np.median(read_ms)), float(np.median(write_ms))),
        mean_ms=(float(read_ms.mean()), float(write_ms.mean())),
        read_slower=_beyond(read_ms, LATENCY_MS),
        write_slower=_beyond(write_ms, LATENCY_MS),
        stale=later[2:] / TRIALS,
        stale_at_once=wilson_interval(int(later[0]), TRIALS),
        stale_then=wilson_interval(int(later[1]), TRIALS),
        visible_ms=max(0.0, float(needs_ms[-1 - round(RARE * TRIALS)])),
    )


def _beyond(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    return 1 - np.searchsorted(np.sort(samples), places, side="right") / samples.size


# --- one race, message by message -----------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the messages of one write and one read: of 200 races, the shortest stale one."""
    draw = Draws(at.seed)
    races = [delays(at.fit, at.n, draw) for _ in range(200)]
    ends = [_replies(at, took) for took in races]
    chosen = min(range(200), key=lambda i: (not ends[i][2], max(map(max, races[i].values()))))
    took, (confirmed, order, stale) = races[chosen], ends[chosen]
    asked = confirmed + at.after_ms
    has = [asked + r >= w for r, w in zip(took["R"], took["W"], strict=True)]
    log = Log(f"A read {significant(at.after_ms)} ms after its write", noun="message")
    log.place("coordinator", "source", at=(0, (at.n - 1) / 2)).place(
        "client", "sink", at=(0, at.n), words="is told"
    )
    log.kind("old value", "orange").kind("new value", "blue")
    for i in range(at.n):
        log.place(f"replica {i + 1}", "store", at=(2, i), words="arrives")
    for i, (w, a, r, s) in enumerate(zip(*(took[m] for m in "WARS"), strict=True)):
        place, n = f"replica {i + 1}", i + 1
        log.sends(0, f"write {n}", place, w / 1e3, "sets out", kind="new value",
                  start="coordinator")  # fmt: skip
        log.sends(w / 1e3, f"write {n}", "client" if w + a <= confirmed else "coordinator",
                  a / 1e3, "is stored and acknowledged")  # fmt: skip
        log.sends(asked / 1e3, f"read {n}", place, r / 1e3, "sets out", kind="old value",
                  start="coordinator")  # fmt: skip
        kind = "new value" if has[i] else "old value"
        counts = i in order
        log.sends((asked + r) / 1e3, f"read {n}", "client" if counts else "coordinator",
                  s / 1e3, f"finds the {kind}", kind=kind)  # fmt: skip
    answer = asked + max(took["R"][i] + took["S"][i] for i in order)
    log.marks(confirmed / 1e3, "client", "confirmed")
    log.marks(answer / 1e3, "client", "old value" if stale else "new value", bad=stale)
    trips = [*(w + a for w, a in zip(took["W"], took["A"], strict=True)),
             *(asked + r + s for r, s in zip(took["R"], took["S"], strict=True))]  # fmt: skip
    log.marks(1.25 * max(trips) / 1e3, "coordinator", "")  # room for the last words
    return log


def _replies(at: Setting, took: Mapping[str, list[float]]) -> tuple[float, list[int], bool]:
    """When the write is confirmed, who answers the read, and whether it is stale."""
    confirmed = sorted(w + a for w, a in zip(took["W"], took["A"], strict=True))[at.w - 1]
    order = sorted(range(at.n), key=lambda i: took["R"][i] + took["S"][i])[: at.r]
    asked = confirmed + at.after_ms
    return confirmed, order, all(asked + took["R"][i] < took["W"][i] for i in order)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Shares of reads and of writes that take longer than `LATENCY_MS`."""

    read_slower: np.ndarray
    write_slower: np.ndarray


@lru_cache(maxsize=64)
def theory(at: Setting) -> Theory:
    """Return the latencies exactly: a round trip's distribution, and the k-th of N.

    Fewer than k of N independent round trips are over by x with a Poisson binomial probability;
    David and Nagaraja, *Order Statistics*, 3rd ed. 2003, section 5.2. How stale reads are has no
    such formula: the write and the read race on the same links.
    """
    far = at.n - 1 if at.fit == "WAN" else 0

    def slower(go: str, back: str, quorum: int) -> np.ndarray:
        trips = (delay_of(at.fit, go), delay_of(at.fit, back))
        shares = [_over(*trips, 0.0)] * (at.n - far)
        if far:
            shares += [_over(*trips, 2 * FAR_MS)] * far
        return fewer_than(quorum, shares)

    return Theory(slower("R", "S", at.r), slower("W", "A", at.w))


@lru_cache(maxsize=16)
def _over(go: Delay, back: Delay, more_ms: float) -> np.ndarray:
    """Probability that a round trip that takes so much more is over, at `LATENCY_MS`."""
    return round_trip(go, back, LATENCY_MS - more_ms)


# --- what it says ---------------------------------------------------------------------------------


class Quorum(Result):
    """What waiting costs, and what not waiting does.

    Attributes
    ----------
    read_ms, write_ms : Interval
        The 99.9th percentiles of the latencies.
    median_ms, mean_ms : tuple of float
        Of both.
    read_slower, write_slower : numpy.ndarray
        Shares that take longer than `LATENCY_MS`.
    stale : numpy.ndarray
        Shares of reads that are stale, `SINCE_MS` after the confirmation.
    stale_at_once, stale_then : Interval
        The same right after the confirmation, and `after_ms` after it.
    visible_ms : float
        From when on fewer than one read in a thousand is stale.
    """

    at: Setting
    read_ms: Interval
    write_ms: Interval
    median_ms: tuple[float, float]
    mean_ms: tuple[float, float]
    read_slower: np.ndarray
    write_slower: np.ndarray
    stale: np.ndarray
    stale_at_once: Interval
    stale_then: Interval
    visible_ms: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "read_p50_ms": rounded(self.median_ms[0]),
            "write_p50_ms": rounded(self.median_ms[1]),
            "read_p999_ms": rounded(self.read_ms.estimate),
            "write_p999_ms": rounded(self.write_ms.estimate),
            "stale_at_once_percent": rounded(100 * self.stale_at_once.estimate),
            "stale_then_percent": rounded(100 * self.stale_then.estimate),
            "visible_ms": rounded(self.visible_ms),
        }

    @property
    def reading(self) -> str:
        at = self.at
        said = (
            f"One read in a thousand takes longer than {significant(self.read_ms.estimate)} ms, "
            f"and one write longer than {significant(self.write_ms.estimate)} ms. "
        )
        if at.strict:
            return (
                f"{said}R + W = {at.r} + {at.w} is more than N = {at.n}: whichever replicas "
                "answer, one of them has the write, and no read is stale."
            )
        at_once = percent(self.stale_at_once.estimate)
        if not self.visible_ms:
            return f"{said}Right after a confirmed write {at_once} of the reads are stale."
        return (
            f"{said}Right after a confirmed write {at_once} of the reads are stale, "
            f"{significant(at.after_ms)} ms later {percent(self.stale_then.estimate)}; one in a "
            f"thousand still is after {significant(self.visible_ms)} ms."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        which = slice(None, None, 6)
        exact = theory(self.at)
        return {
            "ms": LATENCY_MS[which],
            "reads slower": self.read_slower[which],
            "theory": exact.read_slower[which],
            "writes slower": self.write_slower[which],
            "theory, writes": exact.write_slower[which],
            "stale after as long": np.interp(LATENCY_MS[which], SINCE_MS, self.stale),
        }


@style.panels(2)
def plot(run: Quorum, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw how long both take, and how stale reads are."""
    latency, stale = axes
    at, exact = run.at, theory(run.at)
    for ax, low, high in ((latency, 0.2, 5_000), (stale, 0.1, 3_000)):
        log_axis(ax, "x", low, high, ticks=(1, 10, 100, 1_000), text=plain)
        log_axis(ax, "y", 1e-4, 1.3, text=lambda share: f"{100 * share:g} %")
        ax.axhline(RARE, color=style.MUTED, linewidth=1)
    for slower, by_theory, color in (
        (run.write_slower, exact.write_slower, style.ORANGE),
        (run.read_slower, exact.read_slower, style.BLUE),
    ):
        seen = slower > 0
        latency.plot(LATENCY_MS[seen], slower[seen], **style.SIMULATION | {"color": color})
        shown = by_theory > 1e-5
        latency.plot(LATENCY_MS[shown], by_theory[shown], **style.THEORY)
    dot(latency, run.write_ms.estimate, RARE, color=style.ORANGE)
    dot(latency, run.read_ms.estimate, RARE)
    key(latency, [("▬", "reads", style.BLUE), ("▬", "writes", style.ORANGE_INK),
                  ("╌", "theory", style.INK), ("─", "one in a thousand", style.MUTED)])  # fmt: skip
    latency.set_title("Share that takes longer")
    latency.set_xlabel("latency (ms)")

    here(stale, max(at.after_ms, 0.1))
    if at.strict:
        note(stale, 0.3, 0.6, "no read is stale", style.BLUE)
    else:
        seen = run.stale > 0
        stale.plot(SINCE_MS[seen], run.stale[seen], **style.SIMULATION)
        if run.stale_then.estimate >= 1e-4:
            dot(stale, max(at.after_ms, 0.1), run.stale_then.estimate)
    stale.set_title("Share of reads that are stale")
    stale.set_xlabel("the read comes after the confirmation (ms)")
    if mine is not None:
        yours(stale, max(at.after_ms, 0.1), max(float(mine["stale"]), 1e-4))
        yours(latency, float(mine["write_ms"]), 0.5)
        yours(latency, float(mine["read_ms"]), 0.5)
