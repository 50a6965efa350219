"""Where a history goes wrong, and the smallest part of it that shows it; for any checker."""

from __future__ import annotations

import math
from collections.abc import Sequence

from helpers.foundations.histories.linearizability import linearizable
from helpers.foundations.histories.operations import BUDGET, READ, WRITE, Judge, Operation, until


def right_until(
    history: Sequence[Operation], *, judge: Judge = linearizable, budget: int = BUDGET
) -> float:
    """Return the time of the answer that makes a history wrong; infinite if none does.

    Whatever is right was so at every earlier instant, so the answers can be halved. That is true
    of every checker here but `convergent`, which is about the end. Where a checker does not know,
    it counts as right.

    Parameters
    ----------
    history : sequence of Operation
    judge : callable
        The checker.
    budget : int
        For each look at a part of it.
    """
    answers = sorted({one.end for one in history if one.end < math.inf})
    low, high = 0, len(answers)
    while low < high:
        middle = (low + high) // 2
        if judge(until(history, answers[middle]), budget=budget).holds is False:
            high = middle
        else:
            low = middle + 1
    return answers[low] if low < len(answers) else math.inf


def smallest_violation(
    history: Sequence[Operation], *, judge: Judge = linearizable, budget: int = BUDGET
) -> tuple[Operation, ...]:
    """Return a part of a wrong history that is wrong, and right whatever is taken from it.

    A write is taken away only together with the reads that returned it: a value out of nowhere
    would be another violation, and not this one's.

    Parameters
    ----------
    history : sequence of Operation
    judge : callable
        The checker.
    budget : int
        For each look at a part of it.

    Returns
    -------
    tuple of Operation
        By start, as they stand in the history; empty if that is right, or too large to know.
    """

    def wrong(part: Sequence[Operation]) -> bool:
        return judge(part, budget=budget).holds is False

    ends = right_until(history, judge=judge, budget=budget)
    left = until(history, ends)
    left = [one for one in left if one.kind == WRITE or one.end < math.inf]
    if not math.isfinite(ends) or not wrong(left):
        return ()
    piece = max(1, len(left) // 2)
    while True:
        shrunk, i = False, 0
        while i < len(left):
            gone = set(left[i : i + piece])
            values = {(one.key, one.value) for one in gone if one.kind == WRITE}
            rest = [
                one
                for one in left
                if one not in gone and not (one.kind == READ and (one.key, one.value) in values)
            ]
            if wrong(rest):
                left, shrunk = rest, True
            else:
                i += piece
        if piece > 1:
            piece //= 2
        elif not shrunk:
            whole = {one._replace(end=math.inf): one for one in history}
            found = [whole[one._replace(end=math.inf)] for one in left]
            return tuple(sorted(found, key=lambda one: (one.start, one.end)))
