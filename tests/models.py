"""Change an open model as a learner would, and get the changed function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from helpers.authoring.models import model_source


def edited(reference: str, *changes: str) -> Callable[..., Any]:
    """Return a model with some of its lines changed.

    Parameters
    ----------
    reference : str
        ``"package.module:name"``, as in the metadata of the page's cell; of several names the
        last one is returned.
    *changes : str
        Old, new, old, new, ...; every old text must stand in the cell.

    Raises
    ------
    ValueError
        If the cell lacks something that is to be changed: nothing would be proved.
    """
    source = model_source(reference)
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if old not in source:
            raise ValueError(f"{reference} has no {old!r}")
        source = source.replace(old, new)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, reference, "exec", dont_inherit=True), namespace)
    return namespace[reference.rpartition(":")[2].rpartition(",")[2].strip()]
