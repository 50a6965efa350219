"""What was handed in is looked at as data: found, told apart, and brought to its place."""

from __future__ import annotations

import io
import os
import re
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpers.authoring.grading.book import how_late
from helpers.authoring.grading.collect import collect
from helpers.authoring.grading.commands import graded_cells, lab_name
from helpers.authoring.grading.lab import Lab
from helpers.authoring.grading.look import LARGEST, Submission, handed_in, look, time_of
from helpers.authoring.grading.roster import Roster, is_safe
from helpers.authoring.labs import LabError
from tests.grading import kinds, small
from tests.grading.kinds import Files, Kind

ALL = kinds.kinds("")
LOOKED_AT = [kind for kind in ALL if kind.points is None or kind.note]


def put(folder: Path, files: Files) -> Path:
    """Write files below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def looked_at(folder: Path, lab: Lab, solutions: Path, roster: str = "") -> dict[str, Submission]:
    """Look at a folder; return what was found by student."""
    who = Roster()
    if roster:
        table = folder.parent / "roster.csv"
        table.write_text(roster)
        who = Roster.read(table)
    return {one.student: one for one in look(folder, lab, graded_cells(solutions), who)}


@pytest.mark.parametrize("kind", LOOKED_AT, ids=lambda kind: kind.name)
def test_what_is_seen(kind: Kind, tmp_path: Path, lab: Lab, solutions: Path) -> None:
    put(tmp_path / kind.name, kind.make(lab, kind.name))
    one = looked_at(tmp_path, lab, solutions)[kind.name]
    if kind.points is None:
        assert re.search(kind.reason, one.reason), one.reason
    else:
        assert one.reason == ""
        assert any(re.search(kind.note, note) for note in one.notes), one.notes


def test_nobody_stands_in_anothers_way(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    for kind in ALL:
        put(tmp_path / kind.name, kind.make(lab, kind.name))
    found = looked_at(tmp_path, lab, solutions)
    refused = {name for name, one in found.items() if one.reason}
    assert refused == {kind.name for kind in ALL if kind.points is None}
    assert list(found) == sorted(kind.name for kind in ALL)


def test_an_honest_submission_is_not_mentioned(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    for name in ("solved", "half", "blank", "chatty"):
        put(tmp_path / name, next(kind for kind in ALL if kind.name == name).make(lab, name))
    for one in looked_at(tmp_path, lab, solutions).values():
        assert (one.reason, one.notes, one.flags) == ("", [], [])


def test_links_large_files_and_loose_files_are_refused(
    tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    put(tmp_path / "elsewhere", kinds.solved(lab, "ada"))
    folder = tmp_path / "all"
    (folder / "link").mkdir(parents=True)
    (folder / "link" / "lab.ipynb").symlink_to(next(tmp_path.glob("elsewhere/*/*.ipynb")))
    (folder / "large").mkdir()
    with (folder / "large" / "lab.ipynb").open("wb") as file:
        file.truncate(LARGEST + 1)
    put(folder, {"loose.ipynb": b"{}"})
    found = looked_at(folder, lab, solutions)
    assert "is a link" in found["link"].reason
    assert "50 are allowed" in found["large"].reason
    assert "in no student's folder" in found["loose.ipynb"].reason


def test_a_whole_repository_may_be_handed_in(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    """Chapters, other labs and checkpoints lie around; none of them is meant."""
    right = kinds.solved(lab, "ada")[f"{lab.name}/{lab.name}.ipynb"]
    other = (solutions / "lab02_other" / "lab02_other.ipynb").read_bytes()
    chapter = kinds.no_lab(lab, "ada")[f"{lab.name}/{lab.name}.ipynb"]
    put(
        tmp_path / "ada",
        {
            f"labs/{lab.name}/{lab.name}.ipynb": right,
            "labs/lab02_other/lab02_other.ipynb": other,
            "notebooks/01_chapter.ipynb": chapter,
            f"labs/{lab.name}/.ipynb_checkpoints/{lab.name}-checkpoint.ipynb": b"{",
            f"__MACOSX/labs/._{lab.name}.ipynb": b"\x00",
        },
    )
    one = looked_at(tmp_path, lab, solutions)["ada"]
    assert (one.reason, one.notes, one.flags) == ("", [], [])
    assert one.path is not None
    assert one.path.name == f"{lab.name}.ipynb"


def test_who_handed_in_another_lab_only_has_handed_in_nothing(
    tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    """As nbgrader lays it out: a folder for each lab in the student's."""
    other = (solutions / "lab02_other" / "lab02_other.ipynb").read_bytes()
    put(tmp_path / "ada", {"lab02_other/lab02_other.ipynb": other, **kinds.solved(lab, "ada")})
    put(tmp_path / "bob", {"lab02_other/lab02_other.ipynb": other})
    found = looked_at(tmp_path, lab, solutions)
    assert list(found) == ["ada"]
    assert (found["ada"].reason, found["ada"].notes) == ("", [])


