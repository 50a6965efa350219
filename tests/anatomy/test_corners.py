"""At the ends of every slider of the chapter: sentences in English, letters that can be read."""

from __future__ import annotations

import inspect
import re

import pytest

from helpers.authoring.course import ROOT
from helpers.explore.canvas import Canvas
from tests.drawn import text_faults
from tests.scaling.corners import corners, explorers

EXPLORERS = explorers(ROOT / "notebooks" / "04_the_anatomy_of_a_system.ipynb")
NAMES = [
    f"{experiment.__name__.rpartition('.')[2]} {i}"
    for i, (experiment, _, _) in enumerate(EXPLORERS)
]
#: Of each experiment the explorer that moves most of it: all others' corners are among its own.
WIDEST = {e.__name__: (e, c) for e, c, _ in sorted(EXPLORERS, key=lambda one: len(one[1]))}

#: A 1 before a noun in the plural.
_THINGS = "servers|jobs|services|users|sessions|requests|writes|times|pages"
_ONE_OF_MANY = re.compile(rf"(?<![\d.,])1 ({_THINGS})\b|\bother 1\b|chain of 1\b")


def first(outcome):
    return next(outcome) if inspect.isgenerator(outcome) else outcome


def test_every_explorer_of_the_page_is_found() -> None:
    assert len(EXPLORERS) == 16
    assert sum(has_model for _, _, has_model in EXPLORERS) == 3


@pytest.mark.parametrize(("experiment", "controls"), WIDEST.values(), ids=WIDEST)
def test_the_corners_can_be_read(experiment, controls) -> None:
    canvas = Canvas(experiment.plot)
    for at in corners(experiment, controls):
        run = first(experiment.simulate(at))
        said = run.reading
        assert said[0].isupper() or said[0].isdigit(), said
        assert said.endswith("."), said
        assert not _ONE_OF_MANY.search(said), said
        assert not re.search(r"\b(nan|inf|None|not a number)\b|  |\.\.", said), said
        canvas.draw([run])
        assert text_faults(canvas.figure) == [], at


@pytest.mark.parametrize(("experiment", "controls", "has_model"), EXPLORERS, ids=NAMES)
def test_every_control_does_something_at_the_opening(experiment, controls, has_model) -> None:
    setting = experiment.simulate.setting
    opening = {name: control.default for name, control in controls.items()}
    before = _seen(experiment, setting(**opening))
    for name, control in controls.items():
        others = [end for end in control.ends if end != control.default]
        assert any(
            _seen(experiment, setting(**{**opening, name: end})) != before for end in others
        ), name


def _seen(experiment, at) -> tuple[str, bytes]:
    run = first(experiment.simulate(at))
    canvas = Canvas(experiment.plot)
    canvas.draw([run])
    return run.reading, canvas.moving_png()
