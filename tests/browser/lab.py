"""A real JupyterLab in a headless Chromium, for tests and for authors' own eyes.

``JupyterLab`` runs a server that knows nothing of the user's own settings and touches no file of
the repository: notebooks are copied into a temporary folder first. ``Browser`` drives Chromium.
``Notebook`` is one opened notebook, ``Explorer`` one interactive figure inside it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import start
from helpers.authoring.course import ROOT
from helpers.authoring.execute import isolated_environment

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle, Page

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)
#: Console lines that JupyterLab itself writes in a healthy session.
HARMLESS = (
    "favicon",
    "/api/me",
    "Error: Canceled",
    "Canceled future for execute_request",
    "Canceled future for comm_info_request",
)

#: How long any state is waited for, seconds. What comes, comes far sooner on an idle machine; this
#: is for one that has much else to do.
PATIENCE_S = 180.0
#: And how long for a whole notebook to run.
PATIENCE_TO_RUN_S = 600.0

_NO_EXTENSION = "--ServerApp.jpserver_extensions={'helpers.server': False}"


class NotebookError(AssertionError):
    """A notebook did not do in the browser what it must do."""


def find_chromium() -> str | None:
    """Path of a Chromium on this machine, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class JupyterLab:
    """A JupyterLab server on a free port of 127.0.0.1; use it as a context manager.

    Parameters
    ----------
    dark : bool
        Use JupyterLab's dark theme.
    whole : bool
        Lay every cell out, so that all of them can be looked at and photographed. JupyterLab's
        own way, to leave out what is off the screen, is quicker.
    prompt : bool
        With the course's server extension, helpers.server, if it is switched on here.
    """

    def __init__(self, *, dark: bool = False, whole: bool = True, prompt: bool = True) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="sd-lab-", ignore_cleanup_errors=True)
        home = Path(self._temporary.name)
        self.files = home / "files"
        self.log = home / "server.log"
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = self._isolated(home, dark, whole)
        self._extra = [] if prompt else [_NO_EXTENSION]

    def _isolated(self, home: Path, dark: bool, whole: bool) -> dict[str, str]:
        self.files.mkdir()
        overrides: dict[str, dict[str, Any]] = {}
        if whole:
            overrides["@jupyterlab/notebook-extension:tracker"] = {"windowingMode": "none"}
        if dark:
            overrides["@jupyterlab/apputils-extension:themes"] = {"theme": "JupyterLab Dark"}
        for name, settings in start.SETTINGS.items():  # a learner's
            mine = overrides if name.endswith("setting_overrides.json") else {}
            path = home / "config" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({**settings, **mine}))
        return {
            **os.environ,
            **isolated_environment(home),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        }

    def __enter__(self) -> JupyterLab:
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.files}",
            *self._extra,
            "--LabApp.expose_app_in_browser=True",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.files,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        address = f"http://127.0.0.1:{self.port}/api/status?token={self.token}"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise NotebookError(f"JupyterLab did not start:\n{self.log_text()}")
            try:
                with urllib.request.urlopen(address, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise NotebookError(f"JupyterLab gave no answer in {PATIENCE_S} s:\n{self.log_text()}")

    def stop(self) -> None:
        """End the server and its kernels, and delete its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # the server shuts its kernels down on SIGTERM
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._temporary.cleanup()

    def log_text(self) -> str:
        """The last lines the server wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def add(self, notebook: Path) -> str:
        """Copy the notebook's whole folder to the server; return the notebook's path there."""
        notebook = Path(notebook).resolve()
        if not notebook.is_file():
            raise FileNotFoundError(f"no notebook at {notebook}")
        inside = notebook.is_relative_to(ROOT)
        folder = notebook.parent.relative_to(ROOT) if inside else Path(notebook.parent.name)
        target = self.files / folder
        if inside and folder != Path():
            ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", ".*")
            shutil.copytree(notebook.parent, target, dirs_exist_ok=True, ignore=ignored)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(notebook, target)
        return (folder / notebook.name).as_posix()

    def url(self, path: str) -> str:
        """Address that opens the file at `path` in a fresh workspace."""
        workspace = secrets.token_hex(6)
        return (
            f"http://127.0.0.1:{self.port}/lab/workspaces/{workspace}/tree/{path}"
            f"?token={self.token}&reset"
        )


class Browser:
    """A headless Chromium; use it as a context manager."""

    def __init__(self) -> None:
        executable = find_chromium()
        if executable is None:
            raise FileNotFoundError(
                f"no Chromium found (looked for {', '.join(CHROMIUM_NAMES)}); "
                "on Debian or Ubuntu: apt-get install chromium"
            )
        self._executable = executable

    def __enter__(self) -> Browser:
        from playwright.sync_api import sync_playwright

        self._manager = sync_playwright()
        playwright = self._manager.__enter__()
        try:
            self._chromium = playwright.chromium.launch(
                executable_path=self._executable, args=list(CHROMIUM_FLAGS)
            )
        except BaseException:
            self._manager.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._chromium.close()
        finally:
            self._manager.__exit__(None, None, None)

    @contextmanager
    def notebook(
        self,
        lab: JupyterLab,
        path: Path,
        *,
        width: int = 1300,
        height: int = 1000,
        scale: float = 1,
        still: bool = False,
    ) -> Iterator[Notebook]:
        """Open a copy of the notebook at `path`, kernel started, nothing run yet.

        If it is to be `still`, nothing fades in or slides into its place: to draw all the frames
        in between takes longer than to answer.
        """
        context = self._chromium.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=scale
        )
        try:
            page = context.new_page()
            notebook = Notebook(page)
            page.goto(lab.url(lab.add(path)), wait_until="domcontentloaded")
            notebook.ready()
            if still:
                page.add_style_tag(content=_STILL)
            yield notebook
            notebook.shut_down()
        finally:
            context.close()

    @contextmanager
    def page(
        self, content: str = "", *, width: int = 900, height: int = 900, **context: Any
    ) -> Iterator[Watched]:
        """Show a page of one's own, without a server; `context` goes to Playwright."""
        opened = self._chromium.new_context(viewport={"width": width, "height": height}, **context)
        try:
            watched = Watched(opened.new_page())
            watched.page.set_content(content)
            yield watched
        finally:
            opened.close()


