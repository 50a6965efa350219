"""One moment of a replay as a picture, for readers without a kernel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from helpers.explore.canvas import DRAWING
from helpers.explore.png import small_png
from helpers.explore.replay_bytes import Clock
from helpers.explore.view import RUN_ME
from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import arrows
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.events import COMES, ENDS, SETS_OUT, WARNS, Curve, Log, Place, Rows

# In pixels, as in front/replay_layout.js; only a curve takes more height here than there.
_WIDTH, _ROW, _TIGHT_ROW, _LIFELINE, _CURVE, _EDGE = 720, 132, 108, 58, 86, 12
_HEAD, _FOOT, _BOX = 30, 42, 62
_ASIDE = 0.36  # of a box's width
_DPI = 100
_COLOURS = {
    "blue": style.BLUE,
    "vermilion": style.VERMILION,
    "green": style.GREEN,
    "purple": style.PURPLE,
    "orange": style.ORANGE,
    "sky": style.SKY,
    "black": style.BLACK,
}
_SHAPES = "os^D"
_RECENT = 0.03  # failures of the last such share of the time are still to be seen


def telling_moment(log: Log) -> float:
    """Return when most tokens wait in queues; without queues, when most are somewhere at all.

    In the second half, so that there are curves to be seen.
    """
    rows = log.rows
    kinds = np.array([place.kind for place in log.places])
    counted = np.isin(kinds, "queue" if "queue" in kinds else ("servers", "store"))
    token = rows.token >= 0
    comes = token & (rows.act == COMES) & counted[rows.place]
    goes = token & (rows.left >= 0) & counted[rows.left]
    waiting = np.cumsum(comes * 1 - goes)
    # At the end of an instant: what is true in the middle of one is never to be seen.
    over = np.append(np.diff(rows.time_s) > 0, True)
    over &= rows.time_s >= (log.begin_s + rows.time_s[-1]) / 2
    times, most = rows.time_s[over], waiting[over]
    return float(times[most == most.max()][-1])


def still(
    log: Log, moment: float | None = None, view: str = "places"
) -> tuple[bytes, tuple[int, int]]:
    """Return a PNG of one moment, and its width and height in CSS pixels.

    Parameters
    ----------
    log : Log
    moment : float, optional
        Seconds; by default the one when most are waiting, or the end in space and time.
    view : {"places", "space-time"}
    """
    lines = view == "space-time"
    at = moment
    if at is None:
        at = log.end_s if lines else telling_moment(log)
    places = log.places
    rows = (max(place.row for place in places) + 1) * _row(places)
    height = round(_HEAD + _FOOT + (len(places) * _LIFELINE if lines else rows))
    height += len(log.curves) * _CURVE
    with DRAWING, style.context():
        figure = Figure(figsize=(_WIDTH / _DPI, height / _DPI), dpi=_DPI)
        agg = FigureCanvasAgg(figure)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set(xlim=(0, _WIDTH), ylim=(height, 0))
        _draw_title(ax, log, at, height)
        (_draw_lifelines if lines else _draw_places)(ax, log, at)
        for index, curve in enumerate(log.curves):
            top = height - _FOOT - (len(log.curves) - index) * _CURVE + 18
            size = (_WIDTH - 56 - _EDGE, _CURVE - 38)
            panel = figure.add_axes(
                (56 / _WIDTH, 1 - (top + size[1]) / height, size[0] / _WIDTH, size[1] / height)
            )
            _draw_curve(panel, curve, log, at)
        figure.set_dpi(2 * _DPI)
        agg.draw()
        png = small_png(np.asarray(agg.buffer_rgba()))
    return png, (_WIDTH, height)


@dataclass(frozen=True)
class Box:
    """Where a place stands, pixels right and down, and how its dots stand in it."""

    place: Place
    x: float
    y: float
    w: float
    h: float
    columns: int
    rows: int
    pitch: float

    @property
    def middle(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.w / 2, self.y + self.h / 2

    def spot(self, rank: int, slot: int) -> tuple[float, float]:
        """Return where the dot at a rank of a queue, or in a slot, is."""
        middle, centre = self.middle
        kind = self.place.kind
        if kind == "sink":
            return middle, centre
        most = self.columns * self.rows
        at = min(rank, most - 1) if kind == "queue" else max(slot, 0) % most
        across, down = divmod(at, self.rows)
        y = centre + (down - (self.rows - 1) / 2) * self.pitch
        if kind == "queue":
            return self.x + self.w - 4 - (across + 0.5) * self.pitch, y
        if kind == "servers":
            return middle + (across - (self.columns - 1) / 2) * self.pitch, y
        return self.x + 4 + (across + 0.5) * self.pitch, y


def boxes_of(places: Sequence[Place], most: Sequence[int], width: float, top: float) -> list[Box]:
    """Return the places' boxes, as ``layout`` in ``front/replay_layout.js`` does."""
    columns = max(place.column for place in places) + 1
    cell = (width - 2 * _EDGE) / columns
    boxes = []
    for place, crowd in zip(places, most, strict=True):
        widest = 92 if place.kind in ("source", "sink") else 190
        w = max(40, min(cell - (26 if columns > 1 else 0), widest))
        x = _EDGE + (place.column + 0.5) * cell - w / 2
        y = top + 18 + place.row * _row(places)
        boxes.append(Box(place, x, y, w, _BOX, *_grid(place, w, _BOX, crowd)))
    return boxes


