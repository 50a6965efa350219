"""A deck of cards, dealt one at a time: each is a question, and turned over it is a picture.

Nobody sees the next card, nor what this one does, before a guess or the wish to be shown.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import ipywidgets as widgets

from helpers.explore.predictions import (
    Predict,
    first_guess,
    is_open,
    predict,
    show_answer,
    when_open,
)
from helpers.explore.view import Plot, View, framed, publish_faces
from helpers.foundations.prose import counted
from helpers.foundations.questions import Questions


class Deal:
    """Cards of an experiment; see :func:`deal`.

    Attributes
    ----------
    cards : dict of str to dict
        The setting of each card, by the name of its prediction.
    dealt : int
        Which card lies on the table, from 0.
    """

    def __init__(
        self,
        experiment: ModuleType,
        questions: Questions,
        cards: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.cards = {name: dict(setting) for name, setting in cards.items()}
        self._asked: dict[str, Predict] = {name: predict(questions, name) for name in cards}
        self._simulate = experiment.simulate
        self._view = View(Plot(experiment))
        self._said = widgets.HTML()
        self._question = widgets.VBox()
        self._show = widgets.Button(description="Show me", tooltip="Turn it over without a guess")
        self._next = widgets.Button(description="Next card", button_style="primary")
        self._show.on_click(self._on_show)
        self._next.on_click(self._on_next)
        image, reading, table = self._view.body
        self._table = widgets.Box([self._view.table_button])
        self._face = (image, reading, self._table, table)
        self._root = framed([self._said, self._question, self._show, *self._face, self._next])
        self.dealt = 0
        names = list(self.cards)
        for name in names:
            when_open(self._asked[name].key, self._turn)
        unknown = [i for i, name in enumerate(names) if not is_open(self._asked[name].key)]
        self._deal(unknown[0] if unknown else len(names) - 1)

    @property
    def _current(self) -> Predict:
        return list(self._asked.values())[self.dealt]

    def _deal(self, number: int) -> None:
        """Lay a card on the table, face down unless it has been seen."""
        self.dealt = number
        self._question.children = (self._current.recalled(),)
        for part in (*self._face, self._next):
            part.layout.display = "none"
        self._show.layout.display = ""
        self._say()
        self._turn()

    def _turn(self) -> None:
        """Turn the card over, if that is honest by now."""
        if not is_open(self._current.key):
            return
        setting = list(self.cards.values())[self.dealt]
        self._view.show(self._view.draw([self._simulate(**setting)]))
        for part in self._face[:3]:
            part.layout.display = ""
        self._face[3].layout.display = "" if self._view.table_button.value else "none"
        self._show.layout.display = "none"
        last = self.dealt == len(self.cards) - 1
        self._next.layout.display = "none" if last else ""
        self._say()

    def _say(self) -> None:
        guesses = [first_guess(asked.key) for asked in self._asked.values()]
        made = [guess for guess in guesses if guess is not None]
        right = sum(guess.right for guess in made)
        said = f"<b>Card {self.dealt + 1} of {len(self.cards)}.</b>"
        if made:
            said += f" You called {right} of {counted(len(made), 'card')} so far."
        self._said.value = f"<p>{said}</p>"

    def _on_show(self, _: widgets.Button) -> None:
        try:
            show_answer(self._current.key)
        except OSError as error:  # it cannot be kept, and so the card stays where it is
            self._said.value += f'<p class="sd-error" role="alert">{html.escape(str(error))}</p>'

    def _on_next(self, _: widgets.Button) -> None:
        if self.dealt < len(self.cards) - 1:
            self._deal(self.dealt + 1)

    def text(self) -> str:
        """Return the plain-text face: the first card, face down."""
        first = next(iter(self._asked.values()))
        return f"Card 1 of {len(self.cards)}, face down\n{first.text()}"

    def _ipython_display_(self) -> None:
        publish_faces(self._root, self.text(), owner=self)


def deal(
    experiment: ModuleType, questions: Questions, cards: Mapping[str, Mapping[str, Any]]
) -> Deal:
    """Deal cards one at a time: the learner says what a card will do, and then turns it over.

    Parameters
    ----------
    experiment : module
        With ``simulate`` and ``plot``; a run should take well under a second.
    questions : Questions
        The chapter's questions.
    cards : mapping of str to mapping
        In the order in which they are dealt: the name of a prediction, and the parameters of the
        run that answers it.

    Raises
    ------
    TypeError, ValueError
        If there is no such prediction, or there are no cards.
    """
    if not cards:
        raise ValueError("a deck must hold at least one card")
    return Deal(experiment, questions, cards)
