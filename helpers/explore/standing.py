"""How far you are: what was done in each chapter, how well you judge yourself, what is due today.

All of it is read from the journal, and from the notebooks for what there is to do.
"""

from __future__ import annotations

import datetime
import html
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from IPython.display import display

from helpers.explore.calibration import calibration
from helpers.explore.journal import Journal, journal
from helpers.explore.review import Due, Review, find, schedule
from helpers.explore.work import Chapter, Lab, chapters, questions_of_chapters
from helpers.foundations.prose import counted, listed, significant
from helpers.foundations.questions import Questions

_NOTHING = "–"


@dataclass(frozen=True)
class Done:
    """What was done of one chapter's work.

    Attributes
    ----------
    chapter : Chapter
        What there is to do.
    committed, right : int
        Predictions made before looking, and those of them that were right at the first guess.
    seen : int
        Predictions whose answer was looked at first.
    answered, right_at_once : int
        Quiz questions, and those that were right at the first answer.
    run, changed : int
        Models that were run, and those of them that were changed.
    found : int
        Settings that were asked for and found.
    points : float
        Of the lab, by the checks that passed when they were last run.
    """

    chapter: Chapter
    committed: int
    right: int
    seen: int
    answered: int
    right_at_once: int
    run: int
    changed: int
    found: int
    points: float

    @property
    def begun(self) -> bool:
        """Whether anything was done in it."""
        return any((self.committed, self.seen, self.answered, self.changed, self.found))

    @property
    def left(self) -> str:
        """What is still to be done in the notebook, in words; empty when nothing is."""
        chapter = self.chapter
        open_ones = (
            (len(chapter.predictions) - self.committed - self.seen, "prediction"),
            (len(chapter.quizzes) - self.answered, "quiz question"),
            (len(chapter.goals) - self.found, "setting"),
        )
        words = [counted(number, thing) for number, thing in open_ones if number > 0]
        return listed(words) if words else ""


def done_in(chapter: Chapter, kept: Journal) -> Done:
    """Return what the journal says of one chapter."""
    firsts = _first(kept, "prediction")
    made = [entry for key, entry in firsts.items() if key in chapter.predictions]
    honest = [entry for entry in made if not entry.get("seen_before")]
    shown = {entry["key"] for entry in kept.of("shown")} & set(chapter.predictions)
    looked = shown - {entry["key"] for entry in honest}
    quizzes = [one for key, one in _first(kept, "quiz").items() if key in chapter.quizzes]
    models = [one for one in kept.of("model") if one["key"] in chapter.models]
    lab = chapter.lab
    return Done(
        chapter=chapter,
        committed=len(honest),
        right=sum(bool(entry["right"]) for entry in honest),
        seen=len(looked),
        answered=len(quizzes),
        right_at_once=sum(bool(entry["right"]) for entry in quizzes),
        run=len({one["key"] for one in models}),
        changed=len({one["key"] for one in models if one.get("changed")}),
        found=len({one["key"] for one in kept.of("found")} & set(chapter.goals)),
        points=sum(lab.points[key] for key in passed(kept, lab.points)) if lab else 0.0,
    )


def passed(kept: Journal, checks: Collection[str]) -> list[str]:
    """Return the checks, of these, that passed when they were last run."""
    last = {entry["key"]: bool(entry.get("passed")) for entry in kept.of("check")}
    return [key for key in checks if last.get(key)]


