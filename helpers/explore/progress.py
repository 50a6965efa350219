"""A progress bar for work that takes over a second."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

import ipywidgets as widgets

from helpers.explore.view import framed, publish_faces
from helpers.foundations.prose import duration

T = TypeVar("T")


def progress(
    iterable: Iterable[T], total: int | None = None, label: str = "Working"
) -> Iterator[T]:
    """Yield the elements of `iterable` while a bar shows how far it is.

    Parameters
    ----------
    iterable : iterable
        What to work through.
    total : int, optional
        How many elements there are; by default ``len(iterable)``, and where that is unknown the
        bar only counts.
    label : str
        What is being done, in a word or two.

    Yields
    ------
    object
        The elements of `iterable`, unchanged.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    bar = widgets.IntProgress(
        value=0,
        max=total or 1,
        description=label,
        style={"description_width": "auto"},
        layout={"width": "420px"},
    )
    note = widgets.Label()
    publish_faces(framed([widgets.HBox([bar, note])]), label)
    started = time.perf_counter()
    done = 0
    for done, item in enumerate(iterable, start=1):
        yield item
        bar.value = done if total else 0
        spent = time.perf_counter() - started
        left = f", about {duration(spent / done * (total - done), 2)} left" if total else ""
        note.value = f"{done:,}{f' of {total:,}' if total else ''}{left}"
    bar.value = bar.max
    bar.bar_style = "success"
    note.value = f"{done:,} done in {duration(time.perf_counter() - started, 2)}"
