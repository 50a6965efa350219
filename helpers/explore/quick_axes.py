"""Axes that cost less to draw than matplotlib's, and look the same to the pixel.

While a slider moves, most of a picture's time went into its axes. Matplotlib measures all data,
in case it must choose the limits; lays out the label of a tick three times; and draws every tick
as five artists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import allow_rasterization
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick, XAxis, YAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox


class QuickAxes(Axes):
    """Axes with quick ticks that need not know which data they hold.

    Attributes
    ----------
    follows_data : bool
        False where a plot sets both limits itself: its data are then not measured.
    """

    follows_data = True

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _QuickXAxis(self, clear=False), _QuickYAxis(self, clear=False)
        for side, axis in (
            ("bottom", self.xaxis),
            ("top", self.xaxis),
            ("left", self.yaxis),
            ("right", self.yaxis),
        ):
            self.spines[side].register_axis(axis)

    def autoscale_view(self, *args: Any, **kwargs: Any) -> None:
        if self.follows_data:
            super().autoscale_view(*args, **kwargs)

    def _update_line_limits(self, *args: Any) -> None:
        if self.follows_data:
            super()._update_line_limits(*args)

    def _update_patch_limits(self, *args: Any) -> None:
        if self.follows_data:
            super()._update_patch_limits(*args)

    def _update_collection_limits(self, *args: Any) -> None:
        if self.follows_data:
            super()._update_collection_limits(*args)


class _QuickAxis(Axis):
    """Draws its ticks together, and measures their labels once for each time it is drawn.

    Major ticks must look alike, and so must minor ones.
    """

    #: While drawing: the ticks to draw, and the boxes around their first and second labels.
    _measured: tuple[list[Tick], tuple[list[Bbox], list[Bbox]]] | None = None

    @allow_rasterization
    def draw(self, renderer: RendererBase) -> None:
        """Draw ticks, their labels, and the axis' label clear of them."""
        if not self.get_visible():
            return
        ticks = self._update_ticks()
        boxes = self._get_ticklabel_bboxes(ticks, renderer)
        self._measured = ticks, boxes  # for all that asks where they are
        try:
            for alike in (self.majorTicks, self.minorTicks):
                drawn = [tick for tick in alike if tick in ticks]
                for part in ("gridline", "tick1line", "tick2line"):
                    _draw_as_one([getattr(tick, part) for tick in drawn], renderer)
            for tick in ticks:
                tick.label1.draw(renderer)
                tick.label2.draw(renderer)
            self._update_label_position(renderer)
            self.label.draw(renderer)
            self._update_offset_text_position(*boxes)
            self.offsetText.set_text(self.major.formatter.get_offset())
            self.offsetText.draw(renderer)
        finally:
            self._measured = None
        self.stale = False

    def _update_ticks(self) -> list[Tick]:
        return self._measured[0] if self._measured else super()._update_ticks()

    def _get_ticklabel_bboxes(
        self, ticks: list[Tick], renderer: RendererBase
    ) -> tuple[list[Bbox], list[Bbox]]:
        if self._measured:
            return self._measured[1]
        return super()._get_ticklabel_bboxes(ticks, renderer)


class _QuickXAxis(_QuickAxis, XAxis):
    pass


class _QuickYAxis(_QuickAxis, YAxis):
    pass


def _draw_as_one(lines: list[Line2D], renderer: RendererBase) -> None:
    """Draw lines that look alike, apart from where they are, with one call."""
    lines = [line for line in lines if line.get_visible()]
    if not lines:
        return
    ends = [np.column_stack(np.broadcast_arrays(*line.get_data())) for line in lines]
    gap = np.full((1, 2), np.nan)
    first = lines[0]
    itself = first.get_data()
    first.set_data(*np.vstack([part for line in ends for part in (line, gap)]).T)
    first.draw(renderer)
    first.set_data(*itself)
