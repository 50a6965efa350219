"""Every notebook is two clicks from every other, and all speak in one form."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring import course, navigation
from helpers.authoring.__main__ import main
from helpers.authoring.check import links_and_ids, markdown_cells, markdown_of, read
from helpers.authoring.course import CHAPTERS, ROOT
from helpers.authoring.glossary import unlinked

NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("labs/*/*.ipynb")])
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def linked_from(path: Path) -> set[Path]:
    """Files that a notebook links to."""
    links, _ = links_and_ids(markdown_of(path))
    local = (unquote(link).partition("#")[0] for link in links if ":" not in link)
    return {(path.parent / link).resolve() for link in local if link}


def test_all_lines_of_links_are_up_to_date() -> None:
    assert navigation.outdated() == [], "run: python -m helpers.authoring navigation"


def test_any_notebook_is_two_clicks_from_any_other() -> None:
    near = {path: linked_from(path) for path in NOTEBOOKS}
    assert len(near) >= 2 * len(WRITTEN)
    far = [
        f"{name_of(start)} -> {name_of(end)}"
        for start in NOTEBOOKS
        for end in NOTEBOOKS
        if start != end
        and end not in near[start]
        and not any(end in near[half] for half in near[start] & near.keys())
    ]
    assert far == []


def test_what_is_further_away_is_found() -> None:
    start = ROOT / "notebooks" / navigation.START
    assert linked_from(start) >= {chapter.notebook for chapter in WRITTEN[1:]}
    lab = ROOT / "labs" / "lab02_thinking_at_scale" / "lab02_thinking_at_scale.ipynb"
    assert start in linked_from(lab)
    assert lab not in linked_from(WRITTEN[3].notebook)


@pytest.mark.parametrize("path", navigation.pages(), ids=name_of)
def test_the_same_links_stand_at_both_ends(path: Path) -> None:
    notebook = read(path)
    links = navigation.line(path)
    assert notebook.cells[0].source.count(links) == 1
    assert notebook.cells[-1].source.endswith(links)
    assert not notebook.cells[-1].metadata.get("nbgrader"), "a learner's answer is no place for it"
    assert notebook.cells[0].source.startswith(navigation.title(path) + "\n")


@pytest.mark.parametrize("path", navigation.pages(), ids=name_of)
def test_only_what_is_not_written_yet_is_named_without_a_link(path: Path) -> None:
    text = markdown_of(path)
    for chapter in CHAPTERS:
        if chapter.written:
            assert f"**{navigation.label(chapter)}**" not in text
            assert f"{navigation.label(chapter)} (not written yet)" not in text
    assert not re.search(r"\bnot written yet\b(?!\) ?[→·])", text.replace("(not", "not"))


# --- the map --------------------------------------------------------------------------------------


def test_each_chapter_is_a_box_of_the_map_and_a_link_if_it_is_written() -> None:
    drawn = navigation.course_map()
    for chapter in CHAPTERS:
        box = f"{chapter.number:02d}<br>{chapter.title}"
        assert drawn.count(box) == 1
        assert (f'<a href="{chapter.name}.ipynb">{box}</a>' in drawn) == chapter.written
    (cell,) = [
        cell.source
        for _, cell in markdown_cells(read(CHAPTERS[0].notebook))
        if cell.source.startswith("## The map")
    ]
    assert drawn in cell


def test_the_map_is_a_tree_with_straight_columns() -> None:
    assert set(navigation.AFTER) == {chapter.number for chapter in CHAPTERS[1:]}
    assert all(before < after for after, before in navigation.AFTER.items())
    rows = re.findall(r"<tr>(.+?)</tr>", navigation.course_map().replace("<tr></tr>", ""))
    ends = [one for one in range(12) if one not in navigation.AFTER.values()]
    assert len(rows) == len(ends), "one row for each chapter that ends a way"
    # Each chapter stands in the column after the chapter to be read before it.
    depth = {0: 0}
    for after, before in sorted(navigation.AFTER.items()):
        depth[after] = depth[before] + 1
    busy: dict[int, int] = {}  # column -> rows below this one that a tall box still takes
    for row in rows:
        column = 0
        for box in row.split("</td>")[:-1]:
            span, number = re.findall(r'rowspan="(\d+)"', box), re.findall(r"(\d\d)<br>", box)[0]
            while busy.get(column):
                column += 1
            assert column == depth[int(number)]
            busy[column] = (int(*span or [1]) + 1) // 2  # without the empty rows between
            column += 1
        busy = {column: left - 1 for column, left in busy.items() if left > 1}
    assert not busy, "no box is taller than the map"


def test_table_and_readme_say_the_same() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert navigation.table(".", first=0) in text
    start = unlinked(markdown_of(CHAPTERS[0].notebook))
    assert navigation.table("notebooks") in start
    assert set(navigation.ABLE) == {chapter.number for chapter in CHAPTERS}


# --- a small course -------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two chapters of three, with their last ones' names in bold."""
    chapters = (*CHAPTERS[:2], replace(CHAPTERS[2], written=False))
    monkeypatch.setattr(navigation, "CHAPTERS", chapters)
    return [chapter.notebook for chapter in chapters]


