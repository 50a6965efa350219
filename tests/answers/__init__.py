"""Right and wrong answers to every task, written from its text by somebody who has not seen its
check, and what the checks make of them.

One Markdown file for each lab: a heading for each answer cell, and below it the answers. The first
is right and complete; the others are complete, too, or say as a ``diff`` what to change in the
first::

    ### wrong: per cent
    ### wrong in check_storage: gigabytes

A wrong answer must fail one of its cell's checks, or exactly those that are named; a right one
none. ``python -m tests.answers`` writes ``docs/answers.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.labs import Lab

FOLDER = Path(__file__).parent
_HEADING = re.compile(r"(right|wrong)(?: in ([\w, ]+))?: (.+)")


@dataclass(frozen=True)
class Answer:
    """One answer to one task.

    Attributes
    ----------
    lab, cell : str
        Where it stands.
    right : bool
        Whether it is right.
    name : str
        What is special about it.
    source : str
        The cell.
    loses : frozenset of str
        The checks that it must fail; one of them at least, if none is named.
    """

    lab: str
    cell: str
    right: bool
    name: str
    source: str
    loses: frozenset[str]

    def __str__(self) -> str:
        return f"{self.lab[:5]} {self.cell} {'right' if self.right else 'wrong'}: {self.name}"

    def failed(self, student_id: str = "ada") -> set[str]:
        """The checks of its cell that it fails."""
        lab = lab_named(self.lab)
        checks = lab.checks_of(self.cell)
        return lab.run({self.cell: self.source}, student_id, checks=checks)

    def wrongly(self, failed: set[str]) -> bool:
        """Whether those are not the checks that it should fail."""
        return failed != self.loses if self.right or self.loses else not failed


@lru_cache
def lab_named(name: str) -> Lab:
    """A lab, read once."""
    return Lab(name)


def labs() -> list[str]:
    """Names of the labs that have lists of answers."""
    return sorted(path.stem for path in FOLDER.glob("lab*.md"))


def answers(lab: str) -> list[Answer]:
    """Return the answers to a lab's tasks, in the file's order.

    Raises
    ------
    ValueError
        If a heading is unknown, or what a ``diff`` takes away is not there.
    """
    return list(_read(lab, (FOLDER / f"{lab}.md").read_text(encoding="utf-8")))


def _read(lab: str, text: str) -> Iterator[Answer]:
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        cell, *entries = re.split(r"^### ", section, flags=re.M)
        first = ""
        for entry in entries:
            heading, block = entry.split("\n", 1)
            told = _HEADING.fullmatch(heading)
            fence = re.search(r"^```(python|diff)\n(.*?)^```$", block, flags=re.M | re.S)
            if not told or not fence:
                raise ValueError(f"{lab}, {cell.strip()}: {heading!r} is no answer")
            source = fence[2] if fence[1] == "python" else changed(first, fence[2])
            first = first or source
            loses = frozenset(re.findall(r"\w+", told[2] or ""))
            yield Answer(lab, cell.strip(), told[1] == "right", told[3], source, loses)


def changed(source: str, diff: str) -> str:
    """Return a text with what ``-`` lines show replaced by the ``+`` lines below them.

    Raises
    ------
    ValueError
        If something that is to be replaced is not there.
    """
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", diff, flags=re.M):
        found, instead = ("\n".join(line[1:] for line in part.splitlines()) for part in (old, new))
        if found not in source:
            raise ValueError(f"there is no {found!r} in the first answer")
        source = source.replace(found, instead)
    return source
