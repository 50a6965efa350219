"""Health checks: the burst, the death that is followed, the open model's edits, what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import health_check
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import t_quantile
from tests import drawn
from tests.checks import assert_bars, assert_summary, axes_of
from tests.models import edited

MODEL = "helpers.anatomy.health_check:one_death"


# --- the open model and its edits -----------------------------------------------------------------


def deaths(model, runs: int = 12, **setting) -> tuple[float, float]:
    """Share of the last half minute's requests that fail, and the burst; means of some deaths."""
    at = health_check.Setting(**setting)
    draw, failed, burst = Draws(at.seed), [], []
    for _ in range(runs):
        course = model(at, draw)
        bad = (course["refused_rps"] + course["lost_rps"])[-120:].sum()
        failed.append(bad / (bad + course["answered_rps"][-120:].sum()))
        burst.append(course["refused_rps"].sum() / 4)
    return float(np.mean(failed)), float(np.mean(burst))


CASCADE = {"utilisation": 0.8, "check": "deep"}


def test_the_untouched_model_falls_into_the_cascade() -> None:
    deep, _ = deaths(health_check.one_death, **CASCADE)
    shallow, burst = deaths(health_check.one_death, 60, utilisation=0.8)
    assert deep > 1.7 * shallow
    assert shallow == pytest.approx(1 / 6, abs=0.02)  # two can do 200 of 240
    # Sixty phases of five seconds: the mean is good to 4 % of one interval's 400, three times over.
    assert burst == pytest.approx(
        health_check.theory(health_check.Setting(**CASCADE)).errors, rel=0.1
    )


@pytest.mark.parametrize(
    "change",
    [
        ("elif bad[i] == at.threshold:",
         "elif bad[i] == at.threshold and len(serving) == at.servers:"),
        ("min(work, 200)", "min(work, 50)"),
    ],
    ids=["never more than one", "a shorter queue"],
)  # fmt: skip
def test_two_changes_that_end_the_cascade(change: tuple[str, str]) -> None:
    failed, burst = deaths(edited(MODEL, *change), **CASCADE)
    assert failed == pytest.approx(1 / 6, abs=0.02)
    assert burst == deaths(health_check.one_death, **CASCADE)[1]


def test_a_retry_takes_the_burst_away_and_not_the_cascade() -> None:
    line = "        queue[0] -= refused\n"
    retry = edited(
        MODEL,
        line,
        f"{line}        for i in serving - {{0}}:\n"
        "            queue[i] += refused / len(serving - {0})\n"
        "        refused = 0\n",
    )
    failed, burst = deaths(retry, **CASCADE)
    assert burst == 0
    assert failed == pytest.approx(deaths(health_check.one_death, **CASCADE)[0], rel=0.1)
    at = health_check.Setting(**CASCADE)
    lost = [
        np.argmax(model(at, Draws(1))["lost_rps"] > 0) for model in (retry, health_check.one_death)
    ]
    assert lost[0] < lost[1], "it begins sooner"


# --- simulation and theory ------------------------------------------------------------------------


def check_burst(run: health_check.HealthCheck, threshold: int) -> None:
    # The deaths of a group are spread evenly, so the mean is good to far better than 1 %.
    exact = health_check.theory(run.at, threshold=threshold)
    assert run.detection.estimate == pytest.approx(exact.detection_s, rel=1e-3)
    # Poisson counts of 4,000 deaths: four standard errors.
    assert abs(run.errors.estimate - exact.errors) <= 4 * (exact.errors / 4_000) ** 0.5 + 1e-9


@pytest.mark.parametrize(("interval_s", "threshold"), [(0.5, 1), (5.0, 2), (30.0, 5)])
def test_bursts_agree_with_theory_and_an_off_by_one_is_caught(interval_s, threshold) -> None:
    run = health_check.simulate(interval_s=interval_s, threshold=threshold)
    check_burst(run, threshold)
    with pytest.raises(AssertionError):
        check_burst(run, threshold + 1)


