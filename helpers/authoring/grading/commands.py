"""What an instructor does with a class: collect, grade, mark, give feedback, export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from helpers.authoring.course import ROOT
from helpers.authoring.grading import run
from helpers.authoring.grading.book import (
    Book,
    Entry,
    entry_of,
    memo_text,
    read_table,
    write,
    write_table,
)
from helpers.authoring.grading.lab import Lab, grade_id
from helpers.authoring.grading.look import Submission, look
from helpers.authoring.grading.roster import Roster
from helpers.authoring.labs import LabError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Class:
    """A course's records and who is in it.

    Attributes
    ----------
    book : Book
        The records.
    roster : Roster
        The students; may be empty.
    say : callable
        Where words go.
    """

    book: Book
    roster: Roster
    say: Say = print

    @classmethod
    def open(
        cls,
        records: Path = ROOT,
        roster: Path | None = None,
        solutions: Path = ROOT / "solutions",
        say: Say = print,
    ) -> Class:
        """Open a course's records; ``roster.csv`` among them is found by itself."""
        usual = records / "roster.csv"
        path = roster or (usual if usual.exists() else None)
        return cls(Book(records, solutions), Roster.read(path) if path else Roster(), say)


def lab_name(called: str, solutions: Path = ROOT / "solutions") -> str:
    """The full name of a lab, from all or the beginning of it.

    Raises
    ------
    LabError
        If there is no such lab, or more than one.
    """
    labs = sorted(path.parent.name for path in solutions.glob("*/*.ipynb"))
    found = [name for name in labs if name == called] or [
        name for name in labs if name.startswith(called)
    ]
    if len(found) != 1:
        raise LabError(f"{called!r} is {'no lab' if not found else 'more than one lab'} of {labs}")
    return found[0]


def graded_cells(solutions: Path = ROOT / "solutions") -> dict[str, set[str]]:
    """Names of the graded cells of every lab, to recognise a notebook by."""
    import nbformat

    return {
        path.parent.name: {
            name for cell in nbformat.read(path, as_version=4).cells if (name := grade_id(cell))
        }
        for path in sorted(solutions.glob("*/*.ipynb"))
    }


def grade(
    course: Class,
    folder: Path,
    called: str,
    *,
    due: datetime | None = None,
    again: bool = False,
    rooms: int = 0,
    fenced: bool = True,
    limits: run.Limits | None = None,
) -> dict[str, Entry]:
    """Grade a folder of submissions of one lab, and write all that comes of it.

    Parameters
    ----------
    course : Class
        Whose records to use.
    folder : Path
        Holds a folder for each student.
    called : str
        The lab.
    due : datetime, optional
        When it was due.
    again : bool, optional
        Whether to run also what was graded before and has not changed since.
    rooms, fenced, limits
        As in `run.run_all`.

    Returns
    -------
    dict of str to Entry
        Everybody in the folder, and everybody graded before.
    """
    book = course.book
    lab = book.lab(lab_name(called, book.solutions))
    before = book.entries(lab.name)
    entries = dict(before)
    submissions = look(folder, lab, graded_cells(book.solutions), course.roster)
    if not submissions:
        raise LabError(f"{folder} holds no student's folder with {lab.name}")
    waiting: list[Submission] = []
    for one in submissions:
        old = before.get(one.student)
        if one.reason:
            entries[one.student] = _refused(entry_of(lab, one, None, due), old)
        elif old and old.graded and not again and (old.digest, old.lab) == (one.digest, lab.digest):
            fresh = entry_of(lab, one, None, due)
            kept = [text for text in old.flags if text not in fresh.flags]
            entries[one.student] = replace(
                old, notes=fresh.notes, flags=[*fresh.flags, *kept], late=fresh.late
            )
        else:
            waiting.append(one)
    course.say(f"{lab.name}: {len(submissions)} handed in, {len(waiting)} to be graded")
    count = 0

    def done(one: Submission, outcome: run.Outcome) -> None:
        nonlocal count
        count += 1
        entry = entry_of(lab, one, outcome, due)
        old = before.get(one.student)
        if old:
            entry.marked = old.marked
        if entry.graded:
            book.keep(lab, one, outcome)
            if old and old.graded and old.digest != entry.digest:
                entry.notes.append(
                    f"handed in again: {old.points:g} points before, {entry.points:g} now"
                )
        else:
            entry = _refused(entry, old)
        entries[one.student] = entry
        book.save(lab.name, entries)
        points = f"{entry.points:g}" if entry.graded else "not graded"
        course.say(f"{count:4d}/{len(waiting)}  {one.student}: {points}")

    if waiting:
        secret = (ROOT, book.solutions, book.folder, folder)
        run.run_all(
            lab, waiting, limits=limits, rooms=rooms, fenced=fenced, secret=secret, done=done
        )
    for student, entry in entries.items():
        if not entry.graded and student not in before:
            book.forget(lab.name, student)
    book.enter(lab, entries.values(), course.roster)
    book.save(lab.name, entries)
    _memos(course, lab, submissions, entries)
    report = _report(lab, entries, course)
    write(book.place(lab.name) / "report.txt", report)
    course.say(report)
    return entries


