"""What runs in the browser: small ES modules and their styles, without a build step.

A widget takes one module. It is put together here from the files it is made of, in an order in
which each stands before those that import it; names at their top level are all different.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r"^import [^;]*? from '\./([\w]+)\.js';\n", re.MULTILINE)


@cache
def module(name: str) -> str:
    """Return an ES module together with everything that it imports, as one text."""
    parts: dict[str, str] = {}

    def add(one: str) -> None:
        if one not in parts:
            text = _read(f"{one}.js")
            for needed in _IMPORT.findall(text):
                add(needed)
            parts[one] = _IMPORT.sub("", text)

    add(name)
    return "\n".join(parts.values())


@cache
def styles(name: str) -> str:
    """Return a style sheet."""
    return _read(f"{name}.css")


def _read(name: str) -> str:
    return files("helpers.explore.front").joinpath(name).read_text("utf-8")
