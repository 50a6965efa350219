"""From key press to paint, in a real JupyterLab: every explorer of every chapter.

Each explorer is measured beside two others in the same page: the floor (a slider that changes a
label) and the usual way (the same simulation and plot through ``ipywidgets.interact``).
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tests.benchmarks.timing import Table, quantile
from tests.browser.lab import Browser, JupyterLab, Notebook
from tests.explorers import explorers_and_what_they_use, shows_an_explorer

PRESSES = {"explorer": 50, "floor": 6, "interact": 3}
_DRAG_STEPS = 60
_BOTH = "00_start_here"  # this page is measured without the server extension as well

_RECORD = """from tests.benchmarks import twins
_recorder = twins.record()"""

_NAMES = """import json
print(json.dumps(_recorder.names()))"""

_FLOOR = """twins.floor()"""

_TWIN = """twins.interact_twin(_recorder.explorers[{index}])"""

# Everything is timed inside the page: an event is sent to a control, and the clock stops in the
# first frame after the changed element was put into the page and its picture decoded.
_MEASURE = """
window.sdBench = {
  cell(index) { return document.querySelectorAll('.jp-Notebook .jp-Cell')[index]; },
  controls(cell) {  // sliders first: a drag is what has to feel immediate
    return ['.noUi-handle', 'select', 'input[type="checkbox"]'].flatMap(
      kind => Array.from(cell.querySelectorAll('.jp-OutputArea ' + kind)));
  },
  watch(kind, cell) {
    const area = cell.querySelector('.jp-OutputArea');
    if (kind === 'floor') return () => area.querySelector('.sd-floor').textContent;
    if (kind === 'explorer') {
      return () => {  // a sharp picture is no answer: it follows when all is quiet
        const image = area.querySelector('img.sd-figure');
        return this.pixels(image.src) > Number(image.getAttribute('width')) ? '' : image.src;
      };
    }
    return () => Array.from(area.querySelectorAll('.jp-OutputArea-output img'))
      .map(image => image.src).join();
  },
  pixels(source) {  // across, from the header of the PNG
    const header = atob(source.slice(source.indexOf(',') + 1).slice(0, 32));
    return 256 * header.charCodeAt(18) + header.charCodeAt(19);
  },
  key(handle, name) {
    handle.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
  },
  // A slider walks up to its end, and down again: every press brings a value not seen for long.
  step(control, walk) {
    if (control.matches('select')) {
      control.selectedIndex = (control.selectedIndex + 1) % control.options.length;
      control.dispatchEvent(new Event('change', { bubbles: true }));
    } else if (control.matches('input')) {
      control.click();
    } else {
      const origin = control.closest('.noUi-origin');
      const place = origin.style.transform;
      this.key(control, walk.up ? 'ArrowRight' : 'ArrowLeft');
      if (origin.style.transform === place) {  // it was at its end
        walk.up = !walk.up;
        this.key(control, walk.up ? 'ArrowRight' : 'ArrowLeft');
      }
    }
  },
  async painted(cell) {
    await Promise.all(Array.from(cell.querySelectorAll('.jp-OutputArea img'))
      .map(image => image.decode().catch(() => null)));
    await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve, 0)));
  },
  changed(cell, face, before, patience) {
    return new Promise(resolve => {
      const seen = () => { const now = face(); return Boolean(now) && now !== before; };
      const observer = new MutationObserver(() => {
        if (seen()) { observer.disconnect(); clearTimeout(timer); resolve(true); }
      });
      const timer = setTimeout(() => { observer.disconnect(); resolve(seen()); }, patience);
      observer.observe(cell, { childList: true, subtree: true, attributes: true,
        characterData: true });
    });
  },
  walks: {},
  async press(kind, index, which, presses) {
    const cell = this.cell(index);
    cell.scrollIntoView({ block: 'center' });
    const control = this.controls(cell)[which];
    const walk = this.walks[index + '/' + which] ??= { up: true };
    const face = this.watch(kind, cell);
    const times = [];
    const many = presses > 3;
    // The first finds the page just scrolled and is not counted, where there are so many. Small
    // steps may round to the same number: a few are not given up on before some have changed.
    const last = many ? presses : 4 * presses;
    for (let i = many ? -1 : 0; i < last && times.length < presses; i++) {
      const before = face();
      const answer = this.changed(cell, face, before, kind === 'interact' ? 1200 : 800);
      const started = performance.now();
      this.step(control, walk);
      if (!(await answer)) {
        if (many && i > 1 && !times.length) return [];  // this control changes nothing now
        continue;
      }
      await this.painted(cell);
      if (i >= 0) times.push(performance.now() - started);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    return times;
  },
  async drag(index, which, steps) {
    const cell = this.cell(index);
    const handle = this.controls(cell)[which];
    if (!handle.matches('.noUi-handle')) return null;
    // The first picture that the kernel sends after it has echoed a value is that value's.
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    let echoed = false, awaited = null, arrived = null, before = null, moved = null;
    const listen = (_, { msg }) => {
      const data = msg.content.data || {};
      if (data.method === 'echo_update') {
        [echoed, awaited, arrived] = [true, null, null];
      } else if (echoed && data.method === 'update') {
        const picture = /sd-figure.* src="([^"]*)"/.exec((data.state || {}).value || '');
        if (picture) [echoed, awaited] = [false, picture[1]];
      }
    };
    const observer = new MutationObserver(() => {
      const shown = cell.querySelector('.jp-OutputArea img.sd-figure');
      if (!shown) return;
      const sharp = this.pixels(shown.src) > Number(shown.getAttribute('width'));
      if (awaited && shown.src === awaited) {
        // A value that rounds to the one before shows the same picture, and then only a sharp one.
        [awaited, arrived] = [null, sharp ? moved : performance.now()];
      }
      if (!sharp && shown.src !== before) [before, moved] = [shown.src, performance.now()];
    });
    kernel.anyMessage.connect(listen);
    observer.observe(cell, { childList: true, subtree: true, attributes: true });
    const walk = { up: true };
    for (let i = 0; i < steps; i++) {
      this.step(handle, walk);
      await new Promise(resolve => setTimeout(resolve, 1000 / 60));
    }
    const ended = performance.now();
    await new Promise(resolve => setTimeout(resolve, 300));
    observer.disconnect();
    kernel.anyMessage.disconnect(listen);
    return arrived === null ? Infinity : Math.max(0, arrived - ended);
  },
};
"""

# The twins draw themselves after their cells have run; 0.6 s without a message is quiet.
_QUIET = """() => new Promise(resolve => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const wait = () => setTimeout(() => { kernel.anyMessage.disconnect(again); resolve(); }, 600);
  const again = () => { clearTimeout(timer); timer = wait(); };
  let timer = wait();
  kernel.anyMessage.connect(again);
})"""


def measure_paint(notebooks: list[Path], report) -> Iterator[Table]:
    """Measure every explorer of `notebooks` as `make lab` shows it, and one in plain JupyterLab.

    Parameters
    ----------
    notebooks : list of Path
        Chapters to open.
    report : callable
        Called with a line of text as work goes on.

    Raises
    ------
    RuntimeError
        If a page shows more or fewer explorers than it makes.
    """
    table = _measure("Key press to paint, milliseconds", notebooks, report, prompt=True)
    table.notes.append(
        f"Median and 95th percentile of {PRESSES['explorer']} key presses for each explorer, the "
        "slider walking up and down its range (the first press after scrolling is not counted), "
        f"beside {PRESSES['interact']} on its twin made with interact, on the same page of a real "
        "JupyterLab in headless Chromium, which draws without a graphics processor on the same "
        "cores. The floor is a slider that changes a label, pressed between the explorers; its "
        f"quantiles are the chapter's. After a drag: from the last of {_DRAG_STEPS} events at 60 a "
        "second to the first frame with the last value, after which models that refine go on; a "
        "dash where there is nothing to drag. Targets: p95 at "
        "most 100 ms and 2x the floor's, median at most 2x the floor's, interact at least 2.5x "
        "slower, 150 ms after a drag."
    )
    yield table
    chosen = [path for path in notebooks if path.stem == _BOTH]
    if chosen:
        plain = _measure("The same in plain JupyterLab", chosen, report, prompt=False)
        plain.notes.append(
            "Without the course's server extension, which `make lab` and Binder switch on, the web "
            "socket waits for acknowledgements before it sends more. The floor suffers most: it is "
            f"little else than waiting. {_within_twice(table, plain)}"
        )
        yield plain


def _within_twice(table: Table, floor: Table) -> str:
    """Say how many explorers of one table stay within twice the floor of its own or another."""
    explorers, lower = table.rows[:-1], floor.rows[-1]
    found = []
    for which, column in (("median", 3), ("95th percentile", 4)):
        own = sum(float(row[column]) <= 2 * float(row[column - 2]) for row in explorers)
        other = sum(float(row[column]) <= 2 * float(lower[column - 2]) for row in explorers)
        found.append(f"by the {which}, {other} are within twice this floor, {own} within "
                     "twice the one the extension leaves")  # fmt: skip
    return f"Of the {len(explorers)} explorers above, {'; '.join(found)}."


def _measure(title: str, notebooks: list[Path], report, *, prompt: bool) -> Table:
    table = Table(
        title,
        ("explorer", "floor p50", "p95", "explorer p50", "p95", "interact p50", "p95",
         "p50 / floor", "p95 / floor", "interact / explorer", "after a drag"),
    )  # fmt: skip
    everything: dict[str, list[float]] = {kind: [] for kind in PRESSES}
    with (
        tempfile.TemporaryDirectory() as folder,
        JupyterLab(whole=False, prompt=prompt) as lab,
        Browser() as browser,
    ):
        for path in notebooks:
            copy, shown = _with_twins(path, Path(folder))
            report(f"paint: {path.name}")
            with browser.notebook(lab, copy) as notebook:
                notebook.run_all()
                report(f"paint: {path.name} has run")
                notebook.page.evaluate(_MEASURE)
                notebook.page.evaluate(_QUIET)
                rows, missing = _measure_page(notebook, path, shown)
                table.missing += missing
                for name, times, drag in rows:
                    table.rows.append((f"{path.stem[:2]} {name}", *_numbers(times, drag)))
                    report("  " + " | ".join(table.rows[-1]))
                    for kind, seen in times.items():
                        everything[kind] += seen
    table.rows.append(("**all of them**", *_numbers(everything, None)))
    return table


_Times = dict[str, list[float]]


def _measure_page(
    notebook: Notebook, path: Path, shown: int
) -> tuple[list[tuple[str, _Times, float | None]], list[str]]:
    """Return name, milliseconds by kind and after a drag for every explorer; and what failed."""
    cells = notebook.cells()
    ours = [cell for cell in cells if cell["source"] == _NAMES or "twins." in cell["source"]]
    names_cell, floor, *twins = (cell["index"] for cell in ours[1:])
    names = json.loads(cells[names_cell]["outputs"][0]["text"])
    code = [cell for cell in cells[:names_cell] if cell["type"] == "code"]
    where = [cell["index"] for cell in code if shows_an_explorer(cell)]
    if not len(names) == shown == len(where):
        raise RuntimeError(f"{path}: {len(names)} explorers made, {shown} cells show one")
    measured, missing = [], []
    for name, cell, twin in zip(names, where, twins, strict=True):
        try:
            measured.append((name, *_measure_one(notebook, cell, twin, floor)))
        except RuntimeError as error:
            missing.append(f"{path.name}: {name}: {error}")
    pooled = [ms for _, times, _ in measured for ms in times["floor"]]
    return [(name, times | {"floor": pooled}, drag) for name, times, drag in measured], missing


def _measure_one(
    notebook: Notebook, cell: int, twin: int, floor: int
) -> tuple[_Times, float | None]:
    def press(kind: str, index: int, which: int) -> list[float]:
        return notebook.page.evaluate(
            "([kind, index, which, n]) => window.sdBench.press(kind, index, which, n)",
            [kind, index, which, PRESSES[kind]],
        )

    def enough(kind: str) -> bool:
        return len(times[kind]) >= 0.6 * PRESSES[kind]

    times: _Times = {}
    controls = notebook.page.evaluate(
        "index => window.sdBench.controls(window.sdBench.cell(index)).length", cell
    )
    for which in range(controls):  # until one whose steps can be seen
        times["explorer"] = press("explorer", cell, which)
        if enough("explorer"):
            break
    notebook.page.wait_for_timeout(200)  # its sharp picture
    times["floor"] = press("floor", floor, 0)
    times["interact"] = press("interact", twin, which)
    for kind, seen in times.items():
        if not enough(kind):
            raise RuntimeError(f"only {len(seen)} of {PRESSES[kind]} presses changed the {kind}")
    after = notebook.page.evaluate(
        "([index, which, n]) => window.sdBench.drag(index, which, n)", [cell, which, _DRAG_STEPS]
    )
    return times, after


def _numbers(times: _Times, after: float | None) -> tuple[str, ...]:
    p50 = {kind: quantile(seen, 0.5) for kind, seen in times.items()}
    p95 = {kind: quantile(seen, 0.95) for kind, seen in times.items()}
    kinds = ("floor", "explorer", "interact")
    return (
        *(f"{value:.0f}" for kind in kinds for value in (p50[kind], p95[kind])),
        f"{p50['explorer'] / p50['floor']:.2f}",
        f"{p95['explorer'] / p95['floor']:.2f}",
        f"{p50['interact'] / p50['explorer']:.1f}",
        "–" if after is None else "> 300" if after == math.inf else f"{after:.0f}",
    )


def _with_twins(path: Path, folder: Path) -> tuple[Path, int]:
    """Copy a notebook, adding a floor and an interact twin for every cell that explores."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = explorers_and_what_they_use(notebook.cells)
    shown = sum(shows_an_explorer(cell) for cell in notebook.cells if cell.cell_type == "code")
    new = nbformat.v4.new_code_cell
    twins = [new(_TWIN.format(index=index)) for index in range(shown)]
    notebook.cells = [new(_RECORD), *notebook.cells, new(_NAMES), new(_FLOOR), *twins]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"bench-{number}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    target = folder / path.name
    nbformat.write(notebook, target)
    return target, shown
