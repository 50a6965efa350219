"""Command line for authors: ``python -m helpers.authoring --help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers.authoring.course import ROOT


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


def _new(options: argparse.Namespace) -> int:
    from helpers.authoring.scaffold import ScaffoldError, new_experiment, new_page

    make = {"experiment": new_experiment, "page": new_page}[options.what]
    try:
        written = make(options.name)
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

    execute = command("execute", _execute, "run notebooks and save them in canonical form")
    execute.add_argument("--timeout", type=int, default=300, help="seconds for one cell")
    command("normalise", _normalise, "bring notebooks into canonical form without running them")
    command("check", _check, "check form, rhythm, outputs, links and claims")
    labs = command("labs", _labs, "make labs/ from solutions/", notebooks=False)
    labs.add_argument("--check", action="store_true", help="only say what would change")
    new = command("new", _new, "begin an experiment, or a page of your own", notebooks=False)
    new.add_argument("what", choices=("experiment", "page"))
    new.add_argument("name", help="CHAPTER/NAME of the experiment, or the page's name")
    lock = command("lock", _lock, "pin the dependencies", notebooks=False)
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args(arguments)
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
