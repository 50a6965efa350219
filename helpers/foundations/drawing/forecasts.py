"""The two panels on which forecasts are judged: what was said and came true, and the score."""

from __future__ import annotations

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note


def forecast_axes(
    axes: tuple[Axes, Axes], said: str, came_true: str, most: float
) -> tuple[Axes, Axes]:
    """Prepare both panels, with the line of perfect calibration and the score of always 50 %.

    Parameters
    ----------
    axes : tuple of Axes
        For statements, and for Brier scores.
    said, came_true : str
        What stands along the first panel's axes.
    most : float
        The largest score that has room.

    Returns
    -------
    tuple of Axes
        The same two.
    """
    ax, scores = axes
    ax.set_title("Said, and came true")
    ax.set_xlim(45, 103)
    ax.set_ylim(0, 103)
    ax.set_xlabel(said)
    ax.set_ylabel(came_true)
    ax.plot([45, 100], [45, 100], **style.THEORY)
    note(ax, 0.04, 0.16, "- - perfectly calibrated", style.BLACK)
    scores.set_title("Brier score: low is good")
    scores.set_xlim(0, most)
    scores.set_xlabel("Brier score")
    scores.axvline(0.25, color=style.MUTED, linewidth=1.0, linestyle=":")
    return ax, scores
