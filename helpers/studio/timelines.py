"""Timelines: copy each tweet to all followers, or let readers collect; and the celebrity.

Accounts with at most so many followers have their tweets copied at once (fan-out on write); those
of larger ones are collected when somebody reads (fan-out on read). Where that stops being true: all
accounts tweet equally often here, and readers' visits are not spread evenly over the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, short, time_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import amount, duration, rounded, significant

#: What Twitter said: Krikorian, "Timelines at Scale", QCon San Francisco 2012, as written up by
#: Hoff, High Scalability, 8 July 2013: 400 million tweets a day, 300,000 reads of timelines/s, up
#: to five minutes to reach 31 million followers. 75 followers per tweet on average: Kleppmann,
#: *Designing Data-Intensive Applications*, 2017, chapter 1, from the same talk.
VENDOR: Mapping[str, float] = {
    "tweets_rps": 400e6 / 86_400,
    "reads_rps": 300e3,
    "followers": 75.0,
    "largest": 31e6,
    "slowest_s": 300.0,
}

#: Limits at which the picture is simulated, followers.
LIMITS = (1e2, 1e3, 1e4, 1e5, 1e6, 1e7, VENDOR["largest"])

_TAIL = 1.3  # of the numbers of followers, Pareto's exponent
_FOLLOWS = 20_000


class Setting(Parameters):
    """Tweets, readers, and how far tweets are copied; defaults are :data:`VENDOR`'s."""

    limit: float = number(31e6, "Copied up to", unit="followers", at_least=100, at_most=31e6)
    tweets_rps: float = number(400e6 / 86_400, "Tweets", unit="per s", above=0, at_most=1e6)
    reads_rps: float = number(300e3, "Timelines read", unit="per s", above=0, at_most=1e7)
    spare_rps: float = number(
        103e3,
        "Copies per second for one tweet",
        above=0,
        note="From the vendor's numbers: 31 million in five minutes.",
    )
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def followers_of(uniform):
    """Followers of an account that somebody follows, at random: the large ones have most of them.

    Accounts have a Pareto tail of exponent 1.3, 75 followers on average and at most 31 million.
    """
    ends = LEAST**-0.3, VENDOR["largest"] ** -0.3
    return (ends[0] - uniform * (ends[0] - ends[1])) ** (-1 / 0.3)


def what_readers_follow(at, draw):
    """Look at what readers follow; count what is copied to them, and what they must collect."""
    copied = collected = 0
    largest = 0.0
    for followers in followers_of(draw("follows").random(20_000)).tolist():
        if followers <= at.limit:
            copied += 1
            largest = max(largest, followers)
        else:
            collected += 1
    follows = 75  # accounts, on average: as many as there are followers
    lists = 1 + follows * collected / 20_000  # a timeline, and one for each large account
    return {"writes_rps": at.tweets_rps * follows * copied / 20_000,
            "reads_rps": at.reads_rps * lists, "lists": lists,
            "slowest_s": largest / at.spare_rps}  # fmt: skip


def _least() -> float:
    """The fewest followers of a Pareto tail with the vendor's mean and largest number."""
    low, high = 1.0, VENDOR["followers"]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean(middle, VENDOR["largest"]) < 75 else (low, middle)
    return low


def _mean(least: float, up_to: float) -> float:
    """Mean followers of all accounts if those with more than so many had none."""
    cut = 1 - (least / VENDOR["largest"]) ** _TAIL
    return _TAIL / (_TAIL - 1) * least**_TAIL * (least ** (1 - _TAIL) - up_to ** (1 - _TAIL)) / cut


#: The fewest followers, so that the mean is the vendor's.
LEAST = _least()


@takes(Setting)
def simulate(at: Setting) -> Timelines:
    """Look at twenty thousand follows, at the chosen limit and at :data:`LIMITS`."""
    sweep, out = _sweep(at.but(limit=100.0)), _one(at)
    return Timelines(at, sweep[:, 0], sweep[:, 1], *out.tolist())


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_one(at.but(limit=limit)) for limit in LIMITS])


