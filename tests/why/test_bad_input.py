"""A wrong parameter is refused with a message that names it, its value and what is allowed."""

from __future__ import annotations

import pytest

from helpers import blueprint, why

SHOP = blueprint.pair()

CASES = [
    (why.simulate_users, "users", 0),
    (why.simulate_users, "users", 10.5),
    (why.simulate_users, "service_ms", 0.0),
    (why.simulate_users, "think_s", float("nan")),
    (why.simulate_users, "replications", 1),
    (why.simulate_users, "seed", -1),
    (why.simulate_concurrency, "cpu_ms", -1.0),
    (why.simulate_concurrency, "io_ms", 0.0),
    (why.simulate_concurrency, "workers", 65),
    (why.simulate_concurrency, "cores", 0),
    (why.simulate_traffic, "utilisation", 0.95),
    (why.simulate_traffic, "work", "hard"),
    (why.simulate_traffic, "burstiness", 0.5),
    (why.simulate_durability, "write_wps", 0.0),
    (why.simulate_durability, "sync_ms", 0.0),
    (why.simulate_durability, "flush_s", 4_000.0),
    (why.simulate_books, "timeout_s", 0.0),
    (why.simulate_books, "error_percent", 101.0),
    (why.simulate_books, "kill_percent", -1.0),
    (why.simulate_books, "retries", 6),
    (why.simulate_books, "idempotent", 1),
    (why.simulate_calibration, "questions", 0),
    (why.simulate_calibration, "overconfidence", 1.5),
    (why.simulate_choices, "rate_rps", 0.0),
    (why.simulate_choices, "response_ms", -1.0),
    (why.simulate_choices, "outage_min", 0.0),
    (why.simulate_loss, "servers", 1),
    (why.simulate_loss, "utilisation", 1.0),
    (why.simulate_rolling, "servers", 13),
    (why.simulate_rolling, "batch", 7),
    (why.simulate_rolling, "utilisation", 0.0),
    (why.simulate_canary, "base_percent", 0.0),
    (why.simulate_canary, "times_worse", 1.0),
    (why.simulate_canary, "requests", 10),
    (why.simulate_canary, "canary_rps", 0.0),
    (why.measure_users, "service_ms", 0.5),
    (why.measure_users, "replications", 1),
    (why.measure_traffic, "utilisation", 0.9),
    (why.measure_traffic, "burstiness", 9.0),
    (why.measure_concurrency, "cpu_ms", 0.0),
    (why.measure_concurrency, "workers", 17),
    (why.measure_durability, "kills", 0),
    (why.measure_durability, "life_s", 5.0),
    (why.measure_books, "kills", 0),
    (why.measure_books, "retries", -1),
]


@pytest.mark.parametrize(("function", "name", "value"), CASES)
def test_wrong_parameters_are_named(function, name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        function(**{name: value})
    assert name in str(error.value)
    assert "got" in str(error.value)


def test_wrong_designs_and_surprises() -> None:
    with pytest.raises(TypeError, match="design must be a Design"):
        why.simulate_surprise("shop")
    with pytest.raises(ValueError, match="surprise must be one of"):
        why.simulate_surprise(SHOP, surprise="a meteorite")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: why.theory_users(0, 1.0, 1.0), "users"),
        (lambda: why.theory_users(1, 0.0, 1.0), "think_s"),
        (lambda: why.theory_loss(0.5, 3, lost=3), "lost"),
        (lambda: why.theory_rolling(3, 4, 0.5, 1.0, 1.0), "batch"),
        (lambda: why.theory_canary(100, 0.02, 0.01), "bad_error"),
        (lambda: why.canary_requests(0.01, 0.02, 0.05, 0.01), "power"),
        (lambda: why.theory_traffic(1.0, "poisson", 1.0), "utilisation"),
        (lambda: why.theory_traffic(0.5, "rare", 1.0), "arrivals"),
        (lambda: why.theory_books(0.0, 1.0, 0.0, 0.0, 0), "timeout_s"),
        (lambda: why.theory_durability("hope", 1.0, 1.0, 1.0, 1.0, 1.0), "policy"),
        (lambda: why.interrupted_but_done(0.0, 0.0), "effect_s"),
        (lambda: why.theory_calibration([0.5], [0.5, 0.6], [1.0]), "stated"),
        (lambda: why.theory_calibration([0.5], [0.5], [0.0]), "weights"),
        (lambda: why.brier_parts([0.5], [1, 0]), "right"),
        (lambda: why.constant_wait(0.0), "utilisation"),
    ],
)
def test_wrong_parameters_of_theories_are_named(call, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
