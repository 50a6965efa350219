"""Command line for authors: ``python -m helpers.authoring --help``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.authoring.course import ROOT

if TYPE_CHECKING:
    from helpers.authoring.grading.commands import Class

Command = Callable[[argparse.Namespace], int]


def _everything() -> list[Path]:
    paths = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")]
    here = Path.cwd()
    return [path.relative_to(here) if path.is_relative_to(here) else path for path in sorted(paths)]


def _execute(options: argparse.Namespace) -> int:
    from helpers.authoring.execute import execute_all

    return execute_all(options.notebooks or _everything(), timeout_s=options.timeout)


def _normalise(options: argparse.Namespace) -> int:
    import nbformat

    from helpers.authoring.execute import normalise

    for path in options.notebooks or _everything():
        before = path.read_text(encoding="utf-8")
        after = normalise(nbformat.reads(before, as_version=4))
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path}: brought into canonical form")
    return 0


def _check(options: argparse.Namespace) -> int:
    from helpers.authoring.check import check_notebook

    paths = options.notebooks or _everything()
    found = 0
    for path in paths:
        for problem in check_notebook(path):
            found += 1
            print(f"{path}: {problem}")
    print(f"{len(paths)} notebooks checked, {found} findings")
    return 1 if found else 0


def _labs(options: argparse.Namespace) -> int:
    from helpers.authoring.labs import generate_labs, out_of_sync, write_labs

    generated = generate_labs()
    changes = out_of_sync(generated)
    for change in changes:
        print(f"labs/{change}")
    if options.check:
        return 1 if changes else 0
    write_labs(generated)
    print(f"{len(generated)} files in labs/, {len(changes)} changed")
    return 0


def _lock(options: argparse.Namespace) -> int:
    from helpers.authoring.lock import lock

    lock(upgrade=options.upgrade)
    return 0


def _versions(options: argparse.Namespace) -> int:
    from helpers.authoring.versions import run_tests

    return run_tests(options.which, options.python, options.arguments)


def _made(*tools: str) -> Command:
    """Return the command of tools that make pages: each has `write` and `outdated`."""

    def run(options: argparse.Namespace) -> int:
        makers = [importlib.import_module(f"helpers.authoring.{tool}") for tool in tools]
        if options.check:
            problems = [problem for maker in makers for problem in maker.outdated()]
            print("\n".join([*problems, f"{len(problems)} things to mend or bring up to date"]))
            return 1 if problems else 0
        names = [str(path.relative_to(ROOT)) for maker in makers for path in maker.write()]
        print("\n".join([*names, f"{len(names)} changed"]))
        return 0

    return run


def _new(options: argparse.Namespace) -> int:
    from helpers.authoring.scaffold import ScaffoldError, new_experiment, new_page

    try:
        if options.what == "page":
            written = new_page(options.name)
        else:
            written = new_experiment(options.name, page=options.page and options.page.resolve())
    except ScaffoldError as error:
        print(f"new {options.what}: {error}", file=sys.stderr)
        return 2
    for path in written:
        print(path.relative_to(ROOT))
    pages = [str(path.relative_to(ROOT)) for path in written if path.suffix == ".ipynb"]
    if pages:
        print(f"Run it: python -m helpers.authoring execute {' '.join(pages)}")
    print("Fill in what stands in <angle brackets>. CONTRIBUTING.md says what belongs where.")
    return 0


def _house(options: argparse.Namespace) -> int:
    from helpers.authoring.house import report

    print(report(options.before), end="")
    return 0


def _class(options: argparse.Namespace) -> Class:
    from helpers.authoring.grading.commands import Class

    return Class.open(options.records, options.roster, options.solutions)


def _collect(options: argparse.Namespace) -> int:
    from helpers.authoring.grading import commands
    from helpers.authoring.grading.collect import collect

    course = _class(options)
    lab = course.book.lab(commands.lab_name(options.lab, options.solutions))
    labs = commands.graded_cells(options.solutions)
    into = options.into or options.records / "submitted"
    lines = collect(options.source, lab, labs, course.roster, into)
    print("\n".join([*lines, f"{len(lines)} students; {into}"]))
    return 0


def _grade(options: argparse.Namespace) -> int:
    from helpers.authoring.grading import commands
    from helpers.authoring.grading.look import time_of
    from helpers.authoring.grading.run import Limits

    text = options.due or ""
    due = time_of(text if " " in text or "T" in text else f"{text} 23:59:59")  # until midnight
    if text and due is None:
        raise ValueError(f"--due {text!r} is no time; write 2026-10-01 23:59")
    folder = options.folder or options.records / "submitted"
    commands.grade(
        _class(options),
        folder,
        options.lab,
        due=due,
        again=options.again,
        rooms=options.rooms,
        fenced=not options.unfenced,
        limits=Limits(
            step_s=options.cell_seconds,
            wait_s=3 * options.cell_seconds,
            total_s=60 * options.minutes,
            memory=options.memory << 20,
        ),
    )
    return 0


def _marks(options: argparse.Namespace) -> int:
    from helpers.authoring.grading import commands

    commands.marks(_class(options), options.table, options.lab)
    return 0


def _feedback(options: argparse.Namespace) -> int:
    from helpers.authoring.grading import commands
    from helpers.authoring.grading.feedback import give

    course = _class(options)
    lines = give(course.book, commands.lab_name(options.lab, options.solutions))
    print("\n".join([*lines, f"pages are in {course.book.folder / 'feedback'}"]))
    return 0


def _export(options: argparse.Namespace) -> int:
    from helpers.authoring.grading import commands

    commands.export(_class(options), options.to or options.records / "grades.csv", options.lab)
    return 0


def _students(options: argparse.Namespace) -> int:
    from helpers.authoring.students import make

    written = make(options.folder, labs=options.lab or None, repository=options.repository)
    print(f"{len(written)} files in {options.folder}")
    return 0


def _in_words(function: Command) -> Command:
    """The same command, but what is the user's to mend is said without a traceback."""

    def run(options: argparse.Namespace) -> int:
        from helpers.authoring.grading.run import RoomError, UnfencedError
        from helpers.authoring.labs import LabError

        try:
            return function(options)
        except (ValueError, OSError, LabError, RoomError, UnfencedError) as error:
            print(error, file=sys.stderr)
            return 1

    return run


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and do it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m helpers.authoring", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, text, *, notebooks=True):
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(function=function)
        if notebooks:
            one.add_argument(
                "notebooks", nargs="*", type=Path, help="default: all chapters and solutions"
            )
        return one

    def of_class(name, function, text):
        one = command(name, _in_words(function), text, notebooks=False)
        one.add_argument(
            "--records",
            type=Path,
            default=ROOT,
            help="folder of gradebook, verdicts and feedback; default: the course's",
        )
        one.add_argument(
            "--roster", type=Path, help="table of students; default: roster.csv in the records"
        )
        one.add_argument(
            "--solutions", type=Path, default=ROOT / "solutions", help=argparse.SUPPRESS
        )
        return one

    execute = command("execute", _execute, "run notebooks and save them in canonical form")
    execute.add_argument("--timeout", type=int, default=300, help="seconds for one cell")
    command("normalise", _normalise, "bring notebooks into canonical form without running them")
    command("check", _check, "check form, rhythm, outputs, links and claims")
    labs = command("labs", _labs, "make labs/ from solutions/", notebooks=False)
    labs.add_argument("--check", action="store_true", help="only say what would change")
    made = {
        "navigation": "write every notebook's links, and the map",
        "glossary": "make the glossary, and link to it",
        "bibliography": "write the page of sources",
        "claims": "write the ledger of claims",
        "counts": "write the numbers of README.md",
    }
    everything = command(
        "pages", _made(*made), "make all pages that are made, and all links, anew", notebooks=False
    )
    for one in (everything, *(command(name, _made(name), text, notebooks=False)
                              for name, text in made.items())):  # fmt: skip
        one.add_argument("--check", action="store_true", help="only say what is to be done")
    new = command("new", _new, "begin an experiment, or a page of your own", notebooks=False)
    new.add_argument("what", choices=("experiment", "page"))
    new.add_argument("name", help="CHAPTER/NAME of the experiment, or the page's name")
    new.add_argument("--page", type=Path, help="notebook that gets the experiment's cells")
    house = command("house", _house, "count what the chapters' code is made of", notebooks=False)
    house.add_argument("--before", metavar="REVISION", help="beside an older state")
    lock = command("lock", _lock, "pin the dependencies", notebooks=False)
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions")
    versions = command("versions", _versions, "test with other versions", notebooks=False)
    versions.add_argument("which", choices=("oldest", "newest"))
    versions.add_argument("--python", default=sys.executable, help="a Python, or 3.13")
    versions.add_argument("arguments", nargs=argparse.REMAINDER, help="go to pytest")

    students = command(
        "students", _in_words(_students), "make the students' repository", notebooks=False
    )
    students.add_argument("folder", type=Path, help="where; new, or made by this command")
    students.add_argument(
        "--lab", action="append", help="a lab to give out, again for more; default: all"
    )
    students.add_argument(
        "--repository", metavar="OWNER/NAME", help="where it will be on GitHub, for Binder"
    )
    collect = of_class("collect", _collect, "bring handed-in files to where grading finds them")
    collect.add_argument("source", type=Path, help="zip file, or folder of files or clones")
    collect.add_argument("--lab", required=True)
    collect.add_argument("--into", type=Path, help="default: submitted/ in the records")
    grade = of_class("grade", _grade, "grade a folder of submissions of one lab")
    grade.add_argument("folder", nargs="?", type=Path, help="default: submitted/ in the records")
    grade.add_argument("--lab", required=True, help="its name or how that begins: lab02")
    grade.add_argument("--due", help="when it was due: 2026-10-01 23:59")
    grade.add_argument("--again", action="store_true", help="also what has not changed since")
    grade.add_argument("--rooms", type=int, default=0, help="at a time; default: processors")
    grade.add_argument("--cell-seconds", type=float, default=60, help="for one cell or check")
    grade.add_argument("--minutes", type=float, default=15, help="for one submission")
    grade.add_argument("--memory", type=int, default=4096, help="MB for one submission")
    grade.add_argument(
        "--unfenced", action="store_true", help="also where files cannot be kept out of reach"
    )
    marks = of_class("marks", _marks, "enter marks for memos from a table")
    marks.add_argument("table", type=Path, help="CSV with the columns student, points, comment")
    marks.add_argument("--lab", required=True)
    feedback = of_class("feedback", _feedback, "write a page for everybody who was graded")
    feedback.add_argument("--lab", required=True)
    export = of_class("export", _export, "write everybody's points into a table")
    export.add_argument("--lab", action="append", help="again for more; default: all graded")
    export.add_argument("--to", type=Path, help="default: grades.csv in the records")
    options = parser.parse_args(arguments)
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
