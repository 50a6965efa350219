"""Every chapter's questions: answers that can be given, each asked once, and none told before."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import nbformat
import pytest

from helpers.authoring.course import CHAPTERS, Chapter
from helpers.explore.work import questions_of_chapters

PAGES = {f"{chapter.number:02d}": chapter for chapter in CHAPTERS if chapter.written}
QUESTIONS: list[ModuleType] = sorted(questions_of_chapters(), key=lambda one: one.CHAPTER)
PREDICTIONS = [(one, name) for one in QUESTIONS for name in one.PREDICTIONS]
QUIZZES = [(one, name) for one in QUESTIONS for name in one.QUIZZES]


def called(pairs: list[tuple[ModuleType, str]]) -> list[str]:
    return [f"{questions.CHAPTER}-{name}" for questions, name in pairs]


def cells(chapter: Chapter) -> list[str]:
    """The page's code cells, on one line each."""
    page = nbformat.read(chapter.notebook, as_version=4)
    code = [cell.source for cell in page.cells if cell.cell_type == "code"]
    return [re.sub(r"\s+", " ", source) for source in code]


def test_every_chapter_has_questions() -> None:
    assert [one.CHAPTER for one in QUESTIONS] == list(PAGES)


@pytest.mark.parametrize(("questions", "name"), PREDICTIONS, ids=called(PREDICTIONS))
def test_a_prediction_has_an_answer_and_is_asked_once(questions: ModuleType, name: str) -> None:
    asked = questions.PREDICTIONS[name]
    answer = asked.answer() if callable(asked.answer) else asked.answer
    if asked.options:
        assert answer in asked.options
    else:
        assert math.isfinite(answer)
        assert 0 < asked.tolerance < 1
    assert asked.why.endswith(".")
    page = cells(PAGES[questions.CHAPTER])
    times = sum(cell.count(f'predict(questions, "{name}")') for cell in page)
    assert times == (0 if name in getattr(questions, "CARDS", ()) else 1)


@pytest.mark.parametrize(("questions", "name"), PREDICTIONS, ids=called(PREDICTIONS))
def test_what_would_tell_the_answer_waits_for_the_question(
    questions: ModuleType, name: str
) -> None:
    page = " ".join(cells(PAGES[questions.CHAPTER]))
    asked = page.find(f'predict(questions, "{name}")')
    for shown in re.finditer(rf'after=\(questions, "{re.escape(name)}"\)', page):
        assert asked < shown.start()


#: What stands in a cell whose number is as large as the answer, and is not it.
NO_ANSWER = {
    "05-bad-months": ("error_budget_min(slo_percent)",),  # minutes of budget
    "08-growing-ids": ("One shard can do 200",),  # what one can do; that all meet one is the answer
    "08-local-join": ("gathered = real_scatter_gather",),  # milliseconds of another experiment
    "11-step": ("Twenty look, the rest sleep", "thread_per_peer"),  # threads
    "11-report": ("invented_latency",),  # another suspect
    "11-tester": ('quiz(questions, "which-law")',),  # what all suspects have in common
    "10-patience": ("bounded_queue.MEASURED",),  # jobs turned away by another queue
}
#: What stands in a cell that runs a covered experiment and says nothing of its answer.
TELLS_NOTHING = (
    "explore(deck, title=",  # on another shop
    "budget.Setting(target_nines=3.0)",
    "redundancy.Setting(mttf_h=30_000.0",
    "print(busy.verdict)",
    "Che is off by",
)
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]*\.ipynb)")
_CLOSE = 0.02
_FACES = {"deal", "explore", "picture", "predict", "quiz", "replay", "shown"}
_OF_EXPERIMENTS = ("simulate", "measure", "theory", "watch", "plot_measured")


@cache
def page_of(chapter: Chapter) -> tuple[Any, ...]:
    return tuple(nbformat.read(chapter.notebook, as_version=4).cells)


def _section(page: tuple[Any, ...], at: int) -> range:
    """Where the section of a cell begins and ends."""
    heads = [i for i, c in enumerate(page) if c.cell_type == "markdown" and "## " in c.source[:3]]
    return range(
        max((i for i in heads if i <= at), default=0),
        min((i for i in heads if i > at), default=len(page)),
    )


def _said(cell: Any) -> str:
    """What a code cell shows to whoever has no kernel, and to all if nothing covers it."""
    outputs = cell.get("outputs", ())
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


def _prose(cell: Any) -> str:
    """A cell's text without its headings, which have numbers of their own."""
    return re.sub(r"^#.*$", "", cell.source, flags=re.M)


def _covered_by(cell: Any) -> set[str]:
    return set(re.findall(r'after=\(\s*questions,\s*"([^"]+)"', cell.source))


