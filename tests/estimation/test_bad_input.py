"""Wrong parameters are refused by name, and right ones give the same result every time."""

from __future__ import annotations

import pytest

from helpers import estimation


def run(function, **given):
    result = function(**given)
    return list(result)[-1] if hasattr(result, "__next__") else result


@pytest.mark.parametrize(
    ("function", "given"),
    [
        ("simulate_interview", {"reads": 1}),
        ("simulate_interview", {"seed": -1}),
        ("simulate_same_mean", {"mean_ms": 0.0}),
        ("simulate_same_mean", {"spread": 5.0}),
        ("simulate_same_mean", {"target_ms": float("nan")}),
        ("simulate_load_test", {"stall_s": -1.0}),
        ("simulate_load_test", {"utilisation": 0.95}),
        ("simulate_load_test", {"connections": 0}),
        ("simulate_load_test", {"connections": 1.5}),
        ("simulate_load_test", {"replications": 1}),
        ("simulate_slo", {"slo_percent": 100.0}),
        ("simulate_slo", {"machine_percent": 100.0}),
        ("simulate_slo", {"repair_h": 0.0}),
        ("simulate_slo", {"rate_rps": "many"}),
        ("simulate_slo", {"common_cause_percent": 60.0}),
        ("simulate_estimate", {"users": 0}),
        ("simulate_estimate", {"peak_factor": 0.5}),
        ("simulate_estimate", {"factor": 0.5}),
        ("simulate_error_bars", {"factors": 13}),
        ("simulate_error_bars", {"factor": 1.0}),
        ("simulate_error_bars", {"shape": "square"}),
        ("simulate_boxes", {"mistake": "too many cooks"}),
        ("simulate_boxes", {"servers": 0}),
        ("simulate_boxes", {"replicas": 9}),
        ("simulate_failure_modes", {"mode": "explodes"}),
        ("simulate_failure_modes", {"health_check_s": 0.0}),
        ("simulate_bottleneck", {"fixes": 6}),
        ("simulate_bottleneck", {"users": 601}),
        ("simulate_bottleneck", {"failure": "everything"}),
        ("simulate_overload", {"load": 0.0}),
        ("simulate_overload", {"room": "a lot"}),
        ("simulate_route", {"goal": 0}),
        ("error_budget_min", {"slo_percent": 100}),
        ("theory_storage", {"rows": 0, "url_bytes": 10}),
        ("measure_storage", {"rows": 10}),
        ("measure_storage", {"url_bytes": 0}),
        ("measure_load_test", {"service_ms": 6.0}),
        ("measure_load_test", {"stall_s": 2.0}),
        ("measure_load_test", {"servers": 1}),
        ("measure_load_test", {"run_s": 0.1}),
    ],
)
def test_bad_parameters_are_named(function: str, given: dict) -> None:
    (name,) = [key for key in given if key not in ("rows", "url_bytes")] or list(given)[:1]
    with pytest.raises((TypeError, ValueError), match=name):
        run(getattr(estimation, function), **given)


def test_an_overloaded_server_has_no_theory() -> None:
    given = {"service_s": 0.02, "stall_s": 0.1, "run_s": 10, "connections": 1}
    with pytest.raises(ValueError, match="rate_rps"):
        estimation.theory_load_test(rate_rps=100, **given)
    with pytest.raises(ValueError, match="stall_s"):
        estimation.theory_load_test(rate_rps=10, **(given | {"stall_s": 9}))
    with pytest.raises(ValueError, match="load"):
        estimation.theory_overload(load=1, room=None, run_s=10)
    with pytest.raises(ValueError, match="asked"):
        estimation.theory_interview(["age"])


@pytest.mark.parametrize(
    "function",
    [
        "simulate_interview",
        "simulate_same_mean",
        "simulate_load_test",
        "simulate_slo",
        "simulate_estimate",
        "simulate_error_bars",
        "simulate_boxes",
        "simulate_failure_modes",
        "simulate_bottleneck",
        "simulate_overload",
        "simulate_route",
    ],
)
def test_the_same_parameters_give_the_same_result(function: str) -> None:
    first, again = (run(getattr(estimation, function)) for _ in range(2))
    assert first.summary == again.summary
    assert first.reading == again.reading
    assert len(first.table()) >= 1


def test_who_changes_their_numbers_changes_no_one_elses() -> None:
    spoilt = estimation.lab_parameters("ada")
    spoilt.prices["server"] = 0.0
    assert estimation.lab_parameters("ada").prices["server"] > 0
