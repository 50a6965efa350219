"""Numbers that the prose states, worked out again; a phrase that has gone is noticed, too."""

from __future__ import annotations

import math

import pytest

from helpers.authoring.check import markdown_of
from helpers.authoring.course import ROOT
from helpers.failure import (
    burn_rate,
    defence,
    degradation,
    fleet,
    percentiles,
    redundancy,
    shedding,
    spares,
    storm,
    threshold,
)

PAGE = markdown_of(ROOT / "notebooks" / "06_designing_for_failure.ipynb")


def says(phrase: str) -> None:
    """Fail unless the page says so."""
    assert phrase in PAGE, phrase


def test_fleets():
    says("something fails on six days of ten")
    assert fleet.theory(fleet.Setting()).bad_days == pytest.approx(0.6, abs=0.02)
    says("every two and a half hours")
    assert fleet.theory(fleet.Setting(machines=10_000)).between_s / 3_600 == pytest.approx(
        2.5, abs=0.2
    )
    says("be right 999 times of 1,000")
    assert fleet.theory(fleet.Setting(machines=1)).bad_days < 1e-3


def test_defence():
    says("less than a five-hundredth of the loss")
    at = defence.Setting()
    left = defence.theory(at, (True,) * 4) / defence.theory(at, (False,) * 4)
    assert left < 1 / 500


def test_pairs():
    says("puts a ceiling at ten machine lives")
    tight = redundancy.Setting(common=0.1, mttr_h=10.0)
    assert redundancy.theory(tight, 1e-6).exact_h / 1_000 == pytest.approx(10, rel=1e-3)
    says("one life and a half")
    assert redundancy.theory(tight.but(common=0.0), 1e12).exact_h == pytest.approx(1_500)


def test_spares():
    says("too few are up for 2 % of that time instead of 0.03 %")
    at = spares.Setting()
    assert 100 * spares.theory(at, deploying=1) == pytest.approx(2, abs=0.05)
    assert 100 * spares.theory(at) == pytest.approx(0.03, abs=0.002)


def test_storms():
    says("any budget below 43 % recovers")
    at = storm.Setting(remedy="retry budget")
    assert not storm.theory(at.but(budget=0.42)).lasts
    assert storm.theory(at.but(budget=0.43)).lasts
    says("limits what a dead system gets to 1.1")
    assert storm.theory(at).dead_rps / at.load_rps == pytest.approx(1.1)
    says("at 70 % load, three attempts and a spike of five seconds, it stays down")
    assert at.load_rps / at.capacity_rps == pytest.approx(0.7)
    assert storm.simulate().at_end == 0
    says("Opened for a minute it costs a minute")
    slow = storm.simulate(remedy="circuit breaker", open_s=60.0, run_s=120.0)
    assert 55 < slow.back_s - slow.at.calm_s < 62
    says("and opens again; each round the line is shorter")
    states = [state for _, state in storm.simulate(remedy="circuit breaker", open_s=1.0).states]
    assert states.count("open") > 1
    assert states[-1] == "closed"


def test_thresholds():
    says("Below 1/*a* every trigger is survived")
    for attempts in (2, 3):
        at = threshold.Setting(attempts=attempts, cut_s=10.0)
        run = threshold.simulate(at.but(load=0.9 / attempts))
        assert run.at_end == pytest.approx(1)


def test_pages():
    says("lifts the pages served from 90 to 98 %")
    at = degradation.Setting()
    assert 100 * degradation.theory(at).served == pytest.approx(90.4, abs=0.1)
    assert 100 * degradation.theory(at, 2).served == pytest.approx(98, abs=0.1)


def test_shedding():
    says("Two thirds of the clients at one and a half times the capacity, a third at three times")
    for order in ("newest first", "deadline", "short line"):
        for load, share in ((1.5, 2 / 3), (3.0, 1 / 3)):
            run = shedding.simulate(order=order, load=load)
            assert run.here / load == pytest.approx(share, abs=0.02)
    says("from a load of a tenth above its capacity on")
    served = shedding.simulate()
    assert served.goodput[[load >= 1.1 for load in shedding.LOADS]].max() < 0.05


def test_alerts():
    says("is on some twenty times a day at the opening setting")
    per_day = [burn_rate.simulate(seed=seed).false[burn_rate.NAIVE.name] / 30 for seed in range(4)]
    assert 15 < min(per_day) <= max(per_day) < 28
    says("14.4 is 2 % of 30 days in one hour")
    assert math.isclose(0.02 * 30 * 24, 14.4)


def test_percentiles():
    says("longer than 0.43 s, and one in twenty-four does")
    at = percentiles.Setting()
    averaged = percentiles.theory(at).averaged_ms
    assert averaged == pytest.approx(437, abs=1)
    run = percentiles.simulate()
    assert 1e-3 * run.averaged_ms == pytest.approx(0.43, abs=0.005)
    assert 1 / percentiles.beyond(at, run.averaged_ms) == pytest.approx(24, abs=1)
    assert 50 * math.log(100) == pytest.approx(230, abs=1)
