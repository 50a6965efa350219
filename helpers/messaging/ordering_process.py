"""A service of its own process: takes orders into one sqlite3 file, announces them in another.

``python ordering_process.py DATABASE QUEUE DESIGN STEP_S``. It begins by sending what stands in
its outbox, says so, and then takes orders until it is killed; asked to finish, it takes none.
"""

import sqlite3
import sys
import time


def main() -> None:
    """Do what the arguments say."""
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    queue = sqlite3.connect(sys.argv[2], isolation_level=None)
    design, step_s = sys.argv[3], float(sys.argv[4])
    for file in (database, queue):
        # A killed process loses nothing that it has handed to the system.
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = OFF")
    database.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY)")
    queue.execute("CREATE TABLE IF NOT EXISTS messages (orders INTEGER)")

    def publish(order: int) -> None:
        queue.execute("INSERT INTO messages VALUES (?)", (order,))

    def relay() -> None:
        for (order,) in database.execute("SELECT id FROM outbox ORDER BY id").fetchall():
            publish(order)
            time.sleep(step_s)
            database.execute("DELETE FROM outbox WHERE id = :id", {"id": order})

    relay()
    finish = sys.stdin.readline().strip() == "finish"
    print("begun", flush=True)
    while not finish:
        # A number that no other order has had, whatever became of that one.
        order = database.execute("INSERT INTO counter VALUES (NULL) RETURNING id").fetchone()[0]
        time.sleep(step_s)
        if design == "outbox":
            database.execute("BEGIN")
            database.execute("INSERT INTO orders VALUES (?)", [order])
            database.execute("INSERT INTO outbox VALUES (?)", (order,))
            database.execute("COMMIT")
            time.sleep(step_s)
            relay()
        elif design == "commit, then publish":
            database.execute("INSERT INTO orders VALUES (?)", [order])
            time.sleep(step_s)
            publish(order)
        else:
            publish(order)
            time.sleep(step_s)
            database.execute("INSERT INTO orders VALUES (?)", [order])


if __name__ == "__main__":
    main()
