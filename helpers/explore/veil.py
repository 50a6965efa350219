"""What covers an explorer until a guess has been committed, or the learner asks to be shown."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from helpers.explore.predictions import first_guess, is_open, show_answer, when_open
from helpers.foundations.questions import Prediction as Question
from helpers.foundations.questions import Questions, named


class Veil:
    """Covers widgets until a chapter's question may be answered by looking.

    Parameters
    ----------
    questions : Questions
        The chapter's questions.
    name : str
        Which prediction the covered widgets would give away.
    covered : sequence of ipywidgets.Widget
        Hidden until then.

    Attributes
    ----------
    widget : ipywidgets.Box
        What stands in their place; empty once they are shown.

    Raises
    ------
    ValueError
        If the chapter has no such prediction.
    """

    def __init__(self, questions: Questions, name: str, covered: Sequence[widgets.Widget]) -> None:
        self.question: Question = named(name, questions.PREDICTIONS, "prediction")
        self.key = f"{questions.CHAPTER}-{name}"
        self._covered = [(one, one.layout.display) for one in covered]
        self._then: Callable[[float | str | None], None]
        asked = html.escape(self.question.question)
        said = widgets.HTML(
            "<p>What comes next would give the answer away. Commit to a prediction above and it "
            f"opens here: <i>{asked}</i></p>"
        )
        show = widgets.Button(description="Show me", tooltip="Look without a guess")
        show.on_click(self._show)
        self.widget = widgets.VBox([said, show])
        self.widget.add_class("sd-veil")

    def lift(self, then: Callable[[float | str | None], None]) -> None:
        """Cover the widgets, and lift the veil as soon as that is honest.

        Parameters
        ----------
        then : callable
            Called with the first guess, or None where there is none, once they are shown.
        """
        self._then = then
        if is_open(self.key):
            self._open()
            return
        for one, _ in self._covered:
            one.layout.display = "none"
        if when_open(self.key, self._open):
            self.widget.add_class("sd-tall")

    def _show(self, _: widgets.Button) -> None:
        try:
            show_answer(self.key)
        except OSError:  # it cannot be kept, and must be shown all the same
            self._open()

    def _open(self) -> None:
        for one, display in self._covered:
            one.layout.display = display
        self.widget.layout.display = "none"
        first = first_guess(self.key)
        self._then(None if first is None else first.guess)
