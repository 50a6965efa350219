"""The glossary: made from where the chapters explain a term, and linked from each first use.

A chapter explains a term in bold, with an anchor before it:

    The <a id="term-offered-load"></a>**offered load** is arrival rate times service time.

The sentence around the anchor, or the row of its table, is what the glossary says; so it must be
true without what stands around it. Other spellings stand in the anchor: ``title="p99; tail"``.
``python -m helpers.authoring glossary`` writes the page, and makes the first use of each term in a
chapter a link to it, unless the chapter explains it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.authoring.check import read
from helpers.authoring.course import CHAPTERS, ROOT, Chapter
from helpers.authoring.execute import normalise

PAGE = ROOT / "notebooks" / "glossary.ipynb"

_ANCHOR = re.compile(r'<a id="term-([a-z0-9-]+)"(?: title="([^"]*)")?></a>\*\*(.+?)\*\*(?!\*)')
_SENTENCE_END = re.compile(r"(?<=[.!?])[*_)]*\s+(?=[A-Z*\[$<\"(])")
_LINK = re.compile(r"\[([^\]\n]*)\]\(glossary\.ipynb#[a-z0-9-]+\)")

#: Where a term is no use of it: code, formulas, links, tags, headings, claims, the map of the
#: course, the line of links.
_NO_PROSE = re.compile(
    r"```.*?```|<table>.*?</table>|^#[^\n]*$|^> [^\n]*$|^[^\n]*\[Contents\]\([^\n]*$|"
    r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|!?\[[^\]\n]*\]\([^)\n]*\)|<[^>\n]*>",
    re.DOTALL | re.MULTILINE,
)

_HEAD = """# Glossary

The words of this course, as the chapters explain them; the link below each leads to the place.

