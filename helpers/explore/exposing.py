"""A law of the learner's is tried on a model under suspicion, and the page says what came of it."""

from __future__ import annotations

import html
from types import ModuleType

import ipywidgets as widgets

from helpers.explore.search import Search
from helpers.explore.view import framed, publish_faces
from helpers.foundations.questions import Goals
from helpers.foundations.suspects import Law, Suspect, Verdict, tried


class Exposed:
    """What a law says of a suspect; see :func:`expose`.

    Attributes
    ----------
    verdict : Verdict
        Run by run.
    """

    def __init__(self, suspect: Suspect, law: Law, find: tuple[Goals, str]) -> None:
        self.verdict: Verdict = tried(suspect, law)
        self._search = Search(*find, told="The fault")
        self._search.open(self.verdict)
        self._search.look(self.verdict)
        reading = widgets.HTML(f"<p>{html.escape(self.verdict.reading)}</p>")
        reading.add_class("sd-reading")
        self._root = framed([reading, self._search.widget])

    def text(self) -> str:
        """Return the plain-text face."""
        return self.verdict.reading

    def _ipython_display_(self) -> None:
        publish_faces(self._root, self.text(), owner=self)


def expose(experiment: ModuleType, law: Law, *, find: tuple[Goals, str]) -> Exposed:
    """Try a law on an experiment's suspect, and on an honest model at the same settings.

    Parameters
    ----------
    experiment : module
        With a ``SUSPECT``, a :class:`~helpers.foundations.suspects.Suspect`.
    law : callable
        ``law(run)`` says whether a run obeys it.
    find : (Goals, str)
        A chapter's questions and the name of what is to be exposed. It is noticed when a law does,
        kept, and the fault told then.

    Raises
    ------
    TypeError
        If the experiment has no suspect, or the law is no function.
    """
    suspect = getattr(experiment, "SUSPECT", None)
    if not isinstance(suspect, Suspect):
        raise TypeError(f"{getattr(experiment, '__name__', experiment)} has no SUSPECT")
    if not callable(law):
        raise TypeError(f"a law must be a function of a run, got {law!r}")
    return Exposed(suspect, law, find)
