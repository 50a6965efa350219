"""The map of chapters in a real JupyterLab: each name opens its notebook, by click and by key."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from helpers.authoring import navigation
from helpers.authoring.course import CHAPTERS, ROOT
from tests.browser.lab import Browser, JupyterLab, Notebook

START = ROOT / "notebooks" / navigation.START
MAP = ".jp-RenderedMarkdown:has(h2:has-text('The map')) table >> nth=0"
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]

_OPENED = """path => {
    const panel = window.jupyterapp.shell.currentWidget;
    return panel && panel.context && panel.context.path === path && panel.context.isReady;
}"""
#: Away with the notebook that was opened, its kernel and what it may ask; back to the first one.
_BACK = """async path => {
    const { shell, commands } = window.jupyterapp;
    const panel = shell.currentWidget;
    if (panel.context.path !== path) {
        await panel.sessionContext.ready;
        await panel.sessionContext.shutdown();
        panel.close();
    }
    await commands.execute('docmanager:open', { path });
    return true;
}"""


@pytest.fixture(scope="module")
def opened(lab: JupyterLab, browser: Browser) -> Iterator[Notebook]:
    """The first notebook as it opens, without a run."""
    with browser.notebook(lab, START, still=True) as notebook:
        notebook.page.wait_for_selector(MAP)
        yield notebook


@pytest.fixture
def start(opened: Notebook) -> Iterator[Notebook]:
    """The first notebook, in front again afterwards."""
    path = f"notebooks/{navigation.START}"
    yield opened
    opened.page.evaluate(_BACK, path)
    opened.page.wait_for_function(_OPENED, arg=path)


def opens(notebook: Notebook, path: str) -> None:
    notebook.page.wait_for_function(_OPENED, arg=path)


@pytest.mark.parametrize("chapter", WRITTEN[1:], ids=lambda chapter: chapter.name)
def test_a_click_on_a_name_opens_its_notebook(start: Notebook, chapter: navigation.Chapter) -> None:
    start.page.locator(MAP).get_by_role("link", name=re.compile(f"^{chapter.number:02d}")).click()
    opens(start, f"notebooks/{chapter.name}.ipynb")


def test_tab_goes_from_name_to_name_and_enter_opens(start: Notebook) -> None:
    page = start.page
    links = page.locator(f"{MAP} >> a")
    numbers = [text[:2] for text in links.all_inner_texts()]
    assert sorted(numbers) == [f"{chapter.number:02d}" for chapter in WRITTEN]
    links.first.focus()
    for number in numbers[1:]:
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.innerText").startswith(number)
    page.keyboard.press("Enter")
    opens(start, f"notebooks/{WRITTEN[int(numbers[-1])].name}.ipynb")


def test_contents_leads_to_the_map_from_a_chapter_and_from_a_lab(
    lab: JupyterLab, browser: Browser
) -> None:
    for path in (WRITTEN[2].notebook, ROOT / "labs" / WRITTEN[2].lab / f"{WRITTEN[2].lab}.ipynb"):
        lab.add(START)
        with browser.notebook(lab, path, still=True, height=600) as notebook:
            page = notebook.page
            page.get_by_role("link", name="Contents").first.click()
            opens(notebook, f"notebooks/{navigation.START}")
            heading = page.get_by_role("heading", name="The map")
            page.wait_for_function(
                """node => { const box = node.getBoundingClientRect();
                    return box.top >= 0 && box.bottom <= window.innerHeight; }""",
                arg=heading.element_handle(),
            )
