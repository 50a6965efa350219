"""Joining two sharded tables: rows that cross the network, and matches that are missed.

Users are sharded by user and orders by order number, and joined in four ways. Where that stops
being true: a database knows more ways, such as sending only what a filter lets through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key
from helpers.foundations.experiment import Draws, Parameters, Result, integer, seed, takes
from helpers.foundations.prose import counted, significant
from helpers.sharding.router import hash64, shard_by_modulo
from helpers.sharding.shard_axes import count_axis

#: Ways of joining two tables that live on shards.
JOINS = ("local only", "broadcast", "repartition", "co-located")

#: Numbers of shards at which the curves are computed, and users in all.
SIZES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
USERS = 1_000

_LOOKS = {
    "local only": ("s", style.VERMILION),
    "broadcast": ("o", style.BLUE),
    "repartition": ("D", style.PURPLE),
    "co-located": ("^", style.GREEN),
}


class Setting(Parameters):
    """1,000 users hashed by user and their orders hashed by order number."""

    shards: int = integer(4, "Shards", at_least=1, at_most=32)
    orders_per_user: int = integer(
        10, "Orders per user", at_least=1, at_most=20, note="Each order's user is drawn at random."
    )
    seed: int = seed()

    @property
    def orders(self) -> int:
        """Orders in all."""
        return USERS * self.orders_per_user


@takes(Setting)
def simulate(at: Setting) -> Join:
    """Place every row, and count those that are apart from what they are joined with."""
    user_of = Draws(at.seed)("orders").integers(0, USERS, at.orders)
    user_hash = hash64(np.arange(USERS), at.seed)
    order_hash = hash64(np.arange(at.orders) + USERS, at.seed)

    def count(shards: int) -> tuple[int, int]:
        """Orders that are not where their user is, and users that shards do not have yet."""
        user_shard, order_shard = (shard_by_modulo(h, shards) for h in (user_hash, order_hash))
        apart = int((order_shard != user_shard[user_of]).sum())
        held = np.bincount(user_shard, minlength=shards).tolist()
        return apart, sum(USERS - users for users in held)

    counts = np.array([count(shards) for shards in SIZES.tolist()])
    apart, copies = count(at.shards)
    return Join(at, apart=counts[:, 0], copies=counts[:, 1], apart_here=apart, copies_here=copies)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean rows sent, and mean fraction of the matches found."""

    sent: np.ndarray
    found: np.ndarray


def theory(at: Setting, how: str, shards: Any = SIZES) -> Theory:
    """What each of :data:`JOINS` sends and finds at numbers of shards.

    ``"local only"`` joins on every shard what happens to lie there; ``"broadcast"`` sends all
    users everywhere; ``"repartition"`` sends every order to its user's shard; ``"co-located"``
    stores orders by user in the first place. An order and its user share a shard with probability
    ``1/n``. Hence the local join finds 1/n of the matches, and
    repartitioning moves ``orders (1 - 1/n)``. Broadcasting moves ``users (n - 1)``, so it is
    cheaper while ``n < orders / users``. Joins by repartitioning: DeWitt and Gray, "Parallel
    database systems", *Communications of the ACM* 35(6), 1992.
    """
    n = np.asarray(shards, dtype=float)
    nothing, everything = np.zeros_like(n), np.ones_like(n)
    return {
        "local only": Theory(nothing, together(n)),
        "broadcast": Theory(USERS * (n - 1), everything),
        "repartition": Theory(at.orders * (1 - together(n)), everything),
        "co-located": Theory(nothing, everything),
    }[how]


def together(shards: Any) -> Any:
    """Probability that an order and its user, hashed independently, share one of n shards."""
    return 1 / shards


# --- what it says ---------------------------------------------------------------------------------


class Join(Result):
    """Rows that lie apart, at :data:`SIZES` and at ``at.shards``.

    Attributes
    ----------
    apart, apart_here : numpy.ndarray or int
        Orders that are not on their user's shard.
    copies, copies_here : numpy.ndarray or int
        Users that the shards together lack: a shard that is sent all users lacks those it has not.
    """

    at: Setting
    apart: np.ndarray
    copies: np.ndarray
    apart_here: int
    copies_here: int

    def sent(self, how: str) -> np.ndarray:
        """Rows that crossed the network, at :data:`SIZES`."""
        return {"broadcast": self.copies, "repartition": self.apart}.get(how, 0 * self.apart)

    def found(self, how: str) -> np.ndarray:
        """Fraction of the orders whose user was found, at :data:`SIZES`."""
        return 1 - (self.apart if how == "local only" else 0 * self.apart) / self.at.orders

    @property
    def found_here(self) -> float:
        """Fraction of the matches that a join on each shard alone finds."""
        return 1 - self.apart_here / self.at.orders

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "local_only_found_percent": 100 * self.found_here,
            "broadcast_rows": self.copies_here,
            "repartition_rows": self.apart_here,
            "co_located_rows": 0,
        }

    @property
    def reading(self) -> str:
        sent = {"broadcast": self.copies_here, "repartition": self.apart_here}
        cheaper = min(sent, key=sent.__getitem__)
        if self.at.shards == 1:
            return "On 1 shard every row is at home: each way finds all matches and sends no row."
        return (
            f"On {self.at.shards} shards a join that stays on each shard finds "
            f"{significant(100 * self.found_here)} % of the matches; to find them all, {cheaper} "
            f"is cheaper and sends {counted(sent[cheaper], 'row')}; co-locating sends none."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        sent = {f"{how}: rows": self.sent(how) for how in JOINS}
        return {"shards": SIZES, **sent, **{f"{how}: found": self.found(how) for how in JOINS}}


@style.panels(2)
def plot(run: Join, axes: tuple[Axes, Axes]) -> None:
    """Draw the matches found and the rows sent by each way of joining."""
    found, sent = axes
    for how in ("local only", "co-located"):
        marker, color = _LOOKS[how]
        found.plot(SIZES, theory(run.at, how).found, **style.THEORY)
        found.plot(SIZES, run.found(how), linestyle="none", marker=marker, color=color)
    style.label(found, 4, 0.25, "each shard on its own", style.VERMILION, xytext=(8, 8))
    style.label(found, 16, 1.0, "all other ways", style.GREEN, xytext=(0, 10), ha="center")
    found.set_ylim(0, 1.12)
    found.set_yticks(np.arange(0, 1.01, 0.25))
    found.yaxis.set_major_formatter(PercentFormatter(1))
    found.set_ylabel("matches found")
    found.set_title("A join that stays at home is wrong")
    for how in ("broadcast", "repartition", "co-located"):
        marker, color = _LOOKS[how]
        sent.plot(SIZES, theory(run.at, how).sent, **style.THEORY)
        sent.plot(SIZES, run.sent(how), linestyle="none", marker=marker, color=color)
    entries = [
        ("●", "broadcast the users", _LOOKS["broadcast"][1]),
        ("◆", "repartition the orders", _LOOKS["repartition"][1]),
        ("▲", "co-located", _LOOKS["co-located"][1]),
    ]
    key(sent, entries, left=True)
    sent.set_ylim(-1_000, 35_000)
    sent.set_yticks(range(0, 30_001, 10_000), ["0", "10,000", "20,000", "30,000"])
    sent.set_ylabel("rows that cross the network")
    sent.set_title("What being right costs")
    for ax in axes:
        here(ax, run.at.shards)
        count_axis(ax, 36, "shards")
