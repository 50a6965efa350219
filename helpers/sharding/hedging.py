"""Hedged requests: a second copy for a replica when a shard has not answered after a while.

The tail of a query is cut for a few requests more. Where that stops being true: a replica that
shares the shard's hiccup is late as well, and a second copy is load, which makes more hiccups.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, percent, time_axis, yours
from helpers.foundations.experiment import Mine, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.sharding.answer_times import Answers
from helpers.sharding.scatter_gather import quantile_of_slowest
from helpers.sharding.shard_queues import unit_draws

_REQUESTS = 3_000
_MANY_SHARDS, _MOST_SHARDS = 50, 100  # with many shards half of the requests will do


class Setting(Parameters):
    """A query to some shards, each with a replica that may be asked as well."""

    hedge_after_ms: float = number(50.0, "Hedge after", unit="ms", at_least=0, at_most=10_000)
    fan_out: int = integer(20, "Shards that must answer", at_least=1, at_most=_MOST_SHARDS)
    slow_probability: float = number(0.01, "Slow answers", at_least=1e-4, at_most=0.5)
    shared_cause: float = number(
        0.0,
        "Shared hiccups",
        at_least=0,
        at_most=1,
        note="Probability that the replica meets the hiccup, or none, that the shard met.",
    )
    slow_ms: float = number(1_000.0, "Length of a hiccup", unit="ms", at_least=1, at_most=10_000)
    mean_ms: float = number(10.0, "Ordinary answer", unit="ms", above=0)
    seed: int = seed()

    @property
    def answers(self) -> Answers:
        """The law of one shard's answer."""
        return Answers(self.mean_ms / 1e3, self.slow_probability, self.slow_ms / 1e3)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def hedged_query(at, draw):
    """Ask every shard; ask the replica of one that is late; take the answer that comes first."""
    world = simpy.Environment()
    took_ms, copies = [], 0

    def hiccup():
        return at.slow_ms if draw("hiccups").random() < at.slow_probability else 0

    def answer(held_up_ms):
        return world.timeout(draw("answers").exponential(at.mean_ms) + held_up_ms)

    def ask(shard):
        nonlocal copies
        held_up_ms = hiccup()
        first = answer(held_up_ms)
        yield first | world.timeout(at.hedge_after_ms)
        if not first.processed:
            copies += 1
            yield first | answer(hiccup())

    def client():
        for _ in range(100):
            began = world.now
            yield world.all_of([world.process(ask(shard)) for shard in range(at.fan_out)])
            took_ms.append(world.now - began)

    world.run(until=world.process(client()))
    return {
        "p99_ms": np.percentile(took_ms, 99),
        "extra_percent": 100 * copies / (len(took_ms) * at.fan_out),
    }


# --- the same, fast: thousands of queries at once -------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Hedging:
    """Answer the same queries with and without a second request to the replica."""
    requests = _REQUESTS if at.fan_out <= _MANY_SHARDS else _REQUESTS // 2
    size, most = at.fan_out * requests, _MOST_SHARDS * _REQUESTS // 2
    mean_s, slow_s, delay_s = at.mean_ms / 1e3, at.slow_ms / 1e3, at.hedge_after_ms / 1e3

    def draw(name: str, kind: str) -> np.ndarray:
        return unit_draws(at.seed, name, kind, most)

    held_up = draw("slow", "uniform")[:size] < at.slow_probability
    first = draw("answers", "exponential")[:size] * mean_s
    first += held_up * slow_s
    # Only shards that are late are hedged, so only they need a second draw.
    late = np.flatnonzero(first > delay_s)
    again = draw("replica slow", "uniform")[late] < at.slow_probability
    together = draw("shared cause", "uniform")[late] < at.shared_cause
    again = np.where(together, held_up[late], again)
    second = draw("replica answers", "exponential")[late] * mean_s + slow_s * again
    hedged = first.copy()
    hedged[late] = np.minimum(first[late], delay_s + second)
    shape = (at.fan_out, requests)
    return Hedging(
        at,
        plain_s=np.sort(first.reshape(shape).max(axis=0)),
        hedged_s=np.sort(hedged.reshape(shape).max(axis=0)),
        extra=len(late) / size,
    )


