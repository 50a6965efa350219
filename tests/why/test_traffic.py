"""Three kinds of traffic of equal mean: engine, open model, edits, replay; faults are noticed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval
from helpers.why import traffic
from helpers.why.traffic import TRAFFIC, UTILISATIONS, WORK, exponential_wait
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught, runs_of, sampled
from tests.measurements import had_time
from tests.models import edited
from tests.why.checks import assert_agrees

MODEL = "helpers.why.traffic:one_station,three_traffics"


# --- theory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("utilisation", [0.05, 0.3, 0.5, 0.8, 0.95, 0.99])
def test_constant_arrivals_solve_their_equation(utilisation: float) -> None:
    wait = exponential_wait(utilisation, "constant", 4.0)
    sigma = wait / (1 + wait)
    assert 0 < sigma < 1
    assert sigma == pytest.approx(math.exp(-(1 - sigma) / utilisation), rel=1e-9)


def test_constant_arrivals_at_half_load() -> None:
    # sigma = 0.20319 solves sigma = exp(-2 (1 - sigma)).
    assert exponential_wait(0.5, "constant", 4.0) == pytest.approx(0.20319 / 0.79681, rel=1e-4)


def test_theory_picks_the_formula_that_is_exact() -> None:
    at = traffic.Setting(utilisation=0.8, work="always the same")
    assert traffic.theory(at, "poisson") == pytest.approx(2.0)
    assert traffic.theory(at, "constant") == 0
    at = traffic.Setting(utilisation=0.7, burstiness=1.0)
    for kind in ("poisson", "bursty"):
        assert traffic.theory(at, kind) == pytest.approx(7 / 3)
    # Kingman, with the squared coefficients of variation 4 of the gaps and of the work.
    slow = traffic.Setting(utilisation=0.7, work="one in twenty is slow")
    assert traffic.theory(slow, "bursty") == pytest.approx(7 / 3 * (4 + 4) / 2)


# --- simulation and theory ------------------------------------------------------------------------


def last(*args, **values) -> traffic.Waits:
    """What an experiment ends with: its longest runs."""
    *_, result = traffic.simulate(*args, **values)
    return result


@pytest.fixture(autouse=True)
def _fresh():
    yield
    for cached in (traffic._waits, traffic._gaps, traffic._services):
        cached.cache_clear()


def check(works=tuple(WORK)) -> None:
    runs = [last(utilisation=0.6, seed=s) for s in range(20)]
    for kind in TRAFFIC:
        exact = traffic.theory(runs[0].at, kind)
        assert_agrees((run.here[kind].estimate for run in runs), exact, kind)
    for work in works:
        runs = [last(utilisation=0.6, work=work, seed=s) for s in range(10)]
        exact = traffic.theory(runs[0].at, "poisson")
        assert_agrees((run.here["poisson"].estimate for run in runs), exact, work)


def test_simulation_and_theory() -> None:
    check()


@pytest.mark.parametrize("fault", sampled(["nobody waits", "even gaps", "even work"], 3))
def test_faults_are_caught(monkeypatch, fault: str) -> None:
    for cached in (traffic._waits, traffic._gaps, traffic._services):
        cached.cache_clear()
    if fault == "nobody waits":
        monkeypatch.setattr(traffic, "waits_in_line", lambda gaps, works: np.zeros_like(works))
    else:
        name = "unit_gaps" if fault == "even gaps" else "unit_services"
        monkeypatch.setattr(traffic, name, lambda kind, size, rng, **_: np.ones(size))
    caught(check, ())


def test_the_line_is_the_engines_line() -> None:
    rng = np.random.default_rng(4)
    gaps, works = rng.exponential(1.1, (3, 400)), rng.exponential(1.0, (3, 400))
    waits = traffic.waits_in_line(gaps, works)
    begin = np.roll(queueing.fifo_waits(np.cumsum(gaps, axis=1), works, 1)[:, -1], 1)
    before = np.column_stack([np.zeros(3), np.cumsum(gaps, axis=1) - gaps[:, :1]])
    behind = queueing.fifo_waits(before, np.column_stack([begin, works]), 1)[:, 1:]
    np.testing.assert_allclose(waits, behind, atol=1e-9)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("work", WORK)
def test_the_open_model_is_the_engine_on_the_same_draws(work: str) -> None:
    at = traffic.Setting(work=work, utilisation=0.7)
    mine = traffic.three_traffics(at, Draws(at.seed))
    draw = Draws(at.seed)
    services = at.works(1_200, draw)
    for kind in TRAFFIC:
        came = np.cumsum(at.gaps(kind, 1_200, draw)) / 0.7
        waits = queueing.fifo_waits(came, services, 1)
        assert mine[kind] == pytest.approx(waits[200:].mean(), abs=1e-9)


def test_a_polite_tester_sees_nobody_wait() -> None:
    polite = edited(MODEL, "world.process(request(work))", "yield world.process(request(work))")
    mine = runs_of(polite, traffic.Setting, 2, utilisation=0.9)
    assert all(mine[kind] == 0 for kind in TRAFFIC)


def test_whose_turn_it_is_makes_no_difference_to_the_mean() -> None:
    last = edited(
        MODEL,
        "simpy.Resource(world)",
        "simpy.PriorityResource(world)",
        "server.request()",
        "server.request(priority=-world.now)",
    )
    at = {"utilisation": 0.7}
    before, after = (
        runs_of(model, traffic.Setting, 8, **at) for model in (traffic.three_traffics, last)
    )
    for kind in TRAFFIC:  # all but those who are left out at the beginning are the same
        assert after[kind] == pytest.approx(before[kind], rel=0.1)


def test_a_line_with_room_for_three_hides_the_bursts() -> None:
    short = edited(
        MODEL,
        "        came = world.now\n",
        "        if len(server.queue) >= 3:\n            return\n        came = world.now\n",
    )
    mine = runs_of(short, traffic.Setting, utilisation=0.9, burstiness=8.0)
    before = runs_of(traffic.three_traffics, traffic.Setting, utilisation=0.9, burstiness=8.0)
    assert max(mine[kind] for kind in TRAFFIC) < 3
    assert before["bursty"] > 10


def test_far_right_the_bursts_diamond_is_low_as_the_page_says() -> None:
    at = traffic.Setting(utilisation=0.9, burstiness=8.0)
    mine = runs_of(traffic.three_traffics, traffic.Setting, utilisation=0.9, burstiness=8.0)
    assert mine["bursty"] < 0.9 * traffic.theory(at, "bursty")


# --- what is watched ------------------------------------------------------------------------------


def test_what_is_watched_is_the_same_work_at_three_servers() -> None:
    at = traffic.Setting(utilisation=0.7, seed=3)
    log = traffic.watch(at)
    levels = [curve.level for curve in log.curves]
    np.testing.assert_allclose(levels, [0.7 * traffic.theory(at, kind) for kind in TRAFFIC])
    names = [place.name for place in log.places]
    assert names[::4] == list(TRAFFIC.values())
    assert [place.row for place in log.places] == [0] * 4 + [1] * 4 + [2] * 4
    # No server idles beside a line.
    for moment in np.unique(log.rows.time_s):
        standing = log.standing(moment)
        for short in ("even", "random", "bursty"):
            assert standing[f"{short} server"] or not standing[f"{short} line"]


def test_over_many_runs_as_many_wait_as_theory_says() -> None:
    waiting = {short: [] for short in ("even", "random", "bursty")}
    at = traffic.Setting(utilisation=0.6)
    for seed in range(40):
        log = traffic.watch(at.but(seed=seed))
        standing = [log.standing(moment) for moment in np.linspace(0.5, 11.5, 8)]
        for short, seen in waiting.items():
            seen.append(np.mean([len(each[f"{short} line"]) for each in standing]))
    for kind, seen in zip(TRAFFIC, waiting.values(), strict=True):
        assert_agrees(seen, 0.6 * traffic.theory(at, kind), kind)


def test_in_the_demo_nobody_waits_in_the_even_line() -> None:
    log = traffic.watch(work="always the same")
    even, random, bursty = log.curves
    assert even.values.max() <= 1, "who comes as the one before goes waits for no time"
    assert random.values.max() > 2
    assert bursty.values.max() > random.values.max()
    assert [curve.level_words for curve in log.curves] == ["theory", "theory", "theory, about"]


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    traffic.Setting(),
    traffic.Setting(utilisation=0.9, work="one in twenty is slow", burstiness=8.0, seed=2),
    traffic.Setting(utilisation=0.1, work="always the same", burstiness=1.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: traffic.Setting) -> None:
    run = last(at)
    expected: dict[str, float] = {"utilisation": at.utilisation}
    for kind in TRAFFIC:
        expected[f"{kind}_wait_services"] = run.here[kind].estimate
        expected[f"{kind}_theory_services"] = traffic.theory(at, kind)
    assert_summary(run, expected)
    even, random, bursts = (significant(max(run.here[kind].estimate, 0)) for kind in TRAFFIC)
    exact, seen = traffic.theory(at, "poisson"), run.here["poisson"]
    inside = "inside" if seen.low <= exact <= seen.high else "outside"
    assert run.reading == (
        f"At {significant(100 * at.utilisation)} % utilisation a request waits {even} service "
        f"times if requests come evenly, {random} if they come at random (theory: "
        f"{significant(exact)}, {inside} the 95 % interval) and {bursts} if they come in bursts: "
        "same mean, same server."
    )
    columns: dict[str, object] = {"utilisation": UTILISATIONS}
    for kind in TRAFFIC:
        columns[f"{kind} (service times)"] = run.wait[kind].estimate
        grid = [traffic.theory(at.but(utilisation=u), kind) for u in UTILISATIONS]
        columns[f"{kind}, theory"] = grid
    assert_table(run, columns)


LOOKS = {
    "constant": (style.GREEN, "s"),
    "poisson": (style.BLUE, "o"),
    "bursty": (style.VERMILION, "^"),
}


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: traffic.Setting) -> None:
    run = last(at)
    mine = {"constant": 1.0, "poisson": 2.0, "bursty": 3.0}
    (ax,) = axes_of(traffic.plot, run, mine=mine)
    for kind, (color, marker) in LOOKS.items():
        lines = [one for one in drawn.lines(ax, color=color) if one.get_linestyle() == "--"]
        loads, curve = lines[0].get_xydata().T
        exact = [traffic.theory(at, kind, float(load)) for load in loads]
        np.testing.assert_allclose(curve, exact)
        shown = drawn.error_bars(ax, color=color, marker=marker)
        np.testing.assert_allclose(shown.places, UTILISATIONS)
        for part, name in (("middle", "estimate"), ("low", "low"), ("high", "high")):
            np.testing.assert_allclose(getattr(shown, part), getattr(run.wait[kind], name))
    rings = [one.get_xydata()[0] for one in drawn.lines(ax, gid="ring")]
    heights = [max(run.here[kind].estimate, 0) for kind in TRAFFIC]
    np.testing.assert_allclose(rings, [(at.utilisation, height) for height in heights])
    diamonds = drawn.curve(ax, label="your model")
    np.testing.assert_allclose(diamonds, [(at.utilisation, y) for y in (1, 2, 3)])


# --- real servers ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_traffic() -> None:
    found = traffic.measure(replications=3, run_s=0.8, utilisation=0.4)
    assert found.requests > 300
    assert found.busy >= 0.39
    assert all(np.isfinite(w.estimate) and w.estimate >= 0 for w in found.wait.values())
    had_time(found.reading)


def measured(busy: float = 0.65, late_s: float = 0.0) -> traffic.MeasuredWaits:
    waits = {"constant": 0.7, "poisson": 1.9, "bursty": 9.0}
    return traffic.MeasuredWaits(
        traffic.Trial(),
        busy=busy,
        service_s=0.006,
        wait={k: Interval(w, w - 0.2, w + 0.3, 0.95, 7) for k, w in waits.items()},
        requests=2_345,
        late_s=late_s,
    )


def test_what_is_said_and_drawn_of_real_traffic() -> None:
    run = measured()
    exact = {kind: exponential_wait(0.65, kind, 4.0) for kind in TRAFFIC}
    assert run.predicted == exact
    assert run.agrees == {"constant": True, "poisson": True, "bursty": False}
    expected: dict[str, float] = {"requests": 2_345, "service_ms": 6.0, "utilisation": 0.65}
    for kind in TRAFFIC:
        expected[f"{kind}_wait_services"] = run.wait[kind].estimate
        expected[f"{kind}_theory_services"] = exact[kind]
    assert_summary(run, expected)
    assert run.reading == (
        "Verdict: theory lies in the 95 % interval for 2 of 3 kinds of traffic. 2,345 real "
        f"requests at 65 % utilisation waited, in services of {duration(0.006)}: constant 0.7 "
        f"(theory {significant(exact['constant'])}), poisson 1.9 (theory "
        f"{significant(exact['poisson'])}), bursty 9 (theory {significant(exact['bursty'])}, "
        "outside)."
    )
    assert "No verdict" in measured(late_s=0.01).reading
    assert set(measured(busy=1.2).predicted.values()) == {math.inf}
    assert_table(
        run,
        {
            "traffic": list(TRAFFIC),
            "wait (service times)": [0.7, 1.9, 9.0],
            "from": [0.5, 1.7, 8.8],
            "to": [1.0, 2.2, 9.3],
            "theory": list(exact.values()),
        },
    )
    (ax,) = axes_of(traffic.plot_measured, run)
    for i, (kind, (color, marker)) in enumerate(LOOKS.items()):
        shown = drawn.error_bars(ax, color=color, marker=marker)
        assert shown.places[0] == pytest.approx(0.65 + 0.03 * (i - 1))
        wait = run.wait[kind]
        ends = (shown.middle[0], shown.low[0], shown.high[0])
        assert ends == pytest.approx((wait.estimate, wait.low, wait.high))
    ticks = [one.get_xydata()[0, 1] for one in drawn.lines(ax, gid="marks")]
    np.testing.assert_allclose(ticks, list(exact.values()))