def test_intervals_are_as_wide_as_the_means_differ() -> None:
    """Deaths that are spread evenly do not err independently: only whole groups of them do."""
    for setting in ({}, {"utilisation": 0.2, "interval_s": 0.5, "threshold": 1}):
        runs = [health_check.simulate(**setting, seed=seed) for seed in range(60)]
        for name in ("errors", "detection"):
            each = [getattr(run, name) for run in runs]
            differ = np.std([one.estimate for one in each], ddof=1)
            width = np.mean([one.half_width for one in each]) / t_quantile(0.975, 9)
            # A standard deviation from 60 values is good to 9 %, three times over.
            assert width == pytest.approx(differ, rel=0.3)


def test_theory_by_integration() -> None:
    # The death is uniform over an interval: average the time to the k-th check after it.
    phases = (np.arange(100_000) + 0.5) / 100_000
    for threshold in (1, 2, 5):
        exact = health_check.burst(rate_rps=180, servers=3, interval_s=5, threshold=threshold)
        detection = ((threshold - 1 + phases) * 5).mean()
        assert exact.detection_s == pytest.approx(detection)
        assert exact.errors == pytest.approx(60 * detection)


def test_the_death_followed_has_the_same_burst() -> None:
    for seed in range(1, 6):
        run = health_check.simulate(interval_s=8.0, threshold=2, seed=seed)
        dead_s = 0.25 * np.count_nonzero((run.in_rotation == 3) & (run.time_s > 30))
        assert 8.0 <= dead_s <= 16.25
        assert run.refused_rps.sum() * 0.25 == pytest.approx(60 * dead_s, rel=0.1)


@pytest.mark.parametrize("phase", [0.01, 0.4, 0.99])
def test_every_server_is_checked_once_in_an_interval(phase: float) -> None:
    at = health_check.Setting(servers=4, interval_s=7.0)
    looks = at.looks(phase)
    assert len(looks) == at.horizon_s / 0.25
    for server in range(4):
        steps = np.flatnonzero([server in checked for checked in looks])
        assert set(np.diff(steps)) == {28}
    first = next(step for step, checked in enumerate(looks) if step >= 120 and 0 in checked)
    assert first * 0.25 <= 30 + 7 * phase < (first + 1) * 0.25


def test_requests_are_conserved_and_survivors_decide() -> None:
    for servers in (2, 4, 10):
        boundary = (servers - 1) / servers
        over = {"servers": servers, "utilisation": min(boundary + 0.05, 0.95)}
        safe = health_check.simulate(servers=servers, utilisation=boundary - 0.06)
        assert safe.failed_after < 0.01
        shallow, deep = (health_check.simulate(**over, check=c) for c in health_check.CHECKS)
        assert deep.failed_after > shallow.failed_after > 0
        # With a shallow check what fails in the end is what exceeds capacity.
        assert shallow.failed_after == pytest.approx(1 - 1 / shallow.at.survivors, abs=0.03)
        for run in (safe, deep, shallow):
            flow = run.answered_rps + run.refused_rps + run.lost_rps
            # Some requests still wait at the end, at most 200 a server; five standard deviations.
            sent, handled = run.at.horizon_s * run.at.rate_rps, 0.25 * flow.sum()
            noise = 5 * np.sqrt(sent)
            assert sent - noise - 200 * servers <= handled <= sent + noise


