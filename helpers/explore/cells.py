"""What each cell of the page shows; what its last run showed is closed when it has run again.

A front end drops the output of a cell that runs again. The kernel would keep every widget of it,
with the picture and the simulation behind it, and a page that is run all day would grow all day.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any, NamedTuple

from ipywidgets import Widget

from helpers import learners_shell


class _Piece(NamedTuple):
    """A widget that a cell shows, and the object that a learner may hold in a variable."""

    root: Widget
    owner: object


class _Cells:
    """The pieces of each cell, by the front end's name for it; and those of the run under way.

    An object, because grading takes a module's lists that have changed for tampering.
    """

    def __init__(self) -> None:
        self.showing: dict[str, list[_Piece]] = {}
        self.begun: list[_Piece] = []
        self.watches: Any = None


_cells = _Cells()


def shows(root: Widget, owner: object) -> None:
    """Take note that the running cell shows a widget.

    Parameters
    ----------
    root : Widget
        Closed, with all that its state refers to, when the cell has run again without showing it.
    owner : object
        What made it. While a variable of the learner's holds this, nothing is closed; what it may
        still be at ends with its ``stop()``, if it has one.

    Raises
    ------
    RuntimeError
        If the widget has been closed.
    """
    if root.comm is None:
        raise RuntimeError("this was closed when its cell ran again: make it anew to show it")
    if not (shell := learners_shell()):
        return
    if _cells.watches is not shell:
        shell.events.register("post_run_cell", _end_of_run)
        _cells.watches = shell
    _cells.begun.append(_Piece(root, owner))


def _end_of_run(result: Any) -> None:
    begun, _cells.begun = _cells.begun, []
    cell = getattr(result.info, "cell_id", None)  # not every front end says which cell it runs
    if cell and _replace(cell, begun):
        gc.collect()  # widgets and what they call hold each other; nothing here does any more


def _replace(cell: str, begun: list[_Piece]) -> int:
    """Close what a cell showed before and shows no more; return how many pieces that were."""
    before, _cells.showing[cell] = _cells.showing.get(cell, []), begun
    shown = {piece.root for pieces in _cells.showing.values() for piece in pieces}
    over = [piece for piece in before if piece.root not in shown and not _held(piece.owner)]
    for piece in over:
        _close(piece)
    return len(over)


def _close(piece: _Piece) -> None:
    """Close a widget with all that its state refers to, and end what its owner is still at."""
    _forget(piece.owner)
    if stop := getattr(piece.owner, "stop", None):
        stop()
    for widget in list(_tree(piece.root)):
        widget.close()


def _held(owner: object) -> bool:
    """Whether a variable of the learner's is this object."""
    names = _cells.watches.user_ns
    return any(value is owner for name, value in names.items() if not name.startswith("_"))


def _forget(owner: object) -> None:
    """Take an object out of `Out`, `_7` and `_`, as IPython does with what is too old."""
    shell = _cells.watches
    kept = shell.user_ns.get("_oh", {})
    numbers = [number for number, value in kept.items() if value is owner]
    for number in numbers:
        del kept[number]
    for names in (shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook)):
        for number in numbers:
            names.pop(f"_{number}", None)
        for name in ("_", "__", "___"):
            if names.get(name) is owner:
                names[name] = ""


def _tree(root: Widget, seen: set[Widget] | None = None) -> Iterator[Widget]:
    """Yield a widget and every one that its state refers to: children, layouts, styles."""
    seen = set() if seen is None else seen
    if root in seen:
        return
    seen.add(root)
    yield root
    for name in root.keys:
        value = getattr(root, name)
        for each in value if isinstance(value, tuple | list) else [value]:
            if isinstance(each, Widget):
                yield from _tree(each, seen)
