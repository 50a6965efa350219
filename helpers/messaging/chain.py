"""A chain of calls against a queue: times add up, and so does what can go wrong.

A request needs several services. Each calls the next and waits, or the first one hands the rest
to a queue and answers. Where that stops being true: services fail together more often than alone,
a queue can be full, and whoever needs the result still has to wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, ring
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, rounded

#: Numbers of services for which the curves are simulated.
LENGTHS = np.arange(1, 13)

_REQUESTS = 10_000


class Setting(Parameters):
    """A request that needs several services, one after the other."""

    services: int = integer(5, "Services a request needs", at_least=1, at_most=12)
    service_ms: float = number(40.0, "Mean time of each", unit="ms", above=0, at_most=10_000)
    failing: float = number(0.01, "Calls that fail", at_least=0, at_most=0.5)
    enqueue_ms: float = number(5.0, "Time to put it on the queue", unit="ms", at_least=0,
                               at_most=1_000)  # fmt: skip
    pick_up_ms: float = number(200.0, "Mean wait in the queue", unit="ms", at_least=0,
                               at_most=60_000)  # fmt: skip
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Chain:
    """Send 10,000 requests along chains of every length, and by way of a queue."""
    draw = Draws(at.seed)
    times = draw("services").exponential(1e-3 * at.service_ms, (_REQUESTS, LENGTHS.size))
    fails = draw("failures").random((_REQUESTS, LENGTHS.size)) < at.failing
    called = times.cumsum(axis=1)
    waited = draw("waits").exponential(1e-3 * at.pick_up_ms, _REQUESTS) if at.pick_up_ms else 0.0
    answered = times[:, 0] + 1e-3 * at.enqueue_ms
    done = called + 1e-3 * at.enqueue_ms + np.reshape(waited, (-1, 1))
    return Chain(
        at,
        called_s=called.mean(axis=0),
        called_p99_s=np.percentile(called, 99, axis=0),
        called_fail=np.logical_or.accumulate(fails, axis=1).mean(axis=0),
        queued_s=float(answered.mean()),
        queued_p99_s=float(np.percentile(answered, 99)),
        queued_fail=float(fails[:, 0].mean()),
        done_s=done.mean(axis=0),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Of a chain of calls: mean and 99th percentile in seconds, and the share that fails."""

    mean_s: float
    p99_s: float
    fail: float


def theory(at: Setting, services: int | None = None) -> Theory:
    """Sums and products: k S on average, and (1 - p)^k go well.

    The sum of k exponential times has Erlang's distribution (Kleinrock, *Queueing Systems* vol. 1,
    1975, section 4.2): it is longer than t if fewer than k events of a Poisson process fit into t.
    """
    k = at.services if services is None else services
    service_s = 1e-3 * at.service_ms
    return Theory(k * service_s, service_s * _erlang_p99(k), 1 - (1 - at.failing) ** k)


@lru_cache(maxsize=16)
def _erlang_p99(k: int) -> float:
    low, high = 0.0, 10.0 + 4.0 * k
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(math.exp(j * math.log(middle) - middle - math.lgamma(j + 1)) for j in range(k))
        low, high = (middle, high) if tail > 0.01 else (low, middle)
    return high


# --- what it says ---------------------------------------------------------------------------------


