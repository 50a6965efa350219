"""What every frame gets from the page: names for sliders, readings read aloud, styles, a theme."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from helpers.explore.front import module, styles
from tests.browser.lab import Browser, Watched

PAGE = """<div class="sd-explorer"><div class="jupyter-widgets"><div class="widget-label">Load</div>
<div class="noUi-handle" role="slider" aria-valuenow="1"></div></div>
<div class="sd-reading">So it is.</div><div id="own"></div></div>
<div class="noUi-handle" id="foreign"></div>"""
RENDER = """async source => {
    const frame = await import('data:text/javascript;base64,' + source);
    const state = { dark: false, snug: false, narrow: false };
    window.told = [];
    const model = {
        get: (name) => state[name],
        set: (name, value) => { state[name] = value; window.told.push([name, value]); },
        save_changes: () => {},
    };
    window.stop = frame.default.render({ model, el: document.getElementById('own') });
}"""
HANDLES = ".sd-explorer .noUi-handle"


@pytest.fixture
def framed(browser: Browser) -> Iterator[Watched]:
    with browser.page(PAGE) as watched:
        watched.page.evaluate(RENDER, base64.b64encode(module("frame").encode()).decode())
        yield watched
        assert watched.console == watched.outside == []


def test_handles_are_named_and_readings_read_aloud(framed: Watched) -> None:
    page = framed.page
    assert page.get_attribute(HANDLES, "aria-label") == "Load"
    assert page.get_attribute(".sd-reading", "aria-live") == "polite"
    assert page.get_attribute("#foreign", "aria-label") is None, "nobody else's business"


def test_a_handle_says_what_is_written_beside_it(browser: Browser) -> None:
    row = """<div class="widget-readout">0.50</div><div class="noUi-handle" role="slider" """
    content = PAGE.replace("""<div class="noUi-handle" role="slider" """, row, 1)
    with browser.page(content) as watched:
        page = watched.page
        page.evaluate(RENDER, base64.b64encode(module("frame").encode()).decode())
        page.wait_for_selector(f"{HANDLES}[aria-valuetext='0.50']", state="attached")
        page.evaluate(
            """handles => {
                const handle = document.querySelector(handles);
                handle.setAttribute('aria-valuetext', '0.49999999999999994');
                document.querySelector('.widget-readout').textContent = '0.45';
            }""",
            HANDLES,
        )
        page.wait_for_selector(f"{HANDLES}[aria-valuetext='0.45']", state="attached")
        assert watched.console == []


def test_a_picture_wider_than_the_page_is_reached_by_keyboard(browser: Browser) -> None:
    content = PAGE.replace(
        """<div id="own">""",
        """<div class="sd-picture" style="overflow-x: auto"><p style="width: 600px">.</p></div>
           <div id="own">""",
    )
    with browser.page(content, width=500) as watched:
        page = watched.page
        page.evaluate(RENDER, base64.b64encode(module("frame").encode()).decode())
        page.wait_for_selector(".sd-picture[tabindex='0'][aria-label]")
        page.set_viewport_size({"width": 900, "height": 900})
        page.wait_for_selector(".sd-picture:not([tabindex])")


def test_what_comes_later_too_until_the_frame_is_gone(framed: Watched) -> None:
    page = framed.page
    add = """words => document.querySelector('.sd-explorer').insertAdjacentHTML('beforeend',
        `<div class="jupyter-widgets"><div class="widget-label">${words}</div>
         <div class="noUi-handle"></div></div>`)"""
    page.evaluate(add, "Second")
    page.wait_for_selector(f"{HANDLES}[aria-label='Second']", state="attached")
    page.evaluate("() => window.stop()")
    page.evaluate(add, "Third")
    page.wait_for_timeout(300)
    named = page.eval_on_selector_all(HANDLES, "all => all.map(one => one.ariaLabel)")
    assert named == ["Load", "Second", None]


def test_the_frame_is_found_once_it_is_on_the_page(browser: Browser) -> None:
    with browser.page(PAGE) as watched:
        page = watched.page
        page.evaluate(
            """() => { const own = document.getElementById('own'); own.remove();
                setTimeout(() => document.querySelector('.sd-explorer').append(own), 200);
                document.body.append(document.createElement('i'));
                window.own = own; }"""
        )
        render = RENDER.replace("document.getElementById('own')", "window.own")
        page.evaluate(render, base64.b64encode(module("frame").encode()).decode())
        page.wait_for_selector(f"{HANDLES}[aria-label='Load']", state="attached")
        assert watched.console == []


def told(framed: Watched, name: str) -> list[bool]:
    """What the kernel has heard of the page."""
    framed.page.wait_for_timeout(50)
    return [value for what, value in framed.page.evaluate("() => window.told") if what == name]


def test_the_kernel_hears_whether_the_page_is_dark(framed: Watched) -> None:
    turn = "light => { document.body.dataset.jpThemeLight = light; }"
    for light in ("true", "false", "false", "true"):
        framed.page.evaluate(turn, light)
        framed.page.wait_for_timeout(20)
    assert told(framed, "dark") == [True, False]
    framed.page.evaluate("() => window.stop()")
    framed.page.evaluate(turn, "false")
    assert told(framed, "dark") == [True, False]


def test_the_kernel_hears_whether_the_page_is_snug_or_narrow(framed: Watched) -> None:
    resize = "width => { document.querySelector('.sd-explorer').style.width = width; }"
    framed.page.evaluate(resize, "900px")
    before = {name: len(told(framed, name)) for name in ("snug", "narrow")}
    for width in ("800px", "500px", "450px", "0", "700px", "900px"):
        framed.page.evaluate(resize, width)
        framed.page.wait_for_timeout(50)
    assert all(told(framed, name)[n:] == [True, False] for name, n in before.items())
    framed.page.evaluate(resize, "700px")
    framed.page.wait_for_timeout(50)
    assert (told(framed, "snug")[-1], told(framed, "narrow")[-1]) == (True, False)
    framed.page.evaluate(resize, "900px")


def test_a_tight_frame_gets_the_room_beside_it_and_keeps_it(framed: Watched) -> None:
    tight = """width => { const { style, classList } = document.querySelector('.sd-explorer');
        style.width = width;
        return new Promise(done => setTimeout(() => done(classList.contains('sd-tight')), 50)); }"""
    widths = {"600px": False, "470px": True, "540px": True, "570px": False}
    assert {width: framed.page.evaluate(tight, width) for width in widths} == widths


NOTEBOOK = f"""<style>.jp-WindowedPanel-outer {{ height: 300px; overflow: auto }}
.jp-Cell {{ height: 200px }}</style><button>Run All</button>
<div class="jp-NotebookPanel"><i data-status="idle"></i>
<div class="jp-Notebook"><div class="jp-WindowedPanel-outer"><div class="jp-WindowedPanel-viewport">
{PAGE}{"<div class='jp-Cell' tabindex='-1'><p class='jp-InputPrompt'>[1]:</p></div>" * 10}
</div></div></div></div>"""
#: Cells become active when they get the focus, and all can be sent to the kernel, as in JupyterLab.
ACT = """() => {
    const cells = window.cells = [...document.querySelectorAll('.jp-Cell')];
    const page = window.scroller = document.querySelector('.jp-WindowedPanel-outer');
    const activate = chosen => cells.forEach(
        one => one.classList.toggle('jp-mod-active', one === chosen));
    page.addEventListener('focusin', event => activate(event.target.closest('.jp-Cell')));
    window.prompts = (from, to, text) => cells.slice(from, to).forEach(
        one => { one.firstChild.textContent = text; });
    window.kernel = document.querySelector('[data-status]').dataset;
    window.runAll = () => {
        kernel.status = 'busy'; prompts(0, 10, '[*]:');
        activate(cells[9]); page.scrollTop = page.scrollHeight; };
    const frame = () => new Promise(requestAnimationFrame);
    window.rest = async () => {  // whatever was to happen in the next frame has happened
        for (let each = 0; each < 3; each++) {
            await frame();
            await new Promise(done => setTimeout(done, 30));
        }
        return [Math.round(page.scrollTop),
            cells.findIndex(one => one.classList.contains('jp-mod-active'))];
    };
    document.querySelector('button').addEventListener('click', runAll);
    activate(cells[0]);
}"""


@pytest.fixture
def paged(browser: Browser) -> Iterator[Watched]:
    with browser.page(NOTEBOOK) as watched:
        watched.page.evaluate(ACT)
        yield watched
        assert watched.console == watched.outside == []


def start(paged: Watched) -> None:
    paged.page.evaluate(RENDER, base64.b64encode(module("frame").encode()).decode())


def test_the_place_is_kept_while_all_cells_run(paged: Watched) -> None:
    page = paged.page
    start(paged)
    page.evaluate("() => { cells[3].focus(); scroller.scrollTop = 700; }")
    here = page.evaluate("() => rest()")
    page.click("button")
    assert page.evaluate("() => rest()") == here
    page.evaluate("() => { cells[0].style.height = '500px'; }")
    assert page.evaluate("() => rest()") == [here[0] + 300, here[1]], "what is above has grown"
    page.evaluate("() => { prompts(0, 10, '[2]:'); kernel.status = 'idle'; }")
    page.wait_for_function(
        "() => { scroller.scrollTop = 0; return rest().then(([top]) => top === 0); }"
    )


def test_the_place_is_not_kept_from_who_moves(paged: Watched) -> None:
    page = paged.page
    start(paged)
    page.click("button")
    assert page.evaluate("() => rest()") == [0, 0]
    page.keyboard.press("Shift")  # a gesture that by itself does nothing
    page.evaluate("() => { cells[9].focus(); scroller.scrollTop = 900; }")
    assert page.evaluate("() => rest()") == [900, 9]


def test_one_cell_after_the_other_is_no_run_of_all(paged: Watched) -> None:
    page = paged.page
    start(paged)
    for index in range(10):
        page.keyboard.press("Shift")
        page.evaluate("at => { cells[at].focus(); prompts(at, at + 1, '[*]:'); }", index)
    bottom, active = page.evaluate("() => rest()")
    assert bottom > 0
    assert active == 9


@pytest.mark.parametrize(("left", "pending", "found"), [(9, 10, 0), (9, 0, 9), (5, 10, 5)])
def test_a_page_that_was_run_before_anybody_looked_starts_at_its_top(
    left: int, pending: int, found: int, paged: Watched
) -> None:
    page = paged.page
    page.evaluate("at => cells[at].focus()", left)
    page.evaluate("number => prompts(0, number, '[*]:')", pending)
    start(paged)
    top, active = page.evaluate("() => rest()")
    assert active == found
    assert (top == 0) == (found == 0)


_NO_RULE = r"/\*.*?\*/|@container[^{]*\{"  # comments, and sizes for which rules hold


def test_styles_hold_for_the_frames_and_nothing_else() -> None:
    for name in ("frame", "clicks", "replay"):
        selectors = [
            part.strip()
            for rule in re.sub(_NO_RULE, "", styles(name), flags=re.DOTALL).split("}")
            if "{" in rule
            for part in rule.split("{")[0].split(",")
        ]
        assert selectors
        for selector in selectors:
            assert ".sd-" in selector or ".sdc" in selector or ".sdr" in selector, selector
