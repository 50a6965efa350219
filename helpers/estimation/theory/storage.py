"""How many bytes a row takes in an SQLite file, by the published file format."""

from __future__ import annotations

import math

from helpers.foundations import validation

_PAGE, _HEADER, _POINTER = 4_096, 8, 2


def theory_storage(*, rows: int, url_bytes: int, key_bytes: int = 7) -> float:
    """Return the bytes per row of a table of URLs without an index.

    Parameters
    ----------
    rows : int
        Rows, inserted in the order of their row id; >= 1.
    url_bytes : int
        Length of each URL, ASCII; 1 to 1,000.
    key_bytes : int
        Length of each short key, ASCII; 1 to 50.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A cell is the payload's length and the row id as variable-length integers of 7 bits a byte, a
    record header with one such integer for each column, and the columns; a creation time takes 4
    bytes here. Each page of 4,096 bytes has a header of 8 and 2 for each cell's pointer. Rows in
    order fill their leaf pages. "Database File Format", the SQLite documentation, sections 1.6
    and 2.1. Interior pages, one in some hundreds, are left out.
    """
    rows = validation.integer("rows", rows, at_least=1)
    url = validation.integer("url_bytes", url_bytes, at_least=1, at_most=1_000)
    key = validation.integer("key_bytes", key_bytes, at_least=1, at_most=50)
    header = 1 + _varint(2 * key + 13) + _varint(2 * url + 13) + 1
    payload = header + key + url + 4
    pages, left = 0, rows
    # Row ids grow, and with them the cells: count page by page in blocks of equal length.
    done = 0
    for digits in range(1, 10):
        block = min(left, 128**digits - 1 - done)
        if block <= 0:
            continue
        cell = _varint(payload) + digits + payload
        pages += block / math.floor((_PAGE - _HEADER) / (cell + _POINTER))
        done, left = done + block, left - block
        if not left:
            break
    return pages * _PAGE / rows


def _varint(value: int) -> int:
    """Bytes of a variable-length integer."""
    return max(1, math.ceil(value.bit_length() / 7))
