"""A user who has changed every setting of matplotlib that there is."""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib as mpl

#: Values of all kinds; each setting gets the first that it takes and does not have.
_VALUES = (
    *(7, 2.5, 1, "red", "--", "-", "o", "serif", "bold", "italic", "right", "top", "out", "in"),
    *("both", "round", "miter", "x", "cm", "gray", "never", "always", "none", "tight", "major"),
    *("round_numbers", "lower", "landscape", "bicubic", "log", "it", "%H", "flat", "pdf"),
    *((1, 2, 3), (3, 2), [3, 100, 2], ["a"], mpl.cycler(color=["red", "lime"]), False, True),
)
#: What does not decide how a figure looks, but where it goes and what reads it.
_ELSEWHERE = {"animation", "backend", "keymap", "pdf", "pgf", "ps", "tk", "toolbar", "webagg"}
#: The kinds of settings that people do have.
POPULAR: dict[str, Any] = {
    "figure.autolayout": True,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "black",
    "axes.facecolor": "black",
    "axes.spines.left": False,
    "axes.titlelocation": "right",
    "axes.prop_cycle": mpl.cycler(color=["red", "lime"]),
    "axes.xmargin": 0.4,
    "font.family": ["serif"],
    "font.size": 20.0,
    "hatch.linewidth": 5.0,
    "image.cmap": "gray",
    "legend.frameon": False,
    "lines.marker": "o",
    "lines.linestyle": "--",
    "lines.antialiased": False,
    "patch.edgecolor": "red",
    "path.sketch": (4, 50, 2),
    "path.simplify_threshold": 1.0,
    "savefig.bbox": "tight",
    "savefig.dpi": 30.0,
    "savefig.facecolor": "red",
    "savefig.transparent": True,
    "text.antialiased": False,
    "text.hinting": "none",
    "text.usetex": True,
    "xtick.direction": "in",
    "xtick.minor.visible": True,
    "ytick.labelright": True,
}


@cache
def other_settings() -> dict[str, Any]:
    """Return another value, one that matplotlib takes, for each setting that has one."""
    found: dict[str, Any] = {}
    for key, usual in mpl.rcParamsDefault.items():
        if key.split(".")[0] in _ELSEWHERE:
            continue
        for value in (*([not usual] if isinstance(usual, bool) else []), *_VALUES):
            try:
                other = mpl.RcParams({key: value})[key]
            except Exception:  # each validator has its own way to refuse
                continue
            if other != usual:
                found[key] = other
                break
    return found | POPULAR
