"""The learner's page as a whole: nothing of a teacher's, narrow, and done by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from helpers.authoring.course import ROOT
from tests.browser.lab import Browser, Explorer, JupyterLab, Notebook
from tests.browser.test_chapters import SERIOUS
from tests.browser.test_harness import written
from tests.checks import weekly

FIRST_PAGE = ROOT / "notebooks/00_start_here.ipynb"
NARROW = (
    """
from helpers.explore import explore, slider
from helpers.scaling import growth
explore(growth, users=slider(100, 10_000_000, log=True), budget_ms=slider(10.0, 1000.0, log=True))
""",
    """
from helpers.explore import choice, explore, slider
from helpers.scaling import bottleneck
explore(bottleneck, users=slider(1, 80), action=choice())
""",
)
WIDE = """
import pandas as pd
pd.DataFrame({f"a column of numbers {n}": [n] for n in range(12)})
"""
LETTERS_PX, TRACK_PX = 10.0, 120.0
SMALLEST_PT = 8.0  # tests/notebooks/test_explorers.py holds that no picture has smaller letters


@pytest.fixture(scope="module")
def narrow(
    tmp_path_factory: pytest.TempPathFactory, lab: JupyterLab, browser: Browser
) -> Iterator[Notebook]:
    """Two explorers and a table on a page of 800 pixels, with JupyterLab's side bar open."""
    path = written(tmp_path_factory.mktemp("narrow"), WIDE, *NARROW)
    with browser.notebook(lab, path, width=800, still=True) as notebook:
        notebook.page.evaluate("() => window.jupyterapp.shell.expandLeft()")
        notebook.run_all()
        yield notebook


def test_teachers_tools_stay_out_of_a_learners_sight(narrow: Notebook) -> None:
    page = narrow.page
    labels = page.eval_on_selector_all(
        ".lm-MenuBar-itemLabel, .lm-TabBar-tab", "all => all.map(one => one.textContent)"
    )
    assert "Kernel" in labels
    shown = " ".join([*labels, page.inner_text("body")]).lower()
    assert "nbgrader" not in shown
    assert "formgrader" not in shown
    assert "assignment" not in shown


def test_letters_and_tracks_are_large_enough_on_a_narrow_page(narrow: Notebook) -> None:
    narrow.page.wait_for_function(
        "() => [...document.querySelectorAll('.sd-explorer')].every(one => "
        "one.classList.contains('sd-tight') && "
        "Number(one.querySelector('img.sd-figure').getAttribute('width')) < 500)"
    )
    explorers = narrow.explorers()
    for explorer in explorers:
        shown, drawn = explorer.element.eval_on_selector(
            "img.sd-figure",
            "one => [one.getBoundingClientRect().width, Number(one.getAttribute('width'))]",
        )
        assert shown <= explorer.element.bounding_box()["width"]
        assert SMALLEST_PT / 72 * 100 * shown / drawn >= LETTERS_PX
        for track in explorer.element.query_selector_all(".noUi-target"):
            assert track.bounding_box()["width"] >= TRACK_PX


def test_a_table_wider_than_the_page_is_reached_by_keyboard(narrow: Notebook) -> None:
    narrow.page.wait_for_selector('[aria-label="A wide table: arrow keys push it"][tabindex="0"]')
    assert [one for one in narrow.axe() if one["impact"] in SERIOUS] == []


SECTION = "# A section\n\n" + "A paragraph.\n\n" * 20
LONG = (SECTION, "import time\ntime.sleep(0.5)", *(SECTION, NARROW[0]) * 5, SECTION)

#: Which cell is the first one in view, how far below the edge, and which one is active.
_PLACE = """() => {
    const page = document.querySelector('.jp-WindowedPanel-outer');
    const cells = [...page.querySelectorAll('.jp-Cell')];
    const below = one => one.getBoundingClientRect().top - page.getBoundingClientRect().top;
    const first = cells.findIndex(one => below(one) + one.offsetHeight > 0);
    return [first, below(cells[first]),
        cells.findIndex(one => one.classList.contains('jp-mod-active'))];
}"""


def run_all_by_menu(notebook: Notebook) -> None:
    """Choose Run All Cells in the menu."""
    notebook.page.get_by_role("menuitem", name="Run", exact=True).click()
    notebook.page.get_by_text("Run All Cells", exact=True).click()


def place_after_all(notebook: Notebook) -> list[float]:
    """Where the learner is once all cells have run and all is quiet."""
    notebook.page.wait_for_function(f"() => ({_DONE})()")
    for explorer in notebook.explorers():
        settled(explorer)
    return notebook.page.evaluate(_PLACE)


@pytest.fixture(scope="module", params=["as-learners-have-it", weekly("every-cell-laid-out")])
def long(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    lab: JupyterLab,
    browser: Browser,
) -> Iterator[Notebook]:
    """A page of several screens that was just opened, with the cells off the screen or without."""
    path = written(tmp_path_factory.mktemp("long"), *LONG)
    with ExitStack() as stack:
        if request.param == "as-learners-have-it":
            lab = stack.enter_context(JupyterLab(whole=False))
        yield stack.enter_context(browser.notebook(lab, path, still=True))


def test_run_all_on_a_new_page_leaves_the_learner_at_its_top(long: Notebook) -> None:
    opened = long.page.evaluate(_PLACE)
    assert opened[0] == opened[2] == 0
    run_all_by_menu(long)
    assert place_after_all(long) == opened


