"""Questions with an answer and, for every option, the reason why."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from helpers.explore.journal import record
from helpers.explore.view import framed, publish_faces
from helpers.foundations.questions import Questions, named


class Quiz:
    """One question with options; see :func:`quiz`."""

    def __init__(
        self, question: str, options: Mapping[str, str], answer: str, key: str = ""
    ) -> None:
        self.question, self.options, self.answer = question, dict(options), answer
        self.key = key
        self._choice = widgets.RadioButtons(
            options=list(options),
            value=None,
            layout={"width": "auto"},
            # A radio group needs a name of its own; the question above is drawn larger.
            description="",
        )
        self._feedback = widgets.HTML()
        self._feedback.add_class("sd-reading")
        self._choice.observe(self._respond, "value")
        self._root = framed(
            [widgets.HTML(f"<b>{html.escape(question)}</b>"), self._choice, self._feedback]
        )

    @property
    def widget(self) -> widgets.Widget:
        """What asks it, with nothing of earlier answers."""
        return self._root

    def _respond(self, change: dict[str, Any]) -> None:
        chosen = change["new"]
        if chosen is None:
            return
        verdict = "✓ Right." if chosen == self.answer else "✗ Not quite."
        self._feedback.value = f"<p><b>{verdict}</b> {html.escape(self.options[chosen])}</p>"
        if self.key:
            try:
                record("quiz", self.key, chosen=chosen, right=chosen == self.answer)
            except OSError as error:
                self._feedback.value += f"<p>This could not be kept: {html.escape(str(error))}</p>"

    def _ipython_display_(self) -> None:
        options = "\n".join(f"  ( ) {option}" for option in self.options)
        publish_faces(self._root, f"{self.question}\n{options}", owner=self)


def quiz(question: str | Questions, options: Mapping[str, str] | str, *, answer: str = "") -> Quiz:
    """Ask a question; picking an option tells at once whether it is right, and why.

    ``quiz(questions, "falling")`` asks a chapter's question; a page of your own says everything
    here.

    Parameters
    ----------
    question : str or Questions
        What is asked, or a chapter's questions.
    options : mapping of str to str, or str
        From each option to the explanation shown when it is picked; or which of the chapter's
        questions.
    answer : str
        The right option.

    Raises
    ------
    ValueError
        If there is no such question, fewer than two options, or `answer` is not one of them.
    """
    if not isinstance(question, str):
        asked = named(str(options), question.QUIZZES, "quiz")
        key = f"{question.CHAPTER}-{options}"
        return Quiz(asked.question, asked.options, asked.answer, key)
    if isinstance(options, str) or len(options) < 2:
        raise ValueError(f"a quiz needs at least two options, got {list(options)}")
    if answer not in options:
        raise ValueError(f"answer must be one of {list(options)}, got {answer!r}")
    return Quiz(question, options, answer)
