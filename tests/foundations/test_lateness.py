"""The instrument that says whether a machine had time for a measurement."""

from __future__ import annotations

import threading
import time

import pytest

from helpers.foundations.servers import lateness
from helpers.foundations.servers.lateness import TOO_LATE, Lateness, no_verdict


class Clock:
    """A clock whose sleeps take what they ask for, and the hiccups planned for them on top."""

    def __init__(self, hiccups_s: list[float], over: threading.Event) -> None:
        self.now = 100.0
        self.hiccups_s, self.over = hiccups_s, over

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.hiccups_s.pop(0)
        if not self.hiccups_s:
            self.over.set()


@pytest.mark.parametrize(
    ("hiccups_s", "mean_s"),
    [
        ([0.0] * 50, 0.0),
        # One of 20 ms in 100 ms: a fifth of the timers run out in it, and wait for half of it.
        ([0.0] * 40 + [0.02] + [0.0] * 39, 0.2 * 0.01),
        ([0.0] * 20 + [0.01] + [0.0] * 39 + [0.01] + [0.0] * 19, 0.2 * 0.005),
    ],
    ids=["punctual", "one-long", "two-short"],
)
def test_a_timer_waits_for_half_of_the_hiccup_in_which_it_runs_out(
    hiccups_s: list[float], mean_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Lateness()
    monkeypatch.setattr(lateness, "time", Clock(hiccups_s, late._over))
    late._sleep()
    assert late.mean_s == pytest.approx(mean_s, abs=1e-9)


def test_a_machine_that_is_held_up_is_noticed() -> None:
    def hold_up() -> None:
        # Whoever keeps the interpreter's lock keeps every thread from waking.
        sum(range(5_000_000))

    began = time.perf_counter()
    with Lateness() as late:
        assert late.mean_s == 0.0, "nothing is known before the end"
        hold_up()
    whole_s = time.perf_counter() - began
    assert late.mean_s > 0
    assert late.mean_s <= whole_s / 2, "who waits for the end of a hiccup waits for half of it"
    assert not late._thread.is_alive()


def test_it_ends_with_the_measurement_also_when_that_fails() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), Lateness():
        _ = 1 / (threading.active_count() - before - 1)
    assert threading.active_count() == before


def test_nothing_is_judged_where_timers_are_late_beside_what_is_measured() -> None:
    assert no_verdict(0.0, 0.005) == ""
    assert no_verdict(0.99 * TOO_LATE * 0.005, 0.005) == ""
    said = no_verdict(1.01 * TOO_LATE * 0.005, 0.005)
    assert said.startswith("No verdict: this machine was too busy")
    assert "5 ms" in said
