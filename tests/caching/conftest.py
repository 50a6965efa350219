"""Measurements leave nothing behind."""

from __future__ import annotations

import tempfile
import threading

import pytest


@pytest.fixture
def tidy(tmp_path, monkeypatch):
    """Fail if a measurement leaves a file or a thread."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a folder of this test's own
    threads = set(threading.enumerate())
    yield
    assert list(tmp_path.iterdir()) == []
    assert not [each for each in threading.enumerate() if each not in threads and each.is_alive()]
