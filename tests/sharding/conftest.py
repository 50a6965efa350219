"""What the tests of real files and threads share."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def leaves_nothing_behind() -> Iterator[None]:
    """Every measurement must remove its files and end its threads."""
    folder = Path(tempfile.gettempdir())
    files, threads = set(folder.glob("shards-*")), threading.active_count()
    yield
    assert set(folder.glob("shards-*")) <= files
    assert threading.active_count() <= threads
