"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.estimation import bottleneck, interview, load_test, same_mean, slo
from helpers.estimation.error_factors import error_factor
from helpers.estimation.units import Quantity
from helpers.foundations.prose import significant
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "05"


def _urls_tb() -> float:
    urls = Quantity(100e6, "records/day") * Quantity(10, "years")
    return float((urls * Quantity(100, "bytes/record")).to("TB").value)


def _bad_months_percent() -> float:
    at = slo.Setting()
    chosen = slo.cheapest(at)
    assert chosen is not None
    return 100 * slo.theory(at, chosen).bad_months


def _gain_percent() -> float:
    built, tripled = (bottleneck.steps()[fixes].ceiling_rps for fixes in (0, 1))
    return 100 * (tripled / built - 1)


def _shortest_stall_s(at: load_test.Setting | None = None) -> float:
    """Where the fluid model's open p99 passes 500 ms: ``p99 = S + D - 0.01 T (1 - rho)``."""
    at = at or load_test.Setting()
    exact = load_test.theory(at)
    return 0.5 - exact.service_s + 0.01 * exact.run_s * (1 - at.utilisation)


PREDICTIONS: Mapping[str, Prediction] = {
    "first-question": Prediction(
        question="You may ask one question only. Which one saves the most money on average?",
        options=("peak load", "where users are", "photos kept", "cost of an outage"),
        answer=lambda: interview.best_questions(1)[0],
        why="It decides how many servers you buy, and a wrong guess is expensive both ways.",
    ),
    "mean-p99": Prediction(
        question=(
            "The mean is 100 ms. How long can one request in a hundred take, at the very most?"
        ),
        answer=lambda: 1e3 * same_mean.theory(same_mean.Setting(mean_ms=100)).p99_limit_s,
        unit="ms",
        why="If 1 % take 10 s and the rest almost nothing, the mean is 100 ms. More is impossible.",
        axis="x",
    ),
    "omission": Prediction(
        question="Which p99 does this tool report for the minute with the two-second stall?",
        options=("about 3 ms", "about 200 ms", "about 1.6 s", "2 s"),
        answer="about 3 ms",
        why="While the server stalls the tool waits too: it takes one bad sample among 5,801.",
    ),
    "bad-months": Prediction(
        question=(
            "The cheapest design that meets 99.9 % on average: in what share of months does it "
            "miss it?"
        ),
        answer=_bad_months_percent,
        tolerance=0.5,
        unit="%",
        why="Its outages are rare but long: most months have none, and a bad month has an hour.",
        axis="x2",
    ),
    "urls": Prediction(
        question="How much storage do the URLs need after ten years?",
        answer=_urls_tb,
        unit="TB",
        tolerance=0.1,
        why="100 million a day for 3,650 days are 365 billion URLs; times 100 bytes is 36.5 TB.",
    ),
    "error-bars": Prediction(
        question="Four guesses, each within ×/÷ 2. Within which factor is their product?",
        answer=lambda: error_factor(4, 2.0),
        why="Errors partly cancel: the factor grows with the square root of the number of guesses.",
        axis="y",
    ),
    "hang": Prediction(
        question=(
            "80 % of the requests are reads. The read replica hangs; the primary is well. What is "
            "lost?"
        ),
        options=("nothing", "about half", "about 80 %", "nearly everything"),
        answer="nearly everything",
        why="Reads that wait for it hold all the threads, and then the writes find none.",
    ),
    "moved": Prediction(
        question=(
            "Servers limit a system to 80 requests/s. You triple the servers. By how much does it "
            "rise?"
        ),
        answer=_gain_percent,
        unit="%",
        why="The database behind them stops at 100 requests/s. It was there all the time.",
    ),
    "extreme": Prediction(
        question=(
            "A server can do 10 requests/s and is asked for 15. How many does it answer in time, "
            "if all may wait in line?"
        ),
        options=("10 a second", "about 7 a second", "nearly none"),
        answer="nearly none",
        why="The line grows until everyone in it has given up; the server works for nobody.",
    ),
    "break": Prediction(
        question=(
            "The shortest stall, in a minute at 30 % utilisation, that lifts the open p99 above "
            "500 ms?"
        ),
        answer=_shortest_stall_s,
        unit="s",
        why="p99 = S + D - 0.01 T (1 - rho), so D = 0.5 - 0.003 + 0.42 s.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "complaints": Quiz(
        question=(
            "Your load test shows p99 = 5 ms, your users complain of pages that take seconds. "
            "What first?"
        ),
        options={
            "Find out whether the tester waits for answers before it sends": (
                "Yes. A closed tester takes one sample in each stall; repeat the test with an open "
                "one."
            ),
            "Buy faster servers": "You do not know yet what is slow; the test says nothing is.",
            "Report the mean instead": "The mean of the same samples lacks the same requests.",
        },
        answer="Find out whether the tester waits for answers before it sends",
    ),
    "nine-factors": Quiz(
        question="Nine factors, each guessed within ×/÷ 2, independently. How good is the product?",
        options={
            "within ×/÷ 8": "Yes: 2 to the square root of 9 is 2 to the 3.",
            "within ×/÷ 512": "That is the worst case, 2 to the 9: all nine errors the same way.",
            "within ×/÷ 18": "Factors multiply; it is their logarithms that add, in squares.",
        },
        answer="within ×/÷ 8",
    ),
}

_STALL_STEP_S = 0.1  # of the slider


def _breaks_the_promise(run: load_test.LoadTest) -> bool:
    beyond = run.at.stall_s - _shortest_stall_s(run.at)
    return 0 < beyond <= _STALL_STEP_S and run.percentile_s("open", 0.99) > 0.5


def _stall_that_breaks(run: load_test.LoadTest) -> str:
    return (
        f"in the fluid model a stall of {significant(_shortest_stall_s(run.at))} s lifts the open "
        f"p99 to half a second at {significant(100 * run.at.utilisation)} % utilisation; a shorter "
        "one catches fewer than one request in a hundred for that long."
    )


GOALS: Mapping[str, Goal] = {
    "shortest-stall": Goal(
        asked="the shortest stall on the slider that lifts the open p99 above half a second.",
        reached=_breaks_the_promise,
        boundary=_stall_that_breaks,
        before="break",
    ),
}
