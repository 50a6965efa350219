"""Hedged requests: theory, the open model and its edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import hedging
from helpers.sharding.answer_times import Answers
from tests import drawn
from tests.checks import assert_tells, drawn_by, runs_of
from tests.models import edited
from tests.sharding.checks import Z, assert_columns

MODEL = "helpers.sharding.hedging:hedged_query"


def test_limits() -> None:
    t = np.linspace(0, 2, 50)
    at = hedging.Setting(fan_out=3, slow_probability=0.05)
    answers = Answers(0.01, 0.05, 1.0)
    plain = 1 - (1 - answers.survival(t)) ** 3
    assert hedging.late(at, t) == pytest.approx(plain, abs=1e-12)
    assert hedging.late(at, t, 100.0) == pytest.approx(plain, abs=1e-12)
    # At once: the smaller of two independent answers. Wholly shared cause: only the quick part.
    one = at.but(fan_out=1)
    assert hedging.late(one, t, 0.0) == pytest.approx(answers.survival(t) ** 2, abs=1e-12)
    assert hedging.late(one.but(shared_cause=1.0), 0.9, 0.0) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("delay", [0.0, 30.0, 80.0])
def test_simulation_equals_theory(shared: float, delay: float) -> None:
    setting = {"hedge_after_ms": delay, "shared_cause": shared, "slow_probability": 0.03}
    run = hedging.simulate(**setting, seed=7)
    m = len(run.hedged_s)
    for q in (0.1, 0.5, 0.9, 0.99):
        at = float(hedging.quantile(run.at, q, delay / 1e3))
        below = float((run.hedged_s <= at).mean())
        assert abs(below - q) < Z * np.sqrt(q * (1 - q) / m)
    p = float(hedging.theory(run.at).extra)
    assert abs(run.extra - p) <= Z * np.sqrt(p * (1 - p) / (m * 20))


def test_hedging_never_makes_an_answer_later() -> None:
    run = hedging.simulate()
    assert (run.hedged_s <= run.plain_s).all()


# --- the open model -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting", [{}, {"hedge_after_ms": 0.0, "fan_out": 5}, {"slow_probability": 0.2, "fan_out": 3}]
)
def test_the_open_model_agrees_with_theory(setting: dict) -> None:
    at = hedging.Setting(**setting)
    exact = hedging.theory(at)
    mine = runs_of(hedging.hedged_query, hedging.Setting, runs=8, **setting)
    p, asked = float(exact.extra), 8 * 100 * at.fan_out
    assert abs(mine["extra_percent"] / 100 - p) <= Z * np.sqrt(p * (1 - p) / asked)
    # The mean of eight 99th percentiles of a hundred lies between the 96th and the 99.9th.
    low, high = (
        1e3 * float(hedging.quantile(at, q, at.hedge_after_ms / 1e3)) for q in (0.96, 0.999)
    )
    assert low < mine["p99_ms"] < high


def test_a_shared_rack_brings_the_second_back() -> None:
    shared = edited(MODEL, "answer(hiccup())", "answer(held_up_ms)")
    mine = runs_of(shared, hedging.Setting, runs=4)
    assert mine["p99_ms"] > 1_000
    assert mine["extra_percent"] == pytest.approx(
        runs_of(hedging.hedged_query, hedging.Setting, runs=4)["extra_percent"], rel=0.25
    )


def test_a_third_copy_helps_where_a_second_does_not() -> None:
    third = edited(
        MODEL,
        "            yield first | answer(hiccup())\n",
        "            second = answer(hiccup())\n"
        "            yield first | second | world.timeout(at.hedge_after_ms)\n"
        "            if not (first.processed or second.processed):\n"
        "                copies += 1\n"
        "                yield first | second | answer(hiccup())\n",
    )
    at = {"slow_probability": 0.05}
    once, twice = (runs_of(m, hedging.Setting, runs=4, **at) for m in (hedging.hedged_query, third))
    assert once["p99_ms"] > 900
    assert twice["p99_ms"] < 300
    assert twice["extra_percent"] > once["extra_percent"]


def test_nine_answers_of_ten_need_hardly_a_hedge() -> None:
    enough = edited(
        MODEL,
        "            yield world.all_of([world.process(ask(shard)) for shard in"
        " range(at.fan_out)])\n",
        "            answers = [world.process(ask(shard)) for shard in range(at.fan_out)]\n"
        "            yield simpy.events.Condition(\n"
        "                world, lambda every, done: done >= 0.9 * len(every), answers)\n",
    )
    mine = runs_of(enough, hedging.Setting, runs=4, hedge_after_ms=200.0)
    best = hedging.price_list(hedging.Setting())
    assert mine["p99_ms"] < 1e3 * best.p99_s[1:].min()
    assert mine["extra_percent"] < 2


# --- what the learner sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [{}, {"hedge_after_ms": 0.0}, {"fan_out": 100, "slow_probability": 0.5, "shared_cause": 1.0},
     {"fan_out": 1, "hedge_after_ms": 10_000.0}],
)  # fmt: skip
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = hedging.simulate(**setting)
    at, exact, prices = run.at, hedging.theory(run.at), hedging.price_list(run.at)
    p99s = [float(np.quantile(times, 0.99)) for times in (run.plain_s, run.hedged_s)]
    tail, price = drawn_by(hedging, run, mine={"p99_ms": 70.0, "extra_percent": 3.0})
    plain, hedged = drawn.lines(tail, **style.THEORY)
    for curve, delay in ((plain, None), (hedged, at.hedge_after_ms / 1e3)):
        times, left = curve.get_xydata().T
        np.testing.assert_allclose(left, hedging.late(at, times, delay))
        assert times[0] < 0.01 < 1 < times[-1]
    for color, seen in ((style.VERMILION, run.plain_s), (style.BLUE, run.hedged_s)):
        times, left = drawn.curve(tail, marker=".", color=color).T
        assert np.isin(times, seen).all()
        longer = np.array([(seen > time).mean() for time in times])
        np.testing.assert_allclose(left, longer, atol=1e-12)
        assert times[-1] >= np.quantile(seen, 0.999)
    np.testing.assert_allclose(
        drawn.curve(price, **style.THEORY), np.column_stack((prices.extra, prices.p99_s))
    )
    assert drawn.curve(price, marker="o").tolist() == [[run.extra, pytest.approx(p99s[1])]]
    assert drawn.levels(price, color=style.VERMILION) == [prices.plain_p99_s]
    assert drawn.levels(tail, color=style.MUTED) == [0.01]
    assert drawn.curve(tail, label="your model").tolist() == [[0.07, 0.01]]
    assert drawn.curve(price, label="your model").tolist() == [[0.03, 0.07]]
    before, after = map(duration, p99s)
    moved = f"takes the p99 from {before} to {after} for"
    assert_tells(
        run.reading,
        f"after {significant(at.hedge_after_ms)} ms",
        f"leaves the p99 at {after} for" if before == after else moved,
        f"{significant(100 * run.extra)} % more",
    )
    edge = (1e3 * p99s[0], 1e3 * p99s[1], 1e3 * float(exact.p99_s), 100 * run.extra)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert prices.plain_p99_s == pytest.approx(float(hedging.quantile(at, 0.99, 1e4)))
    delays = at.mean_ms * np.array([0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 12])
    extra = at.answers.survival(delays / 1e3)
    assert_columns(run, delays, extra, 1e3 * hedging.quantile(at, 0.99, delays / 1e3))
