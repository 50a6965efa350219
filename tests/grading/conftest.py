"""The small lab, released once."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.authoring.grading.lab import Lab
from helpers.authoring.labs import temporary_course
from tests.grading import small


@pytest.fixture(scope="session")
def solutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of solutions with the small lab and another."""
    return small.make_solutions(tmp_path_factory.mktemp("small") / "solutions")


@pytest.fixture(scope="session")
def lab(solutions: Path) -> Lab:
    """The small lab."""
    with temporary_course(solutions) as course:
        released = course.release(small.NAME)
        return Lab.read(solutions / small.NAME, released)
