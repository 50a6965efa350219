"""Ends for axes: round numbers that stay the same while what they hold changes a little.

An explorer draws the axes anew only when their limits change, so limits that follow the data move
in few steps. Simulations choose with these what to look at, so nothing here draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from helpers.foundations import validation


def round_up(value: float) -> float:
    """Return the next number of the form 1, 1.5, 2, 3, 5 or 7 times a power of ten.

    Parameters
    ----------
    value : float
        Above 0. A number of that form stays as it is.

    Raises
    ------
    TypeError, ValueError
        If `value` is not a finite number above 0.

    Examples
    --------
    >>> round_up(4.2), round_up(130.0), round_up(800)
    (5.0, 150.0, 1000.0)
    """
    return _next(value, (1, 1.5, 2, 3, 5, 7, 10))


def half_decade(value: float) -> float:
    """Return the next number of the form 1 or 3 times a power of ten.

    For axes that should stay put while a slider moves a little, so that what moves is the curve.

    Parameters
    ----------
    value : float
        Above 0. A number of that form stays as it is.

    Raises
    ------
    TypeError, ValueError
        If `value` is not a finite number above 0.

    Examples
    --------
    >>> half_decade(4.2), half_decade(130.0), half_decade(3)
    (10.0, 300.0, 3.0)
    """
    return _next(value, (1, 3, 10))


def headroom(largest: float, least: float = 1.0) -> float:
    """Return the end of an axis that starts at 0 and holds `largest` with room to spare.

    Parameters
    ----------
    largest : float
        What the axis must hold; at least a fourteenth of it is left free above.
    least : float
        The axis ends here or later, however small `largest` is; above 0.

    Raises
    ------
    TypeError, ValueError
        If `least` is not a finite number above 0, or `largest` is not finite.
    """
    largest = validation.number("largest", largest)
    least = validation.number("least", least, above=0)
    return round_up(max(1.08 * largest, least))


def coarse(value: float) -> float:
    """Return the next number of the form 1, 2.5 or 6 times a power of ten.

    For the end of an axis whose curves a slider moves: it stands still for long, so that what
    moves is what changed.

    Parameters
    ----------
    value : float
        Above 0; what the axis must hold, its room to spare included.

    Raises
    ------
    TypeError, ValueError
        If `value` is not a finite number above 0.

    Examples
    --------
    >>> coarse(23.0), coarse(26.0), coarse(700)
    (25.0, 60.0, 1000.0)
    """
    return _next(value, (1, 2.5, 6, 10))


def _next(value: float, steps: Sequence[float]) -> float:
    value = validation.number("value", value, above=0)
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step * magnitude for step in steps if value <= step * magnitude * (1 + 1e-9))


def step_up(value: float, steps: Sequence[float]) -> float:
    """Return the first of `steps` that `value` does not exceed, or the last if it exceeds all.

    Parameters
    ----------
    value : float
        What the axis must hold, its room to spare included.
    steps : sequence of float
        The ends to choose from, ascending.
    """
    return next((step for step in steps if value <= step), steps[-1])
