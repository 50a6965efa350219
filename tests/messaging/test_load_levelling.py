"""Load levelling: the fluid, the open model and its edits, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import amount, duration, significant
from helpers.messaging import load_levelling
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.messaging.load_levelling:levelled"
Setting = load_levelling.Setting


def check_drain(**values):
    """The fluid knows means: the drift is exact, the crowd at the spike's end is not one number."""
    run = load_levelling.simulate(replications=200, **values)
    exact = load_levelling.theory(run.at)
    # The fluid forgets who was there before the spike, and that work ends one job at a time.
    before = run.at.work_s + 4 / (run.at.capacity_rps - run.at.usual_rps)
    assert_mean(run.drained_s, exact.drain_s, allowance=before, what="drain")
    assert_mean(run.backlog.max(axis=1), exact.backlog, allowance=0.05 * exact.backlog + 6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"workers": 15},
        {"usual_rps": 2.0, "spike_rps": 40.0, "spike_s": 10.0, "workers": 5, "work_s": 0.5},
    ],
)
def test_backlog_and_drain_time_follow_the_fluid(values):
    check_drain(**values)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_workers_of_another_speed_are_caught(monkeypatch, factor):
    true = load_levelling.one_run
    monkeypatch.setattr(
        load_levelling, "one_run", lambda at, draw: true(at.but(work_s=factor * at.work_s), draw)
    )
    with pytest.raises(AssertionError):
        check_drain()


def test_the_numbers_of_the_page():
    exact = load_levelling.theory(Setting())
    assert (exact.backlog, exact.wait_s, exact.drain_s) == (400, 40, 100)
    assert load_levelling.theory(Setting(workers=30)).drain_s == 0
    assert math.isinf(load_levelling.theory(Setting(workers=6)).drain_s)
    assert load_levelling.theory(Setting(workers=7)).drain_s == pytest.approx(460)


def test_every_job_is_taken_in_turn_and_nobody_idles_beside_a_line():
    at = Setting()
    arrivals, starts = load_levelling.one_run(at, Draws(3))
    assert np.all(np.diff(starts) >= 0)
    assert np.all(starts >= arrivals)
    assert arrivals.size == pytest.approx(6 * 270 + 24 * 20, abs=4.5 * 46)
    inside = ((arrivals > 0) & (arrivals < 20)).sum()
    assert inside == pytest.approx(600, abs=4.5 * 24.5)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, {"workers": 40}, {"workers": 7, "spike_s": 10.0}])
def test_the_open_model_tells_the_same_story(values):
    run = load_levelling.simulate(replications=60, **values)
    mine = runs_of(load_levelling.levelled, Setting, **values)
    spread = run.backlog.std(axis=0, ddof=1) / math.sqrt(8)
    assert np.all(np.abs(mine["backlog"] - run.backlog.mean(axis=0)) <= 5 * spread + 1)
    expected, error = run.longest_wait_s.mean(), run.longest_wait_s.std() / math.sqrt(8)
    assert mine["longest_wait_s"] == pytest.approx(expected, abs=5 * error + 0.05)


def test_help_that_comes_late_shortens_the_drain_and_not_the_peak():
    helped = edited(
        MODEL,
        "    world.run(until",
        "    def help_comes():\n"
        "        yield world.timeout(30 - world.now)\n"
        "        for _ in range(10):\n"
        "            world.process(worker())\n\n"
        "    world.process(help_comes())\n"
        "    world.run(until",
    )
    before, after = runs_of(load_levelling.levelled, Setting), runs_of(helped, Setting)
    time_s = Setting().time_s
    assert max(after["backlog"]) == pytest.approx(max(before["backlog"]), rel=0.05)
    assert np.all(after["backlog"][(time_s > 60) & (time_s < 70)] < 25)
    assert np.all(before["backlog"][(time_s > 60) & (time_s < 70)] > 150)


def test_jobs_that_expire_cut_the_wait_and_are_lost():
    expiring = edited(
        MODEL,
        "            waits_s.append(world.now - came)\n",
        "            if world.now - came > 15:\n                continue\n"
        "            waits_s.append(world.now - came)\n",
    )
    after = runs_of(expiring, Setting)
    assert 14 < after["longest_wait_s"] <= 15
    time_s = Setting().time_s
    since_s, backlog = time_s - Setting().spike_s, np.array(after["backlog"])
    assert np.all(backlog[(since_s > 0) & (since_s < 40)] > 9)
    assert np.all(backlog[since_s > 45] < 5)
    assert backlog[since_s > 45].mean() < 0.5  # as on an ordinary day


