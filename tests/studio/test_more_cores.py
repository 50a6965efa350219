"""Roblox, the cores: the vendor's ratio, the bottleneck, the edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.studio import more_cores as page
from helpers.studio.more_cores import VENDOR
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited

MODEL = "helpers.studio.more_cores:cores_at_a_channel"
SLOWED = "at.hold_us + at.slowed_us * len(line)"


def test_the_vendors_ratio():
    # Roblox, January 2022: 2 s in the median instead of 300 ms; 64 cores became 128.
    run = page.simulate()
    assert VENDOR["write_s"] / VENDOR["usual_s"] == pytest.approx(6.67, abs=0.01)
    assert run.times == pytest.approx(VENDOR["write_s"] / VENDOR["usual_s"], rel=0.05)
    assert run.at_128 < 0.8 * run.at_64
    assert (VENDOR["cores_before"], VENDOR["cores_after"]) == (64, 128)
    table = page.compared(run)
    assert table["this model"][1] == pytest.approx(run.times, abs=0.01)
    assert table["Roblox"][1] == 6.67


@pytest.mark.parametrize("cores", [1, 4, 64, 128])
@pytest.mark.parametrize("look_us", [0.0, 0.0575, 0.2])
def test_theory_far_from_the_knee(cores, look_us):
    run = page.simulate(cores=cores, look_us=look_us)
    # 6 % of sampling with few cores, of which 1,500 writes are seen.
    assert run.per_s == pytest.approx(page.theory(run.at).per_s, rel=0.06)


def test_theory_is_an_upper_bound_near_the_knee():
    for cores in (16, 32, 48):
        run = page.simulate(cores=cores)
        assert 0.85 < run.per_s / page.theory(run.at).per_s < 1.03


def test_the_second_socket_costs():
    one = page.theory(page.Setting(far=1.0)).per_s
    assert page.theory(page.Setting(far=3.0)).per_s < 0.75 * one
    assert page.Setting(cores=64, far=3.0).slowed_us == page.Setting(cores=64).look_us


def test_who_sleeps_costs_nothing():
    asleep = edited(MODEL, SLOWED, "at.hold_us")
    for cores in (64, 128):
        assert runs_of(asleep, page.Setting, 2, cores=cores)["per_s"] == pytest.approx(1e5)


def test_twenty_who_look_cost_little():
    some = edited(MODEL, SLOWED, "at.hold_us + at.slowed_us * min(len(line), 20)")
    before = runs_of(page.cores_at_a_channel, page.Setting, 2)["per_s"]
    after = runs_of(some, page.Setting, 2)["per_s"]
    assert after == pytest.approx(85e3, rel=0.01)
    assert 0.6 < (after - before) / (1e5 - before) < 0.8  # of what 100,000 per second would be


@pytest.mark.parametrize("setting", [{}, {"cores": 1}, {"look_us": 0.0},
                                     {"look_us": 0.2, "far": 5.0}, {"hold_us": 50.0},
                                     {"hold_us": 0.5, "cores": 64}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    for said in (significant(run.per_s), f"(theory {significant(page.theory(run.at).per_s)})",
                 duration(1e-6 * run.write_us), f"{significant(run.times)} times"):  # fmt: skip
        assert said in run.reading
    change = run.at_128 / run.at_64 - 1
    if abs(change) > 0.005:
        word = "more" if change > 0 else "fewer"
        assert f"{significant(100 * abs(change), 2)} % {word} than 64." in run.reading
    assert_columns(
        run,
        cores=page.CORES,
        writes=run.per_second,
        in_theory=[page.theory(run.at, n).per_s for n in page.CORES],
    )
    (ax,) = drawn_by(page, run, mine={"per_s": 20e3})
    np.testing.assert_allclose(drawn.curve(ax, **style.DOTS)[:, 1], 1e-3 * run.per_second)
    line = drawn.curve(ax, **style.THEORY)
    assert line[-1].tolist() == [128, 1e-3 * page.theory(run.at, 128).per_s]
    assert diamonds(ax).tolist() == [[run.at.cores, 20.0]]
    assert_legible(*drawn_by(page, run))
