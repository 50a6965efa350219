"""The sources: every work that the course cites, once, and where it cites it.

The works stand in ``bibliography.toml``. A citation in prose or in a docstring is a year and,
shortly before it, a name: "Little, *A Proof*, 1961", "(Nishtala et al. 2013)", "Brewer wrote in
2012". ``python -m helpers.authoring bibliography`` finds them and writes the page.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.authoring.check import read
from helpers.authoring.course import CHAPTERS, ROOT, Chapter
from helpers.authoring.execute import normalise
from helpers.authoring.glossary import unlinked

WORKS = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "notebooks" / "bibliography.ipynb"
REACH = 260  # characters before a year in which its author stands

_YEAR = re.compile(r"(?<![\d\-/.,_v])(?:1[89]\d\d|20[0-2]\d)(?![\d%]|-\d|\.\d|,\d)")
_MONTH = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)  # fmt: skip
#: Before a year: it is the rest of a date, or tells when something happened or was so.
_DATE = re.compile(
    rf"(?:{_MONTH}) $|datetime\.date\($|\bIn $|defaults than in $|timeout came in $|"
    r"tables of $|printed in $|shape \($|10/31 $|Architecture, $"
)
#: Addresses and code cite nothing.
_HIDDEN = re.compile(r"https?://\S+|`[^`\n]*`|\]\([^)\n]*\)")
_HEAD = """# Sources

Every work that the chapters and the code rest on, once each, with the places that cite it. Where \
an address is given, it was looked up. {count} works.

