"""Replays in a real JupyterLab: the keyboard, the kernel gone, 500 dots, nothing in the console."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.lab import Browser, JupyterLab, Notebook
from tests.browser.test_chapters import SERIOUS
from tests.browser.test_harness import written

QUEUE = """
from helpers.explore import replay, slider
from tests.explore.logs import queue
replay(queue, load=slider(0.1, 1.2, 0.9), n=60)
"""
MESSAGES = """
from tests.explore.logs import messages
replay(messages(), view="space-time")
"""


class SavingLab(JupyterLab):
    """A JupyterLab with the course's server extension, whatever is switched on here."""

    def __init__(self) -> None:
        super().__init__()
        self._extra = ["--ServerApp.jpserver_extensions={'helpers.server': True}"]


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, lab: JupyterLab, browser: Browser
) -> Iterator[Notebook]:
    """A notebook with two replays."""
    path = written(tmp_path_factory.mktemp("replays"), QUEUE, MESSAGES)
    with browser.notebook(lab, path) as notebook:
        notebook.run_all()
        notebook.page.wait_for_selector(".sdr >> nth=1")
        yield notebook


def event(notebook: Notebook, which: int = 0) -> int:
    """The number of the present event of a replay."""
    text = notebook.page.locator(".sdr-now").nth(which).inner_text()
    return int(text.removeprefix("Event ").split(" of ")[0].replace(",", ""))


def test_it_plays_and_its_keys_are_not_the_notebooks(opened: Notebook) -> None:
    page = opened.page
    stage = page.locator(".sdr-stage").first
    stage.click()
    cells = len(opened.cells())
    for expected in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        assert event(opened) == expected
    page.keyboard.press("ArrowLeft")
    assert event(opened) == 2
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => Number(document.querySelector('.sdr-now').innerText.split(' ')[1]) > 5"
    )
    page.keyboard.press("Space")
    for key in ("b", "a", "d", "d", "m"):  # JupyterLab's: new cells, delete, Markdown
        page.keyboard.press(key)
    assert len(opened.cells()) == cells
    assert [cell["type"] for cell in opened.cells()] == ["code"] * cells
    assert event(opened, 1) == 0, "one replay does not move another"


def test_a_slider_has_another_log_made(opened: Notebook) -> None:
    page = opened.page
    page.locator(".sdr-stage").first.click()
    page.keyboard.press("End")
    before = page.locator("canvas.sdr-canvas").first.get_attribute("aria-label")
    handle = page.get_by_role("slider", name="Load")
    handle.focus()
    handle.press("Home")
    page.wait_for_function(
        "() => document.querySelector('.sdr-now').innerText.startsWith('Event 0 of')"
    )
    page.locator(".sdr-stage").first.click()
    page.keyboard.press("End")
    assert page.locator("canvas.sdr-canvas").first.get_attribute("aria-label") != before


def test_axe_finds_nothing_and_nothing_goes_wrong(opened: Notebook) -> None:
    opened.page.locator(".sdr summary").first.click()
    violations = [one for one in opened.axe() if one["impact"] in SERIOUS]
    assert violations == [], json.dumps(violations, indent=1)[:4000]
    assert opened.console == []
    assert opened.outside == []


def test_it_plays_on_without_a_kernel(opened: Notebook) -> None:
    opened.shut_down()
    page = opened.page
    page.locator(".sdr-stage").nth(1).click()
    page.keyboard.press("ArrowRight")
    assert event(opened, 1) == 1
    page.get_by_role("button", name="Play").nth(1).click()
    page.wait_for_function(
        "() => !document.querySelectorAll('.sdr-now')[1].innerText.startsWith('Event 1 of')"
    )


def test_a_saved_replay_moves_when_it_is_opened_again(tmp_path: Path, browser: Browser) -> None:
    with SavingLab() as lab:
        path = written(tmp_path, QUEUE)
        name = f"{tmp_path.name}/{path.name}"
        with browser.notebook(lab, path) as notebook:
            page = notebook.page
            notebook.run_all()
            page.wait_for_selector(".sdr")
            page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
            for _ in range(100):
                if "sd-alone" in (lab.files / name).read_text():
                    break
                page.wait_for_timeout(100)
            notebook.shut_down()
            page.goto(lab.url(name), wait_until="domcontentloaded")
            notebook.ready()
            page.wait_for_selector(".sd-alone .sdr")
            assert notebook.unrun() == [], "what is shown was saved"
            assert not page.query_selector(".noUi-handle"), "there is no widget"
            assert not page.locator(".jp-OutputArea img").first.is_visible()
            page.locator(".sdr-stage").click()
            page.keyboard.press("ArrowRight")
            assert event(notebook) == 1
            assert notebook.console == notebook.outside == []