# --- theory ---------------------------------------------------------------------------------------

#: Delays for which the price of hedging is computed, in ordinary answers.
_DELAYS = np.array([0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 12])


class Theory(NamedTuple):
    """The 99th percentile with a hedge and without, seconds, and the extra requests sent.

    `extra` is a fraction of the ordinary ones. Floats, or arrays over delays.
    """

    p99_s: Any
    plain_p99_s: float
    extra: Any


@lru_cache(maxsize=16)
def theory(at: Setting) -> Theory:
    """What the law of one answer says at the setting."""
    return _priced(at, np.array(at.hedge_after_ms / 1e3))


@lru_cache(maxsize=16)
def price_list(at: Setting) -> Theory:
    """What hedging sooner or later costs: the same at :func:`delays_s`."""
    return _priced(at, delays_s(at))


def delays_s(at: Setting) -> np.ndarray:
    """Delays of the price list, seconds."""
    return at.mean_ms / 1e3 * _DELAYS


def _priced(at: Setting, delays: np.ndarray) -> Theory:
    return Theory(
        quantile(at, 0.99, delays),
        float(quantile_of_slowest(0.99, at.fan_out, at.answers)),
        at.answers.survival(delays),  # a copy is sent if the first has not answered by then
    )


def late(at: Setting, time_s: Any, delay_s: float | None = None) -> np.ndarray:
    """Probability that a hedged query is not complete by `time_s`; without a delay, a plain one.

    One shard answers at ``min(T1, d + T2)``, so with independent replicas its survival is
    ``S(t) S(t - d)`` (1 before time 0); of n shards, ``1 - (1 - that)^n``. Hedged requests: Dean
    and Barroso, "The tail at scale", *Communications of the ACM* 56(2), 2013.
    """
    time = np.asarray(time_s, dtype=float)
    one = at.answers.survival(time) if delay_s is None else _one_late(at, time, delay_s)
    return -np.expm1(at.fan_out * np.log1p(-np.minimum(one, 1 - 1e-16)))


def quantile(at: Setting, q: float, delays: Any) -> np.ndarray:
    """Quantile of a query that is hedged after each of `delays`, seconds."""
    after = np.asarray(delays, dtype=float)
    wanted = np.full(after.shape, -np.expm1(np.log(q) / at.fan_out))  # one shard's survival
    return at.answers.inverted(lambda time: _one_late(at, time, after), wanted)


def _one_late(at: Setting, time: np.ndarray, delay: Any) -> np.ndarray:
    """Probability that one hedged shard has not answered by then."""
    law, p, shared = at.answers, at.slow_probability, at.shared_cause
    quick = law.quick(time), law.quick(time - delay)
    slow = law.quick(time - law.slow_s), law.quick(time - delay - law.slow_s)
    first, second = ((1 - p) * quick[i] + p * slow[i] for i in (0, 1))
    together = (1 - p) * quick[0] * quick[1] + p * slow[0] * slow[1]
    return shared * together + (1 - shared) * first * second


# --- what it says ---------------------------------------------------------------------------------


