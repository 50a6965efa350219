"""A log of events as the browser takes it: what there is in words, what happened in bytes."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from helpers.explore.front import module, styles
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.events import Curve, Log

#: How places are shown: as boxes on a grid, or as lines along which time passes.
VIEWS = ("places", "space-time")
_SHORTEST_S, _LONGEST_S = 10.0, 60.0  # on the screen, at the usual speed
_EVENT_S = 0.4  # of it for one event
_MOST_POINTS = 2_000
_PLAYED = ("time_s", "lasts_s", "token", "what", "why", "act", "start", "place", "slot", "kind")
#: Units of time, and up to which time each is used.
_UNITS = (
    ("ns", 1e-9, 3e-7),
    ("µs", 1e-6, 3e-4),
    ("ms", 1e-3, 2.0),
    ("s", 1.0, 300.0),
    ("min", 60.0, 3 * 3_600.0),
    ("h", 3_600.0, 3 * 86_400.0),
    ("days", 86_400.0, math.inf),
)


@dataclass(frozen=True)
class Clock:
    """How the times of one log are told: all in one unit, with the decimals that tell them apart.

    Attributes
    ----------
    unit : str
    size_s : float
        The unit in seconds.
    decimals : int
    """

    unit: str
    size_s: float
    decimals: int

    @classmethod
    def of(cls, first_s: float, last_s: float, events: int) -> Clock:
        """Return the clock for so many events from `first_s` to `last_s`."""
        largest = max(abs(first_s), abs(last_s)) or 1.0
        unit, size_s, _ = next(one for one in _UNITS if largest < one[2])
        between = (last_s - first_s or largest) / size_s / events
        return cls(unit, size_s, min(max(math.ceil(-math.log10(between)), 0), 4))

    def shows(self, time_s: float) -> str:
        """Return a time in words."""
        return f"{time_s / self.size_s:,.{self.decimals}f} {self.unit}"


def encode(
    log: Log, pace: float | None = None, view: str = VIEWS[0]
) -> tuple[dict[str, Any], bytes]:
    """Return what the browser needs to know of a log, and its numbers as bytes.

    Columns of 8 bytes come first, so that each begins where an array of its kind may; a column
    takes no more bytes than its largest number needs, and none where all are the same.
    """
    rows = log.rows
    first, until, happens = log.begin_s, log.end_s, len(rows) - log.opening
    parts: list[bytes] = []
    size = 0

    def put(column: np.ndarray) -> int:
        nonlocal size
        parts.append(column.tobytes())
        size += column.nbytes
        return size - column.nbytes

    curves = []
    for curve in log.curves:
        times, values = _thinned(curve)
        low, high = (float(end([*values, curve.level or 0.0])) for end in (np.min, np.max))
        curves.append({
            "name": curve.name, "unit": curve.unit, "n": len(times),
            "times": put(times.astype("<f8")), "values": put(values.astype("<f8")),
            "top": headroom(high, least=1e-9) if high > 0 else float(low == 0),
            "bottom": -headroom(-low, least=1e-9) if low < 0 else 0.0,
            "level": curve.level, "level_words": curve.level_words,
        })  # fmt: skip
    fitted = [(name, _fitted(getattr(rows, name))) for name in _PLAYED]
    fitted.sort(key=lambda pair: -pair[1].dtype.itemsize)
    columns: list[tuple[str, str, float]] = []
    for name, column in fitted:
        if (column == column[0]).all():
            columns.append((name, "constant", float(column[0])))
        else:
            columns.append((name, column.dtype.str[1:], put(column)))
    about = {
        "title": log.title, "view": view, "noun": log.noun, "columns": columns,
        "events": len(rows), "opening": log.opening,
        "places": [
            {"name": p.name, "kind": p.kind, "column": p.column, "row": p.row, "number": p.number}
            for p in log.places
        ],
        "kinds": [{"name": name, "colour": colour} for name, colour in log.kinds.items()],
        "used": sorted(set(rows.kind[rows.token >= 0].tolist())),
        "tokens": [t if isinstance(t, str | int) else str(t) for t in log.tokens],
        "words": log.words, "curves": curves,
        "from_s": first, "until_s": until, "clock": asdict(Clock.of(first, until, happens)),
        "pace_s": pace or _pace(happens, until - first),
    }  # fmt: skip
    return about, b"".join(parts)


def _fitted(column: np.ndarray) -> np.ndarray:
    """Return a column in the smallest type that a browser has for it."""
    if column.dtype.kind == "f":
        return column.astype("<f8")
    least, most = int(column.min()), int(column.max())
    fits = ("<i1", "<i2", "<i4")
    return column.astype(
        next(t for t in fits if np.iinfo(t).min <= least and most <= np.iinfo(t).max)
    )


def _thinned(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with few enough points to draw: the ends of each stretch, and its extremes."""
    n = len(curve.times_s)
    if n <= _MOST_POINTS:
        return curve.times_s, curve.values
    kept = {0, n - 1}
    for stretch in np.array_split(np.arange(n), _MOST_POINTS // 4):
        values = curve.values[stretch]
        kept |= {int(stretch[i]) for i in (0, values.argmin(), values.argmax(), -1)}
    some = np.array(sorted(kept))
    return curve.times_s[some], curve.values[some]


def _pace(events: int, lasts_s: float) -> float:
    """Return seconds of the simulation for one on the screen: 1, 2 or 5 times a power of ten."""
    if lasts_s <= 0:
        return 1.0
    wanted = lasts_s / min(max(_EVENT_S * events, _SHORTEST_S), _LONGEST_S)
    magnitude = 10.0 ** math.floor(math.log10(wanted))
    return magnitude * max(step for step in (1, 2, 5) if step * magnitude <= wanted * (1 + 1e-9))


def standalone(log: Log, pace: float | None = None, view: str = VIEWS[0]) -> str:
    """Return a web page that plays a log, with everything in it that it needs."""
    title = html.escape(log.title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1>{alone(log, pace, view)}</main><script type="module">
window.replay = document.querySelector(".sd-alone").replay;
</script></body></html>
"""


def alone(log: Log, pace: float | None = None, view: str = VIEWS[0]) -> str:
    """Return HTML that plays a log without a kernel, with everything in it that it needs.

    In a notebook it takes the place of the picture that follows it. Where scripts do not run, it
    is empty, and the picture stays.
    """
    about, data = encode(log, pace, view)
    facts = json.dumps(about).replace("<", "\\u003c")  # nothing in it may end the script
    key = hashlib.sha256(data + facts.encode()).hexdigest()[:16]
    return f"""<div class="sd-alone" data-key="{key}"></div>
<style>{styles("replay")}</style>
<script type="module">
{module("replay")}
const packed = atob("{base64.b64encode(data).decode("ascii")}");
const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
for (const place of document.querySelectorAll('.sd-alone[data-key="{key}"]:empty')) {{
  place.replay = mount(place, {facts}, bytes);
  const picture = place.closest(".jp-OutputArea-child")?.nextElementSibling;
  if (picture?.querySelector("img")) picture.style.display = "none";
}}
</script>"""
