"""Wrong parameters are refused with their name, their value and what is allowed."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from helpers import scaling

REFUSED = [
    (scaling.simulate_growth, {"users": 0}, "users"),
    (scaling.simulate_growth, {"step_ns": -1.0}, "step_ns"),
    (scaling.simulate_growth, {"budget_ms": float("nan")}, "budget_ms"),
    (scaling.simulate_query_time, {"rows": 10.5}, "rows"),
    (scaling.simulate_query_time, {"row_us": 0.0}, "row_us"),
    (scaling.simulate_query_time, {"memory_rows": -5}, "memory_rows"),
    (scaling.simulate_knee, {"utilisation": 1.0}, "utilisation"),
    (scaling.simulate_knee, {"utilisation": "high"}, "utilisation"),
    (scaling.simulate_knee, {"servers": 0}, "servers"),
    (scaling.simulate_knee, {"replications": 1}, "replications"),
    (scaling.simulate_knee, {"seed": -1}, "seed"),
    (scaling.simulate_run_length, {"requests": 10}, "requests"),
    (scaling.simulate_staffing, {"rule": "guess"}, "rule"),
    (scaling.simulate_staffing, {"rate_rps": 1e9}, "rate_rps"),
    (scaling.simulate_staffing, {"target": 0.0}, "target"),
    (scaling.simulate_staffing, {"rate_rps": 50_000.0, "service_ms": 100.0}, "rate_rps"),
    (scaling.simulate_wait_share, {"offered_load": 3.0, "servers": 3}, "offered_load"),
    (scaling.simulate_break_even, {"capacity_rps": 10.0}, "capacity_rps"),
    (scaling.simulate_break_even, {"failure_percent": 100.0}, "failure_percent"),
    (scaling.simulate_break_even, {"premium": 0.0}, "premium"),
    (scaling.simulate_bottleneck, {"users": 81}, "users"),
    (scaling.simulate_bottleneck, {"action": "pray"}, "action"),
    (scaling.simulate_bottleneck, {"database_ms": 0.0}, "database_ms"),
    (scaling.simulate_speedup, {"tasks": 0}, "tasks"),
    (scaling.simulate_speedup, {"serial_percent": 101.0}, "serial_percent"),
    (scaling.simulate_scalability, {"pattern": "never"}, "pattern"),
    (scaling.simulate_scalability, {"sigma": -0.1}, "sigma"),
    (scaling.simulate_scaling_cost, {"survive_loss": 1}, "survive_loss"),
    (scaling.simulate_scaling_cost, {"demand_rps": 1.0}, "demand_rps"),
    (scaling.simulate_pooling, {"utilisation": 0.85}, "utilisation"),
    (scaling.simulate_pooling, {"servers": 9}, "servers"),
    (scaling.simulate_two_columns, {"balancer": "yes"}, "balancer"),
    (scaling.simulate_availability, {"spare": -1}, "spare"),
    (scaling.simulate_availability, {"replica": 1}, "replica"),
    (scaling.theory_growth, {"kind": "cubic", "size": 3}, "kind"),
    (scaling.power_exponent, {"size_1": 3, "cost_1": 1, "size_2": 3, "cost_2": 2}, "size_2"),
    (scaling.theory_pooling, {"utilisation": 0.5, "service_s": 0, "servers": 2}, "service_s"),
    (scaling.theory_run_length, {"utilisation": 0.0}, "utilisation"),
    (scaling.usl_speedup, {"workers": [0.5], "sigma": 0.1, "kappa": 0.0}, "workers"),
    (scaling.theory_availability, {"available": 1.1, "servers": 1}, "available"),
    (scaling.k_of_n, {"available": 0.9, "needed": 4, "total": 3}, "needed"),
    (scaling.enumerate_availability, {"available": {"a": 0.9}, "alternatives": [(1, ["b"])]}, "b"),
    (scaling.fit_power_law, {"sizes": [1.0, 2.0], "costs": [1.0, 2.0]}, "sizes"),
    (scaling.fit_power_law, {"sizes": [1.0, 2.0, 3.0], "costs": [1.0, 2.0]}, "costs"),
    (scaling.fit_scalability, {"workers": [1, 2], "throughput_rps": [1.0, 2.0]}, "workers"),
    (scaling.fit_scalability, {"workers": [1, 2, 3], "throughput_rps": [1.0]}, "throughput_rps"),
    (scaling.measure_query_time, {"most_rows": 10**8}, "most_rows"),
    (scaling.measure_knee, {"run_s": 1_000.0}, "run_s"),
    (scaling.measure_staffing, {"utilisation": 0.99}, "utilisation"),
    (scaling.measure_bottleneck, {"web_ms": 0.1}, "web_ms"),
    (scaling.measure_scalability, {"lock": "none"}, "lock"),
    (scaling.measure_speedup, {"most_processes": 0}, "most_processes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "name"), REFUSED, ids=lambda v: getattr(v, "__name__", None)
)
def test_refused_by_name(function, arguments, name) -> None:
    with pytest.raises((TypeError, ValueError), match=name) as caught:
        _call(function, arguments)
    assert "must" in str(caught.value)


def _call(function, arguments) -> None:
    outcome = function(**arguments)
    if inspect.isgenerator(outcome):
        next(outcome)


def test_results_cannot_be_changed_through_shared_draws() -> None:
    result = scaling.simulate_knee()
    before = result.reading
    with pytest.raises((ValueError, AttributeError)):
        result.utilisation = 0.1
    copies = [scaling.simulate_knee(), scaling.simulate_pooling(), scaling.simulate_growth()]
    for other in copies:
        for value in vars(other).values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                value[...] = 0
    assert scaling.simulate_knee().reading == before
