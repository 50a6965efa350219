"""Begin an experiment or a page: files that already run, are tested, and say what to fill in."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring.course import ROOT
from helpers.authoring.execute import normalise

_TEMPLATES = Path(__file__).parent / "templates"


class ScaffoldError(ValueError):
    """What was asked for cannot be begun; the message says why."""


def new_experiment(where: str, root: Path = ROOT, page: Path | None = None) -> list[Path]:
    """Write an experiment's file and its test, and at a page's end the cells that show it.

    Parameters
    ----------
    where : str
        ``"caching/tiered"``: the chapter's folder in ``helpers`` and the experiment's name.
    root : Path
        The top of the course.
    page : Path, optional
        A notebook that gets the cells; move them to where they belong, and run it.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ScaffoldError
        If there is no such chapter or page, the name is no name, or the experiment is there
        already.
    """
    chapter, _, name = where.partition("/")
    package = root / "helpers" / chapter
    if not name or not (package / "__init__.py").is_file():
        known = sorted(path.parent.name for path in root.glob("helpers/*/questions.py"))
        raise ScaffoldError(f"say CHAPTER/NAME, with a chapter among {', '.join(known)}")
    _check_name(name)
    if page is not None and not page.is_file():
        raise ScaffoldError(f"there is no page {page}")
    written = _write(
        {
            package / f"{name}.py": _template("experiment.py", chapter, name),
            root / "tests" / chapter / f"test_{name}.py": _template(
                "test_experiment.py", chapter, name
            ),
        }
    )
    if page is None:
        return written
    notebook = nbformat.read(page, as_version=4)
    cells = [
        new_markdown_cell("<What to move, and what to look at.>"),
        new_code_cell(
            "from helpers.explore import explore, slider\n"
            f"from helpers.{chapter} import {name}\n\n"
            f"explore({name}, failure=slider(), tries=slider())"
        ),
        *_open_model(f"helpers.{chapter}.{name}", name),
    ]
    notebook.cells += _with_ids(cells, name)
    page.write_text(normalise(notebook), encoding="utf-8", newline="\n")
    return [*written, page]


def new_page(name: str, root: Path = ROOT) -> list[Path]:
    """Write a page of one's own, with a package for its experiments and one experiment in it.

    Such a page has no claims and stands in no list of chapters; the tests run it all the same.

    Parameters
    ----------
    name : str
        ``"retries"``: name of the notebook and of the folder in ``helpers/pages``.
    root : Path
        The top of the course.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ScaffoldError
        If the name is no name, or is taken.
    """
    _check_name(name)
    pages = root / "helpers" / "pages"
    package, title = pages / name, name.replace("_", " ").capitalize()
    if package.exists():
        raise ScaffoldError(f"helpers/pages/{name} is there already")
    first = "first_experiment"
    inside, tests = f"pages.{name}", root / "tests" / "pages"
    return _write(
        {
            pages / "__init__.py": '"""Pages of one\'s own, beside the course\'s chapters."""\n',
            package / "__init__.py": f'"""{title}: <what the page is about>."""\n',
            package / "questions.py": _template("questions.py", inside, first, name),
            package / f"{first}.py": _template("experiment.py", inside, first),
            tests / "__init__.py": "",
            tests / name / "__init__.py": "",
            tests / name / f"test_{first}.py": _template("test_experiment.py", inside, first),
            root / "notebooks" / f"{name}.ipynb": normalise(_page(name, title, first)),
        }
    )


def _page(name: str, title: str, first: str) -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell(f"# {title}\n\n<What the learner will be able to do.>"),
        new_markdown_cell("<A sentence before the question.>"),
        new_code_cell(
            "from helpers.explore import explore, predict, slider\n"
            f"from helpers.pages.{name} import {first}, questions\n\n"
            'predict(questions, "three-tries")'
        ),
        new_markdown_cell("<What to move, and what to look at.>"),
        new_code_cell(
            f'explore({first}, after=(questions, "three-tries"), failure=slider(), tries=slider())'
        ),
        *_open_model(f"helpers.pages.{name}.{first}", first),
    ]
    return new_notebook(cells=_with_ids(cells, name))


def _open_model(module: str, experiment: str) -> list[nbformat.NotebookNode]:
    """The cells in which a learner reads an experiment's model, and changes it."""
    return [
        new_markdown_cell("<Why. Then the model:>"),
        new_code_cell("", metadata={"model": f"{module}:one_service"}),
        new_markdown_cell("<Your function on the same sliders.>"),
        new_code_cell(
            f"explore({experiment}, model=one_service, failure=slider(), tries=slider())"
        ),
        new_markdown_cell("<Two or three changes to try, and what should happen.>"),
    ]


def _with_ids(cells: list[nbformat.NotebookNode], name: str) -> list[nbformat.NotebookNode]:
    for index, cell in enumerate(cells):
        cell.id = f"{name.replace('_', '-')}-{index}"
    return cells


def _template(name: str, chapter: str, experiment: str, number: str = "") -> str:
    text = (_TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")
    return (
        text.replace("@number@", number).replace("@chapter@", chapter).replace("@name@", experiment)
    )


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ScaffoldError(f"a name is a word in lower case, such as tiered_cache; got {name!r}")


def _write(files: dict[Path, str]) -> list[Path]:
    for path in files:
        if path.exists() and path.name != "__init__.py":
            raise ScaffoldError(f"{path} is there already")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8", newline="\n")
    # Where a name sorts among imports, and how long its lines are, depends on the name.
    code = [str(path) for path in files if path.suffix == ".py"]
    for tidy in (["format"], ["check", "--select", "I", "--fix"]):
        command = [sys.executable, "-m", "ruff", *tidy, "--quiet", *code]
        subprocess.run(command, cwd=ROOT, check=True)
    return list(files)
