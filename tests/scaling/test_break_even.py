"""Break-even: futures against compound interest and expectation, and what the page shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.scaling import break_even
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of
from tests.scaling.checks import assert_agrees


def test_steady_growth_is_the_formula() -> None:
    run = break_even.simulate(noise_percent=0.0)
    exact = break_even.theory(run.at)
    months = run.outgrown_months
    # The load is looked at four times a month.
    assert exact.outgrown_month <= months.min() == months.max()
    assert months[0] < exact.outgrown_month + 0.25
    assert run.later_cost[-1] == run.at.migration
    assert run.now_cost[-1] == pytest.approx(run.at.premium * months[0])


def test_cancellations_match_their_expectation() -> None:
    runs = [
        break_even.simulate(noise_percent=0.0, failure_percent=3.0, seed=seed) for seed in range(16)
    ]
    exact = break_even.theory(runs[0].at)
    assert_agrees([run.now_cost[-1] for run in runs], exact.premium_spent, bias=0.01)
    assert_agrees([run.later_cost[-1] for run in runs], exact.migration_spent, bias=0.01)


def test_unevenness_leaves_the_mean_month_nearly_where_it_was() -> None:
    # For a random walk with drift g the mean time to a level L is L / g (Wald); looking only four
    # times a month adds about 0.58 steps' standard deviations, here 0.3 months.
    runs = [break_even.simulate(growth_percent=20.0, seed=seed) for seed in range(12)]
    months = [run.outgrown_months[np.isfinite(run.outgrown_months)].mean() for run in runs]
    late = 0.5826 * np.log(1.1) / np.sqrt(4) / np.log(1.2)
    assert_agrees(months, break_even.theory(runs[0].at).outgrown_month + late, bias=0.01)


def test_one_future_written_out() -> None:
    at = break_even.Setting(failure_percent=4.0, noise_percent=20.0, seed=6)
    run = break_even.simulate(at)
    walks, lives = break_even._draws(6)
    spent_now, spent_later = np.zeros((2, 61))
    for walk, life in zip(walks, lives, strict=True):
        dies = life / -math.log(0.96)
        outgrown = math.inf
        for week, level in enumerate(walk):
            month = week / 4
            load = 50 * math.exp(math.log(1.1) * month + math.log(1.2) / 2 * level)
            if load >= 1_000 and month <= dies:
                outgrown = month
                break
        for month in range(61):
            spent_now[month] += 5_000 * min(month, outgrown, dies)
            spent_later[month] += 120_000 * (outgrown <= month)
    np.testing.assert_allclose(run.now_cost, spent_now / 1_000)
    np.testing.assert_allclose(run.later_cost, spent_later / 1_000)


def test_outgrown_month_is_ln_ratio_over_growth() -> None:
    exact = break_even.theory(break_even.Setting())
    assert exact.outgrown_month == pytest.approx(math.log(20) / math.log(1.1))
    assert exact.break_even_month == pytest.approx(24)
    assert exact.premium_spent == pytest.approx(5_000 * math.log(20) / math.log(1.1))
    assert exact.migration_spent == 120_000


@pytest.mark.parametrize("failure", [0.0, 3.0])
def test_at_the_break_even_capacity_both_plans_cost_the_same(failure: float) -> None:
    at = break_even.Setting(failure_percent=failure, premium=4_000.0, migration=90_000.0)
    month = break_even.theory(at).break_even_month
    exact = break_even.theory(at.but(capacity_rps=50 * math.exp(at.growth * month)))
    assert exact.premium_spent == pytest.approx(exact.migration_spent)


def test_a_small_hazard_tends_to_none() -> None:
    without, nearly = (break_even.theory(break_even.Setting(failure_percent=p)) for p in (0, 1e-7))
    assert nearly.break_even_month == pytest.approx(without.break_even_month)
    assert nearly.premium_spent == pytest.approx(without.premium_spent)


def test_a_system_that_is_too_small_from_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity_rps must be above load_rps"):
        break_even.Setting(capacity_rps=10.0)


AT = [
    break_even.Setting(),
    break_even.Setting(growth_percent=30.0, premium=500.0, migration=500_000.0, seed=2),
    break_even.Setting(growth_percent=1.0, failure_percent=10.0),
    break_even.Setting(growth_percent=0.0, noise_percent=0.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: break_even.Setting) -> None:
    run, exact = break_even.simulate(at), break_even.theory(at)
    share = np.isfinite(run.outgrown_months).mean()
    assert run.saved.estimate == pytest.approx(run.now_cost[-1] - run.later_cost[-1])
    never = not at.growth_percent
    assert_summary(
        run,
        {
            "outgrown_month_theory": "never" if never else exact.outgrown_month,
            "break_even_month": exact.break_even_month,
            "outgrown_within_60_months_percent": 100 * share,
            "build_now_cost": run.now_cost[-1],
            "grow_later_cost": run.later_cost[-1],
            "saved_by_growing_later": run.saved.estimate,
            "saved_low": run.saved.low,
            "saved_high": run.saved.high,
        },
    )
    when = "never" if never else f"in month {significant(exact.outgrown_month)}"
    saved = run.saved
    winner = "neither plan is clearly cheaper"
    if saved.low > 0:
        winner = f"growing later saves ${significant(saved.estimate)} on average"
    elif saved.high < 0:
        winner = f"building large now saves ${significant(-saved.estimate)} on average"
    for said in (
        f"At {significant(at.growth_percent)} % a month the small system is ",
        when,
        f"(break-even: month {significant(exact.break_even_month)})",
        {0: "and none of the 1,000 futures", 1: "and all of the 1,000 futures"}.get(
            share, f"and {significant(100 * share)} % of the futures"
        )
        + " live to see it within 60 months",
        f": {winner}.",
    ):
        assert said in run.reading
    assert_table(
        run,
        {
            "month": np.arange(61),
            "build large now ($)": run.now_cost,
            "grow later ($)": run.later_cost,
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: break_even.Setting) -> None:
    run, exact = break_even.simulate(at), break_even.theory(at)
    load, cost = axes_of(break_even.plot, run)
    line = drawn.curve(load, gid="curves").reshape(30, -1, 2)[:, :-1]
    np.testing.assert_allclose(line[:, :, 1], run.paths_rps)
    np.testing.assert_allclose(line[0, :, 0], run.months)
    ends = drawn.curve(load, **style.THEORY)
    np.testing.assert_allclose(ends[:, 0], (0, 60))
    np.testing.assert_allclose(ends[:, 1], (50, 50 * (1 + at.growth_percent / 100) ** 60))
    assert drawn.levels(load, color=style.VERMILION) == [at.capacity_rps]
    reached = [line.get_xydata()[0] for line in drawn.lines(load, marker="o")]
    dotted = [line.get_xdata()[0] for line in drawn.lines(cost, color=style.MUTED)]
    if exact.outgrown_month <= 60:
        np.testing.assert_allclose(reached, [(exact.outgrown_month, at.capacity_rps)])
        assert dotted == [exact.outgrown_month]
    else:
        assert reached == dotted == []
    for color, spent in ((style.GREEN, run.now_cost), (style.BLUE, run.later_cost)):
        np.testing.assert_allclose(
            drawn.curve(cost, color=color), np.column_stack([np.arange(61), spent / 1e3])
        )
