"""One write and one read after the other, many times, at three replicas behind real sockets."""

from __future__ import annotations

import asyncio

import numpy as np

from helpers.foundations.servers.loopback_replicas import LANES, Coordinator, in_lanes


def race_for_real(
    delays_s: np.ndarray, after_s: np.ndarray, r: int, w: int, limit_s: float
) -> tuple[np.ndarray, float]:
    """Write and read registers at real replicas.

    Parameters
    ----------
    delays_s : numpy.ndarray, shape (trials, 4, 3)
        One-way delays W, A, R and S of each trial at each replica, seconds.
    after_s : numpy.ndarray, shape (trials,)
        From the confirmation of the write to the read, seconds.
    r, w : int
        Answers that a read and a write wait for.
    limit_s : float
        When to give up.

    Returns
    -------
    numpy.ndarray of bool, shape (trials,)
        Whether the read missed the write.
    float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it takes longer than `limit_s`.
    """
    stale = np.zeros(len(delays_s), bool)

    async def lane(coordinator: Coordinator, number: int) -> None:
        for version, trial in enumerate(range(number, len(delays_s), LANES), start=1):
            go, back, ask, answer = delays_s[trial]
            key = f"register-{number}"
            write = coordinator.ask(key, version, go, back)
            await coordinator.wait(write, w)
            await asyncio.sleep(after_s[trial])
            read = coordinator.ask(key, 0, ask, answer)
            stale[trial] = await coordinator.wait(read, r) < version
            await coordinator.wait(write, 3 - w) if w < 3 else None
            await coordinator.wait(read, 3 - r) if r < 3 else None

    late_s = in_lanes(lane, limit_s)
    return stale, late_s
