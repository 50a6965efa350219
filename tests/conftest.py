"""What holds for every test, the notebooks' included: nothing is written into the repository,
and no setting of whoever runs the tests can change a result.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from helpers.authoring.execute import isolated_environment

#: Tests of these files take long one by one and share nothing: each may go to any worker.
_SPREAD = ("tests/browser/test_chapters.py", "tests/project/test_labs.py::test_the_blank_lab")


def pytest_configure(config: pytest.Config) -> None:
    """Give this run, and the kernels it starts, an environment of its own."""
    folder = tempfile.TemporaryDirectory(prefix="sd-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ.update(isolated_environment(Path(folder.name)))
    os.environ["MPLBACKEND"] = "agg"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep each file, and above all each notebook, on one worker, but spread the longest tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(_SPREAD) else super()._split_scope(nodeid)

    return Scheduling(config, log)
