"""How cost grows with size: steps of four algorithms, and a query with and without an index."""

from __future__ import annotations

import math

from helpers.foundations import validation

#: Rows that fit on one page of the table, and entries on one page of its index.
ROWS_PER_PAGE = 100
FANOUT = 200

#: Times of one page access: found in memory; read at random, and read in sequence, from an SSD.
#: Orders of magnitude, not a product's data sheet.
MEMORY_PAGE_S = 0.2e-6
RANDOM_READ_S = 100e-6
SEQUENTIAL_READ_S = 10e-6

#: The four orders of growth, from the flattest to the steepest.
GROWTH_KINDS = ("constant", "logarithmic", "linear", "quadratic")


def theory_growth(kind: str, size: int) -> float:
    """Mean number of steps that an algorithm takes on `size` items.

    Parameters
    ----------
    kind : {"constant", "logarithmic", "linear", "quadratic"}
        ``"constant"``: find a key that is there, in a hash table with as many chains as keys.
        ``"logarithmic"``: find it by binary search in a sorted array. ``"linear"``: find it in an
        unsorted array. ``"quadratic"``: compare every item with every other.
    size : int
        Number of items; >= 1.

    Returns
    -------
    float
        Expected number of keys compared.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Hashing with chains at load factor 1: ``1 + (n - 1) / (2 n)``. Binary search: the mean depth of
    a balanced tree, ``((n + 1) h - 2^h + 1) / n`` with ``h = floor(log2 n) + 1``. Scan:
    ``(n + 1) / 2``. Pairs: ``n (n - 1) / 2``. Knuth, *The Art of Computer Programming* vol. 3,
    2nd ed. 1998, sections 6.1, 6.2.1 and 6.4.
    """
    validation.one_of("kind", kind, GROWTH_KINDS)
    size = validation.integer("size", size, at_least=1)
    if kind == "constant":
        return 1 + (size - 1) / (2 * size)
    if kind == "logarithmic":
        height = size.bit_length()
        return ((size + 1) * height - 2**height + 1) / size
    if kind == "linear":
        return (size + 1) / 2
    return size * (size - 1) / 2


def largest_size(kind: str, steps: float) -> float:
    """Largest number of items that an algorithm handles within `steps` steps on average.

    Parameters
    ----------
    kind : {"constant", "logarithmic", "linear", "quadratic"}
        As for :func:`theory_growth`.
    steps : float
        The budget, in steps; >= 0.

    Returns
    -------
    float
        Number of items; 0 if not even one fits, ``inf`` if it exceeds 10^15.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("kind", kind, GROWTH_KINDS)
    steps = validation.number("steps", steps, at_least=0)
    ceiling = 10**15
    if theory_growth(kind, ceiling) <= steps:
        return math.inf
    if theory_growth(kind, 1) > steps:
        return 0.0
    low, high = 1, ceiling  # the step count never falls with size, so bisection finds the last fit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if theory_growth(kind, middle) <= steps else (low, middle)
    return float(low)


def power_exponent(size_1: float, cost_1: float, size_2: float, cost_2: float) -> float:
    """Exponent of the power law ``cost ~ size ** exponent`` through two points.

    Parameters
    ----------
    size_1, cost_1, size_2, cost_2 : float
        The two points; all > 0, and the sizes different.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    >>> power_exponent(1_000, 0.010, 10_000_000, 10.0)
    0.75
    """
    named = {"size_1": size_1, "cost_1": cost_1, "size_2": size_2, "cost_2": cost_2}
    for name, value in named.items():
        validation.number(name, value, above=0)
    if size_1 == size_2:
        raise ValueError(f"size_2 must differ from size_1, got {size_2!r} for both")
    return math.log(cost_2 / cost_1) / math.log(size_2 / size_1)


def index_depth(rows: int) -> int:
    """Pages a B-tree lookup touches from the root to the row: index levels, then the row's page.

    Parameters
    ----------
    rows : int
        Rows in the table; >= 1. Every index page holds `FANOUT` entries.

    Raises
    ------
    TypeError, ValueError
        If `rows` has the wrong type or is out of range.
    """
    rows = validation.integer("rows", rows, at_least=1)
    levels, reach = 1, FANOUT
    while reach < rows:
        levels, reach = levels + 1, reach * FANOUT
    return levels + 1


def index_pages(rows: int) -> list[int]:
    """Pages on each level of the path to a row: root first, then leaves, then the table.

    Raises
    ------
    TypeError, ValueError
        If `rows` has the wrong type or is out of range.
    """
    levels = index_depth(rows) - 1
    entries = [math.ceil(rows / FANOUT**level) for level in range(levels, 0, -1)]
    return [*entries, math.ceil(rows / ROWS_PER_PAGE)]


def resident_shares(rows: int, memory_rows: int) -> list[float]:
    """Share of each level's pages that is in memory when the busiest levels are kept.

    A page near the root is touched by many more lookups than a page of the table, so a cache that
    keeps what is used most fills up from the root down.

    Parameters
    ----------
    rows : int
        Rows in the table; >= 1.
    memory_rows : int
        Memory, as the number of rows whose pages fit into it; >= 1.

    Returns
    -------
    list of float
        One share for each level of :func:`index_pages`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    free = validation.integer("memory_rows", memory_rows, at_least=1) / ROWS_PER_PAGE
    shares = []
    for pages in index_pages(rows):
        kept = min(float(pages), free)
        shares.append(kept / pages)
        free -= kept
    return shares


def theory_query_time(
    rows: int,
    access: str,
    *,
    overhead_s: float = 1e-3,
    row_s: float = 1e-6,
    memory_rows: int = 1_000_000,
) -> float:
    """Mean time to answer one query for one row, in seconds.

    Parameters
    ----------
    rows : int
        Rows in the table; >= 1.
    access : {"scan", "index"}
        Read every row, or walk a B-tree.
    overhead_s : float
        What every query costs whatever the table: network, parsing, planning; seconds, >= 0.
    row_s : float
        Time to examine one row in memory, seconds; > 0.
    memory_rows : int
        Memory, as the number of rows whose pages fit into it; >= 1.

    Returns
    -------
    float
        Expected time, seconds.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Scan: ``overhead + rows * row_s``, and when the table does not fit into memory every page is
    read from disk, because a cache that evicts the least recently used page has always just
    evicted the next one. Index: ``overhead`` plus, for each level, a page access that goes to disk
    with one minus the level's resident share. B-tree height: Bayer and McCreight, "Organization
    and maintenance of large ordered indexes", *Acta Informatica* 1, 1972.
    """
    rows = validation.integer("rows", rows, at_least=1)
    validation.one_of("access", access, ("scan", "index"))
    overhead_s = validation.number("overhead_s", overhead_s, at_least=0, unit="s")
    row_s = validation.number("row_s", row_s, above=0, unit="s")
    memory_rows = validation.integer("memory_rows", memory_rows, at_least=1)
    if access == "scan":
        pages = math.ceil(rows / ROWS_PER_PAGE)
        return overhead_s + rows * row_s + (pages * SEQUENTIAL_READ_S if rows > memory_rows else 0)
    return overhead_s + sum(
        MEMORY_PAGE_S + (1 - share) * RANDOM_READ_S for share in resident_shares(rows, memory_rows)
    )
