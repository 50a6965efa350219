"""One small shop in four layouts, all inside sqlite, and four questions asked of each.

Documents are queried through sqlite's JSON functions, the graph with a recursive common table
expression; a key-value store can only fetch, so what is left to do is done in Python.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from functools import partial

import numpy as np

#: The layouts, and the questions asked of each.
LAYOUTS = ("relational", "document", "key-value", "graph")
QUERIES = ("session by key", "profile page", "sales report", "friends of friends")


def ask_all(
    users: int, orders: int, friends: int, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """Store a shop in four layouts in memory and time four questions of each.

    Parameters
    ----------
    users, orders, friends : int
        Users, and orders and friends of each.
    rng : numpy.random.Generator
        Draws the data.

    Returns
    -------
    numpy.ndarray, shape (4, 4), and bool
        Shortest times in seconds, one row for each of :data:`LAYOUTS`, one column for each of
        :data:`QUERIES`; and whether all layouts gave the same answers.
    """
    shop = _Shop(users, orders, friends, rng)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        shop.store(connection)
        times, same = np.empty((4, 4)), True
        for j, query in enumerate(QUERIES):
            asks = [
                getattr(shop, f"{layout.replace('-', '_')}_{query.split()[0]}")
                for layout in LAYOUTS
            ]
            answers = [ask(connection, 7) for ask in asks]
            times[:, j] = _shortest_times([partial(ask, connection) for ask in asks], users)
            same &= all(answer == answers[0] for answer in answers)
    finally:
        connection.close()
    return times, same


def _shortest_times(asks: list[Callable[[int], object]], users: int) -> np.ndarray:
    """Shortest seconds of each question, asked in turn for a while: what a busy machine adds is
    not the layout's fault, and it hits all of them alike."""
    times: list[list[float]] = [[] for _ in asks]
    until = time.perf_counter() + 0.12
    while len(times[0]) < 4 or time.perf_counter() < until:
        for ask, taken in zip(asks, times, strict=True):
            began = time.perf_counter()
            ask((7 * len(taken)) % users)
            taken.append(time.perf_counter() - began)
    return np.array([min(taken) for taken in times])


