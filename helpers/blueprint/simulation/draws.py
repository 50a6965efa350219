"""Random numbers by request and attempt, the same whatever the design does with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

Floats = npt.NDArray[np.float64]

_KEPT_SIZE = 1 << 15  # larger columns are drawn anew: to keep them would fill the memory


class OutOfDrawsError(Exception):
    """A closed run needed more requests than were drawn; it starts again with more.

    Parameters
    ----------
    time_s : float
        How far the run had come.
    """

    def __init__(self, time_s: float) -> None:
        super().__init__(time_s)
        self.time_s = time_s


class Columns(dict[int, list[float]]):
    """One column of draws for each attempt, made when it is first asked for.

    ``columns[attempt][request]`` is the number; a column is a list of floats.
    """

    def __init__(self, draw: Callable[[int], list[float]]) -> None:
        super().__init__()
        self._draw = draw

    def __missing__(self, attempt: int) -> list[float]:
        column = self[attempt] = self._draw(attempt)
        return column


def _kept(most: int) -> Callable[[Callable[..., Floats]], Callable[..., Floats]]:
    """Keep the last columns drawn, which nobody can change; the last argument is their length."""

    def declare(draw: Callable[..., Floats]) -> Callable[..., Floats]:
        def drawn(*args: Any) -> Floats:
            column = draw(*args)
            column.setflags(write=False)
            return column

        kept = lru_cache(most)(drawn)
        return wraps(draw)(lambda *args: (kept if args[-1] <= _KEPT_SIZE else drawn)(*args))

    return declare


@_kept(16)
def arrivals(seed: int, kind: str, burstiness: float, size: int) -> Floats:
    """Return arrival times of a stream of rate 1."""
    rng = streams(seed, "arrivals")["arrivals"]
    return np.cumsum(unit_gaps(kind, size, rng, burstiness=burstiness))


@_kept(256)
def uniforms(seed: int, stream: str, size: int) -> Floats:
    """Return uniform numbers between 0 and 1."""
    return streams(seed, stream)[stream].random(size)


@_kept(256)
def services(seed: int, stream: str, kind: str, scv: float, size: int) -> Floats:
    """Return service times of mean 1."""
    return unit_services(kind, size, streams(seed, stream)[stream], scv=scv)
