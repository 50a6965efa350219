"""What was learned is what the journal holds; the score's parts are those of the closed forms."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from helpers.explore import learning
from helpers.explore.canvas import Canvas
from helpers.explore.journal import Journal
from helpers.explore.learning import Learning, plot_learning, score_learning
from helpers.explore.view import Plot
from helpers.foundations.statistics.estimates import wilson_interval
from tests.drawn import text_faults, written

SEEDS = 3000
GROUPS = np.array([0.5, 0.7, 0.9])
SIZE = 12  # predictions of each group


def of(stated: Sequence[float] | np.ndarray, right: Sequence[float] | np.ndarray) -> Learning:
    chapters = tuple("02" for _ in stated)
    nothing = np.empty(0)
    return Learning(np.array(stated, float), np.array(right, float), chapters, nothing, nothing, ())


def changes(learned: int, forgotten: int, kept: int = 0) -> Learning:
    before = np.repeat([0.0, 1.0, 1.0], [learned, forgotten, kept])
    after = np.repeat([1.0, 0.0, 1.0], [learned, forgotten, kept])
    return Learning(np.empty(0), np.empty(0), (), before, after, ("02",) * before.size)


# --- the parts of the score, against closed forms -------------------------------------------------


def seeds_of(true: np.ndarray) -> list[Learning]:
    """Forecasters who say each of the groups as often, and are right with the chance `true`."""
    rng = np.random.default_rng(95)
    stated = np.repeat(GROUPS, SIZE)
    chance = np.repeat(true, SIZE)
    return [of(stated, rng.random(stated.size) < chance) for _ in range(SEEDS)]


@pytest.mark.parametrize("true", [GROUPS, np.array([0.3, 0.6, 0.6]), np.array([0.9, 0.5, 0.9])])
def test_the_parts_have_the_means_that_theory_says(true: np.ndarray) -> None:
    """Murphy's parts, with what few predictions add to them (Bröcker 2012).

    Each mean over 3,000 seeds lies within 4.5 standard errors: one false alarm in 150,000.
    """
    runs = [run.parts for run in seeds_of(true)]
    n = SIZE * GROUPS.size
    base, noise = true.mean(), (true * (1 - true)).sum()
    spread = SIZE * noise / n**2  # variance of the share right
    expected = {
        "brier": (GROUPS**2 - 2 * GROUPS * true + true).mean(),
        "reliability": ((GROUPS - true) ** 2).mean() + noise / n,
        "resolution": ((true - base) ** 2).mean() + noise / n - spread,
        "uncertainty": base * (1 - base) - spread,
    }
    for name, value in expected.items():
        got = np.array([run[name] for run in runs])
        assert abs(got.mean() - value) < 4.5 * got.std() / SEEDS**0.5, name


def test_chance_alone_makes_a_reliability_of_this_size() -> None:
    runs = seeds_of(GROUPS)
    got = np.array([run.parts["reliability"] for run in runs])
    (by_chance,) = {run.reliability_by_chance for run in runs}
    assert by_chance == pytest.approx((0.25 + 0.21 + 0.09) / 36)
    assert abs(got.mean() - by_chance) < 4.5 * got.std() / SEEDS**0.5


def test_a_wrong_sign_would_show() -> None:
    run = seeds_of(np.array([0.3, 0.6, 0.6]))[0]
    parts = run.parts
    assert parts["brier"] == pytest.approx(
        parts["uncertainty"] - parts["resolution"] + parts["reliability"]
    )
    assert parts["brier"] != pytest.approx(
        parts["uncertainty"] + parts["resolution"] - parts["reliability"]
    )
    assert parts["brier"] == pytest.approx(((run.stated - run.right) ** 2).mean())


def test_the_curve_has_wilsons_intervals() -> None:
    run = of([0.7] * 10 + [0.9] * 4, [1] * 6 + [0] * 4 + [1] * 4)
    ends = [wilson_interval(6, 10), wilson_interval(4, 4)]
    np.testing.assert_allclose(
        run.curve, [(0.7, 0.6, ends[0].low, ends[0].high), (0.9, 1.0, ends[1].low, ends[1].high)]
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Wilson's interval is near 95 % on average over the chances, and not exact at each."""
    held = []
    rng = np.random.default_rng(7)
    for chance in np.linspace(0.2, 0.9, 15):
        for came in rng.binomial(20, chance, 300):
            ends = wilson_interval(int(came), 20)
            held.append(ends.low <= chance <= ends.high)
    assert 0.93 < np.mean(held) < 0.97


# --- what stayed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("learned", range(6))
@pytest.mark.parametrize("forgotten", range(6))
def test_the_sign_test_is_the_share_of_all_outcomes(learned: int, forgotten: int) -> None:
    """Of all ways in which coins can fall, those at least as uneven."""
    coins = list(itertools.product((0, 1), repeat=learned + forgotten))
    uneven = [abs(2 * sum(one) - len(one)) >= abs(learned - forgotten) for one in coins]
    assert changes(learned, forgotten).by_chance == pytest.approx(np.mean(uneven))


