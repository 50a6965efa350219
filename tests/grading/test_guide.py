"""The guide for instructors, followed word for word from an empty folder to a table of marks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from helpers.authoring.course import ROOT
from helpers.authoring.grading.book import read_table, write_table
from helpers.authoring.grading.lab import Lab
from helpers.authoring.grading.room import fence
from tests.grading import kinds
from tests.grading.test_look import archive, git, put
from tests.project.files import tracked

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not fence.version(), reason="this kernel has no Landlock"),
    pytest.mark.skipif(not shutil.which("make"), reason="there is no make"),
]

GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", GUIDE, re.M | re.S)
COMMANDS = [line.strip() for kind, text in BLOCKS if not kind for line in text.splitlines()]
LAB = "lab02_thinking_at_scale"


@dataclass
class Followed:
    """What came of following the guide."""

    home: Path
    said: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def course(self) -> Path:
        """The instructor's copy."""
        return self.home / "system-design"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Every command of the guide, in its order; the first that fails ends it."""
    done = Followed(tmp_path_factory.mktemp("instructor"))
    upstream = done.home / "upstream"
    for path in tracked():
        target = upstream / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    git(upstream, "init", "--quiet")
    git(upstream, "add", "--all", "--force")
    git(upstream, "commit", "--quiet", "-m", "The course")
    tools = put(done.home / "bin", {"python": b""})
    _python(tools / "python")
    _python(tools / "python3")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    environment |= {
        "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
        "PYTHONPATH": str(done.course),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "Ines" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ines@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    for name in ("ARGS", "NB", "PYTHON", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    place = done.home
    for kind, text in BLOCKS:
        if kind == "csv":
            (done.course / "roster.csv").write_text(text)
        if kind:
            continue
        for command in text.strip().splitlines():
            for beginning, prepare in PREPARE.items():
                if command.strip().startswith(beginning):
                    prepare(done)
            if command.startswith("cd "):
                place = place / command.removeprefix("cd ")
                done.said[command] = 0 if place.is_dir() else 1, ""
                continue
            ran = subprocess.run(
                ["bash", "-c", command.replace("YOUR-COPY-OF-THIS-REPOSITORY", str(upstream))],
                cwd=place,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=900,
            )
            done.said[command] = ran.returncode, ran.stdout
            if ran.returncode:
                return done
    return done


def _python(path: Path) -> None:
    """This Python under another name; it installs nothing, whoever asks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse = 'case " $* " in *" pip "*) echo "nothing is installed in a test"; exit 9;; esac'
    path.write_text(f'#!/bin/sh\n{refuse}\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o755)


def _environment(done: Followed) -> None:
    """What installing would leave behind."""
    _python(done.course / ".venv" / "bin" / "python")
    script = "import helpers.start as s\nfor k in s.LOCKS: s.stamp(k).write_text(s.fingerprint(k))"
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=done.course,
        env={**os.environ, "PYTHONPATH": str(done.course)},
        check=True,
        timeout=60,
    )


def _work(student: str, kind: Callable[[Lab, str], kinds.Files], given: Path) -> bytes:
    """A student's notebook, made from the lab in the students' own repository."""
    lab = Lab(
        LAB,
        nbformat.read(ROOT / "solutions" / LAB / f"{LAB}.ipynb", as_version=4),
        nbformat.read(given / "labs" / LAB / f"{LAB}.ipynb", as_version=4),
    )
    return next(iter(kind(lab, student).values()))


def _download(done: Followed) -> None:
    given = done.home / "system-design-students"
    folder = "{}_{}_assignsubmission_file_/{}.ipynb"
    files = {
        folder.format("Ada Lovelace", 11, LAB): _work("ada", kinds.solved, given),
        folder.format("Grace Hopper", 12, "lab 2 final"): _work("grace", kinds.half, given),
        folder.format("Alan Turing", 13, LAB): _work("alan", kinds.stripped, given),
    }
    put(done.course, {"downloads/submissions.zip": archive(files, (2026, 10, 2, 8, 0, 0))})


def _clones(done: Followed) -> None:
    """As GitHub Classroom has it: a repository from the students' one, and a clone of it."""
    work, hub = done.home / "edsger", done.home / "hub" / "lab02-ewd.git"
    shutil.copytree(done.home / "system-design-students", work)
    shutil.rmtree(work / ".git")
    answer = _work("edsger", kinds.solved, done.home / "system-design-students")
    git(put(work, {f"labs/{LAB}/{LAB}.ipynb": answer}), "init", "--quiet")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "done", when="2026-10-01T20:00:00+00:00")
    git(work, "clone", "--quiet", "--bare", str(work), str(hub))
    put(done.course / "clones", {})
    git(done.course / "clones", "clone", "--quiet", str(hub))
    # Edsger goes on working.
    git(work, "commit", "--quiet", "--allow-empty", "-m", "more", when="2026-10-03T20:00:00+00:00")
    git(work, "push", "--quiet", str(hub), "HEAD")


