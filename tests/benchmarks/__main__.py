"""Run the benchmarks and write docs/benchmarks.md: ``python -m tests.benchmarks``."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.drawing import measure_drawing
from tests.benchmarks.engines import measure_engines
from tests.benchmarks.growth import measure_growth
from tests.benchmarks.notebooks import measure_first_slider, measure_notebooks
from tests.benchmarks.paint import measure_paint
from tests.benchmarks.replay import measure_replay
from tests.benchmarks.timing import Table

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "benchmarks.md"
PARTS = ("paint", "drawing", "replay", "engines", "growth", "notebooks")
_PACKAGES = ("numpy", "matplotlib", "jupyterlab", "ipywidgets", "simpy", "ciw", "salabim")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them by default")
    parser.add_argument("--notebook", type=Path, action="append", help="these chapters only")
    options = parser.parse_args(arguments)
    chapters = options.notebook or sorted((ROOT / "notebooks").glob("*.ipynb"))
    started = time.perf_counter()

    def report(line: str) -> None:
        print(f"[{time.perf_counter() - started:5.0f} s] {line}", flush=True)

    tables: list[Table] = []
    for part in options.parts or PARTS:
        try:
            tables += _measure(part, chapters, report)
        except Exception as error:  # what was measured by then took half an hour
            traceback.print_exc()
            tables.append(Table(part, ("not measured",), missing=[f"{part}: {error!r}"]))
    text = _report(tables)
    print(text)
    if options.parts or options.notebook:
        print("Only a part was measured, so docs/benchmarks.md was left as it is.", file=sys.stderr)
    else:
        REPORT.write_text(text, encoding="utf-8")
        report(f"written to {REPORT.relative_to(ROOT)}")
    missing = [one for table in tables for one in table.missing]
    if missing:
        print("Not measured:", *missing, sep="\n  ", file=sys.stderr)
    return 1 if missing else 0


def _measure(part: str, chapters: list[Path], report) -> Iterator[Table]:
    if part == "paint":
        yield from measure_paint(chapters, report)
    elif part == "drawing":
        yield from measure_drawing(report)
    elif part == "replay":
        yield from measure_replay(report)
    elif part == "engines":
        yield from measure_engines(report)
    elif part == "growth":
        yield from measure_growth(report)
    else:
        yield measure_notebooks(chapters, report)
        yield measure_first_slider(chapters[0], report)


def _report(tables: list[Table]) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    head = [
        "# Benchmarks",
        "",
        "Made by `make bench`. Everything in a table was measured in one run, the candidates",
        "taking turns: trust the ratios. The times move by a factor of two from run to run.",
        "",
        f"- {datetime.date.today().isoformat()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {_processor()}",
        f"- Python {platform.python_version()}, {versions}",
        "",
        "",
    ]
    return "\n".join(head) + "\n\n".join(table.markdown().rstrip() for table in tables) + "\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return subprocess.run(["uname", "-p"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
