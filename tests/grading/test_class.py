"""A class with one submission of every kind, graded by one command; and all that follows."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from helpers.authoring.course import labs
from helpers.authoring.grading import commands, run
from helpers.authoring.grading.book import Book, Entry, read_table
from helpers.authoring.grading.commands import Class
from helpers.authoring.grading.feedback import give
from helpers.authoring.grading.lab import Lab, grade_id
from helpers.authoring.grading.look import Submission, cells_of, time_of
from helpers.authoring.grading.room import fence
from helpers.authoring.labs import LabError
from tests.checks import weekly
from tests.grading import kinds, small
from tests.grading.__main__ import OTHERS, everybody
from tests.grading.kinds import Kind
from tests.grading.test_look import put

pytestmark = pytest.mark.skipif(not fence.version(), reason="this kernel has no Landlock")

#: Those that run every day; the others with ``--thorough``. Who is not graded at all always stands
#: in the class, as that takes no time.
DAILY = {
    *("solved", "blank", "half", "chatty", "syntax-error", "copied", "as-text", "later-id"),
    *("drop-asserts", "equal", "kills", "loops-answer"),
}
#: Seconds of a processor, not of the clock: a busy machine changes no verdict.
LIMITS = run.Limits(
    step_s=3, wait_s=60, total_s=900, memory=1500 << 20, disk=120 << 20, processes=40
)


def is_daily(kind: Kind) -> bool:
    """Whether a kind of submission is graded without ``--thorough``, too."""
    return kind.points is None or kind.name in DAILY


@dataclass
class Graded:
    """The small lab's class, graded."""

    folder: Path
    solutions: Path
    kinds: dict[str, Kind]
    said: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @property
    def course(self) -> Class:
        """The class's records."""
        return Class.open(self.folder / "records", solutions=self.solutions, say=self.said.append)

    @property
    def submitted(self) -> Path:
        """What was handed in."""
        return self.folder / "handed in"


@pytest.fixture(scope="module")
def graded(
    tmp_path_factory: pytest.TempPathFactory, solutions: Path, lab: Lab, thorough: bool
) -> Graded:
    """Everybody has handed in, and was graded by one call."""
    folder = tmp_path_factory.mktemp("class")
    decoy = put(folder / "decoy", {"gradebook.db": b"marks", "solution.ipynb": b"answers"})
    everyone = [kind for kind in kinds.kinds(str(decoy)) if thorough or is_daily(kind)]
    whole = Graded(folder, solutions, {kind.name: kind for kind in everyone})
    for name, kind in whole.kinds.items():
        put(whole.submitted / name, kind.make(lab, name))
    before = set(Path(tempfile.gettempdir()).glob("sd-grade-*"))
    whole.entries = commands.grade(whole.course, whole.submitted, "lab01", limits=LIMITS)
    whole.left = [str(one) for one in set(Path(tempfile.gettempdir()).glob("sd-grade-*")) - before]
    return whole


@pytest.mark.parametrize(
    "name",
    [kind.name if is_daily(kind) else weekly(kind.name) for kind in kinds.kinds("")],
)
def test_every_verdict_is_as_it_should_be(name: str, graded: Graded, lab: Lab) -> None:
    kind, entry = graded.kinds[name], graded.entries[name]
    shown = f"{entry.reason} {entry.flags} {entry.notes} {entry.marks} {entry.errors}"
    if kind.points is None:
        assert not entry.graded
        assert re.search(kind.reason, entry.reason), shown
        assert entry.marks == {}
        return
    assert entry.graded, shown
    assert entry.points == kind.points(lab), shown
    for expected, found in ((kind.flag, entry.flags), (kind.note, entry.notes)):
        if expected:
            assert any(re.search(expected, one) for one in found), shown
        else:
            assert found == [], shown


def test_nothing_is_left_behind(graded: Graded) -> None:
    assert graded.left == []
    for _ in range(50):
        running = [
            one.info["cmdline"] for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"]
        ]
        if not any(line[-2:] == ["sleep", "7654"] for line in running):
            return
        time.sleep(0.1)
    pytest.fail("what a submission started goes on")