[Contents](00_start_here.ipynb#The-map) · [Sources](bibliography.ipynb)"""


class GlossaryError(ValueError):
    """Two places explain a term, or an explanation cannot be read."""


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes
    ----------
    slug : str
        What links lead to.
    name : str
        As the chapter writes it, in Markdown.
    forms : tuple of str
        The spellings that are uses of it, longest first.
    meaning : str
        The sentence that explains it, in Markdown.
    chapter : Chapter
        Where it is explained.
    """

    slug: str
    name: str
    forms: tuple[str, ...]
    meaning: str
    chapter: Chapter

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds a use; the first letter may be a capital."""
        spelled = (f"(?i:{re.escape(form[0])}){re.escape(form[1:])}" for form in self.forms)
        return re.compile(rf"(?<![\w/-])(?:{'|'.join(spelled)})(?![\w-])")


def terms() -> list[Term]:
    """Return every term that a chapter explains, in alphabetical order.

    Raises
    ------
    GlossaryError
        If two places explain the same one.
    """
    found: dict[str, Term] = {}
    for chapter in pages():
        for term in _explained(chapter, read(chapter.notebook)):
            if term.slug in found:
                raise GlossaryError(f"{term.slug} is explained twice, in {chapter.name}, too")
            found[term.slug] = term
    return sorted(found.values(), key=lambda term: _sorting(term.name))


def page(entries: Sequence[Term]) -> NotebookNode:
    """Return the glossary as a notebook."""
    cells = [new_markdown_cell(_HEAD, id="head")]
    for term in entries:
        place = f"{term.chapter.name}.ipynb#term-{term.slug}"
        where = f"[{term.chapter.number:02d} {term.chapter.title}]({place})"
        title = f"{term.name[0].upper()}{term.name[1:]}"
        text = f'## {title} <a id="{term.slug}"></a>\n\n{term.meaning}\n\n→ {where}'
        cells.append(new_markdown_cell(text, id=f"term-{term.slug}"))
    cells.append(new_markdown_cell(_HEAD.rpartition("\n")[2], id="navigation"))
    return new_notebook(cells=cells)


def link_first_uses(notebook: NotebookNode, entries: Sequence[Term]) -> None:
    """Make the first use of each term a link, where there is none; `notebook` is changed in place.

    In the chapter that explains a term, only uses before the explanation are linked.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for term in sorted(entries, key=lambda term: -len(term.forms[0])):
        for cell in cells:
            if _link_in(cell, term):
                break


def unlinked(markdown: str) -> str:
    """Return a text without anchors of terms and links to the glossary, as its author wrote it."""
    return _LINK.sub(r"\1", re.sub(r'<a id="term-[^>]*></a>', "", markdown))


def pages() -> list[Chapter]:
    """Return the chapters that explain and link terms."""
    return [one for one in CHAPTERS if one.written]


def write() -> list[Path]:
    """Bring the glossary and all links to it up to date; return the files that changed."""
    entries = terms()
    changed = []
    for path, notebook in _wanted(entries):
        text = normalise(notebook)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def outdated() -> list[str]:
    """Say which files :func:`write` would change, and what is not linked in them."""
    problems = []
    for path, notebook in _wanted(terms()):
        now = read(path) if path.exists() else new_notebook()
        before = {cell.id: cell.source for cell in now.cells}
        for cell in notebook.cells:
            if before.get(cell.id) != cell.source:
                old = _LINK.findall(before.get(cell.id, ""))
                new = sorted(set(_LINK.findall(cell.source)) - set(old))
                said = f", first use of {', '.join(new)}" if new else ""
                problems.append(f"{path.name}, cell {cell.id}{said}")
        if len(now.cells) != len(notebook.cells):
            problems.append(f"{path.name}: {len(now.cells)} cells, not {len(notebook.cells)}")
    return problems


def _wanted(entries: Sequence[Term]) -> Iterator[tuple[Path, NotebookNode]]:
    yield PAGE, page(entries)
    for chapter in pages():
        notebook = nbformat.read(chapter.notebook, as_version=4)
        link_first_uses(notebook, entries)
        yield chapter.notebook, notebook


def _explained(chapter: Chapter, notebook: NotebookNode) -> Iterator[Term]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for match in _ANCHOR.finditer(cell.source):
                slug, others, name = match.groups()
                spelled = [name, *(one.strip() for one in (others or "").split(";"))]
                forms = {form for one in spelled if one for form in (one, _plural(one))}
                ordered = tuple(sorted(forms, key=lambda form: (-len(form), form)))
                yield Term(slug, name, ordered, _meaning(cell.source, match), chapter)


def _meaning(text: str, match: re.Match[str]) -> str:
    """Return the sentence, or the row of a table, in which a term is explained."""
    start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
    line = text[start : end if end >= 0 else len(text)]
    if line.startswith("|"):
        return _row(text, line)
    start = text.rfind("\n\n", 0, match.start()) + 2 if "\n\n" in text[: match.start()] else 0
    end = text.find("\n\n", match.end())
    paragraph = text[start : end if end >= 0 else len(text)]
    at = match.start() - start
    cuts = [0, *(one.end() for one in _SENTENCE_END.finditer(paragraph)), len(paragraph)]
    first = max(cut for cut in cuts if cut <= at)
    last = min(cut for cut in cuts if cut > at)
    sentence = unlinked(paragraph[first:last]).strip().removeprefix("- ")
    if sentence.startswith("(") and sentence.endswith(")"):
        sentence = sentence[1:-1]
    sentence = re.sub(r"^So (\w)", lambda start: start[1].upper(), sentence)
    return sentence[:-1] + "." if sentence.endswith(":") else sentence


def _row(text: str, line: str) -> str:
    """Return a row of a table as a sentence: its second cell, or each with its column's name."""
    _, *cells = (cell.strip() for cell in unlinked(line).strip("| ").split(" | "))
    above = text[: text.index(line)].rstrip("\n").split("\n")
    table = [one for one in above[_last_blank(above) :] if one.startswith("|")]
    _, *heads = (head.strip() for head in table[0].strip("| ").split(" | "))
    if len(cells) == 1:
        return f"{cells[0][0].upper()}{cells[0][1:]}."
    said = "; ".join(f"{head}: {cell}" for head, cell in zip(heads, cells, strict=True))
    return f"{said[0].upper()}{said[1:]}."


def _last_blank(lines: Sequence[str]) -> int:
    return max((at + 1 for at, line in enumerate(lines) if not line.strip()), default=0)


@cache
def _prose(text: str) -> str:
    """Return a text of the same length with blanks for what is no prose."""
    return _NO_PROSE.sub(lambda match: "\0" * len(match.group()), text)


def _link_in(cell: NotebookNode, term: Term) -> bool:
    """Link the term's first use in a cell; return whether the reader knows it from here on."""
    text = cell.source
    known = [text.find(f'<a id="term-{term.slug}"'), text.find(f"](glossary.ipynb#{term.slug})")]
    until = min((at for at in known if at >= 0), default=len(text))
    use = term.pattern.search(_prose(text))
    if use is None or use.start() > until:
        return until < len(text)
    link = f"[{use.group()}](glossary.ipynb#{term.slug})"
    cell.source = text[: use.start()] + link + text[use.end() :]
    return True


def _plural(name: str) -> str:
    if name.endswith("s") or not name[-1:].isalpha():
        return name
    return f"{name[:-1]}ies" if name.endswith("cy") else f"{name}s"


def _sorting(name: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", name.lower())
