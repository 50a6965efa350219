"""Other versions of the packages: what is installed is what was asked for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers.authoring import versions
from helpers.authoring.course import ROOT


@pytest.mark.parametrize(("which", "option"), [("oldest", "lowest-direct"), ("newest", "highest")])
def test_an_environment_of_its_own_gets_the_versions(
    which: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: called.append(command))
    python = versions.environment(which, "3.13")
    made, install, settings = called
    folder = ROOT / ".venv" / "versions" / which
    assert (made[:3], made[-1]) == ([sys.executable, "-m", "uv"], str(folder))
    assert made[made.index("--python") + 1] == "3.13"
    assert install[install.index("--resolution") + 1] == option
    assert install[install.index("--python") + 1] == str(python)
    assert settings[0] == str(python)
    assert Path(python).is_relative_to(folder)


def test_every_package_has_an_oldest_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(text) for group in groups for text in group):
        assert [bound.operator for bound in requirement.specifier] == [">="], str(requirement)
