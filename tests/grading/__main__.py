"""A class of eighty in a lab of the course, graded by one command: ``python -m tests.grading``.

Most are honest and have got to different points; the others are one of each kind that a course has
met. Every verdict is compared with what it should be. It takes minutes, so no test does it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from helpers.authoring.course import ROOT
from helpers.authoring.grading.book import Book
from helpers.authoring.grading.commands import lab_name
from helpers.authoring.grading.lab import Lab
from tests.grading import kinds
from tests.grading.kinds import Files, Kind

#: Clumsy and hostile, one of each.
OTHERS = (
    *("copied", "copied-check", "split", "stripped", "lost-answer", "renamed", "truncated", "mark"),
    *("no-lab", "placeholder", "same-id", "unlike", "drop-asserts", "yes", "builtins"),
    *("equal", "fake-results", "neighbours", "hard-exit", "exits-answer", "loops-answer"),
    *("hoards-answer", "multiplies"),
)


def first_answers(lab: Lab, count: int) -> Kind:
    """Somebody who has got so far."""
    done = lab.answers[:count]

    def make(lab: Lab, student: str) -> Files:
        return kinds.file(lab, kinds.notebook(lab, student, done))

    def points(lab: Lab) -> float:
        return sum(one.points for one in lab.checks.values() if set(one.after) <= set(done))

    return Kind(f"first {count}", make, points)


def everybody(lab: Lab, decoy: str, size: int) -> dict[str, Kind]:
    """A kind for each student, by name."""
    known = {kind.name: kind for kind in kinds.kinds(decoy)}
    students = {name: known[name] for name in OTHERS}
    # Whose id somebody else has written into theirs.
    students["lender"] = replace(known["solved"], name="lender", flag="same student_id as same-id")
    honest = [
        known["solved"],
        *(first_answers(lab, count) for count in range(len(lab.answers))),
        known["chatty"],
        known["own-names"],
        known["solved"],
        known["lost-given"],
    ]
    for number in range(size - len(students)):
        students[f"student{number:02d}"] = honest[number % len(honest)]
    return students


def main() -> int:
    """Command line; the exit code is 1 if a verdict is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.grading", description=__doc__)
    parser.add_argument("--lab", default="lab02")
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--rooms", type=int, default=2)
    options = parser.parse_args()
    name = lab_name(options.lab)
    with tempfile.TemporaryDirectory(prefix="sd-class-") as folder:
        place = Path(folder)
        lab = Book(place / "records").lab(name)
        decoy = place / "decoy"
        decoy.mkdir()
        for file in ("gradebook.db", "solution.ipynb"):
            (decoy / file).write_text("as it was")
        students = everybody(lab, str(decoy), options.size)
        for student, kind in students.items():
            for path, data in kind.make(lab, student).items():
                target = place / "submitted" / student / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        command = [sys.executable, "-m", "helpers.authoring", "grade", str(place / "submitted")]
        command += ["--lab", options.lab, "--records", str(place / "records")]
        command += ["--rooms", str(options.rooms), "--cell-seconds", "20", "--memory", "2048"]
        began, before = time.perf_counter(), os.times()
        done = subprocess.run(command, cwd=ROOT, check=False)
        took_s, after = time.perf_counter() - began, os.times()
        if done.returncode:
            return 1
        entries = Book(place / "records").entries(name)
        wrong = 0
        counts: Counter[tuple[str, str]] = Counter()
        for student, kind in students.items():
            entry = entries[student]
            wanted = kind.points and kind.points(lab)
            right = entry.graded == (wanted is not None)
            right &= not entry.graded or entry.points == wanted
            right &= bool(re.search(kind.reason, entry.reason))
            for expected, found in ((kind.flag, entry.flags), (kind.note, entry.notes)):
                right &= any(re.search(expected, one) for one in found) if expected else not found
            wrong += not right
            points = f"{entry.points:g} of {kinds.everything(lab):g}"
            verdict = points if entry.graded else f"no score: {entry.reason[:50]}"
            counts[kind.name, verdict if right else f"WRONG {verdict} {entry}"] += 1
        untouched = all(path.read_text() == "as it was" for path in decoy.iterdir())
        processors_s = sum(after[2:4]) - sum(before[2:4])
    print(f"\n{'kind':16} students  verdict")
    for (kind, verdict), count in counts.items():
        print(f"{kind:16} {count:8d}  {verdict}")
    print(
        f"\n{len(students)} submissions of {name}, {options.rooms} at a time: {took_s:.0f} s by the"
        f" clock, {processors_s:.0f} s of a processor; {wrong} wrong verdicts;"
        f" the instructor's files are {'as they were' if untouched else 'CHANGED'}"
    )
    return int(bool(wrong) or not untouched)


if __name__ == "__main__":
    sys.exit(main())
