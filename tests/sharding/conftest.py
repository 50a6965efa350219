"""What the tests of real files and threads share."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every measurement must remove its files and end its threads."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other tests measure as well
    threads = threading.active_count()
    yield
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() <= threads
