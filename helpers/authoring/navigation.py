"""The links at both ends of every notebook, and the map: made from the list of chapters.

``python -m helpers.authoring navigation`` writes each notebook's title and, below the line of facts
and at the very end, one line of links. It draws the map of ``00`` and the table of chapters there
and in README.md. Only Markdown changes, so nothing needs to be run again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from helpers.authoring import hours
from helpers.authoring.course import CHAPTERS, ROOT, Chapter
from helpers.authoring.execute import normalise
from helpers.authoring.glossary import unlinked

START = "00_start_here.ipynb"
README = ROOT / "README.md"

#: After which other chapter each is best read: the last of those that its page asks for.
AFTER = {1: 0, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 3, 8: 2, 9: 2, 10: 4, 11: 6}

#: What a learner can do afterwards, in half a sentence.
ABLE = {
    0: "run your first experiment, in a minute",
    1: "say what a demo hides, what a crash takes, and how sure you may be",
    2: "say what breaks first, how many servers you need, and when adding more stops helping",
    3: "find what a design gives away for nothing, price a nine, and say who is refused and who is "
    "wrong when the network is cut",
    4: "name every part of a web system, what it is for, and what happens without it",
    5: "turn vague wishes into numbers, numbers into a design, and find its next bottleneck",
    6: "say what redundancy is worth, get a system out of a state it cannot leave, and be woken "
    "for the right reasons",
    7: "say what each promise about copies allows, catch a history that breaks it, and choose the "
    "weakest that will do",
    8: "place data so that no shard is on fire, and move it while it is in use",
    9: "choose a strategy, survive a thundering herd, and know how stale is stale",
    10: "size workers for a spike, make a consumer idempotent, and say what a queue does not do",
    11: "design a system to a brief, have it tried on days that you have not seen, and say why it "
    "stood or fell",
}

_MAP = """## The map

Follow the arrows from left to right: what lies on the way to a chapter is what to read before it. \
Every name is a link; with the keyboard, **Tab** goes from one to the next and **Enter** opens it. \
All chapters take about {chapters} hours, and all labs another {labs}; each says so at its top.

{map}

{table}"""

#: A line of links, of this form or an older one.
_LINE = re.compile(r"^.*\[Glossary\]\([^)\n]*glossary\.ipynb\).* · .*$", re.MULTILINE)
_TITLE = re.compile(r"^# .*$", re.MULTILINE)
_TABLE = re.compile(r"^\| chapter \|.*\n\|[-| ]+\|\n(?:\|.*\n)+", re.MULTILINE)
_UNWRITTEN = " (not written yet)"


class NavigationError(ValueError):
    """A notebook has no place for its line of links."""


def title(path: Path) -> str:
    """Return the heading of the notebook at `path`, a chapter or a lab."""
    chapter, lab = _of(path)
    return f"# Lab {chapter.number:02d}: {chapter.title}" if lab else f"# {label(chapter)}"


def label(chapter: Chapter) -> str:
    """Return the name under which links lead to a chapter.

    Examples
    --------
    >>> label(CHAPTERS[2])
    '02 Thinking at scale'
    """
    return f"{chapter.number:02d} {chapter.title}"


def line(path: Path) -> str:
    """Return the links of the notebook at `path`: back, contents, words, sources, lab, on."""
    chapter, lab = _of(path)
    near = "../../notebooks/" if lab else ""
    before = chapter if lab else _neighbour(chapter, -1)
    after = _neighbour(chapter, +1)
    parts = []
    if before is not None:
        parts.append(_link(f"← {label(before)}", near, before))
    parts.append(f"[Contents]({near}{START}#The-map)")
    parts.append(f"[Glossary]({near}glossary.ipynb)")
    parts.append(f"[Sources]({near}bibliography.ipynb)")
    if chapter.lab and not lab:
        parts.append(_lab_link(f"Lab {chapter.number:02d}", chapter, ".."))
    if after is not None:
        parts.append(_link(f"{label(after)} →", near, after))
    return " · ".join(parts)


def course_map() -> str:
    """Return the map as a table of HTML: a tree, in which each box is a link.

    Markdown shows it without a kernel, in JupyterLab and on GitHub alike. A chapter's box is as
    tall as all that can be read after it.
    """
    # An empty row after each: pages colour every second row, which says nothing in a tree.
    body = "\n<tr></tr>\n".join(f"<tr>{''.join(row)}</tr>" for row in _rows(CHAPTERS[0]))
    return f"<table>\n{body}\n</table>"


def table(folder: str, *, first: int = 1) -> str:
    """Return the table of the written chapters as Markdown, with links for a file in `folder`."""
    near, top = ("", "..") if folder == "notebooks" else ("notebooks/", ".")
    rows = ["| chapter | what you will be able to do | lab |", "|---|---|---|"]
    for chapter in CHAPTERS[first:]:
        if chapter.written:
            lab = _lab_link(f"lab {chapter.number:02d}", chapter, top) if chapter.lab else ""
            place = _link(label(chapter), near, chapter)
            rows.append(f"| {place} | {ABLE[chapter.number]} | {lab} |".replace("|  |", "| |"))
    return "\n".join(rows)


def navigate(path: Path, notebook: NotebookNode) -> None:
    """Write title and lines of links into a notebook; `notebook` is changed in place.

    Raises
    ------
    NavigationError
        If its first cell is not its title.
    """
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        raise NavigationError(f"{path.name}: the first cell is not a title")
    links = line(path)
    text = _TITLE.sub(lambda _: title(path), first.source, count=1)
    first.source = _LINE.sub(lambda _: links, text, count=1)
    if links not in first.source:
        paragraphs = text.split("\n\n")
        facts = (at for at, one in enumerate(paragraphs) if "**Time:**" in one)
        paragraphs.insert(next(facts, len(paragraphs) - 1) + 1, links)
        first.source = "\n\n".join(paragraphs)
    last = notebook.cells[-1]
    if last.cell_type != "markdown" or last.metadata.get("nbgrader") or last is first:
        last = new_markdown_cell("", id="navigation")
        notebook.cells.append(last)
    above = _LINE.sub("", last.source).rstrip()
    last.source = f"{above}\n\n{links}".lstrip()
    if _of(path)[0].number == 0:
        _draw(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata:
            cell.source = _with_links(cell.source, "../../notebooks/" if _of(path)[1] else "")


def pages() -> list[Path]:
    """Return the notebooks that have lines of links: chapters, and the labs' sources."""
    chapters = [one.notebook for one in CHAPTERS if one.written]
    return [*chapters, *(one.solution for one in CHAPTERS if one.written and one.solution)]


