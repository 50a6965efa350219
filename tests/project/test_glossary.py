"""The glossary holds what the chapters explain, and every first use of a term leads to it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring import course, glossary
from helpers.authoring.__main__ import main
from helpers.authoring.check import check_links, check_notebook, read
from helpers.authoring.course import Chapter
from helpers.authoring.glossary import GlossaryError, unlinked

#: What a newcomer stumbled over, and what every chapter speaks of.
WANTED = {
    "percentile", "interval", "poisson", "littles-law", "erlang", "offered-load", "batch-means",
    "scv", "mva", "n-star", "zipf", "brier-score", "utilisation", "goodput", "hit-ratio",
    "tail-latency", "mm1", "throughput", "response-time", "service-demand", "bottleneck", "stale",
    "coordinated-omission", "error-budget", "shard-key", "consistent-hashing", "virtual-node",
    "single-flight", "ttl", "cache-aside", "write-through", "write-behind",
}  # fmt: skip


def test_every_first_use_is_linked_and_the_page_is_up_to_date() -> None:
    assert glossary.outdated() == [], "run: python -m helpers.authoring glossary"


def test_the_words_that_need_it_are_explained_once_each() -> None:
    found = {term.slug: term for term in glossary.terms()}
    assert set(found) >= WANTED
    for term in found.values():
        assert term.meaning.endswith((".", '."')), term.meaning
        assert term.meaning[0].isupper() or not term.meaning[0].isalpha(), term.meaning
        assert 5 <= len(term.meaning.split()) <= 60, term.meaning


def test_no_link_of_the_glossary_is_dead() -> None:
    assert check_notebook(glossary.PAGE) == []


@pytest.mark.parametrize("chapter", glossary.pages(), ids=lambda chapter: f"{chapter.number:02d}")
def test_the_glossary_is_reached_from_every_chapter(chapter: Chapter) -> None:
    cells = [cell.source for cell in read(chapter.notebook).cells]
    where = "\n".join(cells) if chapter.number == 0 else cells[0]
    assert "[glossary](glossary.ipynb)" in where.lower()
    assert "[Contents](00_start_here.ipynb#The-map)" in read(glossary.PAGE).cells[0].source


# --- small chapters -------------------------------------------------------------------------------

FIRST = """# First

A queue is a line. Its <a id="term-load"></a>**load** is work over time. More follows.

| word | meaning |
|---|---|
| <a id="term-tail" title="p99; tail of times"></a>**tail** *t* | what is slow |

| way | a read | a write |
|---|---|---|
| <a id="term-aside"></a>**aside** | goes left | goes right |"""

SECOND = """# Load and tail

> **Claim C1.** The load is high.

[Contents](00_start_here.ipynb) · load

The `load`, $load$, [load](x.md) and <b title="load">unloaded</b> loads: **Loads** grow, p99 too."""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A course of two chapters, in a folder of its own."""
    (tmp_path / "notebooks").mkdir()
    chapters = [Chapter(n, "page", "Page", range(0), written=True) for n in (2, 3)]
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(glossary, "CHAPTERS", tuple(chapters))
    monkeypatch.setattr(glossary, "ROOT", tmp_path)
    monkeypatch.setattr("helpers.authoring.__main__.ROOT", tmp_path)
    monkeypatch.setattr(glossary, "PAGE", tmp_path / "notebooks" / "glossary.ipynb")
    for chapter, text in zip(chapters, (FIRST, SECOND), strict=True):
        save(chapter.notebook, text, "A tail, and a load.")
    return [chapter.notebook for chapter in chapters]


def save(path: Path, *texts: str) -> None:
    cells: list[NotebookNode] = [
        new_markdown_cell(text, id=f"text-{i}") for i, text in enumerate(texts)
    ]
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("load = 1", id="code")]), path)


def text_of(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells]


def test_a_sentence_or_a_row_becomes_the_entry(small: list[Path]) -> None:
    found = {term.slug: term.meaning for term in glossary.terms()}
    assert found == {
        "load": "Its **load** is work over time.",
        "tail": "What is slow.",
        "aside": "A read: goes left; a write: goes right.",
    }
    glossary.write()
    entry = next(cell for cell in text_of(glossary.PAGE) if "## Load" in cell)
    assert entry == (
        '## Load <a id="load"></a>\n\nIts **load** is work over time.\n\n'
        "→ [02 Page](02_page.ipynb#term-load)"
    )


def test_first_uses_are_linked_where_they_are_prose(small: list[Path]) -> None:
    glossary.write()
    assert text_of(small[0])[:2] == [FIRST, "A tail, and a load."], "it explains them itself"
    first, second, code = text_of(small[1])
    assert first == SECOND.replace(
        "unloaded</b> loads", "unloaded</b> [loads](glossary.ipynb#load)"
    ).replace("p99", "[p99](glossary.ipynb#tail)")
    assert second == "A tail, and a load."
    assert code == "load = 1"
    assert unlinked(first) == SECOND


def test_a_use_before_the_explanation_is_linked_too(small: list[Path]) -> None:
    save(small[0], "The load comes first.", FIRST)
    glossary.write()
    assert text_of(small[0])[0] == "The [load](glossary.ipynb#load) comes first."


def test_once_written_nothing_is_left_to_do(small: list[Path]) -> None:
    assert main(["glossary", "--check"]) == 1
    assert main(["glossary"]) == 0
    assert glossary.write() == []
    assert glossary.outdated() == []
    assert main(["glossary", "--check"]) == 0


def test_what_is_not_linked_and_what_leads_nowhere_is_found(small: list[Path]) -> None:
    glossary.write()
    first, *others = text_of(small[1])[:-1]
    save(small[1], unlinked(first), *others)
    assert glossary.outdated() == ["03_page.ipynb, cell text-0, first use of loads, p99"]
    save(small[1], "A [line](glossary.ipynb#line).")
    assert check_links(small[1], root=small[1].parents[1]) == [
        "link glossary.ipynb#line: no place called 'line' there"
    ]


def test_a_term_is_explained_in_one_place(small: list[Path]) -> None:
    save(small[1], 'The <a id="term-load"></a>**load** again.')
    with pytest.raises(GlossaryError, match="load is explained twice, in 03_page, too"):
        glossary.terms()
