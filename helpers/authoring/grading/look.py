"""Look at what was handed in, before anything of it is run.

A notebook is read as data: what is damaged, lost, doubled, renamed or somebody else's is found here
and said by name. Whoever cannot be graded gets a reason; nobody's accident reaches another's marks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from helpers.authoring.grading.lab import Lab, name_in, student_ids
from helpers.authoring.grading.roster import Roster, plain_name

#: Bytes of the largest notebook that is read.
LARGEST = 50 << 20
_SKIPPED = {".ipynb_checkpoints", "__MACOSX", ".git", ".venv", "node_modules", "__pycache__"}


class DamagedError(ValueError):
    """A file is no notebook; the message says what is wrong with it."""


@dataclass(frozen=True)
class Cell:
    """One cell of a submission.

    Attributes
    ----------
    kind : str
        ``code``, ``markdown`` or ``raw``.
    source : str
        Its text.
    name : str
        Its ``grade_id``, or nothing.
    key : str
        Its id in the notebook, or nothing.
    outputs : tuple
        As they were handed in.
    """

    kind: str
    source: str
    name: str = ""
    key: str = ""
    outputs: tuple[Any, ...] = ()


@dataclass
class Submission:
    """What one student has handed in, and what was seen in it.

    Attributes
    ----------
    student : str
        Whose: the name of the folder, or the roster's name for it.
    path : Path or None
        The notebook, if one was found.
    reason : str
        Why it is not graded, or nothing.
    notes : list of str
        What was put right without harm to anybody.
    flags : list of str
        What a person should look at.
    cells : list of Cell
        In their order, without copies that were set aside.
    student_id : str
        As written in the notebook.
    handed_in : datetime or None
        When, if anything says so.
    digest : str
        Changes when the notebook does.
    """

    student: str
    path: Path | None = None
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    student_id: str = ""
    handed_in: datetime | None = None
    digest: str = ""


def look(folder: Path, lab: Lab, labs: Mapping[str, set[str]], roster: Roster) -> list[Submission]:
    """Look at a folder that holds a folder for each student.

    Parameters
    ----------
    folder : Path
        Where the submissions are.
    lab : Lab
        The lab they should be of.
    labs : mapping of str to set of str
        Names of the graded cells of every lab, to recognise a notebook by.
    roster : Roster
        Who is who; may be empty.

    Returns
    -------
    list of Submission
        One for each student, sorted by name.

    Raises
    ------
    NotADirectoryError
        If `folder` is none.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    found: dict[str, Submission] = {}
    for place in sorted(folder.iterdir()):
        if place.name.startswith(".") or place.name in _SKIPPED:
            continue
        student = roster.student(place.name) or place.name
        if place.is_symlink() or not place.is_dir():
            if place.suffix == ".ipynb":
                found[place.name] = Submission(
                    place.name, place, reason="it lies in no student's folder; run collect first"
                )
            continue
        # nbgrader's layout has a folder for each lab in the student's.
        own = {path.name for path in place.iterdir() if path.is_dir()} & labs.keys()
        if own and lab.name not in own:
            continue
        one = read(student, place / lab.name if own else place, lab, labs)
        if student in found:
            one = _newer(found[student], one)
        found[student] = one
    submissions = [found[name] for name in sorted(found)]
    _compare_ids(submissions, lab, roster)
    return submissions


