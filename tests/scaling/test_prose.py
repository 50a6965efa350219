"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import pytest

from helpers.foundations import queueing
from helpers.foundations.prose import duration, significant
from helpers.scaling import (
    availability,
    bottleneck,
    break_even,
    growth,
    power_law,
    query_time,
    questions,
    run_length,
    scalability_law,
    scaling_cost,
    speedup,
    staffing,
)
from helpers.scaling.catalogue import CATALOGUE
from tests.prose import Prose

PROSE = Prose("02")
said = PROSE.computed


def test_growth_and_the_query() -> None:
    limit = growth.largest_size("quadratic", 0.200 / 100e-9)
    said(f"leaves the budget at {limit:,.0f} users or never")
    assert growth.theory(growth.Setting(users=100))["quadratic"] < 1e-3
    said("all four answer in less than a millisecond")
    at = query_time.Setting(overhead_ms=9.0)
    small, middle, large = (query_time.theory(at, n) for n in (1_000, 100_000, 10_000_000))
    said(f"takes {duration(small.scan_s)} at 1,000 rows and {large.scan_s:.3f} s at 10 million")
    law = 0.010 * 100 ** power_law.exponent(1_000, 0.010, 10_000_000, 10.0)
    said(
        f"the power law says {duration(law)}, a scan with overhead {duration(middle.scan_s)}, an "
        f"index {duration(middle.index_s)}"
    )
    said(f"predicts {duration(10.0 * 10**0.75, 2)} for 100 million rows; the scan needs more than")
    assert query_time.theory(at, 10**8).scan_s > 100
    said(f"10 ms would become about {10 * math.log(10**7) / math.log(10**3):.0f} ms")


def test_queues() -> None:
    needed = [significant(run_length.requests_for_precision(rho)) for rho in (0.5, 0.8, 0.9)]
    said(
        f"a queue at 50 % utilisation must serve {needed[0]} requests, at 80 % {needed[1]} and at "
        f"90 % {needed[2]}"
    )
    said(f"$R \\ln 100 \\approx {math.log(100):.1f} R$")
    small, large = (staffing.Setting(rate_rps=rate) for rate in (50, 50_000))
    three, many = (staffing.servers_by("Erlang C", at) for at in (small, large))
    assert three == 3
    said(f"{three} servers become {many:,}, not {staffing.servers_by('in proportion', large):,}")
    said(f"are {small.load / three:.0%} utilised".replace("%", " %"))
    said(f"those at 50,000 are {large.load / many:.0%}".replace("%", " %"))
    assert queueing.halfin_whitt_wait_probability(1.42) == pytest.approx(0.1, rel=0.01)
    said("for one in ten it is about 1.4")
    # Pollaczek-Khinchine: the wait goes with one plus the squared coefficient of variation.
    exponential, regular = (queueing.mg1_wait(35.0, 0.020, scv) for scv in (1.0, 0.9))
    assert regular / exponential == pytest.approx(0.95)
    said("0.9 in place of 1 shortens the wait by 5 %")


def test_tiers_and_workers() -> None:
    now = bottleneck.Setting()
    faster = now.but(action="twice as fast database")
    before, after = (1 / max(at.demands_s) for at in (now, faster))
    said(f"raises the ceiling from {before:g} to {significant(after)} requests/s and not to 40")
    cached = now.but(action="cache four reads in five")
    assert 1 / max(cached.demands_s) == after
    said('"make the database five times as fast" buys no more than "make it twice as fast"')
    said(f"the first 16 cores bring you to about {speedup.amdahl(0.05, 16):.0f} of it")
    said(f"a factor of {CATALOGUE[8].vcpus // CATALOGUE[0].vcpus} in size")
    said(f"At {CATALOGUE[-1].vcpus:,} vCPUs the catalogue ends")
    fleet = scaling_cost.simulate(survive_loss=False).out.count
    assert (fleet, scaling_cost.simulate(survive_loss=True).out.count) == (14, 15)
    said("A fleet of fourteen needs a fifteenth")
    at = break_even.Setting()
    exact = break_even.theory(at)
    said(f"{exact.break_even_month:.0f} here, against {exact.outgrown_month:.0f}")
    assert math.log(2) / at.growth == pytest.approx(7, abs=0.5)
    said("buys only $\\ln 2 / g$ months, seven at 10 %")
    spare = availability.theory(availability.Setting(second_balancer=True, replica=True))[6]
    assert spare == pytest.approx(0.5, abs=0.05)
    assert availability.theory(availability.Setting())[6] == pytest.approx(4 * 24, rel=0.01)
    said("falls from four days to about half an hour a year")


def why(name: str) -> str:
    return questions.PREDICTIONS[name].why


def answer(name: str) -> float:
    known = questions.PREDICTIONS[name].answer
    return float(known() if callable(known) else known)


def test_answers_and_their_reasons() -> None:
    assert answer("pairs") == 2_000
    assert answer("pairs") * (answer("pairs") - 1) / 2 == pytest.approx(2e6, rel=1e-3)
    assert answer("knee-p99") == pytest.approx(100 * math.log(100))
    assert answer("staffing") == 1_046
    assert f"= {answer('amdahl'):.1f}" in why("amdahl")
    peak = scalability_law.peak(0.03, 0.001)
    assert answer("usl-peak") == peak.best_workers == 31
    assert scalability_law.speedup(32, 0.03, 0.001) < peak.peak_speedup
    assert f"= {answer('outgrown'):.1f}" in why("outgrown")
    premium = 5_000 * answer("outgrown")
    assert f"{significant(premium)} dollars" in why("outgrown")
    assert f"{answer('break-promise'):.1f} %" in why("break-promise")
    assert f"{0.020 / 0.05 * math.log(100):.2f} s" in why("break-promise")
    assert answer("break-loss") == pytest.approx(100 * 2 / 3)
    assert scalability_law.speedup(64, 0, answer("break-kappa")) == pytest.approx(1)
    assert f"{100 * answer('break-kappa'):.1f} %" in why("break-kappa")
