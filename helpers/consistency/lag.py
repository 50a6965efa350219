"""Replication lag: what a client sees of its own writes, and what it costs to see them.

A leader takes the writes and sends them to followers, to each with a lag of its own. A client
writes, reads from a follower after a pause, and reads again after a gap. Where that stops being
true: lags are exponential and independent here; real ones come together, when the leader is busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import histories
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, dot, here, key, marks, named_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.histories import READ, WRITE, Operation
from helpers.foundations.prose import duration, percent, rounded, significant

#: Whom a session reads from.
ANY = "any follower"
SAME = "the same one"
WAIT = "wait for it"
ASK_LEADER = "or the leader"
KEEPS = (ANY, SAME, WAIT, ASK_LEADER)

#: Sessions in the simulation.
SESSIONS = 20_000

#: The same in one run of the model.
FEW = 200


class Setting(Parameters):
    """A leader, its followers, and what a session remembers."""

    followers: int = integer(3, "Followers", at_least=1, at_most=8)
    lag_ms: float = number(100.0, "Lag, on average", unit="ms", above=0)
    writes_per_s: float = number(2.0, "Writes, by everybody", unit="per s", above=0)
    pause_ms: float = number(50.0, "A read follows the client's write after", unit="ms", above=0)
    gap_ms: float = number(50.0, "A second read follows after", unit="ms", above=0)
    keeps: str = option(ANY, "A session reads from", of=KEEPS)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def sessions(at, draw):
    """Let 200 clients write once and read twice; count what the checker objects to."""
    rng, history = draw("sessions"), []
    writes = rng.exponential(1 / at.writes_per_s, FEW).cumsum()
    arrives = writes + rng.exponential(1e-3 * at.lag_ms, (at.followers, FEW))
    for me, now in enumerate(writes.tolist()):
        history.append(Operation(f"client {me}", WRITE, me, now, now))
        seen = me  # what the session must not fall behind
        follower = rng.integers(at.followers)
        for pause_ms in (at.pause_ms, at.gap_ms):
            now += 1e-3 * pause_ms
            if at.keeps != SAME:
                follower = rng.integers(at.followers)
            there = arrives[follower]
            if at.keeps == WAIT:
                now = max(now, float(there[seen:].min()))
            elif at.keeps == ASK_LEADER and there[seen:].min() > now:
                there = writes  # the leader has everything
            value = max(np.flatnonzero(there <= now).tolist(), default=None)
            history.append(Operation(f"client {me}", READ, value, now, now))
            seen = max(seen, -1 if value is None else value)
    return {
        "own": len(histories.broken(history, histories.READ_YOUR_WRITES)) / (2 * FEW),
        "back": len(histories.broken(history, histories.MONOTONIC_READS)) / FEW,
    }


# --- the same, fast -------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What one way of reading gives, and costs.

    Attributes
    ----------
    own : float
        Share of the reads that are older than the client's own write.
    back : float
        Share of the second reads that are older than the first.
    waited_ms : float
        What a read waits on average.
    led : float
        Share of the reads that the leader answers.
    """

    own: float
    back: float
    waited_ms: float
    led: float


@takes(Setting)
def simulate(at: Setting) -> Lag:
    """The same with 20,000 sessions at once, and each way of reading."""
    draw = Draws(at.seed)
    writes = (draw("writes").standard_exponential(SESSIONS) / at.writes_per_s).cumsum()
    lags = draw("lags").standard_exponential((at.followers, SESSIONS)) * 1e-3 * at.lag_ms
    # When a follower has a write, or a newer one.
    there = np.minimum.accumulate((writes + lags)[:, ::-1], axis=1)[:, ::-1]
    asked = draw("followers").integers(at.followers, size=(2, SESSIONS))
    needs = np.sort(there[asked[0], np.arange(SESSIONS)] - writes)
    older = SESSIONS - np.searchsorted(needs, 1e-3 * moments(at), side="right")
    each = {keeps: _kept(at, keeps, writes, there, asked) for keeps in KEEPS}
    return Lag(at, each=each, missed=older / SESSIONS)


