"""Running notebooks and saving them so that only what changed differs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.authoring.__main__ import main
from helpers.authoring.execute import WIDGET_VIEW, CellError, execute, isolation
from helpers.authoring.models import fold_calls, model_source

EXPLORER = """
from helpers.explore import explore, slider
from tests.explore.samples import plot_wave, simulate_wave
explore(simulate_wave, plot_wave, height=slider(0, 8, 2.0))
"""
PLACES = """
import os
names = ("IPYTHONDIR", "SYSTEM_DESIGN_PROGRESS")
print(sorted(name for name in names if "sd-" in os.environ[name]))
"""


def saved(folder: Path, *sources: str) -> Path:
    """A notebook as JupyterLab might leave it, not run."""
    cells = [new_markdown_cell("Words."), *(new_code_cell(text.strip()) for text in sources)]
    notebook = new_notebook(cells=cells, metadata={"widgets": {"state": {}}})
    path = folder / "page.ipynb"
    nbformat.write(notebook, path)
    return path


def test_running_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path, EXPLORER, "print('one')\nprint('two')", PLACES)
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert execute(path)
    first = path.read_bytes()
    assert not execute(path)
    assert path.read_bytes() == first

    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ids
    assert first.endswith(b"}\n")
    text = first.decode()
    assert WIDGET_VIEW not in text
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    _, explorer, printed, places = notebook.cells
    faces = [set(output.data) for output in explorer.outputs if "image/png" in output.data]
    assert faces == [{"image/png", "text/plain"}]
    assert [output.text for output in printed.outputs] == ["one\ntwo\n"]
    assert places.outputs[0].text == "['IPYTHONDIR', 'SYSTEM_DESIGN_PROGRESS']\n"


def test_a_failing_cell_is_shown_and_the_file_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, "x = 1", "x / 0", "print('never')")
    before = path.read_bytes()
    with pytest.raises(CellError, match=r"(?s)page\.ipynb, cell 2:\nx / 0\n.*ZeroDivisionError"):
        execute(path)
    assert path.read_bytes() == before
    assert main(["execute", str(path)]) == 1
    shown = capsys.readouterr()
    assert "FAILED" in shown.out
    assert "1 failed" in shown.out
    assert "ZeroDivisionError" in shown.err


def test_an_endless_cell_is_stopped(tmp_path: Path) -> None:
    path = saved(tmp_path, "while True: pass")
    with pytest.raises(CellError, match="CellTimeoutError"):
        execute(path, timeout_s=1)


def test_isolation_is_put_back() -> None:
    before = dict(os.environ)
    with isolation():
        assert os.environ["SYSTEM_DESIGN_PROGRESS"] != before.get("SYSTEM_DESIGN_PROGRESS")
        folder = Path(os.environ["JUPYTER_DATA_DIR"]).parent
        assert folder.is_dir()
    assert dict(os.environ) == before
    assert not folder.exists()


@pytest.mark.thorough
def test_nbval_accepts_what_execute_saves_and_refuses_changed_numbers_and_broken_callbacks(
    pytester: pytest.Pytester,
) -> None:
    raises = (
        "# NBVAL_IGNORE_OUTPUT\nimport ipywidgets\nbox = ipywidgets.IntText()\n"
        "box.observe(lambda _: 1 / 0, 'value')\nbox.value = 3"
    )
    saved(pytester.path, raises).rename(pytester.path / "callback.ipynb")
    path = saved(pytester.path, EXPLORER, "6 * 7")
    execute(path)
    text, reading = path.read_text(), "The wave is 2 <high>."
    for old, new in ((reading, reading.replace("2", "3")), ('"42"', '"43"')):
        assert old in text
        text = text.replace(old, new)
    path.with_stem("changed").write_text(text)
    options = ("--nbval", "--nbval-current-env", "-p", "no:cacheprovider")
    done = pytester.runpytest_subprocess(*options)
    done.assert_outcomes(passed=2, failed=3)
    failed = ["*callback.ipynb::Cell 0*", "*changed.ipynb::Cell 0*", "*changed.ipynb::Cell 1*"]
    done.stdout.fnmatch_lines_random(failed)


def test_the_command_line_normalises_and_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, "1 + 1")
    assert main(["check", str(path)]) == 1
    found = capsys.readouterr().out
    assert "not in canonical form" in found
    assert "without having been run" in found
    assert main(["normalise", str(path)]) == 0
    assert main(["execute", str(path)]) == 0
    assert main(["check", str(path)]) == 0
    assert "1 notebooks checked, 0 findings" in capsys.readouterr().out


def test_what_a_learner_is_to_read_stays_open_and_calls_are_folded() -> None:
    opened = ("def rule(at):\n    return at", "HISTORY = 'one line'\njudge(HISTORY)")
    folded = ("explore(knee)", "from helpers.scaling.catalogue import CATALOGUE", "run = 1")
    notebook = new_notebook(cells=[new_code_cell(source) for source in (*opened, *folded)])
    fold_calls(notebook)
    hidden = [cell.metadata.get("jupyter", {}).get("source_hidden") for cell in notebook.cells]
    assert hidden == [None, None, True, True, True]


def test_what_a_cell_above_shows_is_not_imported() -> None:
    first, second = (
        "helpers.caching.strategies:CacheAside",
        "helpers.caching.strategies:WriteThrough",
    )
    assert "import CacheAside" in model_source(second)
    assert model_source(second, [first]).startswith("class WriteThrough(CacheAside):")
    assert "import CacheAside" in model_source(second, ["helpers.caching.policies:CacheAside"])


def test_imports_above_a_model_are_in_the_linters_order() -> None:
    head = model_source("helpers.caching.expiry:one_expiry").partition("\n\n\n")[0]
    assert head.splitlines() == [
        "import numpy as np",
        "import simpy",
        "",
        "from helpers.caching.connection_pool import saturated_s",
        "from helpers.foundations.queueing import queue_length_at",
    ]
