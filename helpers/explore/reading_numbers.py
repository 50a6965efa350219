"""Read a number as people write it: ``80 ms``, ``0,92``, ``1 000``, ``50k``; never misread it."""

from __future__ import annotations

import math
import re

#: Units of one kind, and how many of the first one each is.
_KINDS = (
    {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3_600.0},
    {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15},
)
#: A small m could be minutes, metres or thousandths.
_MULTIPLES = {"k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "million": 1e6, "billion": 1e9}
_GAP = r"_'’\s\u00a0\u2009\u202f"
_NUMBER = re.compile(rf"([+-]?[\d.,{_GAP}]*\d(?:\.(?!\w))?(?:[eE][+-]?\d+)?)\s*(.*)")
_GAPS = re.compile(rf"[{_GAP}]")


def read_number(raw: float | str, unit: str = "") -> float:
    """Return the number that somebody typed, in the unit that was asked for.

    Parameters
    ----------
    raw : float or str
        What was typed. A comma is taken as the decimal sign where it can be nothing else, and
        between groups of three digits where it can be nothing else.
    unit : str
        The unit asked for. Another unit of the same kind is converted.

    Raises
    ------
    ValueError
        If it is no finite number, has another unit, or could be read in two ways; the message says
        how to write it.

    Examples
    --------
    >>> read_number("80 ms", "ms"), read_number("0,92"), read_number("1 000")
    (80.0, 0.92, 1000.0)
    >>> read_number("0.1 s", "ms")
    100.0
    """
    if not isinstance(raw, str):
        return _finite(float(raw), raw)
    match = _NUMBER.fullmatch(raw.strip())
    if match is None:
        raise ValueError(f"A prediction must be a number, such as 12.5; got {raw!r}.")
    digits, said = match.group(1), match.group(2).strip()
    return _finite(_digits(digits, raw) * _factor(said, unit, raw), raw)


def _digits(text: str, raw: str) -> float:
    mantissa, e, exponent = text.partition("e" if "e" in text else "E")
    groups = _GAPS.split(mantissa.lstrip("+-"))
    if any(len(group.partition(".")[0].partition(",")[0]) != 3 for group in groups[1:]):
        raise ValueError(f"{raw!r} can be read in several ways: write it without spaces.")
    plain = _GAPS.sub("", mantissa)
    commas, points = plain.count(","), plain.count(".")
    if commas and points:
        decimal = max(",.", key=plain.rfind)
        thousands = "," if decimal == "." else "."
        if plain.count(decimal) > 1 or not _in_threes(plain.partition(decimal)[0], thousands):
            raise ValueError(f"{raw!r} is not a number: write it as 1234.5.")
        plain = plain.replace(thousands, "").replace(decimal, ".")
    elif commas > 1 or points > 1:
        sign = "," if commas else "."
        if not _in_threes(plain, sign):
            raise ValueError(f"{raw!r} is not a number: write it as 1234.5.")
        plain = plain.replace(sign, "")
    elif commas:
        whole, _, rest = plain.lstrip("+-").partition(",")
        if len(rest) == 3 and whole not in ("", "0") and len(whole) <= 3:
            raise ValueError(
                f"{raw!r} can be read in two ways: write {whole}{rest} or {whole}.{rest}."
            )
        plain = plain.replace(",", ".")
    return float(plain + (f"e{exponent}" if e else ""))


def _in_threes(text: str, sign: str) -> bool:
    first, *rest = text.lstrip("+-").split(sign)
    return 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)


def _factor(said: str, unit: str, raw: str) -> float:
    said, wanted = said.rstrip("."), unit.strip()
    for multiple, factor in _MULTIPLES.items():
        head, _, rest = said.partition(" ")
        if head == multiple and not _same(said, wanted):
            return factor * _factor(rest, unit, raw)
    if not said or _same(said, wanted):
        return 1.0
    for kind in _KINDS:
        if said.lower() in kind and wanted.lower() in kind:
            return kind[said.lower()] / kind[wanted.lower()]
    asked = f"in {wanted}" if wanted else "without a unit"
    raise ValueError(f"The answer is asked for {asked}; {said!r} in {raw!r} is not understood.")


def _same(said: str, wanted: str) -> bool:
    def stem(word: str) -> str:
        return word.casefold().replace(" ", "").removesuffix("s")

    return bool(wanted) and stem(said) == stem(wanted)


def _finite(number: float, raw: float | str) -> float:
    if not math.isfinite(number):
        raise ValueError(f"A prediction must be a finite number; got {raw!r}.")
    return number