def written_to(path: Path, *texts: str) -> list[str]:
    """Sources of a notebook of these Markdown cells, after the tool went over it."""
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in texts])
    navigation.navigate(path, notebook)
    return [cell.source for cell in notebook.cells]


def test_a_new_chapter_gets_its_title_and_both_lines(small: list[Path]) -> None:
    first, last = written_to(small[1], "# Why?\n\nBecause.\n\n**Time:** 1 h\n\nRun all.", "Bye.")
    assert first == (
        "# 01 Why system design?\n\nBecause.\n\n**Time:** 1 h\n\n"
        "[← 00 Start here](00_start_here.ipynb) · [Contents](00_start_here.ipynb#The-map) · "
        "[Glossary](glossary.ipynb) · [Sources](bibliography.ipynb) · "
        "[Lab 01](../labs/lab01_why_system_design/lab01_why_system_design.ipynb) · "
        "02 Thinking at scale (not written yet) →\n\nRun all."
    )
    assert last == f"Bye.\n\n{navigation.line(small[1])}"


def test_an_old_line_is_replaced_and_twice_is_as_good_as_once(small: list[Path]) -> None:
    old = "[Contents](00_start_here.ipynb) · [Glossary](glossary.ipynb) · next: nobody"
    once = written_to(small[1], f"# Why?\n\n**Time:** 1 h\n\n{old}\n\nRun all.", f"Bye.\n\n{old}")
    assert "nobody" not in "".join(once)
    assert written_to(small[1], *once) == once


