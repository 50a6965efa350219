"""A promise: budgets, k of n, the cheapest design, and a thousand years of it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import blueprint
from helpers.estimation import error_budget, slo
from helpers.estimation.architectures import MONTH_MIN, all_architectures, at_least_up
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn


def check_at_least_up(model: object) -> None:
    """k of n with a common cause, against the sum over all states of all machines."""
    for n, k, q, beta in ((3, 2, 0.1, 0.0), (4, 1, 0.2, 0.0), (3, 3, 0.05, 0.0), (3, 2, 0.1, 0.2)):
        own, total = (1 - beta) * q, 0.0
        for state in range(2**n):
            up = state.bit_count()
            if up >= k:
                total += (1 - own) ** up * own ** (n - up)
        assert math.isclose(model(n, k, q, beta), (1 - beta * q) * total, rel_tol=1e-12)
    assert math.isclose(model(1, 1, 0.1, 0.5), 0.9)


def check_bad_months(model: object) -> None:
    """Months over budget, against 100,000 drawn ones; a right model fails once in 20,000 times."""
    for seed, (often, length, budget) in enumerate(((0.2, 60.0, 44.0), (2.0, 20.0, 44.0))):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(often, 100_000)
        totals = length * rng.standard_gamma(np.where(counts, counts, 1)) * (counts > 0)
        share = float((totals > budget).mean())
        error = math.sqrt(share * (1 - share) / 1e5)
        assert abs(model(often, length, budget) - share) < 4.05 * error


def test_error_budget() -> None:
    assert error_budget.error_budget_min(99.9) == pytest.approx(43.83, abs=0.01)
    assert error_budget.error_budget_min(99.0, period_min=100) == pytest.approx(1)


def test_k_of_n_and_mutants() -> None:
    model = at_least_up
    check_at_least_up(model)
    for mutant in (
        lambda n, k, q, b: model(n, min(k + 1, n), q, b),
        lambda n, k, q, b: model(n, k, q, 0.0),
        lambda n, k, q, b: 1 - q**n,
        lambda n, k, q, b: (1 - q) ** k,
    ):
        with pytest.raises(AssertionError):
            check_at_least_up(mutant)


def test_the_solvers_availability_and_price_are_the_blueprints() -> None:
    for chosen in all_architectures(machine_percent=99.0, needed=2, common_cause=0.1)[::7]:
        alike = {"availability": 0.99}
        design = blueprint.Design(
            "solved",
            blueprint.Clients(rate_rps=1e-9, response_kb=0)
            >> blueprint.LoadBalancer(count=chosen.balancers, **alike)
            >> blueprint.AppServers(count=chosen.servers, needed=2, common_cause=0.1, **alike)
            >> blueprint.Database(
                replicas=chosen.nodes - 1, failover_s=0, common_cause=0.1, **alike
            ),
        )
        # The blueprint's balancers have no common cause: divide it out.
        own = at_least_up(chosen.balancers, 1, 0.01, 0.1)
        plain = at_least_up(chosen.balancers, 1, 0.01, 0.0)
        expected = blueprint.availability(design, request="write").system * own / plain
        assert chosen.availability == pytest.approx(expected, rel=1e-12)
        assert chosen.monthly == pytest.approx(blueprint.cost(design).monthly, abs=0.01)


def test_the_solver_finds_the_cheapest() -> None:
    for promise, percent, rate, beta in product((99, 99.9, 99.99), (98, 99.5), (90, 390), (0, 2)):
        at = slo.Setting(
            slo_percent=promise, machine_percent=percent, rate_rps=rate, common_cause_percent=beta
        )
        found = slo.cheapest(at)
        good = [one.monthly for one in slo.architectures(at) if one.availability >= promise / 100]
        assert (found is None) == (not good)
        if found:
            assert found.monthly == min(good)
            assert found.availability >= promise / 100


def test_bad_months_and_mutants() -> None:
    model = error_budget.bad_month_share
    check_bad_months(model)
    for mutant in (
        lambda often, length, budget: 1 - math.exp(-often),
        lambda often, length, budget: model(often, length, budget / 2),
        lambda often, length, budget: (1 - math.exp(-often)) * math.exp(-budget / length),
        lambda often, length, budget: float(often * length > budget),
    ):
        with pytest.raises(AssertionError):
            check_bad_months(mutant)


def test_outages_add_up_to_the_unavailability() -> None:
    for n, k in ((1, 1), (3, 2), (4, 1)):
        often, length = error_budget.outages_per_month(n, k, 0.02, 3.0)
        down = 1 - at_least_up(n, k, 0.02, 0.0)
        assert often * length == pytest.approx(down * MONTH_MIN)
    # All but k - 1 are being repaired at once: the first repair ends the outage.
    assert error_budget.outages_per_month(3, 2, 0.001, 3.0)[1] == pytest.approx(90, rel=0.01)
    # All five down at once, however seldom, are so until the first of them is repaired.
    assert error_budget.outages_per_month(5, 1, 1e-4, 2.0)[1] == pytest.approx(24)


def test_a_thousand_years_agree_with_theory() -> None:
    settings = (
        {},
        {"common_cause_percent": 10.0},
        {"slo_percent": 99.0, "machine_percent": 98.0, "repair_h": 8.0},
    )
    for given in settings:
        runs = [slo.simulate(**given, seed=seed) for seed in range(12)]
        mean = np.array([run.downtime.estimate for run in runs])
        error = mean.std(ddof=1) / math.sqrt(len(runs))
        # Student's t with 11 degrees of freedom exceeds 5.5 once in 5,000 times.
        assert abs(mean.mean() - runs[0].chosen.downtime_min) < 5.5 * error, given
        bad = np.mean([run.bad_months for run in runs])
        assert bad == pytest.approx(slo.theory(runs[0].at, runs[0].chosen).bad_months, rel=0.12), (
            given
        )


@pytest.mark.parametrize(
    "given", [{}, {"slo_percent": 99.999, "machine_percent": 98.0, "common_cause_percent": 20.0}]
)
def test_what_the_learner_sees(given) -> None:
    run, axes = slo.simulate(**given), tuple(Figure().subplots(1, 2))
    slo.plot(run, axes)
    cloud, months = axes
    every, budget = slo.architectures(run.at), error_budget.error_budget_min(run.at.slo_percent)
    good = [(a.monthly, max(a.downtime_min, 0.0105)) for a in every if a.downtime_min <= budget]
    if good:
        np.testing.assert_allclose(drawn.curve(cloud, color=style.GREEN), good)
    bad = drawn.curve(cloud, color=style.GHOST)
    assert len(bad) + len(good) == len(every)
    assert drawn.line(months, color=style.VERMILION).get_ydata()[0] == budget
    assert drawn.rings(cloud)[0] == pytest.approx([run.chosen.monthly, run.chosen.downtime_min])
    table = run.table()
    assert len(table) == len(every) == 60
    assert list(table["USD a month"]) == sorted(a.monthly for a in every)
    assert table["meets the target"].sum() == len(good)
    row = table.iloc[0]
    assert row["downtime (min/month)"] == pytest.approx(
        (1 - float(row["availability (%)"]) / 100) * MONTH_MIN, abs=0.01
    )
    reading = run.reading
    assert f"allows {duration(60 * budget)} of outage a month" in reading
    assert f"{run.chosen} for {significant(run.chosen.monthly)} USD a month" in reading
    assert f"expects {duration(60 * run.chosen.downtime_min)} of outage" in reading
    years = significant(len(run.downtime_min) / 12)
    mean = duration(60 * float(run.downtime_min.mean()))
    assert f"{years} simulated years had {mean} on average" in reading
    share = significant(100 * float((run.downtime_min > budget).mean()), 2)
    assert f"{share} % of the months overspent" in reading
    assert ("none of 60 designs" in reading) == (not good)
