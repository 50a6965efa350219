"""The lab's checks: the solution passes, an untouched lab scores nothing, and every wrong answer
loses the points of its own task and no others.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from helpers import blueprint
from helpers.blueprint import (
    AppServers,
    Clients,
    Database,
    Design,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.blueprint.theory.flows import machine_loads
from helpers.estimation.lab import design_faults, lab_parameters
from tests.labs import Lab, mistakes

LAB = Lab("lab05_how_to_approach_design")
answer = LAB.answer


# For each check, answers that must fail it and it alone.
WRONG = {
    "check_peak_load": {
        "per day": answer("peak_load", " / 86_400", ""),
        "no peak": answer("peak_load", " * peak_factor", ""),
        "hours": answer("peak_load", "86_400", "3_600"),
        "hard-coded": {"peak_load": "def peak_load(u, a, p): return 30.0"},
    },
    "check_units": {
        "keeps zero powers": answer("units", " if power}", "}"),
        "adds anything": answer("units", "if a[1] != b[1]:", "if False:"),
        "a silent message": answer("units", 'f"cannot add {a[1]} and {b[1]}"', '"no"'),
        "names one side": answer(
            "units", 'f"cannot add {a[1]} and {b[1]}"', 'f"cannot add {a[1]}"'
        ),
        "compares names only": answer("units", "if a[1] != b[1]:", "if set(a[1]) != set(b[1]):"),
        "changes its input": answer("units", "powers = dict(a[1])", "powers = a[1]"),
    },
    "check_storage": {
        "years twice": answer("units", "total[0] / 1e12", "total[0] * mine.years / 1e12"),
        "no copies": answer("units", "total[0] / 1e12", "total[0] / mine.copies / 1e12"),
        "gigabytes": answer("units", "total[0] / 1e12", "total[0] / 1e9"),
        "tebibytes": answer("units", "total[0] / 1e12", "total[0] / 2**40"),
        "typed in": answer("units", "total[0] / 1e12", "36.5"),
    },
    "check_product_factor": {
        "worst case": answer(
            "error_bars",
            "math.exp(math.sqrt(sum(math.log(f) ** 2 for f in factors)))",
            "math.prod(factors)",
        ),
        "factors in squares": answer(
            "error_bars",
            "math.exp(math.sqrt(sum(math.log(f) ** 2 for f in factors)))",
            "math.sqrt(sum(f**2 for f in factors))",
        ),
        "equal factors only": answer(
            "error_bars",
            "math.exp(math.sqrt(sum(math.log(f) ** 2 for f in factors)))",
            "max(factors) ** math.sqrt(len([f for f in factors if f > 1]))",
        ),
    },
    "check_simulate_factor": {
        "one side only": answer("error_bars", "np.abs(logs)", "logs"),
        "one sigma": answer("error_bars", " / 1.645", ""),
        "the theory again": answer(
            "error_bars",
            "return float(np.exp(np.quantile(np.abs(logs), 0.9)))",
            "return product_factor(factors)",
        ),
        "one error for all": answer(
            "error_bars", "(draws, len(sigmas))) * sigmas", "(draws, 1)) * sigmas"
        ),
        "95 %": answer("error_bars", "0.9)))", "0.95)))"),
    },
    "check_open_test": {
        "no queue": answer("testers", "start = max(now, free)", "start = now"),
        "waits only": answer("testers", "times.append(free - now)", "times.append(start - now)"),
        "stall ignored": answer(
            "testers", "if stall_at <= start < stall_at + stall_s:", "if False:"
        ),
        "stall by sending time": answer(
            "testers",
            "if stall_at <= start < stall_at + stall_s:",
            "if stall_at <= now < stall_at + stall_s:",
        ),
    },
    "check_closed_test": {
        "does not wait": answer(
            "testers", "max(now + interval_s, start + service_s)", "now + interval_s"
        ),
        "does not pace": answer(
            "testers", "max(now + interval_s, start + service_s)", "start + service_s"
        ),
        "one too many": answer("testers", "while now < run_s:", "while now <= run_s + interval_s:"),
        "pauses after the answer": answer(
            "testers", "max(now + interval_s, start + service_s)", "start + service_s + interval_s"
        ),
    },
    "check_availability": {
        "one server is enough": answer(
            "solver", "range(needed, servers + 1)", "range(1, servers + 1)"
        ),
        "off by one": answer(
            "solver", "range(needed, servers + 1)", "range(needed + 1, servers + 1)"
        ),
        "all in series": answer("solver", "(1 - (1 - a) ** balancers)", "a**balancers"),
    },
    "check_cheapest": {
        "the most available": answer("solver", "min(good)[1]", "max(good)[1]"),
        "promise ignored": answer(
            "solver", "if system_availability(a, b, s, needed, n) >= slo", "if True"
        ),
        "fewest machines": answer(
            "solver",
            'b * prices["balancer"] + s * prices["server"] + n * prices["node"]',
            "b + s + n",
        ),
        "raises": answer("solver", " if good else None", ""),
    },
    "check_fixes": {
        "doubles": answer("fixes", "servers[lowest] += 1", "servers[lowest] *= 2"),
        "largest demand": answer("fixes", "key=ceiling)", "key=lambda p: -demands_s[p])"),
        "changes its input": answer("fixes", "dict(servers), []", "servers, []"),
        "one short": answer("fixes", ">= target_rps", ">= 0.9 * target_rps"),
        "one too many": answer("fixes", ">= target_rps", ">= 1.1 * target_rps"),
        "ties by order": answer("fixes", "min(sorted(servers)", "min(list(servers)"),
    },
    "check_my_design": {
        "as given": answer("my_design", "for servers in range(2, 13):", "for servers in []:"),
        "one balancer": answer("my_design", "LoadBalancer(count=2)", "LoadBalancer()"),
        "no failover": answer("my_design", ", failover_s=30", ""),
        "too dear": answer("my_design", "range(2, 13)", "[40]"),
        "faster by decree": answer(
            "my_design", "AppServers(count=servers)", "AppServers(count=servers, service_s=0.01)"
        ),
        "a database beside the road": answer(
            "my_design",
            ">> blueprint.Database(replicas=1, failover_s=30)",
            ">> blueprint.Queue() >> blueprint.Workers() >> blueprint.Database()",
        ),
        "no design": {"my_design": "my_design = 'two of everything'"},
    },
}


@pytest.mark.parametrize(("check", "what"), mistakes(WRONG))
def test_a_wrong_answer_loses_its_own_points_only(check: str, what: str) -> None:
    assert LAB.run(WRONG[check][what]) == {check}


def test_every_check_has_wrong_answers() -> None:
    assert set(WRONG) == set(LAB.points)


RIGHT = {
    "units as a merge": {
        "units": """
        def multiply(a, b):
            names = {*a[1], *b[1]}
            dimension = {n: a[1].get(n, 0) + b[1].get(n, 0) for n in names}
            return a[0] * b[0], {n: p for n, p in dimension.items() if p != 0}

        def add(a, b):
            if dict(a[1]) == dict(b[1]):
                return a[0] + b[0], a[1]
            raise ValueError(f"{list(a[1].items())} is not {list(b[1].items())}")

        days = 365 * mine.years
        my_storage_tb = mine.writes_per_day * days * mine.record_bytes * mine.copies * 1e-12
        """
    },
    "error bars with other tools": {
        "error_bars": """
        def product_factor(factors):
            return float(np.exp(np.linalg.norm(np.log(factors))))

        def simulate_factor(factors, draws, rng):
            products = np.ones(draws)
            for factor in factors:
                products *= np.exp(rng.normal(0, math.log(factor) / 1.645, draws))
            either = np.maximum(products, 1 / products)
            return np.sort(either)[int(0.9 * draws)]
        """
    },
    "a design with other names": {
        "my_design": """
        my_design = blueprint.Design(
            "mine",
            blueprint.Clients(rate_rps=1)
            >> blueprint.LoadBalancer("front", count=2)
            >> blueprint.AppServers("web", count=math.ceil(mine.design_rps * 1.25 / 55))
            >> blueprint.Database("store", replicas=1, failover_s=10),
        )
        """
    },
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_written_another_way_passes(what: str) -> None:
    assert LAB.run(RIGHT[what]) == set()


@pytest.mark.parametrize("student_id", ["student 24", "student 46", "student 52", "student 69"])
def test_exact_fractions_find_the_same_bottlenecks(student_id: str) -> None:
    exact = answer("fixes", "/ demands_s[part]", "/ Fraction(str(demands_s[part]))")
    exact["fixes"] = "from fractions import Fraction\n" + exact["fixes"]
    assert LAB.run(exact, student_id, checks={"check_fixes"}) == set()


def test_a_database_that_only_half_of_the_requests_reach_is_a_fault() -> None:
    front = Clients(rate_rps=1) >> LoadBalancer(count=2)
    half = Design("half", front >> AppServers(count=2) >> Database(), front >> AppServers("b"))
    faults = design_faults(half, 10.0, 1e6)
    assert "it loses data: not every write reaches a database" in faults


def test_writes_that_workers_bring_to_the_database_are_no_fault() -> None:
    clients = Clients(rate_rps=1, job_fraction=1.0)
    back = Queue() >> Workers() >> Database()
    design = Design("later", clients >> LoadBalancer(count=2) >> AppServers(count=2) >> back)
    assert not [fault for fault in design_faults(design, 10.0, 1e6) if "database" in fault]


def test_the_model_memo_quotes_the_numbers_of_its_id() -> None:
    mine = lab_parameters("your id")
    design = Design(
        "mine",
        Clients(rate_rps=mine.design_rps, write_fraction=0.2)
        >> LoadBalancer(count=2)
        >> AppServers(count=3)
        >> Database(replicas=1, failover_s=30),
    )
    assert design_faults(design, mine.design_rps, mine.budget_usd) == []
    load = mine.users * mine.actions_per_day * mine.peak_factor / 86_400
    records = mine.writes_per_day * 365 * mine.years
    stored = records * mine.record_bytes * mine.copies / 1e12
    guesses = [mine.guesses[name] for name in ("users", "actions", "peak factor")]
    bar = math.exp(math.hypot(*map(math.log, guesses)))
    less = math.exp(math.hypot(math.log(guesses[0]), math.log(guesses[2])))
    ceilings = sorted({round(load.capacity_rps) for load in machine_loads(design).values()})
    price = round(blueprint.cost(design).monthly, -1)
    memo = LAB.source("design-memo")
    for quoted in (
        f"{round(load, -2):,.0f} requests/s ×/÷ {bar:.1f}",
        f"so {round(load / bar, -3):,.0f} to {round(load * bar, -3):,.0f}",
        f"shrinks to ×/÷ {less:.1f}",
        f"{stored:.0f} TB ×/÷ 1.5, so {stored / 1.5:.0f} to {stored * 1.5:.0f} TB",
        f"At {mine.design_rps:g} requests/s",
        f"costs {price:,.0f} USD a month",
        f"{mine.budget_usd - price:.0f} less than the budget",
        f"doubles to {2 * mine.design_rps:g}",
        f"saturate first, at {ceilings[0]}",
        f"the next ceiling, at {ceilings[1]},",
    ):
        assert quoted in memo, quoted


@pytest.mark.parametrize(("student_id", "error"), [("", ValueError), (7, TypeError)])
def test_a_bad_student_id_is_named(student_id: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="student_id"):
        lab_parameters(student_id)
