"""``python -m tests.mutants``: plant faults, run tests, write ``docs/mutants.md``."""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from helpers.authoring.course import CHAPTERS, ROOT
from tests.experiments import experiments, files_of
from tests.mutants.plant import PARTS, Mutant, mutants_of

#: Seconds of a processor, as a busy machine kills no mutant; and of the clock, for one that waits.
_LIMIT_S, _WAIT_S = 300, 3_600
#: With a test beside a notebook, nbval compares pictures, too.
_PICTURES = "tests/project/test_pictures.py"


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: killed, survived, or changed nothing that anybody sees."""

    module: str
    mutant: Mutant
    end: str

    def __str__(self) -> str:
        return f"{self.module}:{self.mutant.line} {self.mutant.part}: {self.mutant.change}"


def drawn(count: int, seed: int, only: str) -> list[tuple[str, Mutant]]:
    """Draw mutants at random: the parts of experiments in turn, and of each part any line."""
    dice = random.Random(seed)
    by_part: dict[str, list[tuple[str, Mutant]]] = {part: [] for part in PARTS}
    for file in dict.fromkeys(file for one in experiments() for file in files_of(one)):
        text = Path(file.__file__ or "").read_text(encoding="utf-8")
        if only in file.__name__ and (file in experiments() or not _is_plumbing(text)):
            for mutant in mutants_of(text):
                by_part[mutant.part].append((file.__name__, mutant))
    chosen: list[tuple[str, Mutant]] = []
    while len(chosen) < count and (parts := [part for part in PARTS if by_part[part]]):
        for part in parts[: count - len(chosen)]:
            chosen.append(by_part[part].pop(dice.randrange(len(by_part[part]))))
    return chosen


def _is_plumbing(text: str) -> bool:
    """Whether a file does what only a measurement needs: processes, threads, sockets, clocks."""
    real = "asyncio|multiprocessing|selectors|socket|sqlite3|subprocess|threading|time"
    return re.search(rf"^(?:import|from) (?:{real})\b", text, re.MULTILINE) is not None


def judge(module: str, mutant: Mutant, copy: Path) -> Fate:
    """Run the chapter's tests on a copy of the course with the fault in it."""
    _, chapter, experiment = module.split(".")
    path = copy / (module.replace(".", "/") + ".py")
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        own = f"tests/{chapter}/test_{experiment}.py"
        if (copy / own).exists() and tried(copy, own).returncode:
            return Fate(module, mutant, "killed")
        if _seen(copy, module) == _seen(ROOT, module):
            return Fate(module, mutant, "nothing to see")
        notebook = str(_page(module).relative_to(ROOT))
        killed = (
            tried(copy, f"tests/{chapter}").returncode
            or tried(copy, notebook, _PICTURES).returncode
        )
        return Fate(module, mutant, "killed" if killed else "survived")
    finally:
        path.write_text(whole, encoding="utf-8")


def tried(copy: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests up to a failure."""
    options = ("-x", "-q", "-p", "no:cacheprovider", "--ignore-glob=*test_lab*")
    return _run(copy, "pytest", *options, *tests)


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module; one that computes or waits for ever fails, too."""
    limited = ["sh", "-c", f'ulimit -t {_LIMIT_S}; exec "$@"', "sh", sys.executable, "-m", *command]
    try:
        return subprocess.run(
            limited,
            cwd=folder,
            env=_environment(folder),
            capture_output=True,
            text=True,
            timeout=_WAIT_S,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(limited, -1, f"no end after {_WAIT_S} s\n", "")


def _seen(folder: Path, module: str) -> str:
    done = _run(folder, "tests.mutants.seen", str(_page(module)), module)
    return done.stdout if done.returncode == 0 else f"fails: {done.returncode}"


def _page(module: str) -> Path:
    """The first page that shows something of a module's package."""
    uses = f"from helpers.{module.split('.')[1]} import"
    pages = (chapter.notebook for chapter in CHAPTERS if chapter.written)
    return next(page for page in pages if uses in page.read_text(encoding="utf-8"))


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def report(fates: list[Fate], seed: int) -> str:
    """The page in ``docs/``."""
    ends = Counter((fate.mutant.part, fate.end) for fate in fates)
    killed = sum(fate.end == "killed" for fate in fates)
    visible = sum(fate.end != "nothing to see" for fate in fates)
    lines = [
        "# Planted faults",
        "",
        "How many faults, planted at random in experiments, the tests of their own chapter notice, "
        "or nbval, which runs its page and compares what it says and shows with what is saved. "
        f"Made by `python -m tests.mutants --count {len(fates)} --seed {seed}`.",
        "",
        f"Of {len(fates)} mutants, {visible} change something that a learner sees: a number, a "
        "sentence, a table or a pixel, at the opening setting or at a corner of an explorer. "
        f"**{killed} of these {visible} are killed ({killed / max(visible, 1):.0%}).**",
        "",
        "| planted in | killed | survived | nothing to see |",
        "|---|---:|---:|---:|",
    ]
    for part in PARTS:
        row = [str(ends[part, end]) for end in ("killed", "survived", "nothing to see")]
        lines.append(f"| {part} | " + " | ".join(row) + " |")
    alive = sorted(str(fate) for fate in fates if fate.end == "survived")
    lines += ["", "Survivors:", "", *(f"- `{fate}`" for fate in alive or ["none"])]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="part of a module's name, such as caching.")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chosen = drawn(options.count, options.seed, options.only)
    without = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.png", ".*_cache")
    with tempfile.TemporaryDirectory(prefix="sd-mutants-") as folder:
        copies: Queue[Path] = Queue()
        for job in range(options.jobs):
            copies.put(Path(shutil.copytree(ROOT, Path(folder) / str(job), ignore=without)))

        @contextmanager
        def lent() -> Iterator[Path]:
            copy = copies.get()
            try:
                yield copy
            finally:
                copies.put(copy)

        def fault_of(chapter: str) -> str:
            with lent() as copy:
                done = tried(copy, f"tests/{chapter}")
            said = f"without any fault, tests fail of {chapter}:\n{done.stdout}"
            return said if done.returncode else ""

        def one(drawn_mutant: tuple[str, Mutant]) -> Fate:
            with lent() as copy:
                fate = judge(*drawn_mutant, copy)
            print(f"{fate.end:15} {fate}", flush=True)
            return fate

        with ThreadPoolExecutor(options.jobs) as pool:
            chapters = sorted({module.split(".")[1] for module, _ in chosen})
            if failing := "".join(pool.map(fault_of, chapters)):
                print(failing, file=sys.stderr)
                return 1
            fates = list(pool.map(one, chosen))
    text = report(fates, options.seed)
    if not options.only:
        (ROOT / "docs" / "mutants.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
