"""Bring what students handed in into the folders that grading reads.

Learning management systems give out one archive, each with its own way to write a student's name
into a file's; GitHub Classroom gives a folder of clones. All become
``submitted/<student>/<lab>/<lab>.ipynb`` with the time beside it.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from helpers.authoring.grading.lab import Lab
from helpers.authoring.grading.look import LARGEST, handed_in, read, time_of
from helpers.authoring.grading.roster import Roster, is_safe

#: Entries of an archive that are looked at, and archives within archives.
_MOST, _DEEPEST = 20_000, 2

_CANVAS = re.compile(r"(?P<owner>[^_]+)_(?P<late>LATE_)?\d+_\d+_(?P<rest>.+)")
_MOODLE = re.compile(r"(?P<owner>.+?)_\d+_assignsubmission_\w+?_?(?P<rest>/.*)?")
_BLACKBOARD = re.compile(
    r".+?_(?P<owner>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<rest>.+))?"
)


@dataclass(frozen=True)
class Found:
    """A file in an archive or a folder.

    Attributes
    ----------
    owner : str
        Whose, as the system calls them.
    name : str
        Where it lies among the owner's files.
    data : bytes or None
        Contents; None of what is no notebook, or too large for one.
    when : datetime or None
        When it was handed in, if that is known.
    late : bool
        Whether the system says that it was late.
    """

    owner: str
    name: str
    data: bytes | None
    when: datetime | None
    late: bool = False


def collect(
    source: Path,
    lab: Lab,
    labs: Mapping[str, set[str]],
    roster: Roster,
    into: Path,
) -> list[str]:
    """Copy everybody's notebook of a lab to where grading finds it.

    Parameters
    ----------
    source : Path
        An archive, or a folder of archives, of clones, of students' folders or of files.
    lab : Lab
        Which lab.
    labs : mapping of str to set of str
        Names of the graded cells of every lab, to recognise a notebook by.
    roster : Roster
        Who is who; may be empty.
    into : Path
        Gets a folder for each student.

    Returns
    -------
    list of str
        A line for each student.

    Raises
    ------
    ValueError
        If `source` holds nothing of anybody's.
    """
    owners: dict[str, list[Found]] = {}
    others: dict[str, list[Found]] = {}
    if source.is_dir():
        found = list(_in_folder(source))
    elif zipfile.is_zipfile(source):
        found = list(_in_archive(source.read_bytes()))
    else:
        raise ValueError(f"{source} is neither a folder nor a zip archive")
    strip = _common_start([one.owner for one in found if one.data is not None])
    for one in found:
        student = roster.student(one.owner) or one.owner.removeprefix(strip)
        (others if one.data is None else owners).setdefault(student, []).append(one)
    if not owners:
        raise ValueError(f"{source} holds no notebooks")
    said: list[str] = []
    for student in sorted(owners):
        if not is_safe(student):
            said.append(f"{student!r}: cannot be the name of a folder; give it one in the roster")
            continue
        said += [f"{student}: {text}" for text in _keep(student, owners[student], lab, labs, into)]
    for student in roster.students:
        if student not in owners:
            before = (into / student / lab.name / f"{lab.name}.ipynb").exists()
            said.append(f"{student}: {_missing(others.get(student, []), before)}")
    return said


def _missing(others: list[Found], before: bool) -> str:
    """What to say of somebody of whom there is no notebook here."""
    then = "; what was collected before stays" if before else ""
    if not others:
        return f"nothing here{then}" if before else "nothing handed in"
    names = ", ".join(PurePosixPath(one.name).name for one in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return f"no notebook of at most {LARGEST >> 20} MB, only {names}{more}{then}"


def _keep(
    student: str, files: list[Found], lab: Lab, labs: Mapping[str, set[str]], into: Path
) -> Iterator[str]:
    """Write the notebook that is meant, with its time; say what was done."""
    with tempfile.TemporaryDirectory(prefix="sd-collect-") as name:
        for number, one in enumerate(files):
            place = Path(name) / str(number) / PurePosixPath(one.name).name
            place.parent.mkdir()
            place.write_bytes(one.data or b"")
            when = one.when or datetime.fromtimestamp(0).astimezone()
            os.utime(place, (when.timestamp(), when.timestamp()))
        chosen = read(student, Path(name), lab, labs)
        if chosen.path is None:
            yield chosen.reason
            return
        data, number = chosen.path.read_bytes(), int(chosen.path.parent.name)
    one = files[number]
    target = into / student / lab.name / f"{lab.name}.ipynb"
    stamp = target.with_name("timestamp.txt")
    if target.exists() and target.read_bytes() == data:
        yield "as before"
        return
    before = time_of(stamp.read_text(encoding="utf-8")) if stamp.exists() else None
    if target.exists() and before and one.when and one.when < before:
        yield f"left alone: {one.name} is older than what is there"
        return
    what = "replaced" if target.exists() else "collected"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    stamp.unlink(missing_ok=True)
    if one.when:
        stamp.write_text(one.when.isoformat(timespec="seconds") + "\n", encoding="utf-8")
    late = ", late, says the system it comes from" if one.late else ""
    several = f", of {len(files)} notebooks" if len(files) > 1 else ""
    trouble = f"; it will not be graded: {chosen.reason}" if chosen.reason else ""
    yield f"{what} {one.name}{several}{late}{trouble}"


def _in_folder(folder: Path) -> Iterator[Found]:
    """Notebooks below a folder, its archives and clones included."""
    for place in sorted(folder.iterdir()):
        if place.name.startswith((".", "__")) or place.is_symlink():
            continue
        if place.is_dir():
            owner, when, late = _owner(place.name)
            for path in sorted(place.rglob("*")):
                inside = path.relative_to(place)
                if path.is_symlink() or not path.is_file() or _is_hidden(inside.parts):
                    continue
                yield from _files(Found(owner, inside.as_posix(), None, when, late), path, place)
        else:
            owner, when, late = _owner(place.name)
            yield from _files(Found(owner, place.name, None, when, late), place, folder)


def _files(told: Found, path: Path, folder: Path) -> Iterator[Found]:
    """A notebook, those in an archive, or the mere name of another file."""
    if path.suffix == ".ipynb" and path.stat().st_size <= LARGEST:
        when = told.when or handed_in(path, folder)  # in a clone that asks git, which takes a while
        yield replace(told, data=path.read_bytes(), when=when)
    elif path.suffix == ".zip" and zipfile.is_zipfile(path):
        when = told.when or handed_in(path, folder)
        for one in _entries(path.read_bytes(), 1):
            yield replace(
                told, name=f"{told.name}/{one.name}", data=one.data, when=one.when or when
            )
    else:
        yield told


def _in_archive(data: bytes) -> Iterator[Found]:
    """Notebooks in the archive of a whole class, and the names of other files."""
    found = list(_entries(data, 0))
    books = [one.name for one in found if one.data is not None]
    tops = {name.partition("/")[0] for name in books}
    if len(tops) == 1 and all(name.count("/") > 1 for name in books):
        top = f"{tops.pop()}/"  # everything lies in one folder more
        found = [replace(one, name=one.name.removeprefix(top)) for one in found]
    for one in found:
        top, slash, rest = one.name.partition("/")
        owner, when, late = _owner(top)
        yield Found(owner, rest if slash else top, one.data, when or one.when, late)


def _entries(data: bytes, depth: int) -> Iterator[Found]:
    """What is in an archive and in the archives within it; nothing is written."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist()[:_MOST]:
            name = entry.filename.replace("\\", "/")
            if entry.is_dir() or _is_hidden(PurePosixPath(name).parts):
                continue
            if not name.endswith((".ipynb", ".zip")) or entry.file_size > LARGEST:
                yield Found("", name, None, None)
                continue
            with archive.open(entry) as file:
                content = file.read(LARGEST + 1)  # what an archive says of its size may be untrue
            if len(content) > LARGEST:
                yield Found("", name, None, None)
                continue
            if name.endswith(".zip"):
                if depth < _DEEPEST and zipfile.is_zipfile(io.BytesIO(content)):
                    for one in _entries(content, depth + 1):
                        yield Found("", f"{name}/{one.name}", one.data, one.when)
            else:
                yield Found("", name, content, _entry_time(entry))


def _entry_time(entry: zipfile.ZipInfo) -> datetime | None:
    try:
        when = datetime(*entry.date_time)
    except ValueError:
        return None
    return when.astimezone() if when.year > 1980 else None  # 1980 stands for nothing known


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _owner(name: str) -> tuple[str, datetime | None, bool]:
    """Who a folder or file belongs to, when it was handed in, and whether late, by its name."""
    if match := _MOODLE.fullmatch(name):
        return match["owner"].strip(), None, False
    if match := _BLACKBOARD.fullmatch(name):
        day = match["when"]
        return match["owner"], time_of(f"{day[:10]} {day[11:].replace('-', ':')}"), False
    if match := _CANVAS.fullmatch(name):
        return match["owner"], None, match["late"] is not None
    stem, dot, ending = name.rpartition(".")
    return (stem if dot and ending in ("ipynb", "zip") else name), None, False


def _common_start(owners: list[str]) -> str:
    """What all names begin with, up to a hyphen: GitHub Classroom puts the assignment there."""
    if len(set(owners)) < 2:
        return ""
    first, last = min(owners), max(owners)
    same = next(at for at, (a, b) in enumerate(zip_longest(first, last)) if a != b)
    return first[: first[:same].rfind("-") + 1]
