"""Boxes and arrows for pictures of systems, however many of them as a few artists.

``FancyBboxPatch`` and ``FancyArrowPatch`` make one artist each and split curves to find out where
they end, which takes most of the time of a picture with twenty of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.path import Path


def arrows(
    ax: Axes,
    tails: npt.ArrayLike,
    tips: npt.ArrayLike,
    *,
    head_pt: tuple[float, float] = (8.0, 3.8),
    head_zorder: float | None = None,
    **look: Any,
) -> None:
    """Draw straight arrows as two artists. Set the limits of the axes before.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    tails, tips : array_like, shape (n, 2)
        Where they begin and end.
    head_pt : (float, float)
        Length of a head and half of its width, in points.
    head_zorder : float, optional
        That of the lines by default.
    **look
        For ``LineCollection``: ``colors``, ``linewidths``, ``linestyles``, one or one for each,
        and ``zorder``.
    """
    to_points = 72 / ax.figure.dpi
    start, end = (
        ax.transData.transform(np.asarray(ends, float).reshape(-1, 2)) for ends in (tails, tips)
    )
    way = end - start
    along = way / np.linalg.norm(way, axis=1, keepdims=True) / to_points
    across = along[:, ::-1] * (-1, 1)
    length, half = head_pt
    heads = np.stack([end, end - length * along + half * across,
                      end - length * along - half * across], axis=1)  # fmt: skip
    # A line ends within its head, or its corners would show beside the tip.
    lines = np.stack([start, end - 0.7 * length * along], axis=1)
    back = ax.transData.inverted().transform
    shafts, points = (
        list(back(each.reshape(-1, 2)).reshape(each.shape)) for each in (lines, heads)
    )
    ax.add_collection(LineCollection(shafts, **({"gid": "arrows"} | look)), autolim=False)
    zorder = look.get("zorder", 1) if head_zorder is None else head_zorder
    ax.add_collection(
        PolyCollection(
            points, facecolors=look.get("colors"), linewidths=0, zorder=zorder, gid="heads"
        ),
        autolim=False,
    )


def round_boxes(
    ax: Axes,
    middles: Sequence[tuple[float, float]],
    width: float,
    height: float,
    rounding: float | tuple[float, float],
    **look: Any,
) -> None:
    """Draw boxes of one size with round corners as one artist.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    middles : sequence of (float, float)
    width, height : float
        In the units of the axes.
    rounding : float or (float, float)
        Radius of the corners, in the same units; two where the axes have unlike ones.
    **look
        For ``PathCollection``: ``facecolors``, ``edgecolors``, ``linewidths``, ``linestyles``, one
        or one for each, and ``zorder``.
    """
    box = _round_box(width / 2, height / 2, *np.broadcast_to(rounding, 2))
    paths = [Path(np.asarray(box.vertices) + middle, box.codes) for middle in middles]
    ax.add_collection(PathCollection(paths, **({"gid": "boxes"} | look)), autolim=False)


def fill_boxes(
    ax: Axes,
    middles: Sequence[tuple[float, float]],
    width: float,
    height: float,
    rounding: float | tuple[float, float],
    shares: Sequence[float],
    **look: Any,
) -> None:
    """Fill the boxes that :func:`round_boxes` draws from the left, as one artist.

    Parameters
    ----------
    ax, middles, width, height, rounding
        As for :func:`round_boxes`.
    shares : sequence of float
        How much of each box, 0 to 1.
    **look
        For ``PolyCollection``: ``facecolors``, one or one for each, and ``zorder``.
    """
    outline = _round_box(width / 2, height / 2, *np.broadcast_to(rounding, 2))
    box = np.asarray(outline.to_polygons()[0])
    fills = []
    for middle, share in zip(middles, shares, strict=True):
        end = (share - 0.5) * width
        fills.append(np.column_stack([np.minimum(box[:, 0], end), box[:, 1]]) + middle)
    whole: dict[str, Any] = {"linewidths": 0, "gid": "fills"}
    ax.add_collection(PolyCollection(fills, **(whole | look)), autolim=False)


def _round_box(x: float, y: float, round_x: float, round_y: float) -> Path:
    """Return a box around the origin that reaches from -x to x and from -y to y."""
    vertices, codes = [], []
    for right, up in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        corner = np.array((right * x, up * y))
        before, after = corner - (right * round_x, 0), corner - (0, up * round_y)
        if right * up > 0:  # where an upright side comes before a level one
            before, after = after, before
        vertices += [before, corner, after]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    codes[0] = Path.MOVETO
    return Path([*vertices, vertices[0]], [*codes, Path.CLOSEPOLY])
