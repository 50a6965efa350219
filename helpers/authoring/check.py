"""What a notebook of this course must look like; each check returns its findings as lines.

An empty list is a pass. The tests run these checks on every notebook, and on notebooks made bad
on purpose, which each check must find.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from helpers.authoring.course import ROOT, Chapter, chapter_of
from helpers.authoring.execute import normalise

MEDIAN_LINES = 6
MOST_LINES = 20
MOST_MODEL_LINES = 34  # of each function or class, its docstring included: one sitting
_SENTENCE = 25  # letters: what is shorter may be said twice
STATUSES = ("confirmed", "qualified", "corrected")
EVIDENCE = ("simulation", "theory", "measurement", "source")
#: Where a claim is stated, by its number.
ANCHOR = re.compile(r'<a\s+(?:id|name)="C(\d+)"\s*>')
#: A verdict: the claim's number, status, kinds of evidence, and the rest of its line.
VERDICT = re.compile(
    r"^\*\*Verdict on C(\d+): (\w+)\.\*\* Evidence: "
    r"([a-z]+(?:(?:, | and |, and )[a-z]+)*)[.:;] ?(.*)$",
    re.MULTILINE,
)

_FORBIDDEN = (
    (re.compile(r"^\s*from\s+\S+\s+import\s+\*", re.MULTILINE), "`import *`"),
    (re.compile(r"^\s*[!%]+\s*(pip|conda|mamba|uv)\b", re.MULTILINE), "installs a package"),
    (re.compile(r"^\s*(!|%%(bash|sh|script|cmd)\b|%sx\b)", re.MULTILINE), "runs a shell command"),
    (
        re.compile(r"\b(urlopen|urlretrieve|requests\.(get|post)|httpx\.\w+|read_html)\s*\("),
        "may download something",
    ),
    (re.compile(r"https?://(?!127\.0\.0\.1|localhost)"), "names an outside address"),
    (re.compile(r"\bplt\.show\s*\("), "`plt.show()`"),
)
_CLOCK = re.compile(
    r"measure|perf_counter|predictions|calibration\(|learning\(|progress_page|check_environment",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"^>\s*\*\*Claim C(\d+)\.?\*\*", re.MULTILINE)
_VERDICT_START = re.compile(r"Verdict on C(\d+)")
_CALL = re.compile(r"^(?:\w+ = )?(\w+)\(", re.MULTILINE)


def read(path: Path) -> NotebookNode:
    """The notebook at `path`, to be looked at and not to be changed: whoever asks gets the same."""
    return _parsed(Path(path).read_text(encoding="utf-8"))


@lru_cache(maxsize=40)
def _parsed(text: str) -> NotebookNode:
    return nbformat.reads(text, as_version=4)


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Index and cell of every code cell that holds code."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            yield index, cell


def _lines_of(source: str) -> int:
    return sum(1 for line in source.splitlines() if line.strip())


def _definitions(source: str) -> dict[str, int]:
    """Lines of each function and class at the top of a cell, by name."""
    return {
        node.name: _lines_of(ast.get_source_segment(source, node) or "")
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def calls_in(source: str) -> list[str]:
    """Names of the functions that a cell's lines begin with calling, once for each call."""
    return _CALL.findall(source)


def markdown_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Index and cell of every Markdown cell."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            yield index, cell


def check_rhythm(notebook: NotebookNode) -> list[str]:
    """Short code cells, each with a sentence before it."""
    problems = []
    lengths = []
    for index, cell in code_cells(notebook):
        lines = _lines_of(cell.source)
        if "model" in cell.metadata:
            for name, long in _definitions(cell.source).items():
                if long > MOST_MODEL_LINES:
                    problems.append(
                        f"cell {index}: {name} has {long} lines, at most {MOST_MODEL_LINES}"
                    )
        else:
            lengths.append(lines)
            if lines > MOST_LINES:
                problems.append(f"cell {index}: {lines} lines of code, at most {MOST_LINES}")
        before = notebook.cells[index - 1] if index else None
        if before is None or before.cell_type != "markdown" or not before.source.strip():
            problems.append(f"cell {index}: no sentence before this code cell")
    if lengths and statistics.median(lengths) > MEDIAN_LINES:
        median = statistics.median(lengths)
        problems.append(f"median code cell has {median:g} lines, at most {MEDIAN_LINES}")
    return problems


def check_code(notebook: NotebookNode) -> list[str]:
    """Nothing installed, downloaded, star-imported or left empty."""
    problems = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and not cell.source.strip():
            problems.append(f"cell {index}: empty")
    for index, cell in code_cells(notebook):
        for pattern, what in _FORBIDDEN:
            if pattern.search(cell.source):
                problems.append(f"cell {index}: {what}")
    return problems


