"""Faults planted in models, readings, tables and plots: each must make a test fail."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import pytest

from tests.checks import sampled

#: A database that is slow, and a balancer that does not wait.
_STORM = {"brief": "payments", "trace": "3 (unseen)", "servers": 3, "replicas": 1,
          "patience": "0.5 s", "retries": 3}  # fmt: skip

#: Experiment, a line as it is and as it must not be, and a test that says so, with its arguments.
FAULTS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("invented_latency", "1e3 * theory(at, load).mean_s for load in loads",
     "850 * theory(at, load).mean_s for load in loads", "test_the_page", {"setting": {}}),
    ("invented_latency", "done = max(came, free[0]) + takes_s", "done = came + takes_s",
     "test_the_repair_is_the_engine_of_the_foundations", {}),
    ("invented_latency", '"repaired busy": self.honest[:, 1]',
     '"repaired busy": self.claimed[:, 1]', "test_the_page", {"setting": {}}),
    ("sorted_ring", "argmax(axis=1), draws", "argmin(axis=1), draws",
     "test_both_move_what_theory_says", {"servers": 8, "joining": 1}),
    ("sorted_ring", "math.lcm(n, m)", "(n * m)", "test_the_residues_are_counted", {}),
    ("sorted_ring", "{percent(exact.least)}.", "{percent(exact.modulo)}.",
     "test_the_page", {"setting": {}}),
    ("by_address", "client[: at.from_office] = 0", "client[: at.from_office // 2] = 0",
     "test_the_offices_server_has_what_theory_says", {"office": 0.2}),
    ("by_address", "facecolor=HONEST", "facecolor=CLAIMED", "test_the_page", {"setting": {}}),
    ("leaky_queue", "refused += 1", "refused += 2",
     "test_the_repair_refuses_what_theory_says", {"rate_rps": 100.0, "room": 4}),
    ("leaky_queue", "both(wait, RATES, run.claimed[:, 2]", "both(wait, RATES, run.claimed[:, 1]",
     "test_the_page", {"setting": {}}),
    ("leaky_queue", "if len(line) > at.room:", "if len(line) > at.room + 1:",
     "test_the_replay_is_the_suspects_first_jobs", {"room": 5, "rate_rps": 75.0}),
    ("daily_p99", "if beyond > 0.01 else", "if beyond > 0.02 else",
     "test_the_repair_is_the_percentile_of_a_mixture", {"busy": 4}),
    ("daily_p99", '"repaired (ms)": self.honest', '"repaired (ms)": self.claimed',
     "test_the_page", {"setting": {}}),
    ("tester_pool", "took.append(answer - due)", "took.append(0.8 * (answer - due))",
     "test_the_repair_counts_from_when_they_are_due", {"stall_s": 2.0, "threads": 10}),
    ("tester_pool", "waiting.plot(STALLS_S, run.claimed[:, 3]",
     "waiting.plot(STALLS_S, run.claimed[:, 2]", "test_the_page", {"setting": {}}),
    ("never_invalidated", "            cache = None\n            events", "            events",
     "test_the_repair_hits_as_theory_says", {"updates": 1.0}),
    ("never_invalidated", "{percent(theory(updates))} in", "{percent(self.honest_here)} in",
     "test_the_page", {"setting": {"updates": 20.0}}),
    ("latent_faults", "hour[fault] < NIGHT", "hour[fault] < 1", "test_theory", {"setting": {}}),
    ("latent_faults", '"from": self.outages.low',
     '"from": self.outages.estimate', "test_the_page", {"setting": {}}),
    ("latent_faults", "error_bars(ax, EVERY_DAYS, seen,", "error_bars(ax, EVERY_DAYS, run.outages,",
     "test_the_page", {"setting": {}}),
    ("nearest_driver", "where=away <= ring", "where=away < ring",
     "test_the_model_is_the_simulation", {"setting": {}}),
    ("nearest_driver", "(step - ring * a) / a, 0, 1)", "(step - ring * a) / a / 1.2, 0, 1)",
     "test_theory", {"setting": {}}),
    ("nearest_driver", "(1, run.with_neighbours, style.GREEN)", "(1, run.own_cell, style.GREEN)",
     "test_the_page", {"setting": {}}),
    ("timelines", "lists = 1 + VENDOR", "lists = VENDOR",
     "test_theory_says_what_is_copied", {"limit": 1e4}),
    ("timelines", "one.slowest_s for one in exact], **style",
     "0.5 * one.slowest_s for one in exact], **style", "test_the_page", {"setting": {}}),
    ("thread_per_peer", "(minute - 443) * at.restart_ph / 60",
     "(minute - 443) * at.restart_ph / 50", "test_the_vendors_hours", {}),
    ("thread_per_peer", 'VENDOR["normal_min"] / 60,\n            ],',
     'VENDOR["normal_min"] / 50,\n            ],', "test_the_page", {"setting": {}}),
    ("more_cores", "at.slowed_us * len(line)", "at.slowed_us * len(coming)",
     "test_theory_far_from_the_knee", {"cores": 128, "look_us": 0.2}),
    ("more_cores", "1e-3 * theory(at, n).per_s for n in cores], **style",
     "850e-6 * theory(at, n).per_s for n in cores], **style", "test_the_page", {"setting": {}}),
    ("let_them_in", "at.warm * (1 - at.step) + at.cold * at.step", "at.warm + at.cold * at.step",
     "test_the_last_step_is_the_highest", {"step": 0.1, "warm": 0.5}),
    ("let_them_in", "self.load > 1", "self.load > 0.7", "test_the_vendors_steps", {}),
    ("wrong_signal", "answered * at.compute_ms / 1e3 / (16", "at.compute_ms / 1e3 / (16",
     "test_the_processor_says_that_there_are_too_many_however_few_there_are", {}),
    ("wrong_signal", "[exact.needed] * 2", "[exact.missing] * 2",
     "test_the_page", {"signal": "processor", "setting": {}}),
    ("growth", "return Carries(rps, rps * 86_400", "return Carries(rps, 0.85 * rps * 86_400",
     "test_what_a_part_can_do", {}),
    ("growth", '"load": at.rate_rps / theory', '"load": 0.85 * at.rate_rps / theory',
     "test_the_page", {"version": "v0 one machine", "setting": {}}),
    ("growth", "100 * self.up < at.promised", "self.up < at.promised",
     "test_each_step_is_forced_by_a_number_and_the_next_version_is_enough", {}),
    ("growth", "far = self.at.overseas and", "far = self.at.overseas or",
     "test_light_is_slow", {}),
    ("desk", "np.histogram(sent[ran.in_time], edges)", "np.histogram(sent, edges)",
     "test_the_page", {"setting": _STORM}),
    ("desk", "{significant(100 * share)} % are in time", "{significant(100 * ran.answered)} % are",
     "test_the_page", {"setting": _STORM}),
    ("desk", "left.axhline(theory(run.at)", "left.axhline(0.85 * theory(run.at)",
     "test_the_page", {"setting": {}}),
    ("desk", "retries=at.retries", "retries=0", "test_it_wires_what_the_controls_say", {}),
    ("changes", "(one.extra_usd, one.left, one.words)", "(one.left, one.extra_usd, one.words)",
     "test_what_is_said_of_a_change_is_what_a_run_says", {}),
    ("changes", "lefts = [one.left for", "lefts = [0.85 * one.left for",
     "test_the_page", {"setting": {"brief": "video"}}),
    ("changes", '"go wrong": [one.left', '"go wrong": [one.extra_usd',
     "test_the_page", {"setting": {"brief": "video"}}),
    ("place", "outage_min = (1 - up(", "outage_min = 0.5 * (1 - up(",
     "test_marks_are_the_bill_the_load_and_the_outage", {}),
    ("place", "usd[on], up_[on]", "usd[on], 0.85 * up_[on]", "test_the_page", {"setting": {}}),
    ("place", '"misses": list(self.misses)', '"misses": self.misses[::-1]',
     "test_the_page", {"setting": {}}),
]  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    sampled([(one,) for one in FAULTS], 4),
    ids=[f"{f[0]}: {f[2].strip()[:40]}" for f in FAULTS],
)
def test_a_planted_fault_is_caught(fault, monkeypatch):
    experiment, old, new, name, arguments = fault
    page = importlib.import_module(f"helpers.studio.{experiment}")
    tests = importlib.import_module(f"tests.studio.test_{experiment}")
    test = getattr(tests, name)
    test(**arguments)
    name = "page" if hasattr(tests, "page") else experiment
    monkeypatch.setattr(tests, name, _planted(page, old, new))
    with pytest.raises(AssertionError):
        test(**arguments)


def _planted(page: ModuleType, old: str, new: str) -> ModuleType:
    """The experiment with a fault in it, as another module."""
    source = inspect.getsource(page)
    assert old in source, f"{page.__name__} has no {old!r}"
    faulty = ModuleType(page.__name__)
    exec(compile(source.replace(old, new), page.__name__, "exec"), vars(faulty))
    return faulty
