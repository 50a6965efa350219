"""Real workers that are shot, from a line and in a process pool: what is lost, and the page."""

from __future__ import annotations

from helpers.foundations.drawing import style
from helpers.messaging import real_fan_out
from tests import drawn
from tests.checks import assert_columns, assert_legible, drawn_by


def test_real_workers_that_are_shot(tidy):
    run = real_fan_out.measure(chunks=12, workers=3, chunk_ms=20.0, kills=3)
    assert run.same == (True, True)
    assert run.killed == run.broken == 3
    # From a line a death costs its own chunk; a pool takes along what else is under way.
    assert run.lost[0] == 3
    assert 3 <= run.lost[1] <= 3 * 3
    assert run.verdict == "both joined results are the same as without deaths"


def test_without_a_death_nothing_is_lost(tidy):
    run = real_fan_out.measure(chunks=5, workers=2, chunk_ms=5.0, kills=0)
    assert (run.lost, run.broken, run.same) == ((0, 0), 0, (True, True))


def test_more_kills_than_chunks(tidy):
    run = real_fan_out.measure(chunks=2, workers=2, chunk_ms=5.0, kills=9)
    assert run.killed == run.broken == 2
    assert run.same == (True, True)


def shown(same=(True, True), begun=(29, 44)):
    return real_fan_out.MeasuredFanOut(real_fan_out.Trial(), 5, begun, same, 5)


def test_the_page():
    run = shown()
    assert "24 chunks, 5 workers killed at work" in run.reading
    assert "begin 29 pieces of work, and 5 of them are lost" in run.reading
    assert "broken 5 times; its workers begin 44, and 20 are lost" in run.reading
    assert "1 of them is lost" in shown(begun=(25, 26)).reading
    wrong = shown(same=(True, False))
    assert "the joined result of a process pool is NOT the same" in wrong.reading
    assert_columns(
        run, handed=real_fan_out.HANDS, chunks=[24, 24], begun=[29, 44], lost=[5, 20],
        same=[True, True],
    )  # fmt: skip
    (ax,) = drawn_by(real_fan_out.plot_measured, run)
    assert drawn.bars(ax, facecolor=style.BLUE).lengths.tolist() == [24, 24]
    assert drawn.bars(ax, facecolor=style.VERMILION).lengths.tolist() == [5, 20]
    assert_legible(ax)
