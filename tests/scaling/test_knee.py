"""The knee: the fast simulation, the open model and M/M/c agree; faults are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.scaling import knee
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.models import edited
from tests.scaling.checks import assert_agrees

MODEL = "helpers.scaling.knee:one_queue"


@pytest.mark.parametrize("servers", [1, 4])
def test_the_open_model_is_the_fast_engine_on_the_same_draws(servers: int) -> None:
    at = knee.Setting(utilisation=0.8, servers=servers, replications=2)
    draw = Draws(at.seed)
    gaps = unit_gaps("poisson", (2_000, 2), draw("arrivals")) * 0.020 / (0.8 * servers)
    services = unit_services("exponential", (2_000, 2), draw("services")) * 0.020
    waits = queueing.fifo_waits(np.cumsum(gaps, axis=0).T, services.T, servers)
    luck = Draws(at.seed)
    for run in range(2):  # a second run goes on where the first one stopped
        settled = 1_000 * (waits[run] + services[:, run])[600:]
        mine = knee.one_queue(at, luck)
        # Requests overtake each other where there are several servers, so the model's list is in
        # another order, and the 600 that are left out are not quite the same.
        tolerance = 1e-9 if servers == 1 else 0.02
        assert mine["mean_ms"] == pytest.approx(settled.mean(), rel=tolerance)
        assert mine["p99_ms"] == pytest.approx(np.percentile(settled, 99), rel=tolerance)


def _runs(model, **setting) -> dict[str, list[float]]:
    outcomes = [model(at := knee.Setting(**setting, seed=s), Draws(at.seed)) for s in range(12)]
    return {name: [outcome[name] for outcome in outcomes] for name in outcomes[0]}


def test_requests_that_give_up_take_the_wall_away() -> None:
    impatient = edited(
        MODEL,
        "            yield my_turn\n",
        "            yield my_turn | world.timeout(5 * service_s)\n"
        "            if not my_turn.triggered:\n"
        "                return\n",
    )
    exact = knee.theory(knee.Setting(utilisation=0.95))
    mine = _runs(impatient, utilisation=0.95)
    assert max(mine["mean_ms"]) < 0.5 * 1e3 * exact.mean_s
    assert max(mine["p99_ms"]) < 0.5 * 1e3 * exact.p99_s
    four = knee.theory(knee.Setting(utilisation=0.95, servers=4))
    longer = _runs(impatient, utilisation=0.95, servers=4)["mean_ms"]
    assert np.mean(longer) > 0.5 * 1e3 * four.mean_s, "so the page says: with one server"


def test_a_server_that_pauses_now_and_then_brings_the_wall_nearer() -> None:
    pausing = edited(
        MODEL,
        '            yield world.timeout(draw("services").exponential(service_s))\n',
        '            yield world.timeout(draw("services").exponential(service_s))\n'
        '            if draw("pauses").random() < 0.002:\n'
        "                yield world.timeout(1.0)\n",
    )
    exact = knee.theory(knee.Setting(utilisation=0.6))
    mine = _runs(pausing, utilisation=0.6)
    assert min(mine["p99_ms"]) > 1.5 * 1e3 * exact.p99_s
    assert np.mean(mine["mean_ms"]) == pytest.approx(3 * 1e3 * exact.mean_s, rel=0.1)
    assert np.mean(mine["p99_ms"]) == pytest.approx(5 * 1e3 * exact.p99_s, rel=0.1)


def test_a_line_for_each_server_is_as_slow_as_one_server() -> None:
    split = edited(
        MODEL,
        "    servers = simpy.Resource(world, capacity=at.servers)\n",
        "    lines = [simpy.Resource(world) for _ in range(at.servers)]\n",
        "        with servers.request() as my_turn:\n",
        '        line = lines[draw("lines").integers(at.servers)]\n'
        "        with line.request() as my_turn:\n",
    )
    alone = knee.theory(knee.Setting(utilisation=0.6, servers=1))
    assert_agrees(_runs(split, utilisation=0.6, servers=4)["mean_ms"], 1e3 * alone.mean_s)


def test_the_untouched_model_agrees_with_theory() -> None:
    exact = knee.theory(knee.Setting(utilisation=0.6))
    assert_agrees(_runs(knee.one_queue, utilisation=0.6)["mean_ms"], 1e3 * exact.mean_s)


# --- what is watched ------------------------------------------------------------------------------


@pytest.mark.parametrize("servers", [1, 4])
def test_what_is_watched_is_a_run_in_its_stationary_state(servers: int) -> None:
    """Over many runs as many wait, and as many are served, as theory says."""
    at = knee.Setting(utilisation=0.8, servers=servers)
    waiting, busy = [], []
    for seed in range(60):
        log = knee.watch(at.but(seed=seed))
        moments = np.linspace(0.2, 5.8, 12)
        standing = [log.standing(moment) for moment in moments]
        waiting.append(np.mean([len(each["line"]) for each in standing]))
        busy.append(np.mean([len(each["server"]) for each in standing]))
    (curve,) = log.curves
    assert curve.level == pytest.approx(
        queueing.mmc_wait(40.0 * servers, 0.020, servers) * 40.0 * servers
    )
    assert mean_interval(np.array(waiting)).contains(curve.level)
    assert mean_interval(np.array(busy)).contains(0.8 * servers)


def test_what_is_watched_has_no_gap_and_no_idle_server_beside_a_line() -> None:
    log = knee.watch(utilisation=0.95, servers=3)
    for moment in np.unique(log.rows.time_s)[::4]:  # who stands where is counted from the start
        standing = log.standing(moment)
        assert len(standing["server"]) == 3 or not standing["line"]


# --- theory and faults ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _fresh_draws():
    """No draw that a fault made may outlive it, nor one made before hide it."""
    for cached in (knee._draws, knee._in_service_times):
        cached.cache_clear()
    yield
    for cached in (knee._draws, knee._in_service_times):
        cached.cache_clear()


def check(servers: int, load: float) -> None:
    """Mean and 99th percentile of the response are M/M/c's.

    The percentile of 16 runs of 1,300 requests is off by up to 2 % of itself on average.
    """
    runs = [knee.simulate(utilisation=load, servers=servers, seed=seed) for seed in range(24)]
    exact = knee.theory(runs[0].at)
    assert_agrees([run.here_mean.estimate for run in runs], exact.mean_s)
    assert_agrees([run.here_p99.estimate for run in runs], exact.p99_s, bias=0.02)


@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
@pytest.mark.parametrize("servers", [1, 4])
def test_simulation_and_theory(servers: int, load: float) -> None:
    check(servers, load)


@pytest.mark.parametrize("what", ["unit_gaps", "unit_services"])
def test_regular_traffic_is_caught(monkeypatch, what: str) -> None:
    monkeypatch.setattr(knee, what, lambda kind, size, rng, **_: np.ones(size))
    caught(check, 1, 0.7)


def test_a_server_too_many_is_caught(monkeypatch) -> None:
    original = steady_state.fifo_waits
    monkeypatch.setattr(steady_state, "fifo_waits", lambda a, s, c: original(a, s, c + 1))
    caught(check, 4, 0.7)


def test_the_wait_alone_is_caught(monkeypatch) -> None:
    original = steady_state.fifo_waits
    monkeypatch.setattr(steady_state, "fifo_waits", lambda a, s, c: original(a, s, c) - s)
    caught(check, 1, 0.7)


@pytest.mark.parametrize("servers", [1, 4])
def test_stretches_that_begin_empty_are_caught(monkeypatch, servers: int) -> None:
    original = steady_state.still_busy
    monkeypatch.setattr(steady_state, "still_busy", lambda *each: 0 * original(*each))
    caught(check, servers, 0.85)


def test_a_first_request_that_comes_late_is_caught(monkeypatch) -> None:
    # Whoever comes first after a random moment has had a longer gap before him than most.
    original = steady_state.still_busy
    later = lambda *each: np.maximum(original(*each) - 1, 0)  # noqa: E731
    monkeypatch.setattr(steady_state, "still_busy", later)
    caught(check, 4, 0.85)


def test_near_saturation_the_simulation_is_right_and_its_intervals_are_honest() -> None:
    runs = [knee.simulate(utilisation=0.95, servers=4, seed=seed) for seed in range(60)]
    exact = knee.theory(runs[0].at)
    assert_agrees([run.here_mean.estimate for run in runs], exact.mean_s)
    held = sum(run.here_mean.contains(exact.mean_s) for run in runs)
    # Of 60 intervals that hold the truth in 94 % of the cases, fewer than 50 do with
    # probability 0.001.
    assert held >= 50


def test_one_server_by_hand() -> None:
    exact = knee.theory(knee.Setting(utilisation=0.9))
    assert exact.mean_s == pytest.approx(0.200)
    assert exact.p99_s == pytest.approx(0.200 * np.log(100))


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    knee.Setting(),
    knee.Setting(utilisation=0.95, servers=4, service_ms=3.0, seed=2),
    knee.Setting(utilisation=0.05),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: knee.Setting) -> None:
    run, exact = knee.simulate(at), knee.theory(at)
    mean, p99 = run.here_mean, run.here_p99
    assert_summary(
        run,
        {
            "utilisation": at.utilisation,
            "mean_ms": 1e3 * mean.estimate,
            "mean_low_ms": 1e3 * mean.low,
            "mean_high_ms": 1e3 * mean.high,
            "theory_mean_ms": 1e3 * exact.mean_s,
            "p99_ms": 1e3 * p99.estimate,
            "theory_p99_ms": 1e3 * exact.p99_s,
        },
    )
    interval = f"{duration(mean.low)} to {duration(mean.high)}"
    for said in (
        f"At {significant(100 * at.utilisation)} % utilisation a request takes "
        f"{duration(mean.estimate)} on average, "
        f"{significant(1e3 * mean.estimate / at.service_ms)} service times",
        f"one in a hundred takes more than {duration(p99.estimate)}",
        f"theory says {duration(exact.mean_s)}, which lies inside the simulation's 95 % interval, "
        f"{interval}."
        if mean.low <= exact.mean_s <= mean.high
        else f"theory says {duration(exact.mean_s)}, which lies outside the simulation's 95 % "
        f"interval, {interval}, as happens by chance once in twenty times.",
    ):
        assert said in run.reading
    assert ("too few for an interval" in run.reading) == (at.utilisation > 0.6)
    grid = [knee.theory(at.but(utilisation=load)) for load in knee.GRID]
    assert_table(
        run,
        {
            "utilisation": knee.GRID,
            "mean (ms)": 1e3 * run.mean.estimate,
            "from": 1e3 * run.mean.low,
            "to": 1e3 * run.mean.high,
            "theory (ms)": [1e3 * each.mean_s for each in grid],
            "p99 (ms)": 1e3 * run.p99.estimate,
            "theory p99 (ms)": [1e3 * each.p99_s for each in grid],
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: knee.Setting) -> None:
    run = knee.simulate(at)
    (ax,) = axes_of(knee.plot, run, mine={"mean_ms": 12.0, "p99_ms": 34.0})
    for look, name in (
        (style.THEORY, "mean_s"),
        ({"color": style.PURPLE, "linestyle": "--"}, "p99_s"),
    ):
        loads, curve = drawn.curve(ax, **look).T
        exact = knee.theory(at, loads)
        np.testing.assert_allclose(curve, 1e3 * getattr(exact, name))
        assert loads.min() < 0.05
        assert 0.95 < loads.max() < 1
    for color, marker, curve, here in (
        (style.BLUE, "o", run.mean, run.here_mean),
        (style.PURPLE, "^", run.p99, run.here_p99),
    ):
        shown = drawn.error_bars(ax, color=color, marker=marker)
        np.testing.assert_allclose(shown.places, [*knee.GRID, at.utilisation])
        for part, name in (("middle", "estimate"), ("low", "low"), ("high", "high")):
            expected = 1e3 * np.append(getattr(curve, name), getattr(here, name))
            np.testing.assert_allclose(getattr(shown, part), expected)
    assert drawn.here(ax) == at.utilisation
    np.testing.assert_allclose(
        drawn.rings(ax),
        [
            (at.utilisation, 1e3 * run.here_mean.estimate),
            (at.utilisation, 1e3 * run.here_p99.estimate),
        ],
    )
    mine = drawn.curve(ax, label="your model")
    np.testing.assert_allclose(mine, [(at.utilisation, 12.0), (at.utilisation, 34.0)])


def test_each_of_the_runs_intervals_has_an_interval_of_its_own() -> None:
    run = knee.simulate(replications=9)
    for each in (run.mean, run.p99[:6], run.here_mean, run.here_p99):
        assert each.confidence == 0.95
        assert np.all(each.low < each.estimate)
        assert np.all(each.estimate < each.high)
    assert (run.mean.samples, run.p99.samples) == (9, 9 * 8)


def test_the_99th_percentile_has_no_interval_where_few_lines_decide_it() -> None:
    run = knee.simulate(utilisation=0.61)
    assert np.isfinite(run.p99.estimate).all()
    known = np.array(knee.GRID) <= 0.6
    for end in (run.p99.low, run.p99.high):
        np.testing.assert_array_equal(np.isfinite(end), known)
    assert np.isnan(run.here_p99.low)
    assert np.isfinite(knee.simulate(utilisation=0.6).here_p99.high)


# --- real servers ---------------------------------------------------------------------------------


def test_the_sentence_says_when_theory_lies_outside() -> None:
    run = knee.simulate()
    low = knee.theory(run.at).mean_s / 2
    off = knee.Knee(run.at, run.mean, run.p99, Interval(low, low, low, 0.95, 16), run.here_p99)
    assert off.reading.endswith(
        "which lies outside the simulation's 95 % interval, 20 ms to 20 ms, as happens by chance "
        "once in twenty times."
    )
    assert "20 ms on average, 1 service time, and" in off.reading


def test_the_axis_stands_still_while_the_service_time_moves_a_little() -> None:
    tops = [
        axes_of(knee.plot, knee.simulate(service_ms=ms))[0].get_ylim()[1] for ms in range(15, 34)
    ]
    assert tops == [600] * 19


@pytest.mark.parametrize(
    ("requests", "share", "p99_share"), [(2_000, 0.9, 0.5), (20_000, 1.0, 0.78)]
)
@pytest.mark.parametrize("servers", [1, 4])
def test_near_saturation_the_open_model_needs_more_requests(
    servers: int, requests: int, share: float, p99_share: float
) -> None:
    """Many runs of the same law: one of 2,000 requests varies by more than half of its mean."""
    settled = edited(MODEL, "range(2_000)", "range(20_000)", "[600:]", "[6_000:]")
    assert callable(settled), "the change that the page proposes can be made"
    gaps, services = (
        np.random.default_rng(5)
        .exponential((1 / (0.95 * servers), 1.0), (8_000_000 // requests, requests, 2))
        .T
    )
    waits = queueing.fifo_waits(np.cumsum(gaps, axis=0).T, services.T, servers)
    settled_s = (waits + services.T)[:, 3 * requests // 10 :]
    exact = knee.theory(knee.Setting(utilisation=0.95, service_ms=1_000.0, servers=servers))
    means = settled_s.mean(axis=1) / exact.mean_s
    assert means.mean() == pytest.approx(share, abs=0.04)
    assert means.std() / means.mean() > 0.25
    tails = np.percentile(settled_s, 99, axis=1) / exact.p99_s
    assert tails.mean() == pytest.approx(p99_share, abs=0.05)
