"""Child processes say what they are asked, say so when they die, and are never left behind."""

from __future__ import annotations

import os
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from helpers.foundations.servers.processes import Child, kill_each, side_by_side, usable_cores

ECHO = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"
DOTS = "import os, time\nwhile True: os.write(1, b'.'); time.sleep(0.001)"
LINUX = sys.platform == "linux"


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    me = psutil.Process()
    children, files = len(me.children()), len(os.listdir("/proc/self/fd")) if LINUX else 0
    yield
    assert len(me.children()) == children
    assert not LINUX or len(os.listdir("/proc/self/fd")) == files


def test_a_child_answers_line_by_line() -> None:
    with Child("-c", ECHO) as child:
        assert [child.ask(line) for line in ("one", "größe", "")] == ["ONE", "GRÖSSE", ""]
        child.say("a")
        child.say("b")
        assert (child.hear(), child.hear()) == ("A", "B")
        assert child.returncode is None
    assert child.returncode is not None


def test_a_child_that_dies_is_reported() -> None:
    with Child("-c", "input()") as child:
        child.say("end")
        while child.returncode is None:
            time.sleep(0.002)
        child.say("nobody is there")
        with pytest.raises(RuntimeError, match="ended before its time"):
            child.hear()
        with pytest.raises(RuntimeError, match="ended before its time"):
            child.ask("still nobody")
        assert child.read() == b""


def test_a_child_is_killed_when_the_block_fails() -> None:
    child = Child("-c", "import time; time.sleep(60)")
    with pytest.raises(ZeroDivisionError), child:
        raise ZeroDivisionError
    assert child.returncode is not None


def test_what_a_killed_child_wrote_is_not_lost() -> None:
    count = "import os, time\nos.write(1, b'.' * 500)\ntime.sleep(60)"
    with Child("-c", count) as child:
        heard = len(child.read(1))
        assert heard == 1
        heard += len(child.kill())
        assert heard == 500
        assert child.kill() == b"", "once is enough"


def test_reading_waits_for_something_and_for_no_more() -> None:
    with Child("-c", DOTS) as child:
        for _ in range(3):
            assert set(child.read()) == set(b".")


def test_there_are_cores() -> None:
    assert 1 <= usable_cores() <= os.cpu_count()


def test_each_is_killed_when_its_life_is_over() -> None:
    acknowledged = kill_each([("-c", DOTS)] * 2, np.array([0.3, 0.0]))
    assert len(acknowledged) == 2
    assert min(acknowledged) >= 1


def test_what_ends_before_it_is_killed_is_reported() -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        kill_each([("-c", "pass")], np.array([0.0]))
    with pytest.raises(RuntimeError, match="ended by itself, with code 3"):
        kill_each([("-c", "print('.', end='', flush=True); raise SystemExit(3)")], np.array([1.0]))


def test_some_are_alive_at_a_time_and_not_for_ever() -> None:
    assert len(kill_each([("-c", DOTS)] * 3, np.zeros(3), at_once=2)) == 3
    with pytest.raises(TimeoutError, match="killing 2 processes took longer than 0 s"):
        kill_each([("-c", DOTS)] * 2, np.zeros(2), at_once=1, timeout_s=0.0)


def test_measurements_side_by_side_wait_for_one_another() -> None:
    meet = threading.Barrier(3, timeout=30)

    def measure(number: int) -> int:
        meet.wait()  # breaks if they come one after the other
        return number

    assert side_by_side(measure, [{"number": number} for number in (3, 1, 2)]) == [3, 1, 2]


def test_what_fails_side_by_side_is_told() -> None:
    def measure(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        side_by_side(measure, [{"number": 1}, {"number": 0}])
