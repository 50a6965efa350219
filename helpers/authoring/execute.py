"""Run notebooks from top to bottom and save them in one canonical form."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.authoring.course import ROOT
from helpers.authoring.models import fold_calls, refresh_models

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
#: How HTML begins that stands in for a widget in a notebook that was saved in JupyterLab.
ALONE = '<div class="sd-alone"'


class CellError(Exception):
    """A cell raised; the message names notebook and cell and holds source and error."""


def isolated_environment(folder: Path) -> dict[str, str]:
    """Environment variables under which no setting of this user can change an output.

    Parameters
    ----------
    folder : Path
        A temporary folder, for whatever Jupyter, IPython and the course want to store.
    """
    return {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "SYSTEM_DESIGN_PROGRESS": str(folder / "progress"),
        "PYTHONPATH": os.pathsep.join(
            part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part
        ),
    }


@contextmanager
def isolation() -> Iterator[None]:
    """Set `isolated_environment` in this process and its children for a while."""
    with tempfile.TemporaryDirectory(prefix="sd-run-", ignore_cleanup_errors=True) as folder:
        before = os.environ.copy()
        os.environ.update(isolated_environment(Path(folder)))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def normalise(notebook: NotebookNode) -> str:
    """The notebook as text in canonical form; `notebook` is changed in place.

    What differs from run to run or machine to machine goes: widget views and state, times of
    execution, Python's version. What JupyterLab and GitHub then show of an explorer is its
    picture and its text, until the learner runs the cell. Cell ids stay as they are.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        **{key: notebook.metadata[key] for key in ("celltoolbar",) if key in notebook.metadata},
    )
    seen: set[str] = set()
    for index, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in seen:
            cell.id = f"cell-{index:03d}"
        seen.add(cell.id)
        for key in ("execution", "collapsed", "scrolled", "trusted", "ExecuteTime", "vscode"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
            continue
        for output in cell.outputs:
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
                output.metadata = NotebookNode(
                    {key: value for key, value in output.metadata.items() if key != WIDGET_VIEW}
                )
        cell.outputs = [
            output
            for output in cell.outputs
            if output.get("data", True)
            and not output.get("data", {}).get("text/html", "").startswith(ALONE)
        ]
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def run(notebook: NotebookNode, folder: Path, *, name: str = "", timeout_s: int = 300) -> None:
    """Run every cell of `notebook` in place, in `folder`.

    Raises
    ------
    CellError
        If a cell raises, or takes longer than `timeout_s`.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=timeout_s,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of TCP on loopback
        resources={"metadata": {"path": str(folder)}},
    )
    started: list[int] = []
    client.on_cell_execute = lambda cell, cell_index: started.append(cell_index)
    try:
        with isolation():
            client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        index = started[-1] if started else 0
        source = notebook.cells[index].source
        if isinstance(error, CellExecutionError):
            traceback = [
                "\n".join(output.traceback)
                for output in notebook.cells[index].get("outputs", [])
                if output.output_type == "error"
            ]
            what = "\n".join(traceback) or str(error)
        else:
            what = f"{type(error).__name__}: {error}"
        raise CellError(f"{name}, cell {index}:\n{source}\n\n{what}") from error


def execute(path: Path, *, timeout_s: int = 300) -> bool:
    """Run one notebook and save it in canonical form; say whether the file changed."""
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    refresh_models(notebook)
    if path.parent.name == "notebooks":  # in a lab, the code is what matters
        fold_calls(notebook)
    run(notebook, path.parent, name=str(path), timeout_s=timeout_s)
    after = normalise(notebook)
    if after != before:
        path.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def execute_all(paths: list[Path], *, timeout_s: int = 300) -> int:
    """Run notebooks one after the other with a line for each; return the exit code."""
    began = time.perf_counter()
    failures = 0
    for path in paths:
        started = time.perf_counter()
        print(f"{path} ... ", end="", flush=True)
        try:
            changed = execute(path, timeout_s=timeout_s)
        except CellError as failure:
            failures += 1
            print(f"FAILED after {time.perf_counter() - started:.1f} s", flush=True)
            print(failure, file=sys.stderr, flush=True)
        else:
            state = "changed" if changed else "same as before"
            print(f"{time.perf_counter() - started:.1f} s, {state}", flush=True)
    failed = f", {failures} failed" if failures else ""
    print(f"{len(paths)} notebooks, {time.perf_counter() - began:.1f} s{failed}")
    return 1 if failures else 0
