"""What to be asked again, and when: questions answered before, at growing distances.

A question comes back a day after it was first answered. Each time it is answered right on its day,
or later, the next distance is longer: 1, 3, 7, 21 days, and 21 from then on. A wrong answer begins
again with one day. What is answered before its day is practice and changes nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from helpers.explore.journal import Journal
from helpers.explore.predictions import predict
from helpers.explore.quiz import quiz
from helpers.explore.view import framed, publish_faces
from helpers.foundations.prose import counted
from helpers.foundations.questions import Questions

#: Days until a question comes back, after one right answer in a row, two, three, and more.
DAYS = (1, 3, 7, 21)


@dataclass(frozen=True, order=True)
class Due:
    """When a question comes back.

    Attributes
    ----------
    day : datetime.date
        From this day on it is asked.
    key : str
        The question's, as in the journal.
    kind : str
        ``"prediction"`` or ``"quiz"``.
    """

    day: datetime.date
    key: str
    kind: str


def comes_back(answers: Iterable[tuple[datetime.date, bool]]) -> datetime.date:
    """Return the day on which a question is asked again.

    Parameters
    ----------
    answers : iterable of (datetime.date, bool)
        When it was answered, and whether right; oldest first, at least one.

    Examples
    --------
    >>> monday, tuesday = datetime.date(2026, 6, 1), datetime.date(2026, 6, 2)
    >>> comes_back([(monday, True), (tuesday, True)])
    datetime.date(2026, 6, 5)
    """
    back, streak = datetime.date.min, 0
    for day, right in answers:
        if day < back:
            continue
        streak = streak + 1 if right else 0
        back = day + datetime.timedelta(days=DAYS[min(max(streak, 1), len(DAYS)) - 1])
    return back


def schedule(kept: Journal) -> list[Due]:
    """Return when every question that was ever answered comes back, soonest first."""
    answers: dict[tuple[str, str], list[tuple[datetime.date, bool]]] = {}
    for entry in kept.entries:
        if entry["kind"] in ("prediction", "quiz") and (day := day_of(entry)) is not None:
            asked = answers.setdefault((entry["kind"], entry["key"]), [])
            asked.append((day, bool(entry.get("right"))))
    return sorted(
        Due(comes_back(sorted(one, key=lambda answer: answer[0])), key, kind)
        for (kind, key), one in answers.items()
    )


def day_of(entry: Mapping[str, Any]) -> datetime.date | None:
    """Return the day of an entry, where its learner was; None if that cannot be read."""
    try:
        return datetime.datetime.fromisoformat(entry["at"]).date()
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Asked:
    """A question that can be asked: a chapter's, and which of them."""

    questions: Questions
    kind: str
    name: str

    def widget(self) -> widgets.Widget:
        """Return what asks it and keeps the answer, with nothing of earlier ones."""
        ask = predict if self.kind == "prediction" else quiz
        return ask(self.questions, self.name).widget


def find(due: Due, chapters: Iterable[Questions]) -> Asked | None:
    """Return the question itself, or None if its chapter does not have it any more."""
    for questions in chapters:
        start = f"{questions.CHAPTER}-"
        among: Mapping[str, Any] = questions.PREDICTIONS
        if due.kind == "quiz":
            among = questions.QUIZZES
        if due.key.startswith(start) and due.key[len(start) :] in among:
            return Asked(questions, due.kind, due.key[len(start) :])
    return None


class Review:
    """Questions asked in place, one at a time."""

    def __init__(self, questions: Sequence[Asked]) -> None:
        self._waiting = list(questions)
        self._count = len(questions)
        self._title = widgets.HTML()
        self._title.add_class("sd-reading")
        self._place = widgets.VBox()
        self._next = widgets.Button(description="Next question", layout={"width": "150px"})
        self._next.on_click(self._go_on)
        self._root = framed([self._title, self._place, self._next])
        self._go_on(None)

    def _go_on(self, _: Any) -> None:
        if not self._waiting:
            self._title.value = "<p><b>Review.</b> That was all for today.</p>"
            self._place.children = ()
            self._next.layout.display = "none"
            return
        at = self._count - len(self._waiting) + 1
        where = f"question {at} of {self._count}" if self._count > 1 else "one question"
        asked = self._waiting.pop(0)
        self._title.value = (
            f"<p><b>Review:</b> {where}, from chapter {asked.questions.CHAPTER}. "
            "Answer from memory.</p>"
        )
        self._place.children = (asked.widget(),)
        self._next.description = "Next question" if self._waiting else "Done"

    def _ipython_display_(self) -> None:
        publish_faces(self._root, f"Review: {counted(self._count, 'question')} today.", owner=self)
