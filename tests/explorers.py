"""Find every explorer of a notebook by running its code, so that no list is kept by hand.

``python -m tests.explorers notebooks/02*.ipynb`` says how long each one's simulation takes.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
from nbformat import NotebookNode

from helpers.explore import Explorer, Replay
from helpers.foundations.experiment import Result, frames_of

#: Combinations of ends that are all tried; of more of them as many at random as half of this.
MOST_CORNERS = 32


@lru_cache(maxsize=1)  # the explorers of all chapters would take a gigabyte
def explorers_of(notebook: Path) -> tuple[Explorer, ...]:
    """Run what a notebook's explorers need, in this process, and return them in order.

    They open without the models of the page and without a picture: nbval sees to these, which take
    longer than all the rest.
    """
    found: list[Explorer] = []
    original = Explorer.__init__

    def recording(self: Explorer, simulate: Any, plot: Any, model: Any, *args: Any) -> None:
        original(self, simulate, plot, None, *args)
        found.append(self)

    namespace: dict[str, Any] = {"__name__": "__main__"}
    with (
        mock.patch.object(Explorer, "__init__", recording),
        mock.patch.object(Explorer, "_finish", _take_the_first),
    ):
        cells = explorers_and_what_they_use(nbformat.read(notebook, as_version=4).cells)
        for index, cell in enumerate(cells):
            if cell.cell_type == "code":
                tree = ast.parse(cell.source, filename=f"{notebook.name}[{index}]")
                exec(compile(tree, f"{notebook.name}[{index}]", "exec"), namespace)
    return tuple(found)


def _take_the_first(explorer: Explorer, frames: Iterator[Result]) -> None:
    explorer.result = next(frames)


def explorers_and_what_they_use(cells: list, shows: Callable[[Any], bool] | None = None) -> list:
    """Leave out statements that no explorer depends on: measurements take most of a chapter's time.

    `shows` says whether a cell is one to keep, by default one that makes an explorer.
    """
    shows = shows or shows_an_explorer
    kept, wanted = [], set()
    for cell in reversed(cells):
        if cell.cell_type != "code":
            kept.append(cell)
            continue
        needed = []
        whole = shows(cell)
        for statement in reversed(ast.parse(cell.source).body):
            if (
                whole
                or isinstance(statement, ast.Import | ast.ImportFrom)
                or wanted & _made(statement)
            ):
                wanted |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                needed.append(ast.unparse(statement))
        kept.append(NotebookNode({**cell, "source": "\n".join(reversed(needed))}))
    return kept[::-1]


def _made(statement: ast.stmt) -> set[str]:
    """Names that a statement binds, or whose things it changes by a method."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name)))):
            return {name}
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def shows_an_explorer(cell: Any) -> bool:
    """Whether a cell makes an explorer."""
    lines = cell["source"].splitlines()
    return any("explore(" in line and "import" not in line for line in lines)


def corners(
    explorer: Explorer | Replay, points: int = 6, seed: int = 1
) -> Iterator[dict[str, Any]]:
    """Yield settings at the ends of every control, and at random points between them.

    All combinations of ends where there are at most `MOST_CORNERS`; otherwise each control's ends
    with the others at their defaults, and random corners, half as many as `MOST_CORNERS`.
    """
    ends = _ends(explorer)
    defaults = {name: control.default for name, control in explorer.controls.items()}
    dice = random.Random(seed)
    if math.prod(len(options) for options in ends.values()) <= MOST_CORNERS:
        for values in itertools.product(*ends.values()):
            yield dict(zip(ends, values, strict=True))
    else:
        for name, options in ends.items():
            for value in options:
                yield {**defaults, name: value}
        for _ in range(MOST_CORNERS // 2):
            yield {name: dice.choice(options) for name, options in ends.items()}
    for _ in range(points):
        yield {name: _between(control, dice) for name, control in explorer.controls.items()}


def each_end_once(explorer: Explorer | Replay, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield as few settings as hold each end of each control, put together at random."""
    dice = random.Random(seed)
    shuffled = {
        name: dice.sample(options, len(options)) for name, options in _ends(explorer).items()
    }
    for number in range(max(map(len, shuffled.values()), default=1)):
        yield {name: options[number % len(options)] for name, options in shuffled.items()}


def _ends(explorer: Explorer | Replay) -> dict[str, list[Any]]:
    return {name: list(control.ends) for name, control in explorer.controls.items()}


def _between(control: Any, dice: random.Random) -> Any:
    if not hasattr(control, "low"):
        return dice.choice(control.ends)
    if control.log:
        value = control.low * (control.high / control.low) ** dice.random()
    else:
        value = control.low + (control.high - control.low) * dice.random()
    return min(max(control.read(value), control.low), control.high)


def main(notebooks: list[Path]) -> None:
    """Say of each explorer how long its simulation takes where it takes longest, milliseconds."""
    for notebook in notebooks:
        for explorer in explorers_of(notebook):
            slowest = max((_took_ms(explorer, at), str(at)) for at in corners(explorer, points=3))
            print(f"{slowest[0]:7.1f} ms  {explorer.canvas.axes[0].get_title(loc='left')}: "
                  f"{slowest[1]}")  # fmt: skip


def _took_ms(explorer: Explorer, setting: dict[str, Any]) -> float:
    """The best of three runs up to the first frame; a cache that a slider meets is warm, too."""
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        next(frames_of(explorer.simulate(**{**explorer.values, **setting})))
        took.append(1e3 * (time.perf_counter() - begin))
    return min(took)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