def _grid(place: Place, w: float, h: float, most: int) -> tuple[int, int, float]:
    if place.kind == "servers":
        ways = []
        for rows in range(1, place.number + 1):
            columns = -(-place.number // rows)
            ways.append((columns, rows, min((w - 8) / columns, (h - 6) / rows, 26.0)))
        return max(ways, key=lambda way: way[2])
    pitch = 13.0
    while True:
        columns, rows = (max(1, int((side - gap) // pitch)) for side, gap in ((w, 8), (h, 6)))
        if columns * rows >= most or pitch <= 3:
            needed = -(-most // columns) if place.kind == "queue" else rows
            return columns, max(1, min(rows, needed)), pitch
        pitch -= 0.5


def crowds(log: Log) -> list[int]:
    """Return the largest number of tokens, and of slots, that are in each place at once."""
    rows = log.rows
    most = []
    for index in range(len(log.places)):
        comes = (rows.place == index) & (rows.act == COMES) & (rows.token >= 0)
        inside = np.cumsum(comes * 1 - ((rows.left == index) & (rows.token >= 0)))
        slots = rows.slot[comes]
        most.append(max(1, int(inside.max()), int(slots.max(initial=0)) + 1))
    return most


def _row(places: Sequence[Place]) -> int:
    """Return the height of a row of places, which are closer together where there are many."""
    return _TIGHT_ROW if max(place.row for place in places) >= 2 else _ROW


def _draw_title(ax: Axes, log: Log, at: float, height: float) -> None:
    """Write what is seen, and what failed until then."""
    rows = log.rows
    clock = Clock.of(log.begin_s, log.end_s, len(rows) - log.opening)
    ax.text(_EDGE, 18, f"{log.title}, at {clock.shows(at)}", fontsize=11.5, weight="bold")
    used = sorted(set(rows.kind[rows.token >= 0].tolist()))
    kinds = list(log.kinds.items())
    x = float(_WIDTH - _EDGE)
    for kind in reversed(used) if len(used) > 1 else ():
        name, colour = kinds[kind]
        ax.plot(x, 14, _SHAPES[kind % 4], color=_COLOURS[colour], markersize=7)
        text = ax.text(x - 8, 18, name, ha="right", fontsize=9)
        left = text.get_window_extent().x0  # the axes' units are pixels
        x = left - 18
    failed = rows.why[(rows.time_s <= at) & (rows.why > 0)].tolist()
    if failed:
        ranked = Counter(failed).most_common()
        listed = ", ".join(f"{log.words[why]} ({count:,})" for why, count in ranked)
        ax.text(_EDGE, height - 24, f"Failed so far: {len(failed):,}. {listed}", fontsize=9,
                color=style.VERMILION)  # fmt: skip
    ax.text(_WIDTH - 4, height - 6, RUN_ME, ha="right", fontsize=7.5, color=style.MUTED)


def _draw_places(ax: Axes, log: Log, at: float) -> None:
    rows = log.rows
    done = int(np.searchsorted(rows.time_s, at, side="right"))
    boxes = boxes_of(log.places, crowds(log), _WIDTH, _HEAD)
    says = {int(rows.place[i]): i for i in range(done) if rows.token[i] < 0}
    goes = (rows.token[:done] >= 0) & (rows.start[:done] != rows.place[:done])
    sent = np.bincount(rows.start[:done][goes], minlength=len(boxes))
    _draw_arrows(ax, log, boxes)
    for index, (box, present) in enumerate(zip(boxes, log.present(at), strict=True)):
        said = log.words[rows.what[says[index]]] if index in says else ""
        bad = bool(said) and log.rows.act[says[index]] == WARNS
        _draw_box(ax, box, bad)
        middle = box.middle[0]
        ax.text(middle, box.y - 6, box.place.name, ha="center", fontsize=9, weight="bold")
        below = _caption(box.place, len(present), int(sent[index]))
        ax.text(middle, box.y + box.h + 15, below, ha="center", fontsize=9, color=style.MUTED)
        color = style.VERMILION if bad else style.INK
        ax.text(middle, box.y + box.h + 30, said, ha="center", fontsize=9, weight="bold",
                color=color)  # fmt: skip
        if box.place.kind != "sink":
            spots = [box.spot(rank, int(rows.slot[row])) for rank, row in enumerate(present)]
            _draw_dots(ax, log, present, spots, 0.42 * box.pitch)
    way = _under_way(log, done)
    spots = [_on_the_way(boxes, rows, row, at) for row in way]
    _draw_dots(ax, log, way, spots, 5.2)
    length = log.end_s - log.begin_s
    recent = (rows.why[:done] > 0) & (rows.time_s[:done] >= at - _RECENT * length)
    for index in set(rows.place[:done][recent].tolist()) - {-1}:
        if boxes[index].place.kind != "sink":
            ax.plot(boxes[index].middle[0], boxes[index].y + _BOX, "x", color=style.VERMILION,
                    markersize=7, markeredgewidth=2)  # fmt: skip


def _under_way(log: Log, done: int) -> list[int]:
    """Return the rows by which tokens set out that have not arrived after so many events."""
    rows = log.rows
    ways: dict[int, int] = {}
    for i in np.flatnonzero(rows.token[:done] >= 0).tolist():
        if rows.act[i] == SETS_OUT:
            ways[int(rows.token[i])] = i
        else:
            ways.pop(int(rows.token[i]), None)
    return list(ways.values())


def _on_the_way(boxes: Sequence[Box], rows: Rows, row: int, at: float) -> tuple[float, float]:
    """Return where a token is on its way, in a straight line between the edges of two boxes.

    What goes from store to store goes beside the others and not behind them.
    """
    box, other = boxes[rows.start[row]], boxes[rows.place[row]]
    (x, y), (u, v) = arrow(box, other)
    share = min(float((at - rows.time_s[row]) / rows.lasts_s[row]), 1.0)
    across, down = u - x, v - y
    lane = 0.0
    if box.place.kind == other.place.kind == "store":
        lane = float(rows.token[row] * 0.618034 % 1) * 2 - 1
    aside = 0.36 * min(box.h, other.h) * lane / (math.hypot(across, down) or 1.0)
    return x + share * across - aside * down, y + share * down + aside * across


def _draw_box(ax: Axes, box: Box, bad: bool) -> None:
    round_ends = box.place.kind in ("source", "sink")
    ax.add_patch(
        FancyBboxPatch(
            (box.x, box.y), box.w, box.h, facecolor="#f6f8fa",
            edgecolor=style.VERMILION if bad else style.GHOST, linewidth=2 if bad else 1,
            boxstyle=f"round,pad=0,rounding_size={box.h / 2 if round_ends else 6}",
        )
    )  # fmt: skip
    if box.place.kind == "servers":
        spots = np.array([box.spot(0, slot) for slot in range(box.place.number)])
        ax.plot(*spots.T, "o", markersize=0.8 * box.pitch * 0.72, markerfacecolor="none",
                markeredgecolor=style.GHOST, markeredgewidth=0.8)  # fmt: skip


def _draw_arrows(ax: Axes, log: Log, boxes: Sequence[Box]) -> None:
    rows = log.rows
    moved = (rows.token >= 0) & (rows.place >= 0) & (rows.start != rows.place)
    pairs = sorted(set(zip(rows.start[moved].tolist(), rows.place[moved].tolist(), strict=True)))
    if not pairs:
        return
    ends = []
    for pair in pairs:
        box, other = (boxes[index] for index in pair)
        here, there = box.place, other.place
        if any(
            each.place.row == here.row == there.row
            and (each.place.column - here.column) * (each.place.column - there.column) < 0
            for each in boxes
        ):
            side = 0.42 * np.sign(other.x - box.x)
            x, u = box.x + (0.5 + side) * box.w, other.x + (0.5 - side) * other.w
            deep = box.y + box.h + 40
            ax.plot((x, x, u, u), (box.y + box.h + 3, deep, deep, deep), color=style.GHOST,
                    linewidth=1, zorder=0.5)  # fmt: skip
            ends.append(((u, deep), (u, other.y + other.h + 3)))
            continue
        ends.append(arrow(box, other))
    tails, tips = np.array(ends).swapaxes(0, 1)
    arrows(ax, tails, tips, head_pt=(5.5, 2.4), colors=style.GHOST, linewidths=1.0, zorder=0.5)


def arrow(box: Box, other: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of an arrow at the boxes' edges; down on the right, up on the left."""
    way = np.subtract(other.middle, box.middle)
    if way[0] == 0:  # straight through the middle it would strike the captions through
        x = float(box.middle[0] + _ASIDE * np.sign(way[1]) * min(box.w, other.w))
        if way[1] > 0:
            return (x, box.y + box.h + 3), (x, other.y - 3)
        return (x, box.y - 3), (x, other.y + other.h + 3)
    cuts = []
    for one, sign in ((box, 1), (other, -1)):
        with np.errstate(divide="ignore"):
            reach = min(np.array([one.w / 2 + 3, one.h / 2 + 3]) / np.abs(way))
        across, down = np.array(one.middle) + sign * reach * way
        cuts.append((float(across), float(down)))
    return cuts[0], cuts[1]


def _draw_dots(
    ax: Axes,
    log: Log,
    present: Sequence[int],
    spots: Sequence[tuple[float, float]],
    radius: float,
) -> None:
    rows, kinds = log.rows, list(log.kinds.values())
    for kind in sorted({int(rows.kind[row]) for row in present}):
        some = np.array([
            spot for row, spot in zip(present, spots, strict=True) if rows.kind[row] == kind
        ])  # fmt: skip
        ax.plot(
            *some.T, _SHAPES[kind % 4], color=_COLOURS[kinds[kind]], markeredgewidth=0,
            markersize=2 * 0.72 * min(max(radius, 1.4), 5.2),
        )  # fmt: skip


def _draw_lifelines(ax: Axes, log: Log, at: float) -> None:
    rows, kinds = log.rows, list(log.kinds.values())
    order = sorted(range(len(log.places)), key=lambda index: (log.places[index].row, index))
    y = {index: _HEAD + 32 + rank * _LIFELINE for rank, index in enumerate(order)}
    first, last = log.begin_s, log.end_s
    left, right = 110, _WIDTH - 24

    def x(time_s: float) -> float:
        return left + (right - left) * (time_s - first) / ((last - first) or 1)

    for index, place in enumerate(log.places):
        ax.plot((left, right), (y[index], y[index]), color=style.GHOST, linewidth=1)
        ax.text(left - 8, y[index], place.name, ha="right", va="center", fontsize=9, weight="bold")
    ends: dict[int, tuple[float, float]] = {}
    lost = np.flatnonzero((rows.act == ENDS) & (rows.place < 0))
    ended = dict(zip(rows.token[lost].tolist(), rows.time_s[lost].tolist(), strict=True))
    for i in np.flatnonzero(rows.time_s <= at):
        token, act, place_, start = (
            int(c[i]) for c in (rows.token, rows.act, rows.place, rows.start)
        )
        now = float(rows.time_s[i])
        color = _COLOURS[kinds[rows.kind[i]]]
        if token < 0:
            tone = style.VERMILION if act == WARNS else style.INK
            ax.plot(x(now), y[place_], "o", color=tone, markersize=5)
            ax.text(x(now) + 4, y[place_] - 4, log.words[rows.what[i]], fontsize=8, weight="bold",
                    color=tone)  # fmt: skip
        elif act == SETS_OUT:
            until = float(now + rows.lasts_s[i])
            over = ended.get(token, at)  # a lost one stays where it was lost
            share = min(1.0, (min(at, over) - now) / (until - now))
            tail = np.array((x(now), y[start]))
            whole = np.array((x(until), y[place_])) - tail
            tip = tail + share * whole
            ends[token] = (float(tip[0]), float(tip[1]))
            if share == 1:
                arrows(ax, [tail], [tip], head_pt=(6, 3), colors=[color], linewidths=1.5)
            else:
                ax.plot(*np.array((tail, tip)).T, color=color, linewidth=1.5)
            angle = -np.degrees(np.arctan2(whole[1], whole[0]))
            middle = tail + share * whole / 2
            ax.text(middle[0], middle[1], log.called(token), rotation=angle, fontsize=8,
                    color=color, rotation_mode="anchor", ha="center", va="bottom")  # fmt: skip
        elif rows.why[i]:
            where = ends[token] if place_ < 0 else (x(now), y[place_])
            ax.plot(*where, "x", color=style.VERMILION, markersize=8, markeredgewidth=2)
    ax.vlines(x(at), min(y.values()) - 24, max(y.values()) + 14, style.MUTED, ":", linewidth=0.8)


def _caption(place: Place, inside: int, sent: int) -> str:
    if place.kind == "queue":
        return f"{inside:,} waiting"
    if place.kind == "servers":
        if place.number > 1:
            return f"{inside:,} of {place.number:,} busy"
        return "busy" if inside else "idle"
    if place.kind == "sink":
        return f"{inside:,} so far"
    return f"{inside:,} here" if inside or place.kind == "store" else f"{sent:,} sent"


def _draw_curve(ax: Axes, curve: Curve, log: Log, at: float) -> None:
    past = curve.times_s <= at
    times = np.append(curve.times_s[past], at)
    values = curve.values[past]
    values = np.append(values, values[-1:]) if values.size else np.array([np.nan])
    ax.plot(times, values, drawstyle="steps-post", **style.SIMULATION)
    high = max(float(curve.values.max()), curve.level or 0.0)
    low = min(float(curve.values.min()), 0.0)
    if curve.level is not None:
        ax.axhline(curve.level, **style.THEORY)
        style.label(ax, log.end_s, curve.level, f"{curve.level_words}", style.INK,
                    ha="right", va="bottom", xytext=(0, 1))  # fmt: skip
    ax.axvline(at, color=style.MUTED, linewidth=0.8)
    ax.set_xlim(log.begin_s, max(log.end_s, log.begin_s + 1e-9))
    ax.set_ylim(low and -headroom(-low, 1e-9), headroom(high, 1e-9) if high > 0 else 1.0)
    unit = f" ({curve.unit})" if curve.unit else ""
    ax.set_title(f"{curve.name}{unit}", fontsize=9, pad=3)
    ax.set_yticks([0, ax.get_ylim()[1]])
    ax.set_xticks([])
    ax.tick_params(labelsize=8)
