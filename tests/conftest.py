"""What holds for every test, the notebooks' included: nothing is written into the repository,
and no setting of whoever runs the tests can change a result.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest

from helpers.authoring.execute import isolated_environment

#: The longest tests. Each may go to any worker; those of one notebook stay together.
_LONG = (
    "tests/notebooks/test_explorers.py",
    "tests/grading/test_class.py::test_blank_solved_and_lying_answers_of_a_lab",
)
#: Long, too, and of one piece.
_LONG_TOGETHER = ("tests/grading/test_guide.py", "tests/grading/test_class.py")

#: Browsers come last: Playwright leaves an event loop running in the worker that drove one.
_LAST = "tests/browser/"
_CHAPTERS = "tests/browser/test_chapters.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name what takes too long for every day."""
    text = "every slider in the browser to both ends, every lab graded, more settings and seeds"
    parser.addoption("--thorough", action="store_true", help=text)


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for all of it, as once a week."""
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture(scope="session")
def only_thorough(thorough: bool) -> None:
    """Skip what uses this where there is no time for it."""
    if not thorough:
        pytest.skip("tried with --thorough")


@pytest.fixture(scope="module", autouse=True)
def widgets_are_let_go() -> Iterator[None]:
    """Let go of a file's explorers: ipywidgets keeps what nobody closes, gigabytes in the end."""
    yield
    if widgets := sys.modules.get("ipywidgets"):
        widgets.Widget.close_all()


def pytest_configure(config: pytest.Config) -> None:
    """Give this run, and the kernels it starts, an environment of its own."""
    folder = tempfile.TemporaryDirectory(prefix="sd-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ.update(isolated_environment(Path(folder.name)))
    # Temporary files, too: a test that looks for what is left behind finds nobody else's. Those of
    # tests themselves stay where pytest keeps them.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    os.environ["TMPDIR"] = tempfile.tempdir = str(Path(folder.name) / "tmp")
    Path(tempfile.tempdir).mkdir()
    # No window for this process; its kernels show figures below their cells, as a learner's do.
    os.environ.pop("MPLBACKEND", None)
    mpl.use("agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left alone with them at the end."""
    first = _LONG + _LONG_TOGETHER
    items.sort(
        key=lambda item: (
            2 if item.nodeid.startswith(_LAST) else 0 if item.nodeid.startswith(first) else 1
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep each file, and above all each notebook, on one worker, but spread the longest tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith((*_LONG, _CHAPTERS)):
                return nodeid.partition("::")[0] + nodeid.partition("[")[2]
            return super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
