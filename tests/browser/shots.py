"""See a notebook as a learner sees it: run it in a real JupyterLab and photograph it.

    python -m tests.browser.shots notebooks/02_thinking_at_scale.ipynb --out /tmp/shots
    python -m tests.browser.shots notebooks/*.ipynb --theme dark --width 900

Writes ``page-01.png`` ... (the page from top to bottom) and ``cell-07.png`` (the output of code
cell 7) into ``OUT/<notebook>-<theme>-<width>/``. Ends with 1 if a cell raised or the browser's
console holds an error, with both printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.browser.lab import Browser, JupyterLab, Notebook, NotebookError

_SCROLLER = """() => {
    const content = window.jupyterapp.shell.currentWidget.content.node;
    const nodes = [content, ...content.querySelectorAll('.jp-WindowedPanel-outer')];
    return nodes.find(node => node.scrollHeight > node.clientHeight + 5) || content;
}"""

_END = """node => {
    const cells = node.querySelectorAll('.jp-Cell');
    const last = cells[cells.length - 1];
    return last.getBoundingClientRect().bottom - node.getBoundingClientRect().top + node.scrollTop;
}"""


_NEXT_FRAME = """() => new Promise(
    done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"""


def photograph(notebook: Notebook, folder: Path, *, cells: bool = True) -> int:
    """Save the page in slices, and each cell's output; return the number of pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    page = notebook.page
    scroller = page.evaluate_handle(_SCROLLER).as_element()
    box = scroller.bounding_box()
    step = scroller.evaluate("node => node.clientHeight") - 60
    height = scroller.evaluate(_END)  # JupyterLab leaves room to scroll past the last cell
    pictures = 0
    top = 0
    while pictures == 0 or top + 60 < height:
        scroller.evaluate("(node, top) => { node.scrollTop = top; }", top)
        page.evaluate(_NEXT_FRAME)
        pictures += 1
        page.screenshot(path=folder / f"page-{pictures:02d}.png", clip=box)
        top += step
    if cells:
        for cell in notebook.cells():
            if not cell["outputs"]:
                continue
            area = page.query_selector_all(".jp-Notebook .jp-Cell")[cell["index"]]
            area = area.query_selector(".jp-OutputArea")
            if area is not None and area.is_visible():
                area.screenshot(path=folder / f"cell-{cell['index']:02d}.png")
                pictures += 1
    return pictures


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.shots",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("/tmp/shots"), help="folder for pictures")
    parser.add_argument("--width", type=int, default=1300, help="browser width, pixels")
    parser.add_argument("--height", type=int, default=1400, help="browser height, pixels")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels a CSS pixel")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--no-run", action="store_true", help="as it opens, before the kernel ran")
    parser.add_argument("--show", action="store_true", help="what waits for a guess, too")
    parser.add_argument("--no-cells", action="store_true", help="page slices only")
    options = parser.parse_args(arguments)
    failed = False
    with JupyterLab(dark=options.theme == "dark") as lab, Browser() as browser:
        for path in options.notebooks:
            started = time.perf_counter()
            size = {"width": options.width, "height": options.height, "scale": options.scale}
            with browser.notebook(lab, path, **size) as notebook:
                problems = []
                if not options.no_run:
                    try:
                        notebook.run_all()
                    except NotebookError as failure:
                        problems.append(str(failure))
                if options.show:
                    notebook.lift_veils()
                folder = options.out / f"{path.stem}-{options.theme}-{options.width}"
                pictures = photograph(notebook, folder, cells=not options.no_cells)
                problems += [f"console: {line}" for line in notebook.console]
                problems += [f"outside request: {url}" for url in notebook.outside]
            seconds = time.perf_counter() - started
            print(f"{path}: {pictures} pictures in {folder} ({seconds:.1f} s)", flush=True)
            for problem in problems:
                print(problem, file=sys.stderr)
            failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
