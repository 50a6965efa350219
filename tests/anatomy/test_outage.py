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


@pytest.mark.parametrize(
    ("rate_rps", "drain_rps", "outage_s"),
    [(50, 80, 20), (5, 20, 1), (50, 45, 20), (100, 80, 20), (50, 20, 20), (100, 50, 60)],
)
def test_backlog_agrees_with_the_fluid(rate_rps: float, drain_rps: float, outage_s: float) -> None:
    at = outage.Setting(rate_rps=rate_rps, drain_rps=drain_rps, outage_s=outage_s)
    runs = [outage.simulate(at.but(seed=seed)) for seed in range(1, 41)]
    # What chance adds to the fluid: whoever waits in an M/M/1 queue; or what an overloaded server
    # missed while it was idle at first, without the job that is finished in the outage.
    load = rate_rps / drain_rps
    more = load**2 / (1 - load) if load < 1 else 1 / (load - 1) - 1
    expected = float(outage.fluid_backlog(at, at.end_s)) + more
    interval = mean_interval([run.backlog_at_end for run in runs], confidence=0.999)
    assert interval.contains(expected)
    assert not interval.contains(0.85 * expected) or expected < 100


def test_it_is_empty_again_when_the_fluid_is() -> None:
    drained = [outage.simulate(seed=s).drained_s for s in range(1, 21)]
    # A busy period that starts with n jobs lasts n / (mu - lambda) on average.
    expected = outage.theory(outage.Setting()).drain_s + 0.5
    assert mean_interval(drained, confidence=0.999).contains(expected)
    assert not mean_interval(drained, confidence=0.999).contains(0.85 * expected)


def plain(arrivals: np.ndarray, services: np.ndarray, start: float, end: float) -> list[float]:
    """Job by job: whichever would begin in the outage begins at its end."""
    free, starts = 0.0, []
    for arrival, service in zip(arrivals, services, strict=True):
        begin = max(arrival, free)
        starts.append(end if start <= begin < end else begin)
        free = starts[-1] + service
    return starts


@pytest.mark.parametrize("drain_rps", [20.0, 45.0, 80.0, 200.0])
@pytest.mark.parametrize("end_s", [20.0, 20.02, 40.0, 80.0])
def test_no_job_begins_in_the_outage(drain_rps: float, end_s: float) -> None:
    rng = np.random.default_rng(4)
    arrivals, services = rng.exponential(size=(2, 4_000)) / [[50.0], [drain_rps]]
    arrivals = np.cumsum(arrivals)
    starts = outage.with_outage(arrivals, services, 20.0, end_s)
    assert not ((starts >= 20) & (starts < end_s)).any()
    np.testing.assert_allclose(starts, plain(arrivals, services, 20.0, end_s))


def test_a_job_in_service_is_finished_and_the_next_one_waits() -> None:
    arrivals, services = np.array([1.0, 2.0, 6.0, 20.0]), np.array([0.5, 4.0, 1.0, 1.0])
    starts = outage.with_outage(arrivals, services, 3.0, 10.0)
    # The job of time 2 is finished first (until 6), then nothing until 10.
    assert starts == pytest.approx([1.0, 2.0, 10.0, 20.0])
    again = outage.with_outage(arrivals, services, 3.0, 4.0)
    assert again == pytest.approx([1.0, 2.0, 6.0, 20.0])


def test_who_waits_for_a_consumer_that_goes_away_has_failed() -> None:
    arrivals, services = np.array([0.0, 0.1, 0.2, 3.0, 3.1]), np.array([1.5, 1.0, 1.0, 2.5, 1.0])
    # The first is in service from 0 to 1.5; the last would wait for longer than 2 s.
    failed = outage._fails_directly(arrivals, services, 1.0, 2.5)
    assert failed.tolist() == [False, True, True, False, True]
    assert outage._fails_directly(arrivals, services, 1.6, 1.7).tolist() == [False] * 2 + [
        True,
        False,
        True,
    ]


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
