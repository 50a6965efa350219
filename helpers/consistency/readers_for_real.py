"""A writer and two readers of each of many registers, at three replicas behind real sockets."""

from __future__ import annotations

import asyncio

import numpy as np

from helpers.foundations.histories import READ, WRITE, Operation
from helpers.foundations.servers.loopback_replicas import LANES, Coordinator, in_lanes


def read_twice(
    ways_s: np.ndarray,
    asked: np.ndarray,
    first_s: float,
    gap_s: float,
    write_back: bool,
    limit_s: float,
) -> tuple[tuple[tuple[Operation, ...], ...], float]:
    """Write registers, read each twice meanwhile, and record what the three clients saw.

    Parameters
    ----------
    ways_s : numpy.ndarray, shape (trials, 3)
        How long each write takes to each replica, seconds.
    asked : numpy.ndarray of int, shape (trials, 3, 2)
        Which two replicas the first read asks, the second, and a write-back goes to.
    first_s, gap_s : float
        From the write to the first read, and from its answer to the second read, seconds.
    write_back : bool
        Whether a read has two replicas keep what it read before it answers.
    limit_s : float
        When to give up.

    Returns
    -------
    tuple of tuple of Operation
        A history for each trial, on the machine's clock.
    float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """
    histories: list[tuple[Operation, ...]] = [()] * len(ways_s)
    at_once = np.zeros(3)

    async def one(coordinator: Coordinator, trial: int) -> None:
        clock = asyncio.get_running_loop().time
        key, seen, begun = f"register-{trial}", [], clock()
        writing = coordinator.ask(key, 1, ways_s[trial], at_once)

        async def confirmed() -> float:
            await coordinator.wait(writing, 2)
            return clock() - begun

        ending = asyncio.create_task(confirmed())
        for reader, pause in enumerate((first_s, gap_s)):
            await asyncio.sleep(pause)
            start = clock() - begun
            name = coordinator.ask(key, 0, at_once, at_once, asked[trial, reader].tolist())
            version = await coordinator.wait(name, 2)
            if write_back and version:
                name = coordinator.ask(key, version, at_once, at_once, asked[trial, 2].tolist())
                await coordinator.wait(name, 2)
            value = version or None
            seen.append(Operation(f"reader {reader + 1}", READ, value, start, clock() - begun))
        histories[trial] = (Operation("writer", WRITE, 1, 0.0, await ending), *seen)
        await coordinator.wait(writing, 1)

    async def lane(coordinator: Coordinator, number: int) -> None:
        for trial in range(number, len(ways_s), LANES):
            await one(coordinator, trial)

    late_s = in_lanes(lane, limit_s)
    return tuple(histories), late_s