def test_the_cascade_begins_below_the_boundary_of_capacity() -> None:
    """What "Break it" says: none of 40 deaths at 73 %, some at 74 %, nearly all at 76 %."""
    lasting = {
        load: sum(
            health_check.simulate(servers=4, utilisation=load, check="deep", seed=s).failed_after
            >= 0.01
            for s in range(40)
        )
        for load in (0.73, 0.74, 0.76)
    }
    assert lasting[0.73] == 0
    assert 1 <= lasting[0.74] <= 12
    assert lasting[0.76] >= 38


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    health_check.Setting(),
    health_check.Setting(**CASCADE, threshold=4),
    health_check.Setting(servers=10, utilisation=0.95, interval_s=30, threshold=5, seed=2),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: health_check.Setting) -> None:
    run, exact = health_check.simulate(at), health_check.theory(at)
    last = run.time_s > at.horizon_s - 30
    bad = run.refused_rps + run.lost_rps
    share = bad[last].sum() / (bad + run.answered_rps)[last].sum()
    fewest = run.in_rotation[run.time_s > 30].min()
    survivors = at.utilisation * at.servers / (at.servers - 1)
    assert_summary(
        run,
        {
            "errors_mean": run.errors.estimate,
            "errors_theory": exact.errors,
            "detection_s": run.detection.estimate,
            "detection_theory_s": exact.detection_s,
            "survivors_percent": 100 * survivors,
            "failed_at_the_end_percent": 100 * share,
            "fewest_in_rotation": fewest,
        },
    )
    assert run.reading.startswith(
        f"The death goes unnoticed for {duration(run.detection.estimate)} on average and costs "
        f"{significant(run.errors.estimate)} requests (theory {significant(exact.errors)}); the "
        f"other {at.servers - 1} then run at {significant(100 * survivors)} %: "
    )
    if share >= 0.001:
        assert (
            f"{significant(100 * share)} % of the requests of the last half minute" in run.reading
        )


def test_survivors_that_cannot_are_never_said_to_carry_it() -> None:
    """Ten servers at 95 %, five checks thirty seconds apart: the picture reaches far enough."""
    run = health_check.simulate(AT[-1])
    assert run.in_rotation[-120:].max() == 9
    assert run.failed_after > 0.03
    nearly = health_check.simulate(servers=10, utilisation=0.902)
    assert "cannot carry it" in nearly.reading or "fail" in nearly.reading
    assert "carry it, and nothing" not in nearly.reading


def test_one_server_is_left_in_the_singular() -> None:
    run = health_check.simulate(servers=2, utilisation=0.3)
    assert (
        "the other one then runs at 60 %: it carries it, and nothing fails any more." in run.reading
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: health_check.Setting) -> None:
    run = health_check.simulate(at)
    mine = health_check.one_death(at, Draws(5))
    burst, course = axes_of(health_check.plot, run, mine=mine)
    x, y = drawn.curve(burst, **style.THEORY).T
    np.testing.assert_allclose(y, at.rate_rps / at.servers * (at.threshold - 0.5) * x)
    others = [line.get_xydata() for line in drawn.lines(burst, color=style.GHOST)]
    thresholds = sorted({*health_check.THRESHOLDS} - {at.threshold})
    for points, threshold in zip(others, thresholds, strict=True):
        expected = at.rate_rps / at.servers * (threshold - 0.5) * points[:, 0]
        np.testing.assert_allclose(points[:, 1], expected)
    assert_bars(drawn.error_bars(burst, color=style.BLUE), [at.interval_s], run.errors)
    spread = drawn.curve(burst, color=style.SKY)
    np.testing.assert_allclose(spread[:, 1], np.maximum(run.errors_spread, (1, 0)))
    seconds, answered = drawn.curve(course, color=style.BLUE).T
    np.testing.assert_allclose(answered, run.answered_rps.reshape(-1, 4).mean(axis=1))
    np.testing.assert_allclose(seconds, np.arange(at.horizon_s) + 0.5)
    lost = (run.refused_rps + run.lost_rps).reshape(-1, 4).mean(axis=1)
    np.testing.assert_allclose(
        drawn.curve(course, color=style.VERMILION, marker="None")[:, 1], lost
    )
    area = drawn.area(course, color=style.VERMILION)
    np.testing.assert_allclose(area.high - area.low, lost)
    capacity = drawn.curve(course, color=style.GREEN)
    np.testing.assert_allclose(capacity[:, 1], 100 * run.in_rotation)
    refused = drawn.curve(burst, label="your model")
    np.testing.assert_allclose(refused, [(at.interval_s, mine["refused_rps"].sum() / 4)])
    diamonds = drawn.curve(course, label="your model")
    np.testing.assert_allclose(diamonds[:, 1], mine["answered_rps"].reshape(-1, 40).mean(axis=1))


# --- real servers ---------------------------------------------------------------------------------
