"""How long a chapter or a lab takes: what its page says, and what is reckoned from its cells.

Nobody's pace is known, so a page's word is held against plain rates of work: a test fails where the
two are further apart than rates like these can be wrong.
"""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode

from helpers.authoring.check import calls_in, read
from helpers.authoring.course import CHAPTERS, ROOT

#: Words that are read in a minute.
WORDS = 200
#: Minutes for each thing that a cell's call asks to be done: moved, watched, thought about.
CALLS = {"explore": 2, "replay": 2, "predict": 1, "quiz": 1, "expose": 5, "deal": 2}
#: Minutes to read a model that is open, and to try what the page proposes to change in it.
MODEL = 4
#: Minutes for each point of a lab: by checks, and for the memo.
CHECKED, WRITTEN = 4, 5

_NOT_READ = re.compile(r"\]\([^)\n]*\)|<[^>]*>")
_WORD = re.compile(r"\w[\w'’.,-]*")
_NUMBERS = {"an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_PARTS = {" and a quarter": 15, " and a half": 30, " and three quarters": 45, "": 0}
_ANY = "|".join(_NUMBERS)
_PART = "|".join(_PARTS)
_STATED = re.compile(
    rf"\*\*Time:\*\* (?:(\d+) minutes|(?:({_ANY}) to )?({_ANY})({_PART}) hours?({_PART}))\b"
)


def stated(path: Path) -> float:
    """Return the minutes that a notebook says it takes; of "two to three hours" the middle.

    Raises
    ------
    ValueError
        If it does not say, or not in the words that all of them use.
    """
    text = read(path).cells[0].source
    said = _STATED.search(text)
    if said is None:
        raise ValueError(f"{path.name}: its first cell says no **Time:** that could be read")
    minutes, least, most, part, rest = said.groups()
    if minutes:
        return float(minutes)
    ends = [_NUMBERS[one] for one in (least or most, most)]
    return 60 * sum(ends) / 2 + _PARTS[part] + _PARTS[rest]


def reckoned(path: Path) -> float:
    """Return the minutes that reading and doing all of a notebook takes, at the rates above."""
    return sum(map(takes, read(path).cells))


def takes(cell: NotebookNode) -> float:
    """Return the minutes of one cell."""
    about = cell.metadata.get("nbgrader", {})
    minutes = 0.0
    if about.get("grade"):
        minutes += about["points"] * (WRITTEN if about.get("solution") else CHECKED)
    if cell.cell_type == "markdown":
        return minutes + len(_WORD.findall(_NOT_READ.sub(" ", cell.source))) / WORDS
    minutes += sum(CALLS.get(name, 0) for name in calls_in(cell.source))
    return minutes + MODEL * ("model" in cell.metadata)


def half_way(path: Path) -> float | None:
    """Return where the page says that one can stop, as a share of its minutes; None if it does not.

    Raises
    ------
    ValueError
        If there is no such section.
    """
    cells = read(path).cells
    said = re.search(r"a good place to stop half-way is the end of Section (\d+)", cells[0].source)
    if said is None:
        return None
    following = f"## {int(said[1]) + 1}. "
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown" and cell.source.startswith(following):
            return sum(map(takes, cells[:number])) / reckoned(path)
    raise ValueError(f"{path.name}: no section begins after the end of Section {said[1]}")


def notebooks() -> list[Path]:
    """Return every chapter and every lab, as students get them."""
    labs = [ROOT / "labs" / one.lab / f"{one.lab}.ipynb" for one in CHAPTERS if one.lab]
    return [*(one.notebook for one in CHAPTERS if one.written), *labs]


def in_all() -> tuple[int, int]:
    """Return the whole hours that all chapters, and all labs, say they take."""
    chapters = [path for path in notebooks() if path.parent == ROOT / "notebooks"]
    labs = [path for path in notebooks() if path not in chapters]
    return round(sum(map(stated, chapters)) / 60), round(sum(map(stated, labs)) / 60)
