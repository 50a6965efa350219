"""Who is who: a table of students, and by what names others call them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Student:
    """One line of the roster.

    Attributes
    ----------
    student : str
        The id that they write into the lab; also the name of their folder.
    name : str
        As a person reads it.
    email : str
        Where to reach them.
    also : tuple of str
        What else they are called: on GitHub, or in a learning management system.
    """

    student: str
    name: str = ""
    email: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roster:
    """All students of a course, by their ids; empty if there is no roster."""

    students: dict[str, Student] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Roster:
        """Read a table with the columns ``student``, ``name``, ``email`` and ``also``.

        Only the first is needed. Several names in ``also`` are parted by semicolons.

        Raises
        ------
        ValueError
            If there is no column ``student``, or an id stands in it twice.
        """
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if "student" not in (table.fieldnames or ()):
                raise ValueError(f"{path} has no column student, only {table.fieldnames}")
            found: dict[str, Student] = {}
            for row in table:
                one = Student(
                    student=(row["student"] or "").strip(),
                    name=(row.get("name") or "").strip(),
                    email=(row.get("email") or "").strip(),
                    also=tuple(
                        name.strip() for name in (row.get("also") or "").split(";") if name.strip()
                    ),
                )
                if not one.student:
                    continue
                if one.student in found:
                    raise ValueError(f"{path}: {one.student} is there twice")
                if not is_safe(one.student):
                    raise ValueError(f"{path}: {one.student!r} cannot be the name of a folder")
                found[one.student] = one
        return cls(found)

    def student(self, called: str) -> str:
        """The id of who is called so, or nothing.

        A folder's name may hold more than the person's: ``lab02-ada``, or
        ``Ada Lovelace_1234_assignsubmission_file_``.
        """
        names = self._names()
        whole = plain_name(called)
        if whole in names:
            return names[whole]
        found = {names[part] for part in _parts(whole) if part in names}
        return found.pop() if len(found) == 1 else ""

    def _names(self) -> dict[str, str]:
        """Ids by every name that belongs to one person only."""
        owners: dict[str, set[str]] = {}
        for one in self.students.values():
            first, _, last = one.name.rpartition(" ")
            for name in (
                one.student,
                one.name,
                one.email,
                one.email.partition("@")[0],
                f"{last}, {first}" if first else "",
                f"{last}{first}".replace(" ", ""),
                *one.also,
            ):
                if name:
                    owners.setdefault(plain_name(name), set()).add(one.student)
        return {name: next(iter(ids)) for name, ids in owners.items() if len(ids) == 1}


def _parts(name: str) -> Iterable[str]:
    """A name's parts between underscores, and its endings and beginnings between hyphens."""
    yield from name.split("_")
    pieces = name.split("-")
    for cut in range(1, len(pieces)):
        yield "-".join(pieces[cut:])
        yield "-".join(pieces[:cut])


def plain_name(name: str) -> str:
    """A name as it is compared: spaces around it and upper case make no difference."""
    return re.sub(r"\s+", " ", name.strip()).casefold()


def is_safe(name: str) -> bool:
    """Whether a name can be a folder's on every system, and no other folder than its own."""
    return bool(name) and not re.search(r'[\\/:*?"<>|\x00-\x1f]|^\.|[. ]$', name)
