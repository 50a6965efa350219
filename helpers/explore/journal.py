"""What a learner did, a line for each thing, in a file of their own on their own machine.

The file is ``progress/journal.jsonl`` at the top of the course, or in the folder that
``SYSTEM_DESIGN_PROGRESS`` names. Lines are only ever added, so two notebooks at once lose nothing,
a first guess stays the first, and a damaged line costs itself alone. Nothing leaves the machine.
"""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER_VARIABLE = "SYSTEM_DESIGN_PROGRESS"


@dataclass(frozen=True)
class Journal:
    """What the file holds.

    Attributes
    ----------
    entries : tuple of dict
        Oldest first; each has a ``kind`` and a time, ``at``.
    damaged : tuple of int
        Numbers of the lines that could not be read.
    """

    entries: tuple[dict[str, Any], ...]
    damaged: tuple[int, ...]

    def of(self, kind: str, key: str | None = None) -> list[dict[str, Any]]:
        """Return the entries of one kind, or those of them about one thing."""
        return [e for e in self.entries if e["kind"] == kind and key in (None, e.get("key"))]

    @property
    def warning(self) -> str:
        """What to tell a learner whose file is damaged; empty when it is not."""
        if not self.damaged:
            return ""
        lines = "line " if len(self.damaged) == 1 else "lines "
        lines += ", ".join(map(str, self.damaged))
        return f"{journal_path()} is damaged in {lines}; everything else in it was read."


def journal_path() -> Path:
    """Return the file in which everything is kept; it may not exist yet."""
    named = os.environ.get(_FOLDER_VARIABLE)
    if named:
        return Path(named) / "journal.jsonl"
    root = Path(__file__).resolve().parents[2]
    if (root / "notebooks").is_dir():
        return root / "progress" / "journal.jsonl"
    return Path.home() / ".system-design-course" / "journal.jsonl"


def record(kind: str, key: str, **what: Any) -> dict[str, Any]:
    """Add a line, and return it as an entry.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    entry = {"kind": kind, "key": key, "at": now, **what}
    path = journal_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry, ensure_ascii=False) + "\n"
    whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    # One write of a file opened for appending: lines of two notebooks do not mix.
    with path.open("ab", buffering=0) as file:
        file.write(("" if whole else "\n").encode() + line.encode("utf-8"))
    return entry


def journal() -> Journal:
    """Read everything that was recorded."""
    path = journal_path()
    entries, damaged = _from_before(path.with_name("predictions.json")), []
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            entries.append({"kind": entry["kind"], "key": entry["key"], "at": entry["at"], **entry})
        except (json.JSONDecodeError, KeyError, TypeError):
            damaged.append(number)
    return Journal(tuple(entries), tuple(damaged))


def forget_everything() -> None:
    """Start afresh: the files stay, with the ending ``.old``."""
    for name in ("journal.jsonl", "predictions.json"):
        path = journal_path().with_name(name)
        if path.exists():
            path.replace(path.with_name(f"{name}.old"))


def _from_before(path: Path) -> list[dict[str, Any]]:
    """Return the predictions that an earlier version of the course kept in one JSON file."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [{"kind": "prediction", "at": one["committed_at"], **one} for one in kept]
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return []
