"""Every replay of every notebook, at the ends of its sliders and in the middle."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import numpy as np
import pytest
from matplotlib import get_data_path
from PIL import Image, ImageFont

from helpers.explore import Replay
from tests.explorers import corners, each_end_once, explorers_and_what_they_use

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MOST_EVENTS = 10_000
MOST_BYTES = 500_000
#: A stage on a narrow page, CSS pixels; and the letters in which a place's name stands above it.
NARROW = 600
BOLD = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf", 12)


def shows_a_replay(cell: Any) -> bool:
    """Whether a cell makes a replay."""
    lines = cell["source"].splitlines()
    return any("replay(" in line and "import" not in line for line in lines)


def replays_of(notebook: Path) -> list[Replay]:
    """Run what a notebook's replays need, in this process, and return them in order."""
    found: list[Replay] = []
    original = Replay.__init__

    def recording(self: Replay, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        found.append(self)

    cells = nbformat.read(notebook, as_version=4).cells
    if not any(shows_a_replay(cell) for cell in cells if cell.cell_type == "code"):
        return []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with mock.patch.object(Replay, "__init__", recording):
        for cell in explorers_and_what_they_use(cells, shows_a_replay):
            if cell.cell_type == "code":
                exec(compile(cell.source, notebook.name, "exec"), namespace)
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_setting_of_every_replay_can_be_played(notebook: Path, thorough: bool) -> None:
    for replay in replays_of(notebook):
        opening = {name: control.default for name, control in replay.controls.items()}
        few = itertools.islice(each_end_once(replay), 1)  # an end of every slider
        for setting in [opening, *(corners(replay) if thorough else few)]:
            where = f"{notebook.stem}: {replay.log.title} at {setting}"
            replay.set(**setting)
            assert replay._error.value == "", where
            log, sent = replay.log, replay._player
            assert 0 < len(log.rows) <= MOST_EVENTS, where
            assert len(sent.data) < MOST_BYTES, where
            assert "nan" not in replay.text().lower(), where
            for curve in log.curves:
                assert np.isfinite(curve.values).all(), where
            picture = np.asarray(Image.open(io.BytesIO(replay.png())).convert("L"))
            edges = (picture[:, 0], picture[:, -1], picture[0], picture[-1])
            assert all((edge > 250).all() for edge in edges), f"{where}: something is cut off"
            replay.page()
            assert names_without_room(replay) == [], where


def names_without_room(replay: Replay) -> list[str]:
    """Places whose names would end in dots: each has its column, as replay_layout.js has it."""
    if replay._view == "space-time":
        return []
    places = replay.log.places
    room = (NARROW - 24) / (1 + max(place.column for place in places)) - 8
    return [place.name for place in places if BOLD.getlength(place.name) > room]


def test_a_replay_is_found() -> None:
    assert replays_of(NOTEBOOKS[0]), "the first page has one"