def _asked_at(page: tuple[Any, ...]) -> dict[str, int]:
    return {
        name: i
        for i, cell in enumerate(page)
        if cell.cell_type == "code"
        for name in re.findall(r'predict\(\s*questions,\s*"([^"]+)"', cell.source)
    }


def _tells(answer: float | str, options: Sequence[str], unit: str, text: str) -> bool:
    """Whether a text has the answer: its words, or a number that is hardly another."""
    if options:
        words = str(answer)
        return " " in words and bool(re.search(rf"\b{re.escape(words)}\b", text, re.I))
    for found in _NUMBER.finditer(text):
        near = math.isclose(float(found[0].replace(",", "")), float(answer), rel_tol=_CLOSE)
        small = float(answer).is_integer() and answer < 20  # 1, 2, 3 are everywhere
        noun = unit.split(" ")[-1][:4] if unit else ""
        if near and (not small or (noun and noun in text[found.end() : found.end() + 40])):
            return True
    return False


@pytest.mark.parametrize(("questions", "name"), PREDICTIONS, ids=called(PREDICTIONS))
def test_nothing_that_is_not_covered_tells_the_answer(questions: ModuleType, name: str) -> None:
    """Neither words and outputs above the question, nor outputs below it in the same section."""
    page = page_of(PAGES[questions.CHAPTER])
    asked_at = _asked_at(page)
    if name not in asked_at:  # a card, which is face down
        return
    asked, at = questions.PREDICTIONS[name], asked_at[name]
    answer = asked.answer() if callable(asked.answer) else asked.answer
    still_shut = {other for other, there in asked_at.items() if there >= at}
    excused = NO_ANSWER.get(f"{questions.CHAPTER}-{name}", ())
    telling = []
    for i in _section(page, at):
        cell = page[i]
        if i == at or any(words in cell.source for words in excused):
            continue
        text = _said(cell) if cell.cell_type == "code" else _prose(cell) if i < at else ""
        if asked.options and cell.cell_type == "markdown":
            continue  # the options are what a section is about
        if still_shut & _covered_by(cell) or "predict(" in cell.source:
            continue
        if _tells(answer, asked.options, asked.unit, text):
            telling.append((i, cell.source[:80]))
    assert not telling


@pytest.mark.parametrize("chapter", PAGES.values(), ids=PAGES)
def test_all_of_a_section_that_shows_a_covered_experiment_is_covered(chapter: Chapter) -> None:
    """One veil is no veil if the next picture of the same experiment has none."""
    bare = []
    covered: set[str] = set()
    for i, cell in enumerate(page_of(chapter)):
        if cell.cell_type == "markdown":
            if cell.source.startswith("## "):
                covered = set()
            continue
        if "model" in cell.metadata or not cell.outputs:
            continue
        shown = _experiments(cell.source)
        if _covered_by(cell):
            covered |= shown
        elif shown & covered and not any(words in cell.source for words in TELLS_NOTHING):
            bare.append((i, shown & covered))
    assert bare == []


def _experiments(source: str) -> set[str]:
    """The modules that a cell shows or runs: ``explore(knee, ...)``, ``knee.measure()``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {one.id for one in node.args if isinstance(one, ast.Name)}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.value.id} if node.attr in _OF_EXPERIMENTS else set()
    return {name.removeprefix("real_") for name in found} - {"questions"}


@pytest.mark.parametrize("chapter", PAGES.values(), ids=PAGES)
def test_what_is_to_be_seen_is_the_last_thing_in_its_cell(chapter: Chapter) -> None:
    """A notebook shows nothing else."""
    for i, cell in enumerate(page_of(chapter)):
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            last = tree.body[-1].value if isinstance(tree.body[-1], ast.Expr) else None
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in _FACES or node is last, (i, cell.source)


@pytest.mark.parametrize(("questions", "name"), QUIZZES, ids=called(QUIZZES))
def test_a_quiz_explains_each_option_and_is_asked_once(questions: ModuleType, name: str) -> None:
    asked = questions.QUIZZES[name]
    assert asked.answer in asked.options
    assert len(asked.options) >= 2
    assert all(asked.options.values())
    page = cells(PAGES[questions.CHAPTER])
    assert sum(cell.count(f'quiz(questions, "{name}")') for cell in page) == 1


def test_texts_have_no_marks_that_a_widget_would_show() -> None:
    for questions in QUESTIONS:
        for asked in questions.PREDICTIONS.values():
            _plain(asked.question, asked.why, *asked.options)
        for quiz in questions.QUIZZES.values():
            _plain(quiz.question, *quiz.options, *quiz.options.values())


def _plain(*texts: str) -> None:
    for text in texts:
        assert not re.search(r"\*\w[^*]*\*|`|\$|\]\(", text), text
