"""Pin every dependency, with hashes, for every platform.

``requirements.lock`` is what a learner installs. ``tests/requirements.lock`` holds the same
versions and what tests, benchmarks and authors need on top, twice the download. Both hold the
build tool, so that nothing is installed that no hash vouches for. uv writes them; no file names
the place that packages come from.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from helpers.authoring.course import ROOT

LEARNER = Path("requirements.lock")
TESTS = Path("tests/requirements.lock")


def compile_lock(target: Path, *options: str, upgrade: bool = False) -> None:
    """Write one lock with uv; raises CalledProcessError, with uv's words, if it cannot."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "-", *options]
    command += ["--universal", "--python-version", oldest, "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--quiet", "--output-file", str(target), *(["--upgrade"] if upgrade else [])]
    build = "\n".join(project["build-system"]["requires"])
    subprocess.run(command, cwd=ROOT, input=build, text=True, check=True, stdout=subprocess.DEVNULL)


def lock(*, upgrade: bool = False) -> None:
    """Write both locks; versions already pinned stay unless `upgrade`."""
    compile_lock(LEARNER, upgrade=upgrade)
    compile_lock(TESTS, "--all-extras", "--constraint", str(LEARNER), upgrade=upgrade)
