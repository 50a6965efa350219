"""From key press to paint, in a real JupyterLab: every explorer of every chapter.

Each explorer is measured beside two others in the same page: the floor (a slider that changes a
label) and the usual way (the same simulation and plot through ``ipywidgets.interact``). An arrow
key brings the step that an explorer has made ready; a jump of several steps is not foreseen.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import nbformat

from tests.benchmarks.timing import Table, quantile
from tests.browser.lab import Browser, JupyterLab, Notebook
from tests.explorers import explorers_and_what_they_use, shows_an_explorer

PRESSES = {"floor": 6, "explorer": 50, "jump": 4, "interact": 3}
_COLUMNS = (
    "explorer",
    *(f"{kind} {q}" for kind in PRESSES for q in ("p50", "p95")),
    "p50 / floor",
    "p95 / floor",
    "interact / explorer",
    "after a drag",
)
_TARGETS: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("explorer p95", lambda ms: ms <= 100, "at most 100 ms"),
    ("interact / explorer", lambda ratio: ratio >= 2.5, "at least 2.5"),
    ("after a drag", lambda ms: ms <= 150, "at most 150 ms"),
)
_MEDIAN = 1.7  # times the floor, over all of them
_AGAIN = 3  # of a page are measured a second time at most: more than that is no bad luck
_DRAG_STEPS = 60
_BOTH = "00_start_here"  # this page is measured without the server extension as well

_RECORD = """from tests.benchmarks import twins
_recorder = twins.record()"""

_NAMES = """import json
print(json.dumps(_recorder.names()))"""

_FLOOR = """twins.floor()"""

_TWIN = """twins.interact_twin(_recorder.explorers[{index}])"""

# Everything is timed inside the page: an event is sent to a control, and the clock stops when the
# frame with the changed element was presented, as the browser itself reports (Element Timing).
_MEASURE = """
window.sdBench = {
  cell(index) { return document.querySelectorAll('.jp-Notebook .jp-Cell')[index]; },
  controls(cell) {  // sliders first: a drag is what has to feel immediate
    return ['.noUi-handle', 'select', 'input[type="checkbox"]'].flatMap(
      kind => Array.from(cell.querySelectorAll('.jp-OutputArea ' + kind)));
  },
  isSlider(index, which) { return this.controls(this.cell(index))[which].matches('.noUi-handle'); },
  answers: {  // what is new in the page when the kernel has answered
    floor: '.sd-floor p', explorer: 'img.sd-figure', jump: 'img.sd-figure',
    interact: '.jp-OutputArea-output img',
  },
  isSharp(source) {  // twice as wide as a moving picture; the width stands in a PNG's header
    const header = atob(source.slice(source.indexOf(',') + 1).slice(0, 32));
    return 256 * header.charCodeAt(18) + header.charCodeAt(19) > 1000;
  },
  // A control walks up to its end, and down again: every press brings a value not seen for long.
  step(control, walk, keys = ['ArrowRight', 'ArrowLeft']) {
    if (control.matches('input')) { control.click(); return; }
    const go = () => {
      if (control.matches('select')) {
        const next = control.selectedIndex + (walk.up ? 1 : -1);
        if (!control.options[next]) return false;
        control.selectedIndex = next;
        return control.dispatchEvent(new Event('change', { bubbles: true }));
      }
      const origin = control.closest('.noUi-origin');
      const place = origin.style.transform;
      const key = walk.up ? keys[0] : keys[1];
      control.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      return origin.style.transform !== place;
    };
    if (!go()) { walk.up = !walk.up; go(); }
  },
  // Collect the answers that come from now on, and when each was presented.
  watch(kind, cell, told = () => {}) {
    const face = element => element && (element.src || element.textContent);
    const find = () => Array.from(cell.querySelectorAll(this.answers[kind])).at(-1);
    const answers = [];
    let last = face(find());
    const changes = new MutationObserver(() => {
      const element = find(), now = face(element);
      if (!now || now === last) return;
      last = now;
      // A sharp picture is no answer: it follows when all is quiet.
      if (element.matches('.sd-figure') && this.isSharp(now)) return;
      const name = 'sd-answer-' + this.watched++;
      element.setAttribute('elementtiming', name);
      answers.push({ name, face: now, presented: null });
    });
    const paints = new PerformanceObserver(list => list.getEntries().forEach(entry => {
      const answer = answers.find(answer => answer.name === entry.identifier);
      if (!answer) return;
      answer.presented = entry.renderTime;
      told(answer);
    }));
    changes.observe(cell, { childList: true, subtree: true });
    paints.observe({ type: 'element' });
    return { answers, stop() { changes.disconnect(); paints.disconnect(); } };
  },
  watched: 0,
  // Press once; return the milliseconds until an answer was presented, null if none came: the
  // kernel has nothing left to do (a value may round to the one before), or it takes too long.
  once(kind, cell, control, walk) {
    return new Promise(resolve => {
      let idle = 0;
      const end = ms => { watch.stop(); clearInterval(timer); resolve(ms); };
      const watch = this.watch(kind, cell, answer => end(answer.presented - started));
      const timer = setInterval(() => {
        idle = window.sdAsked.size || watch.answers.length ? 0 : idle + 1;
        if (idle > 5 || performance.now() - started > 1200) end(null);
      }, 20);
      const started = performance.now();
      this.step(control, walk, kind === 'jump' ? ['PageUp', 'PageDown'] : undefined);
    });
  },
  // Keys are not pressed in step with the screen. Pauses that were always the same would start
  // every press at the same moment between two frames, and round its time up to the same frame.
  pauses: 0,
  pause() {
    const phase = (this.pauses++ * 0.618034) % 1;  // the golden ratio spreads them evenly
    return new Promise(resolve => setTimeout(resolve, phase * 1000 / 60));
  },
  walks: {},
  async press(kind, index, which, presses) {
    const cell = this.cell(index);
    cell.scrollIntoView({ block: 'center' });
    const control = this.controls(cell)[which];
    const walk = this.walks[index + '/' + which] ??= { up: true };
    const times = [];
    // The first of many finds the page just scrolled and is not counted. Small steps may round to
    // the same number, and some ranges change nothing: a few more are tried.
    const first = presses > 3 ? -1 : 0;
    for (let i = first; i < 2 * presses + 6 && times.length < presses; i++) {
      await this.pause();
      const ms = await this.once(kind, cell, control, walk);
      if (kind === 'explorer' && i > 3 && !times.length) return [];  // not this control, then
      if (ms !== null && i >= 0) times.push(ms);
    }
    return times;
  },
  async drag(index, which, steps) {
    const cell = this.cell(index);
    const handle = this.controls(cell)[which];
    // The first picture that the kernel sends after it has echoed a value is that value's.
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    let echoed = false, awaited = null;
    const listen = (_, { msg }) => {
      const data = msg.content.data || {};
      if (data.method === 'echo_update') {
        [echoed, awaited] = [true, null];
      } else if (echoed && data.method === 'update') {
        const picture = /sd-figure.* src="([^"]*)"/.exec((data.state || {}).value || '');
        if (picture) [echoed, awaited] = [false, picture[1]];
      }
    };
    kernel.anyMessage.connect(listen);
    const watch = this.watch('explorer', cell);
    const walk = { up: true };
    for (let i = 0; i < steps; i++) {
      this.step(handle, walk);
      await new Promise(resolve => setTimeout(resolve, 1000 / 60));
    }
    const ended = performance.now();
    await new Promise(resolve => setTimeout(resolve, 600));
    watch.stop();
    kernel.anyMessage.disconnect(listen);
    if (awaited === null) return Infinity;
    // A value that looks like the one before is there already, and then only a sharp one comes.
    // A picture that a finer one of the same value overtook was never presented itself.
    const shown = this.isSharp(awaited)
      ? watch.answers.slice(-1)
      : watch.answers.slice(watch.answers.findLastIndex(answer => answer.face === awaited));
    const times = shown.map(answer => answer.presented).filter(Boolean);
    return times.length ? Math.max(0, times[0] - ended) : Infinity;
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
    table.notes = [
        f"Median and 95th percentile of {PRESSES['explorer']} presses of an arrow key for each "
        "explorer, from the event to the time at which the browser presented the frame with the "
        "new picture (Element Timing, which counts in steps of 4 ms). The slider walks up and down "
        "its range, not in step with the screen; the first press after scrolling is not counted. "
        "An explorer makes the next step ready while the present one is looked at: "
        f"{PRESSES['jump']} jumps, of five steps each, are not foreseen. Beside them, on the same "
        f"page, {PRESSES['interact']} presses on the explorer's twin made with interact, and the "
        "floor: a slider that changes a label, pressed between the explorers; its quantiles are "
        f"the chapter's. After a drag: from the last of {_DRAG_STEPS} events at 60 a second to the "
        "frame with the last value, after which models that refine go on. A dash where there is "
        "no slider. All in a real JupyterLab in headless Chromium, which draws without a graphics "
        "processor on the kernel's cores.",
        *table.notes,
        _met(table),
    ]
    yield table
    chosen = [path for path in notebooks if path.stem == _BOTH]
    if chosen:
        plain = _measure("The same in plain JupyterLab", chosen, report, prompt=False)
        plain.notes = [
            "Without the course's server extension, which `make lab` and Binder switch on, the web "
            "socket waits for acknowledgements before it sends more: the floor is higher, and so "
            "is whatever stands on it.",
            *plain.notes,
            _met(plain),
        ]
        yield plain


