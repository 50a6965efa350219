"""A time-out and a fallback for real: a slow server on this machine, and pages that do not wait.

Each page asks for recommendations over a socket. Some answers take far too long; a page that has
waited for as long as its time-out allows shows the list of popular items instead. Where that stops
being true: the server sleeps as long for a page that has left as for one that waits, and has room
for all of them; a real one is busy with every one of them (see `storm`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key, named_axis, shares_axis
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import duration, rounded
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import LineServer, connect, run_apart
from helpers.foundations.statistics import Interval, mean_interval, wilson_interval

#: Time-outs that are tried, ms; with the last of them a page waits for ever.
TIMEOUTS_MS = (25.0, 50.0, 100.0, 200.0, 400.0, math.inf)

#: The one that the sentence is about, ms.
CHOSEN_MS = 100.0


class Trial(Parameters):
    """A server that is slow now and then, and the pages that ask it; about two seconds."""

    answer_ms: float = number(20.0, "An answer takes, mean", unit="ms", at_least=5, at_most=50)
    slow: float = number(0.1, "Answers that are slow", at_least=0, at_most=1)
    slow_ms: float = number(1_000.0, "A slow one takes", unit="ms", at_least=500, at_most=2_000)
    pages: int = integer(300, "Pages for each time-out", at_least=20, at_most=2_000)
    run_s: float = number(0.9, "They come within", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


# --- the measurement ------------------------------------------------------------------------------


@takes(Trial)
def measure(at: Trial) -> MeasuredFallback:
    """Ask a real server for every page, once with each time-out, all at the same time.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    draw = Draws(at.seed)
    quick_s = draw("answers").exponential(1e-3 * at.answer_ms, at.pages)
    answers_s = np.where(draw("slow").random(at.pages) < at.slow, 1e-3 * at.slow_ms, quick_s)
    due_s = np.sort(draw("pages").uniform(0, at.run_s, at.pages))
    waited_s, fell_back, late_s = _ask(answers_s.tolist(), due_s.tolist())
    return MeasuredFallback(
        at,
        wait=tuple(mean_interval(each) for each in waited_s),
        fallback=tuple(wilson_interval(int(each.sum()), at.pages) for each in fell_back),
        slowest_s=tuple(float(each.max()) for each in waited_s),
        late_s=late_s,
    )


