"""A learner's designs are kept, found again, and nothing else is read as one."""

from __future__ import annotations

import pytest

from helpers.blueprint.catalogue import anatomy, single
from helpers.explore.designs import designs_path, keep_design, kept_design, kept_designs


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path))
    return tmp_path


def test_a_design_is_kept_under_its_name_or_another(folder):
    assert kept_designs() == []
    path = keep_design(anatomy())
    assert path == folder / "designs" / "anatomy.json"
    keep_design(single(), "my first one")
    assert kept_designs() == ["anatomy", "my first one"]
    assert kept_design("anatomy") == anatomy()
    assert kept_design("my first one") == single()
    keep_design(single(), "anatomy")
    assert kept_design("anatomy") == single()


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", ".hidden", "x" * 80, 7])
def test_a_name_stays_in_the_folder(name):
    with pytest.raises(ValueError, match="a design's name is made of"):
        keep_design(single(), name)
    assert not designs_path().exists()


def test_what_is_not_there_or_no_design_is_said():
    with pytest.raises(ValueError, match="no design 'x' was kept; there are: none"):
        kept_design("x")
    with pytest.raises(TypeError, match="must be a Design"):
        keep_design("anatomy")
    keep_design(single(), "spoilt").write_text("{}")
    with pytest.raises(ValueError, match=r"spoilt.json does not hold a design"):
        kept_design("spoilt")
