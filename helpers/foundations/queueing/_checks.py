"""What the closed forms share: checked parameters, and floats out for floats in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

Numbers = float | np.ndarray


def real(
    name: str,
    value: npt.ArrayLike,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    unit: str = "",
) -> Numbers:
    """Return a checked float, or a checked float array if `value` is an array or a sequence."""
    many = hasattr(value, "__len__") and not isinstance(value, str | bytes)
    check: Callable[..., Numbers] = validation.numbers if many else validation.number
    return check(name, value, above=above, at_least=at_least, below=below, unit=unit)


def stable(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, servers: int | np.ndarray = 1
) -> tuple[Numbers, Numbers]:
    """Return the checked arrival rate and service time of a queue that does not grow for ever.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the load is not below `servers`.
    """
    arrival = real("arrival_rps", arrival_rps, at_least=0, unit="requests/s")
    service = real("service_s", service_s, above=0, unit="s")
    rates, limits, loads, counts = np.broadcast_arrays(
        arrival, servers / service, arrival * service, servers
    )
    # Either comparison alone lets through some loads that rounding has moved off the limit.
    unstable = (rates >= limits) | (loads >= counts)
    if unstable.any():
        index = tuple(int(i) for i in np.argwhere(unstable)[0])
        raise ValueError(
            f"arrival_rps must be < servers / service_s = {validation.exact(limits[index])} "
            f"requests/s, got {validation.exact(rates[index])}: the queue would grow without bound"
        )
    return arrival, service


def plain(value: npt.ArrayLike) -> Numbers:
    """Return a float where there is one number, an array where there are more."""
    array = np.asarray(value, dtype=float)
    return float(array) if array.ndim == 0 else array