def test_nobody_reached_the_instructors_files(graded: Graded) -> None:
    for name, content in (("gradebook.db", b"marks"), ("solution.ipynb", b"answers")):
        path = graded.folder / "decoy" / name
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o400


def test_the_report_names_whom_it_should(graded: Graded) -> None:
    report = (Book(graded.folder / "records").place(small.NAME) / "report.txt").read_text()
    assert graded.said[-1] == report
    refused, _, rest = report.partition("To be looked at:")
    flagged, _, righted = rest.partition("Put right, nothing to do:")

    def named(text: str) -> set[str]:
        return set(re.findall(r"^  (\S+)  ", text, re.M))

    assert named(refused) == {n for n, kind in graded.kinds.items() if kind.points is None}
    assert named(flagged) == {n for n, kind in graded.kinds.items() if kind.flag}
    assert named(righted) == {n for n, kind in graded.kinds.items() if kind.note}
    assert "warning" not in "\n".join(graded.said).lower()


def test_who_is_not_graded_has_no_score(graded: Graded, tmp_path: Path) -> None:
    rows = {row["student"]: row for row in commands.export(graded.course, tmp_path / "g.csv")}
    assert set(rows) == set(graded.kinds)
    read = {row["student"]: row for row in read_table(tmp_path / "g.csv")}
    for name, kind in graded.kinds.items():
        row = read[name]
        assert row["maximum"] == "15"
        if kind.points is None:
            assert row["status"] == "not graded"
            assert (row["tests"], row["memo"], row["total"]) == ("", "", "")
            assert row["reason"]
        else:
            assert row["tests"], row
            assert row["status"] in ("graded", "memo not marked")
    assert (read["blank"]["memo"], read["blank"]["total"]) == ("0", "0")
    assert (read["solved"]["memo"], read["solved"]["total"]) == ("", "")
    with graded.course.book.gradebook() as gradebook:
        there = {one.student.id for one in gradebook.assignment_submissions(small.NAME)}
    assert there == {name for name, kind in graded.kinds.items() if kind.points is not None}


def test_graded_notebooks_are_what_nbgrader_expects(graded: Graded) -> None:
    for name, entry in graded.entries.items():
        path = graded.folder / "records" / "autograded" / name / small.NAME / f"{small.NAME}.ipynb"
        assert path.exists() == entry.graded
        if not entry.graded:
            continue
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        found = [
            cell.metadata.nbgrader.grade_id
            for cell in notebook.cells
            if "nbgrader" in cell.metadata
        ]
        assert len(found) == len(set(found)) == 9, f"{name}: {found}"
        text = path.read_text()
        assert "SECRET" in text, "an instructor sees the hidden checks"
        assert "<script>alert(1)" not in text
        assert "alert(2)" not in text


def test_memos_are_read_in_one_file_and_marked_in_a_table(graded: Graded, tmp_path: Path) -> None:
    place = Book(graded.folder / "records").place(small.NAME)
    text = (place / "memos.md").read_text()
    assert text.index("SECRET RUBRIC") < text.index("## chatty") < text.index("## solved")
    rows = {row["student"]: row for row in read_table(place / "memos.csv")}
    assert "blank" not in rows
    assert "stripped" not in rows
    assert rows["solved"] == {
        "student": "solved",
        "cell": "design_memo",
        "points": "",
        "maximum": "4",
        "comment": "",
    }
    table = tmp_path / "memos.csv"

    def enter(*lines: str, head: str = "student;points;comment") -> int:
        table.write_text("\ufeff" + "\n".join([head, *lines]) + "\n")
        return commands.marks(graded.course, table, "lab01")

    with pytest.raises(LabError, match=r"(?s)nothing was entered.*line 3.*9 is not between"):
        enter("solved;3;", "chatty;9;")
    with pytest.raises(LabError, match="line 2: 'stripped' has no graded"):
        enter("stripped;1;")
    with pytest.raises(LabError, match="could not convert"):
        enter("solved;many;")
    with pytest.raises(LabError, match="no memo is called 'essay'"):
        enter("solved,3,essay", head="student,points,cell")
    assert graded.course.book.manual(small.NAME) == {}
    assert enter("solved;3,5;Well argued.", "chatty;;", "as-text;0;") == 2
    assert graded.course.book.manual(small.NAME) == {
        ("solved", "design_memo"): (3.5, "Well argued."),
        ("as-text", "design_memo"): (0.0, ""),
    }
    rows = {row["student"]: row for row in commands.export(graded.course, tmp_path / "g.csv")}
    assert (rows["solved"]["memo"], rows["solved"]["total"]) == ("3.5", "14.5")
    assert rows["solved"]["status"] == "graded"
    assert (rows["as-text"]["total"], rows["chatty"]["status"]) == ("11", "memo not marked")


