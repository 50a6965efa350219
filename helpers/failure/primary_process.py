"""A primary in a process of its own: writes to sqlite3, ships its log, acknowledges with a byte.

Run as ``python primary_process.py PRIMARY REPLICA WRITES_PER_S SHIP_EVERY_S SYNCHRONOUS``. The
replica is a file, as if on another machine: what has not been shipped dies with this process.
"""

import os
import sqlite3
import sys
import time


def main(primary: str, replica: str, write_rps: float, ship_s: float, synchronous: bool) -> None:
    """Write and ship until killed."""
    files = [sqlite3.connect(path, isolation_level=None) for path in (primary, replica)]
    for file in files:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing by that
        file.execute("CREATE TABLE IF NOT EXISTS write (number INTEGER PRIMARY KEY)")
    own, other = files
    log: list[tuple[int]] = []
    begin = time.monotonic()
    number, next_ship = 0, begin + ship_s
    while True:
        due = begin + number / write_rps
        time.sleep(max(0.0, min(due, next_ship) - time.monotonic()))
        if time.monotonic() >= next_ship:
            ship(other, log)
            next_ship += ship_s
            continue
        number += 1
        own.execute("INSERT INTO write VALUES (?)", (number,))
        log.append((number,))
        if synchronous:
            ship(other, log)
        os.write(1, b".")


def ship(replica: sqlite3.Connection, log: list[tuple[int]]) -> None:
    """Apply the log to the replica in one transaction, and forget it."""
    replica.execute("BEGIN")
    replica.executemany("INSERT INTO write VALUES (?)", log)
    replica.execute("COMMIT")
    log.clear()


if __name__ == "__main__":
    _, one, two, rate, every, both = sys.argv
    main(one, two, float(rate), float(every), both == "1")