class Chain(Result):
    """Response times and failures; arrays are for chains of :data:`LENGTHS`.

    Attributes
    ----------
    called_s, called_p99_s, called_fail : numpy.ndarray
        Mean and 99th percentile of a request whose services call each other, seconds, and the
        share of them that fails.
    queued_s, queued_p99_s, queued_fail : float
        The same for the answer of the first service, which puts the rest on a queue.
    done_s : numpy.ndarray
        Mean time until all is done that was put on the queue, seconds.
    """

    at: Setting
    called_s: np.ndarray
    called_p99_s: np.ndarray
    called_fail: np.ndarray
    queued_s: float
    queued_p99_s: float
    queued_fail: float
    done_s: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        k, exact = self.at.services - 1, theory(self.at)
        return {
            "called_ms": rounded(1e3 * self.called_s[k]),
            "theory_called_ms": rounded(1e3 * exact.mean_s),
            "called_p99_ms": rounded(1e3 * self.called_p99_s[k]),
            "theory_called_p99_ms": rounded(1e3 * exact.p99_s),
            "called_fail_percent": rounded(100 * self.called_fail[k]),
            "theory_called_fail_percent": rounded(100 * exact.fail),
            "queued_ms": rounded(1e3 * self.queued_s),
            "queued_fail_percent": rounded(100 * self.queued_fail),
            "done_ms": rounded(1e3 * self.done_s[k]),
        }

    @property
    def reading(self) -> str:
        at, k, exact = self.at, self.at.services - 1, theory(self.at)
        if at.services == 1:
            return (
                f"One service, and nothing to hand over: {duration(self.called_s[0])} on average "
                f"(theory: {duration(exact.mean_s)}), and {percent(self.called_fail[0])} of the "
                f"requests fail (theory: {percent(exact.fail)})."
            )
        return (
            f"{counted(at.services, 'service')} that call each other answer after "
            f"{duration(self.called_s[k])} on average (theory: {duration(exact.mean_s)}), and "
            f"{percent(self.called_fail[k])} of the requests fail (theory: {percent(exact.fail)}). "
            f"With a queue behind the first, the answer comes after {duration(self.queued_s)} and "
            f"{percent(self.queued_fail)} fail; all is done after {duration(self.done_s[k])}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [theory(self.at, k) for k in LENGTHS.tolist()]
        return {
            "services": LENGTHS,
            "calls, mean (ms)": 1e3 * self.called_s,
            "theory (ms)": [1e3 * one.mean_s for one in each],
            "calls, p99 (ms)": 1e3 * self.called_p99_s,
            "theory p99 (ms)": [1e3 * one.p99_s for one in each],
            "calls that fail (%)": 100 * self.called_fail,
            "theory, fail (%)": [100 * one.fail for one in each],
            "queue, all done (ms)": 1e3 * self.done_s,
        }


@style.panels(2)
def plot(run: Chain, axes: tuple[Axes, Axes]) -> None:
    """Draw response time and failures against the number of services."""
    at, (ax, fails) = run.at, axes
    each = [theory(at, k) for k in LENGTHS.tolist()]
    top = coarse(1.1e3 * max(each[-1].p99_s, 1e-3 * at.enqueue_ms + each[0].mean_s))
    dots = style.DOTS | {"markersize": 5}
    ax.plot(LENGTHS, [1e3 * one.p99_s for one in each], color=style.PURPLE, linewidth=1.4,
            linestyle=(0, (1, 1.5)))  # fmt: skip
    ax.plot(LENGTHS, [1e3 * one.mean_s for one in each], **style.THEORY)
    ax.plot(LENGTHS, 1e3 * run.called_p99_s, **dots | {"color": style.PURPLE, "marker": "^"})
    ax.plot(LENGTHS, 1e3 * run.called_s, **dots)
    ax.plot(LENGTHS, 1e3 * run.done_s, color=style.GHOST, linewidth=1.4)
    ax.axhline(1e3 * run.queued_s, color=style.GREEN, linewidth=2)
    for x, y, name, color in (
        (10, each[9].p99_s, "calls, 99th percentile", style.PURPLE),
        (11, each[10].mean_s, "calls, mean", style.BLUE),
        (12, run.queued_s, "queue, answer", style.GREEN),
    ):
        style.label(ax, x, 1e3 * y, name, color, ha="right", xytext=(-4, 9))
    place = (8, 1e3 * run.done_s[7])
    style.label(ax, *place, "queue, all done", style.MUTED, ha="left", xytext=(8, -8))
    here(ax, at.services)
    ring(ax, at.services, 1e3 * run.called_s[at.services - 1])
    ax.set(xlim=(0.5, 12.5), ylim=(0, top), xlabel="services a request needs")
    ax.set_ylabel("time (ms)")
    ax.set_title("Times add up")

    fails.plot(LENGTHS, [100 * one.fail for one in each], **style.THEORY)
    fails.plot(LENGTHS, 100 * run.called_fail, **dots)
    fails.axhline(100 * run.queued_fail, color=style.GREEN, linewidth=2)
    style.label(fails, 9, 100 * each[8].fail, "calls", style.BLUE, ha="right", xytext=(-6, 9))
    style.label(fails, 12, 100 * run.queued_fail, "queue", style.GREEN, ha="right", xytext=(-4, 9))
    here(fails, at.services)
    ring(fails, at.services, 100 * run.called_fail[at.services - 1])
    fails.set(xlim=(0.5, 12.5), xlabel="services a request needs")
    fails.set_ylim(0, coarse(max(115 * each[-1].fail, 0.5)))
    fails.set_ylabel("requests that fail (%)")
    fails.set_title("Failures multiply")