def _refused(new: Entry, old: Entry | None) -> Entry:
    """What stands after a submission that cannot be graded: an earlier one's marks, if any."""
    if old is None or not old.graded:
        return new
    flag = f"a newer hand-in cannot be graded, so these are the marks of the earlier: {new.reason}"
    return replace(old, flags=[*(one for one in old.flags if one != flag), flag])


def _to_look_at(entry: Entry) -> list[str]:
    """What a person should look at, changed memos among it."""
    changed = [f"{name} has changed since it was marked; its mark stays" for name in entry.changed]
    return [*entry.flags, *changed]


def _report(lab: Lab, entries: dict[str, Entry], course: Class) -> str:
    """Who was graded and who was not, and what should be looked at."""
    graded = [one for one in entries.values() if one.graded]
    refused = [one for one in entries.values() if not one.graded]
    missing = [name for name in course.roster.students if name not in entries]
    lines = [f"{lab.name}: {len(graded)} graded, {len(refused)} not graded"]
    if course.roster.students:
        lines[0] += f", {len(missing)} not handed in"
    sections = [
        ("Not graded, no score", [(one.student, one.reason) for one in refused]),
        ("To be looked at", [(one.student, text) for one in graded for text in _to_look_at(one)]),
        ("Late", [(one.student, one.late) for one in entries.values() if one.late]),
        ("Put right, nothing to do", [(one.student, text) for one in graded for text in one.notes]),
        ("Not handed in", [(name, course.roster.students[name].name) for name in missing]),
    ]
    if course.roster.students:
        strangers = [name for name in entries if name not in course.roster.students]
        sections.append(("Not in the roster", [(name, "") for name in sorted(strangers)]))
    for title, rows in sections:
        if rows:
            lines += ["", f"{title}:"]
            width = min(30, max(len(name) for name, _ in rows))
            lines += [f"  {name:{width}}  {text}".rstrip() for name, text in sorted(rows)]
    given = course.book.manual(lab.name)
    waiting = sum(
        bool(text) and (name in one.changed or given.get((one.student, name), (None,))[0] is None)
        for one in graded
        for name, text in one.memos.items()
    )
    if waiting:
        place = course.book.place(lab.name)
        many = "1 memo" if waiting == 1 else f"{waiting} memos"
        lines += ["", f"{many} to mark, in {place / 'memos.md'}; marks go into memos.csv"]
    return "\n".join(lines) + "\n"


def _memos(
    course: Class, lab: Lab, submissions: list[Submission], entries: dict[str, Entry]
) -> None:
    """Put all memos into one file to read, and make a table for their marks."""
    if not lab.memos:
        return
    place = course.book.place(lab.name)
    given = course.book.manual(lab.name)
    # Of what was graded: a newer hand-in that cannot be graded is read by nobody.
    texts = {
        one.student: one.cells
        for one in submissions
        if not one.reason and entries[one.student].digest == one.digest
    }
    kept: dict[tuple[str, str], tuple[str, str]] = {}
    table = place / "memos.csv"
    if table.exists():
        for row in read_table(table):
            key = row["student"], row.get("cell", "")
            kept[key] = row.get("points", ""), row.get("comment", "")
    rows, pages = [], [f"# Memos of {lab.name}\n\n{_rubric(lab)}"]
    for student in sorted(entries):
        entry = entries[student]
        for name, maximum in lab.memos.items():
            if not entry.graded or not entry.memos.get(name):
                continue
            points, comment = given.get((student, name), (None, ""))
            typed, remark = kept.get((student, name), ("", ""))
            shown = typed if points is None else f"{points:g}"
            if name in entry.changed:
                shown = ""  # to be read again
            rows.append(
                {
                    "student": student,
                    "cell": name,
                    "points": shown,
                    "maximum": f"{maximum:g}",
                    "comment": comment or remark,
                }
            )
            cells = texts.get(student)
            text = memo_text(name, cells) if cells else course.book.memo(lab.name, student, name)
            pages.append(f"## {student}\n\n{text}")
    if rows:
        write_table(table, rows, ["student", "cell", "points", "maximum", "comment"])
    write(place / "memos.md", "\n\n---\n\n".join(pages) + "\n")


def _rubric(lab: Lab) -> str:
    """The mark schemes of a lab's memos."""
    found = []
    for cell in lab.solution.cells:
        if grade_id(cell) in lab.memos and "BEGIN MARK SCHEME" in cell.source:
            text = cell.source.partition("BEGIN MARK SCHEME")[2].partition("### END")[0]
            found.append(text.strip())
    return "\n\n".join(found)


