"""Convergence: when nobody writes any more, everybody reads the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from helpers.foundations import validation
from helpers.foundations.histories.operations import (
    BUDGET,
    READ,
    WRITE,
    Operation,
    Verdict,
    by_key,
)


def convergent(
    history: Sequence[Operation], *, within_s: float = 0.0, budget: int = BUDGET
) -> Verdict:
    """Say whether all reads agree that begin so long after the last write to their register.

    What they agree on must be what somebody wrote, but need not be the last write: a store that
    always loses one of two writes converges, too.

    Parameters
    ----------
    history : sequence of Operation
    within_s : float
        How long replicas may take after the last answer to a write; one without an answer counts
        from its start.
    budget : int
        How many operations may be looked at.
    """
    within_s = validation.number("within_s", within_s, at_least=0, unit="s")
    budget = validation.integer("budget", budget, at_least=1)
    if len(history) > budget:
        return Verdict(None, (), budget)
    for register in by_key(history):
        writes = [one for one in register if one.kind == WRITE]
        ends = [one.end if one.end < math.inf else one.start for one in writes]
        quiet = max(ends, default=-math.inf) + within_s
        late = {
            one.value
            for one in register
            if one.kind == READ and one.end < math.inf and one.start > quiet
        }
        may = {one.value for one in writes}
        if not writes or all(one.end == math.inf for one in writes):
            may.add(None)
        if len(late) > 1 or late - may:
            return Verdict(False, (), len(history))
    return Verdict(True, (), len(history))
