"""What the course holds, counted: the numbers that README.md says, made from the course itself.

``python -m helpers.authoring counts`` writes the paragraph, and a test fails where it is old.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.authoring import bibliography, claims, hours
from helpers.authoring.check import calls_in, code_cells, read
from helpers.authoring.course import CHAPTERS, ROOT

README = ROOT / "README.md"

_MARKED = re.compile(r"(<!-- counts -->\n).*?(\n<!-- /counts -->)", re.DOTALL)


@dataclass(frozen=True)
class Counts:
    """What there is.

    Attributes
    ----------
    chapters, labs : int
        That are written.
    explorers, replays, models, predictions : int
        On the chapters' pages: calls, and cells that hold a model.
    claims : dict of str to int
        Judged claims by their status.
    checks, points : int
        Of the labs: cells that judge by themselves, and what they give in all.
    works : int
        In the bibliography.
    tests : int
        Functions that test, however many cases each goes through.
    """

    chapters: int
    labs: int
    explorers: int
    replays: int
    models: int
    predictions: int
    claims: dict[str, int]
    checks: int
    points: int
    works: int
    tests: int


def counted() -> Counts:
    """Count everything."""
    chapters = [chapter for chapter in CHAPTERS if chapter.written]
    cells = [cell for chapter in chapters for _, cell in code_cells(read(chapter.notebook))]
    calls = [name for cell in cells for name in calls_in(cell.source)]
    graded = list(_graded())
    judged = [one.status for chapter in chapters for one in claims.verdicts(chapter).values()]
    return Counts(
        chapters=len(chapters),
        labs=sum(chapter.lab is not None for chapter in chapters),
        explorers=calls.count("explore"),
        replays=calls.count("replay"),
        models=sum("model" in cell.metadata for cell in cells),
        predictions=calls.count("predict"),
        claims={status: judged.count(status) for status in claims.STATUSES},
        checks=len(graded),
        points=sum(graded),
        works=len(bibliography.works()),
        tests=sum(
            _tests_in(path.read_text(encoding="utf-8"))
            for path in (ROOT / "tests").rglob("test_*.py")
        ),
    )


def paragraph() -> str:
    """Return what README.md says of it."""
    all_ = counted()
    judged = ", ".join(f"{count} {status}" for status, count in all_.claims.items())
    chapters, labs = hours.in_all()
    return "\n".join(
        (
            f"- **{all_.chapters} chapters** with {all_.explorers} explorers, "
            f"{all_.replays} replays, {all_.models} cells that hold a model",
            f"  to change, and {all_.predictions} predictions to commit to.",
            f"- **[{sum(all_.claims.values())} claims](docs/claims.md)**, each tried and judged: "
            f"{judged}.",
            f"  Page and code cite {all_.works} [sources](notebooks/bibliography.ipynb).",
            f"- **{all_.labs} labs** with {all_.checks} cells of checks for {all_.points} points.",
            f"- **About {chapters + labs} hours** of work: {chapters} with the chapters, "
            f"{labs} with the labs.",
            f"- **More than {all_.tests // 100 * 100:,} tests**, not counting the cases that each "
            "goes through.",
        )
    )


def write() -> list[Path]:
    """Bring README.md up to date; return it if it changed."""
    text = README.read_text(encoding="utf-8")
    new = _with_counts(text)
    if new != text:
        README.write_text(new, encoding="utf-8", newline="\n")
    return [README] if new != text else []


def outdated() -> list[str]:
    """Say whether README.md is old, or has no place for the numbers."""
    text = README.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        return ["README.md has no place for the counts"]
    return [] if _with_counts(text) == text else ["README.md: counts"]


def _with_counts(text: str) -> str:
    return _MARKED.sub(lambda found: f"{found[1]}{paragraph()}{found[2]}", text)


def _graded() -> Iterator[int]:
    """Points of each cell of a lab that judges by itself."""
    for chapter in CHAPTERS:
        if chapter.written and chapter.solution:
            for cell in read(chapter.solution).cells:
                about = cell.metadata.get("nbgrader", {})
                if about.get("grade") and not about.get("solution"):
                    yield int(about["points"])


@cache
def _tests_in(source: str) -> int:
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for node in ast.walk(ast.parse(source))
    )
