"""Lines and tables that wait for a guess, as pictures do."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as widgets

from helpers.explore.veil import Veil
from helpers.explore.view import framed, publish_faces
from helpers.foundations.prose import significant
from helpers.foundations.questions import Questions

if TYPE_CHECKING:
    import pandas as pd


class Shown:
    """Lines, or a table, covered until a question may be answered; see :func:`shown`."""

    def __init__(
        self, said: tuple[str, ...] | pd.DataFrame, after: tuple[Questions, str] | None
    ) -> None:
        self._faces: dict[str, str] = {}
        if isinstance(said, tuple):
            self._text = "\n".join(said)
            body = widgets.HTML(f"<pre>{html.escape(self._text)}</pre>")
        else:
            self._text = said.to_string(float_format=significant, na_rep="")
            self._faces["text/html"] = said.to_html(float_format=significant, border=0, na_rep="")
            body = widgets.HTML(self._faces["text/html"], tabbable=True)
            body.add_class("sd-table")
        self._veil = None if after is None else Veil(*after, covered=[body])
        self._root = framed([body] if self._veil is None else [self._veil.widget, body])
        if self._veil is not None:
            self._veil.lift(lambda _: None)

    def text(self) -> str:
        """Return the plain-text face, which is what was said."""
        return self._text

    def _ipython_display_(self) -> None:
        publish_faces(self._root, self._text, self._faces, owner=self)


def shown(*said: str | pd.DataFrame, after: tuple[Questions, str] | None = None) -> Shown:
    """Show lines, or one table, as the last thing in a cell.

    Parameters
    ----------
    *said : str, or one DataFrame
        What to show, a line each.
    after : (Questions, str), optional
        A chapter's questions and the name of the prediction that this would give away: it stays
        covered until the learner has committed to a guess, or asks to be shown.

    Raises
    ------
    TypeError
        If there is nothing to show, or something that is neither lines nor one table.
    """
    lines = tuple(one for one in said if isinstance(one, str))
    if said and len(lines) == len(said):
        return Shown(lines, after)
    if len(said) == 1 and not isinstance(said[0], str) and hasattr(said[0], "to_html"):
        return Shown(said[0], after)
    raise TypeError("shown takes lines of text, or one table")