def test_a_readable_version_is_preferred_to_a_newer_damaged_one(
    tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    right = kinds.solved(lab, "ada")[f"{lab.name}/{lab.name}.ipynb"]
    put(tmp_path / "ada", {f"{lab.name}.ipynb": right, "newer.ipynb": right[:-200]})
    os.utime(tmp_path / "ada" / f"{lab.name}.ipynb", (1e9, 1e9))
    one = looked_at(tmp_path, lab, solutions)["ada"]
    assert one.reason == ""
    assert one.notes == [f"handed in more than once: {lab.name}.ipynb is graded, not newer.ipynb"]


# ------------------------------------------------------------------ ids and rosters

ROSTER = """student,name,email,also
ada,Ada Lovelace,ada.l@example.org,countess; AdaL
bob,Bob Ross,bob@example.org,
eve,Eve,eve@example.org,
"""


def with_id(lab: Lab, name: str) -> Files:
    return kinds.solved(lab, name)


def test_ids_are_compared_with_the_roster(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    put(tmp_path / "Countess", with_id(lab, " ADA "))
    put(tmp_path / "bob", with_id(lab, "robert"))
    put(tmp_path / "stranger", with_id(lab, "eve"))
    found = looked_at(tmp_path, lab, solutions, ROSTER)
    assert list(found) == ["ada", "bob", "stranger"]
    assert found["ada"].flags == []
    assert found["bob"].flags == ["student_id 'robert' is not like the folder's name"]
    assert found["stranger"].flags == ["student_id 'eve' is not like the folder's name"]


def test_where_no_folder_is_called_like_an_id_nobody_is_flagged(
    tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    for number in range(4):
        put(tmp_path / f"participant {number}", with_id(lab, f"s{number}"))
    assert [one.flags for one in looked_at(tmp_path, lab, solutions).values()] == [[]] * 4


def test_an_id_may_be_part_of_a_folders_name(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    put(tmp_path / "lab01-ada", with_id(lab, "ada"))
    put(tmp_path / "Bob_77_assignsubmission_file_", with_id(lab, "bob"))
    put(tmp_path / "eve", with_id(lab, "ada"))
    found = looked_at(tmp_path, lab, solutions)
    assert found["lab01-ada"].flags == ["has the same student_id as eve"]
    assert found["Bob_77_assignsubmission_file_"].flags == []
    assert len(found["eve"].flags) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nAda\n", "no column student"),
        ("student\nada\nada\n", "ada is there twice"),
        ("student\n../ada\n", "cannot be the name of a folder"),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        Roster.read(path)


@pytest.mark.parametrize(
    ("called", "student"),
    [
        ("ada", "ada"),
        ("ADA.L@example.org", "ada"),
        ("ada.l", "ada"),
        ("Ada Lovelace", "ada"),
        ("Lovelace, Ada", "ada"),
        ("lovelaceada", "ada"),
        ("lab-01-AdaL", "ada"),
        ("bob_2", "bob"),
        ("bob_eve", ""),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_names_that_belong_to_a_student(called: str, student: str, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER, encoding="utf-8-sig")  # as spreadsheets write it
    assert Roster.read(path).student(called) == student


def test_safe_names() -> None:
    assert all(map(is_safe, ("ada", "Ada Lovelace", "a.b+c@d.org", "ädä")))
    assert not any(map(is_safe, ("", "..", ".hidden", "a/b", "a\\b", "a:b", "a\n", "a ")))


# ------------------------------------------------------------------ times


def test_when_it_was_handed_in(tmp_path: Path) -> None:
    path = put(tmp_path / "ada", {"lab.ipynb": b"{}"}) / "lab.ipynb"
    os.utime(path, (1e9, 1e9))
    assert handed_in(path, tmp_path / "ada") == datetime.fromtimestamp(1e9, UTC)
    (path.parent / "timestamp.txt").write_text("2015-02-02 15:58:23.948203 America/Los_Angeles")
    found = handed_in(path, tmp_path / "ada")
    assert found is not None
    assert found.astimezone(UTC).isoformat(timespec="minutes") == "2015-02-02T23:58+00:00"
    (path.parent / "timestamp.txt").write_text("yesterday")
    assert handed_in(path, tmp_path / "ada") is None


def git(folder: Path, *arguments: str, when: str = "2026-03-01T10:00:00+00:00") -> None:
    """Run git with nobody's settings."""
    told = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*command, *arguments], check=True, env={**os.environ, **told}, timeout=60)


def test_in_a_clone_the_last_commit_counts(tmp_path: Path) -> None:
    folder = put(tmp_path / "ada", {"labs/lab/lab.ipynb": b"{}"})
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "done")
    put(folder, {"other.txt": b""})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "later", when="2026-05-01T10:00:00+00:00")
    path = folder / "labs/lab/lab.ipynb"
    assert handed_in(path, folder) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{folder}", "shallow")
    cut = tmp_path / "shallow"
    assert handed_in(cut / "labs/lab/lab.ipynb", cut) is None, "its only commit changed all files"
    assert handed_in(path, folder) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    config = folder / ".git" / "config"
    config.write_text(config.read_text() + '[gpg]\n\tprogram = "touch /tmp/never"\n')
    assert handed_in(path, folder) is None, "settings that came with it might start programs"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-10-01 23:59:00+02:00", "2026-10-01T21:59:00+00:00"),
        ("2026-10-01T23:59:00Z", "2026-10-01T23:59:00+00:00"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01 10:00:00 Nowhere/Land", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times(text: str, found: str | None) -> None:
    when = time_of(text)
    assert (when and when.astimezone(UTC).isoformat()) == found


def test_how_late_in_words() -> None:
    due = datetime(2026, 10, 1, 12, tzinfo=UTC)
    assert how_late(due, due) == how_late(None, due) == how_late(due, None) == ""
    assert how_late(due + timedelta(seconds=1), due) == "1 min"
    assert how_late(due + timedelta(hours=2, minutes=4, seconds=1), due) == "2 h 5 min"
    assert how_late(due + timedelta(minutes=5), due) == "5 min"
    assert how_late(due + timedelta(days=3, hours=1), due) == "3 d 1 h"


# ------------------------------------------------------------------ collecting


def archive(files: dict[str, bytes], when: tuple[int, ...] = (2026, 3, 1, 10, 0, 0)) -> bytes:
    """A zip file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name, when), content)  # type: ignore[arg-type]
    return data.getvalue()


def one_notebook(lab: Lab, student: str) -> bytes:
    return kinds.solved(lab, student)[f"{lab.name}/{lab.name}.ipynb"]


def collected(
    source: Path, lab: Lab, solutions: Path, into: Path, roster: str = ""
) -> tuple[list[str], dict[str, bytes]]:
    """Collect; return what was said and what is there."""
    who = Roster()
    if roster:
        (into.parent / "roster.csv").write_text(roster)
        who = Roster.read(into.parent / "roster.csv")
    said = collect(source, lab, graded_cells(solutions), who, into)
    found = {
        path.relative_to(into).as_posix(): path.read_bytes()
        for path in sorted(into.rglob("*.ipynb"))
    }
    return said, found


def layouts(lab: Lab) -> dict[str, dict[str, bytes]]:
    """Archives of two students' work, as different systems give them out."""
    ada, bob = one_notebook(lab, "ada"), one_notebook(lab, "bob")
    return {
        "moodle": {
            f"Ada Lovelace_123_assignsubmission_file_/{lab.name}.ipynb": ada,
            "Bob Ross_124_assignsubmission_file_/my answer.ipynb": bob,
            "Bob Ross_124_assignsubmission_onlinetext_/onlinetext.html": b"<p>see file</p>",
        },
        "moodle-flat": {
            f"Ada Lovelace_123_assignsubmission_file_{lab.name}.ipynb": ada,
            f"Bob Ross_124_assignsubmission_file_{lab.name}.ipynb": bob,
        },
        "canvas": {
            f"lovelaceada_4711_99001_{lab.name}.ipynb": ada,
            f"rossbob_LATE_4712_99002_{lab.name}-1.ipynb": bob,
        },
        "blackboard": {
            f"lab01_ada_attempt_2026-03-01-10-00-00_{lab.name}.ipynb": ada,
            f"lab01_bob_attempt_2026-03-01-10-00-00_{lab.name}.ipynb": bob,
            "lab01_bob_attempt_2026-03-01-10-00-00.txt": b"Name: Bob",
        },
        "folders": {f"submissions/ada/{lab.name}.ipynb": ada, "submissions/bob/b.ipynb": bob},
        "archives": {
            "ada.zip": archive({f"{lab.name}.ipynb": ada, "__MACOSX/._x.ipynb": b"\x00"}),
            "bob.zip": archive({f"course/labs/{lab.name}/{lab.name}.ipynb": bob}),
        },
    }


@pytest.mark.parametrize(
    "layout", ["moodle", "moodle-flat", "canvas", "blackboard", "folders", "archives"]
)
@pytest.mark.parametrize("unpacked", [False, True])
def test_what_a_learning_management_system_gives(
    layout: str, unpacked: bool, tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    files = layouts(lab)[layout]
    if unpacked:
        source = put(tmp_path / "source", files)
        source = source / "submissions" if layout == "folders" else source
    else:
        source = tmp_path / "all.zip"
        source.write_bytes(archive(files))
    said, found = collected(source, lab, solutions, tmp_path / "submitted", ROSTER)
    assert found == {
        f"ada/{lab.name}/{lab.name}.ipynb": one_notebook(lab, "ada"),
        f"bob/{lab.name}/{lab.name}.ipynb": one_notebook(lab, "bob"),
    }
    assert "eve: nothing handed in" in said
    assert ("late" in said[1]) == (layout == "canvas")
    stamp = (tmp_path / "submitted" / "ada" / lab.name / "timestamp.txt").read_text()
    if not unpacked or layout in ("blackboard", "archives"):
        assert stamp.startswith("2026-03-01T10:00:00")
    graded = looked_at(tmp_path / "submitted", lab, solutions)
    assert [one.reason for one in graded.values()] == ["", ""]


def test_clones_of_a_classroom(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    for handle, student in (("countess", "ada"), ("bob", "bob")):
        folder = put(
            tmp_path / "clones" / f"lab-01-{handle}",
            {
                f"labs/{lab.name}/{lab.name}.ipynb": one_notebook(lab, student),
                "notebooks/01.ipynb": kinds.no_lab(lab, "")[f"{lab.name}/{lab.name}.ipynb"],
            },
        )
        git(folder, "init", "--quiet")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "-m", "done")
    into = tmp_path / "submitted"
    said, found = collected(tmp_path / "clones", lab, solutions, into, ROSTER)
    assert set(found) == {f"{one}/{lab.name}/{lab.name}.ipynb" for one in ("ada", "bob")}
    stamp = into / "ada" / lab.name / "timestamp.txt"
    assert stamp.read_text().strip() == "2026-03-01T10:00:00+00:00"
    assert said[0].startswith("ada: collected labs/")
    # Without a roster the assignment's name is taken off the folders'.
    _, found = collected(tmp_path / "clones", lab, solutions, tmp_path / "again")
    assert {name.split("/")[0] for name in found} == {"bob", "countess"}


def test_collecting_again_takes_what_is_newer(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    into = tmp_path / "submitted"
    versions = [one_notebook(lab, "ada"), one_notebook(lab, "ada") + b" "]
    source = tmp_path / "all.zip"

    def say(version: int, day: int) -> str:
        files = {"ada/lab.ipynb": versions[version], "bob/lab.ipynb": one_notebook(lab, "bob")}
        source.write_bytes(archive(files, (2026, 3, day, 10, 0, 0)))
        return collected(source, lab, solutions, into)[0][0]

    assert "collected" in say(0, 2)
    assert "as before" in say(0, 2)
    assert "older than what is there" in say(1, 1)
    assert (into / "ada" / lab.name / f"{lab.name}.ipynb").read_bytes() == versions[0]
    assert "replaced" in say(1, 3)
    assert (into / "ada" / lab.name / f"{lab.name}.ipynb").read_bytes() == versions[1]


@pytest.mark.parametrize("unpacked", [False, True])
def test_who_has_no_notebook_here_is_told_from_who_has_handed_in_nothing(
    unpacked: bool, tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    """A class hands in by several ways, and some hand in what is no notebook."""
    roster = "student,name\nada,Ada Lovelace\nbob,Bob Ross\neve,Eve Hill\nmay,May Fly\nzoe,Zoe K\n"
    into = tmp_path / "submitted"
    files = {"ada/lab.ipynb": one_notebook(lab, "ada"), "bob/lab.ipynb": one_notebook(lab, "bob")}
    collected(put(tmp_path / "first", files), lab, solutions, into, roster)
    later = {
        f"all/May Fly_7_assignsubmission_file_/{lab.name}.ipynb": one_notebook(lab, "may"),
        "all/Bob Ross_8_assignsubmission_file_/lab.html": b"<html>",
        **{f"all/Eve Hill_9_assignsubmission_file_/{name}.pdf": b"%PDF" for name in "abcde"},
        "all/readme.txt": b"",
    }
    source = put(tmp_path / "later", later) / "all"
    if not unpacked:
        source = tmp_path / "later.zip"
        source.write_bytes(archive(later))
    said, _ = collected(source, lab, solutions, into, roster)
    assert said == [
        f"may: collected {lab.name}.ipynb",
        "ada: nothing here; what was collected before stays",
        "bob: no notebook of at most 50 MB, only lab.html; what was collected before stays",
        "eve: no notebook of at most 50 MB, only a.pdf, b.pdf, c.pdf and 2 more",
        "zoe: nothing handed in",
    ]


def test_of_a_clone_git_is_asked_for_notebooks_only(
    tmp_path: Path, lab: Lab, solutions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or eighty clones of some five hundred files take minutes."""
    clone = put(
        tmp_path / "clones" / "ada",
        {f"labs/{lab.name}/{lab.name}.ipynb": one_notebook(lab, "ada"), "helpers/knee.py": b""},
    )
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "done")
    asked: list[str] = []
    monkeypatch.setattr(
        "helpers.authoring.grading.collect.handed_in",
        lambda path, folder: asked.append(path.name) or handed_in(path, folder),
    )
    collected(tmp_path / "clones", lab, solutions, tmp_path / "submitted")
    assert asked == [f"{lab.name}.ipynb"]


def test_an_archive_writes_nowhere_but_into_its_place(
    tmp_path: Path, lab: Lab, solutions: Path
) -> None:
    source = tmp_path / "all.zip"
    data = one_notebook(lab, "ada")
    source.write_bytes(
        archive(
            {
                "../../evil.ipynb": data,
                "/etc/evil.ipynb": data,
                "a\\..\\..\\evil.ipynb": data,
                "ada/../../../evil.ipynb": data,
                "ada/bomb.zip": archive({"x.ipynb": b" " * (LARGEST + 1)}),
                "ada/lab.ipynb": data,
            }
        )
    )
    before = set(tmp_path.parent.rglob("evil*"))
    said, found = collected(source, lab, solutions, tmp_path / "in" / "submitted")
    assert set(found) <= {f"{name}/{lab.name}/{lab.name}.ipynb" for name in ("ada", "a", "etc")}
    assert set(tmp_path.parent.rglob("evil*")) == before
    assert said


def test_a_damaged_file_is_collected_and_said(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    source = tmp_path / "all.zip"
    source.write_bytes(archive({"ada/lab.ipynb": b"{", "bob/lab.ipynb": one_notebook(lab, "bob")}))
    said, found = collected(source, lab, solutions, tmp_path / "submitted")
    assert re.search("ada: collected lab.ipynb; it will not be graded: .*damaged", said[0])
    assert len(found) == 2


def test_what_is_no_archive_is_refused(tmp_path: Path, lab: Lab, solutions: Path) -> None:
    (tmp_path / "all.zip").write_bytes(b"<html>")
    (tmp_path / "none").mkdir()
    for name, said in (("all.zip", "neither a folder nor a zip"), ("none", "holds no notebooks")):
        with pytest.raises(ValueError, match=said):
            collect(tmp_path / name, lab, graded_cells(solutions), Roster(), tmp_path / "in")


def test_a_lab_is_called_by_the_beginning_of_its_name(solutions: Path) -> None:
    assert lab_name("lab01", solutions) == small.NAME
    with pytest.raises(LabError, match="more than one lab"):
        lab_name("lab", solutions)
    with pytest.raises(LabError, match="no lab of"):
        lab_name("lab07", solutions)