def test_feedback_shows_no_hidden_tests(graded: Graded) -> None:
    said = give(graded.course.book, small.NAME)
    pages = graded.folder / "records" / "feedback"
    given = {path.name for path in pages.iterdir()}
    assert given == {name for name, one in graded.entries.items() if one.graded}
    assert "chatty: the memo is not marked yet" in said
    assert not [line for line in said if "no page" in line]
    assert "solved: the memo is not marked yet" not in said
    for name in given:
        text = (pages / name / small.NAME / f"{small.NAME}.html").read_text()
        assert "SECRET" not in text, name
        assert "HIDDEN TESTS" not in text
        assert "alert(" not in re.sub("&lt;script&gt;alert", "", text), name
        assert "check_double" in text
    solved = (pages / "solved" / small.NAME / f"{small.NAME}.html").read_text()
    assert "14.5 / 15.0" in solved
    assert "Well argued." in solved
    half = (pages / "half" / small.NAME / f"{small.NAME}.html").read_text()
    assert "2 of 2 points. Passed." in half
    assert "0 of 3 points. Not passed: NotImplementedError" in half
    blank = (pages / "later-id" / small.NAME / f"{small.NAME}.html").read_text()
    assert "Not marked yet." not in blank, "a memo left as it was has no answer to mark"


def test_a_hidden_check_that_fails_says_only_that(graded: Graded) -> None:
    marks = graded.entries["equal"].marks
    assert all(mark.points == 0 for mark in marks.values())
    hidden = [
        mark
        for entry in graded.entries.values()
        for mark in entry.marks.values()
        if mark.detail.startswith("hidden check")
    ]
    assert hidden
    for mark in hidden:
        assert mark.text == (
            "Not passed: the checks that you see pass, one that you do not see does not."
        )


def test_grading_again_runs_nobody_and_keeps_all_marks(graded: Graded) -> None:
    before = graded.course.book.manual(small.NAME)
    again = commands.grade(graded.course, graded.submitted, "lab01", limits=LIMITS)
    assert graded.said[-2].endswith("handed in, 0 to be graded")
    assert {name: (one.points, one.graded, sorted(one.flags)) for name, one in again.items()} == {
        name: (one.points, one.graded, sorted(one.flags)) for name, one in graded.entries.items()
    }
    assert graded.course.book.manual(small.NAME) == before


