"""Joining two sharded tables: rows that cross the network, and matches that are missed."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.sharding.placement import hash64, shard_by_modulo
from helpers.sharding.theory.scatter_gather import JOINS, theory_join

_SIZES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
_USERS = 1_000


class JoinResult(Result):
    """Rows sent and matches found by each way of joining, by the number of shards.

    Attributes
    ----------
    shards, orders, users : int
        The number of shards in the summary, and rows of the two tables.
    sizes : numpy.ndarray of int, shape (m,)
        Numbers of shards tried.
    sent, theory_sent : dict of str to numpy.ndarray, shape (m,)
        Rows that crossed the network, by strategy.
    found, theory_found : dict of str to numpy.ndarray, shape (m,)
        Fraction of the orders whose user was found, by strategy.
    now : dict of str to (float, float)
        Rows sent and fraction found with `shards` shards.
    """

    shards: int
    orders: int
    users: int
    sizes: np.ndarray
    sent: dict[str, np.ndarray]
    theory_sent: dict[str, np.ndarray]
    found: dict[str, np.ndarray]
    theory_found: dict[str, np.ndarray]
    now: dict[str, tuple[float, float]]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "local_only_found_percent": 100 * self.now["local only"][1],
            "broadcast_rows": int(self.now["broadcast"][0]),
            "repartition_rows": int(self.now["repartition"][0]),
            "co_located_rows": int(self.now["co-located"][0]),
        }

    @property
    def reading(self) -> str:
        sent = {name: self.now[name][0] for name in ("broadcast", "repartition")}
        cheaper = min(sent, key=sent.__getitem__)
        return (
            f"On {self.shards} shards a join that stays on each shard finds "
            f"{significant(100 * self.now['local only'][1])} % of the matches; to find them all, "
            f"{cheaper} is cheaper and sends {int(sent[cheaper]):,} rows; co-locating sends none."
        )

    def table(self):
        import pandas as pd

        columns = {f"{name}: rows": self.sent[name] for name in JOINS}
        columns |= {f"{name}: found": self.found[name] for name in JOINS}
        return pd.DataFrame({"shards": self.sizes, **columns}).set_index("shards")


def simulate_join(*, shards: int = 4, orders_per_user: int = 10, seed: int = 1) -> JoinResult:
    """Hash 1,000 users by user and their orders by order number, and join them in four ways.

    Parameters
    ----------
    shards : int
        Number of shards; 1 to 32.
    orders_per_user : int
        Orders divided by users; 1 to 20. Each order's user is drawn at random.
    seed : int
        Seed of the orders and of the hash function.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shards = validation.integer("shards", shards, at_least=1, at_most=32)
    per_user = validation.integer("orders_per_user", orders_per_user, at_least=1, at_most=20)
    orders = _USERS * per_user
    user_of = streams(seed, "orders")["orders"].integers(0, _USERS, orders)
    user_hash = hash64(np.arange(_USERS), seed)
    order_hash = hash64(np.arange(orders) + _USERS, seed)

    def join(n: int) -> dict[str, tuple[float, float]]:
        user_shard = shard_by_modulo(user_hash, n)
        order_shard = shard_by_modulo(order_hash, n)
        apart = int((order_shard != user_shard[user_of]).sum())
        # A shard receives every user that it does not hold.
        copies = sum(_USERS - held for held in np.bincount(user_shard, minlength=n).tolist())
        return {
            "local only": (0.0, 1 - apart / orders),
            "broadcast": (float(copies), 1.0),
            "repartition": (float(apart), 1.0),
            "co-located": (0.0, 1.0),
        }

    rows = [join(int(n)) for n in _SIZES]
    theory = {name: theory_join(name, _SIZES, orders, _USERS) for name in JOINS}
    return JoinResult(
        shards=shards,
        orders=orders,
        users=_USERS,
        sizes=_SIZES,
        sent={name: np.array([row[name][0] for row in rows]) for name in JOINS},
        found={name: np.array([row[name][1] for row in rows]) for name in JOINS},
        theory_sent={name: theory[name][0] for name in JOINS},
        theory_found={name: theory[name][1] for name in JOINS},
        now=join(shards),
    )
