"""Users of one service: the steady state, the two laws, what is shown; faults are noticed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Intervals
from helpers.why import closed_station, users
from helpers.why.closed_station import saturation_users, steady_state
from helpers.why.users_of_a_server import MEASURED_USERS
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.measurements import had_time
from tests.why.checks import assert_agrees

# --- the steady state -----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 5, 100, 6_000, 6_300, 100_000])
@pytest.mark.parametrize(("think_s", "service_s"), [(60.0, 0.01), (1.0, 1.0), (0.2, 0.004)])
def test_the_idle_server_is_erlangs_loss(count: int, think_s: float, service_s: float) -> None:
    station = steady_state(count, think_s, service_s)
    busy = 1 - float(queueing.erlang_b(think_s / service_s, count))
    assert station.utilisation == pytest.approx(busy, rel=1e-9)
    assert station.utilisation == pytest.approx(station.throughput_rps * service_s, rel=1e-9)
    assert station.in_system == pytest.approx(station.throughput_rps * station.response_s, rel=1e-9)
    thinking = count / station.throughput_rps - station.response_s
    assert thinking == pytest.approx(think_s, rel=1e-6), "N = X (R + Z)"


@pytest.mark.parametrize("count", [1, 2, 10, 80])
def test_one_server_agrees_with_mean_value_analysis(count: int) -> None:
    exact = queueing.mva([0.3], count, think_s=4.0)
    station = steady_state(count, 4.0, 0.3)
    assert station.response_s == pytest.approx(exact.response_s[-1], rel=1e-9)
    assert station.throughput_rps == pytest.approx(exact.throughput_rps[-1], rel=1e-9)


@pytest.mark.parametrize(("count", "servers"), [(3, 1), (7, 2), (12, 5), (4, 8)])
def test_several_servers_solve_the_balance_equations(count: int, servers: int) -> None:
    think_s, service_s = 2.0, 0.7
    generator = np.zeros((count + 1, count + 1))
    for n in range(count):
        generator[n, n + 1] = (count - n) / think_s
        generator[n + 1, n] = min(n + 1, servers) / service_s
    generator -= np.diag(generator.sum(axis=1))
    system = np.vstack([generator.T, np.ones(count + 1)])
    share = np.linalg.lstsq(system, np.append(np.zeros(count + 1), 1.0), rcond=None)[0]
    station = steady_state(count, think_s, service_s, servers)
    assert station.in_system == pytest.approx(share @ np.arange(count + 1), rel=1e-9)
    assert station.utilisation * servers == pytest.approx(
        share @ np.minimum(np.arange(count + 1), servers), rel=1e-9
    )


def test_ten_million_users_approach_the_asymptote() -> None:
    assert steady_state(10**7, 60.0, 0.01).response_s == pytest.approx(1e5 - 60, rel=1e-9)
    assert saturation_users(60.0, 0.01) == pytest.approx(6_001)


@pytest.mark.parametrize(("values", "name"), [((0, 1.0, 1.0), "users"), ((1, 0.0, 1.0), "think_s")])
def test_a_wrong_station_is_named(values, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        steady_state(*values)


# --- simulation and theory ------------------------------------------------------------------------


def check(counts: tuple[int, ...] = (300, 5_000, 6_200, 200_000)) -> None:
    for count in counts:
        runs = [users.simulate(users=count, replications=16, seed=s) for s in range(40)]
        exact = users.theory(runs[0].at)
        seen = [run.here for run in runs]
        assert_agrees((s.response_s[0].estimate for s in seen), exact.response_s, "R")
        assert_agrees((s.throughput_rps[0].estimate for s in seen), exact.throughput_rps, "X")
        assert_agrees((s.in_system[0].estimate for s in seen), exact.in_system, "L")
        assert_agrees((s.busy[0].estimate for s in seen), exact.utilisation, "U")
        assert_agrees((run.utilisation_gap.estimate for run in runs), 0.0, "U = X S")
        assert_agrees((run.little_gap.estimate for run in runs), 0.0, "L = X R")


@pytest.fixture(autouse=True)
def _fresh():
    yield
    closed_station.run_closed.cache_clear()


def test_simulation_and_theory() -> None:
    check()


def test_a_start_without_users_is_caught(monkeypatch) -> None:
    closed_station.run_closed.cache_clear()
    monkeypatch.setattr(closed_station, "_draw", lambda u, *_: np.zeros(u.size))
    caught(check, (6_200,))


@pytest.mark.parametrize("fault", ["forgets its own service", "counts busy time twice"])
def test_wrong_counts_are_caught(monkeypatch, fault: str) -> None:
    def wrong(*case):
        seen = closed_station.run_closed(*case)
        if fault == "forgets its own service":
            return dataclasses.replace(seen, followed_s=seen.followed_s - seen.followed)
        return dataclasses.replace(seen, busy_s=1.02 * seen.busy_s)

    monkeypatch.setattr(users, "run_closed", wrong)
    caught(check, (5_000,))


# --- what the learner sees ------------------------------------------------------------------------

AT = [users.Setting(), users.Setting(users=10**7, service_ms=3.0), users.Setting(users=1, seed=4)]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: users.Setting) -> None:
    run, exact = users.simulate(at), users.theory(at)
    seen, service_s = run.here, 1e-3 * at.service_ms
    x, r = seen.throughput_rps[0].estimate, seen.response_s[0].estimate
    assert_summary(
        run,
        {
            "users": at.users,
            "throughput_rps": x,
            "response_ms": 1e3 * r,
            "theory_response_ms": 1e3 * exact.response_s,
            "utilisation": seen.busy[0].estimate,
            "throughput_times_service": x * service_s,
            "in_system": seen.in_system[0].estimate,
            "throughput_times_response": x * r,
        },
    )
    inside = run.response.low <= exact.response_s <= run.response.high
    gaps = []
    for law, gap in (("U = X S", run.utilisation_gap), ("L = X R", run.little_gap)):
        verb = "holds" if gap.low <= 0 <= gap.high else "is missed"
        gaps.append(f"{law} {verb} (to ± {significant(50 * (gap.high - gap.low), 2)} %)")
    who = "1 user waits" if at.users == 1 else f"{at.users:,} users wait"
    assert run.reading == (
        f"{who} {duration(r)} for an answer on average (theory: {duration(exact.response_s)}, "
        f"{'inside' if inside else 'outside'} the simulation's 95 % interval) and the server is "
        f"{significant(100 * seen.busy[0].estimate)} % busy; as observed, {gaps[0]} and {gaps[1]}."
    )
    grid = run.observed
    assert_table(
        run,
        {
            "users": users.USERS,
            "X (answers/s)": grid.done.mean(axis=0) / grid.time_s.mean(axis=0),
            "U": grid.busy_s.mean(axis=0) / grid.time_s.mean(axis=0),
            "X S": service_s * grid.done.mean(axis=0) / grid.time_s.mean(axis=0),
            "R (s)": grid.response_s.estimate,
            "theory R (s)": [users.theory(at.but(users=n)).response_s for n in users.USERS],
            "L": grid.area_s.mean(axis=0) / grid.time_s.mean(axis=0),
            "X R": grid.throughput_rps.estimate * grid.response_s.estimate,
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: users.Setting) -> None:
    run = users.simulate(at)
    ax, laws = axes_of(users.plot, run, mine={"response_s": 7.0})
    counts, curve = drawn.curve(ax, **style.THEORY).T
    exact = [users.theory(at.but(users=int(n))).response_s for n in counts]
    np.testing.assert_allclose(curve, exact)
    assert_bars(drawn.error_bars(ax, color=style.BLUE), users.USERS, run.observed.response_s)
    assert drawn.here(ax) == at.users
    np.testing.assert_allclose(drawn.rings(ax), [(at.users, run.response.estimate)])
    np.testing.assert_allclose(drawn.curve(ax, label="your model"), [(at.users, 7.0)])
    x, r = run.observed.throughput_rps.estimate, run.observed.response_s.estimate
    little = drawn.curve(laws, color=style.BLUE, marker="o")
    np.testing.assert_allclose(little, np.stack([x * r, run.observed.in_system.estimate], 1))
    busy = drawn.curve(laws, color=style.VERMILION, marker="D")
    np.testing.assert_allclose(
        busy, np.stack([1e-3 * at.service_ms * x, run.observed.busy.estimate], 1)
    )
    diagonal = drawn.curve(laws, **style.THEORY)
    np.testing.assert_array_equal(diagonal[:, 0], diagonal[:, 1])


# --- real servers ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_users() -> None:
    found = users.measure(replications=2, run_s=0.3)
    assert found.requests > 100
    assert found.service_s > 0.005, "a sleep is never shorter than asked for"
    if had_time(found.reading):  # but for one crowd, which may have met a busy moment
        assert np.median(np.abs(found.utilisation_gap.estimate[2:])) < 0.3
        assert np.median(np.abs(found.little_gap.estimate[2:])) < 0.5


def measured(late_s: float = 0.0) -> users.MeasuredUsers:
    response = np.array([0.007, 0.008, 0.015, 0.29, 0.85])
    gap = np.array([0.01, -0.02, 0.03, 0.0, 0.05])
    return users.MeasuredUsers(
        users.Trial(),
        service_s=0.006,
        thought_s=0.29,
        response=Intervals(response, response - 0.001, response + 0.002, 0.95, 4),
        utilisation_gap=Intervals(gap, gap - 0.015, gap + 0.015, 0.95, 4),
        little_gap=Intervals(2 * gap, 2 * gap - 0.05, 2 * gap + 0.05, 0.95, 4),
        requests=4_321,
        late_s=late_s,
    )


def test_what_is_said_and_drawn_of_real_users() -> None:
    run = measured()
    exact = np.array([steady_state(n, 0.3, 0.006).response_s for n in MEASURED_USERS])
    low, high = run.response.low, run.response.high
    agree = int(((low <= exact) & (exact <= high)).sum())
    assert_summary(
        run,
        {
            "requests": 4_321,
            "service_ms": 6.0,
            "think_ms": 290.0,
            "theory_inside": f"{agree} of 5",
            "largest_gap_U_vs_XS_percent": 5.0,
            "largest_gap_L_vs_XR_percent": 10.0,
        },
    )
    assert run.reading == (
        "Verdict: over 4,321 real requests U = X S lies in its 95 % interval at 2 of 5 numbers of "
        "users, L = X R at 3, and the response time that theory predicts at "
        f"{agree} (192 users: measured 850 ms, theory {duration(exact[-1])})."
    )
    assert "No verdict" in measured(late_s=0.01).reading
    assert_table(
        run,
        {
            "users": MEASURED_USERS,
            "R (ms)": 1e3 * run.response.estimate,
            "from": 1e3 * low,
            "to": 1e3 * high,
            "theory (ms)": 1e3 * exact,
            "U / (X S)": 1 + run.utilisation_gap.estimate,
            "L / (X R)": 1 + run.little_gap.estimate,
        },
    )
    ax, laws = axes_of(users.plot_measured, run)
    np.testing.assert_allclose(
        drawn.curve(ax, color="black", linestyle="--"), np.stack([MEASURED_USERS, exact], 1)
    )
    assert_bars(drawn.error_bars(ax, color=style.VERMILION), MEASURED_USERS, run.response)
    for gap, marker, shift in ((run.little_gap, "o", 0.96), (run.utilisation_gap, "D", 1.04)):
        shown = drawn.error_bars(laws, marker=marker)
        np.testing.assert_allclose(shown.places, shift * np.array(MEASURED_USERS))
        np.testing.assert_allclose(shown.middle, 1 + gap.estimate)
        np.testing.assert_allclose(shown.low, 1 + gap.low)
        np.testing.assert_allclose(shown.high, 1 + gap.high)
    assert drawn.levels(laws, linestyle="--") == [1.0]
