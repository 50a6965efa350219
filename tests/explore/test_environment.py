"""The environment check tells the truth in plain words."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from helpers.explore import check_environment, environment


def test_this_environment_is_complete(capsys):
    check_environment()
    assert capsys.readouterr().out == "Everything the course needs is here.\n"


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (["no-such-package>=1"], "no-such-package is missing (no-such-package>=1 is needed)"),
        (["simpy>=99"], "but simpy>=99 is needed"),
    ],
)
def test_what_is_missing_or_old_is_named_with_the_way_out(monkeypatch, capsys, declared, words):
    monkeypatch.setattr(environment, "requires", lambda name: declared)
    check_environment()
    said = capsys.readouterr().out
    assert words in said
    assert "make lab" in said


def test_extras_are_not_needed_by_learners(monkeypatch, capsys):
    monkeypatch.setattr(environment, "requires", lambda name: ['nowhere>=1; extra == "test"'])
    check_environment()
    assert "Everything" in capsys.readouterr().out


def test_a_kernel_without_the_course_says_so(monkeypatch, capsys):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "requires", absent)
    check_environment()
    assert "the course itself is not installed" in capsys.readouterr().out
