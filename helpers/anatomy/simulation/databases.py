"""Databases: what a power cut takes, and which layout answers which question cheaply."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.anatomy.theory import theory_power_cut
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_CUTS = 400
FLUSHES_S = np.geomspace(1e-3, 10, 41)


class PowerCutResult(Result):
    """Acknowledged writes lost to power cuts at random moments.

    Attributes
    ----------
    rate_rps, flush_s, sync_ms, each_write
        The parameters it was made with.
    lost : numpy.ndarray, shape (400,)
        Acknowledged writes lost in each cut.
    mean_lost : Interval
        Their mean.
    """

    rate_rps: float
    flush_s: float
    sync_ms: float
    each_write: bool
    lost: np.ndarray
    mean_lost: Interval

    @property
    def expected(self) -> dict[str, float]:
        """Theory for exactly these parameters."""
        return theory_power_cut(
            rate_rps=self.rate_rps,
            flush_s=0.0 if self.each_write else self.flush_s,
            sync_ms=self.sync_ms,
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lost_writes_mean": self.mean_lost.estimate,
            "lost_writes_theory": self.expected["lost_writes"],
            "lost_writes_worst": int(self.lost.max()),
            "disk_busy_percent": 100 * self.expected["disk_busy"],
            "most_writes_per_s_if_each_syncs": 1e3 / self.sync_ms,
        }

    @property
    def reading(self) -> str:
        busy = self.expected["disk_busy"]
        disk = f"the disk syncs for {significant(100 * busy)} % of the time"
        if busy > 1:
            disk = (
                f"the disk would need {significant(busy)} s of syncing for each second: it can "
                f"sync {significant(1e3 / self.sync_ms)} times a second at most"
            )
        if self.each_write:
            return f"Synced before it is acknowledged, no write is ever lost, and {disk}."
        return (
            f"A power cut takes {significant(self.mean_lost.estimate)} acknowledged writes on "
            f"average (theory {significant(self.expected['lost_writes'])}), "
            f"{significant(int(self.lost.max()))} at worst in {_CUTS} cuts, and {disk}."
        )


def simulate_power_cut(
    *,
    rate_rps: float = 500.0,
    flush_s: float = 1.0,
    sync_ms: float = 2.0,
    each_write: bool = False,
    seed: int = 1,
) -> PowerCutResult:
    """Cut the power 400 times and count the writes that were acknowledged but not yet on disk.

    Parameters
    ----------
    rate_rps : float
        Acknowledged writes per second, Poisson; > 0, at most 10,000.
    flush_s : float
        Seconds between two syncs; 0.001 to 10.
    sync_ms : float
        Time of one sync, milliseconds; 0.01 to 50.
    each_write : bool
        Sync every write before it is acknowledged, whatever `flush_s` says.
    seed : int
        Seed of the writes and the cuts; >= 0.

    Returns
    -------
    PowerCutResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=10_000, unit="writes/s")
    flush_s = validation.number("flush_s", flush_s, at_least=1e-3, at_most=10, unit="s")
    sync_ms = validation.number("sync_ms", sync_ms, at_least=0.01, at_most=50, unit="ms")
    if not isinstance(each_write, bool):
        raise TypeError(f"each_write must be True or False, got {each_write!r}")
    moments, epochs, normals = _cuts(validation.integer("seed", seed, at_least=0))
    if each_write:
        lost = np.zeros(_CUTS, dtype=int)
    else:
        since = moments * flush_s  # time since the last sync
        lost = _poisson(rate_rps * since, epochs, normals)
    return PowerCutResult(
        rate_rps=rate_rps,
        flush_s=flush_s,
        sync_ms=sync_ms,
        each_write=each_write,
        lost=lost,
        mean_lost=mean_interval(lost),
    )


