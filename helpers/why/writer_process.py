"""Writes as fast as it can until it is killed, and acknowledges each write with a byte.

Run as ``python writer_process.py memory`` or ``... JOURNAL SYNCHRONOUS DATABASE``.
"""

import os
import sqlite3
import sys


def main(arguments: list[str]) -> None:
    if arguments == ["memory"]:
        kept: dict[int, str] = {}
        number = 0
        while True:
            kept[number] = "a write"
            os.write(1, b".")
            number += 1
    journal, synchronous, path = arguments
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute(f"PRAGMA synchronous = {synchronous}")
    database.execute("CREATE TABLE write (number INTEGER PRIMARY KEY, text TEXT)")
    os.write(1, b"!")  # ready
    number = 0
    while True:
        database.execute("INSERT INTO write VALUES (?, 'a write')", (number,))
        os.write(1, b".")
        number += 1


if __name__ == "__main__":
    main(sys.argv[1:])