class ProgressPage:
    """Where a learner stands; see :func:`progress_page`."""

    def __init__(
        self,
        work: Sequence[Chapter],
        kept: Journal,
        today: datetime.date,
        ask: Callable[[], Sequence[Questions]],
    ) -> None:
        self.done = [done_in(chapter, kept) for chapter in work]
        self.kept, self.today = kept, today
        self.due: list[Due] = []
        self.later: list[Due] = []
        self.review: Review | None = None
        back = schedule(kept)
        if back:
            asked = [(due, find(due, known)) for known in [ask()] for due in back]
            self.due = [due for due, one in asked if one is not None and due.day <= today]
            self.later = [due for due, one in asked if one is not None and due.day > today]
            now = [one for due, one in asked if one is not None and due.day <= today]
            self.review = Review(now) if now else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done yet."""
        return not any(done.begun or done.run or done.points for done in self.done)

    @property
    def next(self) -> str:
        """Where to go on, as HTML, and what is open there; empty when nothing is.

        First what is left of the chapter last worked in, then its lab, then the others in order.
        """
        by_number = {done.chapter.number: done for done in self.done}
        numbers = [entry["key"][:2] for entry in reversed(self.kept.entries)]
        last = next((by_number[number] for number in numbers if number in by_number), None)
        near = [last] if last else []
        for here in (near, self.done):
            for done in here:
                if done.left:
                    verb = "Go on with" if done.begun else "Begin"
                    return f"<b>{verb} {_link(done.chapter)}</b>: {done.left} to go."
            for done in here:
                lab = done.chapter.lab
                if lab is not None and done.points < lab.total:
                    verb = "Go on with" if done.points else "Begin"
                    return f"<b>{verb} {_lab_link(lab)}</b>, {_points(done.points, lab)}."
        return ""

    def html(self) -> str:
        """Return the page's head: what was done, and where to go on."""
        warning = self.kept.warning
        parts = [f"<p><b>{html.escape(warning)}</b></p>"] if warning else []
        if self.is_empty:
            parts += [f"<p>{self._invitation()}</p>"]
        else:
            parts += [f"<p>{self._go_on()}</p>", self._table(), f"<p>{self._review()}</p>"]
        return "\n".join(parts)

    def text(self) -> str:
        """Return the same for readers of plain text."""
        if self.is_empty:
            return "Nothing is kept yet. Commit to the first prediction of this page."
        lines = [" | ".join((_name(done.chapter), *_cells(done))) for done in self.done]
        return "\n".join([" | ".join(("chapter", *_HEADS)), *lines])

    def _invitation(self) -> str:
        first = next((done for done in self.done if done.chapter.number > "00"), None)
        where = f" Then go on with {_link(first.chapter)}." if first else ""
        return (
            "Nothing is kept yet. Commit to the prediction at the top of this page, run this cell "
            "again, and here it stands, with everything that you predict, answer, change and find "
            f"from now on.{where}"
        )

    def _go_on(self) -> str:
        done = "You have been through everything that there is. What is due for review stays."
        return self.next or done

    def _table(self) -> str:
        rows = []
        for done in self.done:
            *counts, points = _cells(done)
            if lab := done.chapter.lab:
                points = f"{_lab_link(lab)}: {points}"
            cells = "".join(
                f'<td style="text-align: left">{cell}</td>' for cell in (*counts, points)
            )
            link = f'<td style="text-align: left">{_link(done.chapter)}</td>'
            rows.append(f"<tr>{link}{cells}</tr>")
        heads = "".join(
            f'<th style="text-align: left">{head}</th>' for head in ("chapter", *_HEADS)
        )
        return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"

    def _review(self) -> str:
        if self.due:
            return (
                f"<b>{counted(len(self.due), 'question')}</b> that you answered before "
                f"{'is' if len(self.due) == 1 else 'are'} due for review today, below."
            )
        if not self.later:
            return "What you answer in a chapter comes back here after a day, for review."
        day = self.later[0].day
        number = sum(due.day == day for due in self.later)
        return (
            f"Nothing is due for review today. Next: {counted(number, 'question')} on "
            f"{day:%A}, {day.day} {day:%B}."
        )

    def _ipython_display_(self) -> None:
        faces = {"text/html": self.html(), "text/plain": self.text()}
        display(faces, raw=True)  # type: ignore[no-untyped-call]
        if any(done.committed for done in self.done):
            calibration()._ipython_display_()
        if self.review is not None:
            self.review._ipython_display_()


def progress_page(today: datetime.date | None = None) -> ProgressPage:
    """Show how far you are, how well you judge yourself, and what is due for review.

    Parameters
    ----------
    today : datetime.date, optional
        The day; by default the clock's.
    """
    day = today or datetime.datetime.now().astimezone().date()
    return ProgressPage(chapters(), journal(), day, questions_of_chapters)


_HEADS = (
    "predictions", "right", "quiz", "models changed", "settings found", "lab",
)  # fmt: skip


def _cells(done: Done) -> tuple[str, ...]:
    """Return one row: of how many, how many."""
    chapter = done.chapter
    looked = f" + {done.seen} looked up" if done.seen else ""
    return (
        _of(done.committed, len(chapter.predictions)) + looked,
        str(done.right) if done.committed else _NOTHING,
        _of(done.answered, len(chapter.quizzes))
        + (f", {done.right_at_once} right" if done.answered else ""),
        _of(done.changed, len(chapter.models)) + (f", {done.run} run" if done.run else ""),
        _of(done.found, len(chapter.goals)),
        _points(done.points, chapter.lab) if chapter.lab else _NOTHING,
    )


def _of(number: float, total: float) -> str:
    return f"{significant(number)} of {significant(total)}" if total else _NOTHING


def _link(chapter: Chapter) -> str:
    return f'<a href="{chapter.path.name}">{html.escape(_name(chapter))}</a>'


def _lab_link(lab: Lab) -> str:
    return f'<a href="../labs/{lab.path.parent.name}/{lab.path.name}">lab {lab.path.stem[3:5]}</a>'


def _points(points: float, lab: Lab) -> str:
    return f"{significant(points)} of {counted(round(lab.total), 'point')}"


def _name(chapter: Chapter) -> str:
    return f"{chapter.number} {chapter.title}"


def _first(kept: Journal, kind: str) -> dict[str, dict[str, Any]]:
    """Return the first entry about each thing."""
    found: dict[str, dict[str, Any]] = {}
    for entry in kept.of(kind):
        found.setdefault(entry["key"], entry)
    return found
