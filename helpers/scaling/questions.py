"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from helpers.foundations.prose import duration, listed, significant
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.scaling import (
    break_even,
    growth,
    knee,
    query_time,
    scalability_law,
    scaling_cost,
    speedup,
    staffing,
    two_columns,
)
from helpers.scaling.scalability import Scalability

CHAPTER = "02"

PREDICTIONS: Mapping[str, Prediction] = {
    "pairs": Prediction(
        question="At how many users does comparing all with all first take more than 200 ms?",
        answer=growth.largest_size("quadratic", 0.200 / 100e-9),
        unit="users",
        why="There are n(n-1)/2 pairs, and two million comparisons of 100 ns fit into 200 ms.",
    ),
    "two-points": Prediction(
        question="Which access path takes 10 ms at 1,000 rows and 10 s at 10 million?",
        options=("a scan of all rows", "a lookup in an index", "neither of them alone"),
        answer="neither of them alone",
        why="A pure scan would take 100 s by then, and a pure B-tree lookup about 23 ms.",
    ),
    "knee-p99": Prediction(
        question="At 80 % utilisation, one request in a hundred takes longer than ...",
        answer=1e3 * knee.theory(knee.Setting(utilisation=0.8)).p99_s,
        unit="ms",
        why="The mean is 100 ms, and one exponential time in a hundred exceeds 4.6 means.",
        axis="y",
    ),
    "staffing": Prediction(
        question="Three servers are right for 50 requests/s. How many are for 50,000?",
        answer=lambda: float(staffing.servers_by("Erlang C", staffing.Setting(rate_rps=50_000))),
        unit="servers",
        tolerance=0.1,
        why="A thousand servers are kept busy; a few dozen more absorb the fluctuations.",
    ),
    "bottleneck": Prediction(
        question="Which improvement lets the system carry the most requests per second?",
        options=(
            "twice as fast web servers",
            "twice as fast application",
            "twice as fast database",
            "each of the three helps a little",
        ),
        answer="twice as fast database",
        why="The database is the first to be busy all the time; nothing else lifts the ceiling.",
    ),
    "amdahl": Prediction(
        question="5 % of a job is serial. How much faster is it on 64 cores than on one?",
        answer=speedup.amdahl(0.05, 64),
        unit="times",
        why="Amdahl: 1 / (0.05 + 0.95 / 64) = 15.4. Even a million cores would not reach 20.",
        axis="y",
    ),
    "usl-peak": Prediction(
        question="How many such workers get the most done together?",
        answer=scalability_law.peak(0.03, 0.001).best_workers,
        unit="workers",
        why="N* = sqrt((1 - 0.03) / 0.001) = 31. The 32nd worker makes the system slower.",
        axis="x",
    ),
    "pooling": Prediction(
        question="Where does a request spend the least time WAITING for its service to begin?",
        options=("one big server", "four servers, one queue", "four servers, a queue each"),
        answer="four servers, one queue",
        why="It waits only when all four are busy. Its service then takes four times as long.",
    ),
    "outgrown": Prediction(
        question="In which month does 10 % growth a month turn 50 requests/s into 1,000?",
        answer=math.log(1_000 / 50) / math.log(1.10),
        unit="months",
        why="ln(20) / ln(1.1) = 31.4. Until then the large design costs 157,000 dollars more.",
        axis="x",
    ),
    "two-columns": Prediction(
        question="Which column is available for the larger share of the year?",
        options=("scaled up", "scaled out, by far", "the same to five digits"),
        answer="the same to five digits",
        why="0.99 x 0.99 against 0.99 x 0.999999 x 0.99: the balancer is the new big server.",
    ),
    "break-promise": Prediction(
        question="Up to which utilisation does the promise hold?",
        answer=100 * (1 - 0.020 * math.log(100) / 1.0),
        unit="%",
        tolerance=0.01,
        why="S ln 100 / (1 - rho) = 1 s gives 90.8 %. At 95 % one in a hundred takes 1.84 s.",
    ),
    "break-loss": Prediction(
        question="Above which utilisation of the three does losing one overload the other two?",
        answer=200 / 3,
        unit="%",
        tolerance=0.02,
        why="The load of three must fit on two, so 3 rho = 2. Planning for it is called N + 1.",
    ),
    "break-kappa": Prediction(
        question="With sigma = 0, above which kappa do 64 workers do less than one?",
        answer=1 / 64,
        tolerance=0.05,
        why="64 / (1 + 64 x 63 kappa) = 1 gives kappa = 1/64: 1.6 % for each colleague.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "load-test": Quiz(
        question=(
            "A load test of ten seconds at 90 % utilisation reports a mean of 180 ms. "
            "What do you make of the three digits?"
        ),
        options={
            "They are good: thousands of requests were timed": (
                "They waited in the same queue, so they are not thousands of independent timings."
            ),
            "Even the first may be wrong": (
                "Near saturation a queue remembers for long: a mean within 5 % takes hundreds of "
                "thousands of requests."
            ),
            "They are too high: the test had to warm up": (
                "A test that starts with an empty queue reports too LOW a mean."
            ),
        },
        answer="Even the first may be wrong",
    ),
    "falling": Quiz(
        question=(
            "You double the machines of a cluster and throughput falls by a tenth. "
            "What is the likeliest cause?"
        ),
        options={
            "The new machines are slower": "Then throughput would rise by less, but rise.",
            "Serial work (sigma)": "Alone it flattens the curve; it never makes it fall.",
            "Keeping each other up to date (kappa)": (
                "Only a cost that grows faster than the number of machines makes the total fall."
            ),
        },
        answer="Keeping each other up to date (kappa)",
    ),
    "cache": Quiz(
        question=(
            "Web tier 10 ms, application 30 ms, database 50 ms for each request. "
            "A cache takes half of the work off the database. What is gained?"
        ),
        options={
            "Twice the throughput": (
                "It would be, if nothing else were in the way. The application needs 30 ms."
            ),
            "Two thirds more throughput": (
                "The ceiling rises from 1/50 ms to 1/30 ms: the application is the new bottleneck."
            ),
            "Nothing: caches only help latency": (
                "Work that the database need not do is demand taken off the bottleneck."
            ),
        },
        answer="Two thirds more throughput",
    ),
}


