"""How long a chapter or a lab takes, as its page says, is what reading and doing it takes."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring import hours

#: Relative: people differ by more than the page's word may differ from plain rates of work.
NEARLY = 0.2


@pytest.mark.parametrize("path", hours.notebooks(), ids=lambda path: path.stem[:5])
def test_a_page_says_how_long_it_takes(path: Path) -> None:
    assert hours.stated(path) == pytest.approx(hours.reckoned(path), rel=NEARLY)


CHAPTERS = [path for path in hours.notebooks() if path.parent.name == "notebooks"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem[:5])
def test_a_long_chapter_names_a_place_to_stop_that_is_about_half_way(path: Path) -> None:
    share = hours.half_way(path)
    assert share is not None or hours.reckoned(path) < 45
    assert share is None or 0.3 < share < 0.7


def test_a_place_to_stop_is_where_its_section_ends(tmp_path: Path) -> None:
    def page(section: int) -> Path:
        first = f"Time; a good place to stop half-way is the end of Section {section}"
        titles = (f"## {number}. Title\n\nword word" for number in (1, 2, 3))
        return written(tmp_path, *map(new_markdown_cell, (first, *titles)))

    words = 13
    assert hours.half_way(page(1)) == pytest.approx((words + 4) / (words + 12))
    with pytest.raises(ValueError, match="no section begins after the end of Section 3"):
        hours.half_way(page(3))


def test_the_whole_course_is_the_sum_of_its_pages() -> None:
    said = [hours.stated(path) for path in hours.notebooks()]
    assert sum(hours.in_all()) == pytest.approx(sum(said) / 60, abs=1)
    assert min(hours.in_all()) > 10


def written(folder: Path, *cells: nbformat.NotebookNode) -> Path:
    path = folder / "page.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("15 minutes", 15),
        ("100 minutes; stop half-way", 100),
        ("an hour and three quarters with the measurements", 105),
        ("an hour and a half;", 90),
        ("two hours, the first task ten minutes", 120),
        ("two and a half hours · **Points:** 3", 150),
        ("two to three hours", 150),
    ],
)
def test_what_a_page_says_is_read(tmp_path: Path, words: str, minutes: float) -> None:
    path = written(tmp_path, new_markdown_cell(f"# A page\n\n**Before:** no · **Time:** {words}"))
    assert hours.stated(path) == minutes


@pytest.mark.parametrize("words", ["", "**Time:** a while", "**Time:** some hours"])
def test_a_page_that_does_not_say_is_found(tmp_path: Path, words: str) -> None:
    with pytest.raises(ValueError, match=r"page\.ipynb: its first cell says no"):
        hours.stated(written(tmp_path, new_markdown_cell(f"# A page\n\n{words}")))


def test_everything_that_is_to_be_done_takes_its_time(tmp_path: Path) -> None:
    link = "[here](a_page_with_many_words_in_its_name.ipynb)"
    cells = [
        new_markdown_cell("word " * 399 + link),
        new_code_cell("explore(knee)"),
        new_code_cell("busy = 3\nreplay(knee, busy=busy)"),
        new_code_cell('predict(questions, "one")\n'),
        new_code_cell('quiz(questions, "two")'),
        new_code_cell("expose(suspect, law)"),
        new_code_cell("def model(at): ...", metadata={"model": "helpers.x:model"}),
        new_code_cell("def f(): ...", metadata={"nbgrader": {"solution": True, "grade": False}}),
        new_code_cell("check()", metadata={"nbgrader": {"grade": True, "points": 3}}),
        new_markdown_cell(
            "word", metadata={"nbgrader": {"grade": True, "points": 2, "solution": True}}
        ),
    ]
    reading, doing = 401 / 200, [0, 2, 2, 1, 1, 5, 4, 0, 12, 10]
    assert hours.reckoned(written(tmp_path, *cells)) == pytest.approx(reading + sum(doing))
    for at, minutes in enumerate(doing[:-1]):
        if at:
            without = written(tmp_path, *cells[:at], *cells[at + 1 :])
            assert hours.reckoned(without) == pytest.approx(reading + sum(doing) - minutes)
