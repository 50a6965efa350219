"""At the ends of every slider of the chapter: sentences in English, letters that can be read."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

import numpy as np
import pytest

from helpers.authoring.course import ROOT
from helpers.foundations.experiment import Result
from tests.drawn import text_faults
from tests.explorers import corners, explorers_of

NOTEBOOK = ROOT / "notebooks" / "01_why_system_design.ipynb"

#: A 1 before a noun in the plural, and the other way round.
_THINGS = "users workers servers cores requests processes threads times questions cards tries kills"
_ONE_OF_MANY = re.compile(rf"(?<![\d.,])1 (more )?({_THINGS.replace(' ', '|')})\b")


@lru_cache(maxsize=1)
def explorers():
    return explorers_of(NOTEBOOK)


def test_every_explorer_of_the_page_is_found() -> None:
    assert len(explorers()) == 18
    assert sum("Your" in (each.title or "") for each in explorers()) == 4


def _run(explorer, values):
    outcome = explorer.simulate(**{**explorer.values, **values})
    return outcome if isinstance(outcome, Result) else next(outcome)


@pytest.mark.parametrize("number", range(18))
def test_the_corners_can_be_read(number: int) -> None:
    explorer = explorers()[number]
    every = list(corners(explorer, points=2))
    for at, values in enumerate(every):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run = _run(explorer, values)
            said = run.reading
        assert said[0].isupper() or said[0].isdigit(), said
        assert said.endswith("."), said
        assert not _ONE_OF_MANY.search(said), said
        assert not re.search(r"\b(nan|inf|not a number)\b|  |\.\.", said), said
        for value in run.summary.values():
            assert isinstance(value, str) or np.isfinite(value), values
        if at % 3 == 0:
            explorer.canvas.draw((run,))
            assert text_faults(explorer.canvas.figure) == [], values
