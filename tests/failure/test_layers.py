"""Retries in layers: the published number, theory, the edits of the model, and the page."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.failure import layers
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn
from tests.checks import (
    assert_legible,
    assert_mean,
    assert_share,
    diamonds,
    drawn_by,
    runs_of,
    sampled,
)
from tests.models import edited

MODEL = "helpers.failure.layers:one_chain"


def test_one_request_becomes_64_calls():
    # Beyer et al., Site Reliability Engineering, 2016, chapter 22: three layers, four attempts.
    run = layers.simulate(layers=3, attempts=4, failing=1.0)
    assert run.calls.estimate == layers.theory(run.at).calls == 64


@pytest.mark.parametrize(
    ("shape", "failing"),
    sampled(itertools.product([(1, 3), (2, 3), (3, 2), (4, 5)], [0.2, 0.6, 0.9]), 2),
)
def test_calls_and_failures_are_as_theory_says(shape, failing):
    depth, attempts = shape
    at = layers.Setting(layers=depth, attempts=attempts, failing=failing)
    runs = [layers.simulate(at.but(seed=seed)) for seed in range(40)]
    exact = layers.theory(at)
    assert_mean([run.calls.estimate for run in runs], float(exact.calls))
    failed = sum(round(run.failed.estimate * at.requests) for run in runs)
    assert_share(failed, 40 * at.requests, float(exact.failed))


def test_layers_are_one_layer_with_all_of_their_attempts():
    at = layers.Setting(layers=3, attempts=4)
    for q in (0.1, 0.9, 0.99):
        assert layers.theory(at, q).calls == pytest.approx((1 - q**64) / (1 - q))


def test_a_chain_that_forgets_a_layer_is_caught():
    short = edited(MODEL, "call(at.layers)", "call(at.layers - 1)")
    out = runs_of(short, layers.Setting)
    assert out["calls"] == 9 != layers.theory(layers.Setting()).calls


# --- the edits ------------------------------------------------------------------------------------


def test_retries_in_the_top_layer_alone_do_not_multiply():
    top = edited(MODEL, "range(at.attempts)", "range(at.attempts if layer == at.layers else 1)")
    assert runs_of(top, layers.Setting)["calls"] == 3
    out = runs_of(top, layers.Setting, failing=0.3)
    assert out["failed"] == pytest.approx(0.3**3, abs=0.012)


def test_a_failure_that_says_do_not_retry_is_passed_up():
    # An overloaded bottom says so, and layers above do not ask again: one call each.
    told = edited(
        MODEL,
        "        return any(call(layer - 1) for _ in range(at.attempts))"
        "  # stops at the first success\n",
        "        return call(layer - 1)\n",
    )
    assert runs_of(told, layers.Setting)["calls"] == 1


def test_a_budget_of_a_tenth_bounds_what_arrives():
    budget = edited(
        MODEL,
        "    at_bottom, failed = [], 0\n",
        "    at_bottom, failed, left = [], 0, [0.0] * 9\n",
        "        return any(call(layer - 1) for _ in range(at.attempts))"
        "  # stops at the first success\n",
        "        left[layer] += 0.1\n"
        "        well = call(layer - 1)\n"
        "        if not well and left[layer] >= 1:\n"
        "            left[layer] -= 1\n"
        "            well = call(layer - 1)\n"
        "        return well\n",
    )
    assert runs_of(budget, layers.Setting)["calls"] == pytest.approx(1.1**3, rel=0.03)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [{}, {"failing": 0.5}, {"failing": 0.01}, {"layers": 4, "attempts": 5}, {"attempts": 1},
     {"layers": 1, "attempts": 1, "failing": 0.3}],
)  # fmt: skip
def test_the_page(setting):
    run = layers.simulate(**setting)
    at, exact = run.at, layers.theory(run.at)
    for number in (run.calls.estimate, float(exact.calls)):
        assert significant(number) in run.reading
    assert f"{at.attempts**at.layers:,}" in run.reading
    assert ("fewer than one in a million" in run.reading) == (exact.failed < 1e-6)
    calls, failed = drawn_by(layers, run, mine={"calls": 5.0, "failed": 0.25})
    curve = layers.theory(at, drawn.curve(calls, **style.THEORY)[:, 0])
    np.testing.assert_allclose(drawn.curve(calls, **style.THEORY)[:, 1], curve.calls)
    shown = drawn.curve(failed, **style.THEORY)[:, 1]
    np.testing.assert_allclose(shown[curve.failed > 1e-4], curve.failed[curve.failed > 1e-4])
    bar = drawn.error_bars(calls, **style.DOTS)
    ends = [bar.middle, bar.low, bar.high]
    wanted = [run.calls.estimate, run.calls.low, run.calls.high]
    np.testing.assert_allclose(np.ravel(ends), wanted)
    assert diamonds(calls).tolist() == [[at.failing, 5.0]]
    assert diamonds(failed).tolist() == [[at.failing, 0.25]]
    np.testing.assert_allclose(run.columns["calls at the bottom"], curve.calls)
    np.testing.assert_allclose(run.columns["requests that fail"], curve.failed)
    assert_legible(*drawn_by(layers, run))


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_no_curve_crosses_the_name_of_the_line_without_retries(attempts):
    _, failed = drawn_by(layers, layers.simulate(layers=1, attempts=attempts))
    figure = failed.figure
    (name,) = [each for each in drawn.texts_of(figure) if each.text == "one call, no retry"]
    left, top, right, bottom = name.box
    share = np.linspace(0.01, 1, 1_000)
    x, y = failed.transData.transform(np.column_stack([share, share])).T
    down = figure.bbox.height - y
    below = down[(x >= left) & (x <= right)]
    assert below.size
    assert below.min() > bottom > top
