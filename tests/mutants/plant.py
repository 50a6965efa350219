"""Where a fault can be planted in a file, and what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
_NEIGHBOURS = (
    ("low", "high"), ("mean", "p99"), ("estimate", "low"), ("SIMULATION", "THEORY"),
    ("DOTS", "MEASUREMENT"), ("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"),
    ("sum", "mean"), ("cumsum", "sort"), ("floor", "ceil"), ("BLUE", "ORANGE"),
)  # fmt: skip
_WORDS = (
    ("inside", "outside"), ("above", "below"), ("more", "fewer"), ("less", "more"),
    ("first", "last"), ("before", "after"), ("lower", "higher"), ("largest", "smallest"),
)  # fmt: skip
#: Parts of an experiment, by what a function or property is called.
PARTS = ("model", "theory", "sentence", "table", "plot")


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes
    ----------
    part : str
        What was changed: one of :data:`PARTS`.
    line : int
        Where.
    change : str
        What, in words.
    source : str
        The whole changed file.
    """

    part: str
    line: int
    change: str
    source: str


def mutants_of(text: str) -> Iterator[Mutant]:
    """Every mutant of a file's source text."""
    tree = ast.parse(text)
    for part, root in _roots(tree):
        for node in ast.walk(root):
            for change, old, new in _changes(node):
                yield Mutant(part, old.lineno, change, _replaced(text, old, new))


def _roots(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The functions of a file with the part that each is of.

    A measurement is left out: what it finds depends on the machine, so no picture can be compared.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name != "measure":
            yield _part(node.name), node
        elif isinstance(node, ast.ClassDef) and not _declares(node):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield _part(inner.name, node), inner


def _declares(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", "") == "Parameters" for base in node.bases)


def _part(name: str, within: ast.ClassDef | None = None) -> str:
    plain = name.lstrip("_")
    if plain.startswith(("plot", "draw", "frame")):
        return "plot"
    if "theory" in plain or plain in ("expected", "exact", "predicted_s"):
        return "theory"
    if plain in ("columns", "table"):
        return "table"
    bases = [getattr(base, "id", "") for base in within.bases] if within else []
    if plain in ("reading", "summary") or any(base in ("Result", "Measured") for base in bases):
        return "sentence"
    return "model"


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.expr | ast.stmt, ast.expr | ast.stmt]]:
    """What can be done to a node: in words, the node, and what replaces it."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        flipped = ast.Compare(node.left, [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]],
                              node.comparators)  # fmt: skip
        yield "a comparison is turned round", node, flipped
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        other = ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        yield f"{type(node.op).__name__} becomes {type(other.op).__name__}", node, other
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value = node.value
        wrong = value * 0.85 if isinstance(value, float) and value else value + 1
        yield f"{value!r} becomes {wrong!r}", node, ast.Constant(wrong)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "a flag is turned round", node, ast.Constant(not node.value)
    elif isinstance(node, ast.IfExp):
        yield "a choice is turned round", node, ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and becomes or, or the reverse", node, ast.BoolOp(other, node.values)
    elif isinstance(node, ast.Attribute):
        for pair in _NEIGHBOURS:
            if node.attr in pair:
                wrong = pair[1 - pair.index(node.attr)]
                changed = ast.Attribute(node.value, wrong, node.ctx)
                yield f"{node.attr} becomes {wrong}", node, changed
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield f"left out: {ast.unparse(node)[:60]}", node, ast.Pass()
    elif isinstance(node, ast.Dict) and len(node.values) > 2:
        values = [node.values[0], *node.values[2:], node.values[1]]
        yield "two columns get each other's numbers", node, ast.Dict(node.keys, values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and hasattr(node, "lineno"):
        for pair in _WORDS:
            for word, wrong in (pair, pair[::-1]):
                if f" {word} " in f" {node.value} ":
                    said = f" {node.value} ".replace(f" {word} ", f" {wrong} ")[1:-1]
                    yield f"{word!r} becomes {wrong!r}", node, ast.Constant(said)


def _replaced(text: str, old: ast.expr | ast.stmt, new: ast.expr | ast.stmt) -> str:
    """Return the text with one node written anew; all the rest stays as it is."""
    lines = text.encode().splitlines(keepends=True)
    first, last = old.lineno - 1, (old.end_lineno or old.lineno) - 1
    before = lines[first][: old.col_offset]
    after = lines[last][old.end_col_offset :]
    code = ast.unparse(ast.fix_missing_locations(new))
    if isinstance(new, ast.BinOp | ast.Compare | ast.IfExp | ast.BoolOp):
        code = f"({code})"
    return b"".join([*lines[:first], before, code.encode(), after, *lines[last + 1 :]]).decode()
