"""Checks of the simulations against theory; each returns what is wrong, an empty list if nothing.

They are run on the simulations, where they must find nothing, and on mutants, where they must.
Each compares means over independent seeds with theory by a Student interval; the confidence is
such that a right simulation is blamed about once in 2,000 comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from helpers import why
from helpers.foundations.statistics import mean_interval

_CONFIDENCE = 0.9995


def compare(name: str, samples: Iterable[float], theory: float) -> list[str]:
    """Compare the mean of independent samples with a number."""
    values = np.array(list(samples), dtype=float)
    if np.ptp(values) <= 1e-9 * abs(theory):
        return [] if np.isclose(values[0], theory, rtol=1e-9) else [f"{name}: always {values[0]}"]
    interval = mean_interval(values, _CONFIDENCE)
    return [] if interval.contains(theory) else [f"{name}: {interval}, theory {theory:g}"]


def check_users(simulate: Callable = why.simulate_users) -> list[str]:
    found = []
    for users in (300, 5_000, 6_200, 200_000):
        runs = [simulate(users=users, replications=16, seed=s) for s in range(40)]
        theory = runs[0].theory
        found += compare(
            f"R, {users}", (r.summary["response_ms"] for r in runs), 1e3 * theory.response_s
        )
        found += compare(
            f"X, {users}", (r.summary["throughput_rps"] for r in runs), theory.throughput_rps
        )
        found += compare(f"L, {users}", (r.summary["in_system"] for r in runs), theory.in_system)
        found += compare(
            f"U, {users}", (r.summary["utilisation"] for r in runs), theory.utilisation
        )
        found += compare(f"U = X S, {users}", (r.utilisation_gap.estimate for r in runs), 0.0)
        found += compare(f"L = X R, {users}", (r.little_gap.estimate for r in runs), 0.0)
    return found


def check_concurrency(simulate: Callable = why.simulate_concurrency) -> list[str]:
    found = []
    for cpu_ms, io_ms, workers, cores in ((2.0, 18.0, 8, 4), (10.0, 5.0, 6, 3)):
        runs = [
            simulate(cpu_ms=cpu_ms, io_ms=io_ms, workers=workers, cores=cores, seed=s)
            for s in range(20)
        ]
        for name in ("threads", "processes"):
            samples = (r.summary[f"{name}_rps"] for r in runs)
            found += compare(name, samples, runs[0].summary[f"{name}_theory_rps"])
    return found


def check_traffic(simulate: Callable = why.simulate_traffic) -> list[str]:
    found = []
    runs = [simulate(utilisation=0.6, seed=s) for s in range(20)]
    for kind in why.TRAFFIC:
        found += compare(kind, (r.here[kind].estimate for r in runs), runs[0].theory[kind])
    for work in why.WORK:
        runs = [simulate(utilisation=0.6, work=work, seed=s) for s in range(10)]
        found += compare(
            work, (r.here["poisson"].estimate for r in runs), runs[0].theory["poisson"]
        )
    return found


def check_durability(simulate: Callable = why.simulate_durability) -> list[str]:
    found = []
    for write_wps in (50.0, 300.0):
        runs = [simulate(write_wps=write_wps, seed=s) for s in range(24)]
        for policy in ("sync each write", "group commit"):
            row = [r.rows[policy] for r in runs]
            found += compare(policy, (r.latency_s for r in row), row[0].theory.latency_s)
        row = [r.rows["no sync"] for r in runs]
        found += compare("lost", (r.lost_power for r in row), row[0].theory.lost_power)
        if any(r.lost_kill for r in row):
            found.append("a killed process lost what was in a file")
    return found


def check_books(simulate: Callable = why.simulate_books) -> list[str]:
    found = []
    for retries, idempotent in ((0, False), (2, False), (3, True)):
        runs = [
            simulate(
                timeout_s=0.12, error_percent=8.0, kill_percent=10.0, retries=retries,
                idempotent=idempotent, seed=s,
            )
            for s in range(24)
        ]  # fmt: skip
        for name in ("ok", "failed", "lost", "not_done", "done_once", "duplicated", "late"):
            share = (getattr(r, name) / r.sent for r in runs)
            found += compare(f"{name}, {retries}", share, getattr(runs[0].theory, name))
        for r in runs:
            if (
                r.sent != r.ok + r.failed + r.lost
                or r.sent != r.not_done + r.done_once + r.duplicated
            ):
                found.append("the books do not balance")
    return found


def check_loss(simulate: Callable = why.simulate_loss) -> list[str]:
    found = []
    for servers, utilisation in ((2, 0.3), (4, 0.5), (10, 0.6)):
        runs = [simulate(servers=servers, utilisation=utilisation, seed=s) for s in range(24)]
        found += compare("before", (r.before.estimate for r in runs), utilisation)
        found += compare("after", (r.after.estimate for r in runs), runs[0].offered_after)
        late = [float(np.nanmean(r.wait_s[:, 25:])) for r in runs]
        found += compare("wait after", late, float(runs[0].theory_s[-1]))
    return found


def check_canary(simulate: Callable = why.simulate_canary) -> list[str]:
    found = []
    runs = [simulate(requests=2_000, seed=s) for s in range(20)]
    for i, size in enumerate(runs[0].sizes):
        found += compare(f"power, {size}", (r.power[i] for r in runs), runs[0].theory_power[i])
    found += compare("alarm", (r.alarms[0] for r in runs), runs[0].here.false_alarm)
    return found


def check_calibration(simulate: Callable = why.simulate_calibration) -> list[str]:
    found = []
    for overconfidence in (0.0, 0.4, 1.0):
        runs = [simulate(questions=25, overconfidence=overconfidence, seed=s) for s in range(16)]
        found += compare("brier", (r.brier.mean() for r in runs), runs[0].theory)
        found += compare("honest", (r.honest.mean() for r in runs), runs[0].theory_honest)
    return found


CHECKS = {
    "users": check_users,
    "concurrency": check_concurrency,
    "traffic": check_traffic,
    "durability": check_durability,
    "books": check_books,
    "loss": check_loss,
    "canary": check_canary,
    "calibration": check_calibration,
}
