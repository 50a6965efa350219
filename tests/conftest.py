"""What holds for every test, the notebooks' included: nothing is written into the repository,
and no setting of whoever runs the tests can change a result.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import matplotlib as mpl
import nbval.kernel
import pytest
from nbval.plugin import IPyNbCell

from helpers.authoring.execute import isolated_environment
from tests.pictures import drawn_as_saved, with_pictures

#: The longest tests. Each may go to any worker; those of one notebook stay together.
_LONG = (
    "tests/notebooks/test_explorers.py",
    "tests/grading/test_class.py::test_blank_solved_and_lying_answers_of_a_lab",
)
#: Long, too, and of one piece.
_LONG_TOGETHER = ("tests/grading/test_guide.py", "tests/grading/test_class.py")

#: Browsers come first, too: others work while they wait.
_BROWSER = "tests/browser/"
_CHAPTERS = "tests/browser/test_chapters.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name what takes too long for every day."""
    text = "every slider in the browser to both ends, every lab graded, more settings and seeds"
    parser.addoption("--thorough", action="store_true", help=text)


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for all of it, as once a week."""
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture(scope="module", autouse=True)
def widgets_are_let_go() -> Iterator[None]:
    """Let go of a file's explorers: ipywidgets keeps what nobody closes, gigabytes in the end."""
    yield
    if widgets := sys.modules.get("ipywidgets"):
        widgets.Widget.close_all()


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what was imported, and come more seldom.

    It took a tenth of the time, most of it for going through explorers that are still in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 30)


def pytest_configure(config: pytest.Config) -> None:
    """Give this run, and the kernels it starts, an environment of its own."""
    config.addinivalue_line("markers", "thorough: takes too long for every day")
    examples = 250 if config.getoption("--thorough") else 50
    hypothesis.settings.register_profile("course", max_examples=examples, derandomize=True)
    hypothesis.settings.load_profile("course")
    folder = tempfile.TemporaryDirectory(prefix="sd-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ.update(isolated_environment(Path(folder.name)))
    # Temporary files, too: a test that looks for what is left behind finds nobody else's. Those of
    # tests themselves stay where pytest keeps them.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    os.environ["TMPDIR"] = tempfile.tempdir = str(Path(folder.name) / "tmp")
    Path(tempfile.tempdir).mkdir()
    # nbval writes every message of a kernel out for a log that nobody keeps.
    nbval.kernel.pformat = lambda message: message
    if drawn_as_saved():
        IPyNbCell.compare_outputs = with_pictures(IPyNbCell.compare_outputs)
    # No window for this process; its kernels show figures below their cells, as a learner's do.
    os.environ.pop("MPLBACKEND", None)
    mpl.use("agg")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what there is no time for; begin with the longest, so that no worker ends alone."""
    if not config.getoption("--thorough"):
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="tried with --thorough"))
    order = (_CHAPTERS, *_LONG, *_LONG_TOGETHER, _BROWSER)

    def turn(item: pytest.Item) -> int:
        return next((i for i, name in enumerate(order) if item.nodeid.startswith(name)), len(order))

    items.sort(key=turn)


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
