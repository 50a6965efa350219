"""Random numbers by request and attempt, the same whatever the design does with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

_CACHED_SIZE = 1 << 15  # larger columns are drawn anew: a cache of them would fill the memory


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


class Columns(dict):
    """One column of draws for each attempt, made when it is first asked for.

    ``columns[attempt][request]`` is the number; a column is a list of floats.
    """

    def __init__(self, draw: Callable[[int], list[float]]) -> None:
        super().__init__()
        self._draw = draw

    def __missing__(self, attempt: int) -> list[float]:
        column = self[attempt] = self._draw(attempt)
        return column


def arrivals(seed: int, kind: str, burstiness: float, size: int) -> np.ndarray:
    draw = _cached_arrivals if size <= _CACHED_SIZE else _cached_arrivals.__wrapped__
    return draw(seed, kind, burstiness, size)


@lru_cache(maxsize=16)
def _cached_arrivals(seed: int, kind: str, burstiness: float, size: int) -> np.ndarray:
    rng = streams(seed, "arrivals")["arrivals"]
    return _frozen(np.cumsum(unit_gaps(kind, size, rng, burstiness=burstiness)))


def uniforms(seed: int, stream: str, size: int) -> np.ndarray:
    draw = _cached_uniforms if size <= _CACHED_SIZE else _cached_uniforms.__wrapped__
    return draw(seed, stream, size)


@lru_cache(maxsize=256)
def _cached_uniforms(seed: int, stream: str, size: int) -> np.ndarray:
    return _frozen(streams(seed, stream)[stream].random(size))


def services(seed: int, stream: str, kind: str, scv: float, size: int) -> np.ndarray:
    draw = _cached_services if size <= _CACHED_SIZE else _cached_services.__wrapped__
    return draw(seed, stream, kind, scv, size)


@lru_cache(maxsize=256)
def _cached_services(seed: int, stream: str, kind: str, scv: float, size: int) -> np.ndarray:
    return _frozen(unit_services(kind, size, streams(seed, stream)[stream], scv=scv))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
