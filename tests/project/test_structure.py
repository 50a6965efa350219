"""The rooms of the house: who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.authoring.course import ROOT

HELPERS = ROOT / "helpers"
#: Folders that are no chapter.
ROOMS = {"authoring", "blueprint", "explore", "foundations", "grading", "pages"}
#: What only the page and pandas' table need; most of it is slow to import.
PAGE = ("IPython", "ipywidgets", "matplotlib.pyplot", "pandas")
#: Names that say nothing about what is in a file.
VAGUE = {"common", "helpers", "kit", "misc", "shared", "tools", "utils"}


def chapters() -> list[Path]:
    """The folders of the chapters."""
    found = sorted(path.parent for path in HELPERS.glob("*/__init__.py"))
    return [folder for folder in found if folder.name not in ROOMS]


def flat() -> list[Path]:
    """Those whose experiments are one file each; the others still have rooms for each kind."""
    return [folder for folder in chapters() if not (folder / "simulation").is_dir()]


def imports(source: str) -> Iterator[tuple[str, str | None]]:
    """Each import in a source text: the module, and the name taken from it if there is one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield "." * node.level + (node.module or ""), alias.name


def test_the_foundations_say_what_is_in_them() -> None:
    folder = HELPERS / "foundations"
    about = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    told = re.findall(r"^``(\w+)``", about, re.M)
    there = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert sorted(told) == sorted(there - {"__init__"})


def faults_of_plots(source: str) -> list[str]:
    """What a function that draws must not do: simulate or measure."""
    faults = []
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef) and function.name.lstrip("_").startswith("plot"):
            for call in ast.walk(function):
                name = getattr(call, "func", None)
                called = getattr(name, "attr", getattr(name, "id", ""))
                if called.startswith(("simulate", "measure")):
                    faults.append(f"{function.name} calls {called}")
    return faults


def faults_of_imports(source: str) -> list[str]:
    """What models and plots must not import: pyplot, which is global, and the learner's page."""
    faults = []
    for module, name in imports(source):
        if module == "matplotlib.pyplot" or (module == "matplotlib" and name == "pyplot"):
            faults.append("matplotlib.pyplot")
        if module.split(".")[0] in {"ipywidgets", "IPython", "anywidget"}:
            faults.append(module)
    return faults


def contract(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contract on the ``helpers`` in `folder`."""
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    return subprocess.run(
        [sys.executable, "-c", script.replace("lint_imports())", "lint_imports(no_cache=True))")],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_import_contract_is_kept() -> None:
    done = contract(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("foundations/prose.py", "import helpers.explore"),
        ("explore/controls.py", "import helpers.scaling"),
        ("scaling/__init__.py", "import helpers.caching"),
        ("scaling/__init__.py", "import helpers.explore"),
        ("caching/__init__.py", "import helpers.authoring.course"),
        ("novel/__init__.py", ""),
    ],
)
def test_the_import_contract_can_be_broken(file: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(HELPERS, tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    target = tmp_path / "helpers" / file
    target.parent.mkdir(exist_ok=True)
    with target.open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    done = contract(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr


def sources() -> list[Path]:
    """Every file of the foundations, the blueprint and the chapters."""
    rooms = [HELPERS / "foundations", HELPERS / "blueprint", *chapters()]
    return sorted(path for room in rooms for path in room.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HELPERS)))
def test_drawing_takes_results_and_nothing_else(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert faults_of_plots(source) == []
    assert faults_of_imports(source) == []


def test_these_checks_can_fail() -> None:
    assert faults_of_plots("def plot(run, ax):\n    ax.plot(theory(run.at))") == []
    for line in ("simulate(run.at)", "knee.simulate()", "measure()", "simulate_wait_share(1)"):
        assert faults_of_plots(f"def plot_it(run, ax):\n    {line}"), line
    assert faults_of_imports("from matplotlib.axes import Axes") == []
    for line in (
        "import matplotlib.pyplot as plt",
        "from matplotlib import pyplot",
        "from ipywidgets import HTML",
        "import IPython.display",
    ):
        assert faults_of_imports(line), line


def test_there_are_chapters() -> None:
    assert len(chapters()) > 5


@pytest.mark.parametrize("folder", flat(), ids=lambda path: path.name)
def test_a_chapter_is_its_experiments(folder: Path) -> None:
    start = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(start), "it must say what the chapter is about"
    assert len(start.body) == 1, "a chapter has no export list"
    inside = [path.name for path in folder.iterdir() if path.is_dir()]
    assert set(inside) <= {"__pycache__"}, "experiments stand side by side, in no folders"
    names = {path.stem for path in folder.glob("*.py")}
    assert "questions" in names
    assert not names & VAGUE
    assert not [name for name in names - {"__init__"} if name.startswith("_")]


def test_importing_experiments_does_not_import_the_page() -> None:
    modules = [path for folder in flat() for path in folder.glob("*.py") if path.stem != "__init__"]
    assert len(modules) > len(flat())
    lines = "".join(f"import helpers.{path.parent.name}.{path.stem}\n" for path in modules)
    done = _python(f"import sys\n{lines}print(*[n for n in {PAGE!r} if n in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [], "import these where they are needed"


def undeclared(folder: Path, *groups: str) -> dict[str, list[str]]:
    """Modules that files below `folder` import and no requirement in `groups` provides."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for group in groups for text in extras[group])]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    provided = {
        module
        for module, distributions in packages_distributions().items()
        if declared & {canonicalize_name(name) for name in distributions}
    }
    # What is declared need not be installed: the benchmarks' rivals are only where they are raced.
    provided |= {"helpers", "tests", *declared, *sys.stdlib_module_names}
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        modules = {module.split(".")[0] for module, _ in imports(path.read_text(encoding="utf-8"))}
        if strange := sorted(modules - provided - {""}):
            found[str(path.relative_to(ROOT))] = strange
    return found


def test_every_import_is_declared() -> None:
    learner = undeclared(HELPERS)
    authors = {name: modules for name, modules in learner.items() if "/authoring/" in name}
    assert learner == authors, "a learner's installation lacks these"
    assert undeclared(HELPERS / "authoring", "test", "dev") == {}
    assert undeclared(ROOT / "tests", "test", "bench", "sweep") == {}
    assert authors, "this check finds nothing, not even nbgrader"


def _python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
