"""Commit to a number before you see it, and keep what you committed to.

The first guess is kept for ever; later tries are kept apart and change nothing. What was looked at
before it was predicted counts for nothing either. :mod:`helpers.explore.journal` says where.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import ipywidgets as widgets

from helpers.explore.entry import Entry
from helpers.explore.journal import forget_everything, journal, record
from helpers.explore.reading_numbers import read_number
from helpers.explore.view import framed, publish_faces
from helpers.foundations.prose import percent, significant
from helpers.foundations.questions import Questions, named

if TYPE_CHECKING:
    import pandas as pd

_CONFIDENCE = {"a guess (50 %)": 0.5, "70 %": 0.7, "80 %": 0.8, "90 %": 0.9, "sure (99 %)": 0.99}

_COLUMNS = (
    "key",
    "question",
    "guess",
    "answer",
    "unit",
    "confidence",
    "right",
    "committed_at",
    "later_tries",
)


@dataclass(frozen=True)
class Prediction:
    """What was committed, and what turned out to be the case.

    Attributes
    ----------
    confidence : float
        The probability, 0.5 to 0.99, that the learner gave to being right.
    right : bool
        Whether the guess was the chosen option, or within the tolerance of the number.
    """

    key: str
    question: str
    guess: float | str
    answer: float | str
    unit: str
    confidence: float
    right: bool


def first_guess(key: str) -> Prediction | None:
    """Return what was committed first, if anything was."""
    made = journal().of("prediction", key)
    if not made:
        return None
    return Prediction(**{name: made[0][name] for name in Prediction.__dataclass_fields__})


def is_open(key: str) -> bool:
    """Whether the answer may be seen: a guess was committed, or the learner asked to be shown."""
    kept = journal()
    return bool(kept.of("prediction", key) or kept.of("shown", key))


def show_answer(key: str) -> None:
    """Keep in mind that the learner asked to be shown before guessing."""
    try:
        record("shown", key)
    finally:
        _tell(key)


class _Waiting:
    """Who waits for a guess: methods, by key of the question, for as long as they live.

    An object, because grading takes a module's tables that have changed for tampering.
    """

    def __init__(self) -> None:
        self.calls: dict[str, list[WeakMethod[Callable[[], None]]]] = {}


_waiting = _Waiting()


def when_open(key: str, call: Callable[[], None]) -> bool:
    """Have a method called as soon as the answer may be seen; say whether it waits as the first."""
    alive = [one for one in _waiting.calls.get(key, ()) if one() is not None]
    _waiting.calls[key] = [*alive, WeakMethod(call)]
    return not alive


def _tell(key: str) -> None:
    for reference in _waiting.calls.get(key, ()):
        if (call := reference()) is not None:
            call()


class Predict:
    """A question to commit to; see :func:`predict`."""

    def __init__(
        self,
        question: str,
        key: str,
        answer: float | str | Callable[[], float | str],
        options: Sequence[str],
        unit: str,
        tolerance: float,
        why: str,
    ) -> None:
        self.question, self.key, self.unit, self.why = question, key, unit, why
        self.options, self.tolerance = tuple(options), tolerance
        self._answer = answer
        self._guess: widgets.RadioButtons | Entry
        if options:
            self._guess = widgets.RadioButtons(
                options=list(options), value=None, layout={"width": "auto"}
            )
        else:
            label = f"Your prediction ({unit})" if unit else "Your prediction"
            self._guess = Entry(label, "a number, then Enter", self._on_commit)
            self._guess.observe(self._on_typing, "value")
        self._confidence = widgets.Dropdown(
            options=list(_CONFIDENCE.items()),
            value=0.7,
            description="How sure?",
            style={"description_width": "auto"},
            layout={"width": "220px"},
        )
        self._commit = widgets.Button(description="Commit", button_style="primary")
        self._again = widgets.Button(description="Try again", layout={"display": "none"})
        self._feedback = widgets.HTML()
        self._feedback.add_class("sd-reading")
        self._commit.on_click(self._on_commit)
        self._again.on_click(self._on_again)
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self._root = framed(
            [
                widgets.HTML(f"<b>Predict.</b> {html.escape(question)} <i>{self._margin}</i>"),
                self._guess,
                widgets.Box([self._confidence, self._commit, self._again], layout=wrap),
                self._feedback,
            ]
        )

    @property
    def widget(self) -> widgets.Widget:
        """What asks it, with nothing of earlier answers."""
        return self._root

    @property
    def _margin(self) -> str:
        """What counts as right, said before."""
        if self.options:
            return ""
        return f"(Within {significant(100 * self.tolerance)} % counts as right.)"

    def commit(self, guess: float | str, confidence: float = 0.7) -> Prediction:
        """Keep a guess, the first one or a later try, and return it with the answer.

        Raises
        ------
        ValueError
            If `guess` is not a number, or not one of the options.
        OSError
            If it cannot be kept.
        """
        prediction = self._judge(guess, confidence)
        self._keep(prediction)
        return prediction

    def _judge(self, guess: float | str, confidence: float) -> Prediction:
        if self.options and guess not in self.options:
            raise ValueError(f"the prediction must be one of {list(self.options)}, got {guess!r}")
        if not self.options:
            guess = read_number(guess, self.unit)
        answer = self._answer() if callable(self._answer) else self._answer
        right = self._is_right(guess, answer)
        return Prediction(self.key, self.question, guess, answer, self.unit, confidence, right)

    def _keep(self, prediction: Prediction) -> None:
        kept = journal()
        seen = bool(kept.of("shown", self.key)) and not kept.of("prediction", self.key)
        record("prediction", **vars(prediction), seen_before=seen)

    def _is_right(self, guess: float | str, answer: float | str) -> bool:
        if isinstance(guess, str) or isinstance(answer, str):
            return guess == answer
        return bool(abs(guess - answer) <= self.tolerance * abs(answer))

    def _on_commit(self, _: Any) -> None:
        try:
            if self._guess.value in (None, ""):
                raise ValueError("Choose or type a prediction first; a guess is fine.")
            prediction = self._judge(self._guess.value, self._confidence.value)
        except ValueError as error:
            self._complain(error)
            return
        first = first_guess(self.key)
        try:
            self._keep(prediction)
            note = ""
        except OSError as error:
            note = f"This could not be kept: {error}."
        self._reveal(prediction, first, note)
        _tell(self.key)

    def _on_typing(self, _: Any) -> None:
        self._feedback.value = ""  # what was refused is being mended

    def _on_again(self, _: Any) -> None:
        for control in (self._guess, self._confidence, self._commit):
            control.disabled = False
        self._again.layout.display = "none"
        self._feedback.value = ""

    def _complain(self, error: Exception) -> None:
        self._feedback.value = f'<p class="sd-error" role="alert">{html.escape(str(error))}</p>'

    def _reveal(self, prediction: Prediction, first: Prediction | None, note: str = "") -> None:
        for control in (self._guess, self._confidence, self._commit):
            control.disabled = True
        self._again.layout.display = ""
        guess, answer = (_with_unit(v, self.unit) for v in (prediction.guess, prediction.answer))
        verdict = "✓ Right" if prediction.right else "✗ Not this time"
        if first is not None and first != prediction:
            note = f"Your first guess, {_with_unit(first.guess, self.unit)}, stays. {note}"
        self._feedback.value = (
            f"<p><b>{verdict}.</b> You said {html.escape(guess)}, "
            f"{percent(prediction.confidence)} sure. The answer: <b>{html.escape(answer)}</b>. "
            f"{html.escape(self.why)} {html.escape(note)}</p>"
        )

    def recalled(self) -> widgets.Widget:
        """Return what asks it, with the first guess and the answer if there is one."""
        first = first_guess(self.key)
        if first is not None:
            self._reveal(first, first)
        if warning := journal().warning:
            self._feedback.value += f'<p class="sd-error" role="alert">{html.escape(warning)}</p>'
        return self._root

    def text(self) -> str:
        """Return the plain-text face."""
        kind = "\n".join(f"  ( ) {option}" for option in self.options)
        kind = kind or f"  [ a number{f' of {self.unit}' if self.unit else ''} ]"
        return f"Predict. {self.question}\n{kind}"

    def _ipython_display_(self) -> None:
        publish_faces(self.recalled(), self.text(), owner=self)


def predict(
    question: str | Questions,
    name: str = "",
    *,
    key: str = "",
    answer: float | str | Callable[[], float | str] | None = None,
    options: Sequence[str] = (),
    unit: str = "",
    tolerance: float = 0.2,
    why: str = "",
) -> Predict:
    """Ask the learner to commit to an answer before seeing it.

    The cell never waits: whoever is in a hurry runs on. A prediction made earlier is shown again.
    ``predict(questions, "knee")`` asks a chapter's question; a page of your own says everything
    here.

    Parameters
    ----------
    question : str or Questions
        What to predict, or a chapter's questions.
    name : str
        Which of the chapter's questions.
    key : str
        Name under which the prediction is stored, for instance ``"02-knee"``.
    answer : float, str or callable
        The answer, or a function that works it out when the learner commits.
    options : sequence of str
        The choices; without them a number is asked for.
    unit : str
        Unit of the number.
    tolerance : float
        A number counts as right within this fraction of the answer.
    why : str
        One or two sentences shown with the answer.

    Raises
    ------
    TypeError
        If a question of one's own has no `key` or no `answer`.
    ValueError
        If there is no such question, one option only, or the answer is not among the options.
    """
    if not isinstance(question, str):
        asked = named(name, question.PREDICTIONS, "prediction")
        return Predict(
            asked.question,
            f"{question.CHAPTER}-{name}",
            asked.answer,
            asked.options,
            asked.unit,
            asked.tolerance,
            asked.why,
        )
    if not key or answer is None:
        raise TypeError("a prediction needs a key and an answer")
    if options and len(options) < 2:
        raise ValueError(f"a choice needs at least two options, got {list(options)}")
    if options and not callable(answer) and answer not in options:
        raise ValueError(f"answer must be one of {list(options)}, got {answer!r}")
    return Predict(question, key, answer, options, unit, tolerance, why)


def predictions() -> pd.DataFrame:
    """Return every first guess made so far, one row each, oldest first.

    What was predicted after the answer had been shown is left out.
    """
    import pandas as pd  # imported here because most sessions never ask

    kept = journal()
    rows: dict[str, dict[str, Any]] = {}
    for entry in kept.of("prediction"):
        key = entry["key"]
        if key in rows:
            rows[key]["later_tries"] += 1
        else:
            rows[key] = {**entry, "committed_at": entry["at"], "later_tries": 0}
    honest = [row for row in rows.values() if not row.get("seen_before")]
    return pd.DataFrame(honest, columns=list(_COLUMNS))


def forget_predictions() -> None:
    """Forget everything; the files stay, with the ending ``.old``."""
    forget_everything()


def _with_unit(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        shown = value
    else:  # a whole number is one that the page says in full: 1,046 servers
        shown = f"{value:,.0f}" if float(value).is_integer() else significant(value)
    return f"{shown} {unit}".rstrip()