def _read_memos(done: Followed) -> None:
    """What a person would do: read, and write points into the table."""
    table = done.course / "grading" / LAB / "memos.csv"
    assert "## ada" in table.with_name("memos.md").read_text()
    rows = read_table(table)
    for row in rows:
        row["points"] = "4" if row["student"] == "ada" else ""
    write_table(table, rows, list(rows[0]))


PREPARE: dict[str, Callable[[Followed], None]] = {
    "python3 helpers/start.py install": _environment,
    ".venv/bin/python -m helpers.authoring collect downloads": _download,
    ".venv/bin/python -m helpers.authoring collect clones": _clones,
    ".venv/bin/python -m helpers.authoring marks": _read_memos,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command: str, followed: Followed) -> None:
    assert command in followed.said, f"not reached: {list(followed.said.items())[-1]}"
    code, said = followed.said[command]
    assert code == 0, said


def said_by(followed: Followed, word: str) -> str:
    """What the last command that holds a word has said."""
    return next(said for command, (_, said) in reversed(followed.said.items()) if word in command)


def test_there_is_something_to_follow() -> None:
    for word in ("students", "collect", "grade", "marks", "feedback", "export"):
        assert any(f"helpers.authoring {word}" in command for command in COMMANDS), word
    assert len(COMMANDS) == len(set(COMMANDS)) > 12


def test_the_students_repository_has_a_commit_each_time_and_no_solutions(
    followed: Followed,
) -> None:
    folder = followed.home / "system-design-students"
    log = subprocess.run(
        ["git", "-C", str(folder), "log", "--oneline"], capture_output=True, text=True, check=True
    )
    assert len(log.stdout.splitlines()) == 2
    changed = subprocess.run(
        ["git", "-C", str(folder), "status", "--porcelain"], capture_output=True, check=True
    )
    assert changed.stdout == b""
    assert not (folder / "solutions").exists()
    assert sorted(path.name[:5] for path in (folder / "labs").iterdir()) == ["lab01", "lab02"]


def test_the_report_says_what_the_guide_says(followed: Followed) -> None:
    said = said_by(followed, "grade")
    assert f"{LAB}: 3 graded, 1 not graded, 1 not handed in" in said
    assert re.search(r"Not graded, no score:\n  alan  all its cells have lost the metadata", said)
    assert re.search(r"Late:\n  ada    8 h 1 min\n  alan   8 h 1 min\n  grace  8 h 1 min", said)
    assert "Not handed in:\n  barbara  Barbara Liskov" in said
    assert "To be looked at" not in said
    assert "warning" not in said.lower()


def test_the_table_of_marks(followed: Followed) -> None:
    rows = {row["student"]: row for row in read_table(followed.course / "grades.csv")}
    assert {name: row["status"] for name, row in rows.items()} == {
        "ada": "graded",
        "grace": "graded",
        "alan": "not graded",
        "edsger": "memo not marked",
        "barbara": "not handed in",
    }
    assert (rows["ada"]["memo"], rows["alan"]["total"], rows["barbara"]["total"]) == ("4", "", "")
    assert float(rows["ada"]["total"]) == float(rows["ada"]["tests"]) + 4
    assert float(rows["edsger"]["tests"]) == float(rows["ada"]["tests"])
    assert float(rows["grace"]["total"]) < float(rows["ada"]["total"])


def test_feedback_is_where_the_guide_says(followed: Followed) -> None:
    for student in ("ada", "grace", "edsger"):
        page = followed.course / "feedback" / student / LAB / f"{LAB}.html"
        assert "HIDDEN TESTS" not in page.read_text()
    assert not (followed.course / "feedback" / "alan").exists()


def test_git_sees_nothing_of_the_class(followed: Followed) -> None:
    """Besides what the test has put there itself, and the lab that was run again."""
    status = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=followed.course,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line[3:].split("/")[0] for line in status.stdout.splitlines()}
    assert names <= {"solutions", "labs"}


def test_a_clone_is_brought_up_to_date(followed: Followed) -> None:
    clone = followed.course / "clones" / "lab02-ewd"
    log = subprocess.run(
        ["git", "-C", str(clone), "log", "--format=%s"], capture_output=True, text=True, check=True
    )
    assert log.stdout.split() == ["more", "done"]
