"""A day's load: the exact means, the fluid and its closed forms, the open model, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import amount, significant
from helpers.messaging import daily_load
from tests import drawn
from tests.checks import assert_columns, assert_legible, caught, diamonds, drawn_by, runs_of
from tests.models import edited

MODEL = "helpers.messaging.daily_load:two_days"
Setting = daily_load.Setting


def forward(at, most):
    """Mean number of jobs at each instant: Kolmogorov's forward equations of M(t)/M/c, RK4."""
    states = np.arange(most + 1)
    ends = np.minimum(states, at.workers) / at.work_h
    logs = states * math.log(at.at_midnight) - [math.lgamma(n + 1) for n in states]
    chance = np.exp(logs - at.at_midnight)

    def change(hour, p):
        comes = at.rate_rph(hour) * p
        comes[-1] = 0.0
        out = ends * p
        grows = -comes - out
        grows[1:] += comes[:-1]
        grows[:-1] += out[1:]
        return grows

    means, steps = [states @ chance], 24
    h = at.time_h[1] / steps
    for begin in at.time_h[:-1]:
        for step in range(steps):
            t = begin + step * h
            a = change(t, chance)
            b = change(t + h / 2, chance + h / 2 * a)
            c = change(t + h / 2, chance + h / 2 * b)
            chance = chance + h / 6 * (a + 2 * b + 2 * c + change(t + h, chance + h * c))
        means.append(states @ chance)
    assert chance[-1] < 1e-6
    return np.array(means)


def check_means(most=300, **values):
    """All hours' means against the exact ones: 49 looks, each by 4.5 standard errors."""
    at = Setting(**values)
    run = daily_load.simulate(at.but(replications=300))
    error = run.there.std(axis=0, ddof=1) / math.sqrt(300)
    away = np.abs(run.mean - forward(at, most))[::4]
    assert np.all(away <= 4.5 * error[::4] + 1e-3)


SMALL = {"mean_rph": 10.0, "work_h": 1.0}


@pytest.mark.parametrize(
    "values",
    [SMALL, SMALL | {"capacity": 2.5}, SMALL | {"capacity": 0.9}, SMALL | {"swing": 1.0}],
)
def test_jobs_there_are_what_the_forward_equations_say(values):
    check_means(**values)


def test_work_that_is_shorter_and_a_peak_at_another_hour_are_caught(monkeypatch):
    true = daily_load._one_run
    shorter = lambda at, draw: true(at.but(work_h=0.9 * at.work_h, capacity=1.3), draw)  # noqa: E731
    with monkeypatch.context() as planted:
        planted.setattr(daily_load, "_one_run", shorter)
        caught(lambda: check_means(**SMALL))
    monkeypatch.setattr(daily_load, "_one_run", lambda at, draw: np.roll(true(at, draw), -6))
    caught(lambda: check_means(**SMALL))


def test_with_a_worker_for_every_job_the_fluid_is_eick_massey_and_whitt():
    for work_h in (0.1, 0.5, 2.0, 6.0):
        at = Setting(capacity=3.0, work_h=work_h)
        exact = daily_load.unlimited(at, at.time_h)
        np.testing.assert_allclose(daily_load.fluid(at), exact, rtol=2e-4)
        lag = daily_load.theory(at).lag_h
        fine = np.linspace(24, 48, 24 * 3_600 + 1)
        assert fine[np.argmax(daily_load.unlimited(at, fine))] == pytest.approx(38 + lag, abs=1e-3)
        # The mean excess of exponential work is its mean: the lag for work that is short.
        assert lag == pytest.approx(work_h, rel=0.02 if work_h <= 0.5 else 0.4)
        assert lag < work_h


def test_the_mean_of_constant_work_lags_by_half_of_it():
    # The window of the last hours: E S² / (2 E S) is half of a constant, exactly for a sine.
    at = Setting(work_h=2.0)
    hours = np.linspace(24, 48, 24 * 240 + 1)
    window = [at.rate_rph(np.linspace(hour - 2, hour, 401)).mean() for hour in hours]
    assert hours[np.argmax(window)] == pytest.approx(38 + 1.0, abs=0.01)


