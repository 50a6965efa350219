"""Round ends for axes, shared by simulations that choose what to look at and plots."""

from __future__ import annotations

import math


def round_up(value: float) -> float:
    """Return the next number of the form 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten.

    Axes that end on such numbers change rarely while a slider moves, so that their drawing is
    reused.
    """
    magnitude = 10.0 ** math.floor(math.log10(value))
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next(step * magnitude for step in steps if value <= step * magnitude * (1 + 1e-9))
