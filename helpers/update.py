"""Bring the course up to date and keep what you did: ``make update``.

Whatever you changed below ``notebooks/`` and ``labs/`` is copied to ``progress/kept/`` first. Then
the course's newest version is fetched. What it did not change is put back as you left it; what it
did change is the course's new file, and yours lies in ``progress/kept/``.
"""

# Like start.py this must run on a machine where nothing is installed yet.

import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_YOURS = ("notebooks", "labs")


def git(*words, root):
    """What git says; stop with its own words if it cannot."""
    try:
        done = subprocess.run(["git", *words], cwd=str(root), capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("git is not installed: download the course again, and keep your progress folder.")
    if done.returncode:
        sys.exit(f"git {' '.join(words)}: {done.stderr.strip()}\nNothing of yours was lost.")
    return done.stdout


def changed(root):
    """Files below ``notebooks/`` and ``labs/`` that differ from the course's."""
    names = git("diff", "--name-only", "-z", "HEAD", "--", *_YOURS, root=root)
    return [name for name in names.split("\0") if name and (root / name).is_file()]


def update(root=ROOT, say=print):
    """Update the course, and say what became of each changed file.

    Returns
    -------
    pathlib.Path or None
        Where the copies are, if anything was changed.
    """
    mine = changed(root)
    before = git("rev-parse", "HEAD", root=root).strip()
    kept = root / "progress" / "kept" / time.strftime("%Y-%m-%d-%H%M%S")
    for name in mine:
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(root / name), str(kept / name))
    try:
        if mine:
            git("checkout", "--quiet", "HEAD", "--", *mine, root=root)
        git("pull", "--quiet", "--ff-only", root=root)
    except SystemExit:
        for name in mine:
            shutil.copy2(str(kept / name), str(root / name))
        raise
    after = git("rev-parse", "HEAD", root=root).strip()
    new = git("diff", "--name-only", "-z", before, after, "--", *_YOURS, root=root).split("\0")
    for name in mine:
        if name not in new:
            shutil.copy2(str(kept / name), str(root / name))
    say("The course is up to date." if after == before else "The course is new.")
    replaced = [name for name in mine if name in new]
    for name in replaced:
        say(f"  {name} is the course's new version; yours is {(kept / name).relative_to(root)}")
    if mine and not replaced:
        say("Your notebooks are as you left them.")
    return kept if mine else None


if __name__ == "__main__":
    update()
