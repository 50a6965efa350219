"""Models in the page: code cells that hold a function of an experiment's file, word for word.

A code cell whose metadata say ``"model": "helpers.scaling.knee:one_queue"`` holds that function's
source, and above it the imports and constants that it needs. Several names stand behind commas.
The file is read, not imported: authors' tools know nothing of what they are used on.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection

from nbformat import NotebookNode

from helpers.authoring.course import ROOT

_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
_CONSTANTS = (ast.Assign, ast.AnnAssign)


class ModelCellError(ValueError):
    """A cell names a model that is not there."""


def model_source(reference: str, known: Collection[str] = ()) -> str:
    """Return what the cell of a model holds.

    Parameters
    ----------
    reference : str
        ``"package.module:name"``, or several names behind commas.
    known : collection of str
        References of cells above it: what they show is the learner's own, and not imported.

    Raises
    ------
    ModelCellError
        If there is no such file, or nothing of this name in it.
    """
    module, _, names = reference.partition(":")
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.is_file() or not names:
        raise ModelCellError(f"{reference!r} must be 'package.module:name' of a file that exists")
    text = path.read_text(encoding="utf-8")
    lines, tree = text.splitlines(), ast.parse(text)
    defined = {name: node for node in tree.body for name in _binds(node)}
    wanted = [name.strip() for name in names.split(",")]
    if missing := [name for name in wanted if name not in defined]:
        raise ModelCellError(f"{path.relative_to(ROOT)} has no {', '.join(missing)}")
    shown = list(dict.fromkeys(defined[name] for name in wanted))
    needed = [node for node in _needs(shown, defined) if node not in shown]
    imports = [_import_of(node, shown + needed) for node in needed if _is_import(node)]
    above = {name.strip() for one in known if one.partition(":")[0] == module
             for name in one.partition(":")[2].split(",")}  # fmt: skip
    borrowed = [
        node.name for node in needed if isinstance(node, _DEFINITIONS) and node.name not in above
    ]
    if borrowed:
        imports.append(f"from {module} import {', '.join(sorted(borrowed))}")
    constants = [_source(node, lines) for node in needed if isinstance(node, _CONSTANTS)]
    parts = [*_in_order(imports), constants]
    head = "\n\n".join("\n".join(part) for part in parts if part)
    return "\n\n\n".join([*([head] if head else []), *(_source(node, lines) for node in shown)])


def refresh_models(notebook: NotebookNode) -> None:
    """Put each model's present source into its cell; `notebook` is changed in place.

    Raises
    ------
    ModelCellError
        If a cell names a model that is not there.
    """
    above: list[str] = []
    for cell in notebook.cells:
        if reference := cell.metadata.get("model"):
            cell.source = model_source(reference, above)
            above.append(reference)


def fold_calls(notebook: NotebookNode) -> None:
    """Fold the cells that only call, so that the page is question and picture.

    JupyterLab shows a folded cell's code after one click. Cells that define something stay open.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        about = cell.metadata.setdefault("jupyter", NotebookNode())
        about.pop("source_hidden", None)
        if not any(_defines(node) for node in ast.parse(cell.source).body):
            about["source_hidden"] = True
        if not about:
            del cell.metadata["jupyter"]


def _defines(node: ast.stmt) -> bool:
    """Whether a learner is to read this: a function, a class, or a constant."""
    constants = _binds(node) if isinstance(node, _CONSTANTS) else []
    return isinstance(node, _DEFINITIONS) or any(name.isupper() for name in constants)


def _binds(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _needs(shown: list[ast.stmt], defined: dict[str, ast.stmt]) -> list[ast.stmt]:
    """Everything at the top of the file that `shown` uses, in the file's order."""
    found: dict[ast.stmt, None] = {}
    ahead = list(shown)
    while ahead:
        for name in _uses(ahead.pop()) & defined.keys():
            node = defined[name]
            if node not in found and node not in shown:
                found[node] = None
                if isinstance(node, _CONSTANTS):
                    ahead.append(node)
    return sorted(found, key=lambda node: node.lineno)


def _uses(node: ast.stmt) -> set[str]:
    """Names that a statement takes from outside of itself."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    own = {each.id for each in names if not isinstance(each.ctx, ast.Load)}
    own |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return {each.id for each in names} - own


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _import_of(node: ast.stmt, users: list[ast.stmt]) -> str:
    """Return an import, cut down to the names that are used."""
    used = {name for user in users for name in _uses(user)}
    assert isinstance(node, ast.Import | ast.ImportFrom)
    kept = [a for a in node.names if (a.asname or a.name.partition(".")[0]) in used]
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(names=kept))
    return ast.unparse(ast.ImportFrom(module=node.module, names=kept, level=node.level))


def _in_order(imports: list[str]) -> list[list[str]]:
    """Sort imports as the linter wants them: the language's, others', ours; whole modules first."""
    parts: list[list[str]] = [[], [], []]
    for text in sorted(imports, key=lambda text: (text.startswith("from "), text)):
        package = text.split()[1].partition(".")[0]
        ours = package == __name__.partition(".")[0]
        parts[2 if ours else package not in sys.stdlib_module_names].append(text)
    return parts


def _source(node: ast.stmt, lines: list[str]) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    while first > 1 and lines[first - 2].startswith("#: "):  # what a constant means
        first -= 1
    return "\n".join(lines[first - 1 : node.end_lineno])
