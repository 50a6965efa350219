"""Commit to a number before you see it, and keep what you committed to.

Predictions are kept in one readable JSON file, ``progress/predictions.json`` at the top of the
course (or in the folder that ``SYSTEM_DESIGN_PROGRESS`` names). Nothing leaves your machine.
"""

from __future__ import annotations

import datetime
import html
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from helpers.explore.view import framed, publish_faces
from helpers.foundations.prose import significant
from helpers.foundations.questions import Questions, named

if TYPE_CHECKING:
    import pandas as pd

_FOLDER_VARIABLE = "SYSTEM_DESIGN_PROGRESS"
_CONFIDENCE = {"a guess (50 %)": 0.5, "70 %": 0.7, "80 %": 0.8, "90 %": 0.9, "sure (99 %)": 0.99}


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
    committed_at: str


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
        self._guess: widgets.ValueWidget
        if options:
            self._guess = widgets.RadioButtons(
                options=list(options), value=None, layout={"width": "auto"}
            )
        else:
            self._guess = widgets.Text(
                placeholder="a number",
                description=f"Your prediction ({unit})" if unit else "Your prediction",
                style={"description_width": "auto"},
                layout={"width": "280px"},
                continuous_update=False,
            )
        self._confidence = widgets.Dropdown(
            options=list(_CONFIDENCE.items()),
            value=0.7,
            description="How sure?",
            style={"description_width": "auto"},
            layout={"width": "220px"},
        )
        self._commit = widgets.Button(description="Commit", button_style="primary")
        self._forget = widgets.Button(description="Try again", layout={"display": "none"})
        self._feedback = widgets.HTML()
        self._feedback.add_class("sd-reading")
        self._commit.on_click(self._on_commit)
        self._forget.on_click(self._on_forget)
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self._root = framed(
            [
                widgets.HTML(f"<b>Predict.</b> {html.escape(question)}"),
                self._guess,
                widgets.Box([self._confidence, self._commit, self._forget], layout=wrap),
                self._feedback,
            ]
        )

    def commit(self, guess: float | str, confidence: float = 0.7) -> Prediction:
        """Store a guess and return it with the answer.

        Raises
        ------
        ValueError
            If `guess` is not a number, or not one of the options.
        """
        if self.options and guess not in self.options:
            raise ValueError(f"the prediction must be one of {list(self.options)}, got {guess!r}")
        if not self.options:
            guess = _to_number(guess)
        answer = self._answer() if callable(self._answer) else self._answer
        prediction = Prediction(
            key=self.key,
            question=self.question,
            guess=guess,
            answer=answer,
            unit=self.unit,
            confidence=confidence,
            right=self._is_right(guess, answer),
            committed_at=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        )
        _store({**_load(), self.key: prediction})
        return prediction

    def _is_right(self, guess: float | str, answer: float | str) -> bool:
        if isinstance(guess, str) or isinstance(answer, str):
            return guess == answer
        return bool(abs(guess - answer) <= self.tolerance * abs(answer))

    def _on_commit(self, _: Any) -> None:
        try:
            if self._guess.value in (None, ""):
                raise ValueError("Choose or type a prediction first; a guess is fine.")
            self._reveal(self.commit(self._guess.value, self._confidence.value))
        except (ValueError, OSError) as error:
            message = html.escape(str(error))
            self._feedback.value = f'<p class="sd-error" role="alert">{message}</p>'

    def _on_forget(self, _: Any) -> None:
        forget_predictions(self.key)
        for control in (self._guess, self._confidence, self._commit):
            control.disabled = False
        self._forget.layout.display = "none"
        self._feedback.value = ""

    def _reveal(self, prediction: Prediction) -> None:
        for control in (self._guess, self._confidence, self._commit):
            control.disabled = True
        self._forget.layout.display = ""
        guess, answer = (_with_unit(v, self.unit) for v in (prediction.guess, prediction.answer))
        verdict = "✓ Right" if prediction.right else "✗ Not this time"
        within = ""
        if prediction.right and not self.options:
            within = f" (within {self.tolerance:.0%})"
        self._feedback.value = (
            f"<p><b>{verdict}{within}.</b> You said {html.escape(guess)}, "
            f"{prediction.confidence:.0%} sure. The answer: <b>{html.escape(answer)}</b>. "
            f"{html.escape(self.why)}</p>"
        )

    def _ipython_display_(self) -> None:
        try:
            earlier = _load().get(self.key)
            if earlier is not None:
                self._reveal(earlier)
        except ValueError as error:
            self._feedback.value = f'<p class="sd-error" role="alert">{html.escape(str(error))}</p>'
        kind = "\n".join(f"  ( ) {option}" for option in self.options)
        kind = kind or f"  [ a number{f' of {self.unit}' if self.unit else ''} ]"
        publish_faces(self._root, f"Predict. {self.question}\n{kind}")


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
        return predict(key=f"{question.CHAPTER}-{name}", **vars(asked))
    if not key or answer is None:
        raise TypeError("a prediction needs a key and an answer")
    if options and len(options) < 2:
        raise ValueError(f"a choice needs at least two options, got {list(options)}")
    if options and not callable(answer) and answer not in options:
        raise ValueError(f"answer must be one of {list(options)}, got {answer!r}")
    return Predict(question, key, answer, options, unit, tolerance, why)


def predictions() -> pd.DataFrame:
    """Return every prediction made so far, one row each, oldest first."""
    import pandas as pd  # imported here because most sessions never ask

    rows = sorted((asdict(p) for p in _load().values()), key=lambda row: row["committed_at"])
    return pd.DataFrame(rows, columns=list(Prediction.__dataclass_fields__))


def forget_predictions(key: str | None = None) -> None:
    """Forget one prediction, or all of them (the old file is kept with the ending ``.old``).

    Parameters
    ----------
    key : str, optional
        Which prediction to forget; all of them when left out.
    """
    path = predictions_path()
    if key is None:
        if path.exists():
            path.replace(path.with_suffix(".json.old"))
        return
    _store({name: p for name, p in _load().items() if name != key})


def predictions_path() -> Path:
    """Return the file in which predictions are kept; it may not exist yet."""
    named = os.environ.get(_FOLDER_VARIABLE)
    if named:
        return Path(named) / "predictions.json"
    root = Path(__file__).resolve().parents[2]
    if (root / "notebooks").is_dir():
        return root / "progress" / "predictions.json"
    return Path.home() / ".system-design-course" / "predictions.json"


def _load() -> dict[str, Prediction]:
    path = predictions_path()
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["key"]: Prediction(**entry) for entry in entries}
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is not a predictions file ({error}). "
            "Mend it, or move it away to start afresh; it has been left as it is."
        ) from error


def _store(kept: Mapping[str, Prediction]) -> None:
    path = predictions_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(p) for p in kept.values()], indent=2, ensure_ascii=False)
    # Written beside and moved into place: a crash never leaves half a file.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False
    ) as file:
        file.write(text + "\n")
    os.replace(file.name, path)


def _to_number(raw: float | str) -> float:
    text = str(raw).replace(",", "").replace("_", "").replace(" ", "").strip()
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"A prediction must be a number, such as 12.5; got {raw!r}.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(f"A prediction must be a finite number; got {raw!r}.")
    return number


def _with_unit(value: float | str, unit: str) -> str:
    shown = value if isinstance(value, str) else significant(value)
    return f"{shown} {unit}".rstrip()