_STILL = "*, ::before, ::after { transition: none !important; animation: none !important; }"

_READY = """(seconds) => Promise.race([
    new Promise((_, reject) => setTimeout(() => reject(new Error(
        'no kernel; the page says: ' + document.body.innerText.slice(0, 500))), seconds * 1000)),
    (async () => {
    const app = window.jupyterapp;
    await app.restored;
    const opened = () => {
        const panel = app.shell.currentWidget;
        return panel && panel.context && panel.sessionContext ? panel : null;
    };
    while (!opened()) await new Promise(r => setTimeout(r, 50));
    const panel = opened();
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    app.shell.collapseLeft();
    app.shell.collapseRight();
    // What widgets have asked the kernel and it has not finished answering. Messages come in one
    // after the other: an answer's end is counted when all before it have been acted upon, and not
    // when it is received.
    window.sdAsked = new Set();
    const kernel = panel.sessionContext.session.kernel;
    kernel.anyMessage.connect((_, { msg, direction }) => {
        if (direction === 'send' && msg.header.msg_type === 'comm_msg')
            window.sdAsked.add(msg.header.msg_id);
    });
    kernel.iopubMessage.connect((_, msg) => {
        if (msg.header.msg_type === 'status' && msg.content.execution_state === 'idle')
            window.sdAsked.delete(msg.parent_header.msg_id);
    });
    })(),
])"""

_OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell, index) => ({
    index,
    type: cell.model.type,
    source: cell.model.sharedModel.getSource(),
    tags: cell.model.getMetadata('tags') || [],
    count: cell.model.type === 'code' ? cell.model.executionCount : null,
    outputs: cell.model.type === 'code' ? cell.model.outputs.toJSON() : [],
}))"""


#: What a learner's model says in a cell's explorer, once nothing is asked of the kernel any more.
_OWN_MODEL = """index => {
    const { node } = window.jupyterapp.shell.currentWidget.content.widgets[index];
    const [said, image] = ['.sd-mine', 'img.sd-figure'].map(name => node.querySelector(name));
    if (window.sdAsked.size || !said || !image || !image.complete) return false;
    return { said: said.innerText, picture: image.src };
}"""

#: Whether all that came out is drawn: pictures are loaded, and no formula is a text any more.
_PAINTED = """() => {
    const page = window.jupyterapp.shell.currentWidget.content.node;
    for (const text of page.querySelectorAll('.jp-RenderedMarkdown')) {
        const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.closest('code, pre, script, style, mjx-container')
                && /\\$[^$]+\\$/.test(node.data)) return false;
        }
    }
    return Array.from(page.querySelectorAll('.jp-RenderedMarkdown img, .sd-explorer img.sd-figure'))
        .every(image => image.complete && image.naturalWidth > 0);
}"""


class Watched:
    """A page in the browser that is listened to.

    Attributes
    ----------
    page : playwright.sync_api.Page
        For whatever is not offered here.
    console : list of str
        What the page wrote to the console as errors, and exceptions nobody caught.
    outside : list of str
        Addresses on other machines that the page asked for.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.on("request", self._on_request)
        page.set_default_timeout(PATIENCE_S * 1000)

    def _on_console(self, message: Any) -> None:
        where = (message.location or {}).get("url", "")
        text = f"{message.text} ({where})"
        if message.type == "error" and not any(known in text for known in HARMLESS):
            self.console.append(text)

    def _on_request(self, request: Any) -> None:
        if request.url.startswith(("http:", "https:", "ws:", "wss:")):
            host = request.url.split("/")[2].split(":")[0]
            if host not in {"127.0.0.1", "localhost"}:
                self.outside.append(request.url)

    def axe(self, selector: str) -> list[dict[str, Any]]:
        """Run axe-core on what `selector` matches; return its violations (offline)."""
        from axe_playwright_python.sync_playwright import Axe

        if not self.page.query_selector(selector):
            return []
        context = {"include": [[selector]]}
        options = {"resultTypes": ["violations"]}
        return Axe().run(self.page, context, options).response["violations"]


