"""Make the repository that students get: the course without answers, and without its past.

Files are chosen by name, not left out by name, so that what is new stays at home until somebody
says that it may leave. What was written is then searched for answers.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from helpers.authoring.course import ROOT

#: What students get, as folders and files. Labs come one by one.
GIVEN = (
    *("notebooks", "helpers", "environment.yml", "postBuild", "requirements.lock"),
    *("LICENSE", "LICENSE-text", "CITATION.cff", ".gitignore", "docs/explorer.png"),
    "docs/claims.md",
)
#: What is not theirs among it.
KEPT = ("helpers/authoring",)
#: Remembers what this command has written, so that it can be run again.
LIST = ".course-files.json"

README = """# System design, by doing

{about}

[![Open on Binder](https://mybinder.org/badge_logo.svg)][binder]

```
make lab     # sets everything up and opens the course in JupyterLab
make update  # fetches what is new; your runs, notes and answers are kept
```

It needs Python 3.11 or newer and nothing else. Without make, on Windows too:
`python helpers/start.py` and `python helpers/update.py`. On a server:
`make lab PORT=8890 BROWSER=no`. Where an update brings a new version of a file that you changed,
yours lies in `progress/kept/`.

![An explorer: sliders, and simulated points on the curves of theory](docs/explorer.png)

## The chapters

{chapters}

## Labs

A lab is one notebook. Put your student id into its first code cell, answer in the cells that are
there for it, and run the checks as often as you like. Before you hand in, restart the kernel and
run all cells. Hand in that notebook and nothing else, under the name it has: do not copy cells into
a new notebook, because your work is found by what Jupyter stores with each cell.

Code is under the [MIT licence](LICENSE), text and figures under [CC BY 4.0](LICENSE-text).

[binder]: https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb
"""
MAKEFILE = """# Nothing but Python 3.11 or newer is needed. Without make: python helpers/start.py

PYTHON ?= python3

.DEFAULT_GOAL = lab
.PHONY: lab update clean

lab: ## open the course in JupyterLab (PORT=8890 BROWSER=no on a server)
	@$(PYTHON) helpers/start.py lab $(if $(PORT),--port $(PORT)) \\
		$(if $(filter no,$(BROWSER)),--no-browser) $(ARGS)

update: ## bring the course up to date; what you did in it is kept
	@$(PYTHON) helpers/update.py

clean: ## delete the environment; your progress stays
	rm -rf .venv *.egg-info
"""
#: Tables of pyproject.toml that an installation needs.
_TABLES = ("build-system", "project", "tool.setuptools")


class StudentsError(ValueError):
    """The students' repository cannot be made; the message says why."""


def make(
    folder: Path,
    *,
    labs: Iterable[str] | None = None,
    repository: str | None = None,
    root: Path = ROOT,
) -> list[str]:
    """Write the students' repository, or bring it up to date.

    Parameters
    ----------
    folder : Path
        Where. It is new, or this command made it; a ``.git`` in it is left alone.
    labs : iterable of str, optional
        How the names of the labs to give out begin; all by default.
    repository : str, optional
        Owner and name on GitHub, for the link to Binder.
    root : Path, optional
        The course.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    StudentsError
        If the folder holds something else, lies within the course, or would hold answers; then
        nothing is left in it.
    """
    folder, root = folder.resolve(), root.resolve()
    if folder == root or root in folder.parents or folder in root.parents:
        raise StudentsError(f"{folder} and the course {root} lie in one another")
    before = _written_before(folder)
    chosen = _labs(root, labs)
    content = {name: (root / name).read_bytes() for name in _given(root, chosen)}
    if claims := content.get("docs/claims.md"):  # the tests stay at home
        bare = re.sub(r"\[([^]]*)\]\(\.\./tests/[^)]*\)", r"\1", claims.decode())
        content["docs/claims.md"] = bare.encode()
    content["README.md"] = _readme(root, chosen, repository or "ORG/REPO").encode()
    content["Makefile"] = MAKEFILE.encode()
    content["pyproject.toml"] = _pyproject((root / "pyproject.toml").read_text()).encode()
    content[LIST] = (json.dumps(sorted(content), indent=1) + "\n").encode()
    with tempfile.TemporaryDirectory(prefix="sd-students-") as trial:
        _write(Path(trial), content)
        found = answers_in(Path(trial), root / "solutions", root / "labs")
    if found:
        raise StudentsError("these hold answers, so nothing was made:\n" + "\n".join(found))
    for name in before:
        (folder / name).unlink(missing_ok=True)
    _write(folder, content)
    _remove_empty(folder)
    return sorted(content)


def _write(folder: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if name == "postBuild":
            path.chmod(0o755)


def _written_before(folder: Path) -> list[str]:
    """What an earlier run has written there."""
    if not folder.exists() or {path.name for path in folder.iterdir()} <= {".git"}:
        return []
    try:
        names = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StudentsError(f"{folder} holds something else") from None
    return [name for name in names if (folder / name).resolve().is_relative_to(folder)]


def _labs(root: Path, called: Iterable[str] | None) -> list[str]:
    there = sorted(path.parent.name for path in root.glob("labs/*/*.ipynb"))
    if called is None:
        return there
    chosen = []
    for start in called:
        found = [name for name in there if name.startswith(start)]
        if not found:
            raise StudentsError(f"no lab is called {start!r}; there are {there}")
        chosen += found
    return sorted(set(chosen))


def _given(root: Path, labs: Iterable[str]) -> Iterator[str]:
    """Names of the files that students get, as they are."""
    wanted = [*GIVEN, *(f"labs/{name}" for name in labs)]
    for name in _files(root):
        inside = any(f"{name}/".startswith(f"{one}/") for one in wanted)
        if inside and not any(f"{name}/".startswith(f"{one}/") for one in KEPT):
            yield name


def _files(root: Path) -> list[str]:
    """Every file that belongs to the course; without git, what is not made by using it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        names = [name for name in listed.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
        unwanted = re.compile(r"(^|/)(__pycache__|\.ipynb_checkpoints|\.venv|[^/]*\.egg-info)/")
        names = [name for name in names if not unwanted.search(name)]
    return sorted(name for name in names if (root / name).is_file())


def _readme(root: Path, labs: list[str], repository: str) -> str:
    """The students' first page: the course's own words and table, without the missing labs."""
    text = (root / "README.md").read_text(encoding="utf-8")
    about = text.split("\n\n")[1]
    rows = [line for line in text.splitlines() if re.match(r"\|.*\(notebooks/\d\d_", line)]
    head = re.search(r"^\| chapter .*\n\|[-| ]+\|$", text, re.M)
    if head is None or not rows:
        raise StudentsError("README.md has no table of chapters")
    for index, row in enumerate(rows):
        for name in re.findall(r"\]\(labs/([^/)]+)/", row):
            if name not in labs:
                rows[index] = re.sub(r"\[[^]]*\]\(labs/[^)]*\)", "", row)
    chapters = "\n".join([head[0], *rows])
    return README.format(about=about, chapters=chapters, repository=repository)


def _pyproject(text: str) -> str:
    """What an installation needs of pyproject.toml."""
    kept: list[str] = []
    for table in re.split(r"\n(?=\[)", text):
        name = table.partition("]")[0].strip("[] \n")
        if name == "project.optional-dependencies":
            sweep = re.search(r"^sweep = .*$", table, re.M)
            if sweep:
                kept.append(f"[{name}]\n{sweep[0]}\n")
        elif any(f"{name}.".startswith(f"{one}.") for one in _TABLES):
            kept.append(table.rstrip() + "\n")
    made = "\n".join(kept)
    tomllib.loads(made)
    return made


def answers_in(
    folder: Path, solutions: Path = ROOT / "solutions", labs: Path = ROOT / "labs"
) -> list[str]:
    """Search a folder for what only the solutions know.

    A file holds an answer if three of six neighbouring lines, or a single long one, stand in a
    solution's answers, hidden tests or mark schemes, and not in the lab that students have.

    Parameters
    ----------
    folder : Path
        What to search, ``.git`` apart.
    solutions, labs : Path, optional
        The solutions, and what students have of them.

    Returns
    -------
    list of str
        For each such file its name and a line of what it holds.
    """
    secrets = set(_secrets(solutions, labs))
    if not secrets:
        raise StudentsError(f"{solutions} has no answers to search for")
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or ".git" in path.relative_to(folder).parts:
            continue
        lines = [line for line in map(_plain, _lines(path)) if line]
        for index, one in enumerate(lines):
            near = sum(line in secrets for line in lines[index : index + 6])
            if one in secrets and (len(one) > 60 or near >= 3):
                found.append(f"{path.relative_to(folder)}: {one}")
                break
    return found


def _secrets(solutions: Path, labs: Path) -> Iterator[str]:
    """Lines of answers, hidden tests and mark schemes that no lab shows."""
    for path in sorted(solutions.glob("*/*.ipynb")):
        released = labs / path.relative_to(solutions)
        shown = set(map(_plain, _lines(released))) if released.exists() else set()
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            source = "".join(cell["source"])
            inside = cell["cell_type"] == "markdown" and about.get("solution", False)
            for line in source.splitlines():
                if re.search(r"### (BEGIN|END) ", line):
                    inside = "BEGIN" in line or cell["cell_type"] == "markdown"
                elif inside and len(_plain(line)) >= 20 and _plain(line) not in shown:
                    yield _plain(line)


def _lines(path: Path) -> list[str]:
    """Lines of a text file; of a notebook, those of its cells."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    if path.suffix == ".ipynb":
        sources = ("".join(cell["source"]) for cell in json.loads(text)["cells"])
        text = "\n".join(sources)
    return text.splitlines()


def _plain(line: str) -> str:
    return " ".join(line.split())


def _remove_empty(folder: Path) -> None:
    for place in sorted(folder.rglob("*"), reverse=True):
        if place.is_dir() and ".git" not in place.parts and not any(place.iterdir()):
            shutil.rmtree(place)
