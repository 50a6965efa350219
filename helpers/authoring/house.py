"""What the chapters' code is made of, counted from its text: ``python -m helpers.authoring house``.

Lines count that hold something. Each belongs to the outermost definition around it, and that to the
first kind that fits: what a page shows as a model; parameters; results (fields, sentences, tables);
what draws; what measures; what is left is simulation and theory.
"""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

from helpers.authoring.course import CHAPTERS, ROOT

KINDS = (
    "imports and export lists",
    "models that pages show",
    "simulation and theory",
    "parameters",
    "results",
    "pictures",
    "measurements",
)
_ROOMS = {"authoring", "blueprint", "explore", "foundations", "grading", "pages", "welcome"}
_RUNS = ("simulate", "measure")
_REAL = {"asyncio", "multiprocessing", "selectors", "socket", "sqlite3", "subprocess", "threading"}


class House:
    """The chapters' packages below a folder.

    Parameters
    ----------
    root : Path
        The top of a course, or of an older state of it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = _models(root)
        starts = sorted((root / "helpers").glob("*/__init__.py"))
        #: Files of each chapter, by the package's name.
        self.chapters = {
            start.parent.name: sorted(start.parent.rglob("*.py"))
            for start in starts
            if start.parent.name not in _ROOMS
        }

    def kinds(self, files: list[Path]) -> Counter[str]:
        """Lines by kind."""
        lines: Counter[str] = Counter()
        for path in files:
            text = path.read_text(encoding="utf-8")
            tree = _tree(text)
            real = path.name.startswith("real_") or "measurement" in path.parts or _is_real(tree)
            for node in tree.body:
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                held = text.splitlines()[first - 1 : node.end_lineno]
                kind = self._kind(node, path, real)
                lines[kind] += sum(bool(line.strip()) for line in held)
        return lines

    def _kind(self, node: ast.stmt, path: Path, real: bool) -> str:
        imports, model, rest, parameters, results, pictures, measurements = KINDS
        name = getattr(node, "name", "")
        if isinstance(node, ast.Import | ast.ImportFrom) or path.name == "__init__.py":
            return imports
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return imports
        if (path.relative_to(self.root).as_posix(), name) in self.models:
            return model
        if real or name.startswith(("measure", "Measured")):
            return measurements
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
            if "Parameters" in bases:
                return parameters
            return results if "Result" in bases or name.endswith("Result") else rest
        if isinstance(node, ast.FunctionDef):
            takes = {arg.arg for arg in node.args.args}
            return pictures if takes & {"ax", "axes"} or "plots" in path.parts else rest
        return rest

    def facts(self) -> dict[str, str]:
        """What can be said of any state of the house, by name."""
        every = [path for files in self.chapters.values() for path in files]
        texts = {path: path.read_text(encoding="utf-8") for path in every}
        functions = [
            node
            for text in texts.values()
            for node in ast.walk(_tree(text))
            if isinstance(node, ast.FunctionDef)
        ]
        simulations = [_length(each) for each in functions if each.name.startswith("simulate")]
        raises = Counter(section for text in texts.values() for section in _raises(text))
        kinds = self.kinds(every)
        return {
            "chapters with code": str(len(self.chapters)),
            "files": f"{len(every):,}",
            "longest file (lines)": f"{max(text.count(chr(10)) for text in texts.values()):,}",
            "a simulation's median length (lines)": f"{median(simulations):g}",
            "result fields that repeat a parameter": f"{self.repeated()}",
            "Raises sections that stand elsewhere, too": (
                f"{sum(count for count in raises.values() if count > 1)}"
            ),
            "lines": f"{sum(kinds.values()):,}",
            "lines of a chapter, on average": f"{sum(kinds.values()) / len(self.chapters):,.0f}",
            **{f"lines: {kind}": f"{kinds[kind]:,}" for kind in KINDS},
            "models that pages show": f"{len(self.models)}",
        }

    def repeated(self) -> int:
        """Fields of results that are also parameters of what returns them."""
        count = 0
        for files in self.chapters.values():
            trees = [_tree(path.read_text(encoding="utf-8")) for path in files]
            nodes = [node for tree in trees for node in tree.body]
            classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
            for node in nodes:
                if isinstance(node, ast.FunctionDef) and node.name.startswith(_RUNS):
                    args = [*node.args.args, *node.args.kwonlyargs]
                    parameters = {arg.arg for arg in args} - {"at"}
                    for arg in args:  # of a setting, its fields
                        parameters |= _fields(classes.get(_text(arg.annotation)))
                    count += len(_fields(classes.get(_text(node.returns))) & parameters)
        return count

    def by_chapter(self) -> Iterator[tuple[str, ...]]:
        """A row for each chapter: files, the longest, lines in all and by kind, open models."""
        for name, files in self.chapters.items():
            kinds = self.kinds(files)
            longest = max(files, key=lambda path: path.read_text(encoding="utf-8").count("\n"))
            length = longest.read_text(encoding="utf-8").count("\n")
            shown = sum(f"helpers/{name}/" in path for path, _ in self.models)
            yield (
                name,
                f"{len(files)}",
                f"{longest.stem} ({length})",
                f"{sum(kinds.values()):,}",
                *(f"{kinds[kind]:,}" for kind in KINDS),
                f"{shown}",
            )


def report(before: str | None = None) -> str:
    """Return the page in ``docs/``; with a git revision, beside what stood there then."""
    today = House(ROOT)
    facts = today.facts()
    columns, values = ["", "today"], [facts]
    if before is not None:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(before, Path(folder))
            columns, values = ["", "before", "today"], [House(Path(folder)).facts(), facts]
    head = ["chapter", "files", "longest", "lines", *KINDS, "open models"]
    made = "python -m helpers.authoring house" + (f" --before {before}" if before else "")
    parts = [
        "# What the chapters' code is made of",
        (__doc__ or "").partition("\n\n")[2].strip(),
        "\n".join(_table(columns, [(name, *(one[name] for one in values)) for name in facts])),
        "Today, chapter by chapter:",
        "\n".join(_table(head, list(today.by_chapter()))),
        f"Made by `{made}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    first, *others = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return [first, "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|", *others]


def _unpack(revision: str, folder: Path) -> None:
    command = ["git", "archive", revision, "helpers", "notebooks"]
    packed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def _models(root: Path) -> set[tuple[str, str]]:
    """Files and names of what model cells show."""
    found = set()
    for chapter in CHAPTERS:
        page = root / "notebooks" / f"{chapter.name}.ipynb"
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"] if page.is_file() else []
        for cell in cells:
            module, _, names = cell["metadata"].get("model", "").partition(":")
            path = module.replace(".", "/") + ".py"
            found |= {(path, name.strip()) for name in names.split(",") if name}
    return found


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def _is_real(tree: ast.Module) -> bool:
    """Whether a file has to do with threads, processes, sockets or databases."""
    imports = [node for node in tree.body if isinstance(node, ast.Import)]
    names = {alias.name for node in imports for alias in node.names}
    names |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    return bool(_REAL & {name.split(".")[0] for name in names})


def _text(annotation: ast.expr | None) -> str:
    return "" if annotation is None else ast.unparse(annotation).strip("'\"")


def _fields(node: ast.ClassDef | None) -> set[str]:
    return {
        each.target.id
        for each in (node.body if node is not None else ())
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def _raises(text: str) -> Iterator[str]:
    """The Raises sections of a text's docstrings, in one line each."""
    for section in re.findall(r"Raises\n +-+\n(.*?)(?:\n\n|\n *\"\"\")", text, re.DOTALL):
        yield " ".join(section.split())


def _length(node: ast.FunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
