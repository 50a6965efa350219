"""Run the tests with the oldest or the newest versions that ``pyproject.toml`` allows.

The locked versions are what ``make lab`` installs. Whoever has the course beside other things gets
others: the oldest ones are declared, so they must work; the newest will be locked one day.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.authoring.course import ROOT

RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
_NAMED = ("anywidget=", "ipywidgets=", "jupyterlab=", "matplotlib=", "numpy=", "pandas=", "simpy=")


def environment(which: str, interpreter: str = sys.executable) -> Path:
    """Make ``.venv/versions/oldest`` or ``newest`` anew.

    Parameters
    ----------
    which : {"oldest", "newest"}
        Versions of what the course names itself; what those need in turn is as new as it may be.
    interpreter : str, optional
        A Python, or a version of it that uv can find, such as ``"3.13"``.

    Returns
    -------
    pathlib.Path
        The environment's Python.

    Raises
    ------
    subprocess.CalledProcessError
        If uv cannot; it has said why.
    """
    folder = ROOT / ".venv" / "versions" / which
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--clear", "--python", interpreter, str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [*uv, "pip", "install", "--python", str(python), "--resolution", RESOLUTIONS[which]]
    # mypy's stubs and Ciw are not what a learner's page runs on.
    subprocess.run([*install, "--editable", ".[test,sweep]"], cwd=ROOT, check=True)
    subprocess.run([str(python), "helpers/start.py", "settings"], cwd=ROOT, check=True)
    return python


def run_tests(which: str, interpreter: str, arguments: Sequence[str]) -> int:
    """Make the environment, say what is in it, and run the tests there; pytest's exit code."""
    python = environment(which, interpreter)
    listed = [sys.executable, "-m", "uv", "--quiet", "pip", "freeze", "--python", str(python)]
    held = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\n")
    print(which, *(line for line in held if line.startswith(_NAMED)), flush=True)
    command = [str(python), "helpers/start.py", "test", "--here", *arguments]
    return subprocess.run(command, cwd=ROOT).returncode
