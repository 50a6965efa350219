"""Timelines of a social network: fan-out on write, on read, and the mix of both."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import batch_means
from helpers.sharding.simulation.traffic import finite_or, unit_draws
from helpers.sharding.theory.hot_key import theory_fan_out

#: Followers of each of 200 authors: the top one has a million, the k-th a k-th part of that.
FOLLOWERS = 1_000_000 / np.arange(1, 201)
FOLLOWERS.setflags(write=False)

_POSTS = 12_000
_DELIVERY_RPS = 1_000_000.0
_READERS = 2_000_000
_THRESHOLDS = np.geomspace(5_000, 1_000_000, 12)


class FanOutResult(Result):
    """Delay and work of a timeline service, by the size at which an author counts as a celebrity.

    Attributes
    ----------
    threshold, post_rate_rps, read_rate_rps : float
        The parameters.
    thresholds : numpy.ndarray, shape (m,)
        Thresholds tried.
    wait_s, low_s, high_s : numpy.ndarray, shape (m,)
        Mean wait of a post before its own delivery begins, and its 95 % interval from batch means;
        infinite where the workers are overloaded.
    theory_s : numpy.ndarray, shape (m,)
        The same by Pollaczek-Khinchine; infinite where they are.
    writes_rps, reads_rps : numpy.ndarray, shape (m,)
        Timeline insertions per second, and queries per second that readers cause.
    now : dict of str to float
        ``wait_s``, ``theory_s``, ``utilisation``, ``writes_rps``, ``reads_rps``, ``pulled`` at
        `threshold`.
    """

    threshold: float
    post_rate_rps: float
    read_rate_rps: float
    thresholds: np.ndarray
    wait_s: np.ndarray
    low_s: np.ndarray
    high_s: np.ndarray
    theory_s: np.ndarray
    writes_rps: np.ndarray
    reads_rps: np.ndarray
    now: dict[str, float]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "authors_pulled": int(self.now["pulled"]),
            "mean_wait_ms": finite_or(1e3 * self.now["wait_s"], "without end"),
            "mean_wait_theory_ms": finite_or(1e3 * self.now["theory_s"], "without end"),
            "worker_utilisation": self.now["utilisation"],
            "insertions_rps": self.now["writes_rps"],
            "queries_rps": self.now["reads_rps"],
        }

    @property
    def reading(self) -> str:
        now = self.now
        if now["utilisation"] >= 1:
            waits = "the delivery workers are overloaded, so posts wait ever longer"
        else:
            waits = f"a post waits {duration(now['wait_s'])} on average behind other deliveries"
        return (
            f"With the {int(now['pulled'])} largest authors pulled at reading, {waits}; the "
            f"service makes {significant(now['writes_rps'])} insertions and "
            f"{significant(now['reads_rps'])} queries per second."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "threshold": self.thresholds,
                "wait_ms": 1e3 * self.wait_s,
                "ci_low_ms": 1e3 * self.low_s,
                "ci_high_ms": 1e3 * self.high_s,
                "theory_ms": 1e3 * self.theory_s,
                "insertions_rps": self.writes_rps,
                "queries_rps": self.reads_rps,
            }
        ).set_index("threshold")


def simulate_fan_out(
    *,
    threshold: float = 1_000_000.0,
    post_rate_rps: float = 20.0,
    read_rate_rps: float = 100_000.0,
    posts: int = _POSTS,
    seed: int = 1,
) -> FanOutResult:
    """Queue posts for delivery to their authors' followers, and count what readers cost.

    200 authors post equally often. The largest has 1,000,000 followers, the k-th largest a k-th
    of that. Workers insert 1,000,000 posts per second into timelines, one post after the other.
    A post of an author above the threshold is not pushed; whoever follows the author asks for it
    when reading. Each of 2,000,000 readers follows authors independently.

    Parameters
    ----------
    threshold : float
        Authors with more followers are pulled; 1,000 to 1,000,000. At the upper end nobody is.
    post_rate_rps : float
        Posts per second; > 0.
    read_rate_rps : float
        Timelines read per second; >= 0.
    posts : int
        Posts simulated at each threshold; >= 1,000.
    seed : int
        Seed of posts.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    threshold = validation.number("threshold", threshold, at_least=1_000, at_most=1_000_000)
    rate = validation.number("post_rate_rps", post_rate_rps, above=0, unit="posts/s")
    read_rate = validation.number("read_rate_rps", read_rate_rps, at_least=0, unit="reads/s")
    posts = validation.integer("posts", posts, at_least=1_000)
    arrivals = np.cumsum(unit_draws(seed, "posts", "exponential", posts)) / rate
    author = (unit_draws(seed, "authors", "uniform", posts) * len(FOLLOWERS)).astype(np.intp)
    fans = FOLLOWERS[author]

    def one(limit: float) -> tuple[float, ...]:
        pushed = limit >= FOLLOWERS
        utilisation, theory = theory_fan_out(FOLLOWERS, limit, rate, _DELIVERY_RPS)
        writes = rate * float(FOLLOWERS[pushed].sum()) / len(FOLLOWERS)
        reads = read_rate * (1 + float(FOLLOWERS[~pushed].sum()) / _READERS)
        if utilisation >= 1:
            return np.inf, np.inf, np.inf, np.inf, writes, reads, utilisation
        waits = fifo_waits(arrivals, np.where(fans <= limit, fans, 0.0) / _DELIVERY_RPS, 1)
        interval = batch_means(waits, 20)
        return interval.mean, interval.low, interval.high, theory, writes, reads, utilisation

    columns = np.array([one(limit) for limit in _THRESHOLDS.tolist()]).T
    names = ("wait_s", "low_s", "high_s", "theory_s", "writes_rps", "reads_rps", "utilisation")
    now = dict(zip(names, one(threshold), strict=True))
    return FanOutResult(
        threshold=threshold,
        post_rate_rps=rate,
        read_rate_rps=read_rate,
        thresholds=_THRESHOLDS,
        **dict(zip(names[:6], columns, strict=False)),
        now=now | {"pulled": float((threshold < FOLLOWERS).sum())},
    )
