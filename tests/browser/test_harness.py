"""The checks of the chapters, tried on a small notebook and on notebooks made bad on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.browser.lab import Browser, JupyterLab, Notebook, NotebookError
from tests.browser.shots import photograph
from tests.browser.test_chapters import SERIOUS, what_is_wrong

GOOD = """
from helpers.explore import choice, explore, slider
from tests.explore.samples import plot_wave, simulate_wave
explore(simulate_wave, plot_wave, height=slider(0, 8, 2.0), kind=choice("sine", "noise"))
"""
FAILS_AT_ITS_END = GOOD.replace("slider(0, 8, 2.0)", "slider(0, 10, 2.0)")
DEAD_SLIDER = """
from helpers.explore import explore, slider
from tests.explore.samples import plot_wave, simulate_wave

def simulate(*, height: float, nothing: float, seed: int = 1):
    return simulate_wave(height=height, seed=seed)

explore(simulate, plot_wave, height=slider(0, 8, 2.0), nothing=slider(0, 1, 0.5))
"""

ALIVE_ONCE_TICKED = """
from helpers.explore import explore, slider, toggle
from tests.explore.samples import plot_wave, simulate_wave

def simulate(*, height: float, on: bool, seed: int = 1):
    return simulate_wave(height=height if on else 1.0, seed=seed)

explore(simulate, plot_wave, height=slider(0, 8, 2.0), on=toggle(False))
"""


def written(folder: Path, *sources: str) -> Path:
    """A notebook with these code cells; what starts like a heading is prose."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(source)
            if source.startswith("# ")
            else nbformat.v4.new_code_cell(source.strip())
            for source in sources
        ],
        metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}},
    )
    path = folder / f"{folder.name}.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def explored(
    tmp_path_factory: pytest.TempPathFactory, lab: JupyterLab, browser: Browser
) -> Iterator[tuple[Notebook, list[list[int]]]]:
    """A notebook of good and bad explorers that has run, and what had not run on the way there."""
    path = written(
        tmp_path_factory.mktemp("explored"), GOOD, FAILS_AT_ITS_END, DEAD_SLIDER, ALIVE_ONCE_TICKED
    )
    with browser.notebook(lab, path, still=True) as notebook:
        unrun = [notebook.unrun()]
        notebook.run_first()
        unrun.append(notebook.unrun())
        notebook.run_all()
        unrun.append(notebook.unrun())
        yield notebook, unrun


def test_cells_that_have_not_run_are_told(explored: tuple[Notebook, list[list[int]]]) -> None:
    assert explored[1] == [[0, 1, 2, 3], [1, 2, 3], []]


def test_a_good_explorer_passes_and_can_be_photographed(
    tmp_path: Path, explored: tuple[Notebook, list[list[int]]]
) -> None:
    notebook, _ = explored
    explorer = notebook.explorers()[0]
    (height,) = explorer.sliders()
    assert explorer.label(height) == "Height"
    before = explorer.face()
    assert explorer.press(height, "ArrowRight")
    picture, reading = explorer.face()
    assert picture != before[0]
    assert reading != before[1]
    assert explorer.click("Reset")
    assert explorer.face() == before
    assert what_is_wrong(explorer, thorough=True) == []
    assert notebook.console == notebook.outside == []
    assert [one for one in notebook.axe() if one["impact"] in SERIOUS] == []
    assert photograph(notebook, tmp_path / "shots") >= 5


@pytest.mark.parametrize(
    ("number", "found"),
    [(1, "height must be"), (2, "Nothing changes neither picture nor reading")],
    ids=["fails-at-its-end", "dead-slider"],
)
def test_a_bad_explorer_is_noticed(
    number: int, found: str, explored: tuple[Notebook, list[list[int]]]
) -> None:
    (wrong,) = what_is_wrong(explored[0].explorers()[number], thorough=True)
    assert found in wrong


def test_a_slider_may_wait_for_another_control(
    explored: tuple[Notebook, list[list[int]]],
) -> None:
    assert what_is_wrong(explored[0].explorers()[3], thorough=True) == []


def test_an_error_in_a_cell_is_noticed_and_the_page_is_listened_to(
    tmp_path: Path, lab: JupyterLab, browser: Browser
) -> None:
    page = """
from IPython.display import HTML
HTML('''<script>console.error("out of order");
setTimeout(() => { window.sdThrown = true; throw Error("lost"); });</script>
<img src="http://192.0.2.1/picture.png"><button></button><select></select>''')
"""
    path = written(tmp_path, page, "1 / 0", "'perhaps run, perhaps not'")
    with browser.notebook(lab, path) as notebook:
        with pytest.raises(NotebookError, match=r"^cell 1: ZeroDivisionError"):
            notebook.run_all()
        assert not {0, 1} & set(notebook.unrun())
        notebook.page.wait_for_function("() => window.sdThrown")
        assert any("out of order" in line for line in notebook.console)
        assert any("lost" in line for line in notebook.console)
        assert set(notebook.outside) == {"http://192.0.2.1/picture.png"}
        serious = {one["id"] for one in notebook.axe() if one["impact"] in SERIOUS}
        assert {"button-name", "select-name"} <= serious


@pytest.mark.thorough
def test_the_server_sends_without_delay(lab: JupyterLab) -> None:
    loaded = "helpers.server | extension was successfully loaded."
    assert loaded in lab.log.read_text(), "python helpers/start.py settings switches it on"