[Contents](00_start_here.ipynb#The-map) · [Glossary](glossary.ipynb) · \
[Claims](../docs/claims.md)"""


class BibliographyError(ValueError):
    """The list of works cannot be read."""


@dataclass(frozen=True)
class Work:
    """One entry.

    Attributes
    ----------
    key : str
        First author and year; what links lead to.
    authors, title, venue : str
        As the page says them.
    year : int
    doi, url : str
        Where it was looked up; empty if it was not.
    names : tuple of str
        What a citation may call it; the page is sorted by the first.
    """

    key: str
    authors: str
    year: int
    title: str
    venue: str
    doi: str
    url: str
    names: tuple[str, ...]

    @cached_property
    def short_title(self) -> str:
        """The title, without its second half unless the first could be a name, like "Dynamo"."""
        head = self.title.partition(":")[0]
        return (head if len(head) > 15 else self.title).lower()

    @property
    def entry(self) -> str:
        """The entry in Markdown."""
        stop = "" if self.title.endswith(("?", "!")) else "."
        text = f"{self.authors}: *{self.title}*{stop} {self.venue}, {self.year}."
        if self.doi:
            text += f" [doi:{_escaped(self.doi)}](https://doi.org/{quote(self.doi, safe='/()')})"
        elif self.url:
            text += f" [{self.url.split('/')[2]}]({self.url})"
        return text


@dataclass(frozen=True)
class Citation:
    """A year in a text, and the work it means.

    Attributes
    ----------
    place : Path
        File, notebook or module.
    year : int
    around : str
        The words before it.
    work : Work or None
        None if the list holds no such work.
    """

    place: Path
    year: int
    around: str
    work: Work | None


@cache
def works() -> Mapping[str, Work]:
    """Return all works by their key.

    Raises
    ------
    BibliographyError
        If a key does not end with the year, or two entries have one title.
    """
    found = {}
    written = {one.number for one in CHAPTERS if one.written}
    for key, about in tomllib.loads(WORKS.read_text(encoding="utf-8")).items():
        if about.get("chapter", 0) not in written:
            continue
        if not key.endswith(str(about["year"])):
            raise BibliographyError(f"{key}: a key ends with the year, {about['year']}")
        whole = about.get("institution", False)
        names = [about["authors"]] if whole else _surnames(about["authors"])
        found[key] = Work(
            key,
            about["authors"],
            about["year"],
            about["title"],
            about["venue"],
            about.get("doi", ""),
            about.get("url", ""),
            (*names, *about.get("known_as", ())),
        )
    titles = [work.title.lower() for work in found.values()]
    twice = sorted({one for one in titles if titles.count(one) > 1})
    if twice:
        raise BibliographyError(f"listed twice: {', '.join(twice)}")
    return found


def citations_in(place: Path, text: str) -> Iterator[Citation]:
    """Find what a text cites: each year that is no date, with the work named last before it.

    A work whose title stands in the text is cited, whatever stands beside it.
    """
    hidden = _HIDDEN.sub(lambda match: "\0" * len(match.group()), text)
    found = set()
    for match in _YEAR.finditer(hidden):
        before = hidden[max(0, match.start() - REACH) : match.start()]
        of_year = (work for work in works().values() if work.year == int(match.group()))
        near = [(at, work) for work in of_year if (at := _last(work, before)) >= 0]
        work = max(near, key=lambda one: one[0])[1] if near else None
        if work or not _DATE.search(before):
            around = " ".join(text[max(0, match.start() - 60) : match.end()].split())
            yield Citation(place, int(match.group()), around, work)
            found.add(work)
    lower = hidden.lower()
    for work in works().values():
        if work.short_title in lower and work not in found:
            yield Citation(place, work.year, work.title, work)


@cache
def citations() -> tuple[Citation, ...]:
    """Return all citations of the written chapters and of the code."""
    found: list[Citation] = []
    for chapter in CHAPTERS:
        if chapter.written:
            for cell in read(chapter.notebook).cells:
                if cell.cell_type == "markdown":
                    found += citations_in(chapter.notebook, unlinked(cell.source))
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        if "authoring" not in path.parts:
            for text in _said(path):
                found += citations_in(path, text)
    return tuple(found)


def cited_by(key: str) -> tuple[list[Chapter], list[Path]]:
    """Return the chapters and the modules that cite a work."""
    places = {one.place for one in citations() if one.work and one.work.key == key}
    chapters = [chapter for chapter in CHAPTERS if chapter.notebook in places]
    return chapters, sorted(places - {chapter.notebook for chapter in chapters})


def page() -> NotebookNode:
    """Return the page of sources as a notebook: a cell for each letter."""
    cells = [new_markdown_cell(_HEAD.format(count=len(works())), id="head")]
    letters: dict[str, list[str]] = {}
    for work in sorted(works().values(), key=lambda work: (_plain(work.names[0]), work.year)):
        chapters, modules = cited_by(work.key)
        where = [f"[{one.number:02d}]({one.name}.ipynb)" for one in chapters]
        where += [f"[{one.stem}](../{one.relative_to(ROOT).as_posix()})" for one in modules]
        line = f'- <a id="{work.key}"></a>{work.entry} → {", ".join(where)}'
        letters.setdefault(_plain(work.names[0])[0].upper(), []).append(line)
    for letter, lines in letters.items():
        text = "\n".join([f"## {letter}", "", *lines])
        cells.append(new_markdown_cell(text, id=f"letter-{letter.lower()}"))
    cells.append(new_markdown_cell(_HEAD.rpartition("\n")[2], id="navigation"))
    return new_notebook(cells=cells)


def write() -> list[Path]:
    """Bring the page up to date; return it if it changed."""
    text = normalise(page())
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return []
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return [PAGE]


def outdated() -> list[str]:
    """Say what is cited and not listed, listed and not cited, and whether the page is old."""
    problems = [
        f"{one.place.relative_to(ROOT).as_posix()}: no work of {one.year} for {one.around!r}"
        for one in citations()
        if one.work is None
    ]
    cited = {one.work.key for one in citations() if one.work}
    problems += [f"{key}: nobody cites it" for key in works() if key not in cited]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != normalise(page()):
        problems.append(f"{PAGE.name}: run python -m helpers.authoring bibliography")
    return problems


def _surnames(authors: str) -> list[str]:
    """Return the last names of "Ann Bee, C. Dee and others (eds.)", in order."""
    people = re.sub(r" \(eds\.\)| and others", "", authors).split(", ")
    return [person.split()[-1] for person in people]


def _last(work: Work, text: str) -> int:
    """Where a text names a work last; -1 if nowhere."""
    spelled = "|".join(re.escape(name) for name in work.names)
    return max((one.start() for one in re.finditer(rf"\b(?:{spelled})\b", text)), default=-1)


def _said(path: Path) -> Iterator[str]:
    """Docstrings and comments of a module, and what its questions say, each as one line."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield " ".join((ast.get_docstring(node) or "").split())
        elif path.name == "questions.py" and isinstance(node, ast.Constant):
            yield str(node.value)
    lines: Sequence[tuple[int, str]] = [
        (token.start[0], token.string.lstrip("#: "))
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    block, last = "", -1
    for row, words in lines:
        if row != last + 1:
            yield block
            block = ""
        block, last = f"{block} {words}", row
    yield block


def _plain(text: str) -> str:
    """A text without accents and marks, to sort by."""
    text = re.sub(r"<[^>]*>", "", text)
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9 ]", "", bare.lower())


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")