def _one(at: Setting) -> np.ndarray:
    """As `what_readers_follow`, all follows at once."""
    followers = followers_of(Draws(at.seed)("follows").random(_FOLLOWS))
    copied = followers <= at.limit
    follows = VENDOR["followers"]
    lists = 1 + follows * (_FOLLOWS - copied.sum()) / _FOLLOWS
    writes = at.tweets_rps * follows * copied.sum() / _FOLLOWS
    slowest = followers[copied].max(initial=0.0) / at.spare_rps
    return np.array([writes, at.reads_rps * lists, lists, slowest])


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Copies and lists read per second; lists a reader looks at; the slowest tweet, seconds."""

    writes_rps: float
    reads_rps: float
    lists: float
    slowest_s: float


def theory(at: Setting, limit: float | None = None) -> Theory:
    """Means of a truncated Pareto distribution: who follows is followed by, on average."""
    top = at.limit if limit is None else limit
    copied = _mean(LEAST, top) if top > LEAST else 0.0
    lists = 1 + VENDOR["followers"] - copied
    return Theory(at.tweets_rps * copied, at.reads_rps * lists, lists, top / at.spare_rps)


# --- what it says ---------------------------------------------------------------------------------


class Timelines(Result):
    """What copying and collecting cost.

    Attributes
    ----------
    writes, reads : numpy.ndarray, shape (7,)
        Copies written and lists read per second, for each of :data:`LIMITS`.
    writes_here, reads_here, lists, slowest_s : float
        At the setting, with the lists that a reader looks at and the time until the tweet of the
        largest account that is copied, among those drawn, has reached all of its followers.
    """

    at: Setting
    writes: np.ndarray
    reads: np.ndarray
    writes_here: float
    reads_here: float
    lists: float
    slowest_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "copies_rps": rounded(self.writes_here),
            "copies_theory_rps": rounded(exact.writes_rps),
            "lists_read_rps": rounded(self.reads_here),
            "lists_theory_rps": rounded(exact.reads_rps),
            "lists_per_reader": rounded(self.lists),
            "largest_copied_s": rounded(exact.slowest_s),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        return (
            f"Tweets of accounts with up to {significant(at.limit)} followers are copied: "
            f"{significant(self.writes_here)} copies per second (theory "
            f"{significant(exact.writes_rps)}), and {duration(exact.slowest_s)} until such an "
            f"account's tweet is everywhere. A reader looks at {amount(self.lists, 'list')}, "
            f"which makes {significant(self.reads_here)} per second."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, limit) for limit in LIMITS]
        return {
            "copied up to": LIMITS,
            "copies (per s)": self.writes,
            "in theory": [one.writes_rps for one in exact],
            "lists read (per s)": self.reads,
            "read in theory": [one.reads_rps for one in exact],
            "slowest (s)": [one.slowest_s for one in exact],
        }


@style.panels(2)
def plot(run: Timelines, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the work per second, and the largest account's delay, against the limit."""
    at, (ax, slow) = run.at, axes
    limits = np.geomspace(100, 31e6, 50)
    exact = [theory(at, limit) for limit in limits]
    ax.plot(limits, [one.writes_rps for one in exact], **style.THEORY)
    ax.plot(limits, [one.reads_rps for one in exact], **style.THEORY)
    ax.plot(LIMITS, run.writes, **style.DOTS)
    ax.plot(LIMITS, run.reads, **style.DOTS | {"color": style.GREEN})
    top = 100 * max(at.reads_rps * 76, at.tweets_rps * 75)
    log_axis(ax, "y", min(at.reads_rps, at.tweets_rps) / 3, top, text=short)
    ax.set_title("Work")
    ax.set_ylabel("per s")
    key(ax, [("●", "lists read", style.GREEN), ("●", "copies written", style.BLUE),
             ("╌", "theory", style.INK)])  # fmt: skip
    slow.plot(limits, [one.slowest_s for one in exact], **style.THEORY)
    slow.plot(VENDOR["largest"], VENDOR["slowest_s"], **style.MEASUREMENT)
    time_axis(slow, "y", 1e-3, 1e4)
    slow.set_title("Until the last follower has it")
    key(slow, [("●", "Twitter: up to five minutes", style.VERMILION)], left=True, x=0.97)
    for each in axes:
        log_axis(each, "x", 60, 6e7, text=short)
        each.set_xlabel("copied up to (followers)")
        here(each, at.limit)
    if mine is not None:
        yours(ax, at.limit, [mine["writes_rps"], mine["reads_rps"]])
        yours(slow, at.limit, max(mine["slowest_s"], 1e-3))