def _ask(answers_s: list[float], due_s: list[float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return how long each page waited with each time-out, seconds, and whether it fell back."""
    waited_s = np.full((len(TIMEOUTS_MS), len(due_s)), math.nan)
    fell_back = np.zeros(waited_s.shape, bool)

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def answer(transport: asyncio.Transport, name: bytes) -> None:
            loop.call_later(answers_s[int(name)], _write, transport, name)

        server = LineServer(answer)
        await server.start()
        clients = [
            await _client(server.port, timeout_ms, due_s, row, fallen)
            for timeout_ms, row, fallen in zip(TIMEOUTS_MS, waited_s, fell_back, strict=True)
        ]
        while np.isnan(waited_s).any():
            await asyncio.sleep(0.02)
        for client in clients:
            client.abort()
        server.stop()

    with Lateness() as lateness:
        run_apart(main, 4 * (due_s[-1] + max(answers_s)) + 20)
    return waited_s, fell_back, lateness.mean_s


async def _client(
    port: int, timeout_ms: float, due_s: list[float], waited_s: np.ndarray, fell_back: np.ndarray
) -> asyncio.Transport:
    """Ask for each page when it is due, and note what becomes of it."""
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.05

    def ends(page: int, gives_up: bool) -> None:
        if math.isnan(waited_s[page]):
            waited_s[page], fell_back[page] = loop.time() - begin - due_s[page], gives_up

    def asks(page: int) -> None:
        connection.write(b"%d\n" % page)
        if math.isfinite(timeout_ms):
            loop.call_at(begin + due_s[page] + 1e-3 * timeout_ms, ends, page, True)

    connection = await connect(port, lambda _, name: ends(int(name), False))
    for page, due in enumerate(due_s):
        loop.call_at(begin + due, asks, page)
    return connection


def _write(transport: asyncio.Transport, name: bytes) -> None:
    if not transport.is_closing():
        transport.write(name + b"\n")


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """How long a page waits on average, seconds, and the share of pages that fall back."""

    wait_s: float
    fallback: float


def theory(at: Trial, timeout_ms: float) -> Theory:
    """With answers of time S, a page waits for E min(S, t) and falls back with P(S > t).

    S is exponential, or, with probability `slow`, a constant above every time-out but the last.
    """
    quick = -math.expm1(-timeout_ms / at.answer_ms)
    wait_ms = at.slow * min(timeout_ms, at.slow_ms) + (1 - at.slow) * at.answer_ms * quick
    held = 1.0 if timeout_ms < at.slow_ms else 0.0
    return Theory(1e-3 * wait_ms, at.slow * held + (1 - at.slow) * (1 - quick))


# --- what it says ---------------------------------------------------------------------------------


class MeasuredFallback(Measured):
    """What real pages waited for, with each of :data:`TIMEOUTS_MS`.

    Attributes
    ----------
    wait : tuple of Interval
        How long a page waited on average, seconds.
    fallback : tuple of Interval
        Share of the pages that showed the fallback.
    slowest_s : tuple of float
        How long the slowest page waited, seconds.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    wait: tuple[Interval, ...]
    fallback: tuple[Interval, ...]
    slowest_s: tuple[float, ...]
    late_s: float

    @property
    def bounded(self) -> bool:
        """Whether no page with the chosen time-out waited a quarter longer than that."""
        return self.slowest_s[TIMEOUTS_MS.index(CHOSEN_MS)] <= 1.25e-3 * CHOSEN_MS

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for name, wait, fallback, slowest_s in zip(
            NAMES, self.wait, self.fallback, self.slowest_s, strict=True
        ):
            values[f"wait_ms, {name}"] = rounded(1e3 * wait.estimate)
            values[f"slowest_ms, {name}"] = rounded(1e3 * slowest_s)
            values[f"fallback_percent, {name}"] = rounded(100 * fallback.estimate)
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.at.answer_ms):
            return busy
        chosen = TIMEOUTS_MS.index(CHOSEN_MS)
        said = []
        for i in (chosen, -1):
            exact = theory(self.at, TIMEOUTS_MS[i])
            said.append(
                f"a page waits for {duration(self.wait[i].estimate)} on average (95 % interval "
                f"{duration(self.wait[i].low)} to {duration(self.wait[i].high)}, theory "
                f"{duration(exact.wait_s)}), the slowest for {duration(self.slowest_s[i])}, and "
                f"{in_percent(self.fallback[i].estimate)} show the fallback (theory "
                f"{in_percent(exact.fallback)})"
            )
        judged = (
            "The time-out has bounded the wait, and the fallback is its price."
            if self.bounded
            else "This time some pages were held for much longer than their time-out."
        )
        return (
            f"Verdict: with a time-out of {duration(1e-3 * CHOSEN_MS)} {said[0]}; without one "
            f"{said[1]}. {judged}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, timeout_ms) for timeout_ms in TIMEOUTS_MS]
        return {
            "time-out": NAMES,
            "mean wait (ms)": [1e3 * each.estimate for each in self.wait],
            "theory (ms)": [1e3 * each.wait_s for each in exact],
            "slowest (ms)": [1e3 * each for each in self.slowest_s],
            "fallback": [each.estimate for each in self.fallback],
            "theory": [each.fallback for each in exact],
        }


#: The time-outs in words.
NAMES = tuple("none" if math.isinf(each) else duration(1e-3 * each) for each in TIMEOUTS_MS)


@style.panels(2)
def plot_measured(run: MeasuredFallback, axes: tuple[Axes, Axes]) -> None:
    """Draw what pages waited for and how many fell back, beside theory, for each time-out."""
    waits, backs = axes
    exact = [theory(run.at, timeout_ms) for timeout_ms in TIMEOUTS_MS]
    for x, each in enumerate(exact):
        for ax, height in ((waits, 1e3 * each.wait_s), (backs, each.fallback)):
            ax.plot([x - 0.3, x + 0.3], [height] * 2, **style.THEORY)
    places = range(len(NAMES))
    error_bars(waits, places, run.wait, 1e3, **style.MEASUREMENT)
    error_bars(backs, places, run.fallback, **style.MEASUREMENT)
    highest = max([1e3 * each.wait_s for each in exact] + [1e3 * each.high for each in run.wait])
    waits.set_ylim(0, headroom(1.25 * highest))
    waits.set_title("How long a page waits")
    waits.set_ylabel("mean (ms)")
    backs.set_ylim(-0.03, 1.1)
    shares_axis(backs)
    backs.set_title("Pages that show the fallback")
    for ax in axes:
        named_axis(ax, "x", NAMES)
        ax.set_xlim(-0.6, len(NAMES) - 0.4)
        ax.set_xlabel("time-out")
        key(ax, [("●", "measured", style.VERMILION), ("╌", "theory", style.INK)])