def test_a_chapter_that_gets_written_becomes_a_link(
    small: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = "# Why?\n\nText.", "**Next:** **02 Thinking at scale** asks more."
    assert "**Next:** **02 Thinking at scale** asks more." in written_to(small[1], *texts)[1]
    monkeypatch.setattr(navigation, "CHAPTERS", CHAPTERS)
    assert (
        "**Next:** [02 Thinking at scale](02_thinking_at_scale.ipynb) asks more."
        in written_to(small[1], *texts)[1]
    )


def test_a_learners_answer_stays_as_it_is(small: list[Path]) -> None:
    lab = CHAPTERS[1].solution
    assert lab is not None
    memo = new_markdown_cell("Mine.", metadata={"nbgrader": {"solution": True}})
    notebook = new_notebook(cells=[new_markdown_cell("# Lab\n\nText."), memo])
    navigation.navigate(lab, notebook)
    assert [cell.source for cell in notebook.cells[1:]] == ["Mine.", navigation.line(lab)]
    assert notebook.cells[0].source.startswith("# Lab 01: Why system design?\n")


def test_a_notebook_without_a_title_is_refused(small: list[Path]) -> None:
    with pytest.raises(navigation.NavigationError, match="the first cell is not a title"):
        navigation.navigate(small[1], new_notebook(cells=[new_code_cell("1")]))
    with pytest.raises(navigation.NavigationError, match="no chapter and no lab"):
        navigation.line(Path("mine.ipynb"))


def test_the_command_says_what_it_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# All\n\n| chapter | lab |\n|---|---|\n| old | |\n\nThe end.\n")
    monkeypatch.setattr(navigation, "README", readme)
    monkeypatch.setattr(navigation, "pages", list)
    monkeypatch.setattr("helpers.authoring.__main__.ROOT", tmp_path)
    assert main(["navigation", "--check"]) == 1
    assert capsys.readouterr().out == "README.md\n1 things to mend or bring up to date\n"
    assert main(["navigation"]) == 0
    assert readme.read_text() == f"# All\n\n{navigation.table('.', first=0)}\n\nThe end.\n"
    assert main(["navigation", "--check"]) == 0


# --- one form in all prose ------------------------------------------------------------------------

#: What the course writes in another form. Titles of works keep theirs: a title stands in quotation
#: marks or in italics.
OTHER_FORMS = {
    r"\b[Cc]olor\w*|\b[Bb]ehavior\w*|\b[Ff]avor\w*|\b[Nn]eighbor\w*|\b[Hh]onor\w*": "-our",
    r"\b[Cc]enter(?:s|ed)?\b": "centre",
    r"\b(?:utiliz|organiz|optimiz|recogniz|generaliz|synchroniz|serializ|minimiz|maximiz|realiz)"
    r"\w*": "-ise",
    r"\b[Gg]ray\b(?! (?:failure|server|one|replica))": "grey; gray failures are a name",
    r"\b(?:label|model|cancel|travel)(?:ed|ing)\b": "two l",
    r"\bpercent\b": "per cent",
    r"\b[Cc]atalog\b": "catalogue",
    r"(?:in|of|with|and|after|is|the|from) section \d+\b(?!\.\d)(?! of [A-Z])": "Section",
    r"\[[Cc]hapter \d\](?!\d)": "chapter 05, two digits",
    r"^# .*(?<!\?)[.:]$": "a title without a stop",
}


def other_forms(text: str) -> list[str]:
    """Words of a text in a form that the course does not use."""
    text = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)\n]*\)|<[^>\n]*>", " ", text, flags=re.DOTALL)
    text = re.sub(r'"[^"\n]{8,}"|(?<!\*)\*[^*\n]{8,}\*(?!\*)', " ", text)  # titles of works
    return [
        f"{match.group()!r}: {instead}"
        for pattern, instead in OTHER_FORMS.items()
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]


@pytest.mark.parametrize("path", [*navigation.pages(), *course.labs()], ids=str)
def test_all_prose_is_in_one_form(path: Path | str) -> None:
    if isinstance(path, str):
        path = ROOT / "labs" / path / f"{path}.ipynb"
    assert other_forms(markdown_of(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The color is gray.", 2),
        ("The colour is grey, and a gray failure stays gray.", 1),
        ("The hung replica of section 6, and Section 7.", 1),
        ("Read section 6.2 of the Dynamo paper.", 0),
        ('"Applications to call centers", 2005, at the center.', 1),
        ("It is `utilized`; it is utilized.", 1),
    ],
)
def test_other_forms_are_found(text: str, found: int) -> None:
    assert len(other_forms(text)) == found


@pytest.mark.parametrize(
    "chapter", [one for one in WRITTEN if one.number], ids=lambda one: one.name
)
def test_the_map_leads_to_a_chapter_by_what_its_page_asks_for(chapter: course.Chapter) -> None:
    first = read(chapter.notebook).cells[0].source
    (before,) = re.findall(r"\*\*Before:\*\* (.*?) · \*\*Time:", first)
    asked = {int(number) for number in re.findall(r"\]\((\d\d)_\w+\.ipynb", before)}
    way, at = set(), chapter.number
    while at:
        at = navigation.AFTER[at]
        way.add(at)
    assert asked <= way, "it asks for what does not lie on the way to it"
    assert navigation.AFTER[chapter.number] in asked, "the map asks for more than the page"