def _kept(
    at: Setting, keeps: str, writes: np.ndarray, there: np.ndarray, asked: np.ndarray
) -> Kept:
    """Let every session read twice, in one of the ways."""
    own = seen = np.arange(SESSIONS)
    now, values, waited, led = writes, [], 0.0, 0
    for turn, pause_ms in enumerate((at.pause_ms, at.gap_ms)):
        follower = asked[0 if keeps == SAME else turn]
        now = now + 1e-3 * pause_ms
        late = np.maximum(there[follower, seen] - now, 0.0)
        if keeps == WAIT:
            now, waited = now + late, waited + float(late.mean())
        value = np.empty(SESSIONS, int)
        for i in range(at.followers):
            here_ = follower == i
            value[here_] = np.searchsorted(there[i], now[here_], side="right") - 1
        if keeps == ASK_LEADER:
            led += int((late > 0).sum())
            value = np.where(late > 0, np.searchsorted(writes, now, side="right") - 1, value)
        values.append(value)
        seen = np.maximum(seen, value)
    lost = sum(int((value < own).sum()) for value in values)
    fell = int((values[1] < values[0]).sum())
    return Kept(
        lost / (2 * SESSIONS),
        fell / SESSIONS,
        1e3 * waited / 2,
        led / (2 * SESSIONS),
    )


def moments(at: Setting) -> np.ndarray:
    """Where the curve is drawn: pauses up to four lags, ms."""
    return np.linspace(0.0, 4 * at.lag_ms, 81)


# --- theory ---------------------------------------------------------------------------------------


def misses(at: Setting, pause_ms: Any) -> np.ndarray:
    """Return the chance that a read so long after a write sees neither it nor a newer one.

    The write is not there with probability ``exp(-t / L)``. Of the newer ones, which come at rate
    r, those that are there already are Poisson with mean ``r (t - L (1 - exp(-t / L)))``.
    """
    t, lag = np.asarray(pause_ms, float), at.lag_ms
    newer = 1e-3 * at.writes_per_s * (t + lag * np.expm1(-t / lag))
    return np.exp(-t / lag - newer)


def goes_back(at: Setting) -> float:
    """Return the chance that the second read, at any follower, is older than the first.

    The first read returns a write of age a. The other follower lacks that write at the second
    read, lacks the newer ones that the first did not have, and those after it; each is a thinned
    Poisson stream. The client's own write is one more, of known age. Integrated over a.
    """
    rate, lag, t, g = 1e-3 * at.writes_per_s, at.lag_ms, at.pause_ms, at.gap_ms

    def arrived(a: np.ndarray | float) -> Any:
        return a + lag * np.expm1(-np.asarray(a) / lag)

    def between(a: np.ndarray | float) -> Any:
        a = np.asarray(a)
        twice = np.exp(-g / lag) * -np.expm1(-2 * a / lag) / 2
        return lag * (-np.expm1(-a / lag) - twice)

    def older(a: np.ndarray | float) -> Any:
        return np.exp(-(np.asarray(a) + g) / lag - rate * (arrived(a) + between(a) + arrived(g)))

    ages = np.linspace(0.0, 40 * lag, 40_001)
    others = np.where(ages > t, np.exp(-(2 * t + g) / lag), 1.0)
    density = rate * -np.expm1(-ages / lag) * older(ages) * others
    total = float(np.trapezoid(density, ages)) + float(-np.expm1(-t / lag) * older(t))
    return total * (1 - 1 / at.followers)


def waits_ms(at: Setting) -> float:
    """Return how long the first read waits for the client's own write: ``misses`` added up."""
    after = np.linspace(at.pause_ms, at.pause_ms + 40 * at.lag_ms, 20_001)
    return float(np.trapezoid(misses(at, after), after))


def theory(at: Setting) -> dict[str, tuple[float, float]]:
    """Return, for each way of reading, the shares of reads without the own write, and backwards."""
    own = float(misses(at, [at.pause_ms, at.pause_ms + at.gap_ms]).mean())
    return {ANY: (own, goes_back(at)), SAME: (own, 0.0), WAIT: (0.0, 0.0), ASK_LEADER: (0.0, 0.0)}