@pytest.mark.parametrize("swing", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("work_h", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("capacity", [1.1, 1.3, 1.5, 2.2])
def test_the_fluid_s_peak_is_where_the_formula_says(capacity, swing, work_h):
    at = Setting(capacity=capacity, swing=swing, work_h=work_h, mean_rph=80.0)
    there = daily_load.fluid(at)
    there = np.where(at.time_h >= 24, there, 0)
    i = int(np.argmax(there))
    # The top of the parabola through the highest three instants.
    low, top, high = there[i - 1 : i + 2]
    peak = at.time_h[i] + 0.125 * (low - high) / (low - 2 * top + high)
    assert peak - 38 == pytest.approx(daily_load.theory(at).lag_h, abs=0.03)


def test_where_the_last_worker_is_just_needed_both_lags_meet():
    at = Setting(work_h=2.0)
    turn = 2 * math.pi / 24 * at.work_h
    share = 1 + at.swing / math.sqrt(1 + turn * turn)
    enough, few = daily_load.lag_h(at, np.array([share + 1e-9, share - 1e-9]))
    assert enough == pytest.approx(few, abs=1e-4)
    assert daily_load.lag_h(at, 1.0) == pytest.approx(6)


def test_a_line_of_water_is_as_high_as_its_integral():
    # Short work: what is there is nearly all line, 2 L a / turn (sin θ - θ cos θ) at its peak.
    at = Setting(work_h=0.1, capacity=1.25)
    angle = math.acos((at.share - 1) / at.swing)
    line = 2 * at.mean_rph * at.swing / (2 * math.pi / 24)
    line *= math.sin(angle) - angle * math.cos(angle)
    assert daily_load.theory(at).there == pytest.approx(line + at.workers, rel=0.02)


def test_the_mean_of_the_runs_has_its_peak_where_theory_says():
    run = daily_load.simulate(replications=400)
    assert run.peak_h - daily_load.PEAK_H == pytest.approx(daily_load.theory(run.at).lag_h, abs=0.6)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [{}, {"capacity": 0.9, "seed": 3}, {"work_h": 2.0, "swing": 1.0, "seed": 7}]
)
def test_the_first_run_is_the_open_model_s(values):
    at = Setting(**values)
    mine = daily_load.two_days(at, Draws(at.seed))
    np.testing.assert_array_equal(mine["there"], daily_load.simulate(at).there[0])


def test_help_at_the_load_s_peak_helps_and_help_at_the_line_s_peak_is_late():
    line = "free, done = [0.0] * at.workers"
    at_once, late = (edited(MODEL, line, f"{line} + [{hour}] * 10") for hour in (14.0, 19.0))
    first = Setting().time_h < 24
    usual, helped, waited = (
        runs_of(model, Setting, 20)["there"][first].max()
        for model in (daily_load.two_days, at_once, late)
    )
    assert waited > 0.95 * usual
    assert helped < 0.75 * usual


def test_a_third_that_can_wait_half_a_day_flattens_it():
    patient = edited(
        MODEL,
        "arrivals.append(now)",
        "arrivals.append(now + 12 * (draw('patience').random() < 1 / 3))",
        "    free, done",
        "    arrivals.sort()\n    free, done",
    )
    second = Setting().time_h > 24
    before, after = (runs_of(m, Setting, 20)["there"] for m in (daily_load.two_days, patient))
    assert after[second].max() < 0.5 * before[second].max()


# --- the page -------------------------------------------------------------------------------------

CORNERS = [
    {},
    {"capacity": 0.9},
    {"capacity": 2.5},
    {"capacity": 2.2, "work_h": 2.0},
    {"swing": 0.0},
    {"swing": 1.0, "capacity": 1.05},
    {"capacity": 0.9, "swing": 0.0},
]


@pytest.mark.parametrize("values", CORNERS)
def test_the_page(values):
    run = daily_load.simulate(**values)
    at, exact, level = run.at, daily_load.theory(run.at), daily_load.fluid(run.at)
    assert f"{amount(at.highest_rph, 'job')} per hour come at 14:00" in run.reading
    can = significant(at.workers / at.work_h)
    assert f"{at.workers} workers can do {can}." in run.reading
    if at.capacity < 1:
        assert "The mean does not fit" in run.reading
        assert f"{amount(run.mean[-1], 'job')} are there (fluid: {significant(level[-1])})" in (
            run.reading
        )
        assert run.summary["theory_lag_h"] == "none"
    else:
        assert f"at {daily_load.clock(run.peak_h)}" in run.reading
        assert f"(fluid: {significant(exact.there)})" in run.reading
        if at.swing:
            assert f"theory says {daily_load.clock(14 + exact.lag_h)}, " in run.reading
            assert f"{significant(exact.lag_h)} h after the load's peak" in run.reading
        else:
            assert "by chance" in run.reading
    assert_columns(
        run,
        time=at.time_h,
        load=at.rate_rph(at.time_h) * at.work_h,
        jobs=run.mean,
        lowest=run.there.min(axis=0),
        highest=run.there.max(axis=0),
        fluid=level,
    )
    mine = {"there": np.arange(at.time_h.size, dtype=float)}
    ax, lags = drawn_by(daily_load, run, mine=mine)
    jobs = np.column_stack([at.time_h, run.mean])
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION), jobs)
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY)[:, 1], level)
    assert drawn.levels(ax, color=style.GREEN) == [at.workers]
    np.testing.assert_allclose(diamonds(ax), np.column_stack([at.time_h, mine["there"]])[::8])
    if at.swing:
        share, hours = drawn.curve(lags, **style.THEORY).T
        np.testing.assert_allclose(hours, daily_load.lag_h(at, share))
        assert np.all((share > 1) & (share <= 2.5))
    assert_legible(*drawn_by(daily_load, run))


def test_clocks():
    assert [daily_load.clock(hour) for hour in (0, 18.7, 23.999, 24.25)] == [
        "0:00", "18:42", "0:00", "0:15",
    ]  # fmt: skip
