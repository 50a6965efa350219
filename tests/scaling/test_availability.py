"""Availability: histories and open model against formulas; changes do what is promised."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Intervals
from helpers.scaling import availability
from helpers.scaling.series_and_parallel import box, design
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.models import edited
from tests.scaling.checks import assert_agrees, runs_of

MODEL = "helpers.scaling.availability:failing_boxes"
YEAR = availability.HOURS_A_YEAR


@pytest.fixture(autouse=True)
def _fresh_draws():
    """No draw that a fault made may outlive it, nor one made before hide it."""
    availability._draws.cache_clear()
    yield
    availability._draws.cache_clear()


def check() -> None:
    """Downtime of every stage is what series and parallel formulas say."""
    setting = {"mtbf_days": 2.0, "mttr_h": 6.0, "needed": 2, "spare": 1}
    for extra in ({}, {"second_balancer": True, "replica": True}):
        runs = [availability.simulate(**setting, **extra, seed=seed) for seed in range(12)]
        for i, expected in enumerate(availability.theory(runs[0].at)):
            samples = [run.downtime_h.estimate[i] for run in runs]
            assert_agrees(samples, float(expected), bias=0.01)


def test_simulation_and_theory() -> None:
    check()


def test_one_server_too_few_is_caught(monkeypatch) -> None:
    original = availability._histories
    generous = lambda at: original(at.but(needed=1, spare=at.servers - 1))  # noqa: E731
    monkeypatch.setattr(availability, "_histories", generous)
    caught(check)


def test_everything_failing_together_is_caught(monkeypatch) -> None:
    original = availability._draws.__wrapped__

    def common(seed):
        return tuple(np.repeat(each[:, :1], each.shape[1], 1) for each in original(seed))

    monkeypatch.setattr(availability, "_draws", common)
    caught(check)


def check_often_down() -> None:
    """A design that is hardly ever up is so from the first hour on."""
    setting = {"mtbf_days": 1.0, "mttr_h": 48.0, "needed": 4, "spare": 0}
    runs = [availability.simulate(**setting, seed=seed) for seed in range(24)]
    up = [YEAR - run.downtime_h.estimate[6] for run in runs]
    assert_agrees(up, float(YEAR - availability.theory(runs[0].at)[6]))


def test_histories_begin_at_a_random_moment() -> None:
    check_often_down()


def test_histories_that_begin_with_all_boxes_up_are_caught(monkeypatch) -> None:
    original = availability._draws.__wrapped__
    fresh = lambda seed: (*original(seed)[:2], np.zeros((20, 13)))  # noqa: E731
    monkeypatch.setattr(availability, "_draws", fresh)
    caught(check_often_down)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"mtbf_days": 2.0, "mttr_h": 6.0, "needed": 2, "spare": 1},
        {"mtbf_days": 1.0, "mttr_h": 48.0, "needed": 4, "spare": 1, "replica": True},
    ],
)
def test_each_row_goes_down_as_often_as_theory_says(setting) -> None:
    runs = [availability.simulate(**setting, seed=seed) for seed in range(24)]
    exact = availability.outages_a_year(runs[0].at)
    for row, expected in enumerate(exact):
        if expected * runs[0].years >= 6:
            assert_agrees([run.outages[row] / run.years for run in runs], expected, bias=0.005)


def test_how_often_a_stage_stops_by_hand() -> None:
    at = availability.Setting(mtbf_days=10.0, mttr_h=24.0, needed=1, spare=1, replica=True)
    up, yearly = 10 / 11, YEAR / 240
    pair, whole = 2 * up * (1 - up) * yearly, 1 - (1 - up) ** 2
    exact = availability.outages_a_year(at)
    np.testing.assert_allclose(exact[:3], [up * yearly, up * yearly, 2 * up**2 * yearly])
    np.testing.assert_allclose(exact[3:6], [up * yearly, pair, pair])
    # A balancer alone, and two pairs.
    assert exact[6] == pytest.approx(up * yearly * whole**2 + 2 * pair * up * whole)


def test_where_outages_are_too_few_no_interval_is_told() -> None:
    drawn_, rare = availability.simulate(), availability.simulate(AT[2])
    assert drawn_.too_few.tolist() == [False] * 4 + [True, False, False]
    assert "fewer than 6 outages of the servers are to be expected, too few for" in drawn_.reading
    assert rare.too_few.tolist() == [False] * 3 + [True] * 4
    assert "of the balancers, the servers, the databases and the whole are to" in rare.reading
    assert rare.summary["horizontal_low_h_per_year"] == "too few outages"
    often = availability.simulate(mtbf_days=2.0, mttr_h=6.0, needed=2, spare=1)
    assert not often.too_few.any()
    assert "too few" not in often.reading
    for run in (drawn_, rare, often):
        table = run.columns
        for end in ("from", "to"):
            np.testing.assert_array_equal(np.isnan(table[end]), run.too_few)


def test_theory_is_the_written_formula_for_the_whole_design() -> None:
    for needed, spare, second, replica in itertools.product(
        (1, 3), (0, 2), (False, True), (False, True)
    ):
        at = availability.Setting(
            needed=needed, spare=spare, second_balancer=second, replica=replica
        )
        one = box(at.mtbf_days * 24, at.mttr_h)
        whole = design(
            one,
            servers=needed + spare,
            needed=needed,
            balancers=1 + second,
            databases=1 + replica,
        )
        down = availability.theory(at) / YEAR
        assert 1 - down[6] == pytest.approx(whole, abs=1e-13)
        assert 1 - down[2] == pytest.approx(one**2, abs=1e-13)
        np.testing.assert_allclose(down[:2], 1 - one)


# --- the open model -------------------------------------------------------------------------------


def _hours(model, seeds: int = 24, **setting) -> np.ndarray:
    return runs_of(model, availability.Setting, seeds, **setting)["downtime_h"]


BOTH = {"second_balancer": True, "replica": True}


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"mtbf_days": 2.0, "mttr_h": 6.0, "needed": 2, "spare": 1},
        BOTH | {"mtbf_days": 2.0, "mttr_h": 12.0},
    ],
)
def test_the_open_model_agrees_with_theory(setting) -> None:
    expected = availability.theory(availability.Setting(**setting))[6]
    assert_agrees(_hours(availability.failing_boxes, **setting), float(expected), bias=0.01)


def test_repairs_that_are_all_alike_change_nothing() -> None:
    alike = edited(MODEL, 'world.timeout(draw("repairs").exponential(at.mttr_h))',
                   "world.timeout(at.mttr_h)")  # fmt: skip
    setting = BOTH | {"mtbf_days": 2.0, "mttr_h": 12.0}
    expected = availability.theory(availability.Setting(**setting))[6]
    assert_agrees(_hours(alike, **setting), float(expected), bias=0.01)


def test_with_one_pair_of_hands_boxes_wait_for_repair() -> None:
    crew = edited(
        MODEL,
        "    down_h = since = 0.0\n",
        "    down_h = since = 0.0\n    crew = simpy.Resource(world)\n",
        '            yield world.timeout(draw("repairs").exponential(at.mttr_h))\n',
        "            with crew.request() as ready:\n"
        "                yield ready\n"
        '                yield world.timeout(draw("repairs").exponential(at.mttr_h))\n',
    )
    for mtbf_days, times, least in ((30.0, 2.0, 1.5), (1.0, 5.0, 5.0)):
        exact = availability.theory(availability.Setting(**BOTH, mtbf_days=mtbf_days))[6]
        found = _hours(crew, **BOTH, mtbf_days=mtbf_days).mean()
        assert least < found / exact < 1.5 * times


def test_a_bad_deployment_makes_spare_servers_worthless() -> None:
    deploying = edited(
        MODEL,
        "    for stage, boxes in list(",
        "    def deployment():\n"
        "        while True:\n"
        '            yield world.timeout(draw("deployments").exponential(24 * at.mtbf_days))\n'
        '            change("servers", -at.servers)\n'
        "            yield world.timeout(1)\n"
        '            change("servers", +at.servers)\n'
        "\n"
        "    world.process(deployment())\n"
        "    for stage, boxes in list(",
    )
    exact = availability.theory(availability.Setting(**BOTH))[6]
    none, one, three = (_hours(deploying, **BOTH, spare=spare).mean() for spare in (0, 1, 3))
    assert none > 4 * one, "the first spare is worth having"
    assert 15 < three / exact < 30
    assert one == pytest.approx(three, rel=0.15)
    hours_a_year = YEAR / (24 * 30 + 1)
    assert three == pytest.approx(hours_a_year + exact, rel=0.1)


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    availability.Setting(),
    availability.Setting(needed=4, spare=0, mtbf_days=1.0, mttr_h=48.0, seed=2),
    availability.Setting(**BOTH, mtbf_days=365.0, mttr_h=0.1, spare=3),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: availability.Setting) -> None:
    run, exact = availability.simulate(at), availability.theory(at)
    found = run.downtime_h
    assert_summary(
        run,
        {
            "box_availability_percent": round(100 * box(24 * at.mtbf_days, at.mttr_h), 4),
            "vertical_downtime_h_per_year": found.estimate[2],
            "vertical_theory_h_per_year": exact[2],
            "horizontal_downtime_h_per_year": found.estimate[6],
            "horizontal_low_h_per_year": "too few outages" if run.too_few[6] else found.low[6],
            "horizontal_high_h_per_year": "too few outages" if run.too_few[6] else found.high[6],
            "horizontal_theory_h_per_year": exact[6],
        },
    )
    for said in (
        f"Theory expects {duration(3600 * exact[2])} of downtime a year from the vertical design "
        f"and {duration(3600 * exact[6])} from the horizontal one with {at.needed + at.spare} ",
        f"the simulated years gave {duration(3600 * found.estimate[2])} and "
        f"{duration(3600 * found.estimate[6])}, and the ",
        f"By theory its servers alone cost {duration(3600 * exact[4])}.",
    ):
        assert said in run.reading
    assert_table(
        run,
        {
            "stage": availability.ROWS,
            "downtime (h/year)": found.estimate,
            "from": np.where(run.too_few, np.nan, found.low),
            "to": np.where(run.too_few, np.nan, found.high),
            "theory (h/year)": exact,
        },
    )


def test_the_sentence_names_what_differs_and_the_weakest_stage() -> None:
    as_drawn = availability.simulate().reading
    assert "(as good as no difference)" in as_drawn
    assert "the balancer and database stages are the horizontal design's largest sh" in as_drawn
    better = availability.simulate(**BOTH).reading
    exact = availability.theory(availability.Setting(**BOTH))
    assert f"(one part in {significant(exact[2] / exact[6])} of it)" in better
    half = availability.simulate(replica=True).reading
    assert "(49.6 % less)" in half
    assert "the balancer stage is the horizontal design's largest share" in half
    alone = availability.simulate(spare=0).reading
    assert "with 1 server (49.6 % more)" in alone
    worse = availability.simulate(needed=4, spare=0).reading
    assert "with 4 servers (2.97 times as much)" in worse
    assert "the server stage is the horizontal design's largest share" in worse


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: availability.Setting) -> None:
    run, exact = availability.simulate(at), availability.theory(at)
    (ax,) = axes_of(availability.plot, run, mine={"downtime_h": 7.7})
    places = dict(zip(availability.ROWS, availability._PLACES, strict=True))
    seen = [i for i in range(7) if run.downtime_h.estimate[i] > 1e-4]
    found = {}
    for color in (style.BLUE, style.SKY):
        try:
            bars = drawn.bars(ax, facecolor=color)
        except AssertionError:
            continue
        found |= {float(p): (float(e), color) for p, e in zip(bars.places, bars.ends, strict=True)}
    assert sorted(found) == pytest.approx(sorted(places[availability.ROWS[i]] for i in seen))
    for i in seen:
        row = availability.ROWS[i]
        end, color = next(v for p, v in found.items() if p == pytest.approx(places[row]))
        assert end == pytest.approx(run.downtime_h.estimate[i])
        assert color == (style.BLUE if "whole" in row else style.SKY)
    ends = [line.get_xdata() for line in drawn.lines(ax, color=style.INK, linewidth=1.2)]
    told = np.flatnonzero(~run.too_few)
    np.testing.assert_allclose(
        ends, [np.maximum((run.downtime_h.low[i], run.downtime_h.high[i]), 1e-4) for i in told]
    )
    words = drawn.written(ax)
    never = run.too_few & (run.outages == 0)
    assert words.count("never seen in the simulation") == never.sum()
    for i in np.flatnonzero(run.too_few & ~never):
        times = "once" if run.outages[i] == 1 else f"{run.outages[i]} times"
        assert f"seen {times}, too few for an interval" in words
    at_rows, values = drawn.marks(ax, "x")
    shown = exact > 1e-4
    np.testing.assert_allclose(values, exact[shown])
    np.testing.assert_allclose(at_rows, availability._PLACES[shown])
    assert list(drawn.ticks(ax, "y").values()) == [r.split(": ")[1] for r in availability.ROWS]
    mine = drawn.curve(ax, label="your model")
    np.testing.assert_allclose(mine, [(7.7, availability._PLACES[6])])


def test_what_was_seen_seldom_or_never_is_said_in_its_row() -> None:
    none = Intervals(np.zeros(7), np.zeros(7), np.zeros(7), 0.95, 20)
    at = availability.Setting(**BOTH, mtbf_days=365.0, mttr_h=0.1)
    outages = np.array([5_000, 5_000, 10_000, 0, 0, 1, 2])
    run = availability.Availability(at, downtime_h=none, outages=outages, years=6_000.0)
    (ax,) = axes_of(availability.plot, run)
    words = drawn.written(ax)
    assert words.count("never seen in the simulation") == 2
    assert words.count("seen once, too few for an interval") == 1
    assert words.count("seen 2 times, too few for an interval") == 1
