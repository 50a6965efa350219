"""What a learner made, kept as plain JSON beside their journal, one file each.

The folder is ``progress/kept`` at the top of the course, or ``kept`` in the folder that
``SYSTEM_DESIGN_PROGRESS`` names. The files are for people, too: what is handed in is one of them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from helpers.explore.journal import journal_path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,60}")


def kept_path() -> Path:
    """Return the folder in which things are kept; it may not exist yet."""
    return journal_path().parent / "kept"


def keep(name: str, data: Any) -> Path:
    """Write plain data into a file, over what was kept under the name before.

    Parameters
    ----------
    name : str
        Letters, digits, spaces, ``_``, ``.`` and ``-``.
    data : dict, list, str, float, int, bool or None
        Of such things.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError, ValueError
        If the name is none, or JSON has no such data.
    OSError
        If the file cannot be written.
    """
    path = _path(name)
    text = json.dumps(data, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def kept(name: str) -> Any:
    """Return what was kept under a name.

    Raises
    ------
    ValueError
        If there is nothing, or its file is damaged; the message says which.
    """
    path = _path(name)
    if not path.exists():
        known = ", ".join(kept_names()) or "none"
        raise ValueError(f"nothing was kept as {name!r}; there are: {known}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def kept_names() -> list[str]:
    """Return the names of what was kept, in order."""
    return sorted(path.stem for path in kept_path().glob("*.json"))


def _path(name: str) -> Path:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"a name is made of letters, digits, spaces, _ . and -, got {name!r}")
    return kept_path() / f"{name}.json"
