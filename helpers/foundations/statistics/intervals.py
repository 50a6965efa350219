"""An estimate and how far it can be trusted, and whether a prediction agrees with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.prose import duration, significant


@dataclass(frozen=True)
class Interval:
    """An estimate and how far it can be trusted.

    Attributes
    ----------
    estimate : float
        The estimated mean or quantile.
    low, high : float
        Ends of the interval. If the experiment were repeated many times, a share `confidence` of
        the intervals would contain the true value.
    confidence : float
        Between 0 and 1.
    samples : int
        Number of independent (or nearly independent) values it rests on.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    samples: int

    @property
    def mean(self) -> float:
        """The estimate, by the name it goes by where a mean is estimated."""
        return self.estimate

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    def contains(self, value: float) -> bool:
        """Return whether `value` lies between the ends, the ends included."""
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        return (
            f"{significant(self.estimate)} ({_percent(self.confidence)} interval "
            f"{significant(self.low)} to {significant(self.high)})"
        )


@dataclass(frozen=True, eq=False)
class Intervals:
    """Several intervals of one kind, such as one for each point of a curve.

    ``each[2]`` and ``for one in each`` give an :class:`Interval`; ``each[1:]``, ``each[0, :]`` and
    ``each[[0, 3]]`` give fewer intervals, by numpy's rules.

    Attributes
    ----------
    estimate, low, high : numpy.ndarray
        As an :class:`Interval` has them; arrays of one shape.
    confidence : float
        Of each interval; between 0 and 1.
    samples : int
        Number of independent values each rests on.

    Examples
    --------
    >>> curve = Intervals(np.array([2, 5]), np.array([1, 4]), np.array([3, 7]), 0.95, 9)
    >>> curve.half_width
    array([1. , 1.5])
    >>> str(curve[1])
    '5 (95 % interval 4 to 7)'
    """

    estimate: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    confidence: float
    samples: int

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """The estimates, by the name they go by where means are estimated."""
        return self.estimate

    @property
    def half_width(self) -> npt.NDArray[np.float64]:
        """Half the distances between the ends."""
        return (self.high - self.low) / 2

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, along each axis."""
        return self.estimate.shape

    def contains(self, value: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether `value`, or each of them, lies between the ends, the ends included."""
        return (self.low <= np.asarray(value)) & (np.asarray(value) <= self.high)

    @overload
    def __getitem__(self, where: int) -> Interval: ...
    @overload
    def __getitem__(self, where: slice | Sequence[int] | tuple[int | slice, ...]) -> Intervals: ...
    def __getitem__(self, where: Any) -> Interval | Intervals:
        estimate, low, high = self.estimate[where], self.low[where], self.high[where]
        if np.ndim(estimate):
            return Intervals(estimate, low, high, self.confidence, self.samples)
        return Interval(float(estimate), float(low), float(high), self.confidence, self.samples)

    def __iter__(self) -> Iterator[Interval]:
        return map(self.__getitem__, range(len(self)))

    def __len__(self) -> int:
        return len(self.estimate)

    def __str__(self) -> str:
        return f"{self.shape} {_percent(self.confidence)} intervals"


def agrees(measured: Interval, theory: float) -> bool:
    """Return whether the theory's value lies in the interval.

    A true theory is rejected with probability ``1 - confidence``: one time in twenty at 95 %.

    Raises
    ------
    TypeError, ValueError
        If `theory` is not a finite number.
    """
    return measured.contains(validation.number("theory", theory))


def verdict(measured: Interval, theory: float, *, name: str = "theory", unit: str = "") -> str:
    """Say in one honest line whether an interval and a prediction agree.

    Parameters
    ----------
    measured : Interval
        What was simulated or measured.
    theory : float
        What was predicted, in the same unit.
    name : str
        What to call the prediction.
    unit : str
        Unit to print; with ``"s"`` each time is printed in the unit that suits it.

    Returns
    -------
    str
        "theory 12.3 ms lies inside the 95 % interval 11.9 ms to 13 ms: agrees".

    Raises
    ------
    TypeError, ValueError
        If `theory` is not a finite number.

    Notes
    -----
    "disagrees" gives the distance from the prediction to the nearer end, relative to the
    prediction. "Agrees" is a statement about this interval: a wide one agrees with much.
    """
    theory = validation.number("theory", theory)

    def show(value: float) -> str:
        return duration(value) if unit == "s" else f"{significant(value)} {unit}".rstrip()

    interval = f"the {_percent(measured.confidence)} interval {show(measured.low)} to "
    interval += show(measured.high)
    if agrees(measured, theory):
        return f"{name} {show(theory)} lies inside {interval}: agrees"
    distance = max(measured.low - theory, theory - measured.high)
    by = f"{significant(100 * distance / abs(theory), 2)} %" if theory else show(distance)
    return f"{name} {show(theory)} lies outside {interval} by {by}: disagrees"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
