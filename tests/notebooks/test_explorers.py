"""Every explorer of every notebook at the ends of its sliders, and with ``--thorough`` in between.

A callback that raises only at an extreme passes every test that runs a notebook once, and a
sentence that is no English there is read by every learner who goes there.
"""

from __future__ import annotations

import itertools
import math
import re
import warnings
from pathlib import Path

import nbformat
import pytest

from helpers.explore import Explorer
from helpers.explore.canvas import Canvas
from helpers.foundations.experiment import Result
from tests.checks import last_frame
from tests.drawn import text_faults, texts_of
from tests.explorers import corners, each_end_once, explorers_of, shows_an_explorer

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PNG = b"\x89PNG\r\n\x1a\n"

_THINGS = (
    "attempts|calls|cards|connections|consumers|copies|cores|customers|erlangs|files|ids|jobs|keys|"
    "kills|machines|messages|months|pages|points|processes|queries|questions|reads|replicas|"
    "requests|retries|rows|servers|services|sessions|shards|steps|tasks|threads|times|tries|users|"
    "workers|writes"
)
#: A 1 before a noun in the plural, or where a word would stand.
_ONE_OF_MANY = re.compile(
    rf"(?<![\d.,])1 (?:more |other )?(?:{_THINGS})\b(?!/)|\bother 1\b|chain of 1\b"
)
_NO_ENGLISH = re.compile(r"\b(?:nan|inf|not a number|0 largest)\b|(?<![\d.,])1-fold|  |\.\.| ,")

