"""Evidence that nobody has chosen: found by what a chapter shows between a claim and its verdict.

The experiments that stand there, and the tests that use them, sorted by what they use: a
simulation, a theory, a measurement. Sources are the works that the section, or one of its
experiments, cites. An author who knows better writes it into ``claims.toml``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from helpers.authoring import bibliography
from helpers.authoring.check import ANCHOR, VERDICT, read
from helpers.authoring.course import ROOT, Chapter

MOST = 3  # tests of each kind: those whose names say it come first

_IMPORT = re.compile(r"^from helpers\.(\w+) import ([\w, ]+)$", re.MULTILINE)
_USES = {
    "measurement": re.compile(r"\bmeasure\w*\(|\bmeasurement|_real\b|\breal_"),
    "theory": re.compile(r"\btheory\b|closed_form|\bexact"),
    "simulation": re.compile(r"\bsimulate\b|\bmodel\b|\bexperiment\b"),
}
_NAMED = {
    "measurement": re.compile("real|kill|measure|loopback"),
    "theory": re.compile("theory|hand|formula|published|law|limit"),
    "simulation": re.compile("simulat|model|agree|follow|as_"),
}
#: What a test shows that is no evidence for a claim.
_BESIDE = re.compile(
    "^test_(the_page|the_picture|what_is_said|what_the_learner|the_sentence|numbers)"
)


def found(number: int, chapter: Chapter, kind: str) -> tuple[str, ...]:
    """Return evidence of one kind for a claim of a written chapter; empty if there is none.

    Parameters
    ----------
    number : int
        The claim's.
    chapter : Chapter
        Where it is judged.
    kind : {"simulation", "theory", "measurement", "source"}
    """
    modules = _shown(number, chapter)
    if kind == "source":
        return _sources(number, chapter, modules)
    tests = [
        (not _NAMED[kind].search(name), at, one)
        for at, (one, name, body) in enumerate(_tests(modules))
        if _USES[kind].search(body)
    ]
    return tuple(one for _, _, one in sorted(tests)[:MOST])


def _section(number: int, chapter: Chapter) -> list[tuple[str, str]]:
    """Kind and source of the cells from a claim's anchor to its verdict."""
    cells = [(cell.cell_type, cell.source) for cell in read(chapter.notebook).cells]

    def first_with(mark: re.Pattern[str], otherwise: int) -> int:
        for at, (kind, text) in enumerate(cells):
            if kind == "markdown" and any(int(one[1]) == number for one in mark.finditer(text)):
                return at
        return otherwise

    first = first_with(ANCHOR, len(cells))
    last = first_with(VERDICT, first)
    return cells[first : last + 1]


def _shown(number: int, chapter: Chapter) -> list[Path]:
    """Files of the experiments that a section's code cells name."""
    everything = "\n".join(
        cell.source for cell in read(chapter.notebook).cells if cell.cell_type == "code"
    )
    known = {
        name: ROOT / "helpers" / package / f"{name}.py"
        for package, names in _IMPORT.findall(everything)
        for name in names.replace(" ", "").split(",")
    }
    code = "\n".join(text for kind, text in _section(number, chapter) if kind == "code")
    named = (name for name in known if re.search(rf"\b{name}\b", code))
    return [known[name] for name in named if known[name].is_file() and name != "questions"]


@cache
def _functions(path: Path) -> tuple[tuple[str, str], ...]:
    """Names and sources of a test file's functions."""
    text = path.read_text(encoding="utf-8")
    return tuple(
        (node.name, ast.get_source_segment(text, node) or "")
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not _BESIDE.match(node.name)
    )


def _tests(modules: list[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield place, name and source of the tests that use one of some experiments."""
    for module in modules:
        folder = ROOT / "tests" / module.parent.name
        for path in sorted(folder.glob("test_*.py")):
            if path.stem in {"test_prose", "test_questions"} or "_lab" in path.stem:
                continue
            for name, body in _functions(path):
                if path.stem == f"test_{module.stem}" or re.search(rf"\b{module.stem}\.", body):
                    yield f"{path.relative_to(ROOT).as_posix()}::{name}", name, body


def _sources(number: int, chapter: Chapter, modules: list[Path]) -> tuple[str, ...]:
    texts = [text for kind, text in _section(number, chapter) if kind == "markdown"]
    said = [one for text in texts for one in bibliography.citations_in(chapter.notebook, text)]
    said += [one for one in bibliography.citations() if one.place in modules]
    keys = [one.work.key for one in said if one.work]
    return tuple(dict.fromkeys(keys))[:MOST]
