"""Copies of one register at replicas whose network is cut for a while, and their messages.

Where that stops being true: no replica ever forgets, and clocks play no part.
"""

from __future__ import annotations

from typing import Any

import simpy

from helpers.foundations.experiment import Draws

#: When the cut begins, seconds.
CUT_AT_S = 4.0


class Cluster:
    """Copies of the register, and the messages between them; a copy is (count, writer, value).

    `at` is the setting of `partition`.
    """

    def __init__(self, at: Any, draw: Draws, world: simpy.Environment) -> None:
        self.at, self.world, self._rng = at, world, draw("messages")
        self.copies: list[tuple[int, int, Any]] = [(0, 0, None)] * at.replicas

    def is_cut(self) -> bool:
        """Whether the two sides cannot reach each other now."""
        return CUT_AT_S <= self.world.now < self.at.cut_until_s

    def reach(self, me: int) -> list[int]:
        """Replicas that can be reached from one of them now, itself included."""
        near = me in self.at.far
        each = range(self.at.replicas)
        return [i for i in each if not self.is_cut() or (i in self.at.far) == near]

    def message(self) -> simpy.Timeout:
        """Return how long one message takes: the delay, give or take half of it."""
        return self.world.timeout(1e-3 * self.at.delay_ms * (0.5 + self._rng.random()))

    def store(self, to: list[int], version: tuple[int, int, Any]) -> None:
        """Keep a version wherever it is newer than what is there: the last writer wins."""
        for i in to:
            self.copies[i] = max(self.copies[i], version)

    def spread(self, me: int, version: tuple[int, int, Any]) -> None:
        """Tell the others, at once or when the cut is mended."""
        for i in range(self.at.replicas):
            if i != me:
                self.world.process(self._deliver(me, i, version))

    def _deliver(self, me: int, to: int, version: tuple[int, int, Any]) -> Any:
        yield self.message()
        if to not in self.reach(me):
            yield self.world.timeout(self.at.cut_until_s - self.world.now)
            yield self.message()
        self.store([to], version)