_A_CAPITAL = re.compile(r"[A-Z][a-z]")
#: What is written with a capital anywhere.
_NAMES = {"Alice", "Bob", "Brier"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_setting_of_every_explorer_can_be_read(notebook: Path, thorough: bool) -> None:
    explorers = explorers_of(notebook)
    cells = nbformat.read(notebook, as_version=4).cells
    shown = sum(shows_an_explorer(cell) for cell in cells if cell.cell_type == "code")
    assert len(explorers) == shown, f"{notebook.name} makes and shows unlike many explorers"
    # Many an experiment stands on its page twice, the second time with a learner's model.
    once = {explorer.simulate: explorer for explorer in reversed(explorers)}.values()
    faults = [
        f"{notebook.stem}, {explorer.canvas.axes[0].get_title(loc='left')!r} {explorer_faults}"
        for explorer in (explorers if thorough else once)
        for explorer_faults in _faults(explorer, thorough)
    ]
    assert not faults, "\n".join(faults)


def _faults(explorer: Explorer, thorough: bool) -> list[str]:
    faults = []
    few = itertools.islice(each_end_once(explorer), 2)  # both ends of every slider
    for number, setting in enumerate(corners(explorer, points=20) if thorough else few):
        try:
            run = _run(explorer, setting)
            explorer.canvas.draw((run,))
        except Exception as error:
            error.add_note(f"{explorer.simulate.__name__} at {setting}")
            raise
        wrong = [*_not_finite(run), *_not_english(run.reading)]
        if number == 0 or thorough:  # laying the texts out takes longer than all the rest
            wrong += text_faults(explorer.canvas.figure)
        faults += [f"at {setting}: {one}" for one in wrong]
    faults += [
        f"{label!r} begins with a capital; other labels of axes do not"
        for ax in explorer.canvas.axes
        for label in (ax.get_xlabel(), ax.get_ylabel())
        if _A_CAPITAL.match(label) and label.split()[0] not in _NAMES
    ]
    if thorough:  # the last one all the way, through the controls
        explorer.set(**setting)
        assert explorer.canvas.moving_png().startswith(PNG)
        assert explorer.png().startswith(PNG)
    return faults


@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_on_a_narrow_page_can_be_read(notebook: Path) -> None:
    faults = []
    for explorer in explorers_of(notebook):
        canvas = Canvas(explorer.plot, narrow=True)
        for setting in [{}, *corners(explorer)]:
            canvas.draw((_run(explorer, setting),))
            wrong = [*text_faults(canvas.figure), *_too_small(canvas)]
            faults += [f"{canvas.title!r} at {setting}: {one}" for one in wrong]
    assert not faults, "\n".join(faults)


#: Height of letters, CSS pixels, at which a picture on a narrow page can still be read.
LETTERS_PX = 10.0


def _too_small(canvas: Canvas) -> list[str]:
    """Say which letters are too small where the picture is shown as narrow as it may be."""
    shown = 100 / 72 * canvas.least_px / canvas.width_px
    return [
        f"{line.text!r} is {line.size_pt * shown:.1f} px high"
        for line in texts_of(canvas.figure)
        if line.size_pt * shown < LETTERS_PX - 0.05
    ]


def _run(explorer: Explorer, setting: dict[str, object]) -> Result:
    """Simulate, to the end where an answer becomes finer; whatever warns is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result: Result = last_frame(explorer.simulate(**{**explorer.values, **setting}))
    return result


def _not_finite(run: Result) -> list[str]:
    if not run.summary:
        return ["empty summary"]
    return [
        f"{name} is {value}"
        for name, value in run.summary.items()
        if not (isinstance(value, str) or math.isfinite(value))
    ]


def _not_english(said: str) -> list[str]:
    """What is wrong with a sentence, in so far as a program can see it."""
    looked_for = {
        "begins in lower case": bool(said) and not (said[0].isupper() or said[0].isdigit()),
        "does not end": not said.endswith((".", "!", "?")),
        "one of many": bool(_ONE_OF_MANY.search(said)),
        "no English": bool(_NO_ENGLISH.search(said)),
    }
    return [f"{name}: {said}" for name, found in looked_for.items() if found]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("1 server waits.", []),
        ("All is well.", []),
        ("1 servers wait.", ["one of many"]),
        ("app saturates.", ["begins in lower case"]),
        ("It takes nan s.", ["no English"]),
        ("It goes on", ["does not end"]),
    ],
)
def test_a_sentence_that_is_none_is_noticed(said: str, wrong: list[str]) -> None:
    assert [one.partition(":")[0] for one in _not_english(said)] == wrong


@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_control_does_something(notebook: Path) -> None:
    """At the opening, or once another control is set otherwise."""
    still = [
        f"{explorer.canvas.axes[0].get_title(loc='left')!r}: {name}"
        for explorer in explorers_of(notebook)
        for name in explorer.controls
        if not _does_something(explorer, name)
    ]
    assert still == []


@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_preset_shows_something_of_its_own(notebook: Path) -> None:
    for explorer in explorers_of(notebook):
        opening = {name: control.default for name, control in explorer.controls.items()}
        settings = {name: {**opening, **preset} for name, preset in explorer.presets.items()}
        runs = [_run(explorer, setting) for setting in settings.values()]
        faces = {(run.reading, _picture(explorer, run)) for run in runs}
        assert len(faces) == len(settings), f"{explorer.canvas.title!r}: {list(settings)}"


def _does_something(explorer: Explorer, name: str) -> bool:
    explorer.reset()
    others = [{}, *({other: end} for other, control in explorer.controls.items() if other != name
                    for end in control.ends)]  # fmt: skip
    return any(
        _differ(explorer, [{**other, name: end} for end in explorer.controls[name].ends])
        for other in others
    )


def _differ(explorer: Explorer, settings: list[dict[str, object]]) -> bool:
    """Whether not all settings show the same; pictures are made where the words are equal."""
    runs = [_run(explorer, setting) for setting in settings]
    if len({run.reading for run in runs}) > 1:
        return True
    return len({_picture(explorer, run) for run in runs}) > 1


def _picture(explorer: Explorer, run: Result) -> bytes:
    explorer.canvas.draw((run,))
    return explorer.canvas.moving_png()


@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_same_setting_same_answer(notebook: Path) -> None:
    for explorer in explorers_of(notebook):
        first = explorer.reset().text()
        explorer.set(**next(corners(explorer)))
        assert explorer.reset().text() == first, explorer.simulate.__name__
