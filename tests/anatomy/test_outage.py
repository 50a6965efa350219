"""A consumer that is away: the fluid model, a real one, and what the learner sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.anatomy import outage
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import mean_interval
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of


def test_backlog_agrees_with_the_fluid() -> None:
    # 99.9 %: Poisson arrivals during the outage, and what was queued before.
    for seed in range(1, 11):
        run = outage.simulate(seed=seed)
        expected = outage.theory(run.at).backlog
        assert abs(run.backlog_at_end - expected) < 3.3 * np.sqrt(expected) + 10
    drained = [outage.simulate(seed=s).drained_s for s in range(1, 21)]
    # A busy period that starts with n jobs lasts n / (mu - lambda) on average.
    expected = outage.theory(outage.Setting()).drain_s + 0.5
    assert mean_interval(drained, confidence=0.999).contains(expected)
    assert not mean_interval(drained, confidence=0.999).contains(0.85 * expected)


def test_the_outage_is_one_long_job() -> None:
    arrivals, services = np.array([1.0, 2.0, 6.0, 20.0]), np.array([0.5, 4.0, 1.0, 1.0])
    starts = outage.with_outage(arrivals, services, 3.0, 10.0)
    # The job of time 2 is finished first (until 6), then nothing until 10.
    assert starts == pytest.approx([1.0, 2.0, 10.0, 20.0])
    again = outage.with_outage(arrivals, services, 3.0, 4.0)
    assert again == pytest.approx([1.0, 2.0, 6.0, 20.0])


def test_direct_calls_fail_for_the_outage_and_not_much_longer() -> None:
    run = outage.simulate()
    assert run.direct_failed == 1.0
    assert 20 <= np.count_nonzero(run.direct_failed_rps) <= 21


def test_theory_by_hand() -> None:
    exact = outage.fluid(50, 20, 80)
    assert exact.backlog == 1_000
    assert exact.drain_s == pytest.approx(100 / 3)
    assert outage.fluid(50, 20, 50).drain_s == math.inf
    slow = outage.Setting(drain_rps=45)
    np.testing.assert_allclose(
        outage.fluid_backlog(slow, [10, 20, 30, 40, 60]), [50, 100, 600, 1_100, 1_200]
    )


AT = [
    outage.Setting(),
    outage.Setting(drain_rps=45),
    outage.Setting(drain_rps=55, seed=2),
    outage.Setting(drain_rps=50),
    outage.Setting(rate_rps=5, outage_s=1),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: outage.Setting) -> None:
    run, exact = outage.simulate(at), outage.theory(at)
    at_end = float(outage.fluid_backlog(at, 20 + at.outage_s))
    drain = "never" if at.drain_rps <= at.rate_rps else exact.drain_s
    assert_summary(
        run,
        {
            "direct_failed_percent": 100 * run.direct_failed,
            "backlog": run.backlog_at_end,
            "backlog_theory": at_end,
            "drained_s": "not yet" if run.drained_s is None else run.drained_s,
            "drained_theory_s": drain,
            "longest_delay_s": run.longest_delay_s,
        },
    )
    jobs = f"{significant(run.backlog_at_end)} job" + "s" * (run.backlog_at_end != 1)
    fluid = drain if drain == "never" else duration(exact.drain_s)
    for said in (
        f"In an outage of {duration(at.outage_s)} the direct call fails "
        f"{significant(100 * run.direct_failed)} % of the requests",
        f" {jobs} ",
        f"(fluid model {significant(at_end)})",
        f"one job waits {duration(run.longest_delay_s)}.",
    ):
        assert said in run.reading
    if at.rate_rps > at.drain_rps:
        assert "goes on growing" in run.reading
    else:
        assert f"({fluid} by the fluid model)" in run.reading
    if run.drained_s is not None:
        assert f"is empty {duration(run.drained_s)} later" in run.reading
    ends = np.arange(1, 121)
    assert_table(
        run,
        {
            "time (s)": ends,
            "answered directly (1/s)": run.direct_ok_rps,
            "failed directly (1/s)": run.direct_failed_rps,
            "jobs in the queue": run.backlog,
            "fluid model": outage.fluid_backlog(at, ends),
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: outage.Setting) -> None:
    run = outage.simulate(at)
    direct, backlog = axes_of(outage.plot, run)
    np.testing.assert_allclose(drawn.curve(direct, color=style.BLUE)[:, 1], run.direct_ok_rps)
    failed = drawn.curve(direct, color=style.VERMILION)
    np.testing.assert_allclose(failed[:, 1], run.direct_failed_rps)
    np.testing.assert_allclose(failed[:, 0], np.arange(120) + 0.5)
    np.testing.assert_allclose(drawn.curve(backlog, color=style.BLUE)[:, 1], run.backlog)
    x, y = drawn.curve(backlog, **style.THEORY).T
    np.testing.assert_allclose(y, outage.fluid_backlog(at, x))
    for ax in (direct, backlog):
        assert drawn.bands(ax) == [(20, 20 + at.outage_s)]


# --- a real consumer ------------------------------------------------------------------------------
