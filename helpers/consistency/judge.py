"""A history of your own: what each checker says of it, and the smallest part that is wrong.

A history is text: JSON lines, or a log as Jepsen's tests write it. Where that stops being true: a
checker knows what was recorded and nothing else. A history without a violation shows that this one
run was right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from matplotlib.axes import Axes

from helpers.consistency.diagram import clients_of, draw_history
from helpers.foundations import validation
from helpers.foundations.experiment import Parameters, Result, anything, integer, option, takes
from helpers.foundations.histories import (
    BUDGET,
    JUDGES,
    Operation,
    Verdict,
    from_edn,
    from_json,
    smallest_violation,
)
from helpers.foundations.prose import counted, listed

#: What a run of the course's own register might have left behind.
EXAMPLE = """
{"client": "ann", "kind": "write", "value": 1, "start": 0.0, "end": 1.0}
{"client": "bob", "kind": "write", "value": 2, "start": 1.5, "end": 4.0}
{"client": "cid", "kind": "read", "value": 2, "start": 2.0, "end": 2.5}
{"client": "dee", "kind": "read", "value": 1, "start": 3.0, "end": 3.5}
"""


def parsed(text: str) -> tuple[Operation, ...]:
    """Read a history in either form.

    Raises
    ------
    ValueError
        If it is empty or in neither form; the message names line and field.
    """
    is_json = text.lstrip().startswith("{") and '"' in text.lstrip()[1:].lstrip()[:1]
    history = from_json(text) if is_json else from_edn(text)
    if not history:
        raise ValueError("the history is empty")
    return tuple(history)


def _history(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r}")
    parsed(value)
    return value


class Setting(Parameters):
    """A history, and the promise that its picture is about."""

    text: str = anything("str", EXAMPLE, "History", check=_history)
    promise: str = option("linearizable", "Judged is whether it is", of=tuple(JUDGES))
    budget: int = integer(BUDGET, "States that may be looked at", at_least=1)


@takes(Setting)
def simulate(at: Setting) -> Judged:
    """Let every checker read the history."""
    history = parsed(at.text)
    verdicts = {name: judge(history, budget=at.budget) for name, judge in JUDGES.items()}
    return Judged(at, history=history, verdicts=verdicts)


def judge(text: str, promise: str = "linearizable") -> Judged:
    """Judge a history that is given as text; see :mod:`helpers.foundations.histories`."""
    return simulate(text=text, promise=validation.one_of("promise", promise, tuple(JUDGES)))


class Judged(Result):
    """What the checkers say.

    Attributes
    ----------
    history : tuple of Operation
    verdicts : dict of str to Verdict
        Of each promise.
    """

    at: Setting
    history: tuple[Operation, ...]
    verdicts: dict[str, Verdict]

    @cached_property
    def smallest(self) -> tuple[Operation, ...]:
        """The smallest part of the history that breaks the promise; empty if none does."""
        if self.verdicts[self.at.promise].holds is not False:
            return ()
        return smallest_violation(
            self.history, judge=JUDGES[self.at.promise], budget=self.at.budget
        )

    @property
    def summary(self) -> dict[str, float | int | str]:
        answers = {True: "yes", False: "no", None: "unknown"}
        said = {name.replace(" ", "_"): answers[one.holds] for name, one in self.verdicts.items()}
        return {"operations": len(self.history), **said}

    @property
    def reading(self) -> str:
        parts = {
            answer: [name for name, one in self.verdicts.items() if one.holds is answer]
            for answer in (True, False, None)
        }
        said = [
            f"{words}: {listed(parts[answer])}."
            for answer, words in ((True, "Kept"), (False, "Broken"), (None, "Not known"))
            if parts[answer]
        ]
        if self.smallest:
            many = counted(len(self.smallest), "operation")
            said.append(f"For {self.at.promise!r}, {many} suffice to show it.".replace("'", ""))
        return " ".join(said)

    @property
    def columns(self) -> Mapping[str, Any]:
        shown = self.smallest or self.history
        return {
            "client": [one.client for one in shown],
            "does": [one.kind for one in shown],
            "register": [one.key for one in shown],
            "value": ["nothing" if one.value is None else one.value for one in shown],
            "from (s)": [one.start for one in shown],
            "to (s)": ["?" if one.end == math.inf else one.end for one in shown],
        }


def plot(run: Judged, ax: Axes) -> None:
    """Draw the history with its violation in vermilion."""
    draw_history(ax, run.history, run.smallest, clients=clients_of(run.history))
    words = {True: "kept", False: "broken", None: "not known"}
    name = run.at.promise[0].upper() + run.at.promise[1:]
    ax.set_title(f"{name}: {words[run.verdicts[run.at.promise].holds]}")
