"""What is written on the chapter's pictures can be read, at the ends of every control."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from helpers.authoring.course import ROOT
from helpers.explore import Explorer
from tests.drawn import text_faults, ticks, title
from tests.explorers import corners, explorers_of
from tests.sharding.checks import drawn_by

NOTEBOOK = ROOT / "notebooks" / "08_partitioning_and_sharding.ipynb"


@pytest.mark.parametrize("index", range(18))
def test_texts_are_whole_and_apart_and_sentences_are_sentences(index: int) -> None:
    explorers = explorers_of(NOTEBOOK)
    assert len(explorers) == 18
    _look_at(explorers[index])


def _look_at(explorer: Explorer) -> None:
    explorer.canvas.draw((explorer.result,))
    for ax in explorer.canvas.axes:
        assert title(ax)
        if ax.axison:
            assert ax.get_xlabel()
            assert ax.get_ylabel() or not ticks(ax, "y")
    every = list(corners(explorer, points=2))
    step = -(-len(every) // 18)  # not all: that takes a minute, and no other test is so slow
    for number, setting in enumerate(every[::step]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run = explorer.simulate(**{**explorer.values, **setting})
            said = run.reading
        assert said[0].isupper() or said[0].isdigit(), said
        assert said.endswith("."), said
        for wrong in ("not a number", "nan", "inf", " 1 shards", " 1 rows", " 1 ids", "  "):
            assert wrong not in said, (said, setting)
        for value in run.summary.values():
            assert isinstance(value, str) or np.isfinite(value), setting
        if number % 6 == 0:
            explorer.canvas.draw((run,))
            assert not text_faults(explorer.canvas.figure), setting


def test_an_axis_names_the_shards_that_there_are() -> None:
    from helpers.sharding import hot_key

    for shards in (2, 5, 13, 64):
        for ax in drawn_by(hot_key, hot_key.simulate(shards=shards)):
            assert max(ticks(ax, "x")) <= shards - 1
            assert ticks(ax, "x")[0] == "1"