def _met(table: Table) -> str:
    """Say how many explorers meet each target, and which do not."""
    said = []
    for column, _, target in _TARGETS:
        rows = [row for row in table.rows[:-1] if row[_COLUMNS.index(column)] != "–"]
        late = [row[0] for row in rows if column in _missed(row)]
        missed = f" (not {', '.join(late)})" if late else ""
        said.append(f"{column} {target}: {len(rows) - len(late)} of {len(rows)}{missed}")
    median = table.rows[-1][_COLUMNS.index("p50 / floor")]
    said.append(f"p50 / floor over all of them at most {_MEDIAN}: {median}")
    return f"Targets, and how many meet them: {'; '.join(said)}."


def _missed(row: Sequence[str]) -> dict[str, str]:
    """Return the columns in which an explorer misses a target, with what stands there."""
    numbers = dict(zip(_COLUMNS, row, strict=True))
    return {
        column: numbers[column]
        for column, within, _ in _TARGETS
        if numbers[column] != "–" and not within(float(numbers[column]))
    }


def _measure(title: str, notebooks: list[Path], report, *, prompt: bool) -> Table:
    table = Table(title, _COLUMNS)
    everything: dict[str, list[float]] = {kind: [] for kind in PRESSES}
    with tempfile.TemporaryDirectory() as folder:
        for path in notebooks:
            copy, shown = _with_twins(path, Path(folder))
            report(f"paint: {path.name}")
            # A browser and a server for each chapter, as those of many become slower.
            with (
                JupyterLab(whole=False, prompt=prompt) as lab,
                Browser() as browser,
                browser.notebook(lab, copy) as notebook,
            ):
                notebook.run_all()
                report(f"paint: {path.name} has run")
                notebook.lift_veils()
                notebook.page.evaluate(_MEASURE)
                notebook.page.evaluate(_QUIET)
                for name, times, drag in _measure_page(notebook, path, shown, table):
                    table.rows.append((f"{path.stem[:2]} {name}", *_numbers(times, drag)))
                    report("  " + " | ".join(table.rows[-1]))
                    for kind, seen in times.items():
                        everything[kind] += seen
    table.rows.append(("**all of them**", *_numbers(everything, None)))
    return table


