"""What to read, to build and to break, collected from the ends of the chapters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import display

from helpers.explore.work import ROOT, cells_of
from helpers.foundations.prose import counted

HEADING = "## Read, build, break"
VERBS = ("Read", "Build", "Break")

_THING = re.compile(rf"^- \*\*({'|'.join(VERBS)})\*\* (.+)$", re.MULTILINE)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Things:
    """What one chapter proposes.

    Attributes
    ----------
    path : Path
        The chapter's notebook.
    title : str
        As the page begins.
    read, build, break_ : str
        In Markdown, with links that work beside the chapter; empty where it proposes nothing.
    """

    path: Path
    title: str
    read: str
    build: str
    break_: str


class Shelf:
    """A table of them; see :func:`read_build_break`."""

    def __init__(self, things: list[Things]) -> None:
        self.things = things

    @property
    def markdown(self) -> str:
        """The table as Markdown."""
        rows = ["| chapter | read | build | break |", "|---|---|---|---|"]
        for one in self.things:
            said = (one.read, one.build, one.break_)
            cells = " | ".join(text.replace("|", "\\|") for text in said)
            rows.append(f"| [{one.title}]({one.path.name}) | {cells} |")
        return "\n".join(rows)

    @property
    def text(self) -> str:
        """The same as plain text, for those who read no tables."""
        count = f"{counted(len(self.things), 'chapter')}, each with something to read, to build "
        lines = [f"{count}and to break."]
        for one in self.things:
            said = zip(VERBS, (one.read, one.build, one.break_), strict=True)
            lines += [f"{one.title}: {verb} {_bare(text)}" for verb, text in said if text]
        return "\n".join(lines)

    def _ipython_display_(self) -> None:
        faces: dict[str, Any] = {"text/markdown": self.markdown, "text/plain": self.text}
        display(faces, raw=True)  # type: ignore[no-untyped-call]


def things_of(path: Path) -> Things | None:
    """Return what a chapter proposes; None if it has no such section."""
    sources = [cell["source"] for cell in cells_of(path) if cell["cell_type"] == "markdown"]
    text = "\n\n".join(sources)
    _, found, section = text.partition(f"{HEADING}\n")
    if not found:
        return None
    said = {verb: _begun(words) for verb, words in _THING.findall(section.partition("\n## ")[0])}
    title = _TITLE.search(text)
    name = title[1] if title else path.stem
    return Things(path, name, *(said.get(verb, "") for verb in VERBS))


def read_build_break(root: Path = ROOT) -> Shelf:
    """Show what to read, to build and to break, chapter by chapter.

    Parameters
    ----------
    root : Path, optional
        The course.
    """
    paths = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return Shelf([one for path in paths if (one := things_of(path)) is not None])


def _begun(words: str) -> str:
    """Begin with a capital, unless with a mark or a formula."""
    return words[0].upper() + words[1:]


def _bare(text: str) -> str:
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
