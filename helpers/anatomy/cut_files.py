"""Real files that lose everything after some byte: sqlite's log, JSON lines, a JSON document."""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import struct
import tempfile
import time
from pathlib import Path

_HEADER, _FRAME_HEADER = 32, 24  # bytes; sqlite.org, "Database File Format", section 4


def cut_sqlite(records: list[dict[str, int]], places: list[float]) -> list[tuple[int, int, bool]]:
    """Commit records one by one, cut copies of the log off, and open them.

    Parameters
    ----------
    records : list of dict
        Payments, each with ``id`` and ``amount``.
    places : list of float
        Where the log is cut, as shares of its length.

    Returns
    -------
    list of (int, int, bool)
        Of each cut: rows that are left, commits that lie wholly before it, and whether sqlite's
        own check found nothing wrong.
    """
    with tempfile.TemporaryDirectory(prefix="anatomy-") as name:
        folder = Path(name)
        source = folder / "source.db"
        connection = sqlite3.connect(source, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER)")
            for record in records:
                connection.execute("INSERT INTO payments VALUES (:id, :amount)", record)
            main_file = Path(shutil.copy(source, folder / "main"))
            log = Path(f"{source}-wal").read_bytes()
        finally:
            connection.close()
        ends = commit_ends(log)
        found = []
        for place in places:
            keep = int(place * len(log))
            rows, sound = _open_cut(main_file, log[:keep], folder / "cut.db")
            before = sum(end <= keep for end in ends) - 1  # the first: the table
            found.append((rows, max(before, 0), sound))
    return found


def cut_json(records: list[dict[str, int]], places: list[float]) -> tuple[int, int]:
    """Return how many cuts tear a file of JSON lines, and a JSON document written as a whole."""
    lines = "".join(json.dumps(record) + "\n" for record in records)
    document = json.dumps(records)
    torn_lines = sum(not _readable(lines[: int(p * len(lines))].splitlines()) for p in places)
    torn_whole = sum(not _readable([document[: int(p * len(document))]]) for p in places)
    return torn_lines, torn_whole


def commit_time_s(synchronous: str, count: int) -> float:
    """Return the median time of a commit to a real file.

    Parameters
    ----------
    synchronous : str
        ``"FULL"`` waits for the disk, ``"OFF"`` does not.
    count : int
        Commits.
    """
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        connection = sqlite3.connect(Path(folder) / "commits.db", isolation_level=None)
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


def commit_ends(log: bytes) -> list[int]:
    """Return the bytes of a write-ahead log at which each commit is complete."""
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
