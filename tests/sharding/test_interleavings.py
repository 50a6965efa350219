"""Every order of the steps: counted another way, and shown as it ended."""

from __future__ import annotations

from itertools import permutations

import pytest
from matplotlib.colors import to_hex

from helpers.foundations.drawing import style
from helpers.foundations.drawing.words import Words
from helpers.sharding import interleavings
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns

BAD_ORDER = {
    # m and c are the positions of the mover's and the client's steps.
    "copy, then switch": lambda m, c: c[0] < m[2] and c[1] > m[0],
    "dual write": lambda m, c: m[0] < c[0] and c[1] < m[1],
    "copy, replay, switch": lambda m, c: c[0] < m[3] and c[1] > m[2],
}


@pytest.mark.parametrize("protocol", BAD_ORDER)
@pytest.mark.parametrize("operation", interleavings.OPERATIONS)
def test_losses_equal_a_count_by_the_order_of_events(protocol: str, operation: str) -> None:
    run = interleavings.simulate(protocol=protocol, operation=operation)
    movers = sum(actor == "mover" for actor, _ in run.orders[0])
    steps = [("m", k) for k in range(movers)] + [("c", 0), ("c", 1)]
    bad = every = 0
    for order in permutations(steps):
        at = {step: position for position, step in enumerate(order)}
        m, c = [at["m", k] for k in range(movers)], [at["c", 0], at["c", 1]]
        if m == sorted(m) and c == sorted(c):
            every += 1
            bad += BAD_ORDER[protocol](m, c)
    assert (len(run.lost), sum(run.lost)) == (every, bad)
    assert bad > 0


@pytest.mark.parametrize(
    ("protocol", "update", "delete"),
    [
        ("dual write, newest wins", 0, 1),  # the deleted row comes back
        ("dual write, newest wins, tombstones", 0, 0),
        ("copy, fence, replay, switch", 0, 0),
    ],
)
def test_safe_protocols_have_no_bad_order(protocol: str, update: int, delete: int) -> None:
    for operation, bad in (("update", update), ("delete", delete)):
        run = interleavings.simulate(protocol=protocol, operation=operation)
        assert sum(run.lost) == bad


def test_a_refused_write_is_not_an_order() -> None:
    run = interleavings.simulate(protocol="copy, fence, replay, switch")
    assert len(run.lost) < len(interleavings.simulate(protocol="copy, replay, switch").lost) + 6
    for order in run.orders:
        steps = [f"{actor}: {step}" for actor, step in order]
        looked, wrote = steps.index("client: look up"), steps.index("client: write")
        fenced, switched = steps.index("mover: fence old"), steps.index("mover: switch")
        assert wrote < fenced or wrote > switched
        assert looked < wrote


@pytest.mark.parametrize("operation", interleavings.OPERATIONS)
@pytest.mark.parametrize("protocol", interleavings.PROTOCOLS)
def test_what_the_learner_sees_is_the_result(protocol: str, operation: str) -> None:
    run = interleavings.simulate(protocol=protocol, operation=operation)
    bad, every = sum(run.lost), len(run.lost)
    (ax,) = drawn_by(interleavings, run)
    steps, ends = [each for each in ax.artists if isinstance(each, Words)]
    order = sorted(range(every), key=lambda k: not run.lost[k])
    cells = [step for k in order for step in run.orders[k]]
    assert [text.replace("\n", " ") for text in steps.texts] == [s for _, s in cells]
    (boxes,) = [each for each in ax.collections if each.get_gid() == "boxes"]
    actor = {"mover": style.BLUE, "client": style.ORANGE}
    assert [to_hex(c) for c in boxes.get_facecolors()] == [actor[a].lower() for a, _ in cells]
    words = list(ends.texts)
    assert words == ["✗\nlost"] * bad + ["✓\nkept"] * (every - bad)
    assert [text.get_text() for text in ax.texts] == ["■ mover", "■ client"]
    what = "the update" if operation == "update" else "the deletion"
    assert what in run.reading
    if bad:
        assert_tells(run.reading, f"{bad} of the {every} possible orders lose")
        assert ("loses" in run.reading) == (bad == 1)
    else:
        assert_tells(run.reading, f"None of the {every} possible")
    assert run.summary == {"orders": every, "orders_that_lose": bad}
    assert drawn.title(ax) == "Every way the steps can interleave"
    told = [" → ".join(f"{who}: {step}" for who, step in each) for each in run.orders]
    assert_columns(run, told, [float(lost) for lost in run.lost])