# --- settings to be found -------------------------------------------------------------------------


def _exact_fixed_cost(_: query_time.QueryTime) -> str:
    more_rows = query_time.LARGE_ROWS - query_time.SMALL_ROWS
    row_s = (query_time.LARGE_S - query_time.SMALL_S) / more_rows
    fixed_s = query_time.SMALL_S - query_time.SMALL_ROWS * row_s
    return (
        f"a fixed cost of {duration(fixed_s, 4)} and {duration(row_s)} for a row pass through both "
        "diamonds exactly, and no other pair does: two equations, two unknowns."
    )


def _beyond_the_family(run: scaling_cost.ScalingCost) -> bool:
    return run.family_ceiling_rps < run.switch_rps < math.inf


def _almost_from_the_start(run: scaling_cost.ScalingCost) -> bool:
    return run.switch_rps <= scaling_cost.ALMOST_THE_START_RPS


def _where_it_switches(run: scaling_cost.ScalingCost) -> str:
    switch = run.switch_rps
    leads = f"from {significant(switch)} requests/s on" if math.isfinite(switch) else "nowhere"
    return (
        f"the largest m7i does {significant(run.family_ceiling_rps)} requests/s here, and the "
        f"fleet leads for good {leads}. It pays only beyond the family when the second number is "
        f"above the first, and almost from the start when it is at most "
        f"{scaling_cost.ALMOST_THE_START_RPS}."
    )


def _building_large_pays(run: break_even.BreakEven) -> bool:
    exact = break_even.theory(run.at)
    return run.saved.high < 0 and exact.outgrown_month < exact.break_even_month


def _growth_that_pays(run: break_even.BreakEven) -> str:
    at, month = run.at, break_even.theory(run.at).break_even_month
    percent = 100 * math.expm1(math.log(at.capacity_rps / at.load_rps) / month)
    return (
        f"building large pays if the small system is outgrown before month {significant(month)}, "
        f"which takes a growth of {significant(percent)} % a month."
    )


def _only_this_box(box: str) -> Callable[[two_columns.TwoColumns], bool]:
    def reached(run: two_columns.TwoColumns) -> bool:
        right = {name: up for name, up in run.at.up.items() if name not in _LEFT}
        return run.horizontal_rps == 0 and [n for n, up in right.items() if not up] == [box]

    return reached


_LEFT = ("big server", "database A")


def _there_once(_: two_columns.TwoColumns) -> str:
    boxes = two_columns.simulate(two_columns.Setting()).single_points
    names = listed([f"the {box}" if box == "balancer" else box for box in boxes])
    return (
        f"{names} are all there are. They stand in series with everything else and are there once; "
        "of the servers there are three, and it takes all of them."
    )


def _less_than_one(run: Scalability) -> bool:
    return run.at.workers == 64 and float(run.expected_rps[63]) < run.at.worker_rps


def _kappa_that_stops(run: Scalability) -> str:
    sigma = run.at.sigma
    return (
        f"by the law it is kappa = (1 - sigma) / 64, which at sigma = {significant(sigma)} is "
        f"{significant((1 - sigma) / 64)}. The more is done one at a time, the less coherency it "
        "takes."
    )


GOALS: Mapping[str, Goal] = {
    "fixed-cost": Goal(
        asked="the fixed cost at which the scan passes through both diamonds, within 2 %.",
        reached=lambda run: run.misfit <= 1.02,
        boundary=_exact_fixed_cost,
    ),
    "switch": Goal(
        asked="a setting in which scaling out pays only beyond the largest m7i, and one in which "
        "it pays almost from the start.",
        reached={
            "only beyond the largest m7i": _beyond_the_family,
            "almost from the start": _almost_from_the_start,
        },
        boundary=_where_it_switches,
    ),
    "large-now": Goal(
        asked="a growth at which building large now is the cheaper plan.",
        reached=_building_large_pays,
        boundary=_growth_that_pays,
    ),
    "stops-it": Goal(
        asked="every box whose loss alone stops the right-hand column.",
        reached={
            "the balancer": _only_this_box("balancer"),
            "database B": _only_this_box("database B"),
        },
        boundary=_there_once,
    ),
    "less-than-one": Goal(
        asked="a setting in which 64 workers do less than a single one.",
        reached=_less_than_one,
        boundary=_kappa_that_stops,
        before="break-kappa",
    ),
}
