"""Followers: fan-out on write, on read, and the mix of both.

Posts of ordinary authors are pushed into every follower's timeline; those of authors above a
threshold are left to be pulled by readers. Where that stops being true: a crowd reads when the
celebrity posts, so that pulls come together, and a cache must stand in front of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    here,
    key,
    log_axis,
    note,
    short,
    time_axis,
    whiskers,
)
from helpers.foundations.experiment import Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import duration, finite_or, significant
from helpers.foundations.queueing import fifo_waits, mg1_wait
from helpers.foundations.statistics import batch_means, rough
from helpers.sharding.shard_queues import unit_draws

#: Followers of each of 200 authors: the top one has a million, the k-th a k-th part of that.
FOLLOWERS = 1_000_000 / np.arange(1, 201)
FOLLOWERS.setflags(write=False)

#: Thresholds at which the curves are computed.
THRESHOLDS = np.geomspace(5_000, 1_000_000, 12)

_DELIVERY_RPS = 1_000_000.0
_BUSY = 0.6  # from here on a batch of posts is too short for what the queue remembers
_READERS = 2_000_000


class Setting(Parameters):
    """200 authors who post equally often, and workers that insert 1,000,000 posts per second.

    Workers deliver one post after the other. Each of 2,000,000 readers follows authors
    independently. At a threshold of a million nobody is pulled.
    """

    threshold: float = number(
        1_000_000.0, "Pull above", unit="followers", at_least=1_000, at_most=1_000_000
    )
    post_rate_rps: float = number(20.0, "All posts", unit="posts/s", above=0)
    read_rate_rps: float = number(100_000.0, "Timelines read", unit="reads/s", at_least=0)
    posts: int = integer(60_000, "Posts simulated at each threshold", at_least=1_000)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> FanOut:
    """Queue posts for delivery to their authors' followers; the first tenth is left out."""
    arrivals = np.cumsum(unit_draws(at.seed, "posts", "exponential", at.posts)) / at.post_rate_rps
    uniform = unit_draws(at.seed, "authors", "uniform", at.posts)
    fans = FOLLOWERS[(uniform * len(FOLLOWERS)).astype(np.intp)]

    def wait(threshold: float) -> tuple[float, float, float]:
        if _utilisation(at, threshold) >= 1:
            return np.inf, np.inf, np.inf
        services = np.where(fans <= threshold, fans, 0.0) / _DELIVERY_RPS
        interval = batch_means(fifo_waits(arrivals, services, 1), 20, warmup=at.posts // 10)
        return interval.mean, interval.low, interval.high

    waits = np.array([wait(threshold) for threshold in THRESHOLDS.tolist()])
    return FanOut(
        at,
        wait_s=waits[:, 0],
        low_s=waits[:, 1],
        high_s=waits[:, 2],
        wait_here_s=wait(at.threshold)[0],
    )


def _pushed(threshold: Any) -> np.ndarray:
    """Return the followers of each author who is pushed, 0 of those who are pulled."""
    return np.where(np.asarray(threshold)[..., None] >= FOLLOWERS, FOLLOWERS, 0.0)


def _utilisation(at: Setting, threshold: Any) -> Any:
    return at.post_rate_rps * (_pushed(threshold) / _DELIVERY_RPS).mean(axis=-1)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Of the workers: how busy, and the mean wait before a post's own delivery begins, seconds.

    Of the service: timeline insertions per second, and queries per second that readers cause.
    Floats, or arrays over thresholds.
    """

    utilisation: Any
    wait_s: Any
    writes_rps: Any
    reads_rps: Any


def theory(at: Setting, threshold: Any = None) -> Theory:
    """What an M/G/1 queue says at the setting's threshold, or at others.

    One FIFO queue of posts with service time ``followers / delivery rate``, or none for pulled
    posts: ``W = lambda E[S^2] / (2 (1 - rho))``, infinite from ``rho = 1`` on (Pollaczek-Khinchine;
    Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 5).
    """
    limit = np.asarray(at.threshold if threshold is None else threshold)
    service_s = _pushed(limit) / _DELIVERY_RPS
    mean, square = service_s.mean(axis=-1), (service_s**2).mean(axis=-1)
    utilisation = at.post_rate_rps * mean
    steady = (utilisation < 1) & (mean > 0)
    safe = np.where(mean > 0, mean, 1.0)
    scv = np.maximum(square / safe**2 - 1, 0.0)
    wait_s = np.where(utilisation < 1, 0.0, np.inf)
    if np.any(steady):
        rate = np.where(steady, at.post_rate_rps, 0.5 / safe)
        wait_s = np.where(steady, mg1_wait(rate, safe, scv), wait_s)
    pulled = FOLLOWERS.sum() - _pushed(limit).sum(axis=-1)
    return Theory(
        utilisation,
        wait_s,
        at.post_rate_rps * _pushed(limit).sum(axis=-1) / len(FOLLOWERS),
        at.read_rate_rps * (1 + pulled / _READERS),
    )


# --- what it says ---------------------------------------------------------------------------------


class FanOut(Result):
    """Mean wait of a post before its own delivery begins; infinite where workers are overloaded.

    Attributes
    ----------
    wait_s, low_s, high_s : numpy.ndarray, shape (12,)
        At :data:`THRESHOLDS`, with a 95 % interval from batch means.
    wait_here_s : float
        At ``at.threshold``.
    """

    at: Setting
    wait_s: np.ndarray
    low_s: np.ndarray
    high_s: np.ndarray
    wait_here_s: float

    @property
    def pulled(self) -> int:
        """Number of authors who are pulled."""
        return int((self.at.threshold < FOLLOWERS).sum())

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "authors_pulled": self.pulled,
            "mean_wait_ms": finite_or(1e3 * self.wait_here_s, "without end"),
            "mean_wait_theory_ms": finite_or(1e3 * float(exact.wait_s), "without end"),
            "worker_utilisation": float(exact.utilisation),
            "insertions_rps": float(exact.writes_rps),
            "queries_rps": float(exact.reads_rps),
        }

    @property
    def reading(self) -> str:
        exact, many = theory(self.at), f"the {self.pulled} largest authors"
        who = {0: "nobody", 1: "the largest author", len(FOLLOWERS): "every author"}
        if exact.utilisation >= 1:
            waits = "the delivery workers are overloaded, so posts wait ever longer"
        elif exact.utilisation == 0:
            waits = "there is nothing to deliver and no post waits"
        else:
            waits = f"a post waits {duration(self.wait_here_s)} on average behind other deliveries"
        return (
            f"With {who.get(self.pulled, many)} pulled at reading, {waits}; the "
            f"service makes {significant(exact.writes_rps)} insertions and "
            f"{significant(exact.reads_rps)} queries per second.{self._rough}"
        )

    @property
    def _rough(self) -> str:
        """Say where error bars are too short.

        That is where hardly any post waits, and where a queue remembers for as long as batches
        last.
        """
        at = self.at
        busy = _utilisation(at, THRESHOLDS)
        if not ((busy > _BUSY) & (busy < 1)).any():
            return rough(0.9 * at.posts * busy[0], "posts that wait at the lowest of the points")
        return (
            f" Where workers are more than {significant(100 * _BUSY)} % busy, these posts are too "
            "few for the interval to hold the truth in 95 % of all runs."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, THRESHOLDS)
        return {
            "pull above (followers)": THRESHOLDS,
            "wait (ms)": 1e3 * self.wait_s,
            "from": 1e3 * self.low_s,
            "to": 1e3 * self.high_s,
            "theory (ms)": 1e3 * exact.wait_s,
            "insertions/s": exact.writes_rps,
            "queries/s": exact.reads_rps,
        }


@style.panels(2)
def plot(run: FanOut, axes: tuple[Axes, Axes]) -> None:
    """Draw delivery delay and work by the size at which an author is pulled."""
    delay, work = axes
    exact = theory(run.at, THRESHOLDS)
    for ax in axes:
        log_axis(ax, "x", 4_000, 1_250_000)
        here(ax, run.at.threshold)
        ax.set_xlabel("authors with more followers are pulled")
    shown = np.isfinite(run.wait_s)
    parts = (part[shown] for part in (run.wait_s, run.low_s, run.high_s))
    delay.plot(THRESHOLDS, exact.wait_s, **style.THEORY)
    whiskers(delay, THRESHOLDS[shown], *parts, **style.DOTS)
    note(delay, 0.03, 0.95, "simulated, 95 % interval ●\ntheory - -", style.BLUE)
    time_axis(delay, "y", 1e-5, 30)
    delay.set_ylabel("mean wait of a post")
    delay.set_title("How long posts wait")

    lines = (
        (exact.writes_rps, style.BLUE, "-", "—", "insertions, when posts are pushed"),
        (exact.reads_rps, style.VERMILION, "--", "- -", "queries, when timelines are read"),
        (exact.writes_rps + exact.reads_rps, style.INK, ":", "···", "both"),
    )
    for rate, color, dashes, _, _ in lines:
        work.plot(THRESHOLDS, rate, color=color, linestyle=dashes, linewidth=2)
    key(work, [(symbol, name, color) for _, color, _, symbol, name in lines], left=True)
    log_axis(work, "y", 1e4, 1e7, text=short)
    work.set_ylabel("operations per second")
    work.set_title("Who does the work")
