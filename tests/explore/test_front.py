"""Modules of the front end are put together without a build step, and without losing anything."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from helpers.explore.front import module

FOLDER = files("helpers.explore.front")
FILES = sorted(file.name for file in FOLDER.iterdir() if file.name.endswith(".js"))
ENTRIES = ("replay", "clicks", "frame", "entry")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_module_imports_nothing_and_exports_what_anywidget_wants(entry: str) -> None:
    text = module(entry)
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert text.count("export default") == 1
    assert not re.search(r"https?://", text), "nothing is downloaded"


def test_every_file_is_part_of_a_module() -> None:
    together = "".join(module(entry) for entry in ENTRIES)
    for name in FILES:
        first = FOLDER.joinpath(name).read_text("utf-8").splitlines()[0]
        assert first.startswith("// ")
        assert first in together, name


@pytest.mark.parametrize("entry", ENTRIES)
def test_names_at_the_top_level_are_all_different(entry: str) -> None:
    declared = re.findall(r"^(?:export )?(?:const|function|class) (\w+)", module(entry), re.M)
    assert len(declared) == len(set(declared))


def test_what_a_file_imports_the_other_one_exports() -> None:
    pattern = re.compile(r"^import \{([^}]*)\} from '\./(\w+)\.js';", re.MULTILINE)
    found = 0
    for name in FILES:
        text = FOLDER.joinpath(name).read_text("utf-8")
        for names, other in pattern.findall(text):
            offered = FOLDER.joinpath(f"{other}.js").read_text("utf-8")
            for one in filter(None, (part.strip() for part in names.split(","))):
                found += 1
                assert re.search(rf"^export (const|function|class) {one}\b", offered, re.M), one
                uses = len(re.findall(rf"\b{one}\b", text))
                assert uses > 1, f"{name} imports {one} and does not use it"
    assert found > 10
