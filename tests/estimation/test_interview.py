"""An interview: regret by brute force, and what the page says of the questions."""

from __future__ import annotations

from itertools import product

import pytest
from matplotlib.figure import Figure

from helpers.estimation import interview
from helpers.estimation.clients_and_designs import ITEMS, QUESTIONS, every_client
from helpers.foundations.prose import significant
from tests import drawn


def test_regret_by_brute_force() -> None:
    world = every_client()
    names = list(QUESTIONS)
    for asked in ((), ("peak load",), ("reads", "cost of an outage"), tuple(names)):
        columns = [names.index(name) for name in asked]
        regret = 0.0
        for client, own in enumerate(world.clients):
            alike = [
                i
                for i, other in enumerate(world.clients)
                if all(other[c] == own[c] for c in columns)
            ]
            chosen = min(
                range(len(world.designs)), key=lambda j, alike=alike: world.costs[alike, j].mean()
            )
            regret += world.costs[client, chosen] - world.costs[client].min()
        assert interview.theory(asked) == pytest.approx(regret / len(world.clients))


def test_questions_are_never_worth_less_than_nothing() -> None:
    for flags in product((False, True), repeat=6):
        asked = [name for name, flag in zip(QUESTIONS, flags, strict=True) if flag]
        before = interview.theory(asked)
        for name in QUESTIONS:
            assert interview.theory([*asked, name]) <= before + 1e-9
    assert interview.theory(QUESTIONS) == pytest.approx(0, abs=1e-9)


def test_what_the_chapter_says_of_the_questions() -> None:
    nothing = interview.theory()
    assert interview.theory(["photos kept"]) == pytest.approx(nothing)
    assert interview.theory(["where users are"]) == pytest.approx(nothing)
    rest = [name for name in QUESTIONS if name != "where users are"]
    assert interview.theory(rest) > 10
    assert interview.best_questions(1) == ("peak load",)
    photos = every_client().items[ITEMS.index("photo storage")]
    assert photos.max() - photos.min() > 2_000


def test_simulated_interviews_agree_with_the_enumeration() -> None:
    truth = interview.theory(["peak load"])
    inside = sum(
        interview.simulate(peak_load=True, seed=seed).regret.contains(truth) for seed in range(100)
    )
    # Binomial(100, 0.95): below 86 once in 4,000 times.
    assert inside >= 86


def test_what_is_no_question_is_refused() -> None:
    with pytest.raises(ValueError, match="asked"):
        interview.theory(["age"])


@pytest.mark.parametrize("given", [{}, {"peak_load": True, "seed": 7}, dict.fromkeys(
    ("peak_load", "reads", "outage_cost", "where", "photos", "language"), True)])  # fmt: skip
def test_what_the_learner_sees(given) -> None:
    run, axes = interview.simulate(**given), tuple(Figure().subplots(1, 2))
    interview.plot(run, axes)
    assert len(run.answers) == len(run.asked) == sum(v is True for v in given.values())
    now = interview.theory(run.asked)
    table = run.table()
    for name in QUESTIONS:
        row = table.loc[name]
        if name in run.asked:
            assert row["answer"] == run.answers[name]
        else:
            left = interview.theory([*run.asked, name])
            assert row["answer"] == "not asked"
            assert row["expected regret after it"] == pytest.approx(left)
            assert row["worth now (USD a month)"] == pytest.approx(now - left)
    reading = run.reading
    assert f"{significant(run.chosen_items.sum())} USD a month for this client" in reading
    assert f"leave {significant(run.regret.estimate)} USD" in reading
    assert f"expectation, {significant(now)} USD" in reading
    assert ("inside" in reading) == (run.regret.low <= now <= run.regret.high)
    if run.own_regret > 0.01:
        assert f"{significant(run.own_regret)} USD a month more than the best" in reading
    else:
        assert "the best there is" in reading
    point = drawn.error_bars(axes[1])
    assert point is not None
