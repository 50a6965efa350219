"""Scalability: simulation, open model and two laws agree; changes do what is promised; threads."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.scaling import scalability
from helpers.scaling import scalability_law as law
from helpers.scaling.threads_at_a_lock import share_done
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.models import edited
from tests.scaling.checks import Given, assert_agrees, runs_of

MODEL = "helpers.scaling.scalability:rounds_at_a_lock"
WORKERS = np.array(scalability.WORKERS)


def check(pattern: str) -> None:
    """Throughput is the scalability law's when all come at once, else the machine repairman's.

    A rate is a number over a random time, so its mean is a little high: by less than 0.1 % over a
    hundred rounds, and by up to 1 % over the 1,200 requests of the other pattern.
    """
    runs = [scalability.simulate(pattern=pattern, seed=seed) for seed in range(16)]
    in_rounds = pattern == "all at once"
    exact = scalability.theory(runs[0].at)
    expected = exact.at_once_rps if in_rounds else exact.at_random_rps
    for i, workers in enumerate(WORKERS):
        rates = [run.throughput.estimate[i] for run in runs]
        assert_agrees(rates, float(expected[workers - 1]), bias=0.001 if in_rounds else 0.01)


@pytest.mark.parametrize("pattern", scalability.PATTERNS)
def test_simulation_and_theory(pattern: str) -> None:
    check(pattern)


def test_a_lock_held_too_long_is_caught(monkeypatch) -> None:
    original = scalability._in_rounds
    monkeypatch.setattr(
        scalability,
        "_in_rounds",
        lambda compute, holds, seed: original(compute, holds + 0.001, seed),
    )
    caught(check, "all at once")


def test_a_lock_that_lets_some_through_is_caught(monkeypatch) -> None:
    original = scalability.closed_loop
    monkeypatch.setattr(scalability, "closed_loop", lambda t, s, c: original(t, s * 0.8, c))
    caught(check, "at random times")


def test_the_law_is_a_lower_bound_on_random_arrivals_at_the_lock() -> None:
    for workers, sigma, kappa in itertools.product((1, 2, 8, 40), (0.02, 0.3), (0.0, 0.004)):
        random = scalability.repairman_speedup(workers, sigma, kappa)
        assert law.speedup(workers, sigma, kappa) <= random * (1 + 1e-12)
    assert scalability.repairman_speedup(1, 0.3, 0.01) == pytest.approx(1.0)
    assert scalability.repairman_speedup(9, 0.0, 0.0) == 9


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [0, 3, 11])
def test_the_open_model_is_the_fast_engine_on_the_same_draws(column: int) -> None:
    workers = scalability.WORKERS[column]
    at = scalability.Setting(workers=workers, seed=9)
    fast = scalability.simulate(at)
    mine = [
        scalability.rounds_at_a_lock(at, Given(rounds=draws[:, :workers]))["throughput_rps"]
        for draws in scalability._round_draws(9)
    ]
    assert np.mean(mine) == pytest.approx(fast.throughput.estimate[column], rel=1e-12)


def _rates(model, **setting) -> np.ndarray:
    return runs_of(model, scalability.Setting, **setting)["throughput_rps"]


def test_the_untouched_model_agrees_with_the_law() -> None:
    for workers in (16, 64):
        expected = 100 * law.speedup(workers, 0.03, 0.001)
        assert_agrees(_rates(scalability.rounds_at_a_lock, workers=workers), expected, bias=0.001)


def test_without_the_lock_nobody_waits() -> None:
    unlocked = edited(
        MODEL,
        "        for _ in range(at.workers):\n"
        '            took += draw("rounds").exponential(hold)  # one at a time\n',
        '        took += max(draw("rounds").exponential(hold) for _ in range(at.workers))\n',
    )
    assert _rates(unlocked, workers=64).min() > 4 * 100 * law.speedup(64, 0.03, 0.001)


def test_who_tells_one_other_only_flattens_out() -> None:
    telling_one = edited(MODEL, "at.kappa * (at.workers - 1)", "at.kappa")
    rates = [_rates(telling_one, workers=workers).mean() for workers in (8, 16, 31, 48, 64)]
    assert (np.diff(rates) > 0).all()
    assert _rates(telling_one, workers=64).min() > 2 * 100 * law.speedup(64, 0.03, 0.001)


def test_when_three_in_four_only_read_the_peak_moves_to_twice_as_many() -> None:
    reading = edited(
        MODEL,
        '            took += draw("rounds")',
        '            if draw("reads").random() < 0.25:\n                took += draw("rounds")',
    )
    quarter = 100 * law.speedup(62, 0.03 / 4, 0.001 / 4)
    assert_agrees(_rates(reading, workers=62), quarter, bias=0.03)
    assert law.peak(0.03 / 4, 0.001 / 4).best_workers == pytest.approx(62, abs=1)
    assert law.peak(0.03, 0.001).best_workers == 31


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    scalability.Setting(),
    scalability.Setting(sigma=0.2, kappa=0.005, workers=64, pattern="at random times", seed=2),
    scalability.Setting(sigma=0.05, kappa=0.0, workers=3, worker_rps=250.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: scalability.Setting) -> None:
    run = scalability.simulate(at)
    every = np.arange(1, 65)
    at_once = at.worker_rps * law.speedup(every, at.sigma, at.kappa)
    at_random = scalability.theory(at).at_random_rps
    exact = [scalability.repairman_speedup(n, at.sigma, at.kappa) for n in scalability.WORKERS]
    np.testing.assert_allclose(at_random[WORKERS - 1], at.worker_rps * np.array(exact), rtol=0.01)
    curve = at_once if at.pattern == "all at once" else at_random
    best, here = int(curve.argmax()) + 1, curve[at.workers - 1]
    peak = math.sqrt((1 - at.sigma) / at.kappa) if at.kappa else math.inf
    assert_summary(
        run,
        {
            "workers": at.workers,
            "throughput_rps": here,
            "linear_rps": at.workers * at.worker_rps,
            "best_workers_up_to_64": best,
            "best_rps": curve.max(),
            "usl_peak_workers": peak if at.kappa else "none",
        },
    )
    said = [
        f"{at.workers} workers do {significant(here)} requests/s where "
        f"{significant(at.workers * at.worker_rps)} would be linear; "
    ]
    if at.workers > best:
        loss = significant(100 * (1 - here / curve.max()))
        said += [
            f"{best} would do {significant(curve.max())}, so the last {at.workers - best} cost "
            f"{loss} % of the throughput"
        ]
    else:
        up_to = "64 and beyond" if not at.kappa else best
        said += [f"adding workers still helps, up to {up_to}."]
    if at.kappa:
        said += [f"peaks at N* = {significant(peak)}."]
    else:
        said += [f"it flattens out towards {significant(at.worker_rps / at.sigma)} requests/s."]
    for part in said:
        assert part in run.reading
    assert_table(
        run,
        {
            "workers": WORKERS,
            "simulated (rps)": run.throughput.estimate,
            "from": run.throughput.low,
            "to": run.throughput.high,
            "scalability law (rps)": at_once[WORKERS - 1],
            "machine repairman (rps)": at_random[WORKERS - 1],
        },
    )


def reading(**setting) -> str:
    return scalability.simulate(**setting).reading


def test_the_sentence_says_what_is_true_at_the_ends() -> None:
    assert reading(workers=1).startswith("1 worker does 100 requests/s where 100 would be linear")
    nothing_shared = reading(sigma=0.0, kappa=0.0, workers=64)
    assert nothing_shared.endswith("so nothing flattens: the law is a straight line.")
    assert "that is the best number up to 64" in nothing_shared or "beyond" in nothing_shared
    assert "that is the best number." in reading(workers=31)
    assert "less than a single one" not in reading(sigma=0.0, kappa=1 / 64 - 1e-4, workers=64)
    assert "do less than a single one (100)" in reading(sigma=0.0, kappa=1 / 64 + 1e-4, workers=64)
    at_random = reading(pattern="at random times")
    assert "The law, for workers that come all at once, peaks at N* = 31.1." in at_random


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: scalability.Setting) -> None:
    run = scalability.simulate(at)
    (ax,) = axes_of(scalability.plot, run, mine={"throughput_rps": 4_321.0})
    every, exact = np.arange(1, 65), scalability.theory(at)
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY),
        np.column_stack([every, at.worker_rps * law.speedup(every, at.sigma, at.kappa)]),
    )
    np.testing.assert_allclose(
        drawn.curve(ax, color=style.INK, linewidth=1.3),
        np.column_stack([every, exact.at_random_rps]),
    )
    linear = drawn.curve(ax, color=style.GHOST)
    np.testing.assert_allclose(linear[:, 1], at.worker_rps * linear[:, 0])
    marker = "o" if at.pattern == "all at once" else "s"
    shown = drawn.error_bars(ax, **(style.DOTS | {"marker": marker}))
    assert_bars(shown, WORKERS, run.throughput)
    assert drawn.here(ax) == at.workers
    peaks = [line.get_xydata()[0] for line in drawn.lines(ax, marker="v")]
    if at.kappa:
        n = math.sqrt((1 - at.sigma) / at.kappa)
        np.testing.assert_allclose(
            peaks[0], (n, at.worker_rps * law.speedup(n, at.sigma, at.kappa)), rtol=0.01
        )
    else:
        assert peaks == []
    assert drawn.curve(ax, label="your model").tolist() == [[at.workers, 4_321.0]]
    assert ax.get_ylim()[1] > 4_321


def test_the_curves_fill_the_panel_as_the_page_opens() -> None:
    run = scalability.simulate()
    (ax,) = axes_of(scalability.plot, run)
    highest = max(curve.max() for curve in scalability.theory(run.at))
    assert highest < ax.get_ylim()[1] < 2 * highest


# --- real threads ---------------------------------------------------------------------------------


def test_requests_count_in_proportion_to_the_part_inside_the_window() -> None:
    marks = np.array([0.0, 2.0, 3.0, 7.0])
    assert share_done(marks, 1.0, 5.0) == pytest.approx(0.5 + 1 + 0.5)
    assert share_done(marks, 0.0, 7.0) == pytest.approx(3)
    assert share_done(marks, 8.0, 9.0) == 0