_Times = dict[str, list[float]]


def _measure_page(
    notebook: Notebook, path: Path, shown: int, table: Table
) -> list[tuple[str, _Times, float | None]]:
    """Return name, milliseconds by kind and after a drag for every explorer.

    What failed, and what was measured twice, is added to the table.
    """
    cells = notebook.cells()
    ours = [cell for cell in cells if cell["source"] == _NAMES or "twins." in cell["source"]]
    names_cell, floor, *twins = (cell["index"] for cell in ours[1:])
    names = json.loads(cells[names_cell]["outputs"][0]["text"])
    code = [cell for cell in cells[:names_cell] if cell["type"] == "code"]
    where = [cell["index"] for cell in code if shows_an_explorer(cell)]
    if not len(names) == shown == len(where):
        raise RuntimeError(f"{path}: {len(names)} explorers made, {shown} cells show one")
    # The end of a long page answers late until it has been on screen for a while.
    for _ in range(3):
        _press(notebook, "floor", floor, 0)
    places = dict(zip(names, zip(where, twins, strict=True), strict=True))
    if still := [name for name in names if not _controls(notebook, places[name][0])]:
        table.notes.append(f"Without a slider or a choice: {path.stem[:2]} {', '.join(still)}.")
        names = [name for name in names if name not in still]
    measured: dict[str, tuple[_Times, float | None]] = {}
    floors: list[float] = []

    def measure(names: Iterable[str]) -> None:
        for name in names:
            try:
                measured[name] = _measure_one(notebook, *places[name], floor)
                floors.extend(measured[name][0]["floor"])
            except RuntimeError as error:
                table.missing.append(f"{path.name}: {name}: {error}")
        for times, _ in measured.values():
            times["floor"] = floors

    measure(names)
    late = {}
    for name, (times, drag) in measured.items():
        if missed := _missed((name, *_numbers(times, drag))):
            late[name] = ", ".join(f"{column} {number}" for column, number in missed.items())
    if len(late) <= _AGAIN:
        measure(late)
        table.notes += [
            f"{path.stem[:2]} {name} missed a target ({missed}) and was measured once more, in "
            "case something else had kept the machine busy; the second time counts."
            for name, missed in late.items()
        ]
    return [(name, *measured[name]) for name in names if name in measured]