@pytest.mark.thorough
def test_second_hand_ins_late_work_and_a_roster(graded: Graded, lab: Lab, tmp_path: Path) -> None:
    """On records of its own: three students, a better version, a damaged one, and a stranger."""
    records = tmp_path / "records"
    records.mkdir()
    (records / "roster.csv").write_text("student,name\nada,Ada Lovelace\nbob,Bob\neve,Eve\n")
    said: list[str] = []

    def grade(due: str, **students: tuple[bytes, str]) -> dict[str, Entry]:
        for name, (data, when) in students.items():
            files = {f"{small.NAME}.ipynb": data, "timestamp.txt": when.encode()}
            put(tmp_path / "in" / name / small.NAME, files)
        course = Class.open(records, solutions=graded.solutions, say=said.append)
        return commands.grade(
            course, tmp_path / "in", small.NAME, due=time_of(due), limits=LIMITS, rooms=1
        )

    def work(kind: str, student: str) -> bytes:
        return next(iter(graded.kinds[kind].make(lab, student).values()))

    first = grade(
        "2026-03-01 12:00 UTC",
        ada=(work("half", "ada"), "2026-03-01 11:00 UTC"),
        bob=(work("solved", "bob"), "2026-03-01 13:30 UTC"),
        zoe=(work("truncated", "zoe"), "2026-03-01 11:00 UTC"),
    )
    assert (first["ada"].points, first["ada"].late) == (2, "")
    assert (first["bob"].points, first["bob"].late) == (11, "1 h 30 min")
    assert not first["zoe"].graded
    assert "Not handed in:\n  eve  Eve" in said[-1]
    assert "Not in the roster:\n  zoe" in said[-1]
    assert "1 memo to mark, in " in said[-1]
    course = Class.open(records, solutions=graded.solutions, say=said.append)
    (tmp_path / "memos.csv").write_text("student,points\nada,2\nbob,1\n")
    commands.marks(course, tmp_path / "memos.csv", "lab01")

    second = grade(
        "2026-03-01 12:00 UTC",
        ada=(work("solved", "ada"), "2026-03-02 11:00 UTC"),
        bob=(work("stripped", "bob"), "2026-03-02 11:00 UTC"),
        zoe=(work("solved", "zoe"), "2026-03-02 11:00 UTC"),
    )
    assert (second["ada"].points, second["ada"].late) == (11, "23 h 0 min")
    assert second["ada"].notes == ["handed in again: 2 points before, 11 now"]
    assert "ada  design_memo has changed since it was marked; its mark stays" in said[-1]
    table = course.book.place(small.NAME) / "memos.csv"
    listed = read_table(table)
    assert {row["student"]: row["points"] for row in listed} == {"ada": "", "bob": "1", "zoe": ""}
    assert "2 memos to mark, in " in said[-1], "a changed one and a new one"
    pages = table.with_name("memos.md").read_text().split("\n\n---\n\n")[1:]
    texts = [page.partition("\n\n")[2].strip() for page in pages]
    assert texts[0]
    assert texts == 3 * texts[:1], "bob's newer one cannot be graded, so his earlier memo is there"
    table.write_text(table.read_text().replace("zoe,design_memo,,4,", "zoe,design_memo,2,4,Fine."))
    grade("2026-03-01 12:00 UTC")
    assert read_table(table)[2] == listed[2] | {"points": "2", "comment": "Fine."}, (
        "not yet entered"
    )
    assert (second["bob"].points, second["bob"].graded) == (11, True)
    assert "a newer hand-in cannot be graded" in second["bob"].flags[0]
    assert second["zoe"].points == 11
    rows = {row["student"]: row for row in commands.export(course, tmp_path / "grades.csv")}
    assert {name: row["status"] for name, row in rows.items()} == {
        "ada": "graded",
        "bob": "graded",
        "eve": "not handed in",
        "zoe": "memo not marked",
    }
    assert rows["ada"]["total"] == "13", "the memo keeps its mark"
    assert rows["ada"]["look at"] == "design_memo has changed since it was marked; its mark stays"
    assert not rows["zoe"]["look at"]
    (tmp_path / "memos.csv").write_text("student,points\nada,3\n")
    commands.marks(course, tmp_path / "memos.csv", "lab01")
    rows = {row["student"]: row for row in commands.export(course, tmp_path / "grades.csv")}
    assert (rows["ada"]["total"], rows["ada"]["look at"]) == ("14", "")
    assert rows["eve"].get("total", "") == ""
    assert rows["ada"]["name"] == "Ada Lovelace"


