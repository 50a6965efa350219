"""A consumer of its own process: takes batches from an sqlite3 queue, does and acknowledges them.

``python consuming_process.py QUEUE EFFECTS RULE BATCH KEYED STEP_S NAME VISIBILITY_S``. It says
so when it has done its first message, and ends when the queue is empty.
"""

import sqlite3
import sys
import time


def main() -> None:
    """Do what the arguments say."""
    queue = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
    effects = sqlite3.connect(sys.argv[2], isolation_level=None, timeout=30)
    rule, batch, keyed = sys.argv[3], int(sys.argv[4]), sys.argv[5] == "1"
    step_s, name, visibility_s = float(sys.argv[6]), int(sys.argv[7]), float(sys.argv[8])
    for file in (queue, effects):
        file.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing by it
    begun = False

    def fetch() -> list[int]:
        if rule == "offset not committed":
            found = queue.execute(
                "SELECT id FROM messages WHERE id > (SELECT committed FROM position) "
                "ORDER BY id LIMIT ?",
                (batch,),
            ).fetchall()
        elif rule == "connection lost":
            found = queue.execute(
                "UPDATE messages SET taken_by = ? WHERE id IN (SELECT id FROM messages "
                "WHERE done = 0 AND taken_by IS NULL ORDER BY id LIMIT ?) RETURNING id",
                (name, batch),
            ).fetchall()
        else:
            now = time.time()
            found = queue.execute(
                "UPDATE messages SET visible_at = ? WHERE id IN (SELECT id FROM messages "
                "WHERE done = 0 AND visible_at <= ? ORDER BY id LIMIT ?) RETURNING id",
                (now + visibility_s, now, batch),
            ).fetchall()
        return sorted(message for (message,) in found)

    def do(message: int) -> None:
        effects.execute("BEGIN IMMEDIATE")  # the effect and its key: both or none
        new = True
        if keyed:
            key = effects.execute("INSERT OR IGNORE INTO keys VALUES (?)", (message,))
            new = key.rowcount == 1
        if new:
            effects.execute("INSERT INTO effects VALUES (?, 1)", (message,))
        effects.execute("INSERT INTO log VALUES (?, ?)", (message, name))
        effects.execute("COMMIT")

    def acknowledge(messages: list[int]) -> None:
        if rule == "offset not committed":
            queue.execute("UPDATE position SET committed = ?", (messages[-1],))
        else:
            queue.execute("BEGIN")
            queue.executemany("UPDATE messages SET done = 1 WHERE id = ?", [(m,) for m in messages])
            queue.execute("COMMIT")

    def left() -> bool:
        if rule == "offset not committed":
            return bool(
                queue.execute(
                    "SELECT 1 FROM messages WHERE id > (SELECT committed FROM position) LIMIT 1"
                ).fetchone()
            )
        return bool(queue.execute("SELECT 1 FROM messages WHERE done = 0 LIMIT 1").fetchone())

    while left():
        messages = fetch()
        if not messages:
            time.sleep(0.01)
        for message in messages:
            time.sleep(step_s)
            do(message)
            if not begun:
                print("begun", flush=True)
                begun = True
        if messages:
            acknowledge(messages)
    if not begun:
        print("begun", flush=True)


if __name__ == "__main__":
    main()
