"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from helpers.foundations.questions import Prediction, Quiz
from helpers.scaling import growth, knee, scalability_law, speedup, staffing

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