def test_workers_that_slow_down_never_catch_up():
    slow = edited(
        MODEL,
        "exponential(at.work_s)",
        "exponential(at.work_s * (1 + len(line.items) / 400))",
    )
    after = runs_of(slow, Setting)
    assert after["backlog"][-1] > 500
    assert runs_of(load_levelling.levelled, Setting)["backlog"][-1] < 20


# --- the page -------------------------------------------------------------------------------------

CORNERS = [
    {},
    {"workers": 40},
    {"workers": 6},
    {"workers": 2},
    {"workers": 7},
    {"spike_rps": 100.0, "spike_s": 30.0, "workers": 11, "usual_rps": 10.0},
]


@pytest.mark.parametrize("values", CORNERS)
def test_the_page(values):
    run = load_levelling.simulate(**values)
    at, exact = run.at, load_levelling.theory(run.at)
    level = load_levelling.fluid(at, at.time_s)
    peak = float(run.backlog.max(axis=1).mean())
    assert f"up to {amount(peak, 'job')} had to wait" in run.reading
    highest = load_levelling.highest(at)
    assert f"(fluid: {significant(highest)})" in run.reading
    assert highest == pytest.approx(level.max(), rel=0.05, abs=1)
    assert f"do {significant(at.workers / at.work_s)} per second" in run.reading
    if math.isinf(exact.drain_s):
        assert "never drains" in run.reading
        assert run.summary["fluid_drain_s"] == "without end"
    elif not np.isfinite(run.drained_s).all():
        missing = int(np.isinf(run.drained_s).sum())
        assert f"In {missing} of the 8 runs somebody still waits" in run.reading
        assert run.summary["drain_s"] == "not seen"
    elif exact.drain_s:
        assert f"empty {duration(run.drained_s.mean())} after the spike" in run.reading
        assert f"(fluid: {duration(exact.drain_s)})" in run.reading
        assert run.summary["drain_s"] == pytest.approx(run.drained_s.mean(), rel=6e-3)
    else:
        assert "no backlog to work off" in run.reading
    assert_columns(
        run,
        time=at.time_s,
        mean_backlog=run.backlog.mean(axis=0),
        lowest=run.backlog.min(axis=0),
        highest=run.backlog.max(axis=0),
        fluid=level,
    )
    mine = {"backlog": np.arange(at.time_s.size), "longest_wait_s": 3.0}
    ax, rates = drawn_by(load_levelling, run, mine=mine)
    points = np.column_stack([at.time_s, run.backlog.mean(axis=0)])
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION), points)
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY), np.column_stack([at.time_s, level]))
    paths = drawn.curves(ax, gid="curves")
    np.testing.assert_allclose([path[:, 1] for path in paths], run.backlog)
    assert drawn.bands(ax) == [(0, at.spike_s)]
    np.testing.assert_allclose(diamonds(ax), np.column_stack([at.time_s, mine["backlog"]])[::8])
    assert drawn.levels(rates, color=style.GREEN) == [at.capacity_rps]
    assert_legible(*drawn_by(load_levelling, run))


def test_the_fluid_s_peak_and_end():
    at = Setting()
    assert load_levelling.fluid(at, np.array([-5.0, 0.0, 20.0, 70.0, 120.0, 130.0])).tolist() == [
        0, 0, 400, 200, 0, 0,
    ]  # fmt: skip
    over = Setting(workers=2)
    assert load_levelling.fluid(over, np.array([-20.0, 0.0, 20.0])).tolist() == [0, 80, 640]


def test_a_replay_is_the_run():
    at = Setting()
    log = load_levelling.watch(at)
    arrivals, _ = load_levelling.one_run(at, Draws(at.seed))
    assert 2 * arrivals.size < len(log.rows) <= 10_000


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="spike_rps must be at least usual_rps, 6, got 3"):
        Setting(spike_rps=3)
    with pytest.raises(ValueError, match="at most 4,000 jobs"):
        Setting(spike_rps=200, spike_s=60)
