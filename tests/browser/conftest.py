"""One JupyterLab and one Chromium for all browser tests of a run."""

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, and in CI it fails."""
    if find_chromium() is None:
        reason = f"no Chromium here ({', '.join(CHROMIUM_NAMES)}); it is a system package"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Browser() as chromium:
        yield chromium
