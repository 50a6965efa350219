"""What holds for every test, the notebooks' included: nothing is written into the repository,
and no setting of whoever runs the tests can change a result.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from helpers.authoring.execute import isolated_environment


def pytest_configure(config: pytest.Config) -> None:
    """Give this run, and the kernels it starts, an environment of its own."""
    folder = tempfile.TemporaryDirectory(prefix="sd-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ.update(isolated_environment(Path(folder.name)))
    os.environ["MPLBACKEND"] = "agg"
