"""Give every answer to its checks and write docs/answers.md: ``python -m tests.answers``."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator

from helpers.authoring.course import ROOT
from tests.answers import Answer, answers, lab_named, labs

REPORT = ROOT / "docs" / "answers.md"
HEAD = """# Answers tried

Made by `python -m tests.answers`. Each task of a lab is answered in several right ways and in many
wrong ones; the answers are in `tests/answers/`, written from the tasks alone. A right answer should
get all points of its checks; a wrong one should lose those of a check at least. The tests hold that
every answer gets what it should.
"""


def main() -> int:
    """Grade, print and write; return 1 if an answer got what it should not."""
    misjudged = []

    def points(answer: Answer) -> float:
        with contextlib.redirect_stdout(io.StringIO()):
            failed = answer.failed()
        if answer.wrongly(failed):
            misjudged.append(answer)
        lab = lab_named(answer.lab)
        return sum(lab.points[check] for check in lab.checks_of(answer.cell) - failed)

    lines = [HEAD]
    for name in labs():
        lines += list(_table(name, {answer: points(answer) for answer in answers(name)}))
    REPORT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    for answer in misjudged:
        print(f"misjudged: {answer}", file=sys.stderr)
    return 1 if misjudged else 0


def listed() -> dict[str, set[str]]:
    """The answers that the table holds, by lab."""
    found: dict[str, set[str]] = {}
    lab = ""
    for line in REPORT.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            lab = line[3:]
            found[lab] = set()
        elif row := re.fullmatch(r"\| (\w+) \| (right|wrong): (.+) \| .+ \|", line):
            found[lab].add(f"{row[1]} {row[2]}: {row[3]}")
    return found


def _table(name: str, points: dict[Answer, float]) -> Iterator[str]:
    lab = lab_named(name)
    right = [value for answer, value in points.items() if answer.right]
    yield f"## {name}\n"
    yield f"{len(right)} right answers, {len(points) - len(right)} wrong ones.\n"
    yield "| task | answer | points |"
    yield "|---|---|---:|"
    for answer, value in points.items():
        most = sum(lab.points[check] for check in lab.checks_of(answer.cell))
        kind = "right" if answer.right else "wrong"
        yield f"| {answer.cell} | {kind}: {answer.name} | {value:g} of {most:g} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main())
