"""Every chapter in a real JupyterLab: run all, move every slider by keyboard, listen to axe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.authoring import course
from tests.browser.lab import Browser, Explorer, JupyterLab

SERIOUS = {"serious", "critical"}


@pytest.mark.parametrize("path", course.notebooks(), ids=lambda path: path.stem)
def test_chapter(path: Path, lab: JupyterLab, browser: Browser) -> None:
    with browser.notebook(lab, path) as notebook:
        notebook.run_all()
        assert notebook.unrun() == []
        explorers = [one for one in notebook.explorers() if one.sliders()]
        assert explorers, "a chapter without a slider"
        for explorer in explorers:
            for problem in what_is_wrong(explorer):
                notebook.console.append(f"{explorer.title}: {problem}")
        assert notebook.console == []
        assert notebook.outside == []
        violations = [one for one in notebook.axe() if one["impact"] in SERIOUS]
        assert violations == [], json.dumps(violations, indent=1)[:6000]


def what_is_wrong(explorer: Explorer) -> list[str]:
    """Move every slider of an explorer; return one line for each thing that is not right."""
    problems = []
    if not all(explorer.alt()):
        problems.append("a picture without alternative text")
    if explorer.element.query_selector(".sd-reading[aria-live], .sd-reading [aria-live]") is None:
        problems.append("a reading that a screen reader does not announce")
    for number, slider in enumerate(explorer.sliders()):
        name = explorer.label(slider) or f"slider {number}"
        if not explorer.label(slider):
            problems.append(f"{name} has no label")
        moved = explorer.press(slider, "ArrowRight") or explorer.press(slider, "ArrowLeft")
        if not moved and not moves_something(explorer, slider):
            problems.append(f"{name} changes neither picture nor reading")
        if number == 0:
            for key in ("Home", "End"):
                explorer.press(slider, key)
        if errors := explorer.errors():
            problems.append(f"{name} at {explorer.readout(slider)}: {errors}")
        explorer.click("Reset")
    return problems


def moves_something(explorer: Explorer, slider) -> bool:
    """Whether a slider does something at its ends, or once another option is chosen."""
    if explorer.press(slider, "Home") or explorer.press(slider, "End"):
        return True
    for menu in explorer.choices():
        for index in range(len(menu.query_selector_all("option"))):
            explorer.choose(menu, index)
            if explorer.press(slider, "Home") or explorer.press(slider, "End"):
                return True
    return False
