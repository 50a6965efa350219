"""Four workers and a hot key: the same requests in simulation and in threads, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import workers
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.measurements import had_time
from tests.sharding.checks import assert_columns, within

pytestmark = pytest.mark.usefixtures("leaves_nothing_behind")


def test_long_runs_are_mm1_queues() -> None:
    runs = [workers.simulate(rate_rps=300.0, run_s=5.0, seed=s) for s in range(1, 60)]
    # Runs of 1,500 requests begin with empty queues, which costs about 1 %.
    ratio = [np.nanmean(run.mean_s / workers.theory(run.at).mean_s) for run in runs]
    assert within(ratio, 1.0, slack=0.02)


def test_threads_obey_lindley() -> None:
    run = workers.measure(run_s=0.6)
    assert run.requests == int(400 * 0.6)
    # The recursion is exact; what is left is the time it takes threads to wake. In a line that
    # hardly ever empties these add up, so nothing bounds them but the machine.
    assert np.nanmin(run.mean_s - run.replay_s) > -1e-9
    assert run.replay_s[run.at.hot_worker] == np.nanmax(run.replay_s)
    assert had_time(run.verdict) == ("recursion on this run" in run.verdict)
    planned = workers.simulate(run_s=0.6)
    assert run.expected.utilisation.argmax() == workers.theory(planned.at).utilisation.argmax()


def test_shares_and_the_hot_worker_are_the_hash_functions() -> None:
    at = workers.Setting(workers=3, exponent=2.0)
    busy = workers.theory(at).utilisation
    assert busy.sum() == pytest.approx(400 * 0.005)
    assert busy.argmax() == at.hot_worker == at.homes[0]
    assert workers.theory(at, 0.001).utilisation == pytest.approx(busy / 5)


def told_of(run, kind: str) -> None:
    hot = run.at.hot_worker
    others = np.nanmean(np.delete(run.mean_s, hot))
    expected = run.expected
    assert_tells(
        run.reading,
        f"In this {kind} of {run.requests:,} requests",
        f"is {significant(100 * expected.utilisation[hot])} % busy",
        f"takes {duration(run.mean_s[hot])} on average, the others {duration(others)}",
    )
    exact = 1e3 * expected.mean_s[hot] if np.isfinite(expected.mean_s[hot]) else "no steady state"
    assert list(run.summary.values()) == [
        pytest.approx(expected.utilisation[hot]),
        pytest.approx(1e3 * run.mean_s[hot]),
        exact if isinstance(exact, str) else pytest.approx(exact),
        pytest.approx(1e3 * others),
    ]


@pytest.mark.parametrize("setting", [{}, {"workers": 8, "exponent": 2.0, "rate_rps": 1_500.0}])
def test_what_the_learner_sees_of_a_simulation(setting: dict) -> None:
    run = workers.simulate(**setting)
    exact, each = workers.theory(run.at), np.arange(run.at.workers)
    (ax,) = drawn_by(workers, run)
    points = drawn.curve(ax, marker="D", color=style.BLUE)
    np.testing.assert_allclose(points, np.column_stack((each - 0.12, run.mean_s)))
    places, values = drawn.marks(ax)
    steady = np.isfinite(exact.mean_s)
    assert places == pytest.approx(each[steady])
    assert values == pytest.approx(exact.mean_s[steady])
    hot = run.at.hot_worker
    assert drawn.bands(ax) == [(hot - 0.5, hot + 0.5)]
    told_of(run, "simulation")
    assert_columns(run, each + 1, exact.utilisation, 1e3 * run.mean_s, 1e3 * exact.mean_s)


def test_what_the_learner_sees_of_a_measurement() -> None:
    parts = {"mean_s": np.array([0.01, 0.02, 0.03, 0.04]), "requests": 800, "late_s": 1e-5}
    replay = np.array([0.01, 0.02, 0.03, 0.039])
    run = workers.MeasuredWorkers(workers.Setting(), **parts, replay_s=replay, service_s=0.006)
    told_of(run, "measurement")
    assert_tells(run.verdict, "at most 2.6 %", "they agree", "(tolerance 10 %)")
    far = workers.MeasuredWorkers(run.at, **parts, replay_s=replay / 2, service_s=0.006)
    assert_tells(far.verdict, "at most 110 %", "they disagree", "(tolerance 10 %)")
    late = workers.MeasuredWorkers(run.at, **parts | {"late_s": 0.1}, replay_s=replay, service_s=1)
    assert "No verdict" in late.verdict
    exact = workers.theory(run.at, 0.006)
    columns = (exact.utilisation, 1e3 * run.mean_s, 1e3 * exact.mean_s, 1e3 * replay)
    assert_columns(run, np.arange(1, 5), *columns)
    (ax,) = drawn_by(workers, run)
    points = drawn.curve(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(points, np.column_stack((np.arange(4) + 0.12, run.mean_s)))
