"""Histories of registers, and which promises they keep.

A history says which client read or wrote what, from when to when. Each checker judges one promise,
exactly within a budget; a violation comes with the smallest part of the history that shows it.

>>> from helpers.foundations.histories import Operation, linearizable, sequential
>>> wrote = Operation("a", "write", 1, start=0.0, end=1.0)
>>> linearizable([wrote, Operation("b", "read", 1, start=2.0, end=3.0)]).holds
True
>>> linearizable([wrote, Operation("b", "read", None, start=2.0, end=3.0)]).holds
False
>>> sequential([wrote, Operation("b", "read", None, start=2.0, end=3.0)]).holds
True
"""

from collections.abc import Mapping

from helpers.foundations.histories.causality import causal
from helpers.foundations.histories.convergence import convergent
from helpers.foundations.histories.formats import from_edn, from_json, to_edn, to_json
from helpers.foundations.histories.linearizability import linearizable, overwritten_reads
from helpers.foundations.histories.operations import (
    BUDGET,
    READ,
    WRITE,
    Judge,
    Operation,
    Verdict,
    until,
)
from helpers.foundations.histories.sequential_order import sequential
from helpers.foundations.histories.sessions import (
    GUARANTEES,
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
    broken,
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from helpers.foundations.histories.violations import right_until, smallest_violation

#: Every promise that is judged here, the strongest first.
JUDGES: Mapping[str, Judge] = {
    "linearizable": linearizable,
    "sequential": sequential,
    "causal": causal,
    READ_YOUR_WRITES: read_your_writes,
    MONOTONIC_READS: monotonic_reads,
    MONOTONIC_WRITES: monotonic_writes,
    WRITES_FOLLOW_READS: writes_follow_reads,
    "convergent": convergent,
}

__all__ = [
    "BUDGET",
    "GUARANTEES",
    "JUDGES",
    "MONOTONIC_READS",
    "MONOTONIC_WRITES",
    "READ",
    "READ_YOUR_WRITES",
    "WRITE",
    "WRITES_FOLLOW_READS",
    "Judge",
    "Operation",
    "Verdict",
    "broken",
    "causal",
    "convergent",
    "from_edn",
    "from_json",
    "linearizable",
    "monotonic_reads",
    "monotonic_writes",
    "overwritten_reads",
    "read_your_writes",
    "right_until",
    "sequential",
    "smallest_violation",
    "to_edn",
    "to_json",
    "until",
    "writes_follow_reads",
]