def read(student: str, folder: Path, lab: Lab, labs: Mapping[str, set[str]]) -> Submission:
    """Find a student's notebook and look at it."""
    tried = [_try(student, path, folder, lab, labs) for path in _notebooks(folder)]
    if not tried:
        return Submission(student, reason="there is no notebook in the folder")
    # Of a whole repository, the chapters and the other labs are not meant.
    meant = [one for one in tried if one.path is not None and _is_meant(one, lab)]
    tried = meant or tried
    usual = f"{lab.name}.ipynb"

    def rank(one: Submission) -> tuple[Any, ...]:
        path = one.path or folder
        return not one.reason, _time(one), path.name == usual, -len(path.parts), str(path)

    chosen, *others = sorted(tried, key=rank, reverse=True)
    if chosen.path is not None and chosen.path.name != usual and not chosen.reason:
        chosen.notes.append(f"the notebook is called {chosen.path.name}")
    different = [one for one in others if meant and one.digest != chosen.digest]
    if different:
        names = ", ".join(_within(one.path, folder) for one in different)
        chosen.notes.append(
            f"handed in more than once: {_within(chosen.path, folder)} is graded, not {names}"
        )
    return chosen


def _is_meant(one: Submission, lab: Lab) -> bool:
    """Whether a notebook could be the one that should be graded."""
    return (
        one.path is not None
        and (lab.name == one.path.stem or "another lab" not in one.reason)
        and (not one.reason.startswith("it is no lab") or lab.name == one.path.stem)
    )


def _notebooks(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*.ipynb")
        if not _SKIPPED & set(path.relative_to(folder).parts) and not path.name.startswith("._")
    )