@pytest.mark.thorough
def test_run_all_keeps_the_place_on_the_first_page_too(browser: Browser) -> None:
    """All its code is folded away, and so are the prompts that say which cells wait."""
    with JupyterLab(whole=False) as lab, browser.notebook(lab, FIRST_PAGE, still=True) as notebook:
        page, opened = notebook.page, notebook.page.evaluate(_PLACE)
        run_all_by_menu(notebook)
        page.wait_for_function(f"() => ({_PLACE})()[2] === 0")
        assert place_after_all(notebook) == opened
        page.mouse.move(600, 600)
        page.mouse.wheel(0, 1500)
        page.wait_for_function(f"() => ({_PLACE})()[0] > 2")
        first, below, active = page.evaluate(_PLACE)
        run_all_by_menu(notebook)
        now = place_after_all(notebook)
        assert (now[0], now[2]) == (first, active)
        assert now[1] == pytest.approx(below, abs=3)
        assert notebook.console == []


def test_run_all_leaves_the_learner_where_they_were(long: Notebook) -> None:
    page = long.page
    page.mouse.move(600, 600)
    page.mouse.wheel(0, 3000)
    page.wait_for_function(f"() => ({_PLACE})()[0] > 2")
    first = page.evaluate(_PLACE)[0]
    page.locator(".jp-Cell").nth(first + 1).locator(".jp-InputPrompt").first.click()
    first, below, active = page.evaluate(_PLACE)
    assert active == first + 1
    run_all_by_menu(long)
    now = place_after_all(long)
    assert (now[0], now[2]) == (first, active)
    assert now[1] == pytest.approx(below, abs=3)


def test_who_moves_while_all_runs_is_not_moved_back(long: Notebook) -> None:
    run_all_by_menu(long)
    last = len(long.cells()) - 1
    long.page.wait_for_function(f"last => ({_PLACE})()[2] < last", arg=last)
    kept = long.page.evaluate(_PLACE)[0]
    long.page.mouse.move(600, 600)
    long.page.mouse.wheel(0, 3000)
    long.page.wait_for_function(f"kept => ({_PLACE})()[0] > kept + 2", arg=kept)
    assert place_after_all(long)[0] > kept + 2


def test_who_runs_cell_after_cell_arrives_at_the_last(long: Notebook) -> None:
    page, last = long.page, len(long.cells()) - 1
    page.mouse.wheel(0, -100_000)
    page.wait_for_function(f"() => ({_PLACE})()[0] === 0")
    page.locator(".jp-Cell").first.click(position={"x": 300, "y": 20})
    for _ in range(last):
        page.keyboard.press("Shift+Enter")
    first, _, active = place_after_all(long)
    assert active == last
    assert first >= last - 1
    assert long.console == []


def test_a_chapter_can_be_done_by_keyboard_alone(lab: JupyterLab, browser: Browser) -> None:
    with browser.notebook(lab, FIRST_PAGE, still=True) as notebook:
        page, keys = notebook.page, notebook.page.keyboard
        number = len(notebook.cells())
        for _ in range(number):
            keys.press("Shift+Enter")
        page.wait_for_function(f"() => ({_DONE})({number})")
        assert notebook.errors() == []
        keys.press("Escape")
        for _ in range(number + 1):
            keys.press("ArrowUp")
        tab_to(notebook, ".sd-entry input")
        keys.type("200")
        keys.press("Enter")
        page.wait_for_selector(".sd-reading:has-text('You said 200')")
        tab_to(notebook, '[role="slider"]')
        explorer = next(one for one in notebook.explorers() if one.sliders())
        before = explorer.face()
        keys.press("ArrowRight")
        assert settled(explorer) != before, "a slider is moved"
        tab_to(notebook, ".sdr-stage")
        keys.press("ArrowRight")
        page.wait_for_selector(".sdr-now:has-text('Event 1 of')")
        tab_to(notebook, "a[href*=lab01_why]")
        assert notebook.console == []


def test_the_map_opens_a_chapter_by_click_and_by_key(lab: JupyterLab, browser: Browser) -> None:
    with browser.notebook(lab, FIRST_PAGE, still=True) as notebook:
        page = notebook.page
        links = page.locator(".jp-RenderedMarkdown:has(h2:has-text('The map')) table >> nth=0 >> a")
        links.filter(has_text="05").click()
        in_front(notebook, "notebooks/05_how_to_approach_design.ipynb")
        page.evaluate(
            "path => { window.jupyterapp.commands.execute('docmanager:open', { path }); }",
            "notebooks/00_start_here.ipynb",
        )
        in_front(notebook, "notebooks/00_start_here.ipynb")
        links.filter(has_text="05").focus()  # the same, as it is open by now
        page.keyboard.press("Enter")
        in_front(notebook, "notebooks/05_how_to_approach_design.ipynb")


def in_front(notebook: Notebook, path: str) -> None:
    """Wait until a notebook is the one that is looked at."""
    notebook.page.wait_for_function(
        """path => { const { context } = window.jupyterapp.shell.currentWidget ?? {};
            return context?.isReady && context.path === path; }""",
        arg=path,
    )


_DONE = """number => window.jupyterapp.shell.currentWidget.content.widgets.slice(0, number).every(
    cell => cell.model.type !== 'code' || cell.model.executionCount)
    && !document.querySelector('.jp-mod-pendingWidget')"""


def tab_to(notebook: Notebook, selector: str, most: int = 60) -> None:
    """Press Tab until what has the focus looks like this."""
    passed = []
    for _ in range(most):
        notebook.page.keyboard.press("Tab")
        focus = notebook.page.evaluate(
            """selector => { const one = document.activeElement;
                return [one.matches(selector), one.outerHTML.slice(0, 120)]; }""",
            selector,
        )
        if focus[0]:
            return
        passed.append(focus[1])
    raise AssertionError(f"Tab never reaches {selector}:\n" + "\n".join(passed))


def settled(explorer: Explorer) -> tuple[str, str]:
    """What an explorer shows once all is quiet."""
    return explorer._settled()
