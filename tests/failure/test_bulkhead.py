"""Bulkheads: Erlang's formula, the open model and its edits, real pools, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.failure import bulkhead
from helpers.failure.bulkhead import KINDS, WAYS
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import percent
from helpers.foundations.queueing import erlang_b
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import assert_legible, assert_mean, diamonds, drawn_by, each_of
from tests.models import edited

MODEL = "helpers.failure.bulkhead:one_server"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("image_s", [0.5, 2.0, 4.0])
def test_as_many_are_refused_as_erlang_says(way, image_s):
    at = bulkhead.Setting(way=way, image_s=image_s)
    runs = [bulkhead.simulate(at.but(seed=seed)) for seed in range(12)]
    exact = bulkhead.theory(at)
    for kind in KINDS:
        # The share of a run of 20 s is a ratio, off by a few tenths of a point.
        shares = [getattr(run, kind).estimate for run in runs]
        assert_mean(shares, float(getattr(exact, kind)), allowance=0.004, what=kind)


def test_the_formula_has_the_loads_and_threads_it_should():
    at = bulkhead.Setting()
    assert bulkhead.theory(at).login == erlang_b(42.0, 20)
    apart = bulkhead.theory(at, way="bulkheads")
    assert apart.login == erlang_b(2.0, 6)
    assert apart.images == erlang_b(40.0, 14)


@pytest.mark.parametrize("setting", [{}, {"way": "bulkheads"}, {"image_s": 0.2, "threads": 4,
                                     "login_threads": 1}])  # fmt: skip
def test_the_open_model_is_the_simulation_on_the_same_draws(setting):
    at = bulkhead.Setting(**setting)
    mine = bulkhead.one_server(at, Draws(3))
    fast = [one for one in bulkhead.visits(at, Draws(3)) if one.came > at.settled_s]
    for kind in KINDS:
        assert mine[kind] == bulkhead._refused(fast, kind)


def mean(model, kind, **setting):
    return float(np.mean([each[kind] for each in each_of(model, bulkhead.Setting, 8, **setting)]))


def test_a_time_out_frees_the_threads():
    hasty = edited(
        MODEL,
        'yield world.timeout(draw(f"{kind} services").exponential(takes_s))',
        'yield world.timeout(min(1.0, draw(f"{kind} services").exponential(takes_s)))',
    )
    assert mean(bulkhead.one_server, "login") > 0.45
    assert mean(hasty, "login") < 0.08


def test_a_limit_on_images_alone_is_a_bulkhead_too():
    limited = edited(
        MODEL,
        "        if pool.count == pool.capacity:\n",
        '        full = kind == "images" and pool.count >= pool.capacity - 6\n'
        "        if pool.count == pool.capacity or full:\n",
    )
    assert mean(limited, "login") < 0.02
    assert mean(limited, "images") > mean(bulkhead.one_server, "images")


@pytest.mark.parametrize("setting", [{}, {"way": "bulkheads"}, {"image_s": 0.1},
                                     {"way": "bulkheads", "login_threads": 19}])  # fmt: skip
def test_the_page(setting):
    run = bulkhead.simulate(**setting)
    at, exact = run.at, bulkhead.theory(run.at)
    for kind in KINDS:
        assert percent(getattr(run, kind).estimate) in run.reading
        share = float(getattr(exact, kind))
        assert (percent(share) if share >= 1e-6 else "next to nothing") in run.reading
    panels = drawn_by(bulkhead, run, mine={"login": 0.2, "images": 0.3})
    for ax, kind, mine in zip(panels, KINDS, (0.2, 0.3), strict=True):
        for way, color in zip(WAYS, (style.PURPLE, style.GREEN), strict=True):
            curve = drawn.curve(ax, **style.THEORY | {"color": color})
            expected = getattr(bulkhead.theory(at, curve[:, 0], way), kind)
            np.testing.assert_allclose(curve[:, 1], expected)
        bar, interval = drawn.error_bars(ax, **style.DOTS), getattr(run, kind)
        assert [*bar.middle, *bar.low, *bar.high] == [
            interval.estimate, interval.low, interval.high]  # fmt: skip
        assert diamonds(ax).tolist() == [[at.image_s, mine]]
    times = run.columns["an image takes (s)"]
    apart = bulkhead.theory(at, times, "bulkheads")
    np.testing.assert_allclose(run.columns["logins refused, bulkheads"], apart.login)
    np.testing.assert_allclose(run.columns["images refused, bulkheads"], apart.images)
    assert_legible(*drawn_by(bulkhead, run))


@pytest.mark.parametrize("way", WAYS)
def test_the_replay_refuses_whom_the_simulation_refuses(way):
    at = bulkhead.Setting(way=way, replications=2)
    log = bulkhead.watch(at)
    first = [one for one in bulkhead.visits(at, Draws(at.seed)) if one.came <= 10]
    assert sum(1 for why in log.rows.why if log.words[why] == "no thread is free") == sum(
        one.ended is None for one in first
    )
