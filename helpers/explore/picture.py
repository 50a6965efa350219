"""Pictures that stand still: measurements, and simulation, theory and measurement on one axis."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import ipywidgets as widgets

from helpers.explore.view import Plot, View, framed
from helpers.foundations.experiment import Result


class Picture:
    """One or more results drawn on the same axes; see :func:`picture`."""

    def __init__(
        self,
        experiment: ModuleType | Callable[..., None],
        results: tuple[Result, ...],
        title: str | None,
    ) -> None:
        self.results = results
        self._view = View(Plot(experiment, results), title)
        self._view.show(self._view.draw(results))
        image, reading, table = self._view.body
        self._root = framed([image, reading, widgets.Box([self._view.table_button]), table])

    def _ipython_display_(self) -> None:
        self._view.publish(self._root)


def picture(
    experiment: ModuleType | Callable[..., None],
    result: Result,
    *more: Result,
    title: str | None = None,
) -> Picture:
    """Draw results of an experiment on the same axes, each with its sentence and its table.

    Parameters
    ----------
    experiment : module or callable
        The experiment, with ``plot(result, ax)`` for what was simulated and
        ``plot_measured(result, ax)`` for what was measured; or one such function.
    result, *more : Result
        What to draw, in this order.
    title : str, optional
        Name for screen readers and the text face; by default the plot's own title.
    """
    return Picture(experiment, (result, *more), title)
