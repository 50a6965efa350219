"""Which files belong to the course."""

from __future__ import annotations

import subprocess
from pathlib import Path

from helpers.authoring.course import ROOT

_NOT_OURS = {".git", ".venv", "build", "dist", "progress", "submitted", "autograded", "feedback"}


def tracked() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # a downloaded archive is no repository
        paths = [
            path
            for path in ROOT.rglob("*")
            if not _NOT_OURS & set(path.relative_to(ROOT).parts) and "cache" not in str(path)
        ]
    return sorted(path for path in paths if path.is_file())
