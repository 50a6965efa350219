"""What a learner made is kept, found again, and nothing else is read as it."""

from __future__ import annotations

import pytest

from helpers.blueprint.catalogue import anatomy, single
from helpers.blueprint.written import from_data, to_data
from helpers.explore.kept import keep, kept, kept_names, kept_path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path))
    return tmp_path


def test_a_design_is_kept_under_a_name(folder):
    assert kept_names() == []
    path = keep("my first one", to_data(anatomy()))
    assert path == folder / "kept" / "my first one.json"
    keep("another", to_data(single()))
    assert kept_names() == ["another", "my first one"]
    assert from_data(kept("my first one")) == anatomy()
    keep("my first one", to_data(single()))
    assert from_data(kept("my first one")) == single()


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", ".hidden", "x" * 80, 7])
def test_a_name_stays_in_the_folder(name):
    with pytest.raises(ValueError, match="a name is made of"):
        keep(name, {})
    assert not kept_path().exists()


def test_what_is_not_there_or_damaged_is_said():
    with pytest.raises(ValueError, match="nothing was kept as 'x'; there are: none"):
        kept("x")
    with pytest.raises(TypeError, match="not JSON serializable"):
        keep("design", anatomy())
    assert kept_names() == []
    keep("spoilt", {}).write_text("{")
    with pytest.raises(ValueError, match=r"spoilt.json is damaged"):
        kept("spoilt")
