"""Every chapter in a real JupyterLab: run all, move sliders by keyboard, listen to axe.

Each explorer's first slider is moved a step; with ``--thorough`` every slider, the first to both of
its ends. Elsewhere, without a browser, all of them are tried at their ends every day.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from helpers.authoring import course
from tests.browser.lab import Browser, Explorer, JupyterLab, Notebook
from tests.checks import weekly

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle

SERIOUS = {"serious", "critical"}

#: An open model of each chapter, and a change of one of its rules.
REWRITTEN = {
    "01": ("helpers.why.durability:one_journal", "told = safe", "told = start"),
    "02": ("helpers.scaling.knee:one_queue", "at.service_ms / 1000", "at.service_ms / 500"),
    "03": ("helpers.tradeoffs.nines:look_in", "all(down)", "any(down)"),
    "04": ("helpers.anatomy.balancing:two_choices", "[:2]", "[:1]"),
    "05": ("helpers.estimation.estimate:servers_for", "(3 * kept)", "(5 * kept)"),
    "06": ("helpers.failure.bad_day:one_day", "room = 0.0 if paused", "room = 60 * 40.0 if paused"),
    "07": ("helpers.consistency.inversion:two_reads", "[: at.r]", "[:1]"),
    "08": (
        "helpers.sharding.ring:my_ring",
        "at.virtual_nodes, at.seed",
        "at.virtual_nodes * (2 if shard == 0 else 1), at.seed",
    ),
    "09": (
        "helpers.caching.policies:lru",
        "popitem(last=False)",
        "popitem(last=True)",
    ),
    "10": ("helpers.messaging.prefetch:one_consumer", "at.work_ms / 1000", "at.work_ms / 500"),
    "11": ("helpers.studio.latent_faults:five_years", "inside[fault] >= at.unseen", "True"),
}


#: Opened every day: the first page. What the others are made of has browser tests of its own.
DAILY = "00"


@pytest.mark.parametrize(
    "path",
    [one if one.stem.startswith(DAILY) else weekly(one) for one in course.notebooks()],
    ids=lambda path: path.stem,
)
def test_chapter(path: Path, lab: JupyterLab, browser: Browser, thorough: bool) -> None:
    with browser.notebook(lab, path, still=True) as notebook:
        notebook.run_all()
        assert notebook.unrun() == []
        notebook.lift_veils()
        explorers = [one for one in notebook.explorers() if one.sliders()]
        assert explorers, "a chapter without a slider"
        for explorer in explorers:
            for problem in what_is_wrong(explorer, thorough):
                notebook.console.append(f"{explorer.title}: {problem}")
        if any("model" in cell.metadata for cell in nbformat.read(path, as_version=4).cells):
            opens_a_model(notebook, path, *REWRITTEN[path.stem[:2]])
        assert notebook.console == []
        assert notebook.outside == []
        for dark in (False, True):
            if dark:
                notebook.change_theme(dark=True)
            violations = [one for one in notebook.axe() if one["impact"] in SERIOUS]
            if dark:  # JupyterLab keeps the theme for the next notebook
                notebook.change_theme(dark=False)
            assert violations == [], json.dumps([dark, violations], indent=1)[:6000]


def opens_a_model(notebook: Notebook, path: Path, reference: str, old: str, new: str) -> None:
    """Change a model's rule, run it and the explorer below it: other vermilion points."""
    cells = nbformat.read(path, as_version=4).cells
    (model,) = (at for at, cell in enumerate(cells) if cell.metadata.get("model") == reference)
    shown = next(at for at in range(model, len(cells)) if "model=" in cells[at].source)
    before = notebook.own_model(shown)
    notebook.rewrite(model, old, new)
    notebook.run(model)
    notebook.run(shown)
    after = notebook.own_model(shown)
    assert notebook.errors() == []
    assert before["said"].startswith("Your model:"), before["said"]
    assert after["said"] != before["said"]
    assert after["picture"] != before["picture"]


def what_is_wrong(explorer: Explorer, thorough: bool) -> list[str]:
    """Move an explorer's sliders; return one line for each thing that is not right."""
    problems = []
    # JupyterLab itself writes alt="Image" where there is none, so axe has nothing to say.
    if not all(len(text) > 20 for text in explorer.alt()):
        problems.append("a picture without alternative text")
    if explorer.element.query_selector(".sd-reading[aria-live], .sd-reading [aria-live]") is None:
        problems.append("a reading that a screen reader does not announce")
    sliders = explorer.sliders()
    problems += [
        f"slider {at} has no label" for at, one in enumerate(sliders) if not explorer.label(one)
    ]
    first, *others = sliders
    for slider in [*others, first] if thorough else [first]:
        keys = ("Home", "End") if thorough and slider is first else ("ArrowRight",)
        moved = False
        for key in keys:
            moved = explorer.press(slider, key) or moved
            if errors := explorer.errors():
                problems.append(f"{explorer.label(slider)} at {explorer.readout(slider)}: {errors}")
        if not moved and not moves_something(explorer, slider):
            problems.append(f"{explorer.label(slider)} changes neither picture nor reading")
        if thorough or not moved:
            explorer.click("Reset")  # at another one's end it may do nothing, and rightly
    return problems


def moves_something(explorer: Explorer, slider: ElementHandle) -> bool:
    """Whether a slider does something at its ends, or once another control is set otherwise."""

    def at_an_end() -> bool:
        return explorer.press(slider, "Home") or explorer.press(slider, "End")

    if at_an_end():
        return True
    for menu in explorer.menus():
        for index in range(len(menu.query_selector_all("option"))):
            explorer.choose(menu, index)
            if at_an_end():
                return True
    for box in explorer.boxes():
        explorer.tick(box)
        if at_an_end():
            return True
        explorer.tick(box)
    return False
