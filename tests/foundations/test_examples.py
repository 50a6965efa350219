"""The examples in the docstrings say what happens."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from helpers import foundations

MODULES = [
    module.name
    for module in pkgutil.walk_packages(foundations.__path__, f"{foundations.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_modules_with_examples_are_found() -> None:
    found = [
        test
        for name in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(name))
        if test.examples
    ]
    assert len(found) >= 6
