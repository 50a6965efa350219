"""A learner's own designs: kept as plain JSON beside their journal, one file each.

The folder is ``progress/designs`` at the top of the course, or ``designs`` in the folder that
``SYSTEM_DESIGN_PROGRESS`` names. The files are for people, too: a design is
handed in as one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from helpers.blueprint.design import Design, a_design
from helpers.blueprint.written import from_data, to_data
from helpers.explore.journal import journal_path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,60}")


def designs_path() -> Path:
    """Return the folder in which designs are kept; it may not exist yet."""
    return journal_path().parent / "designs"


def keep_design(design: Design, name: str | None = None) -> Path:
    """Write a design into a file, over what was kept under the name before.

    Parameters
    ----------
    design : Design
    name : str, optional
        By default the design's.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError, ValueError
        If it is no design, or the name holds anything but letters, digits, spaces, ``_``, ``.``
        and ``-``.
    OSError
        If the file cannot be written.
    """
    path = _path(a_design("design", design).name if name is None else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(to_data(design), indent=1) + "\n", encoding="utf-8")
    return path


def kept_design(name: str) -> Design:
    """Return a design that was kept.

    Raises
    ------
    ValueError
        If there is none of this name, or its file does not hold a design; the message says which.
    """
    path = _path(name)
    if not path.exists():
        known = ", ".join(kept_designs()) or "none"
        raise ValueError(f"no design {name!r} was kept; there are: {known}")
    try:
        return from_data(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a design: {error}") from error


def kept_designs() -> list[str]:
    """Return the names of the designs that were kept, in order."""
    return sorted(path.stem for path in designs_path().glob("*.json"))


def _path(name: str) -> Path:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"a design's name is made of letters, digits, spaces, _ . and -, got {name!r}"
        )
    return designs_path() / f"{name}.json"
