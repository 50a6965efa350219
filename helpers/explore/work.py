"""What there is to do in the course, read from its notebooks.

A chapter's predictions, quizzes, models and goals are what its code cells ask; a lab's checks are
its graded cells. A chapter that is added to the folder is found.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers.foundations.questions import Questions

ROOT = Path(__file__).resolve().parents[2]

# "# Chapter 4. The anatomy of a system": what stands before the name.
_NUMBER = re.compile(r"^#\s*(?:chapter\s*)?(?:\d+\s*[.:]?\s+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Lab:
    """A lab's checks.

    Attributes
    ----------
    path : Path
        The notebook.
    points : mapping of str to float
        Points for each check that runs by itself, by its key in the journal.
    sources : mapping of str to str
        The checks' code, by the same keys.
    """

    path: Path
    points: Mapping[str, float]
    sources: Mapping[str, str]

    @property
    def total(self) -> float:
        """Points for all of them."""
        return sum(self.points.values())


@dataclass(frozen=True)
class Chapter:
    """What a chapter asks for; each thing by its key in the journal.

    Attributes
    ----------
    number : str
        Two digits.
    title : str
        As the page begins, without its number.
    path : Path
        The notebook.
    predictions, quizzes, models, goals : tuple of str
        In the page's order.
    lab : Lab or None
        The lab, where there is one.
    """

    number: str
    title: str
    path: Path
    predictions: tuple[str, ...]
    quizzes: tuple[str, ...]
    models: tuple[str, ...]
    goals: tuple[str, ...]
    lab: Lab | None


def chapters(root: Path = ROOT) -> list[Chapter]:
    """Return the chapters of the course, in order."""
    found = labs(root)
    return [
        _chapter(path, next((lab for lab in found if path.stem[:2] == _number(lab)), None))
        for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    ]


def labs(root: Path = ROOT) -> list[Lab]:
    """Return the labs of the course, in order."""
    paths = sorted((root / "labs").glob("lab[0-9][0-9]_*/lab*.ipynb"))
    return [_lab(path, path.stat().st_mtime_ns) for path in paths]


def questions_of_chapters(root: Path = ROOT) -> list[Questions]:
    """Import what the chapters ask: every ``helpers/<chapter>/questions.py``."""
    places = sorted((root / "helpers").glob("*/questions.py"))
    modules: Iterator[Any] = (
        importlib.import_module(f"helpers.{place.parent.name}.questions") for place in places
    )
    return [module for module in modules if hasattr(module, "CHAPTER")]


def _number(lab: Lab) -> str:
    return lab.path.stem[3:5]


def cells_of(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, each with its source as one text."""
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    return [{**cell, "source": "".join(cell.get("source", ""))} for cell in cells]


@lru_cache(maxsize=64)
def _lab(path: Path, written_ns: int) -> Lab:
    """Read a lab once for each time that it was written: every cell with a check asks for all."""
    points, sources = {}, {}
    for cell in cells_of(path):
        about = cell.get("metadata", {}).get("nbgrader", {})
        if cell["cell_type"] == "code" and about.get("grade") and not about.get("solution"):
            key = f"{path.stem}/{about['grade_id']}"
            points[key], sources[key] = float(about["points"]), cell["source"]
    return Lab(path, points, sources)


def _chapter(path: Path, lab: Lab | None) -> Chapter:
    number = path.stem[:2]
    cells = cells_of(path)
    title = next((c["source"] for c in cells if c["source"].startswith("# ")), f"# {path.stem}")
    asked: dict[str, dict[str, None]] = {"predict": {}, "quiz": {}, "goal": {}, "model": {}}
    homes: dict[str, str] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            for kind, key in _asked(cell["source"], number):
                asked[kind][key] = None
            module, _, names = cell.get("metadata", {}).get("model", "").partition(":")
            homes.update({name.strip(): module for name in names.split(",") if name})
    return Chapter(
        number=number,
        title=_NUMBER.sub("", title.splitlines()[0]),
        path=path,
        predictions=tuple(asked["predict"]),
        quizzes=tuple(asked["quiz"]),
        models=tuple(f"{homes[name]}:{name}" for name in asked["model"] if name in homes),
        goals=tuple(asked["goal"]),
        lab=lab,
    )


def _asked(source: str, number: str) -> Iterator[tuple[str, str]]:
    """Yield kind and key of what a cell's calls ask; a model has its name for a key."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a learner is still writing it
        return
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        kind, words = call.func.id, {one.arg: one.value for one in call.keywords}
        if kind in ("predict", "quiz") and len(call.args) == 2 and _text(call.args[1]):
            yield kind, f"{number}-{_text(call.args[1])}"
        elif kind == "deal" and call.args and isinstance(deck := call.args[-1], ast.Attribute):
            yield from (("predict", f"{number}-{name}") for name in _dealt(deck.attr, number))
        elif kind == "predict" and _text(words.get("key")):
            yield kind, _text(words.get("key"))
        elif kind in ("explore", "expose"):
            if isinstance(goal := words.get("find"), ast.Tuple) and goal.elts:
                yield "goal", f"{number}-{_text(goal.elts[-1])}"
            if isinstance(model := words.get("model"), ast.Name):
                yield "model", model.id


def _dealt(deck: str, number: str) -> list[str]:
    """Return the predictions of a deck that a chapter's questions hold."""
    chapter = [one for one in questions_of_chapters() if number == one.CHAPTER]
    return [name for one in chapter for name in getattr(one, deck, ())]


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
