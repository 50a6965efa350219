"""Numbers on the first page and in its answer: each is worked out here, and found in the text."""

from __future__ import annotations

import pytest

from helpers.authoring import hours
from helpers.explore import review
from helpers.foundations.statistics.forecasts import brier_parts
from helpers.scaling import knee
from helpers.welcome import questions
from tests.prose import Prose, spelled

PROSE = Prose("00", questions)
said, given, universal = PROSE.computed, PROSE.given, PROSE.universal
shown = PROSE.shown


def test_the_first_experiment() -> None:
    given("needs 20 ms of work for each request", "busy 90 % of the time", why="the example")
    before, after = (knee.theory(knee.Setting(utilisation=u)).mean_s for u in (0.5, 0.9))
    work_s = 1e-3 * knee.Setting().service_ms
    waits = 1e3 * (before - work_s), 1e3 * (after - work_s)
    said(
        f"busy half of the time, an average request takes {1e3 * before:.0f} ms: "
        f"{1e3 * work_s:.0f} ms of work, and {waits[0]:.0f} ms of waiting"
    )
    assert 0.9 / 0.5 < 2
    said("That is less than twice as busy")
    assert knee.Setting().replications * knee._REQUESTS_ONE_SERVER > 2_000
    said("Every dot is a simulation of thousands of requests")
    said(f"From half busy to nine tenths busy the time in line goes from {waits[0]:.0f} ms to")
    said(f"to {waits[1]:.0f} ms: {spelled(round(waits[1] / waits[0]))} times as long")
    said(f"the other {waits[1]:.0f} ms are spent in line", f"Where do those {waits[1]:.0f} ms come")
    said(f"The work is still {1e3 * work_s:.0f} ms")
    assert pytest.approx(0.1) == 1 - 0.9
    said("still has a tenth of its time to spare")


def test_words() -> None:
    given("**99th percentile** | the time that one request in a hundred", why="what it means")
    interval = knee.simulate(utilisation=0.5).here_mean
    said(f"**{100 * interval.confidence:.0f} % interval**")
    said(f"of twenty such intervals, about {spelled(round(20 * interval.confidence))} hold")
    given("$o$ is 1 if you were right and 0 if not: 0 is perfect", why="a definition")
    said(f"always saying 50 % earns {brier_parts([0.5, 0.5], [1, 0])['brier']}")


def test_see_it_happen() -> None:
    assert knee._WATCHED * 1e-3 * knee.Setting().service_ms == pytest.approx(6)
    given("At 50 % a line", "at 90 % one that has formed", why="settings of the slider")
    universal(
        "Nothing in a replay is made up: it plays the simulation's own list of events",
        why="the log is what the engine computed; its totals are tested against theory",
    )
    universal("nobody but you will see it", why="the journal is a file on this machine")


def test_the_map() -> None:
    chapters, labs = hours.in_all()
    said(f"All chapters take about {chapters} hours, and all labs another {labs}")


def test_what_is_due() -> None:
    first, *later = review.DAYS
    assert first == 1
    said("after {}, {} and {} days".format(*later))


def test_the_words() -> None:
    given("**M/M/1**", why="a name")
    given(
        "**99th percentile**",
        "that one request in a hundred exceeds",
        why="what the 99th percentile means",
    )
    given(
        "**95 % interval**",
        "of twenty such intervals, about nineteen hold the true value",
        why="what 95 % means",
    )
    given("$o$ is 1 if you were right and 0 if not", why="what the symbol means")
    assert brier_parts([1, 0, 1], [1, 0, 1])["brier"] == 0
    always_half = brier_parts([0.5] * 4, [1, 0, 0, 1])["brier"]
    said(f"0 is perfect, and always saying 50 % earns {always_half:g}")


test_every_number_is_held = PROSE.completeness(globals())
