"""A chapter's questions as data, kept apart so that its notebook does not give away the answers.

A chapter's ``questions.py`` holds ``CHAPTER``, its number, and two tables: ``PREDICTIONS`` and
``QUIZZES``. Its notebook says ``predict(questions, "knee")`` and ``quiz(questions, "falling")``. A
third table, ``GOALS``, holds the settings that are to be found: ``explore(..., find=(questions,
"edge"))``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Answer = float | str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A question to commit to before the answer is seen.

    Attributes
    ----------
    question : str
        What to predict.
    answer : float, str or callable
        The answer, or a function that works it out when it is wanted.
    options : sequence of str
        The choices; without them a number is asked for.
    unit : str
        Unit of the number.
    tolerance : float
        A number counts as right within this fraction of the answer.
    why : str
        One or two sentences shown with the answer.
    axis : str
        Where the guess is marked in the picture of the explorer that opens after it: ``"x"`` or
        ``"y"`` of the first panel, ``"x2"`` or ``"y2"`` of the second; nowhere by default.
    scale : float
        What the guess is multiplied with to be a number on that axis.
    """

    question: str
    answer: Answer | Callable[[], Answer]
    options: Sequence[str] = ()
    unit: str = ""
    tolerance: float = 0.2
    why: str = ""
    axis: str = ""
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Quiz:
    """A question whose every option is explained when it is picked.

    Attributes
    ----------
    question : str
        What is asked.
    options : mapping of str to str
        From each option to its explanation.
    answer : str
        The right option.
    """

    question: str
    options: Mapping[str, str]
    answer: str


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A setting of an explorer that a learner is asked to find.

    Attributes
    ----------
    asked : str
        What to find, as it stands after "To find:".
    reached : callable, or mapping of str to callable
        ``reached(result)`` says whether a setting with this result is one. A mapping names several
        settings, all of which are to be found.
    boundary : callable
        ``boundary(result)`` says in a sentence where the true boundary is, from theory; told only
        when everything has been found.
    before : str
        The chapter's prediction that the boundary would give away. It is then told when that
        prediction has been committed.
    """

    asked: str
    reached: Callable[[Any], bool] | Mapping[str, Callable[[Any], bool]]
    boundary: Callable[[Any], str]
    before: str = ""

    @property
    def parts(self) -> Mapping[str, Callable[[Any], bool]]:
        """The settings to be found by name; a single one has none."""
        return self.reached if isinstance(self.reached, Mapping) else {"": self.reached}


class Questions(Protocol):
    """What a chapter's ``questions.py`` holds."""

    CHAPTER: str
    PREDICTIONS: Mapping[str, Prediction]
    QUIZZES: Mapping[str, Quiz]


class Goals(Questions, Protocol):
    """What it holds where settings are to be found."""

    GOALS: Mapping[str, Goal]


Q = TypeVar("Q")


def named(name: str, among: Mapping[str, Q], kind: str) -> Q:
    """Return one of a chapter's questions.

    Raises
    ------
    ValueError
        If there is none of this name; the message lists those there are.
    """
    if name not in among:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(map(repr, among))}")
    return among[name]
