"""The students' repository: complete, and without answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from helpers.authoring.course import CHAPTERS, ROOT, labs, notebooks
from helpers.authoring.students import LIST, StudentsError, answers_in, make


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as the command makes it."""
    folder = tmp_path_factory.mktemp("students") / "course"
    make(folder, repository="uni/design")
    return folder


def test_it_holds_the_course(students: Path) -> None:
    for page in notebooks():
        assert (students / page.relative_to(ROOT)).read_bytes() == page.read_bytes()
    for lab in labs():
        path = Path("labs") / lab / f"{lab}.ipynb"
        assert (students / path).read_bytes() == (ROOT / path).read_bytes()
    assert (students / "postBuild").stat().st_mode & 0o111


def test_it_holds_no_answers_no_tests_and_no_past(students: Path) -> None:
    names = {path.relative_to(students).as_posix() for path in students.rglob("*")}
    assert answers_in(students) == []
    for unwanted in (".git", "solutions", "tests", "helpers/authoring", "nbgrader_config.py"):
        assert unwanted not in names
    assert not [name for name in names if "test_" in name or "instructor" in name]
    text = "\n".join(
        path.read_text(encoding="utf-8", errors="ignore")
        for path in students.rglob("*")
        if path.is_file()
    )
    for marker in ("BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME"):
        assert marker not in text


def test_every_solution_is_found_wherever_it_lies() -> None:
    """The search does find answers: in the solutions, and in the tests that hold some."""
    found = {line.partition(":")[0] for line in answers_in(ROOT / "solutions")}
    assert found == {f"{lab}/{lab}.ipynb" for lab in labs()}


@pytest.mark.parametrize("lab", labs())
def test_each_answer_memo_and_hidden_test_is_searched_for(lab: str, tmp_path: Path) -> None:
    """One cell of the solution at a time, in a file of another kind."""
    notebook = nbformat.read(ROOT / "solutions" / lab / f"{lab}.ipynb", as_version=4)
    (tmp_path / "empty.py").touch()
    found = []
    for index, cell in enumerate(notebook.cells):
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade") or about.get("solution"):
            (tmp_path / f"cell_{index}.py").write_text(cell.source.replace("    ", "  "))
            found.append(f"cell_{index}.py")
    told = {line.partition(":")[0] for line in answers_in(tmp_path)}
    missed = [name for name in found if name not in told]
    # An answer of one short line is no secret: a reader of the chapter would write the same.
    for name in missed:
        source = (tmp_path / name).read_text()
        hidden = re.findall(r"BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", source, re.S)
        lines = [line for part in hidden for line in part.splitlines() if len(line.strip()) >= 20]
        assert len(lines) < 6, f"{lab}, {name} would be handed out:\n{source}"
    assert len(missed) < len(found) / 3


def test_what_holds_answers_is_not_made(tmp_path: Path) -> None:
    root = tmp_path / "course"
    for name in ("README.md", "pyproject.toml", "postBuild", "environment.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
    lab = labs()[0]
    for kind in ("labs", "solutions"):
        (root / kind / lab).mkdir(parents=True)
        path = Path(kind) / lab / f"{lab}.ipynb"
        (root / path).write_bytes((ROOT / path).read_bytes())
    assert make(tmp_path / "one", root=root)
    solution = nbformat.read(root / "solutions" / lab / f"{lab}.ipynb", as_version=4)
    answer = next(c.source for c in solution.cells if "BEGIN HIDDEN TESTS" in c.source)
    (root / "helpers").mkdir()
    (root / "helpers" / "left_over.py").write_text(answer)
    with pytest.raises(StudentsError, match=r"(?s)nothing was made:.*helpers/left_over\.py"):
        make(tmp_path / "two", root=root)
    assert not (tmp_path / "two").exists()
    with pytest.raises(StudentsError, match="nothing was made"):
        make(tmp_path / "one", root=root)
    assert (tmp_path / "one" / "README.md").exists(), "what was there stays"


def test_its_first_page_leads_to_what_is_there(students: Path) -> None:
    text = (students / "README.md").read_text()
    assert "https://mybinder.org/v2/gh/uni/design/HEAD?urlpath=lab/tree/notebooks/00" in text
    assert "ORG/REPO" not in text
    for link in re.findall(r"\]\(([^)#]+)", text):
        if not link.startswith("http"):
            assert (students / link).exists(), link


def test_it_names_every_chapter_that_is_written(students: Path) -> None:
    text = (students / "README.md").read_text()
    assert all(f"(notebooks/{one.name}.ipynb)" in text for one in CHAPTERS if one.written)


def test_the_claims_lead_to_no_test(students: Path) -> None:
    text = (students / "docs" / "claims.md").read_text()
    assert "../tests/" not in text
    assert "theory by hand" in text


def test_it_can_be_installed(students: Path) -> None:
    project = tomllib.loads((students / "pyproject.toml").read_text())
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dependencies"] == whole["project"]["dependencies"]
    assert project["build-system"] == whole["build-system"]
    assert set(project["project"]["optional-dependencies"]) == {"sweep"}
    assert (students / project["project"]["readme"]).exists()
    for name in project["project"]["license-files"]:
        assert (students / name).exists()
    done = subprocess.run(
        [sys.executable, "-c", "import helpers.scaling, helpers.explore; print(helpers.__path__)"],
        cwd=students,
        env={"PYTHONPATH": str(students), "HOME": str(students.parent), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert str(students) in done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="repo2docker does not run on Windows")
def test_binder_reads_it(students: Path) -> None:
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=students, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert '--file "environment.yml"' in said
    assert "RUN ./postBuild" in said


def test_make_lab_is_one_command(students: Path) -> None:
    command = [
        "make",
        "--no-print-directory",
        "--dry-run",
        "lab",
        f"PYTHON={sys.executable}",
        "PORT=8890",
        "BROWSER=no",
        "ARGS=",  # those of `make test` are not for it
    ]
    done = subprocess.run(command, cwd=students, capture_output=True, text=True, check=True)
    said = f"{sys.executable} helpers/start.py lab --port 8890 --no-browser"
    assert done.stdout.replace("\\\n", "").split() == said.split()


def test_labs_are_given_out_one_after_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("[core]\n")
    first, second = labs()[:2]
    make(folder, labs=[first])
    assert [path.name for path in (folder / "labs").iterdir()] == [first]
    text = (folder / "README.md").read_text()
    assert f"labs/{first}/" in text
    assert f"labs/{second}/" not in text
    make(folder, labs=[first[:5], second[:5]])
    assert sorted(path.name for path in (folder / "labs").iterdir()) == [first, second]
    make(folder, labs=[second])
    assert [path.name for path in (folder / "labs").iterdir()] == [second]
    assert (folder / ".git" / "config").read_text() == "[core]\n"
    written = set(json.loads((folder / LIST).read_text()))
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    assert there == written | {LIST}


def test_nobodys_files_are_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(StudentsError, match="holds something else"):
        make(tmp_path)
    for folder in (ROOT, ROOT / "students", ROOT.parent):
        with pytest.raises(StudentsError, match="lie in one another"):
            make(folder)
    with pytest.raises(StudentsError, match="no lab is called 'lab99'"):
        make(tmp_path / "course", labs=["lab99"])
