"""What the tests of real components share."""

from __future__ import annotations

from tests.scaling.conftest import nothing_left_behind

__all__ = ["nothing_left_behind"]
