"""A rolling deploy: the open model is the simulation on the same draws, and its edits tell."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.why import rolling
from helpers.why.changing_fleet import changing_waits
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, runs_of
from tests.models import edited
from tests.why.checks import assert_agrees

MODEL = "helpers.why.rolling:rolling_deploy"
DIES = ("    now, end, out = -24.0", "    plan.insert(1, (8.0, -1))\n    now, end, out = -24.0")


@pytest.mark.parametrize(("servers", "batch"), [(6, 2), (4, 4), (7, 3), (12, 1)])
def test_the_open_model_is_the_engine_on_the_same_draws(servers: int, batch: int) -> None:
    at = rolling.Setting(servers=servers, batch=batch, utilisation=0.7)
    mine = rolling.rolling_deploy(at, Draws(at.seed))
    draw, end = Draws(at.seed), at.end_s
    gaps = draw("arrivals").exponential(1 / at.rate_rps, 4_000)
    came = np.cumsum(gaps) - 24.0
    came = came[came < end]
    took = draw("services").exponential(0.4, 4_000)[: came.size]
    plan = []
    for i, size in enumerate(at.sizes):
        plan += [(29.0 + 5 * i, -size), (34.0 + 5 * i, size)]
    waits = changing_waits(came + 24.0, took, servers, plan)
    for time, wait in zip(mine["time_s"], mine["wait_s"], strict=True):
        inside = (came >= time - 1.25) & (came < time + 1.25)
        if inside.any():
            assert wait == pytest.approx(waits[inside].mean(), abs=1e-9)
        else:
            assert np.isnan(wait)


def test_the_open_model_and_the_simulation_agree_on_average() -> None:
    runs = [rolling.simulate(seed=s, utilisation=0.75) for s in range(10)]
    mine = runs_of(rolling.rolling_deploy, rolling.Setting, 150, utilisation=0.75)
    for slot in (3, 5, 7):  # of two and a half seconds, five of the simulation's
        seen = [np.nanmean(run.wait_s[:, 5 * slot : 5 * slot + 5]) for run in runs]
        assert mine["wait_s"][slot] == pytest.approx(np.mean(seen), rel=0.15)


def test_with_a_death_the_simulation_is_the_edited_model() -> None:
    dead = edited(MODEL, *DIES)
    mine = runs_of(dead, rolling.Setting, 150)
    run = rolling.simulate(dies=True, replications=150)
    for slot in (3, 5, 7):
        seen = np.nanmean(run.wait_s[:, 5 * slot : 5 * slot + 5])
        assert mine["wait_s"][slot] == pytest.approx(seen, rel=0.15)


# --- theory ---------------------------------------------------------------------------------------


def test_theory_by_hand() -> None:
    assert rolling.Setting(servers=7, batch=3).sizes == [3, 3, 1]
    at = rolling.Setting(servers=6, batch=2, utilisation=0.6)
    exact = rolling.theory(at)
    assert (exact.capacity, exact.backlog, at.deploy_s) == (pytest.approx(4 / 6), 0.0, 15.0)
    middle = exact.wait_s[24]
    assert middle == pytest.approx(queueing.mmc_wait(9.0, 0.4, 4))
    whole = rolling.theory(rolling.Setting(servers=4, batch=4, utilisation=0.5))
    assert (whole.capacity, whole.backlog) == pytest.approx((0.0, 25.0))
    # 4 of 6 are left for 5 erlangs: one server's work, 2.5 requests, each second for 15 seconds.
    assert rolling.theory(at.but(utilisation=5 / 6)).backlog == pytest.approx(37.5)
    # With a death at the eighth second one more is missing for the other twelve.
    assert rolling.theory(at.but(utilisation=5 / 6, dies=True)).backlog == pytest.approx(67.5)
    assert rolling.theory(at.but(dies=True)).capacity == pytest.approx(0.5)


def test_a_backlog_is_worked_off_by_those_who_are_there() -> None:
    # Nobody for three quarters of a second, then four who do ten requests a second.
    assert rolling._drain_s(1.0, np.array([0, 0, 4, 4])) == pytest.approx(0.75 + 0.1)
    # Half a step of two servers does 1.25; the rest is left to four.
    assert rolling._drain_s(2.0, np.array([2, 4])) == pytest.approx(0.25 + 0.75 / 10)
    assert rolling._drain_s(3.0, np.array([2])) == pytest.approx(0.25 + 1.75 / 5)
    assert rolling._drain_s(0.0, np.array([0, 1])) == 0


def test_a_batch_that_leaves_nobody_to_die_is_refused() -> None:
    with pytest.raises(ValueError, match="batch must be at most servers"):
        rolling.Setting(servers=4, batch=5)
    with pytest.raises(ValueError, match="less the one that dies"):
        rolling.Setting(servers=4, batch=4, dies=True)


def test_nobody_is_served_while_all_servers_are_replaced() -> None:
    found = rolling.simulate(servers=4, batch=4, utilisation=0.5)
    during = (found.time_s > 6) & (found.time_s < 9)
    until_end = 10 - found.time_s[during]
    assert (np.nanmin(found.wait_s[:, during], axis=0) > until_end - 0.3).all()


def test_fluid_backlog_predicts_a_long_overload() -> None:
    runs = [rolling.simulate(servers=12, batch=4, utilisation=0.9, seed=s) for s in range(8)]
    at = int(np.abs(runs[0].time_s - 19.5).argmin())
    seen = np.mean([run.mean_wait_s[at] for run in runs])
    assert seen == pytest.approx(rolling.theory(runs[0].at).wait_s[at], rel=0.12)


def test_before_the_deploy_the_fleet_is_in_its_steady_state() -> None:
    runs = [rolling.simulate(utilisation=0.8, seed=s) for s in range(40)]
    early = [np.nanmean(run.wait_s[:, :10]) for run in runs]
    assert_agrees(early, float(queueing.mmc_wait(12.0, 0.4, 6)))


# --- the edits ------------------------------------------------------------------------------------


def worst(model, **values) -> float:
    return float(np.nanmax(runs_of(model, rolling.Setting, 40, **values)["wait_s"]))


def test_a_pause_between_batches_halves_the_worst_wait() -> None:
    patient = edited(MODEL, "begins = 5.0 + 5.0 * batch", "begins = 5.0 + 10.0 * batch")
    before, after = (worst(model, utilisation=0.75) for model in (rolling.rolling_deploy, patient))
    assert 0.3 < after / before < 0.7
    at = rolling.Setting()
    assert patient(at, Draws(1))["time_s"][-1] - 1.25 * 2 > 32


def test_servers_that_start_cold_overload_the_rest() -> None:
    back = "heappush(free, max(moment, out.pop(0)))"
    cold = edited(MODEL, back, back[:-1] + " + 4.0)")
    assert worst(cold) > 4 * worst(rolling.rolling_deploy)


def test_the_death_of_a_colleague_ends_badly_at_60_percent() -> None:
    dead = edited(MODEL, *DIES)
    assert worst(dead) > 3 * worst(rolling.rolling_deploy)
    assert worst(dead, utilisation=0.35) < 0.6


def test_a_death_needs_somebody_who_is_not_being_replaced() -> None:
    dead = edited(MODEL, *DIES)
    for servers in range(4, 13):
        for batch in range(1, 5):
            at = rolling.Setting(servers=servers, batch=batch)
            if batch < servers:
                assert np.isfinite(np.nanmax(dead(at, Draws(at.seed))["wait_s"]))
            else:
                with pytest.raises(IndexError):
                    dead(at, Draws(at.seed))


def test_just_beyond_the_boundary_the_fleet_falls_behind_and_recovers() -> None:
    at = rolling.Setting(utilisation=0.51, dies=True)
    left = rolling._in_service(at)[16:40]  # from the death to the end of the deploy
    assert set(left.tolist()) == {3}
    assert left[0] / rolling.SERVICE_S < at.rate_rps
    waits = np.mean([rolling.simulate(at.but(seed=s)).mean_wait_s for s in range(20)], axis=0)
    assert waits.max() > 20 * waits[:10].mean()
    assert waits[-5:].mean() < 0.1 * waits.max()


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    rolling.Setting(),
    rolling.Setting(servers=4, batch=4, utilisation=0.95, seed=2),
    rolling.Setting(utilisation=0.6, dies=True),
    rolling.Setting(utilisation=0.4, dies=True),
    rolling.Setting(servers=12, batch=1, utilisation=0.1),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: rolling.Setting) -> None:
    run, exact = rolling.simulate(at), rolling.theory(at)
    with np.errstate(invalid="ignore"):
        mean = run.mean_wait_s
    seen = np.isfinite(run.wait_s).any(axis=0)
    np.testing.assert_allclose(mean[seen], np.nanmean(run.wait_s[:, seen], axis=0))
    left = (at.servers - at.batch - at.dies) / at.servers
    assert_summary(
        run,
        {
            "capacity_percent": 100 * left,
            "offered_percent": 100 * at.utilisation / left if left else "no server left",
            "deploy_s": 5.0 * -(-at.servers // at.batch),
            "worst_wait_ms": 1e3 * np.nanmax(mean),
            "fluid_backlog": exact.backlog,
        },
    )
    dead = " and one dead" if at.dies else ""
    start = (
        f"ith {at.batch} of {at.servers} servers out at a time{dead} {significant(100 * left)} % "
        f"of the capacity is left for traffic that needs {significant(100 * at.utilisation)} %: "
    )
    length, wait = duration(at.deploy_s), duration(np.nanmax(mean))
    badly = left <= at.utilisation
    end = (
        f"in {length} about {significant(exact.backlog)} requests pile up (fluid approximation), "
        f"and requests wait {wait} at worst."
        if badly
        else f"the deploy takes {length} and requests wait {wait} at worst."
    )
    first = "This afternoon ends badly: w" if badly and at.dies else "W"
    assert run.reading == first + start + end
    assert_table(
        run,
        {
            "time (s)": run.time_s,
            "capacity": run.capacity,
            "wait (ms)": 1e3 * mean,
            "theory (ms)": 1e3 * exact.wait_s,
        },
    )


def test_the_sentence_notices_the_boundary_on_both_sides() -> None:
    for utilisation, badly in ((0.45, False), (0.49, False), (0.51, True), (0.6, True)):
        run = rolling.simulate(utilisation=utilisation, dies=True)
        assert run.reading.startswith("This afternoon ends badly") == badly


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: rolling.Setting) -> None:
    run, exact = rolling.simulate(at), rolling.theory(at)
    mine = {"time_s": np.array([1.25, 3.75]), "wait_s": np.array([0.1, 0.3])}
    top, ax = axes_of(rolling.plot, run, mine=mine)
    steps = drawn.curve(top, color=style.BLUE)
    out = np.zeros(run.time_s.size)
    for i, size in enumerate(at.sizes):
        out[(run.time_s > 5 + 5 * i) & (run.time_s < 10 + 5 * i)] = size
    out += at.dies * (run.time_s > 8)
    expected = 100 * (1 - out / at.servers)
    assert {round(y, 9) for y in steps[:, 1]} == {round(y, 9) for y in expected}
    np.testing.assert_allclose(run.capacity, 1 - out / at.servers)
    assert drawn.levels(top, color=style.VERMILION) == [100 * at.utilisation]
    np.testing.assert_allclose(
        drawn.curve(ax, **style.SIMULATION), np.stack([run.time_s, run.mean_wait_s], 1)
    )
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY), np.stack([run.time_s, exact.wait_s], 1)
    )
    np.testing.assert_allclose(drawn.curve(ax, label="your model"), [(1.25, 0.1), (3.75, 0.3)])
