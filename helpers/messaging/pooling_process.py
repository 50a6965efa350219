"""A `ProcessPoolExecutor` that is shot at, in a process of its own.

``python pooling_process.py LOG WORKERS CHUNK_S CUT TEXT...``. Each TEXT is a chunk; CUT lists the
chunks, with commas between them, whose worker is killed at work, each of them once. Whoever begins
a chunk notes its number and its own in the file LOG. Prints how many pools were broken, and the
pieces in order, joined.
"""

import hashlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

_LIMIT_S = 60.0
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def ends_with(parent: int) -> None:
    """Let this worker end when the process that began it has ended."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def transcode(log: str, chunk: int, text: str, chunk_s: float, cut: bool) -> str:
    """Note that the chunk is begun, work, and return its piece."""
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"{chunk} {os.getpid()}\n")
    time.sleep(_LIMIT_S if cut else chunk_s)
    return hashlib.sha256(text.encode()).hexdigest()


def begun(log: str) -> list[tuple[int, int]]:
    """Return which chunks have been begun, and by whom."""
    with open(log, encoding="utf-8") as file:
        return [(int(chunk), int(worker)) for chunk, worker in map(str.split, file)]


def main() -> None:
    """Give all that is not done to a pool, until a shot breaks it; then to the next one."""
    log, workers, chunk_s, cut, *texts = sys.argv[1:]
    to_cut, pools = {int(each) for each in cut.split(",") if each}, 0
    pieces: dict[int, str] = {}
    ways = multiprocessing.get_all_start_methods()
    how = multiprocessing.get_context("fork" if "fork" in ways else "spawn")
    deadline = time.monotonic() + _LIMIT_S
    while len(pieces) < len(texts):
        pools, before = pools + 1, len(begun(log))
        with ProcessPoolExecutor(int(workers), how, ends_with, (os.getpid(),)) as pool:
            futures = {
                chunk: pool.submit(transcode, log, chunk, text, float(chunk_s), chunk in to_cut)
                for chunk, text in enumerate(texts)
                if chunk not in pieces
            }
            while not all(future.done() for future in futures.values()):
                victims = [pair for pair in begun(log)[before:] if pair[0] in to_cut]
                if victims:
                    time.sleep(float(chunk_s) / 2)
                    os.kill(victims[0][1], _KILL)
                    to_cut.discard(victims[0][0])
                    break
                time.sleep(0.001)
            for chunk, future in futures.items():
                try:
                    pieces[chunk] = future.result(deadline - time.monotonic())
                except BrokenProcessPool:
                    continue  # lost: done again by the next pool
    print(pools - 1, "".join(pieces[chunk] for chunk in range(len(texts))), flush=True)


if __name__ == "__main__":
    main()