class _Shop:
    """The same data in four layouts; one method for each layout and question."""

    def __init__(self, users: int, orders: int, friends: int, rng: np.random.Generator) -> None:
        # Orders in the order in which they came in, so that a user's lie far apart.
        who = rng.permutation(np.repeat(np.arange(users), orders)).tolist()
        what = rng.integers(0, 50, users * orders).tolist()
        paid = rng.integers(1, 100, users * orders).tolist()
        self.orders = list(zip(range(len(who)), who, what, paid, strict=True))
        self.of_user: list[list[list[int]]] = [[] for _ in range(users)]
        for number, user, product, amount in self.orders:
            self.of_user[user].append([number, product, amount])
        others = [rng.choice(users - 1, friends, replace=False) for _ in range(users)]
        self.friends = [sorted((o + (o >= u)).tolist()) for u, o in enumerate(others)]
        self.users = users

    def store(self, c: sqlite3.Connection) -> None:
        """Write every layout."""
        c.executescript(
            """
            BEGIN;
            CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE sessions (key TEXT PRIMARY KEY, user INTEGER) WITHOUT ROWID;
            CREATE TABLE orders (id INTEGER PRIMARY KEY, user INTEGER, product INTEGER,
                                 amount INTEGER);
            CREATE TABLE friends (user INTEGER, friend INTEGER, PRIMARY KEY (user, friend))
                WITHOUT ROWID;
            CREATE TABLE documents (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;
            CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
            CREATE TABLE nodes (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
            CREATE TABLE edges (source TEXT, kind TEXT, target TEXT, number INTEGER,
                amount INTEGER, PRIMARY KEY (source, kind, target, number)) WITHOUT ROWID;
            """
        )
        every = range(self.users)
        c.executemany("INSERT INTO users VALUES (?, ?)", ((u, f"user {u}") for u in every))
        c.executemany("INSERT INTO sessions VALUES (?, ?)", ((f"s{u}", u) for u in every))
        c.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", self.orders)
        c.execute("CREATE INDEX orders_by_user ON orders (user)")
        pairs = [(u, f) for u in every for f in self.friends[u]]
        c.executemany("INSERT INTO friends VALUES (?, ?)", pairs)
        for u in every:
            orders, friends = self.of_user[u], self.friends[u]
            body = {"name": f"user {u}", "orders": orders, "friends": friends}
            self._put(c, "documents", f"u{u}", json.dumps(body))
            self._put(c, "documents", f"s{u}", json.dumps({"user": u}))
            self._put(c, "pairs", f"session:{u}", str(u))
            self._put(c, "pairs", f"name:{u}", f"user {u}")
            self._put(c, "pairs", f"orders:{u}", json.dumps(orders))
            self._put(c, "pairs", f"friends:{u}", json.dumps(friends))
            self._put(c, "nodes", f"u{u}", f"user {u}")
            self._put(c, "nodes", f"s{u}", str(u))
        edges = [(f"u{u}", "knows", f"u{f}", 0, 0) for u, f in pairs]
        edges += [
            (f"u{u}", "bought", str(product), number, amount)
            for number, u, product, amount in self.orders
        ]
        c.executemany("INSERT INTO edges VALUES (?, ?, ?, ?, ?)", edges)
        c.execute("COMMIT")

    @staticmethod
    def _put(c: sqlite3.Connection, table: str, key: str, value: str) -> None:
        c.execute(f"INSERT INTO {table} VALUES (?, ?)", (key, value))

    @staticmethod
    def _get(c: sqlite3.Connection, key: str) -> str:
        return c.execute("SELECT value FROM pairs WHERE key = ?", (key,)).fetchone()[0]

    # session by key -> user

    def relational_session(self, c: sqlite3.Connection, u: int) -> int:
        return c.execute("SELECT user FROM sessions WHERE key = ?", (f"s{u}",)).fetchone()[0]

    def document_session(self, c: sqlite3.Connection, u: int) -> int:
        text = "SELECT body ->> '$.user' FROM documents WHERE id = ?"
        return c.execute(text, (f"s{u}",)).fetchone()[0]

    def key_value_session(self, c: sqlite3.Connection, u: int) -> int:
        return int(self._get(c, f"session:{u}"))

    def graph_session(self, c: sqlite3.Connection, u: int) -> int:
        return int(c.execute("SELECT name FROM nodes WHERE id = ?", (f"s{u}",)).fetchone()[0])

    # profile page -> name, orders

    def relational_profile(self, c: sqlite3.Connection, u: int) -> tuple[str, list]:
        (name,) = c.execute("SELECT name FROM users WHERE id = ?", (u,)).fetchone()
        text = "SELECT id, product, amount FROM orders WHERE user = ? ORDER BY id"
        return name, [list(row) for row in c.execute(text, (u,))]

    def document_profile(self, c: sqlite3.Connection, u: int) -> tuple[str, list]:
        text = "SELECT body FROM documents WHERE id = ?"
        body = json.loads(c.execute(text, (f"u{u}",)).fetchone()[0])
        return body["name"], body["orders"]

    def key_value_profile(self, c: sqlite3.Connection, u: int) -> tuple[str, list]:
        return self._get(c, f"name:{u}"), json.loads(self._get(c, f"orders:{u}"))

    def graph_profile(self, c: sqlite3.Connection, u: int) -> tuple[str, list]:
        (name,) = c.execute("SELECT name FROM nodes WHERE id = ?", (f"u{u}",)).fetchone()
        text = (
            "SELECT number, CAST(target AS INTEGER), amount FROM edges "
            "WHERE source = ? AND kind = 'bought' ORDER BY number"
        )
        return name, [list(row) for row in c.execute(text, (f"u{u}",))]

    # sales report -> revenue by product

    def relational_sales(self, c: sqlite3.Connection, _: int) -> dict[int, int]:
        return dict(c.execute("SELECT product, sum(amount) FROM orders GROUP BY product"))

    def document_sales(self, c: sqlite3.Connection, _: int) -> dict[int, int]:
        text = (
            "SELECT o.value ->> 1 AS product, sum(o.value ->> 2) "
            "FROM documents, json_each(body, '$.orders') AS o "
            "WHERE documents.id >= 'u' GROUP BY product"
        )
        return dict(c.execute(text))

    def key_value_sales(self, c: sqlite3.Connection, _: int) -> dict[int, int]:
        total: dict[int, int] = {}
        text = "SELECT value FROM pairs WHERE key >= 'orders:' AND key < 'orders;'"
        for (value,) in c.execute(text):
            for _number, product, amount in json.loads(value):
                total[product] = total.get(product, 0) + amount
        return total

    def graph_sales(self, c: sqlite3.Connection, _: int) -> dict[int, int]:
        text = (
            "SELECT CAST(target AS INTEGER), sum(amount) FROM edges "
            "WHERE kind = 'bought' GROUP BY target"
        )
        return dict(c.execute(text))

    # friends of friends -> how many people are one or two steps away

    def relational_friends(self, c: sqlite3.Connection, u: int) -> int:
        text = (
            "SELECT count(*) FROM (SELECT friend FROM friends WHERE user = :u UNION "
            "SELECT b.friend FROM friends a JOIN friends b ON b.user = a.friend "
            "WHERE a.user = :u AND b.friend <> :u)"
        )
        return c.execute(text, {"u": u}).fetchone()[0]

    def document_friends(self, c: sqlite3.Connection, u: int) -> int:
        text = (
            "WITH near AS (SELECT f.value AS id FROM documents, json_each(body, '$.friends') AS f "
            "WHERE documents.id = 'u' || :u) SELECT count(*) FROM (SELECT id FROM near UNION "
            "SELECT f.value FROM near JOIN documents d ON d.id = 'u' || near.id, "
            "json_each(d.body, '$.friends') AS f WHERE f.value <> :u)"
        )
        return c.execute(text, {"u": u}).fetchone()[0]

    def key_value_friends(self, c: sqlite3.Connection, u: int) -> int:
        near = json.loads(self._get(c, f"friends:{u}"))
        found = set(near)
        for friend in near:
            found.update(json.loads(self._get(c, f"friends:{friend}")))
        return len(found - {u})

    def graph_friends(self, c: sqlite3.Connection, u: int) -> int:
        text = (
            "WITH RECURSIVE reach (id, depth) AS (SELECT 'u' || :u, 0 UNION "
            "SELECT e.target, r.depth + 1 FROM reach r JOIN edges e "
            "ON e.source = r.id AND e.kind = 'knows' WHERE r.depth < 2) "
            "SELECT count(DISTINCT id) FROM reach WHERE id <> 'u' || :u"
        )
        return c.execute(text, {"u": u}).fetchone()[0]