def marks(course: Class, table: Path, called: str) -> int:
    """Enter the marks of memos from a table; all of them, or none if a row is wrong.

    Parameters
    ----------
    course : Class
        Whose gradebook to use.
    table : Path
        With the columns ``student``, ``points`` and, if you like, ``comment``; ``cell`` if a lab
        has more than one memo. Rows without points are left alone.
    called : str
        The lab.

    Returns
    -------
    int
        How many were entered.

    Raises
    ------
    LabError
        With every row that is wrong, and why.
    """
    from nbgrader.api import MissingEntry

    name = lab_name(called, course.book.solutions)
    rows, wrong, entered = read_table(table), [], 0
    with course.book.gradebook() as gradebook:
        memos = {
            cell.name: cell.max_score
            for cell in gradebook.find_notebook(name, name).grade_cells
            if cell.name in {one.name for one in gradebook.find_notebook(name, name).solution_cells}
        }
        for number, row in enumerate(rows, 2):
            student, text = row.get("student", ""), row.get("points", "")
            cell = row.get("cell", "") or (next(iter(memos)) if len(memos) == 1 else "")
            if not text:
                continue
            try:
                points = float(text.replace(",", "."))
                if cell not in memos:
                    raise ValueError(f"no memo is called {cell!r}, only {sorted(memos)}")
                if not 0 <= points <= memos[cell]:
                    raise ValueError(f"{text} is not between 0 and {memos[cell]:g}")
                grade = gradebook.find_grade(cell, name, name, student)
                comment = gradebook.find_comment(cell, name, name, student)
            except MissingEntry:
                wrong.append(f"line {number}: {student!r} has no graded {name}")
            except ValueError as error:
                wrong.append(f"line {number}, {student}: {error}")
            else:
                entered += 1
                grade.manual_score, grade.needs_manual_grade = points, False
                comment.auto_comment = None
                if row.get("comment"):
                    comment.manual_comment = row["comment"]
        if wrong:
            gradebook.db.rollback()
            raise LabError(f"nothing was entered from {table}:\n" + "\n".join(wrong))
        gradebook.db.commit()
    entries = course.book.entries(name)
    for row in rows:
        if row.get("points") and (entry := entries.get(row["student"])):
            cell = row.get("cell", "") or next(iter(memos))
            entry.marked[cell] = entry.memos.get(cell, "")
    course.book.save(name, entries)
    many = "1 mark" if entered == 1 else f"{entered} marks"
    course.say(f"{many} entered; rows without points: {len(rows) - entered}")
    return entered


def export(course: Class, to: Path, called: list[str] | None = None) -> list[dict[str, str]]:
    """Write everybody's points in every lab; who was not graded has none.

    Parameters
    ----------
    course : Class
        Whose records to use.
    to : Path
        The file.
    called : list of str, optional
        Labs; all that something is known of by default.

    Returns
    -------
    list of dict
        The rows.
    """
    book = course.book
    labs = [lab_name(one, book.solutions) for one in called or ()] or book.labs()
    if not labs:
        raise LabError(f"nothing was graded yet into {book.folder}")
    rows: list[dict[str, str]] = []
    for name in labs:
        entries, given = book.entries(name), book.manual(name)
        with book.gradebook() as gradebook:
            notebook = gradebook.find_notebook(name, name)
            answers = {cell.name for cell in notebook.solution_cells}
            maximum = {cell.name: cell.max_score for cell in notebook.grade_cells}
        memos = [cell for cell in maximum if cell in answers]
        for student in sorted({*entries, *course.roster.students}):
            person = course.roster.students.get(student)
            row = {
                "student": student,
                "name": person.name if person else "",
                "email": person.email if person else "",
                "lab": name,
                "status": "not handed in",
                "maximum": f"{sum(maximum.values()):g}",
            }
            entry = entries.get(student)
            if entry is not None:
                row |= {
                    "status": "graded" if entry.graded else "not graded",
                    "reason": entry.reason,
                    "handed in": entry.handed_in,
                    "late": entry.late,
                    "look at": "; ".join(_to_look_at(entry)),
                }
            if entry is not None and entry.graded:
                found = [_memo_points(entry, cell, given) for cell in memos]
                row["tests"] = f"{entry.points:g}"
                if all(one is not None for one in found):
                    memo = sum(one or 0.0 for one in found)
                    row["memo"], row["total"] = f"{memo:g}", f"{entry.points + memo:g}"
                else:
                    row["status"] = "memo not marked"
            rows.append(row)
    columns = ["student", "name", "email", "lab", "status", "tests", "memo", "total", "maximum"]
    write_table(to, rows, [*columns, "handed in", "late", "reason", "look at"])
    course.say(f"{len(rows)} rows in {to}")
    return rows


def _memo_points(
    entry: Entry, cell: str, given: dict[tuple[str, str], tuple[float | None, str]]
) -> float | None:
    """Points for a memo: what a person gave, 0 if it was left as it was, or None."""
    points, _ = given.get((entry.student, cell), (None, ""))
    if points is not None:
        return points
    return None if entry.memos.get(cell) else 0.0
