"""How long it takes to fetch a small value, from a dictionary down to a disk that must sync.

Quick operations are timed in batches and the empty loop is taken off. Where that stops being true:
the operating system keeps the files in memory, so "in a file" means a system call, not a disk;
only the last two rungs wait for the disk, as far as the machine's disk tells the truth about it.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import time_axis
from helpers.foundations.experiment import Measured, Parameters, seed, takes
from helpers.foundations.prose import duration, significant

#: Published orders of magnitude, seconds. Jeff Dean, "Designs, Lessons and Advice from Building
#: Large Distributed Systems", keynote at LADIS 2009: "Numbers Everyone Should Know".
PUBLISHED_S = {
    "main memory reference": 1e-7,
    "round trip within a data centre": 5e-4,
    "disk seek": 1e-2,
    "packet California-Netherlands-California": 0.15,
}

_KEYS = 1_000


class Trial(Parameters):
    """A thousand small values, and ways to one of them."""

    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredLadder:
    """Time the ways to a small value with ``perf_counter_ns``; under a second and a half."""
    keys = np.random.default_rng(at.seed).integers(0, _KEYS, 2_000).tolist()
    table = {key: f"value-{key}" for key in range(_KEYS)}
    cached = lru_cache(maxsize=_KEYS)(table.__getitem__)
    found: dict[str, np.ndarray] = {}
    empty = float(np.median(_batches(lambda key: None, keys)))
    found["dict"] = np.maximum(_batches(table.__getitem__, keys) - empty, 1e-9)
    found["lru_cache"] = np.maximum(_batches(cached, keys) - empty, 1e-9)
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        found["sqlite, in memory"], _ = _sqlite_times(":memory:", table, keys)
        found["sqlite, in a file"], commits = _sqlite_times(
            str(Path(folder) / "values.db"), table, keys
        )
        found["round trip on loopback"] = _round_trips(400)
        found["write and fsync"] = _synced_writes(Path(folder) / "log", 40)
        found["sqlite, commit to disk"] = commits
    return MeasuredLadder(
        at,
        times_s={name: float(np.median(times)) for name, times in found.items()},
        spread_s={
            name: (float(np.percentile(times, 10)), float(np.percentile(times, 90)))
            for name, times in found.items()
        },
    )


def _sqlite_times(
    where: str, table: dict[int, str], keys: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of queries by key, and of commits that wait for the disk."""
    connection = sqlite3.connect(where, isolation_level=None)
    try:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", table.items())
        connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        select, update = "SELECT v FROM t WHERE k = ?", "UPDATE t SET v = 'new' WHERE k = ?"
        queries = _single(lambda key: connection.execute(select, (key,)).fetchone(), keys[:800])
        commits = _single(lambda key: connection.execute(update, (key,)), keys[:15])
    finally:
        connection.close()
    return queries, commits


def _batches(fetch: Callable[[int], object], keys: list[int], batches: int = 30) -> np.ndarray:
    """Seconds of one operation, from batches of many."""
    times = []
    for _ in range(batches):
        began = time.perf_counter_ns()
        for key in keys:
            fetch(key)
        times.append((time.perf_counter_ns() - began) / len(keys))
    return 1e-9 * np.array(times)


def _single(fetch: Callable[[int], object], keys: list[int]) -> np.ndarray:
    """Seconds of each operation."""
    times = []
    for key in keys:
        began = time.perf_counter_ns()
        fetch(key)
        times.append(time.perf_counter_ns() - began)
    return 1e-9 * np.array(times)


def _round_trips(count: int) -> np.ndarray:
    """Seconds of round trips over a TCP connection of this machine to another thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def echo() -> None:
            link, _ = listener.accept()
            with link:
                while data := link.recv(64):
                    link.sendall(data)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=5) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def ask(_: int) -> None:
                link.sendall(b"get")
                link.recv(64)

            times = _single(ask, [0] * count)
        thread.join(timeout=5)
    return times


def _synced_writes(path: Path, count: int) -> np.ndarray:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:

        def write(_: int) -> None:
            os.write(descriptor, b"x" * 100)
            os.fsync(descriptor)

        return _single(write, [0] * count)
    finally:
        os.close(descriptor)


class MeasuredLadder(Measured):
    """Median times of single operations on this machine.

    Attributes
    ----------
    times_s : dict of str to float
        Median time of each rung, seconds, the quickest way to a value first.
    spread_s : dict of str to tuple of float
        10th and 90th percentile.
    """

    at: Trial
    times_s: dict[str, float]
    spread_s: dict[str, tuple[float, float]]

    def ratio(self, slow: str, fast: str) -> float:
        """Return how many times longer one rung takes than another."""
        return self.times_s[slow] / self.times_s[fast]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {name: duration(value) for name, value in self.times_s.items()}

    @property
    def reading(self) -> str:
        names = list(self.times_s)
        query, network = "sqlite, in a file", "round trip on loopback"
        compared = "slower" if self.times_s[network] > self.times_s[query] else "quicker"
        return (
            f"Verdict: {names[0]} takes {duration(self.times_s[names[0]])}, a query of a file that "
            f"is in memory {significant(self.ratio(query, names[0]), 2)} times as long, a write "
            f"that must reach the disk {significant(self.ratio(names[-1], names[0]), 2)} times; a "
            f"bare round trip between two threads is {compared} than the query."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        low, high = zip(*self.spread_s.values(), strict=True)
        return {
            "rung": list(self.times_s),
            "median (µs)": 1e6 * np.array(list(self.times_s.values())),
            "10 % below (µs)": 1e6 * np.array(low),
            "10 % above (µs)": 1e6 * np.array(high),
        }


def plot_measured(run: MeasuredLadder, ax: Axes) -> None:
    """Draw the time of each rung on a logarithmic axis, with published orders of magnitude."""
    names = list(run.times_s)
    time_axis(ax, "x", 5e-9, 1.0)
    ax.set_title("The same small value, fetched or kept in other ways")
    ax.set_xlabel("time of one operation")
    ax.set_ylim(len(names) - 0.4, -1.68)
    ax.set_yticks(range(len(names)), [""] * len(names))
    ax.tick_params(axis="y", length=0)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    for row, (name, value) in enumerate(PUBLISHED_S.items()):
        ax.axvline(value, color=style.MUTED, linewidth=1.0, linestyle=":")
        text = name.replace("packet California-Netherlands-California", "Atlantic and back")
        look: dict[str, Any] = {"fontsize": 7.6, "color": style.MUTED, "va": "top", "ha": "center"}
        ax.text(value, -1.63 + 0.38 * (row % 3), text, bbox=paper, **look)
    for i, name in enumerate(names):
        low, high = run.spread_s[name]
        ax.plot([low, high], [i, i], color=style.VERMILION, linewidth=3, alpha=0.4)
        ax.plot([run.times_s[name]], [i], color=style.VERMILION, marker="o", markersize=7)
        left = run.times_s[name] > 1e-4
        ax.annotate(
            name, (low if left else high, i), xytext=(-9 if left else 9, 0), fontsize=9,
            textcoords="offset points", ha="right" if left else "left", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
        )  # fmt: skip
