"""The lost ring: how often the answer overtakes, what the clocks cost, one story, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import lost_ring
from helpers.consistency.lost_ring import PAUSES, STORIES
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_share, caught, drawn_by

SETTINGS = [{}, {"thinks_ms": 0.0}, {"thinks_ms": 400.0}, {"delay_ms": 300.0, "thinks_ms": 10.0}]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_quarter_falls_with_the_thinking(setting):
    run = lost_ring.simulate(**setting)
    expected = lost_ring.theory(run.at, PAUSES * run.at.delay_ms).puzzled
    for count, share in zip(run.puzzled, expected, strict=False):
        assert_share(int(count), STORIES, float(share))
    assert_share(int(run.puzzled[-1]), STORIES,
                 float(lost_ring.theory(run.at, run.at.thinks_ms).puzzled))  # fmt: skip
    caught(assert_share, int(run.puzzled[0]), STORIES, 1.2 * float(expected[0]))


@pytest.mark.parametrize("setting", SETTINGS)
def test_clocks_leave_nobody_puzzled_and_hold_back_by_a_delay(setting):
    run = lost_ring.simulate(vector_clocks=True, **setting)
    assert not run.puzzled.any()
    exact = lost_ring.theory(run.at, run.at.thinks_ms)
    assert exact.puzzled == 0
    error = run.waits_ms.std(ddof=1) / np.sqrt(STORIES)
    assert abs(run.waits_ms.mean() - exact.waits_ms) < 4.5 * error + 1e-9
    plain = lost_ring.simulate(**setting)
    assert int((run.waits_ms > 0).sum()) == plain.puzzled[-1]  # held is what would have puzzled
    assert not plain.waits_ms.any()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("thinks_ms", [0.0, 50.0, 150.0])
def test_the_replay_tells_one_story(thinks_ms, seed):
    for on in (False, True):
        log = lost_ring.watch(vector_clocks=on, thinks_ms=thinks_ms, seed=seed)
        told = [log.told(row) for row in range(len(log.rows))]
        assert ("Carol: puzzled" in told) == (not on)
        found = next(i for i, one in enumerate(told) if one == "found to Carol is shown to Carol")
        glad = next(i for i, one in enumerate(told)
                    if one.startswith("glad to Carol is shown to Carol"))  # fmt: skip
        assert (glad > found) == on
        lost = told.index("lost to Carol is shown to Carol")
        assert lost < min(found, glad)
        assert any("waits for what it answers" in one for one in told) == on


@pytest.mark.parametrize("setting", [*SETTINGS, {"vector_clocks": True}])
def test_the_page(setting):
    run = lost_ring.simulate(**setting)
    exact = lost_ring.theory(run.at, run.at.thinks_ms)
    if run.at.vector_clocks:
        assert run.reading.startswith("In none of 10,000 stories")
        assert duration(round(run.wait.estimate / 1e3, 7)) in run.reading
        assert duration(float(exact.waits_ms) / 1e3) in run.reading
    else:
        assert run.reading.startswith(f"In {int(run.puzzled[-1]):,} of 10,000 stories")
        assert f"{significant(100 * run.share.estimate)} %, theory" in run.reading
        assert f"theory {significant(100 * float(exact.puzzled))} %" in run.reading
    pauses = PAUSES * run.at.delay_ms
    assert_columns(
        run,
        Bob_thinks=pauses,
        puzzled=100 * run.puzzled[:-1] / STORIES,
        theory=100 * lost_ring.theory(run.at, pauses).puzzled,
    )
    (ax,) = drawn_by(lost_ring, run)
    dots = drawn.curve(ax, color=style.BLUE, marker="o")
    np.testing.assert_allclose(dots, np.column_stack([pauses, run.puzzled[:-1] / STORIES]))
    line = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(line[:, 1], lost_ring.theory(run.at, line[:, 0]).puzzled)
    assert drawn.here(ax) == run.at.thinks_ms
    assert_legible(ax)
