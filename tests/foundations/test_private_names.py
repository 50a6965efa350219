"""Nothing hangs on a name that matplotlib keeps to itself, and may change without a word."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

from helpers.authoring.course import ROOT

#: A named tuple's methods have an underscore so that they are no field's name; they are public.
NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMED_TUPLES


def own_names(tree: ast.AST) -> set[str]:
    """What a file defines or sets."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def foreign_private_names(tree: ast.AST, own: set[str]) -> list[str]:
    """Private names that a file imports, or asks objects for, that are not the course's own."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("matplotlib"):
            found += [name.name for name in node.names if is_private(name.name)]
            found += [part for part in node.module.split(".") if is_private(part)]
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            found.append(node.attr)
    return found


FILES = [
    path
    for path in sorted((ROOT / "helpers").rglob("*.py"))
    if "matplotlib" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_name_of_matplotlib_is_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert foreign_private_names(tree, own_names(tree)) == []


def test_the_files_that_draw_are_looked_at() -> None:
    names = {path.name for path in FILES}
    assert {"canvas.py", "style.py", "words.py", "letters.py", "axes.py"} <= names


@pytest.mark.parametrize(
    "line",
    [
        "ax._children",
        "from matplotlib.backends._backend_agg import RendererAgg",
        "from matplotlib.text import _get_textbox",
        "renderer._renderer.draw_text_image(letters)",
    ],
)
def test_a_private_name_would_be_noticed(line: str) -> None:
    tree = ast.parse(f"def _mine(): ...\nself._own = _mine()\n{line}\nself._own._mine()")
    assert len(foreign_private_names(tree, own_names(tree))) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_method_of_matplotlib_is_replaced(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ != module.__name__:
            continue
        theirs = [base for base in kind.__mro__ if base.__module__.startswith("matplotlib")]
        ours = {name for name, value in vars(kind).items() if is_private(name) and callable(value)}
        replaced = {name for base in theirs for name in ours & set(vars(base))}
        assert not replaced, f"{kind.__name__} replaces {replaced}"