def _poisson(means: np.ndarray, epochs: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Poisson counts that move smoothly with their means: exact up to 40, then by the normal."""
    exact = (epochs <= means[:, np.newaxis]).sum(axis=1)
    large = np.rint(means + np.sqrt(means) * normals).astype(int)
    return np.where(means < 40, exact, large)


@lru_cache(maxsize=4)
def _cuts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = streams(seed, "cuts", "writes", "many writes")
    drawn = (
        rng["cuts"].random(_CUTS),
        np.cumsum(rng["writes"].standard_exponential((_CUTS, 100)), axis=1),
        rng["many writes"].standard_normal(_CUTS),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- four layouts -------------------------------------------------------------------------------

#: The layouts, and the questions asked of each.
LAYOUTS = ("relational", "document", "key-value", "graph")
QUERIES = ("session by key", "profile page", "sales report", "friends of friends")

PAGE_BYTES = 4_096
_PROFILE, _ROW, _PAIR = 100, 40, 12  # bytes of a user's profile, an order, a friendship
_ORDER_TEXT, _FRIEND_TEXT = 60, 12  # of an order and a friend inside a JSON value


class LayoutsResult(Result):
    """Leaf pages that each layout reads for each question.

    Attributes
    ----------
    users, orders, friends, mix
        The parameters it was made with; `mix` holds the questions' shares of the traffic.
    pages : numpy.ndarray, shape (4, 4)
        Pages read, one row for each of `LAYOUTS`, one column for each of `QUERIES`.
    """

    users: int
    orders: int
    friends: int
    mix: np.ndarray
    pages: np.ndarray

    @property
    def cost(self) -> np.ndarray:
        """Pages read for an average question, by layout, shape (4,)."""
        return self.pages @ self.mix

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            f"{name.replace('-', '_')}_pages": float(cost)
            for name, cost in zip(LAYOUTS, self.cost, strict=True)
        }
        values["cheapest"] = LAYOUTS[int(self.cost.argmin())]
        return values

    @property
    def reading(self) -> str:
        order = np.argsort(self.cost, kind="stable")
        tied = [LAYOUTS[i] for i in order if np.isclose(self.cost[i], self.cost[order[0]])]
        verb = "are" if tied[1:] else "is"
        return (
            f"For this mix of questions {' and '.join(tied)} {verb} cheapest, with "
            f"{significant(self.cost[order[0]])} pages for an average question; the dearest, "
            f"{LAYOUTS[order[-1]]}, reads {significant(self.cost[order[-1]])}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(self.pages, index=list(LAYOUTS), columns=list(QUERIES))


def layout_pages(*, users: int, orders: int, friends: int) -> np.ndarray:
    """Return how many leaf pages each layout reads for each question, nothing being in memory.

    Parameters
    ----------
    users, orders, friends : int
        Users, orders of each, friends of each; >= 1.

    Returns
    -------
    numpy.ndarray, shape (4, 4)
        Rows as in :data:`LAYOUTS`, columns as in :data:`QUERIES`.

    Notes
    -----
    One lookup reads one page and as many more as the value fills; a range or scan of neighbours
    reads the pages they fill; rows found through a secondary index lie on a page each. Inner nodes
    are in memory. Silberschatz, Korth and Sudarshan, *Database System Concepts*, 7th ed. 2019, on
    the cost of selection.

    Relational: orders stored as they came in, with an index by user; friendships sorted by user.
    Document: one JSON value for a user with orders and friends. Key-value: profile, orders and
    friends a value each, like kinds stored together. Graph: nodes, and all edges sorted by node.
    """
    document = _PROFILE + _ORDER_TEXT * orders + _FRIEND_TEXT * friends
    edges = _ROW * orders + _PAIR * friends

    def lookup(size: float) -> float:
        return 1 + size / PAGE_BYTES

    def scan(size: float) -> float:
        return max(1.0, users * size / PAGE_BYTES)

    return np.array(
        [
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_PAIR * orders) + orders,
                scan(_ROW * orders),
                (1 + friends) * lookup(_PAIR * friends),
            ],
            [
                lookup(_PROFILE),
                lookup(document),
                scan(document),
                (1 + friends) * lookup(document),
            ],
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_ORDER_TEXT * orders),
                scan(_ORDER_TEXT * orders),
                (1 + friends) * lookup(_FRIEND_TEXT * friends),
            ],
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_ROW * orders),
                scan(edges),
                (1 + friends) * lookup(_PAIR * friends),
            ],
        ]
    )


def simulate_layouts(
    *,
    users: int = 10_000,
    orders: int = 20,
    friends: int = 20,
    page_share: float = 0.9,
    report_share: float = 0.0,
    friends_share: float = 0.0,
) -> LayoutsResult:
    """Count the pages that four layouts read for a mix of four questions.

    Parameters
    ----------
    users, orders, friends : int
        Users, and the orders and friends of each; 100 to 1,000,000 and 1 to 200.
    page_share, report_share, friends_share : float
        Weights of "profile page", "sales report" and "friends of friends", 0 to 1 each; what is
        left to 1 are sessions looked up by key, and weights that add up to more are scaled down.

    Returns
    -------
    LayoutsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    users = validation.integer("users", users, at_least=100, at_most=1_000_000)
    orders = validation.integer("orders", orders, at_least=1, at_most=200)
    friends = validation.integer("friends", friends, at_least=1, at_most=200)
    named = {
        "page_share": page_share, "report_share": report_share, "friends_share": friends_share
    }  # fmt: skip
    weights = [validation.number(n, v, at_least=0, at_most=1) for n, v in named.items()]
    mix = np.array([max(0.0, 1 - sum(weights)), *weights])
    return LayoutsResult(
        users=users,
        orders=orders,
        friends=friends,
        mix=mix / mix.sum(),
        pages=layout_pages(users=users, orders=orders, friends=friends),
    )
