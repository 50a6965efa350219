"""Every chapter in a real JupyterLab: run all, move every slider by keyboard, listen to axe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from helpers.authoring import course
from tests.browser.lab import Browser, Explorer, JupyterLab, Notebook

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle

SERIOUS = {"serious", "critical"}

#: An open model of each chapter, and a change of one of its rules.
REWRITTEN = {
    "02": ("helpers.scaling.knee:one_queue", "at.service_ms / 1000", "at.service_ms / 500"),
    "05": ("helpers.estimation.estimate:servers_for", "(3 * kept)", "(5 * kept)"),
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
}


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.stem)
def test_chapter(path: Path, lab: JupyterLab, browser: Browser) -> None:
    with browser.notebook(lab, path, still=True) as notebook:
        notebook.run_all()
        assert notebook.unrun() == []
        notebook.lift_veils()
        explorers = [one for one in notebook.explorers() if one.sliders()]
        assert explorers, "a chapter without a slider"
        for explorer in explorers:
            for problem in what_is_wrong(explorer):
                notebook.console.append(f"{explorer.title}: {problem}")
        if rewritten := REWRITTEN.get(path.stem[:2]):
            opens_a_model(notebook, path, *rewritten)
        assert notebook.console == []
        assert notebook.outside == []
        violations = [one for one in notebook.axe() if one["impact"] in SERIOUS]
        assert violations == [], json.dumps(violations, indent=1)[:6000]


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


def what_is_wrong(explorer: Explorer) -> list[str]:
    """Move every slider of an explorer; return one line for each thing that is not right."""
    problems = []
    # JupyterLab itself writes alt="Image" where there is none, so axe has nothing to say.
    if not all(len(text) > 20 for text in explorer.alt()):
        problems.append("a picture without alternative text")
    if explorer.element.query_selector(".sd-reading[aria-live], .sd-reading [aria-live]") is None:
        problems.append("a reading that a screen reader does not announce")
    first, *others = sliders = explorer.sliders()
    for slider in [*others, first]:
        name = explorer.label(slider) or f"slider {sliders.index(slider)}"
        if not explorer.label(slider):
            problems.append(f"{name} has no label")
        moved = False
        if slider is first:  # the ends of every slider are tried, without a browser, elsewhere
            for key in ("Home", "End"):
                moved = explorer.press(slider, key) or moved
                if errors := explorer.errors():
                    problems.append(f"{name} at {explorer.readout(slider)}: {errors}")
        else:
            moved = explorer.press(slider, "ArrowRight") or explorer.press(slider, "ArrowLeft")
        if not moved:
            if not moves_something(explorer, slider):
                problems.append(f"{name} changes neither picture nor reading")
            explorer.click("Reset")
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
