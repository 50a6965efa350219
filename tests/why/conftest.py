"""What the tests of real components share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psutil
import pytest


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """No thread, connection or child process may outlive a measurement."""
    me = psutil.Process()
    threads, connections = threading.active_count(), len(me.net_connections())
    children = len(me.children())
    yield
    assert threading.active_count() <= threads
    assert len(me.net_connections()) <= connections
    assert len(me.children()) <= children