class Notebook(Watched):
    """One notebook open in the browser."""

    def ready(self) -> None:
        """Wait until the notebook is open and its kernel answers."""
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate(_READY, PATIENCE_S)

    def run_first(self) -> None:
        """Run the first cell alone."""
        self.page.evaluate(
            """async () => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }"""
        )

    def run_all(self) -> None:
        """Run every cell, wait for the last, and wait until all that came out is drawn.

        Raises
        ------
        NotebookError
            If a cell raised. Whether cells after it ran is a matter of luck: JupyterLab sends all
            of them at once, and the kernel drops those that it has by the time of the error.
        """
        self.page.evaluate(
            """() => {
                const panel = window.jupyterapp.shell.currentWidget;
                window.sdRun = 'running';
                window.jupyterapp.commands.execute('notebook:run-all-cells').then(
                    () => { window.sdRun = 'done'; },
                    (error) => { window.sdRun = 'failed: ' + error; });
            }"""
        )
        self.page.wait_for_function(
            "() => window.sdRun !== 'running'", timeout=PATIENCE_TO_RUN_S * 1000
        )
        if errors := self.errors():
            raise NotebookError("\n\n".join(errors))
        state = self.page.evaluate("() => window.sdRun")
        if state != "done":
            raise NotebookError(f"Run All: {state}")
        self.page.wait_for_function(_PAINTED)

    def cells(self) -> list[dict[str, Any]]:
        """Return index, type, source, tags, count and outputs of every cell."""
        return self.page.evaluate(_OUTPUTS)

    def errors(self) -> list[str]:
        """One text for each cell that raised, with the cell's source."""
        found = []
        for cell in self.cells():
            for output in cell["outputs"]:
                if output["output_type"] == "error" and "raises-exception" not in cell["tags"]:
                    found.append(
                        f"cell {cell['index']}: {output['ename']}: {output['evalue']}\n"
                        f"{cell['source']}"
                    )
        return found

    def unrun(self) -> list[int]:
        """Indices of code cells that hold code and have not run."""
        return [
            cell["index"]
            for cell in self.cells()
            if cell["type"] == "code" and cell["source"].strip() and cell["count"] is None
        ]

    def run(self, index: int) -> None:
        """Run one cell, and wait for the end of it."""
        self.page.evaluate(
            """async (index) => {
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )

    def rewrite(self, index: int, old: str, new: str) -> None:
        """Change something in a code cell, as somebody who types does."""
        changed = self.page.evaluate(
            """([index, old, now]) => {
                const panel = window.jupyterapp.shell.currentWidget;
                const { sharedModel } = panel.content.widgets[index].model;
                const source = sharedModel.getSource();
                sharedModel.setSource(source.replace(old, () => now));
                return source !== sharedModel.getSource();
            }""",
            [index, old, new],
        )
        assert changed, f"cell {index} has no {old!r}"

    def own_model(self, index: int) -> dict[str, str]:
        """Wait for what a learner's model says in the explorer of a cell, and for its picture."""
        return self.page.wait_for_function(_OWN_MODEL, arg=index).json_value()

    def lift_veils(self) -> None:
        """Ask to be shown what waits for a prediction, everywhere.

        One question may be waited for in several places; to be shown one shows them all.
        """
        from playwright.sync_api import TimeoutError as NotInTimeError

        waiting = [
            (veil, veil.evaluate_handle("veil => veil.nextElementSibling").as_element())
            for veil in self.page.query_selector_all(".sd-veil")
        ]
        for _, covered in waiting:
            assert not covered.is_visible(), "it is seen before the prediction"
        for veil, covered in waiting:
            if veil.is_visible():
                with suppress(NotInTimeError):  # shown with another meanwhile
                    veil.query_selector("button").click(timeout=5_000)
            self.page.wait_for_function("one => one.offsetParent !== null", arg=covered)

    def change_theme(self, *, dark: bool) -> None:
        """Choose JupyterLab's dark or light theme, and wait until all pictures have followed."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name
        )
        self.page.wait_for_function(
            """dark => (document.body.dataset.jpThemeLight === 'false') === dark
                && [...document.querySelectorAll('.sd-figure')].every(
                    one => one.classList.contains('sd-both') === dark)""",
            arg=dark,
        )

    def explorers(self) -> list[Explorer]:
        """Every frame with a picture on the page, from the top."""
        handles = self.page.query_selector_all(".sd-explorer:has(img.sd-figure)")
        return [Explorer(self.page, handle) for handle in handles]

    def axe(self, selector: str = ".jp-OutputArea-output") -> list[dict[str, Any]]:
        """Run axe-core on the outputs, or what else `selector` matches."""
        return super().axe(selector)

    def shut_down(self) -> None:
        """End the notebook's kernel."""
        self.page.evaluate(
            """() => Promise.race([
                new Promise(resolve => setTimeout(resolve, 10000)),
                window.jupyterapp.shell.currentWidget.sessionContext.shutdown(),
            ])"""
        )


_QUIET = """explorer => window.sdAsked.size === 0
    && Array.from(explorer.querySelectorAll('img.sd-figure')).every(
        image => image.offsetParent === null || (image.complete
            && image.naturalWidth > 1.5 * Number(image.getAttribute('width'))))"""


class Explorer:
    """One explorer: its controls, its picture and its reading."""

    def __init__(self, page: Page, element: ElementHandle) -> None:
        self.page = page
        self.element = element

    @property
    def title(self) -> str:
        """First line of text in the explorer, to name it in messages."""
        lines = [line.strip() for line in self.element.inner_text().splitlines()]
        return next((line for line in lines if line), "(no text)")

    def sliders(self) -> list[ElementHandle]:
        """Every handle that the keyboard can move."""
        return self._visible('[role="slider"]')

    def label(self, slider: ElementHandle) -> str:
        """The label beside a slider's handle."""
        return self._beside(slider, ".widget-label")

    def readout(self, slider: ElementHandle) -> str:
        """The value shown beside a slider's handle."""
        return self._beside(slider, ".widget-readout")

    @staticmethod
    def _beside(slider: ElementHandle, selector: str) -> str:
        return slider.evaluate(
            """(handle, selector) => {
                const found = handle.closest('.jupyter-widgets').querySelector(selector);
                return found ? found.textContent.trim() : '';
            }""",
            selector,
        )

    def menus(self) -> list[ElementHandle]:
        """Every drop-down."""
        return self._visible("select")

    def boxes(self) -> list[ElementHandle]:
        """Every box to tick."""
        return self._visible('input[type="checkbox"]')

    def _visible(self, selector: str) -> list[ElementHandle]:
        return [found for found in self.element.query_selector_all(selector) if found.is_visible()]

    def face(self) -> tuple[str, str]:
        """What the learner sees: the pictures' sources (one string) and the reading."""
        pictures = self.element.eval_on_selector_all(
            "img.sd-figure", "images => images.map(image => image.src).join(' ')"
        )
        readings = self.element.eval_on_selector_all(
            ".sd-reading", "texts => texts.map(text => text.textContent).join(' ')"
        )
        return pictures, readings

    def alt(self) -> list[str]:
        """The alternative text of each picture."""
        return self.element.eval_on_selector_all(
            "img.sd-figure", "images => images.map(image => image.alt)"
        )

    def press(self, slider: ElementHandle, *keys: str) -> bool:
        """Press `keys` on a slider, wait for quiet; say whether picture or reading changed.

        A slider that is at its end already does not move, which is no change.
        """
        before = self.face()
        slider.scroll_into_view_if_needed()
        slider.focus()
        for key in keys:
            slider.press(key)
        return self._settled() != before

    def choose(self, menu: ElementHandle, index: int) -> bool:
        """Choose an option of a drop-down; say whether picture or reading changed."""
        before = self.face()
        menu.select_option(index=index)
        return self._settled() != before

    def tick(self, box: ElementHandle) -> bool:
        """Tick a box or untick it; say whether picture or reading changed."""
        before = self.face()
        box.click()
        return self._settled() != before

    def click(self, button: str) -> bool:
        """Click the button with this text; say whether picture or reading changed."""
        before = self.face()
        self.element.query_selector(f"button:has-text('{button}')").click()
        return self._settled() != before

    def _settled(self) -> tuple[str, str]:
        """Wait until what was asked is answered; return the face then.

        A change is answered by a coarse picture at once and by a sharp one, of twice the pixels,
        when all is quiet. JupyterLab lets widgets ask in a thread of their own (a subshell), so
        the kernel's other answers say nothing about theirs.
        """
        from playwright.sync_api import TimeoutError as NotInTimeError

        try:
            self.page.wait_for_function(_QUIET, arg=self.element)
        except NotInTimeError as error:
            raise NotebookError(
                f"{self.title}: no answer, or no sharp picture, in {PATIENCE_S} s"
            ) from error
        return self.face()

    def errors(self) -> list[str]:
        """Error messages that the explorer shows (`role="alert"` with text in it)."""
        return self.element.eval_on_selector_all(
            '[role="alert"]',
            "alerts => alerts.map(alert => alert.textContent.trim()).filter(text => text)",
        )
