"""A server with a database, to be killed while it works; run as a process of its own.

Run as ``python server_process.py DATABASE EFFECT_S REPLY_S SLOW_S KEYS``. It prints its port. For
a line ``REQUEST ATTEMPT KIND`` it waits, does the work (a row in the database), waits again and
answers ``ok``, with the time since the work was done, or ``error``. With KEYS = 1 the database
knows each request's key and does the work of none twice. It ends when its standard input does.
"""

import contextlib
import socket
import sqlite3
import sys
import threading
import time


class UnworkableError(Exception):
    """A request that no try can serve."""


def main(path: str, effect_s: float, reply_s: float, slow_s: float, keys: bool) -> None:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, timeout=5)

    database = connect()
    database.execute("PRAGMA journal_mode = WAL")
    key = "PRIMARY KEY" if keys else ""
    database.execute(f"CREATE TABLE IF NOT EXISTS work (request TEXT {key}, attempt TEXT)")

    def serve(client: socket.socket) -> None:
        with client, contextlib.closing(connect()) as own, contextlib.suppress(OSError):
            own.execute("PRAGMA synchronous = OFF")  # what is written outlives the process anyway
            request, attempt, kind = client.makefile().readline().split()
            try:
                time.sleep(effect_s)
                if kind == "bad":
                    raise UnworkableError
                own.execute("INSERT OR IGNORE INTO work VALUES (?, ?)", (request, attempt))
                done = time.perf_counter()
                time.sleep(slow_s if kind == "slow" else reply_s)
                answer = f"ok {time.perf_counter() - done}\n"
            except UnworkableError:
                answer = "error\n"
            client.sendall(answer.encode())

    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    where, effect, reply, slow, with_keys = sys.argv[1:]
    main(where, float(effect), float(reply), float(slow), with_keys == "1")
