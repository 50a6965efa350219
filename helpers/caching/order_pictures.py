"""Orders of two clients' steps as pictures: one as a sequence diagram, many as rows of steps."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba

from helpers.caching.step_orders import INITIAL, Event, Order
from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import arrows, round_boxes
from helpers.foundations.drawing.words import words

_COLORS = {"A": style.BLUE, "B": style.PURPLE}
_LANES = {"A": 0.0, "cache": 1.0, "database": 2.0, "B": 3.0}
_NAMES = {"A": "client A", "cache": "cache", "database": "database", "B": "client B"}

#: Orders in the picture.
LISTED = 16


def draw_sequence(order: Order, warm: bool, ax: Axes) -> None:
    """Draw an order, or the beginning of one, as messages from client to cache and database."""
    events, rows = order.events, _rows(order)
    ax.set_xlim(-0.4, 3.4)
    ax.set_ylim(rows + 1.5, -max(0.9, 0.3 + 0.06 * rows))  # room for the names of the lanes
    ax.set_axis_off()
    lanes = [[(x, 0), (x, rows + 0.7)] for x in _LANES.values()]
    ax.add_collection(LineCollection(lanes, colors=style.FAINT, linewidths=6), autolim=False)
    inks = [_COLORS.get(name, style.INK) for name in _LANES]
    names = [_NAMES[name] for name in _LANES]
    words(ax, [(x, -0.25) for x in _LANES.values()], names, color=inks, fontsize=10, weight="bold",
          va="bottom")  # fmt: skip
    _draw_messages(ax, [(y, event) for y, event in enumerate(events, 1) if event.target != "lock"])
    _draw_locks(ax, [(y, event) for y, event in enumerate(events, 1) if event.target == "lock"])
    cached, stored = (INITIAL if warm else None), INITIAL
    states: list[tuple[str, float, str | None]] = [
        ("cache", 0.25, cached),
        ("database", 0.25, stored),
    ]
    for row, event in enumerate(events, start=1):
        if event.cached != cached:
            states.append(("cache", row + 0.42, event.cached))
        if event.stored != stored:
            states.append(("database", row + 0.42, event.stored))
        cached, stored = event.cached, event.stored
    _draw_states(ax, states)


def _rows(order: Order) -> int:
    return max(len(order.events), 6)


def draw_verdict(order: Order, ax: Axes) -> None:
    """Write below an order what cache and database have in the end."""
    cached, stored = order.events[-1].cached, order.events[-1].stored
    if order.stale:
        verdict, color = f"the cache keeps {cached}, the database has {stored}", style.VERMILION
    else:
        held = f"holds {cached}, as the database does" if cached else "is empty"
        verdict, color = f"the cache {held}", style.GREEN
    ax.text(1.5, _rows(order) + 1.05, verdict, ha="center", va="center", color=color,
            weight="bold")  # fmt: skip


def _draw_messages(ax: Axes, rows: Sequence[tuple[int, Event]]) -> None:
    colors = [_COLORS[event.client] for _, event in rows]
    arrows(
        ax,
        [(_LANES[event.client], y) for y, event in rows],
        [(_LANES[event.target], y) for y, event in rows],
        head_pt=(8, 3.5),
        colors=colors,
        linewidths=1.6,
        linestyles=[":" if event.detail.endswith("refused") else "-" for _, event in rows],
        zorder=2,
    )
    places, said = [], []
    for y, event in rows:
        # Between the client and the first lane on its way, clear of what is stored there.
        nearest = _LANES["cache"] if event.client == "A" else _LANES["database"]
        places.append((0.6 * _LANES[event.client] + 0.4 * nearest, y - 0.12))
        colon = ":" if event.action in ("get", "get or lease", "read") else ""
        text = f"{event.action}{colon} {event.detail}".strip()
        text = text.replace("get or lease: miss, ", "get: ")  # a lease says that it missed
        said.append(text.replace("delete and revoke", "delete, revoke"))
    words(ax, places, said, color=colors, fontsize=8.5, va="bottom")


def _draw_locks(ax: Axes, rows: Sequence[tuple[int, Event]]) -> None:
    for client, side, ha in (("A", -1, "right"), ("B", 1, "left")):  # clear of the messages
        own = [(y, event) for y, event in rows if event.client == client]
        x, color = _LANES[client], _COLORS[client]
        ax.plot([x] * len(own), [y for y, _ in own], "s", color=color, markersize=7)
        texts = ["lock" if event.action == "acquire" else "unlock" for _, event in own]
        words(ax, [(x + 0.07 * side, y) for y, _ in own], texts, color=color, fontsize=8.5, ha=ha)


def _draw_states(ax: Axes, states: Sequence[tuple[str, float, str | None]]) -> None:
    for empty, width, fill in ((True, 0.42, "white"), (False, 0.2, "#fff3c4")):
        places = [(_LANES[lane], y) for lane, y, value in states if (value is None) == empty]
        round_boxes(ax, places, width, 0.46, (0.025, 0.08), facecolors=fill,
                    edgecolors=style.MUTED, linewidths=0.8, zorder=3)  # fmt: skip
    places = [(_LANES[lane], y) for lane, y, _ in states]
    words(ax, places, [value or "empty" for _, _, value in states], fontsize=8.5, zorder=4)


def draw_list(orders: Sequence[Order], ax: Axes) -> float:
    """Draw a row for each order, at most :data:`LISTED`; return where verdicts have ended."""
    listed = orders[:LISTED]
    longest = max(len(each.events) for each in listed)
    height = max(len(listed), 10)
    small = 9 if height <= 12 else 8
    squares, colors = [], []
    letters: dict[str, list[tuple[float, float]]] = {"A": [], "B": []}
    verdicts: dict[bool, list[tuple[tuple[float, float], str]]] = {True: [], False: []}
    for row, each in enumerate(listed):
        for column, client in enumerate(each.letters):
            x, y = column + 0.06, row + 0.1
            squares.append([(x, y), (x + 0.88, y), (x + 0.88, y + 0.8), (x, y + 0.8)])
            colors.append(to_rgba(_COLORS[client], 0.25 if client == "A" else 0.4))
            letters[client].append((column + 0.5, row + 0.5))
        place = (longest + 0.3, row + 0.53)
        verdicts[each.verdict != "fine"].append((place, each.verdict))
    for loud, written in verdicts.items():
        places, texts = zip(*written, strict=True) if written else ((), ())
        words(
            ax, places, texts, fontsize=small, ha="left", weight="bold" if loud else "normal",
            color=[style.VERMILION if text == "stale" else style.GREEN for text in texts],
        )  # fmt: skip
    ax.add_collection(PolyCollection(squares, facecolors=colors, linewidths=0), autolim=False)
    for client, where in letters.items():  # as markers: an artist for each would take long
        ax.plot(
            [x for x, _ in where],
            [y for _, y in where],
            linestyle="none",
            marker=f"${client}$",
            markersize=0.62 * small,
            color=style.INK,
            markeredgewidth=0,
        )
    frame = [[(-0.05, 0), (longest, 0)], [(-0.05, 1), (longest, 1)]]
    ax.add_collection(LineCollection(frame, colors=style.INK, linewidths=1.2))
    more = len(orders) - len(listed)
    if more > 0:
        ax.text(0, height + 1.0, f"and {more} more", color=style.MUTED, fontsize=9)
    ax.set_xlim(-0.1, max(longest, 6) + 2.6)
    ax.set_ylim(height + 1.6, -0.4)
    ax.set_axis_off()
    return longest + 2.3
