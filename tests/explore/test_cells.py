"""A cell that runs again lets go of what its last run showed, and of nothing still wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from nbval.kernel import start_new_kernel

from helpers.authoring.course import ROOT

Run = Callable[..., str]

_EXPLORE = """from helpers.explore import explore, slider
from helpers.scaling import speedup
{}explore(speedup, serial_percent=slider(0.0, 50.0))"""

#: Widgets that are open, explorers that somebody holds, and results that are kept.
_COUNT = """import gc
from ipywidgets.widgets.widget import _instances
from helpers.explore.explorer import Explorer
gc.collect()
kept = [each for each in Out.values() if isinstance(each, Explorer)]
print(len(_instances), sum(isinstance(o, Explorer) for o in gc.get_objects()), len(kept))
del kept"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Run]:
    """Run code in a kernel as the front end does for the cell of that name; return what it says."""
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)})

    def run(code: str, cell: str) -> str:
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        request = client.session.msg("execute_request", content, metadata={"cellId": cell})
        client.shell_channel.send(request)
        said = ""
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                said += content["text"]
            elif kind == "error":
                said += f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return said

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def counted(kernel: Run) -> list[int]:
    return [int(number) for number in kernel(_COUNT, "count").split()]


def test_a_page_that_runs_again_does_not_grow(kernel: Run) -> None:
    kernel(_EXPLORE.format(""), "frozen")  # the first one is kept for good, with what it imported
    for cell in ("one", "two"):
        assert kernel(_EXPLORE.format(""), cell) == ""
    widgets, explorers, kept = counted(kernel)
    for _ in range(3):
        for cell in ("one", "two"):
            kernel(_EXPLORE.format(""), cell)
    assert counted(kernel) == [widgets, explorers, kept]
    kernel("1 + 1", "one")
    kernel("1 + 1; None", "two")
    less = counted(kernel)
    assert less[0] < widgets - 40
    assert less[2] == kept - 2


def test_what_a_variable_holds_stays_open(kernel: Run) -> None:
    kernel(_EXPLORE.format("mine = "), "made")
    kernel("mine", "shown")
    before = counted(kernel)
    kernel("mine", "shown")
    kernel("print('something else')", "shown")
    assert counted(kernel)[:2] == before[:2]
    assert kernel("mine.set(serial_percent=20.0)\nmine", "shown") == ""
    assert kernel("print(mine.values['serial_percent'])", "read").strip() == "20.0"
    kernel(_EXPLORE.format("mine = ") + "\nmine", "made")  # a new one; the old one is over
    kernel("mine", "shown")
    assert counted(kernel)[0] == before[0]


def test_what_another_cell_shows_stays_open(kernel: Run) -> None:
    made = "from helpers.explore import quiz\nasked = [quiz('Why?', {'so': 'Yes.', 'no': 'No.'}"
    kernel(f"{made}, answer='so')]\nasked[0]", "asks")
    assert kernel("asked[0]", "asks again") == ""
    assert kernel("None", "asks") == ""
    assert kernel("print(asked[0].widget.comm is None)", "read").strip() == "False"
    kernel("None", "asks again")
    assert kernel("print(asked[0].widget.comm is None)", "read").strip() == "True"
    assert "closed when its cell ran again" in kernel("asked[0]", "asks again")
