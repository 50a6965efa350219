"""How to approach design: ask, estimate, draw, break, and find what breaks first.

One experiment is one name through the rooms: ``simulate_load_test``, ``theory_load_test``,
``measure_load_test``, ``plot_load_test``.
"""

from helpers.estimation.lab import LabParameters, design_faults, lab_parameters
from helpers.estimation.measurement.load_test import MeasuredLoadTest, measure_load_test
from helpers.estimation.measurement.storage import MeasuredStorage, measure_storage
from helpers.estimation.plots.design import (
    plot_bottleneck,
    plot_boxes,
    plot_failure_modes,
    plot_overload,
    plot_route,
)
from helpers.estimation.plots.envelope import plot_error_bars, plot_estimate, plot_storage
from helpers.estimation.plots.load_test import plot_load_test
from helpers.estimation.plots.requirements import plot_interview, plot_same_mean, plot_slo
from helpers.estimation.simulation.bottleneck import BottleneckResult, simulate_bottleneck
from helpers.estimation.simulation.boxes import (
    MISTAKES,
    BoxesResult,
    judge,
    photo_site,
    simulate_boxes,
)
from helpers.estimation.simulation.estimate import (
    SHAPES,
    ErrorBarsResult,
    EstimateResult,
    simulate_error_bars,
    simulate_estimate,
)
from helpers.estimation.simulation.failure_modes import (
    MODES,
    FailureMode,
    FailureModesResult,
    lost_while_broken,
    simulate_failure_modes,
)
from helpers.estimation.simulation.interview import InterviewResult, simulate_interview
from helpers.estimation.simulation.load_test import (
    LoadTestResult,
    Stall,
    closed_responses,
    correct,
    open_responses,
    simulate_load_test,
)
from helpers.estimation.simulation.overload import ROOMS, OverloadResult, simulate_overload
from helpers.estimation.simulation.route import CHAPTERS, RouteResult, simulate_route
from helpers.estimation.simulation.same_mean import SameMeanResult, simulate_same_mean
from helpers.estimation.simulation.slo import SloResult, simulate_slo
from helpers.estimation.theory.bottleneck import (
    FAILURES,
    FIXES,
    BottleneckTheory,
    ladder,
    theory_bottleneck,
)
from helpers.estimation.theory.estimate import (
    INPUTS,
    OUTPUTS,
    error_factor,
    log_sigma,
    theory_estimate,
)
from helpers.estimation.theory.failure_modes import theory_failure_modes
from helpers.estimation.theory.interview import QUESTIONS, best_questions, theory_interview
from helpers.estimation.theory.load_test import TESTERS, LoadTestTheory, theory_load_test
from helpers.estimation.theory.overload import theory_overload
from helpers.estimation.theory.same_mean import SameMeanTheory, slower_share, theory_same_mean
from helpers.estimation.theory.slo import (
    Architecture,
    all_architectures,
    at_least_up,
    bad_month_share,
    error_budget_min,
    outages_per_month,
    servers_needed,
    theory_slo,
)
from helpers.estimation.theory.storage import theory_storage
from helpers.estimation.units import UNITS, Quantity, UnitError

__all__ = [
    "CHAPTERS",
    "FAILURES",
    "FIXES",
    "INPUTS",
    "MISTAKES",
    "MODES",
    "OUTPUTS",
    "QUESTIONS",
    "ROOMS",
    "SHAPES",
    "TESTERS",
    "UNITS",
    "Architecture",
    "BottleneckResult",
    "BottleneckTheory",
    "BoxesResult",
    "ErrorBarsResult",
    "EstimateResult",
    "FailureMode",
    "FailureModesResult",
    "InterviewResult",
    "LabParameters",
    "LoadTestResult",
    "LoadTestTheory",
    "MeasuredLoadTest",
    "MeasuredStorage",
    "OverloadResult",
    "Quantity",
    "RouteResult",
    "SameMeanResult",
    "SameMeanTheory",
    "SloResult",
    "Stall",
    "UnitError",
    "all_architectures",
    "at_least_up",
    "bad_month_share",
    "best_questions",
    "closed_responses",
    "correct",
    "design_faults",
    "error_budget_min",
    "error_factor",
    "judge",
    "lab_parameters",
    "ladder",
    "log_sigma",
    "lost_while_broken",
    "measure_load_test",
    "measure_storage",
    "open_responses",
    "outages_per_month",
    "photo_site",
    "plot_bottleneck",
    "plot_boxes",
    "plot_error_bars",
    "plot_estimate",
    "plot_failure_modes",
    "plot_interview",
    "plot_load_test",
    "plot_overload",
    "plot_route",
    "plot_same_mean",
    "plot_slo",
    "plot_storage",
    "servers_needed",
    "simulate_bottleneck",
    "simulate_boxes",
    "simulate_error_bars",
    "simulate_estimate",
    "simulate_failure_modes",
    "simulate_interview",
    "simulate_load_test",
    "simulate_overload",
    "simulate_route",
    "simulate_same_mean",
    "simulate_slo",
    "slower_share",
    "theory_bottleneck",
    "theory_estimate",
    "theory_failure_modes",
    "theory_interview",
    "theory_load_test",
    "theory_overload",
    "theory_same_mean",
    "theory_slo",
    "theory_storage",
]
