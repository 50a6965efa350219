"""Pictures of load tests: the percentiles that each tester reports."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.measurement.load_test import MeasuredLoadTest
from helpers.estimation.simulation.load_test import LoadTestResult
from helpers.estimation.theory.load_test import TESTERS
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, note, time_axis

_LOOKS = {
    "open": (style.BLUE, "-", "o"),
    "closed": (style.VERMILION, (0, (6, 2)), "s"),
    "corrected": (style.PURPLE, (0, (1, 1.2)), "^"),
}
_LABELS = {"open": "open tester", "closed": "closed tester", "corrected": "closed, corrected"}


def plot_load_test(result: LoadTestResult | MeasuredLoadTest, ax: Axes) -> None:
    """Draw response time against "one request in so many is slower", for each tester."""
    measured = isinstance(result, MeasuredLoadTest)
    most = 300 if measured else 3_000
    ax.set_title(
        "Two real testers, one real stall" if measured else "One stall, three opinions of it"
    )
    ticks = [n for n in (2, 10, 100, 1_000) if n <= most]
    log_axis(ax, "x", 1.6, most, ticks=ticks, text=lambda n: f"1 in {n:,.0f}")
    time_axis(ax, "y", 5e-4, 10)
    ax.set_xlabel("requests that are slower")
    ax.set_ylabel("response time")
    ax.axvline(100, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.text(103, 6e-4, "p99", color=style.MUTED, fontsize=9)
    theory = result.theory
    delays = theory.service_s + theory.stall_s * np.linspace(0, 1, 120)[:-1]
    label_y = []
    for tester in TESTERS:
        color, line, marker = _LOOKS[tester]
        share = theory.slower(tester, delays)
        kept = share > 1 / most / 2
        times = np.concatenate([[theory.service_s], delays[kept]])
        ax.plot(np.concatenate([[1.0], 1 / share[kept]]), times, **style.THEORY)
        samples = result.simulated_s[tester] if measured else result.responses_s[tester]
        n = np.geomspace(1.6, min(most, len(samples)), 70)
        _curve(ax, n, samples, color=color, linestyle=line, linewidth=2.2)
        if measured:
            n = np.geomspace(2, 200, 9)
            _curve(ax, n, result.responses_s[tester], color=color, marker=marker, markersize=6,
                   linestyle="none", markeredgecolor="white", zorder=5)  # fmt: skip
        at = _quantiles(samples, np.array([60.0 if measured else 30.0]))[0]
        label_y.append((at, tester))
    _label(ax, label_y, measured)


def _label(ax: Axes, places: list[tuple[float, str]], measured: bool) -> None:
    """Name the curves in a corner, in the order in which they lie."""
    y = 0.95
    for _, tester in sorted(places, reverse=True):
        color, _, marker = _LOOKS[tester]
        mark = {"o": "●", "s": "■", "^": "▲"}[marker] + " " if measured else "— "
        if not measured:
            mark = {"open": "—— ", "closed": "– – ", "corrected": "···· "}[tester]
        note(ax, 0.02, y, mark + _LABELS[tester], color)
        y -= 0.075
    last = "– –  theory" + ("; lines: simulation; marks: measured" if measured else ", each")
    note(ax, 0.02, y, last, style.INK)


def _curve(ax: Axes, n: np.ndarray, samples: np.ndarray, **kwargs) -> None:
    ax.plot(n, _quantiles(samples, n), **kwargs)


def _quantiles(ascending: np.ndarray, n: np.ndarray) -> np.ndarray:
    ranks = np.ceil((1 - 1 / n) * len(ascending) * (1 - 1e-12)).astype(int) - 1
    return ascending[np.maximum(ranks, 0)]
