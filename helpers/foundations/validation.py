"""Parameter checks: every error names the parameter, the value and the allowed range."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt


def number(
    name: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> float:
    """Return `value` as a float, or say exactly what is wrong with it.

    Parameters
    ----------
    name : str
        The parameter's name, as the caller wrote it.
    value : object
        What was passed.
    above, at_least : float, optional
        Open or closed lower end of the allowed range.
    below, at_most : float, optional
        Open or closed upper end of the allowed range.
    unit : str
        Unit shown in the message, for instance ``"s"``.

    Raises
    ------
    TypeError
        If `value` is not a real number (booleans and strings are not).
    ValueError
        If `value` is NaN, infinite or out of range.
    """
    wanted = _describe_range("number", above, at_least, below, at_most, unit)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__})")
    result = float(value)
    inside = (
        math.isfinite(result)
        and (above is None or result > above)
        and (at_least is None or result >= at_least)
        and (below is None or result < below)
        and (at_most is None or result <= at_most)
    )
    if not inside:
        raise ValueError(f"{name} must be {wanted}, got {exact(result)}")
    return result


def integer(
    name: str,
    value: object,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    unit: str = "",
) -> int:
    """Return `value` as an int, or say exactly what is wrong with it.

    A float with a whole value (``4.0``) is refused: counts are counts.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If `value` is out of range.
    """
    wanted = _describe_range("whole number", None, at_least, None, at_most, unit)
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__})")
    result = int(value)
    if (at_least is not None and result < at_least) or (at_most is not None and result > at_most):
        raise ValueError(f"{name} must be {wanted}, got {result}")
    return result


def one_of(name: str, value: object, options: Collection[str]) -> str:
    """Return `value` if it is one of `options`, or list what is allowed.

    Raises
    ------
    TypeError
        If `value` is not a string.
    ValueError
        If `value` is not among `options`.
    """
    wanted = "one of " + ", ".join(repr(option) for option in options)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__})")
    if value not in options:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return value


def boolean(name: str, value: object) -> bool:
    """Return `value` if it is True or False; anything else is refused.

    Raises
    ------
    TypeError
        If `value` is not a boolean.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def numbers(
    name: str,
    values: npt.ArrayLike,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    unit: str = "",
    ndim: int | tuple[int, ...] | None = None,
) -> np.ndarray:
    """Return `values` as a float array whose every element is in range.

    Parameters
    ----------
    ndim : int or tuple of int, optional
        The number of dimensions allowed; any when None.

    Raises
    ------
    TypeError
        If `values` do not form an array of real numbers.
    ValueError
        If the array is empty, has the wrong number of dimensions, or has a NaN, an infinity or a
        value out of range; the message shows the first offender and its position.
    """
    wanted = _describe_range("number", above, at_least, below, at_most, unit)
    try:
        result = np.asarray(values)
    except ValueError as error:
        raise TypeError(f"every element of {name} must be {wanted}: {error}") from None
    if result.dtype.kind not in "iuf":
        raise TypeError(f"every element of {name} must be {wanted}, got dtype {result.dtype}")
    result = result.astype(float, copy=False)
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if allowed is not None and result.ndim not in allowed:
        raise ValueError(
            f"{name} must have {' or '.join(map(str, allowed))} dimension(s), "
            f"got shape {result.shape}"
        )
    if result.size == 0:
        raise ValueError(f"{name} must not be empty")
    outside = ~np.isfinite(result)
    with np.errstate(invalid="ignore"):
        if above is not None:
            outside |= ~(result > above)
        if at_least is not None:
            outside |= ~(result >= at_least)
        if below is not None:
            outside |= ~(result < below)
        if at_most is not None:
            outside |= ~(result <= at_most)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        position = ", ".join(map(str, index))
        raise ValueError(f"{name}[{position}] must be {wanted}, got {exact(result[index])}")
    return result


def exact(value: float) -> str:
    """Write a number in full: what is read back is the same number.

    Examples
    --------
    >>> exact(0.5), exact(1e-9), exact(1.0000001), exact(1_048_576)
    ('0.5', '1e-09', '1.0000001', '1048576')
    """
    short = f"{value:g}"
    return short if float(short) == value else str(value).removesuffix(".0")


def _describe_range(
    noun: str,
    above: float | None,
    at_least: float | None,
    below: float | None,
    at_most: float | None,
    unit: str,
) -> str:
    parts = []
    if above is not None:
        parts.append(f"> {exact(above)}")
    if at_least is not None:
        parts.append(f">= {exact(at_least)}")
    if below is not None:
        parts.append(f"< {exact(below)}")
    if at_most is not None:
        parts.append(f"<= {exact(at_most)}")
    kind = f"a {noun}" if noun == "whole number" else f"a finite {noun}"
    with_unit = f"{kind} of {unit}" if unit else kind
    return with_unit + (" " + " and ".join(parts) if parts else "")
