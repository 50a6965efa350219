"""A call into a package is seen, whatever it is called."""

from __future__ import annotations

import sys

import pytest

from helpers.foundations import students
from helpers.foundations.own_work import calls_into
from helpers.foundations.students import hashed as another_name


def test_a_call_is_seen_under_any_name() -> None:
    package = "helpers.foundations"
    named = {"helpers.foundations.students.hashed"}
    assert named <= calls_into(package, lambda: students.hashed("a"))
    assert named <= calls_into(package, lambda: [another_name("a") for _ in range(2)])
    assert named <= calls_into(package, another_name, "a")


def test_what_the_package_does_not_do_is_not_seen() -> None:
    assert calls_into("helpers.foundations", sorted, [2, 1]) == set()
    assert calls_into("helpers.foundations", lambda n: n + 1, 1) == set()
    assert calls_into("helpers.found", another_name, "a") == set()


def test_nothing_is_left_behind_when_the_call_fails() -> None:
    before = sys.getprofile()
    with pytest.raises(ZeroDivisionError):
        calls_into("helpers", lambda: 1 / 0)
    assert sys.getprofile() is before
