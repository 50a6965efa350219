"""The rooms of the house: who may import whom, and what importing costs."""

from __future__ import annotations

import ast
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
NOT_CHAPTERS = {"authoring", "explore"}
ROOMS = ("simulation", "theory", "measurement", "plots")
DRAWING = {"matplotlib", "ipywidgets", "IPython"}
SLOW = ("IPython", "ipywidgets", "matplotlib.pyplot", "pandas", "simpy")


def packages() -> list[str]:
    """Names of the foundations, the blueprint and every chapter."""
    return sorted(
        path.parent.name
        for path in HELPERS.glob("*/__init__.py")
        if path.parent.name not in NOT_CHAPTERS
    )


def files_of(room: str) -> list[Path]:
    """The files of one room, in every chapter: ``plots.py`` or those in ``plots/``."""
    return sorted([*HELPERS.glob(f"*/{room}.py"), *HELPERS.glob(f"*/{room}/**/*.py")])


def imports(source: str) -> Iterator[tuple[str, str | None]]:
    """Each import in a source text: the module, and the name taken from it if there is one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield "." * node.level + (node.module or ""), alias.name


def faults_of_plots(source: str) -> list[str]:
    """What a plots file must not import: whatever runs a simulation or a measurement.

    Result types and the names of designs are its business, so names in capitals may come in.
    """
    faults = []
    for module, name in imports(source):
        rooms = set(module.split(".")) & {"simulation", "measurement"}
        if name in {"simulation", "measurement"} or (rooms and name is None):
            faults.append(f"{module}: {name or 'the whole module'}")
        elif rooms and not name[0].isupper():
            faults.append(f"{module}: {name}")
        if module == "matplotlib.pyplot" or (module == "matplotlib" and name == "pyplot"):
            faults.append("matplotlib.pyplot")
        if module.split(".")[0] in {"ipywidgets", "IPython"}:
            faults.append(module)
    return faults


def faults_of_models(source: str) -> list[str]:
    """What simulation, theory and measurement must not import: anything that draws."""
    return [
        module
        for module, name in imports(source)
        if module.split(".")[0] in DRAWING or "plots" in {*module.split("."), name}
    ]


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


@pytest.mark.parametrize("path", files_of("plots"), ids=lambda path: str(path.relative_to(HELPERS)))
def test_plots_take_results_and_nothing_else(path: Path) -> None:
    assert faults_of_plots(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "path",
    [path for room in ("simulation", "theory", "measurement") for path in files_of(room)],
    ids=lambda path: str(path.relative_to(HELPERS)),
)
def test_models_draw_nothing(path: Path) -> None:
    assert faults_of_models(path.read_text(encoding="utf-8")) == []


def test_these_checks_can_fail() -> None:
    assert faults_of_plots("from helpers.scaling.simulation import RULES, KneeResult") == []
    for line in (
        "from helpers.scaling.simulation import KneeResult, simulate_knee",
        "from helpers.scaling.simulation.knee import simulate_knee",
        "from helpers.scaling.measurement import measure_knee",
        "from helpers.scaling import simulation",
        "from . import simulation",
        "import helpers.scaling.simulation",
        "import matplotlib.pyplot as plt",
        "from matplotlib import pyplot",
        "from ipywidgets import HTML",
    ):
        assert faults_of_plots(line), line
    assert faults_of_models("import numpy as np") == []
    for line in (
        "from matplotlib.axes import Axes",
        "import ipywidgets",
        "from IPython.display import display",
        "from helpers.scaling import plots",
        "from helpers.scaling.plots import plot_knee",
    ):
        assert faults_of_models(line), line


def test_there_are_rooms() -> None:
    assert len(packages()) > 3
    for room in ROOMS:
        assert files_of(room), room


@pytest.mark.parametrize("package", packages())
def test_a_package_says_what_it_offers(package: str) -> None:
    module = ast.parse((HELPERS / package / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(module), f"helpers/{package}/__init__.py has no docstring"
    if package == "foundations":  # used module by module, so that nobody loads what he does not use
        return
    script = (
        f"import helpers.{package} as package; names = getattr(package, '__all__', []); "
        "missing = [name for name in names if not hasattr(package, name)]; "
        "assert not missing, missing; assert len(names) == len(set(names))"
    )
    done = _python(script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", packages())
def test_importing_a_package_imports_nothing_slow(package: str) -> None:
    script = (
        f"import sys, helpers.{package}; print(*[name for name in {SLOW!r} if name in sys.modules])"
    )
    done = _python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [], f"import helpers.{package} imports these; import them lazily"


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
    provided |= {"helpers", "tests", *sys.stdlib_module_names}
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
