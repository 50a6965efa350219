"""A write-behind cache in a process of its own, to be killed; see `killed_writers`.

Run as ``python batching_process.py DATABASE WRITES_PER_SECOND FLUSH_S``. One byte on standard
output acknowledges one write; what the pipe has taken survives the process.
"""

import os
import sqlite3
import sys
import time


def main(path: str, write_rps: float, flush_s: float) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    # What is written survives the process without waiting for the disk; only a power cut would
    # need that, and it would slow down the flushes that the theory takes to be instant.
    database.execute("PRAGMA synchronous = OFF")
    database.execute("CREATE TABLE write (number INTEGER PRIMARY KEY)")
    buffered: list[tuple[int]] = []
    acknowledged = 0
    began = time.monotonic()
    next_flush = began + flush_s
    while True:
        now = time.monotonic()
        due = int((now - began) * write_rps) - acknowledged
        if due > 0:
            buffered.extend((number,) for number in range(acknowledged, acknowledged + due))
            acknowledged += due
            os.write(sys.stdout.fileno(), b"." * due)
        if now >= next_flush:
            database.execute("BEGIN")
            database.executemany("INSERT INTO write VALUES (?)", buffered)
            database.execute("COMMIT")
            buffered.clear()
            next_flush += flush_s
        time.sleep(0.0005)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
