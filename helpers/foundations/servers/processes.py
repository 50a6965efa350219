"""Python processes of one's own: started, talked to, killed, and never left behind."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class Child:
    """A Python process, killed when the ``with`` block ends at the latest.

    It does without the installed packages, and so starts within hundredths of a second. Lines are
    in UTF-8 on both sides, whatever the machine's locale.

    Parameters
    ----------
    *arguments : str
        What to run: a script and its arguments, or ``"-c"`` and a program.

    Examples
    --------
    >>> with Child("-c", "print(6 * int(input()))") as child:
    ...     child.ask("7")
    '42'
    """

    def __init__(self, *arguments: str) -> None:
        self._command = [sys.executable, "-I", "-S", "-X", "utf8", *arguments]

    def __enter__(self) -> Child:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert isinstance(self._process.stdout, io.BufferedReader)
        self._to, self._from = self._process.stdin, self._process.stdout
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    @property
    def returncode(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll()

    def say(self, line: str) -> None:
        """Write a line to its standard input; if it has died, :meth:`hear` will tell."""
        with suppress(OSError):
            self._to.write(f"{line}\n".encode())
            self._to.flush()

    def hear(self) -> str:
        """Wait for a line of its standard output, and return it without its end.

        Raises
        ------
        RuntimeError
            If the process ended instead.
        """
        line = self._from.readline()
        if not line:
            raise RuntimeError("a child process ended before its time")
        return line.decode().rstrip()

    def ask(self, line: str) -> str:
        """Say a line and hear the answer; see :meth:`hear`."""
        self.say(line)
        return self.hear()

    def read(self, most: int = 65_536) -> bytes:
        """Wait until it has written something, and return so much of that; nothing if it ended."""
        return self._from.read1(most)

    def kill(self) -> bytes:
        """Kill it without warning (SIGKILL, on Windows TerminateProcess), if it still runs.

        Returns
        -------
        bytes
            What it had written and nobody had read.
        """
        if self._from.closed:
            return b""
        self._process.kill()
        rest = self._from.read()
        self._process.wait()
        with suppress(OSError):  # it may have died with something left to read
            self._to.close()
        self._from.close()
        return rest


def kill_each(
    commands: Sequence[Sequence[str]],
    lives_s: npt.NDArray[np.floating],
    *,
    at_once: int = 8,
    timeout_s: float = math.inf,
) -> list[int]:
    """Start processes, some at a time, and kill each without warning when its life is over.

    Each writes a byte for whatever it acknowledges; its life begins with the first.

    Parameters
    ----------
    commands : sequence of sequence of str
        What each runs, as for :class:`Child`.
    lives_s : numpy.ndarray, shape (processes,)
        How long each lives, seconds.
    at_once : int
        How many are alive at a time.
    timeout_s : float
        When to give up, seconds; looked at whenever all that were alive are dead.

    Returns
    -------
    list of int
        Bytes that each had written.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process did not start, or ended of its own accord.
    """
    deadline, acknowledged = time.monotonic() + timeout_s, []
    for first in range(0, len(commands), at_once):
        some = slice(first, first + at_once)
        acknowledged += _kill_together(commands[some], lives_s[some])
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"killing {len(commands)} processes took longer than {timeout_s:g} s"
            )
    return acknowledged


def _kill_together(
    commands: Sequence[Sequence[str]], lives_s: npt.NDArray[np.floating]
) -> list[int]:
    with ExitStack() as stack:
        children = [stack.enter_context(Child(*command)) for command in commands]
        begun = []
        for child in children:
            if child.read(1) != b".":
                raise RuntimeError("a process did not start")
            begun.append(time.monotonic())
        acknowledged = [1] * len(children)
        moments = begun + lives_s
        for number in np.argsort(moments).tolist():
            time.sleep(max(0.0, moments[number] - time.monotonic()))
            if (code := children[number].returncode) is not None:
                raise RuntimeError(f"a process ended by itself, with code {code}")
            acknowledged[number] += len(children[number].kill())
        return acknowledged


def side_by_side(measure: Callable[..., T], trials: Sequence[Mapping[str, Any]]) -> list[T]:
    """Measure several times at once, each in a thread of its own.

    For measurements that share nothing, mostly wait, and judge what happened and not how long it
    took.

    Parameters
    ----------
    measure : callable
    trials : sequence of mapping
        What each is called with.

    Returns
    -------
    list
        What was measured, in the order of the trials.

    Examples
    --------
    >>> side_by_side(lambda kills: 2 * kills, [{"kills": 3}, {"kills": 1}])
    [6, 2]
    """
    with ThreadPoolExecutor(len(trials), "side by side") as threads:
        measured = [threads.submit(measure, **trial) for trial in trials]
    return [each.result() for each in measured]


def usable_cores() -> int:
    """Return on how many cores this process may run: on a shared machine not on all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
