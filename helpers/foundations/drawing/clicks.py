"""Places of a picture that can be clicked, and what a click on each means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from helpers.foundations import validation


@dataclass(frozen=True)
class Spot:
    """A rectangle of a figure that can be clicked.

    Attributes
    ----------
    control : str
        Name of the parameter that a click sets.
    value : object
        What it is set to; None turns it on or off.
    label : str
        What is there, for those who cannot see it.
    left, top, width, height : float
        In fractions of the figure, from its top left corner.
    name : str
        Which place this is, where its value changes from picture to picture: it then stays the
        same button, and keeps the focus.
    """

    control: str
    value: Any
    label: str
    left: float
    top: float
    width: float
    height: float
    name: str = ""


def clickable(
    ax: Axes,
    control: str,
    label: str,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    *,
    value: Any = None,
    name: str = "",
    in_axes: bool = False,
) -> None:
    """Say that a rectangle can be clicked, with the same effect as a control of the explorer.

    Where the explorer has no such control, a click does nothing. Set the limits of the axes before
    the picture is drawn, or at any time before its places are asked for.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    control : str
        Name of the parameter.
    label : str
        What is there, as a learner reads it: "big server".
    x0, y0, x1, y1 : float
        Two opposite corners, in the units of the axes, or in fractions of them with `in_axes`.
    value : object
        What the parameter is set to; by default it is turned on or off.
    name : str
        Which place this is, where `value` changes from picture to picture; see :class:`Spot`.

    Raises
    ------
    TypeError, ValueError
        If a corner is not a finite number, or there is no label.
    """
    if not isinstance(label, str) or not label:
        raise TypeError(f"what can be clicked needs a label, got {label!r}")
    names = ("x0", "y0", "x1", "y1")
    ends = zip(names, (x0, y0, x1, y1), strict=True)
    corners = [validation.number(name, end) for name, end in ends]
    ax.add_artist(_Mark(control, value, label, tuple(corners), in_axes, name))


def clickables(figure: Figure) -> list[Spot]:
    """Return the places that can be clicked, the last one said where several mean the same."""
    found: dict[tuple[str, str, Any], Spot] = {}
    across, up = figure.bbox.size
    for ax in figure.axes:
        for mark in ax.get_children():
            if not isinstance(mark, _Mark):
                continue
            transform = ax.transAxes if mark.in_axes else ax.transData
            x0, y0, x1, y1 = mark.corners
            (left, bottom), (right, top) = transform.transform([(x0, y0), (x1, y1)])
            left, right = sorted((left, right))
            bottom, top = sorted((bottom, top))
            value = None if mark.name else mark.value
            found[mark.control, mark.name, value] = Spot(
                mark.control,
                mark.value,
                mark.label,
                float(left / across),
                float(1 - top / up),
                float((right - left) / across),
                float((top - bottom) / up),
                mark.name,
            )
    return list(found.values())


class _Mark(Artist):
    """What :func:`clickable` adds to the axes; nothing is to be seen of it."""

    def __init__(
        self,
        control: str,
        value: Any,
        label: str,
        corners: tuple[float, ...],
        in_axes: bool,
        name: str,
    ) -> None:
        super().__init__()
        self.control, self.value, self.label, self.name = control, value, label, name
        self.corners, self.in_axes = corners, in_axes

    def draw(self, renderer: RendererBase) -> None:
        """Draw nothing."""
