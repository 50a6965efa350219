"""Every plot draws every result it is for, on the axes it is given and no others."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from helpers import scaling

DRAWN = [
    (scaling.plot_availability, scaling.simulate_availability, {}),
    (scaling.plot_bottleneck, scaling.simulate_bottleneck, {}),
    (scaling.plot_break_even, scaling.simulate_break_even, {}),
    (scaling.plot_growth, scaling.simulate_growth, {}),
    (scaling.plot_knee, scaling.simulate_knee, {}),
    (scaling.plot_knee, scaling.measure_knee, {"run_s": 0.3, "replications": 2}),
    (scaling.plot_pooling, scaling.simulate_pooling, {}),
    (scaling.plot_pooling, scaling.simulate_pooling, {"variability": "a few huge ones"}),
    (scaling.plot_query_time, scaling.simulate_query_time, {}),
    (scaling.plot_query_time, scaling.measure_query_time, {"most_rows": 10_000}),
    (scaling.plot_run_length, scaling.simulate_run_length, {}),
    (scaling.plot_scalability, scaling.simulate_scalability, {}),
    (scaling.plot_scalability, scaling.measure_scalability, {"run_s": 0.02}),
    (scaling.plot_scaling_cost, scaling.simulate_scaling_cost, {}),
    (scaling.plot_speedup, scaling.simulate_speedup, {}),
    (scaling.plot_speedup, scaling.measure_speedup, {"work_s": 0.02, "most_processes": 2}),
    (scaling.plot_staffing, scaling.simulate_staffing, {}),
    (scaling.plot_staffing, scaling.measure_staffing, {"run_s": 0.3, "replications": 2}),
    (scaling.plot_bottleneck, scaling.measure_bottleneck, {"run_s": 0.4}),
    (scaling.plot_two_columns, scaling.simulate_two_columns, {"balancer": False}),
]


@pytest.mark.parametrize(
    ("plot", "make", "arguments"), DRAWN, ids=lambda v: getattr(v, "__name__", "")
)
def test_draws_on_what_it_is_given(plot, make, arguments) -> None:
    outcome = make(**arguments)
    result = next(outcome) if inspect.isgenerator(outcome) else outcome
    figure = Figure()
    grid = getattr(plot, "panels", {"ncols": 1, "nrows": 1})
    axes = figure.subplots(squeeze=False, **grid).ravel()
    plot(result, tuple(axes) if len(axes) > 1 else axes[0])
    assert len(figure.axes) == len(axes)
    for ax in axes:
        assert ax.get_title(loc="left") or ax.get_title()
        assert ax.lines or ax.collections or ax.patches
        if ax.axison:
            assert ax.get_xlabel()
            assert ax.get_ylabel() or ax.get_yticklabels()


def test_plots_do_not_simulate() -> None:
    for path in (Path(scaling.__file__).parent / "plots").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "simulate_" not in text
        assert "measure_" not in text
        assert "pyplot" not in text


def test_every_experiment_can_be_seen() -> None:
    experiments = {
        n.removeprefix("simulate_") for n in scaling.__all__ if n.startswith("simulate_")
    }
    plots = {n.removeprefix("plot_") for n in scaling.__all__ if n.startswith("plot_")}
    assert experiments - {"wait_share"} == plots
