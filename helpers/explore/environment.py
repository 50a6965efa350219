"""Say in plain words whether this Python can run the course, and what to do if it cannot."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

_COURSE = "system-design-course"


def check_environment() -> None:
    """Print what is missing, or that nothing is.

    Checks this kernel's Python and every package the course is declared to need.
    """
    problems = _problems()
    if not problems:
        print("Everything the course needs is here.")
        return
    print("This kernel cannot run the whole course:")
    for problem in problems:
        print(f"  - {problem}")
    print(
        "Close JupyterLab, run `make lab` in the course's folder (or `python helpers/start.py`), "
        "and open this page again."
    )


def _problems() -> list[str]:
    try:
        declared = requires(_COURSE) or []
    except PackageNotFoundError:
        return [f"the course itself is not installed in {sys.prefix}"]
    problems = []
    for requirement in map(Requirement, declared):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing ({requirement} is needed)")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            problems.append(f"{requirement.name} is {found}, but {requirement} is needed")
    return problems
