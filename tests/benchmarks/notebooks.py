"""What a notebook costs: seconds and memory from top to bottom, and the time to a first slider."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.benchmarks.timing import Table
from tests.browser.lab import Browser, JupyterLab


def measure_notebooks(paths: list[Path], report: Callable[[str], None]) -> Table:
    """Run every notebook from top to bottom in a kernel of its own.

    The kernel reports its own peak memory (VmHWM) in a cell added at the end.
    """
    table = Table("Notebooks", ("notebook", "s, top to bottom", "peak kernel memory, MB"))
    for path in paths:
        report(f"notebooks: {path.name}")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(_PEAK))
        started = time.perf_counter()
        NotebookClient(
            notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}
        ).execute()
        seconds = time.perf_counter() - started
        peak = float(notebook.cells[-1].outputs[0]["text"])
        table.rows.append((path.stem, f"{seconds:.1f}", f"{peak:.0f}"))
    table.notes.append("The kernel's start included. Targets: under 20 s and 350 MB.")
    return table


# Not getrusage's ru_maxrss, which a process inherits from the one that starts it.
_PEAK = """with open("/proc/self/status") as _status:
    _peak = next(line for line in _status if line.startswith("VmHWM"))
print(int(_peak.split()[1]) / 1024)"""


def measure_first_slider(first_page: Path, report: Callable[[str], None]) -> Table:
    """From opening the start page's address to question and slider, cells run from the top."""
    report("notebooks: first slider")
    table = Table("From address to first slider", ("step", "s since the address was opened"))
    with JupyterLab() as lab, Browser() as browser:
        started = time.perf_counter()
        with browser.notebook(lab, first_page) as notebook:
            table.rows.append(("page open, kernel answers", f"{time.perf_counter() - started:.1f}"))
            notebook.page.evaluate(
                "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
            )
            # It waits for a prediction; who made one asks at once.
            show = notebook.page.locator(".sd-veil button").first
            show.wait_for(timeout=60_000)
            table.rows.append(("first question on screen", f"{time.perf_counter() - started:.1f}"))
            show.click()
            notebook.page.locator(".sd-explorer .noUi-handle").first.wait_for(timeout=60_000)
            table.rows.append(("first slider on screen", f"{time.perf_counter() - started:.1f}"))
    return table
