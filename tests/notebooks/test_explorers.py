"""Every explorer of every notebook, at the ends of its sliders and at random points between.

A callback that raises only at an extreme passes every test that runs a notebook once.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import nbformat
import pytest

from helpers.foundations.experiment import Result
from tests.explorers import corners, explorers_of, shows_an_explorer

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_setting_of_every_explorer_gives_a_finite_answer(notebook: Path) -> None:
    explorers = explorers_of(notebook)
    cells = nbformat.read(notebook, as_version=4).cells
    shown = sum(shows_an_explorer(cell) for cell in cells if cell.cell_type == "code")
    assert len(explorers) == shown > 0, f"{notebook.name} makes and shows unlike many explorers"
    for explorer in explorers:
        name = f"{notebook.stem}: {explorer.simulate.__name__}"
        for setting in corners(explorer):
            try:
                outcome = explorer.simulate(**{**explorer.values, **setting})
                *_, result = outcome if inspect.isgenerator(outcome) else (outcome,)
                explorer.canvas.draw((result,))
            except Exception as error:
                error.add_note(f"{name} at {setting}")
                raise
            _assert_finite(result, f"{name} at {setting}")
        explorer.set(**setting)  # the last one all the way, through the controls
        assert explorer.canvas.moving_png().startswith(PNG)
        assert explorer.png().startswith(PNG)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_same_setting_same_answer(notebook: Path) -> None:
    for explorer in explorers_of(notebook):
        first = explorer.reset().text()
        explorer.set(**next(corners(explorer)))
        assert explorer.reset().text() == first, explorer.simulate.__name__


def _assert_finite(result: Result, where: str) -> None:
    summary = result.summary
    assert summary, f"{where}: empty summary"
    for name, value in summary.items():
        finite = isinstance(value, str) or math.isfinite(value)
        assert finite, f"{where}: {name} is {value}"
    reading = result.reading
    assert reading.strip(), f"{where}: no reading"
    assert "nan" not in reading.lower().split(), f"{where}: {reading}"
