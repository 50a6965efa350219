"""Real worker processes that transcode chunks, and are killed at work."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, Queue

from helpers.foundations.servers.processes import Child

_WORKER = """
import hashlib, sys, time
for line in sys.stdin:
    chunk, text, seconds = line.split()
    time.sleep(float(seconds))
    print(chunk, hashlib.sha256(text.encode()).hexdigest(), flush=True)
"""
_LIMIT_S = 60.0
_POOL = Path(__file__).with_name("pooling_process.py")


def _text(chunk: int, seed: int) -> str:
    """What a chunk of the video is."""
    return hashlib.sha256(f"{seed} {chunk}".encode()).hexdigest()


def transcode(
    chunks: int, workers: int, chunk_s: float, cut: tuple[int, ...], seed: int
) -> tuple[str, int]:
    """Hand chunks to workers until each is done, and join what they return.

    Parameters
    ----------
    chunks, workers : int
        How many.
    chunk_s : float
        How long a worker is at a chunk, seconds.
    cut : tuple of int
        Chunks whose first delivery is cut off half-way: its worker is killed and replaced.
    seed : int
        What the video is.

    Returns
    -------
    result : str
        The pieces in order, joined.
    deliveries : int
        How often a chunk was handed out.

    Raises
    ------
    RuntimeError
        If a worker died of its own accord, or not all was done in time.
    """
    waiting: Queue[int] = Queue()
    for chunk in range(chunks):
        waiting.put(chunk)
    pieces: dict[int, str] = {}
    to_cut, deliveries = set(cut), list[int]()
    errors: list[Exception] = []
    deadline = time.monotonic() + _LIMIT_S

    def serve() -> None:
        try:
            while len(pieces) < chunks and time.monotonic() < deadline and not errors:
                with Child("-c", _WORKER) as worker:
                    _feed(worker)
        except Exception as error:
            errors.append(error)

    def _feed(worker: Child) -> None:
        """Give chunks to one worker until it is killed, or nothing is left."""
        while len(pieces) < chunks and time.monotonic() < deadline and not errors:
            try:
                chunk = waiting.get(timeout=0.01)
            except Empty:
                continue
            deliveries.append(chunk)
            worker.say(f"{chunk} {_text(chunk, seed)} {chunk_s}")
            if chunk in to_cut:
                to_cut.discard(chunk)
                time.sleep(chunk_s / 2)
                worker.kill()
                waiting.put(chunk)  # its time is up, and it is not done: hand it out again
                return
            name, piece = worker.hear().split()
            pieces[int(name)] = piece

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()) + 5)
    if errors:
        raise errors[0]
    if len(pieces) < chunks:
        raise RuntimeError(f"only {len(pieces)} of {chunks} chunks were done in time")
    return "".join(pieces[chunk] for chunk in range(chunks)), len(deliveries)


def transcode_pooled(
    chunks: int, workers: int, chunk_s: float, cut: tuple[int, ...], seed: int
) -> tuple[str, int, int]:
    """Do the same with a `ProcessPoolExecutor`, and with another one whenever it is broken.

    Parameters
    ----------
    chunks, workers, chunk_s, cut, seed
        See :func:`transcode`.

    Returns
    -------
    result : str
        The pieces in order, joined.
    begun : int
        How often a worker began a chunk.
    broken : int
        How many pools were broken.

    Raises
    ------
    RuntimeError
        If the pool's process ended before its time.
    """
    texts = [_text(chunk, seed) for chunk in range(chunks)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "begun"
        log.touch()
        shots = ",".join(map(str, cut))
        with Child(str(_POOL), str(log), str(workers), str(chunk_s), shots, *texts) as child:
            broken, result = child.hear().split()
        return result, len(log.read_text().splitlines()), int(broken)
