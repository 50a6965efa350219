"""Real caches and databases: reads that get through, cuts survived, four layouts."""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.anatomy.simulation.databases import LAYOUTS, QUERIES, layout_pages
from helpers.anatomy.theory import theory_hit_ratio
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.keys import zipf_keys
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

# --- a cache before a real database -------------------------------------------------------------

_KEYS, _EXPONENT = 5_000, 0.9
_SHARES = (0.005, 0.03, 0.1, 0.3)

#: Che's approximation and the sampling of this many reads are good to this much, in hit ratio.
HIT_TOLERANCE = 0.02


class MeasuredCacheLoad(Result):
    """Reads of a real sqlite file behind a real ``functools.lru_cache``.

    Attributes
    ----------
    reads : int
        Reads that were counted at each size.
    shares, hit_ratio, che : numpy.ndarray, shape (4,)
        Cache sizes as shares of the keys, measured hit ratios, and Che's approximation.
    database_reads : numpy.ndarray of int, shape (4,)
        Queries that sqlite really got.
    read_s, bare_s : numpy.ndarray and float
        Mean time of a read at each size, and without a cache, seconds.
    """

    reads: int
    shares: np.ndarray
    hit_ratio: np.ndarray
    che: np.ndarray
    database_reads: np.ndarray
    read_s: np.ndarray
    bare_s: float

    @property
    def agrees(self) -> bool:
        """Whether Che is within the tolerance everywhere."""
        return bool((np.abs(self.hit_ratio - self.che) <= HIT_TOLERANCE).all())

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"reads": self.reads}
        for share, hit, che, count in zip(
            self.shares, self.hit_ratio, self.che, self.database_reads, strict=True
        ):
            size = f"{significant(100 * share)}_percent_of_keys"
            values[f"hit_percent_at_{size}"] = 100 * float(hit)
            values[f"che_percent_at_{size}"] = 100 * float(che)
            values[f"database_reads_at_{size}"] = int(count)
        return values

    @property
    def reading(self) -> str:
        gap = float(np.abs(self.hit_ratio - self.che).max())
        word = "agree" if self.agrees else "disagree"
        return (
            f"Verdict: real caches and Che {word}, the widest gap being "
            f"{significant(100 * gap, 2)} points of hit ratio (allowed: "
            f"{significant(100 * HIT_TOLERANCE)}). With room for "
            f"{significant(100 * self.shares[-1])} % of the keys sqlite got "
            f"{self.database_reads[-1]:,} of {self.reads:,} reads, and a read took "
            f"{duration(float(self.read_s[-1]), 2)} instead of {duration(self.bare_s, 2)}."
        )