class Hedging(Result):
    """Times of queries with and without a second request to a replica.

    Attributes
    ----------
    plain_s, hedged_s : numpy.ndarray, shape (requests,)
        Simulated, ascending, on the same first answers.
    extra : float
        Second requests sent, as a fraction of the first ones.
    """

    at: Setting
    plain_s: np.ndarray
    hedged_s: np.ndarray
    extra: float

    @property
    def plain_p99_s(self) -> float:
        """99th percentile without a hedge."""
        return float(np.quantile(self.plain_s, 0.99))

    @property
    def hedged_p99_s(self) -> float:
        """99th percentile with the hedge."""
        return float(np.quantile(self.hedged_s, 0.99))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "plain_p99_ms": 1e3 * self.plain_p99_s,
            "hedged_p99_ms": 1e3 * self.hedged_p99_s,
            "hedged_p99_theory_ms": 1e3 * float(theory(self.at).p99_s),
            "extra_requests_percent": 100 * self.extra,
        }

    @property
    def reading(self) -> str:
        before, after = duration(self.plain_p99_s), duration(self.hedged_p99_s)
        does = f"leaves the p99 at {after}"
        if before != after:
            does = f"takes the p99 from {before} to {after}"
        return (
            f"Hedging after {significant(self.at.hedge_after_ms)} ms {does} for "
            f"{significant(100 * self.extra)} % more requests."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        prices = price_list(self.at)
        return {
            "hedge after (ms)": 1e3 * delays_s(self.at),
            "extra requests, theory": prices.extra,
            "p99, theory (ms)": 1e3 * prices.p99_s,
        }


@style.panels(2)
def plot(run: Hedging, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the tail with and without hedging, and what a shorter tail costs."""
    tail, price = axes
    law, delay_s = run.at.answers, run.at.hedge_after_ms / 1e3
    time_s = np.geomspace(law.mean_s / 10, law.slow_s + 20 * law.mean_s, 160)
    _draw_tail(tail, run.plain_s, style.VERMILION)
    tail.plot(time_s, late(run.at, time_s), **style.THEORY)
    _draw_tail(tail, run.hedged_s, style.BLUE)
    tail.plot(time_s, late(run.at, time_s, delay_s), **style.THEORY)
    entries = [
        ("●", "no hedge", style.VERMILION),
        ("●", "hedged", style.BLUE),
        ("- -", "theory", style.BLACK),
    ]
    key(tail, entries)
    tail.axhline(0.01, color=style.MUTED, linewidth=1)
    style.label(tail, 1e-3, 0.01, "1 in 100", style.MUTED, xytext=(3, 6))
    log_axis(tail, "y", 1e-3, 1.2, text=percent)
    tail.set_ylabel("requests that take longer")
    time_axis(tail, "x", 1e-3, 20)
    tail.set_xlabel("time until the last answer")
    tail.set_title("The tail, cut")

    prices = price_list(run.at)
    price.plot(prices.extra, prices.p99_s, **style.THEORY)
    price.plot([run.extra], [run.hedged_p99_s], marker="o", markersize=10, color=style.BLUE)
    price.axhline(prices.plain_p99_s, color=style.VERMILION, linewidth=1.4)
    beside: dict[str, Any] = {
        "color": style.VERMILION,
        "ha": "right",
        "va": "bottom",
        "fontsize": 9,
    }
    price.text(0.98, prices.plain_p99_s * 1.1, "p99 without hedging", **beside)
    log_axis(price, "x", 5e-4, 1.2, text=percent)
    price.set_xlabel("extra requests, by hedging sooner or later")
    time_axis(price, "y", 1e-2, 30)
    price.set_ylabel("p99")
    price.set_title("The price of a shorter tail")
    if mine is not None:
        yours(tail, mine["p99_ms"] / 1e3, 0.01)
        yours(price, mine["extra_percent"] / 100, mine["p99_ms"] / 1e3)


def _draw_tail(ax: Axes, times_s: np.ndarray, color: str) -> None:
    """Draw the fraction of times that are longer, at some sixty of them and at the very end."""
    count = len(times_s)
    left = 1 - np.arange(1, count + 1) / count
    shown = np.unique(np.geomspace(1, count, 60).astype(int) - 1)
    shown = np.unique(np.concatenate((shown, count - 2 - shown[:45])).clip(0))
    ax.plot(times_s[shown], left[shown], linestyle="none", marker=".", markersize=6, color=color)
