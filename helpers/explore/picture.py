"""Pictures that stand still: measurements, and simulation, theory and measurement on one axis."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from helpers.explore.view import View, framed
from helpers.foundations.experiment import Result


class Picture:
    """One or more results drawn on the same axes; see :func:`picture`."""

    def __init__(
        self, plot: Callable[..., None], results: tuple[Result, ...], title: str | None
    ) -> None:
        self.results = results
        self._view = View(plot, title)
        self._view.show(self._view.draw(results))
        image, reading, table = self._view.body
        self._root = framed([image, reading, widgets.Box([self._view.table_button]), table])

    def _ipython_display_(self) -> None:
        self._view.publish(self._root)


def picture(
    plot: Callable[..., None], result: Result, *more: Result, title: str | None = None
) -> Picture:
    """Draw results with a plot function, each with its sentence and its table.

    Parameters
    ----------
    plot : callable
        ``plot(result, ax)``, called once for each result on the same axes.
    result, *more : Result
        What to draw, in this order.
    title : str, optional
        Name for screen readers and the text face; by default the plot's own title.
    """
    return Picture(plot, (result, *more), title)
