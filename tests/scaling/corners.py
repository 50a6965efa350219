"""The settings at the ends of a chapter's sliders, read from its notebook."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat

from helpers.authoring.course import ROOT
from helpers.explore.controls import Control
from helpers.foundations.experiment import Parameters, declarations, default_of

NOTEBOOK = ROOT / "notebooks" / "02_thinking_at_scale.ipynb"


def explorers(path: Path = NOTEBOOK) -> list[tuple[ModuleType, dict[str, Control], bool]]:
    """Every explorer of a chapter: its experiment, its controls, whether a model stands in it."""
    found: list[tuple[ModuleType, dict[str, Control], bool]] = []

    def explore(experiment: ModuleType, **arguments: Any) -> None:
        controls = {}
        for name, value in arguments.items():
            if isinstance(value, Control):
                setting = experiment.simulate.setting
                about = declarations(setting)[name]
                controls[name] = value.declared_as(name, about, default_of(setting, name))
        found.append((experiment, controls, "model" in arguments))

    namespace: dict[str, Any] = {"__name__": "__main__"}
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source = cell.source
        imports = [line for line in source.splitlines() if line.startswith(("from ", "import "))]
        exec("\n".join(imports), namespace)
        if "model" in cell.metadata:
            exec(source, namespace)
        elif "explore(\n" in source or "explore(" in source.splitlines()[-1]:
            namespace["explore"] = explore
            rest = [line for line in source.splitlines() if line not in imports]
            exec("\n".join(rest), namespace)
    return found


def corners(experiment: ModuleType, controls: dict[str, Control]) -> Iterator[Parameters]:
    """The opening, each control at each of its ends alone, and all of them at their ends."""
    setting = experiment.simulate.setting
    opening = {name: control.default for name, control in controls.items()}
    yield setting(**opening)
    for name, control in controls.items():
        for end in control.ends:
            yield setting(**{**opening, name: end})
    firsts, lasts = ({n: c.ends[i] for n, c in controls.items()} for i in (0, -1))
    yield setting(**firsts)
    yield setting(**lasts)
    numbers = [n for n, c in controls.items() if not isinstance(c.default, bool | str)][:2]
    for ends in itertools.product(*(controls[n].ends for n in numbers)):
        yield setting(**{**opening, **dict(zip(numbers, ends, strict=True))})
