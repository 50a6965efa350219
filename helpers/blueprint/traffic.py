"""Traffic that comes and goes.

>>> busy = spike(at_s=20, length_s=10, factor=3)
>>> [float(x) for x in busy.multiplier([10, 25, 35])]
[1.0, 3.0, 1.0]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


@dataclass(frozen=True)
class Traffic:
    """A multiplier of the mean arrival rate over time, linear between its points.

    Parameters
    ----------
    name : str
        What it is called in readings and pictures.
    times_s : tuple of float
        Times of the points, non-decreasing, the first at 0; two points at one time make a step.
    factors : tuple of float
        Multiplier at each point; >= 0. The last one holds for ever.

    Raises
    ------
    ValueError
        If the points are out of order or out of range.
    """

    name: str
    times_s: tuple[float, ...]
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        times = validation.numbers("times_s", self.times_s, at_least=0, ndim=1)
        factors = validation.numbers("factors", self.factors, at_least=0, ndim=1)
        if len(times) != len(factors):
            raise ValueError(
                f"times_s and factors must be equally long, got {len(times)} and {len(factors)}"
            )
        if times[0] != 0 or np.any(np.diff(times) < 0):
            raise ValueError(f"times_s must start at 0 and not decrease, got {self.times_s}")
        object.__setattr__(self, "times_s", tuple(times.tolist()))
        object.__setattr__(self, "factors", tuple(factors.tolist()))

    def multiplier(self, time_s: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the multiplier at each time; at a step, the value after it."""
        times, factors = np.array(self.times_s), np.array(self.factors)
        at = np.asarray(time_s, dtype=float)
        i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 1)
        j = np.minimum(i + 1, len(times) - 1)
        width = np.where(times[j] > times[i], times[j] - times[i], 1.0)
        share = np.clip((at - times[i]) / width, 0, 1)
        return np.asarray(factors[i] + (factors[j] - factors[i]) * share)

    def warp(self, work: np.ndarray) -> np.ndarray:
        """Return when the integral of the multiplier reaches each value of `work`.

        A unit-rate stream of arrivals warped like this has the multiplier as its rate: the time
        change theorem for Poisson processes. Because the draws stay the same, two traces meet the
        same requests, only sooner or later.

        Parameters
        ----------
        work : numpy.ndarray
            Arrival times of the steady stream, in seconds, ascending.

        Returns
        -------
        numpy.ndarray
            Arrival times of the warped stream; infinite beyond the end of a trace that stays at 0.

        Notes
        -----
        Within a piece the integral is quadratic in time: ``W = w0 + m0 x + s x² / 2``, solved for
        x in the form that does not cancel. Çinlar, *Introduction to Stochastic Processes*, 1975,
        chapter 4, on non-stationary Poisson processes.
        """
        if set(self.factors) == {1.0}:
            return work
        times, factors = np.array(self.times_s), np.array(self.factors)
        width = np.diff(times)
        done = np.concatenate([[0.0], np.cumsum(width * (factors[1:] + factors[:-1]) / 2)])
        piece = np.searchsorted(done, work, side="left") - 1
        piece = np.clip(piece, 0, len(times) - 1)
        start, rest = factors[piece], work - done[piece]
        last = piece == len(times) - 1
        step = np.minimum(piece, len(width) - 1) if len(width) else piece
        if len(width):
            safe = np.where(width > 0, width, 1.0)
            slope = np.where(last, 0.0, (np.diff(factors) / safe)[step])
        else:
            slope = np.zeros_like(rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(np.maximum(start * start + 2 * slope * rest, 0.0))
            elapsed = np.where(rest > 0, 2 * rest / (start + root), 0.0)
        return times[piece] + elapsed

    def mean(self, duration_s: float) -> float:
        """Return the mean multiplier over the first `duration_s` seconds."""
        duration_s = validation.number("duration_s", duration_s, above=0, unit="s")
        times = np.array([*self.times_s, max(duration_s, self.times_s[-1])])
        factors = np.array([*self.factors, self.factors[-1]])
        inside = times <= duration_s
        times = np.append(times[inside], duration_s)
        factors = np.append(factors[inside], self._before(duration_s))
        return float(np.sum(np.diff(times) * (factors[1:] + factors[:-1]) / 2) / duration_s)

    def _before(self, time_s: float) -> float:
        """Return the multiplier just before a time: the value ahead of a step, not after it."""
        if time_s > self.times_s[-1]:
            return self.factors[-1]
        j = int(np.searchsorted(self.times_s, time_s, side="left"))
        if self.times_s[j] == time_s or j == 0:
            return self.factors[j]
        left, right = self.times_s[j - 1], self.times_s[j]
        share = (time_s - left) / (right - left)
        return self.factors[j - 1] + (self.factors[j] - self.factors[j - 1]) * share


def steady() -> Traffic:
    """Return traffic whose mean rate never changes."""
    return Traffic("steady", (0.0,), (1.0,))


def spike(*, at_s: float, length_s: float, factor: float) -> Traffic:
    """Return traffic that jumps to `factor` times its rate at `at_s`, and back after `length_s`."""
    at_s = validation.number("at_s", at_s, at_least=0, unit="s")
    length_s = validation.number("length_s", length_s, at_least=0, unit="s")
    factor = validation.number("factor", factor, at_least=0)
    end = at_s + length_s
    return Traffic("spike", (0, at_s, at_s, end, end), (1, 1, factor, factor, 1))


def flash_crowd(*, at_s: float, rise_s: float, fade_s: float, factor: float) -> Traffic:
    """Return traffic that a mention on the news makes: a steep rise and a slow fade.

    Parameters
    ----------
    at_s : float
        When it begins, seconds.
    rise_s : float
        Seconds until the peak; > 0.
    fade_s : float
        After the peak the excess falls by a factor e in each `fade_s` seconds; > 0.
    factor : float
        Multiplier at the peak; >= 1.
    """
    at_s = validation.number("at_s", at_s, at_least=0, unit="s")
    rise_s = validation.number("rise_s", rise_s, above=0, unit="s")
    fade_s = validation.number("fade_s", fade_s, above=0, unit="s")
    factor = validation.number("factor", factor, at_least=1)
    fade = np.linspace(0, 6, 25)
    tail = 1 + (factor - 1) * np.exp(-fade)
    return Traffic(
        "flash crowd",
        (0, at_s, *(at_s + rise_s + fade * fade_s)),
        (1, 1, *tail),
    )