def test_a_hand_in_that_fails_while_it_runs_leaves_the_memo_that_was_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solutions: Path, lab: Lab
) -> None:
    """What is read beside a mark is the memo of the notebook whose marks stand."""
    outcomes = [
        run.Outcome({n: run.Mark(1, one.points, "Passed.") for n, one in lab.checks.items()}),
        run.Outcome(reason="it ended the process that supervised it"),
    ]

    def run_all(lab: Lab, waiting: list[Submission], *, done: Any, **_: Any) -> None:
        done(waiting[0], outcomes.pop(0))

    monkeypatch.setattr(run, "run_all", run_all)
    course = Class.open(tmp_path / "records", solutions=solutions, say=lambda _: None)
    ((name, first),) = kinds.solved(lab, "ada").items()
    pages = []
    for memo in ("The first memo.", "The second memo."):
        notebook = nbformat.reads(first.decode(), as_version=4)
        next(one for one in notebook.cells if grade_id(one) == "design_memo").source = memo
        put(tmp_path / "in" / "ada", {name: nbformat.writes(notebook).encode()})
        entry = commands.grade(course, tmp_path / "in", small.NAME)["ada"]
        pages.append((course.book.place(small.NAME) / "memos.md").read_text())
    assert entry.flags == [
        "a newer hand-in cannot be graded, so these are the marks of the earlier: "
        "it ended the process that supervised it"
    ]
    assert "The first memo." in pages[0]
    assert pages[1] == pages[0]


def test_a_solution_that_fails_here_stops_everything(lab: Lab) -> None:
    wrong = nbformat.from_dict(lab.solution)
    for cell in wrong.cells:
        cell.source = cell.source.replace("return 2 * x", "return 3 * x")
    broken = Lab(lab.name, wrong, lab.released)
    with pytest.raises(run.RoomError, match="does not get all points on this machine, so nobody"):
        run.run_all(broken, [Submission("ada")], limits=LIMITS, done=lambda *_: pytest.fail("ran"))


def test_a_machine_without_a_fence_is_refused(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setattr(fence, "version", lambda: 0)
    with pytest.raises(run.UnfencedError, match=r"no Landlock.*--unfenced"):
        run.run_all(lab, [], limits=LIMITS, done=lambda *_: None)


def test_records_survive_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path)
    book.save("lab", {"ada": Entry("ada", marks={"check": run.Mark(1, 2, "x")})})
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        book.save("lab", {})
    assert book.entries("lab")["ada"].marks["check"].points == 1


def test_the_class_of_eighty_is_made(lab: Lab) -> None:
    students = everybody(lab, "", 80)
    assert len(students) == 80
    assert set(OTHERS) < set(students)
    for name in ("lender", "same-id"):
        cells = cells_of(next(iter(students[name].make(lab, name).values())), [])
        assert any('student_id = "lender"' in cell.source for cell in cells), name


# ------------------------------------------------------------------ the course's own labs


@pytest.fixture(scope="module", params=labs())
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab of the course."""
    return Book(tmp_path_factory.mktemp("records")).lab(request.param)


@pytest.mark.thorough
def test_blank_solved_and_lying_answers_of_a_lab(real: Lab) -> None:
    """Solved by somebody of another id than the solution's; blank; and equal to everything."""
    chosen = {
        kind.name: kind for kind in kinds.kinds("") if kind.name in {"solved", "blank", "equal"}
    }
    submissions = []
    for name, kind in chosen.items():
        (data,) = kind.make(real, name).values()
        submissions.append(Submission(name, cells=cells_of(data, []), student_id=name))
    outcomes: dict[str, run.Outcome] = {}
    run.run_all(
        real, submissions, done=lambda one, outcome: outcomes.update({one.student: outcome})
    )
    points = {
        name: sum(mark.points for mark in one.marks.values()) for name, one in outcomes.items()
    }
    everything = sum(check.points for check in real.checks.values())
    assert len(real.checks) >= 5
    assert points == {"solved": everything, "blank": 0, "equal": 0}, outcomes
    assert outcomes["solved"].flags == outcomes["blank"].flags == []
    assert outcomes["solved"].errors == {}
    assert outcomes["equal"].flags
