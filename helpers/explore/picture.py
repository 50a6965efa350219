"""Pictures that stand still: measurements, and simulation, theory and measurement on one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import ipywidgets as widgets

from helpers.explore.veil import Veil
from helpers.explore.view import Plot, View, framed
from helpers.foundations.experiment import Measured, Result
from helpers.foundations.questions import Questions

#: What a reader without a kernel is told; there are no controls to bring to life.
MEASURE_ME = "Run this cell to measure on your own machine."
RUN_FOR_TABLE = "Run this cell for the numbers behind the picture."


class Picture:
    """One or more results drawn on the same axes; see :func:`picture`."""

    def __init__(
        self,
        experiment: ModuleType | Callable[..., None],
        results: tuple[Result, ...],
        title: str | None,
        after: tuple[Questions, str] | None = None,
        also: Sequence[Result] = (),
    ) -> None:
        self.results = results
        self._view = View(Plot(experiment, results), title)
        self._view.also = tuple(also)
        measured = any(isinstance(result, Measured) for result in results)
        self._view.caption = MEASURE_ME if measured else RUN_FOR_TABLE
        self._view.show(self._view.draw(results))
        image, reading, table = self._view.body
        body = [image, reading, widgets.Box([self._view.table_button]), table]
        self._veil = None if after is None else Veil(*after, covered=body)
        self._root = framed(body if self._veil is None else [self._veil.widget, *body])
        if self._veil is not None:
            self._veil.lift(lambda _: None)

    def _ipython_display_(self) -> None:
        self._view.publish(self._root, self)


def picture(
    experiment: ModuleType | Callable[..., None],
    result: Result,
    *more: Result,
    title: str | None = None,
    after: tuple[Questions, str] | None = None,
    also: Sequence[Result] = (),
) -> Picture:
    """Draw results of an experiment on the same axes, each with its sentence, verdict and table.

    Parameters
    ----------
    experiment : module or callable
        The experiment, with ``plot(result, ax)`` for what was simulated and
        ``plot_measured(result, ax)`` for what was measured; or one such function.
    result, *more : Result
        What to draw, in this order.
    title : str, optional
        Name for screen readers and the text face; by default the plot's own title.
    after : (Questions, str), optional
        A chapter's questions and the name of the prediction that this picture would give away: it
        stays covered until the learner has committed to a guess, or asks to be shown.
    also : sequence of Result, optional
        Results that are not drawn, whose sentences stand below the others.
    """
    return Picture(experiment, (result, *more), title, after, also)
