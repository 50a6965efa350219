"""One JupyterLab for all browser tests of a worker, and a Chromium for each file."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser.lab import CHROMIUM_NAMES, Browser, JupyterLab, find_chromium


@pytest.fixture(scope="session")
def lab() -> Iterator[JupyterLab]:
    """A JupyterLab server."""
    with JupyterLab() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, and in CI it fails.

    It goes with its file: as long as Playwright runs, no other test can run an event loop.
    """
    if find_chromium() is None:
        reason = f"no Chromium here ({', '.join(CHROMIUM_NAMES)}); it is a system package"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Browser() as chromium:
        yield chromium
