"""Numbers in sentences: rounded for a reader, with the unit a person would use."""

from __future__ import annotations

import math
from collections.abc import Sequence

from helpers.foundations.year import YEAR_S


def significant(value: float, digits: int = 3) -> str:
    """Format a number to `digits` significant digits, thousands grouped, no exponent in sight.

    Strict notebook comparison needs text that is stable from one machine to the next, and a
    reader needs no more digits than mean something.

    Examples
    --------
    >>> significant(0.012345), significant(12345.6), significant(99.96), significant(3.0)
    ('0.0123', '12,300', '100', '3')
    """
    number = float(value)
    if math.isnan(number):
        return "not a number"
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    if number == 0:
        return "0"
    rounded = float(f"{number:.{digits - 1}e}")
    magnitude = int(f"{abs(rounded):e}".split("e")[1])
    if magnitude < -6 or magnitude > 14:
        return f"{rounded:.{digits - 1}e}"
    text = f"{rounded:,.{max(digits - 1 - magnitude, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float, digits: int = 3) -> str:
    """Format a time with the unit a person would use.

    Examples
    --------
    >>> duration(0.00042), duration(0.25), duration(90), duration(7_200), duration(0)
    ('420 µs', '250 ms', '90 s', '2 h', '0 s')
    """
    value = abs(float(seconds)) or 1.0
    for limit, scale, unit in (
        (1e-6, 1e9, "ns"),
        (1e-3, 1e6, "µs"),
        (1.0, 1e3, "ms"),
        (120.0, 1.0, "s"),
        (7_200.0, 1 / 60, "min"),
        (172_800.0, 1 / 3_600, "h"),
        (6.3e7, 1 / 86_400, "days"),
    ):
        if value < limit:
            return f"{significant(seconds * scale, digits)} {unit}"
    return f"{significant(seconds / YEAR_S, digits)} years"


def percent(share: float, digits: int = 3) -> str:
    """Format a share as a percentage.

    Examples
    --------
    >>> percent(0.4761)
    '47.6 %'
    """
    return f"{significant(100 * share, digits)} %"


def rounded(value: float, digits: int = 3) -> float:
    """Return a number to so many significant digits, for summaries that must not flicker.

    Examples
    --------
    >>> rounded(0.0123456)
    0.0123
    """
    return float(f"{float(value):.{digits - 1}e}")


def counted(number: int, thing: str, things: str = "") -> str:
    """Format a count with its noun in the right number.

    Examples
    --------
    >>> counted(1, "server"), counted(2_000, "server"), counted(0, "query", "queries")
    ('1 server', '2,000 servers', '0 queries')
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def amount(value: float, thing: str, things: str = "", digits: int = 3) -> str:
    """Format a number that need not be whole with its noun in the right number.

    Examples
    --------
    >>> amount(1.0, "job"), amount(2.716, "job"), amount(0.5, "reply", "replies")
    ('1 job', '2.72 jobs', '0.5 replies')
    """
    said = significant(value, digits)
    return f"{said} {thing if said == '1' else things or thing + 's'}"


def finite_or(value: float, otherwise: str) -> float | str:
    """Return a number for a summary, or in words what an infinite or missing one stands for.

    Examples
    --------
    >>> finite_or(0.5, "without end"), finite_or(math.inf, "without end")
    (0.5, 'without end')
    """
    return float(value) if math.isfinite(value) else otherwise


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["LRU"]), listed(["LRU", "FIFO"]), listed(["LRU", "LFU", "FIFO"])
    ('LRU', 'LRU and FIFO', 'LRU, LFU and FIFO')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