# --- what it says ---------------------------------------------------------------------------------


class Lag(Result):
    """What clients see of their own writes.

    Attributes
    ----------
    each : dict of str to Kept
        For each way of reading.
    missed : numpy.ndarray
        Share of the first reads that miss the own write, at the pauses of `moments`.
    """

    at: Setting
    each: dict[str, Kept]
    missed: np.ndarray

    @property
    def kept(self) -> Kept:
        """What this setting's way of reading gives."""
        return self.each[self.at.keeps]

    @property
    def summary(self) -> dict[str, float | int | str]:
        own, back = theory(self.at)[self.at.keeps]
        return {
            "own_missed_percent": rounded(100 * self.kept.own),
            "own_theory_percent": rounded(100 * own),
            "backwards_percent": rounded(100 * self.kept.back),
            "backwards_theory_percent": rounded(100 * back),
            "waited_ms": rounded(self.kept.waited_ms),
            "leader_percent": rounded(100 * self.kept.led),
        }

    @property
    def reading(self) -> str:
        kept, (own, back) = self.kept, theory(self.at)[self.at.keeps]
        said = (
            f"{percent(kept.own)} of the reads miss the client's own write (theory "
            f"{significant(100 * own)} %), and {percent(kept.back)} of the second reads "
            f"are older than the first (theory {significant(100 * back)} %)."
        )
        if self.at.keeps == WAIT:
            return f"{said} A read waits {duration(round(1e-3 * kept.waited_ms, 6))} for that."
        if self.at.keeps == ASK_LEADER:
            return f"{said} The leader answers {percent(kept.led)} of the reads for that."
        return said

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "read from": list(KEEPS),
            "own write missed (%)": [100 * self.each[k].own for k in KEEPS],
            "theory (%)": [100 * exact[k][0] for k in KEEPS],
            "backwards (%)": [100 * self.each[k].back for k in KEEPS],
            "backwards, theory (%)": [100 * exact[k][1] for k in KEEPS],
            "waited (ms)": [self.each[k].waited_ms for k in KEEPS],
            "by the leader (%)": [100 * self.each[k].led for k in KEEPS],
        }


@style.panels(2, width_ratios=(1, 1.25))
def plot(run: Lag, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw who misses the own write by how soon it is read, and what each way of reading gives."""
    soon, each = axes
    at = run.at
    soon.plot(moments(at), 100 * run.missed, **style.SIMULATION)
    soon.plot(moments(at), 100 * misses(at, moments(at)), **style.THEORY)
    soon.set_xlim(0, 4 * at.lag_ms)
    soon.set_ylim(0, 104)
    if at.pause_ms <= 4 * at.lag_ms:
        here(soon, at.pause_ms)
        dot(soon, at.pause_ms, float(np.interp(at.pause_ms, moments(at), 100 * run.missed)))
    key(soon, [("▬", "sessions", style.BLUE), ("╌", "theory", style.INK)])
    soon.set_title("First reads without the own write (%)")
    soon.set_xlabel("the read comes after (ms)")

    exact, rows = theory(at), np.arange(len(KEEPS))[::-1]
    for shift, color, part, which in ((0.2, style.BLUE, "own", 0), (-0.2, style.ORANGE, "back", 1)):
        shares = [100 * getattr(run.each[k], part) for k in KEEPS]
        bars(each, rows + shift, shares, width=0.34, along="x", facecolor=color)
        marks(each, rows + shift, [100 * exact[k][which] for k in KEEPS], 0.34, along="x")
    if mine is not None:
        row = float(rows[KEEPS.index(at.keeps)])
        yours(each, [100 * float(mine["own"]), 100 * float(mine["back"])], [row + 0.2, row - 0.2])
    each.set_xlim(0, 104)
    each.set_ylim(-0.7, len(KEEPS) - 0.1)
    chosen = [("▸ " if k == at.keeps else "") + k for k in KEEPS]
    named_axis(each, "y", chosen, rows)
    key(each, [("▬", "miss the own write", style.BLUE), ("▬", "go back", style.ORANGE_INK),
               ("|", "theory", style.INK)])  # fmt: skip
    each.set_title("What a session gets (%)")