def check_outputs(notebook: NotebookNode) -> list[str]:
    """Every code cell has been run, in order, from a fresh kernel, without an error.

    nbval runs a cell whose execution count is null but compares nothing, so a notebook that was
    saved without outputs would pass every strict comparison.
    """
    problems = []
    for count, (index, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count is None:
            problems.append(f"cell {index}: saved without having been run")
        elif cell.execution_count != count:
            problems.append(f"cell {index}: execution count {cell.execution_count}, not {count}")
        tags = cell.metadata.get("tags", [])
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags:
                problems.append(f"cell {index}: saved with {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                problems.append(f"cell {index}: saved with a message on stderr")
    return problems


def check_said_once(notebook: NotebookNode) -> list[str]:
    """No line is printed that a picture says, too: its sentence and its verdict stand below it."""
    outputs = [(index, one) for index, cell in code_cells(notebook) for one in cell.outputs]
    pictured = [one.data["text/plain"] for _, one in outputs if "image/png" in one.get("data", {})]
    return [
        f"cell {index}: prints what a picture says: {line.strip()}"
        for index, one in outputs
        if one.output_type == "stream"
        for line in one.text.splitlines()
        for said in (line.strip().rstrip("."), line.partition(": ")[2].strip().rstrip("."))
        if len(said) >= _SENTENCE and any(said in text for text in pictured)
    ]


def check_tags(notebook: NotebookNode) -> list[str]:
    """Outputs go uncompared only where the clock, not the seed, decides them."""
    problems = []
    for index, cell in code_cells(notebook):
        tags = {tag.lower().replace("_", "-") for tag in cell.metadata.get("tags", [])}
        if "nbval-skip" in tags:
            problems.append(f"cell {index}: skipped by the tests")
        if "nbval-ignore-output" in tags and not _CLOCK.search(cell.source):
            problems.append(f"cell {index}: output not compared, but nothing is measured")
    return problems


def check_form(text: str) -> list[str]:
    """The file is in canonical form: no widget state, no times, sorted keys, stable ids."""
    if normalise(nbformat.reads(text, as_version=4)) != text:
        return ["not in canonical form; run: python -m helpers.authoring normalise FILE"]
    return []


def check_claims(notebook: NotebookNode, chapter: Chapter) -> list[str]:
    """Each claim of the chapter is stated, tried, and judged with its evidence, in this order."""
    wanted = set(chapter.claims)
    anchors: dict[int, list[int]] = {}
    stated: dict[int, list[int]] = {}
    verdicts: dict[int, list[int]] = {}
    problems = []
    for index, cell in markdown_cells(notebook):
        for found, pattern in ((anchors, ANCHOR), (stated, _CLAIM)):
            for match in pattern.finditer(cell.source):
                found.setdefault(int(match[1]), []).append(index)
        complete = {match.start() + 2: match for match in VERDICT.finditer(cell.source)}
        for start in _VERDICT_START.finditer(cell.source):
            claim = int(start[1])
            verdict = complete.get(start.start())
            if verdict is None:
                problems.append(
                    f"cell {index}: verdict on C{claim} is not a line "
                    f"'**Verdict on C{claim}: status.** Evidence: kind, kind. Sentence.'"
                )
                continue
            verdicts.setdefault(claim, []).append(index)
            if verdict[2] not in STATUSES:
                problems.append(f"cell {index}: C{claim} is {verdict[2]!r}, not one of {STATUSES}")
            unknown = set(re.findall(r"[a-z]+", verdict[3])) - {"and", *EVIDENCE}
            if unknown:
                problems.append(
                    f"cell {index}: C{claim} has evidence {sorted(unknown)}, "
                    f"known are {sorted(EVIDENCE)}"
                )
    for name, found in (("anchor", anchors), ("claim", stated), ("verdict", verdicts)):
        for claim in sorted(wanted - set(found)):
            problems.append(f"C{claim}: no {name}")
        for claim in sorted(set(found) - wanted):
            problems.append(f"C{claim}: a {name}, but the claim is not this chapter's")
        for claim, cells in sorted(found.items()):
            if len(cells) > 1:
                problems.append(f"C{claim}: {len(cells)} times a {name} (cells {cells})")
    for claim in sorted(wanted & set(anchors) & set(verdicts)):
        if verdicts[claim][0] < anchors[claim][0]:
            problems.append(f"C{claim}: judged before it is stated")
        elif verdicts[claim][0] == anchors[claim][0]:
            problems.append(f"C{claim}: judged in the cell that states it, with no experiment")
    return problems


def check_lab(notebook: NotebookNode) -> list[str]:
    """A lab's source: tasks named in words, tests both visible and hidden, one design memo."""
    problems = []
    tasks = memos = 0
    for index, cell in enumerate(notebook.cells):
        about = cell.metadata.get("nbgrader", {})
        name = about.get("grade_id", "")
        if about and not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name):
            problems.append(f"cell {index}: name {name!r} is not lower-case words joined by _")
        if about.get("grade") and about.get("points", 0) <= 0:
            problems.append(f"{name}: no points")
        if about.get("grade") and about.get("solution"):
            memos += 1
            if "### BEGIN MARK SCHEME" not in cell.source:
                before = notebook.cells[index - 1].source if index else ""
                if "### BEGIN MARK SCHEME" not in before:
                    problems.append(f"{name}: graded by a person, without a mark scheme")
        elif about.get("grade"):
            tasks += 1
            visible, _, hidden = cell.source.partition("### BEGIN HIDDEN TESTS")
            if not re.match(r'\s*(def \w+\(\):\s*)?"""', visible):
                problems.append(f"{name}: does not open with its purpose as a docstring")
            if "assert" not in visible:
                problems.append(f"{name}: no visible test")
            if "assert" not in hidden:
                problems.append(f"{name}: no hidden test")
    if not 5 <= tasks <= 16:
        problems.append(f"{tasks} autograded cells, expected 5 to 16")
    if memos != 1:
        problems.append(f"{memos} manually graded cells, expected one design memo")
    return problems


class _Attributes(HTMLParser):
    """Collects links and ids from the HTML inside Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.append(value)
            if name in {"id", "name"} and value:
                self.ids.append(value)


@lru_cache(maxsize=200)
def links_and_ids(markdown: str) -> tuple[list[str], set[str]]:
    """Targets of all links and images in a Markdown text, and the ids one can link to."""
    links: list[str] = []
    html = _Attributes()
    ids: set[str] = set()
    parser = MarkdownIt("commonmark").enable("table")
    # Links are judged here, not silently left out.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    tokens = parser.parse(markdown)
    for position, token in enumerate(tokens):
        if token.type == "html_block":
            html.feed(token.content)
        if token.type == "heading_open":
            words = "".join(
                child.content
                for child in tokens[position + 1].children or []
                if child.type in {"text", "code_inline"}
            ).strip()
            ids.add(words.replace(" ", "-"))  # JupyterLab's way, then GitHub's
            ids.add(re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-"))
        for child in token.children or []:
            if child.type == "link_open":
                links.append(str(child.attrGet("href")))
            elif child.type == "image":
                links.append(str(child.attrGet("src")))
            elif child.type == "html_inline":
                html.feed(child.content)
    return links + html.links, ids | set(html.ids)


def markdown_of(path: Path) -> str:
    """All the Markdown in a notebook or Markdown file."""
    if path.suffix == ".ipynb":
        return "\n\n".join(cell.source for _, cell in markdown_cells(read(path)))
    return path.read_text(encoding="utf-8")


def check_links(path: Path, root: Path = ROOT) -> list[str]:
    """Every relative link leads to a file of the repository, and every #part to a place in it."""
    path = Path(path).resolve()
    problems = []
    links, own_ids = links_and_ids(markdown_of(path))
    for link in links:
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", link):
            if not re.match(r"(https?|mailto|attachment|data):", link):
                problems.append(f"link {link}: unknown kind of address")
            continue
        target, _, part = unquote(link).partition("#")
        destination = (path.parent / target).resolve() if target else path
        if target.startswith("/"):
            problems.append(f"link {link}: absolute, works on no other machine")
        elif not destination.exists():
            problems.append(f"link {link}: no such file")
        elif not destination.is_relative_to(root):
            problems.append(f"link {link}: leaves the repository")
        elif part and destination.suffix in {".ipynb", ".md"}:
            ids = own_ids if destination == path else links_and_ids(markdown_of(destination))[1]
            if part not in ids:
                problems.append(f"link {link}: no place called {part!r} there")
    return problems


def check_notebook(path: Path) -> list[str]:
    """All checks that apply to the notebook at `path`, by the folder it is in."""
    path = Path(path).resolve()
    notebook = read(path)
    if path.is_relative_to(ROOT / "labs"):
        return check_code(notebook) + check_links(path)
    problems = check_form(path.read_text(encoding="utf-8"))
    problems += check_code(notebook) + check_outputs(notebook) + check_tags(notebook)
    problems += check_said_once(notebook)
    problems += check_links(path)
    chapter = chapter_of(path)
    if chapter is not None and path.is_relative_to(ROOT / "notebooks"):
        problems += check_rhythm(notebook) + check_claims(notebook, chapter)
    if path.is_relative_to(ROOT / "solutions"):
        problems += check_lab(notebook)
    return problems
