"""Whether the machine had time for a measurement: how late a thread wakes that only sleeps."""

from __future__ import annotations

import threading
import time

from helpers.foundations.prose import duration

#: Share of the times measured by which timers may be late, on average, before nothing is judged.
TOO_LATE = 0.05

_SLEEP_S = 0.001


class Lateness:
    """Sleeps and wakes, again and again, while its ``with`` block runs, and notes how late.

    Other programs keep this thread from waking as they keep a server or a client from its next
    step; so does the measurement itself, if it asks more of the machine than there is.

    Examples
    --------
    >>> with Lateness() as lateness:
    ...     time.sleep(0.02)
    >>> lateness.mean_s >= 0
    True
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)
        self._late_s: list[float] = []
        self._span_s = 0.0

    def __enter__(self) -> Lateness:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def mean_s(self) -> float:
        """How long a timer that runs out at any moment waits on average to be noticed, seconds.

        Longer ones weigh more: half of the square of each, over the whole time.
        """
        if not self._span_s:
            return 0.0
        return sum(late * late for late in self._late_s) / 2 / self._span_s

    def _sleep(self) -> None:
        began = last = time.perf_counter()
        while not self._over.is_set():
            time.sleep(_SLEEP_S)
            now = time.perf_counter()
            self._late_s.append(max(now - last - _SLEEP_S, 0.0))
            last = now
        self._span_s = last - began


def no_verdict(late_s: float, time_s: float) -> str:
    """Return what to say in place of a verdict; nothing if the machine had time.

    Parameters
    ----------
    late_s : float
        How late timers were on average, seconds; see :attr:`Lateness.mean_s`.
    time_s : float
        The time that the measurement is about, such as the mean service time, seconds.

    Returns
    -------
    str
        A sentence if `late_s` is more than `TOO_LATE` of `time_s`, and nothing otherwise.

    Examples
    --------
    >>> no_verdict(0.0001, 0.01)
    ''
    >>> no_verdict(0.002, 0.01)
    'No verdict: this machine was too busy, and timers of 10 ms ran out 2 ms late on average.'
    """
    if late_s <= TOO_LATE * time_s:
        return ""
    return (
        f"No verdict: this machine was too busy, and timers of {duration(time_s)} ran out "
        f"{duration(late_s, 2)} late on average."
    )