def _within(path: Path | None, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path else "?"


def _time(one: Submission) -> float:
    return one.handed_in.timestamp() if one.handed_in else 0.0


def _newer(one: Submission, other: Submission) -> Submission:
    """Of two folders of the same student, the one to grade."""
    first, second = sorted((one, other), key=lambda each: (not each.reason, _time(each)))
    names = [each.path.parent.name if each.path else "an empty folder" for each in (second, first)]
    second.notes.append(f"handed in more than once: {names[0]} is graded, not {names[1]}")
    return second


def _try(
    student: str, path: Path, folder: Path, lab: Lab, labs: Mapping[str, set[str]]
) -> Submission:
    one = Submission(student, path)
    try:
        if path.is_symlink():
            raise DamagedError(f"{path.name} is a link, not a file")
        one.handed_in = handed_in(path, folder)
        data = read_bytes(path)
        one.digest = hashlib.sha256(data).hexdigest()
        cells = cells_of(data, one.notes)
        one.reason = _unlike(cells, lab, labs)
        if not one.reason:
            one.cells = _without_copies(cells, lab, one.notes)
            one.reason = _lost(one.cells, lab, one.notes) or _whose(one)
    except DamagedError as error:
        one.reason = str(error)
    except Exception as error:  # whatever it is, it is this one's alone
        one.reason = f"it cannot be looked at: {error!r}"[:300]
    return one


def read_bytes(path: Path) -> bytes:
    """The contents of a notebook's file.

    Raises
    ------
    DamagedError
        If it is too large or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise DamagedError(f"{path.name} has {size >> 20} MB; {LARGEST >> 20} are allowed")
        return path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read: {error.strerror}") from error


def cells_of(data: bytes, notes: list[str]) -> list[Cell]:
    """Take a notebook apart.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    notes : list of str
        Gets what was put right.

    Raises
    ------
    DamagedError
        If it is no notebook.
    """
    if not data.strip():
        raise DamagedError("the file is empty")
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
            notes.append("the file is in UTF-16")
        else:
            text = data.decode("utf-8-sig")  # with or without a byte order mark
    except UnicodeDecodeError as error:
        raise DamagedError("the file is damaged: it is not text in UTF-8") from error
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        cut = " (it seems to be cut off)" if not text.rstrip().endswith("}") else ""
        raise DamagedError(f"the file is damaged: {what}{where}{cut}") from error
    if isinstance(whole, dict) and "worksheets" in whole:
        raise DamagedError("the notebook is in format 3, which no longer knows graded cells")
    cells = whole.get("cells") if isinstance(whole, dict) else None
    if not isinstance(cells, list) or not cells:
        raise DamagedError("the file is damaged: it has no cells")
    return [_cell(one) for one in cells]


def _cell(told: Any) -> Cell:
    if not isinstance(told, dict):
        raise DamagedError("the file is damaged: a cell is none")
    source = told.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    kind, about, outputs = told.get("cell_type"), told.get("metadata"), told.get("outputs")
    if not isinstance(source, str) or kind not in ("code", "markdown", "raw"):
        raise DamagedError("the file is damaged: a cell has no text")
    return Cell(
        kind=kind,
        source=source.encode("utf-8", "replace").decode(),  # half a character stops no one
        name=name_in(about),
        key=str(told.get("id", "")),
        outputs=tuple(outputs) if isinstance(outputs, list) else (),
    )


def _unlike(cells: list[Cell], lab: Lab, labs: Mapping[str, set[str]]) -> str:
    """Why a notebook is not the lab's, or nothing."""
    names = {cell.name for cell in cells} - {""}
    if not names:
        if any(
            cell.source.strip() == own.source.strip()
            for cell in cells
            for own in lab.cells.values()
            if own.source.strip()
        ):
            return (
                "all its cells have lost the metadata by which they are graded: a tool stripped it,"
                " or they were copied into a new notebook"
            )
        return "it is no lab: none of its cells is a graded one"
    mine = len(names & lab.cells.keys())
    best = max(labs, key=lambda name: (len(names & labs[name]), name == lab.name), default="")
    if best and best != lab.name and len(names & labs[best]) > mine:
        return f"it is another lab: {best}"
    if not mine:
        return "it is no lab: none of its cells is a graded one"
    return ""


def _without_copies(cells: list[Cell], lab: Lab, notes: list[str]) -> list[Cell]:
    """Set aside what is there twice; parts of a split cell stay, in their order."""
    kept: list[Cell] = []
    seen: dict[str, list[str]] = defaultdict(list)
    several = {name for name in lab.answers if sum(cell.name == name for cell in cells) > 1}
    for cell in cells:
        if cell.name not in several:
            if cell.name in lab.checks and cell.name in seen:
                continue  # checks come from the lab in any case
            seen[cell.name].append(cell.source)
            kept.append(cell)
            continue
        blank = cell.source.strip() == lab.cells[cell.name].source.strip()
        others = [one for one in cells if one.name == cell.name and one is not cell]
        if cell.source in seen[cell.name] or (
            blank and any(one.source.strip() != cell.source.strip() for one in others)
        ):
            continue
        again = bool(seen[cell.name])
        seen[cell.name].append(cell.source)
        kept.append(cell)
        if again:
            notes.append(
                f"cell {cell.name} was split or copied: all its parts count, in their order"
            )
    for name in sorted(several):
        if len(seen[name]) == 1:
            notes.append(f"cell {name} was copied: the copy was set aside")
    return kept


def _lost(cells: list[Cell], lab: Lab, notes: list[str]) -> str:
    """Why the lab cannot be graded for lack of cells, or nothing."""
    names = {cell.name for cell in cells}
    lost = [name for name in lab.answers if name not in names]
    if lost:
        return (
            f"it has lost {len(lost)} of {len(lab.answers)} answer cells: {', '.join(lost)};"
            " ask for them in a fresh copy of the lab"
        )
    changed = [
        cell.name
        for cell in cells
        if cell.name in lab.cells and cell.kind != lab.cells[cell.name].cell_type
    ]
    if changed:
        notes.append(f"of another type than in the lab, put right: {', '.join(changed)}")
    return ""


def _whose(one: Submission) -> str:
    """Why nobody's numbers can be looked up, or nothing; remembers the student id."""
    found = [
        value for cell in one.cells if cell.kind == "code" for value in student_ids(cell.source)
    ]
    if not found:
        return "it sets no student_id, so nobody knows which numbers are theirs"
    value = found[0]
    if value is None or not value.strip():
        return "its student_id is no text in quotation marks, or an empty one"
    one.student_id = value
    if any(other != value for other in found):
        one.flags.append(f"sets student_id more than once; {value!r} counts")
    return ""


def _compare_ids(submissions: Iterable[Submission], lab: Lab, roster: Roster) -> None:
    """Flag ids that are the same, still the placeholder, or unlike the folder's name."""
    graded = [one for one in submissions if not one.reason]
    same: dict[str, list[str]] = defaultdict(list)
    for one in graded:
        same[plain_name(one.student_id)].append(one.student)
    untouched = plain_name(lab.placeholder or "")
    alike = [_is_like(one) for one in graded]
    for one, like in zip(graded, alike, strict=True):
        name = plain_name(one.student_id)
        others = [student for student in same[name] if student != one.student]
        if name == untouched and plain_name(one.student) != untouched:
            one.flags.append(f"student_id is still {one.student_id!r}, as the lab is given out")
        elif not like and (any(alike) or one.student in roster.students):
            one.flags.append(f"student_id {one.student_id!r} is not like the folder's name")
        if others and name != untouched:
            one.flags.append(f"has the same student_id as {', '.join(others)}")


def _is_like(one: Submission) -> bool:
    name, whole = plain_name(one.student_id), plain_name(one.student)
    return name == whole or name in re.split(r"[^0-9a-z.@+]+", whole)


def handed_in(path: Path, folder: Path) -> datetime | None:
    """When a notebook below a student's folder was handed in.

    What the file ``timestamp.txt`` beside it says, as nbgrader and ``collect`` write it; in a clone
    the time of the last commit that changed the notebook, if the clone goes back so far; otherwise
    when the file was changed.
    """
    stamp = path.parent / "timestamp.txt"
    if stamp.is_file() and not stamp.is_symlink():
        return time_of(stamp.read_text(encoding="utf-8", errors="replace")[:200])
    for place in path.parents:
        if (place / ".git").is_dir():
            return _committed(path, place)
        if place == folder:
            break
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone()


def _committed(path: Path, clone: Path) -> datetime | None:
    if not _is_plain_clone(clone):
        return None
    command = ["git", "-C", str(clone), "log", "-1", "--no-show-signature", "--format=%H %cI", "--"]
    try:
        done = subprocess.run(
            [*command, path.relative_to(clone).as_posix()],
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    commit, _, when = done.stdout.strip().partition(" ")
    cut = clone / ".git" / "shallow"  # commits behind which a clone was cut off
    if cut.is_file() and commit in cut.read_text(encoding="ascii", errors="replace").split():
        return None
    return time_of(when)


#: What ``git clone`` itself writes into a clone's settings.
_SETTINGS = {
    "core": {
        *("repositoryformatversion", "filemode", "bare", "logallrefupdates", "ignorecase"),
        *("precomposeunicode", "symlinks"),
    },
    "remote": {"url", "fetch"},
    "branch": {"remote", "merge"},
    "user": {"name", "email"},
}


def _is_plain_clone(clone: Path) -> bool:
    """Whether git has only usual settings there; others may start programs, and came with it."""
    try:
        text = (clone / ".git" / "config").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if header := re.fullmatch(r"\[(\w+)(?: \"[^\"]*\")?\]", line):
            section = header[1].lower()
        elif line and line.partition("=")[0].strip().lower() not in _SETTINGS.get(section, ()):
            return False
    return True


def time_of(text: str) -> datetime | None:
    """A time from text such as ``2026-10-01 23:59``; without a zone it is this machine's.

    nbgrader writes the name of a zone behind it. None if it is no time.
    """
    plain, _, zone = text.strip().rpartition(" ")
    for when, where in ((text.strip(), ""), (plain, zone)):
        try:
            found = datetime.fromisoformat(when)
            if where:
                return found.replace(tzinfo=ZoneInfo(where))
        except (ValueError, KeyError, OSError):  # no time, or no zone
            continue
        return found if found.tzinfo else found.astimezone()
    return None
