"""A lab's checks say how many of them pass, and how many points that makes so far.

A cell is a check when its code is that of a graded cell of a lab in ``labs/``. What runs when a lab
is graded has hidden tests in it, or runs elsewhere, and is none. ``helpers/__init__.py`` says who
listens.
"""

from __future__ import annotations

import ast

from helpers.explore.journal import journal, record
from helpers.explore.standing import passed as those_passed
from helpers.explore.work import Lab, labs
from helpers.foundations.prose import counted, significant


def after_check(source: str, *, passed: bool) -> None:
    """Keep in the journal how a lab's check went, and print what a learner wants to know.

    Parameters
    ----------
    source : str
        The cell that ran; nothing happens if it is no check.
    passed : bool
        Whether it ran to its end.
    """
    found = find_check(source)
    if found is None:
        return
    lab, key = found
    note = ""
    try:
        before = journal().of("check", key)
        if not before or bool(before[-1].get("passed")) != passed:
            record("check", key, passed=passed, points=lab.points[key])
        points = sum(lab.points[one] for one in those_passed(journal(), lab.points))
    except OSError as error:
        points = lab.points[key] if passed else 0.0
        note = f" This could not be kept: {error}."
    if passed:
        score = f"{significant(points)} of {significant(lab.total)} points visible so far"
        follow = "Hidden checks follow when the lab is graded."
        print(f"✓ {words(source)}; {score}. {follow}{note}")


def find_check(source: str) -> tuple[Lab, str] | None:
    """Return the lab that a check belongs to and the check's key, or None if it is no check."""
    try:
        known = labs()
    except (OSError, ValueError):  # somebody is writing them at this moment
        return None
    text = source.strip()
    for lab in known:
        for key, check in lab.sources.items():
            if check.strip() == text:
                return lab, key
    return None


def words(source: str) -> str:
    """Return in words that all checks of a cell pass.

    Examples
    --------
    >>> words("assert 1 < 2")
    '1 of 1 check passes'
    """
    number = sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))
    return f"{number:,} of {counted(number, 'check passes', 'checks pass')}"
