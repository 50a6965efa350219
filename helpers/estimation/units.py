"""Quantities that know their units and refuse sums that mean nothing.

>>> urls = Quantity(100e6, "records/day") * Quantity(10, "years")
>>> print(urls)
365,000,000,000 records
>>> print(urls * Quantity(100, "bytes/record"))
36.5 TB
>>> Quantity(3, "GB") + Quantity(5, "s")
Traceback (most recent call last):
helpers.estimation.units.UnitError: cannot add 3 GB and 5 s: the first is in bytes, the second in s
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from helpers.foundations.prose import significant

#: Days in the year of an envelope; leap days are far below its precision.
YEAR_DAYS = 365

#: Each unit: its dimension, and how many of the dimension's base unit it is.
UNITS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        **{name: (name, 1.0) for name in ("request", "user", "action", "record", "server")},
        **{name: (name, 1.0) for name in ("message", "copy", "USD")},
        "byte": ("byte", 1.0),
        **{f"{p}B": ("byte", 1e3**n) for n, p in enumerate("kMGTPE", 1)},
        **{f"{p}iB": ("byte", 1024.0**n) for n, p in enumerate("KMGTPE", 1)},
        "bit": ("byte", 1 / 8),
        **{f"{p}bit": ("byte", 1e3**n / 8) for n, p in enumerate("kMGT", 1)},
        "us": ("s", 1e-6),
        "ms": ("s", 1e-3),
        "s": ("s", 1.0),
        "min": ("s", 60.0),
        "h": ("s", 3_600.0),
        "day": ("s", 86_400.0),
        "month": ("s", YEAR_DAYS / 12 * 86_400.0),
        "year": ("s", YEAR_DAYS * 86_400.0),
    }
)
_WORDS = {"copies": "copy", "second": "s", "minute": "min", "hour": "h"}
_BYTES = ("byte", "kB", "MB", "GB", "TB", "PB", "EB")
_COUNTED = "request user action record server message byte bit day month year"
_PLURALS = {"copy": "copies"} | {name: f"{name}s" for name in _COUNTED.split()}


class UnitError(ValueError):
    """Two quantities, or a quantity and a unit, that measure different things."""


class Quantity:
    """A number with a unit; sums and conversions check that the units agree.

    Parameters
    ----------
    value : float or numpy.ndarray
        How many; an array when an estimate is repeated with many possible inputs.
    unit : str
        Names of :data:`UNITS` joined by ``*`` and ``/``, singular or plural, with whole powers
        such as ``s^2``: ``"requests/user/day"``, ``"USD/GB/month"``. Empty for a plain number.

    Raises
    ------
    TypeError
        If `value` is not a number or `unit` not a string.
    ValueError
        If a name in `unit` is unknown; the message lists the known ones.
    """

    __slots__ = ("_powers", "value")
    value: Any
    _powers: dict[str, int]
    __array_ufunc__ = None  # so that array * quantity comes here

    def __init__(self, value: float | np.ndarray, unit: str = "") -> None:
        if not isinstance(unit, str):
            raise TypeError(f"unit must be a string such as 'requests/s', got {unit!r}")
        self._set(_as_value(value), _parse(unit))

    def _set(self, value: float | np.ndarray, powers: dict[str, int]) -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "_powers", powers)

    def __setattr__(self, name: str, _: object) -> None:
        raise AttributeError(f"a Quantity does not change, so {name} cannot be set")

    # --- looking ---------------------------------------------------------------------------------

    @property
    def unit(self) -> str:
        """Its unit, as text."""
        return _spell(self._powers)

    @property
    def dimension(self) -> dict[str, int]:
        """The power of each base unit: ``{"request": 1, "s": -1}``."""
        found: dict[str, int] = {}
        for name, power in self._powers.items():
            base = UNITS[name][0]
            found[base] = found.get(base, 0) + power
        return {base: power for base, power in found.items() if power}

    def to(self, unit: str) -> Quantity:
        """Return the same quantity in another unit.

        Raises
        ------
        UnitError
            If the unit measures something else.

        Examples
        --------
        >>> print(Quantity(100e6, "requests/day").to("requests/s"))
        1,160 requests/s
        """
        other = Quantity(1.0, unit)
        if other.dimension != self.dimension:
            raise UnitError(
                f"cannot express {self} {_in(unit, 'as ')}: it is {_in(_base(self))}, "
                f"not {_in(_base(other))}"
            )
        return _make(self.value * (_scale(self._powers) / _scale(other._powers)), other._powers)

    def in_units(self, unit: str) -> float | np.ndarray:
        """Return the bare number in a unit.

        Raises
        ------
        UnitError
            If the unit measures something else.
        """
        return self.to(unit).value

    def __float__(self) -> float:
        return float(self.to("").value)

    def __str__(self) -> str:
        shown = _readable(self)
        if np.ndim(shown.value):
            return f"{np.shape(shown.value)} values in {shown.unit}".rstrip()
        return f"{significant(shown.value)} {shown.unit}".rstrip()

    def __repr__(self) -> str:
        return f"Quantity({self.value!r}, {self.unit!r})"

    # --- reckoning -------------------------------------------------------------------------------

    def __add__(self, other: object) -> Quantity:
        return self._sum("add", other, 1)

    __radd__ = __add__

    def __sub__(self, other: object) -> Quantity:
        return self._sum("subtract", other, -1)

    def __neg__(self) -> Quantity:
        return _make(-self.value, self._powers)

    def __mul__(self, other: object) -> Quantity:
        return self._times(other, 1)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Quantity:
        return self._times(other, -1)

    def __rtruediv__(self, other: object) -> Quantity:
        return _as_quantity(other)._times(self, -1)

    def __pow__(self, power: int) -> Quantity:
        if not isinstance(power, int) or isinstance(power, bool):
            raise TypeError(f"a quantity's power must be a whole number, got {power!r}")
        powers = {name: own * power for name, own in self._powers.items() if own * power}
        return _make(self.value**power, powers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity | Real):
            return NotImplemented
        quantity = _as_quantity(other)
        same = self.dimension == quantity.dimension
        return same and bool(np.all(self._base_value() == quantity._base_value()))

    __hash__ = None  # type: ignore[assignment]  # equal quantities may have other units

    def __lt__(self, other: object) -> bool:
        return bool(self._comparable(other) < 0)

    def __le__(self, other: object) -> bool:
        return bool(self._comparable(other) <= 0)

    def __gt__(self, other: object) -> bool:
        return bool(self._comparable(other) > 0)

    def __ge__(self, other: object) -> bool:
        return bool(self._comparable(other) >= 0)

    def ceil(self) -> Quantity:
        """Return the next whole number of the same unit: nobody rents 3.2 servers."""
        # 86,400 s/day and its kin leave dust that must not cost a server.
        return _make(np.ceil(np.asarray(self.value) * (1 - 1e-12))[()], self._powers)

    def _sum(self, verb: str, other: object, sign: int) -> Quantity:
        quantity = _as_quantity(other)
        if quantity.dimension != self.dimension:
            raise UnitError(
                f"cannot {verb} {self} and {quantity}: the first is {_in(_base(self))}, "
                f"the second {_in(_base(quantity))}"
            )
        return _make(self.value + sign * quantity.to(self.unit).value, self._powers)

    def _times(self, other: object, sign: int) -> Quantity:
        quantity = _as_quantity(other)
        value = self.value * quantity.value if sign == 1 else self.value / quantity.value
        powers = dict(self._powers)
        for name, power in quantity._powers.items():
            # A day and a year measure one thing: go on in the unit that was there first.
            mine = next((own for own in powers if UNITS[own][0] == UNITS[name][0]), name)
            value = value * (UNITS[name][1] / UNITS[mine][1]) ** (sign * power)
            powers[mine] = powers.get(mine, 0) + sign * power
            if not powers[mine]:
                del powers[mine]
        return _make(value, powers)

    def _comparable(self, other: object) -> float:
        quantity = _as_quantity(other)
        if quantity.dimension != self.dimension:
            raise UnitError(
                f"cannot compare {self} with {quantity}: the first is {_in(_base(self))}, "
                f"the second {_in(_base(quantity))}"
            )
        return self._base_value() - quantity._base_value()

    def _base_value(self) -> float:
        return self.value * _scale(self._powers)


def _make(value: float | np.ndarray, powers: dict[str, int]) -> Quantity:
    made = object.__new__(Quantity)
    made._set(value, powers)
    return made


def _as_value(value: object) -> float | np.ndarray:
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return value.astype(float, copy=False)
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return float(value)
    raise TypeError(f"value must be a number, got {value!r} ({type(value).__name__})")


def _as_quantity(other: object) -> Quantity:
    return other if isinstance(other, Quantity) else Quantity(other)  # type: ignore[arg-type]


def _parse(unit: str) -> dict[str, int]:
    """Turn "GB/user*day" into {"GB": 1, "user": -1, "day": 1}, one name for each dimension."""
    powers: dict[str, int] = {}
    text = unit.replace("·", "*").strip()
    if not text:
        return powers
    sign = 1
    for part in text.replace("*", " * ").replace("/", " / ").split():
        if part in "*/":
            sign = 1 if part == "*" else -1
            continue
        name, _, power = part.partition("^")
        if power and not power.lstrip("-").isdigit():
            raise ValueError(f"unit {unit!r}: the power in {part!r} must be a whole number")
        if name != "1":
            name = _known(name, unit)
            powers[name] = powers.get(name, 0) + sign * int(power or 1)
    return {name: power for name, power in powers.items() if power}


def _known(name: str, unit: str) -> str:
    for candidate in (name, name.removesuffix("s")):
        candidate = _WORDS.get(candidate, candidate)
        if candidate in UNITS:
            return candidate
    raise ValueError(f"unit {unit!r}: {name!r} is not known; known are {', '.join(UNITS)}")


def _scale(powers: Mapping[str, int]) -> float:
    scale = 1.0
    for name, power in powers.items():
        scale *= UNITS[name][1] ** power
    return scale


def _spell(powers: Mapping[str, int]) -> str:
    """Turn powers into text, what is divided by in the singular."""
    above = [_power(_plural(name), power) for name, power in powers.items() if power > 0]
    below = [_power(name, -power) for name, power in powers.items() if power < 0]
    if not above and not below:
        return ""
    return "/".join(["·".join(above) or "1", *below])


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


def _plural(name: str) -> str:
    return _PLURALS.get(name, name)


def _base(quantity: Quantity) -> str:
    return _spell(quantity.dimension)


def _in(unit: str, plain: str = "") -> str:
    return f"in {unit}" if unit else f"{plain}a plain number"


def _readable(quantity: Quantity) -> Quantity:
    """Return a quantity of bytes in the prefix that suits it, any other as it is."""
    powers = quantity._powers
    if np.ndim(quantity.value) or powers.get("byte") != 1 or not quantity.value:
        return quantity
    size = abs(quantity.value)
    name = next((n for n in reversed(_BYTES) if UNITS[n][1] <= size), "byte")
    renamed = {name if own == "byte" else own: power for own, power in powers.items()}
    return _make(quantity.value / UNITS[name][1], renamed)
