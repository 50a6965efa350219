"""See whether a function works by itself or lets the course's package do it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls_into(package: str, function: Callable[..., Any], *arguments: Any) -> set[str]:
    """Return the functions of a package that a call runs through.

    However they were imported and under whatever name they are called, they are seen. What a
    thread of the function's own calls is not.

    Parameters
    ----------
    package : str
        Name of the package, such as ``"helpers.caching"``.
    function : callable
        What is called.
    *arguments
        With what.

    Returns
    -------
    set of str
        Their names, each after its module's.

    Raises
    ------
    Exception
        Whatever the call raises.
    """
    seen: set[str] = set()

    def look(frame: FrameType, event: str, _: Any) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and f"{module}.".startswith(f"{package}."):
            seen.add(f"{module}.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return seen