def test_what_is_more_than_chance_is_said() -> None:
    assert "6 learned and 0 forgotten, more than chance would do." in changes(6, 0, 3).reading
    assert "5 learned and 0 forgotten, no more than chance might do." in changes(5, 0).reading
    assert "0 learned and 0 forgotten, no more than chance might do." in changes(0, 0, 1).reading
    assert "1 question answered again" in changes(1, 0).reading
    assert "No question was answered again" in of([0.5], [1]).reading
    assert "No predictions yet" in changes(2, 1).reading


def entry(kind: str, key: str, day: int, right: bool, **more: object) -> dict[str, object]:
    at = datetime.datetime(2026, 6, day, 9, tzinfo=datetime.UTC).isoformat()
    return {"kind": kind, "key": key, "at": at, "right": right, **more}


def test_only_first_guesses_and_later_days_count() -> None:
    kept = (
        entry("prediction", "02-knee", 1, False, confidence=0.9),
        entry("prediction", "02-knee", 1, True, confidence=0.9),  # the same day: practice
        entry("prediction", "02-law", 1, False, confidence=0.7),
        entry("prediction", "02-law", 2, False, confidence=0.7),
        entry("prediction", "02-law", 5, True, confidence=0.7),
        entry("prediction", "04-seen", 1, True, confidence=0.99, seen_before=True),
        entry("prediction", "04-seen", 3, True, confidence=0.99),
        entry("quiz", "04-shape", 1, True),
        entry("quiz", "04-shape", 2, False),
        entry("found", "04-storm", 1, True),
        entry("quiz", "05-torn", 1, False) | {"at": "yesterday"},
    )
    run = score_learning(Journal(kept, ()))
    assert run.stated.tolist() == [0.9, 0.7]
    assert run.right.tolist() == [0, 0]
    assert run.chapter == ("02", "02")
    assert (run.before.tolist(), run.after.tolist()) == ([0, 1], [1, 0])
    assert run.again == ("02", "04")
    assert (run.learned, run.forgotten) == (1, 1)
    table = run.table()
    assert list(table.index) == ["02", "04", "all"]
    assert table.loc["02", "predictions"] == 2
    assert table.loc["02", "Brier score"] == pytest.approx((0.81 + 0.49) / 2)
    assert np.isnan(table.loc["04", "Brier score"])
    assert table.loc["all", "asked again"] == 2
    assert table.loc["02", "right at last (%)"] == 100
    assert table.loc["04", "right at last (%)"] == 0


def test_the_sentence_says_the_numbers_of_the_result() -> None:
    run = of([0.9, 0.9, 0.5, 0.5], [1, 0, 1, 0])
    assert run.reading.startswith(
        "4 predictions. Brier score 0.33 = uncertainty 0.25 - resolution 0 + reliability 0.08, "
        "where chance alone makes a reliability of 0.085."
    )
    assert run.summary["brier"] == pytest.approx(0.33)


# --- the picture ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        of([], []),
        of([0.5], [1]),
        of([0.99] * 3, [0] * 3),
        of([0.5, 0.7, 0.8, 0.9, 0.99] * 6, [1, 0, 1] * 10),
        changes(3, 1, 2),
    ],
    ids=["nothing", "one", "sure and wrong", "many", "reviews alone"],
)
def test_the_picture_is_the_result_at_its_corners(run: Learning) -> None:
    canvas = Canvas(Plot(plot_learning))
    canvas.draw((run,), ())
    assert text_faults(canvas.figure) == []
    curve, parts, stayed = canvas.axes
    dots = [line for line in curve.get_lines() if line.get_marker() == "o"]
    if run.stated.size:
        (line,) = dots
        np.testing.assert_allclose(np.array(line.get_data()), 100 * run.curve[:, :2].T)
        found = [patch.get_path().get_extents() for patch in parts.patches]
        known = run.parts["uncertainty"] - run.parts["resolution"]
        ends = [(box.x0, box.x1) for box in found]
        expected = [
            (0, run.parts["uncertainty"]),
            (known, run.parts["uncertainty"]),
            (known, run.parts["brier"]),
            (0, run.parts["brier"]),
        ]
        np.testing.assert_allclose(ends, expected, atol=1e-12)
        assert parts.get_xlim()[1] > run.parts["brier"]
    else:
        assert dots == []
        assert "no predictions yet" in written(curve)
        assert "no predictions yet" in written(parts)
    points = [line for line in stayed.get_lines() if line.get_marker() == "o"]
    if run.before.size:
        (line,) = points
        expected = [100 * run.before.mean(), 100 * run.after.mean()]
        np.testing.assert_allclose(line.get_ydata(), expected)
    else:
        assert points == []
        assert "no reviews yet" in written(stayed)


def test_it_is_shown_with_all_of_its_faces(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path))
    shown: list[dict[str, object]] = []
    monkeypatch.setattr(
        "helpers.explore.view.display", lambda data, raw, metadata=None: shown.append(data)
    )
    learning()._ipython_display_()
    assert "image/png" in shown[0]
    assert "No predictions yet" in str(shown[0]["text/plain"])
