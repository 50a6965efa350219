"""What is said of the chapters' code is counted right, and holds of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.authoring.course import ROOT
from helpers.authoring.house import KINDS, House, report

EXPERIMENT = '''"""One."""

import numpy as np

class Setting(Parameters):
    load: float = number(0.5)

def model(at, draw):

    return {}

def simulate(at: Setting) -> Answer:
    """Do it.

    Raises
    ------
    ValueError
        If it cannot be done.
    """

class Answer(Result):
    at: Setting
    load: float
    other: float

@style.panels(2)
def plot(run, axes):
    pass
'''
REAL = '''"""Two."""
import socket

def serve():
    """Serve.

    Raises
    ------
    ValueError
        If it cannot
        be done.
    """
'''


@pytest.fixture
def course(tmp_path: Path) -> Path:
    chapter = tmp_path / "helpers" / "caching"
    chapter.mkdir(parents=True)
    (chapter / "__init__.py").write_text('"""Caching."""\n')
    (chapter / "one.py").write_text(EXPERIMENT)
    (chapter / "two.py").write_text(REAL)
    (tmp_path / "helpers" / "explore").mkdir()
    (tmp_path / "helpers" / "explore" / "__init__.py").write_text("x = 1\n")
    cell = {"metadata": {"model": "helpers.caching.one:model"}}
    (tmp_path / "notebooks").mkdir()
    page = tmp_path / "notebooks" / "09_caching_strategies.ipynb"
    page.write_text(json.dumps({"cells": [cell, {"metadata": {}}]}))
    return tmp_path


def test_lines_are_counted_by_kind(course: Path) -> None:
    house = House(course)
    assert list(house.chapters) == ["caching"]
    kinds = house.kinds(house.chapters["caching"])
    imports, model, rest, parameters, results, pictures, measurements = KINDS
    assert kinds[imports] == 3  # and the docstring of the package
    assert kinds[model] == 2
    assert kinds[parameters] == 2
    assert kinds[results] == 4
    assert kinds[pictures] == 3
    assert kinds[measurements] == 9
    assert kinds[rest] == 8  # and the docstring of the module
    (row,) = house.by_chapter()
    assert row[:4] == ("caching", "3", "one (28)", "31")
    assert row[-1] == "1"


def test_what_stands_twice_is_counted(course: Path) -> None:
    facts = House(course).facts()
    assert facts["result fields that repeat a parameter"] == "1"
    assert facts["Raises sections that stand elsewhere, too"] == "2"
    assert facts["a simulation's median length (lines)"] == "8"


def test_no_result_of_the_course_repeats_a_parameter() -> None:
    assert House(ROOT).repeated() == 0


def test_the_page_has_a_row_for_each_chapter() -> None:
    lines = report().splitlines()
    for name in House(ROOT).chapters:
        assert sum(line.startswith(f"| {name} |") for line in lines) == 1
    assert (ROOT / "docs" / "house.md").read_text(encoding="utf-8").startswith(lines[0])