def write() -> list[Path]:
    """Bring all lines of links up to date; return the files that changed."""
    changed = []
    for path, text in _wanted():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


def outdated() -> list[str]:
    """Say which files :func:`write` would change."""
    return [path.name for path, text in _wanted() if path.read_text(encoding="utf-8") != text]


def _wanted() -> Iterator[tuple[Path, str]]:
    for path in pages():
        notebook = nbformat.read(path, as_version=4)
        navigate(path, notebook)
        yield path, normalise(notebook)
    text = README.read_text(encoding="utf-8")
    yield README, _TABLE.sub(lambda _: f"{table('.', first=0)}\n", text, count=1)


def _of(path: Path) -> tuple[Chapter, bool]:
    """Return the chapter of a notebook, and whether it is the chapter's lab."""
    for chapter in CHAPTERS:
        if path.stem == chapter.name:
            return chapter, False
        if path.stem == chapter.lab:
            return chapter, True
    raise NavigationError(f"{path.name} is no chapter and no lab")


def _neighbour(chapter: Chapter, step: int) -> Chapter | None:
    at = CHAPTERS.index(chapter) + step
    return CHAPTERS[at] if 0 <= at < len(CHAPTERS) else None


def _link(text: str, near: str, chapter: Chapter) -> str:
    if chapter.written:
        return f"[{text}]({near}{chapter.name}.ipynb)"
    return f"{text.removesuffix(' →')}{_UNWRITTEN}{' →' if text.endswith(' →') else ''}"


def _lab_link(text: str, chapter: Chapter, top: str) -> str:
    return f"[{text}]({top}/labs/{chapter.lab}/{chapter.lab}.ipynb)".replace("(./", "(")


def _rows(chapter: Chapter) -> list[list[str]]:
    """Return the rows of the map for a chapter and all that is read after it."""
    later = [one for one in CHAPTERS if AFTER.get(one.number) == chapter.number]
    rows = [row for one in later for row in _rows(one)] or [[]]
    text = f"{chapter.number:02d}<br>{chapter.title}"
    box = f'<a href="{chapter.name}.ipynb">{text}</a>' if chapter.written else text
    span = f' rowspan="{2 * len(rows) - 1}"' if len(rows) > 1 else ""
    arrow = "→ " if chapter.number in AFTER else ""
    rows[0].insert(0, f"<td{span}>{arrow}{box}</td>")
    return rows


def _draw(notebook: NotebookNode) -> None:
    """Put the map and the table of chapters where ``00`` has them."""
    drawn = course_map()
    chapters, labs = hours.in_all()
    text = _MAP.format(map=drawn, table=table("notebooks"), chapters=chapters, labs=labs)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## The map"):
            # The glossary's links may stand in the table.
            if unlinked(cell.source) != text or drawn not in cell.source:
                cell.source = text
            return
    raise NavigationError("00 has no cell that begins with '## The map'")


def _with_links(text: str, near: str) -> str:
    """Make the bold name of a chapter a link, as soon as the chapter is written."""
    for chapter in CHAPTERS:
        if chapter.written:
            name = label(chapter)
            text = text.replace(f"**{name}**", _link(name, near, chapter))
    return text
