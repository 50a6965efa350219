"""A process to be killed: keeps sessions, or takes jobs in. Talks in lines on stdin and stdout.

python process_to_kill.py sessions memory            put K V -> ok;  get K -> V or "missing"
python process_to_kill.py sessions /path/to/file     the same, in an sqlite file
python process_to_kill.py jobs memory                put N -> accepted;  count - -> jobs it has
python process_to_kill.py jobs /path/to/file
"""

from __future__ import annotations

import queue
import sqlite3
import sys


def open_file(path: str) -> sqlite3.Connection:
    """Open a file that several processes share."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def main(what: str, where: str) -> None:
    """Answer each line until there are no more."""
    memory: dict[str, str] = {}
    jobs: queue.Queue[str] = queue.Queue()
    file = None if where == "memory" else open_file(where)
    for line in sys.stdin:
        verb, key, *rest = line.split()
        if verb == "count":
            counted = "SELECT count(*) FROM jobs"
            reply = str(jobs.qsize() if file is None else file.execute(counted).fetchone()[0])
        elif what == "jobs":
            if file is None:
                jobs.put(key)
            else:
                file.execute("INSERT INTO jobs VALUES (?)", (int(key),))
            reply = "accepted"
        elif verb == "put":
            if file is None:
                memory[key] = rest[0]
            else:
                file.execute("INSERT INTO sessions VALUES (?, ?)", (key, rest[0]))
            reply = "ok"
        elif file is None:
            reply = memory.get(key, "missing")
        else:
            row = file.execute("SELECT value FROM sessions WHERE key = ?", (key,)).fetchone()
            reply = row[0] if row else "missing"
        print(reply, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
