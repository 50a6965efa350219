"""Boxes of a picture in a real JupyterLab: by mouse and by keyboard, and where the picture is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser.lab import Browser, Explorer, JupyterLab, Notebook
from tests.browser.test_chapters import SERIOUS
from tests.browser.test_harness import written

SWITCHES = """
from helpers.explore import choice, explore, toggle
from tests.explore.switches import TIERS, plot_switches, simulate_switches
explore(simulate_switches, plot_switches, first=toggle(True), second=toggle(False),
        tier=choice(*TIERS))
"""
WORD = """
from helpers.explore import explore, spelled
from tests.explore.switches import plot_word, simulate_word
explore(simulate_word, plot_word, word=spelled("AB", 9))
"""


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, lab: JupyterLab, browser: Browser
) -> Iterator[Notebook]:
    """A notebook with an explorer whose boxes can be clicked."""
    path = written(tmp_path_factory.mktemp("clicks"), SWITCHES, WORD)
    with browser.notebook(lab, path, width=1000) as notebook:
        notebook.run_all()
        notebook.page.wait_for_selector(".sdc button >> nth=4")
        yield notebook


@pytest.fixture
def explorer(opened: Notebook) -> Explorer:
    """The explorer, as it opened."""
    explorer, _ = opened.explorers()
    explorer.click("Reset")
    return explorer


def reading(explorer: Explorer) -> str:
    return explorer.face()[1]


def test_a_click_on_a_box_turns_it_on(opened: Notebook, explorer: Explorer) -> None:
    box = opened.page.get_by_role("button", name="second switch")
    assert box.get_attribute("aria-pressed") == "false"
    box.click()
    opened.page.wait_for_selector(".sd-reading:has-text('second is True')")
    explorer._settled()
    assert box.get_attribute("aria-pressed") == "true"
    (second,) = [tick for tick in explorer.boxes() if tick.is_checked()][1:]
    assert second.is_checked(), "the control goes along"


def test_tab_and_enter_do_the_same_and_the_focus_stays(
    opened: Notebook, explorer: Explorer
) -> None:
    page = opened.page
    page.get_by_role("button", name="web tier").focus()
    page.keyboard.press("Tab")
    named = "() => document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(named) == "app tier"
    cells = len(opened.cells())
    page.keyboard.press("Enter")
    page.wait_for_selector(".sd-reading:has-text('the tier is app')")
    explorer._settled()
    assert page.evaluate(named) == "app tier"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    page.wait_for_selector(".sd-reading:has-text('the tier is web')")
    explorer._settled()
    page.keyboard.press("b")  # in JupyterLab, a new cell
    assert len(opened.cells()) == cells


def test_a_button_that_means_something_else_each_time_is_the_same_button(opened: Notebook) -> None:
    page = opened.page
    page.get_by_role("button", name="add A", exact=True).focus()
    for expected in ("A", "AA", "AAA"):
        page.keyboard.press("Enter")
        page.wait_for_selector(f".sd-reading:has-text('The word is {expected}.')")
        named = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert named == "add A"
    page.get_by_role("button", name="add B").click()
    page.wait_for_selector(".sd-reading:has-text('The word is AAAB.')")
    page.get_by_role("button", name="take back").click()
    page.wait_for_selector(".sd-reading:has-text('The word is AAA.')")


def test_each_button_lies_on_its_box(opened: Notebook, explorer: Explorer) -> None:
    del explorer
    lies_on_its_box(opened, above_in=0.48)


def test_it_stays_there_where_the_page_is_narrow(opened: Notebook, explorer: Explorer) -> None:
    wide = opened.page.get_attribute("img.sd-figure", "width")
    opened.page.set_viewport_size({"width": 620, "height": 900})
    try:
        opened.page.wait_for_selector(f"img.sd-figure:not([width='{wide}'])")
        explorer._settled()
        lies_on_its_box(opened, above_in=0.66)
    finally:
        opened.page.set_viewport_size({"width": 1000, "height": 1000})
        opened.page.wait_for_selector(f"img.sd-figure[width='{wide}']")


def lies_on_its_box(opened: Notebook, above_in: float) -> None:
    """Compare a button's place with that of its box, by the margins of helpers.explore.canvas."""
    image, button = (
        opened.page.eval_on_selector(
            selector,
            "node => { const box = node.getBoundingClientRect(); "
            "return [box.left, box.top, box.width, box.height]; }",
        )
        for selector in ("img.sd-figure", ".sdc button[aria-label='second switch']")
    )
    left, top, width, height = image
    across_in, up_in = (
        int(opened.page.get_attribute("img.sd-figure", side)) / 100 for side in ("width", "height")
    )
    inner = (across_in - 0.78 - 0.3, up_in - 0.62 - above_in)
    expected = (
        left + width * (0.78 + inner[0] * 3.5 / 6) / across_in,
        top + height * (above_in + inner[1] * 0.5 / 4) / up_in,
        width * inner[0] * 2 / 6 / across_in,
        height * inner[1] / 4 / up_in,
    )
    assert button == pytest.approx(expected, abs=1.5)


def test_a_refusal_takes_the_buttons_away(opened: Notebook, explorer: Explorer) -> None:
    page = opened.page
    for name in ("data tier", "second switch", "first switch"):
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(100)
    page.wait_for_selector('[role="alert"]:has-text("second needs first")')
    assert not page.query_selector(".sdc button").is_visible()
    explorer.click("Reset")
    assert page.query_selector(".sdc button").is_visible()


def test_axe_finds_nothing_and_nothing_goes_wrong(opened: Notebook, explorer: Explorer) -> None:
    del explorer
    violations = [one for one in opened.axe() if one["impact"] in SERIOUS]
    assert violations == [], json.dumps(violations, indent=1)[:4000]
    assert opened.console == opened.outside == []


def test_pictures_follow_the_theme(opened: Notebook, explorer: Explorer) -> None:
    page = opened.page
    assert page.query_selector(".sd-both") is None, "nobody sees it"
    opened.change_theme(dark=True)
    box = page.get_by_role("button", name="second switch")
    box.click()
    page.wait_for_selector(".sd-reading:has-text('second is True')")
    explorer._settled()
    (first, other) = page.query_selector_all(".sd-figure")
    looks = "one => [getComputedStyle(one).content.slice(0, 14), getComputedStyle(one).filter]"
    for picture in (first, other):
        assert picture.evaluate(looks) == ['url("data:imag', "none"]
    opened.change_theme(dark=False)
    assert page.query_selector(".sd-both") is None
    explorer.click("Reset")
