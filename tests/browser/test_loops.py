"""Loops close in a real JupyterLab: a setting is found, a check passes, the page counts both."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from helpers.authoring import glossary
from helpers.authoring.check import read
from helpers.authoring.course import ROOT
from tests.browser.lab import Browser, JupyterLab, Notebook
from tests.browser.test_chapters import SERIOUS
from tests.browser.test_harness import written

SEARCH = """
from helpers.explore import explore, progress_page, slider
from helpers.scaling import questions, scalability
explore(scalability, find=(questions, "less-than-one"), sigma=0.0, workers=64,
        kappa=slider(0.0, 0.03, step=0.0005))
"""
ANSWER = """
student_id = "ada"
def utilisation(arrival_rps, service_s, servers=1):
    return arrival_rps * service_s / servers
"""
LAB = ROOT / "labs/lab02_thinking_at_scale/lab02_thinking_at_scale.ipynb"
CHECK = next(cell.source for cell in read(LAB).cells if cell.id == "check-utilisation")
GOAL = ".sd-goal"


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, lab: JupyterLab, browser: Browser
) -> Iterator[Notebook]:
    """A notebook with something to find, a lab's check and the progress page."""
    path = written(tmp_path_factory.mktemp("loops"), SEARCH, ANSWER, CHECK, "progress_page()")
    with browser.notebook(lab, path, width=1000) as notebook:
        notebook.run_all()
        yield notebook


def test_a_slider_finds_what_the_page_asks_for_and_nothing_is_told_before(opened: Notebook) -> None:
    (explorer,) = opened.explorers()
    page = opened.page
    assert page.inner_text(GOAL).startswith("To find: a setting in which 64 workers do less")
    assert "boundary" not in page.inner_text(GOAL)
    (kappa,) = explorer.sliders()
    explorer.press(kappa, "End")
    page.wait_for_selector(f"{GOAL}:has-text('✓ Found:')")
    assert "as soon as you have committed to the prediction" in page.inner_text(GOAL)
    assert page.get_attribute(GOAL, "aria-live") == "polite"
    explorer.press(kappa, "Home")
    assert "✓ Found:" in page.inner_text(GOAL)


def test_a_check_that_passes_says_so_below_itself(opened: Notebook) -> None:
    outputs = opened.cells()[2]["outputs"]
    assert [output["output_type"] for output in outputs] == ["stream"]
    assert outputs[0]["text"].startswith("✓ 4 of 4 checks pass; 2 of 21 points visible so far.")


def test_the_progress_page_counts_both_and_its_links_stay_in_the_course(opened: Notebook) -> None:
    opened.run(3)
    row = opened.page.locator("tr", has_text="02 Thinking at scale")
    row.get_by_text("1 of 5").wait_for()
    assert "2 of 21 points" in row.inner_text()
    # As with a link in Markdown, JupyterLab looks for the file beside this page.
    assert "/02_thinking_at_scale.ipynb" in row.locator("a").first.get_attribute("href")
    violations = [one for one in opened.axe() if one["impact"] in SERIOUS]
    assert violations == []


def test_a_link_to_the_glossary_leads_to_its_term(lab: JupyterLab, browser: Browser) -> None:
    with browser.notebook(lab, glossary.PAGE, height=500) as notebook:
        page = notebook.page
        last = glossary.terms()[-1]
        heading = page.get_by_role("heading", name=re.compile(last.name, re.IGNORECASE))
        heading.wait_for(state="attached")
        seen = """node => { const box = node.getBoundingClientRect();
            return box.top > 0 && box.bottom < window.innerHeight; }"""
        assert not heading.evaluate(seen)
        page.evaluate(
            """async slug => {
                await window.jupyterapp.shell.currentWidget.setFragment('#' + slug);
            }""",
            last.slug,
        )
        page.wait_for_function(seen, arg=heading.element_handle())