def measure_cache_load(*, reads: int = 12_000, seed: int = 1) -> MeasuredCacheLoad:
    """Read Zipf keys through caches of four sizes from an sqlite file, and count its queries.

    Parameters
    ----------
    reads : int
        Reads at each size, after as many that fill the cache; 2,000 to 50,000.
    seed : int
        Seed of the keys; >= 0.

    Returns
    -------
    MeasuredCacheLoad

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    reads = validation.integer("reads", reads, at_least=2_000, at_most=50_000)
    keys = zipf_keys(2 * reads, _KEYS, _EXPONENT, streams(seed, "keys")["keys"]).tolist()
    counts, times = [], []
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        connection = sqlite3.connect(Path(folder) / "values.db")
        try:
            connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
            rows = ((key, f"value-{key}") for key in range(_KEYS))
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            connection.commit()
            queries = 0

            def query(key: int) -> str:
                nonlocal queries
                queries += 1
                return connection.execute("SELECT v FROM t WHERE k = ?", (key,)).fetchone()[0]

            began = time.perf_counter()
            for key in keys[:2_000]:
                query(key)
            bare_s = (time.perf_counter() - began) / 2_000
            for share in _SHARES:
                fetch = lru_cache(maxsize=round(share * _KEYS))(query)
                for key in keys[:reads]:
                    fetch(key)
                queries, began = 0, time.perf_counter()
                for key in keys[reads:]:
                    fetch(key)
                times.append((time.perf_counter() - began) / reads)
                counts.append(queries)
        finally:
            connection.close()
    shares, database_reads = np.array(_SHARES), np.array(counts)
    return MeasuredCacheLoad(
        reads=reads,
        shares=shares,
        hit_ratio=1 - database_reads / reads,
        che=theory_hit_ratio(keys=_KEYS, exponent=_EXPONENT, size=shares * _KEYS),
        database_reads=database_reads,
        read_s=np.array(times),
        bare_s=bare_s,
    )


# --- a cut at a random byte ---------------------------------------------------------------------

_HEADER, _FRAME_HEADER = 32, 24  # bytes; sqlite.org, "Database File Format", section 4


class MeasuredPowerCut(Result):
    """Stores whose file lost everything after a random byte.

    Attributes
    ----------
    commits, cuts : int
        Writes acknowledged before, and files cut.
    cut_bytes : numpy.ndarray, shape (cuts,)
        Where sqlite's log was cut, as a share of its length.
    survived, predicted : numpy.ndarray of int, shape (cuts,)
        Rows that sqlite had afterwards, and those whose commits lie wholly before the cut.
    sound, torn_lines, torn_whole : int
        Cuts after which sqlite's own check found nothing wrong; after which a file of JSON lines
        ended in a torn one; after which a JSON document, rewritten as a whole, could not be read.
    sync_s, lazy_s : float
        Median time of a commit that waits for the disk, and of one that does not, seconds.
    """

    commits: int
    cuts: int
    cut_bytes: np.ndarray
    survived: np.ndarray
    predicted: np.ndarray
    sound: int
    torn_lines: int
    torn_whole: int
    sync_s: float
    lazy_s: float

    @property
    def agrees(self) -> bool:
        """Whether every cut left exactly the rows that were predicted, and a sound file."""
        return bool((self.survived == self.predicted).all()) and self.sound == self.cuts

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "cuts": self.cuts,
            "as_predicted": int((self.survived == self.predicted).sum()),
            "sqlite_sound": self.sound,
            "json_lines_torn": self.torn_lines,
            "json_document_unreadable": self.torn_whole,
            "commit_synced_us": 1e6 * self.sync_s,
            "commit_not_synced_us": 1e6 * self.lazy_s,
        }

    @property
    def reading(self) -> str:
        same = int((self.survived == self.predicted).sum())
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: after {same} of {self.cuts} cuts sqlite had exactly the rows whose commits "
            f"lie before the cut, and after {self.sound} its check found no fault: it {word} with "
            f"its file format. A file of JSON lines ended in a torn record {self.torn_lines} "
            f"times, a rewritten JSON document was unreadable {self.torn_whole} times. A commit "
            f"took {duration(self.sync_s, 2)} with a sync and {duration(self.lazy_s, 2)} without."
        )


def measure_power_cut(*, commits: int = 60, cuts: int = 40, seed: int = 1) -> MeasuredPowerCut:
    """Cut copies of real files off at random bytes, as a power cut might, and open them again.

    Parameters
    ----------
    commits : int
        Rows committed one by one; 10 to 500.
    cuts : int
        Copies cut; 5 to 200.
    seed : int
        Seed of the cuts; >= 0.

    Returns
    -------
    MeasuredPowerCut

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A disk that is cut off has kept some prefix of what was appended to the write-ahead log. (It
    may also have kept later parts and lost earlier ones: the log's checksums catch that, and the
    cut here does not try it.)
    """
    commits = validation.integer("commits", commits, at_least=10, at_most=500)
    cuts = validation.integer("cuts", cuts, at_least=5, at_most=200)
    places = np.sort(streams(seed, "cuts")["cuts"].random(cuts))
    records = [{"id": i, "amount": 100 + i} for i in range(commits)]
    with tempfile.TemporaryDirectory(prefix="anatomy-") as name:
        folder = Path(name)
        lazy_s = _commit_time(folder / "lazy.db", "OFF", 40)
        sync_s = _commit_time(folder / "synced.db", "FULL", 40)
        source = folder / "source.db"
        connection = sqlite3.connect(source, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER)")
            for record in records:
                connection.execute("INSERT INTO payments VALUES (:id, :amount)", record)
            main_file = shutil.copy(source, folder / "main")
            log = Path(f"{source}-wal").read_bytes()
        finally:
            connection.close()
        ends = _commit_ends(log)
        survived, predicted, sound = [], [], 0
        for place in places.tolist():
            keep = int(place * len(log))
            rows, is_sound = _open_cut(Path(main_file), log[:keep], folder / "cut.db")
            survived.append(rows)
            sound += is_sound
            predicted.append(max(sum(end <= keep for end in ends) - 1, 0))  # the first: the table
    lines = "".join(json.dumps(record) + "\n" for record in records)
    document = json.dumps(records)
    torn_lines = sum(not _readable(lines[: int(p * len(lines))].splitlines()) for p in places)
    torn_whole = sum(not _readable([document[: int(p * len(document))]]) for p in places)
    return MeasuredPowerCut(
        commits=commits,
        cuts=cuts,
        cut_bytes=places,
        survived=np.array(survived),
        predicted=np.array(predicted),
        sound=sound,
        torn_lines=torn_lines,
        torn_whole=torn_whole,
        sync_s=sync_s,
        lazy_s=lazy_s,
    )


def _commit_time(path: Path, synchronous: str, count: int) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("CREATE TABLE t (v INTEGER)")
        times = []
        for i in range(count):
            began = time.perf_counter()
            connection.execute("INSERT INTO t VALUES (?)", (i,))
            times.append(time.perf_counter() - began)
    finally:
        connection.close()
    return statistics.median(times)


def _commit_ends(log: bytes) -> list[int]:
    """Bytes of a write-ahead log at which each commit is complete."""
    (page_size,) = struct.unpack_from(">I", log, 8)
    frame = _FRAME_HEADER + page_size
    ends = []
    for start in range(_HEADER, len(log) - frame + 1, frame):
        _, pages_after_commit = struct.unpack_from(">II", log, start)
        if pages_after_commit:
            ends.append(start + frame)
    return ends


def _open_cut(main_file: Path, log: bytes, path: Path) -> tuple[int, bool]:
    """Open a database with what is left of its log; return its rows and whether it is sound."""
    shutil.copy(main_file, path)
    Path(f"{path}-wal").write_bytes(log)
    connection = sqlite3.connect(path)
    try:
        sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = connection.execute("SELECT count(*) FROM payments").fetchone()[0] if tables else 0
    finally:
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    return rows, sound


def _readable(texts: list[str]) -> bool:
    try:
        for text in texts:
            json.loads(text)
    except ValueError:
        return False
    return True


# --- four layouts -------------------------------------------------------------------------------


class MeasuredLayouts(Result):
    """Times of four questions on four layouts of the same data, all in sqlite.

    Attributes
    ----------
    users, orders, friends
        The parameters it was made with.
    times_s : numpy.ndarray, shape (4, 4)
        Shortest times, one row for each of `LAYOUTS`, one column for each of `QUERIES`.
    pages : numpy.ndarray, shape (4, 4)
        Pages that the model counts.
    same_answers : bool
        Whether all layouts gave the same answers.
    """

    users: int
    orders: int
    friends: int
    times_s: np.ndarray
    pages: np.ndarray
    same_answers: bool

    @property
    def winners(self) -> dict[str, str]:
        """Quickest layout for each question."""
        return dict(zip(QUERIES, (LAYOUTS[i] for i in self.times_s.argmin(axis=0)), strict=True))

    @property
    def predicted(self) -> dict[str, set[str]]:
        """Layouts with the fewest pages for each question; ties within a tenth."""
        best = self.pages.min(axis=0)
        return {
            query: {LAYOUTS[i] for i in np.flatnonzero(self.pages[:, j] <= 1.1 * best[j])}
            for j, query in enumerate(QUERIES)
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            query: f"{layout}, {duration(self.times_s[:, j].min(), 2)}"
            for j, (query, layout) in enumerate(self.winners.items())
        }
        values["same_answers"] = "yes" if self.same_answers else "no"
        return values

    @property
    def reading(self) -> str:
        right = sum(self.winners[query] in self.predicted[query] for query in QUERIES)
        who = ", ".join(f"{query}: {layout}" for query, layout in self.winners.items())
        spread = float((self.times_s.max(axis=0) / self.times_s.min(axis=0)).max())
        answers = "the same answers" if self.same_answers else "different answers"
        return (
            f"Verdict: {len(set(self.winners.values()))} different layouts win the four questions "
            f"({who}), all with {answers}; counting pages named the winner or a tie with it "
            f"{right} times of 4, and the widest gap between first and last is "
            f"{significant(spread, 2)}-fold."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(1e6 * self.times_s, index=list(LAYOUTS), columns=list(QUERIES))


def measure_layouts(
    *, users: int = 800, orders: int = 20, friends: int = 12, seed: int = 1
) -> MeasuredLayouts:
    """Store the same shop in four layouts in sqlite and ask each the same four questions.

    Parameters
    ----------
    users, orders, friends : int
        Users, and orders and friends of each; 50 to 5,000, 1 to 100, 1 to 50.
    seed : int
        Seed of the data; >= 0.

    Returns
    -------
    MeasuredLayouts

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The database is in memory, so times measure work, not reads from a disk. Documents and graph
    are queried inside sqlite, with ``json_each`` and a recursive common table expression; a
    key-value store can only fetch, so what is left to do is done in Python.
    """
    users = validation.integer("users", users, at_least=50, at_most=5_000)
    orders = validation.integer("orders", orders, at_least=1, at_most=100)
    friends = validation.integer("friends", friends, at_least=1, at_most=50)
    shop = _Shop(users, orders, friends, streams(seed, "shop")["shop"])
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
    pages = layout_pages(users=users, orders=orders, friends=friends)
    return MeasuredLayouts(users, orders, friends, times, pages, same)


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
