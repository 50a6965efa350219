"""Writes that lose to an earlier one: the normal law, the two stamps, the edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import last_writer
from helpers.consistency.last_writer import CLOCK, GAPS_MS, MANY, PAIRS, READ_FIRST
from helpers.foundations.drawing import style
from helpers.foundations.prose import rounded, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_share,
    assert_summary,
    caught,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.consistency.last_writer:two_writes"
SETTINGS = [
    {},
    {"skew_ms": 200.0, "replicas": 2},
    {"gap_ms": 0.0, "replicas": 7},
    {"stamp": READ_FIRST},
    {"stamp": READ_FIRST, "delay_ms": 120.0, "gap_ms": 60.0},
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_losses_follow_the_normal_law(setting):
    run = last_writer.simulate(**setting)
    for lost, expected in zip(run.lost, last_writer.theory(run.at, GAPS_MS), strict=False):
        assert_share(int(lost), MANY, float(expected))
    assert_share(int(run.lost[-1]), MANY, run.expected)


def test_a_law_that_forgets_that_two_clocks_are_wrong_is_noticed():
    run = last_writer.simulate()
    one_clock = last_writer.theory(run.at.but(skew_ms=run.at.skew_ms / np.sqrt(2)), GAPS_MS)
    caught(assert_share, int(run.lost[8]), MANY, float(one_clock[8]))
    all_differ = 1.5 * run.expected  # as if no two writes met at one replica
    caught(assert_share, int(run.lost[-1]), MANY, all_differ)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_model_is_the_simulation(setting):
    lost = runs_of(last_writer.two_writes, last_writer.Setting, 8, **setting)["lost"]
    expected = last_writer.theory(last_writer.Setting(**setting), np.array([
        last_writer.Setting(**setting).gap_ms]))[0]  # fmt: skip
    assert_share(round(lost * 8 * PAIRS), 8 * PAIRS, float(expected))


def test_who_reads_first_loses_nothing_that_has_arrived():
    for skew in (30.0, 1_000.0):
        run = last_writer.simulate(stamp=READ_FIRST, skew_ms=skew, gap_ms=40.0, delay_ms=40.0)
        assert run.lost[-1] == 0
        assert run.expected == 0.0
        late = last_writer.simulate(stamp=READ_FIRST, skew_ms=skew, gap_ms=39.0, delay_ms=40.0)
        assert late.lost[-1] > 0


def test_the_edits():
    def lost(model, **setting):
        return runs_of(model, last_writer.Setting, 8, **setting)["lost"]

    first = edited(MODEL, "kept = max(old, new)", "kept = min(old, new)")
    assert lost(first) == pytest.approx(1 - 0.115, abs=0.02)
    ahead = edited(MODEL, "range(at.replicas)]\n", "range(at.replicas)]\n        off[0] += 1_000\n")
    assert lost(last_writer.two_writes, gap_ms=200.0) < 0.001
    assert lost(ahead, gap_ms=200.0) == pytest.approx(2 / 9, abs=0.02)


@pytest.mark.parametrize("setting", [*SETTINGS, {"skew_ms": 0.0}, {"gap_ms": 200.0}])
def test_the_page(setting):
    run = last_writer.simulate(**setting)
    said = run.reading
    assert f"{int(run.lost[-1]):,} w" in said
    if run.lost[-1]:
        for value in (run.share.estimate, run.share.low, run.share.high, run.expected):
            assert significant(100 * value) in said
        assert f"theory {significant(100 * run.expected)} %" in said
        assert f"{significant(100 * run.share.low)} to {significant(100 * run.share.high)}" in said
    assert_columns(
        run,
        later_by=GAPS_MS,
        lost=100 * run.lost[:-1] / MANY,
        theory=100 * last_writer.theory(run.at, GAPS_MS),
    )
    assert_summary(
        run,
        {
            "lost": int(run.lost[-1]),
            "of": MANY,
            "lost_percent": rounded(100 * run.share.estimate),
            "theory_percent": rounded(100 * run.expected),
        },
    )
    (ax,) = drawn_by(last_writer, run, mine={"lost": 0.3})
    dots = drawn.curve(ax, color=style.BLUE, marker="o")
    np.testing.assert_allclose(dots, np.column_stack([GAPS_MS, run.lost[:-1] / MANY]))
    line = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(line[:, 1], last_writer.theory(run.at, line[:, 0]))
    np.testing.assert_allclose(diamonds(ax), [[run.at.gap_ms, 0.3]])
    assert drawn.here(ax) == run.at.gap_ms
    assert bool(drawn.lines(ax, color=style.ORANGE)) == (run.at.stamp == READ_FIRST)
    assert_legible(ax)


def test_the_declared_stamps_are_two():
    assert last_writer.STAMPS == (CLOCK, READ_FIRST)