def _controls(notebook: Notebook, cell: int) -> int:
    return notebook.page.evaluate(
        "index => window.sdBench.controls(window.sdBench.cell(index)).length", cell
    )


def _press(notebook: Notebook, kind: str, cell: int, control: int) -> list[float]:
    return notebook.page.evaluate(
        "([kind, cell, control, n]) => window.sdBench.press(kind, cell, control, n)",
        [kind, cell, control, PRESSES[kind]],
    )


def _measure_one(
    notebook: Notebook, cell: int, twin: int, floor: int
) -> tuple[_Times, float | None]:
    def enough(kind: str) -> bool:
        return len(times[kind]) >= 0.6 * PRESSES[kind]

    times: _Times = {}
    controls = _controls(notebook, cell)
    for which in range(controls):  # until one whose steps can be seen
        times["explorer"] = _press(notebook, "explorer", cell, which)
        if enough("explorer"):
            break
    else:
        raise RuntimeError(f"no control of {controls} changes the picture at most presses")
    slides = notebook.page.evaluate(
        "([index, which]) => window.sdBench.isSlider(index, which)", [cell, which]
    )
    after = None
    if slides:
        times["jump"] = _press(notebook, "jump", cell, which)
        after = notebook.page.evaluate(
            "([index, which, n]) => window.sdBench.drag(index, which, n)",
            [cell, which, _DRAG_STEPS],
        )
    else:
        notebook.page.wait_for_timeout(300)  # its sharp picture, for which a drag waits itself
    times["floor"] = _press(notebook, "floor", floor, 0)
    times["interact"] = _press(notebook, "interact", twin, which)
    for kind, seen in times.items():
        if not enough(kind):
            raise RuntimeError(f"only {len(seen)} of {PRESSES[kind]} presses changed the {kind}")
    return times, after


def _numbers(times: _Times, after: float | None) -> tuple[str, ...]:
    p50 = {kind: quantile(seen, 0.5) for kind, seen in times.items() if seen}
    p95 = {kind: quantile(seen, 0.95) for kind, seen in times.items() if seen}
    return (
        *(f"{of[kind]:.0f}" if kind in of else "–" for kind in PRESSES for of in (p50, p95)),
        f"{p50['explorer'] / p50['floor']:.2f}",
        f"{p95['explorer'] / p95['floor']:.2f}",
        f"{p50['interact'] / p50['explorer']:.1f}",
        "–" if after is None else f"{after:.0f}",  # inf: not within 0.3 s,
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
