"""The simulations against theory, the one queue engine, and mutants of themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from helpers import blueprint, why
from helpers.foundations import queueing
from helpers.why.simulation import (
    books,
    capacity,
    closed,
    deploys,
    durability,
    judgement,
    traffic,
    users,
)
from tests.why.checks import CHECKS

SHOP = blueprint.Design(
    "shop",
    blueprint.Clients(rate_rps=40, write_fraction=0.1)
    >> blueprint.LoadBalancer()
    >> blueprint.AppServers(count=2)
    >> blueprint.Database(replicas=1),
)


@pytest.fixture(autouse=True)
def fresh_caches():
    """No mutant leaves anything behind in a cache, and none is served from one."""
    yield
    for module in (books, capacity, closed, deploys, judgement, traffic):
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()


@pytest.mark.parametrize("name", CHECKS)
def test_simulation_agrees_with_theory(name: str) -> None:
    assert CHECKS[name]() == []


# --- mutants ---


def _start_empty(u, users, ratio, servers):
    return np.zeros(u.size)


def _forgets_its_own_service(*case):
    seen = closed.run_closed(*case)
    return dataclasses.replace(seen, followed_s=seen.followed_s - seen.followed)


def _counts_the_server_twice(*case):
    seen = closed.run_closed(*case)
    return dataclasses.replace(seen, busy_s=1.02 * seen.busy_s)


def _never_waits(arrivals, services, servers):
    return np.zeros_like(arrivals)


def _even(kind, size, rng, *, burstiness=4.0):
    return np.ones(size)


def _even_services(kind, size, rng, **_):
    return np.ones(size)


def _nobody_leaves(arrivals, services, servers, changes):
    return queueing.fifo_waits(arrivals, services, servers)


def _two_leave(arrivals, services, servers, changes):
    twice = [(t, max(2 * c, 1 - servers)) for t, c in changes]
    return ORIGINAL["changing_waits"](arrivals, services, servers, twice)


def _one_error_more(m, p, alarm=0.05):
    return why.canary_threshold(m, p, alarm) + 1


def _takes_one_along(arrivals, sync_s):
    return float(queueing.fifo_waits(arrivals, np.full(arrivals.size, sync_s), 1).mean()) + sync_s


def _joins_a_sync_under_way(arrivals, sync_s):
    return 0.75 * ORIGINAL["_group"](arrivals, sync_s) + 0.25 * sync_s


def _all_deaths_early(timeout_s, error, kill, tries, idempotent, draws):
    errs, dies, moment, takes = draws
    return ORIGINAL["_keep_books"](
        timeout_s, error, kill, tries, idempotent, (errs, dies, 0 * moment, takes)
    )


def _one_try_more(timeout_s, error, kill, tries, idempotent, draws):
    return ORIGINAL["_keep_books"](timeout_s, error, kill, tries + 1, idempotent, draws)


def _timeout_from_the_median(timeout_s, error, kill, tries, idempotent, draws):
    return ORIGINAL["_keep_books"](1.1 * timeout_s, error, kill, tries, idempotent, draws)


def _lucky(seed):
    groups, luck = ORIGINAL["_draws"](seed)
    return groups, 0.9 * luck


ORIGINAL = {
    "_draws": judgement._draws,
    "changing_waits": capacity.changing_waits,
    "_group": durability._group,
    "_keep_books": books._keep_books,
}

MUTANTS = [
    ("users", closed, "_draw", _start_empty),
    ("users", users, "run_closed", _forgets_its_own_service),
    ("users", users, "run_closed", _counts_the_server_twice),
    ("traffic", queueing, "fifo_waits", _never_waits),
    ("traffic", traffic, "unit_gaps", _even),
    ("traffic", traffic, "unit_services", _even_services),
    ("durability", durability, "_group", _takes_one_along),
    ("durability", durability, "_group", _joins_a_sync_under_way),
    ("durability", durability, "unit_gaps", lambda kind, size, rng: np.ones(size)),
    ("books", books, "_keep_books", _all_deaths_early),
    ("books", books, "_keep_books", _one_try_more),
    ("books", books, "_keep_books", _timeout_from_the_median),
    ("loss", capacity, "changing_waits", _nobody_leaves),
    ("loss", capacity, "changing_waits", _two_leave),
    ("canary", deploys, "canary_threshold", _one_error_more),
    ("calibration", judgement, "_draws", _lucky),
]


@pytest.mark.parametrize(
    ("check", "module", "name", "mutant"),
    [pytest.param(*m, id=f"{m[0]}-{m[2]}-{getattr(m[3], '__name__', m[3])}") for m in MUTANTS],
)
def test_the_checks_catch_mutants(check, module, name, mutant, monkeypatch) -> None:
    for mod in (books, capacity, closed, deploys, judgement, traffic):
        for thing in vars(mod).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    monkeypatch.setattr(module, name, mutant)
    assert CHECKS[check]() != []


# --- invariants ---


@pytest.mark.parametrize("servers", [1, 3])
def test_without_changes_the_queue_is_the_one_engine(servers: int) -> None:
    rng = np.random.default_rng(1)
    arrivals, services = np.cumsum(rng.exponential(0.5, 400)), rng.exponential(0.4 * servers, 400)
    found = capacity.changing_waits(arrivals, services, servers, [])
    assert np.allclose(found, queueing.fifo_waits(arrivals, services, servers), atol=1e-9)


def test_a_queue_whose_servers_come_and_go_by_hand() -> None:
    arrivals, services = np.array([0.0, 0.0, 1.0, 1.0, 9.0]), np.array([2.0, 3.0, 2.0, 1.0, 1.0])
    # Of two servers one leaves at 1.5, once it is free at 2, and is back at 6.
    waits = capacity.changing_waits(arrivals, services, 2, [(1.5, -1), (6.0, 1)])
    assert np.allclose(waits, [0.0, 0.0, 2.0, 4.0, 0.0])
    # With all servers out, everybody waits for the end of the outage.
    waits = capacity.changing_waits(arrivals, services, 2, [(0.5, -2), (4.0, 2)])
    assert np.allclose(waits, [0.0, 0.0, 3.0, 3.0, 0.0])


def test_nobody_is_served_while_all_servers_are_replaced() -> None:
    found = why.simulate_rolling(servers=4, batch=4, utilisation=0.5)
    during = (found.time_s > 6) & (found.time_s < 9)
    until_end = 10 - found.time_s[during]
    assert (np.nanmin(found.wait_s[:, during], axis=0) > until_end - 0.3).all()


def test_fluid_backlog_predicts_a_long_overload() -> None:
    runs = [why.simulate_rolling(servers=12, batch=4, utilisation=0.9, seed=s) for s in range(8)]
    at = int(np.abs(runs[0].time_s - 19.5).argmin())
    seen = np.mean([r.mean_wait_s[at] for r in runs])
    assert seen == pytest.approx(runs[0].fluid_s[at], rel=0.12)


def test_all_that_is_deliberate_about_choices() -> None:
    found = why.simulate_choices()
    good = (found.response_s <= 0.120) & (found.outage_s <= 3_600)
    assert (found.good == good).all()
    assert found.cost_usd[found.cheapest] == found.cost_usd[good].min()
    points = np.column_stack([found.cost_usd, found.response_s, found.outage_s])
    for i in range(len(points)):
        beaten = any(
            (points[j] <= points[i]).all() and (points[j] < points[i]).any()
            for j in range(len(points))
        )
        assert found.unbeaten[i] == (np.isfinite(points[i, 1]) and not beaten)
    strict = why.simulate_choices(response_ms=1.0)
    assert strict.cheapest is None
    assert "No choice does" in strict.reading


def test_choices_are_the_blueprint_s_numbers() -> None:
    found = why.simulate_choices(rate_rps=150.0)
    for i in (0, 13, 30, 47):
        design = why.build(*found.decisions[i], rate_rps=150.0)
        assert found.cost_usd[i] == pytest.approx(blueprint.cost(design).monthly)
        assert found.outage_s[i] == pytest.approx(blueprint.availability(design).downtime_s)
        assert found.response_s[i] == pytest.approx(blueprint.theory_design(design).response_s)


def test_the_deck_plays_every_card_and_counts_every_request() -> None:
    deck = why.play_deck(SHOP)
    assert len(deck.played) == len(why.DECK)
    assert deck.played[0].share == 1
    for played in deck.played:
        if played.run is None:
            assert played.surprise == "the cache dies"
            assert played.share == 1
            continue
        rates = played.rates()
        width = rates["time_s"][1] - rates["time_s"][0]
        assert rates["sent_rps"].sum() * width == pytest.approx(played.run.sent)
        assert (rates["in_time_rps"] <= rates["sent_rps"]).all()
    assert deck.worst.share == min(played.share for played in deck.played)


def test_a_single_server_does_not_survive_its_death() -> None:
    alone = blueprint.Design(
        "alone", blueprint.Clients(rate_rps=20) >> blueprint.AppServers(count=1)
    )
    played = why.simulate_surprise(alone, surprise="an app server dies")
    assert not played.survived
    assert played.share < 0.8


def test_scores_of_your_own_predictions() -> None:
    import pandas as pd

    empty = why.score_predictions(pd.DataFrame(columns=["confidence", "right"]))
    assert empty.summary == {"predictions": 0}
    assert "No predictions yet" in empty.reading
    frame = pd.DataFrame({"confidence": [0.9, 0.9, 0.5], "right": [True, False, True]})
    found = why.score_predictions(frame)
    assert found.summary["brier"] == pytest.approx((0.01 + 0.81 + 0.25) / 3)
    with pytest.raises(ValueError, match="'right'"):
        why.score_predictions(frame[["confidence"]])


@pytest.mark.parametrize(
    "simulate",
    [
        why.simulate_users, why.simulate_concurrency, why.simulate_traffic, why.simulate_durability,
        why.simulate_books, why.simulate_loss, why.simulate_rolling, why.simulate_canary,
        why.simulate_calibration,
    ],
)  # fmt: skip
def test_same_arguments_same_answer_other_seed_another(simulate) -> None:
    assert simulate(seed=3).summary == simulate(seed=3).summary
    assert simulate(seed=3).summary != simulate(seed=4).summary


def test_questions_have_answers() -> None:
    from helpers.explore import predict, quiz
    from helpers.why.questions import QUESTIONS, QUIZ

    for name in QUESTIONS:
        asked = why.question(name, SHOP)
        predict(**asked)
        answer = asked["answer"]
        value = answer() if callable(answer) else answer
        assert isinstance(value, str) or np.isfinite(value)
    for name in QUIZ:
        quiz(**why.quiz_question(name))
    with pytest.raises(TypeError, match="design must be a Design"):
        why.question("deck")
    with pytest.raises(ValueError, match="name must be one of"):
        why.question("life")
    assert why.theory_users(10_000, 60.0, 0.01).response_s == pytest.approx(40, rel=0.01)
    assert why.theory_users(1_000, 60.0, 0.01).response_s == pytest.approx(0.012, rel=0.01)
