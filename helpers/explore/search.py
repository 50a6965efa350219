"""A setting to be found: noticed when it is, and told then where the true boundary lies."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets

from helpers.explore.journal import Journal, journal, record
from helpers.explore.predictions import is_open, when_open
from helpers.foundations.prose import listed
from helpers.foundations.questions import Goal, Goals, named


class Search:
    """What stands below the sentence of an explorer in which something is to be found.

    Parameters
    ----------
    questions : Goals
        The chapter's questions.
    name : str
        Which of its goals.
    told : str
        What is told when it has been found.

    Attributes
    ----------
    widget : ipywidgets.HTML
        What is asked, and what of it has been found.

    Raises
    ------
    ValueError
        If the chapter has no such goal.
    """

    def __init__(self, questions: Goals, name: str, told: str = "The boundary") -> None:
        self._told = told
        self.goal: Goal = named(name, questions.GOALS, "goal")
        self.key = f"{questions.CHAPTER}-{name}"
        self.widget = widgets.HTML(layout={"margin": "0"})
        self.widget.add_class("sd-reading")
        self.widget.add_class("sd-goal")
        self._last: Any = None
        kept = journal()
        self._found = set(self.goal.parts) if kept.of("found", self.key) else _parts(kept, self.key)
        self._first = ""
        if self.goal.before:
            self._first = f"{questions.CHAPTER}-{self.goal.before}"
            when_open(self._first, self._say)

    @property
    def is_found(self) -> bool:
        """Whether everything has been found."""
        return set(self.goal.parts) <= self._found

    def open(self, result: Any) -> None:
        """Say what is asked, beside the result that the explorer opens with."""
        self._last = result
        self._say()

    def look(self, result: Any) -> None:
        """Notice whether a setting to which a learner moved is one that was asked for."""
        self._last = result
        for part, reached in self.goal.parts.items():
            if part not in self._found and reached(result):
                self._found.add(part)
                self._keep(part)
        self._say()

    def _keep(self, part: str) -> None:
        try:
            if part:
                record("found part", self.key, part=part)
            if self.is_found:
                record("found", self.key)
        except OSError:  # it cannot be kept, and was found all the same
            pass

    def _say(self) -> None:
        asked = html.escape(self.goal.asked)
        if not self.is_found:
            some = [part for part in self.goal.parts if part in self._found]
            so_far = f" <i>Found so far: {html.escape(listed(some))}.</i>" if some else ""
            said = f"<b>To find:</b> {asked}{so_far}"
        elif self._first and not is_open(self._first):
            said = f"<b>✓ Found:</b> {asked} Where exactly the boundary is stands here as soon as "
            said += "you have committed to the prediction about it."
        else:
            boundary = html.escape(self.goal.boundary(self._last))
            said = f"<b>✓ Found:</b> {asked} <b>{self._told}:</b> {boundary}"
        if f"<p>{said}</p>" != self.widget.value:
            self.widget.value = f"<p>{said}</p>"


def _parts(kept: Journal, key: str) -> set[str]:
    return {str(entry.get("part")) for entry in kept.of("found part", key)}
